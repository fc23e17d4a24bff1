//! The HTTP face of every function.
//!
//! A handler finds its [`route::Route`], decides, and answers with one [`view::View`]: a page for people, the same
//! data as JSON for programs ([`negotiate`]). What goes wrong is one [`problem::Problem`]. Pages are made only of
//! [`components`], so they look and behave alike; they are complete after one round trip and work without script
//! (paying excepted, [`pay`]).
//!
//! Invariants: no clock, no randomness, no store and no network in here; nothing read from a request is unbounded;
//! no form value reaches `Debug`.

pub mod assets;
pub mod components;
pub mod form;
pub mod headers;
pub mod identity;
pub mod negotiate;
pub mod pass;
pub mod pay;
pub mod problem;
pub mod request;
pub mod route;
pub mod session;
pub mod view;

pub use http::StatusCode;

/// The answer type of every handler.
pub type Response = lambda_http::Response<lambda_http::Body>;
