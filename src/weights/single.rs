//! One file: which format it has, by its first bytes.

use std::io::Read;

use super::error::Refusal;
use super::stream::Section;
use super::{Beyond, Contents, FormatError, ReadAt, gguf, npy, safetensors, torch};
use crate::container::zip::Archive;

/// What a file must be by its name, where the name says so.
fn is_named(name: &str, ending: &str) -> bool {
    name.len() > ending.len() && name.to_ascii_lowercase().ends_with(ending)
}

/// Finds the tensors of one file. The content decides; a name that promises another format than it has is refused.
pub(super) fn locate(name: &str, source: &dyn ReadAt) -> Result<Contents, Refusal> {
    let mut start = [0; 16];
    let mut section = Section::new(source, 0, 16);
    let len = section.read(&mut start).map_err(FormatError::Io)?;
    let start = &start[..len];
    if start.starts_with(gguf::MAGIC) || is_named(name, ".gguf") {
        return gguf::locate(source);
    }
    if start.starts_with(npy::MAGIC) || is_named(name, ".npy") {
        return npy::locate(source);
    }
    if start.starts_with(b"PK\x03\x04") || is_named(name, ".npz") {
        return archive(source);
    }
    if is_named(name, ".safetensors") || looks_like_safetensors(start, source.size()) {
        return safetensors::locate(source);
    }
    // PROTO, the first opcode of every pickle since 2003.
    if start.first() == Some(&0x80) {
        return Err(Beyond::BarePickle.into());
    }
    Err(Beyond::Unknown.into())
}

fn looks_like_safetensors(start: &[u8], size: u64) -> bool {
    let Some((length, [b'{', ..])) = start.split_first_chunk::<8>() else { return false };
    u64::from_le_bytes(*length).checked_add(8).is_some_and(|end| end <= size)
}

fn archive(source: &dyn ReadAt) -> Result<Contents, Refusal> {
    let mut whole = Section::whole(source);
    let mut archive = Archive::open_in_place(&mut whole, source.size())?;
    let is_torch = archive.by_name().keys().any(|name| name.ends_with("/data.pkl"));
    if is_torch { torch::locate(source.size(), &mut archive) } else { npy::locate_all(source, &archive) }
}
