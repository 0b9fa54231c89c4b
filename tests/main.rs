//! Everything that is tested from outside the crate, in one binary.

mod durability;
mod schemas;
mod tidy;
mod vectors;
