//! The directory of an archive, held against each member's own header and against the bytes between them.

use std::io::{Read, SeekFrom};

use super::{
    ArchiveError, Gap, MAX_DIRECTORY_BYTES, MAX_MEMBER_RATIO, MAX_MEMBERS, MAX_NAME_BYTES, MEMBER_ALLOWANCE, Member,
    Method, shown,
};
use crate::container::Source;

const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

const END_LEN: u64 = 22;
const END64_LEN: u64 = 56;
const LOCATOR_LEN: u64 = 20;
const CENTRAL_LEN: usize = 46;
const LOCAL_LEN: usize = 30;

/// Little-endian fields out of a slice, `None` where it is too short.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

/// Bytes kept around the last small read: headers of small members lie close together.
const WINDOW: u64 = 4096;

/// A source with one page of memory, so that a million headers are not three million reads.
struct Window<'s> {
    source: &'s mut dyn Source,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The bytes `at..at + len`, which must lie before `end`.
    fn read_at(&mut self, at: u64, len: u64, what: &'static str, end: u64) -> Result<Vec<u8>, ArchiveError> {
        let outside = ArchiveError::Bounds { what, at, end: at.saturating_add(len), len: end };
        if at.checked_add(len).is_none_or(|stop| stop > end) {
            return Err(outside);
        }
        if let Some(held) = self.held(at, len) {
            return Ok(held.to_vec());
        }
        self.source.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        (&mut *self.source).take(len.max(WINDOW)).read_to_end(&mut bytes)?;
        if len > WINDOW {
            return if bytes.len() as u64 == len { Ok(bytes) } else { Err(outside) };
        }
        (self.start, self.bytes) = (at, bytes);
        self.held(at, len).map(<[u8]>::to_vec).ok_or(outside)
    }

    fn held(&self, at: u64, len: u64) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(usize::try_from(len).ok()?)?)
    }
}

/// Where the directory lies, how many records it has, and where what follows it begins.
struct Place {
    at: u64,
    size: u64,
    count: u64,
    /// Where the archive's comment begins; it ends with the file.
    comment: u64,
}

/// The members in directory order, none of more than `largest` bytes, and the bytes between them.
pub(super) fn read(source: &mut dyn Source, len: u64, largest: u64) -> Result<(Vec<Member>, Vec<Gap>), ArchiveError> {
    let source = &mut Window { source, start: 0, bytes: Vec::new() };
    let place = find(source, len)?;
    if place.count > MAX_MEMBERS {
        return Err(ArchiveError::MemberCount { found: place.count });
    }
    if place.size > MAX_DIRECTORY_BYTES {
        return Err(ArchiveError::DirectoryBytes { found: place.size });
    }
    let records = source.read_at(place.at, place.size, "the directory", len)?;
    let mut fields = Fields(&records);
    let mut members = Vec::new();
    for _ in 0..place.count {
        let at = place.at + place.size - fields.0.len() as u64;
        members.push(central(&mut fields, at, place.count, largest)?);
    }
    if !fields.0.is_empty() {
        let (first, second) = (place.size, place.size - fields.0.len() as u64);
        return Err(ArchiveError::Lies { what: "the directory's size", first, second });
    }
    let mut gaps = lay_out(source, &mut members, place.at)?;
    push_gap(source, &mut gaps, place.comment, len)?;
    Ok((members, gaps))
}

/// Finds the end record and from it the directory, which must end where the end record begins.
fn find(source: &mut Window<'_>, len: u64) -> Result<Place, ArchiveError> {
    let tail_len = len.min(END_LEN + u64::from(u16::MAX));
    let tail = source.read_at(len - tail_len, tail_len, "the end record", len)?;
    // From the back: the last end record whose comment reaches exactly to the end of the file.
    let ends = (0..=tail.len().saturating_sub(22)).rev().filter(|at| tail.get(*at..*at + 4) == Some(END));
    let parsed = ends.filter_map(|at| {
        let mut fields = Fields(tail.get(at + 4..)?);
        let (disk, first_disk) = (fields.u16()?, fields.u16()?);
        let (here, count) = (fields.u16()?, fields.u16()?);
        let (size, start) = (fields.u32()?, fields.u32()?);
        let comment = usize::from(fields.u16()?);
        (fields.0.len() == comment).then_some((at, [disk, first_disk, here, count], [size, start]))
    });
    let (at, [disk, first_disk, here, count], [size, start]) = parsed.into_iter().next().ok_or(ArchiveError::NoEnd)?;
    let end = len - tail_len + at as u64;
    if disk != first_disk || (disk != 0 && disk != u16::MAX) {
        return Err(ArchiveError::Disks);
    }
    if here != count {
        let (first, second) = (here.into(), count.into());
        return Err(ArchiveError::Lies { what: "the number of members", first, second });
    }
    let mut place = Place { at: start.into(), size: size.into(), count: count.into(), comment: end + END_LEN };
    let mut stop = end;
    if let Some(large) = find64(source, end, len)? {
        let small = [
            (place.at, large.0.at, u64::from(u32::MAX)),
            (place.size, large.0.size, u64::from(u32::MAX)),
            (place.count, large.0.count, u64::from(u16::MAX)),
        ];
        for (first, second, sentinel) in small {
            if first != second && first != sentinel {
                return Err(ArchiveError::Lies { what: "the ZIP64 end record", first, second });
            }
        }
        (place, stop) = large;
        place.comment = end + END_LEN;
    }
    match place.at.checked_add(place.size) {
        Some(found) if found == stop => Ok(place),
        found => {
            Err(ArchiveError::Lies { what: "the directory's end", first: found.unwrap_or(u64::MAX), second: stop })
        }
    }
}

/// The ZIP64 end record before the end record, where there is a locator, and where it begins.
fn find64(source: &mut Window<'_>, end: u64, len: u64) -> Result<Option<(Place, u64)>, ArchiveError> {
    let Some(locator_at) = end.checked_sub(LOCATOR_LEN) else { return Ok(None) };
    let locator = source.read_at(locator_at, LOCATOR_LEN, "the ZIP64 locator", len)?;
    let mut fields = Fields(&locator);
    if fields.take(4) != Some(END64_LOCATOR) {
        return Ok(None);
    }
    let (Some(disk), Some(at), Some(disks)) = (fields.u32(), fields.u64(), fields.u32()) else { return Ok(None) };
    if disk != 0 || disks > 1 {
        return Err(ArchiveError::Disks);
    }
    // Only the fixed part is known; a record that does not end at its locator hides something.
    if at.checked_add(END64_LEN) != Some(locator_at) {
        return Err(ArchiveError::Lies {
            what: "the ZIP64 locator",
            first: at,
            second: locator_at.saturating_sub(END64_LEN),
        });
    }
    let record = source.read_at(at, END64_LEN, "the ZIP64 end record", len)?;
    let mut fields = Fields(&record);
    let mut read = || {
        let signature = fields.take(4)?;
        let size = fields.u64()?;
        fields.take(4)?;
        let disks = (fields.u32()?, fields.u32()?);
        Some((signature, size, disks, [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?]))
    };
    match read() {
        Some((signature, size, (0, 0), [here, count, bytes, start]))
            if signature == END64 && size == END64_LEN - 12 && here == count =>
        {
            Ok(Some((Place { at: start, size: bytes, count, comment: 0 }, at)))
        }
        _ => Err(ArchiveError::Lies { what: "the ZIP64 end record", first: at, second: locator_at }),
    }
}

/// One record of the directory.
fn central(fields: &mut Fields<'_>, at: u64, count: u64, largest: u64) -> Result<Member, ArchiveError> {
    let no_record = || ArchiveError::NoRecord { at, count };
    let mut head = Fields(fields.take(CENTRAL_LEN).ok_or_else(no_record)?);
    if head.take(4) != Some(CENTRAL) {
        return Err(no_record());
    }
    let mut read = || {
        let made_by = head.u16()?;
        head.u16()?;
        let (flags, method) = (head.u16()?, head.u16()?);
        head.take(4)?;
        let (checksum, packed, unpacked) = (head.u32()?, head.u32()?, head.u32()?);
        let lengths = [head.u16()?, head.u16()?, head.u16()?];
        let disk = head.u16()?;
        head.u16()?;
        Some((made_by, flags, method, checksum, [packed, unpacked], lengths, disk, head.u32()?, head.u32()?))
    };
    let (made_by, flags, method, checksum, [packed, unpacked], lengths, disk, attributes, offset) =
        read().ok_or_else(no_record)?;
    let raw_name = fields.take(lengths[0].into()).ok_or_else(no_record)?;
    let extra = fields.take(lengths[1].into()).ok_or_else(no_record)?;
    fields.take(lengths[2].into()).ok_or_else(no_record)?;
    if disk != 0 {
        return Err(ArchiveError::Disks);
    }
    let name = check_name(raw_name)?;
    check_kind(&name, flags, made_by, attributes)?;
    let method = method_of(&name, method)?;
    let mut wide = Fields(zip64_extra(extra));
    let mut widen = |small: u32| if small == u32::MAX { wide.u64() } else { Some(small.into()) };
    let lies = || ArchiveError::HeadersDisagree { name: name.clone(), what: "ZIP64 sizes" };
    let unpacked = widen(unpacked).ok_or_else(lies)?;
    let packed = widen(packed).ok_or_else(lies)?;
    let start = widen(offset).ok_or_else(lies)?;
    let limit = packed.saturating_mul(MAX_MEMBER_RATIO).saturating_add(MEMBER_ALLOWANCE).min(largest);
    if unpacked > limit {
        return Err(ArchiveError::MemberSize { name, packed, unpacked, limit });
    }
    let streamed = flags & 1 << 3 != 0;
    Ok(Member { name, method, streamed, checksum, packed, unpacked, start, data: start, end: start })
}

/// A member is never written to disk, but a hostile name is a hostile archive.
fn check_name(raw: &[u8]) -> Result<String, ArchiveError> {
    let refuse = || ArchiveError::Name { name: shown(raw) };
    let name = std::str::from_utf8(raw).map_err(|_| refuse())?;
    let plain = raw.len() <= MAX_NAME_BYTES
        && !name.is_empty()
        && !name.contains(['\\', '\0'])
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && name.as_bytes().get(1) != Some(&b':');
    if plain { Ok(name.to_owned()) } else { Err(refuse()) }
}

fn check_kind(name: &str, flags: u16, made_by: u16, attributes: u32) -> Result<(), ArchiveError> {
    // Bit 0 encrypts the data, bit 6 strongly, bit 13 masks the headers.
    if flags & (1 | 1 << 6 | 1 << 13) != 0 {
        return Err(ArchiveError::Encrypted { name: shown(name.as_bytes()) });
    }
    // Made on Unix (3) or macOS (19): the upper half is a file mode. 0 is "not said".
    let unix = matches!(made_by >> 8, 3 | 19);
    if unix && !matches!(attributes >> 16 & 0o170_000, 0 | 0o100_000) {
        return Err(ArchiveError::NotAFile { name: shown(name.as_bytes()) });
    }
    Ok(())
}

fn method_of(name: &str, method: u16) -> Result<Method, ArchiveError> {
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        93 => Ok(Method::Zstd),
        _ => Err(ArchiveError::Method { name: shown(name.as_bytes()), method }),
    }
}

/// The content of the ZIP64 extra field (id 1); empty where there is none.
fn zip64_extra(extra: &[u8]) -> &[u8] {
    let mut fields = Fields(extra);
    while let (Some(id), Some(len)) = (fields.u16(), fields.u16()) {
        match fields.take(len.into()) {
            Some(content) if id == 1 => return content,
            Some(_) => {}
            None => break,
        }
    }
    &[]
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
