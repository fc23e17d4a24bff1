//! What staff do at the window, wherever they sit: giving a number back on somebody's behalf, and who has which number of
//! a clinic (F16).

use crate::desk::Desk;
use crate::refusal::Refusal;
use domain::Timestamp;
use domain::appointment::{Appointment, AppointmentKey, CancelledBy, MoveError};
use domain::clinic::Slot;
use domain::event::Actor;
use domain::profile::HospitalProfile;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use store::appointments::MoveFailed;
use store::clinics::ClinicWithSlots;
use web::problem::Problem;

/// Appointments of a clinic read at one time.
const READS_AT_ONCE: usize = 16;

/// On whose behalf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behalf {
    /// The patient's, who came or called: until the turn begins.
    #[default]
    Window,
    /// The hospital's: at any time, and never held against the patient.
    Hospital,
}

impl Behalf {
    fn cancelled_by(self) -> CancelledBy {
        match self {
            Self::Window => CancelledBy::Window,
            Self::Hospital => CancelledBy::Hospital,
        }
    }
}

/// Why, for the audit. A closed list: free text would carry health data into the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The patient asked for it.
    #[default]
    PatientAsked,
    /// The wrong person, department or time was booked.
    BookedWrongly,
    /// The doctor cannot come, or the clinic is moved.
    ClinicChanged,
    /// Anything else.
    Other,
}

impl CancelReason {
    /// Every reason, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::PatientAsked, Self::BookedWrongly, Self::ClinicChanged, Self::Other];

    /// The reason's name in the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PatientAsked => "patient_asked",
            Self::BookedWrongly => "booked_wrongly",
            Self::ClinicChanged => "clinic_changed",
            Self::Other => "other",
        }
    }

    /// The reason of a name in the API.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// As staff read it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::PatientAsked => "患者要求",
            Self::BookedWrongly => "挂错号",
            Self::ClinicChanged => "门诊变动",
            Self::Other => "其他",
        }
    }
}

/// Gives a number back on somebody's behalf, by a member of staff.
pub async fn cancel(
    desk: &Desk,
    profile: &HospitalProfile,
    key: &AppointmentKey,
    behalf: Behalf,
    who: &str,
    now: Timestamp,
) -> Result<Appointment, Refusal> {
    let actor = Actor::Staff(who.to_owned());
    desk.table.cancel(profile, key, behalf.cancelled_by(), &actor, now).await.map_err(refused)
}

/// The patients' text sends them to the window; at the window, once the turn has begun, the hospital is what remains.
fn refused(error: MoveFailed) -> Refusal {
    match error {
        MoveFailed::Refused(MoveError::CancelDeadlinePassed) => {
            let text = "就诊时段已开始，窗口不能再取消。如由医院承担，请以医院名义取消（by: hospital）";
            Problem::conflict("cancel_too_late", text).into()
        }
        other => other.into(),
    }
}

/// The appointments behind the taken numbers of a clinic. One may be missing for a moment: the number is claimed first.
pub async fn appointments_in(desk: &Desk, found: &ClinicWithSlots) -> Result<Vec<Appointment>, Refusal> {
    let taken = found.slots.iter().flat_map(Slot::holders);
    let keys: Vec<_> = taken
        .map(|(id, taken)| AppointmentKey { patient: taken.patient.clone(), date: found.clinic.date, id: id.clone() })
        .collect();
    let reads: Vec<_> = keys.iter().map(|key| desk.table.appointment(key)).collect();
    let read: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}
