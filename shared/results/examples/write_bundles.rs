//! Writes every result sample as a FHIR bundle of ours and every acknowledgement of it, one a line, for
//! `tests/validate.py` to read.

use results::{Fault, FaultKind, fhir, hl7};
use std::io::{Error, Write};

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(path)?;
        if let Ok(results) = fhir::read(&String::from_utf8_lossy(&bytes)) {
            for report in &results.reports {
                writeln!(out, "{}", fhir::write(report))?;
            }
            continue;
        }
        let body = hl7::frame::read(&bytes).map_err(Error::other)?;
        for message in body.messages.into_iter().flatten() {
            let results = hl7::oru::read(&message).map_err(Error::other)?;
            for report in &results.reports {
                writeln!(out, "{}", fhir::write(report))?;
            }
            let now = domain::Timestamp::UNIX_EPOCH;
            let fault = Fault::at("OBX[3]-11", FaultKind::UnknownCode);
            for outcome in [hl7::header::Outcome::Accepted, hl7::header::Outcome::Error(fault)] {
                for answer in hl7::header::acknowledge(&results.header, &outcome, "M1", now) {
                    writeln!(out, "{}", answer.write().replace('\r', "\\r"))?;
                }
            }
        }
    }
    Ok(())
}
