//! The daily trade bill: its dialect, its hash, and what it takes to fetch it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::json;
use sha1::{Digest, Sha1};
use wechat::pay::{BillError, MAX_BILL_LINE_BYTES, PayError, RefundStatus, RowState, TradeBill, TradeRow};

use crate::pay::{answer, call, client, refusal};
use crate::server::{Answer, Request, Server};

const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
                      付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
                      退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUMMARY: &str = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const PAID: &str = "`2026-11-22 10:00:00,`wx1,`1900000001,`0,`,`4200000001,`MZ000001,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,\
                    `20.00,`5.00,`0,`0,`0.00,`0.00,`,`,`门诊,\"服务\"费`x,`{\"a\":1,\"b\":2},`0.15000,`0.60%,`25.00,`0.00,`";
const REFUNDED: &str = "`2026-11-22 23:59:59,`wx1,`1900000001,`0,`,`4200000001,`MZ000001,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,\
                        `0.00,`0.00,`5030000001,`MZ000001R1,`7.90,`0.00,`ORIGINAL,`PROCESSING,`门诊服务费,`,`-0.05000,\
                        `0.60%,`0.00,`7.90,`";
const TOTALS: &str = "`2,`20.00,`7.90,`0.00,`0.10000,`25.00,`7.90";

fn day() -> Date {
    date(2026, 11, 22)
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn sha1(text: &str) -> String {
    format!("{:x}", Sha1::digest(text.as_bytes()))
}

fn bill(text: &str) -> TradeBill {
    TradeBill::checked(packed(text), &sha1(text)).unwrap()
}

fn read(text: &str) -> Result<Vec<TradeRow>, BillError> {
    bill(text).rows().collect()
}

fn lines(lines: &[&str]) -> String {
    lines.join("\n") + "\n"
}

fn whole() -> String {
    lines(&[HEADER, PAID, REFUNDED, SUMMARY, TOTALS])
}

fn expected() -> Vec<TradeRow> {
    let row = |at: &str, total_fen, state| TradeRow {
        at: at.parse().unwrap(),
        transaction_id: "4200000001".into(),
        out_trade_no: "MZ000001".into(),
        total_fen,
        state,
    };
    let refund = RowState::Refund {
        refund_id: "5030000001".into(),
        out_refund_no: "MZ000001R1".into(),
        refund_fen: 790,
        status: RefundStatus::Processing,
    };
    vec![row("2026-11-22T10:00:00+08:00", 2500, RowState::Paid), row("2026-11-22T23:59:59+08:00", 0, refund)]
}

// ---- the dialect ----

#[test]
fn rows_are_read_and_can_be_read_again() {
    let bill = bill(&whole());
    for _ in 0..2 {
        assert_eq!(bill.rows().collect::<Result<Vec<_>, _>>().unwrap(), expected());
    }
    assert!(!format!("{bill:?}").contains("MZ"));
}

#[test]
fn the_dialect_may_vary() {
    assert_eq!(read(&format!("\u{feff}{}", whole())).unwrap(), expected());
    assert_eq!(read(&whole().replace('\n', "\r\n")).unwrap(), expected());
    assert_eq!(read(whole().trim_end()).unwrap(), expected());
    let plain_paid = PAID.replace("`门诊,\"服务\"费`x", "\"门诊,\"\"服务\"\"费\"").replace("{\"a\":1,\"b\":2}", "");
    let plain = lines(&[HEADER, &plain_paid, REFUNDED, SUMMARY, TOTALS]).replace('`', "");
    assert_eq!(read(&plain).unwrap(), expected());
    let marked_header = format!("`{}", HEADER.replace(',', ",`"));
    assert_eq!(read(&lines(&[&marked_header, PAID, REFUNDED, SUMMARY, TOTALS])).unwrap(), expected());
}

#[test]
fn columns_are_found_by_name() {
    let turned = |line: &str| {
        let mut fields: Vec<_> = line.split(",`").collect();
        fields.reverse();
        format!("`{}", fields.join(",`")).replace("``", "`")
    };
    let header = turned(&format!("`{}", HEADER.replace(',', ",`"))).replace('`', "");
    assert_eq!(read(&lines(&[&header, &turned(PAID), &turned(REFUNDED), SUMMARY, TOTALS])).unwrap(), expected());
}

#[test]
fn the_older_columns_are_known() {
    let header = "交易时间,微信订单号,商户订单号,交易状态,总金额,微信退款单号,商户退款单号,退款金额,退款状态";
    let row = "`2026-11-22 10:00:00,`4200000001,`MZ000001,`SUCCESS,`25.0,`0,`0,`0,`";
    let summary = "总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额";
    let rows = read(&lines(&[header, row, summary, "`1,`25,`0.0,`0.0,`0"])).unwrap();
    assert_eq!(rows, expected()[..1]);
}

#[test]
fn states_and_statuses_are_sorted() {
    let state =
        |row: &str| read(&lines(&[HEADER, row, SUMMARY, "`1,`0,`0,`0,`0,`25.00,`0.00"])).unwrap()[0].state.clone();
    assert_eq!(state(&PAID.replace("SUCCESS", "REVOKED")), RowState::Revoked);
    assert_eq!(state(&PAID.replace("SUCCESS", "NEW")), RowState::Other("NEW".into()));
    let status = |word: &str| {
        let row = REFUNDED.replace("PROCESSING", word);
        match &read(&lines(&[HEADER, &row, SUMMARY, "`1,`0,`0,`0,`0,`0.00,`7.90"])).unwrap()[0].state {
            RowState::Refund { status, .. } => status.clone(),
            state => panic!("{state:?}"),
        }
    };
    assert_eq!(status("SUCCESS"), RefundStatus::Success);
    assert_eq!(status("FAILED"), RefundStatus::Closed);
    assert_eq!(status("CHANGE"), RefundStatus::Abnormal);
    assert_eq!(status("?"), RefundStatus::Unknown("?".into()));
}

#[test]
fn a_day_without_trades_can_have_an_empty_bill() {
    assert_eq!(read(&lines(&[HEADER, SUMMARY, "`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"])).unwrap(), []);
}

fn line_of(error: &BillError) -> Option<u64> {
    if let BillError::Unreadable { line } = error { Some(*line) } else { None }
}

#[test]
fn a_row_that_is_none_says_its_line() {
    let cases = [
        PAID.replace("25.00", "25.001"),
        PAID.replace("25.00", "-25.00"),
        PAID.replace("2026-11-22 10:00:00", "2026-13-22 10:00:00"),
        PAID.replace(",`MZ000001", ",`"),
        PAID.replace(",`MZ000001", ",`0"),
        PAID.replace(",`0.60%", ""),
        PAID.replace(",`0.60%", ",`0.60%,`more"),
        PAID.replace("门诊", &"门".repeat(usize::try_from(MAX_BILL_LINE_BYTES).unwrap())),
        REFUNDED.replace("`MZ000001R1", "`"),
        REFUNDED.replace("`5030000001", "`0"),
        String::from("`"),
        String::from("\"unfinished"),
    ];
    for row in cases {
        let bill = bill(&lines(&[HEADER, PAID, &row, SUMMARY, TOTALS]));
        let mut rows = bill.rows();
        assert!(rows.next().unwrap().is_ok());
        assert_eq!(line_of(&rows.next().unwrap().unwrap_err()), Some(3), "{row}");
        assert!(rows.next().is_none());
    }
    let header = HEADER.replace("交易状态", "状态");
    assert_eq!(line_of(&read(&lines(&[&header, PAID])).unwrap_err()), Some(1));
    assert_eq!(line_of(&read(&lines(&[HEADER, PAID, SUMMARY, "`1"])).unwrap_err()), Some(4));
}

#[test]
fn a_bill_cut_short_or_lengthened_is_not_whole() {
    let cases = [
        String::new(),
        lines(&[HEADER]),
        lines(&[HEADER, PAID, REFUNDED]),
        lines(&[HEADER, PAID, REFUNDED, SUMMARY]),
        lines(&[HEADER, PAID, SUMMARY, TOTALS]),
        lines(&[HEADER, PAID, REFUNDED, SUMMARY, &TOTALS.replacen("`2", "`3", 1)]),
        lines(&[HEADER, PAID, REFUNDED, SUMMARY, &TOTALS.replace("25.00", "25.01")]),
        lines(&[HEADER, PAID, REFUNDED, SUMMARY, "`2,`20.00,`7.90,`0.00,`0.10000,`25.00,`7.91"]),
        lines(&[HEADER, PAID, REFUNDED, SUMMARY, TOTALS, PAID]),
    ];
    for text in cases {
        assert!(matches!(read(&text).unwrap_err(), BillError::NotWhole), "{text}");
    }
}

proptest! {
    #[test]
    fn anything_is_read_without_a_panic(text in "[\\PC`,\"\n]{0,300}") {
        let _ = read(&text);
        let _ = read(&lines(&[HEADER, &text, SUMMARY, TOTALS]));
    }

    #[test]
    fn sums_are_those_of_whole_fen(totals_fen in proptest::collection::vec(0_i64..1_000_000_000, 0..20)) {
        let yuan = |fen: i64| format!("{}.{:02}", fen / 100, fen % 100);
        let rows: Vec<_> = totals_fen.iter().map(|fen| PAID.replace("25.00", &yuan(*fen))).collect();
        let total = yuan(totals_fen.iter().sum());
        let summary = format!("`{},`0,`0,`0,`0,`{total},`0.00", rows.len());
        let text = lines(&[&[HEADER], &rows.iter().map(String::as_str).collect::<Vec<_>>()[..], &[SUMMARY, &summary]].concat());
        let read: Vec<_> = read(&text).unwrap().iter().map(|row| row.total_fen).collect();
        prop_assert_eq!(read, totals_fen);
    }
}

// ---- the hash ----

#[test]
fn the_hash_is_over_the_unpacked_file() {
    let text = whole();
    assert!(TradeBill::checked(packed(&text), &sha1(&text).to_uppercase()).is_ok());
    let over_packed = format!("{:x}", Sha1::digest(packed(&text)));
    let cut = packed(&text)[..packed(&text).len() - 9].to_vec();
    let refused = [
        (packed(&text), over_packed),
        (packed(&text), sha1(&text.replace("25.00", "26.00"))),
        (packed(&text), String::new()),
        (text.clone().into_bytes(), sha1(&text)),
        (cut, sha1(&text)),
        (vec![], sha1(&text)),
    ];
    for (packed, hash) in refused {
        assert!(matches!(TradeBill::checked(packed, &hash).unwrap_err(), BillError::Hash));
    }
    // A packed file may have several parts.
    let (left, right) = text.split_at(HEADER.len());
    let parts = [packed(left), packed(right)].concat();
    assert_eq!(TradeBill::checked(parts, &sha1(&text)).unwrap().rows().count(), 2);
}

// ---- the calls ----

const PATH: &str = "/v3/bill/tradebill?bill_date=2026-11-22&bill_type=ALL&tar_type=GZIP";

fn link(request: &Request, text: &str) -> Answer {
    let host = request.header("host").unwrap();
    let url = format!("http://{host}/v3/billdownload/file?token=t%2F1");
    answer(200, &json!({ "hash_type": "SHA1", "hash_value": sha1(text), "download_url": url }).to_string())
}

async fn serving(text: String, file: impl Fn() -> Answer + Send + 'static) -> Server {
    Server::start(move |request| if request.target == PATH { link(request, &text) } else { file() }).await
}

#[tokio::test]
async fn a_bill_is_fetched_with_two_signed_requests() {
    let server = serving(whole(), || Answer::Full(200, vec![], packed(&whole()))).await;
    let bill = client(&server, &server).trade_bill(day(), call()).await.unwrap();
    assert_eq!(bill.rows().collect::<Result<Vec<_>, _>>().unwrap(), expected());
    let requests = server.requests();
    assert_eq!(
        requests.iter().map(|r| r.target.as_str()).collect::<Vec<_>>(),
        [PATH, "/v3/billdownload/file?token=t%2F1"]
    );
    let nonce = |request: &Request| {
        let authorization = request.header("authorization").unwrap().to_owned();
        authorization.split("nonce_str=\"").nth(1).unwrap()[..32].to_owned()
    };
    assert_ne!(nonce(&requests[0]), nonce(&requests[1]));
}

#[tokio::test]
async fn refusals_go_by_their_code() {
    for status in [400, 404] {
        let none = Server::start(move |_| refusal(status, "NO_STATEMENT_EXIST")).await;
        assert!(matches!(client(&none, &none).trade_bill(day(), call()).await, Err(BillError::NoStatement)));
        let creating = Server::start(move |_| refusal(status, "STATEMENT_CREATING")).await;
        assert!(matches!(client(&creating, &creating).trade_bill(day(), call()).await, Err(BillError::Creating)));
        let other = Server::start(move |_| refusal(status, "PARAM_ERROR")).await;
        let error = client(&other, &other).trade_bill(day(), call()).await.unwrap_err();
        assert!(matches!(error, BillError::Pay(PayError::Parameter(_))), "{error}");
    }
}

#[tokio::test]
async fn an_altered_file_is_refused() {
    let server = serving(whole(), || Answer::Full(200, vec![], packed(&whole().replace("25.00", "26.00")))).await;
    assert!(matches!(client(&server, &server).trade_bill(day(), call()).await, Err(BillError::Hash)));
}

#[tokio::test]
async fn a_file_that_does_not_come_is_told_apart() {
    let gone = serving(whole(), || Answer::Full(404, vec![], br#"{"code":"RESOURCE_NOT_EXISTS"}"#.to_vec())).await;
    let error = client(&gone, &gone).trade_bill(day(), call()).await.unwrap_err();
    assert!(matches!(error, BillError::Pay(PayError::RefundNotExist(_))), "{error}");
    let down = serving(whole(), || Answer::Full(502, vec![], vec![])).await;
    let error = client(&down, &down).trade_bill(day(), call()).await.unwrap_err();
    assert!(matches!(error, BillError::Pay(PayError::Unavailable(_))), "{error}");
    let dead = serving(whole(), || Answer::HangUp).await;
    let error = client(&dead, &dead).trade_bill(day(), call()).await.unwrap_err();
    assert!(matches!(error, BillError::Pay(PayError::UnknownOutcome)), "{error}");
}

#[tokio::test]
async fn no_other_host_is_asked() {
    let other = Server::start(|_| Answer::Full(200, vec![], packed(&whole()))).await;
    let addresses = [
        format!("{}/v3/billdownload/file?token=x", other.url),
        "https://api.mch.weixin.qq.com/v3/billdownload/file".into(),
        "ftp://127.0.0.1/file".into(),
        "file:///etc/passwd".into(),
        "/v3/billdownload/file".into(),
        String::new(),
    ];
    for address in addresses {
        let body = json!({ "hash_type": "SHA1", "hash_value": sha1(&whole()), "download_url": address }).to_string();
        let server = Server::start(move |_| answer(200, &body)).await;
        let error = client(&server, &server).trade_bill(day(), call()).await.unwrap_err();
        assert!(matches!(error, BillError::Pay(PayError::Address)), "{error}");
    }
    assert!(other.requests().is_empty());
}
