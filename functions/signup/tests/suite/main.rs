//! Signing in and registering, against a real engine of the table.

mod registration;
mod signin;
mod world;
