//! The gate of the rush: who gets to try for a number, and the proof of it that the form carries.
//!
//! A try belongs to an account and a clinic, is signed, and comes from the clinic's page only. It is counted by person,
//! not by session: accounts that act for the same people share one. Only an instance that has not heard yet that a
//! minute's tries are gone asks the table.

use crate::{Action, App, boards};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::admission::{Phase, Try, Turn, tries};
use domain::booking::WindowError;
use domain::clinic::Clinic;
use domain::id::{ClinicId, OpenId};
use domain::{Timestamp, time};
use runtime::Refusal;
use runtime::cached::CachedBy;
use runtime::http::Call;
use runtime::refusal::not_bookable;
use std::sync::Arc;
use store::account::Link;
use store::admission::AdmissionKey;
use web::components::Link as PageLink;
use web::problem::Problem;

/// Field: the signed try.
pub(crate) const ADMISSION: &str = "admission";
/// Clinics an instance remembers at once.
const KEPT_MAX: usize = 1_000;
/// A clinic's key does not change.
const KEY_AGE_MAX_S: i64 = 3_600;
const UNTIL_BYTES: usize = 8;
const MINUTE_S: i64 = 60;

/// What an instance knows of the gate.
#[derive(Debug)]
pub(crate) struct Admission {
    keys: CachedBy<ClinicId, AdmissionKey>,
    /// In which turn a clinic's tries were found gone.
    full: CachedBy<(ClinicId, i64), ()>,
}

impl Default for Admission {
    fn default() -> Self {
        Self { keys: CachedBy::new(KEY_AGE_MAX_S, KEPT_MAX), full: CachedBy::new(domain::admission::TURN_S, KEPT_MAX) }
    }
}

/// Whether a clinic's page carries a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// No rush: everybody may try.
    Open,
    /// In the rush, with a signed try.
    Admitted(String),
    /// In the rush, without: not before this instant.
    Wait(Timestamp),
}

/// What the page of a clinic in its rush gives to these people: `free` numbers are left.
pub(crate) async fn enter(
    app: &App,
    call: &Call<Action>,
    clinic: &ClinicId,
    links: &[Link],
    free: usize,
) -> Result<Entry, Refusal> {
    let turn = Turn::at(call.now);
    let wait = Entry::Wait(turn.next_at());
    // The first by name stands for all of them.
    let (Some(patient), true) = (links.iter().map(|link| &link.patient).min(), free > 0) else { return Ok(wait) };
    let full = (clinic.clone(), turn.number());
    // Who has a try keeps it, also when the page is loaded again after the last one was given out.
    let given = match app.desk.table.try_of(clinic, patient).await?.filter(|had| had.is_worth_having(call.now)) {
        Some(had) => had,
        None if app.admission.full.young(&full, call.now).is_some() => return Ok(wait),
        None => {
            let fresh = AdmissionKey::from_random(app.desk.random.bytes()?);
            let Some(given) = app.desk.table.admit(clinic, patient, tries(free), &fresh, call.now).await? else {
                app.admission.full.put(&full, (), call.now);
                return Ok(wait);
            };
            given
        }
    };
    let key = key_of(app, clinic, call.now).await?;
    Ok(Entry::Admitted(sign(&key, call.account()?, clinic, given)))
}

async fn key_of(app: &App, clinic: &ClinicId, now: Timestamp) -> Result<Arc<AdmissionKey>, Refusal> {
    let load = async || {
        let key = app.desk.table.admission_key(clinic).await?;
        key.ok_or_else(|| Refusal::from(not_admitted(clinic)))
    };
    app.admission.keys.get(clinic, now, load).await
}

/// Lets a request for a number pass: at any other time than the rush, or with a try that is good.
pub(crate) async fn pass(
    app: &App,
    call: &Call<Action>,
    clinic: &ClinicId,
    proof: Option<&str>,
) -> Result<(), Refusal> {
    let seen = boards::clinic(app, clinic, call.now).await?;
    match Phase::of(&seen, call.now) {
        Phase::Quiet => Ok(()),
        Phase::Gathering => Err(not_bookable(WindowError::NotReleased(seen.release_at)).into()),
        Phase::Rush => {
            let proof = proof.ok_or_else(|| not_admitted(clinic))?;
            let key = key_of(app, clinic, call.now).await?;
            let is_good = is_signed(&key, call.account()?, clinic, proof).is_some_and(|given| given.is_good(call.now));
            if is_good { Ok(()) } else { Err(not_admitted(clinic).into()) }
        }
    }
}

/// Whether a clinic's page comes from the board: while people gather, and in the rush.
pub(crate) fn is_crowded(clinic: &Clinic, now: Timestamp) -> bool {
    Phase::of(clinic, now) != Phase::Quiet
}

fn not_admitted(clinic: &ClinicId) -> Problem {
    Problem::conflict("admission_required", "正在放号，请从该门诊页面进入后再提交，页面停留太久也需要重新进入")
        .with_action(PageLink::new("去门诊页面", format!("/clinics/{clinic}")))
}

fn message(account: &OpenId, clinic: &ClinicId, until: [u8; UNTIL_BYTES]) -> Vec<u8> {
    [b"admission\n", clinic.as_str().as_bytes(), b"\n", account.as_str().as_bytes(), b"\n", &until].concat()
}

fn sign(key: &AdmissionKey, account: &OpenId, clinic: &ClinicId, given: Try) -> String {
    let until = given.until.as_second().to_be_bytes();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()), &message(account, clinic, until));
    URL_SAFE_NO_PAD.encode([&until, tag.as_ref()].concat())
}

/// The try a proof stands for, if it is this account's and this clinic's.
fn is_signed(key: &AdmissionKey, account: &OpenId, clinic: &ClinicId, proof: &str) -> Option<Try> {
    let bytes = URL_SAFE_NO_PAD.decode(proof).ok()?;
    let (until, tag) = bytes.split_first_chunk::<UNTIL_BYTES>()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    hmac::verify(&key, &message(account, clinic, *until), tag).ok()?;
    Some(Try { until: Timestamp::from_second(i64::from_be_bytes(*until)).ok()? })
}

/// The full minute at or after an instant: nobody looks again by the second.
pub(crate) fn full_minute(at: Timestamp) -> Timestamp {
    time::add_seconds(at, (-at.as_second()).rem_euclid(MINUTE_S))
}

/// `7:01`, or `7:01:30`: when to look again.
pub(crate) fn clock_text(at: Timestamp) -> String {
    let wall = time::wall_clock(at);
    let seconds = if wall.second() == 0 { String::new() } else { format!(":{:02}", wall.second()) };
    format!("{}:{:02}{seconds}", wall.hour(), wall.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_full_or_the_next() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(full_minute(at("2026-11-22T23:10:00Z")), at("2026-11-22T23:10:00Z"));
        assert_eq!(full_minute(at("2026-11-22T23:10:02Z")), at("2026-11-22T23:11:00Z"));
    }

    fn given() -> Try {
        Try::given("2026-11-22T23:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_try_is_its_accounts_and_its_clinics_and_cannot_be_made() {
        let (key, other) = (AdmissionKey::from_random([1; 32]), AdmissionKey::from_random([2; 32]));
        let (lin, chen): (OpenId, OpenId) = ("oLin".parse().unwrap(), "oChen".parse().unwrap());
        let clinics = ["20261130-am-NK-pool", "20261130-pm-NK-pool"].map(|id| id.parse::<ClinicId>().unwrap());
        let proof = sign(&key, &lin, &clinics[0], given());
        assert_eq!(is_signed(&key, &lin, &clinics[0], &proof), Some(given()));
        assert_eq!(is_signed(&key, &chen, &clinics[0], &proof), None);
        assert_eq!(is_signed(&key, &lin, &clinics[1], &proof), None);
        assert_eq!(is_signed(&other, &lin, &clinics[0], &proof), None);
        let longer = Try { until: time::add_seconds(given().until, 60) };
        let forged = [&longer.until.as_second().to_be_bytes()[..], &URL_SAFE_NO_PAD.decode(&proof).unwrap()[8..]];
        let forged = URL_SAFE_NO_PAD.encode(forged.concat());
        for wrong in [forged.as_str(), "", "AAAA", "不", &proof[..20]] {
            assert_eq!(is_signed(&key, &lin, &clinics[0], wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_as_people_say_them() {
        assert_eq!(clock_text("2026-11-22T23:01:00Z".parse().unwrap()), "7:01");
        assert_eq!(clock_text("2026-11-22T23:01:30Z".parse().unwrap()), "7:01:30");
    }
}
