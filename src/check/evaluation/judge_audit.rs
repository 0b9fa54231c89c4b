//! `judge.audit`: how far do the judge's own errors go, by what people found who read some of its verdicts again?
//!
//! An audit is a table that is recorded (`record other AUDIT.csv --map sample=…,score.judge=…,score.truth=… --from LOG`):
//! rows of the logs with the verdict that they carry there and what people found. It is held to the logs: a row that they
//! do not have, or another verdict, contradicts. The corrected rates take the audited rows of each verdict for a sample
//! of that verdict's rows in that arm, so that the judge may err differently in each arm.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::artifact::samples::{KeyView, Samples};
use crate::check::arms::escaped;
use crate::check::number::{arms, side_of};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Later, Number, Outcome, Role, Side};
use crate::digest::{DigestKind, ManifestRoot};
use crate::merkle::EntryIndex;
use crate::statement::{Claim, ContrastKind, Direction, EdgeType, Kind, Quantity, Relation};
use crate::stats::decimal::decimal_digits;
use crate::stats::judge_error::AuditError;
use crate::stats::{
    Answer, ArmAudit, Audited, AuditedArms, Flip, Level, Printed, Proportion, Sides, TippingPoint, TwoArms,
};

pub(in crate::check) const ENTRY: &dyn Check = &JudgeAudit;
const ID: &str = "judge.audit";

/// Names of the two scores of an audited row.
const JUDGE: &str = "judge";
const TRUTH: &str = "truth";

/// Confidence of the corrected rates.
const PERCENT: u8 = 95;

/// Audited rows that are read: people read thousands, and a million would be a second judge.
const MAX_AUDITED: u64 = 100_000;

struct JudgeAudit;

impl Check for JudgeAudit {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Did people read some of the judge's verdicts again, and does the result survive the errors that they found?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        let (_, number) = match case.number() {
            Ok(found) => found,
            Err(problem) => return no_number(ID, problem),
        };
        let Some(judge) = judge(case, claim) else {
            return Finding::new(ID, Outcome::NotApplicable, "the claim names no judge, and no log shows one");
        };
        let finding = judge_by(case, claim, number, &judge);
        tipping(claim, number).into_iter().fold(finding, Finding::note)
    }
}

/// Who judged, by the claim or else by its logs; none where there was no judge.
fn judge(case: &Case<'_>, claim: &Claim) -> Option<String> {
    let seen = || {
        let samples = case.inputs.iter().filter_map(|input| input.content.as_ref().ok());
        samples.flat_map(|samples| samples.facts.observed.iter().map(|model| model.model.as_str()))
    };
    let names: BTreeSet<&str> = match claim.judge.value() {
        Some(judge) => judge.observed_models.iter().map(String::as_str).collect(),
        None => seen().collect(),
    };
    let names: Vec<String> = names.into_iter().map(escaped).collect();
    (claim.judge.value().is_some() || !names.is_empty()).then(|| names.join(", "))
}

fn judge_by(case: &Case<'_>, claim: &Claim, number: &Number, judge: &str) -> Finding {
    let unknown = |reason: String| Finding::new(ID, Outcome::Unknown, reason);
    let audits = match Audits::of(case) {
        Ok(audits) => audits,
        Err(finding) => return *finding,
    };
    if audits.0.is_empty() {
        return unknown(format!("according to judge {judge}: nobody's reading of its verdicts again is recorded"))
            .next(
                "ask for an audit: some verdicts of each kind in each arm, read by people, recorded beside the logs",
            );
    }
    if claim.contrast.value().is_some_and(|contrast| contrast.in_distribution.value().is_some()) {
        return unknown(format!(
            "according to judge {judge}: what its errors do to a generalization gap is not computed by this version"
        ));
    }
    let entries: Vec<EntryIndex> = audits.0.iter().map(|(index, _)| *index).collect();
    let counts = match audits.counts(case, claim) {
        Ok(counts) => counts,
        Err(finding) => return finding.at(entries),
    };
    let of = |role: Role| -> Result<ArmAudit, String> {
        let rate = number.rate(role).ok_or("an arm has no rate")?;
        let found = rate.by_rollout.proportion().ok_or("the verdicts are not all 0 or 1")?;
        let [one, zero] = counts.get(&role).copied().unwrap_or_default();
        let of_kind = |verdicts, (audited, harmful)| Audited { verdicts, audited, harmful };
        ArmAudit::new(of_kind(found.k(), one), of_kind(found.n() - found.k(), zero)).map_err(|error| error.to_string())
    };
    let mut finding = match claim.comparator.value() {
        None => of(Role::Subject).map(|arm| one_arm(&arm, judge)),
        Some(_) => of(Role::Subject).and_then(|subject| {
            let arms = AuditedArms { subject, comparator: of(Role::Comparator)? };
            two_arms(claim, &arms, judge).map_err(|error| error.to_string())
        }),
    }
    .unwrap_or_else(unknown);
    for (role, label) in arms(claim) {
        finding = match of(role) {
            Ok(arm) => finding.note(format!("{}: {}", escaped(label), words(&arm))),
            Err(why) => finding.note(format!("{}: {why}", escaped(label))),
        };
    }
    finding.at(entries)
}

/// A number of one arm has nothing to be compared with: what the audit makes of it is told.
fn one_arm(arm: &ArmAudit, judge: &str) -> Finding {
    match arm.corrected() {
        Ok(corrected) => Finding::new(
            ID,
            Outcome::Pass,
            format!(
                "judge {judge} was audited: the rate it gives, {}, is corrected to {}",
                decimal_digits(&arm.observed().rate(), 4),
                decimal_digits(&corrected, 4)
            ),
        ),
        Err(error) => Finding::new(ID, Outcome::Unknown, error.to_string()),
    }
}

/// Whether the difference of the arms survives, in the direction in which the judge found it.
fn two_arms(claim: &Claim, arms: &AuditedArms, judge: &str) -> Result<Finding, AuditError> {
    let level = Level::percent(PERCENT, Sides::Two)?;
    let (corrected, interval) = (arms.difference()?, arms.interval(&level)?);
    let observed = arms.subject.observed().rate() - arms.comparator.observed().rate();
    let zero = BigRational::zero();
    let (same, other) = if observed.is_negative() {
        (interval.at_most(&zero), interval.at_least(&zero))
    } else {
        (interval.at_least(&zero), interval.at_most(&zero))
    };
    let shown = format!(
        "corrected for the errors found, subject minus comparator is {}, {} at {PERCENT}% (the judge finds {})",
        decimal_digits(&corrected, 4),
        interval.digits(4),
        decimal_digits(&observed, 4)
    );
    let (outcome, reason) = match (same, other) {
        _ if observed.is_zero() => (Outcome::Pass, format!("judge {judge} was audited: {shown}")),
        (Answer::Yes, _) => (Outcome::Pass, format!("the difference survives the audit of judge {judge}: {shown}")),
        (_, Answer::Yes) => (Outcome::Fail, format!("the difference is made by judge {judge}: {shown}")),
        _ => (Outcome::Unknown, format!("the errors of judge {judge} could make the difference: {shown}")),
    };
    let made = decimal_digits(&arms.made_by_the_judge()?, 4);
    let better = match claim.metric.direction {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    Ok(Finding::new(ID, outcome, reason).note(format!("{made} of the observed difference are the judge's ({better})")))
}

fn words(arm: &ArmAudit) -> String {
    let or = |found: Result<BigRational, AuditError>| {
        found.map_or_else(|error| error.to_string(), |v| decimal_digits(&v, 4))
    };
    let bounds = Level::percent(PERCENT, Sides::Two).map_err(AuditError::from).and_then(|level| arm.interval(&level));
    format!(
        "observed {}, corrected {} ({}), sensitivity {}, specificity {}",
        decimal_digits(&arm.observed().rate(), 4),
        or(arm.corrected()),
        bounds.map_or_else(|error| error.to_string(), |bounds| bounds.digits(4)),
        or(arm.sensitivity()),
        or(arm.specificity())
    )
}

/// How many verdicts must be wrong, and in which arm, before the pooled difference is no longer what is asserted of it.
fn tipping(claim: &Claim, number: &Number) -> Option<String> {
    let kind = claim.contrast.value()?.kind;
    let sign = match kind {
        ContrastKind::Difference => BigRational::one(),
        ContrastKind::Reduction => -BigRational::one(),
        _ => return None,
    };
    let pooled = |role| number.rate(role)?.by_rollout.proportion();
    let arms = TwoArms { subject: pooled(Role::Subject)?, comparator: pooled(Role::Comparator)? };
    let difference = |arms: &TwoArms| arms.subject.rate() - arms.comparator.rate();
    let asserted = claim.assertion.value().and_then(|assertion| {
        let term = assertion.terms.iter().find(|term| term.of == Quantity::Contrast)?;
        Some((term.is, Printed::parse(&term.bound).ok()?.value(), escaped(&term.bound)))
    });
    // Without an assertion: that there is a difference at all, and on this side.
    let is_below = (difference(&arms) * &sign).is_negative();
    let (is, bound, text) = asserted.unwrap_or_else(|| {
        (if is_below { Relation::AtMost } else { Relation::AtLeast }, BigRational::zero(), "0".to_owned())
    });
    let holds = |arms: &TwoArms| {
        let contrast = difference(arms) * &sign;
        match is {
            Relation::AtMost => contrast <= bound,
            Relation::AtLeast => contrast >= bound,
        }
    };
    // Which way a wrong verdict of the subject would tell against it.
    let way = if (is == Relation::AtMost) == sign.is_positive() { Flip::ToCounted } else { Flip::ToUncounted };
    let tipping = TippingPoint::of(&arms, way, holds);
    let flips = |count: Option<u64>, of: &Proportion, arm: &str| match count {
        Some(count) => format!("{count} of {} verdicts of the {arm}", of.n()),
        None => format!("no number of verdicts of the {arm}"),
    };
    Some(format!(
        "wrong verdicts that would bring the pooled {kind} across {text}: {}, or {}",
        flips(tipping.subject, &arms.subject, "subject"),
        flips(tipping.comparator, &arms.comparator, "comparator")
    ))
}

/// A rollout by its place: arm, seed, condition, sample, repetition.
type Place = (Role, Option<i64>, Option<String>, String, u64);

/// Audited and found to count, of rows with the verdict 1 and of those with 0.
type Counts = BTreeMap<Role, [(u64, u64); 2]>;

/// The audits in the evidence, each by its entry.
struct Audits<'a>(Vec<(EntryIndex, Samples<'a>)>);

impl<'a> Audits<'a> {
    /// Tables of samples that say they are of the claim's logs and were not taken back. All of them: who audits three
    /// times shows three audits.
    fn of(case: &Case<'a>) -> Result<Self, Box<Finding>> {
        let logs: BTreeSet<EntryIndex> = case.input_entries().collect();
        let later = Later::of(case.evidence);
        let mut audits = Vec::new();
        for (index, entry) in &case.evidence.entries {
            let payload = entry.payload();
            let is_of = |edge: &crate::statement::Edge| {
                edge.edge_type == EdgeType::DerivedFrom && edge.log.is_none() && logs.contains(&edge.seq)
            };
            let root = payload.subjects.iter().find_map(|subject| subject.digest(DigestKind::Samples));
            let Some(root) = root.filter(|_| payload.kind == Kind::Other && payload.edges.iter().any(is_of)) else {
                continue;
            };
            if later.retraction(*index).is_some() {
                continue;
            }
            let unknown = |reason: String| Finding::new(ID, Outcome::Unknown, reason).at([*index]);
            let key = (DigestKind::Samples, ManifestRoot::from_bytes(root.bytes));
            let Some(manifest) = case.evidence.manifests.get(&key) else {
                let reason = format!("the audit of entry {index} is recorded and not shown");
                return Err(Box::new(unknown(reason).withheld()));
            };
            let samples = Samples::read(manifest).map_err(|error| unknown(error.to_string()))?;
            if samples.count() > MAX_AUDITED {
                return Err(Box::new(unknown(format!("the audit of entry {index} has more than {MAX_AUDITED} rows"))));
            }
            audits.push((*index, samples));
        }
        Ok(Self(audits))
    }

    /// Audited rows by arm and verdict, each held to the logs.
    fn counts(&self, case: &Case<'_>, claim: &Claim) -> Result<Counts, Box<Finding>> {
        let unknown = |reason: String| Box::new(Finding::new(ID, Outcome::Unknown, reason));
        let fail = |reason: String| Box::new(Finding::new(ID, Outcome::Fail, reason));
        let mut open: BTreeMap<Place, (EntryIndex, Option<bool>, bool)> = BTreeMap::new();
        for (index, samples) in &self.0 {
            for record in samples.records() {
                let bit = |name: &str| record.score(name, "").and_then(|score| score.value()).map(|value| bit(&value));
                let Some(Some(truth)) = bit(TRUTH) else {
                    return Err(unknown(format!("a row of the audit of entry {index} has no `{TRUTH}` of 0 or 1")));
                };
                let said = bit(JUDGE).flatten();
                let Some(place) = place(claim, None, None, &record.key) else {
                    return Err(unknown(format!(
                        "a row of the audit of entry {index} does not say which arm it is of"
                    )));
                };
                let before = open.insert(place, (*index, said, truth));
                if before.is_some_and(|(_, _, other)| other != truth) {
                    return Err(unknown(
                        "those who audited do not agree on a row: which of them is right is not recorded".to_owned(),
                    ));
                }
            }
        }
        let (scorer, key) = (&claim.metric.scorer, claim.metric.key.value().map_or("", String::as_str));
        let mut counts = Counts::new();
        for input in case.inputs.iter().filter(|input| side_of(claim, &input.digest) == Side::Outside) {
            let seed = input.seed.and_then(|seed| i64::try_from(seed).ok());
            for record in input.content.iter().flat_map(Samples::records) {
                let Some(place) = place(claim, input.arm.as_deref(), seed, &record.key) else { continue };
                let Some((index, said, truth)) = open.remove(&place) else { continue };
                let verdict = record.score(scorer, key).and_then(|score| bit(&score.value()?));
                let Some(verdict) = verdict else {
                    return Err(unknown(format!("entry {index} audits a row whose verdict is neither 0 nor 1")));
                };
                if said.is_some_and(|said| said != verdict) {
                    return Err(fail(format!("the audit of entry {index} is of another verdict than the log has")));
                }
                let (audited, harmful) = &mut counts.entry(place.0).or_default()[usize::from(!verdict)];
                *audited += 1;
                *harmful += u64::from(truth);
            }
        }
        match open.first_key_value() {
            None => Ok(counts),
            Some((_, (index, ..))) => {
                Err(fail(format!("{} rows of the audit of entry {index} are in no log of the claim", open.len())))
            }
        }
    }
}

fn bit(value: &BigRational) -> Option<bool> {
    if value.is_zero() { Some(false) } else { value.is_one().then_some(true) }
}

/// Where a row stands: by what its log's entry says in the open, or else by its own key.
fn place(claim: &Claim, arm: Option<&str>, seed: Option<i64>, key: &KeyView<'_>) -> Option<Place> {
    let role = if claim.comparator.value().is_none() {
        Role::Subject
    } else {
        let label = arm.or(key.cell)?;
        arms(claim).find(|(_, known)| *known == label)?.0
    };
    let own = key.to_key();
    Some((role, seed.or(key.seed), own.condition, own.id.to_string(), key.epoch))
}
