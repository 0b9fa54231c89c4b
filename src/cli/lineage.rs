//! `lineage`: what something came from, or what was made from it, as a tree.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::marks::Marks;
use crate::cli::open::Reading;
use crate::cli::render::{self, Line, put};
use crate::cli::survey::{each, readable, resolve, row};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::LeafHash;
use crate::merkle::EntryIndex;
use crate::statement::EdgeType;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:lineage:v1";

/// Deeper than this a line would leave the terminal; it says from where to go on. `--json` has everything.
const MAX_DEPTH: usize = 32;

/// Show what something came from, as a tree
///
/// Follows the links that the entries state. An entry is expanded once; further occurrences point back to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  reproledger lineage ablation-7\n  reproledger lineage model-spec --down --json")]
pub(super) struct Lineage {
    /// A name, a digest, or an entry's number
    #[arg(value_name = "NAME|ENTRY")]
    of: String,
    /// What was made from it instead
    #[arg(long)]
    down: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// How one entry came to rest on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    Edge(EdgeType),
    /// A run wrote it: the edge stands in the run's end and is read backwards.
    GeneratedBy,
    /// It belongs to a registered protocol.
    Under,
}

impl Relation {
    fn name(self) -> &'static str {
        match self {
            Self::Edge(edge) => edge.name(),
            Self::GeneratedBy => "generated_by",
            Self::Under => "under_protocol",
        }
    }
}

/// Who rests on whom: an arc goes from an entry to what it came from.
type Arcs = BTreeMap<EntryIndex, Vec<(Relation, EntryIndex)>>;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    ledger: String,
    direction: &'static str,
    root: u64,
    entries: Vec<Line>,
    links: Vec<Link>,
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
        let reading = Reading::open(context)?;
        let root = resolve(&reading, &self.of)?.pop().expect("what resolves means at least one entry");
        let (arcs, marks) = read_arcs(&reading, self.down)?;
        let steps = walk(root, &arcs);
        let mut lines = BTreeMap::new();
        for index in steps.iter().map(|step| step.index) {
            if let std::collections::btree_map::Entry::Vacant(place) = lines.entry(index) {
                place.insert(Line::of(&row(&reading, index)?).marked(marks.standing(index)));
            }
        }
        if self.json {
            let links = steps.iter().filter_map(|step| {
                let (parent, relation) = step.from?;
                let (entry, source) = if self.down { (step.index, parent) } else { (parent, step.index) };
                Some(Link { entry: entry.0, relation: relation.name(), source: source.0 })
            });
            let document = Document {
                schema: SCHEMA,
                ledger: reading.ledger.id().to_string(),
                direction: if self.down { "down" } else { "up" },
                root: root.0,
                links: links.collect(),
                entries: lines.into_values().collect(),
            };
            render::print_json(context, &document)?;
        } else {
            context.print(&draw(&steps, &lines, self.down))?;
        }
        Ok(0)
    }
}

/// The arcs of the whole ledger, turned round where what was made is asked for.
fn read_arcs(reading: &Reading, down: bool) -> Result<(Arcs, Marks), Failure> {
    let (mut arcs, mut marks) = (Arcs::new(), Marks::default());
    let (mut leaves, mut protocols): (BTreeMap<LeafHash, EntryIndex>, Vec<_>) = Default::default();
    each(&reading.ledger, EntryIndex(0), |index, leaf, entry| {
        let entry = readable(index, entry)?;
        marks.take(index, entry.claimed());
        leaves.insert(leaf, index);
        protocols.extend(entry.claimed().protocol.map(|protocol| (index, protocol)));
        for edge in entry.claimed().edges.iter().filter(|edge| edge.log.is_none()) {
            let (from, relation, to) = match edge.edge_type {
                EdgeType::Generated => (edge.seq, Relation::GeneratedBy, index),
                edge_type => (index, Relation::Edge(edge_type), edge.seq),
            };
            // An edge that points forward or out of the ledger is for `audit` to name.
            if edge.seq < index {
                push(&mut arcs, from, relation, to, down);
            }
        }
        Ok(())
    })?;
    for (index, protocol) in protocols {
        if let Some(target) = leaves.get(&protocol).filter(|target| **target < index) {
            push(&mut arcs, index, Relation::Under, *target, down);
        }
    }
    Ok((arcs, marks))
}

fn push(arcs: &mut Arcs, from: EntryIndex, relation: Relation, to: EntryIndex, down: bool) {
    let (from, to) = if down { (to, from) } else { (from, to) };
    arcs.entry(from).or_default().push((relation, to));
}

/// One line of the tree.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    index: EntryIndex,
    from: Option<(EntryIndex, Relation)>,
    /// For each level above: whether more follows there. The last is this step's own level.
    more: Vec<bool>,
    /// It stands above already, with what it leads to.
    again: bool,
}

/// Goes over everything that `root` leads to, each entry once; without recursion, however deep the ledger is.
fn walk(root: EntryIndex, arcs: &Arcs) -> Vec<Step> {
    let (mut steps, mut seen) = (Vec::new(), BTreeSet::new());
    let mut open = vec![Step { index: root, from: None, more: Vec::new(), again: false }];
    while let Some(mut step) = open.pop() {
        step.again = !seen.insert(step.index);
        if !step.again
            && let Some(children) = arcs.get(&step.index)
        {
            let last = children.len().saturating_sub(1);
            for (position, (relation, child)) in children.iter().enumerate().rev() {
                // What is drawn no more needs no more room: a chain of a million entries costs the same for each.
                let mut more = step.more.clone();
                if more.len() <= MAX_DEPTH {
                    more.push(position < last);
                }
                open.push(Step { index: *child, from: Some((step.index, *relation)), more, again: false });
            }
        }
        steps.push(step);
    }
    steps
}

fn draw(steps: &[Step], lines: &BTreeMap<EntryIndex, Line>, down: bool) -> String {
    let leads: BTreeSet<EntryIndex> = steps.iter().filter_map(|step| Some(step.from?.0)).collect();
    let mut out = String::new();
    for step in steps.iter().filter(|step| step.more.len() <= MAX_DEPTH) {
        if let Some((own, above)) = step.more.split_last() {
            out.extend(above.iter().map(|more| if *more { "│  " } else { "   " }));
            out.push_str(if *own { "├─ " } else { "└─ " });
        }
        if let Some((_, relation)) = step.from {
            out.push_str(relation.name());
            out.push_str(if down { " ← " } else { " → " });
        }
        if let Some(line) = lines.get(&step.index) {
            out.push_str(&line.pointer());
            out.push_str(&line.place());
        }
        if step.again && leads.contains(&step.index) {
            out.push_str("  (see above)");
        } else if step.more.len() == MAX_DEPTH && leads.contains(&step.index) {
            let down = if down { " --down" } else { "" };
            put(&mut out, format_args!("  … goes on: reproledger lineage {}{down}", step.index));
        }
        out.push('\n');
    }
    if steps.len() == 1 {
        out.push_str(if down { "nothing here was made from it\n" } else { "it came from nothing recorded here\n" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arcs(pairs: &[(u64, u64)]) -> Arcs {
        let mut arcs = Arcs::new();
        for (from, to) in pairs {
            push(&mut arcs, EntryIndex(*from), Relation::Edge(EdgeType::DerivedFrom), EntryIndex(*to), false);
        }
        arcs
    }

    #[test]
    fn an_entry_is_expanded_once_and_pointed_to_after_that() {
        let steps = walk(EntryIndex(4), &arcs(&[(4, 3), (4, 2), (3, 1), (2, 1), (1, 0)]));
        let seen: Vec<(u64, bool)> = steps.iter().map(|step| (step.index.0, step.again)).collect();
        assert_eq!(seen, [(4, false), (3, false), (1, false), (0, false), (2, false), (1, true)]);
        let drawn = draw(&steps, &BTreeMap::new(), false);
        let expected = "\n├─ derived_from → \n│  └─ derived_from → \n│     └─ derived_from → \n└─ derived_from → \n   └─ derived_from →   (see above)\n";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_long_chain_is_walked_whole_and_drawn_as_far_as_a_terminal_shows_it() {
        let pairs: Vec<(u64, u64)> = (1..20_000).map(|index| (index, index - 1)).collect();
        let steps = walk(EntryIndex(19_999), &arcs(&pairs));
        assert_eq!(steps.len(), 20_000);
        let drawn = draw(&steps, &BTreeMap::new(), false);
        assert_eq!(drawn.lines().count(), MAX_DEPTH + 1);
        assert!(drawn.ends_with(&format!("goes on: reproledger lineage {}\n", 19_999 - MAX_DEPTH)));
    }

    #[test]
    fn a_circle_that_a_run_makes_ends() {
        let steps = walk(EntryIndex(1), &arcs(&[(1, 2), (2, 1)]));
        assert_eq!(steps.iter().filter(|step| step.again).count(), 1);
    }
}
