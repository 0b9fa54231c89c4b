//! Other people's formats: what they say is taken as what they say, and held to bytes where those are at hand.

pub mod labmanifest;
