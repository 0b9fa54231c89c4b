//! `train.effort`: was there training worth the name, to its planned end, and as much of it in every arm?

use std::collections::BTreeSet;

use num_rational::BigRational;

use crate::check::arms::{each, join};
use crate::check::material::Trained;
use crate::check::training::steps::{steps, unlike, with};
use crate::check::understood::{Told, best, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::{Reading, TRAINER_EPOCHS};
use crate::stats::Printed;
use crate::stats::decimal::decimal_digits;

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
    let own = weigh(case, ID, weights, is_of_trainer, of_reading);
    match best(case, weights).and_then(|reading| consumed(case, reading, &step.data)) {
        None => own,
        Some(Consumed::Alike(note)) => own.note(note),
        Some(Consumed::Apart(finding)) => {
            join(ID, vec![("updates".to_owned(), own), ("tokens".to_owned(), finding.at([weights]))])
        }
    }
}

/// Tokens that a trainer counted, beside those of its data.
enum Consumed {
    /// They fit, or it cannot be said whether they do.
    Alike(String),
    /// They do not.
    Apart(Finding),
}

/// Holds what the trainer counted to what its data have, over its epochs. What a trainer counts is padded and cut.
fn consumed(case: &Case<'_>, reading: &Reading, data: &[EntryIndex]) -> Option<Consumed> {
    let seen = reading.counts.get("trainer.tokens").copied()?;
    let Some(epochs) = reading.facts.get(TRAINER_EPOCHS).and_then(|text| Printed::parse(text).ok()) else {
        return Some(Consumed::Alike(format!("over how many epochs it read {seen} tokens is not on record")));
    };
    let of_data = data.iter().map(|data| counted(case, *data)).collect::<Option<Vec<u64>>>();
    let Some(of_data) = of_data.filter(|counts| !counts.is_empty()) else {
        let note = format!(
            "whether {seen} tokens are those of its data was not counted: that takes its data and their tokenizer"
        );
        return Some(Consumed::Alike(note));
    };
    let all = of_data.iter().fold(BigRational::from_integer(0.into()), |sum, count| sum + whole(*count));
    let planned = all * epochs.value();
    let (seen_exact, hundred) = (whole(seen), whole(100));
    let apart = if planned > seen_exact { &planned - &seen_exact } else { &seen_exact - &planned };
    let shown = decimal_digits(&planned, 0);
    let epochs = epochs.text();
    if apart * &hundred <= &planned * whole(ALIKE_PERCENT) {
        return Some(Consumed::Alike(format!(
            "its data, counted again, have {shown} tokens in {epochs} epochs, and it read {seen}"
        )));
    }
    let reason = format!(
        "the trainer read {seen} tokens, and its data, counted again, have {shown} in {epochs} epochs: more than {ALIKE_PERCENT}% apart"
    );
    Some(Consumed::Apart(Finding::new(ID, Outcome::Differs, reason).at(data.iter().copied())))
}

fn whole(count: u64) -> BigRational {
    BigRational::from_integer(count.into())
}

/// Tokens of a corpus, where all counts of it agree.
fn counted(case: &Case<'_>, data: EntryIndex) -> Option<u64> {
    let all = (data, EntryIndex(0))..=(data, EntryIndex(u64::MAX));
    let counts =
        case.observed?.tokens.range(all).map(|(_, counted)| counted.as_ref().ok().map(|counted| counted.tokens));
    let counts: BTreeSet<u64> = counts.collect::<Option<_>>()?;
    let only = counts.first().copied();
    only.filter(|_| counts.len() == 1)
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
