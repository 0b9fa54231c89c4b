//! Which logs of a claim belong to which of its two sides.

use crate::digest::Digest;
use crate::lineage::graph::{Graph, Relation};
use crate::merkle::EntryIndex;
use crate::statement::EdgeType;
use crate::verify::LinkTarget as _;

/// One side, as a claim names it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'c> {
    /// Its label.
    pub arm: &'c str,
    /// Its evaluated weights, by whatever digest.
    pub checkpoints: &'c [Digest],
}

/// The logs of a claim, each on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// Of the arm the number is about.
    pub subject: Vec<EntryIndex>,
    /// Of the arm it is compared with.
    pub comparator: Vec<EntryIndex>,
    /// Of neither, or of both: the record does not say, or says two things.
    pub unclear: Vec<EntryIndex>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Subject,
    Comparator,
}

impl Sides {
    /// Sorts the logs that a claim's entry is supported by. A log belongs where its own label says, or else that of its
    /// weights, or else where the claim lists these weights; where there is one side only, an unlabelled log is of it. A
    /// label of one side on weights that the claim lists for the other is neither.
    pub fn of(graph: &Graph<'_>, claim: EntryIndex, subject: Named<'_>, comparator: Option<Named<'_>>) -> Self {
        let mut sides = Self::default();
        let logs = graph.links(claim).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Supports));
        for (_, log) in logs {
            match side(graph, log, subject, comparator) {
                Some(Side::Subject) => sides.subject.push(log),
                Some(Side::Comparator) => sides.comparator.push(log),
                None => sides.unclear.push(log),
            }
        }
        sides
    }
}

fn side(graph: &Graph<'_>, log: EntryIndex, subject: Named<'_>, comparator: Option<Named<'_>>) -> Option<Side> {
    let evaluated = graph.links(log).filter(|(relation, _)| *relation == Relation::Edge(EdgeType::Evaluates));
    let weights: Vec<_> = evaluated.filter_map(|(_, weights)| graph.node(weights)).collect();
    let own = graph.node(log).and_then(|node| node.payload.arm.as_deref());
    let label = own.or_else(|| weights.first().and_then(|node| node.payload.arm.as_deref()));
    let is_listed = |named: Named<'_>| {
        weights.iter().any(|node| {
            let kinds = node.payload.subjects.iter().flat_map(|subject| subject.0.keys());
            named.checkpoints.iter().any(|digest| kinds.clone().any(|kind| node.carries(*kind, digest)))
        })
    };
    let decide = |is_subject: bool, is_comparator: bool| match (is_subject, is_comparator) {
        (true, false) => Some(Side::Subject),
        (false, true) => Some(Side::Comparator),
        _ => None,
    };
    let by_label = decide(label == Some(subject.arm), comparator.is_some_and(|named| label == Some(named.arm)));
    let by_weights = decide(is_listed(subject), comparator.is_some_and(is_listed));
    match (by_label, by_weights) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => (comparator.is_none() && label.is_none()).then_some(Side::Subject),
    }
}
