//! `diff claim`: a paper's number and a replicator's, each verified, and whether they are one within noise.

mod document;
mod screen;

use std::path::PathBuf;

use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::claim::Profile;
use crate::cli::verify::{load_policy, profile_parser, read_bounded};
use crate::cli::{Context, Failure, Outcome};
use crate::compare::{Comparison, Rules, Side, compare};
use crate::evidence::MAX_EVIDENCE_BYTES;
use crate::stats::{Level, Printed, Sides};

/// Compare two claims on the same thing: what differs, and whether their numbers do beyond noise
///
/// Both files are verified first, and who vouches for each is said. Arms are put side by side by their names, or else by
/// their parts. The difference of two numbers is judged by an interval for what would vary if both studies were done
/// again: the training seeds of both sides, or the rollouts alone where both evaluated the same weights. A number without
/// samples is compared as printed, and nothing is decided by it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the same within noise · 1 they differ beyond noise, or one is contradicted · 2 unreadable · 3 it cannot be told\n\nExamples:\n  reproledger diff claim paper.evidence mine.evidence --trust trust.policy\n  reproledger diff claim a.evidence b.evidence --trust trust.policy --judges-differ-by 4.3% --json"
)]
pub(super) struct DiffClaim {
    /// Evidence of the one claim
    #[arg(value_name = "A.evidence")]
    a: PathBuf,
    /// Evidence of the other
    #[arg(value_name = "B.evidence")]
    b: PathBuf,
    /// Your own policy, with a `log` line for each of the two logs
    #[arg(long, value_name = "POLICY")]
    trust: Option<PathBuf>,
    /// What both claims are held to
    #[arg(long, value_name = "PROFILE", default_value = "number", value_parser = profile_parser())]
    profile: String,
    /// How sure all intervals together are
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = level)]
    level: Level,
    /// The largest share of verdicts in which the judges of both sides may differ, by your own knowledge: widens every
    /// interval by as much
    #[arg(long, value_name = "SHARE", value_parser = share)]
    judges_differ_by: Option<BigRational>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

fn level(text: &str) -> Result<Level, String> {
    let printed = Printed::parse(text).map_err(|error| error.to_string())?;
    Level::new(printed.value(), Sides::Two).map_err(|error| error.to_string())
}

/// A share as `4.3%` or `0.043`.
fn share(text: &str) -> Result<BigRational, String> {
    let value = Printed::parse(text).map_err(|error| error.to_string())?.value();
    let is_share = value >= BigRational::zero() && value <= BigRational::one();
    if is_share { Ok(value) } else { Err("expected a share between 0 and 1, such as 4.3%".to_owned()) }
}

/// Both sides and what comparing them came to.
struct Compared {
    names: [String; 2],
    sides: [Side; 2],
    comparison: Comparison,
    rules: Rules,
}

impl DiffClaim {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let trust = self.trust.as_deref().map(load_policy).transpose()?;
        let profile = Profile::find(&self.profile)
            .ok_or_else(|| Failure::new(format!("there is no profile `{}`", self.profile)))?;
        let side = |path: &PathBuf| -> Result<Side, Failure> {
            Ok(Side::read(&read_bounded(path, MAX_EVIDENCE_BYTES)?, trust.as_ref(), profile))
        };
        let sides = [side(&self.a)?, side(&self.b)?];
        let rules = Rules { level: self.level, disagreement: self.judges_differ_by };
        let comparison = compare(&sides[0], &sides[1], &rules);
        let names = [&self.a, &self.b].map(|path| path.to_string_lossy().into_owned());
        let compared = Compared { names, sides, comparison, rules };
        if self.json {
            document::print(context, &compared)?;
        } else {
            context.print(&screen::text(&compared))?;
        }
        Ok(compared.comparison.exit_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_levels_are_read_as_printed() {
        assert_eq!(share("4.3%"), Ok(BigRational::new(43.into(), 1000.into())));
        for text in ["-1%", "101%", "1.1", "x", ""] {
            assert!(share(text).is_err(), "{text}");
        }
        assert!(level("95%").is_ok() && level("0.9").is_ok());
        for text in ["100%", "40%", "95 %"] {
            assert!(level(text).is_err(), "{text}");
        }
    }
}
