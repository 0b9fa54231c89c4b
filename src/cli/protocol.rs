//! `protocol`: what is promised before the first score.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::capture::claim_file::load_protocol;
use crate::check::MAX_GATES;
use crate::cli::claim::digest_of;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, finder, from_journal, journal, look_up, say};
use crate::cli::record::check_name;
use crate::cli::{Context, Failure, Outcome};
use crate::digest::DigestKind;
use crate::journal::{Draft, Finder, Target};
use crate::statement::{Body, EdgeType, Kind, Protocol as Statement};
use crate::stats::Printed;

/// Promise, before the first run, what will be measured and what will be claimed of it
#[derive(Debug, clap::Args)]
pub(super) struct Protocol {
    #[command(subcommand)]
    command: ProtocolCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ProtocolCommand {
    /// Register a protocol: append it as a signed entry. Runs and logs belong to it with --protocol NAME
    #[command(after_help = "Example:\n  reproledger protocol add protocol.toml")]
    Add {
        /// Protocol file
        file: PathBuf,
        /// The earlier protocol that this one amends
        #[arg(long, value_name = "NAME")]
        supersedes: Option<String>,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
}

impl Protocol {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let ProtocolCommand::Add { file, supersedes, passphrase } = self.command;
        let reading = Reading::open(context)?;
        let finder = finder(context, &reading)?;
        let protocol =
            load_protocol(&file, |named, text| -> Result<String, Failure> { digest_of(&finder, named, text) })?;
        check_name(&protocol.protocol_id)?;
        check(&protocol)?;
        let name = protocol.protocol_id.clone();
        let mut draft = Draft::new(Kind::Protocol);
        draft.suite = protocol.eval.suite.value().copied();
        if let Some(row) = finder.named(&name).map_err(from_journal)? {
            let same = row.body.as_ref().and_then(|body| body.protocol.as_deref()) == Some(&protocol);
            if same && supersedes.is_none() {
                context.print(&format!("unchanged: protocol `{name}` is entry {} already\n", row.index))?;
                return Ok(0);
            }
            if supersedes.is_none() {
                return Err(Failure::new(format!("`{name}` is entry {} already, with other content", row.index))
                    .hint(format!("if this amends it: --supersedes {name}")));
            }
        }
        if let Some(text) = &supersedes {
            let row = look_up(&finder, text)?;
            if row.payload.kind != Kind::Protocol {
                return Err(Failure::new(format!("`{text}` is a {}, not a protocol", row.payload.kind)));
            }
            draft.link(EdgeType::Supersedes, Target::Entry(row.index), DigestKind::Entry, row.leaf.into());
        }
        if let Some(first) = first_result(&finder, &draft)? {
            context.remark(&format!(
                "warning: entry {first} is an evaluation on this suite already: what follows can be called exploratory only"
            ));
        }
        draft.body = Body { name: Some(name.clone()), protocol: Some(Box::new(protocol)), ..Body::default() };
        let (mut journal, _) = journal(context, &passphrase)?;
        let appended = journal.append(vec![draft], context.now_ms() / 1000).map_err(from_journal)?;
        say(context, &journal.take_notices());
        journal.close().map_err(from_journal)?;
        let index = appended.indexes.first().copied().unwrap_or_default();
        context.print(&format!("entry {index}  protocol `{name}`\n"))?;
        Ok(0)
    }
}

/// What would make the protocol one that no claim could keep.
fn check(protocol: &Statement) -> Result<(), Failure> {
    let known = |arm: &str| protocol.arms.iter().any(|planned| planned.arm == arm);
    let contrasts =
        std::iter::once(&protocol.primary).chain(protocol.families.iter().flat_map(|family| &family.contrasts));
    for contrast in contrasts {
        let named = std::iter::once(&contrast.subject).chain(contrast.comparator.value()).chain(&contrast.others);
        if let Some(arm) = named.into_iter().find(|arm| !known(arm)) {
            return Err(Failure::new(format!(
                "a contrast names the arm `{}`, which is not planned",
                arm.escape_debug()
            )));
        }
    }
    gates(protocol)?;
    clusters(protocol)?;
    match protocol.arms.iter().find(|arm| arm.seeds.is_empty()) {
        Some(arm) => Err(Failure::new(format!("the arm `{}` has no seeds planned", arm.arm.escape_debug()))),
        None => Ok(()),
    }
}

/// A gate is a bound on another score than the one that is claimed.
fn gates(protocol: &Statement) -> Result<(), Failure> {
    if protocol.gates.len() > MAX_GATES {
        return Err(Failure::new(format!(
            "the protocol has {} gates, at most {MAX_GATES} are held",
            protocol.gates.len()
        )));
    }
    for gate in &protocol.gates {
        Printed::parse(&gate.bound)?;
        if (&gate.scorer, &gate.key) == (&protocol.metric.scorer, &protocol.metric.key) {
            let scorer = gate.scorer.escape_debug();
            return Err(Failure::new(format!("`{scorer}` is the metric of the protocol: it cannot be its gate")));
        }
    }
    Ok(())
}

/// Clusters hold each condition of the evaluations once, and there are several.
fn clusters(protocol: &Statement) -> Result<(), Failure> {
    if protocol.clusters.is_empty() {
        return Ok(());
    }
    let mut seen = BTreeMap::new();
    for (cluster, conditions) in &protocol.clusters {
        if conditions.is_empty() {
            return Err(Failure::new(format!("the cluster `{}` holds no condition", cluster.escape_debug())));
        }
        for condition in conditions {
            if let Some(other) = seen.insert(condition, cluster) {
                let (condition, other) = (condition.escape_debug(), other.escape_debug());
                let text = format!(
                    "the condition `{condition}` stands in the clusters twice: in `{other}` and in `{cluster}`"
                );
                return Err(Failure::new(text));
            }
        }
    }
    if protocol.clusters.len() < 2 {
        return Err(Failure::new("one cluster of conditions says nothing of other conditions: at least 2 are needed"));
    }
    // Two evaluations may share conditions; how many they have together is then not known.
    let (found, planned) = (seen.len() as u64, protocol.eval.conditions);
    if protocol.in_distribution.value().is_none() && found != planned {
        return Err(Failure::new(format!("the clusters hold {found} conditions, and the evaluation has {planned}")));
    }
    Ok(())
}

/// The first evaluation log of the same suite that is in the ledger already.
fn first_result(finder: &Finder<'_>, draft: &Draft) -> Result<Option<crate::merkle::EntryIndex>, Failure> {
    let Some(suite) = draft.suite else { return Ok(None) };
    let rows = finder.catalog().map_err(from_journal)?;
    let first = rows.rows().iter().find(|row| row.payload.kind == Kind::EvalLog && row.payload.suite == Some(suite));
    Ok(first.map(|row| row.index))
}
