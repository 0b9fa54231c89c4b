//! `lineage`: what something came from, or what was made from it, as a tree, a document, a graph or a picture.

mod source;
mod tree;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::lineage::source::Source;
use crate::cli::lineage::tree::{draw, walk};
use crate::cli::render::{self, Line};
use crate::cli::{Context, Failure, Outcome};
use crate::journal::Row;
use crate::lineage::Graph;
use crate::report::picture::{Scene, to_dot, to_svg};
use crate::report::{ArmsReport, legible};

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:lineage:v1";

/// Show what something came from: a tree, JSON, DOT or SVG
///
/// Follows the links that the entries state. An entry is expanded once; further occurrences point back to it. Of a claim
/// it also says which arms it compares, whether each has the shape of the method it is called, how many different weights
/// each stage had, and where the arms differ.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger lineage ablation-7\n  reproledger lineage model-spec --down --json\n  reproledger lineage my-claim --svg > my-claim.svg\n  reproledger lineage my-claim.evidence --dot | dot -Tpdf > my-claim.pdf"
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Lineage {
    /// A name, a digest, an entry's number, or an evidence file (its claim)
    #[arg(value_name = "NAME|ENTRY|FILE")]
    of: String,
    /// What was made from it instead
    #[arg(long)]
    down: bool,
    /// One JSON document
    #[arg(long, group = "form")]
    json: bool,
    /// The language of Graphviz: every entry by itself
    #[arg(long, group = "form")]
    dot: bool,
    /// A picture; where it gets wide, equal seeds are stacked
    #[arg(long, group = "form")]
    svg: bool,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    ledger: String,
    direction: &'static str,
    root: u64,
    entries: Vec<Line>,
    links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    arms: Option<ArmsReport>,
}

/// `entry` came from `source`, whichever way was asked for.
#[derive(Serialize)]
struct Link {
    entry: u64,
    relation: &'static str,
    source: u64,
}

impl Lineage {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let source = Source::open(context, &self.of)?;
        let (arcs, marks) = source.arcs(self.down)?;
        let steps = walk(source.root(), &arcs);
        let mut rows = BTreeMap::new();
        for index in steps.iter().map(|step| step.index) {
            if let std::collections::btree_map::Entry::Vacant(place) = rows.entry(index) {
                place.insert(source.row(index)?);
            }
        }
        let graph = Graph::new(rows.values().map(|row| (row.index, row.leaf, &row.payload)));
        if self.dot || self.svg {
            let named = rows.values().filter_map(|row| Some((row.index, row.name()?.to_owned())));
            let scene = Scene { graph: &graph, root: source.root(), names: &named.collect() };
            let picture = if self.dot { to_dot(&scene) } else { to_svg(&scene).map_err(too_large)? };
            context.print(&picture)?;
            return Ok(0);
        }
        let line = |row: &Row| Line::of(row).marked(marks.standing(row.index));
        let arms = if self.down { None } else { arms(&graph, rows.get(&source.root()))? };
        if self.json {
            let links = steps.iter().filter_map(|step| {
                let (parent, relation) = step.from?;
                let (entry, source) = if self.down { (step.index, parent) } else { (parent, step.index) };
                Some(Link { entry: entry.0, relation: relation.name(), source: source.0 })
            });
            let document = Document {
                schema: SCHEMA,
                ledger: source.ledger(),
                direction: if self.down { "down" } else { "up" },
                root: source.root().0,
                links: links.collect(),
                entries: rows.values().map(line).collect(),
                arms,
            };
            render::print_json(context, &document)?;
        } else {
            let lines = rows.iter().map(|(index, row)| (*index, line(row))).collect();
            let mut text = draw(&steps, &lines, self.down);
            if let Some(arms) = arms {
                text.push('\n');
                text.push_str(&legible(&arms.to_text()));
            }
            context.print(&text)?;
        }
        Ok(0)
    }
}

/// The arms of a claim; none of anything else, or where the claim's words are not here.
fn arms(graph: &Graph<'_>, root: Option<&Row>) -> Result<Option<ArmsReport>, Failure> {
    let Some((row, claim)) = root.and_then(|row| Some((row, row.body.as_ref()?.claim.as_deref()?))) else {
        return Ok(None);
    };
    ArmsReport::of(graph, row.index, claim).map(Some).map_err(|error| Failure::from(error).unestablished())
}

fn too_large(error: crate::report::picture::PictureError) -> Failure {
    Failure::from(error).hint("--dot and --json have no bound; or begin at a later entry")
}
