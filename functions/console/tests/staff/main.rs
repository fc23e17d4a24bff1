//! The staff API against a table in memory, with the files of the demo hospital.

mod access;
mod imports;
mod setup;
mod window;
mod world;
