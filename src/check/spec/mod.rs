//! The spec: which bytes it is, and what was made of it.

pub(super) mod spec_bytes;
pub(super) mod spec_coverage;
pub(super) mod spec_render;
