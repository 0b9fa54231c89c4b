//! Snappy and LZ4 blocks unpacked as streams. The libraries unpack blocks in memory at once; these are for blocks too large
//! for that, and unpack the same: a test holds them to the libraries, damage included.
//!
//! Formats: <https://github.com/google/snappy/blob/main/format_description.txt>,
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>

use std::io::BufRead;

use super::scratch::Filling;

/// Unpacks a Snappy block.
pub(super) fn snappy(packed: &mut dyn BufRead, room: &mut Filling) -> Option<()> {
    let mut packed = Bytes(packed);
    // The block says its length, too; both must agree.
    let mut len = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = packed.byte()?;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        if shift == 28 {
            return None;
        }
    }
    if len != room.left() as u64 {
        return None;
    }
    while let Some(tag) = packed.byte_or_end()? {
        let high = usize::from(tag >> 2);
        match tag & 3 {
            0 => {
                let more = high.saturating_sub(59);
                let len = if more == 0 { high } else { packed.number(more)? };
                packed.copy(len.checked_add(1)?, room)?;
            }
            1 => {
                let back = usize::from(tag >> 5) << 8 | packed.number(1)?;
                room.again(back, 4 + (high & 7))?;
            }
            2 => room.again(packed.number(2)?, high + 1)?,
            _ => room.again(packed.number(4)?, high + 1)?,
        }
    }
    (room.left() == 0).then_some(())
}

/// Unpacks an LZ4 block.
pub(super) fn lz4(packed: &mut dyn BufRead, room: &mut Filling) -> Option<()> {
    let mut packed = Bytes(packed);
    let mut token = packed.byte()?;
    loop {
        let literals = packed.length(token >> 4)?;
        packed.copy(literals, room)?;
        // Only literals end a block.
        let Some(first) = packed.byte_or_end()? else { break };
        let back = usize::from(first) | packed.number(1)? << 8;
        let len = packed.length(token & 15)?;
        room.again(back, len.checked_add(4)?)?;
        token = packed.byte()?;
    }
    (room.left() == 0).then_some(())
}

struct Bytes<'s>(&'s mut dyn BufRead);

impl Bytes<'_> {
    /// The next byte, or that there is none more.
    #[allow(clippy::option_option, reason = "the end is not a failure")]
    fn byte_or_end(&mut self) -> Option<Option<u8>> {
        let next = self.0.fill_buf().ok()?.first().copied();
        self.0.consume(usize::from(next.is_some()));
        Some(next)
    }

    fn byte(&mut self) -> Option<u8> {
        self.byte_or_end()?
    }

    /// A number of that many bytes, least significant first.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        (0..bytes).try_fold(0, |number, at| Some(number | usize::from(self.byte()?) << (8 * at)))
    }

    /// A length of four bits, and of as many bytes as it takes.
    fn length(&mut self, first: u8) -> Option<usize> {
        let mut len = usize::from(first);
        if first == 15 {
            loop {
                let more = self.byte()?;
                len = len.checked_add(more.into())?;
                if more != u8::MAX {
                    break;
                }
            }
        }
        Some(len)
    }

    fn copy(&mut self, mut len: usize, room: &mut Filling) -> Option<()> {
        while len > 0 {
            let held = self.0.fill_buf().ok()?;
            let count = held.len().min(len);
            if count == 0 {
                return None;
            }
            room.put(&held[..count])?;
            self.0.consume(count);
            len -= count;
        }
        Some(())
    }
}
