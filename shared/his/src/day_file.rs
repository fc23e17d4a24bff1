//! The HIS's file of one accounting day.

use csv::StringRecord;
use domain::Timestamp;
use domain::id::{OutRefundNo, OutTradeNo};
use domain::money::Fen;
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// The largest file taken, in packed bytes: it is held in memory. A million rows are about 30 MB.
pub const DAY_FILE_PACKED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest file read, in unpacked bytes: it is only ever streamed. A million rows are about 100 MB.
pub const DAY_FILE_UNPACKED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The columns, in their order.
pub const DAY_FILE_COLUMNS: [&str; 6] = ["serial", "kind", "original_serial", "amount", "at", "receipt_no"];

/// Bytes unpacked at a time while the digest is computed.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DayFileError {
    /// More bytes than a day can have.
    #[error("the file is too large")]
    TooLarge,
    /// Not gzip, or cut short.
    #[error("the file cannot be unpacked")]
    Packing,
    /// Not the bytes the HIS computed its digest of.
    #[error("the file does not have the digest it was announced with")]
    Digest,
    /// The first line is not [`DAY_FILE_COLUMNS`].
    #[error("the file has other columns")]
    Columns,
    /// A row that cannot be read.
    #[error("line {line} of the file cannot be read")]
    Row {
        /// Its line, from 1; the header is line 1.
        line: u64,
    },
}

/// A checked file: packed bytes in memory, rows on demand.
#[derive(Debug, Clone)]
pub struct DayFile {
    gzip: Vec<u8>,
}

/// Whether money came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayRowKind {
    /// A payment.
    Payment {
        /// Our order's number.
        serial: OutTradeNo,
    },
    /// A refund.
    Refund {
        /// Our refund's number.
        serial: OutRefundNo,
        /// Our number of the order it is of.
        original: OutTradeNo,
    },
}

/// One booking of the HIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRow {
    /// Payment or refund, by our numbers.
    pub kind: DayRowKind,
    /// How much.
    pub amount: Fen,
    /// When, as we told the HIS.
    pub at: Timestamp,
    /// The hospital's own number of it, as written there.
    pub receipt_no: String,
}

impl DayFile {
    /// A file whose unpacked bytes have this SHA-256 (lower-case hex) and whose columns are the agreed ones.
    pub fn new(gzip: Vec<u8>, sha256_hex: &str) -> Result<Self, DayFileError> {
        if gzip.len() > DAY_FILE_PACKED_BYTES_MAX {
            return Err(DayFileError::TooLarge);
        }
        if sha256_of_unpacked(&gzip)? != sha256_hex {
            return Err(DayFileError::Digest);
        }
        let file = Self { gzip };
        let mut reader = file.reader();
        let columns = reader.headers().map_err(|_| DayFileError::Columns)?;
        if columns.iter().eq(DAY_FILE_COLUMNS) { Ok(file) } else { Err(DayFileError::Columns) }
    }

    /// The rows from the first, as often as asked: each pass unpacks anew and holds one row at a time.
    pub fn rows(&self) -> DayRows<'_> {
        DayRows { reader: self.reader(), record: StringRecord::new(), has_ended: false }
    }

    fn reader(&self) -> csv::Reader<MultiGzDecoder<&[u8]>> {
        csv::Reader::from_reader(MultiGzDecoder::new(self.gzip.as_slice()))
    }
}

fn sha256_of_unpacked(gzip: &[u8]) -> Result<String, DayFileError> {
    let mut unpacked = MultiGzDecoder::new(gzip).take(DAY_FILE_UNPACKED_BYTES_MAX + 1);
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = unpacked.read(&mut chunk).map_err(|_| DayFileError::Packing)?;
        let read = chunk.get(..length).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        digest.update(read);
    }
    if unpacked.limit() == 0 {
        return Err(DayFileError::TooLarge);
    }
    Ok(crate::machine::hex(digest.finish().as_ref()))
}

/// One pass over the rows of a [`DayFile`]; ends with the first row that cannot be read.
#[derive(Debug)]
pub struct DayRows<'a> {
    reader: csv::Reader<MultiGzDecoder<&'a [u8]>>,
    record: StringRecord,
    has_ended: bool,
}

impl DayRows<'_> {
    fn read(&mut self) -> Option<Result<DayRow, DayFileError>> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(row_of(&self.record).ok_or_else(|| self.unreadable())),
            Err(_) => Some(Err(self.unreadable())),
        }
    }

    fn unreadable(&self) -> DayFileError {
        let line = self.record.position().unwrap_or_else(|| self.reader.position()).line();
        DayFileError::Row { line }
    }
}

impl Iterator for DayRows<'_> {
    type Item = Result<DayRow, DayFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let row = self.read();
        self.has_ended = !matches!(row, Some(Ok(_)));
        row
    }
}

fn row_of(record: &StringRecord) -> Option<DayRow> {
    let mut fields = record.iter();
    let (serial, kind, original) = (fields.next()?, fields.next()?, fields.next()?);
    let (amount, at, receipt_no) = (fields.next()?, fields.next()?, fields.next()?);
    let kind = match (kind, original) {
        ("PAY", "") => DayRowKind::Payment { serial: serial.parse().ok()? },
        ("REFUND", original) => DayRowKind::Refund { serial: serial.parse().ok()?, original: original.parse().ok()? },
        _ => return None,
    };
    let amount = Fen::from_yuan(amount).ok()?;
    Some(DayRow { kind, amount, at: at.parse().ok()?, receipt_no: receipt_no.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    const HEADER: &str = "serial,kind,original_serial,amount,at,receipt_no\n";

    fn packed(text: &str) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    fn sha256(text: &str) -> String {
        crate::machine::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
    }

    fn file(rows: &str) -> Result<DayFile, DayFileError> {
        let text = format!("{HEADER}{rows}");
        DayFile::new(packed(&text), &sha256(&text))
    }

    #[test]
    fn rows_are_read_as_often_as_asked() {
        let file = file(
            "a_01,PAY,,56.50,2026-11-23T09:00:00+08:00,R1\na_01_R1,REFUND,a_01,8.50,2026-11-23T10:00:00+08:00,T1\n",
        )
        .unwrap();
        let rows: Vec<_> = file.rows().map(Result::unwrap).collect();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let payment = DayRow {
            kind: DayRowKind::Payment { serial: "a_01".parse().unwrap() },
            amount: Fen::new(5650).unwrap(),
            at: at("2026-11-23T01:00:00Z"),
            receipt_no: "R1".into(),
        };
        let refund = DayRow {
            kind: DayRowKind::Refund { serial: "a_01_R1".parse().unwrap(), original: "a_01".parse().unwrap() },
            amount: Fen::new(850).unwrap(),
            at: at("2026-11-23T02:00:00Z"),
            receipt_no: "T1".into(),
        };
        assert_eq!(rows, [payment, refund]);
        assert_eq!(file.rows().count(), 2);
        assert_eq!(self::file("").unwrap().rows().count(), 0);
    }

    #[test]
    fn only_the_announced_bytes_are_taken() {
        let text = format!("{HEADER}a_01,PAY,,1.00,2026-11-23T09:00:00+08:00,R1\n");
        assert_eq!(DayFile::new(packed(&text), &sha256(HEADER)).unwrap_err(), DayFileError::Digest);
        assert_eq!(DayFile::new(packed(&text), "").unwrap_err(), DayFileError::Digest);
        let mut cut = packed(&text);
        cut.truncate(cut.len() - 9);
        assert_eq!(DayFile::new(cut, &sha256(&text)).unwrap_err(), DayFileError::Packing);
        assert_eq!(DayFile::new(text.clone().into_bytes(), &sha256(&text)).unwrap_err(), DayFileError::Packing);
        let other = "serial,kind,amount\n";
        assert_eq!(DayFile::new(packed(other), &sha256(other)).unwrap_err(), DayFileError::Columns);
        let huge = vec![0; DAY_FILE_PACKED_BYTES_MAX + 1];
        assert_eq!(DayFile::new(huge, "").unwrap_err(), DayFileError::TooLarge);
    }

    proptest! {
        #[test]
        fn any_rows_end(rows in "[a_0-9,PAYREFUND.\"\r\n+:T-]{0,200}") {
            if let Ok(file) = file(&rows) {
                prop_assert!(file.rows().count() <= rows.len() + 1);
            }
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_ends_the_pass() {
        let good = "a_01,PAY,,1.00,2026-11-23T09:00:00+08:00,R1\n";
        for wrong in [
            "a_02,PAY,,-1.00,2026-11-23T09:00:00+08:00,R2\n",
            "a_02,PAY,,1.005,2026-11-23T09:00:00+08:00,R2\n",
            "a_02,PAY,a_01,1.00,2026-11-23T09:00:00+08:00,R2\n",
            "a_02,REFUND,,1.00,2026-11-23T09:00:00+08:00,R2\n",
            "a_02,VOID,,1.00,2026-11-23T09:00:00+08:00,R2\n",
            "a 02,PAY,,1.00,2026-11-23T09:00:00+08:00,R2\n",
            "a_02,PAY,,1.00,2026-11-23,R2\n",
            "a_02,PAY,,1.00\n",
        ] {
            let rows: Vec<_> = file(&format!("{good}{wrong}{good}")).unwrap().rows().collect();
            assert_eq!(rows.len(), 2, "{wrong}");
            assert!(rows[0].is_ok());
            assert_eq!(rows[1], Err(DayFileError::Row { line: 3 }), "{wrong}");
        }
    }
}
