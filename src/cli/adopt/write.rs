//! `--write`: the logs become entries, the claim a file, and an entry once it is whole.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::adopt::Placed;
use crate::capture::kind::{self, Options, Request};
use crate::cli::adopt::{Adopt, Adopted};
use crate::cli::open::{Reading, finder, from_journal, journal, say};
use crate::cli::private::refuse_own;
use crate::cli::record::{PlaceArgs, capture, check_name, describe, link_from, unchanged};
use crate::cli::{Context, Failure, claim};
use crate::journal::{Draft, Finder, Row, Target};
use crate::statement::{EdgeType, Kind};

/// Kept with every entry: nobody saw the log while it was made.
const NOTE: (&str, &str) = ("adopted", "retrospectively, from what was there");

/// Records what was found and writes the claim's file; true where the claim is in the ledger.
pub(super) fn write(adopt: &Adopt, context: &Context, adopted: &Adopted) -> Result<bool, Failure> {
    let draft = adopted.draft.as_ref().map_err(|choose| {
        let failure = Failure::new("nothing was written: first say what the claim is about");
        choose.iter().fold(failure, |failure, one| failure.hint(one.clone())).unestablished()
    })?;
    if let Some(guessed) = draft.logs.iter().map(|log| &adopted.study.logs[log.log]).find(|log| log.is_guess) {
        let map = guessed.map.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(Failure::new(format!(
            "`{}` was read by guessed columns, and a guess is not recorded",
            guessed.name
        ))
        .hint(format!("if the guess is right: --map {map}"))
        .unestablished());
    }
    check_name(&draft.id)?;
    let output = adopt.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", draft.id)));
    refuse_other(&output, &draft.toml)?;
    record(adopt, context, adopted, &draft.logs)?;
    put_file(&output, &draft.toml)?;
    if !draft.missing.is_empty() {
        context.print(&format!("wrote `{}`, with {} left to fill in\n", output.display(), draft.missing.len()))?;
        context.remark(&format!("hint: then add it: reproledger claim add {}", output.display()));
        return Ok(false);
    }
    context.print(&format!("wrote `{}`\n", output.display()))?;
    claim::add(context, &output, None, &PlaceArgs::default(), &adopt.passphrase)?;
    Ok(true)
}

/// Refuses to write over another claim.
fn refuse_other(path: &Path, toml: &str) -> Result<(), Failure> {
    let there = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_file() && metadata.len() == toml.len() as u64 => {
            std::fs::read(path).unwrap_or_default()
        }
        Ok(_) => Vec::new(),
    };
    if there == toml.as_bytes() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` is there already, with other content", path.display()))
        .hint("write another file: --output FILE, or call the claim otherwise: --id NAME"))
}

fn put_file(path: &Path, toml: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::new(format!("cannot write `{}`: {error}", path.display()));
    match std::fs::File::create_new(path) {
        Ok(mut file) => file.write_all(toml.as_bytes()).and_then(|()| file.sync_all()).map_err(fail),
        // It is the same, or it was not there a moment ago.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => refuse_other(path, toml),
        Err(error) => Err(fail(error)),
    }
}

/// One commit with the weights and every log that is not there yet.
fn record(adopt: &Adopt, context: &Context, adopted: &Adopted, logs: &[Placed]) -> Result<(), Failure> {
    let reading = Reading::open(context)?;
    refuse_own(&reading.directory, std::slice::from_ref(&adopt.logs))?;
    let finder = finder(context, &reading)?;
    let mut drafts: Vec<(String, Draft)> = Vec::new();
    let mut weights = None;
    if let (Some(path), Some(name)) = (&adopt.model, &adopted.chosen.weights) {
        let options = Options::default();
        let draft = captured(adopt, context, Kind::Checkpoint, std::slice::from_ref(path), &options, name)?;
        weights = Some(known_or_new(&finder, name, draft, &mut drafts)?);
    }
    // One folder of weights is one training run: which of several seeds it is cannot be told.
    let of_subject =
        logs.iter().filter(|log| log.is_subject).map(|log| log.seed).collect::<std::collections::BTreeSet<_>>();
    for placed in logs {
        let options = Options { map: placed.map.clone(), ..Options::default() };
        let paths = &adopted.study.logs[placed.log].paths;
        let mut draft = captured(adopt, context, Kind::EvalLog, paths, &options, &placed.name)?;
        (draft.arm, draft.seed) = (placed.arm.clone(), placed.seed);
        if let Some(weights) = weights.as_ref().filter(|_| placed.is_subject && of_subject.len() == 1) {
            weights.link(&mut draft, &drafts);
        }
        known_or_new(&finder, &placed.name, draft, &mut drafts)?;
    }
    if of_subject.len() > 1 && weights.is_some() {
        context.remark(
            "note: the weights are recorded and tied to no log: the subject has several seeds, and they are one",
        );
    }
    if drafts.is_empty() {
        return Ok(());
    }
    let (names, drafts): (Vec<String>, Vec<Draft>) = drafts.into_iter().unzip();
    let said: Vec<String> = drafts.iter().map(|draft| format!("{} {}", draft.kind, describe(draft))).collect();
    let (mut journal, _) = journal(context, &adopt.passphrase)?;
    let appended = journal.append(drafts, context.now_ms() / 1000).map_err(from_journal)?;
    say(context, &journal.take_notices());
    journal.close().map_err(from_journal)?;
    let mut out = String::new();
    for ((index, name), said) in appended.indexes.iter().zip(names).zip(said) {
        crate::cli::render::put(&mut out, format_args!("entry {index}  `{}`  {said}\n", crate::report::Shown(&name)));
    }
    context.print(&out)
}

fn captured(
    adopt: &Adopt,
    context: &Context,
    kind: Kind,
    paths: &[PathBuf],
    options: &Options,
    name: &str,
) -> Result<Draft, Failure> {
    check_name(name)?;
    let mut draft = capture(context, kind, paths, adopt.effort, None, |progress| {
        kind::capture(kind, &Request { paths, options, progress })
    })?;
    draft.body.notes = BTreeMap::from([(NOTE.0.to_owned(), NOTE.1.to_owned())]);
    Ok(draft)
}

/// Weights that logs link to: recorded before, or in this commit.
enum Weights {
    Known(Box<Row>),
    New(usize),
}

impl Weights {
    fn link(&self, draft: &mut Draft, drafts: &[(String, Draft)]) {
        match self {
            Self::Known(row) => link_from(draft, row),
            Self::New(at) => {
                let subject = drafts[*at].1.subjects.first();
                let principal = subject.and_then(|subject| subject.principal());
                if let Some((kind, digest)) =
                    principal.and_then(|(kind, measure)| Some((kind, *measure.digests.first()?)))
                {
                    draft.link(EdgeType::between(Kind::EvalLog, Kind::Checkpoint), Target::Draft(*at), kind, digest);
                    draft.checkpoint = Some(digest);
                }
            }
        }
    }
}

/// Keeps a draft for the commit unless the ledger says the same already.
fn known_or_new(
    finder: &Finder<'_>,
    name: &str,
    mut draft: Draft,
    drafts: &mut Vec<(String, Draft)>,
) -> Result<Weights, Failure> {
    if let Some(row) = unchanged(finder, name, &draft, true)? {
        return Ok(Weights::Known(Box::new(row)));
    }
    draft.body.name = Some(name.to_owned());
    drafts.push((name.to_owned(), draft));
    Ok(Weights::New(drafts.len() - 1))
}
