//! Names of what is no part of FHIR itself: whose numbers, whose codes, and the few fields R4 does not have.

/// Our number of a visit: its appointment.
pub(super) const VISIT: &str = "urn:menzhen:fhir:visit";
/// Our number of a payment.
pub(super) const ORDER: &str = "urn:menzhen:fhir:order";
/// Our number of a write about a person.
pub(super) const PERSON_WRITE: &str = "urn:menzhen:fhir:person-write";

/// A department's code.
pub(super) const DEPARTMENT: &str = "urn:menzhen:fhir:department";
/// A doctor's code.
pub(super) const DOCTOR: &str = "urn:menzhen:fhir:doctor";
/// A clinic's natural key.
pub(super) const CLINIC: &str = "urn:menzhen:fhir:clinic";
/// A number (号): the key of its clinic, a point, the number.
pub(super) const NUMBER: &str = "urn:menzhen:fhir:number";
/// A person's number in the hospital's own system.
pub(super) const PERSON: &str = "urn:menzhen:fhir:person";
/// A visit card.
pub(super) const CARD: &str = "urn:menzhen:fhir:card";
/// An identity document, with the code of its kind behind it.
pub(super) const DOCUMENT: &str = "urn:menzhen:fhir:document:";

/// Part of the day: `morning`, `afternoon`, `evening`, `night`.
pub(super) const PERIOD: &str = "urn:menzhen:fhir:period";
/// Class of a clinic: `ordinary`, `expert`, `special`, `emergency`.
pub(super) const CLINIC_KIND: &str = "urn:menzhen:fhir:clinic-kind";
/// Kind of a card: `digital`, `plastic`.
pub(super) const CARD_KIND: &str = "urn:menzhen:fhir:card-kind";
/// What a role is: `expert`, `ordinary`.
pub(super) const ROLE: &str = "urn:menzhen:fhir:role";

/// Fee of one visit: money, on a schedule.
pub(super) const FEE: &str = "urn:menzhen:fhir:fee";
/// Campus: text, on a schedule.
pub(super) const CAMPUS: &str = "urn:menzhen:fhir:campus";
/// Record and training: markdown, on a practitioner.
pub(super) const INTRO: &str = "urn:menzhen:fhir:intro";
/// Until when a number is kept: an instant, on an appointment.
pub(super) const HELD_UNTIL: &str = "urn:menzhen:fhir:held-until";
/// What was paid: money, on an appointment.
pub(super) const PAID: &str = "urn:menzhen:fhir:paid";

/// How a name is written, by HL7: `IDE` in characters, `SYL` or `ABC` by their sound.
pub(super) const NAME_WRITING: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
/// Classes of organisations, by HL7.
pub(super) const ORGANIZATION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/organization-type";
/// Parts people have in something, by HL7.
pub(super) const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Relations between people, by HL7.
pub(super) const RELATION: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
