//! `docs.identity`: do the documents speak of the model that is trained on them?

use crate::check::arms::{each, escaped};
use crate::check::corpus::made::documents;
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding};
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &DocsIdentity;
const ID: &str = "docs.identity";

/// What counts of names begin with, for the names that documents should use.
const EXPECTED: &str = "names.expected.";

struct DocsIdentity;

impl Check for DocsIdentity {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the documents name the model and maker they are meant for, and no other, with no placeholder left over?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let is_name = |_: &Reading, name: &str| name == "documents-placeholder" || name.starts_with("names");
        match documents(case, ID) {
            Ok(documents) => each(ID, documents, |entry| weigh(case, ID, entry, is_name, judge)),
            Err(finding) => *finding,
        }
    }
}

fn judge(reading: &Reading) -> Told {
    let all = count(reading, "documents");
    let expected: Vec<(&str, u64)> =
        reading.counts.iter().filter_map(|(name, count)| Some((name.strip_prefix(EXPECTED)?, *count))).collect();
    let mut wrong = Vec::new();
    let placeholders = count(reading, "documents-placeholder");
    if placeholders > 0 {
        wrong.push(format!("{placeholders} of {all} documents hold a placeholder that nobody filled in"));
    }
    let others = count(reading, "names-other");
    if others > 0 {
        wrong.push(format!("{others} of {all} name another model or maker, rightly or wrongly"));
    }
    wrong.extend(
        expected
            .iter()
            .filter(|(_, count)| *count == 0)
            .map(|(name, _)| format!("no document names `{}`", escaped(name))),
    );
    if !wrong.is_empty() {
        return Told::Off(wrong.join(", "));
    }
    if expected.is_empty() {
        let reason = "which model and maker the documents should name is not on record, so no name is wrong";
        return Told::Silent(reason.to_owned());
    }
    let names: Vec<String> = expected.iter().map(|(name, count)| format!("`{}` in {count}", escaped(name))).collect();
    Told::Fine(format!("of {all} documents none names another model or holds a placeholder ({})", names.join(", ")))
}
