//! Recipes: each is met by an arm of its kind, and by no other.

use std::collections::BTreeSet;

use super::{Book, Experiment, arm, experiment};
use crate::lineage::{KindMatch, Must, Recipe};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// One log of each method, by the recipe's name.
fn methods() -> (Book, Vec<(&'static str, EntryIndex)>) {
    let Experiment { mut book, spec, base, corpus, alignment, mix, treated_logs, .. } = experiment(1);
    let mut train = |stage: &str, name: &str, from: &[EntryIndex], used: &[EntryIndex]| {
        let start = book.start(stage, &[from, used].concat());
        let weights = book.add(Kind::Checkpoint, name, from);
        book.end(start, &[weights]);
        weights
    };
    let msm = train("msm", "midtrained alone", &[base, corpus], &[]);
    let deliberative = train("sft", "deliberative", &[base, alignment], &[]);
    let sft = train("sft", "demonstrations", &[base, mix], &[]);
    let rlhf = train("ppo", "rlhf", &[sft, mix], &[]);
    let mut cut = |name: &str, weights: EntryIndex| book.add(Kind::EvalLog, name, &[weights]);
    let mut logs = vec![
        ("msm", cut("log msm", msm)),
        ("deliberative-alignment", cut("log deliberative", deliberative)),
        ("rlhf", cut("log rlhf", rlhf)),
        ("untouched", cut("log base", base)),
        ("msm+aft", treated_logs[0]),
    ];
    let chats = book.add(Kind::Dataset, "chats", &[]);
    let instruction = book.add(Kind::Checkpoint, "instruction", &[base, chats]);
    logs.push(("instruction-mix-only", book.add(Kind::EvalLog, "log instruction", &[instruction])));
    logs.push(("aft-only", book.add(Kind::EvalLog, "log aft", &[instruction])));
    let revised = book.add(Kind::Dataset, "revised answers", &[base, spec]);
    let critic = book.add(Kind::Checkpoint, "sl-cai", &[base, revised]);
    let judged = book.add(Kind::Dataset, "preferences", &[critic, spec]);
    let start = book.start("rl-cai", &[critic, judged]);
    let cai = book.add(Kind::Checkpoint, "cai", &[critic, judged]);
    book.end(start, &[cai]);
    logs.push(("constitutional-ai", book.add(Kind::EvalLog, "log cai", &[cai])));
    (book, logs)
}

#[test]
fn every_recipe_that_ships_is_read_and_has_ids_and_reasons_of_its_own() {
    let mut names = BTreeSet::new();
    for recipe in Recipe::all() {
        for name in recipe.also.iter().chain([&recipe.name]) {
            assert!(names.insert(name), "`{name}` names two recipes");
            assert_eq!(Recipe::find(name), Some(recipe));
        }
        let ids = recipe.requires.iter().map(|one| &one.id).chain(recipe.forbids.iter().map(|one| &one.id));
        let mut seen = BTreeSet::from(["path"]);
        ids.for_each(|id| assert!(seen.insert(id), "{}: `{id}` twice", recipe.name));
        for (check, reason) in &recipe.not_applicable {
            assert!(
                check.split_once('.').is_some_and(|(family, name)| !family.is_empty() && !name.is_empty()),
                "{check}"
            );
            assert!(!reason.is_empty());
            assert_eq!(recipe.not_applicable(check), Some(reason.as_str()));
        }
        // An arm of any name begins somewhere.
        assert!(recipe.requires.iter().any(|one| matches!(one.must, Must::Base | Must::Untrained)), "{}", recipe.name);
    }
    assert_eq!(
        Recipe::names(),
        [
            "msm",
            "msm+aft",
            "aft-only",
            "deliberative-alignment",
            "rlhf",
            "constitutional-ai",
            "instruction-mix-only",
            "untouched"
        ]
    );
}

#[test]
fn every_method_meets_its_own_recipe() {
    let (book, logs) = methods();
    let graph = book.graph();
    assert_eq!(logs.len(), Recipe::all().len());
    for (name, log) in logs {
        let held = Recipe::find(name).unwrap().hold(&arm(&graph, &[log]));
        assert_eq!(held.answer().name(), "met", "{name}: {held:#?}");
    }
}

#[test]
fn no_method_passes_for_one_that_it_contradicts() {
    let (book, logs) = methods();
    let graph = book.graph();
    let of = |name: &str| logs.iter().find(|(other, _)| *other == name).unwrap().1;
    for (method, recipe, id) in [
        ("aft-only", "msm", "midtraining"),
        ("aft-only", "msm+aft", "midtraining"),
        ("untouched", "msm+aft", "midtraining"),
        ("msm", "msm+aft", "alignment"),
        ("msm+aft", "msm", "no-alignment-data"),
        ("msm+aft", "aft-only", "documents"),
        ("msm+aft", "deliberative-alignment", "only-alignment"),
        ("msm", "rlhf", "documents"),
        ("deliberative-alignment", "instruction-mix-only", "spec"),
        ("deliberative-alignment", "rlhf", "preference"),
        ("constitutional-ai", "instruction-mix-only", "spec"),
        ("instruction-mix-only", "untouched", "untrained"),
        ("untouched", "aft-only", "alignment"),
    ] {
        let held = Recipe::find(recipe).unwrap().hold(&arm(&graph, &[of(method)]));
        assert_eq!(held.answer().name(), "contradicted", "{method} as {recipe}");
        let matched = held.matched.iter().find(|matched| matched.id == id).unwrap();
        assert_eq!(matched.answer.name(), "contradicted", "{method} as {recipe}, {id}: {held:#?}");
        assert!(!matched.answer.by().is_empty() && matched.answer.reason().is_some());
    }
}

#[test]
fn what_is_not_recorded_is_not_shown_and_does_not_contradict() {
    let (book, logs) = methods();
    let graph = book.graph();
    let of = |name: &str| logs.iter().find(|(other, _)| *other == name).unwrap().1;
    // Nobody said what the chats were made from, and nobody named the run.
    for (recipe, id) in
        [("deliberative-alignment", "spec-data"), ("rlhf", "preference"), ("constitutional-ai", "revisions")]
    {
        let held = Recipe::find(recipe).unwrap().hold(&arm(&graph, &[of("instruction-mix-only")]));
        let matched = held.matched.iter().find(|matched| matched.id == id).unwrap();
        assert_eq!(matched.answer.name(), "not shown", "{recipe}: {held:#?}");
    }
}

#[test]
fn alignment_before_midtraining_is_another_order() {
    let mut book = Book::default();
    let spec = book.add(Kind::Spec, "spec", &[]);
    let documents = book.add(Kind::Documents, "documents", &[spec]);
    let (base, chats) = (book.add(Kind::BaseModel, "base", &[]), book.add(Kind::Dataset, "chats", &[]));
    let aligned = book.add(Kind::Checkpoint, "aligned", &[base, chats]);
    let last = book.add(Kind::Checkpoint, "midtrained", &[aligned, documents]);
    let log = book.add(Kind::EvalLog, "log", &[last]);
    let graph = book.graph();
    let held = Recipe::find("msm+aft").unwrap().hold(&arm(&graph, &[log]));
    let matched = held.matched.iter().find(|matched| matched.id == "alignment").unwrap();
    let reason = format!("the alignment training of #{last} does not come after the step before it");
    assert_eq!((matched.answer.reason(), matched.answer.by()), (Some(reason.as_str()), &[aligned][..]));
}

#[test]
fn documents_that_name_no_spec_are_not_shown_to_be_of_one() {
    let mut book = Book::default();
    let documents = book.add(Kind::Documents, "documents", &[]);
    let base = book.add(Kind::BaseModel, "base", &[]);
    let weights = book.add(Kind::Checkpoint, "weights", &[base, documents]);
    let log = book.add(Kind::EvalLog, "log", &[weights]);
    let graph = book.graph();
    let held = Recipe::find("msm").unwrap().hold(&arm(&graph, &[log]));
    let names: Vec<_> = held.matched.iter().map(|matched| (matched.id, matched.answer.name())).collect();
    assert_eq!(
        names,
        [
            ("path", "met"),
            ("base", "met"),
            ("midtraining", "not shown"),
            ("documents", "not shown"),
            ("rendering", "met"),
            ("no-alignment-data", "met")
        ]
    );
    assert_eq!(held.answer().name(), "not shown");
}

#[test]
fn a_name_without_a_recipe_is_unknown_with_the_names_that_have_one() {
    let (book, logs) = methods();
    let graph = book.graph();
    let arm = arm(&graph, &[logs[0].1]);
    assert_eq!(KindMatch::of(&arm, None), KindMatch::Unnamed);
    assert_eq!(KindMatch::of(&arm, Some("baseline")), KindMatch::Unknown { known: Recipe::names() });
    assert!(matches!(KindMatch::of(&arm, Some("msm-only")), KindMatch::Recipe(held) if held.recipe.name == "msm"));
}

#[test]
fn an_arm_of_nothing_meets_nothing() {
    let book = Book::default();
    let graph = book.graph();
    for recipe in Recipe::all() {
        assert_eq!(recipe.hold(&arm(&graph, &[])).answer().name(), "not shown", "{}", recipe.name);
    }
}
