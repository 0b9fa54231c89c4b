//! A dataset much larger than memory is recorded in the memory that is promised, whatever its writer put into one batch.
//!
//! The files are made here, in the shapes that writers leave to whoever calls them: every row in one Arrow batch, or in one
//! page of a Parquet column. `cargo test --test all -- --ignored flow::large`.

mod arrow;
mod parquet;

use std::io::{BufWriter, Write};
use std::process::Command;

use self::parquet::Codec;
use crate::support::{BINARY, Output, Sandbox, program};

/// Rows, and bytes of each: 384 MiB in all.
const ROWS: usize = 24 << 10;
const ROW: usize = 16 << 10;

/// Memory that the program may write to, in bytes: the 64 MiB that are promised, 2 MiB for manifests, and three stacks of
/// 2 MiB each.
const MEMORY: u64 = 72 << 20;

/// Text that packs to about half, another in each row.
fn text(row: usize) -> Vec<u8> {
    let mut state = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut out = Vec::with_capacity(ROW + 64);
    while out.len() < ROW {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(format!("{} is said of {state:x}, ", out.len() % 4096).as_bytes());
    }
    out.truncate(ROW);
    out
}

/// Records under a limit of memory and gives the digests of the rows and of their set.
fn recorded(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let mut command = Command::new(program("prlimit").expect("util-linux"));
    sandbox.surround(&mut command, "lab");
    command.arg(format!("--data={MEMORY}"));
    command.args([BINARY, "record", "dataset", file, "--name", file, "--no-cache", "--jobs", "2"]);
    let output = Output::of(&mut command).success();
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    let digests: Vec<String> =
        words.windows(2).filter(|pair| pair[0] == "rows").map(|pair| pair[1].to_owned()).collect();
    assert_eq!(digests.len(), 2, "{output:?}");
    std::fs::remove_file(sandbox.path("lab").join(file)).unwrap();
    digests
}

#[test]
#[ignore = "writes and reads gigabytes"]
fn a_batch_or_page_much_larger_than_memory_is_recorded_in_the_promised_memory() {
    if program("prlimit").is_none() {
        eprintln!("no prlimit on this machine, memory is not limited and nothing is shown");
        return;
    }
    let sandbox = Sandbox::with_ledger();
    let create = |name: &str| BufWriter::new(std::fs::File::create(sandbox.path("lab").join(name)).unwrap());
    let mut lines = create("rows.jsonl");
    for row in 0..ROWS {
        lines.write_all(b"{\"text\": \"").unwrap();
        lines.write_all(&text(row)).unwrap();
        lines.write_all(b"\"}\n").unwrap();
    }
    lines.into_inner().unwrap();
    let expected = recorded(&sandbox, "rows.jsonl");
    let texts = || (0..ROWS).map(text);
    for (name, is_packed) in [("plain.arrow", false), ("packed.arrow", true)] {
        arrow::one_batch(&mut create(name), texts(), is_packed);
        assert_eq!(recorded(&sandbox, name), expected, "{name}");
    }
    for (name, codec) in
        [("plain.parquet", Codec::None), ("snappy.parquet", Codec::Snappy), ("zstd.parquet", Codec::Zstd)]
    {
        parquet::one_page(&mut create(name), texts(), codec);
        assert_eq!(recorded(&sandbox, name), expected, "{name}");
    }
}
