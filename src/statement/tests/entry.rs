//! Entries: COSE as others read it, and every envelope that is not one.

use super::*;
use crate::codec::DecodeError;
use crate::digest::Sha256Digest;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_is_parsed_and_its_signature_holds(
        payload in payload_value(), issuer in text(), subject in text(), issued_at in 0..253_402_300_800_u64, seed in any::<[u8; 32]>(),
    ) {
        let key = SigningKey::from_seed(seed);
        let claims = Claims { issuer, subject, issued_at };
        let bytes = Entry::sign(&payload, &claims, &key).unwrap();
        let entry = Entry::parse(&bytes).unwrap();
        prop_assert_eq!(entry.as_bytes(), bytes.as_slice());
        prop_assert_eq!(entry.claimed(), &payload);
        prop_assert_eq!(entry.claims(), &claims);
        prop_assert_eq!(entry.key_id(), key.public().thumbprint());
        prop_assert!(entry.is_signed_by(&key.public()));
        prop_assert!(!entry.is_signed_by(&super::key(77).public()));
        prop_assert_eq!(entry.leaf_hash(), crate::merkle::leaf_hash(&bytes));
    }

    #[test]
    fn every_truncation_is_refused(payload in payload_value(), cut in any::<prop::sample::Index>()) {
        let bytes = Entry::sign(&payload, &claims(), &key(1)).unwrap();
        prop_assert!(Entry::parse(&bytes[..cut.index(bytes.len())]).is_err());
    }
}

#[test]
fn no_flipped_bit_is_still_signed() {
    let public = key(1).public();
    let bytes = Entry::sign(&dataset(), &claims(), &key(1)).unwrap();
    let (mut read, mut refused) = (0, 0);
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match Entry::parse(&flipped) {
            Ok(entry) => {
                assert!(!entry.is_signed_by(&public), "bit {bit}");
                assert_ne!(entry.leaf_hash(), crate::merkle::leaf_hash(&bytes));
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 500 && refused > 500, "{read} {refused}");
}

/// RFC 9052 §4.4 with nothing of ours: one-purpose byte pushing for the shapes that an entry has.
mod rfc9052 {
    pub(super) struct Sign1<'a> {
        pub(super) protected: &'a [u8],
        pub(super) payload: &'a [u8],
        pub(super) signature: &'a [u8],
    }

    fn byte_string(bytes: &[u8]) -> (&[u8], &[u8]) {
        let (len, rest) = match bytes {
            [short @ 0x40..=0x57, rest @ ..] => (usize::from(short - 0x40), rest),
            [0x58, len, rest @ ..] => (usize::from(*len), rest),
            [0x59, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => panic!("not a byte string: {bytes:02x?}"),
        };
        rest.split_at(len)
    }

    pub(super) fn read(bytes: &[u8]) -> Sign1<'_> {
        let rest = bytes.strip_prefix(&[0xd2, 0x84]).expect("tag 18, array of 4");
        let (protected, rest) = byte_string(rest);
        let rest = rest.strip_prefix(&[0xa0]).expect("empty unprotected header");
        let (payload, rest) = byte_string(rest);
        let (signature, rest) = byte_string(rest);
        assert!(rest.is_empty());
        Sign1 { protected, payload, signature }
    }

    fn push(out: &mut Vec<u8>, bytes: &[u8]) {
        match u16::try_from(bytes.len()).unwrap() {
            len @ 0..=23 => out.push(0x40 + u8::try_from(len).unwrap()),
            len @ 24..=255 => out.extend([0x58, u8::try_from(len).unwrap()]),
            len => {
                out.push(0x59);
                out.extend(len.to_be_bytes());
            }
        }
        out.extend(bytes);
    }

    pub(super) fn sig_structure(message: &Sign1<'_>) -> Vec<u8> {
        let mut out = [&[0x84, 0x6a], b"Signature1".as_slice()].concat();
        push(&mut out, message.protected);
        push(&mut out, b"");
        push(&mut out, message.payload);
        out
    }
}

#[test]
fn another_reader_of_cose_finds_the_same_payload_header_and_signature() {
    let signing = key(1);
    let bytes = Entry::sign(&dataset(), &claims(), &signing).unwrap();
    let message = rfc9052::read(&bytes);
    assert_eq!(message.payload, dataset().encode());
    let signature = Signature(message.signature.try_into().unwrap());
    let public = PublicKey::parse(signing.public().as_bytes()).unwrap();
    assert_eq!(public.verify(&rfc9052::sig_structure(&message), &signature), Ok(()));

    // {1: -19, 3: content type, 4: kid, 15: {1: iss, 2: sub, 6: iat}}, byte by byte; kid by RFC 9679.
    let cose_key = [&[0xa3, 1, 1, 0x20, 6, 0x21, 0x58, 32], public.as_bytes().as_slice()].concat();
    let kid = *Sha256Digest::of(&cose_key).as_bytes();
    let header = [
        &[0xa4, 1, 0x32, 3, 0x78, u8::try_from(CONTENT_TYPE.len()).unwrap()],
        CONTENT_TYPE.as_bytes(),
        &[4, 0x58, 32],
        &kid,
        &[15, 0xa3, 1, 0x73],
        b"https://lab.example",
        &[2, 0x67],
        b"dataset",
        &[6, 0x1a],
        &1_700_000_000_u32.to_be_bytes(),
    ]
    .concat();
    assert_eq!(message.protected, header);
}

#[test]
fn the_bytes_of_a_known_entry_never_change() {
    // Wire format: a change here breaks every ledger there is.
    let bytes = Entry::sign(&dataset(), &claims(), &key(1)).unwrap();
    let known = "1f299308cd5b8d63b908179653c8bcf6b55b266e7bae7fb8795d5fa5565ea805";
    assert_eq!(FileDigest::of(&bytes).to_string(), known);
}

/// An envelope from its parts, signed properly whatever it says.
struct Envelope {
    header: BTreeMap<i64, Vec<u8>>,
    unprotected: Vec<u8>,
    payload: Vec<u8>,
}

impl Envelope {
    fn new() -> Self {
        let bytes = Entry::sign(&dataset(), &claims(), &key(1)).unwrap();
        let message = rfc9052::read(&bytes);
        Self { header: fields(message.protected), unprotected: vec![0xa0], payload: message.payload.to_vec() }
    }

    fn with(mut self, label: i64, value: impl FnOnce(&mut Encoder)) -> Self {
        self.header.insert(label, Encoder::encode(value));
        self
    }

    fn without(mut self, label: i64) -> Self {
        self.header.remove(&label);
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        let protected = map(&self.header);
        let message = rfc9052::Sign1 { protected: &protected, payload: &self.payload, signature: b"" };
        let signature = key(1).sign(&rfc9052::sig_structure(&message));
        Encoder::encode(|e| {
            e.tag_cose_sign1();
            e.array(4);
            e.bytes(&protected);
            e.raw(&self.unprotected);
            e.bytes(&self.payload);
            e.bytes(&signature.0);
        })
    }

    fn parse(&self) -> Result<Entry, EntryError> {
        Entry::parse(&self.to_bytes())
    }
}

#[test]
fn both_numbers_of_ed25519_are_read_and_no_other_algorithm() {
    assert_eq!(Envelope::new().to_bytes(), Entry::sign(&dataset(), &claims(), &key(1)).unwrap());
    let eddsa = Envelope::new().with(1, |e| e.int(-8)).parse().unwrap();
    assert!(eddsa.is_signed_by(&key(1).public()));
    for found in [-7, -35, -37, -50, -65_535, 0, 5] {
        assert_eq!(Envelope::new().with(1, |e| e.int(found)).parse(), Err(EntryError::Algorithm { found }));
    }
    assert!(matches!(Envelope::new().with(1, |e| e.text("EdDSA")).parse(), Err(EntryError::Decode(_))));
}

#[test]
fn another_content_type_is_unsupported() {
    for text in ["", "application/cbor", "application/vnd.reproledger.entry+cbor; v=2", &CONTENT_TYPE.to_uppercase()] {
        let error = Envelope::new().with(3, |e| e.text(text)).parse().unwrap_err();
        assert_eq!(error, EntryError::ContentType);
        assert!(error.is_unsupported());
    }
    assert!(Envelope::new().with(3, |e| e.uint(60)).parse().is_err());
}

#[test]
fn critical_and_other_headers_are_unsupported() {
    let crit = Envelope::new().with(2, |e| {
        e.array(1);
        e.int(1);
    });
    assert_eq!(crit.parse(), Err(EntryError::Header { label: 2 }));
    for label in [5, 7, 16, 33, 34, 258, 395, -1] {
        let error = Envelope::new().with(label, Encoder::null).parse().unwrap_err();
        assert_eq!(error, EntryError::Header { label });
        assert!(error.is_unsupported());
    }
}

#[test]
fn every_header_must_be_there() {
    for key in [1, 3, 4, 15] {
        let missing = DecodeError::MissingKey { what: "the protected header", key };
        assert_eq!(Envelope::new().without(key).parse(), Err(missing.into()));
    }
    let empty = Envelope { header: BTreeMap::new(), ..Envelope::new() };
    assert!(empty.parse().is_err());
}

#[test]
fn nothing_stands_in_the_unprotected_header() {
    for unprotected in [&[0xa1, 4, 0x41, 0][..], &[0xa1, 0x19, 1, 0x8b, 0x80]] {
        let envelope = Envelope { unprotected: unprotected.to_vec(), ..Envelope::new() };
        assert_eq!(envelope.parse(), Err(EntryError::Unprotected));
    }
}

fn with_claims(fill: impl FnOnce(&mut crate::codec::MapEncoder)) -> Result<Entry, EntryError> {
    Envelope::new().with(15, |e| e.map(fill)).parse()
}

#[test]
fn claims_are_issuer_subject_and_time_and_no_other() {
    for key in [1, 2, 6] {
        let result = with_claims(|m| {
            for text in [1, 2] {
                if text != key {
                    m.entry(text, |e| e.text("x"));
                }
            }
            if key != 6 {
                m.entry(6, |e| e.uint(1));
            }
        });
        assert_eq!(result, Err(DecodeError::MissingKey { what: "the CWT claims", key }.into()));
    }
    let whole = |issuer: &str, time: i64, more: bool| {
        with_claims(|m| {
            m.entry(1, |e| e.text(issuer));
            m.entry(2, |e| e.text("x"));
            m.entry(6, |e| e.int(time));
            if more {
                m.entry(4, |e| e.uint(9));
            }
        })
    };
    assert!(whole("x", 0, false).is_ok());
    assert_eq!(whole("x", 0, true), Err(EntryError::Header { label: 4 }));
    assert!(whole("x", -1, false).is_err());
    // The last second of the year 9999, the next one, and a time of 2026 in milliseconds.
    assert!(whole("x", 253_402_300_799, false).is_ok());
    for time in [253_402_300_800, 1_790_000_000_000] {
        assert_eq!(whole("x", time, false), Err(EntryError::Time { found: time.unsigned_abs() }));
    }
    for issuer in ["", "a\u{0}", "a\nb", &"x".repeat(8193)] {
        assert_eq!(whole(issuer, 0, false), Err(EntryError::Uri));
    }
    assert!(whole(&"x".repeat(8192), 0, false).is_ok());
}

#[test]
fn an_envelope_of_another_shape_is_refused() {
    let good = Envelope::new().to_bytes();
    assert!(matches!(Entry::parse(&good[1..]), Err(EntryError::Decode(DecodeError::Type { expected: "tag 18", .. }))));
    let with_tag = |tag: &[u8]| Entry::parse(&[tag, &good[1..]].concat());
    assert!(matches!(with_tag(&[0xd8, 98]), Err(EntryError::Decode(DecodeError::Tag { tag: 98, .. }))));
    assert!(matches!(with_tag(&[0xd2, 0xd2]), Err(EntryError::Decode(_))));
    assert!(matches!(
        Entry::parse(&[&good[..], &[0]].concat()),
        Err(EntryError::Decode(DecodeError::TrailingBytes { count: 1 }))
    ));
    assert!(Entry::parse(&[]).is_err());
    for len in [0, 63, 65] {
        let message = rfc9052::read(&good);
        let bytes = Encoder::encode(|e| {
            e.tag_cose_sign1();
            e.array(4);
            e.bytes(message.protected);
            e.map(|_| {});
            e.bytes(message.payload);
            e.bytes(&vec![1; len]);
        });
        assert!(matches!(
            Entry::parse(&bytes),
            Err(EntryError::Decode(DecodeError::Length { what: "a signature", .. }))
        ));
    }
    // A detached payload has no place: null where bytes belong.
    let message = rfc9052::read(&good);
    let detached = Encoder::encode(|e| {
        e.tag_cose_sign1();
        e.array(4);
        e.bytes(message.protected);
        e.map(|_| {});
        e.null();
        e.bytes(message.signature);
    });
    assert!(matches!(Entry::parse(&detached), Err(EntryError::Decode(DecodeError::Type { found: "null", .. }))));
}

#[test]
fn a_header_or_payload_in_another_spelling_is_refused_although_signed() {
    let mut envelope = Envelope::new();
    // {1: 1, ...}: the version in two bytes instead of one.
    let at = envelope.payload.windows(2).position(|pair| pair == [1, 1]).unwrap();
    envelope.payload.splice(at + 1..at + 2, [0x18, 1]);
    assert!(matches!(envelope.parse(), Err(EntryError::Decode(DecodeError::OverlongInteger { .. }))));
}

#[test]
fn a_key_that_is_not_named_signs_nothing() {
    let other = key(2).public().thumbprint();
    let renamed = Envelope::new().with(4, |e| e.bytes(other.as_bytes())).parse().unwrap();
    // Signed by key 1, naming key 2: neither vouches for it.
    assert!(!renamed.is_signed_by(&key(1).public()));
    assert!(!renamed.is_signed_by(&key(2).public()));
    assert!(Envelope::new().with(4, |e| e.bytes(&other.as_bytes()[..31])).parse().is_err());
}

#[test]
fn the_ledger_is_part_of_what_is_signed() {
    let mut elsewhere = dataset();
    elsewhere.log = Some(LedgerId::from_bytes([8; 32]));
    let here = Entry::sign(&dataset(), &claims(), &key(1)).unwrap();
    let there = Entry::sign(&elsewhere, &claims(), &key(1)).unwrap();
    let (here, there) = (rfc9052::read(&here), rfc9052::read(&there));
    // The signature of one under the payload of the other.
    let bytes = Encoder::encode(|e| {
        e.tag_cose_sign1();
        e.array(4);
        e.bytes(here.protected);
        e.map(|_| {});
        e.bytes(there.payload);
        e.bytes(here.signature);
    });
    assert!(!Entry::parse(&bytes).unwrap().is_signed_by(&key(1).public()));
}

#[test]
fn an_entry_of_65536_bytes_is_neither_read_nor_signed() {
    assert_eq!(Entry::parse(&vec![0; MAX_ENTRY_BYTES + 1]), Err(EntryError::TooLong { found: 65_536 }));
    assert!(!matches!(Entry::parse(&vec![0; MAX_ENTRY_BYTES]), Err(EntryError::TooLong { .. })));
    let mut payload = dataset();
    let log = Some(LedgerId::from_bytes([1; 32]));
    let edge = |seq: u64| Edge {
        edge_type: EdgeType::DerivedFrom,
        log,
        seq: EntryIndex(u64::MAX - seq),
        kind: DigestKind::File,
        digest: FileDigest::of(b"x").into(),
    };
    payload.edges = (0..MAX_EDGES as u64).map(edge).collect();
    payload.subjects = vec![payload.subjects[0].clone(); MAX_SUBJECTS];
    let claims = |len: usize| Claims { issuer: "x".repeat(len), ..claims() };
    let fits = Entry::sign(&payload, &claims(8000), &key(1)).unwrap().len();
    assert!(fits < MAX_ENTRY_BYTES);
    payload.arm = Some("a".repeat(256));
    let wide = |subject: &Subject| {
        let more = Measure { count: u64::MAX, length: u64::MAX, digests: vec![FileDigest::of(b"y").into()] };
        DigestKind::ALL[2..].iter().fold(subject.clone(), |subject, kind| subject.with(*kind, more.clone()))
    };
    payload.subjects = payload.subjects.iter().map(wide).collect();
    assert!(matches!(Entry::sign(&payload, &claims(8000), &key(1)), Err(EntryError::TooLong { .. })));
}

#[test]
fn what_no_reader_would_take_is_not_signed() {
    let refused = |change: fn(&mut Payload, &mut Claims)| {
        let (mut payload, mut claims) = (dataset(), claims());
        change(&mut payload, &mut claims);
        assert!(Entry::sign(&payload, &claims, &key(1)).is_err());
    };
    refused(|payload, _| payload.arm = Some(String::new()));
    refused(|payload, _| payload.arm = Some("x".repeat(257)));
    refused(|payload, _| payload.arm = Some("a\nb".to_owned()));
    refused(|payload, _| payload.subjects.clear());
    refused(|payload, _| payload.log = None);
    refused(|payload, _| payload.kind = Kind::Claim);
    refused(|payload, _| payload.stage = Some("train".to_owned()));
    refused(|_, claims| claims.issuer.clear());
    refused(|_, claims| claims.subject = "a\u{7}".to_owned());
    refused(|payload, _| {
        let digest = FileDigest::of(b"x").into();
        let edge = Edge { edge_type: EdgeType::Used, log: None, seq: EntryIndex(1), kind: DigestKind::File, digest };
        payload.edges = vec![edge.clone(), edge];
    });
}
