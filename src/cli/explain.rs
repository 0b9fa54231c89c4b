//! `explain`: what a check or profile does, for a reader who is no programmer.

use std::fmt::Write;

use crate::check::{CHECKS, Check, explain};
use crate::claim::{ITEM, Profile};
use crate::cli::{Context, Failure, Outcome};

/// Characters in a line of explanation.
const WIDTH: usize = 96;

/// Explain a check or a profile in plain words
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger explain\n  reproledger explain stat.error\n  reproledger explain vendor-audit"
)]
pub(super) struct Explain {
    /// Id of a check, as reports name it, or a profile; without one, all of them in a line each
    name: Option<String>,
}

impl Explain {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Some(name) = self.name else {
            context.print(&all())?;
            return Ok(0);
        };
        let check = CHECKS.iter().find(|check| check.id() == name);
        let profile = profiles().find(|profile| profile.name == name);
        let text = match (check, profile) {
            (Some(check), _) => of_check(*check),
            (None, Some(profile)) => of_profile(profile),
            (None, None) => {
                return Err(Failure::new(format!("there is no check or profile `{}`", name.escape_debug()))
                    .hint("list them: reproledger explain"));
            }
        };
        context.print(&text)?;
        Ok(0)
    }
}

fn profiles() -> impl Iterator<Item = &'static Profile> {
    Profile::OF_CLAIMS.iter().chain([&ITEM])
}

fn all() -> String {
    let mut out = String::from("checks\n");
    for check in CHECKS {
        let _ = writeln!(out, "  {:<17} {}", check.id(), check.question());
    }
    out.push_str("\nprofiles\n");
    for profile in profiles() {
        let _ = writeln!(out, "  {:<17} {}", profile.name, profile.answers);
    }
    out
}

fn of_check(check: &dyn Check) -> String {
    let mut out = format!("{}\n{}", check.id(), folded(check.question()));
    if let Some(explanation) = explain(check.id()) {
        let parts = [
            ("looks at", &explanation.looks),
            ("FAIL means", &explanation.fail),
            ("UNKNOWN means", &explanation.unknown),
            ("settled by", &explanation.settles),
        ];
        for (name, text) in parts {
            let _ = write!(out, "\n{name}\n{}", folded(text));
        }
    }
    let required: Vec<_> =
        profiles().filter(|profile| profile.required.contains(&check.id())).map(|profile| profile.name).collect();
    let required = if required.is_empty() { "none; shown all the same".to_owned() } else { required.join(", ") };
    let _ = write!(out, "\nprofiles that require it\n{}", folded(&required));
    out
}

fn of_profile(profile: &Profile) -> String {
    let mut out = format!("{}\n  blake3:{}\n\nanswers\n{}", profile.name, profile.digest(), folded(profile.answers));
    out.push_str("\nrequires\n");
    for id in profile.required {
        let question = CHECKS.iter().find(|check| check.id() == *id).map_or("", |check| check.question());
        let _ = writeln!(out, "  {id:<17} {question}");
    }
    out.push_str("\nA FAIL of any other check contradicts the claim all the same.\n");
    out
}

/// Lines of at most [`WIDTH`] characters, set in by two.
fn folded(text: &str) -> String {
    let (mut out, mut line) = (String::new(), String::from(" "));
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
    out
}
