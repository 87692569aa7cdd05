//! The checks that every target must pass, for the build of the tests.

use std::{panic, sync::Once};

use light_client::test_support::conformance;
use wasm_bindgen::prelude::*;

/// The names of the checks.
#[wasm_bindgen(js_name = conformanceNames)]
pub fn conformance_names() -> Vec<String> {
    conformance::names().map(str::to_owned).collect()
}

/// Runs a check; gives what is wrong, if anything is. A panic is thrown with its words, and the module is of no use after it.
#[wasm_bindgen(js_name = conformanceRun)]
pub fn conformance_run(name: &str) -> Option<String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| panic::set_hook(Box::new(|info| wasm_bindgen::throw_str(&info.to_string()))));
    conformance::run(name).err()
}
