//! A reader's parties: who holds which keys, who is related to whom, and how many must have rebuilt a claim.
//!
//! ```toml
//! [rebuilders]
//! required = 1                      # of how many parties a run must have been made again
//!
//! [[party]]
//! name = "Example Lab"
//! keys = ["lab.example/log+0f75bd8d+AWGy…"]
//!
//! [[party]]
//! name = "Example Auditors"
//! keys = ["auditors.example/rebuilds+1a2b3c4d+AbCd…"]
//! related = ["Example Parent"]      # counts as one with them, and with whom they are related to
//! ```
//!
//! Distinct keys are not distinct parties: only a reader can say whose they are. A key is a ledger's log key (a vkey) or the
//! thumbprint of a key that signs entries. What is not understood is an error, never skipped.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Thumbprint;

use super::{VerifierKey, VerifierKeyError};

/// Larger files are refused; 256 parties with some keys each fit.
pub const MAX_PARTIES_BYTES: usize = 1 << 18;

/// Most parties in a file.
pub const MAX_PARTIES: usize = 256;

/// Most keys of all parties together.
pub const MAX_PARTY_KEYS: usize = 1024;

/// Longest name of a party in bytes.
const MAX_NAME: usize = 256;

/// Why bytes name no parties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum PartiesError {
    #[error("the file of parties has {found} bytes, more than {MAX_PARTIES_BYTES}")]
    TooLong { found: usize },
    #[error("the file of parties is not UTF-8")]
    Text,
    #[error("the file of parties is not in its form: {reason}")]
    Form { reason: String },
    #[error("the file names {found} parties or keys, more than {most}")]
    TooMany { found: usize, most: usize },
    #[error("a party's name has 1 to {MAX_NAME} bytes without control characters, found `{found}`")]
    Name { found: String },
    #[error("party `{name}` is named twice")]
    DuplicateName { name: String },
    #[error("party `{name}` has `{key}` for a key, which is neither a vkey nor a thumbprint of 64 hex digits")]
    Key { name: String, key: String, source: VerifierKeyError },
    #[error("the key `{key}` is given to two parties, or twice to one")]
    DuplicateKey { key: String },
    #[error("party `{name}` is related to `{other}`, which no party of the file is called")]
    UnknownName { name: String, other: String },
    #[error("{required} parties are required, of {parties} that are named")]
    Required { required: u64, parties: usize },
}

/// Place of a party in its file, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyIndex(usize);

/// Parties that are related to one another, which count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Circle(usize);

/// Whose some keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// No party's that the reader named.
    Nobody,
    /// One party's.
    Party(PartyIndex),
    /// Of several parties: they cannot be told apart.
    Several,
}

/// Who holds which keys, as a reader says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    names: Vec<String>,
    circles: Vec<Circle>,
    keys: BTreeMap<Thumbprint, PartyIndex>,
    required: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rebuilders: Rebuilders,
    #[serde(default)]
    party: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebuilders {
    required: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    keys: Vec<String>,
    #[serde(default)]
    related: Vec<String>,
}

impl Parties {
    /// Takes the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PartiesError> {
        if bytes.len() > MAX_PARTIES_BYTES {
            return Err(PartiesError::TooLong { found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PartiesError::Text)?;
        let file: File =
            toml::from_str(text).map_err(|error| PartiesError::Form { reason: error.message().to_owned() })?;
        let counts =
            [(file.party.len(), MAX_PARTIES), (file.party.iter().map(|row| row.keys.len()).sum(), MAX_PARTY_KEYS)];
        if let Some((found, most)) = counts.into_iter().find(|(found, most)| found > most) {
            return Err(PartiesError::TooMany { found, most });
        }
        let required = usize::try_from(file.rebuilders.required).ok();
        let required = required
            .filter(|required| (1..=file.party.len()).contains(required))
            .ok_or(PartiesError::Required { required: file.rebuilders.required, parties: file.party.len() })?;
        let mut parties = Self { names: Vec::new(), circles: Vec::new(), keys: BTreeMap::new(), required };
        file.party.iter().try_for_each(|row| parties.add(row))?;
        for row in &file.party {
            parties.relate(row)?;
        }
        Ok(parties)
    }

    fn add(&mut self, row: &Row) -> Result<(), PartiesError> {
        let name = &row.name;
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(PartiesError::Name { found: shown(name) });
        }
        if self.names.contains(name) {
            return Err(PartiesError::DuplicateName { name: shown(name) });
        }
        let index = PartyIndex(self.names.len());
        self.names.push(name.clone());
        self.circles.push(Circle(index.0));
        for key in &row.keys {
            let thumbprint = match key.parse::<Thumbprint>() {
                Ok(thumbprint) => thumbprint,
                Err(_) => VerifierKey::parse(key)
                    .map_err(|source| PartiesError::Key { name: shown(name), key: shown(key), source })?
                    .key
                    .thumbprint(),
            };
            if self.keys.insert(thumbprint, index).is_some() {
                return Err(PartiesError::DuplicateKey { key: shown(key) });
            }
        }
        Ok(())
    }

    /// Joins the circle of a party with those of whom it is related to.
    fn relate(&mut self, row: &Row) -> Result<(), PartiesError> {
        let at = |name: &String| self.names.iter().position(|other| other == name);
        let own = at(&row.name).map_or(Circle(0), |own| self.circles[own]);
        for other in &row.related {
            let unknown = || PartiesError::UnknownName { name: shown(&row.name), other: shown(other) };
            let circle = self.circles[at(other).ok_or_else(unknown)?];
            self.circles.iter_mut().filter(|of| **of == circle).for_each(|of| *of = own);
        }
        Ok(())
    }

    /// Of how many parties, unrelated to the issuer and to one another, a run must have been made again.
    pub fn required(&self) -> usize {
        self.required
    }

    /// A party's name.
    pub fn name(&self, party: PartyIndex) -> &str {
        self.names.get(party.0).map(String::as_str).unwrap_or_default()
    }

    /// Whom a party counts as one with.
    pub fn circle(&self, party: PartyIndex) -> Circle {
        self.circles.get(party.0).copied().unwrap_or(Circle(party.0))
    }

    /// Whose these keys are. Keys of parties that are related are still one party's or several.
    pub fn whose(&self, keys: impl IntoIterator<Item = Thumbprint>) -> Whose {
        let mut found = keys.into_iter().filter_map(|key| self.keys.get(&key).copied());
        match found.next() {
            None => Whose::Nobody,
            Some(first) if found.all(|other| other == first) => Whose::Party(first),
            Some(_) => Whose::Several,
        }
    }
}

/// The start of a foreign text, escaped for a message.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{KeyName, NoteKind, SigningKey};

    fn vkey(n: u8) -> VerifierKey {
        let name = KeyName::parse(&format!("party.example/{n}")).unwrap();
        VerifierKey { name, kind: NoteKind::Ed25519, key: SigningKey::from_seed([n; 32]).public() }
    }

    fn thumbprint(n: u8) -> Thumbprint {
        SigningKey::from_seed([n; 32]).public().thumbprint()
    }

    fn party(name: &str, keys: &[String], related: &[&str]) -> String {
        format!("[[party]]\nname = {name:?}\nkeys = {keys:?}\nrelated = {related:?}\n")
    }

    fn parse(required: u64, parties: &[String]) -> Result<Parties, PartiesError> {
        Parties::parse(format!("[rebuilders]\nrequired = {required}\n{}", parties.concat()).as_bytes())
    }

    #[test]
    fn a_key_is_known_by_its_vkey_or_its_thumbprint_and_has_one_party() {
        let parties = parse(
            1,
            &[
                party("a", &[vkey(1).to_string(), thumbprint(2).to_string()], &[]),
                party("b", &[vkey(3).to_string()], &[]),
            ],
        )
        .unwrap();
        let name = |keys: &[u8]| match parties.whose(keys.iter().map(|n| thumbprint(*n))) {
            Whose::Party(party) => parties.name(party).to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!([name(&[1]), name(&[2]), name(&[1, 2, 9]), name(&[3])].concat(), "aaab");
        assert_eq!((name(&[1, 3]), name(&[9]), name(&[])), ("Several".into(), "Nobody".into(), "Nobody".into()));
    }

    #[test]
    fn who_is_related_counts_as_one_however_it_is_said() {
        let parties = parse(
            1,
            &[
                party("a", &[], &["b"]),
                party("b", &[], &[]),
                party("c", &[], &["b"]),
                party("d", &[], &["d"]),
                party("e", &[], &[]),
            ],
        )
        .unwrap();
        let circle = |n: usize| parties.circle(PartyIndex(n));
        assert!(circle(0) == circle(1) && circle(1) == circle(2));
        assert!(circle(3) != circle(0) && circle(3) != circle(4) && circle(4) != circle(0));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let one = || party("a", &[vkey(1).to_string()], &[]);
        assert!(parse(1, &[one()]).is_ok());
        for (required, parties) in [(0, 1), (2, 1)] {
            assert_eq!(parse(required, &[one()]), Err(PartiesError::Required { required, parties }));
        }
        assert!(matches!(parse(1, &[one(), party("a", &[], &[])]), Err(PartiesError::DuplicateName { .. })));
        assert!(matches!(
            parse(1, &[one(), party("b", &[thumbprint(1).to_string()], &[])]),
            Err(PartiesError::DuplicateKey { .. })
        ));
        assert!(matches!(parse(1, &[party("a", &["AB".repeat(32)], &[])]), Err(PartiesError::Key { .. })));
        assert!(matches!(parse(1, &[party("", &[], &[])]), Err(PartiesError::Name { .. })));
        assert!(matches!(parse(1, &[party("a\nb", &[], &[])]), Err(PartiesError::Name { .. })));
        assert!(matches!(parse(1, &[party("a", &[], &["c"])]), Err(PartiesError::UnknownName { .. })));
        let many: Vec<_> = (0..=MAX_PARTIES).map(|n| party(&n.to_string(), &[], &[])).collect();
        assert!(matches!(parse(1, &many), Err(PartiesError::TooMany { .. })));
        assert!(parse(1, &many[..MAX_PARTIES]).is_ok());
        for text in [
            "",
            "[rebuilders]\n",
            "[rebuilders]\nrequired = \"1\"\n",
            "[rebuilders]\nrequired = 1\nof = 2\n[[party]]\nname = \"a\"\nkeys = []\n",
            "[rebuilders]\nrequired = 1\n[[party]]\nname = \"a\"\n",
            "[rebuilders]\nrequired = 1\n[[party]]\nname = \"a\"\nkeys = []\ntrusted = true\n",
            "[[party]]\nname = \"a\"\nkeys = []\n",
        ] {
            assert!(matches!(Parties::parse(text.as_bytes()), Err(PartiesError::Form { .. })), "{text}");
        }
        assert_eq!(Parties::parse(b"\xff"), Err(PartiesError::Text));
        let long = vec![b'#'; MAX_PARTIES_BYTES + 1];
        assert_eq!(Parties::parse(&long), Err(PartiesError::TooLong { found: long.len() }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Parties::parse(&bytes).is_err());
        }
    }
}
