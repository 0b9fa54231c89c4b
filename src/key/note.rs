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
pub fn note_signatures(bytes: &[u8], known: &[VerifierKey]) -> Result<OpenNote, NoteError> {
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
