//! The next visit from the consulting room, and referral codes.

use crate::world::{TODAY, World};
use domain::appointment::{AppointmentKey, State};
use domain::clinic::{Channel, Clinic, Period, Slot};
use domain::id::ClinicId;
use domain::money::Fen;
use domain::quota::{Quotas, Reserved};
use domain::time::add_days;

/// The same department's clinic of another day, ten yuan.
fn clinic_in(world: &World, days: i32) -> Clinic {
    let date = add_days(TODAY, days);
    let department = world.clinic.department.clone();
    let id = ClinicId::of(date, Period::Morning, &department, None).unwrap();
    Clinic { id, date, fee: Fen::of(1_000), ..world.clinic.clone() }
}

#[tokio::test]
async fn the_next_visit_is_taken_while_the_patient_is_there_and_free_once() {
    let world = World::open().await;
    let doctor = world.browser("lihua", &[domain::staff::Role::Doctor]).await;
    let (soon, late) = (clinic_in(&world, 1), clinic_in(&world, 6));
    world.add(&soon, &["0900"], 2).await;
    world.add(&late, &["0900"], 2).await;
    let visit = world.book("0900").await;
    let path = format!("/desk/appointments/{}/next", visit.key());
    assert_eq!(world.get(&doctor, &path).await.code(), "not_here", "nobody has come yet");

    let checked =
        world.post(&doctor, &format!("{}/check-in", world.queue_path()), &[("who", &visit.key().to_string())]).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    let next = world.get(&doctor, &path).await;
    let offered: Vec<_> = next.body["options"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", next.text))
        .iter()
        .map(|one| (one["option"].as_str().unwrap().to_owned(), one["free"].as_bool().unwrap()))
        .collect();
    assert_eq!(offered, [(format!("{}@0900", soon.id), true), (format!("{}@0900", late.id), false)]);

    let wish = [("option", offered[0].0.as_str())];
    let slip = world.post_keyed(&doctor, &path, &wish, "the-same-key-0003").await;
    assert_eq!((slip.status, slip.body["state"].as_str(), slip.body["fee"].as_i64()), (200, Some("booked"), Some(0)));
    let again = world.post_keyed(&doctor, &path, &wish, "the-same-key-0003").await;
    assert_eq!(again.body["appointment"], slip.body["appointment"], "sent twice, taken once: {}", again.text);
    let key: AppointmentKey = slip.body["appointment"].as_str().unwrap().parse().unwrap();
    let booked = world.table().appointment(&key).await.unwrap().unwrap();
    assert_eq!((booked.state, booked.history.follow_up_of), (State::Booked, Some(visit.key())));

    let second = world.get(&doctor, &path).await;
    let free = second.body["options"].as_array().unwrap().iter().any(|one| one["free"] == true);
    assert!(!free, "free once: {}", second.text);
    assert!(world.page(&doctor, &path).await.text.contains("预约下次就诊"));
    assert!(world.deeds().await.contains(&"lihua book_next_visit".to_owned()));
}

#[tokio::test]
async fn codes_are_given_out_for_numbers_set_apart_and_no_more() {
    let world = World::open().await;
    let doctor = world.browser("lihua", &[domain::staff::Role::Doctor]).await;
    let clinic = clinic_in(&world, 2);
    let quotas = Quotas { referral: 50, ..Quotas::NONE };
    let reserved: Reserved = quotas.reserve(4);
    assert_eq!(reserved[&Channel::Referral].len(), 2);
    let pooled_at = world.profile().await.booking.pooled_at(clinic.date);
    let slot = Slot::fresh(&clinic, "0900".parse().unwrap(), 1, 4).reserving(&reserved, pooled_at);
    assert!(world.table().put_schedule(&clinic, &[slot], &[]).await.unwrap().is_done());

    let path = format!("/desk/clinics/{}/referrals", clinic.id);
    assert_eq!(world.get(&doctor, &path).await.body["left"], 2);
    let first = world.post_keyed(&doctor, &path, &[], "the-same-key-0004").await;
    let code = first.body["code"].as_str().unwrap_or_else(|| panic!("{}", first.text)).to_owned();
    let repeat = world.post_keyed(&doctor, &path, &[], "the-same-key-0004").await;
    assert_eq!((repeat.body["code"].as_str(), repeat.body["left"].as_u64()), (Some(code.as_str()), Some(1)));
    let patient = world.book("0900").await.patient;
    assert_eq!(world.post(&doctor, &path, &[("patient", patient.as_str())]).await.status, 404, "nobody registered");
    assert_eq!(world.post(&doctor, &path, &[]).await.status, 200);
    let none = world.post(&doctor, &path, &[]).await;
    assert_eq!((none.status, none.code()), (409, "referral_none_left"));
    let page = world.page(&doctor, &path).await;
    assert!(page.text.contains("未使用") && !page.text.contains(&code), "a code is shown once");
    let deeds = world.deeds().await;
    assert!(deeds.contains(&"lihua issue_referral".to_owned()), "{deeds:?}");
    assert!(deeds.iter().all(|deed| !deed.contains(&code)), "{deeds:?}");
}
