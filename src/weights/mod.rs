//! Where the tensors of a checkpoint lie, read from bounded headers; nothing in a file is run, built or believed unseen.
//!
//! A reader of a format says for each tensor its name, type, shape and the bytes it takes, and holds what the file says
//! of itself against the file: bytes that belong to two tensors or to none, lengths that do not follow from shapes, and
//! limits are refused by name with the offset. What is no weights but something else (a pickle that would have to be
//! run, a layout that is not row-major) is not refused: it is [`Beyond`] what is read, and recorded as bytes. Tensor
//! bytes themselves are read by whoever hashes or compares them.

pub mod compare;
mod error;
mod gguf;
pub mod layout;
pub mod lfs;
pub mod lineage;
mod npy;
pub mod peft;
mod safetensors;
mod shards;
mod single;
mod stream;
mod torch;
pub(crate) mod values;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::artifact::tensors::TensorInfo;

pub use error::{Beyond, FormatError, IndexError, WeightsError};

/// A file that can be read at any place from any thread.
pub trait ReadAt: Sync {
    /// Bytes in it.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes from `at` on, or fails: there is no short read.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// Where the bytes of a tensor lie in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As they are, from this byte on.
    Plain {
        /// The first byte.
        start: u64,
    },
    /// Deflated, as a member of an archive.
    Deflated(Packed),
}

/// A deflated stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// The first deflated byte.
    pub start: u64,
    /// Deflated bytes.
    pub packed: u64,
    /// Bytes they become, a header of the member included.
    pub unpacked: u64,
    /// Bytes of that header, before the tensor's own.
    pub skip: u64,
    /// CRC-32 of all unpacked bytes, as the archive says.
    pub checksum: u32,
}

/// One tensor, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What it is.
    pub info: TensorInfo,
    /// Which of the model's files holds it.
    pub file: usize,
    /// Where in that file.
    pub place: Place,
}

/// What one file holds.
#[derive(Debug, Default)]
struct Contents {
    /// Its format.
    format: &'static str,
    tensors: Vec<(TensorInfo, Place)>,
    /// Short texts worth keeping.
    facts: BTreeMap<String, String>,
    /// Values beside the tensors, which no tensor digest covers.
    others: u64,
}

/// Something worth knowing that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Stable name.
    pub code: &'static str,
    /// How many items it is about.
    pub count: u64,
    /// One sentence.
    pub text: String,
}

/// The weights in one or several files.
#[derive(Debug, Default)]
pub struct Model {
    /// The format that all its files have.
    pub format: &'static str,
    /// Names of the files that hold tensors, sorted.
    pub files: Vec<String>,
    /// Its tensors, sorted by name, each name once.
    pub tensors: Vec<Located>,
    /// Short texts worth keeping.
    pub facts: BTreeMap<String, String>,
    /// Things worth knowing.
    pub notes: Vec<Note>,
}

/// What was found where weights were looked for.
#[derive(Debug)]
pub enum Found {
    /// Weights.
    Model(Model),
    /// Files that may hold weights and are not read, each with the reason.
    Beyond(Vec<(String, Beyond)>),
    /// No file that looks like weights.
    Nothing,
}

/// The bytes of a tensor, one after the other.
pub fn tensor_bytes<'a>(tensor: &Located, source: &'a dyn ReadAt) -> io::Result<Box<dyn Read + 'a>> {
    match tensor.place {
        Place::Plain { start } => Ok(Box::new(stream::Section::new(source, start, tensor.info.length))),
        Place::Deflated(packed) => {
            let mut unpacked = stream::Inflated::new(source, packed);
            io::copy(&mut (&mut unpacked).take(packed.skip), &mut io::sink())?;
            Ok(Box::new(unpacked))
        }
    }
}
