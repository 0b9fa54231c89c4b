//! Parameters of a replay: texts by name, each read as what the function needs.

use std::collections::BTreeMap;

use crate::replay::dumps::Style;
use crate::replay::random::{Random, Seed, SeedError};

/// Why parameters do not fit a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ParamError {
    #[error("{function} has no parameter `{name}`, expected {expected}")]
    Unknown { function: &'static str, name: String, expected: String },
    #[error("the parameter `{name}` is missing: {about}")]
    Missing { name: &'static str, about: &'static str },
    #[error("the parameter `{name}` is `{found}`, expected {expected}")]
    Value { name: &'static str, found: String, expected: &'static str },
    #[error("the parameters `{left}` and `{right}` exclude each other")]
    Both { left: &'static str, right: &'static str },
    #[error("`{found}` is no seed")]
    Seed {
        found: String,
        #[source]
        source: SeedError,
    },
}

/// Parameters by name, as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(pub BTreeMap<String, String>);

impl Params {
    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn refuse_unknown(
        &self,
        function: &'static str,
        known: &[(&'static str, &'static str)],
    ) -> Result<(), ParamError> {
        match self.0.keys().find(|name| known.iter().all(|(known, _)| known != name)) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
                let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(ParamError::Unknown { function, name: name.clone(), expected })
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The generator, where a seed is given.
    pub(crate) fn random(&self) -> Result<Option<Random>, ParamError> {
        let Some(text) = self.get("seed") else { return Ok(None) };
        let seed: Seed = text.parse().map_err(|source| ParamError::Seed { found: cut(text), source })?;
        Ok(Some(Random::seeded(&seed)))
    }

    /// A number of rows.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<usize>, ParamError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        read_number(name, text).map(Some)
    }

    /// Names between commas, none of them empty.
    pub(crate) fn names(&self, name: &'static str) -> Result<Option<Vec<&str>>, ParamError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let names: Vec<_> = text.split(',').collect();
        if names.iter().any(|name| name.is_empty()) {
            return Err(ParamError::Value { name, found: cut(text), expected: "names between commas" });
        }
        Ok(Some(names))
    }

    /// How rows are written: nothing means as they stand.
    pub(crate) fn style(&self, default: Option<Style>) -> Result<Option<Style>, ParamError> {
        Ok(match self.get("json") {
            None => default,
            Some("verbatim") => None,
            Some("utf8") => Some(Style::UTF8),
            Some("ascii") => Some(Style::ASCII),
            Some("utf8-compact") => Some(Style::UTF8.compact()),
            Some("ascii-compact") => Some(Style::ASCII.compact()),
            Some(found) => {
                let expected = "verbatim, utf8, ascii, utf8-compact or ascii-compact";
                return Err(ParamError::Value { name: "json", found: cut(found), expected });
            }
        })
    }
}

pub(crate) fn read_number(name: &'static str, text: &str) -> Result<usize, ParamError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or_else(|| ParamError::Value {
        name,
        found: cut(text),
        expected: "a number of rows",
    })
}

/// Enough of a foreign text to recognise it, escaped.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
