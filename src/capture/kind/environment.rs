//! What a stage ran in: lock files, image and library digests.

bytes_kind!(Environment, "what a stage ran in: lock files, image and library digests");
