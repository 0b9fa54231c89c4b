//! `samples.distinct`: is each transcript one of its own, or does one stand in several places?

use std::collections::BTreeMap;

use num_traits::Zero;

use super::logs::{Log, entries, logs};
use crate::artifact::samples::parse_number;
use crate::check::arms::{each, escaped};
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &SamplesDistinct;
const ID: &str = "samples.distinct";

struct SamplesDistinct;

impl Check for SamplesDistinct {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is each answer one of its own, or were answers played again from a cache or another run?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let logs = match logs(case, ID) {
            Ok((_, logs)) => logs,
            Err(finding) => return *finding,
        };
        let replayed = replayed(&logs);
        if let Some((one, other)) = replayed.first() {
            let reason =
                format!("all long answers of {one} are those of {other}, word for word, at a temperature above 0");
            return Finding::new(ID, Outcome::Fail, reason).at(entries(&logs));
        }
        let finding = each(ID, entries(&logs), |entry| weigh(case, ID, entry, rests_on, judge));
        let shared = shared(&logs);
        if shared.is_empty() || !matches!(finding.outcome, Outcome::Pass | Outcome::Differs) {
            return shared.into_iter().fold(finding, Finding::note);
        }
        let reason = "some answers of one log stand in another, too".to_owned();
        shared.into_iter().fold(Finding { outcome: Outcome::Differs, reason, ..finding }, Finding::note)
    }
}

fn rests_on(_: &Reading, name: &str) -> bool {
    name.starts_with("completions")
}

/// Whether answers are drawn: at temperature 0 the same question has the same answer.
fn is_drawn(reading: &Reading) -> Option<bool> {
    Some(!parse_number(reading.facts.get("generate.temperature")?)?.is_zero())
}

fn judge(reading: &Reading) -> Told {
    let (all, repeated) = (count(reading, "completions.long"), count(reading, "completions.repeated"));
    match (all, repeated, is_drawn(reading)) {
        (0, ..) => Told::Silent("the log shows no answers that are long enough to be told apart".to_owned()),
        (_, 0, _) => Told::Fine(format!("each of {all} long answers is another one")),
        (_, _, Some(false)) => {
            Told::Fine(format!("{repeated} of {all} long answers stand there before, as they do at temperature 0"))
        }
        (_, _, Some(true)) => Told::Off(format!(
            "{repeated} of {all} long answers stand there before, word for word, at a temperature above 0"
        )),
        (_, _, None) => Told::Silent(format!(
            "{repeated} of {all} long answers stand there before, and the log does not say at which temperature"
        )),
    }
}

/// A log in words.
fn name(log: &Log<'_>) -> String {
    let arm = log.arm.map_or_else(String::new, |arm| format!(" ({})", escaped(arm)));
    format!("entry {}{arm}", log.entry)
}

/// Pairs of logs with the very same long answers, drawn.
fn replayed(logs: &[Log<'_>]) -> Vec<(String, String)> {
    let mut by_all: BTreeMap<&str, &Log<'_>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for log in logs {
        let Some(reading) = log.reading.filter(|reading| is_drawn(reading) == Some(true)) else { continue };
        let Some(all) = reading.facts.get("completions") else { continue };
        match by_all.get(all.as_str()) {
            Some(before) if before.entry != log.entry => pairs.push((name(log), name(before))),
            Some(_) => {}
            None => drop(by_all.insert(all, log)),
        }
    }
    pairs
}

/// Answers written down of each log that stand in another: a few of each are, so that there may be more.
fn shared(logs: &[Log<'_>]) -> Vec<String> {
    let mut by_answer: BTreeMap<&str, Vec<&Log<'_>>> = BTreeMap::new();
    for log in logs {
        let Some(reading) = log.reading.filter(|reading| is_drawn(reading) == Some(true)) else { continue };
        for (_, answer) in reading.facts.iter().filter(|(name, _)| name.starts_with("completion.")) {
            by_answer.entry(answer).or_default().push(log);
        }
    }
    let mut pairs: BTreeMap<(String, String), u64> = BTreeMap::new();
    for logs in by_answer.values().filter(|logs| logs.len() > 1) {
        for log in &logs[1..] {
            if log.entry != logs[0].entry || log.seed != logs[0].seed {
                *pairs.entry((name(logs[0]), name(log))).or_default() += 1;
            }
        }
    }
    let shown = pairs.into_iter().take(10);
    shown
        .map(|((one, other), count)| format!("{one} and {other} share {count} of the answers that are written down"))
        .collect()
}
