//! OpenSSL as an outside reader: it takes our PEM keys and accepts our signatures.

use std::path::Path;
use std::process::Command;

use reproledger::key::SigningKey;

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    let output = output.expect("these tests need the `openssl` command");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn openssl_reads_our_keys_and_verifies_our_signatures() {
    if !super::data_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let key = SigningKey::from_seed([11; 32]);
    let pem = key.public().to_pem();
    write("key.pem", pem.as_bytes());
    write("text", b"what was signed");
    write("signature", &key.sign(b"what was signed").0);
    assert_eq!(openssl(folder.path(), &["pkey", "-pubin", "-in", "key.pem"]), (true, pem));
    let verify =
        ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text", "-sigfile", "signature"];
    assert!(openssl(folder.path(), &verify).0);
    write("text", b"what was not signed");
    assert!(!openssl(folder.path(), &verify).0);
}
