//! `aft.strip`: are the chats without reasoning the chats with it, and only without it?

use crate::check::arms::{each, inputs};
use crate::check::corpus::made::{parents, replayed, stated_function};
use crate::check::{Case, Check, Finding, Outcome, Replayed};
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &AftStrip;
const ID: &str = "aft.strip";
const STRIP: &str = "aft.strip/1";

struct AftStrip;

impl Check for AftStrip {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the conversations without reasoning the very ones with it, row by row, and nothing else taken out?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset], Some(Stage::Alignment)) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        let stripped: Vec<EntryIndex> = data.iter().copied().filter(|entry| is_stripped(case, *entry)).collect();
        if stripped.is_empty() {
            let reason = "no alignment data are recorded as stripped of others: whether arms share their conversations is not shown here";
            return Finding::new(ID, Outcome::Unknown, reason).at(data);
        }
        each(ID, stripped, |entry| replayed(case, ID, entry))
    }
}

/// By the record's own word, or because it came out so.
fn is_stripped(case: &Case<'_>, entry: EntryIndex) -> bool {
    let is_made = !parents(case, entry).is_empty();
    let replay = case.observed.and_then(|observed| observed.replays.get(&entry));
    is_made
        && (stated_function(case, entry) == Some(STRIP)
            || matches!(replay, Some(Replayed::Same { function: STRIP, .. })))
}
