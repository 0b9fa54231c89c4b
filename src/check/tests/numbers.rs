//! Why there is no number: each way in which samples and claim do not make one, with its own words.

use super::comparison::{HONEST, Row, rows, samples, study};
use super::*;

/// The same samples, with what a record says changed.
pub(super) fn retold(samples: &Samples<'_>, change: impl Fn(&mut SampleRecord)) -> Samples<'static> {
    let records: Vec<_> = samples
        .records()
        .map(|record| {
            let mut record = record.to_record();
            change(&mut record);
            record
        })
        .collect();
    shown(&LogFacts { declared: None, ..facts(1, 1) }, &records)
}

/// The study's one input.
pub(super) fn input(samples: Samples<'static>) -> Input<'static> {
    let digest = Digest { algorithm: Algorithm::Blake3, bytes: [0x11; 32] };
    Input { digest, entry: Some(EntryIndex(3)), arm: None, seed: None, content: Ok(samples) }
}

/// Checks of the number, of which each has to say why there is none.
const OF_THE_NUMBER: [&str; 6] =
    ["stat.recompute", "stat.denominator", "stat.aggregation", "stat.error", "stat.contrast", "stat.assertion"];

#[test]
fn samples_that_do_not_say_whose_they_are_make_no_number() {
    let evidence = evidence(pinned());
    let all = || samples(&rows(HONEST));
    let mut wrong = Wrong::default();
    let mut hold = |claim: &Claim, input: Input<'static>, words: &str| {
        let case = Case::of_parts(&evidence, Some(claim), vec![input], None);
        OF_THE_NUMBER.iter().for_each(|id| wrong.hold(&case, id, Outcome::Unknown, words));
    };
    let own = study(&[]);
    let beyond = Input { seed: Some(u64::MAX), ..input(all()) };
    hold(&own, beyond, "this version does not compute seeds beyond 63 bits");
    let of_another = Input { seed: Some(7), ..input(all()) };
    hold(&own, of_another, "a log recorded as seed 7 has samples of seed 0: whose they are cannot be told");
    let some = |is_kept: fn(&Row<'_>) -> bool| samples(&rows(HONEST).into_iter().filter(is_kept).collect::<Vec<_>>());
    let seedless = input(retold(&some(|row| row.1 == 0), |record| record.key.seed = None));
    hold(&own, seedless, "the samples do not say which training seed they are of");
    let steps = json!(["mean(epochs)", "mean(samples)", "macro(conditions)", "mean(seeds)"]);
    let of_two = study(&[("/eval/samples", json!(2)), ("/aggregation", steps)]);
    let unconditional = input(retold(&some(|row| row.2 == "leak"), |record| record.key.condition = None));
    hold(&of_two, unconditional, "the samples do not say which condition they are of");
    // One arm alone is not what was recorded as another.
    let other = Input { arm: Some("a\u{1b}ft".to_owned()), ..input(shown(&facts(100, 1), &records(63, 100))) };
    hold(&claim(), other, "an input is of the arm `a\\u{1b}ft`, which the claim does not name");
    let same = Input { arm: Some("base".to_owned()), ..input(shown(&facts(100, 1), &records(63, 100))) };
    let claim = claim();
    let same = Case::of_parts(&evidence, Some(&claim), vec![same], None);
    wrong.hold(&same, "stat.recompute", Outcome::Pass, "the samples give 63/100, which rounds to the printed 0.63");
}

#[test]
fn a_grid_that_no_log_can_fill_or_that_the_samples_overfill_has_no_number() {
    let evidence = evidence(pinned());
    let mut wrong = Wrong::default();
    let mut hold = |claim: &Claim, samples: Samples<'static>, words: &str| {
        let case = Case::of_parts(&evidence, Some(claim), vec![input(samples)], None);
        wrong.hold(&case, "stat.recompute", Outcome::Unknown, words);
    };
    let plain = || shown(&facts(100, 1), &records(63, 100));
    let limit = "this version does not compute grids of none or more than 16777216 rows";
    hold(&claim_with(&[("/eval/samples", json!(0))]), plain(), limit);
    hold(&claim_with(&[("/eval/samples", json!((1 << 24) + 1))]), plain(), limit);
    // One seed's grid is as large as they get, and there are two.
    hold(&study(&[("/eval/repeats", json!(1 << 23))]), samples(&rows(HONEST)), limit);
    let few = claim_with(&[("/eval/samples", json!(90))]);
    hold(&few, plain(), "there are more rows than the claim says were planned");
    let none = study(&[("/seeds/used", json!(0))]);
    hold(&none, samples(&rows(HONEST)), "the claim is over 0 seeds, the samples are of 2");
}

#[test]
fn scores_whose_sum_could_take_hours_are_not_added() {
    let evidence = evidence(pinned());
    // 1e-k, 2e-k, 4e-k and 5e-k in lowest terms: four denominators each.
    let tokens = (10..400).flat_map(|k| ["1", "2", "4", "5"].map(|digit| format!("{digit}e-{k}")));
    let scored: Vec<_> = (0..).zip(tokens).map(|(id, token)| record(id, 1, &token)).collect();
    let total = scored.len();
    let claim = claim_with(&[("/eval/samples", json!(total)), ("/value/subject/n", json!(total))]);
    let case = case(&evidence, Some(&claim), Ok(shown(&facts(total as u64, 1), &scored)));
    let words = "this version does not compute scores of so many unrelated denominators";
    Wrong::default().hold(&case, "stat.recompute", Outcome::Unknown, words);
}

#[test]
fn samples_that_are_kept_back_or_cannot_be_read_make_no_number() {
    let evidence = evidence(pinned());
    let claim = claim();
    let mut wrong = Wrong::default();
    for (problem, words) in [
        (InputProblem::NotShown, "the sample records are withheld"),
        (InputProblem::Unreadable("version 9".to_owned()), "the sample manifest cannot be read: version 9"),
        (InputProblem::NotLinked, "the claim is not linked to an entry that carries blake3:1111"),
    ] {
        let case = case(&evidence, Some(&claim), Err(problem));
        wrong.hold(&case, "stat.recompute", Outcome::Unknown, words);
        wrong.hold(&case, "stat.sensitivity", Outcome::Unknown, words);
    }
}

#[test]
fn a_number_that_follows_says_over_what_and_by_which_steps() {
    let evidence = evidence(pinned());
    let claim = study(&[]);
    let case = Case::of_parts(&evidence, Some(&claim), vec![input(samples(&rows(HONEST)))], None);
    let mut wrong = Wrong::default();
    let pass = Outcome::Pass;
    let mean =
        "the samples give 0.187500 (a mean over 2 seeds and 2 conditions; all rollouts together 3/16), which rounds";
    wrong.hold(&case, "stat.recompute", pass, mean);
    let over = "msm: the number is over 16, as claimed, by `n_expected`";
    wrong.hold(&case, "stat.denominator", pass, over);
    let steps = "msm: computed as claimed: mean(epochs), then macro(conditions), then mean(seeds)";
    wrong.hold(&case, "stat.aggregation", pass, steps);
    let range = "msm: over 2 conditions the rate goes from 0.0000 (murder) to 0.3750 (leak)";
    wrong.hold(&case, "stat.aggregation", pass, range);
    let off = study(&[("/value/subject/n", json!(4)), ("/value/subject/rate/printed", json!("0.1870"))]);
    let off = Case::of_parts(&evidence, Some(&off), vec![input(samples(&rows(HONEST)))], None);
    wrong.hold(&off, "stat.denominator", Outcome::Fail, "msm: the number is over 16, the claim says 4");
    wrong.hold(
        &off,
        "stat.recompute",
        Outcome::Fail,
        "all rollouts together 3/16), which rounds to 0.1875, not 0.1870",
    );
}
