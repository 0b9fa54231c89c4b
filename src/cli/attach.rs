//! `attach`: takes what somebody else signed of a claim, so that its evidence carries it.

use std::path::PathBuf;

use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, find, from_journal, journal, say};
use crate::cli::render::{message, quoted};
use crate::cli::verify::read_bounded;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::{DigestKind, FileDigest};
use crate::evidence::MAX_TESTIMONY_BYTES;
use crate::journal::{Census, Disclose, Draft, Target, cut};
use crate::merkle::EntryIndex;
use crate::statement::{EdgeType, Kind, Subject};
use crate::verify::{self, Class, TestimonyError, VerifiedEvidence};

/// Attach what somebody else signed of a claim: evidence cut from now on carries it
///
/// The file is held to the claim first: it must be signed in another ledger than this one, by keys of its own, of this claim
/// and of a head that this ledger had. Its bytes are kept as they are; the entry commits to them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  reproledger attach theirs.attestation --to popularity-accuracy\n\nWho rebuilt the claim writes such a file with:\n  reproledger rebuild claim.evidence --artifacts ./study --sign --attestation theirs.attestation\nWho scored its transcripts under the weights, with:\n  reproledger sample claim.evidence --nonce TEXT --artifacts ./study --likelihoods scores.jsonl … --sign --attestation theirs.attestation"
)]
pub(super) struct Attach {
    /// The file, as its signer wrote it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The claim that it is of, by name or entry
    #[arg(long = "to", value_name = "CLAIM")]
    claim: String,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Attach {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let bytes = read_bounded(&self.file, MAX_TESTIMONY_BYTES as u64)?;
        let reading = Reading::open(context)?;
        let catalog = reading.catalog()?;
        let row = find(&catalog, &self.claim)?;
        if row.payload.kind != Kind::Claim {
            let text = self.claim.escape_default();
            return Err(Failure::new(format!("`{text}` is a {}, not a claim", row.payload.kind))
                .hint("list the claims: reproledger log --kind claim"));
        }
        let digest = FileDigest::of(&bytes);
        let attaches = |payload: &crate::statement::Payload| payload.attached_to(row.index) == Some(digest);
        if let Some(before) = catalog.rows().iter().find(|other| attaches(&other.payload)) {
            context.print(&format!("unchanged: entry {} attaches it already\n", before.index))?;
            return Ok(0);
        }
        // The claim as it would be proved now, the whole ledger with it: nothing about the file stays untold.
        let own = cut(&reading.ledger, row.index, &Disclose::ClaimOnly, Census::Whole)?.to_bytes();
        let mut evidence = verify::evidence(&own, None)?;
        let name = self.file.to_string_lossy();
        evidence.add_testimony(&bytes).map_err(|error| refused(&name, &error))?;
        let said = told(&evidence)?;

        let mut draft = Draft::new(Kind::Attach);
        draft.subjects = vec![Subject::file(digest, bytes.len() as u64)];
        draft.link(EdgeType::AttachedTo, Target::Entry(row.index), DigestKind::Entry, row.leaf.into());
        draft.objects = vec![(*digest.as_bytes(), bytes)];
        let (mut journal, _) = journal(context, &self.passphrase)?;
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        context.print(&format!("entry {index}  attached to {}\n{said}", quoted(row.name().unwrap_or(&self.claim))))?;
        context.remark("hint: evidence cut before now does not carry it, so cut it anew");
        Ok(0)
    }
}

/// What was brought, in a line: the kind, whose ledger, which key.
fn told(evidence: &VerifiedEvidence<'_>) -> Result<String, Failure> {
    let Some(brought) = evidence.testified.last() else { return Err(Failure::new("the file says nothing")) };
    if !brought.is_of_this_history {
        return Err(Failure::new("the head that the file is of is none of this ledger's").contradicted());
    }
    let testimony = &brought.testimony;
    let back = match testimony.taken_back {
        Some(EntryIndex(by)) => format!("\n  taken back by entry {by} of that ledger"),
        None => String::new(),
    };
    Ok(format!(
        "  {} of entry {} in the ledger {}\n  signed by key {}{back}\n",
        testimony.entry.payload().kind,
        testimony.index,
        message(testimony.log_key.name.as_str()),
        testimony.entry.key_id(),
    ))
}

/// A file of somebody else's that does not hold.
pub(super) fn refused(name: &str, error: &TestimonyError) -> Failure {
    let failure = Failure::new(format!("`{}` is refused: {error}", name.escape_debug()));
    match error.class() {
        Class::Malformed => failure,
        Class::Contradicted => failure.contradicted(),
        Class::Unsupported => failure.unestablished().hint("use a newer reproledger"),
        Class::Untrusted | Class::Unmet | Class::Missing => failure.unestablished(),
    }
}
