//! Everything that is tested from outside the crate, in one binary.

mod cli;
mod durability;
mod flow;
mod schemas;
mod support;
mod tamper;
mod tidy;
mod vectors;
