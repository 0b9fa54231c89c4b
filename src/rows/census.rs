//! What rows hold, counted: fields with the kinds of their values, and how many rows came from which source.

use std::borrow::Cow;

use crate::artifact::rows::Cell;
use crate::statement::Reading;

/// Fields that are counted by name; the rest is added up under one name.
const MAX_FIELDS: usize = 256;

/// The name under which further fields are added up.
const OTHER_FIELDS: &str = "(other fields)";

/// Longest name of a field or source that is told apart.
const MAX_NAME_BYTES: usize = 200;

/// Counts in the order in which names first appeared, so that it does not matter which thread counted what.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    pub(super) rows: u64,
    /// Bytes of the items.
    pub(super) bytes: u64,
    /// Rows with a text that is not UTF-8: half of a surrogate pair.
    pub(super) lone_surrogates: u64,
    fields: Names<[u64; KINDS.len()]>,
    sources: Names<u64>,
}

const KINDS: [&str; 8] = ["null", "boolean", "number", "text", "bytes", "time", "list", "map"];

impl Census {
    /// Counts the fields of a row; `source` is the field that says where it came from.
    pub(super) fn row(&mut self, row: &[(Cow<'_, [u8]>, Cell<'_>)], source: Option<&str>) {
        self.rows += 1;
        for (at, (name, cell)) in row.iter().enumerate() {
            let kind = KINDS.iter().position(|kind| *kind == cell.kind()).unwrap_or(0);
            self.fields.at(name, at)[kind] += 1;
            if source.is_some_and(|source| source.as_bytes() == &**name) {
                match cell {
                    Cell::Text(text) => *self.sources.at(text, 0) += 1,
                    Cell::Null => {}
                    other => *self.sources.at(format!("({})", other.kind()).as_bytes(), 0) += 1,
                }
            }
        }
    }

    /// Adds what was counted in later rows.
    pub(super) fn add(&mut self, later: &Self) {
        self.rows += later.rows;
        self.bytes += later.bytes;
        self.lone_surrogates += later.lone_surrogates;
        for (at, (name, counts)) in later.fields.0.iter().enumerate() {
            let known = self.fields.find(name, at);
            let name: &[u8] =
                if known.is_none() && self.fields.0.len() >= MAX_FIELDS { OTHER_FIELDS.as_bytes() } else { name };
            let sums = self.fields.at(name, at);
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        // Sources are bounded by the reading, which takes them in the same order; here only what is surely too much is cut.
        for (at, (name, count)) in later.sources.0.iter().enumerate() {
            let known = self.sources.find(name, at);
            let is_full = self.sources.0.len() >= crate::statement::MAX_SOURCES;
            let name: &[u8] = if known.is_none() && is_full { Reading::OTHER_SOURCES.as_bytes() } else { name };
            *self.sources.at(name, at) += count;
        }
    }

    /// Says it.
    pub(super) fn tell(&self, reading: &mut Reading) {
        reading.count("rows", self.rows);
        reading.count("bytes", self.bytes);
        for (name, counts) in &self.fields.0 {
            let name = String::from_utf8_lossy(name);
            let missing = self.rows.saturating_sub(counts.iter().sum());
            let kinds = KINDS.iter().copied().zip(counts.iter().copied());
            for (kind, count) in kinds.chain([("absent", missing)]).filter(|(_, count)| *count > 0) {
                reading.count(&format!("field.{name}.{kind}"), count);
            }
        }
        for (name, count) in &self.sources.0 {
            reading.source(&String::from_utf8_lossy(name), *count);
        }
        let sourceless = self.rows.saturating_sub(self.sources.0.iter().map(|(_, count)| count).sum());
        if !self.sources.0.is_empty() && sourceless > 0 {
            reading.source("(no source)", sourceless);
        }
        let text = format!("{} rows hold half of a surrogate pair, which is no character", self.lone_surrogates);
        reading.remark("lone-surrogates", self.lone_surrogates, text);
    }
}

/// Values by name in the order of first appearance.
#[derive(Debug, Clone)]
struct Names<T>(Vec<(Vec<u8>, T)>, std::collections::BTreeMap<Vec<u8>, usize>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Vec::new(), std::collections::BTreeMap::new())
    }
}

impl<T: Default> Names<T> {
    fn find(&self, name: &[u8], guess: usize) -> Option<usize> {
        // Rows have their fields in one order nearly always.
        match self.0.get(guess) {
            Some((known, _)) if known == name => Some(guess),
            _ => self.1.get(name).copied(),
        }
    }

    fn at(&mut self, name: &[u8], guess: usize) -> &mut T {
        let name = &name[..name.len().min(MAX_NAME_BYTES)];
        let at = self.find(name, guess).unwrap_or_else(|| {
            self.0.push((name.to_vec(), T::default()));
            self.1.insert(name.to_vec(), self.0.len() - 1);
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}
