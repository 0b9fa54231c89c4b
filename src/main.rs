//! The `reproledger` command.

#![cfg(feature = "host")]

fn main() -> std::process::ExitCode {
    reproledger::cli::main()
}
