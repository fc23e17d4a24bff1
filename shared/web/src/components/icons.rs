//! A few line icons, inline, so that no request and no font is needed.

use maud::{Markup, Render, html};

/// An icon. Always beside words, so it is hidden from screen readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A house.
    Home,
    /// A calendar with a plus.
    Book,
    /// A ticket.
    Ticket,
    /// A slip with its amount.
    Bill,
    /// A sheet with a course.
    Report,
    /// Two persons.
    People,
    /// A telephone.
    Phone,
    /// A book of advice.
    Guide,
    /// A tick in a circle.
    Success,
    /// An exclamation mark in a circle.
    Failure,
    /// A clock.
    Waiting,
    /// An empty tray.
    Empty,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Home => "M3.5 11 12 4l8.5 7M6 9.5V20h4.5v-5.5h3V20H18V9.5",
            Self::Book => "M4 6h16v14H4zM4 10h16M8 3.5V7M16 3.5V7M12 12.5v5M9.5 15h5",
            Self::Ticket => "M3.5 6.5h17v3.5a2 2 0 0 0 0 4v3.5h-17V14a2 2 0 0 0 0-4zM14 7v2M14 11v2M14 15v2",
            Self::Bill => {
                "M5.5 3.5h13v17l-2.2-1.6-2.1 1.6-2.2-1.6-2.2 1.6-2.1-1.6-2.2 1.6zM9 7.5l3 3.5 3-3.5M12 11v5M9.5 13.5h5"
            }
            Self::Report => "M6 3.5h9l3.5 3.5v13.5h-12.5zM14.5 3.5V7.5h4M8.5 15.5l2.2-3 2.2 2 3-4",
            Self::People => {
                "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-8 13-8 13 0zM15.5 4.3a3.5 3.5 0 0 1 0 6.4M17.5 14.5c2.5.7 4 2.7 4 5.5h-3"
            }
            Self::Phone => {
                "M6 3.5 9 4l1 4-2 1.5c1 2.8 3.7 5.5 6.5 6.5l1.5-2 4 1 .5 3c0 1.5-1 2.5-2.5 2.5C11 20.5 3.5 13 3.5 6 3.5 4.5 4.5 3.5 6 3.5z"
            }
            Self::Guide => "M12 6.5C10 5 7 4.5 4 5v13.5c3-.5 6 0 8 1.5 2-1.5 5-2 8-1.5V5c-3-.5-6 0-8 1.5zM12 6.5V20",
            Self::Success => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.2l3 3 5.5-6",
            Self::Failure => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.5v5.5M12 16.3v.2",
            Self::Waiting => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.2l3.5 2",
            Self::Empty => "M4 13.5 6.5 5h11l2.5 8.5V19H4zM4 13.5h5c.5 3.3 5.5 3.3 6 0h5",
        }
    }
}

impl Render for Icon {
    fn render(&self) -> Markup {
        html! { svg viewBox="0 0 24 24" aria-hidden="true" { path d=(self.path()); } }
    }
}
