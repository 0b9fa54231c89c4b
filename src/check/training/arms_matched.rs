//! `arms.matched`: is what the claim varies all in which the two arms differ?

use std::collections::BTreeSet;

use crate::check::frame::claim_prereg::cited;
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::{Arm, Difference, Part, SlotDifference, Stage};
use crate::merkle::EntryIndex;

pub(in crate::check) const ENTRY: &dyn Check = &ArmsMatched;
const ID: &str = "arms.matched";

const NO_WEIGHTS: &str = "an arm has no recorded weights";

struct ArmsMatched;

impl Check for ArmsMatched {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the two arms differ only in what the claim varies, and in nothing else that went into their weights?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if claim.comparator.value().is_none() {
            return Finding::new(ID, Outcome::NotApplicable, "the claim is of one arm");
        }
        let mut arms = case.arms();
        match (arms.next(), arms.next()) {
            (Some((_, _, Ok(subject))), Some((_, _, Ok(comparator)))) => {
                let factors = cited(case).map(|protocol| protocol.factors.as_slice());
                judge(&subject, &comparator, factors)
            }
            (Some((_, _, Err(why))), _) | (_, Some((_, _, Err(why)))) => Finding::new(ID, Outcome::Unknown, why),
            _ => Finding::new(ID, Outcome::Unknown, NO_WEIGHTS),
        }
    }
}

fn judge(subject: &Arm<'_>, comparator: &Arm<'_>, factors: Option<&[String]>) -> Finding {
    let difference = Difference::between(subject, comparator);
    // Trained weights differ wherever anything before them does; what went into them is what can be matched.
    let differing: Vec<&SlotDifference> = difference
        .differing()
        .filter(|slot| matches!(slot.slot.part, Part::Input(kind) if kind.is_artifact()))
        .collect();
    let is_declared = |slot: &SlotDifference| {
        factors.is_some_and(|factors| factors.iter().any(|factor| factor == slot.slot.stage.name()))
    };
    let beyond: Vec<&&SlotDifference> = differing.iter().filter(|slot| !is_declared(slot)).collect();
    let open = [subject, comparator].into_iter().flat_map(Arm::flaws).next();
    let uneven = factors.and_then(|factors| uneven(subject, comparator, factors));
    let finding = match (factors, open) {
        _ if !difference.same_weights.is_empty() => {
            let same = difference.same_weights.iter().copied();
            Finding::new(ID, Outcome::Fail, "the arms were evaluated on the same weights").at(same)
        }
        (None, _) => Finding::new(ID, Outcome::Unknown, "no protocol says what the arms may differ in")
            .next("ask the lab which factor the arms were to differ in, and where it was promised"),
        (Some(_), _) if !beyond.is_empty() => {
            let first = said(beyond[0]);
            Finding::new(
                ID,
                Outcome::Fail,
                format!("not a controlled comparison: beyond the declared factor the arms differ in {first}"),
            )
            .at(beyond.iter().flat_map(|slot| entries(slot)))
        }
        (Some(_), None) if uneven.is_some() => {
            let (reason, entries) = uneven.unwrap_or_default();
            let reason = format!("{reason}: whether one was trained more, or only went on, is not on record");
            Finding::new(ID, Outcome::Unknown, reason).at(entries)
        }
        (Some(_), Some(flaw)) => {
            Finding::new(ID, Outcome::Unknown, format!("the record of an arm is not whole: {flaw}")).at(flaw.entries())
        }
        (Some(_), None) if subject.chains().is_empty() || comparator.chains().is_empty() => {
            Finding::new(ID, Outcome::Unknown, NO_WEIGHTS)
        }
        (Some(factors), None) => Finding::new(
            ID,
            Outcome::Pass,
            format!("on record the arms differ only in what was declared: {}", factors.join(", ").escape_default()),
        )
        .note("what was read and never recorded is not in this comparison"),
    };
    differing.iter().fold(finding, |finding, slot| finding.note(format!("differs: {}", said(slot))))
}

/// Why one arm was trained more often than the other in a class that was not to differ: the same data twice are more
/// training, and no data that differ.
fn uneven(subject: &Arm<'_>, comparator: &Arm<'_>, factors: &[String]) -> Option<(String, Vec<EntryIndex>)> {
    let counts = |arm: &Arm<'_>, stage: Stage| -> BTreeSet<usize> {
        let steps = arm.chains().iter().map(|chain| chain.steps.iter().filter(|step| step.stage == stage).count());
        steps.collect()
    };
    let named = |counts: &BTreeSet<usize>| counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let differ = Stage::ALL.iter().filter(|stage| !factors.iter().any(|factor| factor == stage.name()));
    differ
        .map(|stage| (stage, counts(subject, *stage), counts(comparator, *stage)))
        .find(|(_, one, other)| one != other)
        .map(|(stage, one, other)| {
            let (stage, one, other) = (stage.name(), named(&one), named(&other));
            let reason = format!("{one} steps of {stage} training in one arm, {other} in the other");
            let entries = [subject, comparator].into_iter().flat_map(Arm::chains).map(|chain| chain.weights);
            (reason, entries.collect())
        })
}

fn said(slot: &SlotDifference) -> String {
    let Part::Input(kind) = slot.slot.part else { return slot.slot.stage.name().to_owned() };
    let count = |entries: &[EntryIndex]| match entries {
        [] => "nothing".to_owned(),
        [one] => format!("entry {one}"),
        many => format!("{} entries from {}", many.len(), many[0]),
    };
    let stage = slot.slot.stage.name();
    format!("the {kind} of {stage} ({} against {})", count(&slot.only_first), count(&slot.only_second))
}

fn entries(slot: &SlotDifference) -> impl Iterator<Item = EntryIndex> + '_ {
    slot.only_first.iter().chain(&slot.only_second).copied()
}
