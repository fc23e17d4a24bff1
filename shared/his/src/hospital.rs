//! The hospital as its profile describes it: each operation goes to the adapter that was chosen for it.

use crate::bill::UnpaidBills;
use crate::call_log::CallLog;
use crate::day_file::DayFile;
use crate::error::HisError;
use crate::events::Events;
use crate::fees::{FeesPost, Receipt};
use crate::fhir::Fhir;
use crate::front_end::{Format, FrontEnd, Syntax};
use crate::hl7::Hl7;
use crate::machine::{Keys, Machine, SettingsError};
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::person::{CardBinding, CardPost, Person, PersonPost, PersonQuery, PersonReceipt};
use crate::port::{Call, His};
use crate::queues::{CardQueue, Told};
use crate::refund::{RefundCheck, RefundPost, Refundability};
use crate::reports::{CriticalAlert, HeardReports, ReportNo, ReportsQuery, SentReport};
use crate::timetable::{Department, Doctor, Listed, Mark, ScheduleQuery, Schedules, SlotNumbers};
use crate::visit::{VisitQuery, VisitStatus};
use domain::civil::Date;
use domain::his::{CodeEntry, Codes, HisAdapter, HisCharset, HisOperation, HisPolicy};
use domain::id::{AppointmentId, CardNo, ClinicId, OutRefundNo, OutTradeNo, PersonSerial, RefundReceiptNo};
use results::Charset;
use std::sync::Arc;

/// The hospital's system behind its front-end machine.
#[derive(Debug, Clone)]
pub struct Hospital {
    machine: Arc<Machine>,
    policy: HisPolicy,
}

/// Who carries an operation.
enum Carrier {
    FrontEnd(FrontEnd),
    Fhir(Fhir),
    Hl7(Hl7),
    None,
}

impl Hospital {
    /// Signed JSON for everything, codes that stand for themselves, and no call kept: what a hospital starts with.
    pub fn new(origin: &str, keys: Keys) -> Result<Self, SettingsError> {
        Ok(Self { machine: Arc::new(Machine::new(origin, keys)?), policy: HisPolicy::default() })
    }

    /// As a profile describes it, with its codes, and with a log for what is to be kept.
    pub fn described(
        origin: &str,
        keys: Keys,
        (policy, entries): (HisPolicy, Vec<CodeEntry>),
        log: Arc<dyn CallLog>,
    ) -> Result<Self, SettingsError> {
        let codes = Codes::new(entries, policy.mapped_only.clone());
        let machine = Machine::new(origin, keys)?.noting(codes, log, policy.calls_kept_days > 0);
        Ok(Self { machine: Arc::new(machine), policy })
    }

    /// The language that is chosen for an operation.
    pub fn adapter(&self, operation: HisOperation) -> HisAdapter {
        self.policy.adapter(operation)
    }

    /// Who carries an operation; nobody when its language does not have it ([`HisAdapter::carries`]).
    fn carrier(&self, operation: HisOperation) -> Carrier {
        let adapter = self.adapter(operation);
        if !adapter.carries(operation) {
            return Carrier::None;
        }
        match adapter {
            HisAdapter::SignedJson => Carrier::FrontEnd(self.front_end(Syntax::Json)),
            HisAdapter::SignedXml => Carrier::FrontEnd(self.front_end(Syntax::Xml)),
            HisAdapter::Hl7 => Carrier::Hl7(Hl7::new(self.charset(), Arc::clone(&self.machine))),
            HisAdapter::Fhir => Carrier::Fhir(Fhir::new(Arc::clone(&self.machine))),
        }
    }

    fn front_end(&self, syntax: Syntax) -> FrontEnd {
        FrontEnd::new(Format { syntax, charset: self.charset() }, Arc::clone(&self.machine))
    }

    fn charset(&self) -> Charset {
        match self.policy.charset {
            HisCharset::Utf8 => Charset::Utf8,
            HisCharset::Gb18030 => Charset::Gb18030,
        }
    }
}

/// Passes a call on to the adapter chosen for its operation. Front-end machines carry all of them; of the others those
/// that are named do.
macro_rules! carried {
    ($hospital:ident, $operation:ident, $method:ident $arguments:tt $(, $other:ident)*) => {
        match $hospital.carrier(HisOperation::$operation) {
            Carrier::FrontEnd(adapter) => adapter.$method $arguments.await,
            $(Carrier::$other(adapter) => adapter.$method $arguments.await,)*
            #[allow(unreachable_patterns, reason = "some operations are carried by all")]
            _ => Err(HisError::NotOffered),
        }
    };
}

impl His for Hospital {
    // Fees and refunds -------------------------------------------------------------------------

    async fn fees_unpaid(&self, card_no: &CardNo, call: Call) -> Result<UnpaidBills, HisError> {
        carried!(self, FeesUnpaid, fees_unpaid(card_no, call))
    }

    async fn fees_post(&self, post: &FeesPost, call: Call) -> Result<Receipt, HisError> {
        carried!(self, FeesPost, fees_post(post, call))
    }

    async fn fees_posted(&self, serial: &OutTradeNo, call: Call) -> Result<Option<Receipt>, HisError> {
        carried!(self, FeesPost, fees_posted(serial, call))
    }

    async fn refund_check(&self, check: &RefundCheck, call: Call) -> Result<Refundability, HisError> {
        carried!(self, RefundCheck, refund_check(check, call))
    }

    async fn refund_post(&self, post: &RefundPost, call: Call) -> Result<RefundReceiptNo, HisError> {
        carried!(self, RefundPost, refund_post(post, call))
    }

    async fn refund_posted(&self, serial: &OutRefundNo, call: Call) -> Result<Option<RefundReceiptNo>, HisError> {
        carried!(self, RefundPost, refund_posted(serial, call))
    }

    async fn day_file(&self, day: Date, call: Call) -> Result<DayFile, HisError> {
        carried!(self, DayFile, day_file(day, call))
    }

    // Visits and queues ------------------------------------------------------------------------

    async fn visit_status(&self, visit: &VisitQuery, call: Call) -> Result<Option<VisitStatus>, HisError> {
        carried!(self, VisitStatus, visit_status(visit, call), Fhir)
    }

    async fn clinic_queue(&self, clinic: &ClinicId, call: Call) -> Result<Vec<Told>, HisError> {
        carried!(self, Queue, clinic_queue(clinic, call))
    }

    async fn card_queues(&self, card_no: &CardNo, call: Call) -> Result<Vec<CardQueue>, HisError> {
        carried!(self, Queue, card_queues(card_no, call))
    }

    // Timetable, numbers and changes -----------------------------------------------------------

    async fn departments(&self, call: Call) -> Result<Listed<Department>, HisError> {
        carried!(self, Departments, departments(call), Fhir)
    }

    async fn doctors(&self, call: Call) -> Result<Listed<Doctor>, HisError> {
        carried!(self, Doctors, doctors(call), Fhir)
    }

    async fn schedules(&self, query: &ScheduleQuery, call: Call) -> Result<Schedules, HisError> {
        carried!(self, Schedules, schedules(query, call), Fhir)
    }

    async fn slots(&self, clinic: &ClinicId, call: Call) -> Result<Listed<SlotNumbers>, HisError> {
        carried!(self, Slots, slots(clinic, call), Fhir)
    }

    async fn lock(&self, lock: &NumberLock, call: Call) -> Result<(), HisError> {
        carried!(self, Lock, lock(lock, call), Fhir)
    }

    async fn unlock(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        carried!(self, Unlock, unlock(serial, call), Fhir)
    }

    async fn confirm(&self, visit: &VisitBooking, call: Call) -> Result<(), HisError> {
        carried!(self, Confirm, confirm(visit, call), Fhir, Hl7)
    }

    async fn cancel(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        carried!(self, Cancel, cancel(serial, call), Fhir, Hl7)
    }

    async fn reschedule(&self, from: &AppointmentId, to: &VisitBooking, call: Call) -> Result<(), HisError> {
        carried!(self, Reschedule, reschedule(from, to, call), Fhir, Hl7)
    }

    async fn standing(&self, serial: &AppointmentId, call: Call) -> Result<Option<Standing>, HisError> {
        carried!(self, Standing, standing(serial, call), Fhir)
    }

    async fn events(&self, since: Option<&Mark>, call: Call) -> Result<Events, HisError> {
        carried!(self, Events, events(since, call))
    }

    // People and cards -------------------------------------------------------------------------

    async fn person_find(&self, query: &PersonQuery, call: Call) -> Result<Vec<Person>, HisError> {
        carried!(self, PersonFind, person_find(query, call), Fhir)
    }

    async fn person_create(&self, post: &PersonPost, call: Call) -> Result<PersonReceipt, HisError> {
        let Carrier::Hl7(adapter) = self.carrier(HisOperation::PersonCreate) else {
            return carried!(self, PersonCreate, person_create(post, call), Fhir);
        };
        adapter.make_known(post, call).await?;
        // An acknowledgement has no number of the person: that is asked for in the language that finds people.
        let found = self.person_find(&PersonQuery::Document(post.document.clone()), call.at_step(1)).await?;
        let person = found.into_iter().next().ok_or(HisError::UnknownOutcome)?.no;
        Ok(PersonReceipt { person, card: None })
    }

    async fn card_create(&self, post: &CardPost, call: Call) -> Result<PersonReceipt, HisError> {
        carried!(self, CardCreate, card_create(post, call))
    }

    async fn card_bind(&self, binding: &CardBinding, call: Call) -> Result<PersonReceipt, HisError> {
        carried!(self, CardBind, card_bind(binding, call), Fhir, Hl7)
    }

    async fn person_posted(&self, serial: &PersonSerial, call: Call) -> Result<Option<PersonReceipt>, HisError> {
        // HL7 v2 has no such question: who was made known is found by the paper.
        if let Carrier::Hl7(_) = self.carrier(HisOperation::PersonCreate) {
            return Ok(None);
        }
        carried!(self, PersonCreate, person_posted(serial, call), Fhir)
    }

    // Reports ----------------------------------------------------------------------------------

    async fn reports(&self, query: &ReportsQuery, call: Call) -> Result<HeardReports, HisError> {
        carried!(self, Reports, reports(query, call), Fhir)
    }

    async fn report(&self, number: &ReportNo, call: Call) -> Result<Option<SentReport>, HisError> {
        carried!(self, Report, report(number, call), Fhir)
    }

    async fn critical_alert(&self, alert: &CriticalAlert, call: Call) -> Result<(), HisError> {
        carried!(self, CriticalAlert, critical_alert(alert, call))
    }
}
