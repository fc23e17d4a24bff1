//! The operations of the port, by the machine's names.

use super::client::{FrontEnd, LOCK_TIMEOUT_MS};
use super::wire::{
    AlertBody, BillsData, CardBindingBody, CardBody, CardPostBody, CardQueuesData, ClinicBody, ClinicQueueData,
    ConfirmBody, DepartmentsData, DoctorsData, EventsBody, EventsData, FeesBody, FindBody, LockBody, Nothing,
    PeopleData, PersonBody, PersonReceiptData, ReceiptData, RefundBody, RefundCheckBody, RefundNoData,
    RefundabilityData, ReportBody, ReportData, ReportsBody, ReportsData, RescheduleBody, SchedulesBody, SchedulesData,
    SerialBody, SlotsData, StandingData, VisitBody, VisitStatusData,
};
use crate::bill::UnpaidBills;
use crate::day_file::DayFile;
use crate::error::HisError;
use crate::events::Events;
use crate::fees::{FeesPost, Receipt};
use crate::machine::WRITE_TIMEOUT_MS;
use crate::numbers::{NumberLock, Standing, VisitBooking};
use crate::person::{CardBinding, CardPost, Person, PersonPost, PersonQuery, PersonReceipt};
use crate::port::{Call, His};
use crate::queues::{CardQueue, Told};
use crate::refund::{RefundCheck, RefundPost, Refundability};
use crate::reports::{CriticalAlert, HeardReports, ReportNo, ReportsQuery, SentReport};
use crate::timetable::{Department, Doctor, Listed, Mark, ScheduleQuery, Schedules, SlotNumbers};
use crate::visit::{VisitQuery, VisitStatus};
use domain::civil::Date;
use domain::id::{AppointmentId, CardNo, ClinicId, OutRefundNo, OutTradeNo, PersonSerial, RefundReceiptNo};

impl His for FrontEnd {
    // Fees and refunds -------------------------------------------------------------------------

    async fn fees_unpaid(&self, card_no: &CardNo, call: Call) -> Result<UnpaidBills, HisError> {
        let data: Option<BillsData> = self.read("fees-unpaid", &CardBody { card_no: card_no.as_str() }, call).await?;
        Ok(data.map(UnpaidBills::from).unwrap_or_default())
    }

    async fn fees_post(&self, post: &FeesPost, call: Call) -> Result<Receipt, HisError> {
        let data: ReceiptData = self.write("fees-post", &FeesBody::from(post), call).await?;
        Ok(data.into())
    }

    async fn fees_posted(&self, serial: &OutTradeNo, call: Call) -> Result<Option<Receipt>, HisError> {
        let data: Option<ReceiptData> = self.read("fees-posted", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(Receipt::from))
    }

    async fn refund_check(&self, check: &RefundCheck, call: Call) -> Result<Refundability, HisError> {
        let data: Option<RefundabilityData> = self.read("refund-check", &RefundCheckBody::from(check), call).await?;
        Ok(data.map(Refundability::from).unwrap_or_default())
    }

    async fn refund_post(&self, post: &RefundPost, call: Call) -> Result<RefundReceiptNo, HisError> {
        let data: RefundNoData = self.write("refund-post", &RefundBody::from(post), call).await?;
        Ok(data.refund_no)
    }

    async fn refund_posted(&self, serial: &OutRefundNo, call: Call) -> Result<Option<RefundReceiptNo>, HisError> {
        let data: Option<RefundNoData> =
            self.read("refund-posted", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(|data| data.refund_no))
    }

    async fn day_file(&self, day: Date, call: Call) -> Result<DayFile, HisError> {
        self.file_of(day, call).await
    }

    // Visits and queues ------------------------------------------------------------------------

    async fn visit_status(&self, visit: &VisitQuery, call: Call) -> Result<Option<VisitStatus>, HisError> {
        let data: Option<VisitStatusData> = self.read("visit-status", &VisitBody::from(visit), call).await?;
        Ok(data.map(VisitStatus::from))
    }

    async fn clinic_queue(&self, clinic: &ClinicId, call: Call) -> Result<Vec<Told>, HisError> {
        let body = ClinicBody { clinic: clinic.as_str() };
        let data: Option<ClinicQueueData> = self.read("clinic-queue", &body, call).await?;
        Ok(data.map(Vec::from).unwrap_or_default())
    }

    async fn card_queues(&self, card_no: &CardNo, call: Call) -> Result<Vec<CardQueue>, HisError> {
        let data: Option<CardQueuesData> =
            self.read("card-queues", &CardBody { card_no: card_no.as_str() }, call).await?;
        Ok(data.map(Vec::from).unwrap_or_default())
    }

    // Timetable, numbers and changes -----------------------------------------------------------

    async fn departments(&self, call: Call) -> Result<Listed<Department>, HisError> {
        let data: Option<DepartmentsData> = self.read("departments", &Nothing {}, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn doctors(&self, call: Call) -> Result<Listed<Doctor>, HisError> {
        let data: Option<DoctorsData> = self.read("doctors", &Nothing {}, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn schedules(&self, query: &ScheduleQuery, call: Call) -> Result<Schedules, HisError> {
        let data: Option<SchedulesData> = self.read("schedules", &SchedulesBody::from(query), call).await?;
        let none = || Ok(Schedules { list: Listed::none(), mark: query.since.clone() });
        data.map_or_else(none, Schedules::try_from)
    }

    async fn slots(&self, clinic: &ClinicId, call: Call) -> Result<Listed<SlotNumbers>, HisError> {
        let data: Option<SlotsData> = self.read("slots", &ClinicBody { clinic: clinic.as_str() }, call).await?;
        Ok(data.map_or_else(Listed::none, Listed::from))
    }

    async fn lock(&self, lock: &NumberLock, call: Call) -> Result<(), HisError> {
        self.tell("lock", &LockBody::from(lock), LOCK_TIMEOUT_MS, call).await
    }

    async fn unlock(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.tell("unlock", &SerialBody { serial: serial.as_str() }, WRITE_TIMEOUT_MS, call).await
    }

    async fn confirm(&self, visit: &VisitBooking, call: Call) -> Result<(), HisError> {
        self.tell("confirm", &ConfirmBody::from(visit), WRITE_TIMEOUT_MS, call).await
    }

    async fn cancel(&self, serial: &AppointmentId, call: Call) -> Result<(), HisError> {
        self.tell("cancel", &SerialBody { serial: serial.as_str() }, WRITE_TIMEOUT_MS, call).await
    }

    async fn reschedule(&self, from: &AppointmentId, to: &VisitBooking, call: Call) -> Result<(), HisError> {
        self.tell("reschedule", &RescheduleBody::new(from, to), WRITE_TIMEOUT_MS, call).await
    }

    async fn standing(&self, serial: &AppointmentId, call: Call) -> Result<Option<Standing>, HisError> {
        let data: Option<StandingData> = self.read("standing", &SerialBody { serial: serial.as_str() }, call).await?;
        Ok(data.map(Standing::from))
    }

    async fn events(&self, since: Option<&Mark>, call: Call) -> Result<Events, HisError> {
        let body = EventsBody { since: since.map(Mark::as_str) };
        let data: Option<EventsData> = self.read("events", &body, call).await?;
        data.map_or_else(|| Ok(Events::default()), Events::try_from)
    }

    // People and cards -------------------------------------------------------------------------

    async fn person_find(&self, query: &PersonQuery, call: Call) -> Result<Vec<Person>, HisError> {
        let data: Option<PeopleData> = self.read("person-find", &FindBody::from(query), call).await?;
        Ok(data.map(Vec::from).unwrap_or_default())
    }

    async fn person_create(&self, post: &PersonPost, call: Call) -> Result<PersonReceipt, HisError> {
        let data: PersonReceiptData = self.write("person-create", &PersonBody::from(post), call).await?;
        Ok(data.into())
    }

    async fn card_create(&self, post: &CardPost, call: Call) -> Result<PersonReceipt, HisError> {
        let data: PersonReceiptData = self.write("card-create", &CardPostBody::from(post), call).await?;
        Ok(data.into())
    }

    async fn card_bind(&self, binding: &CardBinding, call: Call) -> Result<PersonReceipt, HisError> {
        let data: PersonReceiptData = self.write("card-bind", &CardBindingBody::from(binding), call).await?;
        Ok(data.into())
    }

    async fn person_posted(&self, serial: &PersonSerial, call: Call) -> Result<Option<PersonReceipt>, HisError> {
        let body = SerialBody { serial: serial.as_str() };
        let data: Option<PersonReceiptData> = self.read("person-posted", &body, call).await?;
        Ok(data.map(PersonReceipt::from))
    }

    // Reports ----------------------------------------------------------------------------------

    async fn reports(&self, query: &ReportsQuery, call: Call) -> Result<HeardReports, HisError> {
        let data: Option<ReportsData> = self.read("reports", &ReportsBody::from(query), call).await?;
        data.map_or_else(|| Ok(HeardReports::default()), HeardReports::try_from)
    }

    async fn report(&self, number: &ReportNo, call: Call) -> Result<Option<SentReport>, HisError> {
        let body = ReportBody { report_no: number.as_str() };
        let data: Option<ReportData> = self.read("report", &body, call).await?;
        Ok(data.map(SentReport::from))
    }

    async fn critical_alert(&self, alert: &CriticalAlert, call: Call) -> Result<(), HisError> {
        self.tell("critical-alert", &AlertBody::from(alert), WRITE_TIMEOUT_MS, call).await
    }
}
