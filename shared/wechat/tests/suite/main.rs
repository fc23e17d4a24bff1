//! The crate from outside: what it reads, what it sends, and how it takes the answers.

// `cfg(test)` tells clippy that the helpers in these modules are tests too.
#[cfg(test)]
mod api;
#[cfg(test)]
mod bill;
#[cfg(test)]
mod message;
#[cfg(test)]
mod pay;
#[cfg(test)]
mod reply;
#[cfg(test)]
mod server;
