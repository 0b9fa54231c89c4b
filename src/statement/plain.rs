//! Plain values as canonical CBOR: how bodies and claims are written.
//!
//! A body is a map with text keys, texts, integers, booleans and lists: exactly what it looks like as JSON or TOML, so
//! that one schema describes all three. There is no null (what is not said is absent) and no float (decimals are
//! texts); both directions refuse them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec::{DecodeError, Decoder, Encoder};

/// Why a value has no plain form, or bytes are not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlainError {
    /// Not canonical CBOR of the plain profile.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Canonical, but not of the expected shape.
    #[error("{0}")]
    Shape(String),
    /// More bytes than a reader takes.
    #[error("the value has {found} bytes, at most {most} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// The right shape in another spelling than the one that is written.
    #[error("the value is spelled in another way than it is written")]
    Spelling,
    /// A null or a float.
    #[error("{0} has no place in a signed value: leave it out, or write it as text")]
    Unsignable(&'static str),
}

/// The canonical bytes of a value.
pub fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>, PlainError> {
    let value = serde_json::to_value(value).map_err(|error| PlainError::Shape(error.to_string()))?;
    check(&value)?;
    Ok(Encoder::encode(|e| write(e, &value)))
}

/// The value of canonical bytes.
///
/// Deserialisation is lenient (a list for a struct, an empty list for one left out); only the spelling that
/// [`to_bytes`] writes is accepted, so that a schema, another reader and this one see the same value or none.
pub fn from_bytes<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, PlainError> {
    let value = Decoder::decode(bytes, read)?;
    let value = serde_json::from_value(value).map_err(|error| PlainError::Shape(error.to_string()))?;
    if to_bytes(&value)? == bytes { Ok(value) } else { Err(PlainError::Spelling) }
}

fn check(value: &Value) -> Result<(), PlainError> {
    match value {
        Value::Null => Err(PlainError::Unsignable("null")),
        Value::Number(number) if number.as_i64().is_none() && number.as_u64().is_none() => {
            Err(PlainError::Unsignable("a float"))
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(map) => map.values().try_for_each(check),
        _ => Ok(()),
    }
}

fn write(e: &mut Encoder, value: &Value) {
    match value {
        // `check` has refused nulls and floats, the only values without an integer.
        Value::Null => e.null(),
        Value::Bool(value) => e.bool(*value),
        Value::Number(number) => match number.as_u64() {
            Some(value) => e.uint(value),
            None => e.int(number.as_i64().unwrap_or_default()),
        },
        Value::String(text) => e.text(text),
        Value::Array(items) => {
            e.array(items.len());
            for item in items {
                write(e, item);
            }
        }
        Value::Object(map) => e.map(|m| map.iter().for_each(|(key, value)| m.text_entry(key, |e| write(e, value)))),
    }
}

fn read(d: &mut Decoder<'_>) -> Result<Value, DecodeError> {
    Ok(match d.peek() {
        Some(0) => Value::from(d.uint()?),
        Some(1) => Value::from(d.int()?),
        Some(3) => Value::from(d.text()?),
        Some(4) => Value::Array(d.array(read)?),
        Some(5) => {
            let mut map = serde_json::Map::new();
            d.text_map(|key, d| -> Result<(), DecodeError> {
                map.insert(key.to_owned(), read(d)?);
                Ok(())
            })?;
            Value::Object(map)
        }
        // Byte strings, tags and null fail here as what they are.
        _ => Value::Bool(d.bool()?),
    })
}
