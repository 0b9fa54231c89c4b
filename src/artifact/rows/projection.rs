//! Which view of a row is hashed.

use std::borrow::Cow;
use std::fmt;

use super::Cell;
use crate::codec::Encoder;

/// Longest name of a field in a projection.
const MAX_FIELD_BYTES: usize = 256;

/// Most fields in a projection.
const MAX_FIELDS: usize = 64;

/// The whole row.
const WHOLE: &str = "*";

/// Single fields that hold lists, not texts: their view is an array of one value.
const LISTS: &[&str] = &["messages", "conversations", "chosen", "rejected"];

/// Views that a row is taken for, by the fields it has, the first that fits.
const KNOWN: &[&str] = &["text", "messages", "conversations", "id,input,target", "prompt,completion", "input,target"];

/// Why there is no projection, or a row has no such view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ProjectionError {
    #[error(
        "`{}` is no projection: expected `*`, or at most {MAX_FIELDS} names of fields separated by commas, each once",
        .text.escape_debug()
    )]
    Names { text: String },
    #[error("`{}` is {found}, expected a text; another view: --projection '*'", .field.escape_debug())]
    NoText { field: String, found: &'static str },
    #[error("the row has none of the fields `{}`", .fields.escape_debug())]
    NoField { fields: String },
}

/// Which view of a row is hashed; its name is part of the meaning of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    name: String,
    fields: Vec<String>,
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Projection {
    /// Takes a projection by its name: `*`, or fields in the order in which their values are hashed.
    pub fn parse(text: &str) -> Result<Self, ProjectionError> {
        if text == WHOLE {
            return Ok(Self { name: text.to_owned(), fields: Vec::new() });
        }
        let fields: Vec<String> = text.split(',').map(str::to_owned).collect();
        let is_name = |field: &String| {
            !field.is_empty()
                && field.len() <= MAX_FIELD_BYTES
                && field != WHOLE
                && !field.chars().any(char::is_control)
        };
        let is_twice = |at: usize| fields[..at].contains(&fields[at]);
        if fields.len() > MAX_FIELDS || !fields.iter().all(is_name) || (0..fields.len()).any(is_twice) {
            return Err(ProjectionError::Names { text: text.chars().take(MAX_FIELD_BYTES).collect() });
        }
        Ok(Self { name: text.to_owned(), fields })
    }

    /// The view that suits rows like this one: a known one whose fields it has, its only text, or the whole of it.
    pub fn suiting(row: &[(Cow<'_, [u8]>, Cell<'_>)]) -> Self {
        let find = |field: &str| row.iter().find(|(name, _)| **name == *field.as_bytes()).map(|(_, cell)| cell);
        let known = KNOWN.iter().filter_map(|name| Self::parse(name).ok()).find(|known| {
            let is_there = |field: &String| find(field).is_some_and(|cell| *cell != Cell::Null);
            known.fields.iter().all(is_there)
                && known.text_field().is_none_or(|field| matches!(find(field), Some(Cell::Text(_))))
        });
        let mut texts = row.iter().filter(|(_, cell)| matches!(cell, Cell::Text(_)));
        let only = match (texts.next(), texts.next()) {
            (Some((name, _)), None) if row.len() == 1 => std::str::from_utf8(name)
                .ok()
                .and_then(|name| Self::parse(name).ok())
                .filter(|p| p.text_field().is_some()),
            _ => None,
        };
        known.or(only).unwrap_or_else(|| Self { name: WHOLE.to_owned(), fields: Vec::new() })
    }

    /// The field whose text is the item, where the view is one text.
    pub fn text_field(&self) -> Option<&str> {
        match &self.fields[..] {
            [field] if !LISTS.contains(&field.as_str()) => Some(field),
            _ => None,
        }
    }

    /// Whether a field's value is part of the view.
    pub fn takes(&self, field: &[u8]) -> bool {
        self.fields.is_empty() || self.fields.iter().any(|name| name.as_bytes() == field)
    }

    /// The item of a row. Fields that the view has no use for may be left out of `row`.
    pub fn item<'a>(&self, row: Vec<(Cow<'_, [u8]>, Cell<'a>)>) -> Result<Cow<'a, [u8]>, ProjectionError> {
        if self.fields.is_empty() {
            return Ok(Encoder::encode(|e| {
                e.array(1);
                Cell::Map(row).encode(e);
            })
            .into());
        }
        if let Some(field) = self.text_field() {
            let cell = row.into_iter().find(|(name, _)| **name == *field.as_bytes()).map(|(_, cell)| cell);
            return match cell {
                Some(Cell::Text(text)) => Ok(text),
                other => {
                    let found = other.map_or("absent", |cell| cell.kind());
                    Err(ProjectionError::NoText { field: field.to_owned(), found })
                }
            };
        }
        let find = |field: &String| row.iter().find(|(name, _)| **name == *field.as_bytes()).map(|(_, cell)| cell);
        if self.fields.iter().all(|field| find(field).is_none()) {
            return Err(ProjectionError::NoField { fields: self.name.clone() });
        }
        Ok(Encoder::encode(|e| {
            e.array(self.fields.len());
            for field in &self.fields {
                find(field).unwrap_or(&Cell::Null).encode(e);
            }
        })
        .into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.as_bytes().into())
    }

    fn row<'a>(members: &[(&'a str, Cell<'a>)]) -> Vec<(Cow<'a, [u8]>, Cell<'a>)> {
        members.iter().map(|(name, cell)| (name.as_bytes().into(), cell.clone())).collect()
    }

    #[test]
    fn a_view_is_chosen_by_what_the_row_holds() {
        let list = || Cell::List(vec![]);
        let suits = |members: &[(&str, Cell<'_>)]| Projection::suiting(&row(members)).to_string();
        assert_eq!(suits(&[("source", text("a")), ("text", text("b"))]), "text");
        assert_eq!(suits(&[("text", list()), ("messages", list())]), "messages");
        assert_eq!(suits(&[("prompt", text("a")), ("completion", text("b"))]), "prompt,completion");
        assert_eq!(suits(&[("id", Cell::Int(1)), ("input", text("a")), ("target", text("b"))]), "id,input,target");
        assert_eq!(suits(&[("content", text("a"))]), "content");
        assert_eq!(suits(&[("content", text("a")), ("n", Cell::Int(1))]), "*");
        assert_eq!(suits(&[]), "*");
    }

    #[test]
    fn the_item_of_one_text_is_that_text_and_of_others_an_array() {
        let members = [("text", text("é")), ("n", Cell::Int(1))];
        let item = |name: &str| Projection::parse(name).unwrap().item(row(&members)).map(Cow::into_owned);
        assert_eq!(item("text").unwrap(), "é".as_bytes());
        assert_eq!(item("n,text").unwrap(), b"\x82\x01\x62\xc3\xa9");
        assert_eq!(item("text,absent").unwrap(), b"\x82\x62\xc3\xa9\xf6");
        assert_eq!(item("*").unwrap(), b"\x81\xa2\x61n\x01\x64text\x62\xc3\xa9");
        assert_eq!(item("n"), Err(ProjectionError::NoText { field: "n".to_owned(), found: "number" }));
        assert_eq!(item("x"), Err(ProjectionError::NoText { field: "x".to_owned(), found: "absent" }));
        assert_eq!(item("x,y"), Err(ProjectionError::NoField { fields: "x,y".to_owned() }));
    }

    #[test]
    fn what_is_no_projection_is_refused() {
        for name in ["", ",", "a,", "a,a", "a,*", "a\n", &"x,".repeat(80), &"x".repeat(300)] {
            assert!(matches!(Projection::parse(name), Err(ProjectionError::Names { .. })), "{name:?}");
        }
    }
}
