//! Where each member lies: its own header held against the directory, and the bytes that belong to no member.

use super::directory::{self, method_of, zip64_extra};
use super::fields::{Fields, Window};
use super::{ArchiveError, Gap, MAX_NAME_BYTES, Member, shown};
use crate::container::Source;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

const LOCAL_LEN: usize = 30;

/// The members in directory order, none of more than `largest` bytes, and the bytes between them.
pub(super) fn read(source: &mut dyn Source, len: u64, largest: u64) -> Result<(Vec<Member>, Vec<Gap>), ArchiveError> {
    let source = &mut Window::new(source);
    let (mut members, place) = directory::read(source, len, largest)?;
    let mut gaps = lay_out(source, &mut members, place.at)?;
    push_gap(source, &mut gaps, place.comment, len)?;
    Ok((members, gaps))
}

/// Reads each member's own header, gives the members their place, and says what lies between them.
fn lay_out(source: &mut Window<'_>, members: &mut [Member], directory: u64) -> Result<Vec<Gap>, ArchiveError> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|index| members[*index].start);
    let mut gaps = Vec::new();
    let mut previous: Option<usize> = None;
    for index in order {
        place(source, &mut members[index], directory)?;
        let reached = previous.map_or(0, |previous| members[previous].end);
        if members[index].start < reached {
            let first = previous.map_or_else(String::new, |previous| shown(members[previous].name.as_bytes()));
            return Err(ArchiveError::Overlap { first, second: shown(members[index].name.as_bytes()) });
        }
        push_gap(source, &mut gaps, reached, members[index].start)?;
        previous = Some(index);
    }
    push_gap(source, &mut gaps, previous.map_or(0, |previous| members[previous].end), directory)?;
    Ok(gaps)
}

/// Fills in where a member's data begins and where everything of it ends; `limit` is where the directory begins.
fn place(source: &mut Window<'_>, member: &mut Member, limit: u64) -> Result<(), ArchiveError> {
    let head = source.read_at(member.start, LOCAL_LEN as u64, "a member's header", limit)?;
    let disagree = |what| ArchiveError::HeadersDisagree { name: shown(member.name.as_bytes()), what };
    let mut fields = Fields(&head);
    let mut read = || {
        let signature = fields.take(4)?;
        fields.u16()?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.take(4)?;
        let sizes = (fields.u32()?, fields.u32()?, fields.u32()?);
        Some((signature, flags, method, sizes, fields.u16()?, fields.u16()?))
    };
    let (signature, flags, method, (checksum, packed, unpacked), name_len, extra_len) =
        read().ok_or_else(|| disagree("place"))?;
    if signature != LOCAL {
        return Err(disagree("place"));
    }
    let variable = u64::from(name_len) + u64::from(extra_len);
    let names = source.read_at(member.start + LOCAL_LEN as u64, variable, "a member's name", limit)?;
    let (name, extra) = names.split_at_checked(name_len.into()).ok_or_else(|| disagree("name"))?;
    if name != member.name.as_bytes() {
        return Err(disagree("name"));
    }
    if method_of(&member.name, method)? != member.method {
        return Err(disagree("method"));
    }
    if flags & (1 | 1 << 6 | 1 << 13) != 0 || (flags & 1 << 3 != 0) != member.streamed {
        return Err(disagree("flags"));
    }
    let mut wide = Fields(zip64_extra(extra));
    let mut widen = |small: u32| if small == u32::MAX { wide.u64() } else { Some(small.into()) };
    let unpacked = widen(unpacked).ok_or_else(|| disagree("ZIP64 sizes"))?;
    let packed = widen(packed).ok_or_else(|| disagree("ZIP64 sizes"))?;
    let same = (checksum, packed, unpacked) == (member.checksum, member.packed, member.unpacked);
    // A writer that cannot go back writes zeros here and the truth after the data.
    let deferred = member.streamed && (checksum, packed, unpacked) == (0, 0, 0);
    if !same && !deferred {
        return Err(disagree("size or checksum"));
    }
    let data = member.start + LOCAL_LEN as u64 + variable;
    let end = data.checked_add(member.packed).filter(|end| *end <= limit);
    let bounds =
        ArchiveError::Bounds { what: "a member's data", at: data, end: data.saturating_add(member.packed), len: limit };
    let end = end.ok_or(bounds)?;
    let descriptor = if member.streamed { descriptor_len(source, member, end, limit)? } else { 0 };
    (member.data, member.end) = (data, end + descriptor);
    Ok(())
}

/// Length of the data descriptor after a streamed member: 32- or 64-bit sizes, with or without its signature.
fn descriptor_len(source: &mut Window<'_>, member: &Member, at: u64, limit: u64) -> Result<u64, ArchiveError> {
    let room = (limit - at).min(24);
    let bytes = source.read_at(at, room, "a data descriptor", limit)?;
    let (small, wide) =
        (u32::try_from(member.packed).ok().zip(u32::try_from(member.unpacked).ok()), (member.packed, member.unpacked));
    for signature in [&DESCRIPTOR[..], &[]] {
        let mut start = signature.to_vec();
        start.extend_from_slice(&member.checksum.to_le_bytes());
        let mut large = start.clone();
        large.extend_from_slice(&wide.0.to_le_bytes());
        large.extend_from_slice(&wide.1.to_le_bytes());
        let short = small.map(|(packed, unpacked)| {
            start.extend_from_slice(&packed.to_le_bytes());
            start.extend_from_slice(&unpacked.to_le_bytes());
            start
        });
        for descriptor in short.into_iter().chain([large]) {
            if bytes.starts_with(&descriptor) {
                return Ok(descriptor.len() as u64);
            }
        }
    }
    Err(ArchiveError::HeadersDisagree { name: shown(member.name.as_bytes()), what: "data descriptor" })
}

/// Records the bytes `start..end`, where there are any, and the member whose header they begin with.
fn push_gap(source: &mut Window<'_>, gaps: &mut Vec<Gap>, start: u64, end: u64) -> Result<(), ArchiveError> {
    if start >= end {
        return Ok(());
    }
    let peek = source.read_at(start, (end - start).min((LOCAL_LEN + MAX_NAME_BYTES) as u64), "a gap", end)?;
    let name = peek.strip_prefix(LOCAL).and_then(|header| {
        let len = header.get(22..24)?;
        let len = usize::from(u16::from_le_bytes(len.try_into().ok()?));
        header.get(26..)?.get(..len).map(shown)
    });
    gaps.push(Gap { start, end, name });
    Ok(())
}
