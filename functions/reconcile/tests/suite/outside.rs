//! A tick against the stand-in WeChat and the stand-in HIS, which run as their own processes: the real bill, the real
//! file, over the wire.

use domain::civil::Date;
use domain::money::Fen;
use domain::reconciliation::Class;
use domain::reconciliation::day::{Day, DayState, Delay};
use domain::{Timestamp, time};
use kit::StandIn;
use reconcile::{App, Reconciled, handle};
use runtime::secrets::{HisAccount, PayAccount, Secret};
use runtime::{Clock, Desk};
use serde_json::{Value, json};
use std::path::PathBuf;
use store::books::BookEntry;
use wechat::pay::{ApiV3Key, Client, Hosts, Merchant, Notifications, PlatformKey, Timeouts, Verifier};

const PUBLIC_URL: &str = "https://desk.example.com";

fn pay_account(wechat: &StandIn) -> PayAccount {
    let config = wechat.config();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = |value: &Value| std::fs::read_to_string(wechat.state.join(text(value))).unwrap();
    let (mch_id, app_id) = (text(&config["mch_id"]), text(&config["app_id"]));
    let key = file(&config["merchant"]["private_key_file"]);
    let merchant = Merchant::new(&mch_id, &app_id, text(&config["merchant_serial"]), &key).unwrap();
    let (public, certificate) = (&config["platform_public_key"], &config["platform_certificate"]);
    let keys = vec![
        PlatformKey::public_key(text(&public["id"]), &file(&public["public_key_file"])).unwrap(),
        PlatformKey::certificate(&text(&certificate["serial"]), &file(&certificate["certificate_file"])).unwrap(),
    ];
    let hosts = Hosts { primary: wechat.url.clone(), fallback: wechat.url.clone() };
    let client = Client::new(hosts, Timeouts::default(), merchant, Verifier::new(keys).unwrap()).unwrap();
    let v3 = ApiV3Key::parse(&text(&config["api_v3_key"])).unwrap();
    PayAccount { client, notifications: Notifications::new(mch_id, app_id, vec![v3]) }
}

fn his_account(his: &StandIn) -> HisAccount {
    let config = his.config();
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let keys = his::Keys::new(&text("app_id"), &[text("key")]).unwrap();
    HisAccount { client: his::SignedJson::new(&his.url, keys).unwrap() }
}

struct World {
    app: App,
    clock: Clock,
    wechat: StandIn,
    his: StandIn,
    /// The day that is compared: the clock's yesterday.
    day: Date,
    // Last: it goes when the stand-ins that write into it are gone.
    folder: Folder,
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl World {
    /// Eleven in the morning of tomorrow, for everybody.
    async fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("reconcile-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let clock_file = folder.join("clock");
        kit::start_clock(&clock_file, domain::civil::time(11, 0, 0, 0));
        let clock = Clock::moved_by(&clock_file);
        let day = time::add_days(time::today(clock.now()), -1);
        let clock_arguments = ["--clock-file", clock_file.to_str().unwrap()];
        let hospital = ["--menzhen-url", "http://127.0.0.1:9", "--public-url", PUBLIC_URL];
        let hospital = [&clock_arguments[..], &hospital].concat();
        let wechat = StandIn::start("wechat", &folder.join("wechat"), &hospital).await;
        let his = StandIn::start("his", &folder.join("his"), &clock_arguments).await;
        let desk = Desk::new(kit::table().await, clock.clone(), PUBLIC_URL);
        let app = App::new(desk, Secret::fixed(pay_account(&wechat)), Secret::fixed(his_account(&his)));
        Self { app, clock, wechat, his, day, folder: Folder(folder) }
    }

    fn noon(&self) -> Timestamp {
        time::instant(self.day, domain::civil::time(12, 0, 0, 0))
    }

    async fn wechat_has(&self, number: &str, fen: i64) {
        let row = json!({ "out_trade_no": number, "total_fen": fen });
        self.wechat.post("bill", json!({ "day": self.day.to_string(), "add": row })).await;
    }

    async fn his_has(&self, number: &str, yuan: &str) {
        let at = format!("{}T12:00:00+08:00", self.day);
        let row = json!({
            "serial": number, "kind": "PAY", "original_serial": "", "amount": yuan, "at": at, "receipt_no": "R1"
        });
        self.his.post("day-file", json!({ "day": self.day.to_string(), "add": row })).await;
    }

    async fn we_have(&self, number: &str, fen: i64) {
        let (order, amount) = (number.parse().unwrap(), Fen::new(fen).unwrap());
        let entry = BookEntry::payment(order, amount, self.noon(), "4200000001".into(), true);
        self.app.desk.table.book(&entry, self.clock.now()).await.unwrap();
    }

    async fn compared(&self) -> Day {
        self.app.desk.table.reconciliation_day(self.day).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn three_books_over_the_wire_agree_or_not() {
    let world = World::start("books").await;
    for (number, fen, yuan) in [("both0001_01", 2_500, "25.00"), ("cent0001_01", 1_010, "10.11")] {
        world.wechat_has(number, fen).await;
        world.his_has(number, yuan).await;
        world.we_have(number, fen).await;
    }
    world.wechat_has("foreign00001", 9_900).await;
    assert_eq!(handle(&world.app).await, Reconciled { done: 1, failed: 0 });
    let day = world.compared().await;
    assert_eq!(day.state, DayState::Differences);
    let totals = day.summary.unwrap().totals;
    assert_eq!((totals.wechat.payments.count, totals.wechat.payments.total_fen), (3, 13_410));
    assert_eq!((totals.his.payments.count, totals.his.payments.total_fen), (2, 3_511));
    let cases = world.app.desk.table.reconciliation_cases(world.day).await.unwrap();
    let found: Vec<_> = cases.iter().map(|case| (case.difference.class(), case.difference.number.as_str())).collect();
    assert_eq!(found, [(Class::Amount, "cent0001_01"), (Class::OnlyWechat, "foreign00001")]);
    assert_eq!(handle(&world.app).await, Reconciled::default(), "nothing is due any more");
}

#[tokio::test]
async fn a_day_without_trade_is_closed_and_a_hospital_that_is_down_delays_it() {
    let world = World::start("empty").await;
    world.his.post("down", json!({ "on": true })).await;
    assert_eq!(handle(&world.app).await, Reconciled { done: 0, failed: 1 });
    assert_eq!(world.compared().await.delay, Some(Delay::HisUnavailable));
    world.his.post("down", json!({ "on": false })).await;
    assert_eq!(handle(&world.app).await, Reconciled::default(), "not before its time");
    let clock_file = world.folder.0.join("clock");
    let ahead: i64 = std::fs::read_to_string(&clock_file).unwrap().trim().parse().unwrap();
    std::fs::write(&clock_file, format!("{}\n", ahead + 61)).unwrap();
    assert_eq!(handle(&world.app).await, Reconciled { done: 1, failed: 0 });
    assert!(world.compared().await.is_closed());
}

#[tokio::test]
async fn days_without_a_tick_are_made_up_for() {
    let world = World::start("gap").await;
    let table = &world.app.desk.table;
    // Three days ago something ran for the last time.
    table.create_reconciliation_day(time::add_days(world.day, -3)).await.unwrap();
    assert_eq!(handle(&world.app).await, Reconciled { done: 4, failed: 0 });
    for back in 0..=3 {
        let day = table.reconciliation_day(time::add_days(world.day, -back)).await.unwrap().unwrap();
        assert!(matches!(day.state, DayState::BalancedClosed { .. }), "{back} days back: {day:?}");
    }
}
