//! What can be said and signed: kinds, payloads, edges, bodies, and the envelope around them.

mod body;
mod claim;
mod edge;
mod entry;
mod genesis;
mod kind;
mod location;
mod payload;
pub mod plain;
mod reading;
mod subject;

pub use body::{Body, BodyError, GitPlace, MAX_BODY_BYTES, MAX_NAME, RunBody, WorkTree};
pub use claim::{
    Arm, Attempts, Claim, ClaimedValue, Denominator, Direction, ErrorRule, ErrorStat, ErrorUnit, Evaluation, Judge,
    Metric, Printed, Seeds, Stated, Step, Values,
};
pub use edge::{Edge, EdgeType, MAX_EDGES};
pub use entry::{CONTENT_TYPE, Claims, Entry, EntryError, MAX_ENTRY_BYTES};
pub use genesis::{FORMAT_VERSION, Genesis, KeyChange, Role, possession_message};
pub use kind::Kind;
pub use location::{Location, LocationError, MAX_LOCATION};
pub use payload::{MAX_LABEL, Outcome, Payload, RunStatus};
pub use reading::{MAX_READING_TEXT, MAX_REMARKS, MAX_SOURCES, Reading, Remark};
pub use subject::{MAX_SUBJECTS, Measure, Subject};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
