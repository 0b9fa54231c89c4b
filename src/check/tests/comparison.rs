//! Two arms, their seeds and their conditions: each number by the claim's own steps, and each way a grid can be broken.

use super::*;
use crate::statement::ErrorUnit;

/// One rollout of a study: arm, seed, condition, epoch, score.
pub(super) type Row<'a> = (&'a str, i64, &'a str, u64, u64);

/// Two arms, two seeds, two conditions, four rollouts each: hits per (arm, seed, condition) as given.
pub(super) fn rows(hits: [[[u64; 2]; 2]; 2]) -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for (arm, name) in ["msm", "aft"].into_iter().enumerate() {
        for (seed, of_seed) in (0..).zip(hits[arm]) {
            for (ones, label) in of_seed.into_iter().zip(["leak", "murder"]) {
                rows.extend((1..=4).map(|epoch| (name, seed, label, epoch, u64::from(epoch <= ones))));
            }
        }
    }
    rows
}

pub(super) fn samples(rows: &[Row<'_>]) -> Samples<'static> {
    let records: Vec<_> = rows
        .iter()
        .map(|(arm, seed, condition, epoch, score)| {
            let mut record = record(1, *epoch, if *score == 1 { "1" } else { "0" });
            record.key.cell = Some((*arm).to_owned());
            record.key.seed = Some(*seed);
            record.key.condition = Some((*condition).to_owned());
            record
        })
        .collect();
    shown(&LogFacts { declared: None, ..facts(1, 1) }, &records)
}

/// The study as printed; hits are those of [`honest`].
pub(super) fn study(changes: &[(&str, serde_json::Value)]) -> Claim {
    let arm = |name: &str| json!({"arm": name, "kind": "none", "base": "none", "checkpoints": []});
    let value = |printed: &str| json!({"rate": {"printed": printed, "decimals": 4}, "n": 16, "error": "none"});
    let contrast = json!({"kind": "difference", "value": {"printed": "-0.4375", "decimals": 4}, "pairing": "none",
        "interval": "none", "others": [], "in_distribution": "none"});
    let mut all = vec![
        ("/subject", arm("msm")),
        ("/comparator", arm("aft")),
        ("/metric/direction", json!("lower")),
        ("/eval/conditions", json!(2)),
        ("/eval/samples", json!(1)),
        ("/eval/repeats", json!(4)),
        ("/seeds", json!({"planned": 2, "used": 2})),
        ("/aggregation", json!(["mean(epochs)", "macro(conditions)", "mean(seeds)"])),
        ("/error", json!("none")),
        ("/value/subject", value("0.1875")),
        ("/value/comparator", value("0.6250")),
        ("/contrast", contrast),
    ];
    all.extend_from_slice(changes);
    claim_with(&all)
}

/// Subject 1/4, 0, 1/2, 0; comparator 3/4, 1/2, 1/4, 1.
pub(super) const HONEST: [[[u64; 2]; 2]; 2] = [[[1, 0], [2, 0]], [[3, 2], [1, 4]]];

#[test]
fn each_arm_is_a_mean_over_its_seeds_of_means_over_conditions() {
    let samples = samples(&rows(HONEST));
    let number = Number::compute(&study(&[]), &[alone(&samples)]).unwrap();
    let (subject, comparator) = (number.rate(Role::Subject).unwrap(), number.rate(Role::Comparator).unwrap());
    assert_eq!(
        (decimal_digits(&subject.value, 4), decimal_digits(&comparator.value, 4)),
        ("0.1875".into(), "0.6250".into())
    );
    assert_eq!((subject.seeds.len(), subject.rows.scored, subject.units), (2, 16, 16));
    let seeds: Vec<_> = comparator.seeds.values().map(|seed| decimal_digits(&seed.value, 4)).collect();
    assert_eq!(seeds, ["0.6250", "0.6250"]);
    // Over seeds: sd(.125, .25)/sqrt(2) = .0625. Over conditions: means .375 and 0, so .1875.
    assert_eq!(sqrt_digits(&subject.error_square(ErrorUnit::Seed, 1).unwrap().0, 6), "0.062500");
    assert_eq!(sqrt_digits(&subject.error_square(ErrorUnit::Condition, 1).unwrap().0, 6), "0.187500");
    let findings = check_number(&study(&[]), &[alone(&samples)]).unwrap();
    let of = |id: &str| findings.iter().find(|finding| finding.check == id).unwrap().outcome;
    assert_eq!(
        (of("stat.recompute"), of("stat.denominator"), of("stat.aggregation")),
        (Outcome::Pass, Outcome::Pass, Outcome::Pass)
    );
}

#[test]
fn entries_say_arm_and_seed_where_samples_do_not() {
    let whole = samples(&rows(HONEST));
    let whole = Number::compute(&study(&[]), &[alone(&whole)]).unwrap();
    let mut logs = Vec::new();
    for arm in ["msm", "aft"] {
        for seed in 0..2 {
            let of: Vec<_> = rows(HONEST).into_iter().filter(|row| (row.0, row.1) == (arm, seed)).collect();
            let records: Vec<_> = samples(&of)
                .records()
                .map(|record| {
                    let mut record = record.to_record();
                    (record.key.cell, record.key.seed) = (None, None);
                    record
                })
                .collect();
            logs.push((arm, seed, shown(&facts(2, 4), &records)));
        }
    }
    let mut inputs: Vec<_> = logs
        .iter()
        .map(|(arm, seed, samples)| InputSamples { arm: Some(arm), seed: u64::try_from(*seed).ok(), ..alone(samples) })
        .collect();
    let apart = Number::compute(&study(&[]), &inputs).unwrap();
    assert_eq!(apart.subject().value, whole.subject().value);
    assert_eq!(apart.rate(Role::Comparator).unwrap().value, whole.rate(Role::Comparator).unwrap().value);
    // The order of the inputs changes nothing.
    inputs.reverse();
    assert_eq!(Number::compute(&study(&[]), &inputs).unwrap().subject().value, whole.subject().value);

    let refused = |inputs: &[InputSamples<'_, '_>]| Number::compute(&study(&[]), inputs).unwrap_err().to_string();
    let unlabelled: Vec<_> = inputs.iter().map(|input| InputSamples { arm: None, ..*input }).collect();
    assert!(refused(&unlabelled).contains("which arm they are of"), "{}", refused(&unlabelled));
    let other: Vec<_> = inputs.iter().map(|input| InputSamples { arm: Some("rlhf"), ..*input }).collect();
    assert!(refused(&other).contains("`rlhf`, which the claim does not name"));
    let seedless: Vec<_> = inputs.iter().map(|input| InputSamples { seed: Some(7), ..*input }).collect();
    assert!(
        refused(&seedless).contains("stands in two inputs: counted once or twice, it is no number"),
        "{}",
        refused(&seedless)
    );
    assert!(refused(&inputs[..2]).contains("no input is of the arm"));
    let twice = [inputs.as_slice(), &inputs[..1]].concat();
    assert!(refused(&twice).contains("stands in two inputs"));
    assert!(refused(&inputs[1..]).contains("the claim is over 2 seeds, the samples are of 1"));
    let seeds = study(&[("/aggregation", json!(["mean(epochs)", "macro(conditions)"]))]);
    let seeds = Number::compute(&seeds, &inputs).unwrap_err().to_string();
    assert!(
        seeds.ends_with("a number over 2 seeds whose aggregation does not say how seeds are put together"),
        "{seeds}"
    );
}

#[test]
fn swapped_arms_and_a_dropped_condition_give_no_such_number() {
    let swapped = study(&[("/subject/arm", json!("aft")), ("/comparator/arm", json!("msm"))]);
    let all = samples(&rows(HONEST));
    let findings = check_number(&swapped, &[alone(&all)]).unwrap();
    assert_eq!(findings[0].outcome, Outcome::Fail);
    assert!(findings[0].reason.starts_with("aft: the samples give 0.625000"), "{}", findings[0].reason);
    let dropped: Vec<_> = rows(HONEST).into_iter().filter(|row| (row.1, row.2) != (1, "leak")).collect();
    let problem = Number::compute(&study(&[("/denominator", json!("n_scored"))]), &[alone(&samples(&dropped))]);
    assert_eq!(problem.unwrap_err().to_string(), "the claim is over 2 conditions, the samples of a seed are of 1");
}

#[test]
fn a_grid_is_complete_only_cell_by_cell() {
    let evidence = evidence(pinned());
    let outcome = |rows: &[Row<'_>], claim: &Claim| {
        let case = case(&evidence, Some(claim), Ok(samples(rows)));
        run(&case, "samples.complete")
    };
    let honest = rows(HONEST);
    let found = outcome(&honest, &study(&[]));
    assert_eq!((found.outcome, found.reason.contains("32 in 8 cells")), (Outcome::Pass, true), "{found:?}");
    let one_less = outcome(&honest[1..], &study(&[]));
    assert_eq!(one_less.outcome, Outcome::Unknown);
    assert!(
        one_less.notes.iter().any(|note| note == "msm, seed 0, leak: 1 of 4 rollouts are not there"),
        "{one_less:?}"
    );
    // As many rollouts as planned, but one is of a repetition that was not.
    let mut other = honest.clone();
    other[0].3 = 5;
    assert_eq!(outcome(&other, &study(&[])).outcome, Outcome::Fail);
    // The same number of conditions, not the same ones.
    let mut renamed = honest;
    renamed.iter_mut().filter(|row| row.0 == "msm" && row.2 == "leak").for_each(|row| row.2 = "blackmail");
    assert_eq!(outcome(&renamed, &study(&[])).reason, "the arms and seeds are not over the same conditions");
}

#[test]
fn seeds_that_are_not_told_apart_are_not_shown_to_be_different() {
    let evidence = evidence(pinned());
    let claim = claim_with(&[("/seeds", json!({"planned": 4, "used": 4}))]);
    let case = case(&evidence, Some(&claim), Ok(shown(&facts(100, 1), &super::records(63, 100))));
    let found = run(&case, "arms.distinct");
    assert_eq!(found.outcome, Outcome::Unknown, "{found:?}");
    assert!(found.reason.contains("1 are told apart in all"), "{found:?}");
}
