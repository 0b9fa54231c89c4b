//! `item.inclusion`: was each item in what was recorded?

use crate::check::{Case, Check, Finding, Outcome, Target};

pub(in crate::check) const ENTRY: &dyn Check = &ItemInclusion;
const ID: &str = "item.inclusion";

struct ItemInclusion;

impl Check for ItemInclusion {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is each item under the root that the entry commits to, at the place it is said to have?"
    }

    fn concerns(&self, target: Target) -> bool {
        target == Target::Items
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        // What is not under the root was refused before any check ran.
        let items = &case.evidence.items;
        if items.is_empty() {
            return Finding::new(ID, Outcome::Unknown, "no item is opened");
        }
        let kind =
            case.evidence.entries.get(&case.evidence.claim).map_or("artifact", |entry| entry.payload().kind.name());
        let many = if items.len() == 1 { "the item is".to_owned() } else { format!("all {} items are", items.len()) };
        let reason = format!("{many} in the {kind} that entry {} recorded", case.evidence.claim);
        Finding::new(ID, Outcome::Pass, reason).at([case.evidence.claim])
    }
}
