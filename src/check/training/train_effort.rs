//! `train.effort`: was there training worth the name, to its planned end, and as much of it in every arm?

use std::collections::BTreeSet;

use crate::check::arms::each;
use crate::check::material::Trained;
use crate::check::training::steps::{steps, unlike, with};
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &TrainEffort;
const ID: &str = "train.effort";

/// Updates below which a run is no training: what a careful lab asks of itself.
const MIN_UPDATES: u64 = 20;

/// How much more, in percent, one run may be trained than another and count as trained alike.
const ALIKE_PERCENT: u64 = 15;

struct TrainEffort;

impl Check for TrainEffort {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Did every training step change the weights, run to its planned end, and run as long in every arm and seed?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let steps = match steps(case, ID) {
            Ok(steps) => steps,
            Err(finding) => return *finding,
        };
        let alone = each(ID, steps.keys().copied(), |weights| judge(case, weights, &steps[&weights]));
        let updates = |reading: &Reading| {
            let stated = [("updates", "trainer.step"), ("tokens", "trainer.tokens")].into_iter();
            stated.filter_map(|(what, name)| Some((what, reading.counts.get(name)?.to_string()))).collect()
        };
        with(ID, alone, unlike(case, ID, steps, updates, is_apart))
    }
}

/// Whether the largest number is more than the smallest by more than is allowed.
fn is_apart(values: &BTreeSet<&String>) -> bool {
    let numbers = values.iter().filter_map(|value| value.parse::<u128>().ok());
    let (least, most) = numbers.fold((u128::MAX, 0), |(least, most), number| (least.min(number), most.max(number)));
    most * 100 > least.saturating_mul(100 + u128::from(ALIKE_PERCENT))
}

fn judge(case: &Case<'_>, weights: EntryIndex, step: &Trained) -> Finding {
    if let Some(parent) = step.parent.filter(|parent| case.graph().is_same(*parent, weights)) {
        let reason = format!("they are the weights of entry {parent}, with which they began: nothing was trained");
        return Finding::new(ID, Outcome::Fail, reason).at([parent, weights]);
    }
    let is_of_trainer = |_: &Reading, name: &str| name == "step" || name.starts_with("trainer.");
    weigh(case, ID, weights, is_of_trainer, of_reading)
}

fn of_reading(reading: &Reading) -> Told {
    let is_remarked = |code: &str| reading.remarks.iter().any(|remark| remark.code == code);
    if is_remarked("fresh-adapter") {
        return Told::Against("the trained half of the adapter is all zero: nothing was trained".to_owned());
    }
    let Some(updates) = reading.counts.get("trainer.step").copied() else {
        return Told::Silent(
            "how many updates were made is not on record (no trainer_state.json beside the weights)".to_owned(),
        );
    };
    if let Some(named) = reading.counts.get("step").filter(|named| **named != updates) {
        return Told::Against(format!("the folder is named for step {named}, and the trainer stood at step {updates}"));
    }
    let planned = count(reading, "trainer.planned-steps");
    if updates < planned {
        return Told::Silent(format!(
            "the trainer stood at step {updates} of {planned}: training ended early, and no rule for that is on record"
        ));
    }
    if updates < MIN_UPDATES {
        return Told::Off(format!("{updates} updates were made, and fewer than {MIN_UPDATES} are hardly training"));
    }
    let losses = count(reading, "trainer.losses");
    if losses > updates {
        return Told::Against(format!("the trainer logged {losses} losses in {updates} updates"));
    }
    let tokens = match count(reading, "trainer.tokens") {
        0 => String::new(),
        tokens => format!(" on {tokens} tokens"),
    };
    Told::Fine(format!("{updates} updates{tokens} by the trainer's own account, to the planned end"))
}
