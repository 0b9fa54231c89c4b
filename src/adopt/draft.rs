//! The claim that the logs could carry: a claim file with everything that the logs say, and what only a person can say
//! left to fill in.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::across::judges_of;
use super::arms::{Arm, Study, Suite};
use super::choice::Choice;
use super::rates::rate;
use super::run::{CellTally, Metric};
use crate::artifact::samples::parse_number;
use crate::evallog::ColumnMap;
use crate::statement::MAX_NAME;
use crate::stats::Printed;
use crate::stats::decimal::decimal_digits;

/// Stands where a person must write something; no figure and no name is so.
pub const FILL_IN: &str = "FILL IN";

/// Words in a score's name that say that less of it is better.
const HARMS: &[&str] = &[
    "attack",
    "blackmail",
    "classifier_verdict",
    "exfil",
    "harm",
    "jailbreak",
    "leak",
    "loss",
    "misalign",
    "murder",
    "toxic",
    "violat",
];

/// Decimals that a figure taken from a log keeps: harnesses write all seventeen of a float, nobody prints them.
const DECIMALS: u32 = 4;

/// A log as it will be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The log.
    pub log: usize,
    /// What it is to be called.
    pub name: String,
    /// Its arm, where the whole log is of one.
    pub arm: Option<String>,
    /// Its seed, likewise.
    pub seed: Option<u64>,
    /// By which columns or arguments it is read.
    pub map: Option<ColumnMap>,
    /// Whether the claim rests on it.
    pub is_input: bool,
    /// Whether it is of the subject.
    pub is_subject: bool,
}

/// A claim to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub id: String,
    /// The claim file.
    pub toml: String,
    /// What is left to a person, one sentence each.
    pub missing: Vec<String>,
    /// Every log of the evaluation, in order.
    pub logs: Vec<Placed>,
}

/// The shape of the grid that an arm was run on.
struct Shape {
    samples: u64,
    epochs: u64,
    conditions: u64,
    seeds: u64,
}

impl Shape {
    fn of(study: &Study, suite: &Suite, arm: &Arm) -> Self {
        let cells: Vec<&CellTally> = arm
            .seeds
            .iter()
            .flat_map(|seed| {
                seed.cells.keys().filter_map(|condition| Some((condition, seed.counted(study, condition)?.0)))
            })
            .filter_map(|(condition, id)| {
                let cells = &study.run(id).1.cells;
                cells.get(condition).or_else(|| cells.get(""))
            })
            .collect();
        let most = |of: fn(&CellTally) -> u64| cells.iter().map(|cell| of(cell)).max().unwrap_or(0);
        Self {
            samples: most(|cell| cell.samples),
            epochs: most(|cell| cell.epochs),
            conditions: suite.conditions.len() as u64,
            seeds: arm.seeds.len() as u64,
        }
    }

    fn steps(&self, by_seed: bool) -> Vec<&'static str> {
        let mut steps = match (self.samples, self.conditions) {
            (1, 2..) => vec!["mean(epochs)"],
            (1, _) => vec!["mean(rollouts)"],
            _ => vec!["mean(epochs)", "mean(samples)"],
        };
        steps.extend((self.conditions > 1).then_some("macro(conditions)"));
        steps.extend(by_seed.then_some("mean(seeds)"));
        steps
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    // JSON's escapes are all TOML's; only DEL may stand bare in JSON and not in TOML.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn figure(text: &str) -> String {
    let decimals = Printed::parse(text).map_or(0, |printed| printed.decimals());
    format!("{{ printed = {}, decimals = {decimals} }}", quoted(text))
}

/// A name for an entry: the log's path without its ending, which cannot be taken for a number or a digest.
fn name_of(path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let mut name: String = stem.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    if !name.contains(|c: char| c.is_alphabetic()) || name.contains(':') {
        name = format!("log {}", name.replace(':', "-"));
    }
    while name.len() > MAX_NAME {
        // The end of a path tells logs apart, not its beginning.
        name.remove(0);
    }
    name
}

impl Draft {
    /// The claim of a study, as far as it is chosen; `Err` with what must be chosen first.
    pub fn of(study: &Study, chosen: &Choice) -> Result<Self, Vec<String>> {
        let Some(suite) = chosen.suite(study) else {
            let tasks: Vec<String> =
                study.suites.iter().take(12).map(|suite| format!("--task {}", shell(&suite.task))).collect();
            return Err(vec![format!("which evaluation: {}", tasks.join(" | "))]);
        };
        let Some(subject) = chosen.subject(suite) else {
            let arms: Vec<String> =
                suite.arms.iter().take(12).map(|arm| format!("--subject {}", shell(&arm.name))).collect();
            return Err(vec![format!("which arm it is about: {}", arms.join(" | "))]);
        };
        let comparator = chosen.comparator(suite, subject);
        Ok(Writer { study, suite, subject, comparator, chosen, missing: Vec::new() }.write())
    }
}

/// What an entry takes as the label of an arm.
fn is_label(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// A word for a command line.
fn shell(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

struct Writer<'a> {
    study: &'a Study,
    suite: &'a Suite,
    subject: &'a Arm,
    comparator: Option<&'a Arm>,
    chosen: &'a Choice,
    missing: Vec<String>,
}

/// A value of the claim: its rate, error and number.
struct Figures {
    rate: String,
    error: Option<String>,
    n: u64,
    is_of_log: bool,
}

impl Writer<'_> {
    fn write(mut self) -> Draft {
        let metric = self.chosen.metric(self.suite);
        let shape = Shape::of(self.study, self.suite, self.subject);
        let by_seed = shape.seeds > 1 || self.comparator.is_some_and(|arm| arm.seeds.len() > 1);
        let logs = self.placed();
        let is_plain = !by_seed && shape.conditions <= 1;
        let mut subject = self.value(0, self.subject, metric.as_ref(), is_plain, shape.samples == 1);
        let mut comparator =
            self.comparator.map(|arm| self.value(1, arm, metric.as_ref(), is_plain, shape.samples == 1));
        // An error bar belongs to every value or to none.
        if subject.error.is_none() || comparator.as_ref().is_some_and(|value| value.error.is_none()) {
            subject.error = None;
            comparator.iter_mut().for_each(|value| value.error = None);
        }
        let is_of_log = subject.is_of_log || comparator.as_ref().is_some_and(|value| value.is_of_log);
        let id = self.chosen.id.clone().unwrap_or_else(|| id_of(&self.suite.task));
        let mut out = String::new();
        let mut line = |text: &str| writeln!(out, "{text}").expect("writing to a String cannot fail");
        line(
            "# A retrospective claim, adopted from logs after they were made: exploratory, and on the lab's word alone (L0).",
        );
        if is_of_log {
            line(
                "# The printed figures are the log's own, rounded to four places. Write what was printed, if that is another.",
            );
        }
        line(&format!("claim_id = {}", quoted(&id)));
        line(&format!("text = {}", quoted(&self.text(metric.as_ref(), &subject, comparator.as_ref()))));
        line(&format!("cell_family = {}", quoted(&self.suite.task)));
        line("plan = \"none\"  # nothing was registered before these runs");
        let inputs: Vec<String> = logs.iter().filter(|log| log.is_input).map(|log| quoted(&log.name)).collect();
        line(&format!("inputs = [{}]", inputs.join(", ")));
        let steps: Vec<String> = shape.steps(by_seed).into_iter().map(quoted).collect();
        line(&format!("aggregation = [{}]", steps.join(", ")));
        line("denominator = \"n_scored\"  # as the harness does; n_expected counts a missing sample as 0");
        let unit = match (by_seed, shape.samples) {
            (true, _) => "{ unit = \"seed\", stat = \"sem\", ddof = 1 }",
            (false, 1) => "{ unit = \"rollout\", stat = \"stderr\", ddof = 1 }",
            (false, _) => "{ unit = \"sample\", stat = \"stderr\", ddof = 1 }",
        };
        if subject.error.is_some() {
            line(&format!("error = {unit}"));
        } else {
            line(&format!("error = \"none\"  # or {unit}, with a printed error beside each rate"));
        }
        line("contrast = \"none\"\nassertion = \"none\"");
        line(if inputs.is_empty() { "withheld = [\"the sample records\"]" } else { "withheld = []" });
        line(&format!("judge = {}", self.judge()));
        if comparator.is_none() {
            line("comparator = \"none\"");
        }
        line("\n[subject]");
        let weights = self.chosen.weights.as_deref().map_or(String::new(), quoted);
        line(&arm_toml(self.subject, &weights));
        if let Some(arm) = self.comparator {
            line("\n[comparator]");
            line(&arm_toml(arm, ""));
        }
        line("\n[metric]");
        line(&self.metric_toml(metric.as_ref()));
        line("\n[eval]");
        line(&self.eval_toml(&shape));
        let seeds = self.comparator.map_or(shape.seeds, |arm| shape.seeds.min(arm.seeds.len() as u64));
        line(&format!("\n[seeds]  # planned: as many as were found\nplanned = {seeds}\nused = {seeds}"));
        line("\n[value]");
        line(&format!("subject = {}", subject.toml()));
        line(&format!("comparator = {}", comparator.as_ref().map_or_else(|| "\"none\"".to_owned(), Figures::toml)));
        let arms = 1 + u64::from(comparator.is_some());
        line(&format!(
            "\n[attempts_disclosed]  # as found; say it if there were more\ntrain = {}\neval = {}",
            seeds * arms,
            logs.len()
        ));
        Draft { id, toml: out, missing: self.missing, logs }
    }

    fn text(&self, metric: Option<&Metric>, subject: &Figures, comparator: Option<&Figures>) -> String {
        if let Some(text) = &self.chosen.text {
            return text.clone();
        }
        let score = metric.map_or_else(|| FILL_IN.to_owned(), ToString::to_string);
        let against = match (self.comparator, comparator) {
            (Some(arm), Some(value)) => format!(", of {} {}", arm.name, value.rate),
            _ => String::new(),
        };
        format!("{score} of {} is {}{against} (retrospective, exploratory)", self.subject.name, subject.rate)
    }

    /// Every log of the evaluation, and where each belongs.
    fn placed(&mut self) -> Vec<Placed> {
        let counted =
            |arm: &Arm| self.suite.logs_of(self.study, arm).into_iter().map(|(log, _)| log).collect::<BTreeSet<_>>();
        let of_subject = counted(self.subject);
        let of_comparator = self.comparator.map(counted).unwrap_or_default();
        let mut found: Vec<Placed> = Vec::new();
        let mut guessed = false;
        for arm in &self.suite.arms {
            for seed in &arm.seeds {
                for id in seed.cells.values().flatten() {
                    if found.iter().any(|placed| placed.log == id.log) {
                        continue;
                    }
                    let log = &self.study.logs[id.log];
                    guessed |= log.is_guess;
                    let is_whole = log.runs.len() == 1;
                    let arguments = (!self.suite.arguments.is_empty() && log.map.is_none())
                        .then(|| ColumnMap::parse(&format!("condition={}", self.suite.arguments.join("+"))).ok());
                    found.push(Placed {
                        log: id.log,
                        name: name_of(&log.name),
                        arm: is_whole.then(|| arm.name.clone()).filter(|name| is_label(name)),
                        seed: seed.number.filter(|_| is_whole).and_then(|seed| u64::try_from(seed).ok()),
                        map: log.map.clone().or_else(|| arguments.flatten()),
                        is_input: (of_subject.contains(&id.log) || of_comparator.contains(&id.log)) && !log.is_counts(),
                        is_subject: of_subject.contains(&id.log),
                    });
                }
            }
        }
        if guessed {
            self.missing.push("which column of a table is what: look at the guess, then give it with --map".to_owned());
        }
        found.sort_by_key(|placed| placed.log);
        found
    }

    /// A value by what a person printed, or else by what the arm's only log prints.
    fn value(&mut self, at: usize, arm: &Arm, metric: Option<&Metric>, is_plain: bool, is_one_sample: bool) -> Figures {
        let rate = metric.and_then(|metric| rate(self.study, arm, metric));
        let n = rate.as_ref().map_or(0, |rate| if is_plain && !is_one_sample { rate.samples } else { rate.rollouts });
        let own = |name: &[&str]| {
            let logs = self.suite.logs_of(self.study, arm);
            let ([(log, _)], Some(metric), true) = (&logs[..], metric, self.suite.conditions.len() <= 1) else {
                return None;
            };
            let key = if metric.key.is_empty() { &metric.scorer } else { &metric.key };
            let mut reported = self.study.logs[*log].facts.metrics.iter().filter(|reported| {
                reported.scorer == metric.scorer && reported.score == *key && name.contains(&reported.metric.as_str())
            });
            let value = parse_number(&reported.next()?.lexeme)?;
            Some(decimal_digits(&value, DECIMALS))
        };
        let printed = self.chosen.printed.get(at).cloned();
        let of_log = own(&["accuracy", "mean"]);
        let is_of_log = printed.is_none() && of_log.is_some();
        let error = match &printed {
            Some(_) => self.chosen.errors.get(at).cloned(),
            None => self.chosen.errors.get(at).cloned().or_else(|| {
                own(&["stderr"])
                    .filter(|error| parse_number(error).is_some_and(|error| error != num_traits::Zero::zero()))
            }),
        };
        let rate = printed.or(of_log).unwrap_or_else(|| {
            self.missing.push(format!("the printed rate of {}: --printed", arm.name));
            FILL_IN.to_owned()
        });
        Figures { rate, error, n, is_of_log }
    }

    fn judge(&self) -> String {
        let mut judges = judges_of(self.study, self.suite, self.subject);
        judges.extend(self.comparator.map(|arm| judges_of(self.study, self.suite, arm)).unwrap_or_default());
        if judges.is_empty() {
            return "\"none\"".to_owned();
        }
        let names: Vec<String> = judges.iter().map(|judge| quoted(judge)).collect();
        format!("{{ observed_models = [{}], prompt = \"none\" }}", names.join(", "))
    }

    fn metric_toml(&mut self, metric: Option<&Metric>) -> String {
        let Some(metric) = metric else {
            let there: Vec<String> = self.suite.metrics.iter().take(12).map(ToString::to_string).collect();
            self.missing.push(format!("which score is meant: --metric {}", there.join(" | ")));
            return format!("scorer = \"{FILL_IN}\"\nkey = \"{FILL_IN}\"\ndirection = \"lower\"\nparser = \"none\"");
        };
        let name = metric.to_string().to_ascii_lowercase();
        let direction = if HARMS.iter().any(|harm| name.contains(harm)) { "lower" } else { "higher" };
        let key = if metric.key.is_empty() { "none" } else { &metric.key };
        let scorer = if metric.scorer.is_empty() { "rate" } else { &metric.scorer };
        format!(
            "scorer = {}\nkey = {}\ndirection = \"{direction}\"  # is better, by the score's name\nparser = \"none\"",
            quoted(scorer),
            quoted(key)
        )
    }

    fn eval_toml(&self, shape: &Shape) -> String {
        let logs = self.suite.logs_of(self.study, self.subject);
        let about = logs.first().map(|(log, _)| &self.study.logs[*log].about);
        let text =
            |name: &str| about.and_then(|about| about.get(name)).map_or("\"none\"".to_owned(), |text| quoted(text));
        let tokens = about.and_then(|about| about.get("generate.max_tokens")?.parse::<u64>().ok());
        let prod = about.and_then(|about| about.get("task_args.prod")?.parse::<bool>().ok());
        format!(
            "suite = \"none\"\nconditions = {}\ncondition_ids = \"none\"\nsamples = {}\nrepeats = {}\ntemperature = {}\nprod = {}\nassistant_name = {}\nmax_tokens = {}",
            shape.conditions.max(1),
            shape.samples,
            shape.epochs.max(1),
            text("generate.temperature"),
            prod.map_or("\"none\"".to_owned(), |prod| prod.to_string()),
            text("task_args.assistant_name"),
            tokens.map_or("\"none\"".to_owned(), |tokens| tokens.to_string()),
        )
    }
}

fn arm_toml(arm: &Arm, weights: &str) -> String {
    format!("arm = {}\nkind = \"none\"\nbase = \"none\"\ncheckpoints = [{weights}]", quoted(&arm.name))
}

fn id_of(task: &str) -> String {
    let task = task.rsplit('/').next().unwrap_or(task);
    let plain: String =
        task.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(80).collect();
    format!("{}-retrospective", plain.trim_matches('-'))
}

impl Figures {
    fn toml(&self) -> String {
        let error = self.error.as_deref().map_or("\"none\"".to_owned(), figure);
        format!("{{ rate = {}, n = {}, error = {error} }}", figure(&self.rate), self.n)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_called_by_its_path_and_never_by_what_is_a_number_or_a_digest() {
        for (path, name) in [
            ("logs/popularity.eval", "logs/popularity"),
            ("2026.json", "log 2026"),
            ("blake3:00.json", "log blake3-00"),
            ("a\u{1b}b.eval", "a_b"),
            ("plain", "plain"),
        ] {
            assert_eq!(name_of(path), name);
        }
        let long = name_of(&format!("{}/end.eval", "é".repeat(300)));
        assert!(long.len() <= MAX_NAME && long.ends_with("/end"), "{long}");
    }

    #[test]
    fn any_text_stands_in_toml_as_it_is() {
        for text in ["plain", "a \"b\" \\ c", "line\nline\ttab", "\u{0}\u{1f}\u{7f}\u{85}é\u{202e}\u{10ffff}"] {
            let read: toml::Table = toml::from_str(&format!("a = {}", quoted(text))).unwrap();
            assert_eq!(read["a"].as_str(), Some(text));
        }
    }

    #[test]
    fn a_claim_is_called_by_its_task() {
        assert_eq!(id_of("inspect_evals/Agentic Misalignment"), "agentic-misalignment-retrospective");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell("lab/msm"), "lab/msm");
    }
}
