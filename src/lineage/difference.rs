//! All in which two arms differ, and all that they share.

use std::collections::{BTreeMap, BTreeSet};

use crate::lineage::arm::{Arm, Slot};
use crate::lineage::graph::At;
use crate::merkle::EntryIndex;

/// What stands in one slot of two arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotDifference {
    /// The slot.
    pub slot: Slot,
    /// In both, by digest; the entries of both.
    pub shared: Vec<EntryIndex>,
    /// In the first alone.
    pub only_first: Vec<EntryIndex>,
    /// In the second alone.
    pub only_second: Vec<EntryIndex>,
}

impl SlotDifference {
    /// True when nothing stands in one arm alone.
    pub fn is_same(&self) -> bool {
        self.only_first.is_empty() && self.only_second.is_empty()
    }
}

/// All in which two arms differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Slot by slot, in order. Same dataset and other mix is one slot that is the same and one that is not.
    pub slots: Vec<SlotDifference>,
    /// Evaluated weights that both arms have by digest: what is compared is then in part the same thing.
    pub same_weights: Vec<EntryIndex>,
}

impl Difference {
    /// Compares two arms of one graph.
    pub fn between(first: &Arm<'_>, second: &Arm<'_>) -> Self {
        let (left, right) = (contents(first), contents(second));
        let slots: BTreeSet<Slot> = left.keys().chain(right.keys()).map(|(slot, _)| *slot).collect();
        let mut slots: BTreeMap<Slot, SlotDifference> = slots
            .into_iter()
            .map(|slot| {
                let none = Vec::new;
                (slot, SlotDifference { slot, shared: none(), only_first: none(), only_second: none() })
            })
            .collect();
        for (here, there, is_first) in [(&left, &right, true), (&right, &left, false)] {
            for (key, entries) in here {
                let Some(slot) = slots.get_mut(&key.0) else { continue };
                let place = match (there.contains_key(key), is_first) {
                    (true, _) => &mut slot.shared,
                    (false, true) => &mut slot.only_first,
                    (false, false) => &mut slot.only_second,
                };
                place.extend(entries);
            }
        }
        for slot in slots.values_mut() {
            for list in [&mut slot.shared, &mut slot.only_first, &mut slot.only_second] {
                list.sort_unstable();
                list.dedup();
            }
        }
        let (left, right) = (evaluated(first), evaluated(second));
        let same = left.iter().chain(&right).filter(|(at, _)| left.contains_key(at) && right.contains_key(at));
        let same_weights: BTreeSet<EntryIndex> = same.flat_map(|(_, entries)| entries.iter().copied()).collect();
        Self { slots: slots.into_values().collect(), same_weights: same_weights.into_iter().collect() }
    }

    /// Slots in which something stands in one arm alone.
    pub fn differing(&self) -> impl Iterator<Item = &SlotDifference> {
        self.slots.iter().filter(|slot| !slot.is_same())
    }

    /// What stands in one slot; `None` where neither arm has anything there.
    pub fn at(&self, slot: Slot) -> Option<&SlotDifference> {
        self.slots.iter().find(|difference| difference.slot == slot)
    }
}

/// Everything in an arm by slot and identity.
fn contents(arm: &Arm<'_>) -> BTreeMap<(Slot, At), BTreeSet<EntryIndex>> {
    let mut contents: BTreeMap<(Slot, At), BTreeSet<EntryIndex>> = BTreeMap::new();
    for chain in 0..arm.chains().len() {
        arm.each(chain, |slot, at| {
            contents.entry((slot, arm.graph.same(at))).or_default().insert(arm.graph.get(at).index);
        });
    }
    contents
}

fn evaluated(arm: &Arm<'_>) -> BTreeMap<At, BTreeSet<EntryIndex>> {
    let mut evaluated: BTreeMap<At, BTreeSet<EntryIndex>> = BTreeMap::new();
    for weights in arm.chains().iter().map(|chain| chain.weights) {
        if let Some(at) = arm.graph.at(weights) {
            evaluated.entry(arm.graph.same(at)).or_default().insert(weights);
        }
    }
    evaluated
}
