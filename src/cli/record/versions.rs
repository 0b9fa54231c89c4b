//! `record --all-versions`: a file's history in git becomes a chain of entries, in one commit of the ledger.

use std::fmt::Write as _;
use std::path::Path;

use crate::capture::git::{GitVersion, git_versions};
use crate::cli::open::{Reading as Ledger, finder, from_journal, journal, look_up, say};
use crate::cli::record::{Record, link_from};
use crate::cli::render::{count, quoted};
use crate::cli::{Context, Failure, Outcome};
use crate::corpus::read_template;
use crate::digest::{Digest, DigestKind};
use crate::journal::{Draft, Row, Target};
use crate::statement::{Body, EdgeType, Kind, Reading, Subject};

/// Records what is new of a file's history.
pub(super) fn record_versions(record: &Record, repository: &Path, path: &str, context: &Context) -> Outcome {
    if record.kind != Kind::Spec {
        return Err(Failure::new(format!("--all-versions takes a spec, not a {}", record.kind)));
    }
    let history = git_versions(repository, &record.rev, path, read_template)?;
    if let Some(cut) = history.cut {
        context.remark(&format!("note: older versions may be missing: {cut}"));
    }
    let ledger = Ledger::open(context)?;
    let finder = finder(context, &ledger)?;
    let known = finder.named(&record.name).map_err(from_journal)?;
    let first_new = match &known {
        None => 0,
        Some(row) => place_of(row, &history.versions).map(|at| at + 1).ok_or_else(|| {
            Failure::new(format!(
                "{} is entry {} already, with content that no version in this history has",
                quoted(&record.name),
                row.index
            ))
            .hint("give the history another name, or the repository and path that the entry was taken from")
        })?,
    };
    let place = record.place.resolve(&finder)?;
    let parents: Vec<Row> = record.from.iter().map(|text| look_up(&finder, text)).collect::<Result<_, _>>()?;
    let mut drafts: Vec<Draft> = Vec::new();
    let mut before = known.as_ref().map(|row| (Target::Entry(row.index), row.principal().1));
    for version in &history.versions[first_new..] {
        let mut draft = draft(record, version);
        place.put(&mut draft);
        parents.iter().for_each(|row| link_from(&mut draft, row));
        if let Some((target, digest)) = before {
            draft.link(EdgeType::Supersedes, target, DigestKind::File, digest);
        }
        before = Some((Target::Draft(drafts.len()), Digest::from(version.digest)));
        drafts.push(draft);
    }
    let total = count(history.versions.len() as u64, "version", "versions");
    if drafts.is_empty() {
        context.print(&format!("unchanged: all of {total} of {} are recorded\n", quoted(&record.name)))?;
        return Ok(0);
    }
    let (mut journal, _) = journal(context, &record.passphrase)?;
    let appended = journal.append(drafts, context.now_ms() / 1000).map_err(from_journal)?;
    say(context, &journal.take_notices());
    journal.close().map_err(from_journal)?;
    let mut lines = String::new();
    for (index, version) in appended.indexes.iter().zip(&history.versions[first_new..]) {
        let commit = version.place.commit.get(..12).unwrap_or(&version.place.commit);
        let digest = Digest::from(version.digest);
        let summary = quoted(&version.summary);
        let _ = writeln!(lines, "entry {index}  {commit}  {} bytes  {digest}  {summary}", version.size);
    }
    let new = appended.indexes.len();
    context.print(&format!("{lines}{}: {new} of {total} recorded now\n", quoted(&record.name)))?;
    Ok(0)
}

/// Where in the history the newest entry of the name stands: by its commit, else by the last version with its bytes.
fn place_of(row: &Row, versions: &[GitVersion<Reading>]) -> Option<usize> {
    let has_bytes = |version: &GitVersion<Reading>| row.carries(&version.digest.into());
    let commit = row.body.as_ref().and_then(|body| body.git.as_ref()).map(|git| git.commit.as_str());
    versions
        .iter()
        .rposition(|version| has_bytes(version) && Some(version.place.commit.as_str()) == commit)
        .or_else(|| versions.iter().rposition(has_bytes))
}

fn draft(record: &Record, version: &GitVersion<Reading>) -> Draft {
    let mut draft = Draft::new(record.kind);
    draft.subjects.push(Subject::file(version.digest, version.size));
    let mut reading = version.read.clone();
    reading.fact("git.summary", &version.summary);
    reading.fact("git.committed", &crate::cli::render::time(u64::try_from(version.committed).unwrap_or_default()));
    draft.body = Body {
        name: Some(record.name.clone()),
        paths: version.place.path.iter().cloned().collect(),
        notes: record.notes.iter().cloned().collect(),
        git: Some(version.place.clone()),
        reading: Some(reading),
        ..Body::default()
    };
    draft
}
