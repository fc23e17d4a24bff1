//! What the port promises, whatever the format: the adapter against the stand-in HIS, which runs as its own process and
//! shares no code with it.

use super::FORMAT;
use crate::desk::Heard;
use domain::civil::Date;
use domain::his::{CodeEntry, CodeKind, HisAdapter, HisCall, HisOperation, HisPolicy};
use domain::id::{BillNo, CardNo, OutRefundNo, OutTradeNo, PersonSerial};
use domain::money::Fen;
use domain::person::{DocumentKind, IdDocument, PersonName, Phone};
use domain::time::{add_seconds, today};
use domain::{Timestamp, civil};
use his::{
    BillAmount, BillFault, BillKind, BillLine, Call, CardBinding, CardPost, Change, CriticalAlert, DayRowKind,
    FAILURES_IN_A_ROW_MAX, FeesPost, HeardReports, His, HisError, Hospital, Keys, Lines, Mark, OPEN_FOR_S, Paid,
    PersonPost, PersonQuery, QueueKind, RefundCheck, RefundPost, RefundReason, Refusal, Registration, ReportsQuery,
    ToldStage,
};
use kit::StandIn;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CARD: &str = "V20180031";
const DAY_S: i64 = 86_400;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Each format has its own count.
        let format = module_path!().replace("::", "-");
        let name = format!("his-{}-{format}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The desk before a stand-in of its own.
struct Desk {
    his: Hospital,
    stand_in: StandIn,
    now: Timestamp,
    nonces: AtomicU64,
    folder: Folder,
}

impl Desk {
    async fn open() -> Self {
        Self::open_on(Folder::new()).await
    }

    async fn open_on(folder: Folder) -> Self {
        let stand_in = StandIn::start("his", &folder.0, &[]).await;
        let his = client(&stand_in.url, &secret(&folder.0));
        let now = stand_in.get("clock").await["now"].as_str().unwrap().parse().unwrap();
        // Nonces of another life of the same state must not come again.
        let nonces = AtomicU64::new(u64::from(stand_in.process_id()) << 32);
        Self { his, stand_in, now, nonces, folder }
    }

    fn call(&self) -> Call {
        self.call_at(self.now)
    }

    fn call_at(&self, now: Timestamp) -> Call {
        let mut random = [0; 16];
        random[8..].copy_from_slice(&self.nonces.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Call { now, random }
    }

    /// Moves the shared clock and ours.
    fn wait(&mut self, seconds: i64) {
        std::fs::write(self.folder.0.join("clock"), format!("{seconds}\n")).unwrap();
        self.now = add_seconds(self.now, seconds);
    }

    async fn bill(&self, kind: &str, amounts: &[&str]) -> BillNo {
        let items: Vec<_> = amounts.iter().map(|amount| json!({ "name": "项目", "amount": amount })).collect();
        let bill = self.stand_in.post("bills", json!({ "card_no": CARD, "kind": kind, "items": items })).await;
        bill["bill_no"].as_str().unwrap().parse().unwrap()
    }

    fn paid(&self) -> Paid {
        Paid { at: self.now, transaction_id: Some("4200000001".parse().unwrap()) }
    }

    fn post_of(&self, serial: &str, bills: &[(&BillNo, &str)]) -> FeesPost {
        let amount =
            |(bill_no, yuan): &(&BillNo, &str)| BillAmount { bill_no: (*bill_no).clone(), amount: yuan_of(yuan) };
        FeesPost::bills(order(serial), card(), bills.iter().map(amount).collect(), self.paid()).unwrap()
    }

    fn refund_of(&self, serial: &str, original: &str, lines: Lines, yuan: &str) -> RefundPost {
        RefundPost {
            serial: refund(serial),
            original: order(original),
            lines,
            amount: yuan_of(yuan),
            refunded_at: self.now,
            reason: RefundReason::new("患者申请退费").unwrap(),
        }
    }

    /// Why the HIS refuses a post.
    async fn refusal(&self, post: &FeesPost) -> Refusal {
        code(self.his.fees_post(post, self.call()).await)
    }

    async fn refund_refusal(&self, post: &RefundPost) -> Refusal {
        code(self.his.refund_post(post, self.call()).await)
    }

    async fn fault(&self, operation: &str, mut fault: Value) {
        fault["path"] = json!(format!("/his/v1/{operation}"));
        self.stand_in.post("faults", fault).await;
    }

    async fn number_of(&self, book: &str) -> usize {
        self.stand_in.get("books").await[book].as_array().unwrap().len()
    }
}

fn secret(folder: &Path) -> Value {
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    json!({ "app_id": config["app_id"], "keys": [config["key"]] })
}

fn client(url: &str, secret: &Value) -> Hospital {
    hospital(url, secret, Vec::new(), Arc::default())
}

/// The hospital in this format, with codes of its own.
fn hospital(url: &str, secret: &Value, codes: Vec<CodeEntry>, log: Arc<Heard>) -> Hospital {
    let keys: Vec<_> = secret["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
    let keys = Keys::new(secret["app_id"].as_str().unwrap(), &keys).unwrap();
    let policy = HisPolicy { default: FORMAT.0, charset: FORMAT.1, ..HisPolicy::default() };
    Hospital::described(url, keys, (policy, codes), log).unwrap()
}

fn card() -> CardNo {
    CARD.parse().unwrap()
}

fn order(serial: &str) -> OutTradeNo {
    serial.parse().unwrap()
}

fn refund(serial: &str) -> OutRefundNo {
    serial.parse().unwrap()
}

fn yuan_of(text: &str) -> Fen {
    Fen::from_yuan(text).unwrap()
}

fn line(bill_no: &BillNo, item: u8) -> BillLine {
    BillLine { bill_no: bill_no.clone(), item_no: format!("{bill_no}-{item}").parse().unwrap() }
}

fn lines(lines: &[BillLine]) -> Lines {
    Lines::some(lines.to_vec()).unwrap()
}

fn code<T: std::fmt::Debug>(outcome: Result<T, HisError>) -> Refusal {
    match outcome {
        Err(HisError::Refused { code }) => code,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn bills_are_shown_paid_together_and_known_again() {
    let desk = Desk::open().await;
    let lab = desk.bill("lab", &["48.00", "8.50"]).await;
    let drug = desk.bill("drug", &["61.80"]).await;
    let exam = desk.bill("exam", &["30.00"]).await;
    let unpaid = desk.his.fees_unpaid(&card(), desk.call()).await.unwrap();
    let totals: Vec<_> = unpaid.bills.iter().map(|bill| bill.total().to_string()).collect();
    assert_eq!(totals, ["56.50", "61.80", "30.00"]);
    assert_eq!(unpaid.bills[0].kind(), BillKind::Lab);
    assert_eq!(unpaid.bills[0].visit().department.as_str(), "心血管内科");
    assert_eq!(unpaid.bills[0].visit().date, today(desk.now));
    assert_eq!(unpaid.rejected, []);

    let post = desk.post_of("pay1_01", &[(&lab, "56.50"), (&drug, "61.80")]);
    assert_eq!(desk.his.fees_posted(post.serial(), desk.call()).await.unwrap(), None);
    let receipt = desk.his.fees_post(&post, desk.call()).await.unwrap();
    assert_eq!(receipt.places.len(), 2);
    assert_eq!(receipt.places[0].bill_no, lab);
    assert_eq!(receipt.places[0].place.window.as_str(), "3 号窗口");
    assert!(receipt.invoice_url.as_ref().unwrap().as_str().starts_with("https://"));
    assert_eq!(desk.his.fees_post(&post, desk.call()).await.unwrap(), receipt);
    assert_eq!(desk.his.fees_posted(post.serial(), desk.call()).await.unwrap(), Some(receipt));
    assert_eq!(desk.number_of("payments").await, 1);

    let left = desk.his.fees_unpaid(&card(), desk.call()).await.unwrap();
    assert_eq!(left.bills.iter().map(his::Bill::bill_no).collect::<Vec<_>>(), [&exam]);
}

#[tokio::test]
async fn what_cannot_be_booked_is_refused_whole() {
    let desk = Desk::open().await;
    let (good, other) = (desk.bill("lab", &["10.00"]).await, desk.bill("lab", &["20.00"]).await);
    let unknown = "B0".parse().unwrap();
    let of_both = |serial: &str, yuan: &str| desk.post_of(serial, &[(&good, "10.00"), (&other, yuan)]);
    assert_eq!(desk.refusal(&desk.post_of("r_01", &[(&good, "10.00"), (&unknown, "1.00")])).await, Refusal::NoSuchBill);
    assert_eq!(desk.refusal(&of_both("r_02", "20.01")).await, Refusal::BillChanged);
    desk.stand_in.post("change", json!({ "bill_no": other, "item_no": format!("{other}-1"), "amount": "21.00" })).await;
    assert_eq!(desk.refusal(&of_both("r_03", "20.00")).await, Refusal::BillChanged);
    desk.stand_in.post("pay-at-window", json!({ "bill_no": other })).await;
    assert_eq!(desk.refusal(&of_both("r_04", "21.00")).await, Refusal::BillPaid);
    let void = desk.bill("lab", &["5.00"]).await;
    desk.stand_in.post("void", json!({ "bill_no": void })).await;
    assert_eq!(desk.refusal(&desk.post_of("r_05", &[(&void, "5.00")])).await, Refusal::BillVoid);
    let stranger = BillAmount { bill_no: good.clone(), amount: yuan_of("10.00") };
    let stranger = FeesPost::bills(order("r_06"), "V0".parse().unwrap(), vec![stranger], desk.paid()).unwrap();
    assert_eq!(desk.refusal(&stranger).await, Refusal::NoSuchCard);
    assert_eq!(code(desk.his.fees_unpaid(&"V0".parse().unwrap(), desk.call()).await), Refusal::NoSuchCard);
    assert_eq!(desk.number_of("payments").await, 0);

    desk.his.fees_post(&desk.post_of("r_07", &[(&good, "10.00")]), desk.call()).await.unwrap();
    let third = desk.bill("lab", &["10.00"]).await;
    assert_eq!(desk.refusal(&desk.post_of("r_07", &[(&third, "10.00")])).await, Refusal::SerialReused);
    desk.his.fees_post(&desk.post_of("r_08", &[(&third, "10.00")]), desk.call()).await.unwrap();
    let empty = desk.his.fees_unpaid(&card(), desk.call()).await.unwrap();
    assert_eq!((empty.bills.len(), empty.rejected.len()), (0, 0));
}

fn registration() -> Registration {
    Registration {
        appointment: "zzzzzzzzzzzzzzzz".parse().unwrap(),
        clinic: "20261123-am-XNK-D0101".parse().unwrap(),
        number: 7,
        department: "XNK".parse().unwrap(),
        doctor: Some("D0101".parse().unwrap()),
        date: civil::date(2026, 11, 23),
    }
}

#[tokio::test]
async fn a_registration_is_booked_and_given_back_whole() {
    let desk = Desk::open().await;
    let fee = yuan_of("25.00");
    let post = FeesPost::registration(order("g_01"), None, registration(), fee, desk.paid()).unwrap();
    let receipt = desk.his.fees_post(&post, desk.call()).await.unwrap();
    assert_eq!((receipt.places.len(), receipt.invoice_url), (0, None));
    let nothing = Paid { at: desk.now, transaction_id: None };
    let post = FeesPost::registration(order("g_02"), None, registration(), Fen::ZERO, nothing).unwrap();
    desk.his.fees_post(&post, desk.call()).await.unwrap();

    let part = desk.refund_of("g_01_R1", "g_01", Lines::everything(), "24.00");
    assert_eq!(desk.refund_refusal(&part).await, Refusal::Amount);
    let whole = desk.refund_of("g_01_R1", "g_01", Lines::everything(), "25.00");
    desk.his.refund_post(&whole, desk.call()).await.unwrap();
    let again = desk.refund_of("g_01_R2", "g_01", Lines::everything(), "25.00");
    assert_eq!(desk.refund_refusal(&again).await, Refusal::Amount);
    assert_eq!(desk.number_of("refunds").await, 1);
}

#[tokio::test]
async fn items_are_given_back_one_by_one() {
    let desk = Desk::open().await;
    let lab = desk.bill("lab", &["48.00", "8.50", "3.00"]).await;
    let drug = desk.bill("drug", &["61.80"]).await;
    desk.his.fees_post(&desk.post_of("p_01", &[(&lab, "59.50"), (&drug, "61.80")]), desk.call()).await.unwrap();
    desk.stand_in.post("perform", json!({ "bill_no": lab, "item_no": format!("{lab}-1") })).await;

    let check = RefundCheck { original: order("p_01"), lines: Lines::everything() };
    let found = desk.his.refund_check(&check, desk.call()).await.unwrap();
    assert_eq!(found.performed, [line(&lab, 1)]);
    assert_eq!(found.refundable, [line(&lab, 2), line(&lab, 3), line(&drug, 1)]);

    let refused = [
        ("p_01_R1", "p_01", lines(&[line(&lab, 1)]), "48.00", Refusal::Performed),
        ("p_01_R1", "p_01", lines(&[line(&lab, 2)]), "8.51", Refusal::Amount),
        ("p_01_R1", "p_01", lines(&[line(&lab, 9)]), "8.50", Refusal::NoSuchBill),
        ("p_01_R1", "p_00", lines(&[line(&lab, 2)]), "8.50", Refusal::NoSuchSerial),
        ("p_01", "p_01", lines(&[line(&lab, 2)]), "8.50", Refusal::SerialReused),
        ("p_01_R1", "p_01", Lines::everything(), "73.30", Refusal::Performed),
    ];
    for (serial, original, lines, yuan, refusal) in refused {
        let post = desk.refund_of(serial, original, lines, yuan);
        assert_eq!(desk.refund_refusal(&post).await, refusal, "{post:?}");
    }
    assert_eq!(desk.number_of("refunds").await, 0);

    let post = desk.refund_of("p_01_R1", "p_01", lines(&[line(&lab, 2)]), "8.50");
    assert_eq!(desk.his.refund_posted(&post.serial, desk.call()).await.unwrap(), None);
    let refund_no = desk.his.refund_post(&post, desk.call()).await.unwrap();
    assert_eq!(desk.his.refund_post(&post, desk.call()).await.unwrap(), refund_no);
    assert_eq!(desk.his.refund_posted(&post.serial, desk.call()).await.unwrap(), Some(refund_no));
    let changed = desk.refund_of("p_01_R1", "p_01", lines(&[line(&drug, 1)]), "61.80");
    assert_eq!(desk.refund_refusal(&changed).await, Refusal::SerialReused);
    let twice = desk.refund_of("p_01_R2", "p_01", lines(&[line(&lab, 2)]), "8.50");
    assert_eq!(desk.refund_refusal(&twice).await, Refusal::Amount);

    let named = RefundCheck { original: order("p_01"), lines: lines(&[line(&lab, 2), line(&drug, 1)]) };
    let found = desk.his.refund_check(&named, desk.call()).await.unwrap();
    assert_eq!((found.refundable, found.performed), (vec![line(&drug, 1)], vec![]));
    let unknown = RefundCheck { original: order("p_00"), lines: Lines::everything() };
    assert_eq!(code(desk.his.refund_check(&unknown, desk.call()).await), Refusal::NoSuchSerial);
}

#[tokio::test]
async fn everything_left_goes_back_at_once() {
    let desk = Desk::open().await;
    let lab = desk.bill("lab", &["48.00", "8.50"]).await;
    desk.his.fees_post(&desk.post_of("e_01", &[(&lab, "56.50")]), desk.call()).await.unwrap();
    let first = desk.refund_of("e_01_R1", "e_01", lines(&[line(&lab, 2)]), "8.50");
    desk.his.refund_post(&first, desk.call()).await.unwrap();
    let whole = desk.refund_of("e_01_R2", "e_01", Lines::everything(), "56.50");
    assert_eq!(desk.refund_refusal(&whole).await, Refusal::Amount);
    let rest = desk.refund_of("e_01_R2", "e_01", Lines::everything(), "48.00");
    desk.his.refund_post(&rest, desk.call()).await.unwrap();
    assert_eq!(desk.number_of("refunds").await, 2);
}

async fn amounts_of(desk: &Desk, day: Date) -> Vec<(String, String)> {
    let file = desk.his.day_file(day, desk.call()).await.unwrap();
    let row = |row: his::DayRow| match row.kind {
        DayRowKind::Payment { serial } => (serial.to_string(), row.amount.to_string()),
        DayRowKind::Refund { serial, original } => (format!("{serial} of {original}"), row.amount.to_string()),
    };
    let rows: Vec<_> = file.rows().map(|read| row(read.unwrap())).collect();
    assert_eq!(file.rows().count(), rows.len());
    rows
}

fn texts(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|&(serial, yuan)| (serial.to_owned(), yuan.to_owned())).collect()
}

#[tokio::test]
async fn a_day_is_told_when_it_is_over() {
    let mut desk = Desk::open().await;
    let day = today(desk.now);
    let lab = desk.bill("lab", &["48.00", "8.50"]).await;
    desk.his.fees_post(&desk.post_of("d_01", &[(&lab, "56.50")]), desk.call()).await.unwrap();
    let back = desk.refund_of("d_01_R1", "d_01", lines(&[line(&lab, 2)]), "8.50");
    desk.his.refund_post(&back, desk.call()).await.unwrap();
    assert_eq!(code(desk.his.day_file(day, desk.call()).await), Refusal::DayOpen);

    desk.wait(DAY_S);
    let whole = texts(&[("d_01", "56.50"), ("d_01_R1 of d_01", "8.50")]);
    assert_eq!(amounts_of(&desk, day).await, whole);
    assert_eq!(amounts_of(&desk, day.yesterday().unwrap()).await, []);

    desk.stand_in.post("day-file", json!({ "day": day, "drop": "d_01_R1" })).await;
    desk.stand_in.post("day-file", json!({ "day": day, "alter": "d_01", "amount": "56.51" })).await;
    let row = json!({
        "serial": "d_09", "kind": "PAY", "original_serial": "", "amount": "1.00",
        "at": format!("{day}T23:59:59+08:00"), "receipt_no": "R9",
    });
    desk.stand_in.post("day-file", json!({ "day": day, "add": row })).await;
    assert_eq!(amounts_of(&desk, day).await, texts(&[("d_01", "56.51"), ("d_09", "1.00")]));
    desk.stand_in.post("day-file", json!({ "day": day, "clear": true })).await;
    assert_eq!(amounts_of(&desk, day).await, whole);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_serial() {
    let desk = Desk::open().await;
    for (number, kind, is_booked) in [("1", "fail_before", false), ("2", "fail_after", true), ("3", "forged", true)] {
        let bill = desk.bill("lab", &["10.00"]).await;
        let post = desk.post_of(&format!("l_0{number}"), &[(&bill, "10.00")]);
        desk.fault("fees-post", json!({ "kind": kind })).await;
        let error = desk.his.fees_post(&post, desk.call()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{kind}: {error}");
        assert_eq!(error == HisError::Forged, kind == "forged");
        let posted = desk.his.fees_posted(post.serial(), desk.call()).await.unwrap();
        assert_eq!(posted.is_some(), is_booked, "{kind}");

        let back = desk.refund_of(&format!("l_0{number}_R1"), &format!("l_0{number}"), Lines::everything(), "10.00");
        if !is_booked {
            desk.his.fees_post(&post, desk.call()).await.unwrap();
        }
        desk.fault("refund-post", json!({ "kind": kind })).await;
        assert!(desk.his.refund_post(&back, desk.call()).await.unwrap_err().is_outcome_unknown());
        assert_eq!(desk.his.refund_posted(&back.serial, desk.call()).await.unwrap().is_some(), is_booked);
    }
}

#[tokio::test]
async fn a_silent_his_is_not_waited_for() {
    let (early, late) = tokio::join!(Desk::open(), Desk::open());
    let (card, unknown) = (card(), order("s_00"));
    early.fault("fees-unpaid", json!({ "kind": "timeout_before" })).await;
    early.fault("fees-posted", json!({ "kind": "slow", "ms": 300 })).await;
    let (read, slow, before, after) = tokio::join!(
        early.his.fees_unpaid(&card, early.call()),
        early.his.fees_posted(&unknown, early.call()),
        post_into_silence(&early, "timeout_before"),
        post_into_silence(&late, "timeout_after"),
    );
    assert_eq!(read, Err(HisError::UnknownOutcome));
    assert_eq!(slow, Ok(None));
    assert_eq!((before, after), (None, Some(order("s_01"))));
}

/// The serial that the HIS knows after a post it did not answer.
async fn post_into_silence(desk: &Desk, kind: &str) -> Option<OutTradeNo> {
    let bill = desk.bill("lab", &["10.00"]).await;
    let post = desk.post_of("s_01", &[(&bill, "10.00")]);
    desk.fault("fees-post", json!({ "kind": kind })).await;
    assert_eq!(desk.his.fees_post(&post, desk.call()).await, Err(HisError::UnknownOutcome));
    let posted = desk.his.fees_posted(post.serial(), desk.call()).await.unwrap();
    posted.map(|_| post.serial().clone())
}

#[tokio::test]
async fn a_wrong_answer_is_not_believed() {
    let desk = Desk::open().await;
    let (wrong, right) = (desk.bill("lab", &["10.00"]).await, desk.bill("drug", &["20.00"]).await);
    desk.fault("fees-unpaid", json!({ "kind": "wrong_total" })).await;
    let unpaid = desk.his.fees_unpaid(&card(), desk.call()).await.unwrap();
    assert_eq!(unpaid.bills.iter().map(his::Bill::bill_no).collect::<Vec<_>>(), [&right]);
    assert_eq!((unpaid.rejected[0].bill_no.as_ref(), unpaid.rejected[0].fault), (Some(&wrong), BillFault::Total));

    desk.fault("fees-unpaid", json!({ "kind": "forged" })).await;
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::Forged));
    desk.fault("fees-unpaid", json!({ "kind": "refuse", "error": "BUSY" })).await;
    assert_eq!(code(desk.his.fees_unpaid(&card(), desk.call()).await), Refusal::Other("BUSY".into()));
    desk.fault("fees-unpaid", json!({ "kind": "refuse", "error": "周建国欠费" })).await;
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::Unreadable));

    let long = json!({ "name": "检".repeat(100), "spec": "验".repeat(100), "amount": "1.00" });
    let many: Vec<_> = std::iter::repeat_n(long, 500).collect();
    for _ in 0..6 {
        desk.stand_in.post("bills", json!({ "card_no": CARD, "items": many })).await;
    }
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::TooLarge));
}

#[tokio::test]
async fn a_his_that_is_down_is_left_alone_for_a_while() {
    let desk = Desk::open().await;
    desk.bill("lab", &["10.00"]).await;
    desk.stand_in.post("down", json!({ "on": true })).await;
    for _ in 0..FAILURES_IN_A_ROW_MAX {
        assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::UnknownOutcome));
    }
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::Unavailable));
    let calls = desk.stand_in.get("calls").await["calls"].as_array().unwrap().len();
    assert_eq!(u32::try_from(calls).unwrap(), FAILURES_IN_A_ROW_MAX);
    desk.stand_in.post("down", json!({ "on": false })).await;
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await, Err(HisError::Unavailable));
    let later = desk.call_at(add_seconds(desk.now, OPEN_FOR_S));
    assert_eq!(desk.his.fees_unpaid(&card(), later).await.unwrap().bills.len(), 1);
    assert_eq!(desk.his.fees_unpaid(&card(), desk.call()).await.unwrap().bills.len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens() {
    let desk = Desk::open().await;
    let nobody = client("http://127.0.0.1:9", &secret(&desk.folder.0));
    assert_eq!(nobody.fees_unpaid(&card(), desk.call()).await, Err(HisError::Unavailable));
}

#[tokio::test]
async fn a_call_is_fresh_ours_and_made_once() {
    let desk = Desk::open().await;
    let unauthorized = |code: &str| Err(HisError::Unauthorized { code: Refusal::Other(code.into()) });
    let serial = order("c_01");
    for (skew_s, is_taken) in [(-290, true), (290, true), (-310, false), (310, false)] {
        let outcome = desk.his.fees_posted(&serial, desk.call_at(add_seconds(desk.now, skew_s))).await;
        assert_eq!(outcome, if is_taken { Ok(None) } else { unauthorized("TIMESTAMP") }, "{skew_s}");
    }
    let call = desk.call();
    assert_eq!(desk.his.fees_posted(&serial, call).await, Ok(None));
    assert_eq!(desk.his.fees_posted(&serial, call).await, unauthorized("NONCE_USED"));
    let mut foreign = secret(&desk.folder.0);
    foreign["keys"] = json!(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]);
    let foreign = client(&desk.stand_in.url, &foreign);
    assert_eq!(foreign.fees_posted(&serial, desk.call()).await, Err(HisError::Forged));
    let mut stranger = secret(&desk.folder.0);
    stranger["app_id"] = json!("stranger");
    assert_eq!(client(&desk.stand_in.url, &stranger).fees_posted(&serial, desk.call()).await, Err(HisError::Forged));
}

#[tokio::test]
async fn a_key_rolls_over_without_a_gap() {
    let desk = Desk::open().await;
    let serial = order("k_01");
    let rolled = desk.stand_in.post("keys", json!({ "roll": true })).await;
    assert_eq!(rolled["keys"].as_array().unwrap().len(), 2);
    let new = client(&desk.stand_in.url, &rolled);
    assert_eq!(desk.his.fees_posted(&serial, desk.call()).await, Ok(None));
    assert_eq!(new.fees_posted(&serial, desk.call()).await, Ok(None));
    desk.stand_in.post("keys", json!({ "retire": true })).await;
    assert_eq!(desk.his.fees_posted(&serial, desk.call()).await, Err(HisError::Forged));
    assert_eq!(new.fees_posted(&serial, desk.call()).await, Ok(None));
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let desk = Desk::open().await;
    let bill = desk.bill("lab", &["10.00"]).await;
    let post = desk.post_of("z_01", &[(&bill, "10.00")]);
    let receipt = desk.his.fees_post(&post, desk.call()).await.unwrap();
    let Desk { stand_in, folder, .. } = desk;
    stand_in.stop().await;
    let desk = Desk::open_on(folder).await;
    assert_eq!(desk.his.fees_posted(post.serial(), desk.call()).await.unwrap(), Some(receipt));
}

#[tokio::test]
async fn queues_are_read_as_the_hospital_has_them() {
    let desk = Desk::open().await;
    let clinic = "20261123-am-NK-pool".parse().unwrap();
    assert_eq!(desk.his.clinic_queue(&clinic, desk.call()).await.unwrap(), []);
    let entries = json!([
        { "appointment": "a1", "state": "called", "room": "305", "times": 2 },
        { "appointment": "a2", "state": "waiting" },
    ]);
    desk.stand_in.post("clinic-queue", json!({ "clinic": clinic, "entries": entries })).await;
    let told = desk.his.clinic_queue(&clinic, desk.call()).await.unwrap();
    let called = ToldStage::Called { room: "305".into(), times: 2 };
    assert_eq!(told.iter().map(|told| told.stage.clone()).collect::<Vec<_>>(), [called, ToldStage::Waiting]);
    let card: CardNo = CARD.parse().unwrap();
    let none = desk.his.card_queues(&card, desk.call()).await;
    assert!(matches!(none, Err(HisError::Refused { code: Refusal::NoSuchCard })));
    let queues = json!([{ "kind": "pharmacy", "place": "门诊楼 1 层 3 号窗口", "number": "A12", "ahead": 4 }]);
    desk.stand_in.post("card-queues", json!({ "card_no": CARD, "queues": queues })).await;
    let waits = desk.his.card_queues(&card, desk.call()).await.unwrap();
    assert_eq!((waits[0].kind, waits[0].ahead, waits[0].is_called), (QueueKind::Pharmacy, Some(4), false));
    desk.stand_in.post("card-queues", json!({ "card_no": CARD })).await;
    assert_eq!(desk.his.card_queues(&card, desk.call()).await.unwrap(), []);
}

// People and cards ----------------------------------------------------------------------------

fn paper(number: &str) -> IdDocument {
    IdDocument::parse(DocumentKind::ResidentId, number, today(Timestamp::from_second(1_795_000_000).unwrap())).unwrap()
}

fn newcomer(serial: &str) -> PersonPost {
    PersonPost {
        serial: serial.parse().unwrap(),
        name: PersonName::parse("江望").unwrap(),
        document: paper("11010519491231002X"),
        phone: Phone::parse("19900000088").ok(),
        guardian: None,
    }
}

#[tokio::test]
async fn a_person_and_their_card_are_made_once() {
    let desk = Desk::open().await;
    let known = PersonQuery::Document(paper("11010519491231002X"));
    assert!(desk.his.person_find(&known, desk.call()).await.unwrap().is_empty());
    let made = desk.his.person_create(&newcomer("p-1"), desk.call()).await.unwrap();
    assert_eq!(desk.his.person_create(&newcomer("p-2"), desk.call()).await.unwrap(), made);
    let other = PersonPost { name: PersonName::parse("江忘").unwrap(), ..newcomer("p-3") };
    assert_eq!(code(desk.his.person_create(&other, desk.call()).await), Refusal::PersonDiffers);
    let wanted = CardPost { serial: "c-1".parse().unwrap(), person: made.person.clone() };
    let card = desk.his.card_create(&wanted, desk.call()).await.unwrap();
    let again = CardPost { serial: "c-2".parse().unwrap(), ..wanted.clone() };
    assert_eq!(desk.his.card_create(&again, desk.call()).await.unwrap(), card);
    assert_eq!(desk.his.person_posted(&wanted.serial, desk.call()).await.unwrap(), Some(card.clone()));
    assert_eq!(desk.his.person_posted(&"c-9".parse().unwrap(), desk.call()).await.unwrap(), None);
    let no = card.card.unwrap();
    for query in [known, PersonQuery::Card(no.clone()), PersonQuery::Phone(Phone::parse("19900000088").unwrap())] {
        let found = desk.his.person_find(&query, desk.call()).await.unwrap();
        assert_eq!((found.len(), &found[0].no, found[0].has_card(&no)), (1, &made.person, true));
    }
    let binding = CardBinding { serial: "b-1".parse().unwrap(), person: made.person, card: no };
    assert_eq!(desk.his.card_bind(&binding, desk.call()).await.unwrap().card, Some(binding.card.clone()));
    let unknown = CardBinding { serial: "b-2".parse().unwrap(), card: "V-NONE".parse().unwrap(), ..binding };
    assert_eq!(code(desk.his.card_bind(&unknown, desk.call()).await), Refusal::NoSuchCard);
}

#[tokio::test]
async fn a_child_is_found_by_its_guardian_and_a_held_name_may_be_broken() {
    let desk = Desk::open().await;
    let guardian = json!({ "name": "江望", "document": { "kind": "01", "number": "11010519491231002X" } });
    let child = json!({ "name": "江?", "documents": [], "guardian": guardian, "cards": [{ "card_no": "V7" }] });
    desk.stand_in.post("persons", child).await;
    let query = PersonQuery::Guardian(paper("11010519491231002X"));
    let found = desk.his.person_find(&query, desk.call()).await.unwrap();
    assert!(found[0].name.as_ref().unwrap().needs_window_check());
    assert_eq!(found[0].guardian.as_ref().unwrap().document, paper("11010519491231002X"));
    assert_eq!(found[0].phone, None);
}

/// The numbers of the reports of a page, as whoever files them reads them, and where it ended.
fn numbers_of(page: &HeardReports) -> (Vec<String>, Option<Mark>) {
    let numbers = page.reports.iter().map(|heard| {
        let read = results::front_end::read(&heard.report.body, Some("utf-8"), &domain::report::Codes::default());
        let report = read.unwrap().reports.remove(0);
        assert_eq!(report.items().map(|item| item.values[0].sent.as_str()).collect::<Vec<_>>(), ["7.90"]);
        report.key.number.as_str().to_owned()
    });
    (numbers.collect(), page.reports.last().map(|heard| heard.mark.clone()))
}

#[tokio::test]
async fn missed_reports_are_told_in_order() {
    let desk = Desk::open().await;
    let ask = async |card: Option<&str>, since: Option<&Mark>| {
        let query = ReportsQuery { card_no: card.map(|card| card.parse().unwrap()), since: since.cloned() };
        numbers_of(&desk.his.reports(&query, desk.call()).await.unwrap())
    };
    assert_eq!(ask(None, None).await, (vec![], None));
    for (number, card) in [("R1", CARD), ("R2", "V9"), ("R1", CARD)] {
        let item = json!({ "itemCode": "K", "itemName": "血钾", "result": "7.90", "unit": "mmol/L" });
        let report = json!({
            "reportId": number, "cardNo": card, "patientName": "周建国", "reportType": "检验", "reportStatus": "已审核",
            "items": [item],
        });
        desk.stand_in.post("reports", json!({ "report": report, "told": true })).await;
    }
    let (numbers, mark) = ask(None, None).await;
    assert_eq!(numbers, ["R1", "R2", "R1"], "a version that came later stands there again");
    assert_eq!(ask(None, mark.as_ref()).await, (vec![], None));
    assert_eq!(ask(Some("V9"), None).await.0, ["R2"]);
    let found = desk.his.report(&"R2".parse().unwrap(), desk.call()).await.unwrap().unwrap();
    assert!(String::from_utf8(found.body).unwrap().contains("血钾"));
    assert_eq!(desk.his.report(&"R9".parse().unwrap(), desk.call()).await.unwrap(), None);
    let events = desk.his.events(None, desk.call()).await.unwrap().events;
    assert_eq!(events[1].change, Some(Change::Reported { number: "R2".parse().unwrap() }));
}

#[tokio::test]
async fn who_is_one_person_with_whom_is_among_the_changes() {
    let desk = Desk::open().await;
    let mut numbers = Vec::new();
    for card in ["V91", "V92"] {
        let person = json!({ "name": "周建国", "documents": [], "cards": [{ "card_no": card }] });
        numbers.push(desk.stand_in.post("persons", person).await["person_no"].clone());
    }
    desk.stand_in.post("persons/merge", json!({ "into": numbers[0], "from": numbers[1], "told": true })).await;
    desk.stand_in.post("persons/unmerge", json!({ "from": numbers[1], "told": true })).await;
    let events = desk.his.events(None, desk.call()).await.unwrap().events;
    let (stays, gone) = (vec!["V91".parse().unwrap()], vec!["V92".parse().unwrap()]);
    assert_eq!(events[0].change, Some(Change::Merged { stays: stays.clone(), gone: gone.clone() }));
    assert_eq!(events[1].change, Some(Change::Unmerged { stays, leaves: gone }));
}

#[tokio::test]
async fn a_critical_value_is_told_once() {
    let desk = Desk::open().await;
    let alert = CriticalAlert {
        serial: PersonSerial::of("critical", &["r1"]),
        report: "R1 检".parse().unwrap(),
        card_no: Some(card()),
        since: desk.now,
        is_overdue: false,
    };
    for _ in 0..2 {
        desk.his.critical_alert(&alert, desk.call()).await.unwrap();
    }
    let other = CriticalAlert { is_overdue: true, ..alert };
    assert_eq!(code(desk.his.critical_alert(&other, desk.call()).await), Refusal::SerialReused);
    let alerts = desk.stand_in.get("alerts").await["alerts"].clone();
    assert_eq!((alerts.as_array().unwrap().len(), &alerts[0]["report_no"]), (1, &json!("R1 检")));
}

#[tokio::test]
async fn a_call_is_kept_without_what_it_says_of_people() {
    let desk = Desk::open().await;
    let heard = Arc::new(Heard::default());
    let his = hospital(&desk.stand_in.url, &secret(&desk.folder.0), Vec::new(), Arc::clone(&heard));
    let bill = desk.bill("lab", &["48.00"]).await;
    his.fees_unpaid(&card(), desk.call()).await.unwrap();
    his.fees_post(&desk.post_of("n_01", &[(&bill, "47.00")]), desk.call()).await.unwrap_err();
    desk.fault("fees-posted", json!({ "kind": "fail_before" })).await;
    his.fees_posted(&order("n_01"), desk.call()).await.unwrap_err();
    his.fees_posted(&order("n_01"), desk.call()).await.unwrap();

    let calls = heard.calls.lock().unwrap().clone();
    let told = |call: &HisCall| (call.operation.clone(), call.outcome.clone(), call.serial.clone());
    let serial = || Some("n_01".to_owned());
    assert_eq!(
        calls.iter().map(told).collect::<Vec<_>>(),
        [
            ("fees-unpaid".into(), "ok".into(), None),
            ("fees-post".into(), "refused BILL_CHANGED".into(), serial()),
            ("fees-posted".into(), "unknown_outcome".into(), serial()),
            ("fees-posted".into(), "empty".into(), serial()),
        ]
    );
    assert!(calls.iter().all(|call| call.adapter == FORMAT.0));
    assert_eq!(calls[0].request, r#"{"card_no":"*9"}"#);
    let response = calls[0].response.as_ref().unwrap();
    assert!(response.contains(bill.as_str()) && response.contains("48.00"), "{response}");
    let all = format!("{calls:?}");
    for secret in [CARD, "项目", "心血管内科", "沈怀远"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_code_is_translated_or_waits_to_be_mapped() {
    let desk = Desk::open().await;
    let heard = Arc::new(Heard::default());
    let (lab, drug) = (desk.bill("lab", &["48.00"]).await, desk.bill("drug", &["20.00"]).await);
    // To this hospital `lab` is a drug, and `drug` is something nobody knows.
    let entry = |theirs: &str, ours: &str| CodeEntry {
        kind: CodeKind::FeeClass,
        theirs: theirs.into(),
        ours: ours.into(),
        name: String::new(),
    };
    let codes = vec![entry("lab", "drug"), entry("drug", "meal")];
    let his = hospital(&desk.stand_in.url, &secret(&desk.folder.0), codes, Arc::clone(&heard));
    let unpaid = his.fees_unpaid(&card(), desk.call()).await.unwrap();
    assert_eq!((unpaid.bills[0].bill_no(), unpaid.bills[0].kind()), (&lab, BillKind::Drug));
    assert_eq!((unpaid.rejected[0].bill_no.as_ref(), unpaid.rejected[0].fault), (Some(&drug), BillFault::Kind));
    assert_eq!(*heard.unknown.lock().unwrap(), [(CodeKind::FeeClass, "drug".to_owned())]);
}

#[tokio::test]
async fn a_language_without_the_operation_says_so() {
    let desk = Desk::open().await;
    let mut policy = HisPolicy::default();
    policy.operations.insert(HisOperation::DayFile, HisAdapter::Hl7);
    let (url, log) = (&desk.stand_in.url, Arc::new(Heard::default()));
    let keys = Keys::new("menzhen", &["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()]).unwrap();
    let his = Hospital::described(url, keys, (policy, Vec::new()), log).unwrap();
    assert_eq!(his.day_file(today(desk.now), desk.call()).await.unwrap_err(), HisError::NotOffered);
    assert_eq!(desk.stand_in.get("calls").await["calls"], json!([]));
}
