//! One operation there and back.

use super::coded::{NoCode, inward, outward};
use super::data::Data;
use super::format::{Format, params_of};
use super::wire::{data_of, unauthorized};
use crate::call_log::{Outcome, masked};
use crate::day_file::{DAY_FILE_PACKED_BYTES_MAX, DayFile, DayFileError};
use crate::error::HisError;
use crate::machine::{ANSWER_BYTES_MAX, Answered, Machine, Outgoing, READ_TIMEOUT_MS, WRITE_TIMEOUT_MS};
use crate::port::Call;
use domain::civil::Date;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use results::tree::Node;
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
    /// A machine that is spoken to in a format.
    pub fn new(format: Format, machine: Arc<Machine>) -> Self {
        Self { machine, format }
    }

    /// Asks: nothing comes of it, so it may be asked again. None when the HIS has nothing to tell.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<Option<T>, HisError> {
        self.converse(operation, body, READ_TIMEOUT_MS, call).await
    }

    /// Tells: sent once.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        call: Call,
    ) -> Result<T, HisError> {
        self.converse(operation, body, WRITE_TIMEOUT_MS, call).await?.ok_or(HisError::Unreadable)
    }

    async fn converse<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
        timeout_ms: u64,
        call: Call,
    ) -> Result<Option<T>, HisError> {
        let params = params_of(body).map_err(|_| HisError::Unavailable)?;
        let params = outward(self.machine.codes(), operation, params).map_err(|NoCode| HisError::Unmapped)?;
        let serial = params.get("serial").and_then(Node::as_text);
        let noted = self.machine.note((self.format.adapter(), operation), serial, || masked(&params), call);
        let answer = self.exchange(self.post(operation, &params, timeout_ms)?, call).await;
        let data = match answer.clone().and_then(data_of::<Data>) {
            Ok(Some(told)) => self.translated(operation, told, call).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let outcome = data.as_ref().map(|data| if data.is_some() { Outcome::Told } else { Outcome::Empty });
        noted.end(outcome, || Some(answer.ok()?.masked())).await;
        data
    }

    /// What the HIS tells, in our codes. What nobody has mapped is noted.
    async fn translated<T: DeserializeOwned>(&self, operation: &str, told: Data, call: Call) -> Result<T, HisError> {
        let mut node = told.into_node();
        for (kind, theirs) in inward(self.machine.codes(), operation, &mut node) {
            self.machine.note_unknown(kind, &theirs, operation, call).await;
        }
        Data::from(node).read().map_err(|_| HisError::Unreadable)
    }

    /// Tells what answers nothing but that it was done, or that there was nothing to do: sent once.
    pub(super) async fn tell(
        &self,
        operation: &str,
        body: &impl Serialize,
        timeout_ms: u64,
        call: Call,
    ) -> Result<(), HisError> {
        self.converse::<Data>(operation, body, timeout_ms, call).await.map(drop)
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
        let noted = self.machine.note((self.format.adapter(), "day-file"), None, || day.to_string(), call);
        let file = self.machine.exchange(outgoing, expects, call).await.and_then(|answer| self.unpack(answer));
        noted.end(file.as_ref().map(|_| Outcome::Told), || None).await;
        file
    }

    fn unpack(&self, answer: Answered) -> Result<DayFile, HisError> {
        if answer.content_type() != GZIP {
            // Not a file: why there is none.
            let refused = data_of::<Data>(self.read_answer(&answer)?).err();
            return Err(refused.unwrap_or(HisError::Unreadable));
        }
        let digest = answer.header(DIGEST_HEADER).to_owned();
        DayFile::new(answer.body, &digest).map_err(|error| match error {
            DayFileError::TooLarge => HisError::TooLarge,
            _ => HisError::Unreadable,
        })
    }

    fn post(&self, operation: &str, params: &Node, timeout_ms: u64) -> Result<Outgoing, HisError> {
        Ok(Outgoing {
            method: Method::POST,
            target: format!("/his/v1/{operation}"),
            headers: self.headers(),
            body: self.format.encode(params).map_err(|_| HisError::Unavailable)?,
            timeout_ms,
            answer_bytes_max: ANSWER_BYTES_MAX,
        })
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![(CONTENT_TYPE.as_str(), self.format.content_type())]
    }

    async fn exchange(&self, outgoing: Outgoing, call: Call) -> Result<Data, HisError> {
        let answer = self.machine.exchange(outgoing, expects, call).await?;
        self.read_answer(&answer)
    }

    /// What an answer says, unless it is that our signature is refused.
    fn read_answer(&self, answer: &Answered) -> Result<Data, HisError> {
        let data = self.format.decode(&answer.body, answer.content_type()).ok_or(HisError::Unreadable)?;
        if answer.status == STATUS_UNAUTHORIZED { Err(unauthorized(data)) } else { Ok(data) }
    }
}

fn expects(status: u16) -> bool {
    matches!(status, STATUS_OK | STATUS_UNAUTHORIZED)
}
