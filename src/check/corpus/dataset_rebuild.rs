//! `dataset.rebuild`: is the dataset what the generator's code makes of the documents?

use std::collections::BTreeMap;

use crate::check::arms::{each, inputs};
use crate::check::corpus::made::{parents, replayed, stated, stated_function};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::lineage::Stage;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &DatasetRebuild;
const ID: &str = "dataset.rebuild";

/// The function that keeps every text of a tree and no other.
const TO_ROWS: &str = "msm.to_jsonl/1";

/// The view of rows under which documents have a set of their own.
const TEXT: &str = "text";

struct DatasetRebuild;

impl Check for DatasetRebuild {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Made again from the documents, is the midtraining dataset the one recorded, row by row and byte for byte?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset, Kind::Mix], None) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        let of_documents: BTreeMap<EntryIndex, EntryIndex> =
            data.iter().filter_map(|entry| Some((*entry, documents_of(case, *entry)?))).collect();
        if of_documents.is_empty() {
            let documents = inputs(case, ID, &[Kind::Documents], Some(Stage::Midtraining)).unwrap_or_default();
            let reason =
                "no dataset is recorded as made of the documents: in which rows they were trained on is not known";
            return Finding::new(ID, Outcome::Unknown, reason).at(documents);
        }
        each(ID, of_documents.keys().copied(), |entry| {
            other_texts(case, entry, of_documents[&entry]).unwrap_or_else(|| replayed(case, ID, entry))
        })
    }
}

fn documents_of(case: &Case<'_>, entry: EntryIndex) -> Option<EntryIndex> {
    let is_documents =
        |parent: &EntryIndex| case.graph().node(*parent).is_some_and(|node| node.kind() == Kind::Documents);
    parents(case, entry).into_iter().find(is_documents)
}

/// The function keeps every text: where both sets of texts are recorded, they are one set, or the record is false.
fn other_texts(case: &Case<'_>, data: EntryIndex, documents: EntryIndex) -> Option<Finding> {
    if stated_function(case, data) != Some(TO_ROWS) || projection(case, data)? != TEXT {
        return None;
    }
    let (ours, theirs) = (stated(case, data, DigestKind::Rowset)?, stated(case, documents, DigestKind::Rowset)?);
    (ours.0 != theirs.0).then(|| {
        let reason = format!(
            "it is said to be made by {TO_ROWS} of the documents of entry {documents}, and holds other texts than these"
        );
        Finding::new(ID, Outcome::Fail, reason).sides(theirs.0.to_string(), ours.0.to_string()).at([documents, data])
    })
}

fn projection<'a>(case: &Case<'a>, entry: EntryIndex) -> Option<&'a str> {
    crate::check::understood::issuers(case, entry)?.facts.get("projection").map(String::as_str)
}
