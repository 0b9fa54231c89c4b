//! The schemas in `schemas/`, held to real output by other people's validators.
//!
//! A ledger with an entry of every kind that can be written is made through the library; every entry, body, manifest,
//! evidence item, claim and verdict must fit its schema. Then each of these documents is damaged in every place: what
//! our own reader takes the schema takes, and what the schema takes and our reader does not is one of the few things
//! that a schema cannot say.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use cddl_cat::validate_cbor_bytes;
use jsonschema::{Registry, Validator};
use reproledger::artifact::documents::{DocumentLeaf, Flags, documents_manifest, parse_documents};
use reproledger::artifact::dtype::Dtype;
use reproledger::artifact::manifest::{Manifest, ManifestView};
use reproledger::artifact::rows::{OFFSETS, OffsetLeaf, RowLeaf, TEXT, header, rowset_manifest};
use reproledger::artifact::samples::{
    AnomalyCode, DetailsDigest, LogFacts, ReportedMetric, SampleId, SampleKey, SampleRecord, SampleStatus, Samples,
    Score, samples_manifest,
};
use reproledger::artifact::tensors::{TensorInfo, TensorLeaf, parse_tensors, tensors_manifest};
use reproledger::artifact::tree::{FileMode, TreeLeaf, TreeNode, TreePath, parse_tree, tree_manifest};
use reproledger::claim::{ITEM, NUMBER, assess};
use reproledger::codec::{DecodeError, Decoder, Encoder};
use reproledger::digest::slice::Slice;
use reproledger::digest::{
    Algorithm, Digest, DigestKind, FileDigest, LeafHash, LedgerId, NodeHash, Salt, Sha256Digest,
};
use reproledger::evidence::{Content, Evidence, MAGIC, Opening};
use reproledger::journal::{
    Census, Disclose, Draft, Journal, NewLedger, Settings, Target, cut, cut_items, cut_testimony, find_file, find_items,
};
use reproledger::key::{Policy, SigningKey};
use reproledger::ledger::Ledger;
use reproledger::merkle::{EntryIndex, TreeHead, TreeSize};
use reproledger::report::to_json;
use reproledger::statement::plain;
use reproledger::statement::{
    Body, Claim, Distribution, Edge, EdgeType, Entry, EntryError, GitPlace, Judgement, Kind, Likelihood, Location,
    Machine, Measure, Outcome, Part, Payload, Reading, Rebuild, Rebuilt, RebuiltOutput, Rerun, Role, RunBody, RunPlace,
    RunStatus, ScoredTranscript, ScoredWeights, Subject, Taken, WorkTree,
};
use serde_json::{Value, json};

const ENTRY: &str = include_str!("../schemas/entry.cddl");
const MANIFEST: &str = include_str!("../schemas/manifest.cddl");
const EVIDENCE: &str = include_str!("../schemas/evidence.cddl");
const CLAIM: &str = include_str!("../schemas/claim.schema.json");
const VERDICT: &str = include_str!("../schemas/verdict.schema.json");

const ITEMS: [&str; 11] = [
    "item-1-head",
    "item-2-claim",
    "item-3-anchors",
    "item-4-census",
    "item-5-entries",
    "item-6-multiproof",
    "item-7-manifests",
    "item-8-slices",
    "item-9-bodies",
    "item-10-annexes",
    "item-11-withheld",
];

/// The place of opened items among the items of the file.
const OPENINGS: usize = 7;

fn fits(schema: &str, rule: &str, bytes: &[u8]) -> bool {
    validate_cbor_bytes(rule, schema, bytes).is_ok()
}

fn must_fit(schema: &str, rule: &str, bytes: &[u8]) {
    if let Err(error) = validate_cbor_bytes(rule, schema, bytes) {
        panic!("{rule}: {error}\n{bytes:02x?}");
    }
}

fn claim_schema() -> Validator {
    jsonschema::validator_for(&serde_json::from_str(CLAIM).unwrap()).unwrap()
}

fn verdict_schema() -> Validator {
    let claim: Value = serde_json::from_str(CLAIM).unwrap();
    let registry = Registry::new().add("urn:reproledger:schema:claim:v1", claim).unwrap().prepare().unwrap();
    jsonschema::options().with_registry(&registry).build(&serde_json::from_str(VERDICT).unwrap()).unwrap()
}

fn must_be_valid(schema: &Validator, value: &Value) {
    let errors: Vec<_> = schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

// --- a ledger with everything in it ----------------------------------------------------------------------------------

struct Sandbox {
    _directory: tempfile::TempDir,
    ledger: Ledger,
    settings: Settings,
    claim: EntryIndex,
    /// Entries of [`lists`].
    lists: [EntryIndex; 2],
    bodies: Vec<Vec<u8>>,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn leaf(path: &str, node: TreeNode) -> TreeLeaf {
    TreeLeaf { path: TreePath::parse(path).unwrap(), node }
}

fn tree() -> Manifest {
    let file =
        |mode, text: &str| TreeNode::File { mode, size: text.len() as u64, digest: FileDigest::of(text.as_bytes()) };
    tree_manifest(vec![
        leaf("README", file(FileMode::Plain, "read me")),
        leaf("bin/run", file(FileMode::Executable, "#!/bin/sh")),
        leaf("data/é.jsonl", file(FileMode::Plain, "")),
        leaf("latest", TreeNode::Link { target: "../elsewhere".to_owned() }),
    ])
    .unwrap()
}

fn documents() -> Manifest {
    let document = |key: &str, flags| DocumentLeaf {
        key: key.to_owned(),
        raw: FileDigest::of(key.as_bytes()),
        raw_length: key.len() as u64,
        text: FileDigest::of(b"text"),
        text_length: 4,
        flags,
    };
    let every = Flags::NAMES.iter().fold(Flags::NONE, |all, (flag, _)| all.with(*flag));
    documents_manifest(vec![document("Records/Memo/case 1.txt", Flags::NONE), document("7", every)]).unwrap()
}

fn tensors() -> Manifest {
    let leaf = |name: &str, dtype, shape: &[u64]| {
        let info = TensorInfo::new(name, dtype, shape.to_vec()).unwrap();
        TensorLeaf { info, digest: FileDigest::of(name.as_bytes()) }
    };
    let every = Dtype::ALL.iter().map(|dtype| leaf(&format!("t.{}", dtype.name()), *dtype, &[256]));
    tensors_manifest(every.chain([leaf("scalar", Dtype::F32, &[]), leaf("none", Dtype::I64, &[3, 0])]).collect())
        .unwrap()
}

fn rowset() -> Manifest {
    rowset_manifest(TEXT, [b"a", b"b", b"a"].map(|text| FileDigest::of(text)).to_vec()).unwrap()
}

fn rows() -> Manifest {
    let row = RowLeaf { digest: FileDigest::of(b"a"), length: 1 };
    Manifest { header: header(DigestKind::Rows, TEXT), items: vec![Encoder::encode(|e| row.encode(e)); 2] }
}

fn places() -> Manifest {
    let place = |start| Encoder::encode(|e| OffsetLeaf { file: 0, start, length: 1468 }.encode(e));
    Manifest { header: header(DigestKind::Rows, OFFSETS), items: vec![place(0), place(1469)] }
}

fn samples() -> Manifest {
    let mut facts = LogFacts {
        format: "inspect.eval".to_owned(),
        schema: Some(2),
        status: Some("success".to_owned()),
        reader: "inspect/1".to_owned(),
        declared: Some((4, 1)),
        total: Some(4),
        completed: Some(4),
        task: Some("popularity".to_owned()),
        model: Some("mock".to_owned()),
        ..LogFacts::default()
    };
    let text = |text: &str| text.to_owned();
    let (scorer, reducer) = (text("match"), Some(text("mean")));
    facts.report(ReportedMetric {
        score: scorer.clone(),
        scorer,
        reducer,
        metric: text("accuracy"),
        lexeme: text("0.6666666666666666"),
    });
    facts.anomalies.add(AnomalyCode::ScoreEdited, "(1, epoch 1)");
    let record = |key: SampleKey, score: Score, status: SampleStatus| SampleRecord {
        key,
        status,
        scores: BTreeMap::from([
            (text("match"), BTreeMap::from([(String::new(), score)])),
            (text("tiny"), BTreeMap::from([(text("p"), Score::of_token("1e-30").unwrap())])),
        ]),
        details: DetailsDigest::from_bytes([u8::try_from(status.id()).unwrap(); 32]),
    };
    let full = SampleKey {
        cell: Some(text("cell")),
        condition: Some(text("condition")),
        id: SampleId::Text(text("a")),
        seed: Some(-1),
        epoch: 1,
    };
    let token = |token: &str| Score::of_token(token).unwrap();
    let records = [
        record(SampleKey::new(SampleId::Int(1), 1), token("1"), SampleStatus::Scored),
        record(SampleKey::new(SampleId::Int(-2), 1), token("0"), SampleStatus::Limit),
        record(SampleKey::new(SampleId::Int(3), 1), token("NaN"), SampleStatus::Unscored),
        record(full, token("true"), SampleStatus::Error),
    ];
    samples_manifest(&facts, &records).unwrap()
}

/// Two of three scored samples, as printed.
fn claim_json() -> Value {
    let digest = Digest::from(samples().root().unwrap()).to_string();
    let weights = Digest::from(FileDigest::of(b"weights")).to_string();
    json!({
        "claim_id": "popularity", "text": "two thirds", "cell_family": "f",
        "subject": {"arm": "base", "kind": "a method of our own", "base": "m@1", "checkpoints": [weights]}, "comparator": "none",
        "metric": {"scorer": "match", "key": "none", "direction": "higher", "parser": "p/1"},
        "eval": {"suite": digest, "conditions": 1, "condition_ids": "none", "samples": 4, "repeats": 1,
            "temperature": "0.7", "prod": false, "assistant_name": "none", "max_tokens": 4096},
        "judge": {"observed_models": ["j"], "prompt": "none"}, "seeds": {"planned": 1, "used": 1},
        "aggregation": ["mean(epochs)", "mean(samples)"], "denominator": "n_scored",
        "error": {"unit": "sample", "stat": "stderr", "ddof": 1},
        "value": {"subject": {"rate": {"printed": "67%", "decimals": 0}, "n": 3,
            "error": {"printed": ".33", "decimals": 2}}, "comparator": "none"},
        "contrast": "none", "assertion": "none",
        "plan": "none", "attempts_disclosed": {"train": 0, "eval": 1}, "inputs": [digest], "withheld": ["prompts"]
    })
}

/// The same with everything that may be none, and none where something was.
fn other_claim_json() -> Value {
    let mut claim = claim_json();
    let value = claim["value"]["subject"].clone();
    let rule = json!({"target": "seeds", "method": "welch", "level": "95%", "sides": "two"});
    let figure = json!({"printed": "-47%", "decimals": 0});
    let contrast = json!({
        "kind": "generalization-gap", "value": figure, "pairing": "seed",
        "interval": {"rule": rule, "low": figure, "high": "none"},
        "others": [{"arm": claim["subject"], "value": value}],
        "in_distribution": {"eval": claim["eval"], "inputs": claim["inputs"]},
    });
    let term = json!({"of": "contrast", "is": "at-least", "bound": "30%", "by": rule});
    for (pointer, value) in [
        ("/contrast", contrast),
        ("/assertion", json!({"terms": [term]})),
        ("/comparator", claim["subject"].clone()),
        ("/value/comparator", value),
        ("/eval/prod", json!("none")),
        ("/eval/max_tokens", json!("none")),
        ("/eval/suite", json!("none")),
        ("/eval/condition_ids", claim["inputs"][0].clone()),
        ("/plan", claim["inputs"][0].clone()),
        ("/judge", json!("none")),
        ("/error", json!("none")),
        ("/value/subject/error", json!("none")),
    ] {
        *claim.pointer_mut(pointer).unwrap() = value;
    }
    claim
}

fn artifact(kind: Kind, name: &str) -> Draft {
    let mut draft = Draft::new(kind);
    draft.subjects.push(Subject::file(FileDigest::of(name.as_bytes()), name.len() as u64));
    draft.body.name = Some(name.to_owned());
    draft
}

fn place() -> GitPlace {
    let work_tree = WorkTree::Dirty;
    GitPlace { commit: "0".repeat(40), object: Some("1".repeat(40)), path: Some("spec.md".to_owned()), work_tree }
}

fn run(kind: Kind, ended_ms: Option<u64>) -> Draft {
    let mut draft = Draft::new(kind);
    draft.stage = Some("train".to_owned());
    draft.attempt = Some(1);
    draft.arm = Some("base".to_owned());
    draft.seed = Some(0);
    draft.body.run = Some(RunBody {
        argv: vec!["true".to_owned()],
        directory: "/".to_owned(),
        environment: FileDigest::of(b"").into(),
        started_ms: 1,
        ended_ms,
        git: Some(place()),
        rerun: Some(Box::new(rerun())),
    });
    draft
}

fn rerun() -> Rerun {
    let part = || Part { path: "true".to_owned(), digest: FileDigest::of(b"").into(), length: 0 };
    let said = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    Rerun {
        program: Some(part()),
        interpreters: vec![part()],
        locks: vec![part()],
        container: Some("sha256:0".to_owned()),
        machine: Machine {
            arch: "x86_64".to_owned(),
            os: "linux".to_owned(),
            kernel: Some("6".to_owned()),
            features: vec!["avx2".to_owned()],
            threads: 2,
        },
        variables: said("LANG", "C"),
        equality: said("*", "bits"),
        folders: vec!["out".to_owned()],
        frontier: Some("sampled from an API".to_owned()),
    }
}

/// The file in a folder that rows were located in.
fn lines() -> Vec<u8> {
    [vec![b'a'; 1468], vec![b'\n'], vec![b'b'; 1468], vec![b'\n']].concat()
}

/// Salted documents, and a folder of one file with the places of its rows: what items are opened of.
fn lists() -> [Draft; 2] {
    let measure = |manifest: &Manifest| Measure {
        count: manifest.count(),
        length: manifest.to_object().len() as u64,
        digests: vec![manifest.root().unwrap().into()],
    };
    let object = |manifest: &Manifest| (*manifest.root().unwrap().as_bytes(), manifest.to_object());
    let salted = documents().salted(|| Ok::<_, std::convert::Infallible>(Salt([7; 32]))).unwrap();
    let mut corpus = Draft::new(Kind::Documents);
    corpus.subjects = vec![Subject::default().with(DigestKind::Rows, measure(&salted.manifest))];
    corpus.objects = vec![object(&salted.manifest)];
    corpus.private = vec![(object(&salted.manifest).0, salted.sidecar)];
    let file = TreeNode::File { mode: FileMode::Plain, size: lines().len() as u64, digest: FileDigest::of(&lines()) };
    let tree = tree_manifest(vec![leaf("rows.jsonl", file)]).unwrap();
    let mut dataset = Draft::new(Kind::Dataset);
    let subject = Subject::default().with(DigestKind::Tree, measure(&tree));
    dataset.subjects = vec![subject.with(DigestKind::Rows, measure(&places()))];
    dataset.objects = vec![object(&tree), object(&places())];
    [corpus, dataset]
}

/// A draft of every kind that needs no other entry's digest.
fn drafts() -> Vec<Draft> {
    let (tree, samples) = (tree(), samples());
    let mut spec = artifact(Kind::Spec, "spec");
    let digests = vec![FileDigest::of(b"spec").into(), Sha256Digest::of(b"spec").into()];
    spec.subjects = vec![Subject::default().with(DigestKind::File, Measure { count: 1, length: 4, digests })];
    spec.body.git = Some(place());
    spec.body.paths = vec!["spec.md".to_owned()];
    let mut reading = Reading::by("spec/1");
    reading.count("placeholders", 2);
    reading.source("a", 1);
    reading.fact("engine", "format");
    reading.remark("unresolved", 1, "`{name}`");
    spec.body.reading = Some(reading);
    spec.body.notes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);

    let mut documents = Draft::new(Kind::Documents);
    let (object, root) = (tree.to_object(), tree.root().unwrap());
    documents.subjects.push(Subject::manifest(DigestKind::Tree, root, tree.count(), object.len() as u64));
    documents.objects.push((*root.as_bytes(), object));
    documents.link(EdgeType::DecomposedFrom, Target::Draft(0), DigestKind::File, FileDigest::of(b"spec").into());
    let mut weights = artifact(Kind::Checkpoint, "weights");
    weights.link(EdgeType::TrainedOn, Target::Draft(1), DigestKind::Tree, root.into());

    let mut log = artifact(Kind::EvalLog, "log");
    let (object, root) = (samples.to_object(), samples.root().unwrap());
    let measure = Measure { count: samples.count(), length: object.len() as u64, digests: vec![root.into()] };
    log.subjects = vec![log.subjects[0].clone().with(DigestKind::Samples, measure)];
    log.objects.push((*root.as_bytes(), object));
    log.link(EdgeType::Evaluates, Target::Draft(2), DigestKind::File, FileDigest::of(b"weights").into());
    log.checkpoint = Some(FileDigest::of(b"weights").into());

    let mut protocol = Draft::new(Kind::Protocol);
    protocol.body.name = Some("protocol".to_owned());
    let mut claim = Draft::new(Kind::Claim);
    claim.body.claim = Some(Box::new(serde_json::from_value(claim_json()).unwrap()));
    claim.body.name = Some("popularity".to_owned());
    claim.link(EdgeType::Supports, Target::Draft(3), DigestKind::Samples, root.into());
    let mut drafts = vec![spec, documents, weights, log, claim];
    let plain = Kind::ARTIFACTS.iter().filter(|kind| !drafts.iter().any(|draft| draft.kind == **kind));
    let plain: Vec<Draft> = plain.map(|kind| artifact(*kind, kind.name())).collect();
    drafts.extend(plain);
    drafts.extend([artifact(Kind::Attach, "attached"), run(Kind::RunStart, None), protocol]);
    drafts.extend([Draft::new(Kind::Gap), Draft::new(Kind::Adopt)]);
    drafts.extend([rebuild(), likelihood()]);
    drafts.extend(lists());
    drafts
}

/// What a rebuild of a claim in some other ledger came to.
fn rebuild() -> Draft {
    let digest = |n: u8| Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] };
    let run = |start: u64| RunPlace { start, start_digest: digest(1), end: start + 1, end_digest: digest(2) };
    let output = |entry, made| RebuiltOutput {
        entry,
        entry_digest: digest(3),
        equality: "bits".to_owned(),
        judgement: Judgement::Good,
        made,
    };
    let (judgement, reason) = (Judgement::Equivalent, "near".to_owned());
    let stage = Rebuilt {
        run: run(3),
        recipe: digest(4),
        program: Some(digest(5)),
        judgement,
        reason: reason.clone(),
        log: digest(6),
        printed: 7,
        took_ms: 8,
        outputs: vec![output(9, Some(digest(7))), output(10, None)],
    };
    let mut draft = Draft::new(Kind::Rebuild);
    draft.body.rebuild = Some(Box::new(Rebuild {
        by: "reproledger".to_owned(),
        judgement,
        reason: reason.clone(),
        sandboxed: true,
        kept_by: "namespaces".to_owned(),
        machine: rerun().machine,
        stages: vec![stage],
        taken: vec![Taken { run: run(1), judgement: Judgement::Taken, reason }],
        recomputed: Some("VERIFIED".to_owned()),
    }));
    draft.testifies = Some(testifies(LedgerId::from_bytes([8; 32]), EntryIndex(5), [9; 32], tree_head(6, [7; 32])));
    draft
}

fn tree_head(size: u64, root: [u8; 32]) -> TreeHead {
    TreeHead { size: TreeSize(size), root: NodeHash::from_bytes(root) }
}

/// How likely drawn transcripts of a claim in some other ledger are.
fn likelihood() -> Draft {
    let digest = |n: u8| Digest { algorithm: Algorithm::Blake3, bytes: [n; 32] };
    let mut draft = Draft::new(Kind::Likelihood);
    draft.body.likelihood = Some(Box::new(Likelihood {
        by: "reproledger".to_owned(),
        tool: "a scorer".to_owned(),
        distribution: Distribution::AsSampled,
        nonce: "a nonce of sixteen".to_owned(),
        draws: 1,
        weights: (1..=2).map(|entry| ScoredWeights { entry, entry_digest: digest(3) }).collect(),
        transcripts: vec![ScoredTranscript {
            entry: 4,
            number: 0,
            tokens: 9,
            nats: vec!["-1.5".to_owned(), "-2e-3".to_owned()],
        }],
    }));
    draft.testifies = Some(testifies(LedgerId::from_bytes([8; 32]), EntryIndex(5), [9; 32], tree_head(6, [7; 32])));
    draft
}

fn testifies(log: LedgerId, claim: EntryIndex, digest: [u8; 32], head: TreeHead) -> (Edge, TreeHead) {
    (Edge::testifies(log, claim, LeafHash::from_bytes(digest)), head)
}

/// A ledger of somebody else, in which the claim was rebuilt with no run again; the file that says so.
fn testimony(directory: &std::path::Path, of: (Edge, TreeHead)) -> Vec<u8> {
    let path = directory.join("other");
    let (mut journal, settings) = Journal::create(NewLedger {
        directory: &path,
        state_dir: &directory.join("state"),
        origin: "other.example/log",
        issuer: "https://other.example",
        log_key: key(11),
        issuer_key: key(12),
        key_names: ("log", "issuer"),
        now: 1_800_000_000,
    })
    .unwrap();
    let mut draft = rebuild();
    draft.testifies = Some(of);
    let said = draft.body.rebuild.as_mut().unwrap();
    (said.stages, said.taken) = (Vec::new(), Vec::new());
    let index = journal.append(vec![draft], 1_800_000_000).unwrap().indexes[0];
    journal.close().unwrap();
    let ledger = Ledger::open_read(&path, &settings.verifier_key(&path).unwrap()).unwrap();
    cut_testimony(&ledger, index).unwrap().to_bytes()
}

/// Drafts of the kinds that bind the digest of an entry before them: of a run-start, a protocol, and something else.
fn later_drafts(start: (EntryIndex, Digest), protocol: Digest, other: EntryIndex) -> Vec<Draft> {
    let mut end = run(Kind::RunEnd, Some(2));
    end.outcome = Some(Outcome { status: RunStatus::Killed, code: 9 });
    end.link(EdgeType::Ends, Target::Entry(start.0), DigestKind::Entry, start.1);
    end.protocol = Some(LeafHash::from_bytes(protocol.bytes));
    let mut retraction = Draft::new(Kind::Retraction);
    retraction.body.reason = Some("typo".to_owned());
    retraction.link(EdgeType::Retracts, Target::Entry(other), DigestKind::File, FileDigest::of(b"other").into());
    let word = |kind, edge_type| {
        let mut draft = Draft::new(kind);
        draft.link(edge_type, Target::Entry(other), DigestKind::File, FileDigest::of(b"other").into());
        draft
    };
    let mut exclusion = word(Kind::Exclusion, EdgeType::Excludes);
    exclusion.body.reason = Some("repeated".to_owned());
    let mut incident = word(Kind::Incident, EdgeType::Concerns);
    incident.body.reason = Some("lost its disk".to_owned());
    let mut location = word(Kind::Location, EdgeType::Locates);
    location.body.locations = vec![Location::parse("https://lab.example/other").unwrap()];
    vec![end, exclusion, retraction, incident, location]
}

fn sandbox() -> Sandbox {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut journal, settings) = Journal::create(NewLedger {
        directory: &path,
        state_dir: &directory.path().join("state"),
        origin: "lab.example/log",
        issuer: "https://lab.example",
        log_key: key(1),
        issuer_key: key(2),
        key_names: ("log", "issuer"),
        now: 1_800_000_000,
    })
    .unwrap();
    // The clock went back: a clock-step comes first.
    let first = drafts();
    let appended = journal.append(first.clone(), 1_790_000_000).unwrap();
    let position = |kind: Kind| first.iter().position(|draft| draft.kind == kind).unwrap();
    let (start, protocol) = (position(Kind::RunStart), position(Kind::Protocol));
    let start = (appended.indexes[start], appended.digests[start]);
    let later = later_drafts(start, appended.digests[protocol], appended.indexes[position(Kind::Other)]);
    let head = *journal.append(later.clone(), 1_800_000_000).unwrap().head.tree();
    let claim = appended.indexes[position(Kind::Claim)];
    let leaf = appended.digests[position(Kind::Claim)];
    let bytes = testimony(directory.path(), testifies(journal.log(), claim, leaf.bytes, head));
    let mut attach = Draft::new(Kind::Attach);
    let digest = FileDigest::of(&bytes);
    attach.subjects = vec![Subject::file(digest, bytes.len() as u64)];
    attach.link(EdgeType::AttachedTo, Target::Entry(claim), DigestKind::Entry, leaf);
    attach.objects = vec![(*digest.as_bytes(), bytes)];
    journal.append(vec![attach], 1_800_000_000).unwrap();
    let bodies = first.iter().chain(&later).map(|draft| &draft.body).filter(|body| **body != Body::default());
    let bodies = bodies.map(|body| plain::to_bytes(body).unwrap()).collect();
    journal.add_key(Role::Evaluator, &key(3), 1_800_000_001).unwrap();
    journal.revoke_key(key(3).public(), Some(EntryIndex(5)), 1_800_000_002).unwrap();
    journal.close().unwrap();
    let ledger = Ledger::open_read(&path, &settings.verifier_key(&path).unwrap()).unwrap();
    let [.., corpus, dataset] = appended.indexes[..] else { panic!("the lists were drafted last") };
    Sandbox { _directory: directory, ledger, settings, claim, lists: [corpus, dataset], bodies }
}

impl Sandbox {
    fn entries(&self) -> Vec<Vec<u8>> {
        self.ledger.entries(EntryIndex(0)).unwrap().map(|entry| entry.unwrap().bytes).collect()
    }

    fn evidence(&self, disclose: &Disclose) -> Evidence {
        cut(&self.ledger, self.claim, disclose, Census::Rests).unwrap()
    }

    /// The opening of an item of one of the lists.
    fn opening(&self, index: EntryIndex, key: &str) -> (Subject, Opening) {
        let entry = Entry::parse(&self.ledger.entry(index).unwrap().bytes).unwrap();
        let found = find_items(&self.ledger, index, entry.claimed(), &[key.to_owned()]).unwrap();
        (found[0].subject.clone(), found[0].opening.clone())
    }

    /// Evidence of a salted document with its text, and of a row as a slice of a file in a folder.
    fn item_evidence(&self) -> [Evidence; 2] {
        let [corpus, dataset] = self.lists;
        let (_, document) = self.opening(corpus, "7");
        let document = Opening { content: Some(Content::Bytes(b"text".to_vec())), ..document };
        let (subject, row) = self.opening(dataset, "#1");
        let (_, file) = find_file(&self.ledger, dataset, &subject, 0).unwrap();
        let bytes = lines();
        let slice = Slice::cut(&mut &bytes[..], bytes.len() as u64, &(1468..2938)).unwrap().0.encode();
        let row = Opening { content: Some(Content::Slice { file: Some(file), slice }), ..row };
        [(corpus, document), (dataset, row)]
            .map(|(index, opening)| cut_items(&self.ledger, index, &Disclose::ClaimOnly, vec![opening]).unwrap())
    }
}

/// Protected header, payload and signature of an entry.
fn parts(entry: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    Decoder::decode(entry, |d| {
        d.tag_cose_sign1()?;
        d.tuple("a COSE_Sign1", 4, |d| {
            let protected = d.bytes()?.to_vec();
            d.raw()?;
            Ok::<_, DecodeError>((protected, d.bytes()?.to_vec(), d.bytes()?.to_vec()))
        })
    })
    .unwrap()
}

/// The items of an evidence file.
fn items(file: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = file.strip_prefix(MAGIC).unwrap();
    let mut items = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (item, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        items.push(item.to_vec());
        rest = after;
    }
    items
}

fn file(items: &[Vec<u8>]) -> Vec<u8> {
    let item = |item: &Vec<u8>| [&u32::try_from(item.len()).unwrap().to_be_bytes(), item.as_slice()].concat();
    [MAGIC, &items.iter().flat_map(item).collect::<Vec<_>>()].concat()
}

#[test]
fn every_entry_and_body_of_a_ledger_fits_the_schema() {
    let sandbox = sandbox();
    let mut kinds = BTreeSet::new();
    for bytes in sandbox.entries() {
        kinds.insert(Entry::parse(&bytes).unwrap().claimed().kind);
        assert_eq!(bytes[0], 0xd2);
        must_fit(ENTRY, "cose-sign1", &bytes[1..]);
    }
    assert_eq!(kinds.iter().copied().collect::<Vec<_>>(), Kind::ALL, "every kind is held to the schema");
    assert!(sandbox.bodies.len() > 10);
    for body in &sandbox.bodies {
        must_fit(ENTRY, "body", body);
    }
}

#[test]
fn manifests_and_every_item_of_evidence_fit_their_schemas() {
    must_fit(MANIFEST, "manifest", &tree().to_object());
    must_fit(MANIFEST, "manifest", &samples().to_object());
    must_fit(MANIFEST, "manifest", &documents().to_object());
    must_fit(MANIFEST, "manifest", &rowset().to_object());
    must_fit(MANIFEST, "manifest", &tensors().to_object());
    must_fit(MANIFEST, "manifest", &rows().to_object());
    must_fit(MANIFEST, "manifest", &places().to_object());
    let sandbox = sandbox();
    for disclose in [Disclose::ClaimOnly, Disclose::Reached] {
        let evidence = sandbox.evidence(&disclose);
        assert_eq!(evidence.withheld.is_empty(), disclose == Disclose::Reached);
        assert_eq!(evidence.annexes.len(), 1);
        let items = items(&evidence.to_bytes());
        assert_eq!(items.len(), ITEMS.len());
        for (item, rule) in items.iter().zip(ITEMS) {
            must_fit(EVIDENCE, rule, item);
        }
        for manifest in &evidence.manifests {
            must_fit(MANIFEST, "manifest", &manifest.object);
        }
        for (_, body) in &evidence.bodies {
            must_fit(ENTRY, "body", &body[32..]);
        }
    }
    for evidence in sandbox.item_evidence() {
        assert_eq!(evidence.openings.len(), 1);
        for (item, rule) in items(&evidence.to_bytes()).iter().zip(ITEMS) {
            must_fit(EVIDENCE, rule, item);
        }
    }
}

#[test]
fn claims_and_verdicts_fit_their_schemas() {
    let (claims, verdicts) = (claim_schema(), verdict_schema());
    must_be_valid(&claims, &claim_json());
    must_be_valid(&claims, &other_claim_json());
    let sandbox = sandbox();
    let bytes = sandbox.evidence(&Disclose::ClaimOnly).to_bytes();
    let policy = |vkey: &str| Policy::parse(format!("log {vkey}\nquorum none\n").as_bytes()).unwrap();
    let pinned = policy(&sandbox.settings.log_key);
    let mut seen = BTreeSet::new();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut forged = sandbox.evidence(&Disclose::ClaimOnly);
    forged.multiproof.pop();
    for (bytes, trust) in [
        (bytes.as_slice(), None),
        (&bytes, Some(&pinned)),
        (&bytes[1..], None),
        (&damaged, None),
        (&forged.to_bytes(), None),
        (b"reproledger evidence v2\n", None),
    ] {
        let json: Value = serde_json::from_str(&to_json(&assess(bytes, trust, NUMBER, |_| None))).unwrap();
        must_be_valid(&verdicts, &json);
        if let Some(claim) = json.pointer("/evidence/claim") {
            must_be_valid(&claims, claim);
        }
        seen.insert(json["verdict"].as_str().unwrap().to_owned());
    }
    for evidence in sandbox.item_evidence() {
        let json: Value =
            serde_json::from_str(&to_json(&assess(&evidence.to_bytes(), Some(&pinned), ITEM, |_| None))).unwrap();
        must_be_valid(&verdicts, &json);
        assert_eq!((&json["verdict"], json["evidence"]["items"].as_array().unwrap().len()), (&json!("VERIFIED"), 1));
    }
    let expected = ["CONTRADICTED", "UNREADABLE", "UNSUPPORTED", "UNVOUCHED", "VERIFIED"];
    assert!(seen.iter().eq(expected), "{seen:?}");
}

// --- damaged documents -----------------------------------------------------------------------------------------------

/// CBOR of our profile, open to changes.
#[derive(Debug, Clone)]
enum Node {
    Leaf(Vec<u8>),
    Array(Vec<Node>),
    Map(Vec<(Vec<u8>, Node)>),
}

impl Node {
    fn parse(bytes: &[u8]) -> Self {
        Decoder::decode(bytes, Self::read).unwrap()
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match d.peek() {
            Some(4) => Ok(Self::Array(d.array(Self::read)?)),
            Some(5) => {
                let raw = d.raw()?;
                // Keys are integers or texts; the typed readers check which, here they are only bytes.
                let mut entries = Vec::new();
                let mut inner = Decoder::new(raw);
                let as_ints = inner.int_map(|key, d| {
                    entries.push((Encoder::encode(|e| e.int(key)), Self::read(d)?));
                    Ok::<_, DecodeError>(())
                });
                if as_ints.is_err() {
                    entries.clear();
                    Decoder::new(raw).text_map(|key, d| {
                        entries.push((Encoder::encode(|e| e.text(key)), Self::read(d)?));
                        Ok::<_, DecodeError>(())
                    })?;
                }
                Ok(Self::Map(entries))
            }
            _ => Ok(Self::Leaf(d.raw()?.to_vec())),
        }
    }

    fn write(&self, e: &mut Encoder) {
        match self {
            Self::Leaf(bytes) => e.raw(bytes),
            Self::Array(items) => {
                e.array(items.len());
                for item in items {
                    item.write(e);
                }
            }
            Self::Map(entries) => {
                // The header of a map of this many entries, then the entries in order.
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|left, right| left.0.cmp(&right.0));
                let mut header = Encoder::encode(|e| e.array(sorted.len()));
                header[0] |= 0x20;
                e.raw(&header);
                for (key, value) in sorted {
                    e.raw(key);
                    value.write(e);
                }
            }
        }
    }

    /// This node changed in one place, in every place and way.
    fn damaged(&self) -> Vec<Self> {
        let leaf = |write: fn(&mut Encoder)| Self::Leaf(Encoder::encode(write));
        let mut all = vec![
            leaf(Encoder::null),
            leaf(|e| e.bool(true)),
            leaf(|e| e.uint(77)),
            leaf(|e| e.int(-77)),
            leaf(|e| e.text("x")),
            leaf(|e| e.text("")),
            leaf(|e| e.bytes(&[1; 31])),
            leaf(|e| e.bytes(&[1; 33])),
            Self::Array(Vec::new()),
            Self::Map(Vec::new()),
        ];
        match self {
            Self::Leaf(_) => {}
            Self::Array(items) => {
                for at in 0..items.len() {
                    let change = |items: &mut Vec<Self>, change: fn(&mut Vec<Self>, usize)| {
                        let mut items = items.clone();
                        change(&mut items, at);
                        Self::Array(items)
                    };
                    let mut items = items.clone();
                    all.push(change(&mut items, |items, at| drop(items.remove(at))));
                    all.push(change(&mut items, |items, at| items.insert(at, items[at].clone())));
                    for damaged in items[at].damaged() {
                        let mut items = items.clone();
                        items[at] = damaged;
                        all.push(Self::Array(items));
                    }
                }
            }
            Self::Map(entries) => {
                for key in [Encoder::encode(|e| e.uint(99)), Encoder::encode(|e| e.text("more"))] {
                    all.push(Self::Map([entries.as_slice(), &[(key, leaf(|e| e.uint(1)))]].concat()));
                }
                for at in 0..entries.len() {
                    let mut without = entries.clone();
                    without.remove(at);
                    all.push(Self::Map(without));
                    for damaged in entries[at].1.damaged() {
                        let mut entries = entries.clone();
                        entries[at].1 = damaged;
                        all.push(Self::Map(entries));
                    }
                }
            }
        }
        all
    }
}

/// Holds schema and reader to each other over every damaged form of a document; counts what both refuse and what only
/// the reader does, by its words.
fn compare(
    schema: &str,
    rule: &str,
    document: &[u8],
    read: impl Fn(&[u8]) -> Result<(), String>,
    beyond: &mut BTreeSet<String>,
) -> usize {
    must_fit(schema, rule, document);
    assert_eq!(read(document), Ok(()));
    let mut refused = 0;
    let mut seen = BTreeSet::from([document.to_vec()]);
    for damaged in Node::parse(document).damaged() {
        let bytes = Encoder::encode(|e| damaged.write(e));
        if !seen.insert(bytes.clone()) {
            continue;
        }
        match (fits(schema, rule, &bytes), read(&bytes)) {
            (false, Err(_)) => refused += 1,
            (true, Ok(())) => {}
            (true, Err(reason)) => drop(beyond.insert(reason)),
            (false, Ok(())) => panic!("{rule} refuses what the reader takes: {damaged:?}"),
        }
    }
    refused
}

/// What no schema can say, by the words of the reader's refusal.
fn must_be_beyond_schemas(beyond: &BTreeSet<String>, allowed: &[&str]) {
    let unexpected: Vec<_> = beyond.iter().filter(|reason| !allowed.iter().any(|word| reason.contains(word))).collect();
    assert!(unexpected.is_empty(), "the schema takes what the reader refuses: {unexpected:#?}");
}

#[test]
fn a_damaged_entry_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let mut kinds = BTreeSet::new();
    for entry in sandbox().entries() {
        let (protected, payload, signature) = parts(&entry);
        let kind = Payload::decode(&payload).unwrap().kind;
        if !kinds.insert(kind) && kind != Kind::KeyChange {
            continue;
        }
        let read = |bytes: &[u8]| Payload::decode(bytes).map(drop).map_err(|error| error.to_string());
        refused += compare(ENTRY, "payload", &payload, read, &mut beyond);
        if kind == Kind::Genesis {
            let envelope = |protected: &[u8]| {
                Encoder::encode(|e| {
                    e.tag_cose_sign1();
                    e.array(4);
                    e.bytes(protected);
                    e.map(|_| {});
                    e.bytes(&payload);
                    e.bytes(&signature);
                })
            };
            let read = |bytes: &[u8]| Entry::parse(&envelope(bytes)).map(drop).map_err(|error| error.to_string());
            refused += compare(ENTRY, "protected-header", &protected, read, &mut beyond);
            let read = |bytes: &[u8]| {
                Entry::parse(&[&[0xd2], bytes].concat()).map(drop).map_err(|error: EntryError| error.to_string())
            };
            refused += compare(ENTRY, "cose-sign1", &entry[1..], read, &mut beyond);
        }
    }
    assert!(refused > 3000, "{refused}");
    let allowed = [
        "is not in its one legal order",
        "the edges of a run-end lacks key 27",
        "the edges of a word on earlier entries lacks key",
        "where one key for each role belong",
    ];
    must_be_beyond_schemas(&beyond, &allowed);
}

#[test]
fn a_damaged_body_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let read = |bytes: &[u8]| plain::from_bytes::<Body>(bytes).map(drop).map_err(|error| error.to_string());
    for body in &sandbox().bodies {
        refused += compare(ENTRY, "body", body, read, &mut beyond);
    }
    assert!(refused > 1000, "{refused}");
    must_be_beyond_schemas(&beyond, &[]);
}

fn read_samples(object: &[u8]) -> Result<(), String> {
    let view = ManifestView::parse(object).map_err(|error| error.to_string())?;
    Samples::read(&view).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_damaged_manifest_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let read = |bytes: &[u8]| {
        let manifest = Manifest::parse(bytes).map_err(|error| error.to_string())?;
        match manifest.header.kind {
            DigestKind::Tree => parse_tree(&manifest).map(drop).map_err(|error| error.to_string()),
            DigestKind::Tensors => parse_tensors(&manifest).map(drop).map_err(|error| error.to_string()),
            DigestKind::Rows => parse_documents(&manifest).map(drop).map_err(|error| error.to_string()),
            _ => read_samples(bytes),
        }
    };
    let mut refused = compare(MANIFEST, "manifest", &tree().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &samples().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &documents().to_object(), read, &mut beyond);
    refused += compare(MANIFEST, "manifest", &tensors().to_object(), read, &mut beyond);
    assert!(refused > 700, "{refused}");
    let allowed = [
        "stands in the tree twice",
        "stands there twice",
        "is not in its place",
        "is not in its one legal order",
        "the list of anomalies",
        "its facts were read by",
        "does not mean the rational beside it",
        "where its type and shape take",
        "its shape is no multiple of that",
        "multiply to more than 64 bits hold",
        "more elements together than 64 bits count",
        "not in lowest terms",
    ];
    must_be_beyond_schemas(&beyond, &allowed);
}

#[test]
fn damaged_evidence_is_refused_by_schema_and_reader_alike() {
    let mut beyond = BTreeSet::new();
    let mut refused = 0;
    let all = items(&sandbox().evidence(&Disclose::ClaimOnly).to_bytes());
    for (at, rule) in ITEMS.iter().enumerate() {
        let read = |bytes: &[u8]| {
            let mut items = all.clone();
            items[at] = bytes.to_vec();
            let file = file(&items);
            Evidence::parse(&file).map_err(|error| error.to_string())?;
            reproledger::verify::evidence(&file, None).map(drop).map_err(|error| format!("readable, but {error}"))
        };
        refused += compare(EVIDENCE, rule, &all[at], read, &mut beyond);
    }
    assert!(refused > 500, "{refused}");
    // Of evidence of items the openings alone are of another shape.
    for evidence in sandbox().item_evidence() {
        let all = items(&evidence.to_bytes());
        let read = |bytes: &[u8]| {
            let mut items = all.clone();
            items[OPENINGS] = bytes.to_vec();
            let file = file(&items);
            Evidence::parse(&file).map_err(|error| error.to_string())?;
            reproledger::verify::evidence(&file, None).map(drop).map_err(|error| format!("readable, but {error}"))
        };
        let refused = compare(EVIDENCE, ITEMS[OPENINGS], &all[OPENINGS], read, &mut beyond);
        assert!(refused > 100, "{refused}");
    }
    must_be_beyond_schemas(&beyond, &["is not in its one legal order", "readable, but "]);
}

/// A JSON value changed in one place, in every place and way.
fn damaged(value: &Value) -> Vec<Value> {
    let mut all = vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-7),
        json!(0.5),
        json!("x"),
        json!([]),
        json!({}),
        json!({"none": {}}),
    ];
    match value {
        Value::Array(items) => {
            for at in 0..items.len() {
                all.extend(damaged(&items[at]).into_iter().map(|item| {
                    let mut items = items.clone();
                    items[at] = item;
                    Value::Array(items)
                }));
            }
        }
        Value::Object(map) => {
            let with = |key: &str, value: Option<Value>| {
                let mut map = map.clone();
                match value {
                    Some(value) => map.insert(key.to_owned(), value),
                    None => map.remove(key),
                };
                Value::Object(map)
            };
            all.push(with("more", Some(json!(1))));
            for (key, value) in map {
                all.push(with(key, None));
                all.extend(damaged(value).into_iter().map(|value| with(key, Some(value))));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_damaged_claim_is_refused_by_schema_and_reader_alike() {
    let schema = claim_schema();
    let mut refused = 0;
    for value in damaged(&claim_json()).into_iter().chain(damaged(&other_claim_json())) {
        let takes = plain::to_bytes(&value).is_ok_and(|bytes| plain::from_bytes::<Claim>(&bytes).is_ok());
        assert_eq!(schema.is_valid(&value), takes, "{value:#}");
        refused += u32::from(!takes);
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_damaged_verdict_is_refused() {
    let schema = verdict_schema();
    let bytes = sandbox().evidence(&Disclose::ClaimOnly).to_bytes();
    let whole: Value = serde_json::from_str(&to_json(&assess(&bytes, None, NUMBER, |_| None))).unwrap();
    must_be_valid(&schema, &whole);
    let change = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        schema.is_valid(&changed)
    };
    for (pointer, value) in [
        ("/schema", json!("urn:reproledger:schema:verdict:v2")),
        ("/verdict", json!("verified")),
        ("/verdict", json!("VERIFIED")),
        ("/verdict", json!("UNREADABLE")),
        ("/exit_code", json!(0)),
        ("/exit_code", json!(101)),
        ("/level", json!("L9")),
        ("/assurance", json!([])),
        ("/assurance/0/level", json!("L9")),
        ("/assurance/0/stage", json!("luck")),
        ("/findings", json!([])),
        ("/findings/0/outcome", json!("pass")),
        ("/findings/0/check", json!("Ledger Chain")),
        ("/findings/0/reason", json!("")),
        ("/findings/0/entries", json!([-1])),
        ("/evidence/ledger", json!("00")),
        ("/evidence/claim/inputs/0", json!("00")),
        ("/evidence/claim/error", json!(null)),
        ("/evidence/withheld/0/digest", json!("md5:00")),
        ("/evidence", json!(null)),
    ] {
        assert!(!change(pointer, value.clone()), "{pointer} = {value}");
    }
    for pointer in ["", "/evidence", "/findings/0", "/evidence/claim", "/evidence/withheld/0", "/rebuilds/0"] {
        let mut more = whole.clone();
        more.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("more".to_owned(), json!(1));
        assert!(!schema.is_valid(&more), "more in {pointer}");
        for key in whole.pointer(pointer).unwrap().as_object().unwrap().keys() {
            let mut without = whole.clone();
            without.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
            let is_optional = matches!(
                key.as_str(),
                "evidence"
                    | "assurance"
                    | "rebuilds"
                    | "claim"
                    | "expected"
                    | "found"
                    | "next"
                    | "attached_by"
                    | "why_not"
            );
            assert_eq!(schema.is_valid(&without), is_optional, "without {pointer}/{key}");
        }
    }
}
