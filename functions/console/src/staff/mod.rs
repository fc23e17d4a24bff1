//! Members of staff: signing in, their accounts, and what they did.

pub(crate) mod accounts;
mod password;
pub(crate) mod signin;
pub mod views;
