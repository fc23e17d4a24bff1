//! Page or JSON, and how long an answer may be kept.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The two faces of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// A page for people.
    Page,
    /// The same data for programs.
    Json,
}

/// Chooses the face. JSON only when `Accept` clearly prefers it; anything unclear is a page, because a person who
/// meets JSON is lost and a program that meets a page notices at once.
pub fn face(accept: Option<&str>) -> Face {
    let Some(accept) = accept else { return Face::Page };
    let json = quality(accept, &["application/json"]);
    let page = quality(accept, &["text/html", "application/xhtml+xml"]);
    if json > page { Face::Json } else { Face::Page }
}

/// The highest quality, in thousandths, that `accept` gives to one of `types` by name; wildcards count for neither.
fn quality(accept: &str, types: &[&str]) -> u16 {
    accept.split(',').filter_map(|range| named_quality(range, types)).max().unwrap_or(0)
}

fn named_quality(range: &str, types: &[&str]) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    if !types.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)) {
        return None;
    }
    parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(Some(1000), |text| Some(thousandths(text)))
}

/// `0.85` → 850, without floating point; nonsense is 0.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u16>()) {
        ("1", _) => 1000,
        ("0", Ok(thousandths)) => thousandths,
        _ => 0,
    }
}

/// Who may keep an answer, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// About a person, or the outcome of an action: never stored.
    Personal,
    /// The same for everybody: browsers and the edge may keep it this long, then ask again by `ETag`. For as long again
    /// the edge may answer with the old one while it asks, so that a crowd causes one question. When the origin is down,
    /// an older copy may be shown for a day, because an old timetable beats no page on a weak network.
    Public {
        /// Seconds.
        max_age_s: u32,
    },
}

impl Cache {
    /// The `Cache-Control` value.
    pub fn header(self) -> String {
        match self {
            Self::Personal => "no-store".into(),
            Self::Public { max_age_s } => {
                format!("public, max-age={max_age_s}, stale-while-revalidate={max_age_s}, stale-if-error=86400")
            }
        }
    }
}

/// The strong entity tag of a body.
pub fn etag(body: &[u8]) -> String {
    let hash = digest(&SHA256, body);
    let short = hash.as_ref().get(..12).unwrap_or_default();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(short))
}

/// Whether `If-None-Match` names this tag, so that 304 suffices. Compared weakly, as a proxy that compresses may
/// have weakened the tag.
pub fn unchanged(if_none_match: Option<&str>, etag: &str) -> bool {
    if_none_match.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_unclear_is_a_page() {
        for (accept, wanted) in [
            (None, Face::Page),
            (Some(""), Face::Page),
            (Some("*/*"), Face::Page),
            (Some("application/*"), Face::Page),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Face::Page),
            (Some("text/html, application/json"), Face::Page),
            (Some("application/json;q=0"), Face::Page),
            (Some("application/json;q=zero"), Face::Page),
            (Some("application/json;q=0.5, text/html;q=0.8"), Face::Page),
            (Some("application/json"), Face::Json),
            (Some("Application/JSON; charset=utf-8"), Face::Json),
            (Some("application/json, text/plain, */*"), Face::Json),
            (Some("application/json;q=0.9, text/html;q=0.8"), Face::Json),
        ] {
            assert_eq!(face(accept), wanted, "{accept:?}");
        }
    }

    #[test]
    fn etags_follow_the_body_and_match_weakly() {
        let tag = etag(b"a");
        assert_ne!(tag, etag(b"b"));
        assert!(unchanged(Some(&tag), &tag));
        assert!(unchanged(Some(&format!("\"x\", W/{tag}")), &tag));
        assert!(unchanged(Some("*"), &tag));
        assert!(!unchanged(Some("\"x\""), &tag));
        assert!(!unchanged(None, &tag));
    }
}
