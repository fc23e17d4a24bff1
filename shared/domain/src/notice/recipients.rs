//! Whom a message goes to.

use super::{About, Grade, Manner};
use crate::appointment::Booker;
use crate::event::{Actor, EventKind};
use crate::id::OpenId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A WeChat user.
    Account(OpenId),
    /// The patient's phone on record, by SMS.
    Phone,
}

impl fmt::Display for Recipient {
    /// The text used in ledger keys. No openid has a `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => fmt::Display::fmt(account, f),
            Self::Phone => f.write_str("+phone"),
        }
    }
}

/// An account that acts for the patient, as far as messages are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The account.
    pub account: OpenId,
    /// Whether it wants copies of what others are told.
    pub copies: bool,
    /// Whether it may see results of the patient's.
    pub sees_reports: bool,
}

/// Who may have to be told of a patient's affairs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Audience {
    /// The accounts that act for the patient.
    pub followers: Vec<Follower>,
    /// Whether the patient gets copies by SMS: old, or so wished.
    pub sms_copies: bool,
    /// Whether nobody is to be told anything any more: the patient has died (E70).
    pub silenced: bool,
}

/// One to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// Where the message goes.
    pub to: Recipient,
    /// Whether it is a copy: nobody is called because a copy did not arrive.
    pub is_copy: bool,
}

impl About {
    /// Everybody to be told, who booked or paid first: each once.
    pub fn addressees(&self, manner: Manner, audience: &Audience) -> Vec<Addressee> {
        let mut seen = BTreeSet::new();
        let first = self.first_told(manner, audience).into_iter().map(|to| Addressee { to, is_copy: false });
        let copies = self.copies_to(manner, audience).into_iter().map(|to| Addressee { to, is_copy: true });
        first.chain(copies).filter(|addressee| seen.insert(addressee.to.clone())).collect()
    }

    /// Who booked or paid; for a visit that staff registered everybody who acts for the patient, or else their phone.
    fn first_told(&self, manner: Manner, audience: &Audience) -> Vec<Recipient> {
        let all = || audience.followers.iter().map(|follower| Recipient::Account(follower.account.clone()));
        match self {
            Self::Order(order) => vec![Recipient::Account(order.payer.clone())],
            Self::Waiting(waiting) => vec![Recipient::Account(waiting.account.clone())],
            Self::Credit(told) => told.0.owner.account.iter().cloned().map(Recipient::Account).collect(),
            Self::Appointment(visit) => match &visit.booker {
                Booker::Account(account) => vec![Recipient::Account(account.clone())],
                Booker::Staff(_) if audience.followers.is_empty() => vec![Recipient::Phone],
                Booker::Staff(_) => all().collect(),
            },
            // Nobody is told of what they may not see. A critical value is told to whoever can bring the patient.
            Self::Report(news) => {
                let is_critical = news.filed.bears_out(EventKind::ReportCritical) && manner.grade == Grade::Critical;
                let may_know = audience.followers.iter().filter(|follower| follower.sees_reports || is_critical);
                let told: Vec<_> = may_know.map(|follower| Recipient::Account(follower.account.clone())).collect();
                if told.is_empty() && is_critical { vec![Recipient::Phone] } else { told }
            }
            // Everybody but who has just been linked.
            Self::Person(news) => {
                let is_new = |to: &Recipient| matches!((&news.ev.actor, to), (Actor::Account(new), Recipient::Account(to)) if new == to);
                all().filter(|to| !is_new(to)).collect()
            }
        }
    }

    /// Copies are about visits: what was paid is between the hospital and who paid, a credit record between it and who
    /// booked.
    fn copies_to(&self, manner: Manner, audience: &Audience) -> Vec<Recipient> {
        if !matches!(self, Self::Appointment(_)) {
            return Vec::new();
        }
        let family = audience.followers.iter().filter(|follower| follower.copies);
        let phone = (audience.sms_copies && manner.grade >= Grade::Normal).then_some(Recipient::Phone);
        family.map(|follower| Recipient::Account(follower.account.clone())).chain(phone).collect()
    }
}

/// Whether somebody who cannot be reached in WeChat is to be reached in another way.
pub fn falls_back(manner: Manner, audience: &Audience, is_copy: bool) -> bool {
    let needs_it = match manner.grade {
        Grade::Critical => true,
        Grade::Normal => audience.sms_copies,
        Grade::Low => false,
    };
    needs_it && !is_copy && !audience.silenced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::tests::{at, held};
    use crate::appointment::{Appointment, State};
    use crate::event::ItemEvent;
    use crate::id::PatientId;
    use crate::notice::{NoticeKind, PersonNews};
    use proptest::prelude::*;

    fn visit(booker: Booker) -> About {
        About::Appointment(Box::new(Appointment { booker, state: State::Booked, ..held(at("2026-11-22T04:10:00Z")) }))
    }

    fn account(name: &str) -> OpenId {
        name.parse().unwrap()
    }

    fn told(about: &About, audience: &Audience) -> Vec<(String, bool)> {
        let addressees = about.addressees(about.manner(NoticeKind::TurnSoon), audience);
        addressees.into_iter().map(|one| (one.to.to_string(), one.is_copy)).collect()
    }

    #[test]
    fn who_booked_is_told_and_family_that_wants_to_know() {
        let follower = |name: &str, copies| Follower { account: account(name), copies, sees_reports: true };
        let audience = Audience {
            followers: vec![follower("oLin", true), follower("oSon", true), follower("oAunt", false)],
            sms_copies: true,
            silenced: false,
        };
        let mine = visit(Booker::Account(account("oLin")));
        let all = [("oLin".to_owned(), false), ("oSon".to_owned(), true), ("+phone".to_owned(), true)];
        assert_eq!(told(&mine, &audience), all);
        let staff = visit(Booker::Staff("desk".into()));
        assert_eq!(told(&staff, &audience).iter().filter(|(_, is_copy)| !is_copy).count(), 3);
        assert_eq!(told(&staff, &Audience::default()), [("+phone".to_owned(), false)]);
        let manner = mine.manner(NoticeKind::TurnSoon);
        assert!(falls_back(manner, &audience, false) && !falls_back(manner, &audience, true));
        assert!(!falls_back(manner, &Audience { silenced: true, ..audience }, false));
    }

    #[test]
    fn of_a_further_account_the_earlier_ones_are_told() {
        let followers = ["oLin", "oSon", "oNew"]
            .map(|name| Follower { account: account(name), copies: true, sees_reports: true })
            .into();
        let audience = Audience { followers, sms_copies: true, silenced: false };
        let ev = ItemEvent {
            seq: 2,
            kind: EventKind::PatientLinked,
            actor: Actor::Account(account("oNew")),
            at: at("2026-11-22T04:10:00Z"),
        };
        let patient = PatientId::from_bytes([2; 10]);
        let about = About::Person(Box::new(PersonNews { patient, name_masked: "林*梅".into(), ev }));
        assert!(about.bears_out(NoticeKind::Linked) && !about.bears_out(NoticeKind::Booked));
        let told = about.addressees(about.manner(NoticeKind::Linked), &audience);
        let told: Vec<_> = told.iter().map(|one| (one.to.to_string(), one.is_copy)).collect();
        assert_eq!(told, [("oLin".to_owned(), false), ("oSon".to_owned(), false)]);
    }

    proptest! {
        #[test]
        fn nobody_is_told_twice_and_the_first_is_no_copy(
            names in proptest::collection::vec("o[a-d]", 0..6), copies: bool, sms_copies: bool, by_staff: bool,
        ) {
            let followers = names.iter().map(|name| Follower { account: account(name), copies, sees_reports: true }).collect();
            let audience = Audience { followers, sms_copies, silenced: false };
            let booker = if by_staff { Booker::Staff("desk".into()) } else { Booker::Account(account("oa")) };
            let told = told(&visit(booker), &audience);
            let distinct: BTreeSet<_> = told.iter().map(|(to, _)| to.clone()).collect();
            prop_assert_eq!(distinct.len(), told.len());
            prop_assert!(told.first().is_some_and(|(_, is_copy)| !is_copy));
            prop_assert_eq!(told.iter().filter(|(to, _)| to == "+phone").count() == 1, sms_copies || (by_staff && names.is_empty()));
        }
    }
}
