//! What made an artifact: the run that wrote it; of receipts, the documents that the calls made.

use crate::artifact::documents::{DocumentLeaf, parse_documents};
use crate::artifact::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::cli::open::{Reading, from_journal, look_up};
use crate::cli::survey::objects;
use crate::cli::{Context, Failure};
use crate::digest::{DigestKind, ManifestRoot};
use crate::journal::{Draft, Finder, Reference, Row, Target};
use crate::statement::{EdgeType, Kind, RunStatus};

/// The run that wrote an artifact, and the documents that receipts are of.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct MadeArgs {
    /// The run that wrote it: the entry's number or digest, or the stage, of which the newest run is meant
    #[arg(long, value_name = "RUN|ENTRY", conflicts_with = "all_versions")]
    made_by: Option<String>,
    /// The documents that these receipts are of: linked, and counted which of them have one (generation-receipts)
    #[arg(long = "documents", value_name = "NAME|DIGEST")]
    made: Option<String>,
}

impl MadeArgs {
    /// Links the draft to the run that wrote it.
    pub(super) fn link(&self, context: &Context, finder: &Finder<'_>, draft: &mut Draft) -> Result<(), Failure> {
        let Some(text) = &self.made_by else { return Ok(()) };
        let row = match Reference::parse(text) {
            Reference::Name(stage) => finder.run_of(&stage).map_err(from_journal)?.ok_or_else(|| {
                Failure::new(format!("no stage `{}` was run in this ledger", stage.escape_default()))
                    .hint("list the runs: reproledger log --kind run-start --kind run-end")
            })?,
            _ => look_up(finder, text)?,
        };
        if !matches!(row.payload.kind, Kind::RunStart | Kind::RunEnd) {
            let failure = Failure::new(format!("entry {} is a {}, not a run", row.index, row.payload.kind));
            return Err(failure.hint("what it was made from is said with --from"));
        }
        if row.payload.outcome.is_some_and(|outcome| outcome.status != RunStatus::Completed) {
            context.remark(&format!("note: the run of entry {} did not end well", row.index));
        }
        draft.link(EdgeType::ProducedBy, Target::Entry(row.index), DigestKind::Entry, row.leaf.into());
        Ok(())
    }

    /// The entry of the documents that receipts are of, and its documents as far as they can be told here.
    pub(super) fn documents(
        &self,
        context: &Context,
        reading: &Reading,
        finder: &Finder<'_>,
        kind: Kind,
    ) -> Result<Option<(Row, Vec<DocumentLeaf>)>, Failure> {
        let Some(text) = &self.made else { return Ok(None) };
        if kind != Kind::GenerationReceipts {
            return Err(Failure::new(format!("--documents is of generation-receipts, not of a {kind}")));
        }
        let row = look_up(finder, text)?;
        if row.payload.kind != Kind::Documents {
            return Err(Failure::new(format!("entry {} is a {}, expected documents", row.index, row.payload.kind)));
        }
        let digest = row.payload.subjects.iter().find_map(|subject| subject.digest(DigestKind::Rows));
        let object = digest.map(|digest| objects(reading).get(&digest.bytes, MAX_MANIFEST_BYTES)).transpose()?;
        let manifest = object.flatten().map(|object| Manifest::parse_kind(&object, DigestKind::Rows)).transpose()?;
        let root = manifest.as_ref().map(Manifest::root).transpose()?;
        let unread = match (&manifest, digest) {
            (Some(manifest), _) if manifest.header.unsalted_projection().is_some() => "they are behind salts",
            (Some(_), Some(digest)) if root == Some(ManifestRoot::from_bytes(digest.bytes)) => "",
            (Some(_), _) => {
                return Err(Failure::new("the list of these documents is damaged").hint("reproledger audit"));
            }
            (None, _) => "their list is not here",
        };
        if !unread.is_empty() {
            context.remark(&format!("note: which documents have a receipt was not looked at: {unread}"));
            return Ok(Some((row, Vec::new())));
        }
        let documents = manifest.map(|manifest| parse_documents(&manifest)).transpose()?;
        Ok(Some((row, documents.unwrap_or_default())))
    }
}
