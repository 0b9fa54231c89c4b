//! Signed notes: a text, a blank line, and signature lines of anyone who vouches for it.
//!
//! The text of a note means nothing until a known key verified it, so nothing here returns one before. Lines of keys
//! that are not known are counted and otherwise ignored; a line of a known key that does not verify makes the whole
//! note worthless.
//!
//! Specs: <https://c2sp.org/signed-note>, <https://c2sp.org/tlog-cosignature>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{BadSignature, KeyId, KeyName, KeyNameError, NoteKind, SIGNATURE_LEN, Signature, SigningKey, VerifierKey};

/// Larger notes are refused unread: a head with a hundred post-quantum cosignatures stays below half of it.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// More signature lines are refused; the limit of the Go implementation, which witnesses run.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// Begins a signature line: em dash and space.
const LINE_START: &str = "\u{2014} ";

/// Largest time a cosignature may carry (c2sp.org/tlog-cosignature: at most 2^63 - 1).
const MAX_TIME: u64 = i64::MAX as u64;

/// Why a note cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum NoteError {
    #[error("the note has {found} bytes, more than {MAX_NOTE_BYTES}")]
    TooLong { found: usize },
    #[error("the note is not UTF-8")]
    Utf8,
    #[error("the note contains the control character {found:?}")]
    Control { found: char },
    #[error("the note's text does not end in a newline")]
    TextEnd,
    #[error("the note has no blank line between its text and its signatures")]
    NoBlankLine,
    #[error("signature line {line} is not `\u{2014} name base64` ended by a newline")]
    Line { line: usize },
    #[error("signature line {line} carries a name that no key can have")]
    Name { line: usize, source: KeyNameError },
    #[error("the note has more than {MAX_NOTE_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("the keys to check against name {name}+{id} twice")]
    AmbiguousKey { name: KeyName, id: KeyId },
    #[error("the signature of {name}+{id} does not verify")]
    BadSignature { name: KeyName, id: KeyId },
    #[error("the note has no signature by a known key ({unverified} by others)")]
    NoneKnown { unverified: usize },
    #[error("a cosignature's time is at most {MAX_TIME}, found {found}")]
    Time { found: u64 },
}

/// A signature that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The known key it is by.
    pub key: VerifierKey,
    /// Seconds since 1970 that a cosigner claims; none for other kinds. The earliest, where a cosigner stands twice.
    pub time: Option<u64>,
}

/// A note that at least one known key vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNote {
    /// The text, its last newline included.
    pub text: String,
    /// One signature for each known key that signed, in the order of the note.
    pub verified: Vec<NoteSignature>,
    /// Number of lines by keys that are not known.
    pub unverified: usize,
}

/// Checks a note against known keys; at least one of them must have signed.
pub fn open_note(bytes: &[u8], known: &[VerifierKey]) -> Result<OpenNote, NoteError> {
    let note = note_signatures(bytes, known)?;
    if note.verified.is_empty() {
        return Err(NoteError::NoneKnown { unverified: note.unverified });
    }
    Ok(note)
}

/// Which of the known keys signed a note, perhaps none.
///
/// For counting witnesses on a note that [`open_note`] opened with the log's key; alone it vouches for no text.
pub(super) fn note_signatures(bytes: &[u8], known: &[VerifierKey]) -> Result<OpenNote, NoteError> {
    let ids: Vec<KeyId> = known.iter().map(VerifierKey::key_id).collect();
    for (at, (key, id)) in known.iter().zip(&ids).enumerate() {
        if known[..at].iter().zip(&ids).any(|(other, other_id)| other.name == key.name && other_id == id) {
            return Err(NoteError::AmbiguousKey { name: key.name.clone(), id: *id });
        }
    }
    let (text, lines) = split(bytes)?;
    let mut verified: Vec<NoteSignature> = Vec::new();
    let mut unverified = 0;
    for (at, line) in lines.split_terminator('\n').enumerate() {
        if at == MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let (name, id, signature) = parse_line(line, at + 1)?;
        let Some((key, _)) = known.iter().zip(&ids).find(|(key, known_id)| key.name == name && **known_id == id) else {
            unverified += 1;
            continue;
        };
        let time = check(text, key, &signature).map_err(|_| NoteError::BadSignature { name, id })?;
        // One key is one voice for each kind, under however many names and lines it speaks.
        match verified.iter_mut().find(|seen| seen.key.kind == key.kind && seen.key.key == key.key) {
            Some(seen) => seen.time = seen.time.min(time),
            None => verified.push(NoteSignature { key: key.clone(), time }),
        }
    }
    Ok(OpenNote { text: text.to_owned(), verified, unverified })
}

/// The text and the signature lines.
fn split(bytes: &[u8]) -> Result<(&str, &str), NoteError> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong { found: bytes.len() });
    }
    let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Utf8)?;
    if let Some(found) = control(note) {
        return Err(NoteError::Control { found });
    }
    // The last blank line: the text may hold blank lines itself.
    let blank = note.rfind("\n\n").ok_or(NoteError::NoBlankLine)?;
    let (text, lines) = (&note[..=blank], &note[blank + 2..]);
    if !lines.ends_with('\n') {
        let line = lines.matches('\n').count() + 1;
        return Err(NoteError::Line { line });
    }
    Ok((text, lines))
}

fn control(text: &str) -> Option<char> {
    text.chars().find(|c| *c < ' ' && *c != '\n')
}

fn parse_line(text: &str, line: usize) -> Result<(KeyName, KeyId, Vec<u8>), NoteError> {
    let malformed = || NoteError::Line { line };
    let (name, signature) =
        text.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).ok_or_else(malformed)?;
    let name = KeyName::parse(name).map_err(|source| NoteError::Name { line, source })?;
    // Strict: other padding bits would be a second text for one signature.
    let blob = STANDARD.decode(signature).map_err(|_| malformed())?;
    match blob.split_first_chunk() {
        Some((id, signature)) if !signature.is_empty() => Ok((name, KeyId(*id), signature.to_vec())),
        _ => Err(malformed()),
    }
}

/// The time of a signature that verifies; none for a kind without one.
fn check(text: &str, key: &VerifierKey, signature: &[u8]) -> Result<Option<u64>, BadSignature> {
    match key.kind {
        NoteKind::Ed25519 => {
            let signature = Signature(signature.try_into().map_err(|_| BadSignature)?);
            key.key.verify(text.as_bytes(), &signature)?;
            Ok(None)
        }
        NoteKind::CosignatureV1 => {
            let (time, signature) = signature.split_first_chunk().ok_or(BadSignature)?;
            let signature: [u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| BadSignature)?;
            let time = u64::from_be_bytes(*time);
            if time > MAX_TIME {
                return Err(BadSignature);
            }
            key.key.verify(cosigned(text, time).as_bytes(), &Signature(signature))?;
            Ok(Some(time))
        }
    }
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Signs a text as a note with one signature line.
pub fn sign_note(text: &str, name: &KeyName, key: &SigningKey) -> Result<Vec<u8>, NoteError> {
    check_text(text)?;
    let signature = key.sign(text.as_bytes());
    let verifier = VerifierKey { name: name.clone(), kind: NoteKind::Ed25519, key: key.public() };
    let line = signature_line(&verifier, &signature.0);
    Ok(format!("{text}\n{line}").into_bytes())
}

/// Cosigns a text: the signature line that a witness adds to the end of the note.
pub fn sign_cosignature(text: &str, time: u64, name: &KeyName, key: &SigningKey) -> Result<Vec<u8>, NoteError> {
    check_text(text)?;
    if time > MAX_TIME {
        return Err(NoteError::Time { found: time });
    }
    let signature = key.sign(cosigned(text, time).as_bytes());
    let verifier = VerifierKey { name: name.clone(), kind: NoteKind::CosignatureV1, key: key.public() };
    let timed = [time.to_be_bytes().as_slice(), &signature.0].concat();
    Ok(signature_line(&verifier, &timed).into_bytes())
}

fn check_text(text: &str) -> Result<(), NoteError> {
    match control(text) {
        Some(found) => Err(NoteError::Control { found }),
        None if text.len() > MAX_NOTE_BYTES => Err(NoteError::TooLong { found: text.len() }),
        None if !text.ends_with('\n') => Err(NoteError::TextEnd),
        None => Ok(()),
    }
}

fn signature_line(key: &VerifierKey, signature: &[u8]) -> String {
    let blob = [key.key_id().0.as_slice(), signature].concat();
    format!("{LINE_START}{} {}\n", key.name, STANDARD.encode(blob))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer(n: u8) -> SigningKey {
        SigningKey::from_seed([n; 32])
    }

    fn name(n: u8) -> KeyName {
        KeyName::parse(&format!("signer.example/{n}")).unwrap()
    }

    fn verifier(n: u8, kind: NoteKind) -> VerifierKey {
        VerifierKey { name: name(n), kind, key: signer(n).public() }
    }

    fn log(n: u8) -> VerifierKey {
        verifier(n, NoteKind::Ed25519)
    }

    fn witness(n: u8) -> VerifierKey {
        verifier(n, NoteKind::CosignatureV1)
    }

    const TEXT: &str = "a text\n\nwith a blank line\n";

    fn note() -> Vec<u8> {
        sign_note(TEXT, &name(1), &signer(1)).unwrap()
    }

    fn with(mut note: Vec<u8>, line: &[u8]) -> Vec<u8> {
        note.extend_from_slice(line);
        note
    }

    fn cosignature(n: u8, time: u64) -> Vec<u8> {
        sign_cosignature(TEXT, time, &name(n), &signer(n)).unwrap()
    }

    #[test]
    fn a_note_opens_with_the_key_that_signed_it_and_no_other() {
        let open = open_note(&note(), &[log(2), log(1)]).unwrap();
        assert_eq!(open.text, TEXT);
        assert_eq!(open.verified, [NoteSignature { key: log(1), time: None }]);
        assert_eq!(open.unverified, 0);
        assert_eq!(open_note(&note(), &[log(2)]), Err(NoteError::NoneKnown { unverified: 1 }));
        assert_eq!(open_note(&note(), &[]), Err(NoteError::NoneKnown { unverified: 1 }));
        // Same key and name, but another kind: another id.
        assert_eq!(open_note(&note(), &[witness(1)]), Err(NoteError::NoneKnown { unverified: 1 }));
    }

    #[test]
    fn a_cosignature_verifies_with_its_time() {
        let note = with(note(), &cosignature(2, 1_679_315_147));
        let open = open_note(&note, &[log(1), witness(2)]).unwrap();
        assert_eq!(open.verified[1], NoteSignature { key: witness(2), time: Some(1_679_315_147) });
        // The witness alone vouches for the text too.
        assert_eq!(open_note(&note, &[witness(2)]).unwrap().unverified, 1);
    }

    #[test]
    fn a_cosignature_with_another_time_or_text_is_refused() {
        let line = String::from_utf8(cosignature(2, 5)).unwrap();
        let (start, blob) = line.trim_end().rsplit_once(' ').unwrap();
        let mut blob = STANDARD.decode(blob).unwrap();
        let bad = NoteError::BadSignature { name: name(2), id: witness(2).key_id() };
        blob[11] ^= 1;
        let other_time = format!("{start} {}\n", STANDARD.encode(&blob));
        assert_eq!(open_note(&with(note(), other_time.as_bytes()), &[log(1), witness(2)]), Err(bad.clone()));
        let other_text = sign_cosignature("other\n", 5, &name(2), &signer(2)).unwrap();
        assert_eq!(open_note(&with(note(), &other_text), &[log(1), witness(2)]), Err(bad.clone()));
        blob.truncate(30);
        let short = format!("{start} {}\n", STANDARD.encode(&blob));
        assert_eq!(open_note(&with(note(), short.as_bytes()), &[log(1), witness(2)]), Err(bad));
        let found = MAX_TIME + 1;
        assert_eq!(sign_cosignature(TEXT, found, &name(2), &signer(2)), Err(NoteError::Time { found }));
        assert!(sign_cosignature(TEXT, MAX_TIME, &name(2), &signer(2)).is_ok());
    }

    #[test]
    fn a_key_that_signs_twice_counts_once() {
        let line = cosignature(2, 9);
        let note = with(with(with(note(), &line), &cosignature(2, 7)), &line);
        let open = open_note(&note, &[witness(2)]).unwrap();
        assert_eq!(open.verified, [NoteSignature { key: witness(2), time: Some(7) }]);
        // One key under a second name is still one voice.
        let alias = sign_cosignature(TEXT, 8, &name(3), &signer(2)).unwrap();
        let alias_key = VerifierKey { name: name(3), ..witness(2) };
        let open = open_note(&with(note, &alias), &[witness(2), alias_key]).unwrap();
        assert_eq!(open.verified.len(), 1);
    }

    #[test]
    fn a_second_line_of_a_known_key_must_verify_too() {
        let good = String::from_utf8(note()).unwrap();
        let other = String::from_utf8(sign_note("other\n", &name(1), &signer(1)).unwrap()).unwrap();
        let line = other.lines().last().unwrap();
        let bad = format!("{good}{line}\n");
        assert!(matches!(open_note(bad.as_bytes(), &[log(1)]), Err(NoteError::BadSignature { .. })));
    }

    #[test]
    fn a_list_with_one_key_twice_is_ambiguous() {
        let error = open_note(&note(), &[log(1), log(2), log(1)]).unwrap_err();
        assert_eq!(error, NoteError::AmbiguousKey { name: name(1), id: log(1).key_id() });
    }

    #[test]
    fn a_line_of_an_unknown_algorithm_is_skipped() {
        // As long as an ML-DSA-44 cosignature.
        let unknown = format!("\u{2014} pq.example {}\n", STANDARD.encode([7; 4 + 8 + 2420]));
        assert_eq!(open_note(&with(note(), unknown.as_bytes()), &[log(1)]).unwrap().unverified, 1);
    }

    #[test]
    fn exactly_a_hundred_signatures_are_accepted() {
        let line = format!("\u{2014} other.example {}\n", STANDARD.encode([7; 68]));
        let hundred = with(note(), line.repeat(99).as_bytes());
        assert_eq!(open_note(&hundred, &[log(1)]).unwrap().unverified, 99);
        assert_eq!(open_note(&with(hundred, line.as_bytes()), &[log(1)]), Err(NoteError::TooManySignatures));
    }

    #[test]
    fn each_malformed_note_has_its_name() {
        let good = String::from_utf8(note()).unwrap();
        let refused = |bytes: &[u8]| open_note(bytes, &[log(1)]).unwrap_err();
        assert_eq!(refused(b""), NoteError::NoBlankLine);
        assert_eq!(refused(b"text\n"), NoteError::NoBlankLine);
        assert_eq!(refused(b"text\n\n"), NoteError::Line { line: 1 });
        assert_eq!(refused(good.trim_end().as_bytes()), NoteError::Line { line: 1 });
        assert_eq!(refused(good.replace('\u{2014}', "-").as_bytes()), NoteError::Line { line: 1 });
        assert_eq!(refused(good.replace("/1 ", "/1  ").as_bytes()), NoteError::Line { line: 1 });
        assert_eq!(refused(format!("{good}more\n").as_bytes()), NoteError::Line { line: 2 });
        assert_eq!(refused(format!("{good}\u{2014} x AAAAAA==\n").as_bytes()), NoteError::Line { line: 2 });
        assert_eq!(refused(good.replace('\n', "\r\n").as_bytes()), NoteError::Control { found: '\r' });
        assert_eq!(refused(&with(vec![0xff], good.as_bytes())), NoteError::Utf8);
        assert!(matches!(refused(good.replace("r.example", "r+example").as_bytes()), NoteError::Name { line: 1, .. }));
        assert!(matches!(refused(&vec![b'\n'; MAX_NOTE_BYTES + 1]), NoteError::TooLong { .. }));
    }

    #[test]
    fn other_padding_bits_are_not_a_second_spelling() {
        let good = String::from_utf8(note()).unwrap();
        let at = good.rfind('=').unwrap() - 1;
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let value = digits.find(&good[at..=at]).unwrap();
        let other = format!("{}{}{}", &good[..at], &digits[value + 1..value + 2], &good[at + 1..]);
        assert_eq!(open_note(other.as_bytes(), &[log(1)]), Err(NoteError::Line { line: 1 }));
    }

    #[test]
    fn only_texts_that_can_be_opened_are_signed() {
        assert_eq!(sign_note("no newline", &name(1), &signer(1)), Err(NoteError::TextEnd));
        assert_eq!(sign_note("", &name(1), &signer(1)), Err(NoteError::TextEnd));
        assert_eq!(sign_note("a\tb\n", &name(1), &signer(1)), Err(NoteError::Control { found: '\t' }));
    }

    proptest! {
        #[test]
        fn every_text_that_is_signed_opens_again(text in "[^\\x00-\\x09\\x0b-\\x1f]{0,80}\n{1,3}") {
            let note = sign_note(&text, &name(1), &signer(1)).unwrap();
            prop_assert_eq!(open_note(&note, &[log(1)]).unwrap().text, text);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = open_note(&bytes, &[log(1)]);
        }

        #[test]
        fn a_changed_byte_never_opens_as_the_same_keys_word_for_another_text(at in 0_usize..200, to in any::<u8>()) {
            let mut note = note();
            let at = at % note.len();
            note[at] = to;
            if let Ok(open) = open_note(&note, &[log(1)]) {
                prop_assert_eq!(open.text, TEXT);
            }
        }
    }
}
