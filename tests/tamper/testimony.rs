//! What others sign of a claim: believed as it was signed, of this claim alone, and refused when it is anything else.

use proptest::prelude::*;

use reproledger::claim::{NUMBER, Reader, Verdict, assess_as};
use reproledger::codec::Encoder;
use reproledger::digest::{Algorithm, Digest, DigestKind, FileDigest};
use reproledger::evidence::{Annex, Evidence, MAX_TESTIMONY_BYTES, MAX_TESTIMONY_ENTRIES};
use reproledger::merkle::{EntryIndex, TreeHead};
use reproledger::statement::{
    Body, Edge, EdgeType, Entry, Judgement, Kind, Machine, Outcome, Payload, Rebuild, Rebuilt, RebuiltOutput, RunPlace,
    RunStatus, Subject, Taken,
};
use reproledger::verify::{self, Class, Reject, Testimony, TestimonyError};

use crate::support::{Lab, Story, key};

/// A lab whose dataset, weights and log were each written by a run, and its claim.
#[derive(Clone)]
pub(super) struct Study {
    pub(super) lab: Lab,
    pub(super) runs: Vec<Run>,
    pub(super) claim: EntryIndex,
}

/// A run and what it wrote.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) start: EntryIndex,
    pub(super) output: EntryIndex,
    pub(super) end: EntryIndex,
}

pub(super) fn begin(lab: &mut Lab, stage: &str, inputs: &[EntryIndex]) -> EntryIndex {
    let mut payload = lab.payload(Kind::RunStart);
    (payload.stage, payload.attempt) = (Some(stage.to_owned()), Some(1));
    payload.edges = inputs.iter().map(|input| lab.link(EdgeType::Used, *input)).collect();
    lab.say(&payload)
}

pub(super) fn end(lab: &mut Lab, stage: &str, start: EntryIndex, output: EntryIndex) -> Run {
    let mut payload = lab.payload(Kind::RunEnd);
    (payload.stage, payload.attempt) = (Some(stage.to_owned()), Some(1));
    payload.outcome = Some(Outcome { status: RunStatus::Completed, code: 0 });
    payload.edges = vec![lab.link(EdgeType::Ends, start), lab.link(EdgeType::Generated, output)];
    let end = lab.say(&payload);
    Run { start, output, end }
}

impl Study {
    pub(super) fn new() -> Self {
        let mut lab = Lab::new();
        let spec = lab.file(Kind::Spec, b"a spec", &[]);
        let start = begin(&mut lab, "generate", &[spec]);
        let dataset = lab.file(Kind::Dataset, b"rows", &[(EdgeType::DerivedFrom, spec)]);
        let runs = vec![end(&mut lab, "generate", start, dataset)];
        Self::trained(lab, runs, &[dataset], &[])
    }

    /// The same on a dataset that is in the ledger and that no run wrote.
    pub(super) fn from_dataset(dataset: EntryIndex, lab: Lab) -> Self {
        Self::trained(lab, Vec::new(), &[dataset], &[])
    }

    /// The same with weights that the training run was given, under another name.
    pub(super) fn copying() -> Self {
        let mut lab = Lab::new();
        let spec = lab.file(Kind::Spec, b"a spec", &[]);
        let start = begin(&mut lab, "generate", &[spec]);
        let dataset = lab.file(Kind::Dataset, b"rows", &[(EdgeType::DerivedFrom, spec)]);
        let runs = vec![end(&mut lab, "generate", start, dataset)];
        let given = lab.file(Kind::Other, b"weights", &[]);
        Self::trained(lab, runs, &[dataset], &[given])
    }

    /// The same from a base model, which a run of the ledger wrote or which was there.
    pub(super) fn from_base(is_own: bool) -> Self {
        let mut lab = Lab::new();
        let start = begin(&mut lab, "generate", &[]);
        let dataset = lab.file(Kind::Dataset, b"rows", &[]);
        let mut runs = vec![end(&mut lab, "generate", start, dataset)];
        let start = is_own.then(|| begin(&mut lab, "pretrain", &[]));
        let base = lab.file(Kind::BaseModel, b"base weights", &[]);
        runs.extend(start.map(|start| end(&mut lab, "pretrain", start, base)));
        Self::trained(lab, runs, &[dataset], &[base])
    }

    fn trained(mut lab: Lab, mut runs: Vec<Run>, datasets: &[EntryIndex], others: &[EntryIndex]) -> Self {
        let start = begin(&mut lab, "train", &[datasets, others].concat());
        let mut links: Vec<_> = datasets.iter().map(|dataset| (EdgeType::TrainedOn, *dataset)).collect();
        let bases = others.iter().filter(|other| lab.said(**other).kind == Kind::BaseModel);
        links.extend(bases.map(|base| (EdgeType::InitialisedFrom, *base)));
        let weights = lab.file(Kind::Checkpoint, b"weights", &links);
        runs.push(end(&mut lab, "train", start, weights));
        let start = begin(&mut lab, "evaluate", &[weights]);
        let story = Story::new();
        let manifest = story.manifest();
        let log = lab.eval_log(b"a log", &manifest, &[(EdgeType::Evaluates, weights)]);
        runs.push(end(&mut lab, "evaluate", start, log));
        let mut words = story.claim;
        words.inputs.push(manifest.root().unwrap().into());
        let claim = lab.claim(&words, &[log], &[]);
        Self { lab, runs, claim }
    }

    fn head(&self) -> TreeHead {
        *self.lab.head().tree()
    }

    fn digest(&self, index: EntryIndex) -> Digest {
        self.lab.leaf(index).into()
    }

    pub(super) fn place(&self, run: Run) -> RunPlace {
        let (start_digest, end_digest) = (self.digest(run.start), self.digest(run.end));
        RunPlace { start: run.start.0, start_digest, end: run.end.0, end_digest }
    }

    /// A run that was run again.
    pub(super) fn rebuilt(&self, run: Run, judgement: Judgement) -> Rebuilt {
        let digest = |n: u8| Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] };
        Rebuilt {
            run: self.place(run),
            recipe: digest(1),
            program: None,
            judgement,
            reason: "as it came out".to_owned(),
            log: digest(2),
            printed: 0,
            took_ms: 1,
            outputs: vec![RebuiltOutput {
                entry: run.output.0,
                entry_digest: self.digest(run.output),
                equality: "bits".to_owned(),
                judgement,
                made: None,
            }],
        }
    }

    /// All runs run again, and all good.
    pub(super) fn words(&self) -> Rebuild {
        let stages = self.runs.iter().map(|run| self.rebuilt(*run, Judgement::Good)).collect();
        Rebuild {
            by: "reproledger".to_owned(),
            judgement: Judgement::Good,
            reason: "3 made again as recorded".to_owned(),
            sandboxed: true,
            kept_by: "namespaces".to_owned(),
            machine: Machine { arch: "x86_64".to_owned(), os: "linux".to_owned(), threads: 1, ..Machine::default() },
            stages,
            taken: Vec::new(),
            recomputed: Some("VERIFIED".to_owned()),
        }
    }

    /// What a rebuilder says of the claim, before he signs it.
    pub(super) fn statement(&self, by: &mut Lab, words: &Rebuild) -> Payload {
        let mut payload = by.payload(Kind::Rebuild);
        payload.edges = vec![Edge::testifies(self.lab.id(), self.claim, self.lab.leaf(self.claim))];
        payload.head = Some(self.head());
        by.seal(&mut payload, &Body { rebuild: Some(Box::new(words.clone())), ..Body::default() });
        payload
    }

    /// The same, signed in his ledger and cut out of it.
    pub(super) fn testimony(&self, by: &mut Lab, words: &Rebuild) -> Vec<u8> {
        let payload = self.statement(by, words);
        let index = by.say(&payload);
        by.evidence(index).to_bytes()
    }

    /// The lab attaches bytes to its claim.
    pub(super) fn attach(&mut self, bytes: &[u8]) -> EntryIndex {
        let mut payload = self.lab.payload(Kind::Attach);
        payload.subjects.push(Subject::file(FileDigest::of(bytes), bytes.len() as u64));
        payload.edges.push(Edge {
            edge_type: EdgeType::AttachedTo,
            log: None,
            seq: self.claim,
            kind: DigestKind::Entry,
            digest: self.digest(self.claim),
        });
        self.lab.say(&payload)
    }

    /// Evidence of the claim that carries these bytes, attached as they should be, of the head over `size` entries.
    pub(super) fn carrying(&self, bytes: &[u8], size: u64) -> Evidence {
        let mut study = self.clone();
        let attach = study.attach(bytes);
        let mut evidence = study.lab.evidence(study.claim);
        evidence.annexes.push(Annex { attach, consistency: study.lab.consistency(size), testimony: bytes.to_vec() });
        evidence
    }

    fn size(&self) -> u64 {
        self.lab.entries.len() as u64
    }

    /// Why a testimony is refused, attached by the lab and brought by a reader alike.
    fn refuse(&self, bytes: &[u8]) -> TestimonyError {
        let plain = self.lab.evidence(self.claim).to_bytes();
        let mut evidence = verify::evidence(&plain, None).unwrap();
        let brought = evidence.add_testimony(bytes).expect_err("taken");
        let attached = verify::evidence(&self.carrying(bytes, self.size()).to_bytes(), None).expect_err("believed");
        let Reject::Annex { source, .. } = attached else { panic!("{attached}") };
        assert_eq!(*source, brought);
        assert!(evidence.testified.is_empty());
        brought
    }
}

/// Somebody else.
pub(super) fn other() -> Lab {
    Lab::named("rebuilder.example/log", 51)
}

#[test]
fn a_testimony_is_believed_as_it_was_signed_attached_or_brought() {
    let study = Study::new();
    let bytes = study.testimony(&mut other(), &study.words());
    let attached = study.carrying(&bytes, study.size()).to_bytes();
    let attached = verify::evidence(&attached, None).unwrap();
    let plain = study.lab.evidence(study.claim).to_bytes();
    let mut brought = verify::evidence(&plain, None).unwrap();
    brought.add_testimony(&bytes).unwrap();
    for evidence in [&attached, &brought] {
        let [said] = evidence.testified.as_slice() else { panic!("{}", evidence.testified.len()) };
        assert!(said.is_of_this_history && said.testimony.taken_back.is_none());
        assert_eq!(said.testimony.body.rebuild.as_deref(), Some(&study.words()));
        assert_eq!((said.testimony.log, said.digest), (other().id(), FileDigest::of(&bytes)));
    }
    assert!(attached.testified[0].attach.is_some() && brought.testified[0].attach.is_none());
    // Brought once more it is the same one.
    brought.add_testimony(&bytes).unwrap();
    assert_eq!(brought.testified.len(), 1);
}

#[test]
fn a_forged_signature_is_refused() {
    let study = Study::new();
    let mut by = other();
    let payload = study.statement(&mut by, &study.words());
    let index = by.say(&payload);
    // By a key that is not enrolled, and by the enrolled key over other bytes.
    let mut forged = by.clone();
    forged.entries[usize::try_from(index.0).unwrap()] =
        Entry::sign(&payload, &Lab::claims_at(index), &key(99)).unwrap();
    let error = study.refuse(&forged.evidence(index).to_bytes());
    assert!(matches!(&error, TestimonyError::Itself(Reject::UnknownKey { .. })), "{error}");
    assert_eq!(error.class(), Class::Contradicted);
    let mut evidence = by.evidence(index);
    let entry = &mut evidence.entries.last_mut().unwrap().1;
    *entry.last_mut().unwrap() ^= 1;
    let error = study.refuse(&evidence.to_bytes());
    assert!(matches!(&error, TestimonyError::Itself(Reject::Inclusion(_))), "{error}");
    // With a tree made over it, too.
    let mut by = by.clone();
    *by.entries.last_mut().unwrap().last_mut().unwrap() ^= 1;
    let error = study.refuse(&by.evidence(index).to_bytes());
    assert!(matches!(&error, TestimonyError::Itself(Reject::Signature { .. })), "{error}");
}

#[test]
fn a_testimony_of_another_claim_or_ledger_is_refused() {
    let study = Study::new();
    let stranger = Lab::named("stranger.example/log", 71);
    let mut payload = study.statement(&mut other(), &study.words());
    payload.edges = vec![Edge::testifies(stranger.id(), study.claim, study.lab.leaf(study.claim))];
    let signed = |payload: &Payload| {
        let mut by = other();
        let mut payload = payload.clone();
        by.seal(&mut payload, &Body { rebuild: Some(Box::new(study.words())), ..Body::default() });
        let index = by.say(&payload);
        by.evidence(index).to_bytes()
    };
    let error = study.refuse(&signed(&payload));
    assert!(matches!(error, TestimonyError::OtherLedger { .. }), "{error}");
    // Another entry at the claim's place, and another place.
    payload.edges = vec![Edge::testifies(study.lab.id(), study.claim, study.lab.leaf(EntryIndex(1)))];
    let error = study.refuse(&signed(&payload));
    assert!(matches!(error, TestimonyError::OtherClaim { .. }), "{error}");
    payload.edges = vec![Edge::testifies(study.lab.id(), EntryIndex(1), study.lab.leaf(EntryIndex(1)))];
    let error = study.refuse(&signed(&payload));
    assert!(matches!(error, TestimonyError::OtherClaim { .. }), "{error}");
}

#[test]
fn a_testimony_on_a_head_that_the_ledger_never_had_is_refused() {
    let study = Study::new();
    let mut by = other();
    let mut payload = study.statement(&mut by, &study.words());
    let head = study.head();
    payload.head = Some(TreeHead { root: reproledger::digest::NodeHash::from_bytes([7; 32]), ..head });
    let index = by.say(&payload);
    let bytes = by.evidence(index).to_bytes();
    let attached = verify::evidence(&study.carrying(&bytes, study.size()).to_bytes(), None).expect_err("believed");
    let Reject::Annex { source, .. } = &attached else { panic!("{attached}") };
    assert!(matches!(**source, TestimonyError::Consistency(_)), "{attached}");
    assert_eq!(attached.class(), Class::Contradicted);
    let plain = study.lab.evidence(study.claim).to_bytes();
    let mut evidence = verify::evidence(&plain, None).unwrap();
    let error = evidence.add_testimony(&bytes).expect_err("taken");
    assert!(matches!(error, TestimonyError::OtherHistory { .. }), "{error}");
    // Of a head in which the claim was not yet.
    let mut by = other();
    payload.head = Some(*study.lab.head_at(study.claim.0).tree());
    let index = by.say(&payload);
    by.seal(&mut payload, &Body { rebuild: Some(Box::new(study.words())), ..Body::default() });
    let error = study.refuse(&by.evidence(index).to_bytes());
    assert!(matches!(error, TestimonyError::BeforeClaim { .. }), "{error}");
    // Of a later head than the one at hand nothing can be told: it is there, and of no history that is seen.
    let mut later = study.clone();
    later.lab.file(Kind::Other, b"more", &[]);
    let bytes = later.testimony(&mut other(), &study.words());
    let mut evidence = verify::evidence(&plain, None).unwrap();
    evidence.add_testimony(&bytes).unwrap();
    assert!(!evidence.testified[0].is_of_this_history);
}

#[test]
fn nobody_testifies_of_himself() {
    let study = Study::new();
    // A ledger of its own, by the very keys of the lab, or by one of them.
    for by in [Lab::named("another.example/log", 1), {
        let mut by = Lab::named("another.example/log", 61);
        let mut payload = by.payload(Kind::KeyChange);
        let possession = key(study.lab.issuer).sign(&reproledger::statement::possession_message(
            &by.id(),
            payload.seq,
            reproledger::statement::Role::Issuer,
        ));
        payload.key_change = Some(Box::new(reproledger::statement::KeyChange::Add {
            role: reproledger::statement::Role::Issuer,
            key: key(study.lab.issuer).public(),
            possession,
        }));
        by.keyset = by.say(&payload);
        by
    }] {
        let mut by = by;
        let error = study.refuse(&study.testimony(&mut by, &study.words()));
        assert_eq!(error, TestimonyError::OwnKey);
    }
    // In the lab's own ledger there is no such link.
    let mut lab = study.clone();
    let payload = study.statement(&mut lab.lab, &study.words());
    lab.lab.say(&payload);
    let reject = verify::evidence(&lab.lab.evidence(lab.claim).to_bytes(), None).expect_err("believed");
    assert!(matches!(reject, Reject::OwnLog { .. }), "{reject}");
}

#[test]
fn words_that_do_not_fit_the_record_are_refused() {
    let study = Study::new();
    let with = |change: &dyn Fn(&mut Rebuild)| {
        let mut words = study.words();
        change(&mut words);
        study.refuse(&study.testimony(&mut other(), &words))
    };
    let digest = Digest { algorithm: Algorithm::Rfc6962Leaf, bytes: [3; 32] };
    let error = with(&|words| words.stages[1].run.end_digest = digest);
    assert_eq!(error, TestimonyError::OtherEntry { index: study.runs[1].end });
    let error = with(&|words| words.stages[1].outputs[0].entry_digest = digest);
    assert_eq!(error, TestimonyError::OtherEntry { index: study.runs[1].output });
    // One run's start and another's end; one run's output under another run.
    let error = with(&|words| {
        words.stages[0].run = {
            let (first, second) = (study.runs[0], study.runs[1]);
            study.place(Run { end: second.end, ..first })
        }
    });
    assert!(matches!(error, TestimonyError::NoRun { .. }), "{error}");
    let error = with(&|words| words.stages[0].outputs = words.stages[1].outputs.clone());
    assert!(matches!(error, TestimonyError::NoOutput { .. }), "{error}");
    // The same run, or the same output, counted twice.
    let error = with(&|words| words.stages.insert(0, words.stages[0].clone()));
    assert_eq!(error, TestimonyError::Unsorted);
    let error = with(&|words| words.stages.swap(0, 1));
    assert_eq!(error, TestimonyError::Unsorted);
    let error = with(&|words| {
        let twice = words.stages[0].outputs[0].clone();
        words.stages[0].outputs.push(twice);
    });
    assert_eq!(error, TestimonyError::Unsorted);
    let error = with(&|words| {
        let run = words.stages[0].run;
        words.taken.push(Taken { run, judgement: Judgement::Taken, reason: "both".to_owned() });
    });
    assert_eq!(error, TestimonyError::Unsorted);
}

#[test]
fn a_testimony_without_its_words_says_nothing() {
    let study = Study::new();
    let mut by = other();
    let payload = study.statement(&mut by, &study.words());
    let index = by.say(&payload);
    let mut evidence = by.evidence(index);
    evidence.bodies.clear();
    evidence.withheld = by.withheld(&evidence);
    let error = study.refuse(&evidence.to_bytes());
    assert_eq!(error, TestimonyError::Holds { what: "withheld things" });
    evidence.withheld.clear();
    let error = study.refuse(&evidence.to_bytes());
    assert!(matches!(&error, TestimonyError::Itself(Reject::UnlistedWithheld { .. })), "{error}");
    // Other words under its kind.
    let mut by = other();
    let mut payload = study.statement(&mut by, &study.words());
    by.seal(&mut payload, &Body { reason: Some("good".to_owned()), ..Body::default() });
    let index = by.say(&payload);
    assert_eq!(study.refuse(&by.evidence(index).to_bytes()), TestimonyError::OtherWords);
}

#[test]
fn what_is_no_testimony_or_more_than_one_is_refused() {
    let study = Study::new();
    // Evidence of a claim of somebody else.
    let told = Story::new().tell();
    let error = study.refuse(&told.evidence().to_bytes());
    assert!(matches!(&error, TestimonyError::Holds { what: "manifests" }), "{error}");
    let mut by = other();
    let file = by.file(Kind::Other, b"bytes", &[]);
    let error = study.refuse(&by.evidence(file).to_bytes());
    assert!(matches!(&error, TestimonyError::Itself(Reject::NotClaim { .. })), "{error}");
    // A testimony is no evidence of a claim, either.
    let bytes = study.testimony(&mut other(), &study.words());
    assert!(matches!(verify::evidence(&bytes, None), Err(Reject::NotClaim { .. })));
    // One that carries another.
    let mut nested = Evidence::parse(&bytes).unwrap().into_owned();
    nested.annexes.push(Annex { attach: EntryIndex(0), consistency: Vec::new(), testimony: bytes.clone() });
    assert_eq!(study.refuse(&nested.to_bytes()), TestimonyError::Holds { what: "annexes" });
    // Bytes behind it, bytes cut off, nothing at all.
    for broken in [&[&bytes[..], b"\0"].concat()[..], &bytes[..bytes.len() - 1], b""] {
        let error = study.refuse(broken);
        assert!(matches!(&error, TestimonyError::Itself(Reject::Evidence(_))), "{error}");
        assert_eq!(error.class(), Class::Malformed);
    }
}

#[test]
fn a_testimony_is_bounded_in_bytes_and_entries() {
    let study = Study::new();
    let long = vec![0; MAX_TESTIMONY_BYTES + 1];
    assert_eq!(Testimony::open(&long).unwrap_err(), TestimonyError::TooLong { found: long.len() });
    let mut by = other();
    let payload = study.statement(&mut by, &study.words());
    let index = by.say(&payload);
    while by.entries.len() < MAX_TESTIMONY_ENTRIES {
        let gap = by.payload(Kind::Gap);
        by.say(&gap);
    }
    assert!(Testimony::open(&by.evidence(index).to_bytes()).is_ok());
    let gap = by.payload(Kind::Gap);
    by.say(&gap);
    let found = MAX_TESTIMONY_ENTRIES + 1;
    assert_eq!(study.refuse(&by.evidence(index).to_bytes()), TestimonyError::TooManyEntries { found });
}

#[test]
fn an_annex_that_no_entry_attached_to_this_claim_is_refused() {
    let study = Study::new();
    let bytes = study.testimony(&mut other(), &study.words());
    let honest = study.carrying(&bytes, study.size());
    let refused = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = honest.clone();
        change(&mut evidence);
        match verify::evidence(&evidence.to_bytes(), None) {
            Err(Reject::Annex { source, .. }) => *source,
            Err(reject) => panic!("{reject}"),
            Ok(_) => panic!("believed"),
        }
    };
    for index in [EntryIndex(0), study.claim, EntryIndex(1000)] {
        let error = refused(&|evidence| evidence.annexes[0].attach = index);
        assert_eq!(error, TestimonyError::NotAttached { index });
    }
    // Other bytes, even another testimony of the same claim.
    let another = study.testimony(&mut Lab::named("third.example/log", 41), &study.words());
    let error = refused(&|evidence| evidence.annexes[0].testimony = another.clone());
    assert!(matches!(error, TestimonyError::NotAttached { .. }), "{error}");
    // A proof for another head, or none.
    let error = refused(&|evidence| evidence.annexes[0].consistency.clear());
    assert!(matches!(error, TestimonyError::Consistency(_)), "{error}");
    // Attached to something else.
    let mut elsewhere = study.clone();
    let mut payload = elsewhere.lab.payload(Kind::Attach);
    payload.subjects.push(Subject::file(FileDigest::of(&bytes), bytes.len() as u64));
    let attach = elsewhere.lab.say(&payload);
    let mut evidence = elsewhere.lab.evidence(elsewhere.claim);
    let consistency = elsewhere.lab.consistency(study.size());
    evidence.annexes.push(Annex { attach, consistency, testimony: bytes.clone() });
    let reject = verify::evidence(&evidence.to_bytes(), None).expect_err("believed");
    assert!(matches!(&reject, Reject::Annex { source, .. } if matches!(**source, TestimonyError::NotAttached { .. })));
}

#[test]
fn what_was_taken_back_says_so_in_whichever_file_shows_it() {
    let study = Study::new();
    let mut by = other();
    let before = study.testimony(&mut by, &study.words());
    let index = EntryIndex(1);
    let mut payload = by.payload(Kind::Retraction);
    payload.edges = vec![by.link(EdgeType::Retracts, index)];
    by.seal(&mut payload, &Body { reason: Some("it was another disk".to_owned()), ..Body::default() });
    by.say(&payload);
    let after = by.evidence(index).to_bytes();
    let plain = study.lab.evidence(study.claim).to_bytes();
    for files in [[&before, &after], [&after, &before]] {
        let mut evidence = verify::evidence(&plain, None).unwrap();
        files.iter().for_each(|file| evidence.add_testimony(file).unwrap());
        assert_eq!(evidence.testified.len(), 1);
        assert_eq!(evidence.testified[0].testimony.taken_back, Some(EntryIndex(2)));
    }
    // A ledger that says two things at one place is no witness at all.
    let mut twofold = other();
    let mut words = study.words();
    words.judgement = Judgement::Bad;
    let mut evidence = verify::evidence(&plain, None).unwrap();
    evidence.add_testimony(&before).unwrap();
    let error = evidence.add_testimony(&study.testimony(&mut twofold, &words)).expect_err("taken");
    assert_eq!(error, TestimonyError::TwoHistories { index });
}

#[test]
fn a_testimony_that_does_not_hold_is_no_verdict_on_the_claim_but_never_a_yes() {
    let study = Study::new();
    let mut bytes = study.testimony(&mut other(), &study.words());
    let policy = study.lab.policy();
    let assess = |testimony: &Vec<u8>| {
        let evidence = study.lab.evidence(study.claim).to_bytes();
        let testimonies = std::slice::from_ref(testimony);
        assess_as(&evidence, &Reader { trust: Some(&policy), testimonies, ..Reader::default() }, NUMBER, |_| None)
    };
    assert_eq!(assess(&bytes).verdict, Verdict::Verified);
    *bytes.last_mut().unwrap() ^= 1;
    assert_ne!(assess(&bytes).verdict.exit_code(), 0);
}

#[test]
fn every_byte_of_a_testimony_counts() {
    let study = Study::new();
    let mut words = study.words();
    words.stages.truncate(1);
    let bytes = study.testimony(&mut other(), &words);
    let plain = study.lab.evidence(study.claim).to_bytes();
    let mut evidence = verify::evidence(&plain, None).unwrap();
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut mutant = bytes.clone();
            mutant[at] ^= bit;
            assert!(evidence.add_testimony(&mutant).is_err(), "byte {at} of {}", bytes.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_reader_of_testimonies_panic(noise in prop::collection::vec(any::<u8>(), 0..400), cut in any::<prop::sample::Index>()) {
        let study = Study::new();
        let mut bytes = study.testimony(&mut other(), &study.words());
        prop_assert!(Testimony::open(&noise).is_err());
        let at = cut.index(bytes.len());
        bytes.splice(at.., noise);
        prop_assert!(Testimony::open(&bytes).is_err());
    }

    #[test]
    fn words_of_every_kind_come_back_from_their_one_spelling(
        judgement in prop::sample::select(Judgement::ALL), numbers in (any::<u64>(), any::<u64>(), any::<u64>()),
        texts in (".{0,40}", ".{0,40}"), is_there in any::<bool>(), count in 0..4_u64,
    ) {
        let digest = Digest { algorithm: Algorithm::Blake3, bytes: [7; 32] };
        let run = |start| RunPlace { start, start_digest: digest, end: numbers.0, end_digest: digest };
        let output = |entry| RebuiltOutput {
            entry, entry_digest: digest, equality: texts.0.clone(), judgement, made: is_there.then_some(digest),
        };
        let stage = |start| Rebuilt {
            run: run(start), recipe: digest, program: is_there.then_some(digest), judgement, reason: texts.1.clone(),
            log: digest, printed: numbers.1, took_ms: numbers.2, outputs: (0..start).map(output).collect(),
        };
        let study = Study::new();
        let words = Rebuild {
            judgement,
            stages: (0..count).map(stage).collect(),
            taken: (0..count).map(|at| Taken { run: run(at), judgement, reason: texts.1.clone() }).collect(),
            recomputed: is_there.then(|| texts.0.clone()),
            ..study.words()
        };
        let bytes = reproledger::statement::plain::to_bytes(&words).unwrap();
        prop_assert_eq!(reproledger::statement::plain::from_bytes::<Rebuild>(&bytes).unwrap(), words);
    }
}

#[test]
fn a_testimony_s_link_has_one_form() {
    let study = Study::new();
    let by = other();
    let payload = study.statement(&mut by.clone(), &study.words());
    let takes = |change: &dyn Fn(&mut Payload)| {
        let mut payload = payload.clone();
        change(&mut payload);
        Payload::decode(&payload.encode()).is_ok()
    };
    assert!(takes(&|_| {}));
    assert!(!takes(&|payload| payload.head = None));
    assert!(!takes(&|payload| payload.body = None));
    assert!(!takes(&|payload| payload.edges.clear()));
    assert!(!takes(&|payload| payload.edges[0].log = None));
    assert!(!takes(&|payload| payload.edges[0].edge_type = EdgeType::Supports));
    assert!(!takes(&|payload| payload.edges[0].kind = DigestKind::Samples));
    assert!(!takes(&|payload| payload.edges.push(Edge::testifies(by.id(), EntryIndex(9), by.leaf(EntryIndex(0))))));
    // No other kind says of which head it is.
    assert!(!takes(&|payload| payload.kind = Kind::Gap));
    let long = Encoder::encode(|e| e.bytes(&[0; 31]));
    assert!(Payload::decode(&[payload.encode(), long].concat()).is_err());
}
