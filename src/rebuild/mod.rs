//! Making an artifact again from what it was made of, and comparing.
//!
//! GOOD means the same bytes; BAD means other bytes, and in what they differ; UNKNOWN means that nothing could be
//! compared. Only pure functions are made again here: they need their inputs and nothing else.

mod difference;
mod equality;
mod expected;
mod pure;
mod recorded;

pub use difference::{Difference, Example};
pub use equality::{Equality, EqualityError};
pub use expected::{Expected, Recorded};
pub use pure::{Comparison, InputFacts, Output, PureError, Replay, Verdict, replay};
pub use recorded::{FUNCTION, INPUTS, PARAM, replay_recorded};
