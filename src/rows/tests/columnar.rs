//! What the reference writers of Parquet, Arrow and tar wrote is read as the rows it was made of; what is damaged never
//! ends the program. `fixtures/rows/make` writes the files.

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use super::*;
use crate::artifact::rows::{Cell, RowLeaf};
use crate::codec::Encoder;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures/rows", name].iter().collect()
}

/// Files of a folder with their names, but for the lines that say what rows they hold.
fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != "rows.jsonl")
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn lines(name: &str) -> Vec<u8> {
    fs::read(folder(name).join("rows.jsonl")).unwrap()
}

const VIEWS: [&str; 7] = ["text", "messages", "id,input,target", "score,good", "grid,id", "about,id", "*"];

#[test]
fn files_of_the_reference_writers_hold_the_rows_that_their_lines_say() {
    for name in ["rows", "few", "few-tar"] {
        let lines = lines(name);
        for (file, bytes) in files(name) {
            // Samples of an archive have a key beside their rows.
            let is_tar = file.contains(".tar");
            for view in VIEWS.iter().filter(|view| !is_tar || **view != "*") {
                let read = |name: &str, bytes: &[u8]| match read_as(Some(view), &[(name, bytes.to_vec())]) {
                    Ok((gathered, _, reading)) => (gathered.rows.root, gathered.rowset.root, reading.counts),
                    Err(error) => panic!("{name} as {view}: {error:?}"),
                };
                let (found, expected) = (read(&file, &bytes), read("rows.jsonl", &lines));
                assert_eq!((found.0, found.1), (expected.0, expected.1), "{file} as {view}");
                if !is_tar {
                    assert_eq!(found.2, expected.2, "{file} as {view}");
                }
            }
            let suiting = read_as(None, &[(&file, bytes)]).unwrap().1;
            assert_eq!(suiting.to_string(), "text", "{file}");
        }
    }
}

#[test]
fn numbers_of_every_width_are_the_numbers_that_json_has() {
    for (file, bytes) in files("numbers") {
        for view in ["i8,i16,i32", "u8,u16,u32", "u64,u8", "f16,f32", "f64,i16", "d128,d256", "*"] {
            assert_eq!(roots(view, &file, &bytes), roots(view, "d.jsonl", &lines("numbers")), "{file} as {view}");
        }
    }
}

/// The digest of a row of these values.
fn leaf(cells: &[Cell<'_>]) -> RowLeaf {
    let item = Encoder::encode(|e| {
        e.array(cells.len());
        cells.iter().for_each(|cell| cell.encode(e));
    });
    RowLeaf { digest: FileDigest::of(&item), length: item.len() as u64 }
}

#[test]
fn times_and_bytes_are_the_same_in_both_formats_and_in_every_unit() {
    let time = |kind, digits: &'static str| Cell::Time(kind, digits.into());
    let bytes = |bytes: &'static [u8]| Cell::Bytes(bytes.into());
    let instant = || time("timestamp", "1700000000.5");
    let first = [time("date", "19700"), time("time", "1.5"), time("time", "1.5"), instant(), instant()];
    let second = [bytes(b"\xff\x00"), bytes(b"wide"), bytes(b"short"), bytes(&[1, 2, 3])];
    for (file, content) in files("times") {
        let rows = |view: &str| {
            let (gathered, ..) = read_as(Some(view), &[(&file, content.clone())]).unwrap();
            parse_rows(&Manifest::parse(&gathered.rows.object).unwrap()).unwrap()
        };
        assert_eq!(rows("day,time,time64,instant,micros")[0], leaf(&first), "{file}");
        assert_eq!(rows("bytes,wide,view,fixed")[0], leaf(&second), "{file}");
        let local = [time("local-timestamp", "-0.000000001"), Cell::Null];
        assert_eq!(rows("nanos,bytes")[1], leaf(&local), "{file}");
        let pair = Cell::List(vec![Cell::Int(3), Cell::Int(4)]);
        assert_eq!(rows("pair,day")[1], leaf(&[pair, Cell::Null]), "{file}");
    }
    let (file, content) = files("only-arrow").remove(0);
    let same = |view| read_as(Some(view), &[(&file, content.clone())]).unwrap().0.rows.root.as_bytes().to_owned();
    assert_eq!(rows_of(&file, &content, "seconds,nothing"), rows_of(&file, &content, "same,nothing"));
    assert_ne!(same("seconds,nothing"), same("nothing,seconds"));
}

fn rows_of(file: &str, content: &[u8], view: &str) -> Vec<RowLeaf> {
    let (gathered, ..) = read_as(Some(view), &[(file, content.to_vec())]).unwrap();
    parse_rows(&Manifest::parse(&gathered.rows.object).unwrap()).unwrap()
}

/// Reads bytes as they stand, and says whether they were rows; a panic names what made it.
fn survives(name: &str, bytes: &[u8], what: &str) -> bool {
    let read = catch_unwind(|| read_as(None, &[(name, bytes.to_vec())]).is_ok());
    read.unwrap_or_else(|_| panic!("{name}, {what}"))
}

#[test]
fn what_is_cut_is_never_taken_for_the_whole() {
    for folder in ["few", "few-tar"] {
        for (name, bytes) in files(folder) {
            // What fills an archive up after its end mark may be cut.
            let needed = if folder == "few" { bytes.len() } else { bytes.len() - 1 };
            for len in 0..needed {
                let is_read = survives(&name, &bytes[..len], &format!("cut to {len}"));
                assert!(
                    !is_read || folder == "few-tar" && bytes[len..].iter().all(|byte| *byte == 0),
                    "{name} to {len}"
                );
            }
            assert!(!survives(&name, &[&bytes[..], b"x"].concat(), "with a byte after it"), "{name}");
        }
    }
}

#[test]
fn no_damage_ends_the_program() {
    let mut state = 11_u64;
    let mut next = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    for folder in ["few", "few-tar"] {
        for (name, bytes) in files(folder) {
            for round in 0..1500 {
                let mut bytes = bytes.clone();
                // One place, or several near each other; a bit, a byte that is an end of a range, or any.
                for _ in 0..=round % 3 {
                    let at = next(bytes.len());
                    bytes[at] = match next(4) {
                        0 => bytes[at] ^ 1 << next(8),
                        1 => [0, 1, 0x7f, 0x80, 0xff, 0xfe][next(6)],
                        2 => bytes[at].wrapping_add(1),
                        _ => u8::try_from(next(256)).unwrap(),
                    };
                }
                survives(&name, &bytes, &format!("round {round}"));
            }
        }
    }
}

#[test]
fn lengths_that_a_file_claims_are_held_against_limits_first() {
    let parquet = [&b"PAR1"[..], &u32::MAX.to_le_bytes(), b"PAR1"].concat();
    assert_eq!(refused("d.parquet", &parquet), "row 1: a footer is not read beyond 67108864 bytes");
    let beyond = [&b"PAR1"[..], &1000_u32.to_le_bytes(), b"PAR1"].concat();
    assert!(refused("d.parquet", &beyond).ends_with("its footer would have 1000 bytes, and there are fewer"));
    assert!(refused("d.parquet", b"PAR1").ends_with("it is cut, or something follows it"));
    assert!(refused("d.parquet", b"{}").ends_with("it does not begin as one"));
    let arrow = [&[0xff; 4][..], &0x7fff_ffff_u32.to_le_bytes()].concat();
    assert!(refused("d.arrow", &arrow).ends_with("the description of a message is not read beyond 67108864 bytes"));
    assert!(refused("d.arrow", b"").ends_with("it ends at byte 0"));
    assert!(refused("d.arrow", b"ARROW2\0\0").ends_with("it does not begin as one"));
    assert!(refused("d.tar", b"").ends_with("the archive ends at byte 0 without its end mark: it is cut"));
}

#[test]
fn what_is_not_read_is_told_from_what_is_broken() {
    let unsupported = |name: &str, bytes: &[u8]| {
        let error = read_as(None, &[(name, bytes.to_vec())]).map(|_| ()).unwrap_err();
        error.is_unsupported()
    };
    assert!(unsupported("d.parquet", b"PARE and so on PARE"));
    assert!(unsupported("d.feather", b"FEA1"));
    assert!(unsupported("d.parquet.gz", b"no gzip"));
    assert!(!unsupported("d.parquet", b"PAR1"));
    assert!(!unsupported("d.arrow", b"FEA2"));
}

#[test]
fn a_file_whose_footer_leaves_out_a_batch_is_refused() {
    let (name, mut bytes) = files("few").into_iter().find(|(name, _)| name == "plain.arrow").unwrap();
    // The last block of the footer is the place of its only batch: one more byte of body is another place.
    let footer = bytes.len() - 10 - usize::from(u16::from_le_bytes([bytes[bytes.len() - 10], bytes[bytes.len() - 9]]));
    let start = bytes.windows(4).position(|word| word == [0xff, 0xff, 0xff, 0xff]).unwrap() as u64;
    let batch = (footer..bytes.len() - 24)
        .find(|at| {
            let word = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
            word(*at) > start && word(*at) < footer as u64 && word(*at + 16) < footer as u64 && word(*at + 8) < 4096
        })
        .unwrap();
    bytes[batch] ^= 8;
    assert!(
        refused(&name, &bytes).ends_with("its footer names other batches than there are"),
        "{}",
        refused(&name, &bytes)
    );
}
