//! `log.integrity`: does the evaluation log agree with itself?

use crate::artifact::samples::{LogFacts, Severity};
use crate::check::{Case, Check, Finding, InputProblem, Outcome};

pub(super) const ENTRY: &dyn Check = &LogIntegrity;
const ID: &str = "log.integrity";

struct LogIntegrity;

impl Check for LogIntegrity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the log's header, summaries, samples and archive agree with each other, and did the run end in success?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let mut notes = Vec::new();
        let mut incomplete = Vec::new();
        let mut withheld = false;
        for input in &case.inputs {
            match &input.content {
                Ok((facts, _)) => {
                    let contradictions = texts(facts, Severity::Contradiction);
                    if !contradictions.is_empty() {
                        let finding = Finding::new(ID, Outcome::Fail, "the log contradicts itself").at(input.entry);
                        return contradictions.into_iter().fold(finding, Finding::note);
                    }
                    incomplete.extend(texts(facts, Severity::Incomplete));
                    notes.extend(texts(facts, Severity::Note));
                }
                Err(InputProblem::NotShown) => {
                    withheld = true;
                    incomplete.push(format!("the sample records of {} are not shown", input.digest));
                }
                Err(InputProblem::NotLinked) => incomplete.push(format!("{} is not linked to an entry", input.digest)),
                Err(InputProblem::Unreadable(why)) => incomplete.push(why.clone()),
            }
        }
        let finding = if case.inputs.is_empty() {
            withheld = case.claim.is_none();
            Finding::new(ID, Outcome::Unknown, "there is no log to look at")
        } else if incomplete.is_empty() {
            Finding::new(
                ID,
                Outcome::Pass,
                "header, summaries, samples and archive agree, as read when the log was recorded",
            )
            .note("read by the recorder; with --artifacts the log itself is read again")
        } else {
            let finding = Finding::new(ID, Outcome::Unknown, "the log is not complete");
            incomplete.into_iter().fold(finding, Finding::note)
        };
        let finding = notes.into_iter().fold(finding, Finding::note).at(case.input_entries());
        if withheld { finding.withheld() } else { finding }
    }
}

fn texts(facts: &LogFacts, severity: Severity) -> Vec<String> {
    let of = facts.anomalies.listed().iter().filter(|anomaly| anomaly.severity() == severity);
    let mut texts: Vec<String> =
        of.take(10).map(|anomaly| format!("{}: {}", anomaly.code.name(), anomaly.text)).collect();
    let total = facts.anomalies.of_severity(severity);
    if total > 10 {
        texts.push(format!("{total} of this kind in all"));
    }
    texts
}
