//! `scores.rederive`: does each verdict follow from what the judge wrote?

use crate::check::number::name;
use crate::check::{Case, Check, Finding, Outcome};

pub(in crate::check) const ENTRY: &dyn Check = &ScoresRederive;
const ID: &str = "scores.rederive";

struct ScoresRederive;

impl Check for ScoresRederive {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Read again from what the judge wrote, is each verdict the one that was counted?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if claim.judge.value().is_none() {
            return Finding::new(ID, Outcome::NotApplicable, "the claim names no judge");
        }
        let key = claim.metric.key.value().map_or("", String::as_str);
        let (mut agrees, mut differs, mut unread, mut without) = (0_u64, 0_u64, 0_u64, 0_u64);
        for input in &case.inputs {
            let found = input.content.as_ref().ok().and_then(|samples| {
                let mut scores = samples.facts.rejudged.iter();
                scores.find(|score| score.scorer == claim.metric.scorer && score.key == key)
            });
            match found {
                Some(score) => {
                    agrees = agrees.saturating_add(score.agrees);
                    differs = differs.saturating_add(score.differs);
                    unread = unread.saturating_add(score.unread);
                }
                None => without += 1,
            }
        }
        let shown: String = name(&claim.metric.scorer, key).chars().take(80).flat_map(char::escape_default).collect();
        let finding = match (differs, unread + without, agrees) {
            (1.., _, _) => Finding::new(
                ID,
                Outcome::Fail,
                format!("{differs} verdicts of `{shown}` say something else than what the judge wrote"),
            ),
            (0, 0, 1..) => Finding::new(
                ID,
                Outcome::Pass,
                format!("all {agrees} verdicts of `{shown}` follow from what the judge wrote"),
            )
            .note("read by the recorder; with --artifacts the logs themselves are read again"),
            _ => Finding::new(
                ID,
                Outcome::Unknown,
                format!(
                    "{agrees} verdicts were read again; {unread} could not be, and {without} inputs hold no judge's text"
                ),
            ),
        };
        finding.at(case.input_entries())
    }
}
