//! The same texts are the same set in every format, packing, order and division into shards, and one bit makes another set.
//!
//! Parquet and Arrow files are written by the writers of the whole-binary tests; several columns, other types and other
//! writers are in `columnar.rs`.

#[path = "../../../tests/flow/large/arrow.rs"]
mod arrow;
#[path = "../../../tests/flow/large/parquet.rs"]
mod parquet;

use super::*;
use crate::rows::tar::tests::files;

/// Endings of every format, plain and packed.
const ENDINGS: [&str; 17] = [
    "jsonl",
    "jsonl.gz",
    "jsonl.zst",
    "json",
    "json.gz",
    "json.zst",
    "csv",
    "csv.gz",
    "csv.zst",
    "txt",
    "txt.gz",
    "tar",
    "tar.gz",
    "tar.zst",
    "parquet",
    "arrow",
    "arrow.gz",
];

fn file(ending: &str, texts: &[String]) -> Vec<u8> {
    let json = |text: &String| format!("{{\"n\": 1, \"text\": {}}}", serde_json::to_string(text).unwrap());
    let bytes = || texts.iter().map(|text| text.as_bytes().to_vec());
    let format = ending.split('.').next().unwrap();
    let plain = match format {
        "jsonl" => texts.iter().map(|text| json(text) + "\n").collect::<String>().into_bytes(),
        "json" => format!("[{}]", texts.iter().map(json).collect::<Vec<_>>().join(", ")).into_bytes(),
        "csv" => {
            let lines = texts.iter().map(|text| format!("\"{}\",x\r\n", text.replace('"', "\"\"")));
            ("text,kind\r\n".to_owned() + &lines.collect::<String>()).into_bytes()
        }
        "txt" => texts.join("\n").into_bytes(),
        "tar" => {
            let named: Vec<(String, &str)> =
                texts.iter().enumerate().map(|(at, text)| (format!("{at}.txt"), text.as_str())).collect();
            files(&named.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>())
        }
        "parquet" => {
            let codecs = [parquet::Codec::None, parquet::Codec::Snappy, parquet::Codec::Zstd];
            let mut out = Vec::new();
            parquet::one_page(&mut out, bytes(), codecs[texts.len() % 3]);
            out
        }
        "arrow" => {
            let mut out = Vec::new();
            arrow::one_batch(&mut out, bytes(), texts.len().is_multiple_of(2));
            out
        }
        other => panic!("{other}"),
    };
    match ending.rsplit('.').next().unwrap() {
        "gz" => gzip(&plain),
        "zst" => zstd::encode_all(&plain[..], 1).unwrap(),
        _ => plain,
    }
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-zé][a-zé ,\"\\\\']{0,20}[a-z]", 2..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_format_packing_order_or_sharding_changes_the_set(
        (original, shuffled) in texts().prop_flat_map(|texts| (Just(texts.clone()), Just(texts).prop_shuffle())),
        cut in any::<prop::sample::Index>(),
    ) {
        let expected = roots("text", "a.jsonl", &file("jsonl", &original));
        let (left, right) = shuffled.split_at(1 + cut.index(shuffled.len() - 1));
        for ending in ENDINGS {
            let name = |name: &str| format!("{name}.{ending}");
            prop_assert_eq!(roots("text", &name("a"), &file(ending, &original)), expected, "{}", ending);
            let (first, second) = (name("a"), name("b"));
            let shards = [(first.as_str(), file(ending, left)), (second.as_str(), file(ending, right))];
            let (gathered, ..) = read_as(Some("text"), &shards).unwrap();
            prop_assert_eq!(gathered.rowset.root, expected.1, "{}", ending);
            prop_assert_eq!(gathered.rows.root == expected.0, shuffled == original, "{}", ending);
        }
    }

    #[test]
    fn one_bit_of_content_makes_another_set_in_every_format(
        texts in texts(),
        row in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0..5_u32,
    ) {
        let mut changed = texts.clone();
        let row = row.index(texts.len());
        let letters: Vec<usize> = texts[row].char_indices().filter(|(_, c)| c.is_ascii_lowercase()).map(|(at, _)| at).collect();
        let at = letters[at.index(letters.len())];
        let other = char::from(texts[row].as_bytes()[at] ^ (1 << bit));
        changed[row].replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
        for ending in ENDINGS {
            let name = format!("a.{ending}");
            let (before, after) = (roots("text", &name, &file(ending, &texts)), roots("text", &name, &file(ending, &changed)));
            prop_assert!(before.0 != after.0 && before.1 != after.1, "{ending}: {texts:?} {changed:?}");
        }
    }
}
