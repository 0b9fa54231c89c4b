//! `record --claims`: what the author of a manifest claims, held to the files of a folder.

use std::path::{Path, PathBuf};

use crate::capture::against::read_document;
use crate::cli::render::message;
use crate::cli::{Context, Failure};
use crate::digest::{Digest, DigestKind, FileDigest};
use crate::interop::labmanifest::{Check, Folder, LabManifest, MAX_MANIFEST_BYTES};
use crate::journal::Draft;
use crate::statement::Kind;

/// Findings that are written out.
const MAX_SHOWN: usize = 20;

/// Whether a file is a manifest, and where its files are.
#[derive(Debug, clap::Args)]
pub(super) struct ClaimsArgs {
    /// Read it as a manifest that a lab left beside its files, and keep what that claims (config, other)
    #[arg(long, conflicts_with = "git")]
    claims: bool,
    /// Hold these claims to the files of this folder; exit 1 where one is contradicted
    #[arg(long, value_name = "FOLDER", requires = "claims")]
    against: Option<PathBuf>,
}

impl ClaimsArgs {
    /// Reads the one file of the draft as a manifest into its reading, where that was asked for; the exit code.
    pub(super) fn read(&self, context: &Context, draft: &mut Draft, paths: &[PathBuf]) -> Result<u8, Failure> {
        if !self.claims {
            return Ok(0);
        }
        let contradicted = read(context, draft, paths, self.against.as_deref())?;
        Ok(u8::from(contradicted > 0))
    }
}

/// How many statements of the manifest are contradicted.
fn read(context: &Context, draft: &mut Draft, paths: &[PathBuf], against: Option<&Path>) -> Result<u64, Failure> {
    let [path] = paths else { return Err(Failure::new("--claims takes one manifest")) };
    if !matches!(draft.kind, Kind::Config | Kind::Other) {
        return Err(Failure::new(format!("--claims takes a config or other, not a {}", draft.kind)));
    }
    let bytes = read_document(path, MAX_MANIFEST_BYTES)?;
    let read = Digest::from(FileDigest::of(&bytes));
    if !draft.subjects.iter().any(|subject| subject.carries(DigestKind::File, &read)) {
        return Err(Failure::new(format!("`{}` changed while it was read", path.display())));
    }
    let manifest = LabManifest::parse(&bytes)?;
    let folder = against.map(Folder::open).transpose()?;
    let checked = manifest.check(folder.as_ref());
    let contradicted = checked.count(Check::Contradicted);
    for finding in checked.findings.iter().filter(|finding| finding.check == Check::Contradicted).take(MAX_SHOWN) {
        context.remark(&format!("CONTRADICTED  {}: {}", message(&finding.about), message(&finding.found)));
    }
    context.remark(&format!(
        "note: {}, claimed by its author: {} confirmed, {contradicted} contradicted, {} not checked",
        manifest.shape,
        checked.count(Check::Confirmed),
        checked.count(Check::NotChecked),
    ));
    draft.body.reading = Some(manifest.reading(&checked));
    Ok(contradicted)
}
