//! Which documents the receipts of generation account for: by the answer's own text, else by the caller's name for the call.
//!
//! A receipt that carries its answer is matched by BLAKE3 with the document's bytes or text, and each receipt accounts for
//! one document. One that carries none is matched where its custom id is a document's key, with or without its ending.
//! Equal names are the recorder's word; equal bytes are not.

use std::collections::BTreeMap;

use crate::artifact::documents::DocumentLeaf;
use crate::corpus::remarks::Examples;
use crate::digest::FileDigest;
use crate::json::{Kind, Value};
use crate::statement::Reading;

use super::receipts::at_place;

/// Where an answer's text may stand, the most specific first.
const ANSWER: &[&[&str]] = &[
    &["response_text"],
    &["result", "message", "content", "0", "text"],
    &["response", "body", "choices", "0", "message", "content"],
    &["response", "choices", "0", "message", "content"],
    &["response", "content", "0", "text"],
    &["choices", "0", "message", "content"],
    &["message", "content", "0", "text"],
    &["message", "content"],
    &["response", "text"],
    &["completion"],
    &["output"],
    &["response"],
];

/// Documents, and which of them are accounted for.
pub(super) struct Accounts<'d> {
    documents: &'d [DocumentLeaf],
    /// Documents by the digest of their bytes and of their text; each list is used up from its end.
    by_content: BTreeMap<FileDigest, Vec<usize>>,
    by_name: BTreeMap<&'d str, usize>,
    seen: Vec<Seen>,
    stray: Examples,
    several: Examples,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    ByName,
    ByContent,
}

impl<'d> Accounts<'d> {
    pub(super) fn new(documents: &'d [DocumentLeaf]) -> Self {
        let mut by_content: BTreeMap<FileDigest, Vec<usize>> = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        for (at, document) in documents.iter().enumerate().rev() {
            by_content.entry(document.raw).or_default().push(at);
            if document.text != document.raw {
                by_content.entry(document.text).or_default().push(at);
            }
            by_name.insert(document.key.as_str(), at);
            if let Some((stem, _)) = document.key.rsplit_once('.') {
                by_name.entry(stem).or_insert(at);
            }
        }
        let seen = vec![Seen::No; documents.len()];
        Self { documents, by_content, by_name, seen, stray: Examples::default(), several: Examples::default() }
    }

    /// Takes the receipt on a line, which the caller called `custom_id`.
    pub(super) fn see(&mut self, line: u64, row: Value<'_>, custom_id: Option<&str>) {
        let answer = ANSWER
            .iter()
            .filter_map(|place| at_place(row, place))
            .find(|value| value.kind() == Kind::Text)
            .and_then(|value| value.text());
        if let Some(at) = answer.and_then(|text| self.of_content(FileDigest::of(&text.bytes))) {
            self.seen[at] = Seen::ByContent;
            return;
        }
        match custom_id.and_then(|id| self.by_name.get(id).copied()) {
            Some(at) if self.seen[at] == Seen::No => self.seen[at] = Seen::ByName,
            Some(at) => self.several.see(&format!("line {line}: {}", self.documents[at].key)),
            None => self.stray.see(&format!("line {line}")),
        }
    }

    /// A document with these bytes or this text that no answer was found for yet.
    fn of_content(&mut self, digest: FileDigest) -> Option<usize> {
        let left = self.by_content.get_mut(&digest)?;
        while let Some(at) = left.pop() {
            if self.seen[at] != Seen::ByContent {
                return Some(at);
            }
        }
        None
    }

    pub(super) fn put(self, reading: &mut Reading) {
        let count = |wanted: Seen| self.seen.iter().filter(|seen| **seen == wanted).count() as u64;
        reading.count("documents", self.documents.len() as u64);
        reading.count("documents.by-content", count(Seen::ByContent));
        reading.count("documents.by-name", count(Seen::ByName));
        let mut without = Examples::default();
        let left = self.documents.iter().zip(&self.seen).filter(|(_, seen)| **seen == Seen::No);
        left.for_each(|(document, _)| without.see(&document.key));
        without.put(reading, "documents-without-receipt", "documents that no receipt accounts for");
        self.stray.put(reading, "receipts-without-document", "receipts that account for no document");
        self.several.put(reading, "receipts-again", "receipts of a document that another accounts for already");
    }
}
