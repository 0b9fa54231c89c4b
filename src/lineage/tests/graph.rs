//! The graph itself: what counts as a link, how far it is followed, and at what cost.

use proptest::prelude::*;

use super::{Book, Experiment, arm, digest, experiment, leaf};
use crate::digest::DigestKind;
use crate::lineage::{Arm, ArmError, Chain, Difference, Graph, Recipe, Relation, Stage};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Measure, Subject};
use crate::verify::Reject;

#[test]
fn origins_are_everything_it_was_made_from_and_nothing_beside_it() {
    let Experiment { mut book, spec, base, treated, midtrained, plain, .. } = experiment(2);
    let newer = book.add(Kind::Spec, "newer spec", &[]);
    let edge = book.edge(EdgeType::Supersedes, spec);
    book.at(newer).edges.push(edge);
    let graph = book.graph();
    let origins = graph.origins(&[treated[0]]);
    for part in [spec, base, midtrained[0], treated[0]] {
        assert!(origins.contains(&part));
    }
    for other in [midtrained[1], plain[0], newer] {
        assert!(!origins.contains(&other));
    }
    assert!(origins.is_sorted());
    // What replaces something was not made from it.
    assert_eq!(graph.origins(&[newer]), [newer]);
    assert_eq!(graph.origins(&[EntryIndex(999)]), []);
}

#[test]
fn a_link_that_does_not_hold_is_no_link() {
    let Experiment { mut book, spec, documents, .. } = experiment(1);
    let mut edge = book.edge(EdgeType::DecomposedFrom, spec);
    edge.digest = digest("another spec");
    book.at(documents).edges = vec![edge];
    let graph = book.graph();
    assert_eq!(graph.links(documents).count(), 0);
    let broken = Reject::BrokenEdge { index: documents, target: spec, kind: "file" };
    assert_eq!(graph.broken(), [broken]);
}

#[test]
fn a_run_joins_what_it_wrote_to_what_it_read() {
    let mut book = Book::default();
    let (base, data) = (book.add(Kind::BaseModel, "base", &[]), book.add(Kind::Dataset, "data", &[]));
    let start = book.start("sft", &[base, data]);
    let weights = book.add(Kind::Checkpoint, "weights", &[]);
    let end = book.end(start, &[weights, base]);
    let graph = book.graph();
    assert_eq!(graph.links(weights).collect::<Vec<_>>(), [(Relation::GeneratedBy, start)]);
    assert_eq!(graph.origins(&[weights]), [base, data, start, weights]);
    assert_eq!(graph.end_of(start).map(|node| node.index), Some(end));
    // What was there before the run began is not its work: otherwise the base would come from itself.
    assert_eq!(graph.links(base).count(), 0);
    let chain = Chain::of(&graph, weights).unwrap();
    assert_eq!((chain.base, chain.steps[0].stage, chain.is_whole()), (Some(base), Stage::Alignment, true));
    assert_eq!(chain.steps[0].runs, [start]);
}

#[test]
fn one_artifact_under_several_digests_is_one_thing_and_a_shared_part_is_not() {
    let mut book = Book::default();
    let first = book.add(Kind::Checkpoint, "one shard", &[]);
    let second = book.add(Kind::Checkpoint, "two shards", &[]);
    let third = book.add(Kind::Checkpoint, "other weights", &[]);
    let tensors = Measure { count: 1, length: 1, digests: vec![digest("tensors")] };
    for index in [first, second] {
        let payload = book.at(index);
        payload.subjects[0] = payload.subjects[0].clone().with(DigestKind::Tensors, tensors.clone());
    }
    let graph = book.graph();
    assert!(graph.is_same(first, second) && !graph.is_same(first, third) && graph.is_same(third, third));
    // Two entries about weights and the same tokenizer each.
    let tokenizer = Subject::file(crate::digest::FileDigest::of(b"tokenizer"), 9);
    for index in [first, third] {
        book.at(index).subjects.push(tokenizer.clone());
    }
    assert!(!book.graph().is_same(first, third));
}

#[test]
fn thirty_diamonds_are_walked_once() {
    let mut book = Book::default();
    let mut top = book.add(Kind::Dataset, "root", &[]);
    for level in 0..30 {
        let left = book.add(Kind::Dataset, &format!("left {level}"), &[top]);
        let right = book.add(Kind::Dataset, &format!("right {level}"), &[top]);
        top = book.add(Kind::Dataset, &format!("join {level}"), &[left, right]);
    }
    let base = book.add(Kind::BaseModel, "base", &[]);
    let weights = book.add(Kind::Checkpoint, "weights", &[top, base]);
    let log = book.add(Kind::EvalLog, "log", &[weights]);
    let graph = book.graph();
    assert_eq!(graph.origins(&[log]).len(), 1 + 90 + 3);
    let arm = arm(&graph, &[log]);
    assert!(arm.is_whole() && arm.distinct().len() == 3);
}

#[test]
fn a_chain_of_a_million_steps_is_followed_to_its_base() {
    const LONG: u64 = 1_000_000;
    let mut book = Book::default();
    let (base, data) = (book.add(Kind::BaseModel, "base", &[]), book.add(Kind::Dataset, "data", &[]));
    let mut weights = book.add(Kind::Checkpoint, "0", &[base, data]);
    for step in 1..LONG {
        weights = book.add(Kind::Checkpoint, &step.to_string(), &[weights, data]);
    }
    let log = book.add(Kind::EvalLog, "log", &[weights]);
    let graph = book.graph();
    assert_eq!(graph.origins(&[log]).len() as u64, LONG + 3);
    let arm = arm(&graph, &[log]);
    assert!(arm.is_whole());
    assert_eq!((arm.chains()[0].steps.len() as u64, arm.chains()[0].base), (LONG, Some(base)));
    assert!(Recipe::find("aft-only").unwrap().hold(&arm).answer().reason().is_none());
}

#[test]
fn more_than_is_followed_is_said_and_not_guessed() {
    let Experiment { book, treated_logs, .. } = experiment(4);
    let graph = book.graph();
    let within = |budget| Arm::within(&graph, treated_logs.iter().copied(), budget).map(|arm| arm.chains().len());
    assert_eq!((within(100), within(30), within(0)), (Ok(4), Err(ArmError::TooLarge), Err(ArmError::TooLarge)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Everything that is printed or decided, in one text.
    #[test]
    fn the_order_of_entries_changes_nothing(order in Just((0..60_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let Experiment { book, treated_logs, plain_logs, .. } = experiment(4);
        let said = |order: &[usize], logs: &mut dyn Iterator<Item = EntryIndex>| {
            let chosen = order.iter().filter_map(|at| book.entries.get(*at));
            let graph = Graph::new(chosen.map(|payload| (payload.seq, leaf(payload.seq), payload)));
            let (first, second) = (Arm::of(&graph, logs).unwrap(), arm(&graph, &plain_logs));
            let matches: Vec<_> = Recipe::all().iter().map(|recipe| recipe.hold(&first)).collect();
            let links: Vec<_> = graph.nodes().iter().flat_map(|node| graph.links(node.index)).collect();
            format!(
                "{links:?} {:?} {:?} {:?} {matches:?} {:?}",
                first.chains(), first.distinct(), first.members(), Difference::between(&first, &second)
            )
        };
        prop_assert!(book.entries.len() <= 60);
        let sorted: Vec<usize> = (0..60).collect();
        let expected = said(&sorted, &mut treated_logs.iter().copied());
        prop_assert_eq!(said(&order, &mut treated_logs.iter().rev().copied()), expected);
    }
}
