//! What each check says, word for word, on made-up cases that no ledger needs to be told for.

use super::*;
use crate::artifact::samples::{ObservedModel, Rejudged};

fn honest() -> Samples<'static> {
    shown(&facts(100, 1), &records(63, 100))
}

#[test]
fn a_claim_that_is_not_disclosed_is_known_by_no_check() {
    let evidence = evidence(pinned());
    let undisclosed = case(&evidence, None, Err(InputProblem::NotShown));
    let mut wrong = Wrong::default();
    for id in [
        "claim.prereg",
        "contamination",
        "ood.heldout",
        "spec.bytes",
        "spec.render",
        "docs.quality",
        "base.identity",
        "train.inputs",
        "ckpt.files",
        "arms.baseline",
        "arms.matched",
        "eval.code",
        "eval.model",
        "judge.identity",
        "judge.audit",
        "scores.rederive",
        "transcripts.likelihood",
        "stat.gap",
        "stat.multiplicity",
        "attempts.all",
    ] {
        wrong.hold(&undisclosed, id, Outcome::Unknown, "the claim is not disclosed");
    }
    let planned = "the claim is not disclosed, so neither is the planned grid";
    wrong.hold(&undisclosed, "samples.complete", Outcome::Unknown, planned);
    wrong.hold(&undisclosed, "claim.complete", Outcome::Unknown, "the claim itself is not disclosed");
}

#[test]
fn a_claim_without_logs_or_with_logs_that_nothing_links_has_nothing_to_look_at() {
    let evidence = evidence(pinned());
    let claim = claim();
    let observed = Observed::default();
    let digest = Digest { algorithm: Algorithm::Blake3, bytes: [0x11; 32] };
    let unlinked = Input { digest, entry: None, arm: None, seed: None, content: Err(InputProblem::NotLinked) };
    let unlinked = Case::of_parts(&evidence, Some(&claim), vec![unlinked], Some(&observed));
    let mut wrong = Wrong::default();
    let unknown = Outcome::Unknown;
    wrong.hold(&unlinked, "attempts.all", unknown, "an input is not linked to an entry");
    wrong.hold(&unlinked, "samples.derived", unknown, "an input is not linked to an entry");
    wrong.hold(&unlinked, "log.integrity", unknown, "is not linked to an entry");
    wrong.hold(&unlinked, "samples.complete", unknown, "the sample records cannot be counted");
    for id in ["eval.code", "eval.model", "eval.prompts", "eval.params", "samples.distinct"] {
        wrong.hold(&unlinked, id, unknown, "the claim names no log, or one that is not linked");
    }
    let none = Case::of_parts(&evidence, Some(&claim), Vec::new(), Some(&observed));
    wrong.hold(&none, "samples.complete", unknown, "the claim names no input");
    wrong.hold(&none, "samples.derived", unknown, "the claim names no input");
    wrong.hold(&none, "log.integrity", unknown, "there is no log to look at");
    wrong.hold(&none, "judge.identity", unknown, "the logs that would show a judge are not all shown");
    let withheld = case(&evidence, Some(&claim), Err(InputProblem::NotShown));
    wrong.hold(&withheld, "log.integrity", unknown, "the sample records of ");
    let printed = claim_with(&[("/inputs", json!([]))]);
    let printed = Case::of_parts(&evidence, Some(&printed), Vec::new(), None);
    wrong.hold(&printed, "claim.complete", unknown, "the claim names no samples: its figures stand by themselves");
    let unaveraged = claim_with(&[("/aggregation", json!([]))]);
    let unaveraged = Case::of_parts(&evidence, Some(&unaveraged), Vec::new(), None);
    wrong.hold(&unaveraged, "claim.complete", Outcome::Fail, "the claim names no aggregation");
}

#[test]
fn nothing_to_look_at_is_no_pass() {
    let found = arms::join("stat.gap", Vec::new());
    assert_eq!((found.outcome, found.reason.as_str()), (Outcome::Unknown, "there is nothing to look at"));
}

#[test]
fn a_claim_of_one_arm_compares_nothing_and_names_no_method() {
    let evidence = evidence(pinned());
    let claim = claim();
    let case = case(&evidence, Some(&claim), Ok(honest()));
    let mut wrong = Wrong::default();
    let not = Outcome::NotApplicable;
    wrong.hold(&case, "arms.baseline", not, "the claim is of one arm and calls it by no method's name");
    wrong.hold(&case, "arms.distinct", not, "the claim is of one arm and one seed");
    wrong.hold(&case, "arms.matched", not, "the claim is of one arm");
    wrong.hold(&case, "judge.identity", not, "the claim names no judge, and no log shows one");
    wrong.hold(&case, "judge.audit", not, "the claim names no judge, and no log shows one");
    wrong.hold(&case, "scores.rederive", not, "the claim names no judge");
}

#[test]
fn a_grid_that_is_not_the_planned_one_is_told_by_what_is_wrong_with_it() {
    let evidence = evidence(pinned());
    let mut wrong = Wrong::default();
    let mut hold = |claim: &Claim, facts: LogFacts, records: &[SampleRecord], outcome, words: &str| {
        let case = case(&evidence, Some(claim), Ok(shown(&facts, records)));
        wrong.hold(&case, "samples.complete", outcome, words);
    };
    let (claim, fail, unknown) = (claim(), Outcome::Fail, Outcome::Unknown);
    hold(&claim, facts(100, 1), &records(63, 100), Outcome::Pass, "all 100 planned samples are there, each once");
    let more = "there are 101 samples where the claim says 100 were planned";
    hold(&claim, facts(100, 1), &records(63, 101), fail, more);
    hold(&claim, facts(100, 1), &records(63, 99), unknown, "1 of 100 planned samples are not there");
    let undeclared = LogFacts { declared: None, ..facts(100, 1) };
    hold(&claim, undeclared, &records(63, 100), unknown, "the log does not say how many samples were to be run");
    hold(&claim, facts(200, 1), &records(63, 100), fail, "the log was to run 200 samples, the claim says 100");
    let mut twice = records(63, 100);
    twice[1].details = twice[0].details;
    hold(&claim, facts(100, 1), &twice, fail, "is another one over again, under a name of its own");
    let mut later = records(63, 100);
    later[0].key.epoch = 2;
    hold(&claim, facts(100, 1), &later, fail, "is of a repetition that the claim did not plan");
    let epochs = "the log was to run each sample 2 times, the claim says 1";
    hold(&claim, facts(50, 2), &records(63, 100), fail, epochs);
    let of_two = claim_with(&[("/eval/samples", json!(50)), ("/eval/repeats", json!(2))]);
    let distinct = "there are 100 distinct samples, more than the claim planned";
    hold(&of_two, facts(50, 2), &records(63, 100), fail, distinct);
    let mut told = records(63, 100);
    told.iter_mut().enumerate().for_each(|(at, record)| record.key.condition = Some((at % 2).to_string()));
    hold(&claim, facts(100, 1), &told, fail, "the samples are of 2 conditions, the claim says 1");
    let endless = claim_with(&[("/eval/samples", json!(u64::MAX)), ("/eval/conditions", json!(2))]);
    hold(&endless, facts(100, 1), &records(63, 100), fail, "the planned grid is larger than any log can be");
}

#[test]
fn arms_that_do_not_lack_scores_alike_are_noted() {
    let evidence = evidence(pinned());
    let claim = comparison::study(&[("/denominator", json!("n_scored"))]);
    // Sixteen rollouts of the one arm, then sixteen of the other.
    let said = |unscored: &[usize]| {
        let samples = comparison::samples(&comparison::rows(comparison::HONEST));
        let records = samples.records().enumerate().map(|(at, record)| {
            let mut record = record.to_record();
            if unscored.contains(&at) {
                record.status = SampleStatus::Unscored;
                record.scores.clear();
            }
            record
        });
        let records: Vec<SampleRecord> = records.collect();
        let facts = LogFacts { declared: None, ..facts(1, 1) };
        let found = run(&case(&evidence, Some(&claim), Ok(shown(&facts, &records))), "samples.complete");
        assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
        let note = "the arms do not lack scores alike: what is missing may make a difference of its own";
        found.notes.iter().any(|said| said == note)
    };
    assert_eq!([said(&[]), said(&[0]), said(&[0, 16])], [false, true, false]);
}

#[test]
fn a_log_says_in_what_it_is_not_whole_and_in_what_it_contradicts_itself() {
    let evidence = evidence(pinned());
    let claim = claim();
    let mut wrong = Wrong::default();
    let mut hold = |facts: LogFacts, outcome, words: &str| {
        let case = case(&evidence, Some(&claim), Ok(shown(&facts, &records(63, 100))));
        wrong.hold(&case, "log.integrity", outcome, words);
    };
    hold(
        facts(100, 1),
        Outcome::Pass,
        "header, summaries, samples and archive agree, as read when the log was recorded",
    );
    let mut odd = facts(100, 1);
    (0..12).for_each(|at| odd.anomalies.add(AnomalyCode::SummaryDisagrees, format!("sample {at}")));
    hold(odd.clone(), Outcome::Fail, "the log contradicts itself");
    hold(odd, Outcome::Fail, "12 of this kind in all");
    let cancelled = LogFacts { status: Some("cancelled".to_owned()), ..facts(100, 1) };
    hold(cancelled.clone(), Outcome::Unknown, "the log is not complete");
    hold(cancelled, Outcome::Unknown, "the log's status is `cancelled`");
    let counted = LogFacts { total: Some(101), ..facts(100, 1) };
    hold(counted, Outcome::Unknown, "the header counts 101 samples (total), 100 are there");
}

#[test]
fn what_was_looked_at_again_is_said_with_what_came_of_it() {
    let evidence = evidence(pinned());
    let claim = claim();
    let mut wrong = Wrong::default();
    let recorded = ManifestRoot::from_bytes([0x11; 32]);
    let derived = |root: u8| {
        let found = Rederived::Found { root: ManifestRoot::from_bytes([root; 32]), count: 100 };
        Observed { derived: BTreeMap::from([((EntryIndex(3), recorded.into()), found)]), ..Observed::default() }
    };
    let artifact =
        |seen: ArtifactSeen| Observed { artifacts: BTreeMap::from([(EntryIndex(3), seen)]), ..Observed::default() };
    let path = || "a".to_owned();
    let unread = ArtifactSeen::Unreadable { path: path(), reason: "denied".to_owned() };
    for (observed, id, outcome, words) in [
        (Observed::default(), "samples.derived", Outcome::Unknown, "the log was not found among the artifacts"),
        (derived(0x11), "samples.derived", Outcome::Pass, "read again from the log, all 100 records are the ones"),
        (derived(0x12), "samples.derived", Outcome::Fail, "the log gives other sample records than the ones recorded"),
        (
            artifact(ArtifactSeen::Equal { path: path() }),
            "availability",
            Outcome::Pass,
            "all 1 artifacts behind the claim are at hand and unchanged",
        ),
        (
            artifact(ArtifactSeen::NotFound),
            "availability",
            Outcome::Unknown,
            "0 of 1 artifacts behind the claim are at hand and unchanged; not found: entries 3",
        ),
        (artifact(unread), "availability", Outcome::Unknown, "`a` could not be read: denied"),
    ] {
        let mut case = case(&evidence, Some(&claim), Ok(honest()));
        case.observed = Some(&observed);
        wrong.hold(&case, id, outcome, words);
    }
}

#[test]
fn verdicts_that_were_read_again_are_counted() {
    let evidence = evidence(pinned());
    let judge = json!({"observed_models": ["judge-1"], "prompt": "none"});
    let claim = claim_with(&[("/judge", judge)]);
    let mut wrong = Wrong::default();
    for ([agrees, differs, unread], outcome, words) in [
        ([100, 0, 0], Outcome::Pass, "all 100 verdicts of `match` follow from what the judge wrote"),
        ([98, 2, 0], Outcome::Fail, "2 verdicts of `match` say something else than what the judge wrote"),
        (
            [98, 0, 2],
            Outcome::Unknown,
            "98 verdicts were read again; 2 could not be, and 0 inputs hold no judge's text",
        ),
    ] {
        let (scorer, parser) = ("match".to_owned(), "inspect.grade/1".to_owned());
        let rejudged = vec![Rejudged { scorer, key: String::new(), parser, agrees, differs, unread }];
        let samples = shown(&LogFacts { rejudged, ..facts(100, 1) }, &records(63, 100));
        wrong.hold(&case(&evidence, Some(&claim), Ok(samples)), "scores.rederive", outcome, words);
    }
}

#[test]
fn who_judged_is_read_from_the_logs_and_held_to_the_claim() {
    let evidence = evidence(pinned());
    let judged = |model: &str| claim_with(&[("/judge", json!({"observed_models": [model], "prompt": "none"}))]);
    let seen = |models: &[&str]| {
        let observed = |model: &&str| ObservedModel {
            model: (*model).to_owned(),
            role: "grader".to_owned(),
            samples: 100,
            named: true,
        };
        shown(&LogFacts { observed: models.iter().map(observed).collect(), ..facts(100, 1) }, &records(63, 100))
    };
    let mut wrong = Wrong::default();
    let mut hold = |claim: &Claim, arms: &[&[&str]], outcome, words: &str| {
        let input = |(at, models): (u8, &&[&str])| Input {
            digest: Digest { algorithm: Algorithm::Blake3, bytes: [0x11; 32] },
            entry: Some(EntryIndex(3)),
            arm: Some(format!("arm {at}")),
            seed: None,
            content: Ok(seen(models)),
        };
        let inputs = (0..).zip(arms).map(input).collect();
        wrong.hold(&Case::of_parts(&evidence, Some(claim), inputs, None), "judge.identity", outcome, words);
    };
    let (own, unjudged) = (judged("judge-1"), claim());
    hold(&unjudged, &[&["judge-1"]], Outcome::Fail, "the claim names no judge, but the logs show one");
    hold(&own, &[&["judge-1"]], Outcome::Pass, "one judge, the one that the claim names, is seen in every log");
    hold(&own, &[&["judge-2"]], Outcome::Fail, "the logs show another judge than the claim names");
    hold(&own, &[&["judge-1"], &[]], Outcome::Unknown, "not every log shows who judged");
    hold(&own, &[&["judge-1"], &[]], Outcome::Unknown, "arm 1: no judge is seen");
    let named = claim_with(&[("/judge", json!({"observed_models": ["judge-1", "judge-2"], "prompt": "none"}))]);
    let several = "more than one model answered beside the evaluated one: which of them judged cannot be told";
    hold(&named, &[&["judge-1", "judge-2"]], Outcome::Unknown, several);
    hold(&own, &[&[]], Outcome::Unknown, "no log shows who judged: the judge is the lab's word");
}

#[test]
fn a_check_that_an_arms_recipe_has_no_use_for_does_not_apply() {
    let evidence = evidence(pinned());
    let mut wrong = Wrong::default();
    let mut without = BTreeSet::new();
    for recipe in crate::lineage::Recipe::all() {
        let claim = claim_with(&[("/subject/kind", json!(recipe.name))]);
        let case = case(&evidence, Some(&claim), Ok(honest()));
        for (id, reason) in &recipe.not_applicable {
            without.insert(id.as_str());
            wrong.hold(&case, id, Outcome::NotApplicable, reason);
        }
    }
    let expected = [
        "aft.partition",
        "aft.strip",
        "ckpt.files",
        "ckpt.parent",
        "ckpt.tensors",
        "dataset.counts",
        "dataset.published",
        "dataset.rebuild",
        "dataset.transforms",
        "docs.identity",
        "docs.quality",
        "gen.receipts",
        "mix.composition",
        "prompt.templates",
        "spec.bytes",
        "spec.coverage",
        "spec.render",
        "train.effort",
        "train.inputs",
        "tree.census",
    ];
    assert_eq!(without, BTreeSet::from(expected));
}

#[test]
fn evidence_that_opens_no_item_shows_none() {
    let evidence = evidence(pinned());
    let case = case(&evidence, None, Err(InputProblem::NotShown));
    let mut wrong = Wrong::default();
    wrong.hold(&case, "item.inclusion", Outcome::Unknown, "no item is opened");
    wrong.hold(&case, "item.content", Outcome::Unknown, "the bytes of 0 of 0 items are not shown");
}
