//! `eval.prompts`: was every arm asked the same?

use super::logs::{are_comparable, differences, entries, logs};
use crate::check::arms::each;
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &EvalPrompts;
const ID: &str = "eval.prompts";

struct EvalPrompts;

impl Check for EvalPrompts {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Was each condition asked in the same words in every repetition and in every arm?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let logs = match logs(case, ID) {
            Ok((_, logs)) => logs,
            Err(finding) => return *finding,
        };
        let named = differences(&logs, |name| name.starts_with("prompt."));
        let all = differences(&logs, |name| name == "prompts");
        // A condition that one arm lacks is for `samples.complete` to tell.
        let asked: Vec<String> = named.into_iter().filter(|difference| !difference.contains("does not say")).collect();
        if !asked.is_empty() && are_comparable(&logs) {
            let reason = "the arms were asked in different words";
            let finding = Finding::new(ID, Outcome::Fail, reason).at(entries(&logs));
            return asked.into_iter().fold(finding, Finding::note);
        }
        let finding = each(ID, entries(&logs), |entry| weigh(case, ID, entry, rests_on, judge));
        if all.is_empty() || !are_comparable(&logs) || finding.outcome != Outcome::Pass {
            return finding;
        }
        let reason = "the prompts of the arms are not all the same ones".to_owned();
        all.into_iter().fold(Finding { outcome: Outcome::Differs, reason, ..finding }, Finding::note)
    }
}

fn rests_on(_: &Reading, name: &str) -> bool {
    name.starts_with("prompts")
}

fn judge(reading: &Reading) -> Told {
    match (count(reading, "prompts"), count(reading, "prompts.several")) {
        (0, _) => Told::Silent("the log does not show what was asked".to_owned()),
        (all, 0) => Told::Fine(format!("each of {all} samples was asked in one wording, whatever the repetition")),
        (all, several) => Told::Off(format!("{several} of {all} samples were asked in several wordings")),
    }
}
