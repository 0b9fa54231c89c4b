//! Signed notes: the C2SP example and the cases of the Go implementation.

use reproledger::key::{KeyName, NoteError, SigningKey, VerifierKey, open_note, sign_note};

use super::{exactly, json, list, text, unbase64};

/// Name and key of Go's private-key text, `PRIVATE+KEY+name+id+base64(type ‖ seed)`: for vectors only.
fn private_key(text: &str) -> (KeyName, SigningKey) {
    let mut parts = text.strip_prefix("PRIVATE+KEY+").unwrap().splitn(3, '+');
    let (name, _, key) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
    let seed = exactly(&unbase64(key)[1..]).unwrap();
    (KeyName::parse(name).unwrap(), SigningKey::from_seed(seed))
}

#[test]
fn signing_gives_the_known_note() {
    if !super::data_is_there() {
        return;
    }
    let file = json("signed-note/notes.json");
    let (name, key) = private_key(text(&file["sign"]["skey"]));
    let signed = String::from_utf8(unbase64(text(&file["sign"]["text_b64"]))).unwrap();
    assert_eq!(sign_note(&signed, &name, &key).unwrap(), unbase64(text(&file["sign"]["note_b64"])));
}

#[test]
fn bad_verifier_keys_are_refused() {
    if !super::data_is_there() {
        return;
    }
    let file = json("signed-note/notes.json");
    let bad = list(&file["bad_vkeys"]);
    assert_eq!(bad.len(), 2);
    for vkey in bad {
        assert!(VerifierKey::parse(text(vkey)).is_err(), "{vkey}");
    }
}

#[test]
fn every_note_opens_or_fails_as_the_vectors_say() {
    if !super::data_is_there() {
        return;
    }
    let file = json("signed-note/notes.json");
    let cases = list(&file["cases"]);
    assert!(cases.len() >= 15, "{}", cases.len());
    for case in cases {
        let keys: Vec<VerifierKey> =
            list(&case["vkeys"]).iter().map(|vkey| VerifierKey::parse(text(vkey)).unwrap()).collect();
        for (key, vkey) in keys.iter().zip(list(&case["vkeys"])) {
            assert_eq!(key.to_string(), text(vkey));
        }
        let opened = open_note(&unbase64(text(&case["note_b64"])), &keys);
        let name = text(&case["name"]);
        match text(&case["expect"]) {
            "ok" => {
                let opened = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(opened.verified.len() as u64, case["verified"].as_u64().unwrap(), "{name}");
                if let Some(unverified) = case["unverified"].as_u64() {
                    assert_eq!(opened.unverified as u64, unverified, "{name}");
                }
            }
            "no verifiable signatures" => assert!(matches!(opened, Err(NoteError::NoneKnown { .. })), "{name}"),
            "invalid signature" => assert!(matches!(opened, Err(NoteError::BadSignature { .. })), "{name}"),
            "malformed note" => assert!(
                matches!(
                    opened,
                    Err(NoteError::NoBlankLine
                        | NoteError::Line { .. }
                        | NoteError::Name { .. }
                        | NoteError::Control { .. }
                        | NoteError::Utf8
                        | NoteError::TooManySignatures)
                ),
                "{name}: {opened:?}"
            ),
            ambiguous => {
                assert!(ambiguous.starts_with("ambiguous key"), "{name}: unknown expectation {ambiguous}");
                assert!(matches!(opened, Err(NoteError::AmbiguousKey { .. })), "{name}");
            }
        }
    }
}
