//! Lineage as a picture: one card for an entry, runs folded into what they wrote, equal seeds stacked where it gets wide.

mod cards;
mod dot;
mod layout;
mod svg;

use std::collections::BTreeMap;

use crate::lineage::{Graph, Relation};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

pub use dot::to_dot;
pub use layout::MAX_CARDS;
pub use svg::to_svg;

/// What a picture is made of.
#[derive(Debug)]
pub struct Scene<'a> {
    /// What is in it.
    pub graph: &'a Graph<'a>,
    /// The entry it is about.
    pub root: EntryIndex,
    /// What people call the entries, as far as it is known; foreign text.
    pub names: &'a BTreeMap<EntryIndex, String>,
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// It could not be looked at.
    #[error("the picture would have more than {MAX_CARDS} cards, or links over too many rows")]
    TooLarge,
}

/// One entry, or several that differ in their seed alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    members: Vec<EntryIndex>,
    kind: Kind,
    /// Rows below the one it is drawn in: 0 for what nothing in the picture was made from.
    depth: usize,
    /// The arm that it, or everything made from it, belongs to.
    arm: Option<String>,
    /// How many of its members differ by digest.
    distinct: usize,
    /// What it is called, and where it belongs; foreign text in them is made safe to show.
    title: String,
    place: String,
}

/// `to` came from `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tie {
    from: usize,
    to: usize,
    relation: Relation,
}

/// Cards and the ties between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    cards: Vec<Card>,
    ties: Vec<Tie>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
