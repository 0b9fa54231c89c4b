//! Finding entries for a writer: by index, name or digest, with the index database where a scan would be slow.
//!
//! What the database answers is held against the entry itself. Where it is missing, behind, wrong or hung, the log is
//! scanned instead: the answer is the same, only later.

use std::cell::OnceCell;

use crate::digest::{Digest, LeafHash};
use crate::journal::{Catalog, JournalError, Reference, Row};
use crate::ledger::{IndexError, Ledger, Objects, bring_up_index};
use crate::merkle::EntryIndex;
use crate::statement::Kind;
use crate::store::{IndexRecord, Store, StoreLimits};

/// Up to so many entries a scan of the log is faster than opening the database.
const SCAN_UP_TO: u64 = 1000;

/// Looks entries up for one command.
#[derive(Debug)]
pub struct Finder<'a> {
    ledger: &'a Ledger,
    objects: Objects,
    store: Option<Store>,
    catalog: OnceCell<Catalog>,
    notices: Vec<String>,
}

impl<'a> Finder<'a> {
    /// Opens the index of a large ledger, bringing it up to the head or making it anew; small ledgers are scanned.
    pub fn new(ledger: &'a Ledger) -> Result<Self, JournalError> {
        let mut finder = Self::without_index(ledger);
        if ledger.tree().size.0 > SCAN_UP_TO {
            match finder.open_store() {
                Ok(store) => {
                    finder.notices.extend(store.take_notices());
                    finder.store = Some(store);
                }
                Err(IndexError::Store(error)) => finder.notices.push(format!("{error}; reading the log instead")),
                Err(IndexError::Ledger(error)) => return Err(error.into()),
            }
        }
        Ok(finder)
    }

    /// Looks entries up by scanning alone: for commands that only read.
    pub fn without_index(ledger: &'a Ledger) -> Self {
        let objects = Objects::new(ledger.layout().objects());
        Self { ledger, objects, store: None, catalog: OnceCell::new(), notices: Vec::new() }
    }

    /// One line for each thing that was put right or done without.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The newest entry that a reference means.
    pub fn find(&self, reference: &Reference) -> Result<Option<Row>, JournalError> {
        match reference {
            Reference::Index(index) if self.ledger.tree().size.contains(*index) => Ok(Some(self.row(*index)?)),
            Reference::Index(_) => Ok(None),
            Reference::Name(name) => self.named(name),
            Reference::Digest(digest) => Ok(self.carrying(digest)?.pop()),
        }
    }

    /// The newest entry of that name.
    pub fn named(&self, name: &str) -> Result<Option<Row>, JournalError> {
        if let Some(Ok(hit)) = self.store.as_ref().map(|store| store.name(name)) {
            let Some(seq) = hit else { return Ok(None) };
            // A name that is no longer in the body (erased) or never was is nobody's.
            if self.ledger.tree().size.contains(EntryIndex(seq)) {
                let row = self.row(EntryIndex(seq))?;
                if row.name() == Some(name) {
                    return Ok(Some(row));
                }
            }
        }
        let catalog = self.catalog()?;
        Ok(catalog.find(&Reference::Name(name.to_owned())).cloned())
    }

    /// Entries that carry a digest, oldest first.
    pub fn carrying(&self, digest: &Digest) -> Result<Vec<Row>, JournalError> {
        if let Some(Ok(hits)) = self.store.as_ref().map(|store| store.about(digest))
            && !hits.is_empty()
        {
            let known = hits.into_iter().map(EntryIndex).filter(|index| self.ledger.tree().size.contains(*index));
            let rows: Vec<Row> = known.map(|index| self.row(index)).collect::<Result<_, _>>()?;
            if rows.iter().all(|row| row.carries(digest)) && !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(self.catalog()?.rows().iter().filter(|row| row.carries(digest)).cloned().collect())
    }

    /// Entries that link to the entry of `target` by its principal digest, oldest first. Where the index misses one, that
    /// costs a repetition and nothing else.
    pub fn linking_to(&self, target: &Row) -> Result<Vec<Row>, JournalError> {
        let links = |row: &Row| row.payload.edges.iter().any(|edge| edge.log.is_none() && edge.seq == target.index);
        if let Some(Ok(hits)) = self.store.as_ref().map(|store| store.referring(&target.principal().1)) {
            let known = hits.into_iter().map(EntryIndex).filter(|index| self.ledger.tree().size.contains(*index));
            let rows: Vec<Row> = known.map(|index| self.row(index)).collect::<Result<_, _>>()?;
            return Ok(rows.into_iter().filter(links).collect());
        }
        Ok(self.catalog()?.rows().iter().filter(|row| links(row)).cloned().collect())
    }

    /// Names that look like `name`, the nearest first; none in a ledger so large that names are not all at hand.
    pub fn near(&self, name: &str) -> Vec<String> {
        self.catalog.get().map(|catalog| catalog.near(name)).unwrap_or_default()
    }

    /// The newest entry of a run of that stage.
    pub fn run_of(&self, stage: &str) -> Result<Option<Row>, JournalError> {
        let is_run = |row: &&Row| {
            matches!(row.payload.kind, Kind::RunStart | Kind::RunEnd) && row.payload.stage.as_deref() == Some(stage)
        };
        Ok(self.catalog()?.rows().iter().rev().find(is_run).cloned())
    }

    /// How many times a stage was started before.
    pub fn attempts(
        &self,
        protocol: Option<LeafHash>,
        arm: Option<&str>,
        seed: Option<u64>,
        stage: &str,
    ) -> Result<u64, JournalError> {
        let key = stage_key(protocol, arm, seed, stage);
        if let Some(Ok(hit)) = self.store.as_ref().map(|store| store.name(&key)) {
            let Some(seq) = hit.filter(|seq| self.ledger.tree().size.contains(EntryIndex(*seq))) else { return Ok(0) };
            let row = self.row(EntryIndex(seq))?;
            if stage_key_of(&row) == Some(key) {
                return Ok(row.payload.attempt.unwrap_or_default());
            }
        }
        Ok(self.catalog()?.attempts(protocol, arm, seed, stage))
    }

    fn row(&self, index: EntryIndex) -> Result<Row, JournalError> {
        let entry = self.ledger.entry(index)?;
        Row::read(&self.objects, index, &entry.bytes)
    }

    /// Every entry with its body, read once.
    pub fn catalog(&self) -> Result<&Catalog, JournalError> {
        if self.catalog.get().is_none() {
            // Nobody else fills the cell: a finder serves one thread.
            let _ = self.catalog.set(Catalog::read(self.ledger)?);
        }
        Ok(self.catalog.get().expect("the cell was filled above"))
    }

    fn open_store(&self) -> Result<Store, IndexError> {
        let (store, reached) = Store::open(&self.ledger.layout().index(), StoreLimits::default())?;
        bring_up_index(self.ledger, &store, reached, |entry| {
            // An entry that cannot be read is known by nothing; whoever scans for it is told.
            Row::read(&self.objects, entry.index, &entry.bytes).ok().as_ref().map(record)
        })?;
        Ok(store)
    }
}

/// What the index keeps of an entry.
fn record(row: &Row) -> IndexRecord {
    let subjects = row.payload.subjects.iter().flat_map(|subject| subject.0.values());
    let name = row.name().filter(|_| row.payload.kind != Kind::RunEnd).map(str::to_owned);
    IndexRecord {
        seq: row.index.0,
        names: name.into_iter().chain(stage_key_of(row)).collect(),
        about: subjects.flat_map(|measure| measure.digests.iter().copied()).chain([row.leaf.into()]).collect(),
        refers: row.payload.edges.iter().map(|edge| edge.digest).collect(),
    }
}

fn stage_key_of(row: &Row) -> Option<String> {
    let payload = &row.payload;
    let stage = payload.stage.as_deref().filter(|_| payload.kind == Kind::RunStart)?;
    Some(stage_key(payload.protocol, payload.arm.as_deref(), payload.seed, stage))
}

/// A name that no artifact can have (it holds control characters), for the attempts at one stage.
fn stage_key(protocol: Option<LeafHash>, arm: Option<&str>, seed: Option<u64>, stage: &str) -> String {
    let protocol = protocol.map(|leaf| leaf.to_string()).unwrap_or_default();
    let seed = seed.map(|seed| seed.to_string()).unwrap_or_default();
    format!("\u{1}stage\u{1}{protocol}\u{1}{}\u{1}{seed}\u{1}{stage}", arm.unwrap_or_default())
}
