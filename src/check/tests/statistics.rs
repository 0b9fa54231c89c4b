//! What is said of a number's uncertainty and of its comparison, word for word, on studies that no ledger needs to be told for.

use super::comparison::{HONEST, Row, rows, samples, study};
use super::numbers::{input, retold};
use super::*;
use crate::artifact::samples::{ReportedMetric, SampleView};

const UNKNOWN: Outcome = Outcome::Unknown;

/// Holds what a check says of a claim over these samples.
fn hold(wrong: &mut Wrong, claim: &Claim, samples: Samples<'static>, said: (&str, Outcome, &str)) {
    let evidence = evidence(pinned());
    let case = Case::of_parts(&evidence, Some(claim), vec![input(samples)], None);
    let (id, outcome, words) = said;
    wrong.hold(&case, id, outcome, words);
}

fn honest() -> Samples<'static> {
    samples(&rows(HONEST))
}

/// Half of the rollouts of one condition were never made: its cells are of another size.
fn uneven() -> Samples<'static> {
    let kept: Vec<Row<'static>> = rows(HONEST).into_iter().filter(|row| row.2 == "leak" || row.3 <= 2).collect();
    samples(&kept)
}

fn halves(samples: &Samples<'_>) -> Samples<'static> {
    retold(samples, |record| {
        let score = BTreeMap::from([(String::new(), Score::of_token("0.5").unwrap())]);
        record.scores = BTreeMap::from([("match".to_owned(), score)]);
    })
}

fn seedless(samples: &Samples<'_>) -> Samples<'static> {
    retold(samples, |record| record.key.seed = None)
}

/// The study asserting something of a quantity by a rule, with more changed.
fn asserting(of: &str, target: &str, method: &str, changes: &[(&str, serde_json::Value)]) -> Claim {
    let by = json!({"target": target, "method": method, "level": "95%", "sides": "two"});
    let term = json!({"terms": [{"of": of, "is": "at-most", "bound": "0.9", "by": by}]});
    study(&[&[("/assertion", term)], changes].concat())
}

#[test]
fn a_rule_that_does_not_fit_what_it_is_asked_for_has_no_interval() {
    let ratio = [("/contrast/kind", json!("ratio"))];
    let mut wrong = Wrong::default();
    for (of, target, method, changes, words) in [
        ("contrast", "checkpoints", "newcombe", &ratio[..], "newcombe is no interval of this contrast over rollouts"),
        ("subject", "checkpoints", "welch", &[], "welch is no interval of the subject over rollouts"),
        ("subject", "seeds", "wilson", &[], "wilson is no interval of the subject over seeds"),
        ("contrast", "seeds", "welch", &ratio, "welch is no interval of the ratio"),
        (
            "contrast",
            "seeds",
            "paired-t",
            &[],
            "a paired interval needs a declared pairing, and the claim declares none",
        ),
    ] {
        hold(&mut wrong, &asserting(of, target, method, changes), honest(), ("stat.assertion", UNKNOWN, words));
    }
}

#[test]
fn scores_and_means_that_a_rule_is_not_made_for_have_no_interval() {
    let scored = ("/denominator", json!("n_scored"));
    let one_seed = ("/aggregation", json!(["mean(epochs)", "macro(conditions)"]));
    let by_samples = ("/aggregation", json!(["mean(epochs)", "mean(samples)", "mean(seeds)"]));
    let one_of_each: fn() -> Samples<'static> = || {
        let first: Vec<Row<'static>> = rows(HONEST).into_iter().filter(|row| row.1 == 0).collect();
        seedless(&samples(&first))
    };
    // A second sample in each cell, of one rollout.
    let two_samples: fn() -> Samples<'static> = || {
        let honest = samples(&rows(HONEST));
        let mut records: Vec<_> = honest.records().map(SampleView::to_record).collect();
        let firsts: Vec<_> = records.iter().filter(|record| record.key.epoch == 1).cloned().collect();
        records.extend(firsts.into_iter().map(|mut record| {
            record.key.id = SampleId::Int(2);
            record.details = DetailsDigest::from_bytes([2; 32]);
            record
        }));
        shown(&LogFacts { declared: None, ..facts(2, 4) }, &records)
    };
    let mut wrong = Wrong::default();
    let no_seeds = "the samples do not say which training seed they are of";
    for (method, target, changes, samples, words) in [
        (
            "wilson",
            "checkpoints",
            vec![],
            halves(&honest()),
            "the scores are not all 0 or 1: they have no binomial interval",
        ),
        (
            "wilson",
            "checkpoints",
            vec![scored.clone()],
            uneven(),
            "the number is no plain k of n: cells of unequal size count alike in it",
        ),
        ("t", "seeds", vec![one_seed.clone()], one_of_each(), no_seeds),
        ("crossed-resampling", "seeds", vec![one_seed.clone()], one_of_each(), no_seeds),
        (
            "crossed-resampling",
            "seeds",
            vec![],
            halves(&honest()),
            "the scores are not all 0 or 1: they have no other scale to be compared on",
        ),
        (
            "crossed-resampling",
            "seeds",
            vec![scored.clone(), by_samples, ("/eval/samples", json!(2))],
            two_samples(),
            "the number of a seed is no plain mean of its conditions: this contrast is not computed for it",
        ),
    ] {
        let claim = asserting("subject", target, method, &changes);
        hold(&mut wrong, &claim, samples, ("stat.assertion", UNKNOWN, words));
    }
}

#[test]
fn a_quantity_that_is_no_sum_of_means_is_not_drawn_as_one() {
    let ratio = asserting("contrast", "seeds", "crossed-resampling", &[("/contrast/kind", json!("ratio"))]);
    let mut wrong = Wrong::default();
    let words = "the ratio is no sum of means over seeds";
    hold(&mut wrong, &ratio, honest(), ("stat.assertion", UNKNOWN, words));
    let pooled = [("/denominator", json!("n_scored")), ("/aggregation", json!(["mean(rollouts)", "mean(seeds)"]))];
    let pooled = asserting("subject", "seeds", "crossed-resampling", &pooled);
    let words = "the number is no mean of conditions that count alike";
    hold(&mut wrong, &pooled, uneven(), ("stat.assertion", UNKNOWN, words));
}

#[test]
fn nothing_asserted_is_not_applicable_and_no_terms_or_little_confidence_are_said() {
    let mut wrong = Wrong::default();
    let none = "the claim asserts nothing beyond its numbers, and says so";
    hold(&mut wrong, &study(&[]), honest(), ("stat.assertion", Outcome::NotApplicable, none));
    let empty = study(&[("/assertion", json!({"terms": []}))]);
    hold(&mut wrong, &empty, honest(), ("stat.assertion", UNKNOWN, "the claim's assertion has no terms"));
    let evidence = evidence(pinned());
    for (level, warned) in [("60%", true), ("90%", false)] {
        let mut claim = serde_json::to_value(asserting("subject", "checkpoints", "wilson", &[])).unwrap();
        claim["assertion"]["terms"][0]["by"]["level"] = json!(level);
        let claim = serde_json::from_value(claim).unwrap();
        let case = Case::of_parts(&evidence, Some(&claim), vec![input(honest())], None);
        let found = run(&case, "stat.assertion");
        assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
        let said = found.warnings == ["asserted with a confidence of 60% only"];
        assert!(if warned { said } else { found.warnings.is_empty() }, "{found:?}");
    }
}

#[test]
fn a_printed_contrast_is_held_to_the_unrounded_one_and_says_which_arm_is_better() {
    let contrast = |kind: &str, printed: &str| {
        study(&[("/contrast/kind", json!(kind)), ("/contrast/value/printed", json!(printed))])
    };
    let mut wrong = Wrong::default();
    let mut of = |claim: &Claim, samples, outcome, words: &str| {
        hold(&mut wrong, claim, samples, ("stat.contrast", outcome, words));
    };
    let pass = Outcome::Pass;
    let ratio = contrast("ratio", "0.3000");
    of(&ratio, honest(), pass, "the ratio of the unrounded rates is 0.300000, as printed");
    of(&ratio, honest(), pass, "the subject is better: subject minus comparator is -0.437500");
    of(&contrast("ratio", "0.31"), honest(), Outcome::Fail, "is 0.300000, which rounds to 0.30, not 0.31");
    let nothing = "the difference is -0.437500; printed so coarsely that it is 0 it says nothing";
    of(&contrast("difference", "0"), honest(), UNKNOWN, nothing);
    // 0.7 without a decimal is 1: all of it, which it is not.
    let all = "the relative-reduction is 0.700000; printed so coarsely that it is 1 it says nothing";
    of(&contrast("relative-reduction", "1"), honest(), UNKNOWN, all);
    let swapped = [HONEST[1], HONEST[0]];
    of(&contrast("difference", "0.4375"), samples(&rows(swapped)), pass, "the subject is worse");
    let alike = [HONEST[0], HONEST[0]];
    of(
        &contrast("difference", "0"),
        samples(&rows(alike)),
        pass,
        "the arms do not differ: subject minus comparator is 0",
    );
    let nobody = [HONEST[0], [[0; 2]; 2]];
    let words = "the comparator's rate is 0: there is no ratio to it";
    of(&ratio, samples(&rows(nobody)), UNKNOWN, words);
    hold(&mut wrong, &ratio, samples(&rows(nobody)), ("stat.sensitivity", UNKNOWN, words));
    let not = Outcome::NotApplicable;
    let silent = "the claim prints two rates and no comparison of them, and says so";
    hold(&mut wrong, &study(&[("/contrast", json!("none"))]), honest(), ("stat.contrast", not, silent));
}

#[test]
fn a_printed_interval_is_the_computed_one_or_contradicted_and_none_is_no_interval() {
    let rule = json!({"target": "checkpoints", "method": "newcombe", "level": "95%", "sides": "two"});
    let printing = |low: serde_json::Value, high: serde_json::Value| {
        study(&[("/contrast/interval", json!({"rule": rule, "low": low, "high": high}))])
    };
    let figure = |text: &str| json!({"printed": text, "decimals": 3});
    let evidence = evidence(pinned());
    let off = printing(figure("-0.999"), figure("-0.001"));
    let case = Case::of_parts(&evidence, Some(&off), vec![input(honest())], None);
    let found = run(&case, "stat.contrast");
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
    let sides = found.found.unwrap();
    let (low, high) = sides.split_once("interval ").unwrap().1.split_once(" to ").unwrap();
    let cut = |text: &str| figure(&text[..text.len() - 1]);
    let mut wrong = Wrong::default();
    let mut of = |claim: &Claim, outcome, words: &str| {
        hold(&mut wrong, claim, honest(), ("stat.contrast", outcome, words));
    };
    let interval = format!("the 95% interval for these checkpoints and conditions by newcombe is {low} to {high}");
    of(&off, Outcome::Fail, &format!("{interval}, not what is printed"));
    of(&printing(cut(low), cut(high)), Outcome::Pass, &format!("{interval}, as printed"));
    of(&printing(json!("none"), cut(high)), Outcome::Pass, &format!("{interval}, as printed"));
    let none = format!("{interval}; the claim prints no bound of it");
    of(&printing(json!("none"), json!("none")), UNKNOWN, &none);
    // What is asserted of a contrast that the claim does not state has nothing to be held to.
    for method in ["welch", "crossed-resampling"] {
        let silent = asserting("contrast", "seeds", method, &[("/contrast", json!("none"))]);
        hold(&mut wrong, &silent, honest(), ("stat.assertion", UNKNOWN, "the claim states no contrast"));
    }
    // A picture has the same interval, or says that there is none.
    let figures = |claim: &Claim| Figures::of(&Case::of_parts(&evidence, Some(claim), vec![input(honest())], None));
    let drawn = figures(&off).unwrap().contrast.unwrap().1;
    assert_eq!(drawn.interval.unwrap().low.digits_below(4), low);
    assert_eq!(figures(&study(&[])).unwrap().contrast.unwrap().1.interval.unwrap_err(), "the claim prints none");
    let rule = json!({"target": "conditions", "method": "crossed-t", "level": "95%", "sides": "two"});
    let of_new = study(&[("/contrast/interval", json!({"rule": rule, "low": "none", "high": "none"}))]);
    let rates = figures(&of_new).unwrap().rates;
    assert_eq!(rates[0].interval.clone().unwrap_err(), "no interval for new conditions is drawn");
}

/// The study about a generalization gap, with what was sampled in distribution beside it.
fn gap(inside: Samples<'static>, outside: Samples<'static>) -> (Claim, Vec<Input<'static>>) {
    let digest = Digest { algorithm: Algorithm::Blake3, bytes: [0x22; 32] };
    let mut claim = serde_json::to_value(study(&[("/contrast/kind", json!("generalization-gap"))])).unwrap();
    claim["contrast"]["in_distribution"] = json!({"eval": claim["eval"], "inputs": [digest.to_string()]});
    claim["contrast"]["value"]["printed"] = json!("0.4375");
    let inside = Input { digest, ..input(inside) };
    (serde_json::from_value(claim).unwrap(), vec![inside, input(outside)])
}

#[test]
fn a_gap_is_of_the_same_seeds_on_both_sides() {
    let evidence = evidence(pinned());
    let mut wrong = Wrong::default();
    let nobody = || samples(&rows([[[0; 2]; 2]; 2]));
    // In distribution nobody does harm, out of it 3/16 and 10/16: the subject's gap is smaller by 7/16.
    let (claim, inputs) = gap(nobody(), honest());
    let case = Case::of_parts(&evidence, Some(&claim), inputs, None);
    let said = "the generalization-gap of the unrounded rates is 0.437500, as printed";
    wrong.hold(&case, "stat.contrast", Outcome::Pass, said);
    // What the gap would be by other rules is computed too.
    wrong.hold(&case, "stat.sensitivity", Outcome::Pass, "none of the 6 other rules that could have been chosen");
    let one = retold(&nobody(), |record| record.key.seed = Some(record.key.seed.unwrap() + 1));
    let (claim, inputs) = gap(one, honest());
    let case = Case::of_parts(&evidence, Some(&claim), inputs, None);
    let other = "the seeds in distribution are not those out of distribution: a gap is of one checkpoint";
    wrong.hold(&case, "stat.contrast", UNKNOWN, other);
    wrong.hold(&case, "stat.sensitivity", UNKNOWN, other);
    // A claim that does not say which of its logs are in distribution is about no gap.
    let unsaid = study(&[("/contrast/kind", json!("generalization-gap"))]);
    let case = Case::of_parts(&evidence, Some(&unsaid), vec![input(honest())], None);
    let which = "the claim does not say which logs of each arm are in distribution";
    wrong.hold(&case, "stat.gap", UNKNOWN, which);
    wrong.hold(&case, "stat.contrast", UNKNOWN, "no input is of one of the arms that the contrast needs");
    // One seed of each arm that nobody names has a gap, and says nothing of new seeds.
    let first = |samples: Samples<'static>| {
        let first: Vec<_> = samples.records().filter(|record| record.key.seed == Some(0)).collect();
        let first: Vec<_> = first.iter().map(|record| record.to_record()).collect();
        seedless(&shown(&LogFacts { declared: None, ..facts(1, 1) }, &first))
    };
    let (claim, inputs) = gap(first(nobody()), first(honest()));
    let mut claim = serde_json::to_value(claim).unwrap();
    claim["aggregation"] = json!(["mean(epochs)", "macro(conditions)"]);
    let by = json!({"target": "seeds", "method": "welch", "level": "95%", "sides": "two"});
    claim["assertion"] = json!({"terms": [{"of": "contrast", "is": "at-least", "bound": "0.1", "by": by}]});
    let claim = serde_json::from_value(claim).unwrap();
    let case = Case::of_parts(&evidence, Some(&claim), inputs, None);
    wrong.hold(&case, "stat.assertion", UNKNOWN, "the samples do not say which training seed they are of");
}

#[test]
fn a_printed_error_is_the_one_of_its_unit_and_an_error_of_nothing_is_none() {
    let printed = |text: &str, changes: &[(&str, serde_json::Value)]| {
        claim_with(&[&[("/value/subject/error/printed", json!(text))], changes].concat())
    };
    let of_100 = |hits: i64| shown(&facts(100, 1), &records(hits, 100));
    let mut wrong = Wrong::default();
    let mut of = |claim: &Claim, samples, outcome, words: &str| {
        hold(&mut wrong, claim, samples, ("stat.error", outcome, words));
    };
    of(&claim(), of_100(63), Outcome::Pass, "over 100 samples the standard error is 0.04852366, as printed");
    let off = "over 100 samples the standard error rounds to 0.05, not 0.04";
    of(&printed("0.04", &[]), of_100(63), Outcome::Fail, off);
    let coarse = "over 100 samples the standard error is 0.04852366; printed so coarsely that it is 0 it says nothing";
    of(&printed("0", &[]), of_100(63), UNKNOWN, coarse);
    let same = "all 100 samples give the same: an error of 0 is no estimate of anything";
    of(&printed("0.00", &[]), of_100(100), UNKNOWN, same);
    for (unit, ddof) in [("seed", 1), ("condition", 1), ("sample", 2)] {
        let claim = printed(".04852", &[("/error/unit", json!(unit)), ("/error/ddof", json!(ddof))]);
        let words = format!("these samples do not give an error over unit `{unit}` with ddof {ddof}");
        of(&claim, of_100(63), UNKNOWN, &words);
    }
    let none = claim_with(&[("/error", json!("none")), ("/value/subject/error", json!("none"))]);
    of(&none, of_100(63), Outcome::NotApplicable, "the claim prints no error bar and says so");
    // What the log prints itself: of its one sample 0, which says nothing.
    let rule = json!({"unit": "sample", "stat": "stderr", "ddof": 1});
    let one = rollout_claim(&[("/error", rule), ("/value/subject/error/printed", json!("0.0"))]);
    let mut reported = facts(1, 300);
    reported.report(ReportedMetric {
        scorer: "match".to_owned(),
        score: "match".to_owned(),
        reducer: None,
        metric: "stderr".to_owned(),
        lexeme: "0.0".to_owned(),
    });
    let flagged = "the log itself prints stderr 0.0 (unit `sample`): flagged, an error of 0 from one unit says nothing";
    of(&one, shown(&reported, &rollouts()), UNKNOWN, flagged);
}

/// The samples with another score beside their own: the epoch's parity, so that the arms are alike in it.
fn with_other(samples: &Samples<'_>, token: impl Fn(&SampleRecord) -> &'static str) -> Samples<'static> {
    retold(samples, |record| {
        let score = BTreeMap::from([(String::new(), Score::of_token(token(record)).unwrap())]);
        record.scores.insert("other".to_owned(), score);
    })
}

#[test]
fn what_the_claim_would_be_by_other_rules_is_said_with_its_largest_swing() {
    let mut wrong = Wrong::default();
    let mut of = |claim: &Claim, samples, outcome, words: &str| {
        hold(&mut wrong, claim, samples, ("stat.sensitivity", outcome, words));
    };
    let pass = Outcome::Pass;
    let same = "none of the 6 other rules that could have been chosen gives another contrast";
    of(&study(&[]), honest(), pass, same);
    // Cells of unequal size: each order of averaging is another number.
    let scored = study(&[
        ("/denominator", json!("n_scored")),
        ("/aggregation", json!(["mean(rollouts)", "macro(conditions)", "mean(seeds)"])),
    ]);
    of(&scored, uneven(), pass, "the largest swing of the contrast is by ");
    for order in ["all rollouts at once", "each seed alike"] {
        of(&scored, uneven(), pass, &format!("by averaging {order} the contrast would be "));
    }
    let pooled =
        study(&[("/denominator", json!("n_scored")), ("/aggregation", json!(["mean(rollouts)", "mean(seeds)"]))]);
    of(&pooled, uneven(), pass, "by averaging each condition alike the contrast would be ");
    // By another score the subject is the worse one.
    let is_subject = |record: &SampleRecord| record.key.cell.as_deref() == Some("msm");
    let against = with_other(&honest(), |record| if is_subject(record) { "1" } else { "0" });
    let turned = "under another rule the contrast changes its sign; the largest swing is by metric `other`";
    of(&study(&[]), against, Outcome::Differs, turned);
    let along = with_other(&honest(), |record| if is_subject(record) { "0" } else { "1" });
    let words = "the largest swing of the contrast is by metric `other`, from -0.437500 to -1.000000";
    of(&study(&[]), along, pass, words);
    // A score that one condition lacks is no number: that it was not tried is said.
    let lacking = retold(&with_other(&honest(), |_| "1"), |record| {
        if record.key.condition.as_deref() == Some("leak") {
            record.scores.remove("other");
        }
    });
    of(&scored, lacking, pass, "by metric `other` there is no contrast: ");
    // More scores than are tried, of which any could turn it.
    let many = retold(&honest(), |record| {
        let score = BTreeMap::from([(String::new(), Score::of_token("1").unwrap())]);
        record.scores.extend((0..70).map(|at| (format!("score {at}"), score.clone())));
    });
    of(&study(&[]), many, UNKNOWN, "over 32 samples the 64 other metrics in the logs were not tried");
}
