//! How each kind of artifact becomes a digest.

pub mod documents;
pub mod dtype;
pub mod item;
pub mod manifest;
pub mod rows;
pub mod samples;
pub mod tensors;
pub mod tree;
