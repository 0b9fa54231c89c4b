//! `eval.params`: were both arms sampled alike, and as the claim says?

use super::logs::{Log, are_comparable, differences, entries, logs};
use crate::artifact::samples::parse_number;
use crate::check::arms::{each, escaped};
use crate::check::understood::{Told, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::statement::{Evaluation, Reading};

pub(in crate::check) const ENTRY: &dyn Check = &EvalParams;
const ID: &str = "eval.params";

/// Settings that no two runs need to share.
const OWN: &[&str] = &["generate.seed", "generate.max_connections", "generate.timeout", "generate.max_retries"];

/// Limits of a run that change what is answered.
const LIMITS: &[&str] = &["config.message_limit", "config.token_limit", "config.time_limit", "config.working_limit"];

/// Arguments by which a task is told the assistant's name.
const NAMES: &[&str] = &["task_args.assistant_name", "task_args.model_name"];

struct EvalParams;

impl Check for EvalParams {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Were the arms sampled alike (temperature, limits, arguments of the task), and as the claim says?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let logs = match logs(case, ID) {
            Ok((_, logs)) => logs,
            Err(finding) => return *finding,
        };
        let is_sampling =
            |name: &str| (name.starts_with("generate.") && !OWN.contains(&name)) || LIMITS.contains(&name);
        let sampled = differences(&logs, is_sampling);
        if !sampled.is_empty() && are_comparable(&logs) {
            let finding = Finding::new(ID, Outcome::Fail, "the arms were sampled differently").at(entries(&logs));
            return sampled.into_iter().fold(finding, Finding::note);
        }
        let of_entry = |entry| logs.iter().find(|log: &&Log<'_>| log.entry == entry).map(|log| log.eval);
        let finding = each(ID, entries(&logs), |entry| {
            weigh(
                case,
                ID,
                entry,
                |_, _| false,
                |reading| match of_entry(entry) {
                    Some(eval) => as_claimed(eval, reading),
                    None => Told::Silent("it is no log of the claim".to_owned()),
                },
            )
        });
        let others = differences(&logs, |name| name.starts_with("task_args.") || name.starts_with("packages."));
        if others.is_empty() || !are_comparable(&logs) || finding.outcome != Outcome::Pass {
            return others.into_iter().fold(finding, Finding::note);
        }
        let reason = "the arms were run with different arguments or packages";
        let finding = Finding { outcome: Outcome::Differs, reason: reason.to_owned(), ..finding };
        others.into_iter().fold(finding, Finding::note)
    }
}

/// A log's settings beside the claim's.
fn as_claimed(eval: &Evaluation, reading: &Reading) -> Told {
    let fact = |name: &str| reading.facts.get(name).map(String::as_str);
    let name = NAMES.iter().find_map(|name| fact(name));
    let claimed = [
        ("temperature", eval.temperature.value().cloned(), fact("generate.temperature")),
        ("max_tokens", eval.max_tokens.value().map(ToString::to_string), fact("generate.max_tokens")),
        ("prod", eval.prod.value().map(ToString::to_string), fact("task_args.prod")),
        ("assistant's name", eval.assistant_name.value().cloned(), name),
    ];
    let (mut agree, mut silent) = (Vec::new(), Vec::new());
    for (what, claimed, found) in claimed {
        let Some(claimed) = claimed else { continue };
        match found {
            None => silent.push(what),
            Some(found) if is_same(&claimed, found) => agree.push(format!("{what} {}", escaped(found))),
            Some(found) => {
                let (claimed, found) = (escaped(&claimed), escaped(found));
                return Told::Against(format!("the log says {what} {found}, the claim {claimed}"));
            }
        }
    }
    match (agree.is_empty(), silent.is_empty()) {
        (_, false) => Told::Silent(format!("the log does not say {}", silent.join(", "))),
        (true, true) => Told::Fine("the claim states nothing of how it was sampled".to_owned()),
        (false, true) => Told::Fine(format!("as the claim says: {}", agree.join(", "))),
    }
}

/// Equal as numbers, or else as texts.
fn is_same(claimed: &str, found: &str) -> bool {
    match (parse_number(claimed), parse_number(found)) {
        (Some(claimed), Some(found)) => claimed == found,
        _ => claimed.eq_ignore_ascii_case(found),
    }
}
