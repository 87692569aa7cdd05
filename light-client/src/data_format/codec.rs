//! Bounds around Borsh.

use std::{
    collections::BTreeMap,
    io::{Error, ErrorKind, Read, Result as IoResult},
};

use borsh::{BorshDeserialize, BorshSerialize};

/// Bytes that are not the value they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than any valid value has.
    #[error("{found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes received.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Not the canonical encoding of a value.
    #[error("malformed: {0}")]
    Malformed(String),
}

/// Decodes a whole value, refusing more than `limit` bytes, trailing bytes and non-canonical forms.
///
/// # Errors
/// [`DecodeError`]; nothing is allocated for an input over the limit.
pub fn decode<T: BorshDeserialize>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { found: bytes.len(), limit });
    }
    borsh::from_slice(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))
}

/// Encodes a value. Writing into memory cannot fail, and no value of ours refuses to be written.
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    // To write it twice costs less than to make room again and again.
    let mut bytes = Vec::with_capacity(borsh::object_length(value).unwrap_or_default());
    // The writer, a `Vec`, has no errors; Borsh itself refuses only lists of values without a size.
    let written: IoResult<()> = value.serialize(&mut bytes);
    debug_assert!(written.is_ok(), "a value that cannot be written: {written:?}");
    bytes
}

/// How many bytes [`encode`] makes of a value.
pub fn length<T: BorshSerialize + ?Sized>(value: &T) -> usize {
    // As there.
    let counted = borsh::object_length(value);
    debug_assert!(counted.is_ok(), "a value that cannot be written: {counted:?}");
    counted.unwrap_or(usize::MAX)
}

/// Bytes as upper-case hexadecimal digits: the letters and digits that codes to be scanned hold best.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads what [`to_hex`] wrote, in either case, refusing more than `limit` bytes.
///
/// # Errors
/// [`DecodeError`]; nothing is allocated for a text over the limit.
pub fn from_hex(text: &str, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let found = text.len().div_ceil(2);
    if found > limit {
        return Err(DecodeError::TooLong { found, limit });
    }
    let pair = |pair: &[u8]| match pair {
        [high, low] => {
            let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
            u8::try_from(high * 16 + low).ok()
        }
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or_else(|| DecodeError::Malformed("not an even number of hexadecimal digits".to_owned()))
}

/// Reads a list of at most `MAX` items; for `#[borsh(deserialize_with = "…")]`.
pub fn bounded_list<const MAX: u32, T: BorshDeserialize, R: Read>(reader: &mut R) -> IoResult<Vec<T>> {
    let length = u32::deserialize_reader(reader)?;
    if length > MAX {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("a list of {length}, at most {MAX} are allowed"),
        ));
    }
    // Grows with what is really there, never with what is announced.
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(T::deserialize_reader(reader)?);
    }
    Ok(items)
}

/// Reads at most `MAX` bytes; for `#[borsh(deserialize_with = "…")]`.
pub fn bounded_bytes<const MAX: u32, R: Read>(reader: &mut R) -> IoResult<Vec<u8>> {
    let length = u32::deserialize_reader(reader)?;
    if length > MAX {
        return Err(Error::new(ErrorKind::InvalidData, format!("{length} bytes, at most {MAX} are allowed")));
    }
    let mut bytes = Vec::new();
    let read = reader.take(u64::from(length)).read_to_end(&mut bytes)?;
    if read < length as usize {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the bytes end early"));
    }
    Ok(bytes)
}

/// Reads text of at most `MAX` bytes of UTF-8; for `#[borsh(deserialize_with = "…")]`.
pub fn bounded_text<const MAX: u32, R: Read>(reader: &mut R) -> IoResult<String> {
    String::from_utf8(bounded_bytes::<MAX, R>(reader)?)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "the text is not UTF-8"))
}

/// Reads a map whose keys strictly rise, which is how one is written; for `#[borsh(deserialize_with = "…")]`. Borsh's own
/// way sorts first, which is code for nothing.
pub fn ordered_map<R: Read, K, V>(reader: &mut R) -> IoResult<BTreeMap<K, V>>
where
    K: BorshDeserialize + Ord,
    V: BorshDeserialize,
{
    let length = u32::deserialize_reader(reader)?;
    let mut map = BTreeMap::new();
    for _ in 0..length {
        let key = K::deserialize_reader(reader)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(Error::new(ErrorKind::InvalidData, "the keys of a map do not rise"));
        }
        // As everybody else adds to such maps: another way would be the same code twice.
        map.entry(key).or_insert(V::deserialize_reader(reader)?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_round_trip_and_nothing_else_is_read() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = to_hex(&bytes);
        assert!(text.starts_with("000102") && text.ends_with("FDFEFF"));
        assert_eq!(from_hex(&text, 256), Ok(bytes.clone()));
        assert_eq!(from_hex(&text.to_lowercase(), 256), Ok(bytes));
        assert_eq!(from_hex(&text, 255), Err(DecodeError::TooLong { found: 256, limit: 255 }));
        assert_eq!(from_hex("", 0), Ok(Vec::new()));
        for wrong in ["0", "0g", " 00", "+1", "é0", "0x00"] {
            assert!(matches!(from_hex(wrong, 9), Err(DecodeError::Malformed(_))), "{wrong}");
        }
    }
}
