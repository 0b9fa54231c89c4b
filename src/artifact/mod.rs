//! How each kind of artifact becomes a digest.

pub mod documents;
pub mod manifest;
pub mod rows;
pub mod samples;
pub mod tree;
