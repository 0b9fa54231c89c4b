//! One of two claims: verified, and what of it can be compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Case, Number, Outcome, Role, audits};
use crate::claim::{Assessment, Profile, Reader, assess_seen};
use crate::digest::{Digest, DigestKind};
use crate::key::Policy;
use crate::statement::{Claim, EdgeType, Kind};
use crate::stats::ArmAudit;
use crate::verify::{VerifiedEntry, Voucher};

/// A claim that was verified, whatever that came to.
#[derive(Debug)]
pub struct Side {
    /// What verifying it came to.
    pub assessment: Assessment,
    /// What it shows; nothing where the evidence may not be believed, or hides its claim.
    pub shown: Option<Shown>,
}

/// What a claim shows to be compared.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The claim.
    pub claim: Claim,
    /// Its numbers by its own samples, or why there are none.
    pub number: Result<Number, String>,
    /// Specs on record.
    pub specs: BTreeSet<Digest>,
    /// Weights that each arm's logs evaluated, by their tensors where those were read.
    pub weights: BTreeMap<String, BTreeSet<Digest>>,
    /// Judges that were seen to answer.
    pub judges: BTreeSet<String>,
    /// What people found who read verdicts again, by arm; why that says nothing; none where nobody read any.
    pub audits: Option<Result<BTreeMap<Role, ArmAudit>, String>>,
}

impl Side {
    /// Verifies evidence and takes what can be compared.
    pub fn read(bytes: &[u8], trust: Option<&Policy>, profile: Profile) -> Self {
        let (assessment, shown) =
            assess_seen(bytes, &Reader { trust, ..Reader::default() }, profile, |_| None, Shown::of);
        Self { assessment, shown: shown.flatten() }
    }

    /// Whether somebody whom the reader trusts stands behind it.
    pub fn is_vouched(&self) -> bool {
        let evidence = self.assessment.evidence.as_ref();
        evidence.is_some_and(|evidence| matches!(evidence.voucher, Voucher::Pinned { .. }))
    }

    /// The first reason why it is not verified.
    pub fn first_reason(&self) -> &str {
        let of = |outcome| {
            let required = self.assessment.profile.required;
            let findings = self.assessment.findings.iter();
            let mut those = findings.filter(move |finding| {
                finding.outcome == outcome && (outcome == Outcome::Fail || required.contains(&finding.check))
            });
            those.next()
        };
        let found = of(Outcome::Fail).or_else(|| of(Outcome::Unknown)).or(self.assessment.findings.first());
        found.map_or("", |finding| finding.reason.lines().next().unwrap_or_default())
    }
}

impl Shown {
    fn of(case: &Case<'_>) -> Option<Self> {
        let claim = case.claim?.clone();
        let number = match case.number() {
            Ok((_, number)) => Ok(number.clone()),
            Err(problem) => Err(problem.to_string()),
        };
        let entries = &case.evidence.entries;
        let is_spec = |entry: &&VerifiedEntry| entry.payload().kind == Kind::Spec;
        let principal = |entry: &VerifiedEntry| {
            let (_, measure) = entry.payload().subjects.first()?.principal()?;
            measure.digests.first().copied()
        };
        let specs = entries.values().filter(is_spec).filter_map(principal).collect();
        let mut weights: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
        for input in &case.inputs {
            let Some(entry) = input.entry.and_then(|index| entries.get(&index)) else { continue };
            let arm = input.arm.clone().unwrap_or_else(|| claim.subject.arm.clone());
            for edge in entry.payload().edges.iter().filter(|edge| edge.edge_type == EdgeType::Evaluates) {
                let subjects = entries.get(&edge.seq).map(|target| &target.payload().subjects);
                let tensors =
                    subjects.and_then(|subjects| subjects.iter().find_map(|one| one.digest(DigestKind::Tensors)));
                weights.entry(arm.clone()).or_default().insert(tensors.unwrap_or(edge.digest));
            }
        }
        let judges = case.inputs.iter().filter_map(|input| input.content.as_ref().ok()).flat_map(|samples| {
            let facts = &samples.facts;
            let is_judge = |model: &&crate::artifact::samples::ObservedModel| {
                Some(&model.model) != facts.model.as_ref() || !model.role.is_empty()
            };
            facts.observed.iter().filter(is_judge).map(|model| model.model.clone()).collect::<Vec<_>>()
        });
        let judges = judges.collect();
        let audits = audits(case);
        Some(Self { claim, number, specs, weights, judges, audits })
    }
}
