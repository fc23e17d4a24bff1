//! The crate from outside: what it reads, what it sends, and how it takes the answers.

mod api;
mod message;
mod pay;
mod reply;
mod server;
