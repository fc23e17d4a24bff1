//! Schedules (排班): one line is one clinic.

use std::collections::BTreeMap;

use domain::booking::BookingPolicy;
use domain::catalog::{Department, Doctor};
use domain::civil::Date;
use domain::clinic::{Clinic, ClinicKind, ClinicState, NUMBERS_PER_SLOT_MAX, Period, SLOT_MIN, Slot, SlotStart};
use domain::id::{ClinicId, DepartmentId, DoctorId, QueueGroup};
use domain::money::Fen;
use domain::quota::Quotas;
use domain::time;

use super::cells::{Cells, Column, Noted, read};
use super::problem::Problem;
use super::{Import, Known};

/// How far ahead a schedule is believed, in days: three months is the longest horizon hospitals publish, twice that
/// leaves room for planning.
pub const HORIZON_DAYS_MAX: i32 = 180;
const NAME_CHARS_MAX: usize = 40;
const DAY_MIN: u16 = 24 * 60;
const NOON_MIN: u16 = 12 * 60;

const DATE: Column = Column::required("日期", &["出诊日期", "date"]);
const DEPARTMENT: Column = Column::required("科室编码", &["科室代码", "科室", "department", "department_code"]);
const DOCTOR: Column = Column::required("医生编码", &["医生代码", "医生", "工号", "doctor", "doctor_code"]);
const PERIOD: Column = Column::required("时段", &["班次", "午别", "period"]);
const START: Column = Column::required("开始时间", &["开始", "start"]);
const END: Column = Column::required("结束时间", &["结束", "end"]);
const NUMBERS: Column =
    Column::required("每半小时号数", &["每时段号数", "号数", "限号", "numbers", "numbers_per_slot"]);
const FEE: Column = Column::required("挂号费", &["诊查费", "费用", "挂号费(元)", "诊查费(元)", "fee", "fee_yuan"]);
const ROOM: Column = Column::optional("诊室", &["room"]);
const CAMPUS: Column = Column::optional("院区", &["campus"]);
const GROUP: Column = Column::optional("候诊组", &["候诊组编码", "queue_group"]);
const APART: Column = Column::optional("渠道预留", &["预留", "channels", "reserved"]);
const KIND: Column = Column::required("号别", &["号类", "类型", "kind"]);
const COLUMNS: &[&Column] =
    &[&DATE, &DEPARTMENT, &DOCTOR, &PERIOD, &START, &END, &NUMBERS, &FEE, &ROOM, &CAMPUS, &KIND, &GROUP, &APART];

/// A clinic as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Line of the file.
    pub line: u64,
    /// The clinic's natural key: the same line imported again names the same clinic.
    pub id: ClinicId,
    /// Service day in Shanghai.
    pub date: Date,
    /// Part of the day.
    pub period: Period,
    /// The department.
    pub department: DepartmentId,
    /// The doctor; `None` for the department's pool.
    pub doctor: Option<DoctorId>,
    /// Class of the clinic.
    pub kind: ClinicKind,
    /// Starts of its slots, in order: at least one.
    pub starts: Vec<SlotStart>,
    /// Numbers of each slot, 1 to [`NUMBERS_PER_SLOT_MAX`].
    pub numbers_per_slot: u16,
    /// Fee of one visit.
    pub fee: Fen,
    /// Consulting room, or empty.
    pub room: String,
    /// Campus, or empty.
    pub campus: String,
    /// The clinics it shares a queue with, if any.
    pub queue_group: Option<QueueGroup>,
    /// What is set apart for channels; the profile's when the file says nothing.
    pub quotas: Option<Quotas>,
}

impl ScheduleRow {
    /// The clinic, with the names a page shows. Where the file names no room or campus, the department's place stands.
    pub fn clinic(&self, department: &Department, doctor: Option<&Doctor>, policy: &BookingPolicy) -> Clinic {
        let or = |own: &String, other: &String| if own.is_empty() { other.clone() } else { own.clone() };
        Clinic {
            id: self.id.clone(),
            date: self.date,
            period: self.period,
            department: self.department.clone(),
            department_name: department.name.clone(),
            doctor: self.doctor.clone(),
            doctor_name: doctor.map(|doctor| doctor.name.clone()).unwrap_or_default(),
            doctor_title: doctor.map(|doctor| doctor.title.clone()).unwrap_or_default(),
            kind: self.kind,
            fee: self.fee,
            room: or(&self.room, &department.location),
            campus: or(&self.campus, &department.campus),
            queue_group: self.queue_group.clone(),
            release_at: policy.release_at(self.date),
            state: ClinicState::Open,
        }
    }

    /// The slots of [`ScheduleRow::clinic`], numbered through from 1, with what is set apart of them.
    pub fn slots(&self, clinic: &Clinic, policy: &BookingPolicy) -> Vec<Slot> {
        let slots = u16::try_from(self.starts.len()).unwrap_or(u16::MAX);
        let count = slots.saturating_mul(self.numbers_per_slot);
        let (reserved, pooled_at) = (self.quotas.unwrap_or(policy.quotas).reserve(count), policy.pooled_at(self.date));
        let firsts = (1_u16..).step_by(usize::from(self.numbers_per_slot));
        let starts = self.starts.iter().zip(firsts);
        let slot = |(start, first): (&SlotStart, u16)| Slot::fresh(clinic, *start, first, self.numbers_per_slot);
        starts.map(|start| slot(start).reserving(&reserved, pooled_at)).collect()
    }
}

/// Reads a file of schedules. Departments and doctors must be in the catalogue; `today` is the civil date in Shanghai.
pub fn schedules(bytes: &[u8], known: &Known, today: Date) -> Import<ScheduleRow> {
    let mut clinics = BTreeMap::new();
    let mut sessions = Sessions::new();
    read(bytes, COLUMNS, |cells| {
        let row = row(cells, known, today)?;
        cells.unique("日期、时段、科室和医生", &mut clinics, row.id.clone());
        check_doctor(cells, &mut sessions, &row);
        Some(row)
    })
}

fn row(cells: &mut Cells<'_>, known: &Known, today: Date) -> Option<ScheduleRow> {
    let date = date(cells, today);
    let department = department(cells, known);
    let doctor = doctor(cells, known);
    let period = cells.needed(&PERIOD);
    let period = period.and_then(|text| cells.parsed(&PERIOD, text, "请填写上午、下午、晚上或夜间", period_named));
    let kind = cells.needed(&KIND);
    let kind = kind.and_then(|text| cells.parsed(&KIND, text, "请填写普通、专家、特需或急诊", kind_named));
    let starts = starts(cells, period);
    let numbers = cells.needed(&NUMBERS);
    let numbers = numbers.and_then(|text| cells.parsed(&NUMBERS, text, "应为 1 到 60 的整数", numbers_of));
    let fee = cells.yuan(&FEE);
    let room = cells.words(&ROOM, NAME_CHARS_MAX);
    let campus = cells.words(&CAMPUS, NAME_CHARS_MAX);
    let queue_group = cells.optional_id(&GROUP);
    let quotas = quotas(cells);
    if let (Ok(None), Some(kind @ (ClinicKind::Expert | ClinicKind::Special))) = (&doctor, kind) {
        cells.note(Problem::DoctorNeeded { kind: kind.text() });
    }
    let (date, period, department, doctor) = (date?, period?, department?, doctor.ok()?);
    let id = clinic_id(cells, date, period, &department, doctor.as_ref())?;
    Some(ScheduleRow {
        line: cells.line(),
        id,
        date,
        period,
        department,
        doctor,
        kind: kind?,
        starts: starts?,
        numbers_per_slot: numbers?,
        fee: fee?,
        room: room?,
        campus: campus?,
        queue_group: queue_group.ok()?,
        quotas: quotas.ok()?,
    })
}

fn clinic_id(
    cells: &mut Cells<'_>,
    date: Date,
    period: Period,
    department: &DepartmentId,
    doctor: Option<&DoctorId>,
) -> Option<ClinicId> {
    let codes = || format!("{department} {}", doctor.map_or("", DoctorId::as_str));
    let id = ClinicId::of(date, period, department, doctor).ok();
    if id.is_none() {
        cells.note(Problem::Invalid { column: DEPARTMENT.title, value: codes(), hint: "与医生编码合计过长" });
    }
    id
}

fn date(cells: &mut Cells<'_>, today: Date) -> Option<Date> {
    let text = cells.needed(&DATE)?;
    let date = cells.parsed(&DATE, text, "应为 2026-01-31 这样的日期", date_of)?;
    if date < today {
        cells.note(Problem::DatePast);
    }
    if date > time::add_days(today, HORIZON_DAYS_MAX) {
        cells.note(Problem::DateTooFar { days_max: HORIZON_DAYS_MAX });
    }
    Some(date)
}

fn department(cells: &mut Cells<'_>, known: &Known) -> Option<DepartmentId> {
    let id: DepartmentId = cells.id(&DEPARTMENT)?;
    if !known.departments.contains(&id) {
        cells.note(Problem::NotFound { column: DEPARTMENT.title, value: id.to_string() });
    }
    Some(id)
}

fn doctor(cells: &mut Cells<'_>, known: &Known) -> Result<Option<DoctorId>, Noted> {
    let id: Option<DoctorId> = cells.optional_id(&DOCTOR)?;
    if let Some(id) = id.as_ref().filter(|id| !known.doctors.contains(*id)) {
        cells.note(Problem::NotFound { column: DOCTOR.title, value: id.to_string() });
    }
    Ok(id)
}

/// The half hours from start to end.
fn starts(cells: &mut Cells<'_>, period: Option<Period>) -> Option<Vec<SlotStart>> {
    let start = clock(cells, &START);
    let end = clock(cells, &END);
    let (start, end) = (start?, end?);
    if end <= start {
        cells.note(Problem::TimeOrder);
        return None;
    }
    if let Some(period) = period.filter(|period| !fits(*period, start, end)) {
        cells.note(Problem::PeriodTime { period: period.text() });
    }
    let starts = (start..end).step_by(usize::from(SLOT_MIN));
    Some(starts.filter_map(|minutes| SlotStart::from_minutes(minutes).ok()).collect())
}

/// A time of day on the half hour, in minutes; 24:00 is the end of the day.
fn clock(cells: &mut Cells<'_>, column: &Column) -> Option<u16> {
    let text = cells.needed(column)?;
    cells.parsed(column, text, "应为整点或半点, 例如 8:30", minutes_of)
}

/// `窗口10 老年人5`: percent by channel; none when the file says nothing.
fn quotas(cells: &mut Cells<'_>) -> Result<Option<Quotas>, Noted> {
    let text = cells.words(&APART, NAME_CHARS_MAX).ok_or(Noted)?;
    if text.is_empty() {
        return Ok(None);
    }
    let hint = "应为“窗口10 电话5 老年人5 转诊10”这样的百分比, 合计不超过 100";
    cells.parsed(&APART, text, hint, quotas_of).map(Some).ok_or(Noted)
}

fn quotas_of(text: &str) -> Option<Quotas> {
    let mut quotas = Quotas::NONE;
    for word in text.split([' ', ',', '，', '、', ';', '；']).filter(|word| !word.is_empty()) {
        let digits = word.find(|c: char| c.is_ascii_digit())?;
        let (channel, percent) = word.split_at_checked(digits)?;
        let percent: u8 = percent.trim_end_matches('%').parse().ok()?;
        match channel.trim_end_matches([':', '：', '=']) {
            "窗口" | "现场" | "window" => quotas.window = percent,
            "电话" | "phone" => quotas.phone = percent,
            "老年人" | "老年" | "elder" => quotas.elder = percent,
            "转诊" | "referral" => quotas.referral = percent,
            _ => return None,
        }
    }
    quotas.check().ok().map(|()| quotas)
}

/// Whether the hours are such as people call by that name. A slip of twelve hours is seen here.
fn fits(period: Period, start: u16, end: u16) -> bool {
    match period {
        Period::Morning => (5 * 60..NOON_MIN).contains(&start) && end <= 14 * 60,
        Period::Afternoon => (11 * 60..18 * 60).contains(&start) && end <= 20 * 60,
        Period::Evening => start >= 17 * 60,
        Period::Night => start >= 18 * 60 || end <= 8 * 60,
    }
}

type Sessions = BTreeMap<(DoctorId, Date), Vec<(u64, Vec<SlotStart>)>>;

/// A doctor sits in one room at a time.
fn check_doctor(cells: &mut Cells<'_>, sessions: &mut Sessions, row: &ScheduleRow) {
    let Some(doctor) = &row.doctor else { return };
    let day = sessions.entry((doctor.clone(), row.date)).or_default();
    if let Some((first_line, _)) = day.iter().find(|(_, starts)| starts.iter().any(|start| row.starts.contains(start)))
    {
        cells.note(Problem::DoctorBusy { first_line: *first_line });
    }
    day.push((row.line, row.starts.clone()));
}

/// `2026-11-23`, `2026/11/3`, `2026.11.23`, `2026年11月23日` or `20261123`; a time of midnight behind it, as Excel
/// often exports dates, is dropped.
fn date_of(text: &str) -> Option<Date> {
    let midnight = [" 00:00:00", " 0:00:00", " 00:00", " 0:00"];
    let text = midnight.iter().find_map(|time| text.strip_suffix(time)).unwrap_or(text).trim();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Date::strptime("%Y%m%d", text).ok();
    }
    let text = text.trim_end_matches('日');
    let mut parts = text.split(['-', '/', '.', '年', '月']).map(str::trim);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || year.len() != 4 || ![year, month, day].into_iter().all(digits) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// `8:00`, `08:00` or `8:00:00` on a half hour, up to `24:00`.
fn minutes_of(text: &str) -> Option<u16> {
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("00");
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || seconds != "00" || ![hour, minute].into_iter().all(digits) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && minutes <= DAY_MIN && minutes.is_multiple_of(SLOT_MIN)).then_some(minutes)
}

fn numbers_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|numbers| (1..=NUMBERS_PER_SLOT_MAX).contains(numbers))
}

fn period_named(text: &str) -> Option<Period> {
    match text.to_lowercase().as_str() {
        "上午" | "早上" | "am" | "morning" => Some(Period::Morning),
        "下午" | "pm" | "afternoon" => Some(Period::Afternoon),
        "晚上" | "晚间" | "傍晚" | "ev" | "evening" => Some(Period::Evening),
        "夜间" | "夜里" | "夜班" | "nt" | "night" => Some(Period::Night),
        _ => None,
    }
}

fn kind_named(text: &str) -> Option<ClinicKind> {
    match text.to_lowercase().trim_end_matches("门诊").trim_end_matches('号') {
        "普通" | "ordinary" => Some(ClinicKind::Ordinary),
        "专家" | "expert" => Some(ClinicKind::Expert),
        "特需" | "special" => Some(ClinicKind::Special),
        "急诊" | "emergency" => Some(ClinicKind::Emergency),
        _ => None,
    }
}
