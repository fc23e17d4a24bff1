//! Referral codes on a real engine: one number each, and none is spent by what came to nothing.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use domain::appointment::{AppointmentKey, Booker};
use domain::civil::date;
use domain::clinic::{Channel, Clinic, Slot};
use domain::id::{AppointmentId, PatientId};
use domain::profile::HospitalProfile;
use domain::referral::{Referral, ReferralError};
use domain::{Timestamp, time};
use store::Table;
use store::referrals::ReferralFailed;
use store::registration::{HoldError, HoldRequest};

fn now() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

struct World {
    table: Table,
    profile: HospitalProfile,
    clinic: Clinic,
    code: Referral,
}

impl World {
    /// A clinic of two numbers, one of them set apart, and its code.
    async fn open() -> Self {
        let table = kit::table().await;
        let profile: HospitalProfile =
            serde_json::from_str(include_str!("../../../infra/hospital/profile.json")).unwrap();
        let day = date(2026, 11, 25);
        let clinic = kit::clinic("NK", day, 0, profile.booking.release_at(day));
        let reserved = [(Channel::Referral, [2].into())].into();
        let slot =
            Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 2).reserving(&reserved, profile.booking.pooled_at(day));
        assert!(table.put_schedule(&clinic, &[slot], &[]).await.unwrap().is_done());
        let code = Referral {
            code: "abcd2345".parse().unwrap(),
            clinic: clinic.id.clone(),
            patient: None,
            by: "li".into(),
            issued_at: now(),
            expires_at: time::add_minutes(now(), 9_999),
            used_for: None,
            ver: 1,
        };
        let slots = table.clinic(&clinic.id).await.unwrap().unwrap().slots;
        table.issue_referral(&code, &slots, now()).await.unwrap();
        let more = Referral { code: "abcd2346".parse().unwrap(), ..code.clone() };
        let refused = table.issue_referral(&more, &slots, now()).await;
        assert!(matches!(refused, Err(ReferralFailed::Refused(ReferralError::NoneLeft))), "{refused:?}");
        Self { table, profile, clinic, code }
    }

    fn request(&self, n: u8, channel: Channel) -> (HoldRequest, AppointmentKey) {
        let (patient, id) = (PatientId::from_bytes([n; 10]), AppointmentId::from_bytes([n; 10]));
        let key = AppointmentKey { patient: patient.clone(), date: self.clinic.date, id: id.clone() };
        let request = HoldRequest {
            appointment: id,
            booker: Booker::Account("oLin".parse().unwrap()),
            patient,
            patient_name_masked: "林*梅".into(),
            clinic: self.clinic.clone(),
            start: "0900".parse().unwrap(),
            channel,
            rest_min: 0,
            follow_up_of: None,
        };
        (request, key)
    }

    async fn hold(&self, request: &HoldRequest) -> Result<u16, HoldError> {
        self.table.hold(&self.profile, request, now()).await.map(|held| held.place.number)
    }
}

#[tokio::test]
async fn the_number_set_apart_is_for_the_code_and_the_code_for_one_number() {
    let world = World::open().await;
    let (pool, _) = world.request(1, Channel::Wechat);
    assert_eq!(world.hold(&pool).await.unwrap(), 1);
    let (late, _) = world.request(2, Channel::Wechat);
    assert!(matches!(world.hold(&late).await, Err(HoldError::SoldOut)), "set apart");

    let (table, code) = (&world.table, &world.code);
    let (request, key) = world.request(3, Channel::Referral);
    table.use_referral(&code.clinic, &code.code, &key, now()).await.unwrap();
    assert_eq!(world.hold(&request).await.unwrap(), 2);
    table.use_referral(&code.clinic, &code.code, &key, now()).await.unwrap();
    let (_, other) = world.request(4, Channel::Referral);
    let refused = table.use_referral(&code.clinic, &code.code, &other, now()).await;
    assert!(matches!(refused, Err(ReferralFailed::Refused(ReferralError::Used))), "{refused:?}");
}

#[tokio::test]
async fn a_code_noted_for_a_number_that_never_was_is_not_spent() {
    let world = World::open().await;
    let (table, code) = (&world.table, &world.code);
    let ((_, lost), (_, next)) = (world.request(5, Channel::Referral), world.request(6, Channel::Referral));
    table.use_referral(&code.clinic, &code.code, &lost, now()).await.unwrap();
    // The process died before the number was taken.
    table.use_referral(&code.clinic, &code.code, &next, now()).await.unwrap();
    table.free_referral(&code.clinic, &code.code, &lost).await.unwrap();
    let noted = table.referrals(&code.clinic).await.unwrap().remove(0).used_for;
    assert_eq!(noted, Some(next.clone()), "only its own number frees a code");
    table.free_referral(&code.clinic, &code.code, &next).await.unwrap();
    assert_eq!(table.referrals(&code.clinic).await.unwrap().remove(0).used_for, None);
    let unknown = table.use_referral(&code.clinic, &"zzzz9999".parse().unwrap(), &next, now()).await;
    assert!(matches!(unknown, Err(ReferralFailed::Refused(ReferralError::Unknown))), "{unknown:?}");
}
