//! The names by which a module and its script know each other.
//!
//! `wasm-bindgen` ends them with sixteen hexadecimal digits of a hash. A browser has no use for them, and nothing in the download compresses less. A
//! number of sixteen digits takes the place of each hash, in both: no length in the module changes.

use std::collections::BTreeMap;

/// Digits of a hash.
const DIGITS: usize = 16;
/// How the names begin that have one.
const PREFIXES: [&str; 2] = ["__wbg_", "wasm_bindgen__"];

/// A number for each hash.
pub(crate) struct Names(BTreeMap<Vec<u8>, String>);

impl Names {
    /// Those that a script uses, numbered as they come.
    pub(crate) fn of(script: &str) -> Self {
        let mut names = BTreeMap::new();
        for word in script.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()) {
            let hash = word.len().checked_sub(DIGITS).and_then(|at| word.get(at..));
            if let Some(hash) = hash.filter(|hash| hash.bytes().all(is_digit))
                && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
            {
                let number = format!("{:0DIGITS$}", names.len());
                names.entry(hash.as_bytes().to_vec()).or_insert(number);
            }
        }
        Self(names)
    }

    /// Puts the numbers in the place of the hashes.
    pub(crate) fn replace(&self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(piece) = bytes.get_mut(at..at + DIGITS) {
            match self.0.get(&*piece) {
                Some(number) => {
                    piece.copy_from_slice(number.as_bytes());
                    at += DIGITS;
                }
                None => at += 1,
            }
        }
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "{ __wbg_get_4f1baf9a00be3c74: 1, __wbg_set_b22311b1cc228e3a: 2, deadbeefdeadbeef: 3,\n\
        __wbg_get_4f1baf9a00be3c74(), wasm_bindgen__invoke__h0123456789abcdef, __wbg_wbindgen_throw: 4 }";

    #[test]
    fn script_and_module_go_on_agreeing() {
        let names = Names::of(SCRIPT);
        let mut script = SCRIPT.as_bytes().to_vec();
        names.replace(&mut script);
        assert_eq!(
            String::from_utf8(script).unwrap(),
            "{ __wbg_get_0000000000000000: 1, __wbg_set_0000000000000001: 2, deadbeefdeadbeef: 3,\n\
             __wbg_get_0000000000000000(), wasm_bindgen__invoke__h0000000000000002, __wbg_wbindgen_throw: 4 }"
        );
        let mut module = b"\x00\x1a__wbg_set_b22311b1cc228e3a\x00\x02deadbeefdeadbeef".to_vec();
        names.replace(&mut module);
        assert_eq!(module, b"\x00\x1a__wbg_set_0000000000000001\x00\x02deadbeefdeadbeef");
    }

    #[test]
    fn what_is_shorter_than_a_hash_has_none() {
        let names = Names::of("a __wbg_");
        let mut short = b"__wbg_".to_vec();
        names.replace(&mut short);
        assert_eq!(short, b"__wbg_");
    }
}
