//! Hostile archives, built byte by byte: each is refused for its own reason, or what it hides is reported.

use std::io::{Cursor, Write};

use super::*;

/// One member as a test wants it, headers and all.
#[derive(Clone)]
pub(crate) struct Entry {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    checksum: u32,
    packed: Vec<u8>,
    unpacked: u64,
    attributes: u32,
    made_by: u16,
    /// Overrides of what the member's own header says.
    local: Option<(Vec<u8>, u32)>,
    /// Not listed in the directory.
    hidden: bool,
    /// Bytes before the member.
    before: Vec<u8>,
    descriptor: Vec<u8>,
    zip64: bool,
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Entry {
    fn packed(name: &str, method: u16, bytes: &[u8], packed: Vec<u8>) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            method,
            flags: 0,
            checksum: checksum(bytes),
            packed,
            unpacked: bytes.len() as u64,
            attributes: 0o100_600 << 16,
            made_by: 0x0314,
            local: None,
            hidden: false,
            before: Vec::new(),
            descriptor: Vec::new(),
            zip64: false,
        }
    }

    pub(crate) fn stored(name: &str, bytes: &[u8]) -> Self {
        Self::packed(name, 0, bytes, bytes.to_vec())
    }

    /// The same bytes, not listed in the directory.
    pub(crate) fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    pub(crate) fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        Self::packed(name, 8, bytes, encoder.finish().unwrap())
    }

    fn zstd(name: &str, frames: &[&[u8]]) -> Self {
        let packed = frames.iter().flat_map(|frame| zstd::bulk::compress(frame, 3).unwrap()).collect();
        Self::packed(name, 93, &frames.concat(), packed)
    }
}

/// An archive as a test wants it.
#[derive(Default)]
pub(crate) struct Zip {
    entries: Vec<Entry>,
    before_directory: Vec<u8>,
    comment: Vec<u8>,
    /// Makes ZIP64 records; the numbers are added to size, start and count there.
    zip64: Option<[u64; 3]>,
}

impl Zip {
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u64);
        for entry in &self.entries {
            out.extend_from_slice(&entry.before);
            let at = u32::try_from(out.len()).unwrap();
            let sizes = |unpacked: u64| [entry.packed.len() as u64, unpacked];
            let (local_name, local_checksum) = entry.local.clone().unwrap_or((entry.name.clone(), entry.checksum));
            let header = |out: &mut Vec<u8>, name: &[u8], checksum: u32, central: bool| {
                let extra: Vec<u8> = if entry.zip64 {
                    let [packed, unpacked] = sizes(entry.unpacked);
                    [&[1, 0, 16, 0][..], &unpacked.to_le_bytes(), &packed.to_le_bytes()].concat()
                } else {
                    Vec::new()
                };
                out.extend_from_slice(if central { b"PK\x01\x02" } else { b"PK\x03\x04" });
                if central {
                    out.extend_from_slice(&entry.made_by.to_le_bytes());
                }
                out.extend_from_slice(&20_u16.to_le_bytes());
                out.extend_from_slice(&entry.flags.to_le_bytes());
                out.extend_from_slice(&entry.method.to_le_bytes());
                out.extend_from_slice(&[0; 4]);
                let deferred = !central && !entry.descriptor.is_empty();
                out.extend_from_slice(&if deferred { 0 } else { checksum }.to_le_bytes());
                for size in sizes(entry.unpacked) {
                    let size = if deferred {
                        0
                    } else if entry.zip64 {
                        u32::MAX
                    } else {
                        u32::try_from(size).unwrap()
                    };
                    out.extend_from_slice(&size.to_le_bytes());
                }
                out.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
                out.extend_from_slice(&u16::try_from(extra.len()).unwrap().to_le_bytes());
                if central {
                    out.extend_from_slice(&[0; 6]);
                    out.extend_from_slice(&entry.attributes.to_le_bytes());
                    out.extend_from_slice(&at.to_le_bytes());
                }
                out.extend_from_slice(name);
                out.extend_from_slice(&extra);
            };
            header(&mut out, &local_name, local_checksum, false);
            if !entry.hidden {
                header(&mut directory, &entry.name, entry.checksum, true);
                count += 1;
            }
            out.extend_from_slice(&entry.packed);
            out.extend_from_slice(&entry.descriptor);
        }
        out.extend_from_slice(&self.before_directory);
        let (start, size) = (out.len() as u64, directory.len() as u64);
        out.extend_from_slice(&directory);
        let mut small = [count, size, start];
        if let Some([size_lie, start_lie, count_lie]) = self.zip64 {
            let at = out.len() as u64;
            out.extend_from_slice(b"PK\x06\x06");
            out.extend_from_slice(&44_u64.to_le_bytes());
            out.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            let count = count.wrapping_add(count_lie);
            for number in [count, count, size.wrapping_add(size_lie), start.wrapping_add(start_lie)] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&at.to_le_bytes());
            out.extend_from_slice(&1_u32.to_le_bytes());
            small = [u16::MAX.into(), u32::MAX.into(), u32::MAX.into()];
        }
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            out.extend_from_slice(&u16::try_from(small[0]).unwrap().to_le_bytes());
        }
        out.extend_from_slice(&u32::try_from(small[1]).unwrap().to_le_bytes());
        out.extend_from_slice(&u32::try_from(small[2]).unwrap().to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&self.comment);
        out
    }
}

type Read = (Vec<(String, Vec<u8>)>, Vec<Gap>);

fn read(bytes: &[u8]) -> Result<Read, ArchiveError> {
    let mut source = Cursor::new(bytes);
    let mut archive = Archive::open(&mut source, bytes.len() as u64)?;
    let names: Vec<String> = archive.members().iter().map(|member| member.name.clone()).collect();
    let members = names.into_iter().enumerate().map(|(index, name)| Ok((name, archive.read(index)?)));
    let members = members.collect::<Result<_, ArchiveError>>()?;
    Ok((members, archive.gaps().to_vec()))
}

fn refusal(zip: &Zip) -> ArchiveError {
    read(&zip.build()).expect_err("a hostile archive is refused")
}

#[test]
fn each_method_gives_back_the_bytes() {
    let text = b"hello ".repeat(1000);
    let mut streamed = Entry::deflated("streamed", &text);
    streamed.flags = 1 << 3;
    for (wide, signed) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut descriptor = if signed { b"PK\x07\x08".to_vec() } else { Vec::new() };
        descriptor.extend_from_slice(&streamed.checksum.to_le_bytes());
        for size in [streamed.packed.len() as u64, streamed.unpacked] {
            descriptor.extend_from_slice(&size.to_le_bytes()[..if wide { 8 } else { 4 }]);
        }
        streamed.descriptor = descriptor;
        let mut large = Entry::zstd("large", &[&text[..100], b"", &text[100..]]);
        large.zip64 = true;
        let entries = vec![
            Entry::stored("a/b", &text),
            Entry::deflated("c", &text),
            streamed.clone(),
            large,
            Entry::stored("empty", b""),
        ];
        for zip64 in [None, Some([0; 3])] {
            let (members, gaps) = read(&Zip { zip64, ..Zip::of(entries.clone()) }.build()).unwrap();
            assert!(members.iter().all(|(name, bytes)| *bytes == text || name == "empty"));
            assert_eq!((members.len(), gaps), (5, vec![]));
        }
    }
}

#[test]
fn duplicates_and_bytes_of_nobody_are_seen() {
    let hidden = Entry::stored("samples/1_epoch_1.json", b"{}").hidden();
    let mut after_dead = Entry::stored("b", b"2");
    after_dead.before = b"dead".to_vec();
    let zip = Zip {
        before_directory: b"dead too".to_vec(),
        comment: b"and this".to_vec(),
        ..Zip::of(vec![Entry::stored("a", b"1"), hidden, Entry::stored("a", b"2"), after_dead])
    };
    let bytes = zip.build();
    let (members, gaps) = read(&bytes).unwrap();
    assert_eq!(members.iter().filter(|(name, _)| name == "a").count(), 2);
    let names: Vec<_> = gaps.iter().map(|gap| (gap.name.as_deref(), gap.end - gap.start)).collect();
    assert_eq!(names, [(Some("samples/1_epoch_1.json"), 54), (None, 4), (None, 8), (None, 8)]);
    let mut source = Cursor::new(&bytes);
    assert_eq!(Archive::open(&mut source, bytes.len() as u64).unwrap().by_name()["a"], (1, 2));
}

#[test]
fn headers_that_disagree_are_refused() {
    let sound = Entry::stored("a", b"1");
    let other_name = Entry { local: Some((b"b".to_vec(), sound.checksum)), ..sound.clone() };
    let other_checksum = Entry { local: Some((b"a".to_vec(), 1)), ..sound.clone() };
    let no_descriptor = Entry { flags: 1 << 3, ..sound.clone() };
    for (entry, expected) in
        [(other_name, "name"), (other_checksum, "size or checksum"), (no_descriptor, "data descriptor")]
    {
        let error = refusal(&Zip::of(vec![entry]));
        assert!(matches!(error, ArchiveError::HeadersDisagree { what, .. } if what == expected), "{error}");
    }
    let wrong = Entry { checksum: 7, ..sound };
    assert!(matches!(refusal(&Zip::of(vec![wrong])), ArchiveError::Checksum { expected: 7, .. }));
}

#[test]
fn members_that_overlap_are_refused() {
    let zip = Zip::of(vec![Entry::stored("a", b"1"), Entry::stored("a", b"1")]).build();
    let mut same = zip.clone();
    // The second directory record points at the first member.
    let second = zip.len() - 22 - 47;
    same[second + 42..second + 46].copy_from_slice(&0_u32.to_le_bytes());
    assert!(matches!(read(&same), Err(ArchiveError::Overlap { .. })));
    let inner = Zip::of(vec![Entry::stored("b", b"2")]).build();
    let mut quoted = Zip::of(vec![Entry::stored("a", &inner), Entry::stored("b", b"2")]).build();
    // The second record points into the data of the first, where a whole member lies.
    let second = quoted.len() - 22 - 47;
    quoted[second + 42..second + 46].copy_from_slice(&31_u32.to_le_bytes());
    assert!(matches!(read(&quoted), Err(ArchiveError::Overlap { .. })));
}

#[test]
fn bombs_are_refused_before_they_expand() {
    let mut liar = Entry::deflated("a", &[0; 5000]);
    liar.unpacked = 4000;
    assert!(matches!(refusal(&Zip::of(vec![liar.clone()])), ArchiveError::Length { expected: 4000, found: 4001, .. }));
    liar.unpacked = 6000;
    assert!(matches!(refusal(&Zip::of(vec![liar.clone()])), ArchiveError::Length { expected: 6000, found: 5000, .. }));
    liar.unpacked = 1 << 31;
    assert!(matches!(refusal(&Zip::of(vec![liar])), ArchiveError::MemberSize { .. }));
    let zeros = vec![0; 8 << 20];
    let bomb = Entry::zstd("z", &[&zeros]);
    assert!(matches!(refusal(&Zip::of(vec![bomb])), ArchiveError::MemberSize { .. }));
    // Many members, each within its own limit.
    let one = Entry::deflated("d", &zeros);
    let many = Zip::of(vec![one; 45]);
    assert!(matches!(refusal(&many), ArchiveError::TotalSize { .. }));
}

#[test]
fn bytes_after_the_end_of_compressed_data_are_refused() {
    let mut entry = Entry::deflated("a", b"text");
    entry.packed.extend_from_slice(b"more");
    assert!(matches!(refusal(&Zip::of(vec![entry])), ArchiveError::LeftOver { count: 4, .. }));
    let mut entry = Entry::stored("a", b"text");
    entry.unpacked = 3;
    entry.checksum = checksum(b"tex");
    assert!(matches!(refusal(&Zip::of(vec![entry])), ArchiveError::Length { .. }));
    let mut entry = Entry::zstd("a", &[b"text"]);
    entry.packed.extend_from_slice(b"more");
    assert!(matches!(refusal(&Zip::of(vec![entry])), ArchiveError::Decompress { .. }));
}

#[test]
fn what_a_member_may_not_be_is_refused() {
    for name in ["../a", "/a", "a/../b", "a//b", "./a", "C:a", "a\\b", "a\0", "a/", ""] {
        assert!(matches!(refusal(&Zip::of(vec![Entry::stored(name, b"")])), ArchiveError::Name { .. }), "{name:?}");
    }
    let long = Entry::stored(&"a".repeat(MAX_NAME_BYTES + 1), b"");
    assert!(matches!(refusal(&Zip::of(vec![long])), ArchiveError::Name { .. }));
    let sound = Entry::stored("a", b"1");
    let not_text = Entry { name: b"\xff".to_vec(), ..sound.clone() };
    assert!(matches!(refusal(&Zip::of(vec![not_text])), ArchiveError::Name { .. }));
    let link = Entry { attributes: 0o120_777 << 16, ..sound.clone() };
    assert!(matches!(refusal(&Zip::of(vec![link])), ArchiveError::NotAFile { .. }));
    for flag in [0, 6, 13] {
        let secret = Entry { flags: 1 << flag, ..sound.clone() };
        assert!(matches!(refusal(&Zip::of(vec![secret])), ArchiveError::Encrypted { .. }));
    }
    let method = Entry { method: 14, ..sound };
    assert!(matches!(refusal(&Zip::of(vec![method])), ArchiveError::Method { method: 14, .. }));
}

#[test]
fn zip64_lies_are_refused() {
    for lie in
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [u64::MAX, 0, 0], [0, u64::MAX, 0], [0, 0, u64::MAX - 5], [0, 0, 1 << 40]]
    {
        let zip = Zip { zip64: Some(lie), ..Zip::of(vec![Entry::stored("a", b"1")]) };
        refusal(&zip);
    }
    // The small record says something of its own, and not the sentinel.
    let mut both = Zip { zip64: Some([0; 3]), ..Zip::of(vec![Entry::stored("a", b"1")]) }.build();
    let count = both.len() - 14;
    both[count..count + 4].copy_from_slice(&[2, 0, 2, 0]);
    assert!(matches!(read(&both), Err(ArchiveError::Lies { .. })));
}

#[test]
fn an_archive_cut_at_any_byte_is_refused() {
    for zip64 in [None, Some([0; 3])] {
        let entries = vec![Entry::stored("a", b"1"), Entry::deflated("b", b"22"), Entry::zstd("c", &[b"333"])];
        let whole = Zip { zip64, ..Zip::of(entries) }.build();
        assert!(read(&whole).is_ok());
        for len in 0..whole.len() {
            assert!(read(&whole[..len]).is_err(), "{len}");
        }
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                let _ = read(&changed);
            }
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(matches!(read(&longer), Err(ArchiveError::NoEnd)));
    }
}
