//! What a number means beside what it is: gaps, many tests, conditions that a mean hides, and figures known beforehand.

use reproledger::check::Outcome;
use reproledger::claim::{NUMBER, PAPER, Profile, VENDOR_AUDIT, Verdict};
use reproledger::statement::{Body, Kind};
use serde_json::json;

use super::decided;
use crate::support::study::{Rollout, Study, register, sampled};
use crate::support::{Story, finding, sample};

/// In distribution the subject is a little better than the comparator.
const INSIDE: [[[u64; 3]; 4]; 2] =
    [[[1, 1, 1], [1, 2, 0], [0, 1, 3], [2, 1, 1]], [[2, 1, 3], [2, 2, 2], [1, 3, 2], [3, 2, 2]]];

/// An outcome with its sentence.
fn found(study: Study, check: &str, profile: Profile) -> (Outcome, String) {
    let assessment = study.tell().assess(profile);
    let found = finding(&assessment, check);
    (found.outcome, found.reason.clone())
}

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

/// A study that asserts of its contrast, with the interval for new seeds.
fn asserting(bound: &str) -> Study {
    let mut study = Study::honest();
    let by = json!({"target": "seeds", "method": "welch", "level": "95%", "sides": "one"});
    let assertion = json!({"terms": [{"of": "contrast", "is": "at-most", "bound": bound, "by": by}]});
    study.claim["assertion"] = assertion.clone();
    study.protocol["assertion"] = assertion;
    study
}

#[test]
fn the_one_contrast_that_decides_shares_its_rate_with_nobody() {
    let assessment = asserting("-39%").tell().assess(VENDOR_AUDIT);
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Pass, "{shared:?}");
    let words = "primary contrast: 1 tests and 1 looks share 5% by bonferroni: 5% for each, at least";
    assert!(shared.notes.iter().any(|note| note == words), "{shared:?}");
    let (outcome, _) = found(Study::honest(), "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::NotApplicable);
    let mut study = asserting("-39%");
    study.claim["plan"] = json!("really none");
    let (outcome, reason) = found(study, "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown);
    assert!(reason.starts_with("exploratory: no protocol names the tests"), "{reason}");
}

/// The contrast among twenty of a family, by a correction.
fn among_twenty(bound: &str, correction: &str) -> Study {
    let mut study = asserting(bound);
    let contrast = study.protocol["primary"].clone();
    let ratio = json!({"kind": "ratio", "subject": contrast["subject"], "comparator": contrast["comparator"],
        "others": [], "pairing": "none", "interval": "none"});
    let mut contrasts = vec![ratio.clone(); 19];
    contrasts.push(contrast);
    study.protocol["families"] = json!([{"name": "am", "correction": correction, "contrasts": contrasts}]);
    study.protocol["primary"] = ratio;
    study
}

#[test]
fn e18_one_of_twenty_tests_is_judged_by_its_share() {
    // At 5% the upper bound is -.3991, at a twentieth of it -.2835.
    let (outcome, reason) = found(among_twenty("-28%", "bonferroni"), "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    assert!(reason.contains("at the adjusted 99.75% the interval is"), "{reason}");
    let (outcome, reason) = found(among_twenty("-39%", "bonferroni"), "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.contains("cannot be decided at this n"), "{reason}");
    // By Holm it may hold, if most of the others do.
    let (outcome, reason) = found(among_twenty("-39%", "holm"), "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.contains("depends on the other tests of its family"), "{reason}");
    let (outcome, reason) = found(among_twenty("-30%", "uncorrected"), "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown);
    assert!(reason.contains("none of it is confirmatory"), "{reason}");
}

#[test]
fn e18_every_look_that_the_ledger_shows_shares_the_rate() {
    let mut study = asserting("-39%");
    study.before = |lab, placed| {
        for number in 0..20 {
            let mut other = Study::honest().protocol;
            other["protocol_id"] = json!(format!("other-{number}"));
            register(lab, &other, placed.suite_digest);
        }
    };
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Unknown, "{shared:?}");
    assert!(shared.notes.iter().any(|note| note.contains("1 tests and 21 looks share 5%")), "{shared:?}");
    let mut study = asserting("-39%");
    study.after = |lab, placed| {
        for _ in 0..20 {
            let mut payload = lab.payload(Kind::Claim);
            payload.edges = placed.logs.values().map(|log| lab.supports(*log)).collect();
            payload.edges.sort();
            let body = Body { name: Some(format!("claim at {}", payload.seq)), ..Body::default() };
            lab.seal(&mut payload, &body);
            lab.say(&payload);
        }
    };
    // Twenty-one claims on the logs where one was promised.
    let (outcome, _) = found(study, "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown);
}

#[test]
fn e17_a_comparison_chosen_after_the_results_is_exploratory() {
    let mut study = asserting("-39%");
    study.claim["contrast"]["kind"] = json!("relative-reduction");
    study.printed.insert("contrast", "0.8837".to_owned());
    let assessment = study.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "claim.prereg");
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Unknown);
    assert_eq!(shared.reason, "exploratory: the claim's contrast is none that was promised");
}

#[test]
fn a_condition_that_the_mean_hides_is_said_on_one_screen() {
    let mut study = Study::honest();
    study.rollouts = sampled([
        [[0, 0, 12], [1, 0, 13], [0, 1, 11], [0, 0, 12]],
        [[11, 9, 12], [10, 12, 9], [12, 11, 13], [9, 10, 11]],
    ]);
    let assessment = study.tell().assess(PAPER);
    let said = &finding(&assessment, "stat.aggregation").warnings;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("msm+aft: the mean of 0.2083 hides `sabotage` with 0.6000: "), "{said:?}");
    let screen = reproledger::report::to_text(&assessment, reproledger::report::Detail::Screen);
    assert!(screen.contains("note well"), "{screen}");
    let notes = &finding(&assessment, "stat.aggregation").notes;
    assert!(notes.iter().any(|note| note.contains("no condition lies below 0.0001 or above 0.7")), "{notes:?}");
    // Conditions that lie together are not warned of.
    let honest = Study::honest().tell().assess(PAPER);
    assert!(finding(&honest, "stat.aggregation").warnings.is_empty());
}

/// Four seeds of a thousand rollouts: .04, .08, .08, .08, so that the rate is .07 and the seeds' deviation .02.
fn known(bound: &str, sides: &str) -> Study {
    let mut study = Study::honest();
    let mut rollouts = Vec::new();
    for (arm, hits) in [[40, 80, 80, 80], [510, 540, 560, 550]].into_iter().enumerate() {
        for (seed, hits) in (0_u64..).zip(hits) {
            rollouts.extend((1..=1000_u64).map(|epoch| Rollout {
                arm,
                seed,
                condition: "leak",
                epoch,
                hit: (epoch * 7 + seed * 31 + arm as u64 * 101) % 1000 < hits,
            }));
        }
    }
    study.rollouts = rollouts;
    for place in [&mut study.claim, &mut study.protocol] {
        place["eval"]["conditions"] = json!(1);
        place["eval"]["repeats"] = json!(1000);
        let by = json!({"target": "seeds", "method": "t", "level": "95%", "sides": sides});
        place["assertion"] = json!({"terms": [{"of": "subject", "is": "at-most", "bound": bound, "by": by}]});
    }
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(4000);
    }
    study
}

#[test]
fn a_rate_of_seven_percent_over_four_seeds_is_bounded_where_it_is_known_to_be() {
    for (bound, sides, expected) in [
        ("10.2%", "two", Outcome::Pass),
        ("10.1%", "two", Outcome::Unknown),
        ("9.4%", "one", Outcome::Pass),
        ("9.3%", "one", Outcome::Unknown),
    ] {
        let (outcome, reason) = found(known(bound, sides), "stat.assertion", NUMBER);
        assert_eq!(outcome, expected, "{bound} {sides}: {reason}");
    }
}

#[test]
fn e24_none_of_thirty_is_bounded_at_eleven_percent_and_none_of_two_hundred_at_one_and_a_half() {
    for (n, bound, method, sides, expected) in [
        (30_i64, "11.36%", "wilson", "two", Outcome::Pass),
        (30, "11.35%", "wilson", "two", Outcome::Unknown),
        (30, "5%", "wilson", "two", Outcome::Unknown),
        (200, "1.5%", "clopper-pearson", "one", Outcome::Pass),
        (200, "1.4%", "clopper-pearson", "one", Outcome::Unknown),
    ] {
        let mut story = Story::new();
        let count = u64::try_from(n).unwrap();
        story.samples = (1..=n).map(|id| sample(id, 1, "0")).collect();
        story.facts.declared = Some((count, 1));
        (story.facts.total, story.facts.completed) = (Some(count), Some(count));
        story.facts.metrics.clear();
        let mut claim = serde_json::to_value(&story.claim).unwrap();
        let by = json!({"target": "checkpoints", "method": method, "level": "95%", "sides": sides});
        claim["assertion"] = json!({"terms": [{"of": "subject", "is": "at-most", "bound": bound, "by": by}]});
        claim["eval"]["samples"] = json!(n);
        claim["error"] = json!("none");
        claim["value"]["subject"] = json!({"rate": {"printed": "0%", "decimals": 0}, "n": n, "error": "none"});
        story.claim = serde_json::from_value(claim).unwrap();
        let assessment = story.tell().assess();
        let found = finding(&assessment, "stat.assertion");
        assert_eq!(found.outcome, expected, "{n} {bound}: {found:?}");
    }
}
