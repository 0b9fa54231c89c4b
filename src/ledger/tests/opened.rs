//! Who may open a ledger, and what is refused where there is none.

use super::*;

#[test]
fn a_second_ledger_in_the_same_place_is_refused() {
    let scratch = Scratch::new();
    scratch.filled(&[1]);
    let refusal = Writer::create(&scratch.dir(), b"other", &origin(), key(), &scratch.state()).unwrap_err();
    assert_eq!(refusal.to_string(), format!("`{}` already holds a ledger", scratch.dir().display()));
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let scratch = Scratch::new();
    let writer = scratch.create();
    assert!(matches!(scratch.open(), Err(LedgerError::Locked { .. })));
    assert_holds(&scratch.read().unwrap(), 1);
    drop(writer);
    scratch.open().unwrap();
}

#[test]
fn a_directory_without_a_ledger_is_said_to_have_none_and_stays_empty() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.dir()).unwrap();
    assert!(matches!(scratch.open(), Err(LedgerError::NotALedger { .. })));
    assert!(matches!(scratch.read(), Err(LedgerError::NotALedger { .. })));
    assert_eq!(files_below(&scratch.dir()), Vec::<PathBuf>::new());
}

#[test]
fn another_key_or_origin_does_not_open_it() {
    let scratch = Scratch::new();
    scratch.filled(&[1]);
    let other = verifier_key(&origin(), &SigningKey::from_seed([8; 32]));
    assert!(matches!(Ledger::open_read(&scratch.dir(), &other), Err(LedgerError::Damaged { .. })));
    let other = Writer::open(&scratch.dir(), &Origin::parse("example.org/other").unwrap(), key(), &scratch.state());
    assert!(matches!(other, Err(LedgerError::Damaged { what: Damage::HeadSignature { .. }, .. })));
}

#[test]
fn the_genesis_entry_is_read_before_any_key_is_known() {
    let scratch = Scratch::new();
    scratch.filled(&[3]);
    let (ledger, genesis) = read_genesis(&scratch.dir()).unwrap();
    assert_eq!(genesis, b"genesis");
    assert_eq!(ledger, leaf_hash(b"genesis").into());
}
