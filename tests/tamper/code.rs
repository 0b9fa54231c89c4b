//! Which code and text were recorded, and whose step it was: commits that hold something else, work trees that are not
//! what their commit says, and records that were made for another experiment.

use std::process::Command;
use std::rc::Rc;

use reproledger::artifact::tree::tree_manifest;
use reproledger::capture::git::{GitContent, git_path_at};
use reproledger::check::{Finding, Outcome};
use reproledger::claim::{PAPER, Verdict};
use reproledger::digest::{Digest, DigestKind, FileDigest};
use reproledger::merkle::EntryIndex;
use reproledger::statement::{
    Body, EdgeType, GitPlace, Kind, Outcome as RunOutcome, Payload, RunBody, RunStatus, Subject, WorkTree,
};
use serde_json::json;

use crate::support::study::{Data, Study, Training, register};
use crate::support::{Lab, Output, Sandbox, finding, program};

/// What a check finds with nothing at hand, which decides the verdict where it contradicts.
fn found(study: Study, check: &str) -> Finding {
    let assessment = study.tell().assess_disclosed(PAPER, None);
    let found = finding(&assessment, check).clone();
    assert_eq!(
        found.outcome == Outcome::Fail,
        assessment.verdict == Verdict::Contradicted,
        "{:?}",
        assessment.findings
    );
    found
}

fn holds(found: &Finding, outcome: Outcome, reason: &str) {
    assert_eq!(found.outcome, outcome, "{found:?}");
    assert!(found.reason.contains(reason), "{found:?}");
}

/// Changes what the beginning of a run says, and may say more before it.
type Change = fn(&mut Lab, &mut Payload);

/// The beginning of a run that read what a training step is linked to.
pub(super) fn run_start(
    lab: &mut Lab,
    training: &Training<'_>,
    work_tree: Option<WorkTree>,
    change: Change,
) -> EntryIndex {
    let mut payload = lab.payload(Kind::RunStart);
    (payload.stage, payload.attempt) = (Some(format!("train {}", training.name)), Some(1));
    (payload.seed, payload.protocol) = (Some(training.seed), Some(training.protocol));
    payload.edges = training.links.iter().map(|(_, target)| lab.link(EdgeType::Used, *target)).collect();
    payload.edges.sort();
    let git = work_tree.map(|work_tree| GitPlace { commit: "c0ffee".to_owned(), object: None, path: None, work_tree });
    let run = RunBody {
        argv: vec!["train".to_owned()],
        directory: "/lab".to_owned(),
        environment: Digest::from(FileDigest::of(b"")),
        started_ms: 1,
        ended_ms: None,
        git,
        rerun: None,
    };
    change(lab, &mut payload);
    // It begins after what it read was recorded.
    payload.seq = lab.next();
    lab.seal(&mut payload, &Body { run: Some(run), ..Body::default() });
    lab.say(&payload)
}

pub(super) fn run_end(lab: &mut Lab, start: EntryIndex, wrote: &[EntryIndex]) {
    let mut payload = lab.payload(Kind::RunEnd);
    let begun = lab.said(start);
    (payload.stage, payload.attempt, payload.seed, payload.protocol) =
        (begun.stage, begun.attempt, begun.seed, begun.protocol);
    payload.outcome = Some(RunOutcome { status: RunStatus::Completed, code: 0 });
    payload.edges = wrote.iter().map(|entry| lab.link(EdgeType::Generated, *entry)).collect();
    payload.edges.push(lab.link(EdgeType::Ends, start));
    payload.edges.sort();
    lab.say(&payload);
}

/// A study whose every weights were written by a recorded run.
fn run_study(work_tree: WorkTree, change: Change) -> Study {
    let mut study = Study::honest();
    let inner = Rc::clone(&study.weigh);
    study.weigh = Rc::new(move |lab, training| {
        let start = run_start(lab, training, Some(work_tree), change);
        let weights = inner(lab, training);
        run_end(lab, start, &[weights]);
        weights
    });
    study
}

#[test]
fn l17_a_work_tree_that_is_not_its_commit_is_recorded_and_leaves_the_code_unknown() {
    // That a tree was clean is measured when the run begins, byte by byte; where it was not, this is on record, and
    // nothing contradicts it: which code ran is not known.
    assert_eq!(found(run_study(WorkTree::Clean, |_, _| {}), "train.inputs").outcome, Outcome::Pass);
    let dirty = found(run_study(WorkTree::Dirty, |_, _| {}), "train.inputs");
    holds(&dirty, Outcome::Unknown, "a work tree that was not what its commit says: which code ran is not known");
}

#[test]
fn l18_a_commit_id_alone_identifies_no_code_and_is_said_to() {
    // No profile asks for a source tree; whoever does reads here that there is none.
    let clean = found(run_study(WorkTree::Clean, |_, _| {}), "train.inputs");
    let bare = "the code of 12 runs is named by a git commit alone; no source tree is on record as read";
    assert!(clean.notes.iter().any(|note| note == bare), "{clean:?}");
    let with_source = run_study(WorkTree::Clean, |lab, start| {
        let source = lab.file(Kind::Source, b"code", &[]);
        start.edges.push(lab.link(EdgeType::Used, source));
        start.edges.sort();
    });
    let told = found(with_source, "train.inputs");
    assert_eq!(told.outcome, Outcome::Pass, "{told:?}");
    assert!(!told.notes.iter().any(|note| note.contains("by a git commit alone")), "{told:?}");
}

#[test]
fn l21_a_run_of_another_experiment_arm_or_seed_did_not_write_these_weights() {
    let of = |change: Change| found(run_study(WorkTree::Clean, change), "train.inputs");
    let seed = of(|_, start| start.seed = Some(7));
    holds(&seed, Outcome::Fail, "that wrote it were recorded for different seeds");
    let arm = of(|_, start| start.arm = Some("another".to_owned()));
    holds(&arm, Outcome::Fail, "that wrote it were recorded for different arms");
    let protocol = of(|lab, start| {
        let mut protocol = Study::honest().protocol;
        protocol["protocol_id"] = json!("another");
        let suite = Digest::from(FileDigest::of(b"scenarios"));
        protocol["eval"]["suite"] = json!(suite.to_string());
        let entry = register(lab, &protocol, suite);
        start.protocol = Some(lab.leaf(entry));
    });
    holds(&protocol, Outcome::Fail, "that wrote it were recorded under different protocols");
    // What says nothing disagrees with nothing.
    let silent = of(|_, start| (start.protocol, start.arm, start.seed) = (None, None, None));
    assert_eq!(silent.outcome, Outcome::Pass, "{silent:?}");
}

#[test]
fn l21_weights_of_another_protocol_are_not_taken_for_this_experiments() {
    // Weights can be trained once and evaluated under a later protocol, openly: that is no contradiction, and not what
    // this protocol promised either.
    let mut study = Study::honest();
    let inner = Rc::clone(&study.weigh);
    study.weigh = Rc::new(move |lab, training| {
        if training.name != "midtrained 2" {
            return inner(lab, training);
        }
        let mut protocol = Study::honest().protocol;
        protocol["protocol_id"] = json!("another");
        let suite = Digest::from(FileDigest::of(b"scenarios"));
        protocol["eval"]["suite"] = json!(suite.to_string());
        let entry = register(lab, &protocol, suite);
        inner(lab, &Training { protocol: lab.leaf(entry), ..*training })
    });
    let found = found(study, "train.inputs");
    holds(&found, Outcome::Unknown, "were recorded under another protocol than the claim's");
}

/// A repository in `code` with a spec and a folder of two, committed once.
fn repository() -> Option<Sandbox> {
    let program = program("git").or_else(|| {
        eprintln!("skipped: there is no git");
        None
    })?;
    let sandbox = Sandbox::new();
    sandbox.write("lab/code/spec.md", "as committed\n");
    sandbox.write("lab/code/docs/a.md", "a\n");
    sandbox.write("lab/code/docs/b.md", "b\n");
    for line in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "one"]] {
        let mut command = Command::new(&program);
        sandbox.surround(&mut command, "lab/code");
        for name in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{name}_NAME"), "a test").env(format!("GIT_{name}_EMAIL"), "test@lab.example");
        }
        let _ = Output::of(command.args(line)).success();
    }
    Some(sandbox)
}

/// What is said to be at a path of the commit, and what was recorded of it.
fn committed(sandbox: &Sandbox, path: &str) -> (GitPlace, Subject) {
    let capture = git_path_at(&sandbox.path("lab/code"), "HEAD", path).unwrap();
    let subject = match capture.content {
        GitContent::File { size, digest, .. } => Subject::file(digest, size),
        GitContent::Tree(leaves) => {
            let manifest = tree_manifest(leaves).unwrap();
            let length = manifest.to_object().len() as u64;
            Subject::manifest(DigestKind::Tree, manifest.root().unwrap(), manifest.count(), length)
        }
    };
    (capture.place, subject)
}

/// A study whose spec, or several of it, is said to be from a commit.
fn from_git(told: Vec<(GitPlace, Subject)>) -> Study {
    let midtraining: Data = Rc::new(move |lab: &mut Lab| {
        let mut specs = Vec::new();
        for (place, subject) in &told {
            let mut payload = lab.payload(Kind::Spec);
            payload.subjects.push(subject.clone());
            lab.seal(&mut payload, &Body { git: Some(place.clone()), ..Body::default() });
            specs.push((EdgeType::DecomposedFrom, lab.say(&payload)));
        }
        lab.file(Kind::Documents, b"documents", &specs)
    });
    Study { midtraining, ..Study::honest() }
}

#[test]
fn l17_what_its_commit_does_not_hold_is_contradicted_where_the_repository_is_at_hand() {
    let Some(sandbox) = repository() else { return };
    let at_hand = |told: (GitPlace, Subject)| {
        let assessment = from_git(vec![told]).tell().assess_disclosed(PAPER, Some(&sandbox.path("lab")));
        let found = finding(&assessment, "availability").clone();
        assert_eq!(found.outcome == Outcome::Fail, assessment.verdict == Verdict::Contradicted);
        found
    };
    let noted = |found: &Finding, said: &str| {
        assert_ne!(found.outcome, Outcome::Fail, "{found:?}");
        assert!(found.notes.iter().any(|note| note.contains(said)), "{said} is not in {found:?}");
    };
    for path in ["spec.md", "docs", ""] {
        noted(&at_hand(committed(&sandbox, path)), "is what its commit holds, read in the repository `code`");
    }
    let (place, subject) = committed(&sandbox, "spec.md");
    let other = Subject::file(FileDigest::of(b"as it ran\n"), 10);
    let refused = at_hand((place.clone(), other));
    holds(&refused, Outcome::Fail, "is not what its commit holds, read in the repository `code`");
    assert_eq!(refused.found, Some(Digest::from(FileDigest::of(b"as committed\n")).to_string()));
    let (folder, _) = committed(&sandbox, "docs");
    let (_, whole) = committed(&sandbox, "");
    holds(&at_hand((folder.clone(), whole)), Outcome::Fail, "is not what its commit holds");
    let elsewhere = GitPlace { path: Some("gone.md".to_owned()), ..place.clone() };
    holds(&at_hand((elsewhere, subject.clone())), Outcome::Fail, "there is no `gone.md` at commit");
    let renamed = GitPlace { object: folder.object, ..place.clone() };
    holds(&at_hand((renamed, subject.clone())), Outcome::Fail, "git's own id of it is another one than was recorded");
    // What is not at hand, and what names no commit, is not looked for in another one.
    let absent = GitPlace { commit: "0123456789".repeat(4), ..place.clone() };
    noted(&at_hand((absent, subject.clone())), "from a git commit that no repository at hand has");
    let moving = GitPlace { commit: "HEAD".to_owned(), ..place.clone() };
    noted(&at_hand((moving, subject.clone())), "its commit is no full id");
    // A bare repository will do, and one that was tampered with is no repository.
    std::fs::rename(sandbox.path("lab/code/.git"), sandbox.path("lab/bare.git")).unwrap();
    let told = (place, subject);
    noted(&at_hand(told.clone()), "is what its commit holds, read in the repository `bare.git`");
    sandbox.write("lab/bare.git/objects/info/alternates", "/elsewhere\n");
    noted(&at_hand(told), "keeps its objects elsewhere");
}

#[test]
fn d12_a_commit_that_is_named_again_and_again_is_read_a_bounded_number_of_times() {
    let Some(sandbox) = repository() else { return };
    let told = vec![committed(&sandbox, "docs"); 257];
    let assessment = from_git(told).tell().assess_disclosed(PAPER, Some(&sandbox.path("lab")));
    let found = finding(&assessment, "availability");
    let first = &found.notes.iter().find(|note| note.contains("its commit holds")).unwrap();
    assert!(first.ends_with("is not known: the commits of 256 other entries were read already"), "{found:?}");
}

#[test]
fn l17_one_path_of_one_commit_is_one_thing() {
    let Some(sandbox) = repository() else { return };
    let (place, subject) = committed(&sandbox, "spec.md");
    let other = Subject::file(FileDigest::of(b"as it ran\n"), 10);
    let twice = found(from_git(vec![(place.clone(), subject.clone()), (place.clone(), other)]), "availability");
    holds(&twice, Outcome::Fail, "are said to be the same path of the same commit, and differ");
    let same = found(from_git(vec![(place.clone(), subject.clone()), (place, subject)]), "availability");
    assert_eq!(same.outcome, Outcome::Unknown, "{same:?}");
}
