//! Containers that others wrote, read with distrust: what a container says of itself is held against its bytes.
//!
//! Sizes and ratios are bounded before anything is unpacked, nothing is written to disk, and a name never becomes a path.

pub mod tar;
pub(crate) mod zip;

use std::io::{Read, Seek};

pub use zip::ArchiveError;

/// Bytes that can be read at any place.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}
