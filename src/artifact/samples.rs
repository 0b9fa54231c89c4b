//! Canonical per-sample records of an evaluation (digest kind `samples`).
