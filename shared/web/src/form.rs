//! Bodies read within bounds, fields parsed into types, and errors put next to what was typed.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use http::header;
use lambda_http::{Body, Request};
use serde_json::Value;

use crate::{
    Response,
    negotiate::Face,
    problem::Problem,
    view::{PageContext, View, respond},
};

/// Largest form, in bytes: the longest real one (registration with a guardian) stays under 2 KiB.
pub const FORM_MAX_BYTES: usize = 16 * 1024;
/// Most values in one form.
pub const FIELDS_MAX: usize = 64;
/// Longest field name, in bytes.
pub const NAME_MAX_BYTES: usize = 64;
/// Longest field value, in bytes.
pub const VALUE_MAX_BYTES: usize = 4096;

/// What was submitted. Holds names and document numbers as typed: `Debug` shows field names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Fields {
    /// Reads an urlencoded or JSON body. JSON is one flat object of texts, numbers, booleans, or lists of these, so
    /// that both faces of a form mean the same.
    pub fn read(request: &Request) -> Result<Self, Problem> {
        let body = bounded_body(request, FORM_MAX_BYTES)?;
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::from_pairs(form_urlencoded::parse(body).map(|(name, value)| (name.into(), value.into())))
        } else if essence.eq_ignore_ascii_case("application/json") {
            Self::from_json(body)
        } else if body.is_empty() {
            Ok(Self::default())
        } else {
            Err(Problem::unsupported_body())
        }
    }

    /// Collects pairs within the bounds.
    pub fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Problem> {
        let mut fields = BTreeMap::<String, Vec<String>>::new();
        for (count, (name, value)) in pairs.enumerate() {
            if count >= FIELDS_MAX || name.len() > NAME_MAX_BYTES || value.len() > VALUE_MAX_BYTES {
                return Err(Problem::body_too_large());
            }
            fields.entry(name).or_default().push(value);
        }
        Ok(Self(fields))
    }

    fn from_json(body: &[u8]) -> Result<Self, Problem> {
        let object: serde_json::Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Problem::bad_request())?;
        let mut pairs = Vec::new();
        for (name, value) in object {
            match value {
                Value::Array(items) => {
                    for item in items {
                        pairs.push((name.clone(), scalar(item)?));
                    }
                }
                Value::Null => {}
                value => pairs.push((name, scalar(value)?)),
            }
        }
        Self::from_pairs(pairs.into_iter())
    }

    /// A field's text without surrounding blanks; nothing when absent or blank.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.first()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Every value of a field that may be given several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Whether a box is ticked.
    pub fn checked(&self, name: &str) -> bool {
        matches!(self.text(name), Some("on" | "1" | "true" | "yes"))
    }
}

/// The bytes of a body of at most `max_bytes`.
pub fn bounded_body(request: &Request, max_bytes: usize) -> Result<&[u8], Problem> {
    let bytes: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if bytes.len() > max_bytes { Err(Problem::body_too_large()) } else { Ok(bytes) }
}

fn scalar(value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Problem::bad_request()),
    }
}

/// A form being read: fields with the errors found so far. Handed to the view when something is wrong, so that the
/// page comes back with everything that was typed and each error beside its field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    fields: Fields,
    errors: BTreeMap<&'static str, Cow<'static, str>>,
}

impl Form {
    /// A submitted form, nothing wrong yet. `Form::default()` is the empty form of a first visit.
    pub fn new(fields: Fields) -> Self {
        Self { fields, errors: BTreeMap::new() }
    }

    /// A field that must be there and parse. The error `parse` returns is shown to the reader, so it is Chinese.
    pub fn required<T, E: Into<Cow<'static, str>>>(
        &mut self,
        name: &'static str,
        missing: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.fields.text(name).is_none() {
            self.reject(name, missing);
        }
        self.optional(name, parse)
    }

    /// A field that may be blank, but must parse when it is not.
    pub fn optional<T, E: Into<Cow<'static, str>>>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.fields.text(name)?) {
            Ok(value) => Some(value),
            Err(text) => {
                self.reject(name, text);
                None
            }
        }
    }

    /// A box that must be ticked.
    pub fn agreed(&mut self, name: &'static str, missing: &'static str) -> bool {
        let checked = self.fields.checked(name);
        if !checked {
            self.reject(name, missing);
        }
        checked
    }

    /// Whether a box is ticked.
    pub fn checked(&self, name: &str) -> bool {
        self.fields.checked(name)
    }

    /// Records an error; the first of a field stays.
    pub fn reject(&mut self, name: &'static str, text: impl Into<Cow<'static, str>>) {
        self.errors.entry(name).or_insert_with(|| text.into());
    }

    /// What was typed, to show it again.
    pub fn value(&self, name: &str) -> &str {
        self.fields.text(name).unwrap_or_default()
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.get(name).map(AsRef::as_ref)
    }

    /// All errors by field.
    pub fn errors(&self) -> &BTreeMap<&'static str, Cow<'static, str>> {
        &self.errors
    }

    /// Whether nothing is wrong.
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The fields.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// Answers a form that is not valid: the page again (`view` holds the form), or `bad_form` as JSON. Both are 422.
pub fn respond_invalid<V: View>(context: &PageContext<'_>, form: &Form, view: &V) -> Response {
    let problem = Problem::bad_form(form);
    match context.request.face() {
        Face::Json => problem.respond(context),
        Face::Page => {
            let mut response = respond(context, view);
            *response.status_mut() = problem.status;
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, body: Body) -> Request {
        http::Request::builder().method("POST").header("content-type", content_type).body(body).unwrap()
    }

    fn read(content_type: &str, body: &str) -> Result<Fields, Problem> {
        Fields::read(&request(content_type, Body::Binary(body.as_bytes().to_vec())))
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn both_faces_of_a_form_mean_the_same() {
        let form = read(FORM, "name=%E5%BC%A0+%E4%B8%89&tag=a&tag=b&agree=on&age=7").unwrap();
        let json = r#"{"name":"张 三","tag":["a","b"],"agree":"on","age":7,"none":null}"#;
        assert_eq!(form, read("application/json; charset=utf-8", json).unwrap());
        assert_eq!(form.text("name"), Some("张 三"));
        assert_eq!(form.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert!(form.checked("agree"));
        assert!(read("application/json", r#"{"agree":true}"#).unwrap().checked("agree"));
    }

    #[test]
    fn nothing_is_unbounded() {
        let codes = |body: &str| read(FORM, body).unwrap_err().code;
        assert_eq!(codes(&"a".repeat(FORM_MAX_BYTES + 1)), "body_too_large");
        assert_eq!(codes(&"a=1&".repeat(FIELDS_MAX + 1)), "body_too_large");
        assert_eq!(codes(&format!("a={}", "x".repeat(VALUE_MAX_BYTES + 1))), "body_too_large");
        assert_eq!(codes(&format!("{}=1", "n".repeat(NAME_MAX_BYTES + 1))), "body_too_large");
        assert!(read(FORM, &"a=1&".repeat(FIELDS_MAX)).is_ok());
        let list = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(FIELDS_MAX));
        assert_eq!(read("application/json", &list).unwrap_err().code, "body_too_large");
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert_eq!(read("application/json", r#"{"a":{"b":1}}"#).unwrap_err().code, "bad_request");
        assert_eq!(read("application/json", r#"{"a":[[1]]}"#).unwrap_err().code, "bad_request");
        assert_eq!(read("application/json", "[]").unwrap_err().code, "bad_request");
        assert_eq!(read("application/json", "{").unwrap_err().code, "bad_request");
        assert_eq!(read("text/plain", "a=1").unwrap_err().code, "unsupported_body");
        assert_eq!(read("", "").unwrap(), Fields::default());
    }

    #[test]
    fn errors_gather_and_input_is_kept() {
        let mut form = Form::new(read(FORM, "phone=12&age=7&name=++").unwrap());
        let parse = |text: &str| text.parse::<u8>().map_err(|_| "不是数字");
        assert_eq!(form.required("age", "请填写年龄", parse), Some(7));
        assert_eq!(form.required("name", "请填写姓名", parse), None);
        assert_eq!(form.optional("phone", |_| Err::<(), _>("手机号应为 11 位数字")), None);
        assert_eq!(form.optional("other", parse), None);
        assert!(!form.agreed("consent", "请阅读并同意"));
        form.reject("name", "第二个错误");
        assert!(!form.is_valid());
        assert_eq!(form.error("name"), Some("请填写姓名"));
        assert_eq!(form.error("phone"), Some("手机号应为 11 位数字"));
        assert_eq!((form.value("phone"), form.value("age"), form.value("name")), ("12", "7", ""));
        assert_eq!(form.errors().len(), 3);
    }

    #[test]
    fn debug_shows_no_value() {
        let form = Form::new(read(FORM, "name=%E5%BC%A0%E4%B8%89&id=1234").unwrap());
        let shown = format!("{form:?}");
        assert!(shown.contains("name") && !shown.contains("张三") && !shown.contains("1234"), "{shown}");
    }
}
