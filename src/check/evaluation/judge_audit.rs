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
    Answer, ArmAudit, Audited, AuditedArms, AuditedTerm, Flip, Interval, Level, Printed, Proportion, Sides,
    TippingPoint, TwoArms, audited_sum,
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
    let entries: Vec<EntryIndex> = audits.0.iter().map(|(index, ..)| *index).collect();
    let counts = match audits.counts(case, claim) {
        Ok(counts) => counts,
        Err(finding) => return finding.at(entries),
    };
    let of = |role: Role, side: Side| arm_audit(number, &counts, role, side);
    let is_gap = claim.contrast.value().is_some_and(|contrast| contrast.in_distribution.value().is_some());
    let mut finding = if is_gap {
        gap(claim, &of, judge)
    } else if claim.comparator.value().is_none() {
        of(Role::Subject, Side::Outside).map(|arm| one_arm(&arm, judge))
    } else {
        of(Role::Subject, Side::Outside).and_then(|subject| {
            let arms = AuditedArms { subject, comparator: of(Role::Comparator, Side::Outside)? };
            two_arms(claim, &arms, judge).map_err(|error| error.to_string())
        })
    }
    .unwrap_or_else(unknown);
    let sides: &[(Side, &str)] = if is_gap {
        &[(Side::Inside, " in distribution"), (Side::Outside, " out of it")]
    } else {
        &[(Side::Outside, "")]
    };
    for ((role, label), (side, where_)) in arms(claim).flat_map(|arm| sides.iter().map(move |side| (arm, side))) {
        finding = match of(role, *side) {
            Ok(arm) => finding.note(format!("{}{where_}: {}", escaped(label), words(&arm))),
            Err(why) => finding.note(format!("{}{where_}: {why}", escaped(label))),
        };
    }
    finding.at(entries)
}

/// An arm's verdicts on one side, with what was read again of them.
fn arm_audit(number: &Number, counts: &Counts, role: Role, side: Side) -> Result<ArmAudit, String> {
    let rate = match side {
        Side::Inside => number.inside(role),
        Side::Outside => number.rate(role),
    };
    let found = rate.ok_or("an arm has no rate")?.by_rollout.proportion().ok_or("the verdicts are not all 0 or 1")?;
    let [one, zero] = counts.get(&(role, side)).copied().unwrap_or_default();
    let of_kind = |verdicts, (audited, harmful)| Audited { verdicts, audited, harmful };
    ArmAudit::new(of_kind(found.k(), one), of_kind(found.n() - found.k(), zero)).map_err(|error| error.to_string())
}

/// What people found who read an arm's verdicts again, of each arm that was read; none where nobody read any.
///
/// Rates out of distribution, or wherever the claim's own evaluation is.
pub fn audits(case: &Case<'_>) -> Option<Result<BTreeMap<Role, ArmAudit>, String>> {
    let (claim, number) = case.number().ok()?;
    let say = |finding: Box<Finding>| finding.reason;
    let audits = match Audits::of(case) {
        Ok(audits) if audits.0.is_empty() => return None,
        audits => audits.map_err(say),
    };
    let counts = audits.and_then(|audits| audits.counts(case, claim).map_err(say));
    Some(counts.and_then(|counts| {
        let of = |(role, _)| Ok((role, arm_audit(number, &counts, role, Side::Outside)?));
        arms(claim).map(of).collect()
    }))
}

/// Whether a smaller gap between in and out of distribution survives, each of the four rates corrected by itself.
fn gap(claim: &Claim, of: &dyn Fn(Role, Side) -> Result<ArmAudit, String>, judge: &str) -> Result<Finding, String> {
    let four = [
        (1, Role::Comparator, Side::Inside),
        (-1, Role::Comparator, Side::Outside),
        (-1, Role::Subject, Side::Inside),
        (1, Role::Subject, Side::Outside),
    ];
    // The gap of a rate of harm is the other way round: what is aligned is its complement.
    let sign = if claim.metric.direction == Direction::Higher { 1 } else { -1 };
    let audits = four.iter().map(|(factor, role, side)| Ok((sign * factor, of(*role, *side)?)));
    let audits = audits.collect::<Result<Vec<(i64, ArmAudit)>, String>>()?;
    let terms: Vec<AuditedTerm<'_>> =
        audits.iter().map(|(factor, audit)| AuditedTerm { factor: *factor, audit, over: None }).collect();
    let say = |error: AuditError| error.to_string();
    let level = Level::percent(PERCENT, Sides::Two).map_err(|error| error.to_string())?;
    let (corrected, interval) = audited_sum(&terms, &level).map_err(say)?;
    let weighted =
        |(factor, audit): &(i64, ArmAudit)| audit.observed().rate() * BigRational::from_integer((*factor).into());
    let observed = audits.iter().map(weighted).fold(BigRational::zero(), |sum, next| sum + next);
    let shown = format!(
        "corrected for the errors found, the gap shrinks by {}, {} at {PERCENT}% (the judge finds {})",
        decimal_digits(&corrected, 4),
        interval.digits(4),
        decimal_digits(&observed, 4)
    );
    Ok(survives(&observed, &interval, judge, "smaller gap", &shown))
}

/// What an audit makes of something that the judge found to lie on one side of 0.
fn survives(observed: &BigRational, interval: &Interval, judge: &str, what: &str, shown: &str) -> Finding {
    let zero = BigRational::zero();
    let (same, other) = if observed.is_negative() {
        (interval.at_most(&zero), interval.at_least(&zero))
    } else {
        (interval.at_least(&zero), interval.at_most(&zero))
    };
    let (outcome, reason) = match (same, other) {
        _ if observed.is_zero() => (Outcome::Pass, format!("judge {judge} was audited: {shown}")),
        (Answer::Yes, _) => (Outcome::Pass, format!("the {what} survives the audit of judge {judge}: {shown}")),
        (_, Answer::Yes) => (Outcome::Fail, format!("the {what} is made by judge {judge}: {shown}")),
        _ => (Outcome::Unknown, format!("the errors of judge {judge} could make the {what}: {shown}")),
    };
    Finding::new(ID, outcome, reason)
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
    let shown = format!(
        "corrected for the errors found, subject minus comparator is {}, {} at {PERCENT}% (the judge finds {})",
        decimal_digits(&corrected, 4),
        interval.digits(4),
        decimal_digits(&observed, 4)
    );
    let made = decimal_digits(&arms.made_by_the_judge()?, 4);
    let better = match claim.metric.direction {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    let finding = survives(&observed, &interval, judge, "difference", &shown);
    Ok(finding.note(format!("{made} of the observed difference are the judge's ({better})")))
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
    // Of an equivalence the side that the contrast lies on is the nearer one.
    let (at_most, bound) = match is {
        Relation::AtLeast => (false, bound),
        Relation::Within if is_below => (false, -bound),
        Relation::AtMost | Relation::Within => (true, bound),
    };
    let holds = |arms: &TwoArms| {
        let contrast = difference(arms) * &sign;
        if at_most { contrast <= bound } else { contrast >= bound }
    };
    // Which way a wrong verdict of the subject would tell against it.
    let way = if at_most == sign.is_positive() { Flip::ToCounted } else { Flip::ToUncounted };
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

/// An audited row: by which entry, what it says that the judge said, and what people found.
type Row = (EntryIndex, Option<bool>, bool);

/// Audited and found to count, of rows with the verdict 1 and of those with 0.
type Counts = BTreeMap<(Role, Side), [(u64, u64); 2]>;

/// The audits in the evidence, each by its entry, and the side whose logs it is of where that is one side alone.
struct Audits<'a>(Vec<(EntryIndex, Option<Side>, Samples<'a>)>);

impl<'a> Audits<'a> {
    /// Tables of samples that say they are of the claim's logs and were not taken back. All of them: who audits three
    /// times shows three audits.
    fn of(case: &Case<'a>) -> Result<Self, Box<Finding>> {
        let logs: BTreeSet<EntryIndex> = case.input_entries().collect();
        let Some(claim) = case.claim else { return Ok(Self(Vec::new())) };
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
            let of_logs = case.inputs.iter().filter(|input| {
                let is_linked = |log| payload.edges.iter().any(|edge| is_of(edge) && edge.seq == log);
                input.entry.is_some_and(is_linked)
            });
            let sides: BTreeSet<Side> = of_logs.map(|input| side_of(claim, &input.digest)).collect();
            let side = if sides.len() == 1 { sides.first().copied() } else { None };
            audits.push((*index, side, samples));
        }
        Ok(Self(audits))
    }

    /// Audited rows by arm and verdict, each held to the logs.
    fn counts(&self, case: &Case<'_>, claim: &Claim) -> Result<Counts, Box<Finding>> {
        let unknown = |reason: String| Box::new(Finding::new(ID, Outcome::Unknown, reason));
        let fail = |reason: String| Box::new(Finding::new(ID, Outcome::Fail, reason));
        let mut open: BTreeMap<(Option<Side>, Place), Row> = BTreeMap::new();
        for (index, side, samples) in &self.0 {
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
                let before = open.insert((*side, place), (*index, said, truth));
                if before.is_some_and(|(_, _, other)| other != truth) {
                    return Err(unknown(
                        "those who audited do not agree on a row: which of them is right is not recorded".to_owned(),
                    ));
                }
            }
        }
        let (scorer, key) = (&claim.metric.scorer, claim.metric.key.value().map_or("", String::as_str));
        let mut counts = Counts::new();
        let mut taken: BTreeSet<Place> = BTreeSet::new();
        for input in &case.inputs {
            let side = side_of(claim, &input.digest);
            let seed = input.seed.and_then(|seed| i64::try_from(seed).ok());
            for record in input.content.iter().flat_map(Samples::records) {
                let Some(place) = place(claim, input.arm.as_deref(), seed, &record.key) else { continue };
                if taken.contains(&place) {
                    return Err(unknown(
                        "an audited row stands in logs on both sides of the gap: the audit does not say which it is"
                            .to_owned(),
                    ));
                }
                let own = open.remove(&(Some(side), place.clone()));
                let of_either = || {
                    let found = open.remove(&(None, place.clone()));
                    taken.extend(found.is_some().then(|| place.clone()));
                    found
                };
                let Some((index, said, truth)) = own.or_else(of_either) else { continue };
                let verdict = record.score(scorer, key).and_then(|score| bit(&score.value()?));
                let Some(verdict) = verdict else {
                    return Err(unknown(format!("entry {index} audits a row whose verdict is neither 0 nor 1")));
                };
                if said.is_some_and(|said| said != verdict) {
                    return Err(fail(format!("the audit of entry {index} is of another verdict than the log has")));
                }
                let (audited, harmful) = &mut counts.entry((place.0, side)).or_default()[usize::from(!verdict)];
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
