//! What later entries say of earlier ones, as the reading commands mark them: taken back, left out, gone wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Payload};

/// A later word on an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Mark {
    /// What it says: `retracts`, `excludes`, `concerns`, `locates`.
    pub(super) relation: EdgeType,
    /// The entry that says so.
    pub(super) by: u64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.relation {
            EdgeType::Retracts => write!(f, "RETRACTED by #{}", self.by),
            EdgeType::Excludes => write!(f, "left out by #{}", self.by),
            EdgeType::Concerns => write!(f, "incident #{}", self.by),
            relation => write!(f, "{relation} #{}", self.by),
        }
    }
}

/// Later words, gathered entry by entry in the order of the ledger.
#[derive(Debug, Default)]
pub(super) struct Marks {
    said: BTreeMap<EntryIndex, Vec<Mark>>,
    ended: BTreeMap<u64, u64>,
}

impl Marks {
    /// Takes over what the entry at `index` says of others.
    pub(super) fn take(&mut self, index: EntryIndex, payload: &Payload) {
        let about = EdgeType::about(payload.kind);
        // An edge that points forward or out of the ledger is for `audit` to name.
        for edge in payload.edges.iter().filter(|edge| edge.log.is_none() && edge.seq < index) {
            if about == Some(edge.edge_type) {
                let mark = Mark { relation: edge.edge_type, by: index.0 };
                self.said.entry(edge.seq).or_default().push(mark);
            }
            if matches!(edge.edge_type, EdgeType::Retracts | EdgeType::Supersedes) {
                self.ended.entry(edge.seq.0).or_insert(index.0);
            }
        }
    }

    /// All that is said of an entry, in order.
    pub(super) fn said(&self, of: EntryIndex) -> &[Mark] {
        self.said.get(&of).map_or(&[], Vec::as_slice)
    }

    /// The entry that takes a word back or replaces it. A retraction stands, whatever is said of it.
    pub(super) fn ended(&self, mark: &Mark) -> Option<u64> {
        self.ended.get(&mark.by).copied().filter(|_| mark.relation != EdgeType::Retracts)
    }

    /// What still tells something against an entry.
    pub(super) fn standing(&self, of: EntryIndex) -> Vec<Mark> {
        let tells = |mark: &&Mark| mark.relation != EdgeType::Locates && self.ended(mark).is_none();
        self.said(of).iter().filter(tells).cloned().collect()
    }

    /// The same for every entry.
    pub(super) fn all(&self) -> impl Iterator<Item = (EntryIndex, Mark)> {
        self.said.keys().flat_map(|of| self.standing(*of).into_iter().map(|mark| (*of, mark)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Digest, DigestKind, LeafHash};
    use crate::statement::{Edge, Kind};

    fn word(index: u64, kind: Kind, edges: &[(EdgeType, u64)]) -> (EntryIndex, Payload) {
        let mut payload = Payload::new(kind, None, EntryIndex(index), EntryIndex(0));
        let digest: Digest = LeafHash::from_bytes([7; 32]).into();
        let edge = |(edge_type, seq): &(EdgeType, u64)| Edge {
            edge_type: *edge_type,
            log: None,
            seq: EntryIndex(*seq),
            kind: DigestKind::Entry,
            digest,
        };
        payload.edges = edges.iter().map(edge).collect();
        (EntryIndex(index), payload)
    }

    #[test]
    fn a_settled_incident_marks_nothing_and_a_retraction_stands_whatever_follows() {
        let mut marks = Marks::default();
        for (index, payload) in [
            word(5, Kind::Incident, &[(EdgeType::Concerns, 1)]),
            word(6, Kind::Retraction, &[(EdgeType::Retracts, 1), (EdgeType::Retracts, 2)]),
            word(7, Kind::Incident, &[(EdgeType::Supersedes, 5)]),
            word(8, Kind::Retraction, &[(EdgeType::Retracts, 6)]),
            word(9, Kind::Location, &[(EdgeType::Locates, 2)]),
            word(10, Kind::Exclusion, &[(EdgeType::Excludes, 9), (EdgeType::Excludes, 30)]),
        ] {
            marks.take(index, &payload);
        }
        let by_six = [Mark { relation: EdgeType::Retracts, by: 6 }];
        assert_eq!(marks.standing(EntryIndex(1)), by_six);
        assert_eq!(marks.standing(EntryIndex(2)), by_six);
        assert_eq!(marks.said(EntryIndex(1)).len(), 2, "what is settled can still be seen");
        assert_eq!(
            marks.standing(EntryIndex(9)).iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["left out by #10"]
        );
        assert!(marks.said(EntryIndex(30)).is_empty(), "an edge that points forward says nothing");
        assert_eq!(marks.all().map(|(of, _)| of.0).collect::<Vec<_>>(), [1, 2, 6, 9]);
    }
}
