//! The minute of the release, in small: nothing before it, every number once, and who comes too late costs no write.
//! `make bench` drives the same crowd in large.

use crate::visit::crowd::{Crowd, Ending, Size};
use futures_util::future::join_all;
use serde_json::Value;

const SMALL: Size = Size { people: 600, clinics: 3, numbers: 5, instances: 8 };

fn count(endings: &[Ending], wanted: Ending) -> usize {
    endings.iter().filter(|ending| **ending == wanted).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_gets_every_number_once_and_the_rest_is_told_cheaply() {
    let (crowd, people) = Crowd::gather(&kit::engine().await, SMALL).await;
    let (early, rest) = people.split_at(20);
    let (rush, late) = rest.split_at(480);

    // A second before (E01), by the server's clock, whatever the page or the caller's clock says.
    assert_eq!(crowd.look("D0").await["clinics"][0]["released_later"], "7:00");
    for caller in early {
        let (_, page) = crowd.open_page(Crowd::browser(caller), &crowd.clinics[0]).await;
        assert_eq!(page["admission"], Value::Null, "nothing to try with before the release: {page}");
    }
    crowd.meter.take();
    for caller in early {
        let answer = crowd.ask((caller, Crowd::browser(caller)), &crowd.clinics[0], 0, &Value::Null).await;
        assert_eq!((answer.0, &answer.1["error"]["code"]), (409, &"not_released".into()), "{}", answer.1);
    }
    assert!(crowd.meter.take().write.total_cmp(&0.0).is_eq(), "too early costs no write");

    crowd.release();
    let endings = join_all(rush.iter().map(|caller| crowd.visit(caller))).await;
    assert_eq!(count(&endings, Ending::Held), SMALL.all_numbers());
    assert_eq!(crowd.taken_and_free().await, (SMALL.all_numbers(), 0));
    let admitted = count(&endings, Ending::Held) + count(&endings, Ending::SoldOut);
    assert_eq!(admitted, SMALL.all_numbers() * 3, "three tries a number");

    // The board has heard of it: from now on nobody writes anything.
    crowd.wait(3);
    for n in 0..SMALL.clinics {
        crowd.look(&format!("D{n}")).await;
    }
    crowd.meter.take();
    let endings = join_all(late.iter().map(|caller| crowd.visit(caller))).await;
    assert_eq!(count(&endings, Ending::SoldOutOnPage), late.len());
    for caller in late {
        let answer = crowd.ask((caller, Crowd::browser(caller)), &crowd.clinics[0], 0, &Value::Null).await;
        assert_eq!((answer.0, &answer.1["error"]["code"]), (409, &"admission_required".into()), "{}", answer.1);
    }
    let units = crowd.meter.take();
    assert!(units.write.total_cmp(&0.0).is_eq(), "too late costs no write: {units:?}");
    let (_, page) = crowd.open_page(Crowd::browser(&late[0]), &crowd.clinics[0]).await;
    assert_eq!(page["next_back"], "7:10", "when unpaid numbers may come back: {page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_for_one_number() {
    // E11.
    let size = Size { people: 1_000, clinics: 1, numbers: 1, instances: 8 };
    let (crowd, people) = Crowd::gather(&kit::engine().await, size).await;
    crowd.release();
    // The second slot's number goes first, so that one is left.
    assert_eq!(crowd.visit(&people[1]).await, Ending::Held);
    let endings = join_all(people.iter().skip(2).map(|caller| crowd.visit(caller))).await;
    assert_eq!(count(&endings, Ending::Held), 1);
    assert_eq!(count(&endings, Ending::SoldOut) + count(&endings, Ending::HeldBack), 997, "all others are told so");
    assert_eq!(crowd.taken_and_free().await, (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_or_accounts_of_one_person_are_one_try() {
    let size = Size { people: 2, clinics: 1, numbers: 5, instances: 4 };
    let (crowd, people) = Crowd::gather(&kit::engine().await, size).await;
    let clinic = &crowd.clinics[0];
    crowd.release();
    let bot = &people[0];
    // Fifty accounts that act for the same person, each with a browser of its own.
    let mut browsers = Vec::new();
    for serial in 0..50_u32 {
        let account: domain::id::OpenId = format!("o-bot-{serial}").parse().unwrap();
        crowd.link(&account, &bot.patient).await;
        browsers.push(crowd.session(1_000 + serial, account).await);
    }
    let mut admissions = Vec::new();
    for browser in &browsers {
        admissions.push(crowd.open_page(browser, clinic).await.1["admission"].clone());
    }
    assert!(admissions.iter().all(Value::is_string));
    crowd.meter.take();
    let asked = browsers.iter().zip(&admissions).map(|(browser, proof)| crowd.ask((bot, browser), clinic, 0, proof));
    let answers = join_all(asked).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1, "one person, one number");
    // What was given to one account is of no use to another.
    let (status, answer) = crowd.ask((bot, &browsers[1]), clinic, 0, &admissions[0]).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &"admission_required".into()));
    // Fifty-one pages were one try: 29 are left for others.
    let other = &people[1];
    let (_, page) = crowd.open_page(Crowd::browser(other), clinic).await;
    assert!(page["admission"].is_string(), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_account_that_asks_without_end_is_told_to_wait() {
    let size = Size { people: 2, clinics: 1, numbers: 5, instances: 4 };
    let (crowd, people) = Crowd::gather(&kit::engine().await, size).await;
    let clinic = &crowd.clinics[0];
    crowd.release();
    let mut answered = 0;
    for _ in 0..400 {
        let (status, answer) = crowd.open_page(Crowd::browser(&people[0]), clinic).await;
        match status {
            200 => answered += 1,
            429 => assert_eq!(answer["error"]["retry_after_s"], 60),
            other => panic!("{other}: {answer}"),
        }
    }
    // Each of the four instances lets the first twenty pass uncounted, the table forty more of them all.
    assert_eq!(answered, 4 * 20 + 40);
    crowd.meter.take();
    let (status, _) = crowd.open_page(Crowd::browser(&people[0]), clinic).await;
    assert_eq!(status, 429);
    assert!(crowd.meter.take().write.total_cmp(&0.0).is_eq(), "once barred, it costs no write");
    assert_eq!(crowd.open_page(Crowd::browser(&people[1]), clinic).await.0, 200, "others do not notice");
    crowd.wait(60);
    assert_eq!(crowd.open_page(Crowd::browser(&people[0]), clinic).await.0, 200);
}
