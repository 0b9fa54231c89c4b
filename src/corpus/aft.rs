//! The folder in which chats for alignment are made (`data/ft/<name>_cot`): questions, answers, verdicts, and what became
//! of each.
//!
//! The generator keeps these apart in files that are appended to, resumed and written over, and its summary counts what is
//! in memory at its end. So everything is counted here from the rows themselves: every question kept or taken out as a
//! near duplicate, every answer judged, every verdict read from the judge's text again, every row of the dataset one of
//! the kept. `removed.jsonl` is written over in each round of backfill: what it lacks is counted, not missed.
//!
//! [`Chats::tell`] lists the names of the counts. A count that is there was taken, also where it is 0; one whose files are
//! not there is left out.

mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use self::verdict::{Verdict, verdict};
use super::CorpusError;
use super::rows::for_each_block;
use crate::digest::FileDigest;
use crate::json::{JsonError, Object, Value};
use crate::statement::Reading;

/// The dataset itself, whose rows are the rows of the folder.
pub const DATASET: &str = "dataset.jsonl";

/// Rows of one file that are told apart: a hundred times what such folders hold.
const MAX_ROWS: u64 = 1 << 20;

/// Longest summary; a longer one is no JSON where it is cut.
const MAX_SUMMARY: u64 = 1 << 20;

/// A file of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What was asked for the dataset, as it was made up.
    Questions,
    /// Those that are not too similar to another.
    Deduped,
    /// Those that are, each beside the one it is similar to.
    RemovedDedup,
    /// Answers.
    Responses,
    /// What the judge wrote about each.
    Judged,
    /// Chats that the last round of filtering removed.
    Removed,
    /// Chats to train on.
    Dataset,
    /// What the generator counted.
    Summary,
    /// How it was called, one line each time.
    Configs,
}

impl Part {
    /// Every part with its place in the folder.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Questions, "source/questions.jsonl"),
        (Self::Deduped, "source/questions_deduped.jsonl"),
        (Self::RemovedDedup, "source/questions_removed_dedup.jsonl"),
        (Self::Responses, "source/responses.jsonl"),
        (Self::Judged, "source/judge_responses.jsonl"),
        (Self::Removed, "source/removed.jsonl"),
        (Self::Dataset, DATASET),
        (Self::Summary, "summary.json"),
        (Self::Configs, "source/configs.jsonl"),
    ];

    /// True for a folder with files at `paths` that is one of these: a dataset beside questions or verdicts.
    pub fn are_in<'p>(paths: impl Iterator<Item = &'p str>) -> bool {
        let (mut has_dataset, mut has_source) = (false, false);
        for path in paths {
            has_dataset |= path == DATASET;
            has_source |= matches!(path, "source/questions.jsonl" | "source/judge_responses.jsonl");
        }
        has_dataset && has_source
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(part, _)| *part == self).map_or("", |(_, name)| *name)
    }
}

/// A text, told apart by its digest.
type Id = FileDigest;

/// What the rows of a folder are.
#[derive(Debug, Default)]
pub struct Chats {
    /// Rows of each file that was read.
    rows: BTreeMap<Part, u64>,
    /// Rows that are not what belongs there, and rows beyond [`MAX_ROWS`].
    unread: u64,
    beyond: u64,
    questions: BTreeMap<Id, u64>,
    deduped: BTreeMap<Id, u64>,
    removed_dedup: BTreeSet<Id>,
    /// Answers to each question.
    responses: BTreeMap<Id, BTreeSet<Id>>,
    /// Whether it was kept, as the last record says.
    judged: BTreeMap<Id, bool>,
    differ: u64,
    unclear: u64,
    removed: BTreeSet<Id>,
    /// Question and answer.
    dataset: Vec<(Id, Id)>,
    summary: BTreeMap<&'static str, u64>,
    samples: Option<u64>,
}

impl Chats {
    /// Reads one file; `seen` is called with every block of bytes, in order.
    pub fn read(&mut self, part: Part, mut reader: impl Read, mut seen: impl FnMut(&[u8])) -> Result<(), CorpusError> {
        self.rows.insert(part, 0);
        if part == Part::Summary {
            let mut bytes = Vec::new();
            let read = reader.by_ref().take(MAX_SUMMARY).read_to_end(&mut bytes);
            let failed = |error: std::io::Error| CorpusError::Read { path: part.name().to_owned(), kind: error.kind() };
            read.map_err(failed)?;
            seen(&bytes);
            if self.summary(&bytes).is_err() {
                self.unread += 1;
            }
            let mut rest = vec![0; 64 << 10];
            loop {
                match reader.read(&mut rest).map_err(failed)? {
                    0 => return Ok(()),
                    more => seen(&rest[..more]),
                }
            }
        }
        for_each_block(reader, part.name(), seen, |rows| {
            for (_, _, row) in rows {
                let count = self.rows.entry(part).or_default();
                *count += 1;
                if *count > MAX_ROWS {
                    self.beyond += 1;
                } else if self.row(part, row).is_err() {
                    // A line that was being written when a run was stopped, or of another version.
                    self.unread += 1;
                }
            }
            Ok(())
        })
    }

    fn row(&mut self, part: Part, row: &[u8]) -> Result<(), JsonError> {
        let row = Value::parse(row)?.object()?;
        match part {
            Part::Questions => *self.questions.entry(text(&row, "question")?).or_default() += 1,
            Part::Deduped => *self.deduped.entry(text(&row, "question")?).or_default() += 1,
            Part::RemovedDedup => {
                // A question that is similar to several is listed for each.
                self.removed_dedup.insert(text(&row.object("removed")?, "question")?);
            }
            Part::Responses => {
                let answer = text(&row, "response")?;
                self.responses.entry(text(&row, "question")?).or_default().insert(answer);
            }
            Part::Judged => {
                let (question, words) = (text(&row, "question")?, row.require("judge_response")?);
                let words = words.text().ok_or_else(|| missing("judge_response"))?.lossy();
                let is_kept = match row.require("kept")?.raw() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(missing("kept")),
                };
                let read = verdict(&words);
                self.unclear += u64::from(read == Verdict::Unclear);
                // What is unclear is kept.
                self.differ += u64::from((read != Verdict::Exclude) != is_kept);
                self.judged.insert(question, is_kept);
            }
            Part::Removed => {
                self.removed.insert(chat(&row)?.0);
            }
            Part::Dataset => self.dataset.push(chat(&row)?),
            Part::Configs => self.samples = row.count("n_samples")?.or(self.samples),
            Part::Summary => {}
        }
        Ok(())
    }

    fn summary(&mut self, bytes: &[u8]) -> Result<(), JsonError> {
        let summary = Value::parse(bytes)?.object()?;
        let names = [
            ("total_samples", "aft.summary.rows"),
            ("samples_filtered", "aft.summary.removed"),
            ("total_queries_generated", "aft.summary.questions"),
        ];
        for (name, count) in names {
            self.summary.extend(summary.count(name)?.map(|said| (count, said)));
        }
        Ok(())
    }

    fn has(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| self.rows.contains_key(part))
    }

    /// Says what was counted; a question is its text.
    ///
    /// - `aft.rows.<file>`: rows of each file; `aft.unread`: those that are not what belongs there; `aft.beyond`: those
    ///   that were too many. Where either of these is not 0, no other count is of everything.
    /// - `aft.questions.lost`, `.both`, `.foreign`: questions that are neither deduped nor removed as duplicates, that are
    ///   both, and deduped or removed ones that never were questions.
    /// - `aft.responses.foreign`: questions with an answer that are not among the deduped (or, without those, the
    ///   questions): of backfill, or of nowhere. `aft.questions.unanswered`: the deduped without an answer.
    /// - `aft.responses.unjudged`: questions with an answer and no verdict; `aft.judged.foreign`: with a verdict and no
    ///   answer, as backfill leaves them.
    /// - `aft.kept`, `aft.rejected`: questions by the last verdict that is stated; `aft.verdicts.differ`: records whose
    ///   stated verdict is not the one in the judge's text; `aft.verdicts.unclear`: whose text has none, which keeps them.
    /// - `aft.dataset.unjudged`, `.rejected`: rows whose question has no verdict, or was rejected;
    ///   `aft.dataset.other-answer`: rows whose question has answers, and not this one; `aft.dataset.repeated`.
    /// - `aft.removed.overwritten`: rejected questions that `removed.jsonl` lacks; `aft.removed.kept`: kept ones in it.
    /// - `aft.summary.rows`, `.removed`, `.questions`: what the generator's summary says; `aft.n-samples`: how many rows
    ///   were asked for.
    /// - facts: `aft.layout`, `aft.parser` (by which verdicts were read), `aft.absent` (files that are not there).
    pub fn tell(&self, reading: &mut Reading) {
        use Part::{Dataset, Deduped, Judged, Questions, Removed, Responses};
        reading.fact("aft.layout", "aft-folder/1");
        let absent: Vec<&str> =
            Part::ALL.iter().filter(|(part, _)| !self.rows.contains_key(part)).map(|(_, name)| *name).collect();
        if !absent.is_empty() {
            reading.fact("aft.absent", &absent.join(", "));
        }
        for (part, rows) in &self.rows {
            let file = part.name().rsplit('/').next().and_then(|name| name.strip_suffix(".jsonl"));
            if let Some(file) = file {
                reading.count(&format!("aft.rows.{file}"), *rows);
            }
        }
        say(reading, "aft.unread", self.unread, "rows of the folder are not what belongs there");
        say(reading, "aft.beyond", self.beyond, "rows of the folder are too many to be told apart");
        if self.has(&[Questions, Deduped]) {
            self.partition(reading);
        }
        let asked = if self.has(&[Deduped]) { &self.deduped } else { &self.questions };
        if self.has(&[Responses]) && (self.has(&[Deduped]) || self.has(&[Questions])) {
            let foreign = self.responses.keys().filter(|question| !asked.contains_key(question)).count();
            say(reading, "aft.responses.foreign", foreign as u64, "answered questions are none that were to be asked");
            let unanswered = asked.keys().filter(|question| !self.responses.contains_key(question)).count();
            say(reading, "aft.questions.unanswered", unanswered as u64, "questions have no answer");
        }
        if self.has(&[Judged]) {
            reading.fact("aft.parser", verdict::NAME);
            let kept = self.judged.values().filter(|is_kept| **is_kept).count() as u64;
            reading.count("aft.kept", kept);
            reading.count("aft.rejected", self.judged.len() as u64 - kept);
            say(reading, "aft.verdicts.differ", self.differ, "verdicts are not the ones in the judge's text");
            say(
                reading,
                "aft.verdicts.unclear",
                self.unclear,
                "texts of the judge have no verdict, and keep their chat",
            );
        }
        if self.has(&[Judged, Responses]) {
            let unjudged = self.responses.keys().filter(|question| !self.judged.contains_key(question)).count();
            say(reading, "aft.responses.unjudged", unjudged as u64, "answered questions have no verdict");
            let foreign = self.judged.keys().filter(|question| !self.responses.contains_key(question)).count();
            say(reading, "aft.judged.foreign", foreign as u64, "judged questions have no answer on record");
        }
        if self.has(&[Dataset]) {
            self.rows_of_dataset(reading);
        }
        if self.has(&[Removed, Judged]) {
            let is = |question: &Id, kept: bool| self.judged.get(question) == Some(&kept);
            let lost =
                self.judged.keys().filter(|question| is(question, false) && !self.removed.contains(question)).count();
            say(
                reading,
                "aft.removed.overwritten",
                lost as u64,
                "rejected chats are not in removed.jsonl, which is written over",
            );
            let kept = self.removed.iter().filter(|question| is(question, true)).count();
            say(reading, "aft.removed.kept", kept as u64, "removed chats were judged to be kept");
        }
        for (name, said) in &self.summary {
            reading.count(name, *said);
        }
        if let Some(samples) = self.samples {
            reading.count("aft.n-samples", samples);
        }
    }

    /// Each question is kept or removed as a duplicate; one that was made up several times may be both.
    fn partition(&self, reading: &mut Reading) {
        let (mut lost, mut both) = (0, 0);
        for (question, times) in &self.questions {
            let kept = self.deduped.get(question).copied().unwrap_or(0);
            let is_removed = self.removed_dedup.contains(question);
            lost += u64::from(kept < *times && !is_removed);
            both += u64::from(kept >= *times && is_removed);
        }
        let others = self.deduped.keys().chain(&self.removed_dedup);
        let foreign: BTreeSet<&Id> = others.filter(|question| !self.questions.contains_key(question)).collect();
        say(reading, "aft.questions.lost", lost, "questions are neither kept nor removed as duplicates");
        say(reading, "aft.questions.both", both, "questions are kept and removed as duplicates");
        say(reading, "aft.questions.foreign", foreign.len() as u64, "kept or removed questions never were questions");
    }

    fn rows_of_dataset(&self, reading: &mut Reading) {
        let (mut unjudged, mut rejected, mut other) = (0, 0, 0);
        for (question, answer) in &self.dataset {
            match self.judged.get(question) {
                None => unjudged += 1,
                Some(false) => rejected += 1,
                Some(true) => {}
            }
            other += u64::from(self.responses.get(question).is_some_and(|answers| !answers.contains(answer)));
        }
        if self.has(&[Part::Judged]) {
            say(reading, "aft.dataset.unjudged", unjudged, "rows of the dataset have no verdict");
            say(reading, "aft.dataset.rejected", rejected, "rows of the dataset were judged to be removed");
        }
        if self.has(&[Part::Responses]) {
            say(reading, "aft.dataset.other-answer", other, "rows of the dataset have another answer than was given");
        }
        let distinct: BTreeSet<&(Id, Id)> = self.dataset.iter().collect();
        reading.count("aft.dataset.repeated", (self.dataset.len() - distinct.len()) as u64);
    }
}

/// A count, also of nothing, and a remark where it is of something.
fn say(reading: &mut Reading, name: &str, count: u64, what: &str) {
    reading.count(name, count);
    reading.remark(name, count, format!("{count} {what}"));
}

fn missing(name: &str) -> JsonError {
    JsonError::Missing { name: name.to_owned() }
}

fn text(row: &Object<'_>, name: &str) -> Result<Id, JsonError> {
    row.require(name)?.text().map(|text| FileDigest::of(&text.bytes)).ok_or_else(|| missing(name))
}

/// The question and the answer of a chat.
fn chat(row: &Object<'_>) -> Result<(Id, Id), JsonError> {
    let mut found = (None, None);
    for message in row.require("messages")?.items() {
        let message = message.object()?;
        let content = text(&message, "content")?;
        match message.text("role")?.as_deref() {
            Some("user") => found.0 = found.0.or(Some(content)),
            Some("assistant") => found.1 = found.1.or(Some(content)),
            _ => {}
        }
    }
    found.0.zip(found.1).ok_or_else(|| missing("messages"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
