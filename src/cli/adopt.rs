//! `adopt`: what a lab already has, looked at as a reader of a claim will look at it.

mod document;
mod screen;
mod write;

use std::path::{Path, PathBuf};

use crate::adopt::{Choice, Defect, Draft, Log, Study, Weight, defects};
use crate::capture::kind::{self, Options, Request};
use crate::capture::log::LogError;
use crate::capture::logs::{Likely, LogPlace, find_logs, guess_columns, read_found};
use crate::cli::effort::EffortArgs;
use crate::cli::keys::PassphraseArgs;
use crate::cli::{Context, Failure, Outcome};
use crate::evallog::{ColumnMap, EvalLogError};
use crate::statement::{Kind, Reading, Subject};

/// Cells of all logs together: each is held in memory.
const MAX_CELLS: usize = 200_000;

/// See what is wrong with logs that you have, and make them a retrospective claim
///
/// Reads Inspect logs, results of lm-evaluation-harness with their samples, and tables; needs no ledger and no key, and
/// writes nothing. What is wrong comes first, then the rates under every score, then the claim that the logs could carry.
/// With --write it records the logs in the ledger above, writes that claim's file, and adds it once nothing is left to
/// fill in. Such a claim is exploratory and rests on your word alone (L0): nobody saw these logs while they were made.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 no defect that matters · 1 a claim from these logs would be contradicted · 2 unreadable · 3 something is open\n\nExamples:\n  reproledger adopt logs/\n  reproledger adopt logs/ --subject msm --comparator base --metric harm.classifier_verdict --printed 7%,54%\n  reproledger adopt logs/ --model out/adapter --metric match --write"
)]
pub(super) struct Adopt {
    /// Folder of logs, or one log
    #[arg(value_name = "LOGDIR")]
    logs: PathBuf,
    /// The weights that the subject's logs were made with
    #[arg(long, value_name = "DIR|FILE")]
    model: Option<PathBuf>,
    /// Which column of a table is what, as for `record eval-log`; without it the names of the columns are guessed from
    #[arg(long, value_name = "ROLE=COLUMN,…", value_parser = ColumnMap::parse)]
    map: Option<ColumnMap>,
    /// The evaluation that the claim is about, where there are several
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// The arm that the number is about
    #[arg(long, value_name = "ARM")]
    subject: Option<String>,
    /// The arm that it is compared with
    #[arg(long, value_name = "ARM")]
    comparator: Option<String>,
    /// The score that is meant
    #[arg(long, value_name = "SCORER[.KEY]")]
    metric: Option<String>,
    /// The rates as printed, of the subject first; without it the log's own figure is taken, where an arm is one log
    #[arg(long, value_name = "RATE[,RATE]", value_delimiter = ',', num_args = 1..=2)]
    printed: Vec<String>,
    /// The error bars as printed, likewise
    #[arg(long, value_name = "ERROR[,ERROR]", value_delimiter = ',', num_args = 1..=2)]
    error: Vec<String>,
    /// What to call the claim
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// The sentence as it was printed
    #[arg(long)]
    text: Option<String>,
    /// Record the logs, write the claim's file, add the claim
    #[arg(long)]
    write: bool,
    /// Where to write the claim's file (default: its name with .toml)
    #[arg(short, long, value_name = "FILE", requires = "write")]
    output: Option<PathBuf>,
    #[command(flatten)]
    effort: EffortArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Show every place of every defect
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Everything that was found.
struct Adopted {
    study: Study,
    defects: Vec<Defect>,
    /// The claim, or what must be chosen first.
    draft: Result<Draft, Vec<String>>,
    chosen: Choice,
    model: Option<Model>,
    passed_over: Vec<(String, String)>,
    other: u64,
}

/// The weights that were named.
struct Model {
    path: PathBuf,
    subject: Subject,
    reading: Option<Reading>,
    remarks: Vec<String>,
}

/// The one word that the answer begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing was found that stands against a claim.
    Clear,
    /// Something must be settled first.
    Open,
    /// A claim would be contradicted.
    Contradicted,
    /// There is no log.
    Nothing,
}

impl Word {
    const fn name(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Open => "OPEN",
            Self::Contradicted => "CONTRADICTED",
            Self::Nothing => "NOTHING FOUND",
        }
    }

    const fn exit_code(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Contradicted => 1,
            Self::Open | Self::Nothing => 3,
        }
    }
}

impl Adopted {
    fn word(&self) -> Word {
        match self.defects.first().map(|defect| defect.weight) {
            _ if self.study.logs.is_empty() => Word::Nothing,
            Some(Weight::Contradicts) => Word::Contradicted,
            Some(Weight::LeavesOpen) => Word::Open,
            _ => Word::Clear,
        }
    }
}

impl Adopt {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let adopted = self.look(context)?;
        let mut code = adopted.word().exit_code();
        if self.json {
            document::print(context, &adopted)?;
        } else {
            context.print(&screen::text(&adopted, self.verbose))?;
        }
        if self.write {
            if adopted.study.logs.is_empty() {
                return Err(Failure::new("there is no log to record").unestablished());
            }
            let is_whole = write::write(&self, context, &adopted)?;
            code = if is_whole { code } else { code.max(3) };
        }
        Ok(code)
    }

    fn look(&self, context: &Context) -> Result<Adopted, Failure> {
        let mut found = find_logs(&self.logs)?;
        let mut passed_over: Vec<(String, String)> =
            found.passed_over.drain(..).map(|(name, why)| (name, why.to_owned())).collect();
        let mut unreadable = Defect::new(
            "unreadable",
            Weight::LeavesOpen,
            "a log cannot be read",
            "find out what became of it: a run that left no log counts as an attempt",
        );
        let (mut logs, mut cells, mut other) = (Vec::new(), 0, found.other);
        for place in &found.logs {
            match self.read(place) {
                Ok(Some(log)) => {
                    cells += log.runs.iter().map(|run| run.cells.len()).sum::<usize>();
                    if cells > MAX_CELLS {
                        return Err(Failure::new(format!("the logs have more than {MAX_CELLS} cells together"))
                            .hint("name a smaller folder"));
                    }
                    logs.push(log);
                }
                Ok(None) if place.likely == Likely::Table => {
                    passed_over.push((place.name.clone(), "a table; say which column is what with --map".to_owned()));
                }
                Ok(None) => other += 1,
                Err(failure) => unreadable.add(1, &place.name, failure.messages().join(": ")),
            }
        }
        let model = self.model.as_deref().map(|path| self.weights(context, path)).transpose()?;
        let study = Study::of(logs);
        let chosen = self.choice(model.is_some());
        if let Some(unknown) = chosen.unknown(&study).into_iter().next() {
            return Err(Failure::new(unknown));
        }
        let mut defects = defects(&study, &chosen);
        if unreadable.count > 0 {
            defects.push(unreadable);
        }
        defects.extend(of_weights(&study, model.as_ref()));
        defects.sort_by(|a, b| (a.weight, a.code).cmp(&(b.weight, b.code)));
        let draft = if study.logs.is_empty() { Err(Vec::new()) } else { Draft::of(&study, &chosen) };
        Ok(Adopted { study, defects, draft, chosen, model, passed_over, other })
    }

    fn choice(&self, has_model: bool) -> Choice {
        let weights = self.model.as_deref().filter(|_| has_model);
        Choice {
            task: self.task.clone(),
            subject: self.subject.clone(),
            comparator: self.comparator.clone(),
            metric: self.metric.clone(),
            printed: self.printed.clone(),
            errors: self.error.clone(),
            id: self.id.clone(),
            text: self.text.clone(),
            weights: weights.map(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                format!("weights {name}")
            }),
        }
    }

    /// The log at a place; `None` where it is something else.
    fn read(&self, place: &LogPlace) -> Result<Option<Log>, Failure> {
        let map = match place.likely {
            Likely::Table => match &self.map {
                Some(map) => Some((map.clone(), false)),
                None => match guess_columns(place)? {
                    Some(map) => Some((map, true)),
                    None => return Ok(None),
                },
            },
            Likely::Log | Likely::Json => None,
        };
        match read_found(place, map.as_ref().map(|(map, _)| map)) {
            Ok(log) => Ok(Some(Log::of(&place.name, &place.paths, map, log)?)),
            Err(LogError::EvalLog(EvalLogError::NotALog { .. } | EvalLogError::Unrecognised))
                if place.likely == Likely::Json =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn weights(&self, context: &Context, path: &Path) -> Result<Model, Failure> {
        let (options, paths) = (Options::default(), [path.to_owned()]);
        let artifact = self.effort.work(context, "hashing weights", None, |progress| {
            kind::capture(Kind::Checkpoint, &Request { paths: &paths, options: &options, progress })
        })??;
        let (path, subject) = (path.to_owned(), artifact.subject);
        Ok(Model { path, subject, reading: artifact.reading, remarks: artifact.remarks })
    }
}

/// What is to be said of the weights, or of their not being there.
fn of_weights(study: &Study, model: Option<&Model>) -> Vec<Defect> {
    let Some(model) = model else {
        let names = study.logs.iter().find_map(|log| log.facts.model.clone());
        let new = Defect::new(
            "weights-by-name",
            Weight::ToKnow,
            "logs name a model and not its bytes: nothing ties the scores to weights",
            "name the weights: --model DIR",
        );
        return names.map(|name| new.at("", name)).into_iter().collect();
    };
    let mut defect =
        Defect::new("weights", Weight::ToKnow, "the weights are not all that they could be", "look at them");
    for remark in &model.remarks {
        defect.add(1, "", remark.clone());
    }
    for remark in model.reading.iter().flat_map(|reading| &reading.remarks) {
        defect.add(remark.count, "", format!("{}: {}", remark.code, remark.text));
    }
    if defect.count > 0 { vec![defect] } else { Vec::new() }
}
