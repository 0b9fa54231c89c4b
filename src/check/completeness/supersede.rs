//! `supersede`: has anything the claim rests on been replaced or taken back since, or did something go wrong with it?

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Case, Check, Finding, Later, Outcome, Target};
use crate::digest::{Digest, DigestKind, LeafHash};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind};
use crate::verify::{VerifiedEvidence, reachable};

pub(in crate::check) const ENTRY: &dyn Check = &Supersede;
const ID: &str = "supersede";

/// Later words that a finding spells out beside its reason; evidence can hold any number.
const MAX_NOTES: usize = 20;

struct Supersede;

impl Check for Supersede {
    fn id(&self) -> &'static str {
        ID
    }

    fn question(&self) -> &'static str {
        "Has anything that the claim rests on, or the claim itself, been replaced or taken back later in the ledger, or is it said that something went wrong with it?"
    }

    fn concerns(&self, _: Target) -> bool {
        true
    }

    fn run(&self, case: &Case<'_>) -> Finding {
        let words = Words::on(case);
        let (retracted, replaced, twins, incidents) =
            (words.retracted(), words.replaced(), words.twins(), words.incidents());
        let mut found = retracted.iter().chain(&replaced).chain(&twins).chain(&incidents);
        let first_input = words.evidence.links.reached.iter().find(|index| is_fact(case, **index)).copied();
        let census = words.evidence.census_first;
        let mut finding = match (found.next(), first_input) {
            (Some(first), _) => first.finding(words.which),
            (None, Some(first)) if first < census => Finding::new(
                ID,
                Outcome::Unknown,
                format!(
                    "the census begins at entry {census}, after the claim's first input at entry {first}: what was withdrawn in between is not shown"
                ),
            )
            .next("ask for evidence whose census begins at or before that entry"),
            (None, _) => Finding::new(
                ID,
                Outcome::Pass,
                format!("no entry from {census} to the head replaces or retracts {}", words.what),
            ),
        };
        let mut notes: Vec<String> = found.map(|word| word.sentence(words.which)).collect();
        notes.extend(words.asides());
        let more = notes.len().saturating_sub(MAX_NOTES);
        notes.truncate(MAX_NOTES);
        if more > 0 {
            notes.push(format!("and {more} more"));
        }
        finding.notes = notes;
        finding
    }
}

/// One later word that tells against an entry.
struct Word {
    target: EntryIndex,
    by: EntryIndex,
    outcome: Outcome,
    /// What it says of the target, with its reason.
    said: String,
    next: &'static str,
}

impl Word {
    fn sentence(&self, which: &str) -> String {
        format!("entry {}, {which}, {}", self.target, self.said)
    }

    fn finding(&self, which: &str) -> Finding {
        Finding::new(ID, self.outcome, self.sentence(which)).at([self.target, self.by]).next(self.next)
    }
}

/// What later entries say, sorted by what it means for the case.
struct Words<'a> {
    evidence: &'a VerifiedEvidence<'a>,
    later: Later<'a>,
    /// What the claim rests on itself; the rest of its chain are older versions that it only remembers. Items are in one
    /// entry, whatever that was made from.
    active: BTreeSet<EntryIndex>,
    is_claim: bool,
    /// What is asked about, and each of it, in words.
    what: &'static str,
    which: &'static str,
}

impl<'a> Words<'a> {
    fn on(case: &Case<'a>) -> Self {
        let evidence = case.evidence;
        let is_claim = case.target() == Target::Claim;
        let (what, which) = if is_claim {
            ("anything the claim rests on", "which the claim rests on")
        } else {
            ("the entry whose items are opened", "whose items are opened")
        };
        let active = if is_claim { active(evidence) } else { BTreeSet::from([evidence.claim]) };
        Self { evidence, later: Later::of(evidence), active, is_claim, what, which }
    }

    fn kind(&self, index: EntryIndex) -> Option<Kind> {
        Some(self.evidence.entries.get(&index)?.payload().kind)
    }

    fn retracted(&self) -> Vec<Word> {
        let pairs = self.active.iter().filter_map(|target| Some((*target, self.later.retraction(*target)?)));
        let word = |(target, by)| Word {
            target,
            by,
            outcome: Outcome::Fail,
            said: format!("is retracted by {}", self.later.quoted(by)),
            next: "do not rely on it; ask the lab what stands in its place",
        };
        pairs.map(word).collect()
    }

    /// Replaced by what the claim does not rest on. That the newer one is reached in some other way (over an earlier
    /// claim) does not make the older one good again. An item was in the version that it was in, and how a protocol may
    /// be amended is for the checks of protocols.
    fn replaced(&self) -> Vec<Word> {
        let is_asked = |target: &&EntryIndex| self.is_claim && self.kind(**target) != Some(Kind::Protocol);
        let pairs = self.active.iter().filter(is_asked).flat_map(|target| {
            let by = self.later.said(EdgeType::Supersedes, *target).filter(|by| !self.active.contains(by));
            by.map(|by| (*target, by))
        });
        let word = |(target, by)| Word {
            target,
            by,
            outcome: Outcome::Fail,
            said: format!("is superseded by entry {by}, which it does not rest on"),
            next: "ask the lab for the claim over the newer entry",
        };
        pairs.map(word).collect()
    }

    /// The very content that was taken back, or that something went wrong with, under another entry: recording it again
    /// is no way around what was said of it.
    fn twins(&self) -> Vec<Word> {
        let mut tainted: BTreeMap<Digest, (EntryIndex, EntryIndex, Option<Kind>)> = BTreeMap::new();
        for (by, entry) in &self.evidence.entries {
            for edge in entry.payload().edges.iter().filter(|edge| edge.log.is_none()) {
                let tells = match edge.edge_type {
                    EdgeType::Retracts => true,
                    EdgeType::Concerns => self.later.is_open(*by),
                    _ => false,
                };
                if !tells {
                    continue;
                }
                let word = (edge.seq, *by, self.kind(edge.seq));
                let target = self.evidence.entries.get(&edge.seq);
                let measures =
                    target.into_iter().flat_map(|entry| &entry.payload().subjects).flat_map(|s| s.0.values());
                let bound = Some(edge.digest).filter(|_| edge.kind != DigestKind::Entry);
                for digest in measures.flat_map(|measure| measure.digests.iter().copied()).chain(bound) {
                    tainted.entry(digest).or_insert(word);
                }
            }
        }
        let mut words = Vec::new();
        for target in self.active.iter().filter(|_| !tainted.is_empty()) {
            let Some(entry) = self.evidence.entries.get(target) else { continue };
            let mut digests = entry.payload().subjects.iter().flat_map(|s| s.0.values()).flat_map(|m| &m.digests);
            // A dataset of the very rows of a retracted corpus is another thing; where the kind is not known, it may be one.
            let is_twin = |(other, _, kind): &&(EntryIndex, EntryIndex, Option<Kind>)| {
                other != target && kind.is_none_or(|kind| kind == entry.payload().kind)
            };
            if let Some((other, by, _)) = digests.find_map(|digest| tainted.get(digest).filter(is_twin)) {
                words.push(Word {
                    target: *target,
                    by: *by,
                    outcome: Outcome::Unknown,
                    said: format!(
                        "is the same content as entry {other}, of which it is said in {}",
                        self.later.quoted(*by)
                    ),
                    next: "ask the lab whether what it says of that entry holds for this one too",
                });
            }
        }
        words
    }

    fn incidents(&self) -> Vec<Word> {
        let open = self.active.iter().flat_map(|target| {
            let incidents = self.later.incidents(*target).filter(|(_, settled)| settled.is_none());
            incidents.map(|(incident, _)| (*target, incident))
        });
        let word = |(target, by)| Word {
            target,
            by,
            outcome: Outcome::Unknown,
            said: format!("is said to have gone wrong by {}", self.later.quoted(by)),
            next: "ask the lab what came of it: a later incident entry can settle this one",
        };
        open.map(word).collect()
    }

    /// Words that decide nothing here: settled incidents, attempts left out, what became of older versions.
    fn asides(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for target in &self.active {
            for (incident, by) in self.later.incidents(*target) {
                if let Some(by) = by {
                    let (said, settled) = (self.later.quoted(incident), self.later.quoted(by));
                    notes.push(format!("entry {target} is said to have gone wrong by {said}; settled by {settled}"));
                }
            }
            if let Some(by) = self.later.exclusion(*target) {
                notes.push(format!("entry {target} is left out of the analysis by {}", self.later.quoted(by)));
            }
            let is_aside = !self.is_claim || self.kind(*target) == Some(Kind::Protocol);
            for by in self.later.said(EdgeType::Supersedes, *target).filter(|by| is_aside && !self.active.contains(by))
            {
                notes.push(format!("entry {target} is superseded by entry {by}"));
            }
        }
        let what = if self.is_claim { "an older version that nothing rests on" } else { "which that was made from" };
        for target in self.evidence.links.reached.difference(&self.active) {
            if let Some(by) = self.later.retraction(*target) {
                notes.push(format!("entry {target}, {what}, is retracted by {}", self.later.quoted(by)));
            }
        }
        notes
    }
}

/// Everything reached without going through what was replaced; a claim rests on its protocol too.
fn active(evidence: &VerifiedEvidence<'_>) -> BTreeSet<EntryIndex> {
    let named: BTreeSet<LeafHash> = evidence.entries.values().filter_map(|entry| entry.payload().protocol).collect();
    let leaves = evidence.entries.iter().map(|(index, entry)| (entry.leaf_hash(), *index));
    let protocols: BTreeMap<LeafHash, EntryIndex> = leaves.filter(|(leaf, _)| named.contains(leaf)).collect();
    reachable(evidence.claim, |index| {
        let payload = evidence.entries.get(&index)?.payload();
        let rests_on = payload.edges.iter().filter(|edge| edge.log.is_none() && edge.edge_type != EdgeType::Supersedes);
        let protocol = payload.protocol.and_then(|leaf| protocols.get(&leaf).copied());
        Some(rests_on.map(|edge| edge.seq).chain(protocol).collect())
    })
}

fn is_fact(case: &Case<'_>, index: EntryIndex) -> bool {
    let kind = case.evidence.entries.get(&index).map(|entry| entry.payload().kind);
    kind.is_some_and(|kind| !kind.is_frame())
}
