//! The adapter for FHIR R4 over HTTP: departments, doctors, schedules and numbers read; visits kept, booked, moved and given
//! back; people found and made known; reports fetched. The resources are written down in `tests/his/README.md`.
//!
//! A server may be any: it decides nothing that only ours would. So a write is read before: what is over stays over, what is
//! there already is not made twice (`If-None-Exist`), and nothing is changed that somebody else changed since (`If-Match`).
//! What moves together goes as one transaction. Numbers of papers, cards and phones are asked for in a body, never in an
//! address. R4 has no resource for fees with their windows, issued cards, queues, the file of a day, or a list of changes.

mod appointment;
mod bookings;
mod bundle;
mod client;
mod codebook;
mod outcome;
mod people;
mod person;
mod reports;
mod resource;
mod systems;
mod timetable;

#[cfg(test)]
mod tests;

pub(crate) use client::Fhir;
