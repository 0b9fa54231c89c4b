//! Where entries are read: the ledger of the working directory, or an evidence file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::cli::marks::Marks;
use crate::cli::open::Reading;
use crate::cli::survey::{each, readable, resolve, row};
use crate::cli::verify::read_bounded;
use crate::cli::{Context, Failure};
use crate::digest::LeafHash;
use crate::evidence::{MAGIC, MAX_EVIDENCE_BYTES};
use crate::journal::Row;
use crate::lineage::Relation;
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Payload};
use crate::verify::{self, Class};

/// Who rests on whom: an arc goes from an entry to what it came from.
pub(super) type Arcs = BTreeMap<EntryIndex, Vec<(Relation, EntryIndex)>>;

/// Entries, and the one that was asked for.
pub(super) enum Source {
    /// In the ledger at hand; as recorded, not verified.
    Ledger(Box<Reading>, EntryIndex),
    /// In an evidence file that is consistent; whether anybody vouches for it is for `verify` to say.
    Evidence { ledger: String, root: EntryIndex, rows: BTreeMap<EntryIndex, Row> },
}

impl Source {
    /// What a person means: evidence where there is such a file, else something in the ledger.
    pub(super) fn open(context: &Context, of: &str) -> Result<Self, Failure> {
        let path = context.directory().join(of);
        if is_evidence(&path) {
            return Self::read(context, &path);
        }
        let reading = Reading::open(context)?;
        let root = resolve(&reading, of)?.pop().expect("what resolves means at least one entry");
        Ok(Self::Ledger(Box::new(reading), root))
    }

    fn read(context: &Context, path: &Path) -> Result<Self, Failure> {
        let bytes = read_bounded(path, MAX_EVIDENCE_BYTES)?;
        let mut evidence = verify::evidence(&bytes, None).map_err(|reject| {
            let class = reject.class();
            let failure = Failure::from(reject).hint("see the whole verdict: reproledger verify FILE");
            match class {
                Class::Contradicted => failure.contradicted(),
                Class::Missing | Class::Unsupported => failure.unestablished(),
                _ => failure,
            }
        })?;
        context.remark("note: the file is consistent; whether to believe it is for `reproledger verify` to say");
        let mut bodies = std::mem::take(&mut evidence.bodies);
        let rows = evidence.entries.iter().map(|(index, entry)| {
            let row = Row {
                index: *index,
                leaf: entry.leaf_hash(),
                payload: entry.payload().clone(),
                claims: entry.claims().clone(),
                key_id: entry.key_id(),
                body: bodies.remove(index),
            };
            (*index, row)
        });
        Ok(Self::Evidence { ledger: evidence.log.to_string(), root: evidence.claim, rows: rows.collect() })
    }

    /// The entry that was asked for.
    pub(super) fn root(&self) -> EntryIndex {
        match self {
            Self::Ledger(_, root) | Self::Evidence { root, .. } => *root,
        }
    }

    /// The ledger's identity.
    pub(super) fn ledger(&self) -> String {
        match self {
            Self::Ledger(reading, _) => reading.ledger.id().to_string(),
            Self::Evidence { ledger, .. } => ledger.clone(),
        }
    }

    /// One entry with its name.
    pub(super) fn row(&self, index: EntryIndex) -> Result<Row, Failure> {
        match self {
            Self::Ledger(reading, _) => row(reading, index),
            Self::Evidence { rows, .. } => rows
                .get(&index)
                .cloned()
                .ok_or_else(|| Failure::new(format!("entry {index} is not in the evidence")).unestablished()),
        }
    }

    /// The arcs of all entries, turned round where what was made is asked for, and what entries say of others.
    pub(super) fn arcs(&self, down: bool) -> Result<(Arcs, Marks), Failure> {
        let mut draft =
            Draft { arcs: Arcs::new(), marks: Marks::default(), leaves: BTreeMap::new(), protocols: Vec::new(), down };
        match self {
            Self::Ledger(reading, _) => each(&reading.ledger, EntryIndex(0), |index, leaf, entry| {
                draft.take(index, leaf, readable(index, entry)?.claimed());
                Ok(())
            })?,
            Self::Evidence { rows, .. } => {
                rows.values().for_each(|row| draft.take(row.index, row.leaf, &row.payload));
                draft.drop_missing();
            }
        }
        Ok(draft.finish())
    }
}

/// True for a regular file that begins as evidence does.
fn is_evidence(path: &Path) -> bool {
    let mut start = Vec::new();
    path.is_file()
        && File::open(path)
            .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start))
            .is_ok_and(|_| start == MAGIC)
}

/// Arcs while entries are gone over.
struct Draft {
    arcs: Arcs,
    marks: Marks,
    leaves: BTreeMap<LeafHash, EntryIndex>,
    protocols: Vec<(EntryIndex, LeafHash)>,
    down: bool,
}

impl Draft {
    fn take(&mut self, index: EntryIndex, leaf: LeafHash, payload: &Payload) {
        self.marks.take(index, payload);
        self.leaves.insert(leaf, index);
        self.protocols.extend(payload.protocol.map(|protocol| (index, protocol)));
        for edge in payload.edges.iter().filter(|edge| edge.log.is_none()) {
            let (from, relation, to) = match edge.edge_type {
                EdgeType::Generated => (edge.seq, Relation::GeneratedBy, index),
                edge_type => (index, Relation::Edge(edge_type), edge.seq),
            };
            // An edge that points forward or out of the ledger is for `audit` to name.
            if edge.seq < index {
                push(&mut self.arcs, from, relation, to, self.down);
            }
        }
    }

    /// Evidence need not hold everything that its entries link to.
    fn drop_missing(&mut self) {
        let here: BTreeSet<EntryIndex> = self.leaves.values().copied().collect();
        self.arcs.retain(|from, _| here.contains(from));
        self.arcs.values_mut().for_each(|arcs| arcs.retain(|(_, to)| here.contains(to)));
    }

    fn finish(mut self) -> (Arcs, Marks) {
        for (index, protocol) in self.protocols {
            if let Some(target) = self.leaves.get(&protocol).filter(|target| **target < index) {
                push(&mut self.arcs, index, Relation::Under, *target, self.down);
            }
        }
        (self.arcs, self.marks)
    }
}

pub(super) fn push(arcs: &mut Arcs, from: EntryIndex, relation: Relation, to: EntryIndex, down: bool) {
    let (from, to) = if down { (to, from) } else { (from, to) };
    arcs.entry(from).or_default().push((relation, to));
}
