//! `item.content`: are the item's bytes the ones that its leaf names?

use crate::artifact::item::Holds;
use crate::check::{ArtifactSeen, Case, Check, Finding, Outcome, Target};
use crate::verify::VerifiedItem;

pub(in crate::check) const ENTRY: &dyn Check = &ItemContent;
const ID: &str = "item.content";

struct ItemContent;

impl Check for ItemContent {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Are the bytes of each item, in the evidence or in the reader's hands, the ones that its leaf names?"
    }

    fn concerns(&self, target: Target) -> bool {
        target == Target::Items
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let items = &case.evidence.items;
        let (mut notes, mut unseen) = (Vec::new(), 0);
        for (at, item) in items.iter().enumerate() {
            let key = item.item.key.escape_debug();
            let seen = case.observed.and_then(|observed| observed.items.get(&at));
            match seen {
                Some(ArtifactSeen::Differs { path, recorded, found }) => {
                    let reason = format!("`{}` is not the \"{key}\" that was recorded", path.escape_debug());
                    return Finding::new(ID, Outcome::Fail, reason)
                        .sides(recorded.to_string(), found.to_string())
                        .at([item.entry]);
                }
                Some(ArtifactSeen::Equal { path }) => {
                    notes.push(format!("\"{key}\" is `{}`, unchanged", path.escape_debug()));
                }
                _ if item.content.is_some() => notes.extend(shown(item)),
                _ => unseen += 1,
            }
        }
        // Bytes that somebody cut out of a line were recorded as an item all the same, and a reader should know.
        let is_cut = |item: &&VerifiedItem| item.content.as_ref().is_some_and(|content| content.is_line == Some(false));
        let cut = items.iter().filter(is_cut).count();
        let finding = if items.is_empty() || unseen > 0 {
            let reason = format!("the bytes of {unseen} of {} items are not shown", items.len());
            let next = if items.iter().all(|item| matches!(item.item.holds, Holds::Bytes(_))) {
                "pass the item as a file, or the folder that holds it, with --artifacts"
            } else {
                "ask for evidence that shows the item's bytes (prove --item … --content)"
            };
            Finding::new(ID, Outcome::Unknown, reason).next(next)
        } else if cut > 0 {
            Finding::new(
                ID,
                Outcome::Unknown,
                format!("{cut} of {} items are no whole line of their file", items.len()),
            )
        } else {
            Finding::new(ID, Outcome::Pass, "the bytes are the ones that were recorded")
        };
        notes.truncate(20);
        notes.into_iter().fold(finding, Finding::note).at([case.evidence.claim])
    }
}

fn shown(item: &VerifiedItem) -> Option<String> {
    let content = item.content.as_ref()?;
    let key = item.item.key.escape_debug();
    let whole = match content.is_line {
        Some(true) => ", one whole line",
        Some(false) => ", not a whole line",
        None => "",
    };
    let file = content.file.as_ref().map(|file| format!(" of `{}`", file.escape_debug())).unwrap_or_default();
    Some(format!("\"{key}\": {} bytes ({}{file}{whole}), blake3:{}", content.length, content.what, content.digest))
}
