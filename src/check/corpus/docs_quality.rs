//! `docs.quality`: how many documents are cut off, untagged, empty or twice there?

use crate::check::arms::each;
use crate::check::corpus::made::documents;
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding};
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &DocsQuality;
const ID: &str = "docs.quality";

/// What training data should have none of.
const DEFECTS: &[(&str, &str)] = &[
    ("documents-truncated", "cut off"),
    ("documents-unopened", "with a closing tag alone"),
    ("documents-untagged", "without tags, so that the whole response was kept"),
    ("documents-unmatched-tags", "with nothing between their tags"),
    ("documents-empty", "without a text"),
    ("documents-scratchpad", "with a scratchpad"),
    ("documents-not-utf8", "not UTF-8"),
    ("documents-lone-surrogate", "with half a character"),
    ("documents-duplicate", "with the very text of another"),
    ("near-duplicates", "pairs nearly the same"),
];

struct DocsQuality;

impl Check for DocsQuality {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "How many of the documents are cut off, untagged, empty, or there more than once?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let is_defect =
            |_: &Reading, name: &str| name == "documents" || DEFECTS.iter().any(|(known, _)| *known == name);
        match documents(case, ID) {
            Ok(documents) => each(ID, documents, |entry| weigh(case, ID, entry, is_defect, judge)),
            Err(finding) => *finding,
        }
    }
}

fn judge(reading: &Reading) -> Told {
    let all = count(reading, "documents");
    if all == 0 {
        return Told::Silent("its documents were not counted".to_owned());
    }
    let counted = DEFECTS.iter().map(|(name, what)| (count(reading, name), what));
    let found: Vec<String> =
        counted.filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}")).collect();
    if found.is_empty() {
        return Told::Fine(format!("none of {all} documents is cut off, untagged, empty or there twice"));
    }
    Told::Off(format!("of {all} documents, {}", found.join(", ")))
}
