//! The `reproledger` command.

fn main() {}
