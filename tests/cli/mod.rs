//! The command line as a person meets it: the README as it stands, and every page of help.

#![allow(clippy::unwrap_used, reason = "tests")]

mod help;
mod readme;
