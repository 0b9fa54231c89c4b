//! The hashes that proofs are made of: from the entries read on opening, from derived files, or from the log itself.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::digest::NodeHash;
use crate::ledger::error::LedgerError;
use crate::ledger::reader::Ledger;
use crate::ledger::reader::entries::Leaves;
use crate::merkle::{EntryIndex, MemoryTree, Nodes, node_hash};

/// The complete nodes of one level that lie wholly in the recent entries.
#[derive(Debug)]
pub(super) struct Level {
    first: u64,
    nodes: Vec<NodeHash>,
}

impl Ledger {
    /// The hashes of the tree, for making proofs. Derived files may be wrong: check what was made against
    /// [`Ledger::tree`], and make it from [`Ledger::nodes_from_log`] if it does not hold.
    pub fn nodes(&self) -> LedgerNodes<'_> {
        LedgerNodes { ledger: self, source: Source::Derived }
    }

    /// The hashes of the tree, from the entries themselves: reads the whole log once and keeps 64 bytes an entry.
    pub fn nodes_from_log(&self) -> Result<LedgerNodes<'_>, LedgerError> {
        self.whole()?;
        Ok(LedgerNodes { ledger: self, source: Source::Log })
    }

    /// Makes something from the hashes of the tree that `check` then accepts, without trust in derived files.
    pub fn prove<T, E>(
        &self,
        make: impl Fn(&LedgerNodes<'_>) -> Result<T, E>,
        check: impl Fn(&T) -> bool,
    ) -> Result<Result<T, E>, LedgerError> {
        match make(&self.nodes()) {
            Ok(made) if check(&made) => Ok(Ok(made)),
            _ => {
                self.fell_back.store(true, Ordering::Relaxed);
                Ok(make(&self.nodes_from_log()?))
            }
        }
    }

    /// The whole tree from the log, held against the head.
    pub(super) fn whole(&self) -> Result<&MemoryTree, LedgerError> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole);
        }
        let mut tree = MemoryTree::new();
        for leaf in Leaves(self.entries(EntryIndex(0))?) {
            tree.append(leaf?);
        }
        Ok(self.whole.get_or_init(|| tree))
    }

    fn recent_levels(&self) -> &[Level] {
        self.recent_levels.get_or_init(|| {
            let leaves = self.recent.leaves.iter().map(|leaf| NodeHash::from(*leaf)).collect();
            let mut levels = vec![Level { first: self.recent.first, nodes: leaves }];
            while let Some(level) = levels.last().filter(|level| level.nodes.len() > 1) {
                // The first pair begins at an even place.
                let skip = level.first % 2;
                let nodes: Vec<NodeHash> = level
                    .nodes
                    .get(usize::from(skip == 1)..)
                    .unwrap_or_default()
                    .chunks_exact(2)
                    .filter_map(|pair| pair.first().zip(pair.last()))
                    .map(|(left, right)| node_hash(left, right))
                    .collect();
                let first = level.first.div_ceil(2);
                levels.push(Level { first, nodes });
            }
            levels
        })
    }

    fn recent_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let level = self.recent_levels().get(usize::from(level))?;
        level.nodes.get(usize::try_from(index.checked_sub(level.first)?).ok()?).copied()
    }

    /// A node from the recent entries, from the derived files, or joined where it lies over both.
    fn derived_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let start = index.checked_shl(level.into()).filter(|start| start >> level == index)?;
        let end = start.checked_add(1_u64.checked_shl(level.into())?)?;
        if end > self.tree().size.0 {
            return None;
        }
        if start >= self.recent.first {
            return self.recent_node(level, index);
        }
        if end <= self.recent.first {
            return self.tiles.as_ref()?.node(level, index);
        }
        let joined = || self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = joined().get(&(level, index)) {
            return Some(*node);
        }
        let lower = level.checked_sub(1)?;
        let left = self.derived_node(lower, 2 * index)?;
        let right = self.derived_node(lower, 2 * index + 1)?;
        let node = node_hash(&left, &right);
        joined().insert((level, index), node);
        Some(node)
    }
}

/// A hash that derived files do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no stored hash for node {index} on level {level}")]
pub struct NoNode {
    /// Height over the leaves.
    pub level: u8,
    /// Place on the level.
    pub index: u64,
}

/// The hashes of a ledger's tree.
#[derive(Debug, Clone, Copy)]
pub struct LedgerNodes<'a> {
    ledger: &'a Ledger,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Derived,
    Log,
}

impl Nodes for LedgerNodes<'_> {
    type Error = NoNode;

    fn node(&self, level: u8, index: u64) -> Result<NodeHash, NoNode> {
        let node = match self.source {
            Source::Derived => self.ledger.derived_node(level, index),
            Source::Log => self.ledger.whole.get().and_then(|whole| whole.node(level, index).ok()),
        };
        node.ok_or(NoNode { level, index })
    }
}
