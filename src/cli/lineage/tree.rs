//! The tree on a terminal: each entry once, as deep as a line can hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::lineage::source::Arcs;
use crate::cli::render::{Line, put};
use crate::lineage::Relation;
use crate::merkle::EntryIndex;

/// Deeper than this a line would leave the terminal; it says from where to go on. `--json` has everything.
const MAX_DEPTH: usize = 32;

/// One line of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) index: EntryIndex,
    pub(super) from: Option<(EntryIndex, Relation)>,
    /// For each level above: whether more follows there. The last is this step's own level.
    more: Vec<bool>,
    /// It stands above already, with what it leads to.
    again: bool,
}

/// Goes over everything that `root` leads to, each entry once; without recursion, however deep the ledger is.
pub(super) fn walk(root: EntryIndex, arcs: &Arcs) -> Vec<Step> {
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

pub(super) fn draw(steps: &[Step], lines: &BTreeMap<EntryIndex, Line>, down: bool) -> String {
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
    use crate::cli::lineage::source::push;
    use crate::statement::EdgeType;

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
