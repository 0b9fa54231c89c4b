//! Which rows of a mix are rows of the datasets it is said to be made from: multisets of digests compared.

use std::collections::{BTreeMap, BTreeSet};

use super::RowsetLeaf;
use crate::digest::FileDigest;

/// How a mix is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composition {
    /// Rows of the mix.
    pub rows: u64,
    /// Of each source, in order: rows of the mix that are rows of it and of no other source.
    pub of_one: Vec<u64>,
    /// Of each source: its rows that are not in the mix at all.
    pub left_out: Vec<u64>,
    /// Rows of the mix that are rows of several sources.
    pub of_several: u64,
    /// Rows of the mix that no source has.
    pub of_none: u64,
    /// Rows of the mix beyond the number in which all sources together have them: what was sampled more than once.
    pub repeated: u64,
}

/// What is known of one row over all sources.
#[derive(Clone, Copy)]
struct Held {
    first: usize,
    is_shared: bool,
    multiplicity: u64,
}

impl Composition {
    /// Compares a mix with its sources; all of them under one projection.
    pub fn of(mix: &[RowsetLeaf], sources: &[Vec<RowsetLeaf>]) -> Self {
        let mut held: BTreeMap<FileDigest, Held> = BTreeMap::new();
        for (source, leaf) in sources.iter().enumerate().flat_map(|(at, leaves)| leaves.iter().map(move |l| (at, l))) {
            let new = Held { first: source, is_shared: false, multiplicity: 0 };
            let row = held.entry(leaf.digest).or_insert(new);
            row.is_shared |= row.first != source;
            row.multiplicity = row.multiplicity.saturating_add(leaf.multiplicity);
        }
        let mut made = Self { of_one: vec![0; sources.len()], left_out: vec![0; sources.len()], ..Self::default() };
        let add = |count: &mut u64, by: u64| *count = count.saturating_add(by);
        for leaf in mix {
            let rows = leaf.multiplicity;
            add(&mut made.rows, rows);
            match held.get(&leaf.digest) {
                None => add(&mut made.of_none, rows),
                Some(row) => {
                    let place = if row.is_shared { &mut made.of_several } else { &mut made.of_one[row.first] };
                    add(place, rows);
                    add(&mut made.repeated, rows.saturating_sub(row.multiplicity));
                }
            }
        }
        let mixed: BTreeSet<FileDigest> = mix.iter().map(|leaf| leaf.digest).collect();
        for (source, leaves) in sources.iter().enumerate() {
            let left = leaves.iter().filter(|leaf| !mixed.contains(&leaf.digest));
            made.left_out[source] = left.fold(0, |sum, leaf| sum.saturating_add(leaf.multiplicity));
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[(&str, u64)]) -> Vec<RowsetLeaf> {
        rows.iter()
            .map(|(text, multiplicity)| RowsetLeaf {
                digest: FileDigest::of(text.as_bytes()),
                multiplicity: *multiplicity,
            })
            .collect()
    }

    #[test]
    fn every_row_of_a_mix_is_of_one_source_of_several_or_of_none() {
        let sources = [set(&[("a", 2), ("b", 1), ("both", 1)]), set(&[("c", 1), ("both", 1), ("left", 4)])];
        let made = Composition::of(&set(&[("a", 3), ("b", 1), ("c", 1), ("both", 2), ("other", 5)]), &sources);
        let expected =
            Composition { rows: 12, of_one: vec![4, 1], left_out: vec![0, 4], of_several: 2, of_none: 5, repeated: 1 };
        assert_eq!(made, expected);
        assert_eq!(made.of_one.iter().sum::<u64>() + made.of_several + made.of_none, made.rows);
        let alone = Composition::of(&set(&[("a", 1)]), &[]);
        assert_eq!((alone.rows, alone.of_none), (1, 1));
    }
}
