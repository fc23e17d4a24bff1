//! Signing in and registering, against a real engine of the table.
// The futures of handler, store and SDK nest deeper than the compiler's default.
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod messages;
mod registration;
mod signin;
mod world;
