//! Everything that is tested from outside the crate, in one binary.

mod flow;
mod support;
mod tamper;
mod tidy;
mod vectors;
