//! `mix.composition`: is a mix made of the datasets it names, and of nothing else?

use crate::artifact::rows::{Composition, RowsetLeaf};
use crate::check::arms::{each, inputs};
use crate::check::corpus::made::{Sets, is_rederived, parents, stated_function};
use crate::check::understood::{ISSUERS_WORD, issuers};
use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &MixComposition;
const ID: &str = "mix.composition";

/// The function that puts rows together and changes none.
const MIX: &str = "mix/1";

struct MixComposition;

impl Check for MixComposition {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is each mix of training data made of the datasets it names, how many rows of which, and of nothing else?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match inputs(case, ID, &[Kind::Mix], None) {
            Ok(mixes) if mixes.is_empty() => {
                Finding::new(ID, Outcome::Unknown, "no mix of data is on record in any arm")
            }
            Ok(mixes) => {
                let sets = Sets::of(case);
                each(ID, mixes, |mix| judge(case, &sets, mix))
            }
            Err(finding) => *finding,
        }
    }
}

fn judge(case: &Case<'_>, sets: &Sets<'_>, mix: EntryIndex) -> Finding {
    let sources = parents(case, mix);
    if sources.is_empty() {
        let reason = "the mix names no dataset that went into it";
        return Finding::new(ID, Outcome::Unknown, reason)
            .at([mix])
            .next("ask the lab what was mixed (record mix --from)");
    }
    let of_sources = |view: &str| -> Option<Vec<Vec<RowsetLeaf>>> {
        sources
            .iter()
            .map(|source| sets.rows(*source).filter(|(other, _)| *other == view).map(|(_, rows)| rows))
            .collect()
    };
    let shown = sets.rows(mix).and_then(|(view, rows)| Some((rows, of_sources(view)?)));
    let Some((rows, of_sources)) = shown else {
        let reason = "the rows of the mix and of all its sources are not shown under one view";
        return Finding::new(ID, Outcome::Unknown, reason)
            .at([mix])
            .next("ask the lab to disclose them (prove --disclose)");
    };
    let made = Composition::of(&rows, &of_sources);
    let all: Vec<EntryIndex> = sources.iter().copied().chain([mix]).collect();
    let word = if is_rederived(case, &all) { "by rows taken again from the files" } else { ISSUERS_WORD };
    let parts: Vec<String> =
        sources.iter().zip(&made.of_one).map(|(source, rows)| format!("{rows} of entry {source}")).collect();
    let said = format!("of {} rows {}, {} of several", made.rows, parts.join(", "), made.of_several);
    let finding = match (made.of_none, contradiction(case, mix, &made)) {
        (_, Some((recorded, found))) => {
            Finding::new(ID, Outcome::Fail, "the counts recorded of the mix are not those of its rows")
                .sides(recorded, found)
        }
        (0, None) => Finding::new(ID, Outcome::Pass, format!("{said}, {word}")),
        (none, None) if stated_function(case, mix) == Some(MIX) => Finding::new(
            ID,
            Outcome::Fail,
            format!("{none} rows of the mix are in none of what it is said to be put together from by {MIX}, {word}"),
        ),
        (none, None) => {
            Finding::new(ID, Outcome::Differs, format!("{said}, and {none} rows that none of its sources has, {word}"))
        }
    };
    let left: u64 = made.left_out.iter().fold(0, |sum, left| sum.saturating_add(*left));
    let finding =
        if left > 0 { finding.note(format!("{left} rows of the sources are not in the mix")) } else { finding };
    let finding = match made.repeated {
        0 => finding,
        repeated => finding.note(format!("{repeated} rows stand in the mix more often than in its sources")),
    };
    finding.at(all)
}

/// The issuer counted the same when the mix was recorded.
fn contradiction(case: &Case<'_>, mix: EntryIndex, made: &Composition) -> Option<(String, String)> {
    let said = issuers(case, mix)?;
    let counted = [("from.none", made.of_none), ("from.several", made.of_several), ("rows", made.rows)];
    let differing = |(name, found): &(&str, u64)| said.counts.get(*name).is_some_and(|said| said != found);
    let (name, found) = counted.into_iter().find(differing)?;
    Some((format!("{name}: {}", said.counts[name]), format!("{name}: {found}")))
}
