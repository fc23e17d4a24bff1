//! Tests across functions, on real engines: DynamoDB in-process, the stand-in WeChat as its own process.

mod claims;
mod faults;
mod visit;
