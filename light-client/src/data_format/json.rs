//! Records in JSON: an object with a name for every value.

use serde::{Deserializer, de::Visitor, forward_to_deserialize_any};

/// Reads a record from an object alone. What is derived would also take a list of the values in their order, which
/// nobody writes, and which is as much code again in the modules that people download.
pub(crate) struct ByName<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByName<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Makes records of types that derive `Serialize` and `Deserialize` with `#[serde(remote = "Self")]`: read [`ByName`].
macro_rules! records {
    ($($record:ident),+) => {$(
        impl serde::Serialize for $record {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The derived function, which is not the trait's.
                $record::serialize(self, serializer)
            }
        }

        $crate::data_format::json::records!(read $record);
    )+};
    (read $record:ident) => {
        impl<'de> serde::Deserialize<'de> for $record {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $record::deserialize($crate::data_format::json::ByName(deserializer))
            }
        }
    };
}

pub(crate) use records;

#[cfg(test)]
mod tests {
    use crate::data_format::FeeSchedule;

    #[test]
    fn a_record_is_an_object_with_all_its_names_and_no_other() {
        let read = |json: &str| serde_json::from_str::<FeeSchedule>(json).map_err(|error| error.to_string());
        let fees = read(r#"{ "lease": "2", "transfer": "1", "supernode": "3" }"#).unwrap();
        assert_eq!(serde_json::to_string(&fees).unwrap(), r#"{"transfer":"1","lease":"2","supernode":"3"}"#);
        for (json, wrong) in [
            (r#"["1", "2", "3"]"#, "invalid type: sequence"),
            (r#""1""#, "invalid type: string"),
            (r#"{ "transfer": "1", "lease": "2" }"#, "missing field `supernode`"),
            (r#"{ "transfer": "1", "fee": "2" }"#, "unknown field `fee`"),
            (r#"{ "transfer": "1", "transfer": "2" }"#, "duplicate field `transfer`"),
            (r#"{ "transfer": 1 }"#, "invalid type: integer"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(wrong) && error.contains(" at line 1 column "), "{json}: {error}");
        }
    }
}
