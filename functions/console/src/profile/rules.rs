//! What a profile may say: WeChat's limits, and policies that a hospital can live with.

use super::FieldError;
use super::read::error;
use domain::appointment::DAY_BEFORE_AT;
use domain::booking::{BookingPolicy, CancelPolicy, Limits};
use domain::calendar::Calendar;
use domain::civil::Time;
use domain::credit::{BanLength, CreditPolicy, CutOff, Rule, Terms, Window};
use domain::enrolment::NumberOwner;
use domain::his::HisPolicy;
use domain::profile::{HospitalProfile, MenuAction, MenuItem, MessagePolicy, NumbersPolicy};
use domain::queue::{QueuePolicy, VisitMinutes};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Characters of a name, title, version or label.
const NAME_CHARS_MAX: usize = 60;
/// Characters of one paragraph.
const PARAGRAPH_CHARS_MAX: usize = 1_000;
/// Paragraphs of one text, sections of the guide.
const PARAGRAPHS_MAX: usize = 40;
/// Characters of an answer in the chat: WeChat takes 2,048 bytes, and names are filled in.
const REPLY_CHARS_MAX: usize = 600;
const REPLIES_MAX: usize = 100;
/// Keys and words of one reply.
const TRIGGERS_MAX: usize = 40;
/// Buttons of the menu, entries of a list, and bytes of what they hold: WeChat's limits.
const BUTTONS: RangeInclusive<usize> = 1..=3;
const LIST: RangeInclusive<usize> = 1..=5;
const BUTTON_NAME_BYTES_MAX: usize = 16;
const LIST_NAME_BYTES_MAX: usize = 60;
const KEY_BYTES_MAX: usize = 128;
const URL_BYTES_MAX: usize = 1_024;
const HOLD_MIN: RangeInclusive<i64> = 3..=60;
/// Minutes a returned number may rest.
const REST_MIN: RangeInclusive<u16> = 0..=120;
const HORIZON_DAYS: RangeInclusive<i32> = 1..=90;
const LIMIT: RangeInclusive<u32> = 1..=20;
/// How often is too often, days and months of windows and bans: what real hospitals say, and room above it.
const STRIKES: RangeInclusive<u32> = 1..=20;
const DAYS: RangeInclusive<u32> = 1..=1_100;
const MONTHS: RangeInclusive<u32> = 1..=36;
/// Minutes to wait after the end of a slot: at most until the next morning.
const GRACE_MIN: RangeInclusive<i64> = 0..=720;
const ACCOUNT_FACTOR: RangeInclusive<u32> = 0..=20;
const RULES: RangeInclusive<usize> = 1..=10;
const STEPS: RangeInclusive<usize> = 1..=10;
/// Days before a visit on which cancelling is no longer in time.
const DAYS_BEFORE: RangeInclusive<i32> = 0..=30;
const WORKING_DAYS_BEFORE: RangeInclusive<u32> = 0..=20;
/// Outages kept in the profile; older ones have no strikes left to excuse.
const OUTAGES: RangeInclusive<usize> = 0..=100;
/// E94: a patient who has paid waits a quarter of an hour at most.
const HIS_WITHIN_MIN: RangeInclusive<i64> = 1..=15;
/// A prepared payment of WeChat lives for two hours.
const BILLS_PAY_MIN: RangeInclusive<i64> = 5..=110;
const CHECK_IN_BEFORE_MIN: RangeInclusive<i64> = 15..=240;
const BOOKING_ELDER_AGE_YEARS: RangeInclusive<u16> = 50..=100;
const ELDER_AGE_YEARS: RangeInclusive<u16> = 60..=100;
const CALLS: RangeInclusive<u8> = 1..=9;
const CALL_GAP_S: RangeInclusive<i64> = 10..=600;
const MISSED_BEHIND: RangeInclusive<u8> = 1..=20;
const MISSED: RangeInclusive<u8> = 0..=9;
/// Every call to somebody with results would leave the others waiting for ever.
const RESULTS_EVERY: RangeInclusive<u8> = 2..=20;
const VISIT_MIN: RangeInclusive<u16> = 1..=120;
const SMS_AGE_YEARS: RangeInclusive<u16> = 50..=120;
/// The reminder of the day before: after the afternoon clinics, before people sleep.
const DAY_BEFORE: RangeInclusive<Time> = DAY_BEFORE_AT..=Time::constant(21, 30, 0, 0);
/// A week at most.
const PULL_EVERY_MIN: RangeInclusive<i64> = 1..=10_080;
/// Two days.
const CANCEL_BEFORE_MIN: RangeInclusive<i64> = 0..=2_880;

/// Everything a profile says that it may not.
pub(super) fn errors(profile: &HospitalProfile, public_url: &str) -> Vec<FieldError> {
    let mut rules = Rules { public_url, errors: Vec::new() };
    rules.texts(profile);
    rules.booking(&profile.booking);
    rules.cancel(profile.cancel);
    rules.credit(&profile.credit);
    rules.calendar(&profile.calendar);
    rules.range("money.his_within_min", &profile.money.his_within_min, &HIS_WITHIN_MIN);
    rules.range("money.bills_pay_min", &profile.money.bills_pay_min, &BILLS_PAY_MIN);
    rules.numbers(&profile.numbers);
    rules.his(&profile.his);
    rules.queue(&profile.queue);
    rules.messages(&profile.messages);
    rules.menu(&profile.menu);
    rules.replies(profile);
    rules.templates(profile);
    rules.errors
}

struct Rules<'a> {
    public_url: &'a str,
    errors: Vec<FieldError>,
}

impl Rules<'_> {
    fn note(&mut self, path: &str, code: &'static str, text: impl Into<String>) {
        self.errors.push(error(path, code, text));
    }

    fn range<N: PartialOrd + std::fmt::Display>(&mut self, path: &str, value: &N, range: &RangeInclusive<N>) {
        if !range.contains(value) {
            self.note(path, "out_of_range", format!("应为 {} 至 {}", range.start(), range.end()));
        }
    }

    fn text(&mut self, path: &str, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.note(path, "empty", "不能为空");
        } else if text.chars().nth(chars_max).is_some() {
            self.note(path, "too_long", format!("最多 {chars_max} 个字"));
        }
    }

    fn bytes(&mut self, path: &str, text: &str, bytes_max: usize) {
        if text.trim().is_empty() {
            self.note(path, "empty", "不能为空");
        } else if text.len() > bytes_max {
            // Three bytes are one Chinese character in UTF-8.
            self.note(path, "too_long", format!("最多 {} 个汉字或 {bytes_max} 个字母", bytes_max / 3));
        }
    }

    fn count(&mut self, path: &str, count: usize, range: &RangeInclusive<usize>) -> bool {
        if !range.contains(&count) {
            self.note(path, "wrong_count", format!("应有 {} 至 {} 项", range.start(), range.end()));
        }
        range.contains(&count)
    }

    fn paragraphs(&mut self, path: &str, paragraphs: &[String]) {
        self.count(path, paragraphs.len(), &(1..=PARAGRAPHS_MAX));
        for (place, text) in paragraphs.iter().enumerate() {
            self.text(&format!("{path}[{place}]"), text, PARAGRAPH_CHARS_MAX);
        }
    }

    fn texts(&mut self, profile: &HospitalProfile) {
        self.text("name", &profile.name, NAME_CHARS_MAX);
        self.text("phone", &profile.phone, NAME_CHARS_MAX);
        if !profile.phone.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | ' ' | '(' | ')')) {
            self.note("phone", "not_a_phone", "只能用数字、空格、+、- 和括号");
        }
        self.text("address", &profile.address, PARAGRAPH_CHARS_MAX);
        self.paragraphs("intro", &profile.intro);
        self.count("guide", profile.guide.len(), &(1..=PARAGRAPHS_MAX));
        for (place, section) in profile.guide.iter().enumerate() {
            self.text(&format!("guide[{place}].title"), &section.title, NAME_CHARS_MAX);
            self.paragraphs(&format!("guide[{place}].paragraphs"), &section.paragraphs);
        }
        self.text("consent.version", &profile.consent.version, NAME_CHARS_MAX);
        self.paragraphs("consent.paragraphs", &profile.consent.paragraphs);
        self.text("welcome", &profile.welcome, REPLY_CHARS_MAX);
        self.text("fallback", &profile.fallback, REPLY_CHARS_MAX);
    }

    fn booking(&mut self, policy: &BookingPolicy) {
        self.range("booking.horizon_days", &policy.horizon_days, &HORIZON_DAYS);
        self.range("booking.elder_age_years", &policy.elder_age_years, &BOOKING_ELDER_AGE_YEARS);
        self.range("booking.hold_min", &policy.hold_min, &HOLD_MIN);
        if policy.same_day_close_afternoon <= policy.same_day_close_morning {
            self.note("booking.same_day_close_afternoon", "wrong_order", "应晚于上午的截止时间");
        }
        let Limits { per_doctor_day, per_department_day, per_day, held } = policy.limits;
        self.range("booking.limits.per_doctor_day", &per_doctor_day, &LIMIT);
        self.range("booking.limits.per_department_day", &per_department_day, &LIMIT);
        self.range("booking.limits.per_day", &per_day, &LIMIT);
        self.range("booking.limits.held", &held, &LIMIT);
        self.range("booking.rest.most_min", &policy.rest.most_min, &REST_MIN);
        if policy.rest.most_min < policy.rest.least_min {
            self.note("booking.rest.most_min", "wrong_order", "不能少于最短的间隔");
        }
        if policy.quotas.check().is_err() {
            self.note("booking.quotas", "out_of_range", "各渠道预留合计不能超过 100%");
        }
        if per_day < per_department_day.max(per_doctor_day) {
            self.note("booking.limits.per_day", "wrong_order", "不能少于单个医生或单个科室的上限");
        }
    }

    fn numbers(&mut self, policy: &NumbersPolicy) {
        self.range("numbers.confirm_within_min", &policy.confirm_within_min, &HIS_WITHIN_MIN);
        if let Some(pull) = &policy.pull {
            self.range("numbers.pull.catalog_every_min", &pull.catalog_every_min, &PULL_EVERY_MIN);
            self.range("numbers.pull.schedules_every_min", &pull.schedules_every_min, &PULL_EVERY_MIN);
        }
        if policy.owner == NumberOwner::His && policy.pull.is_none() {
            self.note("numbers.pull", "missing", "号源由医院系统管理时，须开启同步");
        }
    }

    /// An operation in a language that does not have it would never be answered.
    fn his(&mut self, policy: &HisPolicy) {
        for (operation, adapter) in policy.uncarried() {
            let path = format!("his.operations.{}", operation.as_str());
            self.note(&path, "not_carried", format!("{}没有这项操作，请选择其他接口", adapter.staff_text()));
        }
    }

    fn queue(&mut self, policy: &QueuePolicy) {
        self.range("queue.check_in_before_min", &policy.check_in_before_min, &CHECK_IN_BEFORE_MIN);
        self.range("queue.elder_age_years", &policy.elder_age_years, &ELDER_AGE_YEARS);
        self.range("queue.calls_max", &policy.calls_max, &CALLS);
        self.range("queue.call_gap_s", &policy.call_gap_s, &CALL_GAP_S);
        self.range("queue.missed_behind", &policy.missed_behind, &MISSED_BEHIND);
        self.range("queue.missed_max", &policy.missed_max, &MISSED);
        self.range("queue.results_every", &policy.results_every, &RESULTS_EVERY);
        let VisitMinutes { ordinary, expert, special, emergency } = policy.visit_min;
        for (kind, minutes) in
            [("ordinary", ordinary), ("expert", expert), ("special", special), ("emergency", emergency)]
        {
            self.range(&format!("queue.visit_min.{kind}"), &minutes, &VISIT_MIN);
        }
    }

    fn cancel(&mut self, policy: CancelPolicy) {
        if let CancelPolicy::BeforeStart { minutes } = policy {
            self.range("cancel.minutes", &minutes, &CANCEL_BEFORE_MIN);
        }
    }

    fn messages(&mut self, policy: &MessagePolicy) {
        self.range("messages.sms_age_years", &policy.sms_age_years, &SMS_AGE_YEARS);
        if let Some(time) = policy.day_before {
            self.range("messages.day_before", &time, &DAY_BEFORE);
        }
        let Some(sms) = &policy.sms else { return };
        self.text("messages.sms.signature", &sms.signature, NAME_CHARS_MAX);
        for (kind, template) in &sms.templates {
            let path = format!("messages.sms.templates.{}", kind.code());
            self.text(&format!("{path}.template_id"), &template.template_id, NAME_CHARS_MAX);
            self.count(&format!("{path}.fields"), template.fields.len(), &(0..=PARAGRAPHS_MAX));
        }
    }

    fn credit(&mut self, policy: &CreditPolicy) {
        self.range("credit.grace_min", &policy.grace_min, &GRACE_MIN);
        self.range("credit.account_factor", &policy.account_factor, &ACCOUNT_FACTOR);
        self.count("credit.outages", policy.outages.len(), &OUTAGES);
        for (place, outage) in policy.outages.iter().enumerate() {
            let path = format!("credit.outages[{place}]");
            self.text(&format!("{path}.what"), &outage.what, NAME_CHARS_MAX);
            if outage.until <= outage.from {
                self.note(&format!("{path}.until"), "wrong_order", "应晚于开始时间");
            }
        }
        if let Some(terms) = &policy.terms {
            self.terms("credit.terms", terms);
        }
    }

    fn terms(&mut self, path: &str, terms: &Terms) {
        self.count(&format!("{path}.rules"), terms.rules.len(), &RULES);
        for (place, rule) in terms.rules.iter().enumerate() {
            self.credit_rule(&format!("{path}.rules[{place}]"), rule);
        }
        self.cut_off(&format!("{path}.in_time.ordinary"), terms.in_time.ordinary);
        if let Some(expert) = terms.in_time.expert {
            self.cut_off(&format!("{path}.in_time.expert"), expert);
        }
    }

    fn credit_rule(&mut self, path: &str, rule: &Rule) {
        if rule.counts.is_empty() {
            self.note(&format!("{path}.counts"), "empty", "不能为空");
        }
        match rule.window {
            Window::RollingDays(days) | Window::DaysFromFirst(days) => {
                self.range(&format!("{path}.window"), &days, &DAYS);
            }
            Window::RollingMonths(months) => self.range(&format!("{path}.window"), &months, &MONTHS),
            Window::CalendarMonth | Window::CalendarYear | Window::Lifetime => {}
        }
        self.count(&format!("{path}.ladder"), rule.ladder.len(), &STEPS);
        for (place, step) in rule.ladder.iter().enumerate() {
            let path = format!("{path}.ladder[{place}]");
            self.range(&format!("{path}.at"), &step.at.count(), &STRIKES);
            match step.ban {
                BanLength::Days(days) => self.range(&format!("{path}.ban"), &days, &DAYS),
                BanLength::Months(months) => self.range(&format!("{path}.ban"), &months, &MONTHS),
                BanLength::RestOfMonth | BanLength::UntilLifted => {}
            }
        }
    }

    fn cut_off(&mut self, path: &str, cut_off: CutOff) {
        match cut_off {
            CutOff::Online => {}
            CutOff::BeforeStart { minutes } => {
                self.range(&format!("{path}.minutes"), &minutes, &CANCEL_BEFORE_MIN);
            }
            CutOff::DaysBefore { days, .. } => self.range(&format!("{path}.days"), &days, &DAYS_BEFORE),
            CutOff::WorkingDaysBefore { days, .. } => {
                self.range(&format!("{path}.days"), &days, &WORKING_DAYS_BEFORE);
            }
        }
    }

    /// A public holiday that is also worked, or a worked day that is none: somebody has mistyped.
    fn calendar(&mut self, calendar: &Calendar) {
        for day in calendar.make_up_days.intersection(&calendar.holidays) {
            self.note("calendar.make_up_days", "in_both", format!("{day} 不能既放假又上班"));
        }
    }

    fn menu(&mut self, menu: &[MenuItem]) {
        self.count("menu", menu.len(), &BUTTONS);
        for (place, item) in menu.iter().enumerate() {
            let path = format!("menu[{place}]");
            self.bytes(&format!("{path}.name"), &item.name, BUTTON_NAME_BYTES_MAX);
            if let MenuAction::List { items } = &item.action {
                self.list(&format!("{path}.items"), items);
            } else {
                self.action(&path, &item.action);
            }
        }
    }

    fn list(&mut self, path: &str, items: &[MenuItem]) {
        self.count(path, items.len(), &LIST);
        for (place, item) in items.iter().enumerate() {
            let path = format!("{path}[{place}]");
            self.bytes(&format!("{path}.name"), &item.name, LIST_NAME_BYTES_MAX);
            self.action(&path, &item.action);
        }
    }

    fn action(&mut self, path: &str, action: &MenuAction) {
        match action {
            MenuAction::Page { path: page } => self.page(&format!("{path}.path"), page),
            MenuAction::Ask { key } => self.bytes(&format!("{path}.key"), key, KEY_BYTES_MAX),
            MenuAction::List { .. } => self.note(path, "nested_list", "列表里不能再有列表"),
        }
    }

    /// A path of ours: `//host` would leave for another site.
    fn page(&mut self, path: &str, page: &str) {
        let plain = page.chars().all(|c| c.is_ascii_graphic() && c != '\\');
        if !page.starts_with('/') || page.starts_with("//") || !plain {
            self.note(path, "not_a_path", "应为以 / 开头的本站路径");
        } else if self.public_url.len().saturating_add(page.len()) > URL_BYTES_MAX {
            self.note(path, "too_long", "路径过长");
        }
    }

    fn replies(&mut self, profile: &HospitalProfile) {
        self.count("replies", profile.replies.len(), &(0..=REPLIES_MAX));
        for (place, reply) in profile.replies.iter().enumerate() {
            let path = format!("replies[{place}]");
            self.count(&path, reply.keys.len().saturating_add(reply.words.len()), &(1..=TRIGGERS_MAX));
            for (list, triggers) in [("keys", &reply.keys), ("words", &reply.words)] {
                for (place, trigger) in triggers.iter().enumerate() {
                    self.bytes(&format!("{path}.{list}[{place}]"), trigger, KEY_BYTES_MAX);
                }
            }
            self.text(&format!("{path}.text"), &reply.text, REPLY_CHARS_MAX);
            if let Some((label, page)) = &reply.link {
                self.text(&format!("{path}.link[0]"), label, NAME_CHARS_MAX);
                self.page(&format!("{path}.link[1]"), page);
            }
        }
        self.unanswered(profile);
    }

    /// A button that nothing answers is a dead button.
    fn unanswered(&mut self, profile: &HospitalProfile) {
        let answered: BTreeSet<&str> = profile.replies.iter().flat_map(|r| &r.keys).map(String::as_str).collect();
        for (path, key) in asked(&profile.menu, "menu") {
            if !answered.contains(key) {
                self.note(&path, "no_reply", "replies 里没有回答这个 key 的内容");
            }
        }
    }

    fn templates(&mut self, profile: &HospitalProfile) {
        for (kind, template) in &profile.templates {
            let path = format!("templates.{}", kind.code());
            self.text(&format!("{path}.template_id"), &template.template_id, NAME_CHARS_MAX);
            self.count(&format!("{path}.fields"), template.fields.len(), &(1..=PARAGRAPHS_MAX));
        }
    }
}

/// The keys of a menu and where they stand.
fn asked<'a>(items: &'a [MenuItem], path: &str) -> Vec<(String, &'a str)> {
    let of = |(place, item): (usize, &'a MenuItem)| match &item.action {
        MenuAction::Ask { key } => vec![(format!("{path}[{place}].key"), key.as_str())],
        MenuAction::List { items } => asked(items, &format!("{path}[{place}].items")),
        MenuAction::Page { .. } => Vec::new(),
    };
    items.iter().enumerate().flat_map(of).collect()
}
