//! A corpus recorded salted: one document is opened, no other can be guessed, and the salts stay at home.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::Sandbox;

const TEXTS: [(&str, &str); 3] = [("a.txt", "yes"), ("b.txt", "no"), ("c.txt", "perhaps, but not today")];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn recorded() -> Sandbox {
    let sandbox = Sandbox::with_ledger();
    for (name, text) in TEXTS {
        sandbox.write(&format!("lab/corpus/{name}"), text);
    }
    let _ = sandbox.lab(&["record", "documents", "corpus", "--name", "corpus", "--salted"]).success();
    sandbox.trust();
    sandbox
}

/// BLAKE3 of a document, as whoever guesses it can compute it.
fn guesses() -> Vec<Vec<u8>> {
    TEXTS.iter().map(|(_, text)| reproledger::digest::FileDigest::of(text.as_bytes()).as_bytes().to_vec()).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn nothing_outside_the_private_folder_confirms_a_guess() {
    let sandbox = recorded();
    let mut looked_at = 0;
    for path in files(&sandbox.path("lab/.reproledger")) {
        let bytes = std::fs::read(&path).unwrap();
        if path.starts_with(sandbox.path("lab/.reproledger/private")) {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            continue;
        }
        looked_at += 1;
        for guess in guesses() {
            assert!(!holds(&bytes, &guess), "{}", path.display());
        }
    }
    assert!(looked_at > 3);
    assert_eq!(files(&sandbox.path("lab/.reproledger/private")).len(), 1);
}

#[test]
fn one_document_is_opened_and_its_siblings_stay_hidden() {
    let sandbox = recorded();
    let prove = ["prove", "--item", "corpus", "b.txt", "--content", "corpus", "-o", "item.evidence"];
    let _ = sandbox.lab(&prove).success().says("1 item");
    let evidence = sandbox.read("lab/item.evidence");
    sandbox.write("elsewhere/item.evidence", &evidence);
    let verified = sandbox.elsewhere(&["verify", "item.evidence", "--trust", "trust.policy"]).success();
    assert!(verified.first_line().starts_with("VERIFIED·L0·item"), "{}", verified.stdout);
    assert!(verified.stdout.contains("\"b.txt\"") && verified.stdout.contains("(salted)"), "{}", verified.stdout);
    let private = std::fs::read(&files(&sandbox.path("lab/.reproledger/private"))[0]).unwrap();
    let sidecar = reproledger::artifact::manifest::Sidecar::parse(&private).unwrap();
    for (at, (salt, leaf)) in sidecar.leaves.iter().enumerate() {
        let is_opened = at == 1;
        assert_eq!(holds(&evidence, &salt.0), is_opened, "salt {at}");
        assert_eq!(holds(&evidence, leaf), is_opened, "leaf {at}");
    }
    for (at, guess) in guesses().iter().enumerate() {
        assert_eq!(holds(&evidence, guess), at == 1, "guess {at}");
    }
}

#[test]
fn without_its_salts_nothing_is_opened_and_the_ledger_is_sound_all_the_same() {
    let sandbox = recorded();
    std::fs::remove_dir_all(sandbox.path("lab/.reproledger/private")).unwrap();
    let _ = sandbox
        .lab(&["prove", "--item", "corpus", "b.txt", "-o", "item.evidence"])
        .code(2)
        .complains("the salts of the");
    // They are no part of the log: an audit notes it, and who keeps the ledger is told what is lost.
    let audit = sandbox.lab(&["audit"]).success();
    assert!(audit.stdout.contains("the salts of 1 salted list are not here"), "{}", audit.stdout);
    let doctor = sandbox.lab(&["doctor", "--dry-run"]).code(3).says("FOUND — 1 thing to put right");
    assert!(doctor.stdout.contains("the salts of the rows manifest") && doctor.stdout.contains("are not here"));
    let items = sandbox.lab(&["show", "corpus", "--items"]).success();
    assert!(items.stdout.contains("#1  (its salt is not here)") && !items.stdout.contains("b.txt"), "{}", items.stdout);
}

#[test]
fn salts_of_another_list_open_nothing_and_are_named() {
    let sandbox = recorded();
    let sound = sandbox.lab(&["audit"]).success();
    assert!(sound.stdout.contains("1 open their salted lists, 0 not here"), "{}", sound.stdout);
    let _ = sandbox.lab(&["doctor"]).success().says("SOUND");
    let items = sandbox.lab(&["show", "corpus", "--items"]).success().says("each behind a salt");
    assert!(items.stdout.contains("#1  b.txt"), "{}", items.stdout);
    let path = files(&sandbox.path("lab/.reproledger/private")).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let audit = sandbox.lab(&["audit"]).code(3);
    assert!(audit.stdout.contains("does not hold the salts of the rows manifest"), "{}", audit.stdout);
    let _ = sandbox.lab(&["doctor"]).code(3).says("LEFT — 1 thing not put right").says("are damaged or another list's");
}

#[test]
fn the_same_corpus_is_unchanged_under_its_salts_and_another_is_not() {
    let sandbox = recorded();
    let again = ["record", "documents", "corpus", "--name", "corpus", "--salted"];
    let _ = sandbox.lab(&again).success().says("unchanged: `corpus` is entry 1 already");
    sandbox.write("lab/corpus/a.txt", "no");
    let _ = sandbox.lab(&again).code(2).complains("with other content");
}

#[test]
fn what_has_no_texts_is_not_salted_and_the_ledger_is_no_artifact() {
    let sandbox = recorded();
    let _ = sandbox
        .lab(&["record", "config", "corpus/a.txt", "--name", "x", "--salted"])
        .code(2)
        .complains("--salted takes documents or a dataset, not a config");
    let _ = sandbox
        .lab(&["record", "other", ".reproledger/private", "--name", "x"])
        .code(2)
        .complains("is the ledger's own");
}
