//! What a number means beside what it is: many tests, conditions that a mean hides, audits, and figures known beforehand.

mod gap;
mod gates;

use std::cell::RefCell;
use std::collections::BTreeMap;

use reproledger::artifact::samples::{LogFacts, SampleRecord, Score, samples_manifest};
use reproledger::check::{Finding, Outcome};
use reproledger::claim::{NUMBER, PAPER, Profile, Reader, VENDOR_AUDIT, Verdict, assess_as};
use reproledger::compare::{Gap, Likeness, Rules, Side, compare};
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::key::Policy;
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Kind, Subject};
use reproledger::stats::{Level, Nonce, NonceOrigin, Sides, Target};
use serde_json::json;

use super::decided;
use crate::support::study::{ARMS, Placed, Rollout, Study, ToldStudy, register, sampled};
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
    let (outcome, reason) = found(Study::honest(), "stat.multiplicity", VENDOR_AUDIT);
    let none = "the claim asserts nothing: there is no threshold to adjust";
    assert_eq!((outcome, reason.as_str()), (Outcome::NotApplicable, none));
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
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Unknown, "{shared:?}");
    let looks = "20 claims on these logs stand in the ledger beyond those that were promised: each is a look";
    assert!(shared.notes.iter().any(|note| note == looks), "{shared:?}");
}

#[test]
fn an_error_rate_that_is_no_number_is_shared_by_nobody() {
    let mut study = asserting("-30%");
    study.protocol["alpha"] = json!("five");
    let (outcome, reason) = found(study, "stat.multiplicity", VENDOR_AUDIT);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.contains("five"), "{reason}");
}

#[test]
fn an_evaluation_that_was_made_again_is_a_look_too() {
    let mut study = asserting("-30%");
    study.after = |lab, placed| {
        let mut payload = lab.said(placed.logs[&(0, 0)]);
        payload.seq = lab.next();
        payload.subjects = vec![Subject::file(FileDigest::of(b"once more"), 9)];
        lab.say(&payload);
    };
    let assessment = study.tell().assess(VENDOR_AUDIT);
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Pass, "{shared:?}");
    assert!(shared.notes.iter().any(|note| note.contains("1 test and 2 looks share 5%")), "{shared:?}");
    let look = "1 evaluations of a seed were made beside the one that is used: each is a look";
    assert!(shared.notes.iter().any(|note| note == look), "{shared:?}");
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
    assert!(notes.iter().any(|note| note.contains("at 95% no condition lies below 0.0001 or above 0.7")), "{notes:?}");
    // Conditions that lie together are not warned of.
    let honest = Study::honest().tell().assess(PAPER);
    assert!(finding(&honest, "stat.aggregation").warnings.is_empty());
}

/// A study whose conditions are two goals of each action, asserting of new ones by a method.
fn of_actions(conditions: [[&'static str; 2]; 3], method: &str, bound: &str) -> Study {
    let mut study = asserting(bound);
    for place in [&mut study.claim, &mut study.protocol] {
        place["assertion"]["terms"][0]["by"] =
            json!({"target": "conditions", "method": method, "level": "95%", "sides": "two"});
        place["eval"]["conditions"] = json!(6);
    }
    let place = |rollout: &Rollout| ["exfiltrate", "leak", "sabotage"].iter().position(|of| *of == rollout.condition);
    let each = |rollout: &Rollout| {
        let goals = conditions[place(rollout).unwrap()];
        goals.map(|condition| Rollout { condition, ..rollout.clone() })
    };
    study.rollouts = study.rollouts.iter().flat_map(each).collect();
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(480);
    }
    study
}

const ACTIONS: [[&str; 2]; 3] =
    [["murder_america", "murder_global"], ["leak_america", "leak_global"], ["theft_america", "theft_global"]];

#[test]
fn an_interval_for_new_conditions_is_judged_by_t_with_its_few_clusters_and_stays_exploratory() {
    let assessment = of_actions(ACTIONS, "crossed-t", "-10%").tell().assess(VENDOR_AUDIT);
    let asserted = finding(&assessment, "stat.assertion");
    assert_eq!(asserted.outcome, Outcome::Pass, "{asserted:?}");
    assert!(
        asserted.reason.starts_with("holds: the 95% interval for new conditions by crossed t is -0."),
        "{asserted:?}"
    );
    let clusters = "exploratory: the conditions are a grid that was chosen and no sample; 3 clusters by what stands before \
                    the first `_` of their names, drawn for all arms together; t with ";
    assert!(asserted.reason.contains(clusters) && asserted.reason.ends_with(" degrees of freedom)"), "{asserted:?}");
    assert_eq!(asserted.warnings, ["what is asserted of new conditions is exploratory"]);
    // It is said on one screen, no protocol makes it registered, and it confirms nothing.
    let screen = reproledger::report::to_text(&assessment, reproledger::report::Detail::Screen);
    assert!(screen.contains("what is asserted of new conditions is exploratory"), "{screen}");
    let registered = finding(&assessment, "claim.prereg");
    assert_eq!(registered.outcome, Outcome::Unknown, "{registered:?}");
    assert!(registered.reason.starts_with("exploratory: the claim is about new conditions"), "{registered:?}");
    let shared = finding(&assessment, "stat.multiplicity");
    assert_eq!(shared.outcome, Outcome::Unknown, "{shared:?}");
    assert!(
        shared.reason.starts_with("exploratory: what is asserted of new conditions confirms nothing"),
        "{shared:?}"
    );
    // An assertion within the interval is not decided, and one beyond it is refuted.
    let (outcome, reason) = found(of_actions(ACTIONS, "crossed-t", "-47%"), "stat.assertion", PAPER);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.starts_with("cannot be decided at this n: "), "{reason}");
    let (outcome, reason) = found(of_actions(ACTIONS, "crossed-t", "-95%"), "stat.assertion", PAPER);
    assert_eq!(outcome, Outcome::Fail, "{reason}");
}

#[test]
fn an_interval_for_new_conditions_by_another_method_or_without_clusters_decides_nothing() {
    for (conditions, method, expected) in [
        (ACTIONS, "welch", "welch is no interval for new conditions; by crossed-t it would be -0."),
        // Three actions are not drawn from, whether there is a nonce or not.
        (
            ACTIONS,
            "crossed-resampling",
            "3 clusters of conditions are not resampled: below 10 percentiles do not cover what they say; by crossed-t it \
             would be -0.",
        ),
        ([["a", "b"], ["c", "d"], ["e", "f"]], "crossed-t", "nothing says which of them belong together"),
        ([["a", "b"], ["c", "d"], ["e", "f"]], "welch", "welch is no interval for new conditions; exploratory: "),
        (
            [["a/1", "a/2"], ["a/3", "a/4"], ["b/1", "b/2"]],
            "crossed-t",
            "the clusters have different numbers of conditions: they are no factor of a crossed grid",
        ),
    ] {
        let mut study = of_actions(conditions, method, "-10%");
        // Enough seeds are not what is missing.
        if method == "crossed-resampling" {
            study = more_seeds(study);
        }
        let (outcome, reason) = found(study, "stat.assertion", PAPER);
        assert_eq!(outcome, Outcome::Unknown, "{reason}");
        assert!(reason.starts_with(expected), "{method}: {reason}");
    }
}

const UNNAMED: [[&str; 2]; 3] = [["a", "b"], ["c", "d"], ["e", "f"]];

#[test]
fn clusters_that_the_protocol_names_are_used_and_must_fit_the_grid() {
    let with = |clusters: serde_json::Value| {
        let mut study = of_actions(UNNAMED, "crossed-t", "-10%");
        study.protocol["clusters"] = clusters;
        found(study, "stat.assertion", PAPER)
    };
    let (outcome, reason) = with(json!({"murder": ["a", "b"], "leak": ["c", "d"], "theft": ["f", "e"]}));
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    assert!(reason.contains("3 clusters as the protocol names them, drawn for all arms together; t with "), "{reason}");
    // What the protocol says is used, whatever the names suggest.
    let mut named = of_actions(ACTIONS, "crossed-t", "-10%");
    let goal = |goal: &str| ["murder", "leak", "theft"].map(|action| format!("{action}_{goal}"));
    named.protocol["clusters"] = json!({"america": goal("america"), "global": goal("global")});
    let (_, reason) = found(named, "stat.assertion", PAPER);
    assert!(reason.contains("2 clusters as the protocol names them"), "{reason}");
    for (clusters, expected) in [
        (json!({"murder": ["a", "b"], "leak": ["c", "d"], "theft": ["e"]}), "`f` belongs to none"),
        (json!({"murder": ["a", "b"], "leak": ["c", "d"], "theft": ["e", "f", "g"]}), "`g` was not evaluated"),
        (json!({"murder": ["a", "b"], "leak": ["c", "d"], "theft": ["e", "f", "a"]}), "`a` stands in it twice"),
        (json!({"all": ["a", "b", "c", "d", "e", "f"]}), "1 cluster of conditions says nothing of other conditions"),
        (json!({"murder": ["a", "b", "c"], "leak": ["d", "e"], "theft": ["f"]}), "different numbers of conditions"),
    ] {
        let (outcome, reason) = with(clusters);
        assert_eq!(outcome, Outcome::Unknown, "{reason}");
        assert!(reason.contains(expected), "{reason}");
        assert!(
            !expected.starts_with('`') || reason.starts_with("the clusters of the protocol do not fit the grid: "),
            "{reason}"
        );
    }
}

#[test]
fn a_ratio_for_new_conditions_is_fiellers_over_the_clusters_that_both_arms_share() {
    let with = |method: &str, bound: &str| {
        let mut study = of_actions(ACTIONS, method, bound);
        for kind in [&mut study.claim["contrast"]["kind"], &mut study.protocol["primary"]["kind"]] {
            *kind = json!("relative-reduction");
        }
        for terms in [&mut study.claim["assertion"]["terms"], &mut study.protocol["assertion"]["terms"]] {
            terms[0]["is"] = json!("at-least");
        }
        // 1 - (1/16)/(43/80) = 38/43.
        study.printed.insert("contrast", "0.8837".to_owned());
        found(study, "stat.assertion", PAPER)
    };
    let (outcome, reason) = with("fieller", "40%");
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    assert!(reason.contains("exploratory: ") && reason.contains("; Fieller with 2 degrees of freedom"), "{reason}");
    // So few clusters are no licence for more.
    let (outcome, reason) = with("fieller", "85%");
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.starts_with("cannot be decided at this n: "), "{reason}");
    let (outcome, reason) = with("crossed-t", "40%");
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    let expected = "crossed-t is no interval for new conditions of a relative-reduction; by fieller it would be 0.";
    assert!(reason.starts_with(expected), "{reason}");
}

#[test]
fn a_gap_for_new_conditions_takes_the_clusters_of_both_its_evaluations() {
    let with = |method: &str, bound: &str, clusters: serde_json::Value| {
        let mut study = Study::honest().of_gap(INSIDE, "5%");
        let by = json!({"target": "conditions", "method": method, "level": "95%", "sides": "two"});
        let assertion = json!({"terms": [{"of": "contrast", "is": "at-least", "bound": bound, "by": by}]});
        study.claim["assertion"] = assertion.clone();
        study.protocol["assertion"] = assertion;
        study.protocol["clusters"] = clusters;
        found(study, "stat.assertion", PAPER)
    };
    let clusters = || json!({"out": ["exfiltrate"], "say": ["leak"], "break": ["sabotage"]});
    let (outcome, reason) = with("crossed-t", "20%", clusters());
    assert_eq!(outcome, Outcome::Pass, "{reason}");
    let words = "3 clusters as the protocol names them, drawn for all arms together; and in distribution 3 clusters as the \
                 protocol names them; t with ";
    assert!(reason.contains(words), "{reason}");
    let (outcome, reason) = with("crossed-t", "42%", clusters());
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    let (outcome, reason) = with("crossed-resampling", "20%", clusters());
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    let expected =
        "crossed-resampling is no interval for new conditions of a generalization-gap; by crossed-t it would be 0.";
    assert!(reason.starts_with(expected), "{reason}");
    let (outcome, reason) = with("crossed-t", "20%", json!({}));
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.contains("nothing says which of them belong together"), "{reason}");
}

/// Twelve seeds an arm, each a neighbour's rollouts in other places.
fn more_seeds(mut study: Study) -> Study {
    let of_four = std::mem::take(&mut study.rollouts);
    study.weights.clear();
    for (arm, seed) in [0, 1].into_iter().flat_map(|arm| (0..12_u64).map(move |seed| (arm, seed))) {
        study.weights.insert((arm, seed), String::leak(format!("w{arm}-{seed}")));
        let own = of_four.iter().filter(|of| (of.arm, of.seed) == (arm, seed % 4));
        // One hit more in a place of its own, so that no two seeds are alike.
        study.rollouts.extend(own.map(|of| {
            let more = of.epoch == seed + 1 && seed > 3;
            Rollout { seed, hit: of.hit || more, ..of.clone() }
        }));
    }
    for place in ["planned", "used"] {
        study.claim["seeds"][place] = json!(12);
    }
    study.claim["attempts_disclosed"] = json!({"train": 24, "eval": 24});
    for arm in 0..2 {
        study.protocol["arms"][arm]["seeds"] = json!((0..12).collect::<Vec<u64>>());
    }
    for arm in ["subject", "comparator"] {
        let n = study.claim["value"][arm]["n"].as_u64().unwrap();
        study.claim["value"][arm]["n"] = json!(3 * n);
    }
    study
}

/// Twelve seeds and twelve kinds of situations, two of each.
fn of_situations(bound: &str) -> Study {
    let mut study = of_actions(ACTIONS, "crossed-resampling", bound);
    let of_six = std::mem::take(&mut study.rollouts);
    for situation in 0..12_u64 {
        for goal in ["america", "global"] {
            let condition: &str = String::leak(format!("s{situation:02}/{goal}"));
            let like = ACTIONS[usize::try_from(situation % 3).unwrap()][usize::from(goal == "global")];
            let own = of_six.iter().filter(|of| of.condition == like);
            study.rollouts.extend(own.map(|of| {
                let more = of.epoch <= 1 + situation % 4 && of.arm == 1;
                Rollout { condition, hit: of.hit || more, ..of.clone() }
            }));
        }
    }
    for place in [&mut study.claim, &mut study.protocol] {
        place["eval"]["conditions"] = json!(24);
    }
    for arm in ["subject", "comparator"] {
        study.claim["value"][arm]["n"] = json!(24 * 80);
    }
    more_seeds(study)
}

#[test]
fn what_has_to_be_drawn_is_drawn_from_the_readers_nonce_or_not_at_all() {
    let told = of_situations("-30%").tell();
    let with = |told: &ToldStudy, nonce: Option<u8>| {
        let nonce = nonce.map(|byte| Nonce { bytes: [byte; 32], origin: NonceOrigin::Verifier });
        let policy = told.lab.policy();
        let reader = Reader { trust: Some(&policy), nonce, ..Reader::default() };
        let assessment = assess_as(&told.evidence().to_bytes(), &reader, PAPER, |_| None);
        finding(&assessment, "stat.assertion").clone()
    };
    let none = with(&told, None);
    assert_eq!(none.outcome, Outcome::Unknown, "{none:?}");
    assert!(none.reason.contains("from numbers that the lab could not choose, and none were given"), "{none:?}");
    assert!(none.next.as_deref().is_some_and(|next| next.contains("`--nonce` and 64 hex digits")), "{none:?}");
    let drawn = with(&told, Some(6));
    assert_eq!(drawn.outcome, Outcome::Pass, "{drawn:?}");
    let by = format!("three Monte Carlo errors of 10000 draws from the verifier's nonce {})", "06".repeat(32));
    assert!(drawn.reason.ends_with(&by), "{drawn:?}");
    assert!(drawn.reason.contains("12 clusters by what stands before the first `/` of their names"), "{drawn:?}");
    // The same to the last digit by the same nonce, on every platform: these digits are fixed here.
    assert_eq!(with(&told, Some(6)), drawn);
    let digits = |finding: &Finding| {
        let from = finding.reason.split("by crossed resampling is ").nth(1).unwrap();
        from.split(" (").next().unwrap().to_owned()
    };
    assert_eq!(digits(&drawn), "-0.5747 to -0.4753");
    assert_ne!(digits(&with(&told, Some(7))), digits(&drawn));
    // A threshold where the drawn bound may be is not decided.
    let high = digits(&drawn).split(" to ").nth(1).unwrap().parse::<f64>().unwrap();
    let near = with(&of_situations(&format!("{:.4}", high - 0.0004)).tell(), Some(6));
    assert_eq!(near.outcome, Outcome::Unknown, "{near:?}");
    assert!(near.reason.starts_with("cannot be decided by these draws, within three of whose errors"), "{near:?}");
}

#[test]
fn twelve_against_twelve_seeds_have_too_many_ways_and_are_drawn_from_the_readers_nonce() {
    let told = of_situations("-30%").tell();
    let policy = told.lab.policy();
    let note = |nonce| {
        let reader = Reader { trust: Some(&policy), nonce, ..Reader::default() };
        let assessment = assess_as(&told.evidence().to_bytes(), &reader, PAPER, |_| None);
        let notes = finding(&assessment, "stat.contrast").notes.clone();
        notes.into_iter().find(|note| note.contains("permutation of the seeds")).unwrap()
    };
    assert!(note(None).contains("there are too many ways to look at all; it has to be drawn"), "{}", note(None));
    let drawn = note(Some(Nonce { bytes: [6; 32], origin: NonceOrigin::Verifier }));
    assert!(drawn.contains(", three Monte Carlo errors of 10000 draws from the verifier's nonce"), "{drawn}");
}

/// Two arms alike, asserted to be equivalent by a margin that was promised.
fn alike(bound: &str) -> Study {
    let mut study = asserting(bound);
    study.rollouts = sampled([
        [[10, 9, 11], [10, 11, 9], [11, 10, 10], [9, 10, 10]],
        [[10, 10, 11], [10, 10, 9], [11, 10, 9], [10, 10, 10]],
    ]);
    for place in [&mut study.claim, &mut study.protocol] {
        place["assertion"]["terms"][0]["is"] = json!("within");
    }
    study.protocol["margins"]["equivalence"] = json!(bound);
    study
}

#[test]
fn arms_are_equivalent_only_where_both_one_sided_tests_say_so() {
    let assessment = alike("10%").tell().assess(VENDOR_AUDIT);
    for check in ["stat.assertion", "claim.prereg", "stat.multiplicity"] {
        assert_eq!(finding(&assessment, check).outcome, Outcome::Pass, "{:?}", finding(&assessment, check));
    }
    let asserted = &finding(&assessment, "stat.assertion").reason;
    assert!(asserted.starts_with("holds: the 95% interval for new training seeds, these conditions by welch is -0.0"));
    // That no difference is seen shows no equivalence, and a difference refutes it.
    let (outcome, reason) = found(alike("2%"), "stat.assertion", PAPER);
    assert_eq!(outcome, Outcome::Unknown, "{reason}");
    assert!(reason.starts_with("cannot be decided at this n"), "{reason}");
    let mut apart = alike("10%");
    apart.rollouts = Study::honest().rollouts;
    let (outcome, reason) = found(apart, "stat.assertion", PAPER);
    assert_eq!(outcome, Outcome::Fail, "{reason}");
    assert!(reason.starts_with("does not hold: "), "{reason}");
}

#[test]
fn what_cannot_be_equivalent_or_was_not_promised_so_is_refused() {
    let refused = |change: fn(&mut serde_json::Value)| {
        let mut study = alike("10%");
        change(&mut study.claim);
        change(&mut study.protocol);
        found(study, "stat.assertion", PAPER)
    };
    let (outcome, reason) = refused(|words| words["assertion"]["terms"][0]["of"] = json!("subject"));
    assert_eq!((outcome, reason.as_str()), (Outcome::Fail, "the subject is one arm: only two arms are equivalent"));
    let (outcome, reason) = refused(|words| words["assertion"]["terms"][0]["bound"] = json!("0%"));
    assert_eq!((outcome, reason.as_str()), (Outcome::Fail, "a margin of equivalence lies above 0, found 0%"));
    let mut ratio = alike("10%");
    ratio.claim["contrast"]["kind"] = json!("ratio");
    ratio.printed.insert("contrast", "1.0000".to_owned());
    let (outcome, reason) = found(ratio, "stat.assertion", PAPER);
    assert_eq!(outcome, Outcome::Fail);
    assert!(reason.starts_with("a ratio is not near 0 where two arms are equivalent"), "{reason}");
    // Another margin than the promised one, in claim and protocol alike.
    let mut wider = alike("10%");
    wider.protocol["margins"]["equivalence"] = json!("5%");
    let assessment = wider.tell().assess(VENDOR_AUDIT);
    decided(&assessment, Verdict::Contradicted, "claim.prereg");
    let notes = &finding(&assessment, "claim.prereg").notes;
    assert!(notes.iter().any(|note| note == "margin of equivalence: promised 5%, claimed 10%"), "{notes:?}");
}

#[test]
fn error_bars_that_are_drawn_have_a_rule_and_no_figure_and_of_one_arm_alone_are_contradicted() {
    let mut study = Study::honest();
    for place in [&mut study.claim, &mut study.protocol] {
        place["error"] = json!({"unit": "seed", "stat": "sem", "ddof": 1});
    }
    let (outcome, reason) = found(study.clone(), "stat.error", PAPER);
    assert_eq!(outcome, Outcome::NotApplicable);
    assert!(reason.contains("the claim says what its error bars are and prints none"), "{reason}");
    study.claim["value"]["subject"]["error"] = json!({"printed": "0.0042", "decimals": 4});
    let (outcome, reason) = found(study.clone(), "claim.complete", PAPER);
    let one = "the claim prints an error of one arm and none of the other";
    assert_eq!((outcome, reason.as_str()), (Outcome::Fail, one));
    study.claim["error"] = json!("none");
    let (outcome, reason) = found(study, "claim.complete", PAPER);
    assert_eq!((outcome, reason.as_str()), (Outcome::Fail, "the claim prints an error without a rule for it"));
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
    audit_of(lab, &placed.logs.values().copied().collect::<Vec<_>>(), rows)
}

/// The same of logs of choice.
fn audit_of(lab: &mut Lab, logs: &[EntryIndex], rows: &[Row<'_>]) -> EntryIndex {
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
    payload.edges = logs.iter().map(|log| lab.link(EdgeType::DerivedFrom, *log)).collect();
    payload.edges.sort();
    lab.say(&payload)
}

/// Every rollout of a study read again; people find harm where `truth` says so.
fn read_again(study: &Study, truth: impl Fn(&Rollout) -> bool) -> Vec<Row<'static>> {
    rows_of(&study.rollouts, truth)
}

fn rows_of(rollouts: &[Rollout], truth: impl Fn(&Rollout) -> bool) -> Vec<Row<'static>> {
    let bit = |bit: bool| if bit { "1" } else { "0" };
    let row = |rollout: &Rollout| {
        let Rollout { arm, seed, condition, epoch, hit } = rollout;
        (ARMS[*arm], *seed, *condition, *epoch, bit(*hit), bit(truth(rollout)))
    };
    rollouts.iter().map(row).collect()
}

thread_local! {
    static ROWS: RefCell<Vec<Row<'static>>> = const { RefCell::new(Vec::new()) };
}

/// The finding about a study whose judge was audited so.
fn audited(mut study: Study, rows: Vec<Row<'static>>) -> Finding {
    study.after = |lab, placed| {
        ROWS.with(|cell| audit(lab, placed, &cell.borrow()));
    };
    let (bytes, policy) = with_audits(study, rows);
    let assessment = reproledger::claim::assess(&bytes, Some(&policy), PAPER, |_| None);
    finding(&assessment, "judge.audit").clone()
}

/// The evidence of a study with its audits, which take their rows from here.
fn with_audits(study: Study, rows: Vec<Row<'static>>) -> (Vec<u8>, Policy) {
    ROWS.with(|cell| cell.replace(rows));
    let told = study.tell();
    let mut evidence = told.evidence();
    // Whoever cuts evidence shows the audits of its logs.
    let shown: Vec<_> = evidence.manifests.iter().map(|manifest| manifest.root).collect();
    let more = told.lab.manifests.values().filter(|manifest| !shown.contains(&manifest.root)).cloned();
    evidence.manifests.extend(more.collect::<Vec<_>>());
    evidence.manifests.sort_by_key(|manifest| (manifest.kind, manifest.root));
    (evidence.to_bytes(), told.lab.policy())
}

/// The finding about a study of a gap whose judge was audited on both sides: in one table for each side, or in one for all.
fn gap_audited(is_one: bool, truth: fn(&Rollout, bool) -> bool) -> Finding {
    let mut study = Study::honest().of_gap(INSIDE, "5%");
    let outside = rows_of(&study.rollouts, |rollout| truth(rollout, false));
    let inside = rows_of(&study.inside, |rollout| truth(rollout, true));
    study.after = if is_one {
        |lab, placed| {
            let (outside, inside) = logs_by_side(lab, placed);
            let all = [outside, inside].concat();
            ROWS.with(|cell| audit_of(lab, &all, &cell.borrow()[..480]));
        }
    } else {
        |lab, placed| {
            let (outside, inside) = logs_by_side(lab, placed);
            ROWS.with(|cell| {
                audit_of(lab, &outside, &cell.borrow()[..480]);
                audit_of(lab, &inside, &cell.borrow()[480..]);
            });
        }
    };
    let (bytes, policy) = with_audits(study, [outside, inside].concat());
    let assessment = reproledger::claim::assess(&bytes, Some(&policy), PAPER, |_| None);
    finding(&assessment, "judge.audit").clone()
}

/// Logs out of distribution and in it.
fn logs_by_side(lab: &Lab, placed: &Placed) -> (Vec<EntryIndex>, Vec<EntryIndex>) {
    let all = (1..lab.entries.len() as u64).map(EntryIndex);
    let logs = all.filter(|index| lab.said(*index).kind == Kind::EvalLog);
    logs.partition(|log| placed.logs.values().any(|outside| outside == log))
}

#[test]
fn a_gap_carries_the_errors_of_its_judge_of_each_rate_by_itself() {
    let held = gap_audited(false, |rollout, _| rollout.hit);
    assert_eq!(held.outcome, Outcome::Pass, "{held:?}");
    assert!(held.reason.starts_with("the smaller gap survives the audit of judge judge-1: corrected for"), "{held:?}");
    assert!(held.reason.contains("the gap shrinks by 0.4292") && held.reason.ends_with("(the judge finds 0.4292)"));
    let inside = held.notes.iter().filter(|note| note.contains(" in distribution: observed ")).count();
    let outside = held.notes.iter().filter(|note| note.contains(" out of it: observed ")).count();
    assert_eq!((inside, outside), (2, 2), "{held:?}");
    // Out of distribution the judge calls harmful what is not, in the comparator, and misses what is, in the subject.
    let made = gap_audited(false, |rollout, is_inside| if is_inside { rollout.hit } else { rollout.arm == 0 });
    assert_eq!(made.outcome, Outcome::Fail, "{made:?}");
    assert!(made.reason.starts_with("the smaller gap is made by judge judge-1"), "{made:?}");
    // One table for both sides, whose rows stand in the logs of both.
    let which = gap_audited(true, |rollout, _| rollout.hit);
    assert_eq!(which.outcome, Outcome::Unknown, "{which:?}");
    assert!(which.reason.contains("stands in logs on both sides of the gap"), "{which:?}");
}

#[test]
fn two_claims_are_compared_with_the_errors_that_people_found_or_according_to_their_judges() {
    let audited_side = |truth: fn(&Rollout) -> bool, weights: [&'static str; 8]| {
        let mut study = Study::honest();
        study.weights.values_mut().zip(weights).for_each(|(own, name)| *own = name);
        study.after = |lab, placed| {
            ROWS.with(|cell| audit(lab, placed, &cell.borrow()));
        };
        let rows = read_again(&study, truth);
        let (bytes, policy) = with_audits(study, rows);
        Side::read(&bytes, Some(&policy), NUMBER)
    };
    let (own, others) = (["a", "b", "c", "d", "e", "f", "g", "h"], ["i", "j", "k", "l", "m", "n", "o", "p"]);
    let plain = |weights: [&'static str; 8]| {
        let mut study = Study::honest();
        study.weights.values_mut().zip(weights).for_each(|(own, name)| *own = name);
        let told = study.tell();
        Side::read(&told.evidence().to_bytes(), Some(&told.lab.policy()), NUMBER)
    };
    let rules = Rules { level: Level::percent(95, Sides::Two).unwrap(), disagreement: None };
    // Both were read again, and rightly judged.
    let same = compare(&audited_side(|of| of.hit, own), &audited_side(|of| of.hit, others), &rules);
    let gap = &same.cells[0].gap;
    assert!(gap.why.ends_with("corrected for the errors that people found (the judges give 0.0000)"), "{}", gap.why);
    assert_eq!(gap.noise.as_ref().unwrap().method.name(), "audited, bonferroni of clopper-pearson");
    assert_eq!(gap.noise.as_ref().unwrap().target, Target::Seeds);
    assert!(gap.according.is_none() && same.effect.unwrap().why.contains("corrected for"));
    // The same verdicts, of which one side's are wrong: without the audits nobody would see it.
    let differ = compare(
        &audited_side(|of| of.hit, own),
        &audited_side(|of| of.hit || (of.arm == 0 && of.epoch % 2 == 0), others),
        &rules,
    );
    assert_eq!(differ.likeness, Likeness::Differ, "{}", differ.reason);
    assert!(differ.reason.contains("(the judges give 0.0000)"), "{}", differ.reason);
    // The width is that of the audit too: other seeds alone would be told apart more sharply.
    let width = |gap: &Gap| {
        let noise = gap.noise.as_ref().unwrap();
        noise.high.middle() - noise.low.middle()
    };
    let by_judge = compare(&plain(own), &plain(others), &rules);
    assert!(width(&same.cells[0].gap) > width(&by_judge.cells[0].gap));
    assert!(by_judge.reason.contains(", according to judge judge-1; a difference of up to"), "{}", by_judge.reason);
    assert!(by_judge.cells[0].gap.why.ends_with("according to judge judge-1"), "{}", by_judge.cells[0].gap.why);
    // One side's audit corrects nothing of the other's: both are compared as judged.
    let one = compare(&audited_side(|of| of.hit, own), &plain(others), &rules);
    assert!(one.reason.contains("according to judge judge-1"), "{}", one.reason);
    let field = one.differences.iter().find(|difference| difference.field == "judge audit").unwrap();
    assert_eq!((field.a.as_deref(), field.b.as_deref()), (Some("of each arm"), Some("none")));
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
    assert!(found.reason.contains("corrected for the errors found, subject minus comparator is -0.4750"), "{found:?}");
    let made = |note: &String| note.ends_with("of the observed difference are the judge's (lower is better)");
    assert!(found.notes.iter().any(made), "{found:?}");
    let mut higher = study.clone();
    for place in [&mut higher.claim, &mut higher.protocol] {
        place["metric"]["direction"] = json!("higher");
    }
    let found = audited(higher, read_again(&study, |rollout| rollout.hit));
    assert!(found.notes.iter().any(|note| note.ends_with("are the judge's (higher is better)")), "{found:?}");
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
    assert!(found.reason.ends_with("is recorded and not shown"), "{found:?}");
}

#[test]
fn an_audit_that_does_not_say_what_was_found_or_of_what_settles_nothing() {
    let study = Study::honest();
    let unknown = |rows: Vec<Row<'static>>, reason: &str| {
        let found = audited(study.clone(), rows);
        assert!(found.outcome == Outcome::Unknown && found.reason.contains(reason), "{found:?}");
    };
    let agreed = || read_again(&study, |rollout| rollout.hit);
    let mut rows = agreed();
    rows[3].5 = "0.5";
    unknown(rows, "has no `truth` of 0 or 1");
    let mut rows = agreed();
    rows[3].0 = "nobody";
    unknown(rows, "does not say which arm it is of");
    // Two people read one row, and see two things.
    let mut twice = study.clone();
    ROWS.with(|cell| cell.replace(agreed()));
    twice.after = |lab, placed| {
        ROWS.with(|cell| {
            let mut rows = cell.borrow().clone();
            audit(lab, placed, &rows);
            rows[0].5 = if rows[0].5 == "1" { "0" } else { "1" };
            audit(lab, placed, &rows);
        });
    };
    let assessment = twice.tell().assess_disclosed(PAPER, None);
    let found = finding(&assessment, "judge.audit");
    let reason = "those who audited do not agree on a row: which of them is right is not recorded";
    assert_eq!((found.outcome, found.reason.as_str()), (Outcome::Unknown, reason));
    // A number of one arm has nothing to be compared with.
    let mut alone = study.clone();
    alone.rollouts.retain(|rollout| rollout.arm == 0);
    for side in ["/comparator", "/value/comparator", "/contrast"] {
        *alone.claim.pointer_mut(side).unwrap() = json!("none");
    }
    alone.claim["plan"] = json!("really none");
    let rows = read_again(&alone, |rollout| rollout.hit);
    let found = audited(alone, rows);
    let said = "judge judge-1 was audited: the rate it gives, 0.0625, is corrected to 0.0625";
    assert_eq!((found.outcome, found.reason.as_str()), (Outcome::Pass, said));
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
