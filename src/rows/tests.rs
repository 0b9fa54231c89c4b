//! Every format gives the same rows, whatever their order, sharding, packing and way of writing.

mod columnar;
mod formats;

use std::io::{self, Write};

use proptest::prelude::*;

use super::*;
use crate::artifact::manifest::Manifest;
use crate::artifact::rows::{OffsetLeaf, Projection, parse_offsets, parse_rows, parse_rowset};
use crate::digest::{FileDigest, ManifestRoot, Sha256Digest};
use crate::statement::Reading;

impl Shard for Vec<u8> {
    fn size(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        // Short reads are legal, and must not matter.
        let rest = &self[usize::try_from(at).unwrap().min(Vec::len(self))..];
        let len = rest.len().min(buffer.len()).min(100_003);
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

pub(super) fn read_as(
    projection: Option<&str>,
    shards: &[(&str, Vec<u8>)],
) -> Result<(Gathered, Projection, Reading), RowsError> {
    let format = format_of(shards[0].0).unwrap();
    let projection = projection.map(|text| Projection::parse(text).unwrap());
    let sources = ["domain".to_owned(), "source".to_owned()].to_vec();
    let mut pass = Pass::new(format, Settings { projection, sources, sha256: true });
    for (name, bytes) in shards {
        let passed = pass.shard(name, bytes, &|_| {})?;
        assert_eq!(passed.digest, FileDigest::of(bytes), "{name}");
        assert_eq!(passed.sha256, Some(Sha256Digest::of(bytes)), "{name}");
    }
    let (gathered, projection, _) = pass.finish()?;
    let mut reading = Reading::by(format.name());
    gathered.tell(&mut reading);
    Ok((gathered, projection, reading))
}

pub(super) fn roots(projection: &str, name: &str, bytes: &[u8]) -> (ManifestRoot, ManifestRoot) {
    let (gathered, ..) = read_as(Some(projection), &[(name, bytes.to_vec())]).unwrap();
    (gathered.rows.root, gathered.rowset.root)
}

pub(super) fn refused(name: &str, bytes: &[u8]) -> String {
    let error = read_as(None, &[(name, bytes.to_vec())]).map(|_| ()).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const LINES: &str =
    "{\"text\": \"a\", \"domain\": \"x\"}\n{\"text\": \"b\\n\", \"domain\": \"y\"}\n\n{\"text\": \"a\", \"n\": null}\n";

#[test]
fn rows_are_counted_hashed_and_told() {
    let (gathered, projection, reading) = read_as(None, &[("d.jsonl", LINES.into())]).unwrap();
    assert_eq!(projection.to_string(), "text");
    let rows = parse_rows(&Manifest::parse(&gathered.rows.object).unwrap()).unwrap();
    let digests: Vec<FileDigest> = rows.iter().map(|row| row.digest).collect();
    assert_eq!(digests, [FileDigest::of(b"a"), FileDigest::of(b"b\n"), FileDigest::of(b"a")]);
    let set = parse_rowset(&Manifest::parse(&gathered.rowset.object).unwrap()).unwrap();
    assert_eq!(set.iter().map(|leaf| leaf.multiplicity).sum::<u64>(), 3);
    assert_eq!(gathered.twins, [Twin { first: 1, again: 3 }]);
    let counts =
        ["rows", "rows.distinct", "rows.repeated", "bytes", "field.text.text", "field.domain.absent", "field.n.null"];
    assert_eq!(counts.map(|name| reading.counts[name]), [3, 2, 1, 4, 3, 1, 1]);
    let sources: Vec<_> = reading.sources.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(sources, [("(no source)", 1), ("x", 1), ("y", 1)]);
    assert_eq!(reading.remarks[0].text, "1 rows repeat an earlier one, the first is row 3, equal to row 1");
}

#[test]
fn the_same_rows_in_any_format_and_packing_have_the_same_roots() {
    let csv = b"\xef\xbb\xbfdomain,text\r\nx,a\r\ny,\"b\n\"\r\n,a\r\n";
    let json = br#"[{"text":"a"},{"text":"b\u000a"},{"text":"a"}]"#;
    let inside = [br#"{"n": 3, "data": "#.as_slice(), json, b"}"].concat();
    let expected = roots("text", "d.jsonl", LINES.as_bytes());
    assert_eq!(roots("text", "d.csv", csv), expected);
    assert_eq!(roots("text", "d.json", json), expected);
    assert_eq!(roots("text", "d.json", &inside), expected);
    assert_eq!(roots("text", "d.jsonl.gz", &gzip(LINES.as_bytes())), expected);
    assert_eq!(roots("text", "d.jsonl.zst", &zstd::encode_all(LINES.as_bytes(), 1).unwrap()), expected);
    assert_eq!(roots("text", "d.txt", b"a\r\nb"), roots("text", "d.jsonl", b"{\"text\":\"a\"}\n{\"text\":\"b\"}"));
}

#[test]
fn each_way_a_row_can_be_broken_is_named_with_its_place() {
    let good = "{\"text\": \"a\"}\n";
    let after = |line: &str| refused("d.jsonl", format!("{good}\n{line}\n{good}").as_bytes());
    assert_eq!(
        after("{\"text\": 1}"),
        "row 2 at byte 15: `text` is number, expected a text; another view: --projection '*'"
    );
    assert_eq!(after("{\"text\": \"a\""), "row 2 at byte 15: the text ends inside a value");
    assert_eq!(after("{\"text\": x}"), "row 2 at byte 15: the text is not JSON at byte 9");
    assert_eq!(after("[1]"), "row 2 at byte 15: `the row` is an array, expected an object");
    assert_eq!(
        after("{\"a\": 1, \"text\": \"\", \"\\u0061\": 1}"),
        "row 2 at byte 15: the field `a` stands twice in one row"
    );
    let nested = "{\"text\":".repeat(200) + "1" + &"}".repeat(200);
    assert!(after(&nested).contains("nest deeper"));
    assert_eq!(refused("d.txt", b"a\n\xff\n"), "row 2 at byte 2: the text is not UTF-8");
    assert_eq!(refused("d.csv", b"a,b\n1,2\n3\n"), "row 2: values of the row: 1 where 2 belong");
    assert_eq!(refused("d.csv", b"a,a\n1,2\n"), "row 1: the field `a` stands twice in one row");
    assert!(refused("d.json", b"{\"a\": 1}").ends_with("the object holds no array of objects"));
    assert!(refused("d.json", b"[1]").ends_with("`the row` is a number, expected an object"));
    assert!(refused("d.jsonl.gz", good.as_bytes()).starts_with("row 1: cannot read the rows: "));
    for name in ["d.jsonl", "d.csv", "d.txt", "d.json"] {
        assert!(refused(name, if name == "d.json" { b"[]" } else { b"\n \n" }).ends_with("there is no row"), "{name}");
    }
    assert_eq!(refused("d.txt", b""), "there is no row");
}

#[test]
fn a_row_longer_than_the_limit_is_refused_wherever_blocks_end() {
    let long = "x".repeat(MAX_ROW_BYTES + 1);
    assert_eq!(
        refused("d.txt", format!("a\n{long}").as_bytes()),
        "row 2 at byte 2: a row has more than 16777216 bytes"
    );
    assert_eq!(refused("d.txt", long.as_bytes()), "row 1 at byte 0: a row has more than 16777216 bytes");
    let packed = zstd::encode_all(format!("a\n{long}").as_bytes(), 1).unwrap();
    assert_eq!(refused("d.txt.zst", &packed), "row 2: a row has more than 16777216 bytes");
}

/// Rows over several blocks, with lines of every length at their ends.
fn large() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut state = 7_u64;
    while bytes.len() < 9 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let len = usize::try_from(state >> 51).unwrap() * if state & 0x3000 == 0 { 40 } else { 1 };
        bytes.resize(bytes.len() + len, b'a' + u8::try_from(state >> 40 & 15).unwrap());
        bytes.extend_from_slice(if state & 0x100 == 0 { b"\n" } else { b"\r\n" });
    }
    bytes
}

#[test]
fn a_large_file_has_the_rows_that_its_lines_are() {
    let bytes = large();
    let (gathered, ..) = read_as(None, &[("d.txt", bytes.clone())]).unwrap();
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let expected: Vec<FileDigest> = lines.filter(|line| !line.is_empty()).map(FileDigest::of).collect();
    let rows = parse_rows(&Manifest::parse(&gathered.rows.object).unwrap()).unwrap();
    assert!(rows.iter().map(|row| row.digest).eq(expected));
    let stream = roots("text", "d.txt.zst", &zstd::encode_all(&bytes[..], 1).unwrap());
    assert_eq!(stream, (gathered.rows.root, gathered.rowset.root));
}

#[test]
fn located_rows_are_the_lines_of_their_files() {
    let (first, second) = (large(), b"x\n\n  \ny".to_vec());
    let mut locating = Locating::new(format_of("a.txt").unwrap(), true).unwrap();
    let passed = [("a.txt", 1, &first), ("b.txt", 0, &second)]
        .map(|(name, file, bytes)| locating.shard(name, file, bytes, &|_| {}).unwrap());
    let written = locating.finish().unwrap();
    assert_eq!(passed[0].digest, FileDigest::of(&first));
    assert_eq!(passed[0].sha256, Some(Sha256Digest::of(&first)));
    let leaves = parse_offsets(&Manifest::parse(&written.object).unwrap()).unwrap();
    assert_eq!(leaves.len() as u64, passed[0].rows + 2);
    let lines = leaves.iter().filter(|leaf| leaf.file == 1).map(|leaf| {
        let start = usize::try_from(leaf.start).unwrap();
        &first[start..][..usize::try_from(leaf.length).unwrap()]
    });
    let expected = first.split(|byte| *byte == b'\n').filter(|line| !matches!(*line, [] | [b'\r']));
    assert!(lines.eq(expected));
    assert_eq!(leaves[leaves.len() - 1], OffsetLeaf { file: 0, start: 6, length: 1 });
    let mut locating = Locating::new(format_of("a.csv").unwrap(), false).unwrap();
    let error = locating.shard("a.csv", 0, &b"a\n1\n".to_vec(), &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "rows of csv/1 in this form cannot be located, only read: leave out --offsets");
}

#[test]
fn sources_and_fields_without_end_do_not_fill_memory_and_are_added_up() {
    let many: String =
        (0..3000).map(|n| format!("{{\"text\": \"{n}\", \"source\": \"{n}\", \"f{n}\": 1}}\n")).collect();
    let (_, _, reading) = read_as(None, &[("d.jsonl", many.into_bytes())]).unwrap();
    assert_eq!(reading.sources.len(), crate::statement::MAX_SOURCES + 1);
    assert_eq!(reading.sources[Reading::OTHER_SOURCES], 2000);
    assert_eq!(reading.counts["field.(other fields).number"], 3000 - 254);
}

/// Writes a row as JSON in one of many ways that mean the same.
fn written(row: &[(String, String)], way: u8) -> String {
    let text = |text: &str| {
        if way & 1 == 0 {
            return serde_json::to_string(text).unwrap();
        }
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    };
    let mut members: Vec<String> =
        row.iter().map(|(name, value)| format!("{}{}:{}", text(name), " ".repeat(way.into()), text(value))).collect();
    if way & 2 != 0 {
        members.reverse();
    }
    format!("{{{}}}", members.join(if way & 4 == 0 { "," } else { " , " }))
}

fn rows() -> impl Strategy<Value = Vec<Vec<(String, String)>>> {
    let row = ("\\PC{0,12}[\"\\\\\n\t]{0,2}", "[a-c]{0,2}")
        .prop_map(|(text, kind)| vec![("text".to_owned(), text), ("kind".to_owned(), kind)]);
    proptest::collection::vec(row, 1..12)
}

fn jsonl(rows: &[Vec<(String, String)>], way: u8) -> Vec<u8> {
    rows.iter().map(|row| written(row, way) + "\n").collect::<String>().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_and_sharding_leave_the_rowset_and_writing_leaves_both(
        (original, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        cut in 0..12_usize,
        way in 0..8_u8,
        projection in prop_oneof![Just("text"), Just("text,kind"), Just("*")],
    ) {
        let base = roots(projection, "a.jsonl", &jsonl(&original, 0));
        prop_assert_eq!(roots(projection, "a.jsonl", &jsonl(&original, way)), base);
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let shards = [("a.jsonl", jsonl(left, way)), ("b.jsonl", jsonl(right, 0))];
        let (gathered, ..) = read_as(Some(projection), &shards).unwrap();
        prop_assert_eq!(gathered.rowset.root, base.1);
        prop_assert_eq!(gathered.rows.root == base.0, shuffled == original || {
            let key = |rows: &[Vec<(String, String)>]| rows.iter().map(|row| (row[0].1.clone(), (projection != "text").then(|| row[1].1.clone()))).collect::<Vec<_>>();
            key(&shuffled) == key(&original)
        });
    }

    #[test]
    fn any_change_of_content_changes_both_roots(rows in rows(), at in any::<prop::sample::Index>(), bit in 0..7_u32) {
        let base = roots("*", "a.jsonl", &jsonl(&rows, 0));
        let mut changed = rows.clone();
        let row = at.index(rows.len());
        let value = &mut changed[row][1].1;
        value.push(char::from(b'a' ^ (1 << bit)));
        let found = roots("*", "a.jsonl", &jsonl(&changed, 0));
        prop_assert!(found.0 != base.0 && found.1 != base.1);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in 0..6_usize) {
        let name = ["a.jsonl", "a.json", "a.csv", "a.txt", "a.jsonl.gz", "a.csv.zst"][name];
        let _ = read_as(None, &[(name, bytes)]);
    }
}
