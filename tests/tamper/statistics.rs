//! What a number means beside what it is: gaps, many tests, conditions that a mean hides, and figures known beforehand.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reproledger::artifact::samples::{LogFacts, SampleRecord, Score, samples_manifest};
use reproledger::check::{Finding, Outcome};
use reproledger::claim::{NUMBER, PAPER, Profile, VENDOR_AUDIT, Verdict};
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Kind, Subject};
use serde_json::json;

use super::decided;
use crate::support::study::{ARMS, Placed, Rollout, Study, register, sampled};
use crate::support::{Lab, Story, finding, sample};

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
    let words = "primary contrast: 1 test and 1 look share 5% by bonferroni: 5% for each, at least";
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
    assert!(shared.notes.iter().any(|note| note.contains("1 test and 21 looks share 5%")), "{shared:?}");
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

#[test]
fn an_interval_for_new_conditions_is_explored_and_decides_nothing() {
    let with = |conditions: [&'static str; 3]| {
        let mut study = asserting("-10%");
        for place in [&mut study.claim, &mut study.protocol] {
            place["assertion"]["terms"][0]["by"] =
                json!({"target": "conditions", "method": "welch", "level": "95%", "sides": "two"});
            place["eval"]["conditions"] = json!(4);
        }
        // Two actions, each for two goals.
        let mut rollouts = std::mem::take(&mut study.rollouts);
        let fourth: Vec<Rollout> = rollouts.iter().filter(|of| of.condition == "leak").cloned().collect();
        for rollout in &mut rollouts {
            let at = ["exfiltrate", "leak", "sabotage"].iter().position(|name| *name == rollout.condition).unwrap();
            rollout.condition = conditions[at];
        }
        rollouts.extend(fourth.into_iter().map(|of| Rollout { condition: "murder/global", ..of }));
        study.rollouts = rollouts;
        for arm in ["subject", "comparator"] {
            study.claim["value"][arm]["n"] = json!(320);
        }
        found(study, "stat.assertion", PAPER)
    };
    let (outcome, reason) = with(["leak/america", "leak/global", "murder/america"]);
    assert_eq!(outcome, Outcome::Unknown);
    assert!(reason.contains("as 2 clusters, drawn for all arms together, it would be "), "{reason}");
    // Nothing tells which conditions belong together: nothing is explored.
    let (outcome, reason) = with(["leak", "espionage", "sabotage"]);
    assert_eq!(outcome, Outcome::Unknown);
    assert!(reason.ends_with("nothing says which of them belong together"), "{reason}");
}

#[test]
fn three_seeds_against_three_cannot_decide_at_five_percent_whatever_they_show() {
    let mut study = asserting("-30%");
    study.rollouts.retain(|rollout| rollout.seed < 3);
    let note = |study: Study, seeds: u64| {
        let mut study = study;
        for pointer in ["/seeds/used", "/seeds/planned"] {
            *study.claim.pointer_mut(pointer).unwrap() = json!(seeds);
        }
        for arm in ["subject", "comparator"] {
            study.claim["value"][arm]["n"] = json!(60 * seeds);
        }
        let assessment = study.tell().assess(PAPER);
        let notes = finding(&assessment, "stat.contrast").notes.clone();
        notes.into_iter().find(|note| note.starts_with("exact permutation")).unwrap()
    };
    let said = note(study, 3);
    let smallest = "the smallest that 3 against 3 seeds can give is 0.100; at 0.050 it cannot be decided at this n";
    assert!(said.ends_with(smallest), "{said}");
    let said = note(asserting("-30%"), 4);
    assert!(said.ends_with("the smallest that 4 against 4 seeds can give is 0.029"), "{said}");
    // In pairs four seeds have 16 signs.
    let mut study = asserting("-30%");
    study.claim["contrast"]["pairing"] = json!("seed");
    let said = note(study, 4);
    assert!(said.ends_with("4 pairs of seeds can give is 0.125; at 0.050 it cannot be decided at this n"), "{said}");
}

#[test]
fn rows_that_are_missing_and_could_turn_the_difference_are_said_on_one_screen() {
    let mut study = Study::honest();
    for place in [&mut study.claim, &mut study.protocol] {
        place["denominator"] = json!("n_scored");
    }
    // All of one condition of the subject but a few.
    study.rollouts.retain(|rollout| rollout.arm == 1 || rollout.epoch > 12);
    study.claim["value"]["subject"]["n"] = json!(96);
    let assessment = study.tell().assess(PAPER);
    let said = &finding(&assessment, "stat.denominator").warnings;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("with the missing rows at their worst in each arm, subject minus comparator lies"));
    assert!(finding(&Study::honest().tell().assess(PAPER), "stat.denominator").warnings.is_empty());
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

/// A study that promised a tolerance, prints its subject's rate as `printed`, and asserts of it what may or may not hold.
fn tolerating(tolerance: &str, printed: &str, bound: &str) -> Study {
    let mut study = Study::honest();
    let by = json!({"target": "seeds", "method": "t", "level": "95%", "sides": "one"});
    let assertion = json!({"terms": [{"of": "subject", "is": "at-most", "bound": bound, "by": by}]});
    study.claim["assertion"] = assertion.clone();
    study.protocol["assertion"] = assertion;
    study.protocol["margins"]["tolerance"] = json!(tolerance);
    study.printed.insert("subject", printed.to_owned());
    study
}

#[test]
fn a_number_that_is_off_is_tolerated_within_a_promised_margin_while_the_assertion_holds() {
    // The rate is .0625.
    let assessment = tolerating("0.5%", "0.0600", "12%").tell().assess(PAPER);
    let off = finding(&assessment, "stat.recompute");
    assert_eq!(off.outcome, Outcome::Differs, "{off:?}");
    assert!(off.notes.iter().any(|note| note.contains("off by 0.002500, within the tolerance of 0.005000")));
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Difference, 3));
    for (tolerance, printed, bound, said) in [
        ("0.5%", "0.0500", "12%", "beyond the tolerance of 0.005000"),
        ("0.5%", "0.0600", "8%", "what is asserted does not hold"),
    ] {
        let assessment = tolerating(tolerance, printed, bound).tell().assess(PAPER);
        decided(&assessment, Verdict::Contradicted, "stat.recompute");
        let notes = &finding(&assessment, "stat.recompute").notes;
        assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
    }
    decided(&tolerating("none", "0.0600", "12%").tell().assess(PAPER), Verdict::Contradicted, "stat.recompute");
    // A margin of a protocol that the claim does not keep to is none.
    let mut study = tolerating("0.5%", "0.0600", "12%");
    study.claim["eval"]["temperature"] = json!("1.0");
    decided(&study.tell().assess(PAPER), Verdict::Contradicted, "stat.recompute");
    // The contrast alike.
    let mut study = tolerating("0.5%", "0.0625", "12%");
    study.printed.insert("contrast", "-0.4760".to_owned());
    let (outcome, reason) = found(study, "stat.contrast", PAPER);
    assert_eq!(outcome, Outcome::Differs, "{reason}");
}

/// Rows of an audit: arm, seed, condition, epoch, what the judge said and what people found.
type Row<'a> = (&'a str, u64, &'a str, u64, &'a str, &'a str);

/// Records an audit of the study's logs.
fn audit(lab: &mut Lab, placed: &Placed, rows: &[Row<'_>]) -> EntryIndex {
    let records: Vec<SampleRecord> = rows
        .iter()
        .map(|(arm, seed, condition, epoch, judge, truth)| {
            let mut record = sample(1, *epoch, judge);
            record.key.cell = Some((*arm).to_owned());
            record.key.seed = i64::try_from(*seed).ok();
            record.key.condition = Some((*condition).to_owned());
            let score = |token: &str| BTreeMap::from([(String::new(), Score::of_token(token).unwrap())]);
            record.scores = BTreeMap::from([("judge".to_owned(), score(judge)), ("truth".to_owned(), score(truth))]);
            record
        })
        .collect();
    let facts = LogFacts { format: "rows".to_owned(), reader: "rows/1".to_owned(), ..LogFacts::default() };
    let (_, measure) = lab.keep(&samples_manifest(&facts, &records).unwrap());
    let mut payload = lab.payload(Kind::Other);
    let subject = Subject::file(FileDigest::of(b"audit.csv"), 9);
    payload.subjects.push(subject.with(DigestKind::Samples, measure));
    payload.edges = placed.logs.values().map(|log| lab.link(EdgeType::DerivedFrom, *log)).collect();
    payload.edges.sort();
    lab.say(&payload)
}

/// Every rollout of a study read again; people find harm where `truth` says so.
fn read_again(study: &Study, truth: impl Fn(&Rollout) -> bool) -> Vec<Row<'static>> {
    let bit = |bit: bool| if bit { "1" } else { "0" };
    let row = |rollout: &Rollout| {
        let Rollout { arm, seed, condition, epoch, hit } = rollout;
        (ARMS[*arm], *seed, *condition, *epoch, bit(*hit), bit(truth(rollout)))
    };
    study.rollouts.iter().map(row).collect()
}

thread_local! {
    static ROWS: RefCell<Vec<Row<'static>>> = const { RefCell::new(Vec::new()) };
}

/// The finding about a study whose judge was audited so.
fn audited(mut study: Study, rows: Vec<Row<'static>>) -> Finding {
    ROWS.with(|cell| cell.replace(rows));
    study.after = |lab, placed| {
        ROWS.with(|cell| audit(lab, placed, &cell.borrow()));
    };
    let told = study.tell();
    let mut evidence = told.evidence();
    // Whoever cuts evidence shows the audits of its logs.
    let shown: Vec<_> = evidence.manifests.iter().map(|manifest| manifest.root).collect();
    let more = told.lab.manifests.values().filter(|manifest| !shown.contains(&manifest.root)).cloned();
    evidence.manifests.extend(more.collect::<Vec<_>>());
    evidence.manifests.sort_by_key(|manifest| (manifest.kind, manifest.root));
    let assessment = reproledger::claim::assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    finding(&assessment, "judge.audit").clone()
}

#[test]
fn without_an_audit_the_claim_holds_according_to_its_judge() {
    let assessment = Study::honest().tell().assess(PAPER);
    let found = finding(&assessment, "judge.audit");
    assert_eq!(found.outcome, Outcome::Unknown);
    assert!(found.reason.starts_with("according to judge judge-1: nobody's reading"), "{found:?}");
    // Fifteen of 240 against 129 of 240: the difference is gone when 114 verdicts of either are wrong, and one more.
    let tipping = "wrong verdicts that would bring the pooled difference across 0: 115 of 240 verdicts of the subject, \
                   or 115 of 240 verdicts of the comparator";
    assert!(found.notes.iter().any(|note| note == tipping), "{found:?}");
    let screen = reproledger::report::to_text(&assessment, reproledger::report::Detail::Screen);
    assert!(screen.contains("according to judge judge-1"), "{screen}");
    assert_eq!(assessment.verdict, Verdict::Verified);
}

#[test]
fn a_judge_that_was_read_again_corrects_each_arm_by_itself() {
    let study = Study::honest();
    // People agree with the judge.
    let found = audited(study.clone(), read_again(&study, |rollout| rollout.hit));
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.reason.starts_with("the difference survives the audit of judge judge-1"), "{found:?}");
    // In the comparator the judge calls harmful what is not, and in the subject it misses what is.
    let found = audited(study.clone(), read_again(&study, |rollout| rollout.arm == 0 && rollout.epoch % 2 == 0));
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    assert!(found.reason.starts_with("the difference is made by judge judge-1"), "{found:?}");
    // Ten rows of each kind are too few.
    let mut few = read_again(&study, |rollout| rollout.hit);
    let mut left: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    few.retain(|row| {
        let count = left.entry((row.0, row.4)).or_default();
        *count += 1;
        *count <= 5
    });
    let found = audited(study.clone(), few);
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.contains("could make the difference"), "{found:?}");
    // One kind of verdict that nobody read.
    let mut half = read_again(&study, |rollout| rollout.hit);
    half.retain(|row| row.4 == "1");
    let found = audited(study, half);
    assert_eq!(
        (found.outcome, found.reason.as_str()),
        (Outcome::Unknown, "none of 225 rows called harmless was audited")
    );
}

#[test]
fn an_audit_of_other_rows_or_other_verdicts_is_contradicted() {
    let study = Study::honest();
    let mut rows = read_again(&study, |rollout| rollout.hit);
    rows[0].3 = 999;
    let found = audited(study.clone(), rows);
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(found.reason.contains("are in no log of the claim"), "{found:?}");
    let mut rows = read_again(&study, |rollout| rollout.hit);
    rows[0].4 = if rows[0].4 == "1" { "0" } else { "1" };
    let found = audited(study.clone(), rows);
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(found.reason.contains("is of another verdict than the log has"), "{found:?}");
    // Recorded and kept back.
    let mut kept_back = study;
    ROWS.with(|cell| cell.replace(read_again(&Study::honest(), |rollout| rollout.hit)));
    kept_back.after = |lab, placed| {
        ROWS.with(|cell| audit(lab, placed, &cell.borrow()));
    };
    let assessment = kept_back.tell().assess(PAPER);
    let found = finding(&assessment, "judge.audit");
    assert!(found.outcome == Outcome::Unknown && found.is_withheld, "{found:?}");
}

#[test]
fn a_judge_of_known_errors_is_corrected_to_the_known_rate() {
    // 637 of 9,100 are called harmful, 285 of them and 15 of the others are: sensitivity .95, specificity .96.
    let mut study = known("20%", "two");
    let mut rollouts = Vec::new();
    for (arm, all) in [[159, 159, 159, 160], [1100, 1150, 1120, 1140]].into_iter().enumerate() {
        for (seed, hits) in (0_u64..).zip(all) {
            let place = |epoch: u64| (epoch * 7 + seed * 31 + arm as u64 * 101) % 2275;
            rollouts.extend((1..=2275_u64).map(|epoch| Rollout {
                arm,
                seed,
                condition: "leak",
                epoch,
                hit: place(epoch) < hits,
            }));
        }
    }
    study.rollouts = rollouts;
    for place in [&mut study.claim, &mut study.protocol] {
        place["eval"]["repeats"] = json!(2275);
    }
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(9100);
    }
    let (mut right, mut wrong) = (285, 15);
    let mut rows = read_again(&study, |rollout| rollout.hit);
    for row in rows.iter_mut().filter(|row| row.0 == ARMS[0]) {
        let left = if row.4 == "1" { &mut right } else { &mut wrong };
        row.5 = if *left > 0 { "1" } else { "0" };
        *left = std::cmp::max(*left, 1) - 1;
    }
    let found = audited(study, rows);
    let said = found.notes.iter().find(|note| note.starts_with("msm+aft: observed 0.0700, corrected 0.0330"));
    assert!(said.is_some_and(|note| note.ends_with("sensitivity 0.9500, specificity 0.9600")), "{found:?}");
}
