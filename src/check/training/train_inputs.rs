//! `train.inputs`: does every training step say what it was trained on, and did its run read just that?

use crate::check::training::arms_baseline::not_applicable;
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Flaw;
use crate::merkle::EntryIndex;

pub(in crate::check) const ENTRY: &dyn Check = &TrainInputs;
const ID: &str = "train.inputs";

struct TrainInputs;

impl Check for TrainInputs {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does every training step name the data it was trained on, and did the run that wrote the weights read them?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if let Some(reason) = not_applicable(claim, ID) {
            return Finding::new(ID, Outcome::NotApplicable, reason);
        }
        let (mut steps, mut without_run) = (0, Vec::new());
        let (mut open, mut against): (Vec<Flaw>, Vec<Flaw>) = (Vec::new(), Vec::new());
        for (_, _, arm) in case.arms() {
            let arm = match arm {
                Ok(arm) => arm,
                Err(why) => return Finding::new(ID, Outcome::Unknown, why),
            };
            for flaw in arm.flaws() {
                if flaw.contradicts() { &mut against } else { &mut open }.push(flaw.clone());
            }
            for step in arm.chains().iter().flat_map(|chain| &chain.steps) {
                steps += 1;
                if step.runs.is_empty() {
                    without_run.push(step.weights);
                }
            }
        }
        if let Some(flaw) = against.first() {
            return Finding::new(ID, Outcome::Fail, flaw.to_string()).at(flaw.entries());
        }
        if let Some(flaw) = open.first() {
            return Finding::new(ID, Outcome::Unknown, flaw.to_string()).at(flaw.entries());
        }
        if steps == 0 {
            return Finding::new(ID, Outcome::Unknown, "no training step is on record");
        }
        without_run.sort_unstable();
        without_run.dedup();
        if without_run.is_empty() {
            return Finding::new(
                ID,
                Outcome::Pass,
                format!("all {steps} training steps name their data, and their runs read them"),
            );
        }
        let named: Vec<_> = without_run.iter().take(20).map(EntryIndex::to_string).collect();
        Finding::new(
            ID,
            Outcome::Unknown,
            format!(
                "all {steps} training steps name their data, but {} weights were recorded without the run that wrote them: entries {}",
                without_run.len(),
                named.join(", ")
            ),
        )
        .at(without_run)
        .next("ask the lab for runs that were recorded as they ran (reproledger run)")
    }
}
