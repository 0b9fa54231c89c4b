//! What came from what: the graph of verified entries, the arms in it, and the shape that a method's arm must have.
//!
//! ```text
//!  spec ─▶ documents ─▶ dataset ─▶ weights ─▶ weights ─▶ log ─▶ claim
//!                       base model ─┘   dataset ─┘
//! ```
//!
//! A [`Graph`] holds entries and what they rest on. Weights have a [`Chain`]: from a base model over training steps to what
//! was evaluated. An [`Arm`] is the chains of the logs that one side of a claim rests on, seed by seed, with everything
//! they were made from. [`Difference`] is all in which two arms differ; a [`Recipe`] says what an arm of a method's name must
//! show.
//!
//! # How midtraining is told from alignment training
//!
//! Both are "weights trained on data"; what was recorded of the data decides, and nothing else:
//!
//! - Data are followed through mixes, transformations and runs to their roots: entries of training data that were made from
//!   no other training data.
//! - All roots are `documents`: the step is **midtraining**. All are datasets: it is **alignment** training (which includes
//!   instruction tuning and reinforcement: their data are datasets too). Both: it is **joint**.
//! - A mix that names no parts, a parent that is not here, or no data at all: **unclear**, whatever anyone calls it.
//! - The stage's name (`run --name sft`) may tell kinds of alignment training apart. It never makes one class of step the
//!   other; where it disagrees with the data, that is a [`Flaw`] of the chain.
//!
//! # What is not known here
//!
//! The graph shows what was recorded. Something that was read and not recorded is not in it, and nothing here says that
//! there is none. Data recorded salted have digests of their own each time, so that equal ones may count as two.
//!
//! Everything is iterative and works in the order of indexes, which links follow backwards: a chain of a million entries and
//! a lattice of diamonds cost the same for each entry. The order in which entries are given changes nothing.

mod arm;
mod chain;
mod difference;
mod graph;
mod identity;
mod matching;
mod origin;
mod recipe;
mod sides;
mod stage;

pub use arm::{Arm, ArmError, Distinct, MAX_REACH, Member, Part, Replica, Slot};
pub use chain::{Apart, Chain, Flaw, Step};
pub use difference::{Difference, SlotDifference};
pub use graph::{Graph, Missing, Node, Relation};
pub use matching::{Answer, KindMatch, Matched, RecipeMatch};
pub use origin::{Origin, Origins};
pub use recipe::{Must, Prohibition, Recipe, Requirement};
pub use sides::{Named, Sides};
pub use stage::{Label, Stage};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
