//! `spec.coverage`: do the plans of the documents quote the spec that the documents are said to be made from?

use crate::check::arms::{each, inputs};
use crate::check::understood::{Told, count, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::Stage;
use crate::statement::{Kind, Reading};

pub(in crate::check) const ENTRY: &dyn Check = &SpecCoverage;
const ID: &str = "spec.coverage";

/// Parts of the spec that plans quote.
const QUOTED: &str = "spec-sections";

struct SpecCoverage;

impl Check for SpecCoverage {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Do the parts of the spec that the documents' plans quote stand in the very text the documents are said to come from?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let documents = match inputs(case, ID, &[Kind::Documents], Some(Stage::Midtraining)) {
            Ok(documents) => documents,
            Err(finding) => return *finding,
        };
        if documents.is_empty() {
            return Finding::new(ID, Outcome::Unknown, "no midtraining documents are on record in any arm");
        }
        // Who recorded the documents may not have had the rendering at hand: then nothing was counted.
        let was_counted = |said: &Reading, name: &str| said.counts.contains_key(QUOTED) && name.starts_with(QUOTED);
        each(ID, documents, |entry| weigh(case, ID, entry, was_counted, judge))
    }
}

fn judge(reading: &Reading) -> Told {
    let (all, absent) = (count(reading, QUOTED), count(reading, "spec-sections-absent"));
    if all == 0 {
        return Told::Silent("no part of the spec that plans quote was held against a rendering of it".to_owned());
    }
    match absent {
        0 => Told::Fine(format!("all {all} parts of the spec that the plans quote stand in its rendering")),
        absent if absent == all => Told::Against(format!(
            "none of the {all} parts that the plans quote stands in the rendering of the spec: the documents come from another text"
        )),
        absent => Told::Off(format!(
            "{absent} of {all} parts that the plans quote do not stand in the rendering word for word"
        )),
    }
}
