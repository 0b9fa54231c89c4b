//! What a ledger remembers of files and of what readers made of them, for `record` alone.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::capture::hash::{HashOptions, Unknown};
use crate::capture::kind::{Artifact, Options, Request};
use crate::capture::known::{Before, KnownFiles, KnownFilesError};
use crate::capture::open::FileStamp;
use crate::cli::Context;
use crate::cli::open::Reading;
use crate::digest::{ContextHasher, DigestKind, LedgerId};
use crate::journal::Row;
use crate::ledger::Objects;
use crate::statement::{Kind, Subject};

/// Files known from earlier recordings, and where that is kept.
#[derive(Debug)]
pub(super) struct Known {
    files: KnownFiles,
    path: PathBuf,
    ledger: LedgerId,
    /// Whether an earlier entry's reading was taken over.
    is_said_again: AtomicBool,
}

impl Known {
    /// Loads what the ledger remembers. What cannot be used is told and made anew: recording never depends on it.
    pub(super) fn load(context: &Context, reading: &Reading, before: Before) -> Self {
        let path = reading.ledger.layout().index().join("known");
        let (ledger, now_ms) = (reading.ledger.id(), context.now_ms());
        let files = KnownFiles::load(&path, &ledger, before, now_ms).unwrap_or_else(|error| {
            let source = match &error {
                KnownFilesError::Io(source) => format!(": {source}"),
                KnownFilesError::Damaged => String::new(),
            };
            context
                .remark(&format!("note: what is known of files is read anew, `{}`: {error}{source}", path.display()));
            KnownFiles::nothing(now_ms)
        });
        Self { files, path, ledger, is_said_again: AtomicBool::new(false) }
    }

    /// What captures ask.
    pub(super) fn files(&self) -> &KnownFiles {
        &self.files
    }

    /// What an earlier entry says of the artifact at the paths, if all its files are known, unchanged, and were read by
    /// this very program in the same way. Nothing where that saves nothing.
    pub(super) fn said_before(
        &self,
        kind: Kind,
        row: &Row,
        objects: &Objects,
        request: &Request<'_>,
    ) -> Option<Artifact> {
        let [subject] = row.payload.subjects.as_slice() else { return None };
        // Bytes alone cost nothing more: what is known of them is used anyway.
        if row.payload.kind != kind || subject.0.len() < 2 || self.files.is_empty() {
            return None;
        }
        let hash = HashOptions { unknown: Unknown::Refuse, ..request.options.hash };
        let options = Options { hash, ..request.options.clone() };
        let artifact = Artifact::bytes(&Request { options: &options, ..*request }).ok()?;
        let (principal, measure) = artifact.subject.principal()?;
        let is_same = subject.0.get(&principal) == Some(measure)
            && self.files.reading(&reading_key(kind, &artifact.subject, request.options)?) == Some(row.index.0)
            && manifests_are_here(subject, objects);
        self.is_said_again.store(is_same, Ordering::Relaxed);
        let reading = row.body.as_ref().and_then(|body| body.reading.clone());
        is_same.then(|| Artifact { subject: subject.clone(), reading, ..Artifact::default() })
    }

    /// Keeps what was learnt; called when the entry is safe. Says so where files were not read.
    pub(super) fn save(self, context: &Context, kind: Kind, subject: Option<&Subject>, options: &Options, entry: u64) {
        if let Some(key) = subject.and_then(|subject| reading_key(kind, subject, options)) {
            self.files.learn_reading(key, entry);
        }
        let hits = self.files.hits();
        if hits > 0 {
            let files = if hits == 1 { "1 file was".to_owned() } else { format!("{hits} files were") };
            let again =
                if self.is_said_again.into_inner() { ", and what was read in them then is said again" } else { "" };
            context
                .remark(&format!("note: {files} known from before and not read{again}; --no-cache reads everything"));
        }
        if let Err(error) = self.files.save(&self.path, &self.ledger) {
            context.remark(&format!("note: what is known of files was not kept in `{}`: {error}", self.path.display()));
        }
    }
}

fn manifests_are_here(subject: &Subject, objects: &Objects) -> bool {
    let manifests = subject.0.iter().filter(|(kind, _)| **kind != DigestKind::File);
    let mut roots = manifests.flat_map(|(_, measure)| &measure.digests);
    roots.all(|root| objects.path(&root.bytes).is_file())
}

/// A hash of some bytes and of how they are read: by which kind's reader, with which options, by which program.
fn reading_key(kind: Kind, subject: &Subject, options: &Options) -> Option<[u8; 32]> {
    let (principal, measure) =
        subject.principal().filter(|(kind, _)| matches!(kind, DigestKind::File | DigestKind::Tree))?;
    // Another build may read otherwise, whatever version it calls itself.
    let program = std::env::current_exe().ok()?.metadata().ok()?;
    let program = FileStamp::of(&program);
    let said = format!("{kind} {principal:?} {measure:?} {options:?} {program:?}");
    Some(ContextHasher::new("reproledger 2026 reading key v1").hash(&[said.as_bytes()]))
}
