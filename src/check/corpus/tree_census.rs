//! `tree.census`: is every planned document there, and none that nobody planned?

use std::collections::BTreeSet;

use crate::check::arms::each;
use crate::check::corpus::made::{documents, receipts};
use crate::check::understood::{Told, best, count, weigh};
use crate::check::{Case, Check, Finding};
use crate::merkle::EntryIndex;
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &TreeCensus;
const ID: &str = "tree.census";

/// What a tree in good order has none of, beside ideas without a document.
const ODD: &[(&str, &str)] = &[
    ("documents-without-idea", "documents that nobody planned"),
    ("ideas-colliding", "ideas that share a file with another"),
    ("plans-unreadable", "plans that cannot be read"),
    ("domains-missing", "planned domains without a folder"),
    ("domains-unplanned", "domains in no plan"),
    ("domains-colliding", "domains that share a folder"),
    ("subdomains-missing", "planned subdomains without a folder"),
    ("subdomains-unplanned", "subdomains in no plan"),
    ("subdomains-colliding", "subdomains that share a folder"),
    ("doc-types-missing", "planned document types without a folder"),
    ("doc-types-unplanned", "document types in no plan"),
    ("doc-types-colliding", "document types that share a folder"),
];

struct TreeCensus;

impl Check for TreeCensus {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every planned document there or recorded as failed, and is none there that nobody planned?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        match documents(case, ID) {
            Ok(documents) => {
                let receipts = receipts(case);
                each(ID, documents, |entry| of_documents(case, entry, receipts.get(&entry)))
            }
            Err(finding) => *finding,
        }
    }
}

fn of_documents(case: &Case<'_>, documents: EntryIndex, receipts: Option<&BTreeSet<EntryIndex>>) -> Finding {
    let failed = receipts.into_iter().flatten().filter_map(|receipts| best(case, *receipts));
    let failed = failed.fold(0_u64, |sum, reading| sum.saturating_add(count(reading, "failed")));
    let is_of_census =
        |name: &str| name == "documents" || name.starts_with("ideas") || ODD.iter().any(|(known, _)| *known == name);
    let finding = weigh(case, ID, documents, |_, name| is_of_census(name), |reading| judge(reading, failed));
    let older = best(case, documents).map_or(0, |reading| count(reading, "documents-older"));
    if older == 0 {
        return finding;
    }
    finding.note(format!("{older} documents are older than the rendering, by the times of files, which anyone can set"))
}

fn judge(reading: &Reading, failed: u64) -> Told {
    if !reading.counts.contains_key("ideas.planned") {
        return Told::Silent(
            "the documents lie in no generator's tree: which of them were planned is not known".to_owned(),
        );
    }
    let (planned, there) = (count(reading, "ideas.planned"), count(reading, "documents"));
    let (missing, stray) = (count(reading, "ideas-without-document"), count(reading, "documents-without-idea"));
    let colliding = count(reading, "ideas-colliding");
    if planned.saturating_add(stray) != there.saturating_add(missing).saturating_add(colliding) {
        return Told::Against(format!(
            "the counts do not add up: {planned} planned, {there} there, {missing} missing, {colliding} sharing a file, {stray} unplanned"
        ));
    }
    let mut odd: Vec<String> = Vec::new();
    if missing > failed {
        odd.push(format!("planned ideas without a document: {missing}, and calls recorded as failed: {failed}"));
    }
    let counted = ODD.iter().map(|(name, what)| (count(reading, name), what));
    odd.extend(counted.filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}")));
    if !odd.is_empty() {
        return Told::Off(format!("of {planned} planned documents {there} are there; {}", odd.join(", ")));
    }
    match missing {
        0 => Told::Fine(format!("all {planned} planned documents are there, and no others")),
        missing => Told::Fine(format!(
            "of {planned} planned documents {there} are there, and {missing} are recorded as failed"
        )),
    }
}
