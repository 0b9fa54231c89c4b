//! `dataset.transforms`: is every step from one dataset to the next on record, and does it come out again?

use crate::check::arms::{each, inputs};
use crate::check::corpus::made::{parents, replayed};
use crate::check::{Case, Check, Finding, Outcome};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub(in crate::check) const ENTRY: &dyn Check = &DatasetTransforms;
const ID: &str = "dataset.transforms";

struct DatasetTransforms;

impl Check for DatasetTransforms {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is every step from one dataset to the next recorded with its function and parameters, and does it come out again?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let data = match inputs(case, ID, &[Kind::Dataset, Kind::Mix], None) {
            Ok(data) => data,
            Err(finding) => return *finding,
        };
        let made: Vec<EntryIndex> = data.iter().copied().filter(|entry| !parents(case, *entry).is_empty()).collect();
        if made.is_empty() {
            let reason = "no data of any arm are recorded as made from other data";
            return Finding::new(ID, Outcome::Unknown, reason).at(data);
        }
        each(ID, made, |entry| replayed(case, ID, entry))
    }
}
