//! `tokenizer.json/1`: tokens by the library that labs count them with, of tokenizers whose every rule is known here.
//!
//! A `tokenizer.json` is a program: patterns that can run for ever, tables that can be anything. So it is read twice. First
//! here, and refused unless each part is of a kind on the lists below and each pattern one of the few that released
//! models have; then by the library, without its template, its truncation and its padding, which add and take away. Two
//! things of it are not taken on trust: patterns are run by another engine than the one Python's wheels carry (they agree
//! on these patterns, up to letters that a newer Unicode has), and tokens around a text are counted from the file.
//!
//! Reference: <https://github.com/huggingface/tokenizers>, version 0.23.

use std::fmt;

use super::{TokensError, cut};
use crate::json::{JsonError, Kind, Object, Value};

/// Parts in a sequence of parts, and texts in one of them.
const MAX_PARTS: usize = 32;

/// Patterns by which texts are split before they become tokens, as released models have them.
const PATTERNS: &[&str] = &[
    // GPT-2 and what follows it.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    // Llama 3, cl100k.
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    // Qwen 2, 2.5 and 3.
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    // o200k, gpt-oss.
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    // Digits by threes, as DeepSeek splits them first.
    r"\p{N}{1,3}",
];

/// Longest word that a model of pieces looks into: it looks at each end of each beginning.
const MAX_WORD: i64 = 1000;

/// A tokenizer that is run.
pub struct HuggingFace {
    tokenizer: tokenizers::Tokenizer,
    around: Option<u64>,
}

impl fmt::Debug for HuggingFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuggingFace").field("around", &self.around).finish_non_exhaustive()
    }
}

impl HuggingFace {
    /// Reads a `tokenizer.json`.
    pub(super) fn of(file: &[u8]) -> Result<Self, TokensError> {
        let whole = Value::parse(file)?.object()?;
        check(&whole)?;
        let refused = |error: tokenizers::Error| TokensError::Refused { why: cut(&error.to_string()) };
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(runnable(&whole)?).map_err(refused)?;
        tokenizer.with_truncation(None).map_err(refused)?;
        tokenizer.with_padding(None);
        Ok(Self { tokenizer, around: around(&whole) })
    }

    /// Tokens that its template puts around one text; none where that is not said in a way known here.
    pub(super) fn around(&self) -> Option<u64> {
        self.around
    }

    /// Tokens of a text.
    pub(super) fn count(&self, text: &str) -> Result<u64, TokensError> {
        let found = self.tokenizer.encode_fast(text, false);
        found.map(|found| found.len() as u64).map_err(|error| TokensError::Text { why: cut(&error.to_string()) })
    }
}

type Checked = Result<(), TokensError>;

fn unknown(why: String) -> TokensError {
    TokensError::Unknown { why }
}

impl From<JsonError> for TokensError {
    fn from(error: JsonError) -> Self {
        Self::Refused { why: error.to_string() }
    }
}

/// The parts that are run, as they stand: what decodes, truncates, pads and frames stays out.
fn runnable(whole: &Object<'_>) -> Result<Vec<u8>, TokensError> {
    let mut parts = vec!["\"version\":\"1.0\"".to_owned()];
    for name in ["added_tokens", "normalizer", "pre_tokenizer", "model"] {
        if let Some(value) = whole.get(name)? {
            parts.push(format!("\"{name}\":{}", value.raw()));
        }
    }
    Ok(format!("{{{}}}", parts.join(",")).into_bytes())
}

/// Refuses what is not known here.
fn check(whole: &Object<'_>) -> Checked {
    if whole.text("version")?.as_deref() != Some("1.0") {
        return Err(unknown("its version is not 1.0".to_owned()));
    }
    each(whole, "normalizer", &normalizer)?;
    each(whole, "pre_tokenizer", &splitter)?;
    model(&whole.object("model")?)
}

/// Checks a part, or each of a sequence of parts.
fn each(whole: &Object<'_>, name: &str, of: &dyn Fn(&Object<'_>, &str) -> Checked) -> Checked {
    let part = match whole.get(name)? {
        Some(part) if !part.is_null() => part.object()?,
        _ => return Ok(()),
    };
    if kind(&part)? != "Sequence" {
        return of(&part, &kind(&part)?);
    }
    let list = if name == "normalizer" { "normalizers" } else { "pretokenizers" };
    let parts: Vec<Value<'_>> = part.require(list)?.items().take(MAX_PARTS + 1).collect();
    if parts.len() > MAX_PARTS {
        return Err(unknown(format!("its {name} has more than {MAX_PARTS} parts")));
    }
    for part in parts {
        let part = part.object()?;
        // A sequence in a sequence is none of those that are known.
        of(&part, &kind(&part)?)?;
    }
    Ok(())
}

fn kind(part: &Object<'_>) -> Result<String, TokensError> {
    part.text("type")?.ok_or_else(|| unknown("a part of it names no type".to_owned()))
}

fn normalizer(part: &Object<'_>, kind: &str) -> Checked {
    match kind {
        "NFC" | "NFD" | "NFKC" | "NFKD" | "Lowercase" | "StripAccents" | "BertNormalizer" | "Prepend" => Ok(()),
        "Replace" => literal(part),
        other => Err(unknown(format!("its normalizer is `{}`", cut(other)))),
    }
}

fn splitter(part: &Object<'_>, kind: &str) -> Checked {
    match kind {
        "ByteLevel" | "Whitespace" | "WhitespaceSplit" | "Digits" | "BertPreTokenizer" | "Punctuation"
        | "Metaspace" => Ok(()),
        "Split" => {
            let pattern = part.object("pattern")?;
            match pattern.text("Regex")? {
                Some(regex) if PATTERNS.contains(&regex.as_str()) => Ok(()),
                Some(regex) => Err(unknown(format!("it splits texts by the pattern `{}`", cut(&regex)))),
                None => literal(part),
            }
        }
        other => Err(unknown(format!("its pre-tokenizer is `{}`", cut(other)))),
    }
}

/// A part whose pattern is a text and not an expression.
fn literal(part: &Object<'_>) -> Checked {
    let text = part.object("pattern").and_then(|pattern| pattern.text("String"))?;
    match text {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(unknown("a pattern of it is no text".to_owned())),
    }
}

fn model(model: &Object<'_>) -> Checked {
    let is_absent = |name: &str| -> Result<bool, TokensError> {
        let value = model.get(name)?;
        Ok(value.is_none_or(|value| value.is_null() || value.text().is_some_and(|text| text.bytes.is_empty())))
    };
    match model.text("type")?.as_deref() {
        Some("BPE") => {
            let dropout = model.get("dropout")?;
            if !dropout.is_none_or(|dropout| dropout.is_null() || dropout.raw() == "0.0" || dropout.raw() == "0") {
                return Err(unknown("it drops merges at random".to_owned()));
            }
            if !is_absent("continuing_subword_prefix")? || !is_absent("end_of_word_suffix")? {
                return Err(unknown("its pieces have a prefix or a suffix".to_owned()));
            }
            Ok(())
        }
        Some("WordLevel") => Ok(()),
        Some("WordPiece") => {
            let longest = model.get("max_input_chars_per_word")?.and_then(|value| value.int());
            match longest {
                Some(0..=MAX_WORD) => Ok(()),
                _ => Err(unknown(format!("it looks into words of more than {MAX_WORD} characters"))),
            }
        }
        Some(other) => Err(unknown(format!("its model is `{}`", cut(other)))),
        None => Err(unknown("its model names no type".to_owned())),
    }
}

/// Tokens around one text, as the file says it.
fn around(whole: &Object<'_>) -> Option<u64> {
    let part = whole.get("post_processor").ok()?;
    let Some(part) = part.filter(|part| !part.is_null()) else { return Some(0) };
    let part = part.object().ok()?;
    if kind(&part).ok()? != "Sequence" {
        return of_processor(&part);
    }
    let parts = part.get("processors").ok()??;
    if parts.kind() != Kind::Array {
        return None;
    }
    parts.items().take(MAX_PARTS).try_fold(0_u64, |sum, part| Some(sum + of_processor(&part.object().ok()?)?))
}

fn of_processor(part: &Object<'_>) -> Option<u64> {
    match kind(part).ok()?.as_str() {
        "ByteLevel" => Some(0),
        "BertProcessing" | "RobertaProcessing" => Some(2),
        "TemplateProcessing" => {
            let special = part.object("special_tokens").ok()?;
            let pieces = part.get("single").ok()??;
            pieces.items().take(MAX_PARTS).try_fold(0_u64, |sum, piece| {
                let piece = piece.object().ok()?;
                if piece.has("Sequence") {
                    return Some(sum);
                }
                let name = piece.object("SpecialToken").ok()?.text("id").ok()??;
                let ids = special.object(&name).ok()?.get("ids").ok()??;
                Some(sum + ids.items().take(MAX_PARTS).count() as u64)
            })
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::panic::catch_unwind;

    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    /// A tokenizer of bytes in the manner of Qwen: every byte a token, with some merges, and two added tokens.
    pub(in crate::tokens) fn bytes_with_merges() -> Json {
        let mut vocabulary: Vec<String> = byte_letters();
        let merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "1 2"];
        vocabulary.extend(merges.iter().map(|merge| merge.replace(' ', "")));
        let vocabulary: serde_json::Map<String, Json> =
            vocabulary.into_iter().enumerate().map(|(number, token)| (token, json!(number))).collect();
        json!({
            "version": "1.0", "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0}, "padding": null,
            "added_tokens": [{"id": 900, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true}],
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERNS[2]}, "behavior": "Isolated", "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
            "post_processor": {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [], "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [900], "tokens": ["<|end|>"]}}},
            "decoder": {"type": "Nonsense"},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
                "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": vocabulary, "merges": merges}
        })
    }

    /// The letters that stand for the 256 bytes (GPT-2's table).
    fn byte_letters() -> Vec<String> {
        let plain: Vec<u32> = (33..=126).chain(161..=172).chain(174..=255).collect();
        let others = (0..256).filter(|byte| !plain.contains(byte));
        let others = others.zip(256_u32..).map(|(_, letter)| letter);
        plain.iter().copied().chain(others).map(|letter| char::from_u32(letter).unwrap().to_string()).collect()
    }

    fn read(file: &Json) -> Result<HuggingFace, String> {
        HuggingFace::of(file.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_those_of_the_merges_whatever_the_file_truncates_or_puts_around() {
        let tokenizer = read(&bytes_with_merges()).unwrap();
        for (text, count) in [
            ("", 0),
            ("hello", 1),
            // `hello`, ` w`, `or`, `l`, `d`.
            ("hello world", 5),
            // Digits stand alone before any merge.
            ("12", 2),
            // One letter of two bytes, composed first.
            ("e\u{301}", 2),
            ("hello<|end|>hello", 3),
            ("\u{65e5}\u{672c}", 6),
            // One space, one before the word, the word, and two ends of lines.
            ("  hello\n\n", 5),
        ] {
            assert_eq!(tokenizer.count(text), Ok(count), "{text:?}");
        }
        assert_eq!(tokenizer.around(), Some(1));
        let words = json!({"version": "1.0", "pre_tokenizer": {"type": "Whitespace"},
            "model": {"type": "WordLevel", "vocab": {"a": 0, "?": 1, "<unk>": 2}, "unk_token": "<unk>"}});
        let words = read(&words).unwrap();
        assert_eq!((words.count("a a, b?"), words.around()), (Ok(5), Some(0)));
    }

    #[test]
    fn tokens_around_a_text_are_counted_from_the_file_or_not_known() {
        let with = |processor: Json| {
            let mut file = bytes_with_merges();
            file["post_processor"] = processor;
            read(&file).unwrap().around()
        };
        let bert = json!({"type": "BertProcessing", "sep": ["a", 0], "cls": ["b", 1]});
        assert_eq!(with(bert.clone()), Some(2));
        assert_eq!(with(json!({"type": "Sequence", "processors": [{"type": "ByteLevel"}, bert]})), Some(2));
        assert_eq!(with(json!({"type": "Other"})), None);
        assert_eq!(with(json!({"type": "Sequence", "processors": {}})), None);
        let absent =
            json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {}});
        assert_eq!(with(absent), None);
    }

    #[test]
    fn what_is_not_known_to_the_last_rule_is_not_run() {
        for (place, value, refusal) in [
            ("/version", json!("2.0"), "its version is not 1.0"),
            (
                "/normalizer",
                json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
                "its normalizer is `Precompiled`",
            ),
            (
                "/normalizer",
                json!({"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}),
                "a pattern of it is no text",
            ),
            (
                "/normalizer",
                json!({"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": []}]}),
                "its normalizer is `Sequence`",
            ),
            (
                "/normalizer",
                json!({"type": "Sequence", "normalizers": vec![json!({"type": "NFC"}); 33]}),
                "its normalizer has more than 32 parts",
            ),
            ("/normalizer", json!({}), "a part of it names no type"),
            ("/pre_tokenizer", json!({"type": "UnicodeScripts"}), "its pre-tokenizer is `UnicodeScripts`"),
            (
                "/pre_tokenizer/pretokenizers/0/pattern/Regex",
                json!("(a+)+$"),
                "it splits texts by the pattern `(a+)+$`",
            ),
            ("/model/dropout", json!(0.1), "it drops merges at random"),
            ("/model/end_of_word_suffix", json!("</w>"), "its pieces have a prefix or a suffix"),
            ("/model/type", json!("Unigram"), "its model is `Unigram`"),
            ("/model/type", json!(null), "its model names no type"),
            (
                "/model",
                json!({"type": "WordPiece", "max_input_chars_per_word": 100_000}),
                "it looks into words of more than 1000 characters",
            ),
        ] {
            let mut file = bytes_with_merges();
            *file.pointer_mut(place).unwrap() = value;
            let refused = read(&file).unwrap_err();
            assert_eq!(refused, format!("it is a tokenizer of a kind that this version cannot run: {refusal}"));
        }
    }

    #[test]
    fn what_is_broken_is_refused_with_what_the_library_says() {
        let mut file = bytes_with_merges();
        file["model"]["merges"] = json!(["h zz"]);
        assert!(read(&file).unwrap_err().starts_with("`tokenizer.json` is refused: "));
        let refused = HuggingFace::of(b"{").unwrap_err().to_string();
        assert!(refused.starts_with("`tokenizer.json` is refused: "), "{refused}");
        let twice = br#"{"version": "1.0", "model": {}, "model": {}}"#;
        let refused = HuggingFace::of(twice).unwrap_err().to_string();
        assert!(refused.contains("`model` stands twice"), "{refused}");
        let unknown =
            json!({"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "<unk>"}});
        let refused = read(&unknown).unwrap().count("b").unwrap_err().to_string();
        assert!(refused.starts_with("a text is refused: "), "{refused}");
    }

    #[test]
    fn texts_of_one_class_of_characters_are_counted_to_their_end() {
        for pattern in PATTERNS {
            let mut file = bytes_with_merges();
            file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = json!(pattern);
            let tokenizer = read(&file).unwrap();
            for letter in [" ", "\n", "x", "X", "7", ".", "\u{65e5}", "'"] {
                let times = crate::tokens::MAX_TEXT_BYTES / letter.len();
                let bytes = (times * letter.len()) as u64;
                assert_eq!(tokenizer.count(&letter.repeat(times)), Ok(bytes), "{letter:?} {pattern}");
            }
        }
    }

    proptest! {
        // Whatever a file holds, nothing of it may panic: it is read from evidence that anyone may have made.
        #[test]
        fn no_changed_file_panics(
            changes in proptest::collection::vec((0_usize..6000, any::<u8>()), 1..4),
            text in "(\\PC|hello|<\\|end\\|>|\\s){0,12}",
        ) {
            let mut bytes = bytes_with_merges().to_string().into_bytes();
            for (at, byte) in changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            let run = catch_unwind(|| HuggingFace::of(&bytes).is_ok_and(|tokenizer| tokenizer.count(&text).is_ok()));
            prop_assert!(run.is_ok());
        }
    }
}
