//! Where to go next.

use crate::bill::Place;
use crate::label::Label;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct PlaceData {
    building: Label,
    floor: Label,
    window: Label,
    note: Label,
}

impl From<PlaceData> for Place {
    fn from(data: PlaceData) -> Self {
        let PlaceData { building, floor, window, note } = data;
        Self { building, floor, window, note }
    }
}
