//! The logs held against each other: what should be the same in two arms, and what should not.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::Zero;

use super::arms::{Arm, RunId, Study, Suite};
use super::choice::Choice;
use super::defect::{Defect, Weight};
use super::rates::{rate, swing};
use crate::digest::FileDigest;
use crate::stats::decimal::decimal_digits;

/// Rollouts that must score otherwise than the commonest before two equal runs are surely one. Independent runs of rate p
/// agree in all of n rollouts with the chance (p^2 + (1-p)^2)^n: where np is ten or more, less than one in a million.
const SPREAD_OF_ONE_RUN: u64 = 10;

/// Settings that change no answer.
const IDLE: &[&str] = &[
    "generate.attempt_timeout",
    "generate.batch",
    "generate.cache",
    "generate.max_connections",
    "generate.max_retries",
    "generate.timeout",
];

/// Settings outside of `generate` and the task's arguments that change what is asked, answered or counted.
const SETTINGS: &[&str] = &[
    "chat_template_sha",
    "config.epochs",
    "config.epochs_reducer",
    "config.gen_kwargs",
    "config.limit",
    "config.message_limit",
    "config.num_fewshot",
    "config.time_limit",
    "config.token_limit",
    "config.working_limit",
    "git_hash",
    "revision.commit",
    "system_instruction_sha",
    "task_version",
];

/// What a log says that does not say.
const NOT_SAID: &str = "not said";

pub(super) fn defects(study: &Study, chosen: &Choice) -> Vec<Defect> {
    let mut found = Vec::new();
    for suite in study.suites.iter().filter(|suite| chosen.task.as_ref().is_none_or(|task| *task == suite.task)) {
        found.extend(attempts(study, suite));
        found.extend(same_runs(study, suite));
        found.extend(grids(suite));
        found.extend(other_items(study, suite));
        found.extend(settings(study, suite));
        found.extend(judges(study, suite));
        found.extend(scores(study, suite, chosen));
        found.extend(seeds(study, suite));
        found.extend(equal_seeds(study, suite));
    }
    merged(found)
}

/// One defect of each code, whatever the number of suites.
fn merged(found: Vec<Defect>) -> Vec<Defect> {
    let mut by_code: BTreeMap<&'static str, Defect> = BTreeMap::new();
    for mut defect in found {
        match by_code.get_mut(defect.code) {
            Some(known) => {
                known.weight = known.weight.min(defect.weight);
                for example in defect.examples.drain(..) {
                    known.add(1, &example.log, example.text);
                }
            }
            None => drop(by_code.insert(defect.code, defect)),
        }
    }
    by_code.into_values().collect()
}

/// How a run is pointed to: arm, seed, condition.
fn place(arm: &str, seed: Option<i64>, condition: &str) -> String {
    let seed = seed.map_or(String::new(), |seed| format!(" seed {seed}"));
    let condition = if condition.is_empty() { String::new() } else { format!(" ({condition})") };
    format!("{arm}{seed}{condition}")
}

/// Several runs of one cell: a claim must count them all.
fn attempts(study: &Study, suite: &Suite) -> Option<Defect> {
    let mut defect = Defect::new(
        "attempts",
        Weight::LeavesOpen,
        "one cell was run several times: who cites the best of them claims too much",
        "say why the others were left out; the first that ended well is the one taken here",
    );
    for (arm, seed) in suite.arms.iter().flat_map(|arm| arm.seeds.iter().map(move |seed| (arm, seed))) {
        for (condition, runs) in seed.cells.iter().filter(|(_, runs)| runs.len() > 1) {
            let taken = seed.counted(study, condition).map_or(String::new(), |(id, _)| study.logs[id.log].name.clone());
            let text = format!("{} runs of {}, taken: {taken}", runs.len(), place(&arm.name, seed.number, condition));
            defect.add(runs.len() as u64 - 1, "", text);
        }
    }
    (defect.count > 0).then_some(defect)
}

/// Runs under two names that are one: the same samples, or the same scores where they vary too much to agree by chance.
fn same_runs(study: &Study, suite: &Suite) -> Vec<Defect> {
    let mut by_digest: BTreeMap<(bool, FileDigest), BTreeSet<(String, RunId)>> = BTreeMap::new();
    for (arm, seed) in suite.arms.iter().flat_map(|arm| arm.seeds.iter().map(move |seed| (arm, seed))) {
        for (condition, runs) in &seed.cells {
            for id in runs {
                let (log, run) = study.run(*id);
                if log.is_counts() || run.cells.len() > 1 && condition != run.cells.keys().next().unwrap_or(condition) {
                    continue;
                }
                let name = place(&arm.name, seed.number, if run.cells.len() > 1 { "" } else { condition });
                by_digest.entry((true, run.transcripts)).or_default().insert((name.clone(), *id));
                if run.spread >= SPREAD_OF_ONE_RUN {
                    by_digest.entry((false, run.scores)).or_default().insert((name, *id));
                }
            }
        }
    }
    let mut same = Defect::new(
        "same-run",
        Weight::Contradicts,
        "identical seeds or arms: what counts as two runs is the same in every score, so it is one",
        "count it once, and find the other run",
    );
    let mut copies = Defect::new(
        "copied-log",
        Weight::ToKnow,
        "the same samples lie in two files",
        "keep one of them, or it counts as another attempt",
    );
    let mut told: BTreeSet<Vec<RunId>> = BTreeSet::new();
    for ((is_copy, _), runs) in by_digest.iter().rev().filter(|(_, runs)| runs.len() > 1) {
        let ids: Vec<RunId> = runs.iter().map(|(_, id)| *id).collect();
        let one_log = ids.iter().all(|id| id.log == ids[0].log);
        if one_log || !told.insert(ids) {
            continue;
        }
        let names: BTreeSet<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
        let files: Vec<&str> = runs.iter().map(|(_, id)| study.logs[id.log].name.as_str()).take(4).collect();
        let what = if *is_copy { "the same samples" } else { "the same scores everywhere" };
        let names: Vec<&str> = names.into_iter().collect();
        let text = format!("{}: {what} ({})", names.join(" = "), files.join(", "));
        let defect = if names.len() > 1 { &mut same } else { &mut copies };
        defect.add(1, "", text);
    }
    [same, copies].into_iter().filter(|defect| defect.count > 0).collect()
}

/// Conditions or seeds that one arm has and another has not.
fn grids(suite: &Suite) -> Vec<Defect> {
    let mut cells = Defect::new(
        "grid-incomplete",
        Weight::LeavesOpen,
        "not every condition was run in every arm and seed",
        "run what is missing: a mean over other conditions is another number",
    );
    let mut numbers = Defect::new(
        "seeds-differ",
        Weight::LeavesOpen,
        "the arms have different numbers of seeds",
        "say which seeds were planned, and what became of the others",
    );
    let most = suite.arms.iter().map(|arm| arm.seeds.len()).max().unwrap_or(0);
    for arm in &suite.arms {
        if arm.seeds.len() < most {
            numbers.add(1, "", format!("{} has {} of {most}", arm.name, arm.seeds.len()));
        }
        for seed in &arm.seeds {
            let lacks: Vec<&String> = suite.conditions.iter().filter(|one| !seed.cells.contains_key(*one)).collect();
            if let Some(first) = lacks.first() {
                let (place, all) = (place(&arm.name, seed.number, ""), suite.conditions.len());
                cells.add(
                    lacks.len() as u64,
                    "",
                    format!("{place} lacks {} of {all} conditions: {first}", lacks.len()),
                );
            }
        }
    }
    [cells, numbers].into_iter().filter(|defect| defect.count > 0).collect()
}

/// Arms that were asked different items.
fn other_items(study: &Study, suite: &Suite) -> Option<Defect> {
    let mut defect = Defect::new(
        "other-items",
        Weight::LeavesOpen,
        "arms were asked different samples: their rates are not of one thing",
        "compare on the samples that both have, or run the rest",
    );
    for condition in &suite.conditions {
        let mut items: BTreeMap<FileDigest, Vec<(&str, u64)>> = BTreeMap::new();
        for (arm, seed) in suite.arms.iter().flat_map(|arm| arm.seeds.iter().map(move |seed| (arm, seed))) {
            let Some((id, _)) = seed.counted(study, condition) else { continue };
            let (log, run) = study.run(id);
            if !log.is_counts() {
                let rows = run.cells.values().map(|cell| cell.rows).sum();
                items.entry(run.items).or_default().push((&arm.name, rows));
            }
        }
        if items.len() > 1 {
            let sides: Vec<String> =
                items.values().map(|runs| format!("{} ({} rollouts)", runs[0].0, runs[0].1)).take(3).collect();
            defect.add(
                1,
                "",
                format!(
                    "{}{}",
                    if condition.is_empty() { String::new() } else { format!("{condition}: ") },
                    sides.join(" against ")
                ),
            );
        }
    }
    (defect.count > 0).then_some(defect)
}

/// What a setting is inside each arm.
type ByArm<'s> = BTreeMap<&'s str, BTreeSet<&'s str>>;

fn settings(study: &Study, suite: &Suite) -> Vec<Defect> {
    let mut values: BTreeMap<&str, ByArm<'_>> = BTreeMap::new();
    let is_setting = |name: &str| {
        let is_its = ["generate.", "task_args.", "packages."].iter().any(|prefix| name.starts_with(prefix));
        let own = name
            .strip_prefix("task_args.")
            .is_some_and(|own| suite.arguments.iter().any(|one| one == own) || own == "seed");
        (is_its || SETTINGS.contains(&name)) && !own && !IDLE.contains(&name)
    };
    let logs: Vec<(&str, usize)> = suite
        .arms
        .iter()
        .flat_map(|arm| suite.logs_of(study, arm).into_iter().map(|(log, _)| (arm.name.as_str(), log)))
        .collect();
    let names: BTreeSet<&str> = logs
        .iter()
        .flat_map(|(_, log)| study.logs[*log].about.keys().map(String::as_str))
        .filter(|name| is_setting(name))
        .collect();
    for (arm, log) in &logs {
        for name in &names {
            let text = study.logs[*log].about.get(*name).map_or(NOT_SAID, String::as_str);
            values.entry(name).or_default().entry(arm).or_default().insert(text);
        }
    }
    let mut answers = Defect::new(
        "settings-differ",
        Weight::Contradicts,
        "the logs were made with different settings: the difference of the arms is also theirs",
        "run both alike, or claim the setting as part of the difference",
    );
    let mut unsaid = Defect::new(
        "settings-unsaid",
        Weight::ToKnow,
        "some logs say a setting and others do not: whether it differs is not known",
        "find out what the others were run with",
    );
    let mut code = Defect::new(
        "code-differs",
        Weight::ToKnow,
        "the logs were made with different code",
        "say whether it matters for what is scored",
    );
    for (name, arms) in values {
        let all: BTreeSet<&str> = arms.values().flatten().copied().collect();
        if all.len() < 2 {
            continue;
        }
        let sides: Vec<String> = arms
            .iter()
            .take(3)
            .map(|(arm, values)| {
                format!("{} in {arm}", values.iter().take(3).copied().collect::<Vec<_>>().join(" and "))
            })
            .collect();
        let text = format!("{name}: {}", sides.join(", "));
        let is_code = name.starts_with("packages.") || matches!(name, "revision.commit" | "git_hash" | "task_version");
        // Older harnesses leave out what newer ones say: that is no difference yet.
        let is_said = all.iter().filter(|value| **value != NOT_SAID).count() > 1;
        let defect = match (is_code, is_said) {
            (true, _) => &mut code,
            (false, true) => &mut answers,
            (false, false) => &mut unsaid,
        };
        defect.add(1, "", text);
    }
    [answers, unsaid, code].into_iter().filter(|defect| defect.count > 0).collect()
}

/// The judges of an arm's logs: models beside the evaluated one, as they were seen to answer.
pub(super) fn judges_of(study: &Study, suite: &Suite, arm: &Arm) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (log, _) in suite.logs_of(study, arm) {
        let facts = &study.logs[log].facts;
        let judges =
            facts.observed.iter().filter(|model| Some(&model.model) != facts.model.as_ref() || !model.role.is_empty());
        found.extend(judges.map(|judge| judge.model.clone()));
    }
    found
}

fn judges(study: &Study, suite: &Suite) -> Vec<Defect> {
    let by_arm: Vec<(&str, BTreeSet<String>)> =
        suite.arms.iter().map(|arm| (arm.name.as_str(), judges_of(study, suite, arm))).collect();
    let mut differ = Defect::new(
        "judges-differ",
        Weight::Contradicts,
        "the arms were judged by different models",
        "judge both arms again with one model",
    );
    let mut mixed = Defect::new(
        "judge-mixed",
        Weight::LeavesOpen,
        "several models judged one arm",
        "say which judged what, or judge again with one",
    );
    let said = |judges: &BTreeSet<String>| match judges.len() {
        0 => "no judge".to_owned(),
        _ => judges.iter().cloned().collect::<Vec<_>>().join(" and "),
    };
    for (arm, judges) in by_arm.iter().filter(|(_, judges)| judges.len() > 1) {
        mixed.add(1, "", format!("{arm}: {}", said(judges)));
    }
    let all: BTreeSet<&BTreeSet<String>> = by_arm.iter().map(|(_, judges)| judges).collect();
    if all.len() > 1 {
        let sides: Vec<String> =
            by_arm.iter().take(3).map(|(arm, judges)| format!("{arm} by {}", said(judges))).collect();
        differ.add(1, "", sides.join(", "));
    }
    [differ, mixed].into_iter().filter(|defect| defect.count > 0).collect()
}

/// Several scores that give several numbers: which one is meant must be said.
fn scores(study: &Study, suite: &Suite, chosen: &Choice) -> Option<Defect> {
    if suite.metrics.len() < 2 {
        return None;
    }
    let weight = if chosen.metric.is_some() { Weight::ToKnow } else { Weight::LeavesOpen };
    let what = "the number depends on the score that is meant, and the log has several";
    let mut defect = Defect::new("metric-key", weight, what, "name the score: --metric SCORER.KEY");
    let percent = |value: &BigRational| decimal_digits(value, 4);
    if let Some((subject, comparator)) = chosen.pair(suite) {
        let effects = suite.effects(study, subject, comparator);
        if let Some((low, high, apart)) = swing(&effects) {
            let text = format!(
                "{} against {}: {} under `{}`, {} under `{}`: {} apart",
                subject.name,
                comparator.name,
                percent(&low.difference),
                low.metric,
                percent(&high.difference),
                high.metric,
                percent(&apart)
            );
            defect.add(1, "", text);
        }
    }
    for arm in &suite.arms {
        let rates: Vec<_> =
            suite.metrics.iter().filter_map(|metric| Some((metric, rate(study, arm, metric)?.value))).collect();
        let low = rates.iter().min_by(|a, b| a.1.cmp(&b.1));
        let high = rates.iter().max_by(|a, b| a.1.cmp(&b.1));
        if let Some((low, high)) = low.zip(high).filter(|(low, high)| low.1 != high.1) {
            let text =
                format!("{}: {} under `{}`, {} under `{}`", arm.name, percent(&low.1), low.0, percent(&high.1), high.0);
            defect.add(1, "", text);
        }
    }
    let headlines: BTreeSet<&str> = suite
        .arms
        .iter()
        .flat_map(|arm| suite.logs_of(study, arm))
        .filter_map(|(log, _)| study.logs[log].about.get("headline.score").map(String::as_str))
        .collect();
    if defect.count > 0 {
        for headline in headlines {
            defect.add(
                1,
                "",
                format!("the log itself puts `{headline}` first, which need not be the one that was printed"),
            );
        }
    }
    (defect.count > 0).then_some(defect)
}

/// Seeds that all give one rate although their rollouts vary: an error bar over them is 0, which is no error bar.
fn equal_seeds(study: &Study, suite: &Suite) -> Option<Defect> {
    let mut defect = Defect::new(
        "seeds-equal",
        Weight::LeavesOpen,
        "all seeds of an arm give the same rate: an error bar over them is 0, and estimates nothing",
        "look whether they are one run; if not, claim the error over rollouts",
    );
    for (arm, metric) in suite.arms.iter().flat_map(|arm| suite.metrics.iter().map(move |metric| (arm, metric))) {
        let Some(rate) = rate(study, arm, metric) else { continue };
        let is_zero = |square: &Option<BigRational>| square.as_ref().map(Zero::is_zero);
        if is_zero(&rate.seed_error) == Some(true) && is_zero(&rate.rollout_error) == Some(false) {
            let (value, seeds) = (decimal_digits(&rate.value, 4), rate.seeds.len());
            defect.add(1, "", format!("{}: all {seeds} seeds give {value} under `{metric}`", arm.name));
        }
    }
    (defect.count > 0).then_some(defect)
}

/// One seed: what another training run would give is not known.
fn seeds(study: &Study, suite: &Suite) -> Option<Defect> {
    let mut defect = Defect::new(
        "one-seed",
        Weight::ToKnow,
        "one training run: what another would give is not known, whatever the number of rollouts",
        "claim about these weights, not about the method",
    );
    let with_runs = |arm: &&Arm| !suite.logs_of(study, arm).is_empty() && arm.seeds.len() == 1;
    for arm in suite.arms.iter().filter(with_runs) {
        defect.add(1, "", arm.name.clone());
    }
    (defect.count > 0).then_some(defect)
}
