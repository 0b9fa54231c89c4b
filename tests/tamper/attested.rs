//! What rebuilds are worth: the runs that were really run again, by parties that the reader knows and the issuer is not.

use std::fmt::Write;

use reproledger::check::{Outcome, Standing};
use reproledger::claim::{Assessment, Level, NUMBER, Reader, Stage, VENDOR_AUDIT, Verdict, assess_as};
use reproledger::digest::Thumbprint;
use reproledger::key::Parties;
use reproledger::report::{Detail, to_json, to_text};
use reproledger::statement::{Body, EdgeType, Judgement, Kind, Rebuild};

use super::testimony::{Study, other};
use crate::support::{Lab, finding, key};

/// A file of parties: how many, then each with its keys and whom it is related to.
pub(super) fn parties(required: u64, all: &[(&str, &[String], &[&str])]) -> Parties {
    let mut text = format!("[rebuilders]\nrequired = {required}\n");
    for (name, keys, related) in all {
        write!(text, "[[party]]\nname = {name:?}\nkeys = {keys:?}\nrelated = {related:?}\n").unwrap();
    }
    Parties::parse(text.as_bytes()).unwrap()
}

pub(super) fn log_key(lab: &Lab) -> String {
    lab.vkey().to_string()
}

fn signing_key(lab: &Lab) -> String {
    let thumbprint: Thumbprint = key(lab.issuer).public().thumbprint();
    thumbprint.to_string()
}

fn rebuilder(name: &str, seed: u8) -> Lab {
    Lab::named(name, seed)
}

fn judge(study: &Study, files: &[Vec<u8>], parties: Option<&Parties>) -> Assessment {
    let policy = study.lab.policy();
    let evidence = study.lab.evidence(study.claim).to_bytes();
    let reader = Reader { trust: Some(&policy), testimonies: files, parties, ..Reader::default() };
    assess_as(&evidence, &reader, NUMBER, |_| None)
}

fn level(assessment: &Assessment, stage: Stage) -> Level {
    assessment.assurance.stages().iter().find(|of| of.stage == stage).unwrap().level
}

fn rests_on(assessment: &Assessment, stage: Stage) -> String {
    assessment.assurance.stages().iter().find(|of| of.stage == stage).unwrap().rests_on.clone()
}

const MADE: [Stage; 3] = [Stage::Corpus, Stage::Training, Stage::Sampling];

/// The lab and one rebuilder, both known.
fn two(study: &Study, by: &Lab, required: u64) -> Parties {
    let third = [log_key(&rebuilder("third.example/log", 41))];
    parties(
        required,
        &[("Lab", &[log_key(&study.lab)], &[]), ("Auditors", &[log_key(by)], &[]), ("Third", &third, &[])],
    )
}

#[test]
fn every_run_made_again_by_a_party_that_the_reader_knows_is_level_3() {
    let study = Study::new();
    let mut by = other();
    let file = study.testimony(&mut by, &study.words());
    let known = two(&study, &by, 1);
    let assessment = judge(&study, std::slice::from_ref(&file), Some(&known));
    assert_eq!((assessment.verdict, assessment.level), (Verdict::Verified, Level::L3), "{:?}", assessment.findings);
    let check = finding(&assessment, "rebuild.attested");
    assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
    let reason = "all 3 data, weights and logs behind the claim were made again by \"Auditors\"";
    assert_eq!(check.reason, reason);
    let told = "3 of 3 runs made again as recorded, says \"Auditors\" in entry ";
    assert!(check.notes.iter().any(|note| note.starts_with(told) && note.ends_with("; counts")), "{check:?}");
    let text = to_text(&assessment, Detail::Every);
    assert!(text.starts_with("VERIFIED·L3·number — every stage made again by others"), "{text}");
    assert!(text.contains("rebuilt     3 of 3 runs, by \"Auditors\"\n"), "{text}");
    assert!(text.contains("training L3 1 of 1 made again by \"Auditors\""), "{text}");
    let json: serde_json::Value = serde_json::from_str(&to_json(&assessment)).unwrap();
    assert_eq!(
        (&json["rebuilds"][0]["counts"], &json["rebuilds"][0]["runs"][1]["stage"]),
        (&true.into(), &"train".into())
    );
    // Carried by the evidence it counts as much, and the key that signs entries names its party as well.
    let policy = study.lab.policy();
    let evidence = study.carrying(&file, study.lab.entries.len() as u64).to_bytes();
    let by_signer = parties(1, &[("Lab", &[signing_key(&study.lab)], &[]), ("Auditors", &[signing_key(&by)], &[])]);
    let reader = Reader { trust: Some(&policy), parties: Some(&by_signer), ..Reader::default() };
    assert_eq!(assess_as(&evidence, &reader, NUMBER, |_| None).level, Level::L3);
}

#[test]
fn without_a_word_of_the_reader_on_who_is_who_a_rebuild_lifts_nothing() {
    let study = Study::new();
    let mut by = other();
    let file = study.testimony(&mut by, &study.words());
    let stranger = [log_key(&rebuilder("third.example/log", 41))];
    let (lab, own) = ([log_key(&study.lab)], [log_key(&by)]);
    let cases: [(Option<Parties>, Standing, &str); 4] = [
        (None, Standing::NoParties, "you named no parties"),
        (Some(parties(1, &[("Lab", &lab, &[]), ("Third", &stranger, &[])])), Standing::Nobody, "nobody you named"),
        (Some(parties(1, &[("Auditors", &own, &[])])), Standing::NoIssuer, "do not say whose the claim's own keys are"),
        (
            Some(parties(1, &[("Lab", &lab, &[]), ("A", &own, &[]), ("B", &[signing_key(&by)], &[])])),
            Standing::Several,
            "of several of your parties",
        ),
    ];
    for (known, standing, why) in cases {
        let assessment = judge(&study, std::slice::from_ref(&file), known.as_ref());
        let [attested] = assessment.rebuilds.all.as_slice() else { panic!("{:?}", assessment.rebuilds) };
        assert_eq!((attested.standing, assessment.level), (standing, Level::L0));
        assert!(attested.why_not.unwrap().contains(why), "{attested:?}");
        let check = finding(&assessment, "rebuild.attested");
        let asked = if known.is_none() {
            "by a party that you named"
        } else {
            "by 1 of your parties that the issuer has no part in"
        };
        let reason = format!("0 of 3 data, weights and logs behind the claim were made again {asked}");
        assert_eq!((check.outcome, &check.reason), (Outcome::Unknown, &reason));
        assert_eq!(assessment.verdict, Verdict::Verified);
        let screen = to_text(&assessment, Detail::Screen);
        assert!(screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(why), "{screen}");
    }
}

#[test]
fn the_issuer_s_own_party_and_whoever_is_related_to_it_lift_nothing() {
    let study = Study::new();
    let mut by = other();
    let file = study.testimony(&mut by, &study.words());
    let (lab, own) = ([log_key(&study.lab)], [log_key(&by)]);
    let both = [log_key(&study.lab), log_key(&by)];
    for known in [
        parties(1, &[("Lab", &both, &[])]),
        parties(1, &[("Lab", &lab, &[]), ("Daughter", &own, &["Lab"])]),
        parties(1, &[("Lab", &lab, &["Parent"]), ("Parent", &[], &[]), ("Sister", &own, &["Parent"])]),
    ] {
        let assessment = judge(&study, std::slice::from_ref(&file), Some(&known));
        assert!(MADE.iter().all(|stage| level(&assessment, *stage) == Level::L0), "{:?}", assessment.assurance);
        assert_eq!(assessment.rebuilds.all[0].why_not, Some("the issuer's own party"));
    }
}

#[test]
fn k_of_n_counts_parties_and_neither_keys_nor_files() {
    let study = Study::new();
    let (mut one, mut second, mut third) =
        (other(), rebuilder("second.example/log", 31), rebuilder("third.example/log", 41));
    let words = study.words();
    let files = [study.testimony(&mut one, &words), study.testimony(&mut second, &words)];
    let lab = [log_key(&study.lab)];
    // Two keys of one party.
    let both = [log_key(&one), log_key(&second)];
    let known = parties(2, &[("Lab", &lab, &[]), ("Auditors", &both, &[]), ("Other", &[], &[])]);
    assert_eq!(judge(&study, &files, Some(&known)).level, Level::L0);
    // Two parties that are related.
    let (a, b) = ([log_key(&one)], [log_key(&second)]);
    let known = parties(2, &[("Lab", &lab, &[]), ("A", &a, &[]), ("B", &b, &["A"])]);
    assert_eq!(judge(&study, &files, Some(&known)).level, Level::L0);
    // One key under two statements.
    let twice = [study.testimony(&mut one, &words), study.testimony(&mut one, &words)];
    let known = parties(2, &[("Lab", &lab, &[]), ("A", &a, &[]), ("B", &b, &[])]);
    let assessment = judge(&study, &twice, Some(&known));
    assert_eq!((assessment.rebuilds.all.len(), assessment.level), (2, Level::L0));
    // Two that have nothing to do with each other; where three are asked for, two are not enough.
    assert_eq!(judge(&study, &files, Some(&known)).level, Level::L3);
    let c = [log_key(&third)];
    let known = parties(3, &[("Lab", &lab, &[]), ("A", &a, &[]), ("B", &b, &[]), ("C", &c, &[])]);
    assert_eq!(judge(&study, &files, Some(&known)).level, Level::L0);
    let all = [files.to_vec(), vec![study.testimony(&mut third, &words)]].concat();
    assert_eq!(judge(&study, &all, Some(&known)).level, Level::L3);
}

#[test]
fn only_the_runs_that_were_really_run_again_are_lifted() {
    let study = Study::new();
    let mut words = study.words();
    words.stages.remove(1);
    let mut by = other();
    let known = two(&study, &by, 1);
    let assessment = judge(&study, &[study.testimony(&mut by, &words)], Some(&known));
    assert_eq!(MADE.map(|stage| level(&assessment, stage)), [Level::L3, Level::L0, Level::L3]);
    assert_eq!(assessment.level, Level::L0);
    let check = finding(&assessment, "rebuild.attested");
    assert!(check.outcome == Outcome::Unknown && check.reason.starts_with("2 of 3"), "{check:?}");
    // Several parties can share the work.
    let mut third = rebuilder("third.example/log", 41);
    words.stages = study.words().stages.split_off(1);
    words.stages.truncate(1);
    let files = [study.testimony(&mut other(), &study_without(&study, 1)), study.testimony(&mut third, &words)];
    let assessment = judge(&study, &files, Some(&known));
    assert_eq!(assessment.level, Level::L3);
    assert!(rests_on(&assessment, Stage::Training).ends_with("made again by \"Third\""), "{:?}", assessment.assurance);
}

fn study_without(study: &Study, at: usize) -> Rebuild {
    let mut words = study.words();
    words.stages.remove(at);
    words
}

#[test]
fn a_rebuild_that_only_added_up_the_number_lifts_nothing() {
    let study = Study::new();
    let mut words = study.words();
    words.stages.clear();
    let mut by = other();
    let known = two(&study, &by, 1);
    let assessment = judge(&study, &[study.testimony(&mut by, &words)], Some(&known));
    assert!(MADE.iter().all(|stage| level(&assessment, *stage) == Level::L0));
    assert_eq!(assessment.rebuilds.all[0].why_not, Some("nothing was run again, only added up"));
    let text = to_text(&assessment, Detail::Screen);
    assert!(text.contains("rebuilt     0 of 3 runs, by \"Auditors\" (nothing was run again, only added up)"), "{text}");
}

#[test]
fn what_was_recorded_without_a_run_keeps_its_stage_where_it_is() {
    let mut study = Study::new();
    // A second dataset behind the claim that no run wrote.
    let found = study.lab.file(Kind::Dataset, b"found rows", &[]);
    let mut late = Study::from_dataset(found, study.lab);
    let mut by = other();
    let known = two(&late, &by, 1);
    let file = late.testimony(&mut by, &late.words());
    let assessment = judge(&late, &[file], Some(&known));
    assert_eq!(MADE.map(|stage| level(&assessment, stage)), [Level::L0, Level::L3, Level::L3]);
    late.runs.clear();
}

#[test]
fn a_base_model_counts_where_a_run_of_the_ledger_wrote_it() {
    for (is_own, without, expected) in [(true, None, Level::L3), (true, Some(1), Level::L0), (false, None, Level::L3)] {
        let study = Study::from_base(is_own);
        let words = without.map_or_else(|| study.words(), |at| study_without(&study, at));
        let mut by = other();
        let known = two(&study, &by, 1);
        let assessment = judge(&study, &[study.testimony(&mut by, &words)], Some(&known));
        let because = rests_on(&assessment, Stage::Training);
        assert_eq!(level(&assessment, Stage::Training), expected, "{because}");
        let said = match (is_own, without) {
            (true, None) => "2 of 2 made again",
            (true, Some(_)) => "1 of 2 made again",
            (false, _) => "1 of 1 made again",
        };
        assert!(because.starts_with(said), "{because}");
    }
}

#[test]
fn without_a_sandbox_and_after_it_was_taken_back_a_rebuild_lifts_nothing() {
    let study = Study::new();
    let mut words = study.words();
    words.sandboxed = false;
    let mut by = other();
    let known = two(&study, &by, 1);
    let assessment = judge(&study, &[study.testimony(&mut by, &words)], Some(&known));
    assert_eq!(assessment.level, Level::L0);
    assert!(
        assessment.rebuilds.all[0]
            .why_not
            .unwrap()
            .contains("run without a sandbox, so that it could have been copied")
    );
    // Taken back, a good one is worth nothing and a bad one contradicts nothing any more.
    for judgement in [Judgement::Good, Judgement::Bad] {
        let mut by = other();
        let mut words = study.words();
        words.stages[0] = study.rebuilt(study.runs[0], judgement);
        let payload = study.statement(&mut by, &words);
        let index = by.say(&payload);
        let mut payload = by.payload(Kind::Retraction);
        payload.edges = vec![by.link(EdgeType::Retracts, index)];
        by.seal(&mut payload, &Body { reason: Some("wrong disk".to_owned()), ..Body::default() });
        by.say(&payload);
        let assessment = judge(&study, &[by.evidence(index).to_bytes()], Some(&known));
        assert_eq!((assessment.verdict, assessment.level), (Verdict::Verified, Level::L0));
        assert_eq!(assessment.rebuilds.all[0].why_not, Some("taken back by whoever signed it"));
    }
    // Of a head that this evidence does not reach it cannot be told whether it is of this history.
    let mut later = study.clone();
    later.lab.file(Kind::Other, b"more", &[]);
    let file = later.testimony(&mut other(), &study.words());
    let assessment = judge(&study, &[file], Some(&known));
    assert!(assessment.rebuilds.all[0].why_not.unwrap().contains("not seen to be this ledger's"));
    assert_eq!(assessment.level, Level::L0);
}

#[test]
fn what_one_known_party_got_otherwise_contradicts_whatever_another_got() {
    let study = Study::new();
    let mut words = study.words();
    words.stages[1] = study.rebuilt(study.runs[1], Judgement::Bad);
    let (mut good, mut bad) = (rebuilder("third.example/log", 41), other());
    let files = [study.testimony(&mut good, &study.words()), study.testimony(&mut bad, &words)];
    let known = two(&study, &bad, 1);
    let assessment = judge(&study, &files, Some(&known));
    assert_eq!((assessment.verdict, assessment.verdict.exit_code()), (Verdict::Contradicted, 1));
    let check = finding(&assessment, "rebuild.attested");
    assert_eq!(check.outcome, Outcome::Fail);
    assert!(check.reason.starts_with("\"Auditors\" ran \"train\" again"), "{check:?}");
    assert_eq!(level(&assessment, Stage::Training), Level::L0);
    assert!(to_text(&assessment, Detail::Screen).contains("1 NOT AS RECORDED"));
    // An output that is bad makes its run so, whatever the run is called.
    let mut words = study.words();
    words.stages[1].outputs[0].judgement = Judgement::Bad;
    let file = study.testimony(&mut other(), &words);
    assert_eq!(judge(&study, &[file], Some(&known)).verdict, Verdict::Contradicted);
    // The issuer's own party says so against itself.
    let file = study.testimony(&mut other(), &words);
    let own = parties(1, &[("Lab", &[log_key(&study.lab), log_key(&other())], &[])]);
    assert_eq!(judge(&study, std::slice::from_ref(&file), Some(&own)).verdict, Verdict::Contradicted);
    // Whom nobody knows contradicts nothing, and is shown all the same.
    let assessment = judge(&study, &[file], None);
    assert_eq!(assessment.verdict, Verdict::Verified);
    let text = to_text(&assessment, Detail::Screen);
    assert!(text.contains("note well") && text.contains("something else came out than was recorded"), "{text}");
}

#[test]
fn a_run_that_did_not_end_or_could_not_be_judged_is_neither_for_nor_against() {
    let study = Study::new();
    let mut by = other();
    let known = two(&study, &by, 1);
    for judgement in [Judgement::Fail, Judgement::Unknown, Judgement::Taken] {
        let mut words = study.words();
        words.stages[2] = study.rebuilt(study.runs[2], judgement);
        let assessment = judge(&study, &[study.testimony(&mut by, &words)], Some(&known));
        assert_eq!(MADE.map(|stage| level(&assessment, stage)), [Level::L3, Level::L3, Level::L0], "{judgement}");
        assert_eq!(assessment.verdict, Verdict::Verified);
    }
}

#[test]
fn a_run_that_hands_on_what_it_was_given_was_not_made_again() {
    let study = Study::copying();
    let mut by = other();
    let known = two(&study, &by, 1);
    let assessment = judge(&study, &[study.testimony(&mut by, &study.words())], Some(&known));
    assert_eq!(MADE.map(|stage| level(&assessment, stage)), [Level::L3, Level::L0, Level::L3]);
}

#[test]
fn what_is_attached_and_not_shown_is_told() {
    let mut study = Study::new();
    let file = study.testimony(&mut other(), &study.words());
    let attach = study.attach(&file);
    let check = judge(&study, &[], None);
    let check = finding(&check, "rebuild.attested");
    assert_eq!(check.outcome, Outcome::Unknown);
    assert_eq!(check.reason, "nobody but the lab says here that any of it was made again");
    let said = format!("what entry {attach} attached to the claim is not shown by itself");
    assert!(check.notes.contains(&said), "{check:?}");
}

#[test]
fn many_rebuilds_do_not_push_what_decides_off_the_screen() {
    let study = Study::new();
    let files: Vec<_> = (0..40)
        .map(|n| study.testimony(&mut rebuilder(&format!("r{n}.example/log"), 10 + 2 * n), &study.words()))
        .collect();
    let policy = study.lab.policy();
    let evidence = study.lab.evidence(study.claim).to_bytes();
    let lines = |files: &[Vec<u8>]| {
        let reader = Reader { trust: Some(&policy), testimonies: files, ..Reader::default() };
        let assessment = assess_as(&evidence, &reader, VENDOR_AUDIT, |_| None);
        to_text(&assessment, Detail::Screen).lines().count()
    };
    assert!(lines(&files) <= lines(&[]) + 3);
    let reader = Reader { trust: Some(&policy), testimonies: &files, ..Reader::default() };
    let assessment = assess_as(&evidence, &reader, VENDOR_AUDIT, |_| None);
    assert_eq!(assessment.rebuilds.all.len(), 40);
    assert!(finding(&assessment, "rebuild.attested").notes.len() <= 21);
}
