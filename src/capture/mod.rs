//! The world as it is: files, folders, git trees, commands and keys, read carefully because all of it may be hostile.
//!
//! Nothing here follows a link out of the place it was pointed at, blocks on a pipe, runs a program that a repository
//! names, or believes that a file stood still while it was read. Nothing here writes to a ledger.

pub mod against;
pub mod claim_file;
mod commits;
mod derive;
pub mod git;
pub mod hash;
pub mod inputs;
pub mod item;
pub mod keyring;
pub mod kin;
pub mod kind;
pub mod known;
pub mod log;
pub mod logs;
pub mod observe;
pub mod open;
pub mod overlap;
pub mod pace;
pub(crate) mod parts;
mod read;
pub mod rows;
pub mod run;
pub mod salt;
pub mod surroundings;
mod text;
mod texts;
mod tokens;
pub mod walk;
pub mod weights;
