//! The hospital profile: everything one hospital says or decides differently from another.

use crate::appointment::DAY_BEFORE_AT;
use crate::booking::{BookingPolicy, CancelPolicy};
use crate::calendar::Calendar;
use crate::cards::CardPolicy;
use crate::credit::{CreditPolicy, Judge};
use crate::enrolment::NumberOwner;
use crate::his::HisPolicy;
use crate::money::Fen;
use crate::notice::{NoticeField, NoticeKind, NoticeTemplate, QuietHours};
use crate::queue::QueuePolicy;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The consent a patient gives at registration (PIPL Art. 28-29); a new version asks again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Version, stored with each consent.
    pub version: String,
    /// The text, one paragraph per entry.
    pub paragraphs: Vec<String>,
}

/// What a menu button does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "type")]
pub enum MenuAction {
    /// Opens a page of ours.
    Page {
        /// Path below the public URL, starting with `/`.
        path: String,
    },
    /// Sends an event that the chat answers, by [`Reply::keys`].
    Ask {
        /// The event key.
        key: String,
    },
    /// Opens a list of up to five.
    List {
        /// The entries.
        items: Vec<MenuItem>,
    },
}

/// A menu button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// At most 4 Chinese characters on the bar, 8 in a list.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub action: MenuAction,
}

/// An answer in the chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Menu keys it answers.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Words it answers when a message contains one of them.
    #[serde(default)]
    pub words: Vec<String>,
    /// The text. `{name}` and `{phone}` stand for the hospital's.
    pub text: String,
    /// A page to offer below the text: label and path.
    #[serde(default)]
    pub link: Option<(String, String)>,
}

/// Instructions for the visit: where to go, what to bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuideSection {
    /// Heading.
    pub title: String,
    /// Paragraphs.
    pub paragraphs: Vec<String>,
}

/// What staff and the hospital's own system may do with money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MoneyPolicy {
    /// A refund by staff above this many fen needs a second person (maker and checker).
    pub checker_above_fen: Fen,
    /// Paid bills that the hospital has not booked within this time go back, in minutes (E94: at most 15).
    pub his_within_min: i64,
    /// Time to pay bills once they are chosen, in minutes.
    pub bills_pay_min: i64,
}

impl Default for MoneyPolicy {
    fn default() -> Self {
        Self { checker_above_fen: CHECKER_ABOVE, his_within_min: 15, bills_pay_min: 30 }
    }
}

/// Who gives out numbers, and what is asked of the hospital's own system by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumbersPolicy {
    /// Who gives them out.
    pub owner: NumberOwner,
    /// A paid number that the hospital's own system has not confirmed within this time goes back, in minutes (E94: at most
    /// 15).
    pub confirm_within_min: i64,
    /// How often it is asked for what it knows; none: only what staff import counts.
    pub pull: Option<PullPolicy>,
}

impl Default for NumbersPolicy {
    fn default() -> Self {
        Self { owner: NumberOwner::Menzhen, confirm_within_min: 15, pull: None }
    }
}

/// How often the hospital's own system is asked, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PullPolicy {
    /// Departments and doctors.
    pub catalog_every_min: i64,
    /// Schedules, numbers and changes.
    pub schedules_every_min: i64,
    /// Reports that came while nobody here could take them; none: the hospital has no list of them.
    pub reports_every_min: Option<i64>,
}

impl Default for PullPolicy {
    fn default() -> Self {
        Self { catalog_every_min: 24 * 60, schedules_every_min: 5, reports_every_min: None }
    }
}

/// When and how messages go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessagePolicy {
    /// The hours in which only what is critical goes out.
    pub quiet: QuietHours,
    /// When the reminder of the day before goes out, [`crate::appointment::DAY_BEFORE_AT`] or later; none: never.
    pub day_before: Option<Time>,
    /// From this age, in full years, patients get copies by SMS unless they decline.
    pub sms_age_years: u16,
    /// SMS, if the hospital has a contract for it.
    pub sms: Option<SmsPolicy>,
}

/// People of 70 and more have priority at the desk (domain sheet 2.5) and are told by SMS too.
const SMS_AGE_YEARS: u16 = 70;

impl Default for MessagePolicy {
    fn default() -> Self {
        let (quiet, day_before) = (QuietHours::default(), Some(DAY_BEFORE_AT));
        Self { quiet, day_before, sms_age_years: SMS_AGE_YEARS, sms: None }
    }
}

/// What the SMS service has approved for this hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsPolicy {
    /// The signature in front of every message.
    pub signature: String,
    /// Templates by notice. A kind without one goes on to the staff's call list.
    pub templates: BTreeMap<NoticeKind, SmsTemplate>,
    /// The template of a code: the code, and the minutes it is good. Without one cards are bound at the window only.
    #[serde(default)]
    pub code_template_id: Option<String>,
}

/// An SMS template the service has approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsTemplate {
    /// The service's number of it.
    pub template_id: String,
    /// The values of its variables, in order.
    pub fields: Vec<NoticeField>,
}

/// 100 yuan.
const CHECKER_ABOVE: Fen = Fen::of(10_000);

/// Everything one hospital says or decides differently from another. Kept in the table, changed through the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HospitalProfile {
    /// Name.
    pub name: String,
    /// The telephone shown on every page.
    pub phone: String,
    /// Street address.
    pub address: String,
    /// A few sentences about the hospital.
    pub intro: Vec<String>,
    /// Visit guide.
    pub guide: Vec<GuideSection>,
    /// Consent text.
    pub consent: Consent,
    /// When and how often one may book.
    #[serde(default)]
    pub booking: BookingPolicy,
    /// Until when one may cancel online.
    #[serde(default)]
    pub cancel: CancelPolicy,
    /// What a no-show costs.
    #[serde(default)]
    pub credit: CreditPolicy,
    /// What staff and the hospital's own system may do with money.
    #[serde(default)]
    pub money: MoneyPolicy,
    /// Who gives out numbers.
    #[serde(default)]
    pub numbers: NumbersPolicy,
    /// How people wait and are called.
    #[serde(default)]
    pub queue: QueuePolicy,
    /// Who issues visit cards.
    #[serde(default)]
    pub cards: CardPolicy,
    /// When and how messages go out.
    #[serde(default)]
    pub messages: MessagePolicy,
    /// When which results are shown, and which are sensitive.
    #[serde(default)]
    pub reports: crate::report::Policy,
    /// How the hospital's own system is spoken to.
    #[serde(default)]
    pub his: HisPolicy,
    /// The chat's menu: one to three buttons.
    pub menu: Vec<MenuItem>,
    /// Answer to a new follower. `{name}` and `{phone}` stand for the hospital's.
    pub welcome: String,
    /// Answers to keys and words, first match wins.
    pub replies: Vec<Reply>,
    /// Answer when nothing matches.
    pub fallback: String,
    /// WeChat templates by notice. Template ids change with the account, so they live here and not in code.
    #[serde(default)]
    pub templates: BTreeMap<NoticeKind, NoticeTemplate>,
    /// Public holidays and the weekends worked for them.
    #[serde(default)]
    pub calendar: Calendar,
}

impl HospitalProfile {
    /// Who judges the credit records of people.
    pub fn judge(&self) -> Judge<'_> {
        Judge::new(&self.credit, self.cancel, &self.calendar)
    }

    /// Who judges those of booking accounts; none when they are not judged.
    pub fn account_judge(&self) -> Option<Judge<'_>> {
        Judge::of_accounts(&self.credit, self.cancel, &self.calendar)
    }
}
