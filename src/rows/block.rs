//! One packed block of a columnar file, whose unpacked length stands beside it: never more is unpacked than was said, and
//! what was said is bounded by whoever asks.

use std::io::Read;

use super::packed::ZSTD_WINDOW_LOG;

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

fn exactly(reader: impl Read, len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(len.min(FIRST));
    reader.take(len as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() == len).then_some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write;

    use super::*;

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

    #[test]
    fn damage_is_no_panic() {
        let bytes = b"rows and rows and rows of text\n".repeat(20);
        for codec in [Codec::Snappy, Codec::Gzip, Codec::Zstd, Codec::Lz4Block, Codec::Lz4Frame] {
            let block = packed(codec, &bytes);
            for at in 0..block.len() {
                for bit in 0..8 {
                    let mut block = block.clone();
                    block[at] ^= 1 << bit;
                    let _ = unpack(codec, &block, bytes.len());
                }
            }
        }
    }
}
