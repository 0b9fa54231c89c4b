//! The `reproledger` command.

fn main() -> std::process::ExitCode {
    reproledger::cli::main()
}
