//! Plain JavaScript objects, made field by field.

use js_sys::{BigInt, Object, Uint8Array};
use wasm_bindgen::prelude::*;

/// Any object, to be given fields: unlike `Reflect.set` it has no error to handle.
#[wasm_bindgen]
extern "C" {
    type Fields;

    #[wasm_bindgen(method, structural, indexing_setter)]
    fn set(this: &Fields, name: &str, value: &JsValue);
}

/// Gives an object a field.
pub(crate) fn put(object: &JsValue, name: &str, value: &JsValue) {
    object.unchecked_ref::<Fields>().set(name, value);
}

/// An object under construction. A field that is `undefined` is left out.
pub(crate) struct Plain(Object);

impl Plain {
    /// `{}`.
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    /// The same with one field more.
    pub(crate) fn with(self, name: &str, value: JsValue) -> Self {
        if !value.is_undefined() {
            put(&self.0, name, &value);
        }
        self
    }

    /// The object.
    pub(crate) fn done(self) -> JsValue {
        self.0.into()
    }
}

/// A height, a count or a time. Exact up to 2^53: a chain with a block a millisecond gets there in 285,000 years.
pub(crate) fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// Units of coins.
pub(crate) fn big(value: u64) -> JsValue {
    BigInt::from(value).into()
}

/// Units of coins more, or less.
pub(crate) fn signed(value: i64) -> JsValue {
    BigInt::from(value).into()
}

/// What is written as text: an id, an address.
pub(crate) fn text(value: &impl ToString) -> JsValue {
    word(&value.to_string())
}

/// One of a few words.
pub(crate) fn word(value: &str) -> JsValue {
    JsValue::from_str(value)
}

/// A copy of bytes.
pub(crate) fn bytes(value: &[u8]) -> JsValue {
    Uint8Array::from(value).into()
}

/// A list.
pub(crate) fn list(values: impl Iterator<Item = JsValue>) -> JsValue {
    let array = js_sys::Array::new();
    values.for_each(|value| {
        array.push(&value);
    });
    array.into()
}

/// A value, or nothing.
pub(crate) fn maybe<T>(value: Option<T>, view: impl FnOnce(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::UNDEFINED, view)
}
