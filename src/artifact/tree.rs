//! Leaves of a folder (digest kind `tree`).
