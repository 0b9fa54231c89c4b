//! `spec.render`: is the text that the generator was shown the spec, filled in as recorded?

use crate::check::arms::{each, inputs};
use crate::check::understood::{Told, issuers, weigh};
use crate::check::{Case, Check, Finding, Outcome};
use crate::lineage::{Relation, Stage};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};

pub(in crate::check) const ENTRY: &dyn Check = &SpecRender;
const ID: &str = "spec.render";

/// Renderings of the alignment data that are told of.
const MAX_OTHERS: usize = 20;

struct SpecRender;

impl Check for SpecRender {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Is the text that the documents were generated from the spec itself, filled in with the names and by the engine recorded?"
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let of = |kind: Kind, stage: Stage| inputs(case, ID, &[kind], Some(stage));
        let renderings = match of(Kind::SpecRendering, Stage::Midtraining) {
            Ok(renderings) => renderings,
            Err(finding) => return *finding,
        };
        if renderings.is_empty() {
            let documents = of(Kind::Documents, Stage::Midtraining).unwrap_or_default();
            let reason = "no rendering of the spec is on record: which text the generator was shown is not known";
            return Finding::new(ID, Outcome::Unknown, reason)
                .at(documents)
                .next("ask the lab for the rendering (record spec-rendering --engine … --var …)");
        }
        let finding = each(ID, renderings.iter().copied(), |rendering| judge(case, rendering));
        let of_alignment = of(Kind::SpecRendering, Stage::Alignment).unwrap_or_default();
        // Enough to be told of; evidence can hold any number.
        let others = of_alignment
            .difference(&renderings)
            .take(MAX_OTHERS)
            .filter(|other| !renderings.iter().any(|rendering| case.graph().is_same(*rendering, **other)));
        others.fold(finding, |finding, other| finding.note(other_text(case, *other)))
    }
}

fn spec_of(case: &Case<'_>, rendering: EntryIndex) -> Option<EntryIndex> {
    let renders = Relation::Edge(EdgeType::Renders);
    case.graph().links(rendering).find(|(relation, _)| *relation == renders).map(|(_, spec)| spec)
}

fn judge(case: &Case<'_>, rendering: EntryIndex) -> Finding {
    let Some(spec) = spec_of(case, rendering) else {
        let reason = "the rendering does not say which spec it renders";
        return Finding::new(ID, Outcome::Unknown, reason).at([rendering]);
    };
    let is_left = |name: &str| name.starts_with("unresolved.");
    weigh(
        case,
        ID,
        rendering,
        |_, name| is_left(name),
        |reading| {
            let left: u64 = reading.counts.iter().filter(|(name, _)| is_left(name)).map(|(_, count)| *count).sum();
            let fact = |name: &str| reading.facts.get(name).map(String::as_str);
            if left > 0 {
                return Told::Off(format!("{left} placeholders of the rendering were filled in by nobody"));
            }
            match (fact("rendered-again"), fact("engine")) {
                (Some("equal"), Some(engine)) => Told::Fine(format!(
                    "the spec of entry {spec}, filled in by `{}`, is the rendering, byte for byte",
                    engine.escape_default()
                )),
                (Some("equal but for line ends"), _) => {
                    Told::Off(format!("the spec of entry {spec}, filled in, is the rendering but for its line ends"))
                }
                (Some(_), _) => {
                    Told::Silent(format!("the rendering was not made again: the spec of entry {spec} was not at hand"))
                }
                (None, _) => {
                    Told::Silent("by which engine and names the spec was filled in is not on record".to_owned())
                }
            }
        },
    )
}

/// Alignment data may follow another text: another spec on purpose, or the same one by the other engine.
fn other_text(case: &Case<'_>, rendering: EntryIndex) -> String {
    let engine = issuers(case, rendering).and_then(|reading| reading.facts.get("engine"));
    let how = engine
        .map_or("how it was made is not shown".to_owned(), |engine| format!("made by `{}`", engine.escape_default()));
    format!("the alignment data go back to another text, the rendering of entry {rendering}; {how}")
}
