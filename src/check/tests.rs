//! Checks on small made-up cases: each answers for its own reason, and nothing unchecked passes.

mod comparison;
mod numbers;
mod outcomes;
mod statistics;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::artifact::manifest::ManifestView;
use crate::artifact::samples::{
    AnomalyCode, DetailsDigest, LogFacts, SampleId, SampleKey, SampleRecord, SampleStatus, Samples, Score,
    samples_manifest,
};
use crate::digest::{Algorithm, Digest, LedgerId, ManifestRoot};
use crate::key::{KeyName, SigningKey};
use crate::merkle::TreeHead;
use crate::statement::{Denominator, Genesis};
use crate::stats::decimal::{decimal_digits, sqrt_digits};
use crate::verify::{KeySet, LinkReport, VerifiedEvidence, Voucher};

/// Evidence with no entry at all: what the checks of a claim alone look at.
pub(crate) fn evidence(voucher: Voucher) -> VerifiedEvidence<'static> {
    let log_key = SigningKey::from_seed([1; 32]).public();
    let genesis = Genesis { origin: "lab.example/log".to_owned(), log_key, keys: Vec::new(), nonce: [1; 16] };
    VerifiedEvidence {
        log: LedgerId::from_bytes([1; 32]),
        origin: "lab.example/log".to_owned(),
        head: TreeHead::empty(),
        log_key,
        voucher,
        claim: EntryIndex(5),
        census_first: EntryIndex(1),
        entries: BTreeMap::new(),
        bodies: BTreeMap::new(),
        manifests: BTreeMap::new(),
        items: Vec::new(),
        withheld: Vec::new(),
        disowned: BTreeSet::new(),
        links: LinkReport { reached: BTreeSet::new(), checked: 0, missing: Vec::new() },
        anchors: Vec::new(),
        keys: KeySet::new(LedgerId::from_bytes([1; 32]), &genesis),
        testified: Vec::new(),
    }
}

/// The log's key is pinned, and no witness is known.
pub(crate) fn pinned() -> Voucher {
    let key = KeyName::parse("lab.example/log").unwrap();
    Voucher::Pinned { key, witnesses: Vec::new(), known_witnesses: 0, quorum_required: false }
}

/// 63 of 100 samples, once each, as printed.
pub(crate) fn claim() -> Claim {
    claim_with(&[])
}

/// The same claim with other values at JSON pointers.
pub(crate) fn claim_with(changes: &[(&str, serde_json::Value)]) -> Claim {
    let mut value = json!({
        "claim_id": "popularity", "text": "63%", "cell_family": "popularity",
        "subject": {"arm": "base", "kind": "none", "base": "none", "checkpoints": []}, "comparator": "none",
        "metric": {"scorer": "match", "key": "none", "direction": "higher", "parser": "none"},
        "eval": {"suite": "none", "conditions": 1, "condition_ids": "none", "samples": 100, "repeats": 1,
            "temperature": "none", "prod": "none", "assistant_name": "none", "max_tokens": "none"},
        "judge": "none", "seeds": {"planned": 1, "used": 1},
        "aggregation": ["mean(epochs)", "mean(samples)"], "denominator": "n_expected",
        "error": {"unit": "sample", "stat": "stderr", "ddof": 1},
        "value": {"subject": {"rate": {"printed": "0.63", "decimals": 2}, "n": 100,
            "error": {"printed": ".04852", "decimals": 5}}, "comparator": "none"},
        "contrast": "none", "assertion": "none", "plan": "none", "attempts_disclosed": {"train": 0, "eval": 1},
        "inputs": [format!("blake3:{}", "11".repeat(32))], "withheld": [],
    });
    for (pointer, change) in changes {
        *value.pointer_mut(pointer).unwrap() = change.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn record(id: i64, epoch: u64, token: &str) -> SampleRecord {
    let scores =
        BTreeMap::from([("match".to_owned(), BTreeMap::from([(String::new(), Score::of_token(token).unwrap())]))]);
    // No two samples have the same details.
    let mut details = [1; 32];
    details[..8].copy_from_slice(&id.to_be_bytes());
    details[8..16].copy_from_slice(&epoch.to_be_bytes());
    let details = DetailsDigest::from_bytes(details);
    SampleRecord { key: SampleKey::new(SampleId::Int(id), epoch), status: SampleStatus::Scored, scores, details }
}

/// `hits` ones, then zeros, one sample each.
fn records(hits: i64, total: i64) -> Vec<SampleRecord> {
    (0..total).map(|id| record(id, 1, if id < hits { "1" } else { "0" })).collect()
}

fn facts(samples: u64, epochs: u64) -> LogFacts {
    LogFacts {
        format: "inspect.eval".to_owned(),
        reader: "inspect/1".to_owned(),
        status: Some("success".to_owned()),
        declared: Some((samples, epochs)),
        ..LogFacts::default()
    }
}

/// The records as a reader finds them: in a manifest. Tests end before its memory is missed.
fn shown(facts: &LogFacts, records: &[SampleRecord]) -> Samples<'static> {
    let object: &'static [u8] = samples_manifest(facts, records).unwrap().to_object().leak();
    Samples::read(&ManifestView::parse(object).unwrap()).unwrap()
}

/// A claim's only input, whose entry says nothing of arm or seed.
fn alone<'a, 'b>(samples: &'b Samples<'a>) -> InputSamples<'a, 'b> {
    let digest = Digest { algorithm: Algorithm::Blake3, bytes: [0x11; 32] };
    InputSamples { digest, entry: None, arm: None, seed: None, samples }
}

/// The rate of a claim's subject.
fn number(claim: &Claim, samples: &Samples<'_>) -> Rate {
    Number::compute(claim, &[alone(samples)]).unwrap().subject().clone()
}

fn outcomes(claim: &Claim, records: &[SampleRecord]) -> BTreeMap<&'static str, Outcome> {
    let findings = check_number(claim, &[alone(&shown(&facts(100, 1), records))]).unwrap();
    findings.into_iter().map(|finding| (finding.check, finding.outcome)).collect()
}

fn finding(claim: &Claim, records: &[SampleRecord], id: &str) -> Finding {
    let findings = check_number(claim, &[alone(&shown(&facts(100, 1), records))]).unwrap();
    findings.into_iter().find(|finding| finding.check == id).unwrap()
}

#[test]
fn a_number_that_follows_passes_every_check_of_it() {
    let outcomes = outcomes(&claim(), &records(63, 100));
    assert_eq!(outcomes.len(), 5);
    // It compares nothing.
    assert_eq!(outcomes["stat.contrast"], Outcome::NotApplicable);
    let bad = |outcome: &&Outcome| !matches!(outcome, Outcome::Pass | Outcome::NotApplicable);
    assert!(!outcomes.values().any(|outcome| bad(&outcome)), "{outcomes:?}");
}

#[test]
fn another_number_fails_and_shows_the_fraction() {
    let claim = claim_with(&[("/value/subject/rate/printed", json!("0.64"))]);
    let finding = finding(&claim, &records(63, 100), "stat.recompute");
    assert_eq!(finding.outcome, Outcome::Fail);
    assert_eq!(finding.reason, "the samples give 63/100, which rounds to 0.63, not 0.64");
    assert_eq!(finding.expected.as_deref(), Some("0.64"));
    // A number that is no number.
    let claim = claim_with(&[("/value/subject/rate/printed", json!("about \u{1b}[1m60%"))]);
    assert_eq!(self::finding(&claim, &records(63, 100), "stat.recompute").outcome, Outcome::Fail);
}

#[test]
fn rounding_says_which_rule_it_needs() {
    // 1/8 = .125: half to even prints .12, half up prints .13.
    for (printed, word) in [("0.12", "half to even"), ("0.13", "half up")] {
        let claim = claim_with(&[
            ("/eval/samples", json!(8)),
            ("/value/subject/n", json!(8)),
            ("/value/subject/rate/printed", json!(printed)),
        ]);
        let finding = finding(&claim, &records(1, 8), "stat.recompute");
        assert_eq!(finding.outcome, Outcome::Pass);
        assert!(finding.reason.contains(word), "{}", finding.reason);
    }
}

#[test]
fn missing_rows_count_as_zero_under_n_expected_alone() {
    // 63 of the 90 that are there, of 100 planned.
    let samples = records(63, 90);
    let expected = number(&claim(), &shown(&facts(100, 1), &samples));
    assert_eq!((decimal_digits(&expected.value, 6).as_str(), expected.units), ("0.630000", 100));
    assert_eq!(outcomes(&claim(), &samples)["stat.denominator"], Outcome::Pass);
    let scored = claim_with(&[
        ("/denominator", json!("n_scored")),
        ("/value/subject/rate/printed", json!("70%")),
        ("/value/subject/n", json!(90)),
    ]);
    let number = number(&scored, &shown(&facts(100, 1), &samples));
    assert_eq!((decimal_digits(&number.value, 6).as_str(), number.units), ("0.700000", 90));
    let finding = finding(&scored, &samples, "stat.denominator");
    assert_eq!(finding.outcome, Outcome::Pass);
    assert!(finding.notes.iter().any(|note| note == "by `n_expected` it would be 0.630000"), "{:?}", finding.notes);
    let bounds = "with the missing rows all 0 or all 1 it lies between 0.630000 and 0.730000";
    assert!(finding.notes.iter().any(|note| note == bounds), "{:?}", finding.notes);
}

#[test]
fn a_missing_sample_is_never_one_that_a_log_can_name() {
    // A sample named as the absent ones once were must not swallow a row that was planned and is not there.
    let mut samples = vec![record(0, 1, "1"), record(2, 1, "1")];
    samples[1].key.condition = Some("\u{0}absent".to_owned());
    let claim = claim_with(&[("/eval/samples", json!(3)), ("/value/subject/n", json!(3))]);
    let number = number(&claim, &shown(&facts(3, 1), &samples));
    assert_eq!((decimal_digits(&number.value, 6).as_str(), number.units), ("0.666667", 3));
}

#[test]
fn rows_in_error_count_as_scored_but_not_as_valid() {
    let mut samples = records(63, 100);
    samples[0].status = SampleStatus::Error;
    samples[1].status = SampleStatus::Invalid;
    samples[2].status = SampleStatus::Limit;
    let number = number(&claim(), &shown(&facts(100, 1), &samples));
    assert_eq!((number.rows.scored, number.rows.valid), (100, 98));
    assert_eq!(decimal_digits(&number.by_denominator[&Denominator::Valid], 6), "0.622449");
    assert_eq!(decimal_digits(&number.by_denominator[&Denominator::Scored], 6), "0.630000");
}

#[test]
fn another_n_than_the_counted_one_fails() {
    let claim = claim_with(&[("/value/subject/n", json!(99))]);
    let outcomes = outcomes(&claim, &records(63, 100));
    assert_eq!(outcomes["stat.denominator"], Outcome::Fail);
    assert_eq!(outcomes["stat.recompute"], Outcome::Pass);
}

#[test]
fn what_this_profile_does_not_compute_is_unsupported_and_never_a_pass() {
    let samples = records(63, 100);
    for change in [
        ("/aggregation", json!(["mean(epochs)", "macro(conditions)", "mean(seeds)"])),
        ("/aggregation", json!([])),
        ("/aggregation", json!(["mean(samples)", "mean(epochs)"])),
        ("/eval/samples", json!(0)),
        ("/eval/repeats", json!(u64::MAX)),
        ("/eval/samples", json!(1_u64 << 40)),
    ] {
        let problem =
            check_number(&claim_with(std::slice::from_ref(&change)), &[alone(&shown(&facts(100, 1), &samples))])
                .unwrap_err();
        assert!(matches!(problem, NumberProblem::Unsupported(_)), "{change:?}: {problem}");
        assert_eq!(statistic::stat_recompute::no_number("stat.recompute", &problem).outcome, Outcome::Unknown);
    }
    let scorer =
        check_number(&claim_with(&[("/metric/scorer", json!("other"))]), &[alone(&shown(&facts(100, 1), &samples))]);
    assert_eq!(scorer.unwrap_err().to_string(), "no sample has a score `other`; the samples have match");
}

#[test]
fn more_rows_than_were_planned_are_no_number_over_the_plan() {
    let claim = claim_with(&[("/eval/samples", json!(90))]);
    assert!(matches!(
        check_number(&claim, &[alone(&shown(&facts(100, 1), &records(63, 100)))]),
        Err(NumberProblem::Missing(_))
    ));
    let twice: Vec<_> = (1..=2).map(|epoch| record(1, epoch, "1")).collect();
    assert!(matches!(
        check_number(&self::claim(), &[alone(&shown(&facts(100, 1), &twice))]),
        Err(NumberProblem::Missing(_))
    ));
}

/// One sample, 300 epochs, 18 hits: the mock log of the real data.
fn rollouts() -> Vec<SampleRecord> {
    (1..=300).map(|epoch| record(1, epoch, if epoch <= 18 { "1" } else { "0" })).collect()
}

fn rollout_claim(changes: &[(&str, serde_json::Value)]) -> Claim {
    let mut all = vec![
        ("/eval/samples", json!(1)),
        ("/eval/repeats", json!(300)),
        ("/aggregation", json!(["mean(rollouts)"])),
        ("/error/unit", json!("rollout")),
        ("/value/subject/rate/printed", json!(".06")),
        ("/value/subject/n", json!(300)),
        ("/value/subject/error/printed", json!(".01373")),
    ];
    all.extend_from_slice(changes);
    claim_with(&all)
}

#[test]
fn the_error_of_300_rollouts_of_one_sample_depends_on_the_unit() {
    let number = number(&rollout_claim(&[]), &shown(&facts(1, 300), &rollouts()));
    assert_eq!(sqrt_digits(&number.by_rollout.variance_of_mean, 6), "0.013734");
    assert_eq!((number.units, number.samples), (300, 1));
    let over_rollouts = check_number(&rollout_claim(&[]), &[alone(&shown(&facts(1, 300), &rollouts()))]).unwrap();
    let holds = |finding: &Finding| matches!(finding.outcome, Outcome::Pass | Outcome::NotApplicable);
    assert!(over_rollouts.iter().all(holds), "{over_rollouts:?}");

    // Over its one sample there is no error, whatever is printed.
    for printed in [".01373", "0", "0.0"] {
        let over_samples = rollout_claim(&[
            ("/error/unit", json!("sample")),
            ("/value/subject/error", json!({"printed": printed, "decimals": 1})),
        ]);
        let findings = check_number(&over_samples, &[alone(&shown(&facts(1, 300), &rollouts()))]).unwrap();
        let error = findings.iter().find(|finding| finding.check == "stat.error").unwrap();
        assert_eq!(error.outcome, Outcome::Unknown, "{printed}");
        assert_eq!(error.reason, "there is one sample only: no error can be estimated from it, whatever is printed");
    }
}

#[test]
fn a_wrong_error_fails_a_unit_out_of_reach_is_unknown_and_none_is_not_applicable() {
    let samples = records(63, 100);
    let wrong = claim_with(&[("/value/subject/error/printed", json!(".04828"))]);
    assert_eq!(outcomes(&wrong, &samples)["stat.error"], Outcome::Fail);
    let population = claim_with(&[("/value/subject/error/printed", json!(".04828")), ("/error/ddof", json!(0))]);
    assert_eq!(outcomes(&population, &samples)["stat.error"], Outcome::Pass);
    for change in [("/error/unit", json!("seed")), ("/error/unit", json!("condition")), ("/error/ddof", json!(2))] {
        assert_eq!(outcomes(&claim_with(&[change]), &samples)["stat.error"], Outcome::Unknown);
    }
    let none = claim_with(&[("/error", json!("none")), ("/value/subject/error", json!("none"))]);
    assert_eq!(outcomes(&none, &samples)["stat.error"], Outcome::NotApplicable);
}

// --- whole cases ---------------------------------------------------------------------------------------------------

fn case<'a>(
    evidence: &'a VerifiedEvidence<'a>,
    claim: Option<&'a Claim>,
    content: Result<Samples<'a>, InputProblem>,
) -> Case<'a> {
    let digest = Digest { algorithm: Algorithm::Blake3, bytes: [0x11; 32] };
    Case::of_parts(
        evidence,
        claim,
        vec![Input { digest, entry: Some(EntryIndex(3)), arm: None, seed: None, content }],
        None,
    )
}

fn run(case: &Case<'_>, id: &str) -> Finding {
    CHECKS.iter().find(|check| check.id() == id).unwrap().run(case)
}

/// Cases that did not come out as they should: all of them are told at once.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn hold(&mut self, case: &Case<'_>, id: &str, outcome: Outcome, words: &str) {
        let found = run(case, id);
        let says = |text: &String| text.contains(words);
        if found.outcome != outcome || !(says(&found.reason) || found.notes.iter().any(says)) {
            self.0.push(format!("{id}: {outcome}, \"{words}\": {found:?}"));
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "{:#?}", self.0);
        }
    }
}

#[test]
fn every_check_has_an_id_of_its_own_and_reports_under_it() {
    let ids: BTreeSet<_> = CHECKS.iter().map(|check| check.id()).collect();
    assert_eq!(ids.len(), CHECKS.len());
    let evidence = evidence(Voucher::None);
    let claim = claim();
    for case in [
        case(&evidence, None, Err(InputProblem::NotShown)),
        case(&evidence, Some(&claim), Err(InputProblem::NotLinked)),
        case(&evidence, Some(&claim), Ok(shown(&facts(100, 1), &records(63, 100)))),
    ] {
        let findings = run_all(&case);
        let concerned: Vec<_> = CHECKS.iter().filter(|check| check.concerns(Target::Claim)).collect();
        assert_eq!(findings.len(), concerned.len());
        for (finding, check) in findings.iter().zip(concerned) {
            assert_eq!(finding.check, check.id());
            assert!(check.question().ends_with('?') && !finding.reason.is_empty());
        }
    }
}

const NUMBERS: [&str; 4] = ["stat.recompute", "stat.denominator", "stat.aggregation", "stat.error"];

#[test]
fn what_is_kept_back_is_withheld_and_what_is_missing_is_not() {
    let evidence = evidence(pinned());
    let claim = claim();
    let shown = case(&evidence, Some(&claim), Err(InputProblem::NotShown));
    let unlinked = case(&evidence, Some(&claim), Err(InputProblem::NotLinked));
    let unreadable = case(&evidence, Some(&claim), Err(InputProblem::Unreadable("newer".to_owned())));
    let undisclosed = case(&evidence, None, Err(InputProblem::NotShown));
    for id in NUMBERS.into_iter().chain(["samples.complete", "log.integrity"]) {
        for (case, is_withheld) in [(&shown, true), (&unlinked, false), (&unreadable, false), (&undisclosed, true)] {
            let finding = run(case, id);
            assert_eq!(finding.outcome, Outcome::Unknown, "{id}");
            assert_eq!(finding.is_withheld, is_withheld, "{id}: {}", finding.reason);
        }
    }
    assert!(run(&undisclosed, "claim.complete").is_withheld);
}

#[test]
fn samples_are_complete_only_when_every_planned_one_is_there() {
    let evidence = evidence(pinned());
    let claim = claim();
    let outcome = |facts: LogFacts, records: Vec<SampleRecord>| {
        run(&case(&evidence, Some(&claim), Ok(shown(&facts, &records))), "samples.complete").outcome
    };
    assert_eq!(outcome(facts(100, 1), records(63, 100)), Outcome::Pass);
    assert_eq!(outcome(facts(100, 1), records(63, 99)), Outcome::Unknown);
    assert_eq!(outcome(facts(100, 1), records(63, 101)), Outcome::Fail);
    assert_eq!(outcome(facts(200, 1), records(63, 100)), Outcome::Fail);
    let undeclared = LogFacts { declared: None, ..facts(100, 1) };
    assert_eq!(outcome(undeclared, records(63, 100)), Outcome::Unknown);
    // A full count of the wrong samples is no full grid.
    let mut twice = records(63, 100);
    twice[1].details = twice[0].details;
    assert_eq!(outcome(facts(100, 1), twice), Outcome::Fail);
    let mut later = records(63, 100);
    later[0].key.epoch = 2;
    assert_eq!(outcome(facts(100, 1), later), Outcome::Fail);
    assert_eq!(outcome(facts(50, 2), records(63, 100)), Outcome::Fail);
    let no_input = Case::of_parts(&evidence, Some(&claim), Vec::new(), None);
    assert_eq!(run(&no_input, "samples.complete").outcome, Outcome::Unknown);
}

#[test]
fn a_log_that_contradicts_itself_fails_and_an_incomplete_one_is_unknown() {
    let evidence = evidence(pinned());
    let claim = claim();
    let outcome = |code: Option<AnomalyCode>| {
        let mut facts = facts(100, 1);
        if let Some(code) = code {
            facts.anomalies.add(code, "sample 7");
        }
        run(&case(&evidence, Some(&claim), Ok(shown(&facts, &records(63, 100)))), "log.integrity").outcome
    };
    assert_eq!(outcome(None), Outcome::Pass);
    assert_eq!(outcome(Some(AnomalyCode::ScoreEdited)), Outcome::Pass);
    assert_eq!(outcome(Some(AnomalyCode::SampleMissing)), Outcome::Unknown);
    assert_eq!(outcome(Some(AnomalyCode::SummaryDisagrees)), Outcome::Fail);
    let cancelled = LogFacts { status: Some("cancelled".to_owned()), ..facts(100, 1) };
    let of = |facts: LogFacts| {
        run(&case(&evidence, Some(&claim), Ok(shown(&facts, &records(63, 100)))), "log.integrity").outcome
    };
    assert_eq!(of(cancelled), Outcome::Unknown);
    assert_eq!(of(LogFacts { total: Some(101), ..facts(100, 1) }), Outcome::Unknown);
}

#[test]
fn records_are_derived_only_when_somebody_read_the_log_again() {
    let evidence = evidence(pinned());
    let claim = claim();
    let mut case = case(&evidence, Some(&claim), Ok(shown(&facts(100, 1), &records(63, 100))));
    let outcome = |case: &Case<'_>| run(case, "samples.derived").outcome;
    assert_eq!(outcome(&case), Outcome::Unknown);
    let nothing = Observed::default();
    let recorded = ManifestRoot::from_bytes([0x11; 32]);
    let key = (EntryIndex(3), recorded.into());
    let seen = |found: Rederived| Observed { derived: BTreeMap::from([(key, found)]), ..Observed::default() };
    let same = seen(Rederived::Found { root: recorded, count: 100 });
    let other = seen(Rederived::Found { root: ManifestRoot::from_bytes([0x12; 32]), count: 100 });
    let unclear = seen(Rederived::Unclear { reason: "nothing says which column is what".to_owned() });
    let against = seen(Rederived::Against { reason: "it names another condition".to_owned() });
    for (observed, expected) in [
        (&nothing, Outcome::Unknown),
        (&same, Outcome::Pass),
        (&other, Outcome::Fail),
        (&unclear, Outcome::Unknown),
        (&against, Outcome::Fail),
    ] {
        case.observed = Some(observed);
        assert_eq!(outcome(&case), expected);
    }
}

#[test]
fn an_artifact_that_differs_fails_and_nothing_found_is_unknown() {
    let evidence = evidence(pinned());
    let claim = claim();
    let digest = |n| Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] };
    let path = || "a\u{1b}b".to_owned();
    let seen =
        |seen: ArtifactSeen| Observed { artifacts: BTreeMap::from([(EntryIndex(3), seen)]), ..Observed::default() };
    for (observed, expected) in [
        (Observed::default(), Outcome::Unknown),
        (seen(ArtifactSeen::Equal { path: path() }), Outcome::Pass),
        (seen(ArtifactSeen::NotFound), Outcome::Unknown),
        (seen(ArtifactSeen::Unreadable { path: path(), reason: "denied".to_owned() }), Outcome::Unknown),
        (seen(ArtifactSeen::Differs { path: path(), recorded: digest(1), found: digest(2) }), Outcome::Fail),
    ] {
        let case = Case::of_parts(&evidence, Some(&claim), Vec::new(), Some(&observed));
        assert_eq!(run(&case, "availability").outcome, expected);
    }
}

#[test]
fn keys_are_unknown_without_a_policy_and_fail_when_disowned() {
    let outcome = |evidence: &VerifiedEvidence<'_>| {
        run(&case(evidence, None, Err(InputProblem::NotShown)), "ledger.keys").outcome
    };
    assert_eq!(outcome(&evidence(Voucher::None)), Outcome::Unknown);
    assert_eq!(outcome(&evidence(pinned())), Outcome::Pass);
    let mut stolen = evidence(pinned());
    stolen.disowned.insert(EntryIndex(3));
    assert_eq!(outcome(&stolen), Outcome::Pass);
    stolen.links.reached.insert(EntryIndex(3));
    assert_eq!(outcome(&stolen), Outcome::Fail);
}
