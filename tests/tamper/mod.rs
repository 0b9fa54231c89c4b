//! What a verifier must refuse, each attack by its id in the attack table, with the verdict and the reason.
//!
//! The adversary is the vendor: it holds every key and the disk. Where an attack cannot be seen from an evidence file
//! (and the table says so), the test pins what is shown instead.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::assigning_clones,
    clippy::items_after_statements,
    clippy::redundant_closure_call,
    clippy::single_match_else,
    reason = "tests; what was not run is said"
)]

mod attested;
mod bytes;
mod code;
mod corpus;
mod derived;
mod encoding;
mod held_out;
mod items;
mod keys;
mod likelihood;
mod limits;
mod lineage;
mod logs;
mod meaning;
mod mutants;
mod numbers;
mod order;
mod outcomes;
mod policy;
mod rendering;
mod seen;
mod specs;
mod statistics;
mod study;
mod takeback;
mod testimony;
mod time;
mod tree;
mod weights;

use reproledger::claim::{Assessment, Verdict};
use reproledger::evidence::MAGIC;

/// The items of an evidence file.
fn items(evidence: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = evidence.strip_prefix(MAGIC).unwrap();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().unwrap();
        let (item, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        items.push(item.to_vec());
        rest = after;
    }
    items
}

/// The file of these items.
fn frame(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for item in items {
        bytes.extend_from_slice(&u32::try_from(item.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(item);
    }
    bytes
}

/// Holds a verdict to what the table says, its exit code with it, and its reason to the check that must see it.
fn decided(assessment: &Assessment, verdict: Verdict, check: &str) {
    let finding = crate::support::finding(assessment, check);
    assert_eq!(assessment.verdict, verdict, "{finding:?}\n{:?}", assessment.findings);
    assert_ne!(assessment.verdict.exit_code(), 0);
    assert_ne!(finding.outcome, reproledger::check::Outcome::Pass, "{finding:?}");
}
