//! 同步: what the HIS knows of departments, doctors, schedules, numbers and changes, by the clock and on demand. What staff
//! edited here stays, and so does what is sold. Each step is harmless to repeat: a pull that was cut off is made again from
//! where the last complete one ended.

use crate::{App, SyncError};
use domain::Timestamp;
use domain::catalog::{Department, Doctor};
use domain::civil::Date;
use domain::clinic::{Clinic, ClinicState, Slot, SlotStart};
use domain::closure::{Closure, ClosureKind};
use domain::enrolment::NumberOwner;
use domain::event::Actor;
use domain::id::{AppointmentId, CardNo, ClinicId, DepartmentId, DoctorId};
use domain::profile::HospitalProfile;
use domain::pull::{Pull, PullDue, PullReport, merged};
use domain::report::unplaced::Obstacle;
use domain::time;
use domain::visit::VisitFate;
use futures_util::{StreamExt, TryStreamExt, stream};
use his::{
    Call, Change, HeardReport, His, HisError, Mark, Refusal, ReportsQuery, Schedule, ScheduleQuery, SentReport,
    SlotNumbers,
};
use intake::{Delivery, Inbox};
use runtime::Desk;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::schedules::{Fate, HeardSlot};
use store::seal::Keyring;

/// Who decided what the HIS tells of, in the record of a closure.
const BY: &str = "HIS";
/// Clinics asked about at one time: a hospital's front-end machine is one machine.
const CLINICS_AT_ONCE: usize = 4;
/// Pages of reports read in one go; what is left comes with the next.
const REPORT_PAGES_MAX: usize = 10;
/// The encoding of what the port hands over.
const UTF_8: &str = "utf-8";
/// Pages of changes read in one go; what is left comes with the next.
const EVENT_PAGES_MAX: usize = 10;

/// What a pull works with.
struct Puller<'a, H> {
    app: &'a App,
    his: &'a H,
    profile: &'a HospitalProfile,
    departments: BTreeMap<DepartmentId, Department>,
    doctors: BTreeMap<DoctorId, Doctor>,
    now: Timestamp,
}

/// Pulls what is due, if anything is and nobody else is at it. Whether it came to an end; none when nothing was due.
pub(crate) async fn run(app: &App, now: Timestamp) -> Option<bool> {
    match begin(app, now).await {
        Ok(Some((pull, due))) => Some(finish(app, pull, due, now).await),
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "nothing can be pulled");
            Some(false)
        }
    }
}

async fn begin(app: &App, now: Timestamp) -> Result<Option<(Pull, PullDue)>, SyncError> {
    let profile = app.desk.profile().await?;
    match &profile.numbers.pull {
        Some(policy) => Ok(app.desk.table.begin_pull(policy, now).await?),
        None => Ok(None),
    }
}

async fn finish(app: &App, pull: Pull, due: PullDue, now: Timestamp) -> bool {
    let mut after = pull;
    let outcome = pull_due(app, &mut after, due, now).await;
    after.report.is_complete = outcome.is_ok();
    if let Err(error) = &outcome {
        tracing::warn!(%error, "a pull was cut off");
    }
    let report = &after.report;
    tracing::info!(?report, "pulled");
    for clinic in &report.oversold {
        tracing::error!(alarm = "oversold", %clinic, "more is sold than the HIS has");
    }
    let written =
        app.desk.table.change_pull(|seen| Pull { asked_at: seen.asked_at, leased_until: None, ..after.clone() });
    let written = written.await.inspect_err(|error| tracing::error!(%error, "a pull is made again"));
    outcome.is_ok() && written.is_ok()
}

async fn pull_due(app: &App, pull: &mut Pull, due: PullDue, now: Timestamp) -> Result<(), SyncError> {
    let his = app.his.get(now).await?;
    let profile = app.desk.profile().await?;
    pull.ask_in(|operation| his.client.adapter(operation));
    let mut puller = Puller::of(app, &his.client, &profile, now).await?;
    if due.catalog {
        puller.catalog(&mut pull.report).await?;
        pull.catalog_at = Some(now);
        if pull.left_out {
            // What was left out may have its place now.
            pull.mark = None;
        }
    }
    if due.reports {
        puller.reports(pull).await?;
        pull.reports_at = Some(now);
    }
    if due.schedules {
        // Changes first: a clinic that was closed and told of is not closed a second time.
        puller.events(pull).await?;
        let (is_whole, rejected) = (pull.mark.is_none(), pull.report.rejected);
        puller.schedules(pull).await?;
        pull.left_out = pull.report.rejected > rejected || (pull.left_out && !is_whole);
        pull.schedules_at = Some(now);
    }
    Ok(())
}

impl<'a, H: His> Puller<'a, H> {
    async fn of(app: &'a App, his: &'a H, profile: &'a HospitalProfile, now: Timestamp) -> Result<Self, SyncError> {
        let departments = app.desk.table.departments().await?;
        let doctors = app.desk.table.doctors().await?;
        Ok(Self {
            app,
            his,
            profile,
            departments: departments.into_iter().map(|department| (department.id.clone(), department)).collect(),
            doctors: doctors.into_iter().map(|doctor| (doctor.id.clone(), doctor)).collect(),
            now,
        })
    }

    fn call(&self) -> Result<Call, SyncError> {
        Ok(Call { now: self.now, random: self.app.desk.random.bytes()? })
    }

    // Departments and doctors ------------------------------------------------------------------

    async fn catalog(&mut self, report: &mut PullReport) -> Result<(), SyncError> {
        let departments = self.his.departments(self.call()?).await?;
        report.rejected += departments.rejected;
        for heard in departments.entries {
            report.catalog_changed += usize::from(self.department(heard).await?);
        }
        let doctors = self.his.doctors(self.call()?).await?;
        report.rejected += doctors.rejected;
        for heard in doctors.entries {
            if self.departments.contains_key(&heard.department) {
                report.catalog_changed += usize::from(self.doctor(heard).await?);
            } else {
                tracing::warn!(doctor = %heard.id, department = %heard.department, "a doctor of an unknown department");
                report.rejected += 1;
            }
        }
        Ok(())
    }

    async fn department(&mut self, heard: Department) -> Result<bool, SyncError> {
        let table = &self.app.desk.table;
        let before = table.heard_department(&heard.id).await?;
        let after = match self.departments.get(&heard.id) {
            Some(local) => merged_department(local, before.as_ref(), &heard),
            None => heard.clone(),
        };
        let is_changed = self.departments.get(&heard.id) != Some(&after);
        if is_changed {
            table.put_department(&after).await?;
        }
        if before.as_ref() != Some(&heard) {
            table.put_heard_department(&heard).await?;
        }
        self.departments.insert(after.id.clone(), after);
        Ok(is_changed)
    }

    async fn doctor(&mut self, heard: Doctor) -> Result<bool, SyncError> {
        let table = &self.app.desk.table;
        let before = table.heard_doctor(&heard.id).await?;
        let after = match self.doctors.get(&heard.id) {
            Some(local) => merged_doctor(local, before.as_ref(), &heard),
            None => heard.clone(),
        };
        let is_changed = self.doctors.get(&heard.id) != Some(&after);
        if is_changed {
            table.put_doctor(&after).await?;
        }
        if before.as_ref() != Some(&heard) {
            table.put_heard_doctor(&heard).await?;
        }
        self.doctors.insert(after.id.clone(), after);
        Ok(is_changed)
    }

    // Schedules and numbers --------------------------------------------------------------------

    async fn schedules(&self, pull: &mut Pull) -> Result<(), SyncError> {
        let today = time::today(self.now);
        let last = time::add_days(today, self.profile.booking.horizon_days);
        let mark = pull.mark.as_deref().and_then(|mark| mark.parse::<Mark>().ok());
        let covered_to = pull.covered_to.filter(|_| mark.is_some());
        let mut next = mark.clone();
        if covered_to.is_some_and(|covered| covered >= today) {
            next = self.range(today, covered_to.unwrap_or(last).min(last), mark, &mut pull.report).await?.or(next);
        }
        // Days nobody has asked for yet: what did not change since the mark is news there too.
        let from = covered_to.map_or(today, |covered| time::add_days(covered, 1)).max(today);
        if from <= last {
            let heard = self.range(from, last, None, &mut pull.report).await?;
            // The older of two marks misses nothing.
            next = next.or(heard);
        }
        pull.mark = next.map(|mark| mark.as_str().to_owned());
        pull.covered_to = Some(last);
        Ok(())
    }

    async fn range(
        &self,
        from: Date,
        to: Date,
        since: Option<Mark>,
        report: &mut PullReport,
    ) -> Result<Option<Mark>, SyncError> {
        let heard = self.his.schedules(&ScheduleQuery { from, to, since }, self.call()?).await?;
        report.rejected += heard.list.rejected;
        let mut outcomes =
            stream::iter(&heard.list.entries).map(|schedule| self.schedule(schedule)).buffer_unordered(CLINICS_AT_ONCE);
        while let Some(outcome) = outcomes.try_next().await? {
            match outcome {
                Outcome::Unknown => report.rejected += 1,
                Outcome::Filed { is_changed, oversold } => {
                    report.clinics_changed += usize::from(is_changed);
                    report.oversold.extend(oversold);
                }
            }
        }
        Ok(heard.mark)
    }

    async fn schedule(&self, schedule: &Schedule) -> Result<Outcome, SyncError> {
        let (Ok(id), Some(department)) = (schedule.clinic(), self.departments.get(&schedule.department)) else {
            tracing::warn!(department = %schedule.department, "a schedule of an unknown department");
            return Ok(Outcome::Unknown);
        };
        let doctor = schedule.doctor.as_ref().map(|id| self.doctors.get(id));
        let Some(doctor) = doctor.map_or(Some(None), |found| found.map(Some)) else {
            tracing::warn!(clinic = %id, "a schedule of an unknown doctor");
            return Ok(Outcome::Unknown);
        };
        let slots = match self.his.slots(&id, self.call()?).await {
            Ok(slots) => slots.entries,
            // Gone between the two questions: the next list says so.
            Err(HisError::Refused { code: Refusal::NoSuchClinic }) => return Ok(Outcome::Unknown),
            Err(error) => return Err(error.into()),
        };
        let found = self.app.desk.table.clinic_alone(&id).await?;
        let clinic = self.clinic(schedule, id, (department, doctor), found.as_ref());
        let outcome = self.file(&clinic, &slots).await?;
        if schedule.is_closed && clinic.state == ClinicState::Open {
            self.close(&clinic.id, None).await?;
        }
        Ok(outcome)
    }

    async fn file(&self, clinic: &Clinic, slots: &[SlotNumbers]) -> Result<Outcome, SyncError> {
        let table = &self.app.desk.table;
        if self.profile.numbers.owner == NumberOwner::His {
            let slots: Vec<HeardSlot> = slots.iter().map(heard_slot).collect();
            let heard = table.hear_schedule(clinic, &slots, self.now).await?;
            let oversold = (!heard.beyond.is_empty()).then(|| clinic.id.clone());
            return Ok(Outcome::Filed { is_changed: heard.is_changed, oversold });
        }
        let slots: Vec<Slot> = slots.iter().map(|slot| our_slot(clinic, slot, self.profile)).collect();
        let plan = table.file_schedule(&(clinic.clone(), slots), true, self.now).await?;
        let is_changed = plan.fate != Fate::Unchanged || !plan.written.is_empty() || !plan.removed.is_empty();
        // Slots somebody has claimed in and that say something else now.
        let oversold = (plan.slots.kept > 0).then(|| clinic.id.clone());
        Ok(Outcome::Filed { is_changed, oversold })
    }

    /// The clinic as a page shows it. Another doctor than the one of its key was sent in their place (替诊): they stay.
    fn clinic(
        &self,
        schedule: &Schedule,
        id: ClinicId,
        (department, doctor): (&Department, Option<&Doctor>),
        found: Option<&Clinic>,
    ) -> Clinic {
        let or = |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
        let heard = Clinic {
            id,
            date: schedule.date,
            period: schedule.period,
            department: schedule.department.clone(),
            department_name: department.name.clone(),
            doctor: schedule.doctor.clone(),
            doctor_name: doctor.map(|doctor| doctor.name.clone()).unwrap_or_default(),
            doctor_title: doctor.map(|doctor| doctor.title.clone()).unwrap_or_default(),
            kind: schedule.kind,
            fee: schedule.fee,
            room: or(schedule.room.as_str(), &department.location),
            campus: or(schedule.campus.as_str(), &department.campus),
            queue_group: found.and_then(|found| found.queue_group.clone()),
            release_at: self.profile.booking.release_at(schedule.date),
            state: found.map_or(ClinicState::Open, |found| found.state),
        };
        match found {
            Some(found) if found.doctor != schedule.doctor => Clinic {
                doctor: found.doctor.clone(),
                doctor_name: found.doctor_name.clone(),
                doctor_title: found.doctor_title.clone(),
                ..heard
            },
            _ => heard,
        }
    }

    // Changes, in the order of the HIS ---------------------------------------------------------

    async fn events(&self, pull: &mut Pull) -> Result<(), SyncError> {
        for _ in 0..EVENT_PAGES_MAX {
            let since = pull.event_mark.as_deref().and_then(|mark| mark.parse::<Mark>().ok());
            let page = self.his.events(since.as_ref(), self.call()?).await?;
            for event in page.events {
                match event.change {
                    Some(change) => pull.report.events += usize::from(self.change(change).await?),
                    None => pull.report.rejected += 1,
                }
                // Each on its own: one that cannot be dealt with now holds back those behind it, not those before.
                pull.event_mark = Some(event.mark.as_str().to_owned());
            }
            if !page.has_more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Deals with a change; false when there was nothing to do.
    async fn change(&self, change: Change) -> Result<bool, SyncError> {
        match change {
            Change::Closed { clinic, from } => self.close(&clinic, from).await,
            Change::Substituted { clinic, doctor } => self.substitute(&clinic, &doctor).await,
            Change::Fee { clinic, fee } => {
                let Some(found) = self.app.desk.table.clinic_alone(&clinic).await? else { return Ok(false) };
                let is_other = found.fee != fee;
                if is_other {
                    let table = &self.app.desk.table;
                    table.put_schedule(&Clinic { fee, ..found.clone() }, &[], &[]).await?;
                    table.forget_board(found.date, &found.department, self.now).await?;
                }
                Ok(is_other)
            }
            Change::Visit { clinic, appointment, fate } => self.visit(&clinic, &appointment, fate).await,
            Change::Merged { stays, gone } => {
                let (keys, [stays, gone]) = (self.keys().await?, [&stays, &gone].map(|cards| numbers(cards)));
                Ok(is_heeded(&self.inbox(&keys).merge(&stays, &gone, BY).await?))
            }
            Change::Unmerged { stays, leaves } => {
                let (keys, people) = (self.keys().await?, [&stays, &leaves].map(|cards| numbers(cards)));
                Ok(is_heeded(&self.inbox(&keys).part(&people, BY).await?))
            }
            Change::Reported { number } => match self.his.report(&number, self.call()?).await? {
                Some(report) => self.take(&report).await.map(|()| true),
                None => Ok(false),
            },
        }
    }

    // People and reports -----------------------------------------------------------------------

    async fn keys(&self) -> Result<Arc<Keyring>, SyncError> {
        Ok(self.app.identity.get(self.now).await?)
    }

    fn inbox<'k>(&'k self, keys: &'k Keyring) -> Inbox<'k> {
        let Desk { table, random, .. } = &self.app.desk;
        Inbox { table, keys, profile: self.profile, nonces: random, now: self.now }
    }

    /// Fetches what came while nobody here could take it. What was here before is nothing new.
    async fn reports(&self, pull: &mut Pull) -> Result<(), SyncError> {
        for _ in 0..REPORT_PAGES_MAX {
            let since = pull.report_mark.as_deref().and_then(|mark| mark.parse::<Mark>().ok());
            let page = self.his.reports(&ReportsQuery { card_no: None, since }, self.call()?).await?;
            for HeardReport { mark, report } in page.reports {
                self.take(&report).await?;
                pull.report.reports += 1;
                pull.report_mark = Some(mark.as_str().to_owned());
            }
            if !page.has_more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Filed, or kept whole for staff: either way it is dealt with.
    async fn take(&self, report: &SentReport) -> Result<(), SyncError> {
        let keys = self.keys().await?;
        let delivery = Delivery { wire: report.wire, sender: BY, charset: Some(UTF_8), body: &report.body };
        self.inbox(&keys).take(&delivery).await?;
        Ok(())
    }

    // Changes of clinics -----------------------------------------------------------------------

    async fn close(&self, clinic: &ClinicId, from: Option<SlotStart>) -> Result<bool, SyncError> {
        let table = &self.app.desk.table;
        let Some(found) = table.clinic_alone(clinic).await? else { return Ok(false) };
        let closures = table.closures(clinic).await?;
        let is_told = |closure: &Closure| closure.kind == ClosureKind::Close && closure.from == from;
        if found.state == ClinicState::Closed || (from.is_some() && closures.iter().any(is_told)) {
            return Ok(false);
        }
        let closure = Closure::decided(clinic.clone(), from, ClosureKind::Close, BY.to_owned(), self.now);
        Ok(table.decide_closure(&closure, self.now).await?.is_some())
    }

    async fn substitute(&self, clinic: &ClinicId, doctor: &DoctorId) -> Result<bool, SyncError> {
        let table = &self.app.desk.table;
        let (Some(found), Some(doctor)) = (table.clinic_alone(clinic).await?, self.doctors.get(doctor)) else {
            tracing::warn!(%clinic, "a substitution that names what nobody here knows");
            return Ok(false);
        };
        if found.doctor.as_ref() == Some(&doctor.id) || found.state == ClinicState::Closed {
            return Ok(false);
        }
        table.substitute(&found, doctor, self.now).await?;
        let who = format!("{} {}", doctor.name, doctor.title).trim_end().to_owned();
        let kind = ClosureKind::Substitute { doctor: doctor.id.clone(), who };
        let closure = Closure::decided(clinic.clone(), None, kind, BY.to_owned(), self.now);
        Ok(table.decide_closure(&closure, self.now).await?.is_some())
    }

    /// Something became of a visit: the slot says whose it is.
    async fn visit(&self, clinic: &ClinicId, appointment: &AppointmentId, fate: VisitFate) -> Result<bool, SyncError> {
        let table = &self.app.desk.table;
        let Some(visit) = table.visit_in(clinic, appointment).await? else { return Ok(false) };
        let by = Actor::Staff(BY.to_owned());
        Ok(table.follow_hospital(self.profile, &visit, fate, &by, self.now).await?)
    }
}

/// Who is nobody here is no trouble.
fn is_heeded(outcome: &Result<(), Obstacle>) -> bool {
    if let Err(obstacle) = outcome {
        tracing::info!(why = obstacle.why.code(), "people the HIS tells of are not known here");
    }
    outcome.is_ok()
}

fn numbers(cards: &[CardNo]) -> Vec<String> {
    cards.iter().map(ToString::to_string).collect()
}

/// What became of one schedule.
enum Outcome {
    /// It refers to what nobody here knows.
    Unknown,
    Filed {
        is_changed: bool,
        oversold: Option<ClinicId>,
    },
}

/// Codes, place in the tree and rank are the hospital's; what patients read may be edited here.
fn merged_department(local: &Department, before: Option<&Department>, heard: &Department) -> Department {
    Department {
        id: heard.id.clone(),
        parent: heard.parent.clone(),
        name: merged(&local.name, before.map(|before| &before.name), &heard.name),
        location: merged(&local.location, before.map(|before| &before.location), &heard.location),
        campus: merged(&local.campus, before.map(|before| &before.campus), &heard.campus),
        intro: merged(&local.intro, before.map(|before| &before.intro), &heard.intro),
    }
}

fn merged_doctor(local: &Doctor, before: Option<&Doctor>, heard: &Doctor) -> Doctor {
    Doctor {
        id: heard.id.clone(),
        department: heard.department.clone(),
        expert: heard.expert,
        name: merged(&local.name, before.map(|before| &before.name), &heard.name),
        pinyin: merged(&local.pinyin, before.map(|before| &before.pinyin), &heard.pinyin),
        title: merged(&local.title, before.map(|before| &before.title), &heard.title),
        specialty: merged(&local.specialty, before.map(|before| &before.specialty), &heard.specialty),
        intro: merged(&local.intro, before.map(|before| &before.intro), &heard.intro),
    }
}

fn heard_slot(slot: &SlotNumbers) -> HeardSlot {
    HeardSlot { start: slot.start, free: slot.free.clone(), taken: slot.taken.clone() }
}

/// Numbers that are ours to give: all of them, with what the profile sets apart.
fn our_slot(clinic: &Clinic, slot: &SlotNumbers, profile: &HospitalProfile) -> Slot {
    let numbers: std::collections::BTreeSet<u16> = slot.free.union(&slot.taken).copied().collect();
    let policy = &profile.booking;
    let highest = numbers.last().copied().unwrap_or(0);
    let fresh = Slot { free_numbers: numbers, ..Slot::fresh(clinic, slot.start, 1, 0) };
    fresh.reserving(&policy.quotas.reserve(highest), policy.pooled_at(clinic.date))
}
