//! The codec against a model, against another decoder, and against every way to be wrong.

use std::collections::BTreeMap;

use cbor4ii::core::{Value as Generic, dec::Decode as _, enc::Encode as _, utils::SliceReader};
use proptest::prelude::*;

use super::encode::infallible;
use super::*;

// --- a value model -------------------------------------------------------------------------------------------------

/// Everything the profile can say, maps by their one legal order included.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    Null,
    Bool(bool),
    Uint(u64),
    Negative(i64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Item>),
    IntMap(BTreeMap<i64, Item>),
    TextMap(BTreeMap<String, Item>),
}

impl Item {
    fn write(&self, e: &mut Encoder) {
        match self {
            Self::Null => e.null(),
            Self::Bool(value) => e.bool(*value),
            Self::Uint(value) => e.uint(*value),
            Self::Negative(value) => e.int(*value),
            Self::Bytes(value) => e.bytes(value),
            Self::Text(value) => e.text(value),
            Self::Array(items) => {
                e.array(items.len());
                for item in items {
                    item.write(e);
                }
            }
            Self::IntMap(map) => e.map(|m| map.iter().rev().for_each(|(key, item)| m.entry(*key, |e| item.write(e)))),
            Self::TextMap(map) => {
                e.map(|m| map.iter().rev().for_each(|(key, item)| m.text_entry(key, |e| item.write(e))));
            }
        }
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(match d.peek() {
            Some(0) => Self::Uint(d.uint()?),
            Some(1) => Self::Negative(d.int()?),
            Some(2) => Self::Bytes(d.bytes()?.to_vec()),
            Some(3) => Self::Text(d.text()?.to_owned()),
            Some(4) => Self::Array(d.array(Self::read)?),
            Some(5) => Self::read_map(d)?,
            _ if d.null() => Self::Null,
            _ => Self::Bool(d.bool()?),
        })
    }

    fn read_map(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (mut ints, mut texts) = (BTreeMap::new(), BTreeMap::new());
        let start = d.clone();
        match d.int_map(|key, d| Self::read(d).map(|item| drop(ints.insert(key, item)))) {
            Err(DecodeError::Type { expected: "an integer", .. }) if ints.is_empty() => {
                *d = start;
                d.text_map(|key, d| Self::read(d).map(|item| drop(texts.insert(key.to_owned(), item))))?;
                Ok(Self::TextMap(texts))
            }
            result => result.map(|()| Self::IntMap(ints)),
        }
    }

    /// The same value as the other decoder has it.
    fn generic(&self) -> Generic {
        let canonical = |mut entries: Vec<(Vec<u8>, Generic, Generic)>| {
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Generic::Map(entries.into_iter().map(|(_, key, value)| (key, value)).collect())
        };
        match self {
            Self::Null => Generic::Null,
            Self::Bool(value) => Generic::Bool(*value),
            Self::Uint(value) => Generic::Integer(i128::from(*value)),
            Self::Negative(value) => Generic::Integer(i128::from(*value)),
            Self::Bytes(value) => Generic::Bytes(value.clone()),
            Self::Text(value) => Generic::Text(value.clone()),
            Self::Array(items) => Generic::Array(items.iter().map(Self::generic).collect()),
            Self::IntMap(map) => {
                let entry = |(key, item): (&i64, &Self)| {
                    (Encoder::encode(|e| e.int(*key)), Generic::Integer(i128::from(*key)), item.generic())
                };
                canonical(map.iter().map(entry).collect())
            }
            Self::TextMap(map) => {
                let entry = |(key, item): (&String, &Self)| {
                    (Encoder::encode(|e| e.text(key)), Generic::Text(key.clone()), item.generic())
                };
                canonical(map.iter().map(entry).collect())
            }
        }
    }
}

/// Every width of integer, not only the widest.
fn unsigned() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..32_u64,
        any::<u8>().prop_map(u64::from),
        any::<u16>().prop_map(u64::from),
        any::<u32>().prop_map(u64::from),
        any::<u64>(),
        Just(u64::MAX),
    ]
}

fn signed() -> impl Strategy<Value = i64> {
    prop_oneof![
        -32..32_i64,
        any::<i8>().prop_map(i64::from),
        any::<i16>().prop_map(i64::from),
        any::<i32>().prop_map(i64::from),
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        Just(Item::Null),
        any::<bool>().prop_map(Item::Bool),
        unsigned().prop_map(Item::Uint),
        signed().prop_filter_map("negative", |value| (value < 0).then_some(Item::Negative(value))),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Item::Bytes),
        ".{0,30}".prop_map(Item::Text),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Item::Array),
            prop::collection::btree_map(signed(), inner.clone(), 0..6).prop_map(Item::IntMap),
            prop::collection::btree_map(".{0,12}", inner, 1..6).prop_map(Item::TextMap),
        ]
    })
}

/// What is accepted is read alike by the other decoder, and written back by the other encoder to the same bytes.
fn check_one_spelling(bytes: &[u8]) -> bool {
    let mut d = Decoder::new(bytes);
    let Ok(raw) = d.raw() else { return false };
    assert_eq!(raw.len(), d.offset());
    let generic = Generic::decode(&mut SliceReader::new(raw)).unwrap_or_else(|error| panic!("{raw:02x?}: {error}"));
    assert_eq!(Encoder::encode(|e| infallible(generic.encode(e))), raw, "{generic:?}");
    if let Ok(item) = Decoder::decode(raw, Item::read) {
        assert_eq!(item.generic(), generic);
        assert_eq!(Encoder::encode(|e| item.write(e)), raw);
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_value_comes_back_from_its_one_encoding(item in item()) {
        let bytes = Encoder::encode(|e| item.write(e));
        prop_assert_eq!(Decoder::decode(&bytes, Item::read).unwrap(), item);
        prop_assert!(check_one_spelling(&bytes));
    }

    #[test]
    fn every_truncation_and_every_extension_is_refused(item in item(), extra in any::<u8>()) {
        let mut bytes = Encoder::encode(|e| item.write(e));
        for end in 0..bytes.len() {
            prop_assert!(Decoder::decode(&bytes[..end], Item::read).is_err());
            prop_assert!(Decoder::new(&bytes[..end]).raw().is_err());
        }
        bytes.push(extra);
        prop_assert_eq!(Decoder::decode(&bytes, Item::read), Err(DecodeError::TrailingBytes { count: 1 }));
    }

    #[test]
    fn random_bytes_have_one_spelling_or_none(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check_one_spelling(&bytes);
    }

    #[test]
    fn a_changed_byte_gives_another_value_or_none(item in item(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bytes = Encoder::encode(|e| item.write(e));
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = byte;
        check_one_spelling(&changed);
        if let Ok(other) = Decoder::decode(&changed, Item::read) {
            prop_assert_eq!(other == item, changed == bytes);
        }
    }

    #[test]
    fn map_entries_may_be_added_in_any_order(
        entries in prop::collection::btree_map(signed(), any::<u8>(), 0..20), order in any::<[prop::sample::Index; 8]>(),
    ) {
        let write = |order: &[(i64, u8)]| {
            Encoder::encode(|e| e.map(|m| order.iter().for_each(|(key, value)| m.entry(*key, |e| e.uint((*value).into())))))
        };
        let sorted: Vec<_> = entries.into_iter().collect();
        let mut mixed = sorted.clone();
        for n in (1..mixed.len()).rev() {
            mixed.swap(n, order[n % order.len()].index(n + 1));
        }
        prop_assert_eq!(write(&sorted), write(&mixed));
    }
}

#[test]
fn every_input_of_one_and_two_bytes_has_one_spelling_or_none() {
    let mut accepted = 0;
    for first in 0..=255_u8 {
        accepted += u32::from(check_one_spelling(&[first]));
        for second in 0..=255 {
            // Where one byte is an item already, the second is not looked at.
            accepted += u32::from(check_one_spelling(&[first, second]) && !check_one_spelling(&[first]));
        }
    }
    // One byte: 24 + 24 integers, four empty strings and lists, three simple values. Two: integers 24 to 255 of both
    // signs, 256 one-byte strings, 128 texts, an array of one of the 55.
    assert_eq!(accepted, 55 + 2 * 232 + 256 + 128 + 55);
}

// --- refusals ------------------------------------------------------------------------------------------------------

fn raw_error(bytes: &[u8]) -> DecodeError {
    Decoder::new(bytes).raw().unwrap_err()
}

/// The same refusal whether the item is skipped or read.
fn check_refused(bytes: &[u8], error: &DecodeError) {
    assert_eq!(&raw_error(bytes), error, "{bytes:02x?}");
    assert_eq!(&Decoder::decode(bytes, Item::read).unwrap_err(), error, "{bytes:02x?}");
}

#[test]
fn what_ends_too_early_is_truncated() {
    for bytes in [&[0x18][..], &[0x19, 1], &[0x42, 1], &[0x61], &[0x81], &[0xa1], &[0xa1, 1], &[0x82, 1]] {
        check_refused(bytes, &DecodeError::Truncated { at: bytes.len() });
    }
    assert_eq!(raw_error(&[]), DecodeError::Truncated { at: 0 });
}

#[test]
fn bytes_after_the_last_item_are_trailing() {
    let two = |d: &mut Decoder<'_>| d.uint();
    assert_eq!(Decoder::decode(&[1, 2, 3], two), Err(DecodeError::TrailingBytes { count: 2 }));
    assert_eq!(Decoder::decode(&[1], two), Ok(1));
}

#[test]
fn an_overlong_integer_or_length_is_refused_in_every_major_type() {
    for major in 0..6_u8 {
        for (short, len) in [(24, 1), (25, 2), (26, 4), (27, 8)] {
            // One less than the smallest argument that needs this width; the largest of the width below for length 1.
            let value = if len == 1 { 23_u64 } else { (1 << (8 * len / 2)) - 1 };
            let mut bytes = vec![major << 5 | short];
            bytes.extend(&value.to_be_bytes()[8 - len..]);
            assert_eq!(raw_error(&bytes), DecodeError::OverlongInteger { at: 0 }, "{bytes:02x?}");
        }
    }
    assert_eq!(raw_error(&[0xd8, 18, 0]), DecodeError::OverlongInteger { at: 0 });
    check_refused(&[0x82, 0, 0x18, 5], &DecodeError::OverlongInteger { at: 2 });
    // The first of each width is fine.
    for bytes in [&[0x18, 24][..], &[0x19, 1, 0], &[0x1a, 0, 1, 0, 0], &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]] {
        assert!(check_one_spelling(bytes));
    }
}

#[test]
fn indefinite_lengths_and_breaks_are_refused() {
    for first in [0x5f, 0x7f, 0x9f, 0xbf, 0xff, 0x1f, 0x3f, 0xdf] {
        assert_eq!(raw_error(&[first, 0xff]), DecodeError::IndefiniteLength { at: 0 });
    }
    check_refused(&[0x81, 0x9f], &DecodeError::IndefiniteLength { at: 1 });
}

#[test]
fn floats_are_refused_at_every_width() {
    check_refused(&[0xf9, 0x3c, 0], &DecodeError::Float { at: 0 });
    check_refused(&[0xfa, 0x3f, 0x80, 0, 0], &DecodeError::Float { at: 0 });
    check_refused(&[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], &DecodeError::Float { at: 0 });
}

#[test]
fn tags_are_refused_but_for_the_one_at_the_top() {
    assert_eq!(raw_error(&[0xc1, 0]), DecodeError::Tag { at: 0, tag: 1 });
    assert_eq!(raw_error(&[0xd9, 0xd9, 0xf7, 0]), DecodeError::Tag { at: 0, tag: 55_799 });
    // The one tag of the profile, but inside.
    assert_eq!(raw_error(&[0x81, 0xd2, 0x80]), DecodeError::Tag { at: 1, tag: 18 });
    assert_eq!(raw_error(&[0xd2, 0x80]), DecodeError::Tag { at: 0, tag: 18 });
    let mut d = Decoder::new(&[0xd2, 0x80]);
    assert_eq!(d.tag_cose_sign1(), Ok(()));
    assert_eq!(d.array_header(), Ok(0));
    let error = Decoder::new(&[0x80]).tag_cose_sign1().unwrap_err();
    assert_eq!(error, DecodeError::Type { at: 0, expected: "tag 18", found: "an array" });
}

#[test]
fn simple_values_other_than_booleans_and_null_are_refused() {
    check_refused(&[0xf7], &DecodeError::Simple { at: 0, value: 23 });
    check_refused(&[0xe0], &DecodeError::Simple { at: 0, value: 0 });
    check_refused(&[0xf8, 0xff], &DecodeError::Simple { at: 0, value: 255 });
    check_refused(&[0xf8, 20], &DecodeError::Simple { at: 0, value: 20 });
}

#[test]
fn reserved_header_bytes_are_refused() {
    for major in 0..8_u8 {
        for short in 28..31 {
            let byte = major << 5 | short;
            assert_eq!(raw_error(&[byte]), DecodeError::Reserved { at: 0, byte });
        }
    }
}

#[test]
fn map_keys_stand_in_bytewise_order_each_once() {
    check_refused(&[0xa2, 2, 0, 1, 0], &DecodeError::KeyOrder { at: 3 });
    check_refused(&[0xa2, 1, 0, 1, 0], &DecodeError::DuplicateKey { at: 3 });
    // By bytes, -1 (0x20) comes after 23 and before "a"; a shorter text comes first, whatever its letters.
    assert!(check_one_spelling(&[0xa3, 0x17, 0, 0x20, 0, 0x61, b'a', 0]));
    check_refused(&[0xa2, 0x20, 0, 0x17, 0], &DecodeError::KeyOrder { at: 3 });
    check_refused(&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], &DecodeError::KeyOrder { at: 5 });
    check_refused(&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], &DecodeError::DuplicateKey { at: 4 });
    // Inside a skipped item too.
    assert_eq!(raw_error(&[0x81, 0xa2, 2, 0, 1, 0]), DecodeError::KeyOrder { at: 4 });
}

#[test]
fn text_is_utf8() {
    for text in [&[0xff][..], &[0xc0, 0x80], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80]] {
        let bytes = [&[0x60 | u8::try_from(text.len()).unwrap()], text].concat();
        check_refused(&bytes, &DecodeError::Utf8 { at: 0 });
    }
}

fn down(d: &mut Decoder<'_>) -> Result<(), DecodeError> {
    d.tuple("a box", 1, down)
}

#[test]
fn nesting_is_bounded_before_the_stack_is() {
    let nested = |header: &[u8], depth: usize| [header.repeat(depth).as_slice(), &[0]].concat();
    for header in [&[0x81][..], &[0xa1, 0]] {
        assert!(check_one_spelling(&nested(header, usize::from(MAX_DEPTH))));
        let at = header.len() * usize::from(MAX_DEPTH);
        check_refused(&nested(header, usize::from(MAX_DEPTH) + 1), &DecodeError::Depth { at });
        check_refused(&nested(header, 1_000_000), &DecodeError::Depth { at });
    }
    // A map as a map's key, a million times.
    assert_eq!(raw_error(&[0xa1].repeat(1_000_000)), DecodeError::Depth { at: usize::from(MAX_DEPTH) });
    assert_eq!(raw_error(&[0xd2].repeat(1_000_000)), DecodeError::Tag { at: 0, tag: 18 });
    assert_eq!(
        Decoder::decode(&[0x81].repeat(1_000_000), down),
        Err(DecodeError::Depth { at: usize::from(MAX_DEPTH) })
    );
}

#[test]
fn depth_is_given_back_when_an_item_ends() {
    let bytes = [vec![0x98, 100], [0x81, 0xa1, 0, 0x80].repeat(100)].concat();
    assert!(check_one_spelling(&bytes));
    assert!(Decoder::decode(&bytes, Item::read).is_ok());
}

#[test]
fn lengths_beyond_the_input_are_refused_before_anything_is_made_of_them() {
    let wide = |len: u64| move |major: u8| [&[(major << 5) | 0x1b], len.to_be_bytes().as_slice()].concat();
    let short = |major: u8| vec![(major << 5) | 4];
    let heads: [&dyn Fn(u8) -> Vec<u8>; 5] = [&short, &wide(1 << 32), &wide(1 << 40), &wide(1 << 63), &wide(u64::MAX)];
    for head in heads {
        for major in [2, 3, 4, 5] {
            let head = head(major);
            let bytes = [head.as_slice(), &[0, 0, 0]].concat();
            check_refused(&bytes, &DecodeError::Truncated { at: bytes.len() });
            let error = Err(DecodeError::Truncated { at: bytes.len() });
            match major {
                4 => {
                    assert_eq!(Decoder::new(&bytes).array_header(), error);
                    let tuple = Decoder::new(&bytes).tuple("a pair", 2, |_| Ok::<_, DecodeError>(0));
                    assert_eq!(tuple, error.clone());
                    let array = Decoder::new(&bytes).array(|_| Err::<(), _>(DecodeError::Utf8 { at: 0 }));
                    assert_eq!(array, error.map(|_: usize| Vec::new()));
                }
                5 => {
                    let map = Decoder::new(&bytes).int_map(|_, _| Err(DecodeError::Utf8 { at: 0 }));
                    assert_eq!(map, error.map(|_: usize| ()));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_wrong_type_is_named_with_what_is_there() {
    let found = |bytes: &[u8]| match Decoder::new(bytes).bytes().unwrap_err() {
        DecodeError::Type { at: 0, expected: "a byte string", found } => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&[0]), "an unsigned integer");
    assert_eq!(found(&[0x20]), "a negative integer");
    assert_eq!(found(&[0x60]), "a text");
    assert_eq!(found(&[0x80]), "an array");
    assert_eq!(found(&[0xa0]), "a map");
    assert_eq!(found(&[0xd2]), "a tag");
    assert_eq!(found(&[0xf5]), "a boolean");
    assert_eq!(found(&[0xf6]), "null");
    let error = Decoder::new(&[0xf6]).bool().unwrap_err();
    assert_eq!(error, DecodeError::Type { at: 0, expected: "a boolean", found: "null" });
    assert!(matches!(Decoder::new(&[0x20]).uint(), Err(DecodeError::Type { .. })));
    assert!(matches!(Decoder::new(&[0x40]).int(), Err(DecodeError::Type { expected: "an integer", .. })));
}

#[test]
fn integers_outside_their_range_are_refused() {
    let large = [&[0x1b], (1_u64 << 63).to_be_bytes().as_slice()].concat();
    let low = [&[0x3b], (1_u64 << 63).to_be_bytes().as_slice()].concat();
    let range = Err(DecodeError::Range { at: 0, what: "a signed 64-bit integer" });
    assert_eq!(Decoder::new(&large).int(), range);
    assert_eq!(Decoder::new(&low).int(), range);
    assert_eq!(Decoder::new(&large).uint(), Ok(1 << 63));
    let wide = [&[0x1b], (1_u64 << 32).to_be_bytes().as_slice()].concat();
    assert_eq!(Decoder::new(&wide).uint32("a count"), Err(DecodeError::Range { at: 0, what: "a count" }));
    assert_eq!(Decoder::new(&[0x1a, 0xff, 0xff, 0xff, 0xff]).uint32("a count"), Ok(u32::MAX));
}

#[test]
fn byte_strings_and_tuples_of_another_length_are_refused() {
    let error = Decoder::new(&[0x42, 1, 2]).byte_array::<32>("a digest").unwrap_err();
    assert_eq!(error, DecodeError::Length { what: "a digest", expected: "32 bytes", found: 2 });
    assert_eq!(error.to_string(), "a digest has 2 where 32 bytes belong");
    let error = Decoder::new(&[0x82, 1, 2]).tuple("a triple", 3, Decoder::uint).unwrap_err();
    assert_eq!(error, DecodeError::Length { what: "a triple", expected: "another number of items", found: 2 });
}

#[test]
fn only_unknown_keys_and_values_are_unsupported_and_not_malformed() {
    let unknown = DecodeError::UnknownKey { what: "a thing", key: 9 };
    assert!(unknown.is_unsupported());
    assert_eq!(unknown.to_string(), "unknown key 9 in a thing");
    assert!(Kind::from_id(7).unwrap_err().is_unsupported());
    assert_eq!(Kind::from_id(7).unwrap_err().to_string(), "unknown value 7 for a kind");
    let missing = required(None::<u8>, "a thing", 2).unwrap_err();
    assert_eq!(missing.to_string(), "a thing lacks key 2");
    assert!(!missing.is_unsupported());
    assert!(!DecodeError::Unsorted { what: "a list" }.is_unsupported());
}

#[test]
#[should_panic(expected = "a map key is written twice")]
fn a_key_written_twice_is_a_bug_of_the_caller() {
    Encoder::encode(|e| {
        e.map(|m| {
            m.entry(1, Encoder::null);
            m.entry(1, Encoder::null);
        });
    });
}

// --- closed sets of values ------------------------------------------------------------------------------------------

mod set {
    #![allow(unreachable_pub, reason = "the macro is for public sets")]

    super::wire_enum! {
        /// A set for these tests.
        pub enum Kind, "a kind" {
            /// One.
            First = 1 "first",
            /// Another.
            Second = -2 "second",
        }
    }
}
use set::Kind;

#[test]
fn a_closed_set_knows_its_numbers_and_names_and_no_others() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_id(kind.id()), Ok(*kind));
        assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        assert_eq!(serde_json::from_value::<Kind>(serde_json::to_value(kind).unwrap()).unwrap(), *kind);
    }
    assert_eq!(Kind::First.to_string(), "first");
    for name in ["First", "first ", "", "1"] {
        assert_eq!(Kind::from_name(name), None);
    }
    let error = serde_json::from_str::<Kind>("\"th\\u001bird\"").unwrap_err();
    assert_eq!(error.to_string(), "a kind is one of first, second, not `th\\u{1b}ird`");
    assert!(serde_json::from_str::<Kind>("1").is_err());
}
