//! What the checks add up to: a verdict under a profile, never better than its weakest required check.

mod profile;
mod verdict;

pub use profile::{CI_GATE, ITEM, NUMBER, PAPER, Profile, VENDOR_AUDIT};
pub use verdict::{Assessment, Level, Verdict, assess, assess_any};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
