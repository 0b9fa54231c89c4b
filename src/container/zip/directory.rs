//! The directory at the end of an archive, and the member that each record of it names.

use super::fields::{Fields, Window};
use super::{
    ArchiveError, MAX_DIRECTORY_BYTES, MAX_MEMBER_RATIO, MAX_MEMBERS, MAX_NAME_BYTES, MEMBER_ALLOWANCE, Member, Method,
    shown,
};

const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const END64_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";

const END_LEN: u64 = 22;
const END64_LEN: u64 = 56;
const LOCATOR_LEN: u64 = 20;
const CENTRAL_LEN: usize = 46;

/// Where the directory lies, how many records it has, and where what follows it begins.
pub(super) struct Place {
    pub(super) at: u64,
    size: u64,
    count: u64,
    /// Where the archive's comment begins; it ends with the file.
    pub(super) comment: u64,
}

/// The members in directory order, none of more than `largest` bytes, and where the directory lies.
pub(super) fn read(source: &mut Window<'_>, len: u64, largest: u64) -> Result<(Vec<Member>, Place), ArchiveError> {
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
    Ok((members, place))
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

pub(super) fn method_of(name: &str, method: u16) -> Result<Method, ArchiveError> {
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflate),
        93 => Ok(Method::Zstd),
        _ => Err(ArchiveError::Method { name: shown(name.as_bytes()), method }),
    }
}

/// The content of the ZIP64 extra field (id 1); empty where there is none.
pub(super) fn zip64_extra(extra: &[u8]) -> &[u8] {
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
