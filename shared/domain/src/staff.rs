//! Staff: who may do what, under which sign-in, and how often a wrong password may be tried (F80).

use crate::id::{DepartmentId, DoctorId};
use crate::time;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A session unused for this long is over.
pub const SESSION_IDLE_S: i64 = 30 * 60;
/// A session is over after this long, however much it is used: one shift.
pub const SESSION_LIFE_S: i64 = 12 * 3600;
/// Use is noted at most this often: a busy desk costs no write per click.
pub const SESSION_TOUCH_S: i64 = 5 * 60;

/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Most characters of a password: hashing takes longer with every one.
pub const PASSWORD_CHARS_MAX: usize = 128;

/// Wrong passwords before the first pause.
pub const TRIES_FREE: u32 = 5;
/// The first pause; each further wrong password doubles it.
pub const PAUSE_FIRST_S: i64 = 60;
/// The longest pause: long enough against guessing, short enough for a nurse whose sign-in somebody else has locked.
pub const PAUSE_MAX_S: i64 = 15 * 60;
/// Wrong passwords are forgotten after this long without another.
pub const TRIES_KEPT_S: i64 = 24 * 3600;

/// What staff and machines may do. The names are part of the staff secret's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Departments, doctors, schedules, cards, the hospital's profile.
    Catalog,
    /// The account's menu and QR codes.
    Wechat,
    /// Patients' appointments.
    Appointments,
    /// Asking for a refund at the counter.
    Refunds,
    /// Money: reconciled days and their differences, agreeing to refunds, what needs people.
    Finance,
    /// Check-in and the queue of a clinic.
    Desk,
    /// Finding and registering people, taking and giving back numbers at the window.
    Window,
    /// Waiting-room screens: masked names only.
    Screens,
    /// No-shows, bans, appeals, the blacklist.
    Credit,
    /// Closing clinics and what follows.
    Closures,
    /// Results of examinations: what a doctor has told a patient.
    Results,
    /// Critical values: taking them on.
    Critical,
    /// Messages with results that were not taken in: what they say of whom.
    Intake,
    /// Staff accounts, and who did what.
    Accounts,
}

impl Scope {
    /// The name as it stands in the staff secret.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Wechat => "wechat",
            Self::Appointments => "appointments",
            Self::Refunds => "refunds",
            Self::Finance => "finance",
            Self::Desk => "desk",
            Self::Window => "window",
            Self::Screens => "screens",
            Self::Credit => "credit",
            Self::Closures => "closures",
            Self::Results => "results",
            Self::Critical => "critical",
            Self::Intake => "intake",
            Self::Accounts => "accounts",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody is at the hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 挂号收费员
    Registrar,
    /// 分诊护士
    TriageNurse,
    /// 医生
    Doctor,
    /// 药师
    Pharmacist,
    /// 财务
    Finance,
    /// 内容编辑
    Content,
    /// 门诊办（医疗质量）
    Quality,
    /// 系统管理员
    Admin,
}

impl Role {
    /// Every role, in the order they are offered.
    pub const ALL: [Self; 8] = [
        Self::Registrar,
        Self::TriageNurse,
        Self::Doctor,
        Self::Pharmacist,
        Self::Finance,
        Self::Content,
        Self::Quality,
        Self::Admin,
    ];

    /// What the role may do: the one table of rights. Who administers accounts sees no patient by that, and who moves
    /// money does not register people.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Registrar => &[Scope::Desk, Scope::Window, Scope::Screens, Scope::Appointments, Scope::Refunds],
            Self::TriageNurse => &[Scope::Desk, Scope::Window, Scope::Screens, Scope::Critical],
            Self::Doctor => &[Scope::Desk, Scope::Results, Scope::Critical],
            // Has a sign-in of their own before the pharmacy's queue does.
            Self::Pharmacist => &[Scope::Screens],
            Self::Finance => &[Scope::Refunds, Scope::Finance],
            Self::Content => &[Scope::Catalog, Scope::Wechat],
            Self::Quality => &[Scope::Appointments, Scope::Credit, Scope::Closures, Scope::Critical, Scope::Intake],
            Self::Admin => &[Scope::Accounts],
        }
    }

    /// The role's name in the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Registrar => "registrar",
            Self::TriageNurse => "triage_nurse",
            Self::Doctor => "doctor",
            Self::Pharmacist => "pharmacist",
            Self::Finance => "finance",
            Self::Content => "content",
            Self::Quality => "quality",
            Self::Admin => "admin",
        }
    }

    /// The role of a name in the API.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// As staff read it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Registrar => "挂号收费员",
            Self::TriageNurse => "分诊护士",
            Self::Doctor => "医生",
            Self::Pharmacist => "药师",
            Self::Finance => "财务",
            Self::Content => "内容编辑",
            Self::Quality => "门诊办",
            Self::Admin => "系统管理员",
        }
    }
}

/// The name somebody signs in with: 3 to 32 of `a-z 0-9 . _ -`, beginning with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

/// The text is not a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a login")]
pub struct LoginError;

impl Login {
    const BYTES: std::ops::RangeInclusive<usize> = 3..=32;

    /// The login as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Login {
    type Err = LoginError;
    /// Capitals and surrounding blanks are forgiven: a keyboard at a desk is often left in capitals.
    fn from_str(text: &str) -> Result<Self, LoginError> {
        let text = text.trim().to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let legal = Self::BYTES.contains(&text.len()) && begins && text.bytes().all(plain);
        if legal { Ok(Self(text)) } else { Err(LoginError) }
    }
}

impl TryFrom<String> for Login {
    type Error = LoginError;
    fn try_from(text: String) -> Result<Self, LoginError> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> String {
        login.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no good password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`PASSWORD_CHARS_MIN`] characters.
    #[error("too short")]
    TooShort,
    /// More than [`PASSWORD_CHARS_MAX`] characters.
    #[error("too long")]
    TooLong,
    /// Holds the login, or is held by it.
    #[error("contains the login")]
    Login,
    /// One or two characters again and again, or a run like 1234567890.
    #[error("too simple")]
    TooSimple,
}

impl PasswordError {
    /// What the person is told.
    pub fn text(self) -> &'static str {
        match self {
            Self::TooShort => "密码至少 10 个字符",
            Self::TooLong => "密码最多 128 个字符",
            Self::Login => "密码不能包含登录名",
            Self::TooSimple => "密码太简单，请换一个不容易猜到的",
        }
    }
}

/// A password that may be set. Prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword(String);

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// Fewest different characters of a password.
const DISTINCT_MIN: usize = 4;

impl NewPassword {
    /// A password for `login`, by the rules above. Length decides; classes of characters are not asked for.
    pub fn parse(text: &str, login: &Login) -> Result<Self, PasswordError> {
        let chars: Vec<char> = text.chars().collect();
        if chars.len() < PASSWORD_CHARS_MIN {
            return Err(PasswordError::TooShort);
        }
        if chars.len() > PASSWORD_CHARS_MAX {
            return Err(PasswordError::TooLong);
        }
        if text.to_lowercase().contains(login.as_str()) {
            return Err(PasswordError::Login);
        }
        let distinct: BTreeSet<_> = chars.iter().collect();
        if distinct.len() < DISTINCT_MIN || is_run(&chars) {
            return Err(PasswordError::TooSimple);
        }
        Ok(Self(text.to_owned()))
    }

    /// The clear text, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Every character follows the one before it, upwards or downwards; 0 follows 9.
fn is_run(chars: &[char]) -> bool {
    let steps: BTreeSet<i64> = chars
        .windows(2)
        .filter_map(|pair| match pair {
            ['9', '0'] => Some(1),
            ['0', '9'] => Some(-1),
            [a, b] => Some(i64::from(u32::from(*b)) - i64::from(u32::from(*a))),
            _ => None,
        })
        .collect();
    steps == BTreeSet::from([1]) || steps == BTreeSet::from([-1])
}

/// A member of staff's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffAccount {
    /// What they sign in with; stands in the audit and on what they did.
    pub login: Login,
    /// Their name, for their colleagues.
    pub name: String,
    /// What they are.
    pub roles: BTreeSet<Role>,
    /// Departments whose clinics they see first.
    #[serde(default)]
    pub departments: BTreeSet<DepartmentId>,
    /// Which doctor they are: their own clinics come first.
    pub doctor: Option<DoctorId>,
    /// Hash of the password, in the PHC string format.
    pub password: String,
    /// Whether the password is somebody else's choice and must be changed before anything else.
    pub must_change: bool,
    /// Whether sign-in is closed.
    pub disabled: bool,
    /// Sessions of another number are over: it rises when the account is disabled or its password or roles change.
    pub sessions: u32,
    /// Since when.
    #[serde(with = "crate::clinic::epoch_s")]
    pub created_at: Timestamp,
    /// Counts writes.
    pub ver: u64,
}

impl StaffAccount {
    /// What they may do.
    pub fn scopes(&self) -> BTreeSet<Scope> {
        self.roles.iter().flat_map(|role| role.scopes()).copied().collect()
    }

    /// Whether they may do this.
    pub fn may(&self, scope: Scope) -> bool {
        self.roles.iter().any(|role| role.scopes().contains(&scope))
    }

    /// The account with another password; every session ends.
    #[must_use]
    pub fn with_password(&self, hash: String, must_change: bool) -> Self {
        Self { password: hash, must_change, ..self.without_sessions() }
    }

    /// The account closed for sign-in, or open again; every session ends.
    #[must_use]
    pub fn with_disabled(&self, disabled: bool) -> Self {
        Self { disabled, ..self.without_sessions() }
    }

    /// The account in other roles; every session ends, so that no page of the old ones stays open.
    #[must_use]
    pub fn with_roles(&self, roles: BTreeSet<Role>) -> Self {
        Self { roles, ..self.without_sessions() }
    }

    fn without_sessions(&self) -> Self {
        Self { sessions: self.sessions.saturating_add(1), ..self.clone() }
    }
}

/// A signed-in browser of a member of staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffSession {
    /// Who.
    pub login: Login,
    /// The account's [`sessions`](StaffAccount::sessions) when it began.
    pub sessions: u32,
    /// Over at the latest.
    #[serde(with = "crate::clinic::epoch_s")]
    pub expires_at: Timestamp,
    /// Over unless used until then.
    #[serde(with = "crate::clinic::epoch_s")]
    pub idle_until: Timestamp,
}

impl StaffSession {
    /// A session that begins.
    pub fn begin(account: &StaffAccount, now: Timestamp) -> Self {
        Self {
            login: account.login.clone(),
            sessions: account.sessions,
            expires_at: time::add_seconds(now, SESSION_LIFE_S),
            idle_until: time::add_seconds(now, SESSION_IDLE_S),
        }
    }

    /// Whether it still runs.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at && now < self.idle_until
    }

    /// Whether it lets its holder act for `account` now.
    pub fn admits(&self, account: &StaffAccount, now: Timestamp) -> bool {
        let same = self.login == account.login && self.sessions == account.sessions;
        same && !account.disabled && self.is_live(now)
    }

    /// Until when it runs now that it is used, if that is worth a write.
    pub fn touched(&self, now: Timestamp) -> Option<Timestamp> {
        let until = time::add_seconds(now, SESSION_IDLE_S);
        let late = time::add_seconds(self.idle_until, SESSION_TOUCH_S);
        (until >= late).then_some(until)
    }
}

/// Wrong passwords of one login, whether there is such an account or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// How many since the last right one.
    pub failed: u32,
    /// The last one.
    #[serde(with = "crate::clinic::epoch_s")]
    pub last_at: Timestamp,
    /// Counts writes; 0: none yet.
    pub ver: u64,
}

/// Too many wrong passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong passwords until {until}")]
pub struct Paused {
    /// When the next try is looked at.
    pub until: Timestamp,
}

impl Tries {
    /// After one more try, which counts as wrong until it turns out right: so many at once cannot pass the limit.
    pub fn one_more(self, now: Timestamp) -> Result<Self, Paused> {
        let forgotten = time::add_seconds(self.last_at, TRIES_KEPT_S) <= now;
        let failed = if forgotten { 0 } else { self.failed };
        let until = time::add_seconds(self.last_at, pause_s(failed));
        if until > now {
            return Err(Paused { until });
        }
        Ok(Self { failed: failed.saturating_add(1), last_at: now, ver: self.ver + 1 })
    }
}

/// How long after this many wrong passwords the next is looked at.
fn pause_s(failed: u32) -> i64 {
    match failed.checked_sub(TRIES_FREE) {
        None => 0,
        Some(more) => {
            PAUSE_FIRST_S.saturating_mul(1_i64.checked_shl(more.min(16)).unwrap_or(i64::MAX)).min(PAUSE_MAX_S)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn account(roles: &[Role]) -> StaffAccount {
        StaffAccount {
            login: "liu.fang".parse().unwrap(),
            name: "刘芳".into(),
            roles: roles.iter().copied().collect(),
            departments: BTreeSet::new(),
            doctor: None,
            password: String::new(),
            must_change: false,
            disabled: false,
            sessions: 1,
            created_at: at(0),
            ver: 1,
        }
    }

    #[test]
    fn a_role_is_known_by_its_code() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.code()));
        }
        assert_eq!(Role::from_code("root"), None);
    }

    #[test]
    fn who_administers_accounts_touches_neither_patients_nor_money() {
        let held = |role: Role| role.scopes();
        for scope in [Scope::Desk, Scope::Window, Scope::Appointments, Scope::Refunds, Scope::Finance, Scope::Results] {
            assert!(!held(Role::Admin).contains(&scope), "{scope}");
        }
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
            assert!(!held(role).contains(&Scope::Accounts), "{role:?}");
        }
        assert!(!held(Role::Doctor).contains(&Scope::Window));
        assert!(account(&[Role::Doctor, Role::Registrar]).may(Scope::Window));
        assert!(account(&[]).scopes().is_empty());
    }

    #[test]
    fn logins_are_plain() {
        assert_eq!(" Liu.Fang ".parse::<Login>().unwrap().as_str(), "liu.fang");
        for bad in ["", "ab", "1abc", "刘芳", "a b c", "a#b", &"a".repeat(33)] {
            assert_eq!(bad.parse::<Login>(), Err(LoginError), "{bad}");
        }
    }

    #[test]
    fn passwords_are_long_and_not_the_login() {
        let login: Login = "liu.fang".parse().unwrap();
        let why = |text: &str| NewPassword::parse(text, &login).unwrap_err();
        assert_eq!(why("short"), PasswordError::TooShort);
        assert_eq!(why(&"x1y2z3".repeat(40)), PasswordError::TooLong);
        assert_eq!(why("Liu.Fang2026"), PasswordError::Login);
        for simple in ["aaaaaaaaaaaa", "1212121212", "1234567890", "9876543210", "abcdefghijkl"] {
            assert_eq!(why(simple), PasswordError::TooSimple, "{simple}");
        }
        let good = NewPassword::parse("春天的门诊很忙碌呀呀", &login).unwrap();
        assert_eq!(format!("{good:?}"), "NewPassword(…)");
    }

    #[test]
    fn a_session_ends_unused_and_after_a_shift() {
        let account = account(&[Role::Doctor]);
        let session = StaffSession::begin(&account, at(0));
        assert!(session.admits(&account, at(SESSION_IDLE_S - 1)));
        assert!(!session.admits(&account, at(SESSION_IDLE_S)));
        assert_eq!(session.touched(at(SESSION_TOUCH_S - 1)), None);
        let used = StaffSession { idle_until: session.touched(at(SESSION_TOUCH_S)).unwrap(), ..session };
        assert!(used.is_live(at(SESSION_IDLE_S + 1)));
        let worn = StaffSession { idle_until: at(SESSION_LIFE_S + 60), ..used };
        assert!(!worn.is_live(at(SESSION_LIFE_S)));
    }

    #[test]
    fn every_session_ends_with_a_change_of_rights() {
        let before = account(&[Role::Doctor]);
        let session = StaffSession::begin(&before, at(0));
        for after in [
            before.with_password("x".into(), false),
            before.with_disabled(true),
            before.with_disabled(false),
            before.with_roles(BTreeSet::from([Role::Admin])),
        ] {
            assert!(!session.admits(&after, at(1)));
        }
        let closed = StaffAccount { disabled: true, ..before };
        assert!(!session.admits(&closed, at(1)));
    }

    #[test]
    fn wrong_passwords_slow_down() {
        let mut tries = Tries::default();
        for _ in 0..TRIES_FREE {
            tries = tries.one_more(at(0)).unwrap();
        }
        assert_eq!(tries.one_more(at(59)), Err(Paused { until: at(60) }));
        tries = tries.one_more(at(60)).unwrap();
        assert_eq!(tries.one_more(at(60)), Err(Paused { until: at(180) }));
        let worn = Tries { failed: u32::MAX, ..tries };
        assert_eq!(worn.one_more(at(61)), Err(Paused { until: at(60 + PAUSE_MAX_S) }));
        assert_eq!(worn.one_more(at(60 + TRIES_KEPT_S)).unwrap().failed, 1);
    }

    proptest! {
        /// However tries come, a day lets in no more than the pauses leave room for.
        #[test]
        fn a_day_has_few_tries(gaps in proptest::collection::vec(0_i64..400, 1..600)) {
            let (mut tries, mut now, mut looked_at) = (Tries::default(), 0, 0);
            for gap in gaps {
                now += gap;
                if let Ok(more) = tries.one_more(at(now)) {
                    tries = more;
                    looked_at += 1;
                }
            }
            // Five at once, then 1, 2, 4, 8 and from then on 15 minutes apart.
            let room = i64::from(TRIES_FREE) + 5 + now / PAUSE_MAX_S;
            prop_assert!(looked_at <= room, "{looked_at} in {now} s");
        }
    }
}
