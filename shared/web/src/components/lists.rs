//! Lists, cards and facts.

use maud::{Markup, html};

use super::{Icon, Tone, badge};

/// The heading of a page, with a line below it.
pub fn heading(text: &str, below: Option<&str>) -> Markup {
    html! { header.head { h1 { (text) } @if let Some(below) = below { p { (below) } } } }
}

/// A small title above a group of cells.
pub fn title(text: &str) -> Markup {
    html! { h2.title { (text) } }
}

/// One row of a list.
#[derive(Debug, Clone, Default)]
pub struct Cell<'a> {
    /// The main words.
    pub text: &'a str,
    /// A softer line below.
    pub below: Option<&'a str>,
    /// Something short on the right.
    pub side: Option<Markup>,
    /// Where a touch leads; the whole row is the target.
    pub href: Option<&'a str>,
}

/// A list of rows.
pub fn list(cells: &[Cell<'_>]) -> Markup {
    html! {
        ul.cells {
            @for cell in cells {
                li {
                    @let inside = html! {
                        span.main { (cell.text) @if let Some(below) = cell.below { span.soft { (below) } } }
                        @if let Some(side) = &cell.side { span.side { (side) } }
                    };
                    @if let Some(href) = cell.href { a.cell href=(href) { (inside) } }
                    @else { div.cell { (inside) } }
                }
            }
        }
    }
}

/// A large way in, with an icon, for the first page.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The icon.
    pub icon: Icon,
    /// The words.
    pub text: &'a str,
    /// Where it leads.
    pub href: &'a str,
}

/// The ways in, two a row.
pub fn entries(entries: &[Entry<'_>]) -> Markup {
    html! {
        nav.grid aria-label="常用功能" {
            @for entry in entries { a href=(entry.href) { (entry.icon) (entry.text) } }
        }
    }
}

/// A doctor, or a patient of the reader's, as a card.
#[derive(Debug, Clone, Default)]
pub struct Person<'a> {
    /// The name.
    pub name: &'a str,
    /// What stands beside the name: a title, a relation.
    pub role: &'a str,
    /// A softer line below: speciality, a masked number.
    pub below: Option<&'a str>,
    /// Words about the state, with a tone.
    pub tags: &'a [(Tone, &'a str)],
    /// Something short on the right.
    pub side: Option<Markup>,
    /// Where a touch leads.
    pub href: Option<&'a str>,
}

/// A list of persons.
pub fn people(people: &[Person<'_>]) -> Markup {
    html! {
        ul.cells { @for person in people { li { (card(person)) } } }
    }
}

fn card(person: &Person<'_>) -> Markup {
    let initial = person.name.chars().next().map(String::from).unwrap_or_default();
    let inside = html! {
        span.face aria-hidden="true" { (initial) }
        span.main {
            b { (person.name) } " " (person.role)
            @if let Some(below) = person.below { span.soft { (below) } }
            @if !person.tags.is_empty() { (tags(person.tags)) }
        }
        @if let Some(side) = &person.side { span.side { (side) } }
    };
    html! {
        @if let Some(href) = person.href { a.cell href=(href) { (inside) } }
        @else { div.cell { (inside) } }
    }
}

/// Paragraphs to read.
pub fn prose<T: AsRef<str>>(paragraphs: &[T]) -> Markup {
    html! { div.prose { @for paragraph in paragraphs { p { (paragraph.as_ref()) } } } }
}

/// Several short states, wrapping where they must.
pub fn tags(tags: &[(Tone, &str)]) -> Markup {
    html! { span.tags { @for (tone, text) in tags { (badge(*tone, text)) } } }
}

/// Facts: a name and a value per row.
pub fn key_values(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.kv { @for (key, value) in rows { div { dt { (key) } dd { (value) } } } } }
}
