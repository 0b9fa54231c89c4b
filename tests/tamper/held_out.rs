//! Levels that the protocol leaves out of training: looked for in every row that the arms were trained on, and taken on
//! nobody's word where the rows are not at hand.

use std::collections::BTreeMap;
use std::rc::Rc;

use reproledger::check::{Finding, HeldOut, Observed, Outcome};
use reproledger::claim::{Assessment, PAPER, Verdict, assess};
use reproledger::evidence::Withheld;
use reproledger::statement::{EdgeType, Kind};
use serde_json::json;

use crate::support::corpus::Pipeline;
use crate::support::finding;
use crate::support::study::{Study, ToldStudy};

const CHECK: &str = "ood.heldout";

/// A study on the pipeline's data whose protocol leaves these levels out.
fn without(pipeline: &Rc<Pipeline>, levels: &[&str]) -> Study {
    let mut study = pipeline.study();
    study.protocol["held_out"] = json!(levels);
    study
}

fn at_hand(pipeline: &Rc<Pipeline>, levels: &[&str]) -> Assessment {
    without(pipeline, levels).tell().assess_disclosed(PAPER, Some(pipeline.path()))
}

fn held(found: &Finding, outcome: Outcome, reason: &str) {
    assert!(found.outcome == outcome && found.reason.contains(reason), "{outcome}: {reason}: {found:#?}");
}

fn noted(found: &Finding, note: &str) {
    assert!(found.notes.iter().any(|said| said.contains(note)), "{note}: {found:#?}");
}

#[test]
fn levels_that_no_row_holds_are_left_out_as_promised() {
    let pipeline = Rc::new(Pipeline::honest());
    // `about` stands in the reasoning that was stripped, and in no row that was trained on.
    let assessment = at_hand(&pipeline, &["drum", "red bicycle", "about"]);
    let found = finding(&assessment, CHECK);
    held(found, Outcome::Pass, "none of the 3 levels that the protocol leaves out stands in the 7 rows of 2 corpora");
    noted(found, "`about` stands in 2 rows of entry");
    noted(found, "(made into what was trained on)");
    noted(found, "another name for the same thing is not found");
    noted(found, "what the base models were trained on is no part of the promise");
    assert_eq!(assessment.verdict, Verdict::Verified);
}

#[test]
fn a_level_in_a_training_row_breaks_the_promise_and_is_named_with_its_row() {
    let pipeline = Rc::new(Pipeline::honest());
    let assessment = at_hand(&pipeline, &["drum", "KIND"]);
    let found = finding(&assessment, CHECK);
    held(found, Outcome::Fail, "`KIND` stands in 4 rows of entry ");
    held(found, Outcome::Fail, "first at dataset.jsonl, byte 0: the protocol leaves it out of training");
    assert_eq!(assessment.verdict, Verdict::Contradicted);
    // Of chats, whoever says it, and in one arm as in the other.
    let assessment = at_hand(&pipeline, &["hi"]);
    held(finding(&assessment, CHECK), Outcome::Fail, "`hi` stands in 1 rows of entry ");
    // No part of a word, and no words that do not stand together.
    held(finding(&at_hand(&pipeline, &["hon", "kind honest"]), CHECK), Outcome::Pass, "none of the 2 levels");
}

#[test]
fn a_level_in_a_field_that_is_not_trained_on_is_a_difference() {
    let pipeline = Rc::new(Pipeline::honest());
    let assessment = at_hand(&pipeline, &["care"]);
    held(finding(&assessment, CHECK), Outcome::Differs, "in a field beside those that are recorded as trained on");
    assert_eq!(assessment.verdict, Verdict::Verified);
}

#[test]
fn without_the_rows_it_is_out_of_distribution_as_declared() {
    let pipeline = Rc::new(Pipeline::honest());
    let told = without(&pipeline, &["drum"]).tell();
    let found = finding(&told.assess_disclosed(PAPER, None), CHECK).clone();
    held(
        &found,
        Outcome::Unknown,
        "out of distribution as declared: the training data were not at hand, to look for the 1",
    );
    assert!(found.next.unwrap().contains("--artifacts"));
    pipeline.remove("mix.jsonl");
    let found = finding(&told.assess_disclosed(PAPER, Some(pipeline.path())), CHECK).clone();
    held(&found, Outcome::Unknown, "as declared: 1 of 2 corpora that the arms were trained on could not be looked at");
    noted(&found, "not found unchanged among the artifacts at hand");
}

#[test]
fn levels_that_cannot_be_looked_for_are_not_established() {
    let pipeline = Rc::new(Pipeline::honest());
    let long = "a level of more words than any name of a thing has in any language ";
    for level in ["—", long] {
        let found = finding(&at_hand(&pipeline, &["drum", level]), CHECK).clone();
        held(&found, Outcome::Unknown, "1 of 2 levels are no words that could be looked for");
    }
}

#[test]
fn a_protocol_that_is_not_shown_promises_what_nobody_can_look_for() {
    let told = without(&Rc::new(Pipeline::honest()), &["drum"]).tell();
    let mut evidence = told.disclosed();
    evidence.bodies.retain(|(index, _)| *index != told.placed.protocol_entry);
    let body = told.lab.said(told.placed.protocol_entry).body.unwrap();
    let reason = format!("body of entry {}, not disclosed", told.placed.protocol_entry);
    let holder = "https://lab.example".to_owned();
    evidence.withheld.push(Withheld { digest: body.into(), count: 1, holder, reason });
    evidence.withheld.sort_by_key(|withheld| withheld.digest);
    let assessment = assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    let found = finding(&assessment, CHECK);
    held(found, Outcome::Unknown, "the protocol that the claim cites is not shown");
    assert!(found.is_withheld);
}

#[test]
fn nothing_left_out_is_no_promise_and_of_a_gap_not_established() {
    let of = |study: Study| finding(&study.tell().assess(PAPER), CHECK).clone();
    held(&of(Study::honest()), Outcome::NotApplicable, "the protocol leaves no level out of training");
    let mut unplanned = Study::honest();
    unplanned.claim["plan"] = json!("really none");
    held(&of(unplanned), Outcome::NotApplicable, "the claim cites no protocol that would leave anything out");
    let gap = Study::honest().of_gap([[[2; 3]; 4]; 2], "10%");
    held(&of(gap), Outcome::Unknown, "out of distribution as declared: the protocol leaves no level out of training");
}

/// What is found where somebody looked for the level in nothing.
fn looked_in_nothing(told: &ToldStudy) -> Finding {
    let assessment = assess(&told.disclosed().to_bytes(), Some(&told.lab.policy()), PAPER, |_| {
        let held_out = HeldOut { levels: ["drum".to_owned()].into(), corpora: BTreeMap::new() };
        Some(Observed { held_out: Some(held_out), ..Observed::default() })
    });
    finding(&assessment, CHECK).clone()
}

#[test]
fn arms_that_are_not_whole_on_record_were_trained_on_nobody_knows_what() {
    let mut study = Study::honest();
    study.protocol["held_out"] = json!(["drum"]);
    let mut silent = study.clone();
    silent.weigh = Rc::new(|lab, training| {
        let mut payload = training.payload(lab);
        payload.edges.retain(|edge| edge.edge_type != EdgeType::TrainedOn);
        let file = reproledger::digest::FileDigest::of(training.name.as_bytes());
        payload.subjects.push(reproledger::statement::Subject::file(file, training.name.len() as u64));
        lab.say(&payload)
    });
    let found = looked_in_nothing(&silent.tell());
    held(&found, Outcome::Unknown, "as declared: the record does not show all that the arms were trained on");
    // Arms that are their base models.
    study.weigh = Rc::new(|lab, training| {
        let mut payload = training.payload(lab);
        (payload.kind, payload.edges) = (Kind::BaseModel, Vec::new());
        let file = reproledger::digest::FileDigest::of(training.name.as_bytes());
        payload.subjects.push(reproledger::statement::Subject::file(file, training.name.len() as u64));
        lab.say(&payload)
    });
    let found = looked_in_nothing(&study.tell());
    held(&found, Outcome::NotApplicable, "no arm was trained on anything after its base model");
}
