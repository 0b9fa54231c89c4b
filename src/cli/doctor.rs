//! `doctor`: says what is wrong around the log, and puts right what may be put right.

use std::path::Path;

use serde::Serialize;

use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{explain, from_journal};
use crate::cli::render::{self, count, one_line, put};
use crate::cli::{Context, Failure, Outcome};
use crate::journal::{Draft, Journal, LostSalts, Settings, lost_salts};
use crate::key::VerifierKey;
use crate::ledger::{Finding, Ledger, LedgerError, MissingState, Notice, Repairs, StateReading, Trouble};
use crate::ledger::{examine, read_genesis, read_state, repair};
use crate::merkle::EntryIndex;
use crate::statement::Kind;

/// Id of the document's schema.
const SCHEMA: &str = "urn:reproledger:schema:doctor:v1";

/// What an `adopt` entry says where nothing else is given.
const ADOPT_REASON: &str = "the record of signed heads outside the ledger was lost";

/// Say what is wrong around the log, and put right what may be put right
///
/// Puts right what crashes leave, file modes, the copy of the head and derived files, and names salted lists whose salts
/// are not here. Damage to the log itself is never repaired: `reproledger audit` names it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  reproledger doctor --dry-run\n  reproledger doctor --adopt --reason \"moved to a new machine\""
)]
#[allow(clippy::struct_excessive_bools, reason = "four flags that have nothing to do with one another")]
pub(super) struct Doctor {
    /// Only look
    #[arg(long, conflicts_with_all = ["reindex", "adopt"])]
    dry_run: bool,
    /// Build the derived files anew
    #[arg(long)]
    reindex: bool,
    /// Where this machine's record of signed heads is lost: begin it at the newest head here, and say so in an entry
    #[arg(long)]
    adopt: bool,
    /// Why it was lost, for that entry
    #[arg(long, requires = "adopt", value_name = "TEXT")]
    reason: Option<String>,
    /// One JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    summary: String,
    exit_code: u8,
    directory: String,
    findings: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted_in_entry: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    repaired: bool,
    /// Whether it needs no hand: it goes away with the next write.
    harmless: bool,
    trouble: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'static str>,
}

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let directory = context.ledger_dir()?;
        let settings = Settings::load(&directory)?;
        let key = settings.verifier_key(&directory)?;
        let (mut findings, mut adopted) = (Vec::new(), None);
        if self.adopt {
            adopted = self.adopt(context, &directory, &settings, &mut findings)?;
        }
        findings.extend(self.treat(context, &directory, &key)?);
        let ledger = Ledger::open_read(&directory, &key).map_err(explain)?;
        let lost = lost_salts(&ledger).map_err(explain)?;
        let report = report(&directory, (&findings, &lost), adopted, self.dry_run);
        if self.json {
            render::print_json(context, &report)?;
        } else {
            context.print(&text(&report))?;
        }
        Ok(report.exit_code)
    }

    /// Looks, or repairs. Where nothing says what was signed, nothing may be written, so it only looks.
    fn treat(&self, context: &Context, directory: &Path, key: &VerifierKey) -> Result<Vec<Finding>, Failure> {
        let look = || examine(directory, key, context.state_dir()).map_err(explain);
        if self.dry_run {
            return look();
        }
        let repairs = Repairs { missing_state: MissingState::Refuse, reindex: self.reindex };
        match repair(directory, key, context.state_dir(), repairs) {
            Err(LedgerError::NoState { .. }) => look(),
            other => other.map_err(explain),
        }
    }

    /// Begins this machine's record anew and says so in the ledger, in one step.
    fn adopt(
        &self,
        context: &Context,
        directory: &Path,
        settings: &Settings,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<EntryIndex>, Failure> {
        let (ledger, _) = read_genesis(directory).map_err(explain)?;
        if let StateReading::Signed(head) = read_state(context.state_dir(), ledger)? {
            context.remark(&format!(
                "note: nothing to adopt: this machine remembers signing a head of size {} for this ledger",
                head.size
            ));
            return Ok(None);
        }
        let log_key = self.passphrase.open(context, &settings.keys.log)?;
        let issuer_key = self.passphrase.open(context, &settings.keys.issuer)?;
        let (mut journal, notices) =
            Journal::open_adopting(directory, context.state_dir(), settings, log_key, issuer_key)
                .map_err(from_journal)?;
        let mut draft = Draft::new(Kind::Adopt);
        draft.body.reason = Some(self.reason.clone().unwrap_or_else(|| ADOPT_REASON.to_owned()));
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        let noticed = notices.into_iter().chain(journal.take_notices());
        findings.extend(noticed.map(|notice| Finding { trouble: Trouble::Noticed(notice), repaired: true }));
        journal.close().map_err(from_journal)?;
        Ok(appended.indexes.first().copied())
    }
}

fn report(
    directory: &Path,
    (findings, lost): (&[Finding], &[LostSalts]),
    adopted: Option<EntryIndex>,
    is_dry: bool,
) -> Report {
    let of_salts = |lost: &LostSalts| Row {
        repaired: false,
        harmless: false,
        trouble: lost.to_string(),
        next: Some("bring `private` back from another copy of this ledger; only the owner has one"),
    };
    let rows: Vec<Row> = findings.iter().map(to_row).chain(lost.iter().map(of_salts)).collect();
    let left = rows.iter().filter(|row| !row.repaired && !row.harmless).count() as u64;
    let done = rows.iter().filter(|row| row.repaired).count() as u64;
    let things = |number| count(number, "thing", "things");
    let summary = match (left, done) {
        (0, 0) if rows.is_empty() => "SOUND — nothing is wrong around the log".to_owned(),
        (0, 0) => "SOUND — nothing is wrong that the next write does not put right".to_owned(),
        (0, done) => format!("REPAIRED — {} put right", things(done)),
        (left, _) if is_dry => format!("FOUND — {} to put right", things(left)),
        (left, _) => format!("LEFT — {} not put right", things(left)),
    };
    Report {
        schema: SCHEMA,
        summary,
        exit_code: if left == 0 { 0 } else { 3 },
        directory: directory.display().to_string(),
        findings: rows,
        adopted_in_entry: adopted.map(|index| index.0),
    }
}

fn to_row(finding: &Finding) -> Row {
    let next = match &finding.trouble {
        _ if finding.repaired => None,
        Trouble::StateLost { .. } => {
            Some("if this is the only copy and no newer head was ever shown to anyone: reproledger doctor --adopt")
        }
        Trouble::Reindex | Trouble::IndexBehind { .. } | Trouble::IndexWrong => Some("reproledger doctor --reindex"),
        _ => Some("reproledger doctor"),
    };
    let harmless = matches!(
        &finding.trouble,
        Trouble::StateBehind { .. } | Trouble::HeadCopyStale { .. } | Trouble::Noticed(Notice::TornTail { .. })
    );
    Row { repaired: finding.repaired, harmless, trouble: finding.trouble.to_string(), next }
}

fn text(report: &Report) -> String {
    let mut out = format!("{}\n", report.summary);
    if !report.findings.is_empty() || report.adopted_in_entry.is_some() {
        out.push('\n');
    }
    for row in &report.findings {
        let word = match (row.repaired, row.harmless) {
            (true, _) => "repaired",
            (false, true) => "harmless",
            (false, false) => "left",
        };
        put(&mut out, format_args!("  {word:<8}  {}\n", one_line(&row.trouble)));
        if let Some(next) = row.next {
            put(&mut out, format_args!("  {:<8}  next: {next}\n", ""));
        }
    }
    if let Some(index) = report.adopted_in_entry {
        put(
            &mut out,
            format_args!("  adopted   entry #{index} says that this machine's record of signed heads began anew\n"),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::StateLoss;

    fn finding(repaired: bool) -> Finding {
        let trouble = Trouble::StateLost { path: "/state/x".into(), why: StateLoss::Missing };
        Finding { trouble, repaired }
    }

    #[test]
    fn what_is_left_is_never_success_and_says_what_to_do() {
        let left = report(Path::new("l"), (&[finding(false)], &[]), None, false);
        assert_eq!((left.exit_code, left.summary.as_str()), (3, "LEFT — 1 thing not put right"));
        assert!(text(&left).contains("next: if this is the only copy"));
        let done = report(Path::new("l"), (&[finding(true)], &[]), Some(EntryIndex(7)), false);
        assert_eq!((done.exit_code, done.summary.as_str()), (0, "REPAIRED — 1 thing put right"));
        assert!(text(&done).contains("entry #7"));
        assert_eq!(report(Path::new("l"), (&[], &[]), None, true).exit_code, 0);
    }
}
