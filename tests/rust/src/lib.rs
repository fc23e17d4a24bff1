//! Tests across functions live in `tests/suite`: claims, faults at every outside call, authorisation of every route.
