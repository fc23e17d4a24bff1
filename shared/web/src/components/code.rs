//! Codes that a scanner at the desk reads.

use std::fmt::Write;

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// Longest text put into a QR code, in bytes: longer ones grow too fine for worn scanners and cracked screens.
pub const QR_TEXT_MAX_BYTES: usize = 256;

/// Modules of white around a QR code; the standard asks for four.
const QUIET_ZONE: usize = 4;

/// Why a text cannot be shown as a code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// Longer than [`QR_TEXT_MAX_BYTES`].
    #[error("text too long for a QR code")]
    TooLong,
    /// The encoder refused the text.
    #[error("encode QR code")]
    Encode(#[source] qrcode::types::QrError),
}

/// A QR code with the same text in print below it, for when the scanner is broken.
pub fn qr(text: &str, caption: &str) -> Result<Markup, CodeError> {
    if text.len() > QR_TEXT_MAX_BYTES {
        return Err(CodeError::TooLong);
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(CodeError::Encode)?;
    let side = code.width() + 2 * QUIET_ZONE;
    Ok(html! {
        figure.code {
            svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label="二维码" shape-rendering="crispEdges" {
                path d=(dark_runs(&code));
            }
            figcaption { b { (caption) } }
        }
    })
}

/// Each run of dark modules as one rectangle: a third of the size of one per module.
fn dark_runs(code: &QrCode) -> String {
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(code.width()).enumerate() {
        let mut x = QUIET_ZONE;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {}h{}v1h-{}z", y + QUIET_ZONE, run.len(), run.len());
            }
            x += run.len();
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_exactly_the_dark_modules() {
        let code = QrCode::with_error_correction_level("MZ-0001", EcLevel::M).unwrap();
        let covered: usize = dark_runs(&code)
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v')?.0.parse::<usize>().ok())
            .sum();
        assert_eq!(covered, code.to_colors().iter().filter(|color| **color == Color::Dark).count());
    }

    #[test]
    fn a_text_too_long_is_refused() {
        assert!(qr(&"9".repeat(QR_TEXT_MAX_BYTES), "").is_ok());
        assert!(matches!(qr(&"9".repeat(QR_TEXT_MAX_BYTES + 1), ""), Err(CodeError::TooLong)));
    }
}
