//! A lab that holds its keys and its disk and can therefore sign anything: the adversary of every test here.
//!
//! What it makes is valid by default. A test changes one thing, before or after signing, and names what must catch it.

use std::collections::{BTreeMap, BTreeSet};

use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::samples::{
    LogFacts, ReportedMetric, SampleDetails, SampleId, SampleKey, SampleRecord, SampleStatus, Score, samples_manifest,
};
use reproledger::check::Finding;
use reproledger::claim::{Assessment, NUMBER};
use reproledger::codec::{DecodeError, Decoder, Encoder};
use reproledger::digest::{Digest, DigestKind, FileDigest, LeafHash, LedgerId, Salt};
use reproledger::evidence::{DisclosedManifest, Evidence, Withheld};
use reproledger::key::{NoteKind, Policy, SigningKey, VerifierKey};
use reproledger::merkle::{
    EntryIndex, Head, MemoryTree, Origin, SignedHead, TreeSize, leaf_hash, prove_consistency, prove_many,
};
use reproledger::statement::{
    Arm, Attempts, Body, Claim, ClaimedValue, Claims, Denominator, Direction, Edge, EdgeType, Entry, ErrorRule,
    ErrorStat, ErrorUnit, Evaluation, Genesis, Kind, Measure, Metric, Payload, Printed, Role, Seeds, Stated, Step,
    Subject, Values,
};
use reproledger::verify::{self, Reject, reachable};

/// Seconds since 1970 at which the lab's entry 0 is signed; each entry is a minute later.
const BEGINNING: u64 = 1_790_000_000;

/// A ledger in memory with its keys.
#[derive(Clone)]
pub(crate) struct Lab {
    /// Name of the log.
    pub(crate) origin: String,
    /// Signs heads; a key is the seed of which every byte is this number.
    pub(crate) log_key: u8,
    /// Signs entries.
    pub(crate) issuer: u8,
    /// Entries in order.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Last key change, as the next entries will say.
    pub(crate) keyset: EntryIndex,
    /// Objects of bodies by the entry that commits to them.
    pub(crate) bodies: BTreeMap<EntryIndex, Vec<u8>>,
    /// Objects of manifests by kind and root.
    pub(crate) manifests: BTreeMap<Digest, DisclosedManifest>,
}

/// A salt that differs from place to place.
pub(crate) fn salt(number: u64) -> Salt {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Salt(bytes)
}

impl Lab {
    /// A ledger with entry 0 alone.
    pub(crate) fn new() -> Self {
        Self::named("lab.example/log", 1)
    }

    /// The same with another name or other keys.
    pub(crate) fn named(origin: &str, seed: u8) -> Self {
        let (log_key, issuer) = (seed, seed + 100);
        let genesis = Genesis {
            origin: origin.to_owned(),
            log_key: key(log_key).public(),
            keys: vec![(Role::Issuer, key(issuer).public())],
            nonce: [seed; 16],
        };
        Self::with_genesis(genesis, log_key, issuer)
    }

    /// A ledger whose entry 0 says just this.
    pub(crate) fn with_genesis(genesis: Genesis, log_key: u8, issuer: u8) -> Self {
        let mut payload = Payload::new(Kind::Genesis, None, EntryIndex(0), EntryIndex(0));
        let origin = genesis.origin.clone();
        payload.genesis = Some(Box::new(genesis));
        let mut lab = Self {
            origin,
            log_key,
            issuer,
            entries: Vec::new(),
            keyset: EntryIndex(0),
            bodies: BTreeMap::new(),
            manifests: BTreeMap::new(),
        };
        lab.say(&payload);
        lab
    }

    /// The ledger's identity.
    pub(crate) fn id(&self) -> LedgerId {
        leaf_hash(&self.entries[0]).into()
    }

    /// Index of the next entry.
    pub(crate) fn next(&self) -> EntryIndex {
        EntryIndex(self.entries.len() as u64)
    }

    /// A statement for the next place.
    pub(crate) fn payload(&self, kind: Kind) -> Payload {
        Payload::new(kind, Some(self.id()), self.next(), self.keyset)
    }

    /// The CWT claims of the entry at `index`.
    pub(crate) fn claims_at(index: EntryIndex) -> Claims {
        Claims {
            issuer: "https://lab.example".to_owned(),
            subject: "a test".to_owned(),
            issued_at: BEGINNING + 60 * index.0,
        }
    }

    /// Signs and appends.
    pub(crate) fn say(&mut self, payload: &Payload) -> EntryIndex {
        self.say_as(payload, &key(self.issuer))
    }

    /// Signs with a key of choice and appends.
    pub(crate) fn say_as(&mut self, payload: &Payload, key: &SigningKey) -> EntryIndex {
        let claims = Self::claims_at(self.next());
        self.push(Entry::sign(payload, &claims, key).unwrap())
    }

    /// Appends bytes as they are.
    pub(crate) fn push(&mut self, entry: Vec<u8>) -> EntryIndex {
        let index = self.next();
        self.entries.push(entry);
        index
    }

    /// Says something else at a place that is taken; nothing after it is signed again.
    pub(crate) fn resay(&mut self, index: EntryIndex, payload: &Payload) {
        self.entries[at(index)] = Entry::sign(payload, &Self::claims_at(index), &key(self.issuer)).unwrap();
    }

    /// The entry at an index, decoded.
    pub(crate) fn entry(&self, index: EntryIndex) -> Entry {
        Entry::parse(&self.entries[at(index)]).unwrap()
    }

    /// What it says.
    pub(crate) fn said(&self, index: EntryIndex) -> Payload {
        self.entry(index).claimed().clone()
    }

    /// A link to the entry at `target`: its first artifact's principal digest, or the entry itself.
    pub(crate) fn link(&self, edge_type: EdgeType, target: EntryIndex) -> Edge {
        let entry = self.entry(target);
        let principal = entry.claimed().subjects.first().and_then(|subject| subject.principal());
        let (kind, digest) = principal
            .map_or((DigestKind::Entry, entry.leaf_hash().into()), |(kind, measure)| (kind, measure.digests[0]));
        Edge { edge_type, log: None, seq: target, kind, digest }
    }

    /// A file of these bytes as an artifact, linked to earlier entries.
    pub(crate) fn file(&mut self, kind: Kind, bytes: &[u8], links: &[(EdgeType, EntryIndex)]) -> EntryIndex {
        let mut payload = self.payload(kind);
        payload.subjects.push(Subject::file(FileDigest::of(bytes), bytes.len() as u64));
        payload.edges = links.iter().map(|(edge_type, target)| self.link(*edge_type, *target)).collect();
        self.say(&payload)
    }

    /// Gives a statement a body, kept for evidence.
    pub(crate) fn seal(&mut self, payload: &mut Payload, body: &Body) {
        let (commitment, object) = body.seal(&salt(payload.seq.0)).unwrap();
        payload.body = Some(commitment);
        self.bodies.insert(payload.seq, object);
    }

    /// Keeps a manifest's object for evidence; the measure that an entry says of it.
    pub(crate) fn keep(&mut self, manifest: &Manifest) -> (Digest, Measure) {
        let (root, object) = (manifest.root().unwrap(), manifest.to_object());
        let measure = Measure { count: manifest.count(), length: object.len() as u64, digests: vec![root.into()] };
        self.manifests.insert(root.into(), DisclosedManifest { kind: manifest.header.kind, root, object });
        (root.into(), measure)
    }

    /// An eval-log of a file with these sample records.
    pub(crate) fn eval_log(
        &mut self,
        file: &[u8],
        manifest: &Manifest,
        links: &[(EdgeType, EntryIndex)],
    ) -> EntryIndex {
        let (_, measure) = self.keep(manifest);
        let mut payload = self.payload(Kind::EvalLog);
        let file = Subject::file(FileDigest::of(file), file.len() as u64);
        payload.subjects.push(file.with(DigestKind::Samples, measure));
        payload.edges = links.iter().map(|(edge_type, target)| self.link(*edge_type, *target)).collect();
        self.say(&payload)
    }

    /// A link from a claim to the sample records of a log.
    pub(crate) fn supports(&self, log: EntryIndex) -> Edge {
        let digest = self.said(log).subjects[0].digest(DigestKind::Samples).unwrap();
        Edge { edge_type: EdgeType::Supports, log: None, seq: log, kind: DigestKind::Samples, digest }
    }

    /// A claim over logs, with further links.
    pub(crate) fn claim(&mut self, claim: &Claim, logs: &[EntryIndex], links: &[(EdgeType, EntryIndex)]) -> EntryIndex {
        let mut payload = self.payload(Kind::Claim);
        payload.edges = logs.iter().map(|log| self.supports(*log)).collect();
        payload.edges.extend(links.iter().map(|(edge_type, target)| self.link(*edge_type, *target)));
        let body = Body { name: Some(claim.claim_id.clone()), claim: Some(Box::new(claim.clone())), ..Body::default() };
        self.seal(&mut payload, &body);
        self.say(&payload)
    }

    /// The tree over all entries.
    pub(crate) fn tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::new();
        self.entries.iter().for_each(|entry| tree.append(leaf_hash(entry)));
        tree
    }

    /// The signed head over the first `size` entries.
    pub(crate) fn head_at(&self, size: u64) -> SignedHead {
        let tree = self.tree().head_at(TreeSize(size)).unwrap();
        Head { origin: Origin::parse(&self.origin).unwrap(), tree }.sign(&key(self.log_key))
    }

    /// The signed head over all entries.
    pub(crate) fn head(&self) -> SignedHead {
        self.head_at(self.entries.len() as u64)
    }

    /// The proof that the tree extends its first `size` entries.
    pub(crate) fn consistency(&self, size: u64) -> Vec<reproledger::digest::NodeHash> {
        prove_consistency(&self.tree(), TreeSize(size), TreeSize(self.entries.len() as u64)).unwrap()
    }

    /// One proof for these entries against the whole tree.
    pub(crate) fn proof(&self, indexes: &[EntryIndex]) -> Vec<reproledger::digest::NodeHash> {
        prove_many(&self.tree(), TreeSize(self.entries.len() as u64), indexes).unwrap()
    }

    /// Honest evidence for a claim: the census from the first thing it rests on, its body, and its sample records.
    pub(crate) fn evidence(&self, claim: EntryIndex) -> Evidence {
        let said = |index: EntryIndex| self.entries.get(at(index)).and_then(|bytes| Entry::parse(bytes).ok());
        let reached = reachable(claim, |index| {
            let entry = said(index)?;
            Some(entry.claimed().edges.iter().filter(|edge| edge.log.is_none()).map(|edge| edge.seq).collect())
        });
        let is_fact = |index: &&EntryIndex| {
            said(**index).is_some_and(|entry| !matches!(entry.claimed().kind, Kind::Genesis | Kind::KeyChange))
        };
        let first = reached.iter().find(is_fact).copied().unwrap_or(claim);
        let changes = (0..self.entries.len() as u64)
            .map(EntryIndex)
            .filter(|index| said(*index).is_some_and(|entry| entry.claimed().kind == Kind::KeyChange));
        let mut chosen: BTreeSet<EntryIndex> = changes.collect();
        chosen.insert(EntryIndex(0));
        chosen.extend(&reached);
        chosen.extend((first.0..self.entries.len() as u64).map(EntryIndex));
        self.evidence_of(claim, first, &chosen)
    }

    /// Evidence with a census and entries of choice.
    pub(crate) fn evidence_of(&self, claim: EntryIndex, first: EntryIndex, chosen: &BTreeSet<EntryIndex>) -> Evidence {
        let indexes: Vec<EntryIndex> = chosen.iter().copied().collect();
        let mut evidence = Evidence {
            head: self.head().bytes().to_vec(),
            claim,
            anchors: Vec::new(),
            census_first: first,
            census_count: self.entries.len() as u64 - first.0,
            entries: indexes.iter().map(|index| (*index, self.entries[at(*index)].clone())).collect(),
            multiproof: self.proof(&indexes),
            manifests: Vec::new(),
            openings: Vec::new(),
            bodies: Vec::new(),
            annexes: Vec::new(),
            withheld: Vec::new(),
        };
        let Some(entry) = self.entries.get(at(claim)).and_then(|bytes| Entry::parse(bytes).ok()) else {
            return evidence;
        };
        if let Some(body) = self.bodies.get(&claim) {
            evidence.bodies.push((claim, body.clone()));
        }
        let inputs: BTreeSet<Digest> = entry.claimed().edges.iter().map(|edge| edge.digest).collect();
        evidence.manifests =
            self.manifests.iter().filter(|(root, _)| inputs.contains(*root)).map(|(_, m)| m.clone()).collect();
        evidence.manifests.sort_by_key(|manifest| (manifest.kind, manifest.root));
        evidence.withheld = self.withheld(&evidence);
        evidence
    }

    /// Everything that the claim's chain commits to and the evidence does not show.
    pub(crate) fn withheld(&self, evidence: &Evidence) -> Vec<Withheld> {
        let payload = |index: EntryIndex| self.entries.get(at(index)).and_then(|bytes| Entry::parse(bytes).ok());
        let reached = reachable(evidence.claim, |index| {
            Some(
                payload(index)?.claimed().edges.iter().filter(|edge| edge.log.is_none()).map(|edge| edge.seq).collect(),
            )
        });
        let mut withheld = BTreeMap::new();
        for index in reached {
            let Some(entry) = payload(index) else { continue };
            let mut hide = |digest: Digest, count: u64, reason: String| {
                let holder = entry.claims().issuer.clone();
                withheld.insert(digest, Withheld { digest, count, holder, reason });
            };
            if let Some(body) = entry.claimed().body
                && !evidence.bodies.iter().any(|(shown, _)| *shown == index)
            {
                hide(body.into(), 1, format!("body of entry {index}, not disclosed"));
            }
            for (kind, measure) in entry.claimed().subjects.iter().flat_map(|subject| &subject.0) {
                let is_shown = |digest: &Digest| {
                    evidence.manifests.iter().any(|m| m.kind == *kind && Digest::from(m.root) == *digest)
                };
                for digest in measure.digests.iter().filter(|digest| *kind != DigestKind::File && !is_shown(digest)) {
                    hide(*digest, measure.count, format!("{kind} manifest, not disclosed"));
                }
            }
        }
        withheld.into_values().collect()
    }

    /// The log's key as a reader pins it.
    pub(crate) fn vkey(&self) -> VerifierKey {
        let name = Origin::parse(&self.origin).unwrap().key_name().clone();
        VerifierKey { name, kind: NoteKind::Ed25519, key: key(self.log_key).public() }
    }

    /// The policy of a reader who pinned the log's key and asks for no witness.
    pub(crate) fn policy(&self) -> Policy {
        Policy::parse(format!("log {}\nquorum none\n", self.vkey()).as_bytes()).unwrap()
    }

    /// The leaf of an entry.
    pub(crate) fn leaf(&self, index: EntryIndex) -> LeafHash {
        leaf_hash(&self.entries[at(index)])
    }
}

fn at(index: EntryIndex) -> usize {
    usize::try_from(index.0).unwrap()
}

/// The secret key of a seed.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// One scored sample.
pub(crate) fn sample(id: i64, epoch: u64, token: &str) -> SampleRecord {
    let details = SampleDetails {
        source: FileDigest::of(format!("{id} {epoch} {token}").as_bytes()),
        input: None,
        completion: None,
        stop_reason: None,
        flags: 0,
    };
    let score = Score::of_token(token).unwrap();
    SampleRecord {
        key: SampleKey::new(SampleId::Int(id), epoch),
        status: SampleStatus::Scored,
        scores: BTreeMap::from([("match".to_owned(), BTreeMap::from([(String::new(), score)]))]),
        details: details.digest(),
    }
}

fn figure(text: &str) -> Printed {
    let decimals = text.trim_end_matches('%').split_once('.').map_or(0, |(_, fraction)| fraction.len() as u64);
    Printed { printed: text.to_owned(), decimals }
}

/// A complete claim over one log of `samples` samples in `repeats` epochs; the input is filled in by [`Story::tell`].
fn claim(rate: &str, error: Option<&str>, samples: u64, repeats: u64) -> Claim {
    Claim {
        claim_id: "accuracy".to_owned(),
        text: "the treated arm is right five times in eight".to_owned(),
        cell_family: "test".to_owned(),
        subject: Arm { arm: "msm".to_owned(), kind: Stated::None, base: Stated::None, checkpoints: Vec::new() },
        comparator: Stated::None,
        metric: Metric {
            scorer: "match".to_owned(),
            key: Stated::None,
            direction: Direction::Higher,
            parser: Stated::None,
        },
        eval: Evaluation {
            suite: Stated::None,
            conditions: 1,
            condition_ids: Stated::None,
            samples,
            repeats,
            temperature: Stated::None,
            prod: Stated::None,
            assistant_name: Stated::None,
            max_tokens: Stated::None,
        },
        judge: Stated::None,
        seeds: Seeds { planned: 1, used: 1 },
        aggregation: vec![Step::MeanEpochs, Step::MeanSamples],
        denominator: Denominator::Scored,
        error: error.map_or(Stated::None, |_| {
            Stated::Is(ErrorRule { unit: ErrorUnit::Sample, stat: ErrorStat::StandardError, ddof: 1 })
        }),
        value: Values {
            subject: ClaimedValue {
                rate: figure(rate),
                n: samples,
                error: error.map_or(Stated::None, |error| Stated::Is(figure(error))),
            },
            comparator: Stated::None,
        },
        contrast: Stated::None,
        assertion: Stated::None,
        plan: Stated::None,
        attempts_disclosed: Attempts { train: 1, eval: 1 },
        inputs: Vec::new(),
        withheld: Vec::new(),
    }
}

/// A small experiment before it is told: 8 samples, 5 of them right.
#[derive(Clone)]
pub(crate) struct Story {
    /// What the log says of itself.
    pub(crate) facts: LogFacts,
    /// Its samples.
    pub(crate) samples: Vec<SampleRecord>,
    /// What the lab prints; its inputs are filled in.
    pub(crate) claim: Claim,
}

impl Story {
    /// An honest one.
    pub(crate) fn new() -> Self {
        let mut facts = LogFacts {
            format: "inspect.eval".to_owned(),
            schema: Some(2),
            status: Some("success".to_owned()),
            reader: "inspect/1".to_owned(),
            declared: Some((8, 1)),
            total: Some(8),
            completed: Some(8),
            task: Some("task".to_owned()),
            model: Some("model".to_owned()),
            ..LogFacts::default()
        };
        facts.report(ReportedMetric {
            scorer: "match".to_owned(),
            score: "match".to_owned(),
            reducer: None,
            metric: "accuracy".to_owned(),
            lexeme: "0.625".to_owned(),
        });
        let samples = (1..=8).map(|id| sample(id, 1, if id <= 5 { "1" } else { "0" })).collect();
        Self { facts, samples, claim: claim("0.625", Some("0.183"), 8, 1) }
    }

    /// The sample manifest.
    pub(crate) fn manifest(&self) -> Manifest {
        samples_manifest(&self.facts, &self.samples).unwrap()
    }

    /// Tells it honestly: spec, dataset, checkpoint, log, claim.
    pub(crate) fn tell(mut self) -> Told {
        let mut lab = Lab::new();
        let spec = lab.file(Kind::Spec, b"a spec", &[]);
        let dataset = lab.file(Kind::Dataset, b"rows", &[(EdgeType::DerivedFrom, spec)]);
        let checkpoint = lab.file(Kind::Checkpoint, b"weights", &[(EdgeType::TrainedOn, dataset)]);
        let manifest = self.manifest();
        let log = lab.eval_log(b"a log", &manifest, &[(EdgeType::Evaluates, checkpoint)]);
        if self.claim.inputs.is_empty() {
            self.claim.inputs.push(manifest.root().unwrap().into());
        }
        let claim = lab.claim(&self.claim, &[log], &[]);
        Told { lab, spec, dataset, checkpoint, log, claim, words: self.claim }
    }
}

/// A story in a ledger.
#[derive(Clone)]
pub(crate) struct Told {
    /// The ledger and its keys.
    pub(crate) lab: Lab,
    /// Its spec.
    pub(crate) spec: EntryIndex,
    /// Its dataset.
    pub(crate) dataset: EntryIndex,
    /// Its weights.
    pub(crate) checkpoint: EntryIndex,
    /// Its evaluation.
    pub(crate) log: EntryIndex,
    /// Its claim.
    pub(crate) claim: EntryIndex,
    /// What the claim says.
    pub(crate) words: Claim,
}

impl Told {
    /// Honest evidence.
    pub(crate) fn evidence(&self) -> Evidence {
        self.lab.evidence(self.claim)
    }

    /// The verdict of a reader who pinned the lab's key.
    pub(crate) fn assess(&self) -> Assessment {
        assess(&self.evidence(), &self.lab.policy())
    }

    /// Why changed evidence is not believed at all.
    pub(crate) fn reject_with(&self, change: impl FnOnce(&mut Evidence)) -> Reject {
        let mut evidence = self.evidence();
        change(&mut evidence);
        verify::evidence(&evidence.to_bytes(), Some(&self.lab.policy())).expect_err("believed")
    }

    /// Why it is not believed as it stands.
    pub(crate) fn reject(&self) -> Reject {
        self.reject_with(|_| {})
    }
}

/// The verdict over evidence by a policy, without artifacts.
pub(crate) fn assess(evidence: &Evidence, policy: &Policy) -> Assessment {
    reproledger::claim::assess(&evidence.to_bytes(), Some(policy), NUMBER, |_| None)
}

/// The finding of one check. No check may have come to what no test is named for.
pub(crate) fn finding<'a>(assessment: &'a Assessment, check: &str) -> &'a Finding {
    let judged = assessment.evidence.iter().flat_map(|_| &assessment.findings);
    for found in judged {
        let (id, outcome) = (found.check, found.outcome);
        assert!(
            crate::tidy::is_named(id, outcome),
            "`{id}` is {outcome}, and `tests/tidy/outcomes.toml` has no such test"
        );
    }
    let found = assessment.findings.iter().find(|finding| finding.check == check);
    found.unwrap_or_else(|| panic!("no finding of `{check}` in {:?}", assessment.findings))
}

/// The protected header and the payload of an entry, as they were signed.
pub(crate) fn parts(entry: &[u8]) -> (Vec<u8>, Vec<u8>) {
    Decoder::decode(entry, |d| {
        d.tag_cose_sign1()?;
        d.tuple("an entry", 4, |d| -> Result<_, DecodeError> {
            let protected = d.bytes()?.to_vec();
            d.raw()?;
            let payload = d.bytes()?.to_vec();
            d.bytes()?;
            Ok((protected, payload))
        })
    })
    .unwrap()
}

/// An entry of any bytes, truly signed: `header` is the unprotected map as it shall stand there.
pub(crate) fn forge(protected: &[u8], header: &[u8], payload: &[u8], signer: &SigningKey) -> Vec<u8> {
    let signed = signed_bytes("Signature1", protected, payload);
    let signature = signer.sign(&signed);
    Encoder::encode(|e| {
        e.tag_cose_sign1();
        e.array(4);
        e.bytes(protected);
        e.raw(header);
        e.bytes(payload);
        e.bytes(&signature.0);
    })
}

/// What a COSE signature is over.
pub(crate) fn signed_bytes(context: &str, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    Encoder::encode(|e| {
        e.array(4);
        e.text(context);
        e.bytes(protected);
        e.bytes(b"");
        e.bytes(payload);
    })
}

impl Told {
    /// The claim's entry said with other payload bytes, truly signed by the lab, in a ledger that is proved anew.
    pub(crate) fn with_claim_payload(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let (protected, mut payload) = parts(&self.lab.entries[at(self.claim)]);
        change(&mut payload);
        self.lab.entries[at(self.claim)] = forge(&protected, &[0xa0], &payload, &key(self.lab.issuer));
        self
    }
}
