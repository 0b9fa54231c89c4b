//! `dataset.published`: does the published form of the data hold the very rows that were trained on?

use std::collections::BTreeMap;

use crate::artifact::rows::Composition;
use crate::check::arms::{each, inputs};
use crate::check::corpus::made::{Sets, is_rederived, parents, stated};
use crate::check::understood::{ISSUERS_WORD, issuers};
use crate::check::{Case, Check, Finding, Outcome};
use crate::digest::DigestKind;
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &DatasetPublished;
const ID: &str = "dataset.published";

struct DatasetPublished;

impl Check for DatasetPublished {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Does the form in which the training data were published hold the same rows, none missing and none added?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset, Kind::Mix], None) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        // What was made of training data and went into no weights of these arms was made for others to read.
        let datasets = case.graph().nodes().iter().filter(|node| node.kind() == Kind::Dataset).map(|node| node.index);
        let published: BTreeMap<EntryIndex, EntryIndex> = datasets
            .filter(|entry| !data.contains(entry))
            .filter_map(|entry| Some((entry, parents(case, entry).into_iter().find(|of| data.contains(of))?)))
            .collect();
        if published.is_empty() {
            return Finding::new(ID, Outcome::Unknown, "no published form of the training data is on record")
                .at(data)
                .next("ask the lab to record what it published (record dataset --from DATASET, then locate)");
        }
        let sets = Sets::of(case);
        each(ID, published.keys().copied(), |entry| judge(case, &sets, entry, published[&entry]))
    }
}

fn judge(case: &Case<'_>, sets: &Sets<'_>, published: EntryIndex, trained: EntryIndex) -> Finding {
    let unknown = |reason: &str| Finding::new(ID, Outcome::Unknown, reason);
    let of = |entry: EntryIndex| stated(case, entry, DigestKind::Rowset);
    let (Some((ours, _)), Some((theirs, distinct))) = (of(published), of(trained)) else {
        return unknown("no set of rows is recorded of one of the two").at([published, trained]);
    };
    let finding = if ours == theirs {
        let word =
            if is_rederived(case, &[published, trained]) { "both taken again from the files" } else { ISSUERS_WORD };
        Finding::new(ID, Outcome::Pass, format!("one set of {distinct} different rows in both, {word}"))
    } else {
        match (sets.rows(published), sets.rows(trained)) {
            (Some((view, shown)), Some((same, all))) if view == same => {
                let made = Composition::of(&shown, &[all]);
                let lacking = made.left_out.first().copied().unwrap_or_default();
                let reason = format!(
                    "under the view `{}` the published rows lack {lacking} that were trained on, have {} that were not, and {} more often than there",
                    view.escape_default(), made.of_none, made.repeated
                );
                Finding::new(ID, Outcome::Differs, reason)
            }
            _ => match (view_of(case, published), view_of(case, trained)) {
                (Some(view), Some(same)) if view == same => {
                    Finding::new(ID, Outcome::Differs, "they hold different rows; which ones is not shown")
                }
                _ => unknown("their rows are recorded under views that differ or are not shown"),
            },
        }
        .sides(theirs.to_string(), ours.to_string())
    };
    finding.at([published, trained])
}

fn view_of<'a>(case: &Case<'a>, entry: EntryIndex) -> Option<&'a str> {
    issuers(case, entry)?.facts.get("projection").map(String::as_str)
}
