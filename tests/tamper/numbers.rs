//! Section E and its neighbours: a signed ledger in good order, and a number that does not follow from it.

use num_rational::BigRational;
use reproledger::artifact::samples::{AnomalyCode, SampleId, SampleKey, SampleStatus, Score};
use reproledger::check::Outcome;
use reproledger::claim::Verdict;
use reproledger::statement::{Denominator, Stated, Step};

use super::decided;
use crate::support::{Story, finding, sample};

fn printed(rate: &str, decimals: u64) -> Story {
    let mut story = Story::new();
    story.claim.value.subject.rate.printed = rate.to_owned();
    story.claim.value.subject.rate.decimals = decimals;
    story
}

#[test]
fn e09_a_headline_that_the_samples_do_not_give_is_contradicted() {
    for (rate, decimals) in
        [("0.626", 3), ("0.75", 2), ("62%", 0), ("63.0%", 1), ("-0.625", 3), ("625", 0), ("0.6249", 4)]
    {
        let assessment = printed(rate, decimals).tell().assess();
        if rate == "62%" {
            // A tie: half-even gives it, and the report says so.
            assert_eq!(assessment.verdict, Verdict::Verified);
            assert!(finding(&assessment, "stat.recompute").reason.contains("half to even"));
        } else {
            decided(&assessment, Verdict::Contradicted, "stat.recompute");
            assert!(finding(&assessment, "stat.recompute").reason.contains("5/8"), "{rate}");
        }
    }
}

#[test]
fn e08_printed_figures_are_plain_decimals_or_nothing() {
    for rate in [
        "0.625 ",
        " 0.625",
        "+.625",
        "0,625",
        "6.25e-1",
        "0.625\n",
        "5/8",
        "0.625\u{200b}",
        "\u{661}",
        "",
        ".",
        "NaN",
        "62.5 %",
    ] {
        let assessment = printed(rate, 3).tell().assess();
        decided(&assessment, Verdict::Contradicted, "claim.complete");
    }
    // Digits beyond every limit, and a count of decimals that is not the text's.
    decided(&printed(&format!("0.{}", "6".repeat(90)), 90).tell().assess(), Verdict::Contradicted, "claim.complete");
    decided(&printed("0.625", 2).tell().assess(), Verdict::Contradicted, "claim.complete");
    decided(&printed("0.625", u64::MAX).tell().assess(), Verdict::Contradicted, "claim.complete");
}

#[test]
fn a_figure_too_coarse_to_say_anything_is_not_verified() {
    // 5/8 without a decimal rounds to 1: true as arithmetic, and a lie as a headline.
    let assessment = printed("1", 0).tell().assess();
    decided(&assessment, Verdict::NotRecomputable, "stat.recompute");
    // An error bar of zero where there is an error.
    for (zero, decimals) in [("0", 0), ("0%", 0)] {
        let mut story = Story::new();
        let error = reproledger::statement::Printed { printed: zero.to_owned(), decimals };
        story.claim.value.subject.error = Stated::Is(error);
        assert_ne!(story.tell().assess().verdict.exit_code(), 0, "{zero}");
    }
    // A whole number that is exact is as good as any other.
    let mut story = printed("1", 0);
    story.samples = (1..=8).map(|id| sample(id, 1, "1")).collect();
    story.facts.metrics.clear();
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    assert_eq!(story.tell().assess().verdict, Verdict::Verified);
}

#[test]
fn e02_dropped_samples_are_missed() {
    let mut story = Story::new();
    story.samples.truncate(7);
    decided(&story.tell().assess(), Verdict::Contradicted, "stat.recompute");
    // The number of those that are left, against the planned grid.
    let mut story = printed("0.714", 3);
    story.samples.truncate(7);
    story.claim.value.subject.n = 7;
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    story.facts.metrics.clear();
    decided(&story.clone().tell().assess(), Verdict::NotRecomputable, "samples.complete");
    // The grid shrunk in the claim, while the log declares the whole.
    story.claim.eval.samples = 7;
    decided(&story.tell().assess(), Verdict::Contradicted, "samples.complete");
}

#[test]
fn e03_repeated_samples_do_not_inflate_n() {
    // The same samples again in epochs that were not planned.
    let mut story = Story::new();
    story.samples.extend((1..=5).map(|id| sample(id, 2, "1")));
    story.claim.aggregation = vec![Step::MeanRollouts];
    assert_ne!(story.tell().assess().verdict.exit_code(), 0);
    // As many rows as planned, but not the planned ones: a good sample three times, another once.
    let mut story = printed("0.75", 2);
    story.samples = vec![sample(1, 1, "1"), sample(1, 2, "1"), sample(1, 3, "1"), sample(2, 1, "0")];
    story.facts.declared = Some((2, 2));
    story.facts.total = Some(4);
    story.facts.completed = Some(4);
    story.facts.metrics.clear();
    story.claim.eval.samples = 2;
    story.claim.eval.repeats = 2;
    story.claim.aggregation = vec![Step::MeanRollouts];
    story.claim.value.subject.n = 4;
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    decided(&story.clone().tell().assess(), Verdict::Contradicted, "samples.complete");
    // Epochs picked from a longer run.
    story.samples = vec![sample(1, 1, "1"), sample(1, 7, "1"), sample(2, 1, "0"), sample(2, 9, "1")];
    decided(&story.clone().tell().assess(), Verdict::Contradicted, "samples.complete");
    story.samples = vec![sample(1, 1, "1"), sample(1, 2, "1"), sample(2, 1, "0"), sample(2, 2, "1")];
    assert_eq!(story.clone().tell().assess().verdict, Verdict::Verified);
    // Two by two in the claim, four by one in the log.
    story.facts.declared = Some((4, 1));
    decided(&story.tell().assess(), Verdict::Contradicted, "samples.complete");
}

#[test]
fn one_sample_under_several_conditions_is_not_several_samples_of_one() {
    let mut story = Story::new();
    for (number, record) in story.samples.iter_mut().enumerate() {
        record.key = SampleKey { condition: Some(format!("c{number}")), ..SampleKey::new(SampleId::Int(1), 1) };
    }
    decided(&story.clone().tell().assess(), Verdict::Contradicted, "samples.complete");
    story.claim.eval.conditions = 8;
    story.claim.eval.samples = 1;
    assert_eq!(story.tell().assess().verdict, Verdict::Verified);
    // One record under several names: the same bytes of the log cannot be two samples.
    let mut story = Story::new();
    let details = story.samples[0].details;
    story.samples[1].details = details;
    decided(&story.tell().assess(), Verdict::Contradicted, "samples.complete");
}

#[test]
fn e06_scores_that_are_no_numbers_are_never_passes() {
    for token in ["NaN", "null", "Infinity", "-Infinity", "1e999999999"] {
        let mut story = Story::new();
        story.samples[0] = sample(1, 1, token);
        assert_ne!(story.tell().assess().verdict.exit_code(), 0, "{token}");
    }
    // A lexeme that says one thing and counts as another is no record.
    let honest = Story::new().tell();
    let text = Score::of_text("\"I\"", b"I", Some(BigRational::from_integer(1.into())));
    let mut story = Story::new();
    let one = BigRational::from_integer(1.into());
    story.samples[5].scores.get_mut("match").unwrap().insert(String::new(), text);
    story.claim.value.subject.rate.printed = "0.750".to_owned();
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    story.facts.metrics.clear();
    assert_ne!(story.tell().assess().verdict.exit_code(), 0, "`I` counts as 1");
    assert_eq!(honest.assess().verdict, Verdict::Verified);
    // So is a pass hidden behind a digest of a text or of a structure.
    for score in [Score::of_text(&"x".repeat(99), b"x", Some(one)), Score::of_structure(b"[]")] {
        let mut story = Story::new();
        story.samples[0].scores.get_mut("match").unwrap().insert(String::new(), score);
        assert_ne!(story.tell().assess().verdict.exit_code(), 0);
    }
}

#[test]
fn e21_epochs_do_not_count_as_samples_and_one_sample_has_no_error() {
    let mut story = Story::new();
    story.samples = (1..=8).map(|epoch| sample(1, epoch, if epoch <= 5 { "1" } else { "0" })).collect();
    story.facts.declared = Some((1, 8));
    story.claim.eval.samples = 1;
    story.claim.eval.repeats = 8;
    // n is 8 in the claim, but the stated unit has one.
    decided(&story.clone().tell().assess(), Verdict::Contradicted, "stat.denominator");
    story.claim.value.subject.n = 1;
    let assessment = story.tell().assess();
    assert_eq!(finding(&assessment, "stat.error").outcome, Outcome::Unknown);
    decided(&assessment, Verdict::NotRecomputable, "stat.error");
}

#[test]
fn e10_an_error_bar_by_another_rule_is_contradicted_and_unknown_rules_are_unknown() {
    let mut story = Story::new();
    let Stated::Is(error) = &mut story.claim.value.subject.error else { panic!() };
    error.printed = "0.182".to_owned();
    decided(&story.tell().assess(), Verdict::Contradicted, "stat.error");
    for (unit, ddof) in [
        (reproledger::statement::ErrorUnit::Seed, 1),
        (reproledger::statement::ErrorUnit::Condition, 1),
        (reproledger::statement::ErrorUnit::Sample, 2),
        (reproledger::statement::ErrorUnit::Sample, u64::MAX),
    ] {
        let mut story = Story::new();
        let Stated::Is(rule) = &mut story.claim.error else { panic!() };
        (rule.unit, rule.ddof) = (unit, ddof);
        decided(&story.tell().assess(), Verdict::NotRecomputable, "stat.error");
    }
}

#[test]
fn a_claim_of_nothing_is_not_verified() {
    let zero = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::new();
        change(&mut story);
        story.tell().assess().verdict.exit_code()
    };
    assert_ne!(zero(&|story| story.claim.eval.samples = 0), 0);
    assert_ne!(zero(&|story| story.claim.eval.repeats = 0), 0);
    assert_ne!(zero(&|story| story.claim.eval.conditions = 0), 0);
    assert_ne!(zero(&|story| story.claim.value.subject.n = 0), 0);
    assert_ne!(zero(&|story| story.claim.aggregation.clear()), 0);
    assert_ne!(zero(&|story| story.claim.aggregation.reverse()), 0);
    assert_ne!(zero(&|story| story.claim.metric.scorer = "other".to_owned()), 0);
    assert_ne!(zero(&|story| story.claim.metric.key = Stated::Is("other".to_owned())), 0);
}

#[test]
fn grids_that_overflow_are_refused_without_overflow_and_without_memory() {
    for (conditions, samples, repeats) in [
        (u64::MAX, 2, 1),
        (1, u64::MAX, u64::MAX),
        (1 << 32, 1 << 32, 1),
        (1, 1 << 24, 1),
        (1, 8, 1 << 21),
        (1, 1 << 12, 1 << 12),
    ] {
        for denominator in Denominator::ALL {
            let mut story = Story::new();
            story.claim.denominator = *denominator;
            (story.claim.eval.conditions, story.claim.eval.samples, story.claim.eval.repeats) =
                (conditions, samples, repeats);
            let assessment = story.tell().assess();
            assert_ne!(assessment.verdict.exit_code(), 0, "{conditions} x {samples} x {repeats}");
        }
    }
}

#[test]
fn missing_rows_count_as_zero_under_n_expected_and_only_there() {
    let mut story = printed("0.5", 1);
    story.claim.denominator = Denominator::Expected;
    story.claim.eval.samples = 10;
    story.facts.declared = Some((10, 1));
    story.claim.value.subject.n = 10;
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    let assessment = story.clone().tell().assess();
    assert_eq!(finding(&assessment, "stat.recompute").outcome, Outcome::Pass, "{assessment:?}");
    decided(&assessment, Verdict::NotRecomputable, "samples.complete");
    // The error bar counts them too: 5 of 10 is .16667.
    let with_error = {
        let Story { claim, .. } = Story::new();
        story.claim.error = claim.error;
        let figure =
            |text: &str, decimals| Stated::Is(reproledger::statement::Printed { printed: text.to_owned(), decimals });
        story.claim.value.subject.error = figure("0.16667", 5);
        story.tell().assess()
    };
    assert_eq!(finding(&with_error, "stat.error").outcome, Outcome::Pass, "{:?}", finding(&with_error, "stat.error"));
}

#[test]
fn facts_that_contradict_the_records_beside_them_are_seen() {
    // The vendor writes the facts; what they hide of the records is computed again.
    let with = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::new();
        change(&mut story);
        story.tell().assess()
    };
    decided(&with(&|story| story.facts.status = Some("error".to_owned())), Verdict::NotRecomputable, "log.integrity");
    decided(&with(&|story| story.facts.status = None), Verdict::NotRecomputable, "log.integrity");
    decided(&with(&|story| story.facts.completed = Some(7)), Verdict::NotRecomputable, "log.integrity");
    decided(&with(&|story| story.facts.metrics[0].lexeme = "0.75".to_owned()), Verdict::Contradicted, "log.integrity");
    decided(
        &with(&|story| story.facts.anomalies.add(AnomalyCode::SummaryDisagrees, "1")),
        Verdict::Contradicted,
        "log.integrity",
    );
    assert_eq!(with(&|_| {}).verdict, Verdict::Verified);
    decided(&with(&|story| story.facts.declared = Some((u64::MAX, 2))), Verdict::Contradicted, "samples.complete");
}

#[test]
fn samples_without_a_score_are_counted_beside_the_number() {
    // Three failures become "unscored": the rate of the rest is 1, and n says so.
    let mut story = printed("1.00", 2);
    for record in &mut story.samples[5..] {
        record.status = SampleStatus::Unscored;
        record.scores.clear();
    }
    story.claim.error = Stated::None;
    story.claim.value.subject.error = Stated::None;
    story.facts.metrics.clear();
    decided(&story.clone().tell().assess(), Verdict::Contradicted, "stat.denominator");
    story.claim.value.subject.n = 5;
    let assessment = story.tell().assess();
    let notes = finding(&assessment, "stat.denominator").notes.join("\n");
    assert!(notes.contains("between 0.625000 and 1.000000"), "{notes}");
}
