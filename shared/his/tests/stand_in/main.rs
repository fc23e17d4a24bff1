//! The adapter for front-end machines against the stand-in HIS, in every format: one contract for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::duplicate_mod, reason = "the same contract, in one format after the other")]

use his::{Format, Syntax};
use results::Charset;

#[path = "."]
mod json {
    const FORMAT: super::Format = super::Format { syntax: super::Syntax::Json, charset: super::Charset::Utf8 };
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod json_gb18030 {
    const FORMAT: super::Format = super::Format { syntax: super::Syntax::Json, charset: super::Charset::Gb18030 };
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod xml {
    const FORMAT: super::Format = super::Format { syntax: super::Syntax::Xml, charset: super::Charset::Utf8 };
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod xml_gb18030 {
    const FORMAT: super::Format = super::Format { syntax: super::Syntax::Xml, charset: super::Charset::Gb18030 };
    #[path = "contract.rs"]
    mod contract;
}
