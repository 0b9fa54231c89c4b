//! `samples.derived`: do the sample records come from the log they are said to come from?

use crate::check::{Case, Check, Finding, Outcome, Rederived};

pub(in crate::check) const ENTRY: &dyn Check = &SamplesDerived;
const ID: &str = "samples.derived";

struct SamplesDerived;

impl Check for SamplesDerived {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Read again from the log itself, are the sample records the ones shown here?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let unknown = |reason: &str| {
            Finding::new(ID, Outcome::Unknown, reason)
                .at(case.input_entries())
                .next("pass the folder that holds the log with --artifacts")
        };
        let Some(observed) = case.observed else {
            return unknown("the log was not at hand: that these records are the log's is the lab's word");
        };
        let mut count = 0;
        for input in &case.inputs {
            let Some(entry) = input.entry else { return unknown("an input is not linked to an entry") };
            match observed.derived.get(&(entry, input.digest)) {
                None => return unknown("the log was not found among the artifacts"),
                Some(Rederived::Against { reason }) => {
                    let reason = format!("the log is the recorded one, and says otherwise: {reason}");
                    return Finding::new(ID, Outcome::Fail, reason).at([entry]);
                }
                Some(Rederived::Unclear { reason }) => return unknown(reason),
                Some(Rederived::Found { root, count: found }) => {
                    let found_digest = crate::digest::Digest::from(*root);
                    if found_digest != input.digest {
                        return Finding::new(
                            ID,
                            Outcome::Fail,
                            "the log gives other sample records than the ones recorded",
                        )
                        .sides(input.digest.to_string(), found_digest.to_string())
                        .at([entry]);
                    }
                    count += found;
                }
            }
        }
        if case.inputs.is_empty() {
            return unknown("the claim names no input");
        }
        Finding::new(ID, Outcome::Pass, format!("read again from the log, all {count} records are the ones recorded"))
            .at(case.input_entries())
    }
}
