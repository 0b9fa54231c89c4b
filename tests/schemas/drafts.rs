//! A statement of every kind that can be written, with every field that it can have.

use std::collections::BTreeMap;

use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::tree::{FileMode, TreeNode, tree_manifest};
use reproledger::digest::{
    Algorithm, Digest, DigestKind, FileDigest, LeafHash, LedgerId, NodeHash, Salt, Sha256Digest,
};
use reproledger::journal::{Draft, Journal, NewLedger, Target, cut_testimony};
use reproledger::key::SigningKey;
use reproledger::ledger::Ledger;
use reproledger::merkle::{EntryIndex, TreeHead, TreeSize};
use reproledger::statement::{
    Distribution, Edge, EdgeType, GitPlace, Judgement, Kind, Likelihood, Location, Machine, Measure, Outcome, Part,
    Reading, Rebuild, Rebuilt, RebuiltOutput, Rerun, RunBody, RunPlace, RunStatus, ScoredTranscript, ScoredWeights,
    Subject, Taken, WorkTree,
};
use serde_json::{Value, json};

use super::manifests::{documents, leaf, places, samples, tree};

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// Two of three scored samples, as printed.
pub(super) fn claim_json() -> Value {
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
pub(super) fn other_claim_json() -> Value {
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

pub(super) fn place() -> GitPlace {
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
pub(super) fn lines() -> Vec<u8> {
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
pub(super) fn drafts() -> Vec<Draft> {
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

pub(super) fn testifies(log: LedgerId, claim: EntryIndex, digest: [u8; 32], head: TreeHead) -> (Edge, TreeHead) {
    (Edge::testifies(log, claim, LeafHash::from_bytes(digest)), head)
}

/// A ledger of somebody else, in which the claim was rebuilt with no run again; the file that says so.
pub(super) fn testimony(directory: &std::path::Path, of: (Edge, TreeHead)) -> Vec<u8> {
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
pub(super) fn later_drafts(start: (EntryIndex, Digest), protocol: Digest, other: EntryIndex) -> Vec<Draft> {
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
