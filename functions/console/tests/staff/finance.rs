//! Finance works a day off and another signs it (F36).

use crate::world::{ALL, Answer, BOSS, World, at};
use domain::civil::{Date, date};
use domain::money::Fen;
use domain::reconciliation::matcher::Matcher;
use domain::reconciliation::{Entry, Kind, Side, Standing};
use lambda_http::IntoResponse;
use lambda_http::http::Method;
use serde_json::{Value, json};

const DATE: Date = date(2026, 11, 21);
const DAY: &str = "/staff/reconciliations/2026-11-21";
/// Half past ten on the day after; the world begins half an hour earlier.
const START: &str = "2026-11-22T02:30:00Z";

async fn get(world: &World, path: &str) -> Answer {
    world.send(Method::GET, path, ALL, "").await
}

async fn post(world: &World, path: &str, token: &str, body: &Value) -> Answer {
    world.send(Method::POST, path, token, body.to_string()).await
}

/// A day whose run found one payment that WeChat alone has.
async fn world_with_a_difference() -> World {
    let world = World::start("{}").await;
    world.clock.set(at(START));
    let entry = Entry {
        kind: Kind::Payment,
        number: "20261121000000000001",
        amount: Fen::new(2_500).unwrap(),
        standing: Standing::Moved,
        late_for: None,
    };
    let mut matcher = Matcher::default();
    matcher.see(Side::Wechat, &entry);
    let mut differing = matcher.differing();
    differing.explain(&entry);
    let found = differing.finish().unwrap();
    let table = world.table();
    table.create_reconciliation_day(DATE).await.unwrap();
    let day = table.move_reconciliation_day(DATE, |day| day.begun(at(START))).await.unwrap();
    table.file_differences(&day, &found.differences, true).await.unwrap();
    let after = day.compared(found.summary, at(START)).unwrap();
    assert!(table.end_reconciliation(&day, &after).await.unwrap().is_done());
    world
}

#[tokio::test]
async fn a_day_is_worked_off_by_one_and_signed_by_another() {
    let world = world_with_a_difference().await;
    let listed = get(&world, "/staff/reconciliations").await;
    assert_eq!(
        (&listed.body["days"][0]["date"], listed.body["days"].as_array().unwrap().len()),
        (&json!("2026-11-21"), 1)
    );
    let shown = get(&world, DAY).await.body;
    assert_eq!((&shown["state"], &shown["differences"]), (&json!("differences"), &json!(1)));
    assert_eq!(shown["totals"]["wechat"]["payments"], json!({"count": 1, "total_fen": 2_500}));
    let case = &shown["cases"][0];
    assert_eq!((&case["class"], &case["amounts_fen"]["wechat"]), (&json!("only_wechat"), &json!(2_500)));
    let difference = format!("{DAY}/differences/{}", case["difference"].as_str().unwrap());

    let note = json!({"note": "已联系微信核实"});
    let early = post(&world, &format!("{DAY}/sign-off"), BOSS, &json!({})).await;
    assert_eq!((early.status, early.code()), (409, "differences_open"));
    assert_eq!(post(&world, &format!("{difference}/note"), ALL, &note).await.status, 200);
    let resolved = post(&world, &format!("{difference}/resolve"), ALL, &json!({"note": "他系统的订单"})).await;
    assert_eq!((&resolved.body["state"], &resolved.body["resolved_by"]), (&json!("resolved"), &json!("office")));
    assert_eq!(resolved.body["notes"].as_array().unwrap().len(), 2);
    let twice = post(&world, &format!("{difference}/resolve"), BOSS, &note).await;
    assert_eq!((twice.status, twice.code()), (409, "difference_not_open"));

    let own = post(&world, &format!("{DAY}/sign-off"), ALL, &json!({})).await;
    assert_eq!((own.status, own.code()), (409, "same_person"));
    let signed = post(&world, &format!("{DAY}/sign-off"), BOSS, &json!({})).await;
    assert_eq!((&signed.body["state"], &signed.body["signed_by"]), (&json!("signed_off"), &json!("head")));
    for (path, body) in [(format!("{difference}/note"), &note), (format!("{DAY}/run"), &json!({}))] {
        let closed = post(&world, &path, ALL, body).await;
        assert_eq!((closed.status, closed.code()), (409, "day_closed"), "{path}");
    }
}

#[tokio::test]
async fn a_past_day_is_compared_again_at_the_next_tick() {
    let world = world_with_a_difference().await;
    let asked = post(&world, &format!("{DAY}/run"), ALL, &json!({})).await;
    assert_eq!((asked.status, &asked.body["state"]), (200, &json!("due")));
    let day = world.table().reconciliation_day(DATE).await.unwrap().unwrap();
    assert!(day.begun(at(START)).is_ok());
    // One nobody has compared yet, one that is not over, and one WeChat has forgotten.
    assert_eq!(post(&world, "/staff/reconciliations/2026-10-01/run", ALL, &json!({})).await.status, 200);
    for date in ["2026-11-22", "2026-08-23"] {
        let refused = post(&world, &format!("/staff/reconciliations/{date}/run"), ALL, &json!({})).await;
        assert_eq!((refused.status, refused.code()), (409, "day_not_comparable"), "{date}");
    }
}

#[tokio::test]
async fn the_export_opens_in_a_spreadsheet() {
    let world = world_with_a_difference().await;
    let file = world.download(&format!("{DAY}/export"), ALL).await;
    let header = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("content-disposition"), "attachment; filename=\"reconciliation-2026-11-21.csv\"");
    // As it leaves the function: what turns an answer into Lambda's form takes the mark off every text.
    let file = file.into_response().await;
    assert!(file.body().starts_with(b"\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\x9f,"));
    // Read by somebody else's reader.
    let script = "import csv, io, sys; data = sys.stdin.buffer.read(); assert data.startswith(b'\\xef\\xbb\\xbf'); \
        rows = list(csv.reader(io.StringIO(data.decode('utf-8-sig'), newline=''))); \
        sys.stdout.buffer.write('|'.join(rows[0][:3] + [str(len(rows))] + rows[1][2:8]).encode())";
    let mut python = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), file.body()).unwrap();
    let output = python.wait_with_output().unwrap();
    let expected = "日期|差异编号|差异|2|长款：仅微信有|支付|\t20261121000000000001|25.00||";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[tokio::test]
async fn what_is_not_there_or_not_understood() {
    let world = world_with_a_difference().await;
    for path in
        ["/staff/reconciliations/2026-11-20", "/staff/reconciliations/yesterday", "/staff/reconciliations/x/export"]
    {
        assert_eq!(get(&world, path).await.status, 404, "{path}");
    }
    for query in ["from=x", "from=2026-11-21&to=2026-11-20", "from=2026-01-01&to=2026-11-20"] {
        let answer = get(&world, &format!("/staff/reconciliations?{query}")).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_days"), "{query}");
    }
    let unknown = format!("{DAY}/differences/amount-{:032x}/note", 7);
    assert_eq!(post(&world, &unknown, ALL, &json!({"note": "查"})).await.status, 404);
    for body in [json!({"note": ""}), json!({"note": "长".repeat(501)})] {
        let answer = post(&world, &unknown, ALL, &body).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_note"));
    }
}
