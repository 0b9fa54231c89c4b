//! Random numbers and path order against what CPython 3.11 made of them.

use std::process::Command;

use reproledger::digest::Sha256Digest;
use reproledger::replay::dumps::{Style, dumps_value};
use reproledger::replay::extract::extract;
use reproledger::replay::params::Params;
use reproledger::replay::random::{Random, Seed};
use reproledger::replay::{HostError, Input, Items, Sink, of, paths, text};
use serde_json::Value;

use super::{data_is_there, path};

fn vectors() -> Value {
    let text = std::fs::read(path("cpython/cpython_random_and_path_vectors.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|n| usize::try_from(n.as_u64().unwrap()).unwrap()).collect()
}

#[test]
fn shuffles_of_every_length_are_cpythons() {
    if !data_is_there() {
        return;
    }
    let vectors = vectors();
    let mut seen = 0;
    for (name, seed) in [("shuffle_seed42", 42), ("shuffle_seed0", 0)] {
        for (count, case) in vectors[name].as_object().unwrap() {
            let mut items: Vec<usize> = (0..count.parse().unwrap()).collect();
            Random::seeded(&Seed::from(seed)).shuffle(&mut items);
            let first: Vec<usize> = items.iter().copied().take(10).collect();
            assert_eq!(first, numbers(&case["first10"]), "{name} of {count}");
            let joined = items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let digest = Sha256Digest::of(joined.as_bytes()).to_string();
            assert_eq!(digest, case["sha256_of_comma_joined"].as_str().unwrap(), "{name} of {count}");
            seen += 1;
        }
    }
    assert_eq!(seen, 24);
}

#[test]
fn a_sample_is_cpythons() {
    if !data_is_there() {
        return;
    }
    let case = &vectors()["sample_seed0"]["rng.sample(range(9585),1250) sorted first20"];
    let mut drawn = Random::seeded(&Seed::from(0)).sample(9585, 1250).unwrap();
    drawn.sort_unstable();
    assert_eq!(drawn[..20], numbers(case));
}

#[test]
fn paths_sort_as_pathlib_sorts_them_and_not_as_strings_do() {
    if !data_is_there() {
        return;
    }
    let case = &vectors()["path_sort"];
    let texts = |name: &str| -> Vec<String> {
        case[name].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut sorted = texts("plain_string_sorted");
    assert!(sorted.is_sorted());
    sorted.sort_by(|left, right| paths::compare(left, right));
    assert_eq!(sorted, texts("pathlib_sorted"));
    assert_eq!(sorted.len(), 11);
}

/// Cases of one kind from a Python that is here, with what it makes of them: `(input, expected)`.
fn live(kind: &str, check: impl Fn(&Value, &Value)) {
    const CASES: usize = 100_000;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/cpython_live.py");
    let seed = std::env::var("REPROLEDGER_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new("python3").args([script, kind, &seed, &CASES.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen = 0;
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let case: Value = serde_json::from_slice(line).unwrap();
        check(&case[0], &case[1]);
        seen += 1;
    }
    assert_eq!(seen, CASES);
}

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Items in memory.
struct Memory(Vec<(Option<String>, Vec<u8>)>);

impl Items for Memory {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn path(&self, item: usize) -> Option<&str> {
        self.0[item].0.as_deref()
    }

    fn read(&self, item: usize, buffer: &mut Vec<u8>) -> Result<(), HostError> {
        buffer.clone_from(&self.0[item].1);
        Ok(())
    }
}

struct Lines(Vec<u8>);

impl Sink for Lines {
    fn row(&mut self, row: &[u8]) -> std::io::Result<()> {
        self.0.extend_from_slice(row);
        self.0.push(b'\n');
        Ok(())
    }
}

fn run(id: &str, items: &Memory, params: &Params) -> String {
    let mut lines = Lines(Vec::new());
    let _ = of(id).unwrap().run(&[Input { name: "in", items }], params, &mut lines).unwrap();
    String::from_utf8(lines.0).unwrap()
}

#[test]
#[ignore = "needs python3: cargo test --release --test all -- --ignored vectors::cpython"]
fn live_texts_are_read_stripped_and_taken_apart_as_python_does() {
    live("text", |input, expected| {
        let raw = String::from_utf8(unhex(input)).unwrap();
        let read = text::universal_newlines(&raw);
        let thoughtless = text::without_thoughts(read.as_bytes()).into_owned();
        let ours = [
            read.to_string(),
            text::strip(&read).to_owned(),
            extract(&raw).text.into_owned(),
            String::from_utf8(text::strip_wtf8(&thoughtless).to_vec()).unwrap(),
        ];
        assert_eq!(serde_json::json!(ours), *expected, "{raw:?}");
    });
}

#[test]
#[ignore = "needs python3: cargo test --release --test all -- --ignored vectors::cpython"]
fn live_values_are_written_as_python_writes_them() {
    live("json", |input, expected| {
        let source = input.as_str().unwrap();
        let styles = [Style::UTF8, Style::ASCII, Style::UTF8.compact(), Style::UTF8.indented(2)];
        let ours =
            styles.map(|style| dumps_value(source.as_bytes(), style).ok().map(|text| String::from_utf8(text).unwrap()));
        assert_eq!(serde_json::json!(ours), *expected, "{source}");
    });
}

#[test]
#[ignore = "needs python3: cargo test --release --test all -- --ignored vectors::cpython"]
fn live_numbers_are_drawn_as_python_draws_them() {
    live("random", |input, expected| {
        let (count, wanted) = (numbers(&serde_json::json!([input[1]]))[0], numbers(&serde_json::json!([input[2]]))[0]);
        let mut random = Random::seeded(&input[0].as_str().unwrap().parse().unwrap());
        let mut rows: Vec<usize> = (0..count).collect();
        random.shuffle(&mut rows);
        assert_eq!(
            (rows, random.sample(count, wanted).unwrap()),
            (numbers(&expected[0]), numbers(&expected[1])),
            "{input}"
        );
        assert_eq!(random.bits(53), expected[2].as_u64().unwrap(), "{input}");
        // `0x1.8000000000000p-1`: the exponent and 52 bits, as Python prints a float without rounding it.
        let unit = random.unit();
        let theirs = expected[3].as_str().unwrap();
        assert_eq!(hexadecimal(unit), theirs, "{input}");
    });
}

/// `float.hex` of a number that is not negative.
fn hexadecimal(number: f64) -> String {
    let bits = number.to_bits();
    let (exponent, mantissa) = (i64::try_from(bits >> 52).unwrap(), bits & ((1 << 52) - 1));
    if bits == 0 { "0x0.0p+0".to_owned() } else { format!("0x1.{mantissa:013x}p{:+}", exponent - 1023) }
}

#[test]
#[ignore = "needs python3: cargo test --release --test all -- --ignored vectors::cpython"]
fn live_paths_are_sorted_as_python_sorts_them() {
    live("paths", |input, expected| {
        let mut ours: Vec<&str> = input.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        ours.sort_by(|left, right| paths::compare(left, right));
        assert_eq!(serde_json::json!(ours), *expected);
    });
}

#[test]
#[ignore = "needs python3: cargo test --release --test all -- --ignored vectors::cpython"]
fn live_trees_and_chats_become_what_python_makes_of_them() {
    live("tree", |input, expected| {
        let documents = input[1].as_array().unwrap().iter();
        let documents = documents.map(|pair| (Some(pair[0].as_str().unwrap().to_owned()), unhex(&pair[1])));
        let params = Params::default().with("seed", input[0].as_str().unwrap());
        assert_eq!(run("msm.to_jsonl/1", &Memory(documents.collect()), &params), expected.as_str().unwrap(), "{input}");
    });
    live("chat", |input, expected| {
        let row = Memory(vec![(None, input.as_str().unwrap().as_bytes().to_vec())]);
        let ours = run("aft.strip/1", &row, &Params::default());
        assert_eq!(ours.trim_end_matches('\n'), expected.as_str().unwrap(), "{input}");
    });
}
