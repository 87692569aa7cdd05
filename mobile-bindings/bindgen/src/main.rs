//! The binding generator, at exactly the version that the libraries are built with.
//!
//! `cargo run -p mobile-bindgen -- generate --language kotlin --out-dir DIR LIBRARY`

fn main() {
    uniffi::uniffi_bindgen_main();
}
