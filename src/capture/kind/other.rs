//! Anything else that was read or written.

bytes_kind!(Other, "anything else that was read or written");
