//! `run`: a command with an entry before it and an entry after it.

mod declared;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::capture::hash::Progress;
use crate::capture::kind::{self, Options, Request};
use crate::capture::run::{FinishedRun, PreparedRun};
use crate::cli::effort::EffortArgs;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::record::{PlaceArgs, artifact_kind, capture, check_name, describe, link_from};
use crate::cli::render::quoted;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, DigestKind};
use crate::journal::{Draft, Finder, Row, Target};
use crate::merkle::EntryIndex;
use crate::statement::{Body, EdgeType, Kind, MAX_LABEL, RunStatus};

/// Run a command, with a signed entry before it starts and another when it has ended
///
/// The exit code is the command's own. A run that never ends stays visible as one that was started.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  reproledger run --name train --in mix --out checkpoint:adapter=out/adapter -- python train.py"
)]
pub(super) struct Run {
    /// The stage (public); attempts at it are numbered by the ledger
    #[arg(long, value_name = "STAGE")]
    name: String,
    /// A recorded artifact that the command reads
    #[arg(long = "in", value_name = "NAME|DIGEST")]
    inputs: Vec<String>,
    /// What the command writes, recorded when it ends well
    #[arg(long = "out", value_name = "KIND:NAME=PATH", value_parser = output)]
    outputs: Vec<Output>,
    #[command(flatten)]
    declared: declared::DeclaredArgs,
    #[command(flatten)]
    effort: EffortArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone)]
struct Output {
    kind: Kind,
    name: String,
    path: PathBuf,
}

fn output(text: &str) -> Result<Output, String> {
    let refuse = || "expected KIND:NAME=PATH, such as checkpoint:adapter=out/adapter".to_owned();
    let (kind, rest) = text.split_once(':').ok_or_else(refuse)?;
    let (name, path) = rest.split_once('=').ok_or_else(refuse)?;
    check_name(name).map_err(|failure| failure.to_string())?;
    Ok(Output { kind: artifact_kind(kind)?, name: name.to_owned(), path: PathBuf::from(path) })
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Outcome {
        if self.name.is_empty() || self.name.len() > MAX_LABEL || self.name.chars().any(char::is_control) {
            return Err(Failure::new(format!("a stage has 1 to {MAX_LABEL} bytes and no control characters")));
        }
        let now = || context.now_ms();
        let outputs: Vec<_> = self.outputs.iter().map(|output| (output.name.as_str(), &output.path)).collect();
        let declared = self.declared.resolve(&outputs)?;
        let mut prepared = PreparedRun::new(self.command.clone(), &now)?;
        prepared.see(declared);
        let inputs = self.start(context, &prepared)?;
        let finished = prepared.run(&now)?;
        // Whatever became of the command and its outputs, its end is told.
        let (outputs, failure) = self.outputs(context, &inputs.rows, &finished);
        self.end(context, &inputs, &finished, outputs)?;
        match failure {
            Some(failure) => Err(failure),
            None => Ok(finished.exit_code()),
        }
    }

    /// Appends the run-start. The ledger is free again while the command runs.
    fn start(&self, context: &Context, prepared: &PreparedRun) -> Result<Started, Failure> {
        let (mut journal, _) = journal(context, &self.passphrase)?;
        // Under the writer's lock, so that no two runs get one attempt number.
        let reading = Reading::open(context)?;
        let finder = finder(context, &reading)?;
        self.check_names(&finder)?;
        let place = self.place.resolve(&finder)?;
        let mut draft = Draft::new(Kind::RunStart);
        place.put(&mut draft);
        draft.stage = Some(self.name.clone());
        let earlier = finder.attempts(place.protocol, place.arm.as_deref(), place.seed, &self.name);
        let attempt = 1 + earlier.map_err(from_journal)?;
        draft.attempt = Some(attempt);
        let mut rows = Vec::new();
        for text in &self.inputs {
            let row = look_up(&finder, text)?;
            if !row.payload.kind.is_artifact() {
                return Err(Failure::new(format!(
                    "`{text}` is a {}, not an artifact that a command reads",
                    row.payload.kind
                )));
            }
            let (kind, digest) = row.principal();
            draft.link(EdgeType::Used, Target::Entry(row.index), kind, digest);
            rows.push(row);
        }
        draft.body = Body { run: Some(prepared.body().clone()), ..Body::default() };
        let template = draft.clone();
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        journal.close().map_err(from_journal)?;
        let start = (
            appended.indexes.first().copied().unwrap_or_default(),
            appended.digests.first().copied().ok_or_else(|| Failure::new("the commit has no entry"))?,
        );
        context.remark(&format!("entry {}  run-start `{}`  attempt {attempt}", start.0, self.name));
        Ok(Started { template, rows, start })
    }

    /// Refuses, before anything runs, a name that means something of another kind: whoever asks for it later would get the
    /// newest, whatever they wanted. What is written again by another attempt keeps its name.
    fn check_names(&self, finder: &Finder<'_>) -> Result<(), Failure> {
        for (at, output) in self.outputs.iter().enumerate() {
            let name = quoted(&output.name);
            if self.outputs[..at].iter().any(|other| other.name == output.name) {
                return Err(Failure::new(format!("two outputs are called {name}")));
            }
            if let Some(row) = finder.named(&output.name).map_err(from_journal)?
                && row.payload.kind != output.kind
            {
                let (index, kind) = (row.index, row.payload.kind);
                return Err(Failure::new(format!("{name} is the {kind} of entry {index}, not a {}", output.kind))
                    .hint("give what the command writes a name of its own; nothing was run"));
            }
        }
        Ok(())
    }

    /// Records what the command wrote; the first failure is kept for after the run-end.
    fn outputs(&self, context: &Context, inputs: &[Row], finished: &FinishedRun) -> (Vec<Draft>, Option<Failure>) {
        if finished.outcome.status != RunStatus::Completed {
            return (Vec::new(), None);
        }
        let mut drafts = Vec::new();
        for output in &self.outputs {
            let paths = std::slice::from_ref(&output.path);
            let options = Options::default();
            let read =
                |progress: &dyn Progress| kind::capture(output.kind, &Request { paths, options: &options, progress });
            // What a command has just written is not known from before.
            match capture(context, output.kind, paths, self.effort, None, read) {
                Ok(mut draft) => {
                    draft.body.name = Some(output.name.clone());
                    inputs.iter().for_each(|row| link_from(&mut draft, row));
                    drafts.push(draft);
                }
                Err(failure) => {
                    let failure = failure.hint(format!("the run's end is recorded without `{}`", output.name));
                    return (drafts, Some(failure));
                }
            }
        }
        (drafts, None)
    }

    fn end(
        &self,
        context: &Context,
        started: &Started,
        finished: &FinishedRun,
        outputs: Vec<Draft>,
    ) -> Result<(), Failure> {
        let mut draft = started.template.clone();
        draft.kind = Kind::RunEnd;
        draft.edges.clear();
        draft.outcome = Some(finished.outcome);
        draft.body = Body { run: Some(finished.body.clone()), ..Body::default() };
        draft.link(EdgeType::Ends, Target::Entry(started.start.0), DigestKind::Entry, started.start.1);
        let mut drafts = outputs;
        for (position, output) in drafts.iter_mut().enumerate() {
            output.protocol = draft.protocol;
            output.arm.clone_from(&draft.arm);
            output.seed = draft.seed;
            let principal = output.subjects.first().and_then(|subject| subject.principal());
            if let Some((kind, digest)) = principal.and_then(|(kind, measure)| Some((kind, *measure.digests.first()?)))
            {
                draft.link(EdgeType::Generated, Target::Draft(position), kind, digest);
            }
        }
        let described: Vec<_> = drafts
            .iter()
            .map(|output| {
                format!("{} `{}`  {}", output.kind, output.body.name.as_deref().unwrap_or_default(), describe(output))
            })
            .collect();
        drafts.push(draft);
        let (mut journal, _) = journal(context, &self.passphrase)?;
        let appended = journal.append(drafts, context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        for (index, described) in appended.indexes.iter().zip(described) {
            context.remark(&format!("entry {index}  {described}"));
        }
        let last = appended.indexes.last().copied().unwrap_or_default();
        let status = finished.outcome.status;
        context.remark(&format!("entry {last}  run-end `{}`  {status}, code {}", self.name, finished.outcome.code));
        Ok(())
    }
}

/// A run that has begun.
struct Started {
    template: Draft,
    rows: Vec<Row>,
    start: (EntryIndex, Digest),
}
