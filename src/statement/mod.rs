//! What can be said and signed: kinds, payloads, edges, bodies, and the envelope around them.

mod body;
mod claim;
mod contrast;
mod edge;
mod entry;
mod genesis;
mod kind;
mod likelihood;
mod location;
mod payload;
pub mod plain;
mod protocol;
mod reading;
mod rebuild;
mod rerun;
mod rules;
mod subject;

pub use body::{Body, BodyError, GitPlace, MAX_BODY_BYTES, MAX_NAME, RunBody, WorkTree};
pub use claim::{Arm, Attempts, Claim, ClaimedValue, Seeds, Values};
pub use contrast::{
    Assertion, ClaimedInterval, Contrast, ContrastKind, InDistribution, IntervalMethod, IntervalRule, IntervalTarget,
    OtherArm, Pairing, Quantity, Relation, Sides, Term,
};
pub use edge::{Edge, EdgeType, MAX_EDGES};
pub use entry::{CONTENT_TYPE, Claims, Entry, EntryError, MAX_ENTRY_BYTES};
pub use genesis::{FORMAT_VERSION, Genesis, KeyChange, Role, possession_message};
pub use kind::Kind;
pub use likelihood::{
    Distribution, Likelihood, LikelihoodError, MAX_NATS, MAX_TOOL, Nats, ScoredTranscript, ScoredWeights,
};
pub use location::{Location, LocationError, MAX_LOCATION};
pub use payload::{MAX_LABEL, Outcome, Payload, RunStatus};
pub use protocol::{
    Correction, Family, Gate, Margins, PlannedArm, PlannedContrast, Protocol, Retries, SeedVaries, Stopping,
};
pub use reading::{
    MAX_READING_TEXT, MAX_REMARKS, MAX_SOURCES, Reading, Remark, TOKENS, TOKENS_PRINTED, TRAINER_EPOCHS,
};
pub use rebuild::{Judgement, MAX_REASON, Rebuild, Rebuilt, RebuiltOutput, RunPlace, Taken, recipe_digest};
pub use rerun::{Machine, Part, Rerun};
pub use rules::{
    Denominator, Direction, ErrorRule, ErrorStat, ErrorUnit, Evaluation, Judge, Metric, Printed, Stated, Step,
};
pub use subject::{MAX_SUBJECTS, Measure, Subject};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
