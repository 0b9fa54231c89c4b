//! `gen.receipts`: is every document accounted for by one call, to the model that was asked?

use std::collections::BTreeSet;

use crate::check::arms::each;
use crate::check::corpus::made::{documents, receipts, stated};
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::merkle::EntryIndex;
use crate::statement::Reading;

pub(in crate::check) const ENTRY: &dyn Check = &GenReceipts;
const ID: &str = "gen.receipts";

/// What keeps calls and documents from being one to one, or the calls from being what was asked for.
const ODD: &[(&str, &str)] = &[
    ("documents-without-receipt", "documents that no receipt accounts for"),
    ("receipts-without-document", "receipts of no document"),
    ("receipts-again", "receipts of a document that another accounts for"),
    ("request-ids-repeated", "request ids that stand twice"),
    ("custom-ids-repeated", "custom ids that stand twice in a batch"),
    ("models-differ", "answers by another model than the one asked for"),
    ("cut-off", "answers cut off at their limit"),
];

/// What a receipt has to state, so that the generator and its settings are known.
const NEEDED: &[(&str, &str)] = &[
    ("without.requested-model", "the model asked for"),
    ("without.returned-model", "the model that answered"),
    ("without.request-id", "a request id"),
    ("without.temperature", "a temperature"),
    ("without.max-tokens", "a limit of tokens"),
    ("without.stop-reason", "a stop reason"),
];

struct GenReceipts;

impl Check for GenReceipts {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every document accounted for by one call to a provider, with the model, the settings and how the answer ended?"
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
    let Some(receipts) = receipts.filter(|receipts| !receipts.is_empty()) else {
        let reason = "there are no receipts of generation: which model wrote the documents, and how it was asked, is not on record";
        return Finding::new(ID, Outcome::Unknown, reason)
            .at([documents])
            .next("ask the lab for the provider's answers (record generation-receipts --documents)");
    };
    let recorded = stated(case, documents, DigestKind::Rows).map(|(_, count)| count);
    let judge = |reading: &Reading| judge(reading, recorded);
    let rests_on = |said: &Reading, name: &str| said.counts.contains_key("documents") && is_counted(name);
    each(ID, receipts.iter().copied(), |of| weigh(case, ID, of, rests_on, judge))
}

fn is_counted(name: &str) -> bool {
    name == "receipts" || name.starts_with("documents") || ODD.iter().chain(NEEDED).any(|(known, _)| *known == name)
}

fn judge(reading: &Reading, recorded: Option<u64>) -> Told {
    let all = count(reading, "receipts");
    let held = count(reading, "documents");
    if held == 0 {
        return Told::Silent(format!("which documents the {all} receipts are of was not counted"));
    }
    if let Some(recorded) = recorded.filter(|recorded| *recorded != held) {
        return Told::Against(format!("the receipts were held against {held} documents, and {recorded} are recorded"));
    }
    let odd = ODD.iter().map(|(name, what)| (count(reading, name), format!("{what}: {}", count(reading, name))));
    let unsaid = NEEDED.iter().map(|(name, what)| {
        (count(reading, name), format!("receipts that do not state {what}: {}", count(reading, name)))
    });
    let wrong: Vec<String> = odd.chain(unsaid).filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    if !wrong.is_empty() {
        return Told::Off(format!("of {all} receipts of {held} documents: {}", wrong.join(", ")));
    }
    let by_name = match count(reading, "documents.by-name") {
        0 => String::new(),
        by_name => format!(", {by_name} of them by name alone"),
    };
    Told::Fine(format!("each of {held} documents has one receipt that states model, settings and end{by_name}"))
}
