//! The checks that every target must pass, for the library of the tests.

use light_client::test_support::conformance;

/// The names of the checks.
#[uniffi::export]
pub fn conformance_names() -> Vec<String> {
    conformance::names().map(str::to_owned).collect()
}

/// Runs a check; gives what is wrong, if anything is. A panic is thrown with its words.
#[uniffi::export]
pub fn conformance_run(name: String) -> Option<String> {
    conformance::run(&name).err()
}
