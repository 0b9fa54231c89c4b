//! `arms.baseline`: is each arm what the claim calls it?

use crate::check::arms::{arm_name, escaped, join};
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::{Answer, Arm, KindMatch, RecipeMatch};
use crate::statement::Claim;

pub(in crate::check) const ENTRY: &dyn Check = &ArmsBaseline;
const ID: &str = "arms.baseline";

struct ArmsBaseline;

impl Check for ArmsBaseline {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is each arm what the claim calls it: trained in the stages, on the kinds of data and from the base that its name says?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if claim.comparator.value().is_none() && claim.subject.kind.value().is_none() {
            return Finding::new(
                ID,
                Outcome::NotApplicable,
                "the claim is of one arm and calls it by no method's name",
            );
        }
        let parts = case.arms().map(|(label, kind, arm)| {
            let finding = match arm {
                Ok(arm) => judge(&arm, kind),
                Err(why) => Finding::new(ID, Outcome::Unknown, why),
            };
            (arm_name(label), finding)
        });
        join(ID, parts.collect())
    }
}

fn judge(arm: &Arm<'_>, kind: Option<&str>) -> Finding {
    match KindMatch::of(arm, kind) {
        KindMatch::Unnamed => Finding::new(ID, Outcome::Unknown, "the claim does not say which method the arm is of"),
        KindMatch::Unknown { known } => Finding::new(
            ID,
            Outcome::Unknown,
            format!("no recipe is called `{}` (known: {})", escaped(kind.unwrap_or_default()), known.join(", ")),
        ),
        KindMatch::Recipe(held) => of_recipe(&held),
    }
}

fn of_recipe(held: &RecipeMatch) -> Finding {
    let name = &held.recipe.name;
    let decisive = |wanted: fn(&Answer) -> bool| held.matched.iter().find(|matched| wanted(&matched.answer));
    let finding =
        if let Some(matched) = decisive(|answer| matches!(answer, Answer::Contradicted { .. })) {
            let why = matched.answer.reason().unwrap_or_default();
            Finding::new(ID, Outcome::Fail, format!("it is no `{name}`: not so that {} ({why})", matched.says))
                .at(matched.answer.by().iter().copied())
        } else if let Some(matched) = decisive(|answer| matches!(answer, Answer::NotShown { .. })) {
            let why = matched.answer.reason().unwrap_or_default();
            Finding::new(ID, Outcome::Unknown, format!("it is not shown that {} ({why})", matched.says))
                .at(matched.answer.by().iter().copied())
                .next("ask the lab for the record of every stage of this arm")
        } else {
            let shown = held.matched.len();
            Finding::new(ID, Outcome::Pass, format!("all {shown} things that make a `{name}` are on record"))
        };
    held.matched
        .iter()
        .fold(finding, |finding, matched| finding.note(format!("{}: {}", matched.answer.name(), matched.says)))
}

/// Why a check does not apply to a claim: the recipe of every arm says so, never missing data.
pub(in crate::check) fn not_applicable(claim: &Claim, check: &str) -> Option<String> {
    use crate::lineage::Recipe;
    let arms = std::iter::once(&claim.subject).chain(claim.comparator.value());
    let reasons: Option<Vec<&str>> = arms.map(|arm| Recipe::find(arm.kind.value()?)?.not_applicable(check)).collect();
    reasons.and_then(|reasons| reasons.first().map(|reason| (*reason).to_owned()))
}
