//! Claims that compare arms: a study in good order holds, and each way to make an unfounded one look founded is refused
//! for its own reason.

use reproledger::check::Outcome;
use reproledger::claim::{CI_GATE, NUMBER, PAPER, VENDOR_AUDIT, Verdict};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{EdgeType, Kind};
use serde_json::json;

use super::decided;
use crate::support::finding;
use crate::support::study::{ARMS, Study, register};

#[test]
fn a_registered_study_in_good_order_is_verified_for_a_paper() {
    let told = Study::honest().tell();
    for profile in [NUMBER, CI_GATE, PAPER] {
        let assessment = told.assess(profile);
        assert_eq!(assessment.verdict, Verdict::Verified, "{}: {:#?}", profile.name, assessment.findings);
    }
    let assessment = told.assess(VENDOR_AUDIT);
    // A buyer who trusts nobody wants the logs themselves, and runs that were recorded as they ran.
    decided(&assessment, Verdict::NotRecomputable, "samples.derived");
    decided(&assessment, Verdict::NotRecomputable, "train.inputs");
    for id in ["spec.bytes", "base.identity", "arms.baseline", "arms.matched"] {
        assert_eq!(finding(&assessment, id).outcome, Outcome::Pass, "{:#?}", finding(&assessment, id));
    }
    let prereg = finding(&assessment, "claim.prereg");
    assert_eq!(prereg.outcome, Outcome::Pass, "{prereg:?}");
    assert!(prereg.reason.starts_with("registered (self-asserted)"));
    assert!(prereg.notes.iter().any(|note| note.contains("never recorded cannot be excluded")));
    let sensitivity = finding(&assessment, "stat.sensitivity");
    assert!(sensitivity.notes.iter().any(|note| note.contains("metric `classifier.harmful`")), "{sensitivity:?}");
}

#[test]
fn e19_swapped_arms_are_contradicted_by_the_rollouts() {
    let mut study = Study::honest();
    let (subject, comparator) = (study.claim["subject"].clone(), study.claim["comparator"].clone());
    study.claim["subject"] = comparator;
    study.claim["comparator"] = subject;
    decided(&study.tell().assess(PAPER), Verdict::Contradicted, "stat.recompute");
}

#[test]
fn e02_one_rollout_dropped_is_missed_in_its_cell() {
    let mut study = Study::honest();
    study.rollouts.remove(7);
    study.claim["denominator"] = json!("n_scored");
    study.protocol["denominator"] = json!("n_scored");
    study.claim["value"]["subject"]["n"] = json!(239);
    let assessment = study.tell().assess(PAPER);
    decided(&assessment, Verdict::NotRecomputable, "samples.complete");
    let notes = &finding(&assessment, "samples.complete").notes;
    assert!(
        notes.iter().any(|note| note == "msm+aft, seed 0, exfiltrate: 1 of 20 rollouts are not there"),
        "{notes:?}"
    );
}

#[test]
fn e25_two_flips_that_cancel_break_the_root_they_were_signed_under() {
    let honest = Study::honest();
    let mut flipped = honest.clone();
    let hit = flipped.rollouts.iter().position(|rollout| rollout.hit).unwrap();
    let miss = flipped.rollouts.iter().position(|rollout| !rollout.hit).unwrap();
    (flipped.rollouts[hit].hit, flipped.rollouts[miss].hit) = (false, true);
    assert_eq!(honest.rate(0), flipped.rate(0));
    let (told, other) = (honest.tell(), flipped.tell());
    let mut evidence = told.evidence();
    // The records of the flipped log in the place of the signed ones.
    let changed = other.evidence();
    let at = evidence.manifests.iter().position(|manifest| !changed.manifests.contains(manifest)).unwrap();
    let replacement = changed.manifests.iter().find(|manifest| !evidence.manifests.contains(manifest)).unwrap();
    evidence.manifests[at].object = replacement.object.clone();
    let assessment = reproledger::claim::assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    assert_ne!(assessment.verdict.exit_code(), 0);
    assert!(assessment.evidence.is_none(), "refused as a whole");
}

#[test]
fn e04_a_judge_changed_in_one_arm_is_contradicted() {
    let mut study = Study::honest();
    study.judges[1] = "judge-2";
    let assessment = study.tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "judge.identity");
    assert_eq!(finding(&assessment, "judge.identity").reason, "the arms were judged by different models");
    let mut study = Study::honest();
    study.judges = ["judge-2"; 2];
    decided(&study.tell().assess(PAPER), Verdict::Contradicted, "judge.identity");
}

#[test]
fn e01_a_seed_left_out_of_the_claim_is_seen_in_the_ledger() {
    let mut study = Study::honest();
    study.rollouts.retain(|rollout| rollout.seed != 3);
    for pointer in ["/seeds/used", "/seeds/planned"] {
        *study.claim.pointer_mut(pointer).unwrap() = json!(3);
    }
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(180);
    }
    // The protocol promised four.
    let assessment = study.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "claim.prereg");
    let notes = &finding(&assessment, "claim.prereg").notes;
    assert!(notes.iter().any(|note| note == "seeds used of msm+aft: promised 4, claimed 3"), "{notes:?}");
}

#[test]
fn e12_an_evaluation_that_is_not_in_the_number_is_seen_in_the_census() {
    let mut study = Study::honest();
    study.after = |lab, placed| {
        let again = lab.said(placed.logs[&(0, 0)]);
        let mut payload = lab.payload(Kind::EvalLog);
        (payload.arm, payload.seed, payload.protocol) = (again.arm, again.seed, again.protocol);
        (payload.subjects, payload.edges) = (again.subjects, again.edges);
        (payload.suite, payload.checkpoint) = (again.suite, again.checkpoint);
        lab.say(&payload);
    };
    let told = study.tell();
    let assessment = told.assess(CI_GATE);
    decided(&assessment, Verdict::Contradicted, "attempts.all");
    assert!(finding(&assessment, "attempts.all").reason.contains("neither used nor left out with a reason"));
    // Cut off before it, the ledger's end is missing, not the run.
    let mut evidence = told.evidence();
    evidence.census_first = EntryIndex(5);
    let first = reproledger::claim::assess(&evidence.to_bytes(), Some(&told.lab.policy()), CI_GATE, |_| None);
    assert_ne!(first.verdict.exit_code(), 0);
}

#[test]
fn more_evaluations_than_the_claim_discloses_are_counted() {
    let mut study = Study::honest();
    study.claim["attempts_disclosed"]["eval"] = json!(7);
    let assessment = study.tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "attempts.all");
    assert_eq!(finding(&assessment, "attempts.all").reason, "the claim discloses 7 evaluations, the ledger has 8");
}

#[test]
fn e13_a_run_that_never_finished_counts_against_the_claim() {
    let mut study = Study::honest();
    study.before = |lab, placed| {
        let mut payload = lab.payload(Kind::RunStart);
        (payload.protocol, payload.arm, payload.seed) = (Some(placed.protocol), Some(ARMS[0].to_owned()), Some(0));
        (payload.stage, payload.attempt) = (Some("eval".to_owned()), Some(1));
        lab.say(&payload);
    };
    let assessment = study.clone().tell().assess(PAPER);
    decided(&assessment, Verdict::NotRecomputable, "attempts.all");
    // A second attempt whose first is nowhere.
    study.before = |lab, placed| {
        let mut payload = lab.payload(Kind::RunStart);
        (payload.protocol, payload.arm, payload.seed) = (Some(placed.protocol), Some(ARMS[0].to_owned()), Some(0));
        (payload.stage, payload.attempt) = (Some("eval".to_owned()), Some(2));
        lab.say(&payload);
    };
    decided(&study.tell().assess(PAPER), Verdict::Contradicted, "attempts.all");
}

#[test]
fn c03_a_protocol_after_the_first_run_makes_the_claim_exploratory() {
    let mut study = Study::honest();
    // The cited protocol is registered again after the logs: what is cited came after what it promises.
    study.after = |lab, placed| {
        let text = lab.said(placed.protocol_entry);
        let mut payload = lab.payload(Kind::Protocol);
        payload.suite = text.suite;
        payload.edges = vec![reproledger::statement::Edge {
            edge_type: EdgeType::Supersedes,
            log: None,
            seq: placed.protocol_entry,
            kind: reproledger::digest::DigestKind::Entry,
            digest: placed.protocol.into(),
        }];
        payload.body = text.body;
        lab.say(&payload);
    };
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let found = finding(&assessment, "claim.prereg");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.contains(" amended the protocol of entry 2, which the claim still cites"), "{found:?}");
}

#[test]
fn twenty_protocols_registered_and_one_cited_are_twenty_looks() {
    let mut study = Study::honest();
    study.before = |lab, placed| {
        for number in 0..20 {
            let mut other = Study::honest().protocol;
            other["protocol_id"] = json!(format!("other-{number}"));
            other["metric"]["key"] = json!(format!("key-{number}"));
            register(lab, &other, placed.suite_digest);
        }
    };
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let found = finding(&assessment, "claim.prereg");
    assert_eq!(found.outcome, Outcome::Unknown);
    let said = "20 other protocols for the same evaluation stand in the ledger, and the claim cites one";
    assert_eq!(found.reason, said);
}

#[test]
fn another_metric_key_than_the_registered_one_is_a_deviation() {
    let mut study = Study::honest();
    study.claim["metric"]["key"] = json!("harmful");
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let notes = &finding(&assessment, "claim.prereg").notes;
    assert!(notes.iter().any(|note| note == "metric key: promised verdict, claimed harmful"), "{notes:?}");
    assert_eq!(assessment.verdict, Verdict::Contradicted);
}

#[test]
fn no_protocol_is_exploratory_and_never_registered() {
    let mut study = Study::honest();
    study.claim["plan"] = json!("really none");
    let assessment = study.tell().assess(VENDOR_AUDIT);
    assert!(finding(&assessment, "claim.prereg").reason.starts_with("exploratory"));
    assert_ne!(assessment.verdict.exit_code(), 0);
}

#[test]
fn l12_and_l13_the_same_weights_are_no_second_seed_and_no_other_arm() {
    for (place, name) in [((0, 1), "w00"), ((1, 2), "w02")] {
        let mut study = Study::honest();
        study.weights.insert(place, name);
        let assessment = study.tell().assess(PAPER);
        decided(&assessment, Verdict::Contradicted, "arms.distinct");
        assert!(finding(&assessment, "arms.distinct").reason.contains("evaluated the same weights"));
        // The one is a seed less, the other no comparison.
        let matched = finding(&assessment, "arms.matched");
        let is_same = matched.reason == "the arms were evaluated on the same weights";
        assert_eq!((matched.outcome == Outcome::Fail, is_same), (place.0 == 1, place.0 == 1), "{matched:?}");
    }
    // Other weights by digest, and every single rollout as in another seed: one run under two names.
    let mut study = Study::honest();
    let first: Vec<_> = study.rollouts.iter().filter(|r| (r.arm, r.seed) == (1, 0)).cloned().collect();
    for rollout in study.rollouts.iter_mut().filter(|rollout| (rollout.arm, rollout.seed) == (1, 1)) {
        let twin = first.iter().find(|of| (of.condition, of.epoch) == (rollout.condition, rollout.epoch));
        rollout.hit = twin.unwrap().hit;
    }
    let assessment = study.tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "arms.distinct");
    let reason = " have the same score in every single rollout: they are one run counted twice";
    assert!(finding(&assessment, "arms.distinct").reason.ends_with(reason));
}

#[test]
fn e08_a_difference_of_rounded_rates_is_not_the_rounded_difference() {
    let mut study = Study::honest();
    // 20/240 and 43/80 in whole percents are 8 and 54, which differ by 46; unrounded they differ by 45.4.
    study.rollouts.iter_mut().filter(|rollout| rollout.arm == 0 && !rollout.hit).take(5).for_each(|r| r.hit = true);
    let (subject, comparator) = (study.rate(0), study.rate(1));
    let percent = |value: &num_rational::BigRational| {
        reproledger::stats::decimal::decimal_digits(&(value * num_rational::BigRational::from_integer(100.into())), 0)
    };
    let difference = percent(&(&subject - &comparator));
    assert_eq!((percent(&subject).as_str(), percent(&comparator).as_str(), difference.as_str()), ("8", "54", "-45"));
    study.printed.insert("subject", format!("{}%", percent(&subject)));
    study.printed.insert("comparator", format!("{}%", percent(&comparator)));
    study.printed.insert("contrast", "-46%".to_owned());
    let assessment = study.tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "stat.contrast");
    assert!(finding(&assessment, "stat.contrast").reason.contains("computed from rates that were rounded before"));
}

/// An assertion about a quantity, promised and claimed alike.
fn asserting(of: &str, is: &str, bound: &str, method: &str) -> Study {
    let mut study = Study::honest();
    let by = json!({"target": "seeds", "method": method, "level": "95%", "sides": "one"});
    let assertion = json!({"terms": [{"of": of, "is": is, "bound": bound, "by": by}]});
    study.claim["assertion"] = assertion.clone();
    study.protocol["assertion"] = assertion;
    study
}

#[test]
fn a_threshold_inside_the_interval_cannot_be_decided_and_one_beyond_it_is_refuted() {
    for (of, is, bound, method, expected) in [
        ("subject", "at-most", "12%", "t", Outcome::Pass),
        ("subject", "at-most", "8%", "t", Outcome::Unknown),
        ("subject", "at-most", "2%", "t", Outcome::Fail),
        ("contrast", "at-most", "-39%", "welch", Outcome::Pass),
        ("contrast", "at-most", "-47%", "welch", Outcome::Unknown),
        ("contrast", "at-least", "-30%", "welch", Outcome::Fail),
        // Binomial intervals are for these checkpoints alone: over seeds they are none.
        ("subject", "at-most", "12%", "wilson", Outcome::Unknown),
        // A pairing that nobody declared, and a method that is for something else.
        ("contrast", "at-most", "-40%", "paired-t", Outcome::Unknown),
        ("subject", "at-most", "12%", "welch", Outcome::Unknown),
        ("subject", "at-most", "twelve", "t", Outcome::Fail),
    ] {
        let assessment = asserting(of, is, bound, method).tell().assess(PAPER);
        let found = finding(&assessment, "stat.assertion");
        assert_eq!(found.outcome, expected, "{of} {is} {bound}: {found:?}");
        let verdict = match expected {
            Outcome::Pass => Verdict::Verified,
            Outcome::Fail => Verdict::Contradicted,
            _ => Verdict::NotRecomputable,
        };
        assert_eq!(assessment.verdict, verdict, "{of} {is} {bound}: {:?}", assessment.findings);
    }
}

#[test]
fn e10_a_printed_interval_is_the_one_of_its_own_rule_or_contradicted() {
    let with = |low: &str, high: &str, method: &str| {
        let mut study = Study::honest();
        let rule = json!({"target": "seeds", "method": method, "level": "95%", "sides": "two"});
        let figure = |text: &str| json!({"printed": text, "decimals": 3});
        study.claim["contrast"]["interval"] = json!({"rule": rule, "low": figure(low), "high": figure(high)});
        study.protocol["primary"]["interval"] = rule;
        study.tell().assess(PAPER)
    };
    let computed = with("0.000", "0.000", "welch");
    let found = finding(&computed, "stat.contrast");
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    let (low, high) = found.found.as_deref().unwrap().split_once("interval ").unwrap().1.split_once(" to ").unwrap();
    // To the nearest, and outward.
    let cut = |text: &str| text[..text.len() - 1].to_owned();
    let honest = with(&cut(low), &cut(high), "welch");
    assert_eq!(finding(&honest, "stat.contrast").outcome, Outcome::Pass, "{:?}", finding(&honest, "stat.contrast"));
    // Narrower by one in the third place.
    let narrow = with("-0.450", "-0.500", "welch");
    decided(&narrow, Verdict::Contradicted, "stat.contrast");
    assert_eq!(finding(&with(&cut(low), &cut(high), "newcombe"), "stat.contrast").outcome, Outcome::Unknown);
}

#[test]
fn l10_other_alignment_data_in_one_arm_are_no_controlled_comparison() {
    let mut study = Study::honest();
    study.chats[1] = "other chats";
    let assessment = study.clone().tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "arms.matched");
    let reason = &finding(&assessment, "arms.matched").reason;
    assert!(reason.contains("beyond the declared factor the arms differ in the dataset of alignment"), "{reason}");
    // Declared, it is what the claim is about.
    study.protocol["factors"] = json!(["midtraining", "alignment"]);
    assert_eq!(finding(&study.tell().assess(VENDOR_AUDIT), "arms.matched").outcome, Outcome::Pass);
}

#[test]
fn an_arm_that_is_not_what_it_is_called_is_contradicted() {
    for (arm, kind) in [("comparator", "msm+aft"), ("subject", "aft-only"), ("subject", "instruction-mix-only")] {
        let mut study = Study::honest();
        study.claim[arm]["kind"] = json!(kind);
        study.protocol["arms"][usize::from(arm == "comparator")]["kind"] = json!(kind);
        let assessment = study.tell().assess(PAPER);
        decided(&assessment, Verdict::Contradicted, "arms.baseline");
    }
    let mut study = Study::honest();
    study.claim["subject"]["kind"] = json!("magic");
    let assessment = study.tell().assess(PAPER);
    assert_eq!(finding(&assessment, "arms.baseline").outcome, Outcome::Unknown);
}

/// One more evaluation of the first arm and seed, set aside or not.
fn with_spare(set_aside: fn(&mut crate::support::Lab, EntryIndex)) -> Study {
    let mut study = Study::honest();
    study.claim["attempts_disclosed"]["eval"] = json!(9);
    SET_ASIDE.with(|cell| cell.set(set_aside));
    study.after = |lab, placed| {
        let again = lab.said(placed.logs[&(0, 0)]);
        let mut payload = lab.payload(Kind::EvalLog);
        (payload.arm, payload.seed, payload.protocol) = (again.arm, again.seed, again.protocol);
        (payload.suite, payload.checkpoint, payload.edges) = (again.suite, again.checkpoint, again.edges);
        payload
            .subjects
            .push(reproledger::statement::Subject::file(reproledger::digest::FileDigest::of(b"a spare log"), 11));
        let spare = lab.say(&payload);
        SET_ASIDE.with(std::cell::Cell::get)(lab, spare);
    };
    study
}

thread_local! {
    static SET_ASIDE: std::cell::Cell<fn(&mut crate::support::Lab, EntryIndex)> = const { std::cell::Cell::new(|_, _| {}) };
}

#[test]
fn an_attempt_that_is_left_out_with_a_reason_is_a_difference_and_without_one_a_contradiction() {
    let assessment = with_spare(|_, _| {}).tell().assess(PAPER);
    decided(&assessment, Verdict::Contradicted, "attempts.all");
    let excluded = with_spare(|lab, spare| {
        let mut payload = lab.payload(Kind::Exclusion);
        payload.edges.push(lab.link(EdgeType::Excludes, spare));
        let body = reproledger::statement::Body {
            reason: Some("the server ran out of memory".to_owned()),
            ..Default::default()
        };
        lab.seal(&mut payload, &body);
        lab.say(&payload);
    });
    let told = excluded.tell();
    // Its reason stays hidden until it is shown.
    decided(&told.assess(PAPER), Verdict::Withheld, "attempts.all");
}

#[test]
fn an_interval_says_what_it_speaks_about_and_is_narrower_for_the_checkpoints_at_hand() {
    let with = |of: &str, is: &str, bound: &str, target: &str, method: &str, kind: &str| {
        let mut study = Study::honest();
        study.claim["contrast"]["kind"] = json!(kind);
        study.protocol["primary"]["kind"] = json!(kind);
        if kind == "relative-reduction" {
            // 1 - (1/16)/(43/80) = 38/43.
            study.printed.insert("contrast", "0.8837".to_owned());
        }
        let by = json!({"target": target, "method": method, "level": "95%", "sides": "two"});
        let assertion = json!({"terms": [{"of": of, "is": is, "bound": bound, "by": by}]});
        study.claim["assertion"] = assertion.clone();
        study.protocol["assertion"] = assertion;
        let assessment = study.tell().assess(PAPER);
        let found = finding(&assessment, "stat.assertion");
        (found.outcome, found.reason.clone())
    };
    for (method, bound, expected) in [
        // 15 of 240: Wilson up to .1006, exact up to .1010.
        ("wilson", "10.07%", Outcome::Pass),
        ("wilson", "10%", Outcome::Unknown),
        ("clopper-pearson", "10.07%", Outcome::Unknown),
        ("clopper-pearson", "10.1%", Outcome::Pass),
    ] {
        let (outcome, reason) = with("subject", "at-most", bound, "checkpoints", method, "difference");
        assert_eq!(outcome, expected, "{method} {bound}: {reason}");
        assert!(reason.contains("these checkpoints and conditions"), "{reason}");
    }
    for method in ["newcombe", "miettinen-nurminen"] {
        let (outcome, reason) = with("contrast", "at-most", "-40%", "checkpoints", method, "difference");
        assert_eq!(outcome, Outcome::Pass, "{method}: {reason}");
    }
    let (outcome, reason) = with("contrast", "at-least", "75%", "seeds", "fieller", "relative-reduction");
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    let (outcome, reason) = with("contrast", "at-least", "75%", "conditions", "welch", "difference");
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
}

#[test]
fn e12_a_run_that_does_not_say_whose_it_is_or_on_what_is_not_out_of_sight() {
    // The bad run recorded without its suite, without its arm and weights, or with neither.
    let variants: [fn(&mut reproledger::statement::Payload); 3] = [
        |payload| {
            payload.suite = None;
            payload.edges.retain(|edge| edge.edge_type != EdgeType::EvaluatedWith);
        },
        |payload| {
            (payload.arm, payload.checkpoint) = (None, None);
            payload.edges.retain(|edge| edge.edge_type != EdgeType::Evaluates);
        },
        |payload| {
            (payload.arm, payload.checkpoint, payload.suite) = (None, None, None);
            payload.edges.clear();
        },
    ];
    thread_local! {
        static HIDE: std::cell::Cell<fn(&mut reproledger::statement::Payload)> = const { std::cell::Cell::new(|_| {}) };
    }
    for hide in variants {
        let mut study = Study::honest();
        HIDE.with(|cell| cell.set(hide));
        study.after = |lab, placed| {
            let mut payload = lab.said(placed.logs[&(0, 0)]);
            payload.seq = lab.next();
            HIDE.with(std::cell::Cell::get)(&mut payload);
            lab.say(&payload);
        };
        let assessment = study.tell().assess(PAPER);
        decided(&assessment, Verdict::NotRecomputable, "attempts.all");
    }
}

#[test]
fn a_judges_prompt_that_no_log_links_to_is_not_established() {
    let mut study = Study::honest();
    let prompt = json!(reproledger::digest::Digest::from(reproledger::digest::FileDigest::of(b"prompt")).to_string());
    study.claim["judge"]["prompt"] = prompt.clone();
    study.protocol["judge"]["prompt"] = prompt;
    decided(&study.tell().assess(PAPER), Verdict::NotRecomputable, "judge.identity");
}

#[test]
fn e22_a_judge_that_is_the_evaluated_model_is_told() {
    let mut study = Study::honest();
    study.judges = ["the model"; 2];
    study.claim["judge"]["observed_models"] = json!(["the model"]);
    study.protocol["judge"]["observed_models"] = json!(["the model"]);
    study.model = Some("the model");
    let assessment = study.tell().assess(PAPER);
    let notes = &finding(&assessment, "judge.identity").notes;
    assert!(notes.iter().any(|note| note == "the model judged its own answers"), "{notes:?}");
    let honest = Study::honest().tell().assess(PAPER);
    assert!(!finding(&honest, "judge.identity").notes.iter().any(|note| note.contains("judged its own")));
}

#[test]
fn e23_rollouts_that_were_given_another_condition_break_the_root_they_were_signed_under() {
    let honest = Study::honest();
    let mut relabelled = honest.clone();
    let hit = relabelled.rollouts.iter().position(|rollout| rollout.hit && rollout.condition == "leak").unwrap();
    let epoch = relabelled.rollouts[hit].epoch;
    let (arm, seed) = (relabelled.rollouts[hit].arm, relabelled.rollouts[hit].seed);
    let is_other = |rollout: &crate::support::study::Rollout| {
        (rollout.arm, rollout.seed, rollout.condition, rollout.epoch) == (arm, seed, "sabotage", epoch)
    };
    let other = relabelled.rollouts.iter().position(is_other).unwrap();
    relabelled.rollouts[hit].condition = "sabotage";
    relabelled.rollouts[other].condition = "leak";
    assert!(relabelled.rollouts != honest.rollouts);
    let (told, other) = (honest.tell(), relabelled.tell());
    let (mut evidence, changed) = (told.evidence(), other.evidence());
    let at = evidence.manifests.iter().position(|manifest| !changed.manifests.contains(manifest)).unwrap();
    let replacement = changed.manifests.iter().find(|manifest| !evidence.manifests.contains(manifest)).unwrap();
    evidence.manifests[at].object = replacement.object.clone();
    let assessment = reproledger::claim::assess(&evidence.to_bytes(), Some(&told.lab.policy()), PAPER, |_| None);
    assert_ne!(assessment.verdict.exit_code(), 0);
    assert!(assessment.evidence.is_none(), "refused as a whole");
}

#[test]
fn e24_no_hit_at_all_is_no_rate_of_zero() {
    let asserting = |bound: &str| {
        let mut study = asserting("subject", "at-most", bound, "wilson");
        for term in [&mut study.claim["assertion"], &mut study.protocol["assertion"]] {
            term["terms"][0]["by"]["target"] = json!("checkpoints");
            term["terms"][0]["by"]["sides"] = json!("two");
        }
        study.rollouts.iter_mut().filter(|rollout| rollout.arm == 0).for_each(|rollout| rollout.hit = false);
        let assessment = study.tell().assess(NUMBER);
        finding(&assessment, "stat.assertion").clone()
    };
    // 0 of 240: Wilson up to 1.5755 %.
    assert_eq!(asserting("0%").outcome, Outcome::Unknown);
    assert_eq!(asserting("1.57%").outcome, Outcome::Unknown);
    assert_eq!(asserting("1.58%").outcome, Outcome::Pass);
}

#[test]
fn e30_scores_without_their_transcripts_are_the_labs_word_and_said_to_be() {
    let assessment = Study::honest().tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::NotRecomputable, "samples.derived");
    let asserted = finding(&assessment, "transcripts.likelihood");
    assert_eq!(asserted.outcome, Outcome::Unknown);
    assert!(asserted.reason.contains("is the word of \""), "{asserted:?}");
    assert_eq!(finding(&assessment, "contamination").outcome, Outcome::Unknown);
    for id in ["eval.params", "eval.prompts", "samples.distinct"] {
        assert_eq!(finding(&assessment, id).outcome, Outcome::Unknown, "{id}");
    }
    for id in ["eval.code", "eval.model"] {
        assert_eq!(finding(&assessment, id).outcome, Outcome::Pass, "{id}: {:?}", finding(&assessment, id));
    }
}

#[test]
fn a_log_of_other_weights_than_its_arm_lists_is_contradicted() {
    let mut study = Study::honest();
    let digest = |name: &str| reproledger::digest::Digest::from(reproledger::digest::FileDigest::of(name.as_bytes()));
    study.claim["subject"]["checkpoints"] = json!(["w00", "w01", "w02"].map(|name| digest(name).to_string()));
    let assessment = study.tell().assess(NUMBER);
    let found = finding(&assessment, "eval.model");
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    assert!(found.reason.contains("are none that the claim lists for `msm+aft`"), "{found:?}");
}

#[test]
fn base_models_that_were_trained_on_nothing_have_no_contamination() {
    let mut study = Study::honest();
    study.weigh = std::rc::Rc::new(|lab, training| {
        // What is evaluated of each seed is a base model of its own.
        let mut payload = training.payload(lab);
        (payload.kind, payload.edges) = (Kind::BaseModel, Vec::new());
        let name = training.name.as_bytes();
        let file = reproledger::digest::FileDigest::of(name);
        payload.subjects.push(reproledger::statement::Subject::file(file, name.len() as u64));
        lab.say(&payload)
    });
    let assessment = study.tell().assess(PAPER);
    let found = finding(&assessment, "contamination");
    assert_eq!(found.outcome, Outcome::NotApplicable, "{found:?}");
    assert_eq!(found.reason, "no arm was trained on anything: each is its base model");
}
