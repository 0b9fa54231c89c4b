//! The generalization gap of two arms: what makes a smaller one an improvement, and what makes it none.

use reproledger::check::Outcome;
use reproledger::claim::{PAPER, Verdict};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{EdgeType, Kind};
use serde_json::json;

use super::super::decided;
use super::{INSIDE, found, logs_by_side};
use crate::support::study::{Study, sampled};
use crate::support::{Lab, finding};

#[test]
fn a_gap_that_shrinks_because_the_subject_generalizes_holds_with_its_four_rates() {
    let assessment = Study::honest().of_gap(INSIDE, "5%").tell().assess(PAPER);
    let gap = finding(&assessment, "stat.gap");
    assert_eq!(gap.outcome, Outcome::Pass, "{gap:?}");
    assert!(gap.reason.contains("(as declared)"), "{gap:?}");
    assert_eq!(
        gap.found.as_deref(),
        Some("aligned in / out of distribution: subject 0.9417 / 0.9375, comparator 0.8958 / 0.4625")
    );
    assert!(gap.notes.iter().any(|note| note.starts_with("the gap shrinks by 0.4292 in points and by ")), "{gap:?}");
    assert_eq!(assessment.verdict, Verdict::Verified, "{:#?}", assessment.findings);
    // It is said on one screen.
    let screen = reproledger::report::to_text(&assessment, reproledger::report::Detail::Screen);
    assert!(screen.contains("subject 0.9417 / 0.9375"), "{screen}");
}

#[test]
fn a_gap_closed_by_a_worse_score_in_distribution_is_contradicted() {
    // No better outside, and as bad inside.
    let mut study = Study::honest();
    study.rollouts = sampled([
        [[11, 10, 13], [10, 12, 11], [12, 11, 13], [10, 11, 11]],
        [[11, 9, 12], [10, 12, 9], [12, 11, 13], [9, 10, 11]],
    ]);
    let mut inside = INSIDE;
    inside[0] = [[10, 11, 11], [10, 12, 11], [12, 11, 12], [10, 11, 10]];
    let assessment = study.of_gap(inside, "5%").tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "stat.gap");
    let reason = &finding(&assessment, "stat.gap").reason;
    assert!(reason.contains("closed by a worse score in distribution: out of distribution the subject is no better"));
    // Better outside, and worse inside by more than was allowed for.
    let assessment = Study::honest().of_gap(inside, "5%").tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "stat.gap");
    let reason = &finding(&assessment, "stat.gap").reason;
    assert!(reason.contains("closed by a worse score in distribution, by more than the margin of 0.0500"), "{reason}");
}

#[test]
fn a_gap_whose_parts_the_seeds_do_not_decide_or_nobody_fixed_is_not_established() {
    let (outcome, reason) = found(Study::honest().of_gap(INSIDE, "none"), "stat.gap", PAPER);
    assert_eq!(outcome, Outcome::Unknown);
    assert!(reason.contains("no protocol fixed by how much"), "{reason}");
    let mut inside = INSIDE;
    inside[0] = [[2, 1, 1], [6, 2, 3], [0, 1, 3], [2, 4, 1]];
    let (outcome, reason) = found(Study::honest().of_gap(inside, "1%"), "stat.gap", PAPER);
    assert_eq!(outcome, Outcome::Unknown);
    assert_eq!(reason, "cannot be decided at this n: a score in distribution that is no worse");
    // A claim that does not say a smaller gap says no improvement.
    let mut study = Study::honest();
    study.rollouts.iter_mut().for_each(|rollout| rollout.arm = 1 - rollout.arm);
    let (outcome, reason) = found(study.of_gap(INSIDE, "none"), "stat.gap", PAPER);
    assert_eq!((outcome, reason.as_str()), (Outcome::Pass, "the claim states no smaller gap, and so no improvement"));
}

#[test]
fn a_gap_between_two_judges_or_of_two_checkpoints_is_none() {
    let mut study = Study::honest().of_gap(INSIDE, "5%");
    study.inside_judge = Some("judge-2");
    let (outcome, reason) = found(study, "stat.gap", PAPER);
    assert_eq!(outcome, Outcome::Fail);
    assert!(reason.contains("between two judges there is no gap"), "{reason}");
    let mut study = Study::honest().of_gap(INSIDE, "5%");
    study.inside_weights = |arm, seed| (arm, seed ^ 1);
    let (outcome, reason) = found(study, "stat.gap", PAPER);
    assert_eq!(outcome, Outcome::Fail);
    assert!(reason.contains("a gap is that of one checkpoint"), "{reason}");
}

#[test]
fn a_gap_that_shrinks_on_one_scale_only_is_a_difference_and_its_ceilings_are_said() {
    let mut study = Study::honest();
    study.rollouts = sampled([
        [[3, 3, 3], [4, 3, 3], [3, 2, 3], [3, 3, 3]],
        [[15, 15, 15], [14, 15, 15], [15, 16, 15], [15, 15, 15]],
    ]);
    let inside = [[[0, 0, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0]], [[5, 5, 5], [6, 5, 5], [5, 4, 5], [5, 5, 5]]];
    let assessment = study.of_gap(inside, "5%").tell().assess(PAPER);
    let gap = finding(&assessment, "stat.gap");
    assert_eq!(gap.outcome, Outcome::Differs, "{gap:?}");
    assert!(gap.reason.contains("larger on the logit scale"), "{gap:?}");
    assert!(gap.warnings.iter().any(|said| said.starts_with("the subject in distribution is at a ceiling")), "{gap:?}");
}

#[test]
fn a_gap_that_nobody_said_how_sure_to_be_of_is_not_judged() {
    let mut study = Study::honest().of_gap(INSIDE, "5%");
    study.claim["plan"] = json!("really none");
    let (outcome, reason) = found(study, "stat.gap", PAPER);
    let nobody = "neither an interval nor a protocol says how sure the gap's parts have to be";
    assert_eq!((outcome, reason.as_str()), (Outcome::Unknown, nobody));
    let (outcome, reason) = found(Study::honest(), "stat.gap", PAPER);
    let other = "the claim is not about a generalization gap";
    assert_eq!((outcome, reason.as_str()), (Outcome::NotApplicable, other));
}

/// Hits of the honest study with its arms exchanged: the subject is the one that does harm.
const EXCHANGED: [[[u64; 3]; 4]; 2] =
    [[[11, 9, 12], [10, 12, 9], [12, 11, 13], [9, 10, 11]], [[1, 2, 0], [2, 1, 1], [0, 3, 1], [1, 1, 2]]];

#[test]
fn a_smaller_gap_that_the_seeds_refute_is_contradicted() {
    // In distribution both are alike, out of it the subject is the worse one.
    let mut study = Study::honest();
    study.rollouts = sampled(EXCHANGED);
    let mut study = study.of_gap(INSIDE, "5%");
    study.printed.insert("contrast", "0.1000".to_owned());
    let (outcome, reason) = found(study, "stat.gap", PAPER);
    assert_eq!((outcome, reason.as_str()), (Outcome::Fail, "the seeds refute that the gap is smaller"));
    // In distribution it is as much worse, so that the gaps are about alike.
    let mut inside = EXCHANGED;
    inside[0] = [[10, 9, 11], [11, 11, 9], [11, 11, 13], [9, 10, 10]];
    let mut study = Study::honest();
    study.rollouts = sampled(EXCHANGED);
    let mut study = study.of_gap(inside, "none");
    study.printed.insert("contrast", "0.0100".to_owned());
    let assessment = study.tell().assess(PAPER);
    let gap = finding(&assessment, "stat.gap");
    assert_eq!(
        (gap.outcome, gap.reason.as_str()),
        (Outcome::Fail, "the seeds refute a better score out of distribution")
    );
    let differences = "subject less comparator: out of distribution -0.4750, in distribution -0.4583";
    assert!(gap.notes.iter().any(|note| note == differences), "{gap:?}");
}

#[test]
fn rates_at_the_ends_of_their_scale_and_levels_left_out_of_training_are_said() {
    let mut study = Study::honest();
    study.rollouts = sampled([[[20; 3]; 4], [[20, 20, 19]; 4]]);
    study.protocol["held_out"] = json!(["drum", "kite"]);
    let assessment = study.of_gap([[[0; 3]; 4], [[0, 0, 1]; 4]], "5%").tell().assess(PAPER);
    let gap = finding(&assessment, "stat.gap");
    assert_eq!(
        gap.warnings,
        [
            "the subject in distribution is at a ceiling, above 95% (1.0000): a gap beside it says little",
            "the subject out of distribution is at a floor, below 5% (0.0000): a gap beside it says little",
            "the comparator in distribution is at a ceiling, above 95% (0.9833): a gap beside it says little",
            "the comparator out of distribution is at a floor, below 5% (0.0167): a gap beside it says little",
        ]
    );
    assert_eq!(gap.outcome, Outcome::Pass, "{gap:?}");
    let levels = "the protocol names 2 levels that training leaves out; whether training rows have them is what \
                  ood.heldout looks for";
    assert!(gap.notes.iter().any(|note| note == levels), "{gap:?}");
}

/// What is said of a gap whose logs of one side have their links changed.
fn relinked(change: fn(&mut Lab, EntryIndex)) -> (Outcome, String) {
    thread_local! {
        static CHANGE: std::cell::Cell<fn(&mut Lab, EntryIndex)> = const { std::cell::Cell::new(|_, _| {}) };
    }
    CHANGE.set(change);
    let mut study = Study::honest().of_gap(INSIDE, "5%");
    study.before = |lab, _| {
        lab.file(Kind::JudgeConfig, b"a prompt", &[]);
    };
    study.after = |lab, placed| {
        for log in logs_by_side(lab, placed).1 {
            CHANGE.get()(lab, log);
        }
    };
    found(study, "stat.gap", PAPER)
}

#[test]
fn a_gap_whose_logs_do_not_say_what_was_evaluated_and_who_judged_is_not_known_to_be_one() {
    let (outcome, reason) = relinked(|lab, log| {
        let mut payload = lab.said(log);
        payload.edges.retain(|edge| edge.edge_type != EdgeType::Evaluates);
        payload.checkpoint = None;
        lab.resay(log, &payload);
    });
    let weights = "not every log says which weights it evaluated: a gap is that of one checkpoint";
    assert_eq!((outcome, reason.as_str()), (Outcome::Unknown, weights));
    let (outcome, reason) = relinked(|lab, log| {
        let mut payload = lab.said(log);
        let is_judge = |index: &EntryIndex| lab.said(*index).kind == Kind::JudgeConfig;
        let judge = (1..log.0).map(EntryIndex).find(is_judge).unwrap();
        payload.edges.push(lab.link(EdgeType::JudgedBy, judge));
        payload.edges.sort();
        lab.resay(log, &payload);
    });
    let judge = "a judge's configuration is recorded on one side of the gap only";
    assert_eq!((outcome, reason.as_str()), (Outcome::Unknown, judge));
}
