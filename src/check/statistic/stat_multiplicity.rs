//! `stat.multiplicity`: does the assertion still hold when the error rate is shared among all that was tried?
//!
//! Of twenty tests at 5 % one succeeds by chance. The rate is shared among the contrasts of the family that the protocol
//! names, and among all looks that the census shows: other protocols for the same evaluation, evaluations that were run
//! again, claims beyond those that were promised. What was never recorded is in no census.

use num_rational::BigRational;

use crate::check::arms::{escaped, join};
use crate::check::completeness::attempts_all::times_again;
use crate::check::frame::claim_prereg::{Planned, cited, planned, rivals};
use crate::check::number::{metrics, shown_inputs};
use crate::check::statistic::drawing::NoBounds;
use crate::check::statistic::interval::{bounds_at, confidence, estimate, level};
use crate::check::statistic::stat_assertion::{decide, said, shown, unknown};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, Number, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::{
    Claim, ContrastKind, Correction, EdgeType, IntervalTarget, Kind, PlannedContrast, Protocol, Quantity, Relation,
    Term,
};
use crate::stats::decimal::decimal_digits;
use crate::stats::{Alternative, Decision, Enclosure, Family, Level, Printed};

pub(in crate::check) const ENTRY: &dyn Check = &StatMultiplicity;
const ID: &str = "stat.multiplicity";

/// Scores that are counted where no protocol says which was to be looked at.
const MAX_METRICS: usize = 100;
const LOOKED_AT: usize = 1000;

struct StatMultiplicity;

impl Check for StatMultiplicity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does what is asserted still hold when its error rate is shared among all tests and looks that were made?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        let Some(assertion) = claim.assertion.value() else {
            return Finding::new(
                ID,
                Outcome::NotApplicable,
                "the claim asserts nothing: there is no threshold to adjust",
            );
        };
        let (_, number) = match case.number() {
            Ok(found) => found,
            Err(problem) => return no_number(ID, problem),
        };
        let Some(protocol) = cited(case) else { return unplanned(case) };
        let Some(planned) = planned(claim, protocol) else {
            return Finding::new(ID, Outcome::Unknown, "exploratory: the claim's contrast is none that was promised");
        };
        if case.evidence.census_first > EntryIndex(1) {
            let first = case.evidence.census_first;
            let reason =
                format!("the census begins at entry {first}: how often somebody looked before it is not shown");
            return Finding::new(ID, Outcome::Unknown, reason).next("ask the lab for evidence with the whole census");
        }
        let looks = Looks::of(case, claim, protocol);
        let shared = match Shared::of(&planned, protocol, &looks) {
            Ok(shared) => shared,
            Err(reason) => return Finding::new(ID, Outcome::Unknown, reason),
        };
        let terms = assertion.terms.iter();
        let parts = terms.map(|term| (said(term), judge_term(case, number, term, &shared))).collect();
        let finding = join(ID, parts).note(shared.words()).at(case.input_entries());
        let finding = match protocol.families.len() {
            families @ 2.. if planned.family.is_some() => finding.warn(format!(
                "the protocol has {families} families, each at an error rate of its own: what holds in one of them by chance is as many times likelier"
            )),
            _ => finding,
        };
        looks.words().into_iter().fold(finding, Finding::note)
    }
}

/// A claim without a protocol: how much was tried beside it can only be guessed at from its logs.
fn unplanned(case: &Case<'_>) -> Finding {
    let scores = shown_inputs(case).map_or(0, |inputs| metrics(&inputs, MAX_METRICS, LOOKED_AT).len());
    Finding::new(ID, Outcome::Unknown, "exploratory: no protocol names the tests that share the error rate")
        .note(format!("the logs hold {scores} scores, of which the claim is about one"))
        .next("a study whose protocol names its contrasts before the first score")
}

/// How often somebody looked, as the census shows it.
struct Looks {
    rivals: u64,
    again: u64,
    claims: u64,
}

impl Looks {
    fn of(case: &Case<'_>, claim: &Claim, protocol: &Protocol) -> Self {
        let promised = 1 + protocol.families.iter().map(|family| family.contrasts.len() as u64).sum::<u64>();
        Self {
            rivals: rivals(case).len() as u64,
            again: times_again(case, claim),
            claims: claims(case).saturating_sub(promised),
        }
    }

    fn all(&self) -> u64 {
        1 + self.rivals + self.again + self.claims
    }

    fn words(&self) -> Vec<String> {
        let said = [
            (self.rivals, "other protocols for the same evaluation stand in the ledger: each is a look"),
            (self.again, "evaluations of a seed were made beside the one that is used: each is a look"),
            (self.claims, "claims on these logs stand in the ledger beyond those that were promised: each is a look"),
        ];
        said.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// Claims in the census that rest on a log of this one, and are not replaced by another: this one included.
fn claims(case: &Case<'_>) -> u64 {
    let logs: std::collections::BTreeSet<EntryIndex> = case.input_entries().collect();
    let entries = || case.evidence.entries.iter().filter(|(_, entry)| entry.payload().kind == Kind::Claim);
    let points = |edge_type: EdgeType| {
        entries().flat_map(move |(index, entry)| {
            let edges = entry.payload().edges.iter().filter(move |edge| edge.edge_type == edge_type);
            edges.map(move |edge| (*index, edge.seq))
        })
    };
    let replaced: std::collections::BTreeSet<EntryIndex> = points(EdgeType::Supersedes).map(|(_, old)| old).collect();
    let resting = points(EdgeType::Supports).filter(|(_, log)| logs.contains(log)).map(|(claim, _)| claim);
    resting.filter(|claim| !replaced.contains(claim)).collect::<std::collections::BTreeSet<_>>().len() as u64
}

/// An error rate and among how many it is shared.
struct Shared<'p> {
    family: String,
    correction: Correction,
    contrasts: Vec<&'p PlannedContrast>,
    /// Which of them the claim is about.
    own: usize,
    looks: u64,
    alpha: BigRational,
}

impl<'p> Shared<'p> {
    fn of(planned: &Planned<'p>, protocol: &Protocol, looks: &Looks) -> Result<Self, String> {
        let alpha = Printed::parse(&protocol.alpha).map_err(|error| error.to_string())?;
        let (family, correction, contrasts) = match planned.family {
            None => ("primary contrast".to_owned(), Correction::Bonferroni, vec![planned.contrast]),
            Some(family) => (escaped(&family.name), family.correction, family.contrasts.iter().collect::<Vec<_>>()),
        };
        if correction == Correction::Uncorrected {
            let reason = format!("the family `{family}` was promised without a correction: none of it is confirmatory");
            return Err(reason);
        }
        let own = contrasts.iter().position(|of| std::ptr::eq(*of, planned.contrast)).unwrap_or(0);
        Ok(Self { family, correction, contrasts, own, looks: looks.all(), alpha: alpha.value() })
    }

    fn tests(&self) -> u64 {
        self.contrasts.len() as u64
    }

    fn words(&self) -> String {
        let comparisons = self.tests().saturating_mul(self.looks);
        format!(
            "{}: {} and {} share {} by {}: {} for each, at least",
            self.family,
            counted(self.tests(), "test"),
            counted(self.looks, "look"),
            percent(&self.alpha),
            self.correction,
            percent(&(&self.alpha / BigRational::from_integer(comparisons.into())))
        )
    }

    /// The level of one of so many statements.
    fn level(&self, own: &Level, among: u64) -> Result<Level, String> {
        let alpha = own.alpha().min(&self.alpha) / BigRational::from_integer(among.into());
        let confidence = BigRational::from_integer(1.into()) - alpha;
        Level::new(confidence, own.sides()).map_err(|error| error.to_string())
    }
}

fn judge_term(case: &Case<'_>, number: &Number, term: &Term, shared: &Shared<'_>) -> Finding {
    if term.by.target == IntervalTarget::Conditions {
        let reason = "exploratory: what is asserted of new conditions confirms nothing, by whatever share of the rate";
        return Finding::new(ID, Outcome::Unknown, reason);
    }
    let Some(claim) = case.claim else { return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed") };
    let judged = || -> Result<Finding, NoBounds> {
        let own = level(&term.by)?;
        let bound = Printed::parse(&term.bound).map_err(|error| error.to_string())?.value();
        let strict = shared.level(&own, shared.tests().saturating_mul(shared.looks))?;
        let at = |level: &Level| {
            bounds_at(claim, number, term.of, &term.by, level, case.drawing()).map(|found| found.bounds)
        };
        let found = at(&strict)?;
        let interval = format!(
            "at the adjusted {} the interval is {}",
            confidence(&strict),
            shown(found.low.as_ref(), found.high.as_ref())
        );
        let decided = decide(term.is, &found, &bound);
        let (outcome, reason) = match decided {
            Decision::Holds => (Outcome::Pass, format!("holds: {interval}")),
            // What is refuted without any adjustment is for `stat.assertion` to say.
            Decision::DoesNotHold | Decision::CannotBeDecided => {
                let last = shared.level(&own, shared.looks)?;
                let may_hold =
                    shared.correction == Correction::Holm && decide(term.is, &at(&last)?, &bound) == Decision::Holds;
                let why = if may_hold {
                    "whether it holds depends on the other tests of its family"
                } else {
                    "cannot be decided at this n"
                };
                (Outcome::Unknown, format!("{why}: {interval}"))
            }
        };
        let finding = Finding::new(ID, outcome, reason);
        Ok(adjusted(claim, number, term, &bound, shared).into_iter().fold(finding, Finding::note))
    };
    judged().unwrap_or_else(|none| unknown(ID, none))
}

/// The probability of the term by itself and adjusted, to show; the intervals decide.
fn adjusted(claim: &Claim, number: &Number, term: &Term, bound: &BigRational, shared: &Shared<'_>) -> Option<String> {
    if term.of != Quantity::Contrast || term.by.target != IntervalTarget::Seeds {
        return None;
    }
    let found = estimate(claim, number, term.of, term.by.method).ok()?;
    let p = match term.is {
        Relation::AtMost => found.p_value(bound, Alternative::Less)?,
        Relation::AtLeast => found.p_value(bound, Alternative::Greater)?,
        // The larger of the two: both have to hold.
        Relation::Within => found.p_value(bound, Alternative::Less)?.max(found.p_value(&-bound, Alternative::Greater)?),
    };
    let p = if term.by.sides == crate::statement::Sides::Two { (2.0 * p).min(1.0) } else { p };
    // A float of the nearest probability, wide enough for its last digits.
    let own = Enclosure::between_floats(p * (1.0 - 1e-9), (p * (1.0 + 1e-9)).min(1.0))?;
    let name = |at: usize| shared.contrasts.get(at).map(|of| format!("{}: {}", at + 1, test(of.kind, &of.subject)));
    let tests = (0..shared.contrasts.len()).filter_map(|at| {
        // Of tests on other arms nothing is known here but that they have a probability.
        Some((name(at)?, if at == shared.own { own.clone() } else { Enclosure::unit() }))
    });
    let family = Family::new(&shared.family, shared.looks, tests).ok()?;
    let own_name = name(shared.own)?;
    let (holm, bonferroni) = (family.holm(), family.bonferroni());
    let (holm, bonferroni) = (holm.get(own_name.as_str())?, bonferroni.get(own_name.as_str())?);
    let between = if shared.contrasts.len() > 1 {
        format!("{} to {}", holm.digits_below(4), holm.digits_above(4))
    } else {
        holm.digits_above(4)
    };
    Some(format!("p = {}; by Bonferroni {}, by Holm {between}", own.digits_above(4), bonferroni.digits_above(4)))
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn test(kind: ContrastKind, subject: &str) -> String {
    format!("{kind} of {}", escaped(subject))
}

fn percent(share: &BigRational) -> String {
    format!(
        "{}%",
        decimal_digits(&(share * BigRational::from_integer(100.into())), 4).trim_end_matches('0').trim_end_matches('.')
    )
}
