//! From findings to the verdict, and from the verdict to the exit code.

use crate::check::{Age, Case, Finding, Observed, Outcome, Rebuilds, run_all};
use crate::claim::{Assurance, ITEM, Level, Profile};
use crate::codec::wire_enum;
use crate::evidence::Evidence;
use crate::key::{Parties, Policy};
use crate::stats::Nonce;
use crate::verify::{self, Class, Reject, VerifiedEvidence, Voucher};

wire_enum! {
    /// What is concluded. Only [`Verdict::Verified`] is a yes.
    pub enum Verdict, "a verdict" {
        /// Every required check passes, by keys that the reader pinned.
        Verified = 0 "VERIFIED",
        /// Recomputed, with a difference that the claim tolerates.
        Difference = 1 "RECOMPUTED-WITH-DIFFERENCE",
        /// Consistent, but what would decide it is kept back.
        Withheld = 2 "CONSISTENT-BUT-WITHHELD",
        /// It cannot be established from what is here.
        NotRecomputable = 3 "NOT-RECOMPUTABLE",
        /// Everything holds together, but nobody whom the reader trusts vouches for the keys.
        Unvouched = 4 "UNVOUCHED",
        /// Sound, but by a key that the reader did not pin.
        Untrusted = 5 "UNTRUSTED",
        /// Sound, but the reader's policy asks for more.
        Unmet = 6 "UNMET",
        /// It says something that this version does not know.
        Unsupported = 7 "UNSUPPORTED",
        /// Tampered with, or refuted.
        Contradicted = 8 "CONTRADICTED",
        /// It cannot be read as evidence.
        Unreadable = 9 "UNREADABLE",
    }
}

impl Verdict {
    /// 0 it holds, 1 it is contradicted, 2 unreadable, 3 not established.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Contradicted => 1,
            Self::Unreadable => 2,
            _ => 3,
        }
    }
}

/// Everything a report is made from.
#[derive(Debug)]
pub struct Assessment {
    /// The conclusion.
    pub verdict: Verdict,
    /// Outside sight: the least of all stages.
    pub level: Level,
    /// The same, stage by stage.
    pub assurance: Assurance,
    /// What others made again.
    pub rebuilds: Rebuilds,
    /// Under which profile.
    pub profile: Profile,
    /// What each check found. After a refusal of the evidence as a whole: that refusal alone.
    pub findings: Vec<Finding>,
    /// The evidence, if it may be believed at all; without it nothing it says is shown.
    pub evidence: Option<VerifiedEvidence<'static>>,
}

/// Verifies evidence and judges its claim. `look` sees the verified evidence and says what became of its artifacts.
pub fn assess(
    bytes: &[u8],
    trust: Option<&Policy>,
    profile: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
) -> Assessment {
    assess_as(bytes, &Reader { trust, ..Reader::default() }, profile, look)
}

/// What a reader brings along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reader<'a> {
    /// The policy that says whom to trust.
    pub trust: Option<&'a Policy>,
    /// A signed head of the ledger from before: what is shown now must extend it.
    pub held: Option<&'a [u8]>,
    /// What others signed of the claim, beside what the evidence carries.
    pub testimonies: &'a [Vec<u8>],
    /// Numbers that the lab could not choose, for what has to be drawn.
    pub nonce: Option<Nonce>,
    /// How old what somebody outside saw may be, by the reader's own clock.
    pub age: Option<Age>,
    /// Who is who, as the reader says.
    pub parties: Option<&'a Parties>,
}

/// The same for a reader who holds more than a policy.
pub fn assess_as(
    bytes: &[u8],
    reader: &Reader<'_>,
    profile: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
) -> Assessment {
    assess_seen(bytes, reader, profile, look, |_| ()).0
}

/// The same, and what `see` takes from the case; nothing where the evidence may not be believed.
pub fn assess_seen<T>(
    bytes: &[u8],
    reader: &Reader<'_>,
    profile: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
    see: impl FnOnce(&Case<'_>) -> T,
) -> (Assessment, Option<T>) {
    let verified = verify::evidence(bytes, reader.trust).and_then(|mut evidence| {
        reader.held.map(|held| verify::check_held(&evidence, held)).transpose()?;
        for (number, testimony) in reader.testimonies.iter().enumerate() {
            let refuse = |source| Reject::Brought { number, source: Box::new(source) };
            evidence.add_testimony(testimony).map_err(refuse)?;
        }
        Ok(evidence)
    });
    match verified {
        Err(reject) => (refused(&reject, profile), None),
        Ok(evidence) => {
            let observed = look(&evidence);
            let case = Case::new(&evidence, observed.as_ref()).drawing_from(reader.nonce).aged_by(reader.age);
            let case = case.with_parties(reader.parties);
            let findings = run_all(&case);
            let rebuilds = case.rebuilds().clone();
            let assurance = Assurance::of(&evidence, &findings, &rebuilds, case.target());
            let (level, verdict) = (assurance.headline(), judge(&findings, profile, &evidence));
            let seen = see(&case);
            drop(case);
            let evidence = Some(evidence.without_manifests());
            (Assessment { verdict, level, assurance, rebuilds, profile, findings, evidence }, Some(seen))
        }
    }
}

/// Verifies evidence and judges it under the profile of what it is about: the one that is chosen for a claim, or that of
/// the items it opens.
pub fn assess_any(
    bytes: &[u8],
    trust: Option<&Policy>,
    of_claims: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
) -> Assessment {
    assess_any_as(bytes, &Reader { trust, ..Reader::default() }, of_claims, look)
}

/// The same for a reader who holds more than a policy.
pub fn assess_any_as(
    bytes: &[u8],
    reader: &Reader<'_>,
    of_claims: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
) -> Assessment {
    assess_any_seen(bytes, reader, of_claims, look, |_| ()).0
}

/// The same, and what `see` takes from the case; nothing where the evidence may not be believed.
pub fn assess_any_seen<T>(
    bytes: &[u8],
    reader: &Reader<'_>,
    of_claims: Profile,
    look: impl FnOnce(&VerifiedEvidence<'_>) -> Option<Observed>,
    see: impl FnOnce(&Case<'_>) -> T,
) -> (Assessment, Option<T>) {
    // What it is about shows in the file before any of it is believed, and decides nothing but the questions asked.
    let opens_items = Evidence::parse(bytes).is_ok_and(|evidence| !evidence.openings.is_empty());
    assess_seen(bytes, reader, if opens_items { ITEM } else { of_claims }, look, see)
}

fn refused(reject: &Reject, profile: Profile) -> Assessment {
    let (verdict, outcome) = match reject.class() {
        Class::Malformed => (Verdict::Unreadable, Outcome::Fail),
        Class::Contradicted => (Verdict::Contradicted, Outcome::Fail),
        Class::Unsupported => (Verdict::Unsupported, Outcome::Unknown),
        Class::Untrusted => (Verdict::Untrusted, Outcome::Unknown),
        Class::Unmet => (Verdict::Unmet, Outcome::Unknown),
        Class::Missing => (Verdict::NotRecomputable, Outcome::Unknown),
    };
    let next = match reject.class() {
        Class::Malformed => "get the file again, from the lab itself; compare its BLAKE3 digest with theirs",
        Class::Contradicted => "do not rely on it; keep the file, it shows the contradiction",
        Class::Unsupported => "use a newer reproledger",
        Class::Untrusted => {
            "if you have the log's vkey from the lab by another way, add it to your policy as a `log` line"
        }
        Class::Unmet => "ask the lab for evidence with the cosignatures your policy asks for",
        Class::Missing => "ask the lab for complete evidence",
    };
    let finding = Finding::new(reject.check(), outcome, reject.to_string()).next(next);
    let (level, assurance, rebuilds) = (Level::L0, Assurance::none(), Rebuilds::default());
    Assessment { verdict, level, assurance, rebuilds, profile, findings: vec![finding], evidence: None }
}

pub(super) fn judge(findings: &[Finding], profile: Profile, evidence: &VerifiedEvidence<'_>) -> Verdict {
    // Any contradiction, of whatever check, is one.
    if findings.iter().any(|finding| finding.outcome == Outcome::Fail) {
        return Verdict::Contradicted;
    }
    let unvouched = evidence.voucher == Voucher::None;
    let mut verdict = Verdict::Verified;
    let mut unknown = false;
    let mut only_withheld = true;
    let mut something_holds = false;
    for id in profile.required {
        // A required check that did not run is a check that did not pass.
        let Some(finding) = findings.iter().find(|finding| finding.check == *id) else {
            unknown = true;
            only_withheld = false;
            continue;
        };
        match finding.outcome {
            Outcome::Pass => something_holds = true,
            Outcome::NotApplicable => {}
            Outcome::Differs => {
                something_holds = true;
                verdict = Verdict::Difference;
            }
            // That nobody vouches for the keys is a verdict of its own, below.
            Outcome::Unknown if unvouched && *id == "ledger.keys" => {}
            Outcome::Unknown | Outcome::Fail => {
                unknown = true;
                only_withheld &= finding.is_withheld;
            }
        }
    }
    match (unknown, unvouched) {
        (true, _) if only_withheld => Verdict::Withheld,
        (true, _) => Verdict::NotRecomputable,
        // Nothing against it, but nothing for it either: no yes without one thing that was looked at and holds.
        (false, _) if !something_holds => Verdict::NotRecomputable,
        (false, true) => Verdict::Unvouched,
        (false, false) => verdict,
    }
}
