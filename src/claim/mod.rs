//! What the checks add up to: a verdict under a profile, never better than its weakest required check.

mod assurance;
mod profile;
mod verdict;

pub use assurance::{Assurance, Level, Stage, StageLevel};
pub use profile::{CI_GATE, ITEM, NUMBER, PAPER, Profile, VENDOR_AUDIT};
pub use verdict::{
    Assessment, Reader, Verdict, assess, assess_any, assess_any_as, assess_any_seen, assess_as, assess_seen,
};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
