//! The command line as a person meets it: the README as it stands, and every page of help.

mod help;
mod readme;
