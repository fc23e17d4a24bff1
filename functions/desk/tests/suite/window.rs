//! The window: people found and registered, numbers taken and given back.

use crate::world::{TODAY, World, keyring};
use domain::appointment::{AppointmentKey, Booker, CancelledBy, State};
use domain::money::Fen;
use domain::person::{DocumentKind, IdDocument};
use domain::staff::Role;

const NEW: [(&str, &str); 6] = [
    ("by", "new"),
    ("name", "林晓梅"),
    ("document_kind", "01"),
    ("document", "11010519491231002X"),
    ("phone", "19900000001"),
    ("consent", "on"),
];

#[tokio::test]
async fn somebody_without_a_phone_registers_takes_a_number_and_gives_it_back() {
    let world = World::open().await;
    let registrar = world.browser("wang", &[Role::Registrar]).await;
    let new = world.post(&registrar, "/desk/people", &NEW).await;
    assert_eq!(new.status, 200, "{}", new.text);
    assert_eq!((new.body["name"].as_str(), new.body["needs_window"].as_bool()), (Some("林*梅"), Some(false)));
    let patient = new.body["patient"].as_str().unwrap().to_owned();

    let free = world.get(&registrar, &format!("/desk/people/{patient}?department=XNK")).await;
    assert_eq!(
        free.body["clinics"][0]["slots"][0],
        serde_json::json!({"slot": "0900", "band": "9:00-9:30", "free": 5})
    );
    let wish = [("patient", patient.as_str()), ("clinic", world.clinic.id.as_str()), ("slot", "0930")];
    let slip = world.post_keyed(&registrar, "/desk/appointments", &wish, "the-same-key-0002").await;
    assert_eq!((slip.status, slip.body["state"].as_str()), (200, Some("booked")), "{}", slip.text);
    let again = world.post_keyed(&registrar, "/desk/appointments", &wish, "the-same-key-0002").await;
    assert_eq!(again.body["appointment"], slip.body["appointment"], "sent twice, taken once");
    let key: AppointmentKey = slip.body["appointment"].as_str().unwrap().parse().unwrap();
    let booked = world.table().appointment(&key).await.unwrap().unwrap();
    assert_eq!((booked.booker, booked.state), (Booker::Staff("wang".into()), State::Booked));

    let second = world.post(&registrar, "/desk/appointments", &wish).await;
    assert_eq!((second.status, second.code()), (409, "same_clinic"));
    let cancelled =
        world.post(&registrar, &format!("/desk/appointments/{key}/cancel"), &[("reason", "booked_wrongly")]).await;
    assert_eq!(cancelled.body["state"], "cancelled", "{}", cancelled.text);
    let state = world.table().appointment(&key).await.unwrap().unwrap().state;
    assert_eq!(state, State::Cancelled { by: CancelledBy::Window, refund: false });
    let deeds = world.deeds().await;
    for deed in ["register_person", "register_appointment", "cancel_appointment:booked_wrongly"] {
        assert!(deeds.contains(&format!("wang {deed}")), "{deed}: {deeds:?}");
    }
}

#[tokio::test]
async fn a_fee_is_for_the_cash_desk_and_never_for_wechat() {
    let world = World::open().await;
    let registrar = world.browser("wang", &[Role::Registrar]).await;
    let department = "SNK".parse().unwrap();
    let id = domain::id::ClinicId::of(TODAY, world.clinic.period, &department, None).unwrap();
    let dear = domain::clinic::Clinic { id, department, fee: Fen::of(2_500), ..world.clinic.clone() };
    world.add(&dear, &["0930"], 2).await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    let wish = [("patient", lin.as_str()), ("clinic", dear.id.as_str()), ("slot", "0930")];
    let slip = world.post(&registrar, "/desk/appointments", &wish).await;
    assert_eq!((slip.body["state"].as_str(), slip.body["pay_at_window"].as_bool()), (Some("booked"), Some(true)));
    let page = world
        .page(&registrar, &format!("/desk/appointments/{}/slip", slip.body["appointment"].as_str().unwrap()))
        .await;
    assert!(page.text.contains("挂号费 ¥25.00，请到收费窗口缴纳"), "{}", page.text);
}

#[tokio::test]
async fn people_are_found_by_card_or_document_and_registered_once() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    let found = world.post(&nurse, "/desk/people", &[("by", "card"), ("card", "8800000001")]).await;
    assert_eq!(found.body["patient"], lin.as_str());
    let document = [("by", "document"), ("document_kind", "01"), ("document", "11010519491231002x")];
    assert_eq!(world.post(&nurse, "/desk/people", &document).await.body["patient"], lin.as_str());
    assert_eq!(world.post(&nurse, "/desk/people", &NEW).await.body["patient"], lin.as_str(), "known already");
    let page = world.submit(&nurse, "/desk/people", &document).await;
    assert_eq!((page.status, page.header("location")), (303, format!("/desk/people/{lin}").as_str()));

    let mut other = NEW;
    other[1] = ("name", "王小明");
    let differs = world.post(&nurse, "/desk/people", &other).await;
    assert_eq!((differs.status, differs.code()), (409, "name_differs"));
    let none = world.post(&nurse, "/desk/people", &[("by", "card"), ("card", "8800000009")]).await;
    assert_eq!((none.status, none.code()), (404, "nobody_found"));
    let blank = world.post(&nurse, "/desk/people", &[("by", "new")]).await;
    assert_eq!((blank.status, blank.code()), (422, "bad_form"));
    let typed = world.submit(&nurse, "/desk/people", &[("by", "new"), ("name", "林晓梅")]).await;
    assert!(typed.status == 422 && typed.text.contains("value=\"林晓梅\""), "what was typed comes back");
}

#[tokio::test]
async fn a_newer_document_that_is_wrong_comes_back_as_it_was_typed() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    let path = format!("/desk/people/{lin}/document");
    let wrong = [("document_kind", "01"), ("document", "110105194912310021")];
    let asked = world.submit(&nurse, &path, &wrong).await;
    assert_eq!(asked.status, 422, "{}", asked.text);
    for text in ["林*梅", "<details open>", "value=\"110105194912310021\"", "aria-invalid=\"true\""] {
        assert!(asked.text.contains(text), "{text}: {}", asked.text);
    }
    let said = world.post(&nurse, &path, &wrong).await;
    assert_eq!((said.status, said.code()), (422, "bad_form"));
    assert!(said.body["error"]["fields"]["document"].is_string(), "{}", said.text);
}

#[tokio::test]
async fn a_child_comes_with_a_guardian_and_the_window_has_then_seen_the_paper() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let child = [
        ("by", "new"),
        ("name", "李小苗"),
        ("document_kind", "111"),
        ("document", "Q110000001"),
        ("phone", "19900000001"),
        ("consent", "on"),
    ];
    let alone = world.post(&nurse, "/desk/people", &child).await;
    assert!(alone.body["error"]["fields"]["guardian"].is_string(), "{}", alone.text);
    let mut with_guardian = child.to_vec();
    with_guardian.push(("guardian", "on"));
    let registered = world.post(&nurse, "/desk/people", &with_guardian).await;
    assert_eq!(
        (registered.status, registered.body["needs_window"].as_bool()),
        (200, Some(false)),
        "{}",
        registered.text
    );
    let paper = IdDocument::parse(DocumentKind::BirthCertificate, "Q110000001", TODAY).unwrap();
    let known = world.table().patient_by_document(&keyring(), &paper).await.unwrap();
    assert_eq!(known.unwrap().as_str(), registered.body["patient"].as_str().unwrap());
}

#[tokio::test]
async fn what_is_over_or_sold_is_refused_in_words() {
    let world = World::open().await;
    let nurse = world.nurse().await;
    let lin = world.person("林晓梅", "11010519491231002X", "8800000001").await;
    for _ in 0..5 {
        world.book("0930").await;
    }
    let wish = |slot| [("patient", lin.as_str()), ("clinic", world.clinic.id.as_str()), ("slot", slot)];
    assert_eq!(world.post(&nurse, "/desk/appointments", &wish("0930")).await.code(), "sold_out");
    let booked = world.book_for(&lin, &world.clinic, "0900").await;
    world.later(2 * 3600);
    let nurse = world.browser("relief", &[Role::TriageNurse]).await;
    assert_eq!(world.post(&nurse, "/desk/appointments", &wish("0900")).await.code(), "slot_over");
    let late = world.post(&nurse, &format!("/desk/appointments/{}/cancel", booked.key()), &[]).await;
    assert_eq!((late.status, late.code()), (409, "cancel_too_late"));
    assert!(late.text.contains("窗口不能再取消"), "{}", late.text);
}
