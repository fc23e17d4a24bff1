//! The staff API against a table in memory, with the files of the demo hospital.

#[cfg(test)]
mod access;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod window;
#[cfg(test)]
mod world;
