//! Which logs are of one arm, one seed, one condition: by what they say, and where they say nothing by where they lie.

use std::collections::{BTreeMap, BTreeSet};

use super::run::{Log, Metric, Run};
use crate::evallog::JOIN;

/// A run by its log and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    /// The log.
    pub log: usize,
    /// The run in it.
    pub run: usize,
}

/// The runs of each condition.
pub type Cells = BTreeMap<String, Vec<RunId>>;

/// One seed of an arm.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Its number, where anything says.
    pub number: Option<i64>,
    /// In the order in which they were made. The first that ended well is the one that counts.
    pub cells: Cells,
}

/// One arm.
#[derive(Debug, Clone)]
pub struct Arm {
    /// What it is called.
    pub name: String,
    /// Its seeds.
    pub seeds: Vec<Seed>,
}

/// Everything that was found of one evaluation.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The task.
    pub task: String,
    /// What arms are told apart by: `the model`, `the folder`, …
    pub told_by: &'static str,
    /// Task arguments that make the condition of a log.
    pub arguments: Vec<String>,
    /// In the order of their names.
    pub arms: Vec<Arm>,
    /// Every condition that any arm has.
    pub conditions: BTreeSet<String>,
    /// Every score that any sample has.
    pub metrics: BTreeSet<Metric>,
}

/// All logs, and how they belong together.
#[derive(Debug)]
pub struct Study {
    /// In the order of their names.
    pub logs: Vec<Log>,
    /// In the order of their tasks.
    pub suites: Vec<Suite>,
}

/// Names by which a task, a model or a folder says its training seed.
const SEED_ARGUMENTS: &[&str] = &["task_args.seed", "task_args.train_seed", "model_args.seed", "metadata.seed"];

impl Study {
    /// Puts logs together.
    pub fn of(logs: Vec<Log>) -> Self {
        let mut tasks: BTreeMap<&str, Vec<RunId>> = BTreeMap::new();
        for (log, at) in logs.iter().zip(0..) {
            for (run, number) in log.runs.iter().zip(0..) {
                tasks.entry(&run.task).or_default().push(RunId { log: at, run: number });
            }
        }
        let suites = tasks.into_iter().map(|(task, runs)| suite(&logs, task, &runs)).collect();
        Self { logs, suites }
    }

    /// A run.
    pub fn run(&self, id: RunId) -> (&Log, &Run) {
        let log = &self.logs[id.log];
        (log, &log.runs[id.run])
    }
}

impl Seed {
    /// The run of a condition that counts, and those beside it.
    pub fn counted<'s>(&'s self, study: &Study, condition: &str) -> Option<(RunId, &'s [RunId])> {
        let runs = self.cells.get(condition)?;
        let ended = |id: &&RunId| matches!(study.logs[id.log].facts.status.as_deref(), None | Some("success"));
        let first = runs.iter().find(ended).or_else(|| runs.first())?;
        Some((*first, runs))
    }
}

impl Suite {
    /// The logs that count for an arm, each once, in order.
    pub fn logs_of(&self, study: &Study, arm: &Arm) -> Vec<(usize, Option<i64>)> {
        let mut found = BTreeSet::new();
        for seed in &arm.seeds {
            for condition in seed.cells.keys() {
                found.extend(seed.counted(study, condition).map(|(id, _)| (id.log, seed.number)));
            }
        }
        found.into_iter().collect()
    }
}

/// What a run says of itself before it is put anywhere.
struct Said {
    id: RunId,
    label: String,
    seed: Option<i64>,
}

fn suite(logs: &[Log], task: &str, runs: &[RunId]) -> Suite {
    let (told_by, said) = labels(logs, runs);
    let arguments = condition_arguments(logs, &said);
    let mut arms: BTreeMap<String, BTreeMap<Option<i64>, Cells>> = BTreeMap::new();
    let (mut conditions, mut metrics) = (BTreeSet::new(), BTreeSet::new());
    for Said { id, label, seed } in said {
        let (log, run) = (&logs[id.log], &logs[id.log].runs[id.run]);
        let own = condition_of(log, &arguments);
        for (condition, cell) in &run.cells {
            let condition = if condition.is_empty() { own.clone() } else { condition.clone() };
            metrics.extend(cell.metrics.keys().cloned());
            conditions.insert(condition.clone());
            arms.entry(label.clone()).or_default().entry(seed).or_default().entry(condition).or_default().push(id);
        }
    }
    let began = |id: &RunId| (logs[id.log].about.get("created").cloned(), logs[id.log].name.clone());
    let arms = arms.into_iter().map(|(name, seeds)| {
        let seeds = seeds.into_iter().map(|(number, mut cells)| {
            cells.values_mut().for_each(|runs| runs.sort_by_key(began));
            Seed { number, cells }
        });
        Arm { name, seeds: seeds.collect() }
    });
    Suite { task: task.to_owned(), told_by, arguments, arms: arms.collect(), conditions, metrics }
}

/// The arm's label and the seed of each run, by the first thing that tells any two apart.
fn labels(logs: &[Log], runs: &[RunId]) -> (&'static str, Vec<Said>) {
    let by = |label: &dyn Fn(&Log, &Run) -> String| -> Vec<Said> {
        let said = runs.iter().map(|id| {
            let (log, run) = (&logs[id.log], &logs[id.log].runs[id.run]);
            let (label, marked) = split_seed(&label(log, run));
            let argument = SEED_ARGUMENTS.iter().find_map(|name| log.about.get(*name)?.parse::<i64>().ok());
            let folder = || split_seed(&log.name).1;
            Said { id: *id, label, seed: run.seed.or(argument).or(marked).or_else(folder) }
        });
        said.collect()
    };
    let is_told = |said: &[Said]| said.iter().any(|one| one.label != said[0].label);
    let of_model = by(&|_, run| run.arm.clone());
    if is_told(&of_model) || runs.len() == 1 {
        return ("the model", of_model);
    }
    let of_arguments = by(&|log, run| {
        let arguments =
            log.about.range("model_args.".to_owned()..).take_while(|(name, _)| name.starts_with("model_args."));
        let told = arguments.filter(|(name, _)| !SEED_ARGUMENTS.contains(&name.as_str()));
        let told: Vec<String> = told.map(|(_, text)| text.clone()).collect();
        std::iter::once(run.arm.clone()).chain(told).collect::<Vec<_>>().join(" ")
    });
    if is_told(&of_arguments) {
        return ("the model's arguments", of_arguments);
    }
    let of_folder = by(&|log, _| log.folder().to_owned());
    if is_told(&of_folder) {
        return ("the folder", of_folder);
    }
    ("the model", of_model)
}

/// A name without its seed: `org/msm-seed3` is `org/msm` and 3. Only the word `seed` counts: `s1` is a model's name.
fn split_seed(name: &str) -> (String, Option<i64>) {
    let lower = name.to_ascii_lowercase();
    for (at, _) in lower.match_indices("seed") {
        let before = &name[..at];
        let after = &lower[at + 4..];
        let gap = after.len() - after.trim_start_matches(['-', '_', '=']).len();
        let digits = after[gap..].bytes().take_while(u8::is_ascii_digit).count();
        let rest = &name[at + 4 + gap + digits..];
        let stands_alone = |edge: Option<char>| edge.is_none_or(|c| !c.is_alphanumeric());
        if let Ok(seed) = after[gap..gap + digits].parse::<i64>()
            && stands_alone(before.chars().last())
            && stands_alone(rest.chars().next())
        {
            return (format!("{}{rest}", before.trim_end_matches(['-', '_', '/', '.'])), Some(seed));
        }
    }
    (name.to_owned(), None)
}

/// Task arguments that have several values inside one arm and seed: what makes one log of a grid another's neighbour.
fn condition_arguments(logs: &[Log], said: &[Said]) -> Vec<String> {
    let mut values: BTreeMap<(&str, &str, Option<i64>), BTreeSet<&str>> = BTreeMap::new();
    for one in said {
        let about = &logs[one.id.log].about;
        for (name, text) in
            about.range("task_args.".to_owned()..).take_while(|(name, _)| name.starts_with("task_args."))
        {
            if !SEED_ARGUMENTS.contains(&name.as_str()) {
                values.entry((name, &one.label, one.seed)).or_default().insert(text);
            }
        }
    }
    let varied = values.into_iter().filter(|(_, values)| values.len() > 1);
    let names: BTreeSet<&str> = varied.map(|((name, ..), _)| name).collect();
    names.into_iter().filter_map(|name| name.strip_prefix("task_args.")).map(str::to_owned).collect()
}

fn condition_of(log: &Log, arguments: &[String]) -> String {
    let parts: Vec<&str> =
        arguments.iter().map(|name| log.about.get(&format!("task_args.{name}")).map_or("", String::as_str)).collect();
    parts.join(JOIN)
}

#[cfg(test)]
mod tests {
    use super::split_seed;

    #[test]
    fn a_seed_is_read_from_a_name_only_where_it_says_seed() {
        for (name, arm, seed) in [
            ("org/msm-seed3", "org/msm", Some(3)),
            ("msm_seed_12/final", "msm/final", Some(12)),
            ("seed=0", "", Some(0)),
            ("logs/Seed1/a.eval", "logs/a.eval", Some(1)),
            ("s1-32B", "s1-32B", None),
            ("reseed3", "reseed3", None),
            ("msm-seed", "msm-seed", None),
            ("seedling-4", "seedling-4", None),
            ("seed99999999999999999999", "seed99999999999999999999", None),
            ("ſseed3", "ſseed3", None),
        ] {
            assert_eq!(split_seed(name), (arm.to_owned(), seed), "{name}");
        }
    }
}
