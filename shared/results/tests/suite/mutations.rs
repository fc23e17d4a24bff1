//! Every parser over damaged samples: it answers, and what it takes can be written again.
//!
//! `FUZZ_CASES` makes it longer (`make fuzz`).

use crate::damage::run;
use crate::samples;
use proptest::prelude::*;
use results::front_end::Codes;
use results::tree::Node;
use results::{Charset, fhir, front_end, hl7};

fn bytes_of(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    samples::all(folder, ending).into_iter().map(|(_, bytes)| bytes).collect()
}

#[test]
fn hl7_answers() {
    run(bytes_of("hl7v2", "hl7"), |bytes| {
        let Ok(body) = hl7::frame::read(bytes) else { return Ok(()) };
        for message in body.messages.into_iter().flatten() {
            prop_assert_eq!(&hl7::message::Message::read(&message.write()).unwrap(), &message);
            let _ = (hl7::oru::read(&message), hl7::adt::read_person(&message), hl7::adt::read_booking(&message));
            let _ = hl7::adt::read_visit(&message);
            let _ = (hl7::header::Header::read(&message), hl7::siu::read_answer(&message, "17"));
        }
        Ok(())
    });
}

#[test]
fn fhir_answers() {
    run(bytes_of("fhir-r4", "json"), |bytes| {
        let Ok(results) = fhir::read(&String::from_utf8_lossy(bytes)) else { return Ok(()) };
        for report in results.reports {
            prop_assert!(fhir::read(&fhir::write(&report)).is_ok());
        }
        Ok(())
    });
}

#[test]
fn front_ends_answer() {
    run(bytes_of("front-end", "json").into_iter().chain(bytes_of("front-end", "xml")).collect(), |bytes| {
        let _ = front_end::read(bytes, None, &Codes::default());
        Ok(())
    });
}

#[test]
fn answers_to_what_we_say_are_answered() {
    let taken = "MSH|^~\\&|HIS||MENZHEN||20261123||ACK|1|P|2.5.1\rMSA|AA|17\r";
    let refused = "MSH|^~\\&|HIS||MENZHEN||20261123||ACK|1|P|2.5.1\rMSA|AE|17\rERR|||207|E|NUMBER_TAKEN\r";
    let framed = format!("\u{b}{taken}\u{1c}\r");
    run([taken, refused, framed.as_str()].map(|text| text.as_bytes().to_vec()).to_vec(), |bytes| {
        let Ok(body) = hl7::frame::read(bytes) else { return Ok(()) };
        for message in body.messages.into_iter().flatten() {
            if let Ok(answer) = hl7::siu::read_answer(&message, "17") {
                let code = message.named("MSA").next().unwrap().text(1, 1).to_owned();
                prop_assert_eq!(answer == hl7::siu::Answer::Accepted, matches!(code.as_str(), "AA" | "CA"));
            }
        }
        Ok(())
    });
}

/// A resource as FHIR writes it in XML.
fn xml_of(document: &Node) -> String {
    let kind = document.get("resourceType").and_then(Node::as_text).unwrap();
    format!("<{kind} xmlns=\"http://hl7.org/fhir\">{}</{kind}>", fields_of(document))
}

fn fields_of(node: &Node) -> String {
    let Node::Object(fields) = node else { return String::new() };
    let fields = fields.iter().filter(|(name, _)| name != "resourceType");
    let elements = fields.flat_map(|(name, value)| {
        let many = if let Node::List(nodes) = value { nodes.iter().collect() } else { vec![value] };
        many.into_iter().map(move |one| element_of(name, one))
    });
    elements.collect()
}

fn element_of(name: &str, node: &Node) -> String {
    match node {
        _ if name == "div" => node.as_text().unwrap_or_default().to_owned(),
        Node::Object(_) if node.get("resourceType").is_some() => format!("<{name}>{}</{name}>", xml_of(node)),
        Node::Object(_) => format!("<{name}>{}</{name}>", fields_of(node)),
        leaf => {
            let text = leaf.as_text().unwrap_or_default();
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            let text = text.replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;");
            format!("<{name} value=\"{text}\"/>")
        }
    }
}

/// The samples in XML, with what they say in JSON.
fn in_xml() -> Vec<(String, String, String)> {
    let files = samples::all("fhir-r4", "json").into_iter();
    let texts = files.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap()));
    texts.map(|(name, json)| (name, xml_of(&Node::from_json(&json).unwrap()), json)).collect()
}

#[test]
fn every_sample_says_the_same_in_xml() {
    for (name, xml, json) in in_xml() {
        let (xml, json) = (fhir::read(&xml), fhir::read(&json));
        let of = |results: Result<fhir::Results, results::Fault>| -> Vec<_> {
            let reports = results.unwrap_or_else(|fault| panic!("{name}: {fault}")).reports;
            reports
                .into_iter()
                .flat_map(|report| report.items().cloned().collect::<Vec<_>>())
                .map(without_extras)
                .collect()
        };
        assert_eq!(of(xml), of(json), "{name}");
    }
}

/// What no field is made for has other places in a tree of elements.
fn without_extras(mut item: domain::report::Item) -> domain::report::Item {
    item.extras.clear();
    item.components = item.components.into_iter().map(without_extras).collect();
    item.members = item.members.into_iter().map(without_extras).collect();
    item
}

#[test]
fn fhir_in_xml_answers() {
    run(in_xml().into_iter().map(|(_, xml, _)| xml.into_bytes()).collect(), |bytes| {
        let Ok(results) = fhir::read(&String::from_utf8_lossy(bytes)) else { return Ok(()) };
        for report in results.reports {
            prop_assert!(fhir::read(&fhir::write(&report)).is_ok());
        }
        Ok(())
    });
}

#[test]
fn charsets_answer() {
    let texts = samples::all("front-end", "json").into_iter().chain(samples::all("front-end", "xml"));
    let texts = texts.map(|(_, bytes)| String::from_utf8(bytes).unwrap());
    run(texts.map(|text| Charset::Gb18030.encode(&text).unwrap()).collect(), |bytes| {
        let _ = (Charset::detect(bytes), front_end::charset_of(bytes, Some("gb2312")));
        for charset in [Charset::Utf8, Charset::Gb18030, Charset::Latin1] {
            let Ok(text) = charset.decode(bytes) else { continue };
            // What was understood is what would be written.
            let again = charset.encode(&text).map(|bytes| charset.decode(&bytes));
            prop_assert!(matches!(again, Ok(Ok(again)) if again == text));
        }
        let _ = front_end::read(bytes, Some("gb18030"), &Codes::default());
        Ok(())
    });
}
