//! What a lab already has, made into a retrospective claim: first what is wrong with it, then what it says.
//!
//! Logs that nobody recorded while they were made are put into arms, seeds and conditions by what they say of themselves,
//! and each is held against itself and against the others. From that comes a list of defects, the rates under every
//! score, and the file of a claim that is exploratory and rests on the lab's word (L0): that is all that anyone can make
//! of it afterwards. Nothing is chosen here that changes a number: which score, which arms and which printed figure are
//! said by the person, and what is not said stands in the file as what is left to fill in.
//!
//! A log is reduced to what it adds up to as soon as it was read; only that is kept.

mod across;
mod arms;
mod choice;
mod defect;
mod draft;
mod rates;
mod run;
mod within;

pub use arms::{Arm, Cells, RunId, Seed, Study, Suite};
pub use choice::Choice;
pub use defect::{Defect, Example, Weight};
pub use draft::{Draft, FILL_IN, Placed};
pub use rates::{ArmRate, Effect, rate};
pub use run::{CellTally, Log, Metric, Run, RunError};

/// Every defect of a study: what contradicts first, then what leaves open, then what is worth knowing.
pub fn defects(study: &Study, chosen: &Choice) -> Vec<Defect> {
    let mut found = within::defects(study, chosen);
    found.extend(across::defects(study, chosen));
    found.sort_by(|a, b| (a.weight, a.code, &a.what).cmp(&(b.weight, b.code, &b.what)));
    found
}
