//! reproledger: signed, append-only provenance that anyone can check offline.

pub mod codec;
pub mod digest;
pub mod key;
pub mod merkle;
//
pub mod artifact;
pub mod statement;
pub mod stats;
//
#[cfg(feature = "host")]
pub mod evallog;
pub mod evidence;
pub mod verify;
//
pub mod check;
pub mod claim;
pub mod report;
//
#[cfg(feature = "host")]
pub mod store;
//
#[cfg(feature = "host")]
pub mod capture;
#[cfg(feature = "host")]
pub mod ledger;
//
#[cfg(feature = "host")]
pub mod journal;
//
#[cfg(feature = "host")]
pub mod cli;
