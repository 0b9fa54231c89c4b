//! `time.order`: is everything the claim rests on recorded before it, in the ledger's own order?

use crate::check::{Age, Case, Check, Finding, Outcome, Target};
use crate::statement::Kind;
use crate::verify::Voucher;

pub(in crate::check) const ENTRY: &dyn Check = &TimeOrder;
const ID: &str = "time.order";

struct TimeOrder;

impl Check for TimeOrder {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Was everything the claim rests on recorded before the claim, going by the ledger's order and not by clocks?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        // Links to a later entry were refused before a case could exist, and so were times that go back.
        let evidence = case.evidence;
        let steps: Vec<_> = evidence
            .entries
            .iter()
            .filter(|(_, entry)| entry.payload().kind == Kind::ClockStep)
            .map(|(index, _)| *index)
            .collect();
        if let Some(finding) = case.age.and_then(|age| aged(case, age)) {
            return finding;
        }
        let finding = Finding::new(
            ID,
            Outcome::Pass,
            "every entry the claim rests on stands before it in the ledger, and recorded times never go back",
        )
        .note("times are the lab's own clock; only an outside witness or timestamp bounds them");
        let finding = match case.age {
            Some(Age { most, gap, .. }) if most.is_some() || gap.is_some() => {
                finding.note("by the times that your witnesses gave, it is as fresh and as closely watched as you ask")
            }
            _ => finding,
        };
        match steps.len() {
            0 => finding,
            count => finding.note(format!("the lab's clock went back {count} times, as recorded")).at(steps),
        }
    }
}

/// Why the ledger was not seen as lately or as often as the reader asks.
///
/// Times are those that the reader's own witnesses gave; a head counts as seen when the first of them saw it, and as
/// fresh by the last.
fn aged(case: &Case<'_>, age: Age) -> Option<Finding> {
    let unknown = |reason: String| Some(Finding::new(ID, Outcome::Unknown, reason));
    let main = match &case.evidence.voucher {
        Voucher::Pinned { witnesses, .. } => witnesses.as_slice(),
        Voucher::None => &[],
    };
    let last = main.iter().map(|(_, time)| *time).max();
    if let (Some(last), true) = (last, age.most.is_some() || age.gap.is_some())
        && last > age.at
    {
        return unknown(format!("a witness saw the head {} after the time that you gave", span(last - age.at)));
    }
    if let Some(most) = age.most {
        let Some(last) = last else {
            return unknown("none of your witnesses saw this head: how old it is cannot be told".to_owned())
                .map(|finding| finding.next("ask the lab for a head that a witness of yours cosigned"));
        };
        let old = age.at.saturating_sub(last);
        if old > most {
            return unknown(format!("stale: this head was last seen {} ago, you ask for {}", span(old), span(most)))
                .map(|finding| finding.next("ask the lab for evidence under a newer head"));
        }
    }
    let most = age.gap?;
    let first = |witnesses: &[(String, u64)]| witnesses.iter().map(|(_, time)| *time).min();
    let anchors = case.evidence.anchors.iter().map(|anchor| (anchor.tree.size.0, first(&anchor.witnesses)));
    let heads = anchors.chain([(case.evidence.head.size.0, first(main))]);
    let seen: Vec<(u64, u64)> = heads.filter_map(|(size, time)| Some((size, time?))).collect();
    if seen.len() < 2 {
        return unknown(format!(
            "{} of the heads shown was seen by a witness of yours: how long nobody looked cannot be told",
            if seen.is_empty() { "none" } else { "one" }
        ))
        .map(|finding| finding.next("ask the lab for evidence with the heads that were seen in between"));
    }
    let widest = seen.windows(2).filter_map(|pair| {
        let [(from, one), (to, other)] = pair else { return None };
        Some((other.saturating_sub(*one), *from, *to))
    });
    let (gap, from, to) = widest.max()?;
    if gap <= most {
        return None;
    }
    unknown(format!(
        "nobody of yours looked for {} between the heads over {from} and {to} entries, you ask for {}",
        span(gap),
        span(most)
    ))
}

/// A time span in words.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
