//! `show`: one entry with all it says, whether its signature holds, and its proof.

mod facts;
mod items;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::cli::marks::{Mark, Marks};
use crate::cli::open::{Reading, explain};
use crate::cli::render::{self, Line};
use crate::cli::survey::{Keys, Signature, each, readable, resolve, row};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{Digest, LeafHash, NodeHash, hex};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Entry};
use facts::Facts;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:show:v1";

/// Later entries named under one; the count says how many there are.
const MAX_LATER: usize = 100;

/// Show an entry with all it says, its signature and its proof
///
/// A number shows that entry, a name the newest entry of that name, a digest every entry that carries it. An entry
/// whose signature does not hold is named, but nothing it says is shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger show model-spec\n  reproledger show corpus --items --limit 20\n  reproledger show 7 --proof 7.tlog-proof --entry 7.cose"
)]
pub(super) struct Show {
    /// An entry's number, a digest, or a name
    #[arg(value_name = "ENTRY|DIGEST|NAME")]
    what: String,
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// Write the entry's proof to this new file, as others read it (c2sp.org/tlog-proof)
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Write the entry's bytes, a COSE_Sign1, to this new file: what the proof is about
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    #[command(flatten)]
    items: items::ItemsArgs,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    ledger: String,
    head: HeadFacts,
    entries: Vec<Shown>,
}

/// The head that proofs are checked against.
#[derive(Serialize)]
struct HeadFacts {
    size: u64,
    root: String,
    log_key: String,
}

/// One entry as it is shown.
#[derive(Serialize)]
struct Shown {
    index: u64,
    entry: String,
    length: usize,
    signature: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature_reason: Option<String>,
    signed_by: String,
    inclusion: Inclusion,
    /// All it says; absent where its signature does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Facts>,
    later: Later,
}

#[derive(Serialize)]
struct Inclusion {
    holds: bool,
    path: Vec<String>,
}

/// What later entries say about this one.
#[derive(Debug, Default, Clone, Serialize)]
struct Later {
    superseded_by: Vec<u64>,
    retracted_by: Vec<u64>,
    used_by: Vec<UsedBy>,
    used_by_count: u64,
    /// What is said of it: taken back, left out, gone wrong, to be had elsewhere. The first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<WordFacts>,
}

/// A later word on an entry, with what it says.
#[derive(Debug, Clone, Serialize)]
struct WordFacts {
    #[serde(flatten)]
    mark: Mark,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<String>,
    /// The later word that takes this one back or replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
struct UsedBy {
    index: u64,
    relation: &'static str,
}

/// What going over the whole ledger tells of an entry.
#[derive(Default)]
struct Found {
    signature: Option<Signature>,
    later: Later,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let reading = Reading::open(context)?;
        let mut wanted = resolve(&reading, &self.what)?;
        // A name means its newest entry; a digest everything that carries it.
        if self.what.parse::<Digest>().is_err() {
            wanted.drain(..wanted.len().saturating_sub(1));
        }
        if (self.proof.is_some() || self.entry.is_some()) && wanted.len() > 1 {
            return Err(Failure::new(format!(
                "`{}` means {} entries, and a proof is about one",
                self.what,
                wanted.len()
            ))
            .hint(format!("name one by its number: reproledger show {}", wanted[0])));
        }
        let mut surveyed = survey(&reading, &wanted)?;
        let mut shown = Vec::new();
        for index in &wanted {
            let found = surveyed.remove(index).unwrap_or_default();
            shown.push(self.one(&reading, *index, found)?);
        }
        if self.items.is_asked() {
            return self.items.list(context, &reading, &self.what, &shown, self.json);
        }
        let code = shown.iter().map(Shown::code).max_by_key(|code| (*code == 1, *code)).unwrap_or_default();
        if self.json {
            let tree = reading.ledger.tree();
            let head = HeadFacts {
                size: tree.size.0,
                root: format!("sha256:{}", hex(tree.root.as_bytes())),
                log_key: reading.settings.log_key.clone(),
            };
            let document = Document { schema: SCHEMA, ledger: reading.ledger.id().to_string(), head, entries: shown };
            render::print_json(context, &document)?;
        } else if let [one] = shown.as_slice() {
            context.print(&text::page(one, reading.ledger.tree()))?;
        } else {
            context.print(&list(&reading, &self.what, &wanted)?)?;
        }
        Ok(code)
    }

    fn one(&self, reading: &Reading, index: EntryIndex, found: Found) -> Result<Shown, Failure> {
        let stored = reading.ledger.entry(index).map_err(explain)?;
        // Makes the path and holds it against the head; an error says that it does not hold.
        let path = reading.ledger.prove_inclusion(index, stored.leaf).map_err(explain)?;
        if let Some(file) = &self.proof {
            write_new(file, proof_text(index, &path, reading.ledger.head().bytes())?.as_bytes())?;
        }
        if let Some(file) = &self.entry {
            write_new(file, &stored.bytes)?;
        }
        let entry = readable(index, Entry::parse(&stored.bytes))?;
        let signature = found.signature.unwrap_or_else(|| Signature::Unknown("it was not gone over".to_owned()));
        let row = row(reading, index)?;
        let (signature, signature_reason, facts) = match signature {
            Signature::Holds => ("holds", None, Some(Facts::of(reading, &row)?)),
            Signature::Disowned(reason) => ("disowned", Some(reason), Some(Facts::of(reading, &row)?)),
            Signature::Unknown(reason) => ("unknown", Some(reason), Some(Facts::of(reading, &row)?)),
            Signature::Refused(reason) => ("refused", Some(reason), None),
        };
        Ok(Shown {
            index: index.0,
            entry: Digest::from(stored.leaf).to_string(),
            length: stored.bytes.len(),
            signature,
            signature_reason,
            signed_by: format!("sha256:{}", entry.key_id()),
            inclusion: Inclusion { holds: true, path: path.iter().map(|hash| hex(hash.as_bytes())).collect() },
            facts,
            later: found.later,
        })
    }
}

impl Shown {
    fn code(&self) -> u8 {
        match self.signature {
            "holds" => 0,
            "refused" => 1,
            _ => 3,
        }
    }
}

/// Goes over the whole ledger once: keys in their order, and what later entries say of the wanted ones.
fn survey(reading: &Reading, wanted: &[EntryIndex]) -> Result<BTreeMap<EntryIndex, Found>, Failure> {
    let mut found: BTreeMap<EntryIndex, Found> = wanted.iter().map(|index| (*index, Found::default())).collect();
    let mut keys: Option<Result<Keys, String>> = None;
    let mut marks = Marks::default();
    each(&reading.ledger, EntryIndex(0), |index, _: LeafHash, entry| {
        let Ok(entry) = entry else {
            if let Some(Ok(keys)) = &mut keys {
                keys.lose(index);
            }
            return Ok(());
        };
        let keys = keys.get_or_insert_with(|| {
            Keys::open(&entry)
                .map(|(_, keys)| keys)
                .map_err(|reject| format!("the ledger's keys are not known: {reject}"))
        });
        if let Some(found) = found.get_mut(&index) {
            found.signature = Some(match &keys {
                Ok(keys) => keys.judge(index, &entry),
                Err(reason) => Signature::Unknown(reason.clone()),
            });
        }
        marks.take(index, entry.claimed());
        let later: BTreeSet<_> = entry.claimed().edges.iter().map(|edge| (edge.seq, edge.edge_type)).collect();
        for (target, edge_type) in later {
            if let Some(found) = found.get_mut(&target).filter(|_| target < index) {
                found.later.add(index, edge_type);
            }
        }
        if let Ok(keys) = keys {
            keys.take(index, &entry);
        }
        Ok(())
    })?;
    for (index, found) in &mut found {
        for mark in marks.said(*index).iter().take(MAX_LATER) {
            let Line { reason, locations, .. } = Line::of(&row(reading, EntryIndex(mark.by))?);
            let ended_by = marks.ended(mark);
            found.later.words.push(WordFacts { mark: mark.clone(), reason, locations, ended_by });
        }
    }
    if let Some(Ok(keys)) = &keys {
        disown(reading, keys, &mut found)?;
    }
    Ok(found)
}

/// A key that was taken out as compromised vouches for nothing from that entry on.
fn disown(reading: &Reading, keys: &Keys, found: &mut BTreeMap<EntryIndex, Found>) -> Result<(), Failure> {
    for (index, found) in found.iter_mut().filter(|(_, found)| found.signature == Some(Signature::Holds)) {
        let key = row(reading, *index)?.key_id;
        let revocation = keys.set().revoked().get(&key);
        if let Some((by, since)) =
            revocation.and_then(|revocation| Some((revocation.by, revocation.compromised_since?)))
            && since <= *index
        {
            let reason = format!("entry {by} says that this key was in other hands since entry {since}");
            found.signature = Some(Signature::Disowned(reason));
        }
    }
    Ok(())
}

impl Later {
    fn add(&mut self, index: EntryIndex, edge_type: EdgeType) {
        match edge_type {
            EdgeType::Supersedes => self.superseded_by.push(index.0),
            EdgeType::Retracts => self.retracted_by.push(index.0),
            EdgeType::Excludes | EdgeType::Concerns | EdgeType::Locates => {}
            _ => {
                self.used_by_count += 1;
                if self.used_by.len() < MAX_LATER {
                    self.used_by.push(UsedBy { index: index.0, relation: edge_type.name() });
                }
            }
        }
    }
}

/// Several entries carry one digest: a line for each.
fn list(reading: &Reading, what: &str, wanted: &[EntryIndex]) -> Result<String, Failure> {
    let width = wanted.last().map_or(1, |index| index.to_string().len());
    let mut out = format!("{} entries carry {what}\n\n", wanted.len());
    for index in wanted.iter().rev() {
        out.push_str(&Line::of(&row(reading, *index)?).text(width));
        out.push('\n');
    }
    Ok(out)
}

/// The entry's proof as a C2SP tlog-proof: <https://c2sp.org/tlog-proof>.
fn proof_text(index: EntryIndex, path: &[NodeHash], head: &[u8]) -> Result<String, Failure> {
    let head = std::str::from_utf8(head).map_err(|_| Failure::new("the head is not UTF-8"))?;
    let hashes: String = path.iter().map(|hash| STANDARD.encode(hash.as_bytes()) + "\n").collect();
    Ok(format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{head}"))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_the_text_that_others_read() {
        let path = [NodeHash::from_bytes([0; 32])];
        let text = proof_text(EntryIndex(1), &path, b"lab.example/log\n2\nAA==\n\nsignature\n").unwrap_or_default();
        let expected = "c2sp.org/tlog-proof@v1\nindex 1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nlab.example/log\n2\nAA==\n\nsignature\n";
        assert_eq!(text, expected);
        let alone = proof_text(EntryIndex(0), &[], b"head\n").unwrap_or_default();
        assert_eq!(alone, "c2sp.org/tlog-proof@v1\nindex 0\n\nhead\n");
    }
}
