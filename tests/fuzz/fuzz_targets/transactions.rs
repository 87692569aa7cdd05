//! The target `transactions` for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::targets::TRANSACTIONS.run(input);
});
