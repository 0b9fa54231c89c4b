//! What later entries say of earlier ones: taken back, left out, gone wrong, to be had elsewhere.
//!
//! It fails closed. A retraction stands whatever is said of it later. What would excuse (that an incident is settled)
//! counts only where its reason is shown and it was not taken back itself; what was taken back excuses nothing.

use std::collections::BTreeMap;

use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Location};
use crate::verify::VerifiedEvidence;

/// Later words by the entry that they are about.
#[derive(Debug)]
pub struct Later<'a> {
    evidence: &'a VerifiedEvidence<'a>,
    said: BTreeMap<EntryIndex, Vec<(EdgeType, EntryIndex)>>,
}

impl<'a> Later<'a> {
    /// Goes over all entries of the evidence once.
    pub fn of(evidence: &'a VerifiedEvidence<'a>) -> Self {
        let mut said: BTreeMap<EntryIndex, Vec<_>> = BTreeMap::new();
        for (by, entry) in &evidence.entries {
            for edge in entry.payload().edges.iter().filter(|edge| edge.log.is_none()) {
                let is_word = EdgeType::about(entry.payload().kind) == Some(edge.edge_type);
                if is_word || edge.edge_type == EdgeType::Supersedes {
                    said.entry(edge.seq).or_default().push((edge.edge_type, *by));
                }
            }
        }
        Self { evidence, said }
    }

    /// Entries that say this of `target`, in order.
    pub fn said(&self, edge_type: EdgeType, target: EntryIndex) -> impl Iterator<Item = EntryIndex> {
        let all = self.said.get(&target).into_iter().flatten();
        all.filter(move |(said, _)| *said == edge_type).map(|(_, by)| *by)
    }

    /// The first entry that takes `target` back.
    pub fn retraction(&self, target: EntryIndex) -> Option<EntryIndex> {
        self.said(EdgeType::Retracts, target).next()
    }

    /// The entry that leaves `target` out of the analysis and was not taken back.
    pub fn exclusion(&self, target: EntryIndex) -> Option<EntryIndex> {
        self.said(EdgeType::Excludes, target).find(|by| self.retraction(*by).is_none())
    }

    /// Incidents with `target`, each with the entry that settles it, if any does.
    pub fn incidents(&self, target: EntryIndex) -> impl Iterator<Item = (EntryIndex, Option<EntryIndex>)> {
        self.said(EdgeType::Concerns, target).map(|incident| (incident, self.settlement(incident)))
    }

    /// Whether an incident is settled by nothing.
    pub fn is_open(&self, incident: EntryIndex) -> bool {
        self.settlement(incident).is_none()
    }

    /// The later incident that replaces this one, or the retraction that takes it back, with a reason that is shown.
    fn settlement(&self, incident: EntryIndex) -> Option<EntryIndex> {
        let counts = |by: &EntryIndex| {
            let is_incident = self.evidence.entries.get(by).is_some_and(|entry| entry.payload().kind == Kind::Incident);
            self.reason(*by).is_some() && !(is_incident && self.retraction(*by).is_some())
        };
        let taken_back = self.said(EdgeType::Retracts, incident);
        taken_back.chain(self.said(EdgeType::Supersedes, incident)).find(counts)
    }

    /// Entries that say where `target` can be had and were not taken back, with the places as far as they are shown.
    pub fn locations(&self, target: EntryIndex) -> impl Iterator<Item = (EntryIndex, &'a [Location])> {
        let standing = self.said(EdgeType::Locates, target).filter(|by| self.retraction(*by).is_none());
        standing.map(|by| (by, self.evidence.bodies.get(&by).map_or(&[][..], |body| body.locations.as_slice())))
    }

    /// The reason that an entry gives, where its body is shown and gives one.
    pub fn reason(&self, by: EntryIndex) -> Option<&'a str> {
        let reason = self.evidence.bodies.get(&by)?.reason.as_deref()?;
        Some(reason.trim()).filter(|reason| !reason.is_empty())
    }

    /// `entry 9: "wrong judge"`, with the reason in quotes that it cannot leave.
    pub fn quoted(&self, by: EntryIndex) -> String {
        match self.reason(by) {
            Some(reason) => format!("entry {by}: {reason:?}"),
            None => format!("entry {by} (its reason is not shown)"),
        }
    }
}
