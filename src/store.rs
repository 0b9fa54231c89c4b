//! The one door to sled.
