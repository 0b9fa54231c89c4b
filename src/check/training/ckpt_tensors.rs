//! `ckpt.tensors`: are the tensors of each checkpoint those of its recipe, and alike over arms and seeds?

use crate::check::arms::{each, escaped};
use crate::check::training::steps::{steps, unlike, with};
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding};
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &CkptTensors;
const ID: &str = "ckpt.tensors";

/// What a recipe fixes of an adapter in numbers, by the facts that say it.
const OF_ADAPTERS: &[(&str, &str)] = &[("adapter.r", "its rank"), ("adapter.alpha", "its scale")];

/// What may be written in several ways and mean the same: told of, and decides nothing.
const IN_WORDS: &[(&str, &str)] = &[
    ("adapter.type", "the kind of adapter"),
    ("adapter.dropout", "its dropout"),
    ("adapter.modules", "the modules it is of"),
];

struct CkptTensors;

impl Check for CkptTensors {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Have the checkpoints the tensors that their recipe says: number, types, rank and modules, alike in all arms and seeds?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let steps = match steps(case, ID) {
            Ok(steps) => steps,
            Err(finding) => return *finding,
        };
        let rests_on = |_: &Reading, name: &str| name == "tensors" || name.starts_with("parameters");
        let alone = each(ID, steps.keys().copied(), |weights| weigh(case, ID, weights, rests_on, judge));
        let told = unlike(case, ID, steps, in_words, |_| true);
        let alone = told.into_iter().fold(alone, |alone, told| alone.note(told.reason));
        with(ID, alone, unlike(case, ID, steps, in_numbers, |_| true))
    }
}

fn types(reading: &Reading) -> String {
    let types = reading.counts.keys().filter_map(|name| name.strip_prefix("parameters."));
    types.collect::<Vec<_>>().join(", ")
}

/// What a recipe fixes in numbers, as far as the weights and their configuration say it.
fn in_numbers(reading: &Reading) -> Vec<(&'static str, String)> {
    if count(reading, "tensors") == 0 {
        return Vec::new();
    }
    let stated = OF_ADAPTERS.iter().filter_map(|(name, what)| {
        // `8` and `8.0` are one number.
        let text = reading.facts.get(*name)?;
        Some((*what, text.strip_suffix(".0").unwrap_or(text).to_owned()))
    });
    let counted = [("the number of tensors", "tensors"), ("the number of parameters", "parameters")];
    stated.chain(counted.map(|(what, name)| (what, count(reading, name).to_string()))).collect()
}

/// What it fixes beside.
fn in_words(reading: &Reading) -> Vec<(&'static str, String)> {
    if count(reading, "tensors") == 0 {
        return Vec::new();
    }
    let stated = IN_WORDS.iter().filter_map(|(name, what)| Some((*what, reading.facts.get(*name)?.clone())));
    stated.chain([("the types of tensors", types(reading))]).collect()
}

fn judge(reading: &Reading) -> Told {
    let tensors = count(reading, "tensors");
    if tensors == 0 {
        return Told::Silent("they are recorded as bytes: which tensors they hold is not known".to_owned());
    }
    let remark = |code: &str| reading.remarks.iter().find(|remark| remark.code == code);
    if let Some(other) = remark("adapter-rank") {
        return Told::Against(format!("the tensors are not those of their configuration: {}", escaped(&other.text)));
    }
    if let Some(broken) = remark("adapter-config") {
        return Told::Off(escaped(&broken.text));
    }
    let rank = reading.facts.get("adapter.r").map_or(String::new(), |rank| format!(", of rank {}", escaped(rank)));
    Told::Fine(format!(
        "{tensors} tensors of {} parameters ({}){rank}",
        count(reading, "parameters"),
        escaped(&types(reading))
    ))
}
