//! Staff accounts, their sessions, and the wrong passwords of a login.
//!
//! A session is known by the hash of a secret the browser holds, as patients' are ([`crate::signin`]).

use crate::key::{Key, SELF};
use crate::table::{Item, StoreError, Table, Write, from_item, number, send_update, to_item};
use domain::staff::{Login, Paused, StaffAccount, StaffSession, TRIES_KEPT_S, Tries};
use domain::{Timestamp, time};

/// How often a decision on an account or its tries is taken again when somebody else wrote it in between.
const TRIES_MAX: u32 = 5;
/// Accounts listed at most.
const ACCOUNTS_MAX: i32 = 1_000;
const SESSION: &str = "STAFFSESSION";
/// The partition that lists all accounts.
const LIST: &str = "STAFF";

/// What became of taking a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// The password may be looked at.
    Taken,
    /// Too many wrong ones: not before then.
    Paused(Timestamp),
}

/// Why an account did not change.
#[derive(Debug, thiserror::Error)]
pub enum AccountFailed {
    /// There is none of this login.
    #[error("no such staff account")]
    NotFound,
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn account_key(login: &Login) -> Key {
    Key::new(LIST, format!("LOGIN#{login}"))
}

fn tries_key(login: &Login) -> Key {
    Key::new(format!("STAFFTRIES#{login}"), SELF)
}

impl Table {
    /// An account.
    pub async fn staff_account(&self, login: &Login) -> Result<Option<StaffAccount>, StoreError> {
        self.get(&account_key(login)).await
    }

    /// All accounts, by login.
    pub async fn staff_accounts(&self) -> Result<Vec<StaffAccount>, StoreError> {
        self.query(LIST, "LOGIN#", ACCOUNTS_MAX).await
    }

    /// Writes a new account; refused when the login is taken.
    pub async fn create_staff_account(&self, account: &StaffAccount) -> Result<Write, StoreError> {
        self.put_new(to_item(&account_key(&account.login), account)?).await
    }

    /// Writes what `decide` makes of an account, again on the newer one when somebody else was faster.
    pub async fn change_staff_account(
        &self,
        login: &Login,
        decide: impl Fn(&StaffAccount) -> StaffAccount,
    ) -> Result<StaffAccount, AccountFailed> {
        for _ in 0..TRIES_MAX {
            let seen = self.staff_account(login).await?.ok_or(AccountFailed::NotFound)?;
            let after = StaffAccount { ver: seen.ver + 1, ..decide(&seen) };
            if self.put_versioned(to_item(&account_key(login), &after)?, seen.ver).await?.is_done() {
                return Ok(after);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Takes one try at a login's password before it is looked at; there need not be such an account.
    pub async fn take_staff_try(&self, login: &Login, now: Timestamp) -> Result<Try, StoreError> {
        let key = tries_key(login);
        for _ in 0..TRIES_MAX {
            let seen: Tries = self.get(&key).await?.unwrap_or_default();
            let after = match seen.one_more(now) {
                Ok(after) => after,
                Err(Paused { until }) => return Ok(Try::Paused(until)),
            };
            let mut item = to_item(&key, &after)?;
            item.insert("ttl".into(), number(time::add_seconds(now, TRIES_KEPT_S).as_second()));
            if self.put_versioned(item, seen.ver).await?.is_done() {
                return Ok(Try::Taken);
            }
        }
        Err(StoreError::Contended)
    }

    /// Forgets the wrong passwords of a login: the right one was given.
    pub async fn forget_staff_tries(&self, login: &Login) -> Result<(), StoreError> {
        self.take(&tries_key(login)).await.map(drop)
    }

    /// Starts a session under the hash of its secret.
    pub async fn put_staff_session(&self, hash: &str, session: &StaffSession) -> Result<(), StoreError> {
        let mut item: Item = to_item(&Key::hashed(SESSION, hash), session)?;
        item.insert("ttl".into(), number(session.expires_at.as_second()));
        self.put(item).await
    }

    /// A session that still runs, with the account it lets act.
    pub async fn staff_session(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(StaffSession, StaffAccount)>, StoreError> {
        let found = self.get_item(&Key::hashed(SESSION, hash)).await?;
        let Some(session) = found.map(from_item::<StaffSession>).transpose()? else { return Ok(None) };
        if !session.is_live(now) {
            return Ok(None);
        }
        let account = self.staff_account(&session.login).await?;
        Ok(account.filter(|account| session.admits(account, now)).map(|account| (session, account)))
    }

    /// Notes that a session is used and so runs until then. One that is gone stays gone.
    pub async fn touch_staff_session(&self, hash: &str, until: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(&Key::hashed(SESSION, hash))
            .update_expression("SET idle_until = :until")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":until", number(until.as_second()));
        send_update(request).await.map(drop)
    }

    /// Ends a session.
    pub async fn end_staff_session(&self, hash: &str) -> Result<(), StoreError> {
        self.take(&Key::hashed(SESSION, hash)).await.map(drop)
    }
}
