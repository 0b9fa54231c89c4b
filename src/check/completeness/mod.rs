//! What is left out, taken back, out of reach or out of order.

pub(super) mod attempts_all;
pub(super) mod availability;
pub(super) mod rebuild_attested;
pub(super) mod supersede;
pub(super) mod time_order;
