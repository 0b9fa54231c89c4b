//! Every outcome of every check is shown by a test, and `outcomes.toml` says by which.
//!
//! Mechanical: a check can come to what its source makes, and to what the helpers make that it calls. A test shows an
//! outcome where it names the check and the outcome, itself or in functions and constants of its file that it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use reproledger::check::{CHECKS, Outcome, explain};
use reproledger::lineage::Recipe;
use serde::Deserialize;

use super::reasons::files;
use super::{code, root};

/// What helpers make for the checks that call them.
const HELPERS: &[(&str, &[Outcome])] = &[
    ("weigh(", &[Outcome::Fail, Outcome::Unknown]),
    ("Told::Fine", &[Outcome::Pass]),
    ("Told::Off", &[Outcome::Differs]),
    ("Told::Against", &[Outcome::Fail]),
    ("unlike(", &[Outcome::Differs, Outcome::Fail]),
    ("replayed(", &[Outcome::Pass, Outcome::Fail, Outcome::Unknown]),
    ("tokens::finding(", &[Outcome::Pass, Outcome::Differs, Outcome::Fail, Outcome::Unknown]),
    ("logs(case, ID", &[Outcome::Unknown]),
    ("no_number(ID", &[Outcome::Unknown]),
    ("Tolerance::of(", &[Outcome::Differs]),
    ("Asked {", &[Outcome::Pass, Outcome::Fail, Outcome::Unknown, Outcome::NotApplicable]),
];

/// Checks of which the rest is refused with the whole file, before any check runs: by the name of the refusal, not by a row.
const REFUSED: &[&str] = &["ledger.chain", "ledger.links", "item.inclusion"];

/// Helpers that look up what went into the arms, and that know of arms which a check is of no use for.
const OF_ARMS: &[&str] = &["material(case, ID", "inputs(case, ID", "documents(case, ID", "steps(case, ID"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    check: Vec<Row>,
}

/// A check, and for each outcome that it can come to the test that shows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    id: String,
    pass: Option<String>,
    differs: Option<String>,
    fail: Option<String>,
    unknown: Option<String>,
    not_applicable: Option<String>,
}

impl Row {
    fn test(&self, outcome: Outcome) -> Option<&str> {
        let test = match outcome {
            Outcome::Pass => &self.pass,
            Outcome::NotApplicable => &self.not_applicable,
            Outcome::Differs => &self.differs,
            Outcome::Unknown => &self.unknown,
            Outcome::Fail => &self.fail,
        };
        test.as_deref()
    }
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("outcomes.toml")).unwrap();
    table.check
});

/// Whether a test is named for such an outcome: one that is not named is one that nobody thought of.
pub(crate) fn is_named(check: &str, outcome: Outcome) -> bool {
    TABLE.iter().any(|row| row.id == check && row.test(outcome).is_some())
}

#[test]
fn the_table_of_outcomes_is_that_of_the_checks_and_of_what_they_can_come_to() {
    let ids: Vec<&str> = TABLE.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, CHECKS.iter().map(|check| check.id()).collect::<Vec<_>>());
    let sources: Vec<String> = files("src/check").into_iter().map(|(_, text)| code(&text)).collect();
    for row in &*TABLE {
        let id = row.id.as_str();
        let states = [format!("const ID: &str = \"{id}\";"), format!("id: \"{id}\"")];
        let states_id = |source: &&String| states.iter().any(|line| source.contains(line));
        let [source] = sources.iter().filter(states_id).collect::<Vec<_>>()[..] else {
            panic!("`{id}` is stated by no file of its own, or by several");
        };
        let named: BTreeSet<Outcome> =
            Outcome::ALL.iter().copied().filter(|outcome| row.test(*outcome).is_some()).collect();
        assert_eq!(named, can_come_to(id, source), "`{id}`: left what the table names, right what its source makes");
        if REFUSED.contains(&id) {
            continue;
        }
        let explained = explain(id).unwrap();
        for (outcome, meaning) in [(Outcome::Fail, &explained.fail), (Outcome::Unknown, &explained.unknown)] {
            let occurs = !meaning.starts_with("Does not occur");
            assert_eq!(row.test(outcome).is_some(), occurs, "`{id}`: {outcome} is explained as: {meaning}");
        }
    }
}

fn can_come_to(id: &str, source: &str) -> BTreeSet<Outcome> {
    let written = Outcome::ALL.iter().copied().filter(|outcome| makes(source, *outcome));
    let helped =
        HELPERS.iter().filter(|(call, _)| source.contains(call)).flat_map(|(_, outcomes)| outcomes.iter().copied());
    let mut found: BTreeSet<Outcome> = written.chain(helped).collect();
    if OF_ARMS.iter().any(|call| source.contains(call)) {
        found.insert(Outcome::Unknown);
        if Recipe::all().iter().any(|recipe| recipe.not_applicable.contains_key(id)) {
            found.insert(Outcome::NotApplicable);
        }
    }
    found
}

/// Whether a source makes an outcome, and does not only look for it.
fn makes(source: &str, outcome: Outcome) -> bool {
    let word = format!("Outcome::{outcome:?}");
    source.match_indices(&word).any(|(at, _)| {
        let (before, after) = (source[..at].trim_end(), source[at + word.len()..].trim_start());
        let is_looked_for = ["==", "!=", "|"].iter().any(|operator| before.ends_with(operator));
        !is_looked_for && !after.starts_with("=>") && !after.starts_with('|')
    })
}

#[test]
fn every_test_in_the_table_of_outcomes_is_there_and_names_check_and_outcome() {
    let mut wrong = Vec::new();
    for row in &*TABLE {
        for outcome in Outcome::ALL {
            let Some(test) = row.test(*outcome) else { continue };
            let Some(said) = said_by(test) else {
                wrong.push(format!("{}, {outcome}: there is no test `{test}`", row.id));
                continue;
            };
            if !said.contains(&format!("\"{}\"", row.id)) || !spellings(*outcome).iter().any(|word| said.contains(word))
            {
                wrong.push(format!("{}, {outcome}: `{test}` does not say so", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How tests write an outcome.
fn spellings(outcome: Outcome) -> Vec<String> {
    let verdict = match outcome {
        Outcome::Differs => Some("Verdict::Difference"),
        Outcome::Unknown => Some("Verdict::NotRecomputable"),
        Outcome::Fail => Some("Verdict::Contradicted"),
        Outcome::Pass | Outcome::NotApplicable => None,
    };
    let written = [format!("Outcome::{outcome:?}"), format!("\"{outcome}\"")];
    written.into_iter().chain(verdict.map(str::to_owned)).collect()
}

/// The source of a test with the functions and constants of its file that it uses; none where there is no such test.
fn said_by(test: &str) -> Option<String> {
    let (module, name) = test.rsplit_once("::")?;
    let path = module.replace("::", "/");
    let places = [format!("tests/{path}.rs"), format!("tests/{path}/mod.rs"), format!("src/{path}.rs")];
    let text = places.iter().find_map(|place| fs::read_to_string(root().join(place)).ok())?;
    let items = items(&text);
    let is_test = text.contains(&format!("#[test]\nfn {name}()")) && items.contains_key(name);
    let (mut said, mut open, mut seen) = (String::new(), vec![name], BTreeSet::from([name]));
    while let Some(item) = open.pop() {
        let body = items.get(item)?;
        said.push_str(body);
        let words = body.split(|c: char| !c.is_alphanumeric() && c != '_');
        open.extend(
            words.filter_map(|word| items.get_key_value(word)).map(|(name, _)| *name).filter(|name| seen.insert(*name)),
        );
    }
    is_test.then_some(said)
}

/// Functions and constants of a file by name, each from its first line to the one that closes it.
fn items(text: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for (kind, end) in [("fn ", "}\n"), ("const ", ";\n")] {
        for (at, _) in text.match_indices(kind) {
            let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let before = text[line..at].trim_start();
            let indent = &text[line..at - before.len()];
            if !before.is_empty() && !before.starts_with("pub") {
                continue;
            }
            let rest = &text[at + kind.len()..];
            let name = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(0)];
            let close = if kind == "fn " { format!("\n{indent}{end}") } else { end.to_owned() };
            let length = rest.find(&close).map_or(rest.len(), |length| length + close.len());
            found.insert(name, &rest[..length]);
        }
    }
    found
}
