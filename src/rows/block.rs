//! One packed block of a columnar file, whose unpacked length stands beside it: never more is unpacked than was said, and
//! what was said is bounded by whoever asks.

use std::io::{BufRead, Read};

use super::lz;
use super::packed::ZSTD_WINDOW_LOG;
use super::scratch::Filling;

/// How a block is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Not at all.
    None,
    Snappy,
    Gzip,
    Zstd,
    /// One LZ4 block without a frame.
    Lz4Block,
    /// The LZ4 frame format.
    Lz4Frame,
}

/// Memory taken before the first byte came out.
const FIRST: usize = 1 << 20;

/// Blocks whose packed and unpacked bytes are no more than this are unpacked in memory at once: twice what pages have.
pub(super) const SMALL: usize = 2 << 20;

/// Unpacks into exactly `len` bytes; nothing where these are no such bytes.
pub(super) fn unpack(codec: Codec, packed: &[u8], len: usize) -> Option<Vec<u8>> {
    match codec {
        Codec::None => (packed.len() == len).then(|| packed.to_vec()),
        Codec::Snappy => {
            // The block says its length, too; both must agree before anything is allocated by it.
            if snap::raw::decompress_len(packed).ok()? != len {
                return None;
            }
            let mut out = vec![0; len];
            let written = snap::raw::Decoder::new().decompress(packed, &mut out).ok()?;
            (written == len).then_some(out)
        }
        Codec::Lz4Block => {
            let mut out = vec![0; len];
            let written = lz4_flex::block::decompress_into(packed, &mut out).ok()?;
            (written == len).then_some(out)
        }
        Codec::Gzip => exactly(flate2::bufread::MultiGzDecoder::new(packed), len),
        Codec::Lz4Frame => exactly(lz4_flex::frame::FrameDecoder::new(packed), len),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).ok()?;
            exactly(decoder, len)
        }
    }
}

/// Fills the room with what is unpacked from all bytes of a stream; nothing where they are not that. Memory is what the
/// codec looks back to.
pub(super) fn unpack_into(codec: Codec, packed: &mut dyn BufRead, room: &mut Filling) -> Option<()> {
    match codec {
        Codec::None => copy(packed, room),
        Codec::Snappy => lz::snappy(packed, room),
        Codec::Lz4Block => lz::lz4(packed, room),
        Codec::Gzip => copy(&mut flate2::bufread::MultiGzDecoder::new(packed), room),
        Codec::Lz4Frame => copy(&mut lz4_flex::frame::FrameDecoder::new(packed), room),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).ok()?;
            copy(&mut decoder, room)
        }
    }
}

/// Fills the room from a stream that ends there.
fn copy(stream: &mut (impl Read + ?Sized), room: &mut Filling) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (room.left() == 0).then_some(()),
            Ok(read) => room.put(&buffer[..read])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn exactly(reader: impl Read, len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(len.min(FIRST));
    reader.take(len as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() == len).then_some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::{BufReader, Write};

    use proptest::prelude::*;

    use super::*;
    use crate::rows::scratch::Scratch;

    fn packed(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        match codec {
            Codec::None => bytes.to_vec(),
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Codec::Lz4Block => lz4_flex::block::compress(bytes),
            Codec::Zstd => zstd::encode_all(bytes, 1).unwrap(),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Lz4Frame => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn a_block_has_exactly_the_length_that_it_should() {
        let bytes = b"rows and rows and rows of text\n".repeat(500);
        for codec in [Codec::None, Codec::Snappy, Codec::Gzip, Codec::Zstd, Codec::Lz4Block, Codec::Lz4Frame] {
            let block = packed(codec, &bytes);
            assert_eq!(unpack(codec, &block, bytes.len()).as_deref(), Some(&bytes[..]), "{codec:?}");
            for len in [0, 1, bytes.len() - 1, bytes.len() + 1, 2 * bytes.len()] {
                assert_eq!(unpack(codec, &block, len), None, "{codec:?} as {len}");
            }
            // The end mark of a frame adds nothing to the bytes before it.
            let end = if codec == Codec::Lz4Frame { 5 } else { 1 };
            for cut in [0, 1, 7, block.len() / 2, block.len() - end] {
                assert_eq!(unpack(codec, &block[..cut], bytes.len()), None, "{codec:?} cut at {cut}");
            }
        }
    }

    const ALL: [Codec; 6] = [Codec::None, Codec::Snappy, Codec::Gzip, Codec::Zstd, Codec::Lz4Block, Codec::Lz4Frame];

    /// The same by a stream, into memory or into a file.
    fn streamed(codec: Codec, packed: &[u8], len: usize, is_held: bool) -> Option<Vec<u8>> {
        let scratch = Scratch::default();
        let _all = (!is_held).then(|| scratch.filling(16 << 20).unwrap());
        let mut room = scratch.filling(len)?;
        assert_eq!(room.is_held(), is_held);
        // Streams give what they have, which may be little.
        unpack_into(codec, &mut BufReader::with_capacity(13, packed), &mut room)?;
        let mut bytes = Vec::new();
        room.done()?.reader().read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    #[test]
    fn damage_is_no_panic_and_is_seen_by_stream_as_at_once() {
        let bytes = b"rows and rows and rows of text\n".repeat(20);
        for codec in ALL {
            let block = packed(codec, &bytes);
            for at in 0..block.len() {
                for bit in 0..8 {
                    let mut block = block.clone();
                    block[at] ^= 1 << bit;
                    let found = unpack(codec, &block, bytes.len());
                    assert_eq!(streamed(codec, &block, bytes.len(), true), found, "{codec:?} at {at}, bit {bit}");
                }
                let found = unpack(codec, &block[..at], bytes.len());
                assert_eq!(streamed(codec, &block[..at], bytes.len(), true), found, "{codec:?} cut at {at}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_stream_unpacks_what_is_unpacked_at_once(
            words in proptest::collection::vec((any::<u8>(), 1_usize..70_000, 1_usize..40), 0..12),
            more in 0_usize..2,
        ) {
            // Long runs, repeats from near and from far, and noise.
            let mut bytes = Vec::new();
            for (seed, len, period) in words {
                let mut state = u32::from(seed);
                let noise: Vec<u8> = (0..period).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_be_bytes()[0]
                }).collect();
                bytes.extend(noise.iter().cycle().take(len));
            }
            for codec in ALL {
                let block = packed(codec, &bytes);
                let len = bytes.len() + more;
                let expected = (more == 0).then_some(&bytes[..]);
                for is_held in [true, len == 0] {
                    let found = streamed(codec, &block, len, is_held);
                    prop_assert_eq!(found.as_deref(), expected, "{:?}, held: {}", codec, is_held);
                }
            }
        }
    }
}
