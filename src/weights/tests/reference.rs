//! GGUF files of the reference writer (`tests/oracles/gguf_files.py`) hold the tensors that it put into them.

use std::collections::BTreeMap;

use super::*;
use crate::digest::Sha256Digest;
use crate::json::Value;
use crate::weights::gguf::TYPES;

const LITTLE: &[u8] = include_bytes!("../../../tests/oracles/little.gguf");
const BIG: &[u8] = include_bytes!("../../../tests/oracles/big.gguf");
const SAID: &str = include_str!("../../../tests/oracles/gguf.json");

/// What the writer says under a name: lists of lists.
fn said(name: &str) -> Vec<Vec<Value<'static>>> {
    let said = Value::parse(SAID.as_bytes()).unwrap().object().unwrap().require(name).unwrap();
    said.items().map(|item| item.items().collect()).collect()
}

fn number(value: &Value<'_>) -> u64 {
    value.int().unwrap().try_into().unwrap()
}

fn text(value: &Value<'_>) -> String {
    value.text().unwrap().lossy()
}

#[test]
fn every_type_has_the_number_and_the_blocks_that_the_reference_writer_gives_it() {
    let expected: BTreeMap<u64, (String, u64, u64)> = said("types")
        .iter()
        .map(|line| (number(&line[0]), (text(&line[1]), number(&line[2]), number(&line[3]))))
        .collect();
    let found: BTreeMap<u64, (String, u64, u64)> = TYPES
        .iter()
        .map(|(number, dtype)| {
            let layout = dtype.layout();
            (u64::from(*number), (dtype.name().to_owned(), layout.elements, layout.bytes))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn files_of_the_reference_writer_hold_the_tensors_that_it_says() {
    let little = LITTLE.to_vec();
    let expected: BTreeMap<String, (String, Vec<u64>, String)> = said("tensors")
        .iter()
        .map(|line| {
            (text(&line[0]), (text(&line[1]), line[2].items().map(|dim| number(&dim)).collect(), text(&line[3])))
        })
        .collect();
    let found = |bytes: &Vec<u8>| -> BTreeMap<String, (String, Vec<u64>, String)> {
        let tensors = of_file("x.gguf", bytes);
        let sha256 = |bytes: &[u8]| Sha256Digest::of(bytes).to_string().rsplit(':').next().unwrap().to_owned();
        tensors.into_iter().map(|t| (t.name, (t.dtype.name().to_owned(), t.shape, sha256(&t.bytes)))).collect()
    };
    assert_eq!(expected.len(), TYPES.len());
    assert_eq!(found(&little), expected);
    // The second version lies in the same way.
    let mut second = little.clone();
    assert_eq!(std::mem::replace(&mut second[4], 2), 3);
    assert_eq!(found(&second), expected);
    let facts = model(read_file("x.gguf", &little)).facts;
    let named = |name: &str| facts.get(name).map(String::as_str);
    assert_eq!((named("general.architecture"), named("general.name")), (Some("llama"), Some("reference")));
}

#[test]
fn numbers_the_other_way_round_and_a_cut_file_are_not_read() {
    match read_file("x.gguf", &BIG.to_vec()) {
        Ok(Found::Beyond(reasons)) => assert!(reasons[0].1.to_string().contains("little-endian"), "{reasons:?}"),
        other => panic!("{other:?}"),
    }
    // Padding may be missing behind the last tensor, which has 72 bytes.
    let end = LITTLE.len() - 128 + 72;
    assert!(matches!(read_file("x.gguf", &LITTLE[..end].to_vec()), Ok(Found::Model(_))));
    for len in (0..end).step_by(7).chain([end - 1]) {
        assert!(!matches!(read_file("x.gguf", &LITTLE[..len].to_vec()), Ok(Found::Model(_))), "{len}");
    }
}
