//! Buttons and form fields.

use maud::{Markup, Render, html};

use crate::{
    form::Form,
    session::{CSRF_FIELD, CsrfToken, IDEMPOTENCY_FIELD, IdempotencyKey},
    view::PageContext,
};

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The one thing this page is for.
    Primary,
    /// Something else one may do.
    Plain,
    /// Something that takes away.
    Warn,
}

#[derive(Debug, Clone, Copy)]
enum Does<'a> {
    Submit,
    Go(&'a str),
    Post { action: &'a str, csrf: Option<&'a CsrfToken> },
}

/// A button: submits the form around it, leads somewhere, or is a whole small form.
#[derive(Debug, Clone, Copy)]
pub struct Button<'a> {
    text: &'a str,
    look: Look,
    does: Does<'a>,
}

impl<'a> Button<'a> {
    /// Submits the form it stands in.
    pub const fn submit(text: &'a str) -> Self {
        Self { text, look: Look::Primary, does: Does::Submit }
    }

    /// Leads on.
    pub const fn primary_link(text: &'a str, href: &'a str) -> Self {
        Self { text, look: Look::Primary, does: Does::Go(href) }
    }

    /// Leads elsewhere.
    pub const fn plain_link(text: &'a str, href: &'a str) -> Self {
        Self { text, look: Look::Plain, does: Does::Go(href) }
    }

    /// A form of its own with nothing but the forgery token: cancel, unlink, sign out.
    pub const fn post(context: &PageContext<'a>, text: &'a str, action: &'a str, look: Look) -> Self {
        Self { text, look, does: Does::Post { action, csrf: context.csrf } }
    }

    /// The same button with another look.
    #[must_use]
    pub const fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    const fn class(&self) -> &'static str {
        match self.look {
            Look::Primary => "btn",
            Look::Plain => "btn plain",
            Look::Warn => "btn warn",
        }
    }
}

impl Render for Button<'_> {
    fn render(&self) -> Markup {
        let submit = html! { button class=(self.class()) { (self.text) } };
        match self.does {
            Does::Submit => submit,
            Does::Go(href) => html! { a class=(self.class()) href=(href) { (self.text) } },
            Does::Post { action, csrf } => html! {
                form method="post" action=(action) { @if let Some(token) = csrf { (csrf_field(token)) } (submit) }
            },
        }
    }
}

/// The hidden forgery token.
pub fn csrf_field(token: &CsrfToken) -> Markup {
    html! { input type="hidden" name=(CSRF_FIELD) value=(token.as_str()); }
}

/// The hidden idempotency key: sending the same page twice takes effect once.
pub fn idempotency_field(key: &IdempotencyKey) -> Markup {
    html! { input type="hidden" name=(IDEMPOTENCY_FIELD) value=(key.as_str()); }
}

/// The hidden fields a form that changes something begins with.
pub fn form_start_fields(context: &PageContext<'_>, key: &IdempotencyKey) -> Markup {
    html! { @if let Some(token) = context.csrf { (csrf_field(token)) } (idempotency_field(key)) }
}

/// What a field takes; chooses keyboard and autofill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FieldKind {
    /// Ordinary text.
    #[default]
    Text,
    /// A person's name.
    Name,
    /// A mainland mobile number: digit keyboard.
    Mobile,
    /// An identity document: letters occur (X), so a text keyboard without corrections.
    Document,
    /// Whole digits, such as a card number: digit keyboard.
    Digits,
    /// A date, by the system's own picker.
    Date,
    /// Several lines.
    Lines,
    /// What one signs in with.
    Login,
    /// A password one has; never shown again.
    Password,
    /// A password one chooses; never shown again.
    NewPassword,
}

/// One text field.
#[derive(Debug, Clone, Copy, Default)]
pub struct Field<'a> {
    /// The field's name in the form.
    pub name: &'static str,
    /// Its label, always visible.
    pub label: &'a str,
    /// What it takes.
    pub kind: FieldKind,
    /// A line below that helps before anything is wrong.
    pub hint: Option<&'a str>,
    /// Most characters one can type.
    pub max_chars: u16,
}

/// A labelled field with what was typed before and what is wrong with it.
pub fn field(form: &Form, field: &Field<'_>) -> Markup {
    let (kind, mode, autocomplete) = match field.kind {
        FieldKind::Text | FieldKind::Document | FieldKind::Lines => ("text", None, "off"),
        FieldKind::Name => ("text", None, "name"),
        FieldKind::Mobile => ("tel", Some("tel"), "tel"),
        FieldKind::Digits => ("text", Some("numeric"), "off"),
        FieldKind::Date => ("date", None, "bday"),
        FieldKind::Login => ("text", None, "username"),
        FieldKind::Password => ("password", None, "current-password"),
        FieldKind::NewPassword => ("password", None, "new-password"),
    };
    let is_secret = matches!(field.kind, FieldKind::Password | FieldKind::NewPassword);
    let value = if is_secret { "" } else { form.value(field.name) };
    let about = about(form, field.name, field.hint);
    html! {
        div.field {
            label for=(field.name) { (field.label) }
            @if field.kind == FieldKind::Lines {
                textarea #(field.name) name=(field.name) maxlength=(field.max_chars) rows="3"
                    aria-invalid=[about.invalid] aria-describedby=[about.id.as_deref()] { (value) }
            } @else {
                input #(field.name) name=(field.name) type=(kind) inputmode=[mode] autocomplete=(autocomplete)
                    autocapitalize="off" spellcheck="false" maxlength=(field.max_chars) value=(value)
                    aria-invalid=[about.invalid] aria-describedby=[about.id.as_deref()];
            }
            (about.text)
        }
    }
}

/// What stands below a field, and how assistive software finds it.
struct About {
    invalid: Option<&'static str>,
    id: Option<String>,
    text: Markup,
}

fn about(form: &Form, name: &str, hint: Option<&str>) -> About {
    let error = form.error(name);
    let id = (error.is_some() || hint.is_some()).then(|| format!("{name}-about"));
    let text = html! {
        @if let Some(error) = error { p.error id=[id.as_deref()] { (error) } }
        @else if let Some(hint) = hint { small id=[id.as_deref()] { (hint) } }
    };
    About { invalid: error.map(|_| "true"), id, text }
}

/// One of several things to choose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The value sent.
    pub value: &'a str,
    /// The words.
    pub text: &'a str,
    /// A softer line below.
    pub below: Option<&'a str>,
    /// Shown, but not to be chosen; `below` says why.
    pub disabled: bool,
}

/// Choose one, each a row. When nothing was chosen before, the only or first possible one is, so that most readers
/// need not touch it.
pub fn choices(form: &Form, name: &'static str, legend: &str, choices: &[Choice<'_>]) -> Markup {
    let chosen = match form.value(name) {
        "" => choices.iter().find(|choice| !choice.disabled).map_or("", |choice| choice.value),
        value => value,
    };
    html! {
        fieldset {
            legend.title { (legend) }
            @if let Some(error) = form.error(name) { p.error.cell { (error) } }
            div.cells {
                @for choice in choices {
                    label.choice {
                        input type="radio" name=(name) value=(choice.value) required
                            checked[choice.value == chosen && !choice.disabled] disabled[choice.disabled];
                        span.mark aria-hidden="true" {}
                        span.main { (choice.text) @if let Some(below) = choice.below { span.soft { br; (below) } } }
                    }
                }
            }
        }
    }
}

/// Choose one of many, by the system's own picker.
pub fn select(form: &Form, name: &'static str, label: &str, hint: Option<&str>, choices: &[Choice<'_>]) -> Markup {
    let (value, about) = (form.value(name), about(form, name, hint));
    html! {
        div.field {
            label for=(name) { (label) }
            select #(name) name=(name) aria-invalid=[about.invalid] aria-describedby=[about.id.as_deref()] {
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == value] disabled[choice.disabled] {
                        (choice.text)
                    }
                }
            }
            (about.text)
        }
    }
}

/// A search line: a plain GET form, so that a result has an address.
pub fn search(action: &str, name: &'static str, hint: &str, typed: &str) -> Markup {
    html! {
        form.search role="search" action=(action) {
            input type="search" name=(name) value=(typed) placeholder=(hint) aria-label=(hint) maxlength="40"
                enterkeyhint="search";
            button { "搜索" }
        }
    }
}

/// A box to tick, such as consent. Never ticked beforehand.
pub fn tick(form: &Form, name: &'static str, text: &Markup) -> Markup {
    html! {
        div.cells {
            label.choice {
                input type="checkbox" name=(name) checked[form.checked(name)]
                    aria-invalid=[form.error(name).map(|_| "true")];
                span.mark aria-hidden="true" {}
                span.main { (text) @if let Some(error) = form.error(name) { span.error { (error) } } }
            }
        }
    }
}
