//! A crowd at the release of numbers: clinics, people with their phones, and several instances of `booking`, all in this
//! process on one engine.

use super::his::nobody;
use super::hospital::{profile, read, signed_in};
use booking::App;
use domain::civil::Date;
use domain::clinic::{Slot, SlotStart};
use domain::id::{ClinicId, OpenId, PatientId};
use domain::{Timestamp, time};
use futures_util::stream::{self, StreamExt};
use kit::Meter;
use lambda_http::http::Request as HttpBuilder;
use runtime::secrets::{HisAccount, Secret};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Table;
use store::account::{Link, Relation};
use store::key::Key;
use store::signin::Session;
use web::session::SessionSecret;

const PUBLIC_URL: &str = "http://127.0.0.1:9000";
/// Two half hours of every clinic have numbers.
const SLOTS: [&str; 2] = ["0900", "0930"];
/// Items written at once while the crowd gathers.
const AT_ONCE: usize = 32;

/// How large a crowd is, and what it comes for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) people: u32,
    pub(crate) clinics: u16,
    /// Numbers of each of a clinic's two slots.
    pub(crate) numbers: u16,
    /// Instances of the function.
    pub(crate) instances: usize,
}

impl Size {
    pub(crate) fn all_numbers(self) -> usize {
        usize::from(self.clinics) * usize::from(self.numbers) * SLOTS.len()
    }
}

/// Somebody with a phone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) number: u32,
    pub(crate) patient: PatientId,
    secret: SessionSecret,
}

/// How it ended for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Has a number.
    Held,
    /// The page had nothing left.
    SoldOutOnPage,
    /// The page said when to look again.
    HeldBack,
    /// Tried, and others were faster.
    SoldOut,
}

pub(crate) struct Crowd {
    pub(crate) size: Size,
    pub(crate) clinics: Vec<ClinicId>,
    pub(crate) clock: Clock,
    /// Everything the function does with the table goes through it.
    pub(crate) meter: Meter,
    /// The table without the meter: to look.
    pub(crate) table: Table,
    pub(crate) requests: AtomicUsize,
    engine: aws_sdk_dynamodb::Client,
    date: Date,
    instances: Vec<App>,
    next: AtomicUsize,
}

/// When the clinics of a day are released.
pub(crate) fn released_at(date: Date) -> Timestamp {
    profile().booking.release_at(date)
}

pub(crate) fn day() -> Date {
    "2026-11-30".parse().unwrap()
}

impl Crowd {
    /// On an engine that has the table, a moment before the release.
    pub(crate) async fn gather(engine: &str, size: Size) -> (Self, Vec<Caller>) {
        let (date, table) = (day(), Table::new(kit::client(engine), kit::TABLE));
        let clock = Clock::standing_at(time::add_seconds(released_at(date), -1));
        table.put_profile(&profile()).await.unwrap();
        let meter = Meter::start(engine).await;
        let mut instances = Vec::new();
        for _ in 0..size.instances {
            let desk = Desk::new(Table::new(kit::client(&meter.url), kit::TABLE), clock.clone(), PUBLIC_URL);
            desk.profile().await.unwrap();
            instances.push(App::new(desk, Secret::fixed(HisAccount { client: nobody() })));
        }
        let (requests, next, engine) = (AtomicUsize::new(0), AtomicUsize::new(0), kit::client(engine));
        let mut crowd =
            Self { size, clinics: Vec::new(), clock, meter, table, requests, engine, date, instances, next };
        crowd.open().await;
        let people = stream::iter(0..size.people).map(|number| crowd.caller(number));
        let people = people.buffered(AT_ONCE).collect().await;
        crowd.meter.take();
        (crowd, people)
    }

    async fn open(&mut self) {
        for n in 0..self.size.clinics {
            let clinic = kit::clinic(&format!("D{n}"), self.date, 2500, released_at(self.date));
            let slot = |(start, first): (&str, u16)| {
                let start: SlotStart = start.parse().unwrap();
                Slot::fresh(&clinic, start, first, self.size.numbers)
            };
            let slots: Vec<Slot> = SLOTS.into_iter().zip([1, 1 + self.size.numbers]).map(slot).collect();
            assert!(self.table.put_schedule(&clinic, &slots, &[]).await.unwrap().is_done());
            let department = json!({
                "id": clinic.department.as_str(), "name": "内科", "parent": null, "location": "1 层", "campus": "本部",
                "intro": "",
            });
            self.table.put_department(&serde_json::from_value(department).unwrap()).await.unwrap();
            self.clinics.push(clinic.id);
        }
    }

    /// A person with an account of their own, signed in.
    async fn caller(&self, number: u32) -> Caller {
        let (patient, account): (_, OpenId) =
            (PatientId::from_bytes(bytes(number)), format!("o-{number:08}").parse().unwrap());
        self.link(&account, &patient).await;
        Caller { number, patient, secret: self.session(number, account).await }
    }

    /// Lets an account act for a patient.
    pub(crate) async fn link(&self, account: &OpenId, patient: &PatientId) {
        let (relation, since) = (Relation::Oneself, self.clock.now());
        let link = Link {
            patient: patient.clone(),
            account: account.clone(),
            relation,
            name_masked: "林*梅".into(),
            copies: false,
            reports: domain::report::FamilyScope::Unsaid,
            since,
            by_merge: false,
            former: false,
        };
        let mut item: store::table::Item = serde_dynamo::to_item(&link).unwrap();
        let key = Key::account_link(account, patient);
        item.insert("pk".into(), aws_sdk_dynamodb::types::AttributeValue::S(key.pk));
        item.insert("sk".into(), aws_sdk_dynamodb::types::AttributeValue::S(key.sk));
        self.engine.put_item().table_name(kit::TABLE).set_item(Some(item)).send().await.unwrap();
    }

    /// A browser of an account.
    pub(crate) async fn session(&self, serial: u32, account: OpenId) -> SessionSecret {
        let mut random = [0; 32];
        random[..4].copy_from_slice(&serial.to_be_bytes());
        let secret = SessionSecret::from_random(random);
        let session = Session { account, expires_at: time::add_minutes(self.clock.now(), 1_000) };
        self.table.put_session(&secret.key(), &session).await.unwrap();
        secret
    }

    /// The gate opens.
    pub(crate) fn release(&self) {
        self.clock.set(released_at(self.date));
    }

    /// Seconds go by.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.set(time::add_seconds(self.clock.now(), seconds));
    }

    async fn answered(&self, request: lambda_http::Request) -> (u16, Value) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.instances.len();
        read(&booking::handle(&self.instances[turn], request).await.unwrap())
    }

    /// The department's page, as anybody sees it.
    pub(crate) async fn look(&self, department: &str) -> Value {
        let path = format!("/booking/{department}?date={}", self.date);
        let request = HttpBuilder::builder().uri(path).header("accept", "application/json");
        let (status, answer) = self.answered(request.body(lambda_http::Body::Empty).unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The clinic's page.
    pub(crate) async fn open_page(&self, secret: &SessionSecret, clinic: &ClinicId) -> (u16, Value) {
        self.answered(signed_in(secret, "GET", &format!("/clinics/{clinic}"), &Value::Null)).await
    }

    /// Asks for a number of the clinic's `slot`.
    pub(crate) async fn ask(
        &self,
        (caller, secret): (&Caller, &SessionSecret),
        clinic: &ClinicId,
        slot: usize,
        admission: &Value,
    ) -> (u16, Value) {
        let body = json!({
            "clinic": clinic.as_str(), "slot": SLOTS[slot % SLOTS.len()], "patient": caller.patient.as_str(),
            "idempotency_key": format!("{:016}", caller.number), "admission": admission,
        });
        self.answered(signed_in(secret, "POST", "/appointments", &body)).await
    }

    /// What a person does who wants a number of any time: department, clinic, one slot, the other one.
    pub(crate) async fn visit(&self, caller: &Caller) -> Ending {
        let turn = usize::try_from(caller.number).unwrap();
        let clinic = &self.clinics[turn % self.clinics.len()];
        self.look(&format!("D{}", turn % self.clinics.len())).await;
        let (status, page) = self.open_page(&caller.secret, clinic).await;
        assert_eq!(status, 200, "{page}");
        if page["look_again"].is_string() {
            return Ending::HeldBack;
        }
        if page["slots"].as_array().unwrap().iter().all(|slot| slot["off"].is_string()) {
            return Ending::SoldOutOnPage;
        }
        for choice in 0..SLOTS.len() {
            let first = turn / self.clinics.len();
            let (status, answer) = self.ask((caller, &caller.secret), clinic, first + choice, &page["admission"]).await;
            match (status, answer["error"]["code"].as_str()) {
                (200, _) => return Ending::Held,
                (409, Some("sold_out")) => {}
                other => panic!("{other:?}: {answer}"),
            }
        }
        Ending::SoldOut
    }

    /// The caller's browser.
    pub(crate) fn browser(caller: &Caller) -> &SessionSecret {
        &caller.secret
    }

    /// Who holds what: numbers taken and free of all clinics. No number is anybody's twice, and none is lost.
    pub(crate) async fn taken_and_free(&self) -> (usize, usize) {
        let (mut taken, mut free, mut people) = (0, 0, BTreeSet::new());
        for clinic in &self.clinics {
            for slot in self.table.clinic(clinic).await.unwrap().unwrap().slots {
                let numbers: BTreeSet<u16> = slot.taken.values().map(|taken| taken.number).collect();
                assert_eq!(numbers.len(), slot.taken.len(), "a number is held twice");
                assert!(numbers.is_disjoint(&slot.free_numbers));
                assert_eq!(numbers.len() + slot.free_numbers.len(), usize::from(self.size.numbers));
                taken += numbers.len();
                free += slot.free_numbers.len();
                people.extend(slot.taken.values().map(|taken| (clinic.clone(), taken.patient.clone())));
            }
        }
        assert_eq!(people.len(), taken, "a person holds two numbers of one clinic");
        (taken, free)
    }
}

fn bytes(n: u32) -> [u8; 10] {
    let mut bytes = [9; 10];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes
}
