//! How each kind of artifact becomes a digest.

pub mod manifest;
pub mod samples;
pub mod tree;
