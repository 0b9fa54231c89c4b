//! `dataset.counts`: do the datasets have as many rows, from as many sources, and as many tokens, as is recorded?

use std::collections::BTreeMap;

use crate::check::arms::{each, inputs, join};
use crate::check::corpus::made::stated;
use crate::check::corpus::tokens;
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::statement::{Kind, Reading};

pub(in crate::check) const ENTRY: &dyn Check = &DatasetCounts;
const ID: &str = "dataset.counts";

struct DatasetCounts;

impl Check for DatasetCounts {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the datasets hold as many rows, in all and from each source, and as many tokens, as is recorded of them?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset, Kind::Mix], None) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        if data.is_empty() {
            return Finding::new(ID, Outcome::Unknown, "no dataset is on record in any arm");
        }
        let is_rows = |_: &Reading, name: &str| name == "rows";
        let counted: Vec<_> =
            data.iter().filter_map(|entry| Some((*entry, tokens::finding(case, ID, *entry)?))).collect();
        let rows = each(ID, data, |entry| {
            let signed = stated(case, entry, DigestKind::Rows).map(|(_, count)| count);
            weigh(case, ID, entry, is_rows, |reading| judge(reading, signed))
        });
        if counted.is_empty() {
            return rows.note("no number of tokens is on record: none were counted");
        }
        let tokens: BTreeMap<_, _> = counted.into_iter().collect();
        let tokens = each(ID, tokens.keys().copied(), |entry| tokens[&entry].clone());
        join(ID, vec![("rows".to_owned(), rows), ("tokens".to_owned(), tokens)])
    }
}

fn judge(reading: &Reading, signed: Option<u64>) -> Told {
    let rows = count(reading, "rows");
    let Some(signed) = signed else {
        return Told::Silent("it is recorded as bytes: its rows were not counted".to_owned());
    };
    if rows != signed {
        return Told::Against(format!("{rows} rows were counted, and the entry's digest is over {signed}"));
    }
    let from_sources = reading.sources.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if !reading.sources.is_empty() && from_sources != rows {
        return Told::Against(format!("{rows} rows were counted, and {from_sources} over all sources"));
    }
    let sources = match reading.sources.len() {
        0 => "that name no source".to_owned(),
        1 => "of one source".to_owned(),
        many => format!("of {many} sources"),
    };
    Told::Fine(format!("{rows} rows {sources}"))
}
