//! Test kit shared by the tests across functions.
