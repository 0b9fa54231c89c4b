//! Making what was recorded again from what it was made of, and comparing.
//!
//! GOOD means equal, as it was declared beforehand; BAD means something else, and in what; UNKNOWN means that it could
//! not be told; EQUIVALENT is inside a tolerance of numbers or rates that was declared beforehand. A pure function of the pipeline is replayed here. A recorded command is run again in a sandbox, on the
//! recorded inputs, stage after stage: [`Plan`] says which, [`Shelf`] finds the bytes, [`make`] runs and judges; of a
//! training that was recorded in segments a [`Chain`] draws some.

mod build;
mod difference;
mod equality;
mod expected;
mod job;
mod judge;
mod listing;
mod logs;
mod make;
mod material;
mod outcome;
mod place;
mod plan;
mod pure;
mod rates;
mod ready;
mod recorded;
pub mod sandbox;
mod segments;
mod shelf;
mod tensors;
mod vary;

pub use build::{Build, build};
pub use difference::{Difference, Example};
pub use equality::{Equality, EqualityError, Rates};
pub use expected::{Expected, Recorded};
pub use job::{Ended, How, Job, Limits, Program, Runner};
pub use judge::{Judged, Word};
pub use logs::SampleLists;
pub use make::{Made, Watch, make};
pub use material::MaterialError;
pub use outcome::verdict;
pub use place::{Place, PlaceError};
pub use plan::{Class, Entries, Frontier, Item, Plan, Recipe, Stage, label_of, tree};
pub use pure::{Comparison, InputFacts, Output, PureError, Replay, Verdict, replay};
pub use ready::{Altered, Choice, Missing, Ready, Resolved, prepare};
pub use recorded::{FUNCTION, INPUTS, PARAM, replay_recorded};
pub use segments::{Chain, chains};
pub use shelf::{Found, Look, Shelf};
