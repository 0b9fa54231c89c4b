//! Random numbers and path order against what CPython 3.11 made of them.

use reproledger::digest::Sha256Digest;
use reproledger::replay::paths;
use reproledger::replay::random::{Random, Seed};
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
