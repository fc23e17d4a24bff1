//! What a request carries.

use crate::Action;
use runtime::http::Call;
use serde::de::DeserializeOwned;
use web::problem::Problem;

/// Bytes of a JSON body: a profile with all its texts is a tenth of it, an item of the table four times as much.
const JSON_BYTES_MAX: usize = 100 * 1024;

/// The body as it came.
pub(crate) fn bytes(call: &Call<Action>) -> &[u8] {
    call.request.body().as_ref()
}

/// The body, if it is no larger than a JSON body may be.
pub(crate) fn json_bytes(call: &Call<Action>) -> Result<&[u8], Problem> {
    Some(bytes(call)).filter(|bytes| bytes.len() <= JSON_BYTES_MAX).ok_or_else(Problem::body_too_large)
}

/// The body as a type; an empty one is `{}`.
pub(crate) fn json<T: DeserializeOwned>(call: &Call<Action>) -> Result<T, Problem> {
    let bytes = json_bytes(call)?;
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|_| Problem::bad_request())
}
