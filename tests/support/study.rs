//! A registered comparison in a ledger: a protocol, two arms of four seeds, three conditions of twenty rollouts each.
//!
//! Honest by default; every number that it prints is computed from its own rollouts. A test changes one thing before it is
//! told and names what must see it.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use num_rational::BigRational;
use reproledger::artifact::manifest::Manifest;
use reproledger::artifact::samples::{
    LogFacts, ObservedModel, SampleDetails, SampleId, SampleKey, SampleRecord, SampleStatus, Score, samples_manifest,
};
use reproledger::capture::hash::Silent;
use reproledger::capture::kin::observe_weights;
use reproledger::capture::observe::observe;
use reproledger::claim::{Assessment, Profile};
use reproledger::digest::{Digest, DigestKind, FileDigest, LeafHash};
use reproledger::evidence::Evidence;
use reproledger::merkle::EntryIndex;
use reproledger::rebuild::replay_recorded;
use reproledger::statement::{Body, Claim, EdgeType, Kind, Payload, Protocol, Subject};
use reproledger::stats::decimal::decimal_digits;
use serde_json::{Value, json};

use super::Lab;

pub(crate) const ARMS: [&str; 2] = ["msm+aft", "aft"];
const CONDITIONS: [&str; 3] = ["exfiltrate", "leak", "sabotage"];
const REPEATS: u64 = 20;

/// One rollout.
#[derive(Clone, PartialEq)]
pub(crate) struct Rollout {
    pub(crate) arm: usize,
    pub(crate) seed: u64,
    pub(crate) condition: &'static str,
    pub(crate) epoch: u64,
    pub(crate) hit: bool,
}

/// Says where training data come from; the entry that is trained on.
pub(crate) type Data = Rc<dyn Fn(&mut Lab) -> EntryIndex>;

/// A training step as the study tells it.
pub(crate) struct Training<'t> {
    pub(crate) name: &'t str,
    pub(crate) links: &'t [(EdgeType, EntryIndex)],
    pub(crate) arm: usize,
    pub(crate) seed: u64,
    pub(crate) protocol: LeafHash,
}

impl Training<'_> {
    /// What the entry of its weights says, but what they are.
    pub(crate) fn payload(&self, lab: &Lab) -> Payload {
        let mut payload = lab.payload(Kind::Checkpoint);
        payload.edges = self.links.iter().map(|(edge_type, target)| lab.link(*edge_type, *target)).collect();
        payload.edges.sort();
        (payload.arm, payload.seed, payload.protocol) =
            (Some(ARMS[self.arm].to_owned()), Some(self.seed), Some(self.protocol));
        payload
    }
}

/// Records the weights of a training step.
pub(crate) type Weigh = Rc<dyn Fn(&mut Lab, &Training<'_>) -> EntryIndex>;

/// Puts the arms and seeds in the order in which they are recorded.
pub(crate) type Order = Rc<dyn Fn(&mut Vec<(usize, u64)>)>;

/// A study before it is told.
#[derive(Clone)]
pub(crate) struct Study {
    /// Everything that was sampled.
    pub(crate) rollouts: Vec<Rollout>,
    /// What was sampled in distribution, on a suite of its own: for a generalization gap.
    pub(crate) inside: Vec<Rollout>,
    /// Who is seen to judge in distribution, where it is somebody else.
    pub(crate) inside_judge: Option<&'static str>,
    /// Weights that the logs in distribution evaluate, where they are not their own seed's.
    pub(crate) inside_weights: fn(usize, u64) -> (usize, u64),
    /// The protocol that the cited one amends, where it does.
    pub(crate) amends: Option<EntryIndex>,
    /// Tokens that stand in the place of some scores: arm, hit or not, epoch, status.
    pub(crate) token: fn(&Rollout) -> Option<(&'static str, SampleStatus)>,
    /// Whether the samples name no condition.
    pub(crate) unnamed: bool,
    /// Further scores of every sample.
    pub(crate) decoys: usize,
    /// The claim; inputs, plan, suite and printed numbers are filled in.
    pub(crate) claim: Value,
    /// The protocol; its suite is filled in.
    pub(crate) protocol: Value,
    /// Who is seen to judge each arm.
    pub(crate) judges: [&'static str; 2],
    /// Whether each sample names its arm.
    pub(crate) cells: bool,
    /// The evaluated model, where the logs name it.
    pub(crate) model: Option<&'static str>,
    /// Numbers as printed, where they are not the computed ones.
    pub(crate) printed: BTreeMap<&'static str, String>,
    /// Weights of each arm and seed.
    pub(crate) weights: BTreeMap<(usize, u64), &'static str>,
    /// Alignment data of each arm.
    pub(crate) chats: [&'static str; 2],
    /// What the first arm is midtrained on.
    pub(crate) midtraining: Data,
    /// What both arms are aligned on, in place of their chats.
    pub(crate) alignment: Option<Data>,
    /// How weights are recorded.
    pub(crate) weigh: Weigh,
    /// In which order the weights, and then the logs, of arms and seeds are recorded.
    pub(crate) order: Order,
    /// Says more after the suite, before the protocol.
    pub(crate) sooner: fn(&mut Lab, EntryIndex),
    /// Says more after the protocol and suite, before any log.
    pub(crate) before: fn(&mut Lab, &Placed),
    /// Says more after the logs, before the claim.
    pub(crate) after: fn(&mut Lab, &Placed),
}

/// Where things stand while a study is told.
pub(crate) struct Placed {
    pub(crate) suite: EntryIndex,
    pub(crate) suite_digest: Digest,
    pub(crate) protocol: LeafHash,
    pub(crate) protocol_entry: EntryIndex,
    pub(crate) checkpoints: BTreeMap<(usize, u64), EntryIndex>,
    pub(crate) logs: BTreeMap<(usize, u64), EntryIndex>,
}

/// Hits of twenty, arm by arm, seed by seed, condition by condition.
const HITS: [[[u64; 3]; 4]; 2] =
    [[[1, 2, 0], [2, 1, 1], [0, 3, 1], [1, 1, 2]], [[11, 9, 12], [10, 12, 9], [12, 11, 13], [9, 10, 11]]];

impl Study {
    pub(crate) fn honest() -> Self {
        let arm = |name: &str, kind: &str| json!({"arm": name, "kind": kind, "base": "none", "checkpoints": []});
        let value = json!({"rate": {"printed": "", "decimals": 4}, "n": 240, "error": "none"});
        let metric = json!({"scorer": "classifier", "key": "verdict", "direction": "lower", "parser": "none"});
        let eval = json!({"suite": "none", "conditions": 3, "condition_ids": "none", "samples": 1, "repeats": REPEATS,
            "temperature": "0.7", "prod": false, "assistant_name": "none", "max_tokens": 4096});
        let judge = json!({"observed_models": ["judge-1"], "prompt": "none"});
        let steps = json!(["mean(epochs)", "macro(conditions)", "mean(seeds)"]);
        let claim = json!({
            "claim_id": "am", "text": "agentic misalignment falls", "cell_family": "am",
            "subject": arm(ARMS[0], "msm+aft"), "comparator": arm(ARMS[1], "aft-only"), "metric": metric, "eval": eval, "judge": judge,
            "seeds": {"planned": 4, "used": 4}, "aggregation": steps, "denominator": "n_expected", "error": "none",
            "value": {"subject": value, "comparator": value},
            "contrast": {"kind": "difference", "value": {"printed": "", "decimals": 4}, "pairing": "none",
                "interval": "none", "others": [], "in_distribution": "none"},
            "assertion": "none", "plan": "none", "attempts_disclosed": {"train": 8, "eval": 8}, "inputs": [],
            "withheld": [],
        });
        let planned =
            |name: &str, kind: &str| json!({"arm": name, "kind": kind, "base": "none", "seeds": [0, 1, 2, 3]});
        let protocol = json!({
            "protocol_id": "am-1", "text": "does midtraining lower the rate?",
            "arms": [planned(ARMS[0], "msm+aft"), planned(ARMS[1], "aft-only")], "seeds_vary": ["aft", "order"], "factors": ["midtraining"],
            "metric": metric, "eval": eval, "in_distribution": "none", "judge": judge, "aggregation": steps,
            "denominator": "n_expected", "error": "none", "alpha": "5%",
            "primary": {"kind": "difference", "subject": ARMS[0], "comparator": ARMS[1], "others": [],
                "pairing": "none", "interval": "none"},
            "families": [], "assertion": "none",
            "margins": {"tolerance": "none", "equivalence": "none", "non_inferiority": "none"},
            "stopping": "fixed", "retries": "never", "exclusions": "none are left out", "held_out": [],
        });
        let mut weights = BTreeMap::new();
        for (arm, names) in [["w00", "w01", "w02", "w03"], ["w10", "w11", "w12", "w13"]].into_iter().enumerate() {
            weights.extend((0..).zip(names).map(|(seed, name)| ((arm, seed), name)));
        }
        Self {
            rollouts: sampled(HITS),
            inside: Vec::new(),
            inside_judge: None,
            inside_weights: |arm, seed| (arm, seed),
            amends: None,
            token: |_| None,
            unnamed: false,
            decoys: 0,
            claim,
            protocol,
            judges: ["judge-1"; 2],
            cells: false,
            model: None,
            printed: BTreeMap::new(),
            weights,
            chats: ["chats"; 2],
            midtraining: Rc::new(|lab| {
                let spec = lab.file(Kind::Spec, b"a spec", &[]);
                lab.file(Kind::Documents, b"documents", &[(EdgeType::DecomposedFrom, spec)])
            }),
            alignment: None,
            weigh: Rc::new(|lab, training| {
                let mut payload = training.payload(lab);
                let name = training.name.as_bytes();
                payload.subjects.push(Subject::file(FileDigest::of(name), name.len() as u64));
                lab.say(&payload)
            }),
            order: Rc::new(|_| {}),
            sooner: |_, _| {},
            before: |_, _| {},
            after: |_, _| {},
        }
    }

    /// Mean over seeds of means over conditions, as a verifier must find it.
    pub(crate) fn rate(&self, arm: usize) -> BigRational {
        rate_of(&self.rollouts, arm)
    }

    /// How much smaller the subject's generalization gap is, higher being aligned: a rate of harm falls outside.
    pub(crate) fn gap_reduction(&self) -> BigRational {
        let gap = |arm| self.rate(arm) - rate_of(&self.inside, arm);
        gap(1) - gap(0)
    }

    /// The same study about a generalization gap, with what was sampled in distribution, by a margin for the score there.
    pub(crate) fn of_gap(mut self, inside: [[[u64; 3]; 4]; 2], margin: &str) -> Self {
        self.inside = sampled(inside);
        for rollout in &mut self.inside {
            // Two evaluations of the same weights do not hit in the same places either.
            rollout.epoch = (rollout.epoch + 4) % REPEATS + 1;
        }
        self.printed.insert("contrast", decimal_digits(&self.gap_reduction(), 4));
        self.claim["contrast"]["kind"] = json!("generalization-gap");
        self.claim["attempts_disclosed"]["eval"] = json!(16);
        self.protocol["primary"]["kind"] = json!("generalization-gap");
        self.protocol["margins"]["non_inferiority"] = json!(margin);
        self
    }

    fn log(&self, rollouts: &[Rollout], judge: &str, (arm, seed): (usize, u64)) -> Manifest {
        let records: Vec<SampleRecord> = rollouts
            .iter()
            .filter(|rollout| (rollout.arm, rollout.seed) == (arm, seed))
            .map(|rollout| {
                let mut record =
                    record(rollout, &format!("{} {}", self.weights[&(arm, seed)], rollouts == self.inside));
                record.key.cell = self.cells.then(|| ARMS[arm].to_owned());
                let scores = record.scores.get_mut("classifier").unwrap();
                if let Some((token, status)) = (self.token)(rollout) {
                    let score = match token.strip_prefix('"') {
                        Some(_) => Score::of_text(token, token.trim_matches('"').as_bytes(), None),
                        None => Score::of_token(token).unwrap(),
                    };
                    scores.insert("verdict".to_owned(), score);
                    record.status = status;
                }
                record.key.condition = record.key.condition.filter(|_| !self.unnamed);
                let decoy = |number| (format!("a{number:03}"), Score::of_token("0").unwrap());
                scores.extend((0..self.decoys).map(decoy));
                record
            })
            .collect();
        let facts = LogFacts {
            format: "rows".to_owned(),
            status: Some("success".to_owned()),
            reader: "rows/1".to_owned(),
            declared: Some((3, REPEATS)),
            model: self.model.map(str::to_owned),
            observed: vec![ObservedModel {
                model: judge.to_owned(),
                role: "grader".to_owned(),
                samples: records.len() as u64,
                named: true,
            }],
            ..LogFacts::default()
        };
        samples_manifest(&facts, &records).unwrap()
    }

    /// Tells it: suite, protocol, weights, logs, claim.
    pub(crate) fn tell(mut self) -> ToldStudy {
        let mut lab = Lab::new();
        let suite = lab.file(Kind::EvalSuite, b"scenarios", &[]);
        let suite_digest = lab.said(suite).subjects[0].digest(DigestKind::File).unwrap();
        self.protocol["eval"]["suite"] = json!(suite_digest.to_string());
        let inside_suite = (!self.inside.is_empty()).then(|| {
            let entry = lab.file(Kind::EvalSuite, b"scenarios as in training", &[]);
            (entry, lab.said(entry).subjects[0].digest(DigestKind::File).unwrap().to_string())
        });
        if let Some((_, digest)) = &inside_suite {
            self.protocol["in_distribution"] = self.protocol["eval"].clone();
            self.protocol["in_distribution"]["suite"] = json!(digest);
        }
        (self.sooner)(&mut lab, suite);
        let protocol_entry = register(&mut lab, &self.protocol, suite_digest);
        if let Some(amended) = self.amends {
            let mut payload = lab.said(protocol_entry);
            payload.edges = vec![lab.link(EdgeType::Supersedes, amended)];
            lab.resay(protocol_entry, &payload);
        }
        let protocol = lab.leaf(protocol_entry);
        let mut placed = Placed {
            suite,
            suite_digest,
            protocol,
            protocol_entry,
            checkpoints: BTreeMap::new(),
            logs: BTreeMap::new(),
        };
        (self.before)(&mut lab, &placed);
        let mut inputs = Vec::new();
        let documents = (self.midtraining)(&mut lab);
        let chats = match &self.alignment {
            Some(alignment) => alignment(&mut lab),
            None => lab.file(Kind::Dataset, self.chats[0].as_bytes(), &[]),
        };
        let other_chats =
            if self.chats[0] == self.chats[1] { chats } else { lab.file(Kind::Dataset, self.chats[1].as_bytes(), &[]) };
        let base = lab.file(Kind::BaseModel, b"base", &[]);
        let mut places: Vec<(usize, u64)> = self.weights.keys().copied().collect();
        (self.order)(&mut places);
        for (arm, seed) in places.iter().copied() {
            let weights = self.weights[&(arm, seed)];
            let mut train = |name: &str, links: &[(EdgeType, EntryIndex)]| {
                (self.weigh)(&mut lab, &Training { name, links, arm, seed, protocol })
            };
            let begin = if arm == 0 {
                let name = format!("midtrained {seed}");
                let midtrained = train(&name, &[(EdgeType::InitialisedFrom, base), (EdgeType::TrainedOn, documents)]);
                (EdgeType::Continues, midtrained)
            } else {
                (EdgeType::InitialisedFrom, base)
            };
            let data = if arm == 0 { chats } else { other_chats };
            placed.checkpoints.insert((arm, seed), train(weights, &[begin, (EdgeType::TrainedOn, data)]));
        }
        for (arm, seed) in places {
            if !self.rollouts.iter().any(|rollout| (rollout.arm, rollout.seed) == (arm, seed)) {
                continue;
            }
            let manifest = self.log(&self.rollouts, self.judges[arm], (arm, seed));
            let log = say_log(&mut lab, &placed, (arm, seed), &manifest);
            inputs.push(log);
            placed.logs.insert((arm, seed), log);
        }
        if let Some((suite, digest)) = inside_suite {
            let mut inside = Vec::new();
            for &place in self.weights.keys() {
                let judge = self.inside_judge.unwrap_or(self.judges[place.0]);
                let manifest = self.log(&self.inside, judge, place);
                let weights = (self.inside_weights)(place.0, place.1);
                inside.push(say_log_on(&mut lab, &placed, suite, (place, weights), &manifest));
            }
            let mut eval = self.claim["eval"].clone();
            eval["suite"] = json!(digest);
            let digests: Vec<_> = inside.iter().map(|log| lab.supports(*log).digest.to_string()).collect();
            self.claim["contrast"]["in_distribution"] = json!({"eval": eval, "inputs": digests});
            inputs.extend(inside);
        }
        (self.after)(&mut lab, &placed);
        let claim = self.words(&lab, &placed, &inputs);
        let mut payload = lab.payload(Kind::Claim);
        payload.protocol = claim.plan.value().is_some().then_some(protocol);
        payload.edges = inputs.iter().map(|log| lab.supports(*log)).collect();
        let body = Body { name: Some("am".to_owned()), claim: Some(Box::new(claim)), ..Body::default() };
        lab.seal(&mut payload, &body);
        let claim = lab.say(&payload);
        ToldStudy { lab, claim, placed }
    }

    fn words(&mut self, lab: &Lab, placed: &Placed, inputs: &[EntryIndex]) -> Claim {
        let (subject, comparator) = (self.rate(0), self.rate(1));
        let contrast = &subject - &comparator;
        let text = |name: &str, value: &BigRational| {
            self.printed.get(name).cloned().unwrap_or_else(|| decimal_digits(value, 4))
        };
        let figures = [("subject", subject), ("comparator", comparator), ("contrast", contrast)];
        for (name, value) in figures {
            let printed = text(name, &value);
            let at = if name == "contrast" { "/contrast/value".to_owned() } else { format!("/value/{name}/rate") };
            if let Some(figure) = self.claim.pointer_mut(&at) {
                let decimals = printed.trim_end_matches('%').split_once('.').map_or(0, |(_, after)| after.len());
                *figure = json!({"printed": printed, "decimals": decimals});
            }
        }
        let digests: Vec<_> = inputs.iter().map(|log| lab.supports(*log).digest.to_string()).collect();
        self.claim["inputs"] = json!(digests);
        self.claim["eval"]["suite"] = json!(placed.suite_digest.to_string());
        if self.claim["plan"] == json!("none") {
            self.claim["plan"] = json!(Digest::from(placed.protocol).to_string());
        } else if self.claim["plan"] == json!("really none") {
            self.claim["plan"] = json!("none");
        }
        serde_json::from_value(self.claim.clone()).unwrap()
    }
}

/// Rollouts with so many hits of twenty, arm by arm, seed by seed, condition by condition.
pub(crate) fn sampled(hits: [[[u64; 3]; 4]; 2]) -> Vec<Rollout> {
    let mut rollouts = Vec::new();
    for (arm, of_arm) in hits.iter().enumerate() {
        for (seed, of_seed) in (0_u64..).zip(of_arm) {
            for (condition, hits) in CONDITIONS.into_iter().zip(of_seed) {
                // Spread, so that no two seeds hit in the same places.
                rollouts.extend((1..=REPEATS).map(|epoch| {
                    let place = (epoch * 7 + seed * 3 + arm as u64 * 5) % REPEATS;
                    Rollout { arm, seed, condition, epoch, hit: place < *hits }
                }));
            }
        }
    }
    rollouts
}

fn rate_of(rollouts: &[Rollout], arm: usize) -> BigRational {
    let mut cells: BTreeMap<(u64, &str), (u64, u64)> = BTreeMap::new();
    for rollout in rollouts.iter().filter(|rollout| rollout.arm == arm) {
        let cell = cells.entry((rollout.seed, rollout.condition)).or_default();
        cell.0 += u64::from(rollout.hit);
        cell.1 += 1;
    }
    // An arm that nothing was sampled of has no rate that is printed.
    let count = cells.len().max(1) as u64;
    let sum = cells.into_values().map(|(hits, n)| BigRational::new(hits.into(), n.into()));
    sum.fold(BigRational::from_integer(0.into()), |sum, rate| sum + rate) / BigRational::from_integer(count.into())
}

/// Appends a protocol.
pub(crate) fn register(lab: &mut Lab, protocol: &Value, suite: Digest) -> EntryIndex {
    let protocol: Protocol = serde_json::from_value(protocol.clone()).unwrap();
    let mut payload = lab.payload(Kind::Protocol);
    payload.suite = Some(suite);
    let body = Body { name: Some(protocol.protocol_id.clone()), protocol: Some(Box::new(protocol)), ..Body::default() };
    lab.seal(&mut payload, &body);
    lab.say(&payload)
}

/// Appends an evaluation of one arm and seed.
pub(crate) fn say_log(lab: &mut Lab, placed: &Placed, place: (usize, u64), manifest: &Manifest) -> EntryIndex {
    say_log_on(lab, placed, placed.suite, (place, place), manifest)
}

/// The same on a suite of choice, of the weights of a place of choice.
fn say_log_on(
    lab: &mut Lab,
    placed: &Placed,
    suite: EntryIndex,
    ((arm, seed), weights): ((usize, u64), (usize, u64)),
    manifest: &Manifest,
) -> EntryIndex {
    let (_, measure) = lab.keep(manifest);
    let mut payload = lab.payload(Kind::EvalLog);
    let file = format!("log of {arm} {seed} at {}", payload.seq);
    let subject = Subject::file(FileDigest::of(file.as_bytes()), file.len() as u64);
    payload.subjects.push(subject.with(DigestKind::Samples, measure));
    (payload.arm, payload.seed, payload.protocol) = (Some(ARMS[arm].to_owned()), Some(seed), Some(placed.protocol));
    let weights = lab.link(EdgeType::Evaluates, placed.checkpoints[&weights]);
    payload.suite = lab.said(suite).subjects[0].digest(DigestKind::File);
    payload.checkpoint = Some(weights.digest);
    payload.edges = vec![lab.link(EdgeType::EvaluatedWith, suite), weights];
    payload.edges.sort();
    lab.say(&payload)
}

fn record(rollout: &Rollout, of: &str) -> SampleRecord {
    let Rollout { condition, epoch, hit, .. } = rollout;
    let token = if *hit { "1" } else { "0" };
    let details = SampleDetails {
        source: FileDigest::of(format!("{of} {condition} {epoch} {token}").as_bytes()),
        input: None,
        completion: None,
        stop_reason: None,
        flags: 0,
    };
    // The other key of the same scorer finds more.
    let other = if *hit || epoch % 4 == 0 { "1" } else { "0" };
    let keys = [("verdict", token), ("harmful", other)];
    let keys = keys.into_iter().map(|(key, token)| (key.to_owned(), Score::of_token(token).unwrap()));
    SampleRecord {
        key: SampleKey { condition: Some((*condition).to_owned()), ..SampleKey::new(SampleId::Int(1), *epoch) },
        status: SampleStatus::Scored,
        scores: BTreeMap::from([("classifier".to_owned(), keys.collect())]),
        details: details.digest(),
    }
}

/// A study in a ledger.
pub(crate) struct ToldStudy {
    pub(crate) lab: Lab,
    pub(crate) claim: EntryIndex,
    pub(crate) placed: Placed,
}

impl ToldStudy {
    /// Honest evidence: the whole ledger, the claim and its protocol, and every sample.
    pub(crate) fn evidence(&self) -> Evidence {
        let all = (0..self.lab.entries.len() as u64).map(EntryIndex).collect();
        let mut evidence = self.lab.evidence_of(self.claim, EntryIndex(0), &all);
        let protocol = self.placed.protocol_entry;
        evidence.bodies.insert(0, (protocol, self.lab.bodies[&protocol].clone()));
        evidence.withheld = self.lab.withheld(&evidence);
        evidence
    }

    /// The same with every body and manifest shown.
    pub(crate) fn disclosed(&self) -> Evidence {
        let mut evidence = self.evidence();
        evidence.bodies = self.lab.bodies.clone().into_iter().collect();
        evidence.manifests = self.lab.manifests.values().cloned().collect();
        evidence.manifests.sort_by_key(|manifest| (manifest.kind, manifest.root));
        evidence.withheld = self.lab.withheld(&evidence);
        evidence
    }

    /// The verdict over such evidence, with a folder of artifacts at hand or none.
    pub(crate) fn assess_disclosed(&self, profile: Profile, folder: Option<&Path>) -> Assessment {
        let bytes = self.disclosed().to_bytes();
        reproledger::claim::assess(&bytes, Some(&self.lab.policy()), profile, |evidence| {
            let mut observed = observe(evidence, folder?, &Silent).unwrap();
            observed.replays = replay_recorded(evidence, folder?, &observed);
            observed.weights = observe_weights(evidence, folder?, &observed, &Silent);
            Some(observed)
        })
    }

    /// The verdict of a reader who pinned the lab's key.
    pub(crate) fn assess(&self, profile: Profile) -> Assessment {
        let bytes = self.evidence().to_bytes();
        reproledger::claim::assess(&bytes, Some(&self.lab.policy()), profile, |_| None)
    }
}
