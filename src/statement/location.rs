//! Where an artifact can be had, as the lab says: a URI that is shown to people and never followed.

use serde::{Deserialize, Serialize};

/// Longest location in bytes: what every browser and store takes, signed query and all.
pub const MAX_LOCATION: usize = 2048;

/// Why a text is no location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Empty or too long.
    #[error("a location has 1 to {MAX_LOCATION} bytes, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A blank, a control character, or a letter outside ASCII: what is not in a URI, or looks like something else in one.
    #[error("a location is printable ASCII without blanks, found {found:?} at byte {at}")]
    Character {
        /// Where.
        at: usize,
        /// What.
        found: char,
    },
    /// A path, or a word.
    #[error("a location begins with a scheme, as in `https://example.org/mix.jsonl`")]
    NoScheme,
}

/// A URI (RFC 3986) as far as it is looked at: a scheme and printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location(String);

impl Location {
    /// Reads a location as it is written.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() || text.len() > MAX_LOCATION {
            return Err(LocationError::Length { found: text.len() });
        }
        if let Some((at, found)) = text.char_indices().find(|(_, character)| !character.is_ascii_graphic()) {
            return Err(LocationError::Character { at, found });
        }
        // RFC 3986 §3.1; one letter alone would be a drive of another system.
        let (scheme, rest) = text.split_once(':').ok_or(LocationError::NoScheme)?;
        let is_scheme = scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme || rest.is_empty() {
            return Err(LocationError::NoScheme);
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where a password stands in it (`https://user:password@host/`), which whoever sees it could use.
    pub fn has_password(&self) -> bool {
        let after = self.0.split_once("://").map(|(_, after)| after);
        let authority = after.and_then(|after| after.split(['/', '?', '#']).next());
        let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    }
}

impl TryFrom<String> for Location {
    type Error = LocationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_uri_of_any_scheme() {
        for text in
            ["https://example.org/a?b#c", "gs://bucket/mix.jsonl", "hf://org/model@abc", "doi:10.1/x", "file:///a"]
        {
            let location = Location::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(location.as_str(), text);
        }
    }

    #[test]
    fn what_is_no_location_is_refused_for_its_own_reason() {
        assert_eq!(Location::parse(""), Err(LocationError::Length { found: 0 }));
        let long = format!("https://{}", "x".repeat(MAX_LOCATION));
        assert_eq!(Location::parse(&long), Err(LocationError::Length { found: long.len() }));
        for text in ["data/mix.jsonl", "mix", "C:\\mix", ":x", "https:", "1a:x", "b:x"] {
            assert_eq!(Location::parse(text), Err(LocationError::NoScheme), "{text}");
        }
        for (text, at, found) in
            [("https://a b", 9, ' '), ("https://a\u{1b}[2K", 9, '\u{1b}'), ("https://p\u{430}ypal.com", 9, '\u{430}')]
        {
            assert_eq!(Location::parse(text), Err(LocationError::Character { at, found }));
        }
    }

    #[test]
    fn a_password_in_a_location_is_seen() {
        let has = |text: &str| Location::parse(text).is_ok_and(|location| location.has_password());
        assert!(has("https://me:secret@example.org/x"));
        assert!(!has("https://me@example.org/x") && !has("https://example.org/a:b@c") && !has("doi:10.1/a:b@c"));
    }
}
