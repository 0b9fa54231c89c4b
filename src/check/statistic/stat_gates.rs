//! `stat.gates`: are the conditions met without which the protocol calls a result uninformative?

use crate::check::arms::{escaped, join};
use crate::check::frame::claim_prereg;
use crate::check::number::{arms, name, shown_inputs};
use crate::check::statistic::stat_recompute::no_number;
use crate::check::{Case, Check, Finding, InputSamples, Number, Outcome, Side};
use crate::statement::{Claim, Gate, Protocol, Relation};
use crate::stats::Printed;
use crate::stats::decimal::decimal_digits;

pub(in crate::check) const ENTRY: &dyn Check = &StatGates;
const ID: &str = "stat.gates";

/// Gates that are computed: each is a pass over all samples.
pub const MAX_GATES: usize = 16;

/// Over more samples gates are not computed.
const MAX_SAMPLES: u64 = 500_000;

struct StatGates;

impl Check for StatGates {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the conditions met that the protocol set, without which the result says nothing either way?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let Some(claim) = case.claim else {
            return Finding::new(ID, Outcome::Unknown, "the claim is not disclosed").withheld();
        };
        if claim.plan.value().is_none() {
            return Finding::new(ID, Outcome::NotApplicable, "the claim cites no protocol that could set conditions");
        }
        let Some(protocol) = claim_prereg::cited(case) else {
            return Finding::new(ID, Outcome::Unknown, "the protocol that the claim cites is not disclosed").withheld();
        };
        if protocol.gates.is_empty() {
            return Finding::new(ID, Outcome::NotApplicable, "the protocol sets no condition on another score");
        }
        match shown_inputs(case) {
            Ok(inputs) => judge(claim, protocol, &inputs).at(case.input_entries()),
            Err(problem) => no_number(ID, &problem),
        }
    }
}

/// The gates that a claim's protocol fixed before the first score; none where that is not shown.
pub(super) fn promised<'c>(case: &'c Case<'_>) -> &'c [Gate] {
    match claim_prereg::cited(case) {
        Some(protocol) if claim_prereg::judge(case).outcome == Outcome::Pass => &protocol.gates,
        _ => &[],
    }
}

fn judge(claim: &Claim, protocol: &Protocol, inputs: &[InputSamples<'_, '_>]) -> Finding {
    let samples: u64 = inputs.iter().map(|input| input.samples.count()).sum();
    if samples > MAX_SAMPLES || protocol.gates.len() > MAX_GATES {
        let reason = format!("{} conditions over {samples} samples were not computed", protocol.gates.len());
        return Finding::new(ID, Outcome::Unknown, reason);
    }
    let mut parts: Vec<_> = protocol.gates.iter().map(|gate| (said(gate), of_gate(claim, gate, inputs))).collect();
    if let [(gate, only)] = parts.as_mut_slice() {
        only.reason = format!("{gate}: {}", only.reason);
    }
    join(ID, parts)
}

fn said(gate: &Gate) -> String {
    let score = name(&gate.scorer, gate.key.value().map_or("", String::as_str));
    format!("`{}` {} {}", escaped(&score), gate.is, escaped(&gate.bound))
}

fn of_gate(claim: &Claim, gate: &Gate, inputs: &[InputSamples<'_, '_>]) -> Finding {
    let bound = match Printed::parse(&gate.bound) {
        Ok(bound) => bound.value(),
        Err(error) => return Finding::new(ID, Outcome::Unknown, error.to_string()),
    };
    let key = gate.key.value().map_or("", String::as_str);
    let number = match Number::scored_by(claim, inputs, &gate.scorer, key) {
        Ok(number) => number,
        Err(problem) => return no_number(ID, &problem),
    };
    let (mut met, mut unmet) = (Vec::new(), Vec::new());
    let sides = arms(claim)
        .flat_map(|(role, label)| [(role, Side::Outside, label, ""), (role, Side::Inside, label, " in distribution")]);
    for (role, side, label, what) in sides {
        let Some(rate) = number.on(role, side) else { continue };
        let holds = match gate.is {
            Relation::AtLeast => rate.value >= bound,
            Relation::AtMost => rate.value <= bound,
            Relation::Within => {
                let reason = "a condition on a rate is `at-most` or `at-least`: `within` is of two arms";
                return Finding::new(ID, Outcome::Unknown, reason);
            }
        };
        let of = if holds { &mut met } else { &mut unmet };
        of.push(format!("{}{what} {}", escaped(label), decimal_digits(&rate.value, 6)));
    }
    if unmet.is_empty() {
        return Finding::new(ID, Outcome::Pass, format!("met: {}", met.join(", ")));
    }
    let unmet = unmet.join(", ");
    if claim.assertion.value().is_some() {
        let reason = format!("not met ({unmet}), and the claim asserts what its protocol then calls uninformative");
        return Finding::new(ID, Outcome::Fail, reason);
    }
    let reason = format!("not met ({unmet}): by its protocol the result is uninformative, whatever its interval");
    Finding::new(ID, Outcome::Differs, reason)
}
