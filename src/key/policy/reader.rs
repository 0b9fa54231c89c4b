//! The lines of a policy file, read strictly: none is skipped, and each voice counts once and in one place.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Component, Group, MAX_POLICY_BYTES, MAX_POLICY_ITEMS, Policy, PolicyError, PolicyLog, PolicyWitness, Quorum,
    WitnessIndex,
};
use crate::key::{NoteKind, PublicKey, VerifierKey, VerifierKeyError};

/// Words that the format gives a meaning; a witness named so would make a line read two ways.
const RESERVED: [&[u8]; 3] = [b"none", b"all", b"any"];

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    names: BTreeMap<Vec<u8>, Component>,
    members: BTreeSet<Vec<u8>>,
    keys: BTreeMap<PublicKey, NoteKind>,
    quorum: Option<Quorum>,
}

impl Reader {
    pub(super) fn read(mut self, bytes: &[u8]) -> Result<Policy, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLong { found: bytes.len() });
        }
        let body = match bytes.split_last() {
            None => return Err(PolicyError::Empty),
            Some((b'\n', body)) => body,
            Some(_) => return Err(PolicyError::Unterminated),
        };
        for (at, text) in body.split(|byte| *byte == b'\n').enumerate() {
            let line = at + 1;
            if let Some(&byte) = text.iter().find(|byte| matches!(byte, 0..=8 | 10..=0x1f | 0x7f)) {
                return Err(PolicyError::Byte { line, byte });
            }
            let items: Vec<&[u8]> =
                text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|item| !item.is_empty()).collect();
            match items.split_first() {
                None => {}
                Some((word, _)) if word.starts_with(b"#") => {}
                Some((&b"log", rest)) => self.log(line, rest)?,
                Some((&b"witness", rest)) => self.witness(line, rest)?,
                Some((&b"group", rest)) => self.group(line, rest)?,
                Some((&b"quorum", rest)) => self.quorum(line, rest)?,
                Some((word, _)) => return Err(PolicyError::Keyword { line, word: shown(word) }),
            }
        }
        let quorum = self.quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(Policy { logs: self.logs, witnesses: self.witnesses, groups: self.groups, quorum })
    }

    fn log(&mut self, line: usize, items: &[&[u8]]) -> Result<(), PolicyError> {
        let (key, url) = match items {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_vec())),
            _ => return Err(PolicyError::Form { line, expected: "log <vkey> [<url>]" }),
        };
        let key = self.key(line, key, "log", NoteKind::Ed25519)?;
        self.logs.push(PolicyLog { key, url });
        check_count(line, self.logs.len())
    }

    fn witness(&mut self, line: usize, items: &[&[u8]]) -> Result<(), PolicyError> {
        let (name, key, url) = match items {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(url.to_vec())),
            _ => return Err(PolicyError::Form { line, expected: "witness <name> <vkey> [<url>]" }),
        };
        let key = self.key(line, key, "witness", NoteKind::CosignatureV1)?;
        self.name(line, name, Component::Witness(WitnessIndex(self.witnesses.len())))?;
        self.witnesses.push(PolicyWitness { name: name.to_vec(), key, url });
        check_count(line, self.witnesses.len())
    }

    fn group(&mut self, line: usize, items: &[&[u8]]) -> Result<(), PolicyError> {
        let [name, threshold, members @ ..] = items else {
            return Err(PolicyError::Form { line, expected: "group <name> all|any|<k> <name>…" });
        };
        if members.is_empty() {
            return Err(PolicyError::Form { line, expected: "group <name> all|any|<k> <name>…" });
        }
        let threshold = parse_threshold(threshold, members.len()).ok_or_else(|| PolicyError::Threshold {
            line,
            found: shown(threshold),
            members: members.len(),
        })?;
        let mut components = Vec::with_capacity(members.len());
        for member in members {
            components.push(self.defined(line, member)?);
            // Each voice counts once and in one place.
            if !self.members.insert(member.to_vec()) {
                return Err(PolicyError::SecondMembership { line, name: shown(member) });
            }
        }
        self.name(line, name, Component::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members: components });
        check_count(line, self.groups.len())
    }

    fn quorum(&mut self, line: usize, items: &[&[u8]]) -> Result<(), PolicyError> {
        let [name] = items else {
            return Err(PolicyError::Form { line, expected: "quorum <name>|none" });
        };
        if self.quorum.is_some() {
            return Err(PolicyError::SecondQuorum { line });
        }
        self.quorum = Some(match *name {
            b"none" => Quorum::Nobody,
            name => Quorum::Of(self.defined(line, name)?),
        });
        Ok(())
    }

    fn key(
        &mut self,
        line: usize,
        text: &[u8],
        role: &'static str,
        expected: NoteKind,
    ) -> Result<VerifierKey, PolicyError> {
        let text = std::str::from_utf8(text).map_err(|_| PolicyError::Key { line, source: VerifierKeyError::Form })?;
        let key = VerifierKey::parse(text).map_err(|source| PolicyError::Key { line, source })?;
        if key.kind != expected {
            return Err(PolicyError::Kind { line, role, expected: expected.byte(), found: key.kind.byte() });
        }
        match self.keys.insert(key.key, key.kind) {
            None => Ok(key),
            Some(kind) if kind == key.kind => Err(PolicyError::DuplicateKey { line, role }),
            Some(_) => Err(PolicyError::LogIsWitness { line }),
        }
    }

    fn name(&mut self, line: usize, name: &[u8], component: Component) -> Result<(), PolicyError> {
        if RESERVED.contains(&name) {
            return Err(PolicyError::Reserved { line, name: shown(name) });
        }
        match self.names.insert(name.to_vec(), component) {
            None => Ok(()),
            Some(_) => Err(PolicyError::DuplicateName { line, name: shown(name) }),
        }
    }

    fn defined(&self, line: usize, name: &[u8]) -> Result<Component, PolicyError> {
        self.names.get(name).copied().ok_or_else(|| PolicyError::UnknownName { line, name: shown(name) })
    }
}

fn parse_threshold(text: &[u8], members: usize) -> Option<usize> {
    let threshold = match text {
        b"all" => members,
        b"any" => 1,
        // Decimal as one writes it: no sign, no leading zero.
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(text).ok()?.parse().ok()?
        }
        _ => return None,
    };
    (1..=members).contains(&threshold).then_some(threshold)
}

fn check_count(line: usize, count: usize) -> Result<(), PolicyError> {
    if count > MAX_POLICY_ITEMS { Err(PolicyError::TooMany { line }) } else { Ok(()) }
}

/// The start of an opaque name, escaped for a message.
fn shown(name: &[u8]) -> String {
    name.iter().take(80).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect()
}
