//! What a crash, a full disk, a failing disk or a second process may do to a ledger, tried on real files.
//!
//! The heavy ones are ignored by default and run by CI (`cargo test -- --ignored durability`). Where a facility is
//! missing (root, loop mounts, strace) they fail if `CI=true` and say why they skip otherwise.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the child speaks to its parent; skips are said")]

mod child;
mod commands;
mod kill;
mod locks;
mod power;
mod space;
mod support;
mod syscalls;
