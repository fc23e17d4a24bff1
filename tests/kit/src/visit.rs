//! A visit to begin with.

use domain::Timestamp;
use domain::appointment::{Appointment, Booker, Place, State, VisitCredit};
use domain::civil::date;
use domain::clinic::{ClinicKind, Period};
use domain::due::Deadlines;
use domain::id::{AppointmentId, PatientId};
use domain::money::Fen;

/// Who booked [`visit`].
pub const BOOKER: &str = "oLin";

/// An ordinary visit at nine on 23 November 2026 with nothing due, made at `at`: a test names what is different.
pub fn visit(state: State, at: Timestamp) -> Appointment {
    Appointment {
        id: AppointmentId::from_bytes([1; 10]),
        patient: PatientId::from_bytes([2; 10]),
        patient_name_masked: "林*梅".into(),
        booker: Booker::Account(BOOKER.parse().unwrap()),
        place: Place {
            clinic: "20261123-am-NK-pool".parse().unwrap(),
            date: date(2026, 11, 23),
            period: Period::Morning,
            start: "0900".parse().unwrap(),
            number: 3,
            kind: ClinicKind::Ordinary,
            department: "NK".parse().unwrap(),
            department_name: "内科".into(),
            doctor: None,
            who: "普通门诊".into(),
            room: "二楼 201".into(),
            campus: "本部".into(),
        },
        fee: Fen::new(2_500).unwrap(),
        pay_attempt: 1,
        state,
        deadlines: Deadlines::none(),
        ev: None,
        enrolment: Box::default(),
        credit: VisitCredit::default(),
        history: Box::default(),
        created_at: at,
        ver: 1,
    }
}
