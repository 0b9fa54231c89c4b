//! Stories of the whole program, told by the real binary on real data: what a lab does, and what a reader then sees.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::format_collect, reason = "tests; what was not run is said")]

mod adopt;
mod again;
mod anchored;
mod artifacts;
mod attest;
mod bad_input;
mod claims;
mod compare;
mod comparison;
mod contamination;
mod corpus;
mod datasets;
mod evaluation;
mod hostile;
mod items;
mod judgement;
mod large;
mod likelihood;
mod lineage;
mod logs;
mod msm_mini;
mod output;
mod paper;
mod paper_scale;
mod pictures;
mod rebuild;
mod runs;
mod salted;
mod sample;
mod segments;
mod specs;
mod stages;
mod story;
mod tables;
mod takeback;
mod weights;

use std::path::PathBuf;

use crate::support::{Sandbox, only_file, testdata};

/// What differs between the claims of these stories.
#[derive(Clone)]
struct Words<'a> {
    id: &'a str,
    text: &'a str,
    log: &'a str,
    scorer: &'a str,
    key: &'a str,
    grid: (u64, u64),
    aggregation: &'a str,
    rate: &'a str,
    n: u64,
    error: Option<(&'a str, &'a str)>,
}

impl Words<'_> {
    /// Accuracy on the popularity log, as its authors print it.
    fn popularity() -> Self {
        Self {
            id: "popularity-accuracy",
            text: "the treated arm agrees with the popular answer 63 % of the time",
            log: "popularity",
            scorer: "match",
            key: "none",
            grid: (100, 1),
            aggregation: r#"["mean(epochs)", "mean(samples)"]"#,
            rate: "0.63",
            n: 100,
            error: Some(("sample", ".04852")),
        }
    }

    fn to_toml(&self) -> String {
        let decimals =
            |text: &str| text.trim_end_matches('%').split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let figure = |text: &str| format!("{{ printed = \"{text}\", decimals = {} }}", decimals(text));
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let (rule, error) = match self.error {
            None => ("error = \"none\"".to_owned(), "\"none\"".to_owned()),
            Some((unit, printed)) => {
                (format!("error = {{ unit = \"{unit}\", stat = \"stderr\", ddof = 1 }}"), figure(printed))
            }
        };
        format!(
            r#"claim_id = {id}
text = {text}
cell_family = "test"
comparator = "none"
judge = "none"
contrast = "none"
assertion = "none"
aggregation = {aggregation}
denominator = "n_scored"
{rule}
plan = "none"
inputs = ["{log}"]
withheld = []
subject = {{ arm = "msm", kind = "none", base = "none", checkpoints = [] }}
metric = {{ scorer = "{scorer}", key = "{key}", direction = "higher", parser = "none" }}
seeds = {{ planned = 1, used = 1 }}
attempts_disclosed = {{ train = 1, eval = 1 }}

[eval]
suite = "none"
conditions = 1
condition_ids = "none"
samples = {samples}
repeats = {repeats}
temperature = "none"
prod = "none"
assistant_name = "none"
max_tokens = "none"

[value]
comparator = "none"
subject = {{ rate = {rate}, n = {n}, error = {error} }}
"#,
            id = quoted(self.id),
            text = quoted(self.text),
            aggregation = self.aggregation,
            log = self.log,
            scorer = self.scorer,
            key = self.key,
            samples = self.grid.0,
            repeats = self.grid.1,
            rate = figure(self.rate),
            n = self.n,
        )
    }
}

/// The real popularity log of the test data.
fn popularity_log() -> PathBuf {
    only_file(&testdata().join("logs/inspect/inspect_scout"), "popularity")
}

/// A lab that has recorded the popularity log and stated a claim about it.
fn claimed(words: &Words<'_>) -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    sandbox.write("lab/logs/popularity.eval", std::fs::read(popularity_log()).unwrap());
    let _ = sandbox.lab(&["record", "eval-log", "logs/popularity.eval", "--name", "popularity"]).success();
    claim(&sandbox, words);
    sandbox
}

/// States a claim.
fn claim(sandbox: &Sandbox, words: &Words<'_>) {
    sandbox.write("lab/claim.toml", words.to_toml());
    let _ = sandbox.lab(&["claim", "add", "claim.toml"]).success();
}
