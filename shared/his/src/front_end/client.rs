//! One operation there and back.

use super::data::Data;
use super::format::Format;
use super::wire::{data_of, unauthorized};
use crate::day_file::{DAY_FILE_PACKED_BYTES_MAX, DayFile, DayFileError};
use crate::error::HisError;
use crate::machine::{
    ANSWER_BYTES_MAX, Answered, Keys, Machine, Outgoing, READ_TIMEOUT_MS, SettingsError, WRITE_TIMEOUT_MS,
};
use crate::port::Call;
use domain::civil::Date;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// How long fetching a day's file may take, in milliseconds.
pub const DAY_FILE_TIMEOUT_MS: u64 = 60_000;

/// How long locking a number may take, in milliseconds: somebody waits for the page.
pub const LOCK_TIMEOUT_MS: u64 = 3_000;

const DIGEST_HEADER: &str = "x-his-sha256";
const GZIP: &str = "application/gzip";
const STATUS_OK: u16 = 200;
const STATUS_UNAUTHORIZED: u16 = 401;

/// The adapter: the machine, and how it writes.
#[derive(Debug, Clone)]
pub struct FrontEnd {
    machine: Arc<Machine>,
    format: Format,
}

impl FrontEnd {
    /// Signed JSON in UTF-8 to the machine at `origin`.
    pub fn new(origin: &str, keys: Keys) -> Result<Self, SettingsError> {
        Ok(Self::speaking(Format::default(), Arc::new(Machine::new(origin, keys)?)))
    }

    /// A machine that is spoken to in another format.
    pub fn speaking(format: Format, machine: Arc<Machine>) -> Self {
        Self { machine, format }
    }

    /// Asks: nothing comes of it, so it may be asked again. None when the HIS has nothing to tell.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<Option<T>, HisError> {
        let answer = self.exchange(self.post(operation, body, READ_TIMEOUT_MS)?, call).await?;
        data_of(self.decode(&answer)?)
    }

    /// Tells: sent once.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<T, HisError> {
        let answer = self.exchange(self.post(operation, body, WRITE_TIMEOUT_MS)?, call).await?;
        data_of(self.decode(&answer)?)?.ok_or(HisError::Unreadable)
    }

    /// Tells what answers nothing but that it was done, or that there was nothing to do: sent once.
    pub(super) async fn tell(
        &self,
        operation: &str,
        body: &impl Serialize,
        timeout_ms: u64,
        call: Call,
    ) -> Result<(), HisError> {
        let answer = self.exchange(self.post(operation, body, timeout_ms)?, call).await?;
        data_of::<Data>(self.decode(&answer)?).map(drop)
    }

    /// Fetches the file of a day.
    pub(super) async fn file_of(&self, day: Date, call: Call) -> Result<DayFile, HisError> {
        let outgoing = Outgoing {
            method: Method::GET,
            target: format!("/his/v1/day-file?day={day}"),
            headers: self.headers(),
            body: Vec::new(),
            timeout_ms: DAY_FILE_TIMEOUT_MS,
            answer_bytes_max: DAY_FILE_PACKED_BYTES_MAX,
        };
        let answer = self.exchange(outgoing, call).await?;
        if answer.content_type() != GZIP {
            // Not a file: why there is none.
            let refused = data_of::<Data>(self.decode(&answer)?).err();
            return Err(refused.unwrap_or(HisError::Unreadable));
        }
        let digest = answer.header(DIGEST_HEADER).to_owned();
        DayFile::new(answer.body, &digest).map_err(|error| match error {
            DayFileError::TooLarge => HisError::TooLarge,
            _ => HisError::Unreadable,
        })
    }

    fn post(&self, operation: &str, body: &impl Serialize, timeout_ms: u64) -> Result<Outgoing, HisError> {
        Ok(Outgoing {
            method: Method::POST,
            target: format!("/his/v1/{operation}"),
            headers: self.headers(),
            body: self.format.encode(body).map_err(|_| HisError::Unavailable)?,
            timeout_ms,
            answer_bytes_max: ANSWER_BYTES_MAX,
        })
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![(CONTENT_TYPE.as_str(), self.format.content_type())]
    }

    async fn exchange(&self, outgoing: Outgoing, call: Call) -> Result<Answered, HisError> {
        let expects = |status| matches!(status, STATUS_OK | STATUS_UNAUTHORIZED);
        let answer = self.machine.exchange(outgoing, expects, call).await?;
        if answer.status == STATUS_UNAUTHORIZED { Err(unauthorized(self.decode(&answer)?)) } else { Ok(answer) }
    }

    fn decode(&self, answer: &Answered) -> Result<Data, HisError> {
        self.format.decode(&answer.body, answer.content_type()).ok_or(HisError::Unreadable)
    }
}
