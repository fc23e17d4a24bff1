//! The daily trade bill: what WeChat Pay says was paid and refunded on a day.
//!
//! A bill can hold a million rows, so it is kept as it came (gzip) and unpacked while it is read, once for its hash and
//! then as often as somebody asks for its rows. Amounts are yuan in the file and fen here.
//!
//! A bill is nearly a CSV: a backtick stands before every field, and no quotes keep a comma of a free text apart, so the
//! separator is `` ,` ``. Lines without backticks are read as ordinary CSV.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use reqwest::Method;
use serde::Deserialize;

use super::client::{Call, Client, DownloadError};
use super::error::PayError;
use super::fields::CHINA;
use super::types::RefundStatus;
use super::yuan::fen_of_yuan;
use crate::crypto::is_hex_of;

/// Largest bill that is taken, in bytes as packed: about two million rows.
pub const MAX_BILL_BYTES: usize = 128 * 1024 * 1024;
/// Largest bill that is taken, in bytes when unpacked.
pub const MAX_UNPACKED_BILL_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Longest line that is read, in bytes; a real one has about 400.
pub const MAX_BILL_LINE_BYTES: u64 = 16 * 1024;
/// How long the file may take to arrive, in milliseconds.
pub const BILL_TIMEOUT_MS: u64 = 120_000;

/// Bytes unpacked at a time.
const CHUNK_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Begins every field.
const MARK: char = '`';
/// Between two fields of a marked line.
const SEPARATOR: &str = ",`";
/// Stands in the columns of refunds of a row that is none.
const NO_NUMBER: &str = "0";

/// Why there is no bill, or no more rows of it.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// `NO_STATEMENT_EXIST`: no trades that day. Believe it only after 10:00, and only if our books are empty too.
    #[error("there is no bill of that day")]
    NoStatement,
    /// `STATEMENT_CREATING`: not ready. Try later.
    #[error("the bill is being made")]
    Creating,
    /// The file is not the one its hash belongs to.
    #[error("the bill is not what its hash says")]
    Hash,
    /// Larger than [`MAX_BILL_BYTES`] packed or [`MAX_UNPACKED_BILL_BYTES`] unpacked.
    #[error("the bill is too large")]
    TooLarge,
    /// A line that is not what the format says.
    #[error("line {line} of the bill cannot be read")]
    Unreadable {
        /// Counted from 1.
        line: u64,
    },
    /// The summary at the end is missing, or counts and sums are not those of the rows.
    #[error("the bill is not whole: its rows are not those of its summary")]
    NotWhole,
    /// The call failed.
    #[error(transparent)]
    Pay(PayError),
}

impl From<PayError> for BillError {
    /// By the code alone: both codes come with 400 and with 404.
    fn from(error: PayError) -> Self {
        match error.problem().map(|problem| problem.code.as_str()) {
            Some("NO_STATEMENT_EXIST") => Self::NoStatement,
            Some("STATEMENT_CREATING") => Self::Creating,
            _ => Self::Pay(error),
        }
    }
}

impl From<DownloadError> for BillError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::TooLarge => Self::TooLarge,
            DownloadError::Pay(error) => error.into(),
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow {
    /// When it was paid; of a refund, when the refund was accepted.
    pub at: Timestamp,
    /// WeChat Pay's number of the order.
    pub transaction_id: String,
    /// Our number of the order.
    pub out_trade_no: String,
    /// Fen the order was for, coupons included; 0 in the row of a refund.
    pub total_fen: i64,
    /// What the row is about.
    pub state: RowState,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// A payment.
    Paid,
    /// A refund that was accepted.
    Refund {
        /// WeChat Pay's number of the refund.
        refund_id: String,
        /// Our number of the refund.
        out_refund_no: String,
        /// Fen that were asked to go back.
        refund_fen: i64,
        /// How it stood when the bill was made; the bill is not corrected later.
        status: RefundStatus,
    },
    /// Revoked (other products).
    Revoked,
    /// A state this version does not know.
    Other(String),
}

#[derive(Deserialize)]
struct BillLink {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

impl Client {
    /// The bill of a day in China, ready after 10:00 of the next day and for three months.
    pub async fn trade_bill(&self, day: Date, call: Call) -> Result<TradeBill, BillError> {
        let path = format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP");
        let link: BillLink = self.read(Method::GET, &path, Vec::new(), call).await?;
        if link.hash_type != "SHA1" {
            return Err(BillError::Pay(PayError::Unreadable));
        }
        let packed = self.download(&link.download_url, BILL_TIMEOUT_MS, MAX_BILL_BYTES, call).await?;
        TradeBill::checked(packed, &link.hash_value)
    }
}

/// A bill whose hash was checked, packed as it came.
pub struct TradeBill {
    packed: Vec<u8>,
}

impl std::fmt::Debug for TradeBill {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "TradeBill({} bytes)", self.packed.len())
    }
}

impl TradeBill {
    /// A gzip file, if the SHA-1 of what is in it is `sha1_hex`. What `Client::trade_bill` does with its download.
    pub fn checked(packed: Vec<u8>, sha1_hex: &str) -> Result<Self, BillError> {
        if packed.len() > MAX_BILL_BYTES {
            return Err(BillError::TooLarge);
        }
        let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        let mut unpacked = MultiGzDecoder::new(packed.as_slice()).take(MAX_UNPACKED_BILL_BYTES);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            // What cannot be unpacked is not the file WeChat Pay hashed.
            let bytes = unpacked.read(&mut chunk).map_err(|_| BillError::Hash)?;
            if bytes == 0 {
                break;
            }
            digest.update(chunk.get(..bytes).unwrap_or_default());
        }
        if unpacked.limit() == 0 {
            return Err(BillError::TooLarge);
        }
        let is_same = is_hex_of(&sha1_hex.to_ascii_lowercase(), digest.finish().as_ref());
        if is_same { Ok(Self { packed }) } else { Err(BillError::Hash) }
    }

    /// The rows from the first on. The end without an error means that the summary agrees with them.
    pub fn rows(&self) -> TradeRows<'_> {
        let unpacked = MultiGzDecoder::new(self.packed.as_slice());
        let lines = Lines { from: BufReader::with_capacity(CHUNK_BYTES, unpacked), line: 0 };
        TradeRows { lines, columns: None, seen: Totals::default(), is_done: false }
    }
}

/// Reads a bill row by row. Ends after the first error.
#[derive(Debug)]
pub struct TradeRows<'b> {
    lines: Lines<BufReader<MultiGzDecoder<&'b [u8]>>>,
    columns: Option<Columns>,
    seen: Totals,
    is_done: bool,
}

impl Iterator for TradeRows<'_> {
    type Item = Result<TradeRow, BillError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let row = self.row().transpose();
        self.is_done = !matches!(row, Some(Ok(_)));
        row
    }
}

impl TradeRows<'_> {
    /// The next row, or none once the summary was read and agrees.
    fn row(&mut self) -> Result<Option<TradeRow>, BillError> {
        let columns = match self.columns {
            Some(columns) => columns,
            None => self.header()?,
        };
        self.columns = Some(columns);
        let line = self.lines.next()?.ok_or(BillError::NotWhole)?;
        let fields = fields(&line);
        if fields.first().is_some_and(|name| name == COUNT) {
            return self.summary(&fields).map(|()| None);
        }
        let row = columns.row(&fields).ok_or(self.lines.unreadable())?;
        self.seen.add(&row);
        Ok(Some(row))
    }

    fn header(&mut self) -> Result<Columns, BillError> {
        let line = self.lines.next()?.ok_or(BillError::NotWhole)?;
        Columns::find(&fields(line.trim_start_matches(BYTE_ORDER_MARK))).ok_or(self.lines.unreadable())
    }

    fn summary(&mut self, names: &[Cow<'_, str>]) -> Result<(), BillError> {
        let line = self.lines.next()?.ok_or(BillError::NotWhole)?;
        let totals = Totals::read(names, &fields(&line)).ok_or(self.lines.unreadable())?;
        let is_last = self.lines.next()?.is_none();
        if is_last && totals == self.seen { Ok(()) } else { Err(BillError::NotWhole) }
    }
}

/// Lines of a file, counted.
#[derive(Debug)]
struct Lines<R> {
    from: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line that is not empty, without its end.
    fn next(&mut self) -> Result<Option<String>, BillError> {
        loop {
            self.line += 1;
            let mut bytes = Vec::new();
            let mut limited = self.from.by_ref().take(MAX_BILL_LINE_BYTES);
            let count = limited.read_until(b'\n', &mut bytes).map_err(|_| self.unreadable())?;
            if count == 0 {
                return Ok(None);
            }
            let mut line = String::from_utf8(bytes).map_err(|_| self.unreadable())?;
            line.truncate(line.trim_end_matches(['\r', '\n']).len());
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn unreadable(&self) -> BillError {
        BillError::Unreadable { line: self.line }
    }
}

/// The fields of a line without their marks.
fn fields(line: &str) -> Vec<Cow<'_, str>> {
    match line.strip_prefix(MARK) {
        Some(marked) => marked.split(SEPARATOR).map(Cow::Borrowed).collect(),
        None if line.contains('"') => quoted_fields(line),
        None => line.split(',').map(Cow::Borrowed).collect(),
    }
}

/// The fields of a line of ordinary CSV; none when it is not even that.
fn quoted_fields(line: &str) -> Vec<Cow<'_, str>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|field| Cow::Owned(field.to_owned())).collect()
}

/// The first field of the summary's header.
const COUNT: &str = "总交易单数";
/// Names of one column: today's, and those of the older format that some merchants still get.
type Names = &'static [&'static str];
const AT: Names = &["交易时间"];
const TRANSACTION_ID: Names = &["微信订单号"];
const OUT_TRADE_NO: Names = &["商户订单号"];
const STATE: Names = &["交易状态"];
const REFUND_ID: Names = &["微信退款单号"];
const OUT_REFUND_NO: Names = &["商户退款单号"];
const REFUND_STATUS: Names = &["退款状态"];
const TOTAL: Names = &["订单金额", "总金额"];
const REFUND: Names = &["申请退款金额", "退款金额"];
const SUM_TOTAL: Names = &["订单总金额", "总交易额"];
const SUM_REFUND: Names = &["申请退款总金额", "总退款金额"];

fn position(fields: &[Cow<'_, str>], names: Names) -> Option<usize> {
    names.iter().find_map(|name| fields.iter().position(|field| field == name))
}

/// Where the columns stand; the order of a bill's columns is not promised.
#[derive(Debug, Clone, Copy)]
struct Columns {
    count: usize,
    at: usize,
    transaction_id: usize,
    out_trade_no: usize,
    state: usize,
    refund_id: usize,
    out_refund_no: usize,
    refund_status: usize,
    total: usize,
    refund: usize,
}

impl Columns {
    fn find(header: &[Cow<'_, str>]) -> Option<Self> {
        let find = |names| position(header, names);
        Some(Self {
            count: header.len(),
            at: find(AT)?,
            transaction_id: find(TRANSACTION_ID)?,
            out_trade_no: find(OUT_TRADE_NO)?,
            state: find(STATE)?,
            refund_id: find(REFUND_ID)?,
            out_refund_no: find(OUT_REFUND_NO)?,
            refund_status: find(REFUND_STATUS)?,
            total: find(TOTAL)?,
            refund: find(REFUND)?,
        })
    }

    fn row(&self, fields: &[Cow<'_, str>]) -> Option<TradeRow> {
        // A field more or less would shift amounts.
        if fields.len() != self.count {
            return None;
        }
        let text = |at: usize| fields.get(at).map(AsRef::as_ref);
        let number = |at| text(at).filter(|text| !text.is_empty() && *text != NO_NUMBER).map(str::to_owned);
        let state = match text(self.state)? {
            "SUCCESS" => RowState::Paid,
            "REFUND" => RowState::Refund {
                refund_id: number(self.refund_id)?,
                out_refund_no: number(self.out_refund_no)?,
                refund_fen: fen_of_yuan(text(self.refund)?)?,
                status: refund_status(text(self.refund_status)?),
            },
            "REVOKED" => RowState::Revoked,
            other => RowState::Other(other.to_owned()),
        };
        Some(TradeRow {
            at: instant(text(self.at)?)?,
            transaction_id: number(self.transaction_id)?,
            out_trade_no: number(self.out_trade_no)?,
            total_fen: fen_of_yuan(text(self.total)?)?,
            state,
        })
    }
}

/// Bills keep the words of the older interface for two of the states.
fn refund_status(text: &str) -> RefundStatus {
    match text {
        "FAIL" | "FAILED" => RefundStatus::Closed,
        "CHANGE" => RefundStatus::Abnormal,
        text => RefundStatus::from(text.to_owned()),
    }
}

/// `2026-11-22 10:00:00` in China.
fn instant(text: &str) -> Option<Timestamp> {
    let local: DateTime = text.parse().ok()?;
    CHINA.to_timestamp(local).ok()
}

/// Counts and sums, of the rows or as the summary says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    count: u64,
    total_fen: i64,
    refund_fen: i64,
}

impl Totals {
    fn add(&mut self, row: &TradeRow) {
        self.count += 1;
        self.total_fen = self.total_fen.saturating_add(row.total_fen);
        if let RowState::Refund { refund_fen, .. } = row.state {
            self.refund_fen = self.refund_fen.saturating_add(refund_fen);
        }
    }

    fn read(names: &[Cow<'_, str>], fields: &[Cow<'_, str>]) -> Option<Self> {
        let text = |wanted| fields.get(position(names, wanted)?).map(AsRef::as_ref);
        Some(Self {
            count: text(&[COUNT])?.parse().ok()?,
            total_fen: fen_of_yuan(text(SUM_TOTAL)?)?,
            refund_fen: fen_of_yuan(text(SUM_REFUND)?)?,
        })
    }
}
