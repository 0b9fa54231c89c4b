//! Words on earlier entries (`retract`, `exclude`, `incident`, `locate`): looked up, held to the rules, signed, appended.

use std::collections::BTreeSet;

use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::render::{Line, count};
use crate::cli::survey::{each, readable, row};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::LeafHash;
use crate::journal::{Draft, Finder, Row, Target};
use crate::merkle::EntryIndex;
use crate::statement::{Body, EdgeType, Kind};

/// Longest reason in bytes: a paragraph; a report is an artifact of its own.
const MAX_REASON: usize = 2000;

/// Claims named where several rest on what is taken back.
const MAX_CLAIMS: usize = 10;

/// Reads a reason as typed.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a reason is needed: it is what readers will go by".to_owned());
    }
    if text.len() > MAX_REASON || text.chars().any(char::is_control) {
        return Err(format!("a reason is one line of at most {MAX_REASON} bytes"));
    }
    Ok(text.to_owned())
}

/// Earlier entries and a reason: all that the plain words take.
#[derive(Debug, clap::Args)]
pub(super) struct WordArgs {
    /// What it is about, by name, digest or number
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<String>,
    /// Why; shown in evidence that rests on them
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl WordArgs {
    /// Says a word of that kind on them.
    pub(super) fn say(self, kind: Kind, context: &Context) -> Outcome {
        let body = Body { reason: Some(self.reason), ..Body::default() };
        Word { kind, of: &self.entries, settles: None, body }.say(context, &self.passphrase)
    }
}

/// What is about to be said.
pub(super) struct Word<'a> {
    /// Which kind of word.
    pub(super) kind: Kind,
    /// The entries it is about, as typed.
    pub(super) of: &'a [String],
    /// The incident that it settles, as typed.
    pub(super) settles: Option<&'a str>,
    /// Its reason, its places.
    pub(super) body: Body,
}

impl Word<'_> {
    /// Says it, once: the same word on the same entries is not said again.
    pub(super) fn say(self, context: &Context, passphrase: &PassphraseArgs) -> Outcome {
        let reading = Reading::open(context)?;
        let finder = finder(context, &reading)?;
        let mut draft = Draft::new(self.kind);
        let edge_type = EdgeType::about(self.kind).expect("each of these kinds is about entries");
        let mut rows = Vec::new();
        let targets = self.of.iter().map(|text| (text.as_str(), edge_type));
        for (text, edge_type) in targets.chain(self.settles.map(|text| (text, EdgeType::Supersedes))) {
            let row = look_up(&finder, text)?;
            refuse(self.kind, edge_type, &row, text)?;
            let (kind, digest) = row.principal();
            draft.link(edge_type, Target::Entry(row.index), kind, digest);
            rows.push(row);
        }
        draft.body = self.body;
        if let Some(by) = said_before(&finder, &draft, &rows)? {
            context.print(&format!("unchanged: entry {by} says so already\n"))?;
            return Ok(0);
        }
        let (mut journal, _) = journal(context, passphrase)?;
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        let names: Vec<String> = rows.iter().map(|row| Line::of(row).pointer()).collect();
        context.print(&format!("entry {index}  {} of {}\n", self.kind, names.join(", ")))?;
        if matches!(self.kind, Kind::Retraction | Kind::Incident) {
            warn_of_claims(context, &reading, &rows)?;
        }
        Ok(0)
    }
}

/// What a word of this kind may not be about.
fn refuse(kind: Kind, edge_type: EdgeType, row: &Row, text: &str) -> Result<(), Failure> {
    let (index, of) = (row.index, row.payload.kind);
    if of.is_frame() {
        let failure = Failure::new(format!("entry {index} is a {of}, part of the ledger's frame: it stands"));
        return Err(failure.hint("a key is taken out of use by: reproledger key revoke"));
    }
    if kind == Kind::Retraction && of == Kind::Retraction {
        let failure = Failure::new(format!("entry {index} is itself a retraction, and a retraction stands"));
        return Err(failure.hint("what holds after all is said anew: record it again under a name of its own"));
    }
    if edge_type.allows(kind, of) {
        return Ok(());
    }
    let text = text.escape_default();
    Err(match (edge_type, kind) {
        (EdgeType::Supersedes, _) => Failure::new(format!("`{text}` is a {of}, not an incident"))
            .hint("list them: reproledger log --kind incident"),
        (_, Kind::Exclusion) => {
            Failure::new(format!("`{text}` is a {of}: artifacts and runs are left out of an analysis"))
                .hint("any other entry is taken back by: reproledger retract")
        }
        _ => Failure::new(format!("`{text}` is a {of}: only an artifact can be had somewhere"))
            .hint("list what there is: reproledger log"),
    })
}

/// The entry that says the same of the same entries, and was not taken back.
fn said_before(finder: &Finder<'_>, draft: &Draft, rows: &[Row]) -> Result<Option<EntryIndex>, Failure> {
    let Some(first) = rows.first() else { return Ok(None) };
    let wanted: BTreeSet<_> = draft.edges.iter().map(|edge| (edge.edge_type, edge.target.clone())).collect();
    for row in finder.linking_to(first).map_err(from_journal)? {
        let edges = row.payload.edges.iter().filter(|edge| edge.log.is_none());
        let said: BTreeSet<_> = edges.map(|edge| (edge.edge_type, Target::Entry(edge.seq))).collect();
        if row.payload.kind != draft.kind || said != wanted || row.body.as_ref() != Some(&draft.body) {
            continue;
        }
        let mut later = finder.linking_to(&row).map_err(from_journal)?.into_iter();
        if !later.any(|later| later.payload.kind == Kind::Retraction) {
            return Ok(Some(row.index));
        }
    }
    Ok(None)
}

/// Names the claims that rest on these entries: what was said changes their verdict.
fn warn_of_claims(context: &Context, reading: &Reading, rows: &[Row]) -> Result<(), Failure> {
    let mut tainted: BTreeSet<EntryIndex> = rows.iter().map(|row| row.index).collect();
    let mut leaves: BTreeSet<LeafHash> = rows.iter().map(|row| row.leaf).collect();
    let mut claims = Vec::new();
    each(&reading.ledger, EntryIndex(0), |index, leaf, entry| {
        let entry = readable(index, entry)?;
        let payload = entry.claimed();
        let mut rests_on = payload.edges.iter().filter(|edge| {
            edge.log.is_none()
                && edge.edge_type != EdgeType::Supersedes
                && EdgeType::about(payload.kind) != Some(edge.edge_type)
        });
        let is_under = payload.protocol.is_some_and(|protocol| leaves.contains(&protocol));
        if is_under || rests_on.any(|edge| tainted.contains(&edge.seq)) {
            tainted.insert(index);
            leaves.insert(leaf);
        }
        if payload.kind == Kind::Claim && tainted.contains(&index) {
            claims.push(index);
        }
        Ok(())
    })?;
    if claims.is_empty() {
        return Ok(());
    }
    let named = claims.iter().take(MAX_CLAIMS).map(|index| Ok(Line::of(&row(reading, *index)?).pointer()));
    let named = named.collect::<Result<Vec<_>, Failure>>()?.join(", ");
    let more = if claims.len() > MAX_CLAIMS { ", …" } else { "" };
    context.remark(&format!(
        "note: {} on it: {named}{more}; evidence cut before now does not show this, so cut it anew",
        count(claims.len() as u64, "claim rests", "claims rest")
    ));
    Ok(())
}
