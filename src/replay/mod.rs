//! Stages of the pipeline that are pure functions, computed again to the byte: no model, no clock, no randomness but a seed.

pub mod extract;
