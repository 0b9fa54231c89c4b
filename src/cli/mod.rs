//! The command line: one file a subcommand, and the only place that prints or reads the environment and the clock.
//!
//! Exit codes everywhere: 0 it holds, 1 it is contradicted, 2 usage or unreadable input, 3 it could not be established.

mod context;
mod effort;
mod failure;
mod keys;
mod known;
mod marks;
mod open;
mod output;
mod private;
mod progress;
mod recorded;
mod render;
mod rows;
mod survey;
mod testify;
mod word;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use context::Context;
use failure::{Failure, Outcome};

/// Declares every subcommand: one line each.
macro_rules! commands {
    ($($(#[$meta:meta])* $module:ident::$command:ident,)+) => {
        $(mod $module;)+

        #[derive(Debug, Subcommand)]
        #[allow(clippy::large_enum_variant, reason = "there is one command line in a process")]
        enum Command {
            $($(#[$meta])* $command($module::$command),)+
        }

        impl Command {
            fn run(self, context: &Context) -> Outcome {
                match self {
                    $(Self::$command(command) => command.run(context),)+
                }
            }
        }
    };
}

commands! {
    init::Init,
    key::Key,
    record::Record,
    run::Run,
    protocol::Protocol,
    claim::Claim,
    adopt::Adopt,
    prove::Prove,
    rebuild::Rebuild,
    verify::Verify,
    sample::Sample,
    explain::Explain,
    retract::Retract,
    exclude::Exclude,
    incident::Incident,
    locate::Locate,
    attach::Attach,
    status::Status,
    log::Log,
    show::Show,
    lineage::Lineage,
    diff::Diff,
    audit::Audit,
    doctor::Doctor,
    demo::Demo,
    #[command(hide = true)]
    sandbox_helper::SandboxHelper,
}

/// Signed, append-only provenance for Model Spec Midtraining claims
///
/// Record what an experiment reads and writes, state a claim, cut one evidence file; anyone checks it offline.
#[derive(Debug, Parser)]
#[command(name = "reproledger", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 it holds · 1 it is contradicted · 2 usage or unreadable input · 3 it could not be established\n\nExamples:\n  reproledger demo\n  reproledger verify claim.evidence --trust trust.policy"
)]
struct Arguments {
    /// Work as if started in this directory
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    directory: Option<std::path::PathBuf>,
    /// Say only what was asked for, no progress
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// Runs one command line in surroundings of its own, as `demo` shows it.
fn run_line(line: &str, context: &Context) -> Outcome {
    let arguments = Arguments::try_parse_from(line.split_whitespace())?;
    arguments.command.run(context)
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::command().try_get_matches().and_then(|m| Arguments::from_arg_matches(&m)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers (0); anything else is usage (2). clap knows which stream each goes to.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = Context::from_process(arguments.directory.as_deref(), arguments.quiet)
        .and_then(|context| arguments.command.run(&context));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::print_failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}
