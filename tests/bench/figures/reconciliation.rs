//! A day of a million payments: WeChat's bill, our books and the hospital's file through the matcher, in time and memory.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use domain::money::Fen;
use domain::reconciliation::matcher::{Comparison, Matcher};
use domain::reconciliation::{Entry, Kind, Side, Standing};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use his::DayFile;
use reconcile::daily::Book;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::time::Instant;
use wechat::pay::TradeBill;

const ROWS: u32 = 1_000_000;
/// Rows that one side lacks: one in so many.
const MISSING_EVERY: u32 = 100_000;
const BILL_HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUMMARY_HEADER: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

pub(crate) fn report() {
    let (bill, file) = (packed(bill_rows(), &SHA1_FOR_LEGACY_USE_ONLY), packed(file_rows(), &SHA256));
    let lines = Instant::now();
    assert!(lines_of(&bill.gzip) + lines_of(&file.gzip) > 2 * u64::from(ROWS) - 100);
    let lines_s = lines.elapsed().as_secs_f64();
    let packed_mb = f64::from(u32::try_from(bill.gzip.len() + file.gzip.len()).unwrap()) / 1e6;
    let before_mb = reset_peak();
    let started = Instant::now();
    let bill = TradeBill::checked(bill.gzip, &bill.digest).unwrap();
    let file = DayFile::new(file.gzip, &file.digest).unwrap();
    let found = compare(&bill, &file);
    let spent_s = started.elapsed().as_secs_f64();
    assert_eq!(found.differences.len(), usize::try_from(2 * ROWS / MISSING_EVERY).unwrap());
    println!("### A day of {ROWS} payments, three books\n");
    println!(
        "Both files are checked, then every book is read twice; a plain unpacking that counts lines reads both once.\n"
    );
    println!("| what | s | to unpacking |\n|---|---|---|");
    println!("| unpack both files, count lines | {lines_s:.1} | 1.00× |");
    println!("| check, compare, explain | {spent_s:.1} | {:.2}× |", spent_s / lines_s);
    println!(
        "\nPeak resident {:.0} MB, of which {before_mb:.0} MB before: {packed_mb:.0} MB are the packed files.\n",
        peak_mb()
    );
}

fn compare(bill: &TradeBill, file: &DayFile) -> Comparison {
    let mut matcher = Matcher::default();
    bill.each(&mut |entry| matcher.see(Side::Wechat, entry)).unwrap();
    file.each(&mut |entry| matcher.see(Side::His, entry)).unwrap();
    each_of_ours(|entry| matcher.see(Side::Ours, entry));
    let mut differing = matcher.differing();
    bill.each(&mut |entry| differing.explain(entry)).unwrap();
    file.each(&mut |entry| differing.explain(entry)).unwrap();
    each_of_ours(|entry| differing.explain(entry));
    differing.finish().unwrap()
}

struct Packed {
    gzip: Vec<u8>,
    digest: String,
}

/// Packs lines, with the digest of what was packed.
fn packed(lines: impl Iterator<Item = String>, algorithm: &'static Algorithm) -> Packed {
    let mut context = aws_lc_rs::digest::Context::new(algorithm);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        context.update(line.as_bytes());
        gzip.write_all(line.as_bytes()).unwrap();
    }
    let mut hex = String::new();
    context.finish().as_ref().iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
    Packed { gzip: gzip.finish().unwrap(), digest: hex }
}

fn number(n: u32) -> String {
    // As spread as real ones, and the same each time.
    let mixed = digest(&SHA256, &n.to_le_bytes());
    let mut text = String::new();
    mixed.as_ref().iter().take(8).for_each(|byte| write!(text, "{byte:02x}").unwrap());
    text + "_01"
}

fn fen(n: u32) -> i64 {
    i64::from(n % 50_000 + 1)
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn bill_rows() -> impl Iterator<Item = String> {
    let total: i64 = (0..ROWS).map(fen).sum();
    let rows = (0..ROWS).map(|n| {
        let (number, yuan) = (number(n), yuan(fen(n)));
        format!("`2026-11-22 12:{:02}:{:02},`wx00000000000000ff,`1900000001,`0,`,`42000{n:023},`{number},`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`SUCCESS,`CMB_DEBIT,`CNY,`{yuan},`0.00,`0,`0,`0.00,`0.00,`,`,`门诊挂号,`,`0.00000,`0.60%,`{yuan},`0.00,`\r\n", n / 60 % 60, n % 60)
    });
    let sums = format!("{SUMMARY_HEADER}\r\n`{ROWS},`{0},`0.00,`0.00,`0.00000,`{0},`0.00\r\n", yuan(total));
    std::iter::once(format!("\u{feff}{BILL_HEADER}\r\n")).chain(rows).chain(std::iter::once(sums))
}

fn file_rows() -> impl Iterator<Item = String> {
    let rows = (0..ROWS).filter(|n| n % MISSING_EVERY != 1).map(|n| {
        format!("{},PAY,,{},2026-11-22T12:{:02}:{:02}+08:00,R{n:010}\n", number(n), yuan(fen(n)), n / 60 % 60, n % 60)
    });
    std::iter::once("serial,kind,original_serial,amount,at,receipt_no\n".to_owned()).chain(rows)
}

fn each_of_ours(mut see: impl FnMut(&Entry<'_>)) {
    for n in (0..ROWS).filter(|n| n % MISSING_EVERY != 2) {
        let (number, amount) = (number(n), Fen::new(fen(n)).unwrap());
        see(&Entry { kind: Kind::Payment, number: &number, amount, standing: Standing::Moved, late_for: None });
    }
}

fn lines_of(gzip: &[u8]) -> u64 {
    let mut lines = BufReader::new(GzDecoder::new(gzip));
    let mut line = Vec::new();
    let mut count = 0;
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        count += 1;
        line.clear();
    }
    count
}

/// Begins a new peak; what is resident now.
fn reset_peak() -> f64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak_mb()
}

/// The most that was resident (`VmHWM`), in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
