//! reproledger makes a claim about a model checkable by someone who does not trust the lab.
//!
//! # The flow
//!
//! ```text
//!  world ─▶ capture ─▶ artifact ─▶ statement ─▶ ledger ─▶ evidence ─▶ verify ─▶ check ─▶ claim ─▶ report
//!           (files,    (digests)   (what is     (order,   (one file)  (bytes →  (named   (verdict) (people,
//!           git, runs,              said)        heads)                belief)   checks)            programs)
//!           eval logs)
//! ```
//!
//! A lab records an artifact: [`capture`] hashes it, [`artifact`] gives it a digest of its kind, [`statement`] says
//! something signed about it, [`journal`] puts that into the [`ledger`]. From the ledger it cuts an [`evidence`] file
//! for a claim. A reader gives the file to [`verify`], which turns bytes into belief or says why not; [`check`] looks at
//! what is believed from many sides; [`claim`] adds the findings up to a verdict; [`report`] writes it down.
//!
//! # Invariants
//!
//! - **One encoding.** What is signed or hashed is canonical CBOR ([`codec`]); a decoder accepts nothing else, and
//!   received bytes are verified as received, never encoded again.
//! - **One door.** Each fixed package is named in one module: `cbor4ii` in [`codec`], `blake3` in [`digest`],
//!   `ed25519_dalek` in [`key`], `sled` in `store`, `git2` in `capture::git`, `tokenizers` in `tokens`. The clock is
//!   read in `cli` alone.
//! - **One signature rule.** [`key::PublicKey::verify`] is the only way to check a signature; there is no batch path.
//! - **Belief has one source.** A [`verify::VerifiedEntry`] can only be made by checking; checks, claims and reports
//!   take nothing else.
//! - **UNKNOWN is never PASS.** A check that could not look says so, and a verdict is no better than its weakest
//!   required check.
//! - **Durable means synced.** Nothing is acknowledged before the sync of its commit returned; no head is signed that
//!   does not extend every head signed before.
//!
//! # What is absent on purpose
//!
//! - `codec` to `report` know no files, no threads, no store, no git, no clock, no network: they build alone without
//!   the feature `host`, and must run in a browser.
//! - No trust material inside evidence is ever used. No environment variable weakens a check.
//! - The index (`store`) is never asked about what is in the ledger without the answer being held against the ledger.
//!
//! Modules stand in the order of the flow; `tests/tidy.rs` holds the layers they may use.

// --- what the flow stands on ---
pub mod codec;
pub mod digest;
pub mod key;
pub mod merkle;
// --- what others wrote, read with distrust ---
#[cfg(feature = "host")]
pub mod container;
#[cfg_attr(not(feature = "host"), allow(dead_code, unused_imports, reason = "readers of the host use the rest"))]
pub mod json;
// --- the world as it is ---
#[cfg(feature = "host")]
pub mod capture;
#[cfg(feature = "host")]
pub mod corpus;
#[cfg(feature = "host")]
pub mod evallog;
#[cfg(feature = "host")]
pub mod rows;
#[cfg(feature = "host")]
pub mod tokens;
#[cfg(feature = "host")]
pub mod weights;
// --- what it becomes and what is said of it ---
pub mod artifact;
pub mod draw;
pub mod replay;
pub mod statement;
// --- where that is kept ---
#[cfg(feature = "host")]
pub mod journal;
#[cfg(feature = "host")]
pub mod ledger;
#[cfg(feature = "host")]
pub mod store;
// --- what leaves the lab, and what a reader makes of it ---
pub mod evidence;
pub mod verify;
// --- from belief to verdict ---
pub mod lineage;
// (what came from what)
pub mod stats;
// (pure estimators, used by the checks)
pub mod check;
// (named checks)
pub mod claim;
// (the verdict)
pub mod compare;
// (two claims on one thing)
pub mod sampling;
// (a reader's own draws)
#[cfg(feature = "host")]
pub mod overlap;
// (what a corpus and an evaluation have in common, for a check)
pub mod report;
// --- making again, what others say of the same bytes, and what a lab already has ---
#[cfg(feature = "host")]
pub mod adopt;
#[cfg(feature = "host")]
pub mod interop;
#[cfg(feature = "host")]
pub mod rebuild;
// --- people ---
#[cfg(feature = "host")]
pub mod cli;
