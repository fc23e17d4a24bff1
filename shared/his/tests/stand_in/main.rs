//! The adapter for front-end machines against the stand-in HIS, in every format: one contract for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::duplicate_mod, reason = "the same contract, in one format after the other")]

#[path = "../desk/mod.rs"]
#[allow(dead_code, reason = "the contract has a desk of its own, in each format")]
mod desk;

use domain::his::{HisAdapter, HisCharset};

#[path = "."]
mod json {
    const FORMAT: (super::HisAdapter, super::HisCharset) = (super::HisAdapter::SignedJson, super::HisCharset::Utf8);
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod json_gb18030 {
    const FORMAT: (super::HisAdapter, super::HisCharset) = (super::HisAdapter::SignedJson, super::HisCharset::Gb18030);
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod xml {
    const FORMAT: (super::HisAdapter, super::HisCharset) = (super::HisAdapter::SignedXml, super::HisCharset::Utf8);
    #[path = "contract.rs"]
    mod contract;
}

#[path = "."]
mod xml_gb18030 {
    const FORMAT: (super::HisAdapter, super::HisCharset) = (super::HisAdapter::SignedXml, super::HisCharset::Gb18030);
    #[path = "contract.rs"]
    mod contract;
}
