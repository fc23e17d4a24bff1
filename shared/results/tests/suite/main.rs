//! The crate from outside: real messages in, nothing lost, and back out.

// `cfg(test)` tells clippy that the helpers in these modules are tests too.
#[cfg(test)]
mod damage;
#[cfg(test)]
mod fhir;
#[cfg(test)]
mod front_end;
#[cfg(test)]
mod growth;
#[cfg(test)]
mod hl7;
#[cfg(test)]
mod independent;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod samples;
