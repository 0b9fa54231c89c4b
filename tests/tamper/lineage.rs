//! Section D: the chain from the claim back to what it rests on.

use std::collections::BTreeSet;

use reproledger::check::Outcome;
use reproledger::claim::Verdict;
use reproledger::digest::{Digest, DigestKind, FileDigest};
use reproledger::evidence::Evidence;
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, Edge, EdgeType, Kind};
use reproledger::verify::{Class, Reject};

use super::decided;
use crate::support::{Story, Told, assess, finding, sample};

fn all_but(told: &Told, missing: EntryIndex) -> BTreeSet<EntryIndex> {
    (0..told.lab.entries.len() as u64).map(EntryIndex).filter(|index| *index != missing).collect()
}

#[test]
fn l01_a_missing_parent_leaves_the_chain_unestablished() {
    let told = Story::new().tell();
    for missing in [told.spec, told.dataset, told.checkpoint] {
        let first = EntryIndex(missing.0 + 1);
        let mut evidence = told.lab.evidence_of(told.claim, first, &all_but(&told, missing));
        // Entries before the census that nothing reaches any more have no place here.
        let reached: Vec<_> =
            evidence.entries.iter().map(|(index, _)| *index).filter(|index| *index < missing && index.0 > 0).collect();
        if !reached.is_empty() {
            let chosen =
                (0..told.lab.entries.len() as u64).map(EntryIndex).filter(|index| index.0 == 0 || *index > missing);
            evidence = told.lab.evidence_of(told.claim, first, &chosen.collect());
        }
        let assessment = assess(&evidence, &told.lab.policy());
        assert_eq!(assessment.verdict.exit_code(), 3);
        decided(&assessment, Verdict::NotRecomputable, "ledger.links");
        let found = finding(&assessment, "ledger.links");
        assert_eq!(found.outcome, Outcome::Unknown);
        assert!(found.reason.contains("links of the claim's chain lead to entries that are not here"), "{found:?}");
    }
    // Without the log itself there are no samples either.
    let chosen = (0..told.lab.entries.len() as u64).map(EntryIndex).filter(|index| index.0 == 0 || *index > told.log);
    let mut evidence = told.lab.evidence_of(told.claim, told.claim, &chosen.collect());
    evidence.manifests.clear();
    assert_eq!(assess(&evidence, &told.lab.policy()).verdict, Verdict::NotRecomputable);
}

#[test]
fn l02_l03_links_to_oneself_or_forward_are_refused() {
    for target in [0_u64, 1, 7] {
        let mut told = Story::new().tell();
        let mut payload = told.lab.payload(Kind::Dataset);
        let index = payload.seq;
        let digest = Digest::from(FileDigest::of(b"self"));
        payload.subjects.push(reproledger::statement::Subject::file(FileDigest::of(b"self"), 4));
        let target = EntryIndex(index.0 + target);
        payload.edges.push(Edge {
            edge_type: EdgeType::DerivedFrom,
            log: None,
            seq: target,
            kind: DigestKind::File,
            digest,
        });
        told.lab.say(&payload);
        assert_eq!(told.reject(), Reject::ForwardEdge { index, target });
        assert_eq!(told.reject().class(), Class::Contradicted);
    }
}

#[test]
fn l04_links_between_the_wrong_kinds_are_refused() {
    // The evaluation points to the dataset where a checkpoint belongs.
    let mut told = Story::new().tell();
    let mut payload = told.lab.said(told.log);
    payload.edges = vec![told.lab.link(EdgeType::Evaluates, told.dataset)];
    told.lab.resay(told.log, &payload);
    let mut claim = told.lab.said(told.claim);
    claim.edges = vec![told.lab.supports(told.log)];
    told.lab.resay(told.claim, &claim);
    let expected = Reject::WrongEdge {
        index: told.log,
        target: told.dataset,
        edge: "evaluates",
        child: "eval-log",
        parent: "dataset",
    };
    assert_eq!(told.reject(), expected);
    // A claim that supports itself on a spec.
    let mut told = Story::new().tell();
    let mut claim = told.lab.said(told.claim);
    claim.edges.push(told.lab.link(EdgeType::Supports, told.spec));
    told.lab.resay(told.claim, &claim);
    assert!(matches!(told.reject(), Reject::WrongEdge { edge: "supports", parent: "spec", .. }));
    // A claim entry that is none.
    let told = Story::new().tell();
    let reject = told.reject_with(|evidence| evidence.claim = told.log);
    assert_eq!(reject, Reject::NotClaim { index: told.log, kind: "eval-log" });
}

#[test]
fn l05_l06_a_link_binds_what_its_target_really_carries() {
    for (kind, digest) in [
        (DigestKind::File, FileDigest::of(b"another spec").into()),
        (DigestKind::Tree, FileDigest::of(b"a spec").into()),
        (DigestKind::Entry, FileDigest::of(b"a spec").into()),
    ] {
        let mut told = Story::new().tell();
        let mut payload = told.lab.said(told.dataset);
        payload.edges[0] = Edge { edge_type: EdgeType::DerivedFrom, log: None, seq: told.spec, kind, digest };
        told.lab.resay(told.dataset, &payload);
        let expected = Reject::BrokenEdge { index: told.dataset, target: told.spec, kind: kind.name() };
        assert_eq!(told.reject(), expected);
    }
}

#[test]
fn l14_a_claim_about_other_weights_than_were_evaluated_is_contradicted() {
    let mut story = Story::new();
    story.claim.subject.checkpoints = vec![FileDigest::of(b"weights").into()];
    assert_eq!(story.clone().tell().assess().verdict, Verdict::Verified);
    story.claim.subject.checkpoints = vec![FileDigest::of(b"other weights").into()];
    let assessment = story.tell().assess();
    decided(&assessment, Verdict::Contradicted, "claim.complete");
    assert!(finding(&assessment, "claim.complete").reason.contains("other weights"));
}

#[test]
fn l20_evidence_holds_nothing_beyond_the_census_and_the_chain() {
    let mut told = Story::new().tell();
    let extra = told.lab.file(Kind::Other, b"unrelated", &[]);
    let story = Story { samples: (1..=8).map(|id| sample(id, 1, "1")).collect(), ..Story::new() };
    // A second story after the unrelated entry: its census begins later.
    let manifest = story.manifest();
    let log = told.lab.eval_log(b"second log", &manifest, &[]);
    let mut words = told.words.clone();
    words.claim_id = "second".to_owned();
    words.inputs = vec![manifest.root().unwrap().into()];
    let claim = told.lab.claim(&words, &[log], &[]);
    let chosen: BTreeSet<EntryIndex> = [EntryIndex(0), extra, log, claim].into();
    let evidence = told.lab.evidence_of(claim, log, &chosen);
    let refuse = |evidence: &Evidence| reproledger::verify::evidence(&evidence.to_bytes(), None).unwrap_err();
    assert_eq!(refuse(&evidence), Reject::Extra { index: extra });
    assert_eq!(refuse(&evidence).class(), Class::Malformed);
    // A manifest, a body, a withheld thing that no entry commits to.
    let good = told.lab.evidence(claim);
    let mut extra = good.clone();
    extra.manifests = told.lab.manifests.values().cloned().collect();
    extra.manifests.sort_by_key(|manifest| manifest.root);
    extra.entries.retain(|(index, _)| *index != told.log);
    extra.multiproof = told.lab.proof(&extra.entries.iter().map(|(index, _)| *index).collect::<Vec<_>>());
    assert!(matches!(refuse(&extra), Reject::ExtraManifest { .. }), "{:?}", refuse(&extra));
    let mut extra = good.clone();
    extra.bodies.insert(0, (log, good.bodies[0].1.clone()));
    assert_eq!(refuse(&extra), Reject::ExtraBody { index: log });
    let mut extra = good.clone();
    extra.withheld.push(reproledger::evidence::Withheld {
        digest: FileDigest::of(b"nobody's").into(),
        count: 1,
        holder: "https://lab.example".to_owned(),
        reason: "not disclosed".to_owned(),
    });
    assert!(matches!(refuse(&extra), Reject::ExtraWithheld { .. }));
}

#[test]
fn what_is_withheld_cannot_be_left_off_the_list_or_told_otherwise() {
    // The list is under no signature: every word of it must follow from entries that are.
    let told = Story::new().tell();
    let mut hidden = told.evidence();
    hidden.manifests.clear();
    hidden.withheld = told.lab.withheld(&hidden);
    assert_eq!(hidden.withheld.len(), 1);
    assert_eq!(assess(&hidden, &told.lab.policy()).verdict, Verdict::Withheld);
    let with = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = hidden.clone();
        change(&mut evidence);
        reproledger::verify::evidence(&evidence.to_bytes(), Some(&told.lab.policy())).unwrap_err()
    };
    assert!(matches!(with(&|e| e.withheld.clear()), Reject::UnlistedWithheld { .. }));
    assert!(matches!(with(&|e| e.withheld[0].count += 1), Reject::WithheldWords { .. }));
    assert!(matches!(with(&|e| e.withheld[0].holder = "AISI".to_owned()), Reject::WithheldWords { .. }));
    assert!(matches!(with(&|e| e.withheld[0].reason = "VERIFIED by all".to_owned()), Reject::WithheldWords { .. }));
}

#[test]
fn l22_a_claim_over_a_superseded_or_retracted_log_is_contradicted() {
    // Replaced after the claim.
    let mut told = Story::new().tell();
    let newer = Story { samples: (1..=8).map(|id| sample(id, 1, "0")).collect(), ..Story::new() };
    told.lab.eval_log(b"newer log", &newer.manifest(), &[(EdgeType::Supersedes, told.log)]);
    decided(&told.assess(), Verdict::Contradicted, "supersede");
    // Retracted: the log, the weights below it, the claim itself.
    for pick in [|told: &Told| told.log, |told: &Told| told.checkpoint, |told: &Told| told.claim] {
        let mut told = Story::new().tell();
        let target = pick(&told);
        let mut payload = told.lab.payload(Kind::Retraction);
        payload.edges.push(told.lab.link(EdgeType::Retracts, target));
        told.lab.seal(&mut payload, &Body { reason: Some("wrong".to_owned()), ..Body::default() });
        told.lab.say(&payload);
        decided(&told.assess(), Verdict::Contradicted, "supersede");
    }
}

#[test]
fn l22_a_superseding_entry_does_not_become_history_by_being_reached_another_way() {
    // The log is replaced by a worse one; an earlier claim over the worse one is superseded by a claim over the better
    // one. The new claim reaches both logs, and rests on the one that was replaced.
    let story = Story::new();
    let mut told = story.clone().tell();
    told.lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    let worse = Story { samples: (1..=8).map(|id| sample(id, 1, "0")).collect(), ..story.clone() };
    let manifest = worse.manifest();
    let replaced = told.lab.eval_log(b"worse log", &manifest, &[(EdgeType::Supersedes, told.log)]);
    let mut honest = story.claim.clone();
    honest.inputs = vec![manifest.root().unwrap().into()];
    let honest = told.lab.claim(&honest, &[replaced], &[]);
    let mut cherry = story.claim.clone();
    cherry.inputs = vec![story.manifest().root().unwrap().into()];
    told.claim = told.lab.claim(&cherry, &[told.log], &[(EdgeType::Supersedes, honest)]);
    let assessment = told.assess();
    decided(&assessment, Verdict::Contradicted, "supersede");
    assert_eq!(finding(&assessment, "supersede").entries, [told.log, replaced]);
}

#[test]
fn an_older_version_that_the_chain_only_remembers_is_history() {
    let mut lab = crate::support::Lab::new();
    let first = lab.file(Kind::Spec, b"v1", &[]);
    let second = lab.file(Kind::Spec, b"v2", &[(EdgeType::Supersedes, first)]);
    let story = Story::new();
    let manifest = story.manifest();
    let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[(EdgeType::DerivedFrom, second)]);
    let log = lab.eval_log(b"log", &manifest, &[(EdgeType::Evaluates, checkpoint)]);
    let mut words = story.claim;
    words.inputs = vec![manifest.root().unwrap().into()];
    let claim = lab.claim(&words, &[log], &[]);
    let assessment = assess(&lab.evidence(claim), &lab.policy());
    assert_eq!(assessment.verdict, Verdict::Verified, "{:?}", assessment.findings);
}

#[test]
fn a_withdrawal_hidden_by_the_start_of_the_census_leaves_it_unestablished() {
    // The claim is made after the log was replaced, and the census begins after that.
    let story = Story::new();
    let mut told = story.clone().tell();
    told.lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    told.lab.eval_log(b"newer", &story.manifest(), &[(EdgeType::Supersedes, told.log)]);
    let mut words = story.claim.clone();
    words.inputs = vec![story.manifest().root().unwrap().into()];
    told.claim = told.lab.claim(&words, &[told.log], &[]);
    let chosen: BTreeSet<EntryIndex> =
        [EntryIndex(0), told.spec, told.dataset, told.checkpoint, told.log, told.claim].into();
    let assessment = assess(&told.lab.evidence_of(told.claim, told.claim, &chosen), &told.lab.policy());
    decided(&assessment, Verdict::NotRecomputable, "supersede");
    assert!(finding(&assessment, "supersede").reason.contains("census"));
}

#[test]
fn two_logs_under_one_input_are_refused_for_they_cannot_both_be_it() {
    let story = Story::new();
    let mut told = story.clone().tell();
    told.lab.entries.truncate(usize::try_from(told.claim.0).unwrap());
    let twin = told.lab.eval_log(b"another log with the same records", &story.manifest(), &[]);
    let mut words = story.claim.clone();
    words.inputs = vec![story.manifest().root().unwrap().into()];
    told.claim = told.lab.claim(&words, &[told.log, twin], &[]);
    decided(&told.assess(), Verdict::Contradicted, "claim.complete");
}

#[test]
fn inputs_that_repeat_or_are_not_linked_are_refused() {
    let mut story = Story::new();
    let root = story.manifest().root().unwrap();
    story.claim.inputs = vec![root.into(), root.into()];
    assert_ne!(story.tell().assess().verdict.exit_code(), 0);
    let mut story = Story::new();
    story.claim.inputs = vec![FileDigest::of(b"elsewhere").into()];
    decided(&story.tell().assess(), Verdict::Contradicted, "claim.complete");
}

#[test]
fn a_log_that_says_it_evaluated_other_weights_than_it_links_to_is_refused() {
    let mut told = Story::new().tell();
    let mut payload = told.lab.said(told.log);
    payload.checkpoint = Some(FileDigest::of(b"famous weights").into());
    told.lab.resay(told.log, &payload);
    let mut claim = told.lab.said(told.claim);
    claim.edges = vec![told.lab.supports(told.log)];
    told.lab.resay(told.claim, &claim);
    assert_eq!(told.reject(), Reject::OtherNamed { index: told.log, edge: "evaluates" });
}

#[test]
fn a_log_that_names_a_suite_it_does_not_link_to_is_refused() {
    let mut told = Story::new().tell();
    let mut payload = told.lab.said(told.log);
    payload.suite = Some(FileDigest::of(b"famous suite").into());
    told.lab.resay(told.log, &payload);
    let mut claim = told.lab.said(told.claim);
    claim.edges = vec![told.lab.supports(told.log)];
    told.lab.resay(told.claim, &claim);
    assert_eq!(told.reject(), Reject::OtherNamed { index: told.log, edge: "evaluated_with" });
}
