//! WeChat for a service account: the server callback, the account API, web sign-in and WeChat Pay v3.
//!
//! The crate reaches the network only through the two clients ([`api::Api`] and [`pay::Client`]) and never asks for
//! the time or for randomness: `now` and random bytes are arguments. The token store belongs to the caller
//! ([`token::TokenSource`]).
//!
//! | module | what |
//! |---|---|
//! | [`callback`] | check and open what WeChat pushes, seal the answer |
//! | [`message`], [`reply`] | what arrives in the chat, and what may be answered at once |
//! | [`api`], [`token`], [`template`] | the account API: messages, menu, QR codes, users |
//! | [`oauth`], [`jssdk`], [`scene`] | sign-in on web pages, the page's script signature, signed QR scenes |
//! | [`pay`] | WeChat Pay v3 for a direct merchant |

pub mod api;
pub mod callback;
mod crypto;
mod document;
mod http;
pub mod jssdk;
pub mod message;
pub mod oauth;
pub mod pay;
pub mod reply;
pub mod scene;
pub mod template;
pub mod token;

pub use document::DocumentError;
