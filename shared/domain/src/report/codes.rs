//! What the codes of a hospital's front-end machines mean.

use super::{Category, Meaning, Status};
use crate::person::Sex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A hospital's own codes. They come before the words everybody knows; a code of which neither says anything keeps its
/// message out until somebody maps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Codes {
    /// Kinds of report: `"1"` is laboratory.
    pub categories: BTreeMap<String, Category>,
    /// States of a report.
    pub statuses: BTreeMap<String, Status>,
    /// Flags of an item: `"2"` is high.
    pub flags: BTreeMap<String, Meaning>,
    /// Sexes: `"02"` is female.
    pub sexes: BTreeMap<String, Sex>,
}
