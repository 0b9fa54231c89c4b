//! Entry 0 and key changes.

use super::*;
use crate::codec::{DecodeError, Decoder};

proptest! {
    #[test]
    fn every_genesis_comes_back(genesis in genesis_value()) {
        let bytes = Encoder::encode(|e| genesis.encode(e));
        prop_assert_eq!(Decoder::decode(&bytes, Genesis::decode).unwrap(), genesis);
    }

    #[test]
    fn every_key_change_comes_back(change in key_change()) {
        let bytes = Encoder::encode(|e| change.encode(e));
        prop_assert_eq!(Decoder::decode(&bytes, KeyChange::decode).unwrap(), change);
    }
}

fn genesis_of(changes: &[(i64, Option<Vec<u8>>)]) -> Result<Genesis, DecodeError> {
    let genesis = Genesis {
        origin: "lab.example/log".to_owned(),
        log_key: key(1).public(),
        keys: vec![(Role::Issuer, key(2).public())],
        nonce: [3; 16],
    };
    change(&Encoder::encode(|e| genesis.encode(e)), changes, Genesis::decode)
}

fn change<T>(
    bytes: &[u8],
    changes: &[(i64, Option<Vec<u8>>)],
    decode: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut all = fields(bytes);
    for (key, value) in changes {
        match value {
            Some(value) => all.insert(*key, value.clone()),
            None => all.remove(key),
        };
    }
    Decoder::decode(&map(&all), decode)
}

#[allow(clippy::unnecessary_wraps, reason = "one side of a change; the other is None")]
fn keys(keys: &[(i64, &[u8])]) -> Option<Vec<u8>> {
    Some(Encoder::encode(|e| {
        e.array(keys.len());
        for (role, key) in keys {
            e.array(2);
            e.int(*role);
            e.bytes(key);
        }
    }))
}

#[test]
fn a_genesis_says_everything_and_nothing_else() {
    assert!(genesis_of(&[]).is_ok());
    for key in 1..=5 {
        let error = genesis_of(&[(key, None)]).unwrap_err();
        assert_eq!(error, DecodeError::MissingKey { what: "a genesis", key });
    }
    assert!(genesis_of(&[(6, Some(vec![0]))]).unwrap_err().is_unsupported());
    let version = genesis_of(&[(5, Some(vec![2]))]).unwrap_err();
    assert_eq!(version, DecodeError::UnknownValue { what: "the ledger format version", value: 2 });
    assert!(genesis_of(&[(4, Some(Encoder::encode(|e| e.bytes(&[0; 15]))))]).is_err());
}

#[test]
fn the_keys_of_a_genesis_are_good_sorted_and_one_for_each_role() {
    let public: Vec<_> = (1..=3).map(|seed| *key(seed).public().as_bytes()).collect();
    let (first, second) = (public[1].min(public[2]), public[1].max(public[2]));
    let with = |list: &[(i64, &[u8])]| genesis_of(&[(3, keys(list))]);
    assert!(with(&[(1, &first), (1, &second), (2, &[&key(4).public().as_bytes()[..]].concat())]).is_ok());
    assert!(matches!(with(&[]), Err(DecodeError::Length { found: 0, .. })));
    assert_eq!(with(&[(1, &second), (1, &first)]), Err(DecodeError::Unsorted { what: "the list of issuer keys" }));
    assert_eq!(with(&[(1, &first), (1, &first)]), Err(DecodeError::Unsorted { what: "the list of issuer keys" }));
    assert!(with(&[(9, &first)]).unwrap_err().is_unsupported());
    // One key in two roles, the log key among the issuers, and points that are no good keys.
    assert!(matches!(
        with(&[(1, &first), (2, &first)]),
        Err(DecodeError::Length { expected: "one key for each role", .. })
    ));
    assert!(matches!(with(&[(1, &public[0])]), Err(DecodeError::Length { expected: "one key for each role", .. })));
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(matches!(with(&[(1, &neutral)]), Err(DecodeError::Range { .. })));
    assert!(with(&[(1, &first[..31])]).is_err());
    let many: Vec<_> = (0..65_u8).map(|seed| *SigningKey::from_seed([100 + seed; 32]).public().as_bytes()).collect();
    let mut many: Vec<(i64, &[u8])> = many.iter().map(|key| (1, key.as_slice())).collect();
    many.sort_unstable();
    assert!(matches!(with(&many), Err(DecodeError::Length { found: 65, .. })));
    assert!(with(&many[..64]).is_ok());
}

#[test]
fn a_key_change_is_an_addition_or_a_revocation_and_never_half_of_each() {
    let add = KeyChange::Add { role: Role::Evaluator, key: key(5).public(), possession: Signature([1; 64]) };
    let revoke = KeyChange::Revoke { key: key(5).public(), compromised_since: Some(EntryIndex(3)) };
    let of = |base: &KeyChange, changes: &[(i64, Option<Vec<u8>>)]| {
        change(&Encoder::encode(|e| base.encode(e)), changes, KeyChange::decode)
    };
    let unknown = |key| Err(DecodeError::UnknownKey { what: "a key change", key });
    let missing = |key| Err(DecodeError::MissingKey { what: "a key change", key });
    for key in [1, 2, 3, 4] {
        assert_eq!(of(&add, &[(key, None)]), missing(key));
    }
    assert_eq!(of(&add, &[(5, Some(vec![3]))]), unknown(5));
    assert_eq!(of(&revoke, &[(3, Some(vec![1]))]), unknown(3));
    let signature = Encoder::encode(|e| e.bytes(&[1; 64]));
    assert_eq!(of(&revoke, &[(4, Some(signature))]), unknown(4));
    assert_eq!(of(&revoke, &[(9, Some(vec![0]))]), unknown(9));
    let value = DecodeError::UnknownValue { what: "a key change", value: 3 };
    assert_eq!(of(&revoke, &[(1, Some(vec![3]))]), Err(value));
    assert!(of(&add, &[(4, Some(Encoder::encode(|e| e.bytes(&[1; 63]))))]).is_err());
    assert!(of(&revoke, &[(5, None)]).is_ok());
}

#[test]
fn possession_is_of_one_ledger_one_place_and_one_role() {
    let log = LedgerId::from_bytes([1; 32]);
    let message = possession_message(&log, EntryIndex(3), Role::Issuer);
    assert_ne!(message, possession_message(&LedgerId::from_bytes([2; 32]), EntryIndex(3), Role::Issuer));
    assert_ne!(message, possession_message(&log, EntryIndex(4), Role::Issuer));
    assert_ne!(message, possession_message(&log, EntryIndex(3), Role::Evaluator));
}
