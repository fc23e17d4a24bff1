//! The minute of the release, scaled down: a crowd at the real handlers, with webhook and payment at work beside it.

use crate::median;
use crate::visit::crowd::{Caller, Crowd, Ending, Size, day, released_at};
use crate::visit::hospital::{Hospital, appointment_key};
use crate::wechat_side::{APP_ID, KEY, NOW_S, TOKEN, message, signed};
use domain::{Timestamp, time};
use futures_util::stream::{self, StreamExt};
use kit::Units;
use lambda_http::http::Request;
use lambda_http::{Body, RequestExt};
use runtime::secrets::{Secret, WechatAccount};
use runtime::{Clock, Desk};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use store::Table;
use wechat::api::AppSecret;
use wechat::callback::{AesKey, Callback, Mode};
use wechat::scene::SceneKey;

/// One famous hospital's first minute had 1,009 numbers and 200,000 requests; this is a twentieth of the callers, each
/// of whom asks two to four times.
const RUSH: Size = Size { people: 10_000, clinics: 101, numbers: 5, instances: 64 };
/// Requests answered at once: the reserved concurrency, scaled to two cores.
const AT_ONCE: usize = 64;
/// The first of the crowd, for whom there is something left.
const FIRST: usize = 6_000;
/// Calls of webhook and payment that are timed.
const PROBES: u16 = 25;
const PAYERS: [&str; 2] = ["lin", "chen"];
const URL: &str = "https://desk.example.com";

pub(crate) async fn report() {
    let engine = kit::engine().await;
    let (crowd, people) = Crowd::gather(&engine, RUSH).await;
    let probe = Probe::open(&engine).await;
    let idle = probe.times(|| true).await;
    crowd.release();
    let (crowd, is_over) = (Arc::new(crowd), Arc::new(AtomicBool::new(false)));
    let rush = {
        let (crowd, is_over) = (crowd.clone(), is_over.clone());
        std::thread::spawn(move || {
            let rush = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let rush = rush.block_on(storm(&crowd, &people));
            is_over.store(true, Ordering::Release);
            rush
        })
    };
    let busy = probe.times(|| !is_over.load(Ordering::Acquire)).await;
    let (first, late) = tokio::task::spawn_blocking(move || rush.join().unwrap()).await.unwrap();
    let (taken, free) = crowd.taken_and_free().await;
    print(&first, &late, (taken, free));
    println!("| beside it, median ms | idle | in the rush | |\n|---|---|---|---|");
    for (name, idle, busy) in
        [("webhook: a message answered", idle.0, busy.0), ("payment sheet and notification", idle.1, busy.1)]
    {
        println!("| {name} | {idle:.1} | {busy:.1} | {:.2}× |", busy / idle);
    }
    println!();
}

/// What a part of the crowd met with.
struct Wave {
    endings: Vec<Ending>,
    units: Units,
    requests: usize,
    spent_s: f64,
    /// When the last number went, and after how many requests.
    sold_out: (f64, usize),
}

impl Wave {
    fn count(&self, wanted: Ending) -> usize {
        self.endings.iter().filter(|ending| **ending == wanted).count()
    }
}

async fn storm(crowd: &Crowd, people: &[Caller]) -> (Wave, Wave) {
    let (first, late) = people.split_at(FIRST);
    let began = Instant::now();
    (wave(crowd, first, began).await, wave(crowd, late, began).await)
}

async fn wave(crowd: &Crowd, people: &[Caller], began: Instant) -> Wave {
    let (started, asked) = (Instant::now(), crowd.requests.load(Ordering::Relaxed));
    crowd.meter.take();
    let last_sold = AtomicU64::new(0);
    let endings = stream::iter(people).map(async |caller| {
        // The hospital's clock goes on.
        let second = i64::try_from(began.elapsed().as_secs()).unwrap();
        crowd.clock.set(time::add_seconds(released_at(day()), second));
        let ending = crowd.visit(caller).await;
        if ending == Ending::Held {
            let requests = crowd.requests.load(Ordering::Relaxed) - asked;
            let at_ms = u64::try_from(began.elapsed().as_millis()).unwrap();
            last_sold.fetch_max(at_ms << 32 | u64::try_from(requests).unwrap(), Ordering::Relaxed);
        }
        ending
    });
    let endings: Vec<Ending> = endings.buffer_unordered(AT_ONCE).collect().await;
    let last_sold = last_sold.into_inner();
    Wave {
        endings,
        units: crowd.meter.take(),
        requests: crowd.requests.load(Ordering::Relaxed) - asked,
        spent_s: started.elapsed().as_secs_f64(),
        sold_out: (seconds(last_sold >> 32), usize::try_from(last_sold & u64::from(u32::MAX)).unwrap()),
    }
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a few minutes in ms")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "some thousands")]
fn each(units: f64, count: usize) -> f64 {
    units / count as f64
}

fn print(first: &Wave, late: &Wave, (taken, free): (usize, usize)) {
    let (numbers, held) = (RUSH.all_numbers(), first.count(Ending::Held) + late.count(Ending::Held));
    assert_eq!((held, taken, free), (numbers, numbers, 0), "every number once");
    println!("### The minute of the release\n");
    println!(
        "{} callers for {numbers} numbers of {} clinics, {AT_ONCE} at a time, at the real handlers in one process on two \
         cores with the table's engine: {} instances of booking, a second of the clock a second. The scale is a twentieth \
         of the callers of a measured minute (200,000 requests for 1,009 numbers), and as fast as two cores go.\n",
        RUSH.people, RUSH.clinics, RUSH.instances
    );
    let per_second = each(1.0, 1) * f64::from(u32::try_from(first.requests + late.requests).unwrap())
        / (first.spent_s + late.spent_s);
    println!("| | |\n|---|---|");
    println!("| requests answered, a second | {}, {per_second:.0} |", first.requests + late.requests);
    println!("| numbers sold, each once | {held} of {numbers} |");
    println!("| the last one after | {:.1} s, {} requests |", first.sold_out.0, first.sold_out.1);
    for (name, ending) in [
        ("had a try and others were faster", Ending::SoldOut),
        ("told when to look again", Ending::HeldBack),
        ("saw that nothing was left", Ending::SoldOutOnPage),
    ] {
        println!("| {name} | {} |", first.count(ending) + late.count(ending));
    }
    println!("| write units a number, with everything the first {FIRST} did | {:.1} |", each(first.units.write, held));
    let (read, write) = (each(late.units.read, late.endings.len()), each(late.units.write, late.endings.len()));
    println!("| units a caller who comes too late | {read:.2} read, {write:.4} write (the boards, built anew) |\n");
}

/// Webhook and payment, each call timed.
struct Probe {
    webhook: webhook::App,
    hospital: Hospital,
    message: AtomicU64,
}

impl Probe {
    async fn open(engine: &str) -> Self {
        let account = WechatAccount {
            app_id: APP_ID.into(),
            app_secret: AppSecret::new("not used here"),
            callback: Callback::new(TOKEN, vec![AesKey::parse(KEY).unwrap()], APP_ID, Mode::Safe).unwrap(),
            scene_key: SceneKey::new([7; 32]),
        };
        let clock = Clock::standing_at(Timestamp::from_second(NOW_S).unwrap());
        let desk = Desk::new(Table::new(kit::client(engine), kit::TABLE), clock, URL);
        let webhook = webhook::App { desk, account: Secret::fixed(account) };
        let mut hospital = Hospital::open_on(engine).await;
        // What is late is to be seen as late, not as a failure.
        for desk in [&mut hospital.booking.desk, &mut hospital.payment.desk, &mut hospital.pay_notify.desk] {
            desk.table = Table::new(kit::client(engine), kit::TABLE);
        }
        Self { webhook, hospital, message: AtomicU64::new(1) }
    }

    /// Median milliseconds of a message and of a payment, while `goes_on`. The first of each warms up.
    async fn times(&self, goes_on: impl Fn() -> bool) -> (f64, f64) {
        let (mut messages, mut payments) = (vec![self.message().await], vec![self.payment().await]);
        for _ in 0..PROBES {
            if !goes_on() {
                break;
            }
            messages.push(self.message().await);
            payments.push(self.payment().await);
        }
        (median(messages.split_off(1)), median(payments.split_off(1)))
    }

    async fn message(&self) -> f64 {
        let id = self.message.fetch_add(1, Ordering::Relaxed);
        let (query, body) = signed(&message("text", "<Content>地址</Content>", id), NOW_S);
        let request = Request::builder().method("POST").uri(format!("{URL}/wechat?{query}"));
        let request = request.body(Body::Binary(body)).unwrap().with_raw_http_path("/wechat");
        let started = Instant::now();
        let answer = webhook::handle(&self.webhook, request).await.unwrap();
        let spent_ms = started.elapsed().as_secs_f64() * 1_000.0;
        assert_eq!(answer.status(), 200);
        spent_ms
    }

    /// The payment sheet opened, and the notification taken; what WeChat does in between is not counted.
    async fn payment(&self) -> f64 {
        let hospital = &self.hospital;
        // In turn: one account must not seem to be a machine.
        let turn = usize::try_from(self.message.load(Ordering::Relaxed)).unwrap() % PAYERS.len();
        let (person, clinic) = (hospital.patient(PAYERS[turn]).await, hospital.clinic(1).await);
        let (status, held) = hospital.hold(&person, &clinic, person.patient.as_str()).await;
        assert_eq!(status, 200, "{held}");
        let started = Instant::now();
        let (status, prepay) = hospital.prepay(&person, &appointment_key(&held)).await;
        let mut spent = started.elapsed();
        assert_eq!(status, 200, "{prepay}");
        let notification = hospital.pay(&person, &prepay).await;
        let started = Instant::now();
        assert_eq!(hospital.notify(&notification).await, 200);
        spent += started.elapsed();
        spent.as_secs_f64() * 1_000.0
    }
}
