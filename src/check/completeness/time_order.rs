//! `time.order`: is everything the claim rests on recorded before it, in the ledger's own order?

use crate::check::{Age, Case, Check, Finding, Outcome, Target};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};
use crate::verify::{VerifiedEntry, Voucher};

pub(in crate::check) const ENTRY: &dyn Check = &TimeOrder;
const ID: &str = "time.order";

/// By how many seconds clocks that are set from a network can be apart, with much room.
const CLOCKS_APART: u64 = 600;

/// 2026 began: no ledger of this format is older. Seconds since 1970.
const FIRST_LEDGER: u64 = 1_767_225_600;

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
        if let Some(finding) = seen_before(case).or_else(|| no_time_of_today(case)) {
            return finding;
        }
        if let Some(finding) = case.age.and_then(|age| to_come(case, age).or_else(|| aged(case, age))) {
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
        let finding = durations(case).into_iter().fold(finding, Finding::note);
        match steps.len() {
            0 => finding,
            count => finding.note(format!("the lab's clock went back {count} times, as recorded")).at(steps),
        }
    }
}

/// Every head that is shown, with the number of entries under it and the times at which witnesses of the reader's own
/// saw it, oldest first.
fn seen_heads<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (u64, &'c [(String, u64)])> {
    let main = match &case.evidence.voucher {
        Voucher::Pinned { witnesses, .. } => witnesses.as_slice(),
        Voucher::None => &[],
    };
    let anchors = case.evidence.anchors.iter().map(|anchor| (anchor.tree.size.0, anchor.witnesses.as_slice()));
    anchors.chain([(case.evidence.head.size.0, main)])
}

/// A head that was seen before an entry under it was recorded, by the lab's word: one of the two is not true, and only
/// the witness is somebody that the reader chose.
fn seen_before(case: &Case<'_>) -> Option<Finding> {
    seen_heads(case).find_map(|(size, witnesses)| {
        let (witness, seen) = witnesses.iter().min_by_key(|(_, time)| *time)?;
        // Times never go back, so the last entry is the newest.
        let (index, entry) = case.evidence.entries.range(..EntryIndex(size)).next_back()?;
        let recorded = entry.claims().issued_at;
        let early = recorded.checked_sub(*seen).filter(|early| *early > CLOCKS_APART)?;
        let reason = format!(
            "entry {index} says that it was recorded {} after \"{}\" saw it in the ledger",
            span(early),
            witness.escape_debug()
        );
        let finding = Finding::new(ID, Outcome::Fail, reason).at([*index]);
        Some(finding.sides(format!("seen {seen} s after 1970"), format!("recorded {recorded} s after 1970")))
    })
}

/// Entries from before there was such a ledger: the recorder's clock stood wrong, or in another unit or zone.
fn no_time_of_today(case: &Case<'_>) -> Option<Finding> {
    let is_early = |(index, entry): (&EntryIndex, &VerifiedEntry)| {
        (entry.claims().issued_at < FIRST_LEDGER).then_some((*index, entry.claims().issued_at))
    };
    let (index, recorded) = case.evidence.entries.iter().find_map(is_early)?;
    let reason = format!(
        "entry {index} is of a time before there were such ledgers ({recorded} seconds after 1970): when anything was \
         recorded is not known"
    );
    Some(Finding::new(ID, Outcome::Unknown, reason).at([index]).next("ask the lab which clock it recorded by"))
}

/// What is later than the reader's own clock: either clock can be the wrong one, so this contradicts nobody.
fn to_come(case: &Case<'_>, age: Age) -> Option<Finding> {
    let (index, entry) = case.evidence.entries.last_key_value()?;
    if let Some(ahead) = entry.claims().issued_at.checked_sub(age.at).filter(|ahead| *ahead > CLOCKS_APART) {
        let reason = format!("entry {index} says that it was recorded {} after the time that you gave", span(ahead));
        return Some(Finding::new(ID, Outcome::Unknown, reason).at([*index]));
    }
    let last = seen_heads(case).flat_map(|(_, witnesses)| witnesses).map(|(_, time)| *time).max()?;
    let ahead = last.checked_sub(age.at).filter(|ahead| *ahead > 0)?;
    let reason = format!("a witness saw the head {} after the time that you gave", span(ahead));
    Some(Finding::new(ID, Outcome::Unknown, reason))
}

/// How long the runs behind the weights took. How much was computed in that time nobody can tell from here: no machine is
/// named that a reader could hold it against, and nothing outside saw a run begin. So it is told and never judged.
fn durations(case: &Case<'_>) -> Option<String> {
    let entries = &case.evidence.entries;
    let time = |index: &EntryIndex| entries.get(index).map(|entry| entry.claims().issued_at);
    let ends = entries.iter().filter(|(_, entry)| entry.payload().kind == Kind::RunEnd);
    let took = ends.filter_map(|(end, entry)| {
        let started = entry.payload().edges.iter().find(|edge| edge.edge_type == EdgeType::Ends)?;
        time(end)?.checked_sub(time(&started.seq)?)
    });
    let took: Vec<u64> = took.collect();
    let (least, most) = (took.iter().min()?, took.iter().max()?);
    let took = match took.len() {
        1 => format!("1 run took {}", span(*most)),
        count => format!("{count} runs took from {} to {}", span(*least), span(*most)),
    };
    Some(format!("{took} by the lab's own clock; whether that is long enough for what was computed is not looked at"))
}

/// Why the ledger was not seen as lately or as often as the reader asks.
///
/// Times are those that the reader's own witnesses gave; a head counts as seen when the first of them saw it, and as
/// fresh by the last.
fn aged(case: &Case<'_>, age: Age) -> Option<Finding> {
    let unknown = |reason: String| Some(Finding::new(ID, Outcome::Unknown, reason));
    let last = seen_heads(case).last().and_then(|(_, main)| main.iter().map(|(_, time)| *time).max());
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
    let seen: Vec<(u64, u64)> =
        seen_heads(case).filter_map(|(size, witnesses)| Some((size, first(witnesses)?))).collect();
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
