//! The narrative of a resource as plain lines. Its markup is never shown.

use quick_xml::events::Event;

/// Elements after which a line ends.
const BLOCKS: [&str; 12] = ["p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br", "table"];

/// The words of an XHTML fragment; one that is not well-formed gives what was read until there.
pub(super) fn plain(xhtml: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(xhtml);
    let mut lines = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Text(words)) => lines.push_str(&words.xml10_content()),
            Ok(Event::GeneralRef(entity)) => match entity.resolve_char_ref() {
                Ok(Some(character)) => lines.push(character),
                _ => lines.push_str(quick_xml::escape::resolve_xml_entity(&entity).unwrap_or(" ")),
            },
            Ok(Event::End(end)) if BLOCKS.contains(&end.local_name().as_ref()) => lines.push('\n'),
            Ok(Event::Empty(empty)) if BLOCKS.contains(&empty.local_name().as_ref()) => lines.push('\n'),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_goes_and_lines_stay() {
        assert_eq!(super::plain("<div><h3>A &amp; B</h3><p>one<br/>two</p><script/></div>"), "A & B\none\ntwo");
        assert_eq!(super::plain("<div>open"), "open");
    }
}
