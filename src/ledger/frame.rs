//! Frames: how entries and heads lie in a segment, one after another.
//!
//! ```text
//! frame      = length u32 BE | kind u8 | bytes (length of them) | CRC32C u32 BE over length, kind and bytes
//! kind       = 1 entry | 2 head | 3 cosignature | 4 timestamp token
//! head bytes = group checksum (32) | entry count u32 BE | signed note
//! ```
//!
//! A *group* is what one commit writes: entry frames and the head frame that covers them. Its checksum is the BLAKE3
//! hash of every frame, as it lies on disk, from the end of the head frame before it in the same segment (or from the
//! end of the segment's header) to its own head frame. Cosignatures and timestamps that arrived in between are among
//! them. A head frame says how many entries its group has (at least one).
//!
//! Invariants: no frame begins with five zero bytes (kind 0 does not exist), so zeros are the end of what was written
//! and nothing else. A frame with a good checksum and an unknown kind was written by a newer program, never damage.

use crate::digest::{DIGEST_LEN, FileHasher};

use super::error::Damage;

/// Largest body of a frame: the entry limit, 65,535 bytes, which one CBOR or TLS-style u16 length can still name.
pub const MAX_FRAME_BYTES: u32 = 65_535;
/// Bytes before the body.
pub(super) const PREFIX_LEN: usize = 5;
/// Bytes beside the body.
pub(super) const OVERHEAD: usize = PREFIX_LEN + 4;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An entry of the log.
    Entry,
    /// A signed head over everything before it.
    Head,
    /// A witness's cosignature of an earlier head.
    Cosignature,
    /// A timestamp token over an earlier head.
    Timestamp,
}

impl Kind {
    const fn id(self) -> u8 {
        match self {
            Self::Entry => 1,
            Self::Head => 2,
            Self::Cosignature => 3,
            Self::Timestamp => 4,
        }
    }

    fn from_id(id: u8) -> Option<Self> {
        [Self::Entry, Self::Head, Self::Cosignature, Self::Timestamp].into_iter().find(|kind| kind.id() == id)
    }
}

/// What lies at a place where a frame may begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A whole frame with a good checksum.
    Frame { kind: Kind, body: &'a [u8], raw: &'a [u8] },
    /// As many bytes from here are needed to say more.
    More { needed: usize },
    /// Five zero bytes: the end, if nothing but zeros follows.
    Zeros,
    /// A good checksum around a kind that this program does not know.
    UnknownKind(u8),
    /// No frame.
    Bad(Damage),
}

/// Reads the frame at the start of `bytes`.
pub(super) fn parse_frame(bytes: &[u8]) -> Parsed<'_> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX_LEN>() else {
        return Parsed::More { needed: PREFIX_LEN };
    };
    if *prefix == [0; PREFIX_LEN] {
        return Parsed::Zeros;
    }
    let [a, b, c, d, kind] = *prefix;
    let length = u32::from_be_bytes([a, b, c, d]);
    if length == 0 || length > MAX_FRAME_BYTES {
        return Parsed::Bad(Damage::FrameLength { found: length });
    }
    let body_len = length as usize;
    let Some((body, after)) = rest.split_at_checked(body_len) else {
        return Parsed::More { needed: body_len + OVERHEAD };
    };
    let Some(checksum) = after.first_chunk::<4>() else {
        return Parsed::More { needed: body_len + OVERHEAD };
    };
    let (covered, _) = bytes.split_at(PREFIX_LEN + body_len);
    if crc32c::crc32c(covered) != u32::from_be_bytes(*checksum) {
        return Parsed::Bad(Damage::FrameChecksum);
    }
    match Kind::from_id(kind) {
        Some(kind) => Parsed::Frame { kind, body, raw: bytes.split_at(body_len + OVERHEAD).0 },
        None => Parsed::UnknownKind(kind),
    }
}

/// Appends a frame to a buffer. The caller has checked the length against [`MAX_FRAME_BYTES`].
pub(super) fn push_frame(buffer: &mut Vec<u8>, kind: Kind, parts: &[&[u8]]) {
    let start = buffer.len();
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).expect("callers keep bodies within MAX_FRAME_BYTES");
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.push(kind.id());
    for part in parts {
        buffer.extend_from_slice(part);
    }
    let checksum = crc32c::crc32c(buffer.split_at(start).1);
    buffer.extend_from_slice(&checksum.to_be_bytes());
}

/// The parts of a head frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeadBody<'a> {
    /// BLAKE3 of the frames of the group.
    pub(super) checksum: [u8; DIGEST_LEN],
    /// Entries in the group.
    pub(super) count: u32,
    /// The signed note.
    pub(super) note: &'a [u8],
}

impl<'a> HeadBody<'a> {
    /// Takes a head frame's body apart.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Damage> {
        let (checksum, rest) = body.split_first_chunk::<DIGEST_LEN>().ok_or(Damage::HeadFrame)?;
        let (count, note) = rest.split_first_chunk::<4>().ok_or(Damage::HeadFrame)?;
        let count = u32::from_be_bytes(*count);
        if count == 0 || note.is_empty() {
            return Err(Damage::HeadFrame);
        }
        Ok(Self { checksum: *checksum, count, note })
    }

    /// Appends the head frame to a buffer.
    pub(super) fn push(&self, buffer: &mut Vec<u8>) {
        push_frame(buffer, Kind::Head, &[&self.checksum, &self.count.to_be_bytes(), self.note]);
    }
}

/// The checksum of a group, frame by frame.
#[derive(Clone, Default)]
pub(super) struct GroupChecksum(FileHasher);

impl GroupChecksum {
    /// Adds frames as they lie on disk.
    pub(super) fn update(&mut self, frames: &[u8]) {
        self.0.update(frames);
    }

    /// The checksum of the frames so far.
    pub(super) fn finish(&self) -> [u8; DIGEST_LEN] {
        *self.0.finish().as_bytes()
    }
}

impl std::fmt::Debug for GroupChecksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GroupChecksum(..)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        push_frame(&mut buffer, kind, &[body]);
        buffer
    }

    #[test]
    fn a_frame_is_laid_out_as_the_page_above_says() {
        let bytes = framed(Kind::Entry, b"abc");
        assert_eq!(bytes.split_at(8).0, b"\0\0\0\x03\x01abc");
        assert_eq!(bytes.split_at(8).1, crc32c::crc32c(b"\0\0\0\x03\x01abc").to_be_bytes());
    }

    #[test]
    fn a_frame_of_an_unknown_kind_is_unknown_only_with_a_good_checksum() {
        let mut bytes = b"\0\0\0\x01\x09x".to_vec();
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        assert_eq!(parse_frame(&bytes), Parsed::UnknownKind(9));
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(parse_frame(&bytes), Parsed::Bad(Damage::FrameChecksum));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_frame_is_noticed() {
        let bytes = framed(Kind::Head, b"some body");
        for cut in 0..bytes.len() {
            assert!(matches!(parse_frame(bytes.split_at(cut).0), Parsed::More { .. }), "cut at {cut}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(parse_frame(&flipped), Parsed::Frame { .. } | Parsed::Zeros), "bit {bit}");
        }
    }

    #[test]
    fn lengths_over_the_limit_are_refused_before_any_more_is_read() {
        assert_eq!(parse_frame(b"\0\x01\0\0\x01"), Parsed::Bad(Damage::FrameLength { found: 65_536 }));
        assert_eq!(parse_frame(b"\0\0\0\0\x01"), Parsed::Bad(Damage::FrameLength { found: 0 }));
        assert_eq!(parse_frame(&[0; 5]), Parsed::Zeros);
    }

    #[test]
    fn a_head_body_needs_a_count_and_a_note() {
        let good = [&[7; 32][..], &[0, 0, 0, 2], b"note"].concat();
        let head = HeadBody::parse(&good).unwrap();
        assert_eq!((head.count, head.note), (2, &b"note"[..]));
        assert_eq!(HeadBody::parse(good.split_at(36).0), Err(Damage::HeadFrame));
        assert_eq!(HeadBody::parse(good.split_at(35).0), Err(Damage::HeadFrame));
        let none = [&[7; 32][..], &[0, 0, 0, 0], b"note"].concat();
        assert_eq!(HeadBody::parse(&none), Err(Damage::HeadFrame));
    }

    proptest! {
        #[test]
        fn what_is_framed_is_read_back(body in proptest::collection::vec(any::<u8>(), 1..300), rest in any::<[u8; 7]>()) {
            let mut bytes = framed(Kind::Timestamp, &body);
            let raw = bytes.clone();
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(parse_frame(&bytes), Parsed::Frame { kind: Kind::Timestamp, body: &body, raw: &raw });
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_frame(&bytes);
        }
    }
}
