//! Weights that the experiment trained.

bytes_kind!(Checkpoint, "weights that the experiment trained");
