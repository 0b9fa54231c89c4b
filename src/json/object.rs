//! The members of an object by name; a name that stands twice is seen, not resolved.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::json::MAX_MEMBERS;
use crate::json::error::JsonError;
use crate::json::value::{Kind, Value, wrong};

/// The members of an object; asking for one whose name stands twice is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<'a> {
    members: BTreeMap<String, Value<'a>>,
    repeated: BTreeSet<String>,
}

impl<'a> Value<'a> {
    /// The members of an object by name; nothing for any other value.
    pub(crate) fn object(&self) -> Result<Object<'a>, JsonError> {
        let mut object = Object::default();
        for (count, (name, value)) in self.members().enumerate() {
            if count == MAX_MEMBERS {
                return Err(JsonError::Members);
            }
            let name = name.lossy();
            match object.members.entry(name) {
                Entry::Occupied(entry) => {
                    object.repeated.insert(entry.key().clone());
                }
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
            }
        }
        Ok(object)
    }
}

impl<'a> Object<'a> {
    /// The value under `name`; null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Value<'a>>, JsonError> {
        if self.repeated.contains(name) {
            return Err(JsonError::Duplicate { name: name.to_owned() });
        }
        Ok(self.members.get(name).copied().filter(|value| !value.is_null()))
    }

    /// Whether the name is there, be its value null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// The value under a name that must be there.
    pub(crate) fn require(&self, name: &str) -> Result<Value<'a>, JsonError> {
        self.get(name)?.ok_or_else(|| JsonError::Missing { name: name.to_owned() })
    }

    /// The object under `name`; empty where there is none.
    pub(crate) fn object(&self, name: &str) -> Result<Object<'a>, JsonError> {
        match self.get(name)? {
            None => Ok(Object::default()),
            Some(value) if value.kind() == Kind::Object => value.object(),
            Some(value) => Err(wrong(name, "an object", value.kind())),
        }
    }

    /// The text under `name`, with U+FFFD for what is no character.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, JsonError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let text = value.text().ok_or_else(|| wrong(name, "a text", value.kind()))?;
        Ok(Some(text.lossy()))
    }

    /// The count under `name`.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, JsonError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let count = value.int().and_then(|int| u64::try_from(int).ok());
        count.map(Some).ok_or_else(|| wrong(name, "a non-negative integer", value.kind()))
    }

    /// Refuses an object in which any name stands twice.
    pub(crate) fn distinct(self) -> Result<BTreeMap<String, Value<'a>>, JsonError> {
        match self.repeated.into_iter().next() {
            Some(name) => Err(JsonError::Duplicate { name }),
            None => Ok(self.members),
        }
    }
}
