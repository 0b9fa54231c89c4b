//! Who reads a file along while it is hashed.

use crate::artifact::tree::TreePath;
use crate::capture::hash::Progress;
use crate::capture::known::KnownFiles;
use crate::capture::open::{CaptureError, OpenFile};
use crate::digest::FileDigest;

/// Reads files as they are hashed, so that whoever needs what they hold need not read them again.
pub(crate) trait Visit: Sync {
    /// Whether who watches heard of the bytes already when they were read.
    fn is_told(&self) -> bool {
        false
    }

    /// Every path there is, in order, before the first is visited.
    fn listed(&self, _paths: &[&TreePath]) {}

    /// Reads a file from its first byte to its last and gives the digest of what it read; nothing where the file is of
    /// no interest. Called from many threads.
    fn visit(&self, path: &TreePath, open: &OpenFile) -> Result<Option<FileDigest>, CaptureError>;
}

/// Who watches, without being told again.
pub(super) struct Told<'a>(pub(super) &'a dyn Progress);

impl Progress for Told<'_> {
    fn add(&self, _: u64) {}

    fn known(&self) -> Option<&KnownFiles> {
        self.0.known()
    }
}

/// Nobody reads along.
pub(super) struct Unseen;

impl Visit for Unseen {
    fn visit(&self, _: &TreePath, _: &OpenFile) -> Result<Option<FileDigest>, CaptureError> {
        Ok(None)
    }
}
