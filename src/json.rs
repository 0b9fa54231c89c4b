//! JSON as evaluation logs write it, read where it lies: values are slices of the input, checked once.
//!
//! Not `serde_json`, for four reasons that matter to a record: Python writes bare `NaN` and `Infinity`, which are not
//! JSON; a text may hold half of a surrogate pair, which no Rust string can; a name that stands twice in an object
//! must be seen, not resolved; and the bytes of a number are evidence. The grammar is otherwise RFC 8259. One pass
//! checks the whole input with a bounded stack, later passes walk what was checked.

mod error;
mod object;
mod scan;
mod text;
mod value;

pub use error::JsonError;
pub(crate) use object::Object;
pub(crate) use text::Text;
pub(crate) use value::{Kind, Value, members_of, wrong};

/// Deeper nesting is refused; real logs use about 30.
pub(crate) const MAX_DEPTH: usize = 128;

/// Members of an object that is held by name; a real one has about 30. A member of five bytes costs a hundred here.
const MAX_MEMBERS: usize = 100_000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_log_as_python_writes_it_is_read() {
        let value = Value::parse(br#" {"a": [1, -0.5e3, NaN, -Infinity, {}], "b": "x\u00e9\ud83d\ude00", "c": null} "#)
            .unwrap();
        let object = value.object().unwrap();
        let kinds: Vec<_> = object.require("a").unwrap().items().map(|item| (item.raw(), item.kind())).collect();
        assert_eq!(
            kinds,
            [
                ("1", Kind::Number),
                ("-0.5e3", Kind::Number),
                ("NaN", Kind::NonFinite),
                ("-Infinity", Kind::NonFinite),
                ("{}", Kind::Object)
            ]
        );
        assert_eq!(object.text("b").unwrap().unwrap(), "x\u{e9}\u{1f600}");
        assert_eq!(object.get("c"), Ok(None));
        assert_eq!(object.require("d"), Err(JsonError::Missing { name: "d".to_owned() }));
        assert!(object.count("b").is_err() && object.object("a").is_err());
    }

    #[test]
    fn half_a_surrogate_pair_is_flagged_and_kept_apart() {
        let texts = [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ufffd""#, r#""\ud83d\ude00""#];
        let decoded: Vec<_> = texts.iter().map(|text| Value::parse(text.as_bytes()).unwrap().text().unwrap()).collect();
        assert_eq!(
            decoded.iter().map(|text| text.lone_surrogate).collect::<Vec<_>>(),
            [true, true, true, false, false]
        );
        assert_eq!(decoded.iter().map(|text| text.bytes.to_vec()).collect::<BTreeSet<_>>().len(), 5);
        assert_eq!(&*decoded[0].bytes, b"\xed\xa0\x80");
    }

    #[test]
    fn a_repeated_name_is_refused_when_it_is_asked_for() {
        let object = Value::parse(br#"{"id": 1, "\u0069d": 2, "x": 1}"#).unwrap().object().unwrap();
        assert_eq!(object.get("id"), Err(JsonError::Duplicate { name: "id".to_owned() }));
        assert!(object.get("x").is_ok());
        assert!(object.distinct().is_err());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "nan",
            "Inf",
            "tru",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"abc",
            "[1 2]",
            "[1}",
            "1 1",
            "{\"a\":}",
            "'a'",
            "\u{0}",
            "--1",
            "-",
            "1e",
        ] {
            assert!(Value::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(Value::parse(b"\"\xff\""), Err(JsonError::Utf8 { at: 1 }));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Value::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(Value::parse(nested(MAX_DEPTH + 1).as_bytes()), Err(JsonError::Depth { at: MAX_DEPTH }));
        assert!(Value::parse("[".repeat(1_000_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn texts_decode_as_serde_json_decodes_them(text in "\\PC{0,40}[\"\\\\\n\t/]{0,3}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Value::parse(json.as_bytes()).unwrap().text().unwrap().lossy(), text);
        }

        #[test]
        fn what_serde_json_accepts_is_accepted(text in "[\\[\\]{}:,\"a1e.\\- ]{0,12}") {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(Value::parse(text.as_bytes()).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn members_in_one_pass_are_the_members_in_two(text in "\\{?[\\[\\]{}:,\"a1e.\\- ]{0,14}\\}?") {
            let one = members_of(text.as_bytes());
            let two = Value::parse(text.as_bytes()).ok().filter(|value| value.kind() == Kind::Object);
            prop_assert_eq!(one.ok(), two.map(|value| value.members().collect::<Vec<_>>()), "{}", text);
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(value) = Value::parse(&bytes) {
                let _ = (value.items().count(), value.object(), value.text(), value.int());
            }
        }
    }
}
