//! Bodies and claims in plain form.

use serde_json::json;

use super::*;
use crate::codec::DecodeError;
use crate::digest::Salt;
use crate::statement::plain::{self, PlainError};
use crate::statement::tests::rules::{claim, protocol};

pub(super) fn stated<T: Clone + std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Stated<T>> {
    prop::option::of(value).prop_map(|value| value.map_or(Stated::None, Stated::Is))
}

/// A stated text is never the word that stands for nothing.
pub(super) fn word() -> impl Strategy<Value = String> {
    text().prop_filter("the word none", |text| text != "none")
}

fn git_place() -> impl Strategy<Value = GitPlace> {
    let work_tree = prop::sample::select(WorkTree::ALL);
    (text(), prop::option::of(text()), prop::option::of(text()), work_tree)
        .prop_map(|(commit, object, path, work_tree)| GitPlace { commit, object, path, work_tree })
}

fn run_body() -> impl Strategy<Value = RunBody> {
    let argv = prop::collection::vec(".{0,10}", 0..4);
    let ended = prop::option::of(any::<u64>());
    let seen = (prop::option::of(git_place()), prop::option::of(rerun().prop_map(Box::new)));
    (argv, text(), digest(), any::<u64>(), ended, seen).prop_map(
        |(argv, directory, environment, started_ms, ended_ms, (git, rerun))| RunBody {
            argv,
            directory,
            environment,
            started_ms,
            ended_ms,
            git,
            rerun,
        },
    )
}

fn rerun() -> impl Strategy<Value = Rerun> {
    let part = || (text(), digest(), any::<u64>()).prop_map(|(path, digest, length)| Part { path, digest, length });
    let parts = || prop::collection::vec(part(), 0..3);
    let texts = || prop::collection::vec(".{0,8}", 0..3);
    let machine = (text(), text(), prop::option::of(text()), texts(), any::<u64>())
        .prop_map(|(arch, os, kernel, features, threads)| Machine { arch, os, kernel, features, threads });
    let map = || prop::collection::btree_map(".{0,8}", ".{0,8}", 0..3);
    let said = (map(), map(), texts(), prop::option::of(text()), prop::option::of(text()));
    (prop::option::of(part()), parts(), parts(), machine, said).prop_map(
        |(program, interpreters, locks, machine, (variables, equality, folders, frontier, container))| Rerun {
            program,
            interpreters,
            locks,
            container,
            machine,
            variables,
            equality,
            folders,
            frontier,
        },
    )
}

fn reading() -> impl Strategy<Value = Reading> {
    let counts = || prop::collection::btree_map(".{0,8}", any::<u64>(), 0..3);
    let facts = prop::collection::btree_map(".{0,8}", ".{0,8}", 0..3);
    let remark = (text(), any::<u64>(), text()).prop_map(|(code, count, text)| Remark { code, count, text });
    (text(), counts(), counts(), facts, prop::collection::vec(remark, 0..3))
        .prop_map(|(reader, counts, sources, facts, remarks)| Reading { reader, counts, sources, facts, remarks })
}

fn later_word() -> impl Strategy<Value = (Option<String>, Vec<Location>)> {
    let location = "[a-z][a-z0-9+.-]{1,8}:[!-~]{1,12}".prop_map(|text| Location::parse(&text).unwrap());
    (prop::option::of(text()), prop::collection::vec(location, 0..3))
}

fn body() -> BoxedStrategy<Body> {
    let names = (prop::option::of(text()), prop::collection::vec(".{0,12}", 0..3));
    let notes = prop::collection::btree_map(".{0,8}", ".{0,8}", 0..4);
    let places = (prop::option::of(git_place()), prop::option::of(reading()), prop::option::of(run_body()));
    let stated = (prop::option::of(claim().prop_map(Box::new)), prop::option::of(protocol().prop_map(Box::new)));
    (names, notes, places, stated, later_word())
        .prop_map(|((name, paths), notes, (git, reading, run), (claim, protocol), (reason, locations))| Body {
            name,
            paths,
            notes,
            git,
            reading,
            run,
            claim,
            protocol,
            reason,
            locations,
            // Its words have a property of their own, beside the testimonies that carry them.
            rebuild: None,
            likelihood: None,
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_claim_comes_back_from_its_one_encoding(claim in claim()) {
        let bytes = plain::to_bytes(&claim).unwrap();
        let decoded: Claim = plain::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&decoded, &claim);
        // The same shape as JSON.
        let json = serde_json::to_string(&claim).unwrap();
        prop_assert_eq!(serde_json::from_str::<Claim>(&json).unwrap(), claim);
    }

    #[test]
    fn every_body_opens_under_its_commitment_and_under_no_other(body in body(), salt in any::<[u8; 32]>()) {
        let (commitment, object) = body.seal(&Salt(salt)).unwrap();
        prop_assert_eq!(&object[..32], &salt);
        prop_assert_eq!(Body::open(&object, &commitment).unwrap(), body);
        let mut changed = object.clone();
        let at = usize::from(salt[0]) % changed.len();
        changed[at] ^= 1;
        let is_other = matches!(Body::open(&changed, &commitment), Err(BodyError::Commitment { .. }));
        prop_assert!(is_other);
    }
}

fn sample() -> Body {
    Body { name: Some("corpus".to_owned()), paths: vec!["a/b".to_owned()], ..Body::default() }
}

/// A body object of any bytes, with the commitment that fits it.
fn opened(bytes: &[u8]) -> Result<Body, BodyError> {
    let salt = Salt([1; 32]);
    Body::open(&[&salt.0, bytes].concat(), &Commitment::to(&salt, bytes))
}

fn plain_of(value: &serde_json::Value) -> Vec<u8> {
    plain::to_bytes(value).unwrap()
}

#[test]
fn a_body_with_a_field_that_is_not_known_is_refused() {
    assert!(opened(&plain_of(&json!({"name": "corpus"}))).is_ok());
    for body in [
        json!({"name": "corpus", "color": "red"}),
        json!({"Name": "corpus"}),
        json!({"git": {"commit": "0", "work_tree": "clean", "x": 1}}),
    ] {
        let error = opened(&plain_of(&body)).unwrap_err();
        assert!(
            matches!(&error, BodyError::Plain(PlainError::Shape(text)) if text.starts_with("unknown field")),
            "{error}"
        );
    }
    assert!(opened(&plain_of(&json!({"git": {"commit": "0", "work_tree": "tidy"}}))).is_err());
}

#[test]
fn a_body_spelled_in_another_way_than_it_is_written_is_refused() {
    for body in [
        json!([]),
        json!(["corpus"]),
        json!({"paths": []}),
        json!({"notes": {}}),
        json!({"git": ["0123", "0123", "a", "clean"]}),
    ] {
        let error = opened(&plain_of(&body)).unwrap_err();
        assert!(matches!(error, BodyError::Plain(PlainError::Spelling | PlainError::Shape(_))), "{body}: {error}");
    }
}

#[test]
fn nulls_and_floats_are_neither_written_nor_read() {
    assert_eq!(plain::to_bytes(&json!({"a": null})), Err(PlainError::Unsignable("null")));
    assert_eq!(plain::to_bytes(&json!([[0.5]])), Err(PlainError::Unsignable("a float")));
    assert_eq!(plain::to_bytes(&f64::NAN), Err(PlainError::Unsignable("null")));
    assert_eq!(plain::to_bytes(&1.0), Err(PlainError::Unsignable("a float")));
    let read = |bytes: &[u8]| plain::from_bytes::<serde_json::Value>(bytes);
    assert!(matches!(read(&[0xf6]), Err(PlainError::Decode(DecodeError::Type { found: "null", .. }))));
    assert!(matches!(read(&[0xa1, 0x61, b'a', 0xf6]), Err(PlainError::Decode(_))));
    assert!(matches!(read(&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]), Err(PlainError::Decode(DecodeError::Float { .. }))));
    assert!(matches!(read(&[0x41, 0]), Err(PlainError::Decode(DecodeError::Type { .. }))));
    assert!(matches!(read(&[0xa1, 1, 1]), Err(PlainError::Decode(DecodeError::Type { .. }))));
    assert!(matches!(
        read(&[0xa2, 0x61, b'a', 1, 0x61, b'a', 2]),
        Err(PlainError::Decode(DecodeError::DuplicateKey { .. }))
    ));
}

#[test]
fn integers_keep_their_whole_range() {
    for value in [json!(u64::MAX), json!(i64::MIN), json!(0), json!(-1)] {
        assert_eq!(plain::from_bytes::<serde_json::Value>(&plain_of(&value)).unwrap(), value);
    }
}

#[test]
fn a_body_object_has_a_salt_some_bytes_and_a_limit() {
    let (commitment, object) = sample().seal(&Salt([1; 32])).unwrap();
    for len in [0, 31, 32] {
        assert_eq!(Body::open(&object[..len], &commitment), Err(BodyError::Length { found: len }));
    }
    let long = vec![0; 33 + MAX_BODY_BYTES];
    assert_eq!(Body::open(&long, &commitment), Err(BodyError::Length { found: long.len() }));
    assert!(matches!(Body::open(&long[..long.len() - 1], &commitment), Err(BodyError::Commitment { .. })));
    // What could not be opened again is not sealed.
    let huge = Body { reason: Some("x".repeat(MAX_BODY_BYTES)), ..Body::default() };
    assert!(matches!(huge.seal(&Salt([1; 32])), Err(PlainError::TooLong { .. })));
}

fn a_claim() -> serde_json::Value {
    let digest = format!("blake3:{}", "1".repeat(64));
    json!({
        "claim_id": "c", "text": "63%", "cell_family": "f",
        "subject": {"arm": "a", "kind": "none", "base": "none", "checkpoints": []}, "comparator": "none",
        "metric": {"scorer": "match", "key": "none", "direction": "higher", "parser": "none"},
        "eval": {"suite": "none", "conditions": 1, "condition_ids": "none", "samples": 100, "repeats": 1,
            "temperature": "none", "prod": "none", "assistant_name": "none", "max_tokens": "none"},
        "judge": "none", "seeds": {"planned": 1, "used": 1},
        "aggregation": ["mean(epochs)", "mean(samples)"], "denominator": "n_scored",
        "error": {"unit": "sample", "stat": "stderr", "ddof": 1},
        "value": {"subject": {"rate": {"printed": "0.63", "decimals": 2}, "n": 100, "error": "none"}, "comparator": "none"},
        "contrast": "none", "assertion": "none",
        "plan": "none", "attempts_disclosed": {"train": 0, "eval": 1}, "inputs": [digest], "withheld": []
    })
}

/// Every object and list inside a value, by its JSON pointer.
fn pointers(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
    if let Some(map) = value.as_object() {
        for (key, inner) in map {
            out.push(format!("{at}/{key}"));
            pointers(inner, &format!("{at}/{key}"), out);
        }
    }
}

#[test]
fn a_claim_has_no_defaults_and_no_other_fields() {
    let whole = a_claim();
    assert!(plain::from_bytes::<Claim>(&plain_of(&whole)).is_ok());
    let mut all = Vec::new();
    pointers(&whole, "", &mut all);
    assert!(all.len() > 40);
    for pointer in all {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut without = whole.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert!(plain::from_bytes::<Claim>(&plain_of(&without)).is_err(), "without {pointer}");
        let mut more = whole.clone();
        more.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert("more".to_owned(), json!(1));
        assert!(plain::from_bytes::<Claim>(&plain_of(&more)).is_err(), "more beside {pointer}");
        let mut other = whole.clone();
        *other.pointer_mut(&pointer).unwrap() = json!({"none": {}});
        assert!(plain::from_bytes::<Claim>(&plain_of(&other)).is_err(), "a map at {pointer}");
    }
}

#[test]
fn a_claim_in_another_spelling_is_refused() {
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut claim = a_claim();
        *claim.pointer_mut(pointer).unwrap() = value;
        plain::from_bytes::<Claim>(&plain_of(&claim))
    };
    assert!(changed("/seeds", json!({"planned": 2, "used": 1})).is_ok());
    assert!(changed("/seeds", json!([2, 1])).is_err());
    assert!(changed("/metric/direction", json!("Higher")).is_err());
    assert!(changed("/error", json!("None")).is_err());
    assert!(changed("/inputs/0", json!("1".repeat(64))).is_err());
    assert!(changed("/eval/samples", json!(-1)).is_err());
    assert!(changed("/eval/samples", json!("100")).is_err());
}
