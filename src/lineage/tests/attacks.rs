//! The lineage rows of the catalogue of attacks that the graph can decide, one test each.

use super::{Experiment, arm, digest, experiment};
use crate::lineage::{Answer, Difference, Flaw, Part, Recipe, Replica, Slot, Stage};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

fn requirement(recipe: &str, arm: &crate::lineage::Arm<'_>, id: &str) -> Answer {
    let matched = Recipe::find(recipe).unwrap().hold(arm).matched;
    matched.into_iter().find(|matched| matched.id == id).unwrap().answer
}

#[test]
fn l01_a_missing_parent_is_unknown_and_never_no() {
    let Experiment { book, base, corpus, documents, mix, midtrained, treated_logs, .. } = experiment(1);
    for missing in [base, corpus, documents, mix, midtrained[0]] {
        let graph = book.graph_without(&[missing]);
        let arm = arm(&graph, &treated_logs);
        assert!(!arm.is_whole(), "#{missing}");
        let held = Recipe::find("msm+aft").unwrap().hold(&arm);
        assert_eq!(held.answer().name(), "not shown", "#{missing}: {held:#?}");
    }
    let graph = book.graph_without(&[midtrained[0]]);
    let arm = arm(&graph, &treated_logs);
    assert!(
        matches!(arm.flaws(), [Flaw::Missing { target, .. }, Flaw::NoBeginning { .. }] if *target == midtrained[0])
    );
}

#[test]
fn l05_documents_of_another_version_of_the_spec_are_told() {
    let Experiment { mut book, documents, alignment, treated_logs, spec, .. } = experiment(1);
    let newer = book.add(Kind::Spec, "spec v3", &[]);
    // The alignment data are of the newer version, the documents of the older one.
    let last = book.add(Kind::Dataset, "alignment of v3", &[newer]);
    let graph = book.graph();
    let of_old = arm(&graph, &treated_logs);
    assert_eq!(of_old.made_from(Kind::Spec, &digest("spec"), None), Answer::Met { by: vec![spec] });
    let reason = format!("made from another spec than {}", digest("spec v3"));
    assert_eq!(
        of_old.made_from(Kind::Spec, &digest("spec v3"), Some(Stage::Midtraining)),
        Answer::Contradicted { by: vec![spec], reason }
    );
    assert_eq!(of_old.inputs(Kind::Spec, Some(Stage::Midtraining)), [spec]);
    assert!(graph.origins(&[documents]).contains(&spec) && graph.origins(&[last]).contains(&newer));
    assert!(graph.origins(&[alignment]).contains(&spec));
}

#[test]
fn l08_weights_of_another_base_are_told() {
    let Experiment { mut book, base, midtrained, treated, treated_logs, .. } = experiment(2);
    let other = book.add(Kind::BaseModel, "other base", &[]);
    {
        let graph = book.graph();
        let arm = arm(&graph, &treated_logs);
        assert_eq!(arm.made_from(Kind::BaseModel, &digest("base"), Some(Stage::Base)), Answer::Met { by: vec![base] });
        let other = arm.made_from(Kind::BaseModel, &digest("other base"), Some(Stage::Base));
        assert_eq!((other.name(), other.by()), ("contradicted", &[base][..]));
    }
    // A chain that names two bases: an adapter on top of one, continued from weights of the other.
    let mut swapped = super::Book::default();
    let (first, second) = (swapped.add(Kind::BaseModel, "base", &[]), swapped.add(Kind::BaseModel, "other base", &[]));
    let data = swapped.add(Kind::Dataset, "data", &[]);
    let weights = swapped.add(Kind::Checkpoint, "one", &[first, data]);
    let next = swapped.add(Kind::Checkpoint, "two", &[weights, second, data]);
    let log = swapped.add(Kind::EvalLog, "log", &[next]);
    let graph = swapped.graph();
    let arm = arm(&graph, &[log]);
    assert_eq!(arm.flaws(), [Flaw::Bases { weights: next, bases: vec![first, second] }]);
    assert_eq!(requirement("aft-only", &arm, "path").name(), "contradicted");
    assert!(other > treated[1] && midtrained[0] < other);
}

#[test]
fn l08_two_weights_merged_into_one_are_no_path() {
    let Experiment { mut book, mix, midtrained, .. } = experiment(2);
    let merged = book.add(Kind::Checkpoint, "merged", &[midtrained[0], midtrained[1], mix]);
    let log = book.add(Kind::EvalLog, "log of merged", &[merged]);
    let graph = book.graph();
    let arm = arm(&graph, &[log]);
    assert_eq!(arm.flaws(), [Flaw::Branches { weights: merged, parents: midtrained }]);
    assert_eq!(requirement("msm+aft", &arm, "path").name(), "contradicted");
}

#[test]
fn l09_a_treated_arm_without_midtraining_is_contradicted() {
    let Experiment { book, plain, plain_logs, .. } = experiment(2);
    let graph = book.graph();
    let arm = arm(&graph, &plain_logs);
    let answer = requirement("msm+aft", &arm, "midtraining");
    assert_eq!((answer.name(), answer.by()), ("contradicted", plain.as_slice()));
    assert_eq!(arm.made_from(Kind::Documents, &digest("documents"), None).name(), "contradicted");
}

#[test]
fn l09_weights_that_name_documents_their_run_did_not_read_are_contradicted() {
    let Experiment { mut book, base, corpus, documents, alignment, .. } = experiment(1);
    let train = |book: &mut super::Book, read: &[EntryIndex], name: &str| {
        let start = book.start("msm", read);
        let weights = book.add(Kind::Checkpoint, name, &[base, documents]);
        book.end(start, &[weights]);
        (start, weights, book.add(Kind::EvalLog, &format!("log of {name}"), &[weights]))
    };
    let (_, honest, honest_log) = train(&mut book, &[base, corpus], "honest");
    let (run, lying, lying_log) = train(&mut book, &[base, alignment], "lying");
    let graph = book.graph();
    // The dataset that was read was made from the documents that are named.
    assert_eq!(arm(&graph, &[honest_log]).flaws(), [], "#{honest}");
    let unread = Flaw::Unread { weights: lying, input: documents, run };
    assert!(arm(&graph, &[lying_log]).flaws().contains(&unread));
    assert_eq!(requirement("msm", &arm(&graph, &[lying_log]), "path").name(), "contradicted");
}

#[test]
fn l10_a_comparator_on_other_alignment_data_differs_there_and_only_there() {
    let Experiment { mut book, base, mix, alignment, treated_logs, plain_logs, .. } = experiment(1);
    let slot = |kind| Slot { stage: Stage::Alignment, part: Part::Input(kind) };
    {
        let graph = book.graph();
        let same = Difference::between(&arm(&graph, &treated_logs), &arm(&graph, &plain_logs));
        assert_eq!(same.at(slot(Kind::Mix)).unwrap().shared, [mix]);
        let differing: Vec<Slot> = same.differing().map(|difference| difference.slot).collect();
        assert!(differing.iter().all(|slot| slot.stage == Stage::Midtraining || slot.part == Part::Weights));
    }
    let other = book.add(Kind::Mix, "other mix", &[alignment]);
    let weights = book.add(Kind::Checkpoint, "other", &[other, base]);
    let log = book.add(Kind::EvalLog, "other log", &[weights]);
    let graph = book.graph();
    let differs = Difference::between(&arm(&graph, &treated_logs), &arm(&graph, &[log]));
    let mixes = differs.at(slot(Kind::Mix)).unwrap();
    assert_eq!((mixes.only_first.as_slice(), mixes.only_second.as_slice()), (&[mix][..], &[other][..]));
    // The same dataset in another mix.
    assert!(differs.at(slot(Kind::Dataset)).unwrap().shared.contains(&alignment));
}

#[test]
fn l12_seeds_of_the_same_weights_are_one_and_are_named() {
    let Experiment { mut book, mix, midtrained, treated, treated_logs, .. } = experiment(4);
    let graph = book.graph();
    let honest = arm(&graph, &treated_logs);
    let weights = Slot { stage: Stage::Alignment, part: Part::Weights };
    assert_eq!((honest.distinct()[&weights].n, honest.replicas().len()), (4, 4));
    assert_eq!(honest.identical(), Vec::<Vec<Replica>>::new());
    drop(honest);
    // Seed 4 is seed 0 under another number.
    let copy = book.add_of("msm", 4, Kind::Checkpoint, "treated 0", &[mix, midtrained[0]]);
    let log = book.add_of("msm", 4, Kind::EvalLog, "log 4", &[copy]);
    let graph = book.graph();
    let logs: Vec<_> = treated_logs.iter().copied().chain([log]).collect();
    let padded = arm(&graph, &logs);
    assert_eq!((padded.distinct()[&weights].n, padded.replicas().len()), (4, 5));
    assert_eq!(padded.identical(), [vec![Replica::Seed(0), Replica::Seed(4)]]);
    assert!(graph.is_same(copy, treated[0]));
}

#[test]
fn l13_one_set_of_weights_in_both_arms_is_told() {
    let Experiment { book, treated, treated_logs, plain_logs, .. } = experiment(2);
    let graph = book.graph();
    let (first, second) = (arm(&graph, &treated_logs), arm(&graph, &plain_logs));
    assert_eq!(Difference::between(&first, &second).same_weights, []);
    let both: Vec<_> = plain_logs.iter().chain(&treated_logs[..1]).copied().collect();
    let second = arm(&graph, &both);
    assert_eq!(Difference::between(&first, &second).same_weights, [treated[0]]);
}
