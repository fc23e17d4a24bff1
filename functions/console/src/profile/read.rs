//! JSON → profile, with the path of what does not fit: one mistake of form per section, so that one round shows them
//! all.

use super::FieldError;
use domain::profile::{HospitalProfile, MenuItem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a profile. Unknown fields are refused, however deep: a misspelt name would otherwise silently be a default.
pub(super) fn profile(json: &[u8]) -> Result<HospitalProfile, Vec<FieldError>> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(json) else {
        return Err(vec![error("", "not_an_object", "应为 JSON 对象")]);
    };
    let mut sections = Sections { fields, errors: Vec::new() };
    let read = read(&mut sections);
    let Sections { fields, mut errors } = sections;
    errors.extend(fields.keys().map(|name| error(name, "field_unknown", "没有这个字段，请检查拼写")));
    read.filter(|_| errors.is_empty()).ok_or(errors)
}

fn read(sections: &mut Sections) -> Option<HospitalProfile> {
    // All sections are read before the first `?`: each has its own mistakes.
    let (name, phone, address) = (sections.needed("name"), sections.needed("phone"), sections.needed("address"));
    let (intro, guide, consent) = (sections.needed("intro"), sections.needed("guide"), sections.needed("consent"));
    let (booking, cancel) = (sections.optional("booking"), sections.optional("cancel"));
    let (credit, money) = (sections.optional("credit"), sections.optional("money"));
    let (numbers, queue) = (sections.optional("numbers"), sections.optional("queue"));
    let (messages, his) = (sections.optional("messages"), sections.optional("his"));
    let (templates, calendar) = (sections.optional("templates"), sections.optional("calendar"));
    let (reports, cards) = (sections.optional("reports"), sections.optional("cards"));
    let (menu, welcome) = (sections.menu(), sections.needed("welcome"));
    let (replies, fallback) = (sections.needed("replies"), sections.needed("fallback"));
    Some(HospitalProfile {
        name: name?,
        phone: phone?,
        address: address?,
        intro: intro?,
        guide: guide?,
        consent: consent?,
        booking: booking?,
        cancel: cancel?,
        credit: credit?,
        money: money?,
        numbers: numbers?,
        queue: queue?,
        messages: messages?,
        reports: reports?,
        cards: cards?,
        his: his?,
        menu: menu?,
        welcome: welcome?,
        replies: replies?,
        fallback: fallback?,
        templates: templates?,
        calendar: calendar?,
    })
}

/// The top-level fields not read yet, and the mistakes found so far.
struct Sections {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Sections {
    fn needed<T: DeserializeOwned + Serialize>(&mut self, name: &'static str) -> Option<T> {
        let Some(value) = self.fields.remove(name) else {
            self.errors.push(error(name, "field_missing", "缺少这个字段"));
            return None;
        };
        self.section(name, &value)
    }

    fn optional<T: DeserializeOwned + Serialize + Default>(&mut self, name: &'static str) -> Option<T> {
        match self.fields.remove(name) {
            Some(value) => self.section(name, &value),
            None => Some(T::default()),
        }
    }

    /// A menu item is flattened: what is below it loses its place unless each item is read by itself.
    fn menu(&mut self) -> Option<Vec<MenuItem>> {
        let buttons = self.fields.get("menu").and_then(Value::as_array).cloned().unwrap_or_default();
        let before = self.errors.len();
        for (place, button) in buttons.iter().enumerate() {
            self.button(&format!("menu[{place}]"), button);
        }
        if self.errors.len() > before {
            self.fields.remove("menu");
            return None;
        }
        self.needed("menu")
    }

    fn button(&mut self, path: &str, button: &Value) {
        let before = self.errors.len();
        let items = button.get("items").and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            self.button(&format!("{path}.items[{place}]"), item);
        }
        // A mistake below is told where it is, not once more from above.
        if self.errors.len() == before {
            self.section::<MenuItem>(path, button);
        }
    }

    fn section<T: DeserializeOwned + Serialize>(&mut self, name: &str, value: &Value) -> Option<T> {
        match serde_path_to_error::deserialize::<_, T>(value) {
            Ok(section) => {
                let understood = serde_json::to_value(&section).unwrap_or_default();
                let before = self.errors.len();
                note_unknown(name, value, &understood, &mut self.errors);
                (self.errors.len() == before).then_some(section)
            }
            Err(wrong) => {
                self.errors.push(in_words(name, &wrong));
                None
            }
        }
    }
}

/// What was sent and is not understood: types with flattened parts drop unknown fields without a word.
fn note_unknown(path: &str, sent: &Value, understood: &Value, errors: &mut Vec<FieldError>) {
    match (sent, understood) {
        (Value::Object(sent), Value::Object(understood)) => {
            for (name, value) in sent {
                let path = format!("{path}.{name}");
                match understood.get(name) {
                    Some(understood) => note_unknown(&path, value, understood, errors),
                    None => errors.push(error(&path, "field_unknown", "没有这个字段，请检查拼写")),
                }
            }
        }
        (Value::Array(sent), Value::Array(understood)) => {
            for (place, (value, understood)) in sent.iter().zip(understood).enumerate() {
                note_unknown(&format!("{path}[{place}]"), value, understood, errors);
            }
        }
        _ => {}
    }
}

/// A mistake of form in words. The reader's own text is English and may quote a value, so only its kind is used.
fn in_words(section: &str, wrong: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let below = wrong.path().to_string();
    let path = match below.as_str() {
        "." | "?" | "" => section.to_owned(),
        index if index.starts_with('[') => format!("{section}{index}"),
        field => format!("{section}.{field}"),
    };
    let reason = wrong.inner().to_string();
    let quoted = reason.split('`').nth(1).unwrap_or_default();
    if reason.starts_with("missing field") {
        return error(&format!("{path}.{quoted}"), "field_missing", "缺少这个字段");
    }
    if reason.starts_with("unknown field") {
        let path = if path.ends_with(&format!(".{quoted}")) { path } else { format!("{path}.{quoted}") };
        return error(&path, "field_unknown", "没有这个字段，请检查拼写");
    }
    if reason.starts_with("invalid type") {
        return error(&path, "field_type", "内容的类型不对");
    }
    error(&path, "field_invalid", "内容无效，请对照说明检查")
}

pub(super) fn error(path: &str, code: &'static str, text: impl Into<String>) -> FieldError {
    FieldError { path: path.to_owned(), code, text: text.into() }
}
