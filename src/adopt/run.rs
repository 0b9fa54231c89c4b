//! One log reduced to what it adds up to: runs, their cells, and digests that tell whether two runs are one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use crate::artifact::samples::{DetailsDigest, LogFacts, SampleKey, SampleRecord, Score};
use crate::digest::{FileDigest, FileHasher};
use crate::evallog::{About, ColumnMap, CountRow, EvalLog, JOIN};
use crate::statement::Reading;
use crate::stats::{ExactSum, Proportion, Tally};

/// Cells of one log: a grid has a few hundred.
const MAX_CELLS: usize = 20_000;

/// Scores that are added up, in all samples of a log together.
const MAX_METRICS: usize = 64;

/// Columns of a table of counts that say what was evaluated, and by what, instead of under which condition.
const TASK_COLUMNS: &[&str] = &["eval", "task"];
const METRIC_COLUMNS: &[&str] = &["scorer"];

/// Why a log makes no runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum RunError {
    #[error("the log has more than {MAX_CELLS} cells of arm, seed and condition")]
    Cells,
    #[error("a row of {k} in {n} is no rate of any evaluation")]
    Counts { k: u64, n: u64 },
}

/// A score that a claim could be about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// The scorer; empty for a table of counts that names none.
    pub scorer: String,
    /// The key inside its value; empty where that is a single score.
    pub key: String,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scorer.as_str(), self.key.as_str()) {
            ("", _) => f.write_str("rate"),
            (scorer, "") => f.write_str(scorer),
            (scorer, key) => write!(f, "{scorer}.{key}"),
        }
    }
}

/// What one score adds up to in one cell.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// Over rollouts.
    pub rollouts: Tally,
    /// Over samples, their epochs reduced to the mean first.
    pub samples: Tally,
    open: (u64, ExactSum),
}

impl Sums {
    fn add(&mut self, value: &BigRational) {
        self.rollouts.add(value);
        self.open.0 += 1;
        self.open.1.add(value.clone());
    }

    fn close(&mut self) {
        let (count, sum) = std::mem::take(&mut self.open);
        if count > 0 {
            self.samples.add(&(sum.total() / BigRational::from_integer(BigInt::from(count))));
        }
    }
}

/// What one cell holds.
#[derive(Debug, Clone, Default)]
pub struct CellTally {
    /// Rollouts that are there.
    pub rows: u64,
    /// Distinct samples.
    pub samples: u64,
    /// The highest repetition.
    pub epochs: u64,
    /// Rollouts by what became of them: scored, unscored, error, limit, invalid.
    pub by_status: [u64; 5],
    /// By score.
    pub metrics: BTreeMap<Metric, Sums>,
}

/// What one log holds of one arm and seed.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was evaluated.
    pub task: String,
    /// The model's name, or what the table calls the arm.
    pub arm: String,
    /// The seed, where a row says.
    pub seed: Option<i64>,
    /// By condition; one nameless condition where the samples tell none apart.
    pub cells: BTreeMap<String, CellTally>,
    /// Over every sample's id and epoch.
    pub items: FileDigest,
    /// Over every sample's id, epoch and scores.
    pub scores: FileDigest,
    /// Over every sample as it stands in the log.
    pub transcripts: FileDigest,
    /// Rollouts whose scores differ from the commonest ones: how little two runs could agree by chance.
    pub spread: u64,
    /// What the table calls the run.
    pub called: Option<String>,
}

/// One log as it was found.
#[derive(Debug)]
pub struct Log {
    /// Its path below the folder.
    pub name: String,
    /// Its files.
    pub paths: Vec<PathBuf>,
    /// By which columns it was read.
    pub map: Option<ColumnMap>,
    /// Whether those were guessed.
    pub is_guess: bool,
    /// What it says of itself, and what is odd about it.
    pub facts: LogFacts,
    /// How it was run.
    pub about: About,
    /// What was understood of a table of counts.
    pub reading: Option<Reading>,
    /// What it holds.
    pub runs: Vec<Run>,
    /// Scores beyond those that are added up.
    pub metrics_left_out: u64,
}

impl Log {
    /// Reduces a log to what it adds up to.
    pub fn of(name: &str, paths: &[PathBuf], map: Option<(ColumnMap, bool)>, log: EvalLog) -> Result<Self, RunError> {
        let (map, is_guess) = map.map_or((None, false), |(map, is_guess)| (Some(map), is_guess));
        let metrics = metrics(&log.samples);
        let metrics_left_out = metrics.len().saturating_sub(MAX_METRICS) as u64;
        let metrics: BTreeSet<Metric> = metrics.into_iter().take(MAX_METRICS).collect();
        let runs = match map.as_ref().filter(|map| map.is_aggregate()) {
            Some(map) => of_counts(name, map, &log.counts)?,
            None => of_samples(name, &log, &metrics)?,
        };
        let (name, paths) = (name.to_owned(), paths.to_vec());
        let EvalLog { facts, about, reading, counts, .. } = log;
        // What is understood of a log of samples is about how it was made.
        let reading = reading.filter(|_| !counts.is_empty());
        Ok(Self { name, paths, map, is_guess, facts, about, reading, runs, metrics_left_out })
    }

    /// Whether it holds counts and no samples.
    pub fn is_counts(&self) -> bool {
        self.reading.is_some()
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

fn metrics(samples: &[SampleRecord]) -> BTreeSet<Metric> {
    let mut found = BTreeSet::new();
    for (scorer, keys) in samples.iter().flat_map(|sample| &sample.scores) {
        for key in keys.keys() {
            // One more than are kept, so that it can be said.
            let metric = Metric { scorer: scorer.clone(), key: key.clone() };
            if found.len() <= MAX_METRICS * 4 {
                found.insert(metric);
            }
        }
    }
    found
}

/// A run while its samples are gone through.
#[derive(Default)]
struct Open {
    cells: BTreeMap<String, CellTally>,
    items: FileHasher,
    scores: FileHasher,
    transcripts: FileHasher,
    by_course: BTreeMap<FileDigest, u64>,
    rows: u64,
}

/// Different sets of scores that are counted, to know how much they vary; more vary enough.
const MAX_COURSES: usize = 64;

fn of_samples(name: &str, log: &EvalLog, metrics: &BTreeSet<Metric>) -> Result<Vec<Run>, RunError> {
    // What a harness calls a cell is its task; in a table it is the arm.
    let is_harness = log.facts.format == "lm-eval";
    let mut open: BTreeMap<(Option<&str>, Option<i64>), Open> = BTreeMap::new();
    let (mut cells, mut before) = (0, None::<&SampleKey>);
    for sample in &log.samples {
        let run = open.entry((sample.key.cell.as_deref(), sample.key.seed)).or_default();
        let condition = sample.key.condition.clone().unwrap_or_default();
        if !run.cells.contains_key(&condition) {
            cells += 1;
            if cells > MAX_CELLS {
                return Err(RunError::Cells);
            }
        }
        let is_same = before.is_some_and(|before| before.without_epoch() == sample.key.without_epoch());
        run.add(sample, condition, is_same, metrics);
        before = Some(&sample.key);
    }
    let task = || log.facts.task.clone().unwrap_or_else(|| name.to_owned());
    let model = || log.facts.model.clone().unwrap_or_default();
    let runs = open.into_iter().map(|((cell, seed), open)| match (cell, is_harness) {
        (Some(cell), true) => open.close(cell.to_owned(), model(), seed),
        (Some(cell), false) => open.close(task(), cell.to_owned(), seed),
        (None, _) => open.close(task(), model(), seed),
    });
    Ok(runs.collect())
}

impl Open {
    fn add(&mut self, sample: &SampleRecord, condition: String, is_same: bool, metrics: &BTreeSet<Metric>) {
        self.rows += 1;
        let cell = self.cells.entry(condition).or_default();
        if !is_same {
            cell.samples += 1;
            cell.metrics.values_mut().for_each(Sums::close);
        }
        cell.rows += 1;
        cell.epochs = cell.epochs.max(sample.key.epoch);
        cell.by_status[usize::try_from(sample.status.id()).unwrap_or(0)] += 1;
        for metric in metrics {
            // As Inspect's own metrics do: a text that is no number counts as 0.
            let score = sample.score(&metric.scorer, &metric.key);
            let value = score.filter(|score| !score.is_unscored());
            if let Some(value) = value.map(|score| score.value().cloned().unwrap_or_else(BigRational::zero)) {
                cell.metrics.entry(metric.clone()).or_default().add(&value);
            }
        }
        let key = SampleKey { cell: None, seed: None, ..sample.key.clone() }.to_bytes();
        self.items.update(&key);
        let blank = SampleRecord {
            key: SampleKey { cell: None, seed: None, ..sample.key.clone() },
            details: DetailsDigest::from_bytes([0; 32]),
            ..sample.clone()
        };
        self.scores.update(&blank.encode());
        self.transcripts.update(&key);
        self.transcripts.update(sample.details.as_bytes());
        let lexemes: Vec<&str> = sample.scores.values().flat_map(BTreeMap::values).map(Score::lexeme).collect();
        let course = FileDigest::of(lexemes.join("\u{1f}").as_bytes());
        if self.by_course.len() < MAX_COURSES || self.by_course.contains_key(&course) {
            *self.by_course.entry(course).or_default() += 1;
        }
    }

    fn close(mut self, task: String, arm: String, seed: Option<i64>) -> Run {
        let sums = self.cells.values_mut().flat_map(|cell| cell.metrics.values_mut());
        sums.for_each(Sums::close);
        let commonest = self.by_course.values().max().copied().unwrap_or(0);
        Run {
            task,
            arm,
            seed,
            cells: self.cells,
            items: self.items.finish(),
            scores: self.scores.finish(),
            transcripts: self.transcripts.finish(),
            spread: self.rows - commonest,
            called: None,
        }
    }
}

/// A row's condition in its parts: what was evaluated, by what it was scored, and the rest.
fn parts(map: &ColumnMap, row: &CountRow) -> (Option<String>, String, String) {
    let columns = map.of("condition");
    let split: Vec<&str> = row.condition.split(JOIN).collect();
    if split.len() != columns.len() {
        return (None, String::new(), row.condition.clone());
    }
    let of = |names: &[&str], are_those: bool| {
        let named = columns.iter().zip(&split).filter(|(column, _)| names.contains(&column.as_str()) == are_those);
        named.map(|(_, text)| *text).collect::<Vec<_>>().join(JOIN)
    };
    let task = of(TASK_COLUMNS, true);
    let rest = [TASK_COLUMNS, METRIC_COLUMNS].concat();
    ((!task.is_empty()).then_some(task), of(METRIC_COLUMNS, true), of(&rest, false))
}

fn of_counts(name: &str, map: &ColumnMap, rows: &[CountRow]) -> Result<Vec<Run>, RunError> {
    let mut runs: BTreeMap<(String, String, Option<i64>), Run> = BTreeMap::new();
    if rows.len() > MAX_CELLS {
        return Err(RunError::Cells);
    }
    for row in rows {
        let (k, n) = (row.k, row.n);
        // A row of nothing is no rate, but no lie either.
        if n == 0 {
            continue;
        }
        Proportion::new(k, n).map_err(|_| RunError::Counts { k, n })?;
        let (task, scorer, condition) = parts(map, row);
        let task = task.unwrap_or_else(|| name.to_owned());
        let run = runs.entry((task.clone(), row.cell.clone(), row.seed)).or_insert_with(|| Run {
            task,
            arm: row.cell.clone(),
            seed: row.seed,
            cells: BTreeMap::new(),
            items: FileDigest::of(b""),
            scores: FileDigest::of(b""),
            transcripts: FileDigest::of(b""),
            spread: 0,
            called: row.run.clone(),
        });
        let cell = run.cells.entry(condition).or_default();
        cell.rows = cell.rows.max(n);
        cell.samples = cell.samples.max(n);
        cell.epochs = 1;
        let sums = cell.metrics.entry(Metric { scorer, key: String::new() }).or_default();
        sums.rollouts.add_counts(k, n);
        sums.samples.add_counts(k, n);
    }
    Ok(runs.into_values().collect())
}
