//! Bases, training runs, checkpoints, and the arms they form.

pub(super) mod arms_baseline;
pub(super) mod arms_distinct;
pub(super) mod arms_matched;
pub(super) mod base_identity;
pub(super) mod ckpt_files;
pub(super) mod ckpt_parent;
pub(super) mod ckpt_tensors;
mod steps;
pub(super) mod tensors_derived;
pub(super) mod train_effort;
pub(super) mod train_inputs;
