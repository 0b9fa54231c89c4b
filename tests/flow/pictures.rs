//! Pictures of claims: what `verify --svg` draws of the shipped study is what ships beside it, to the byte.

use std::path::{Path, PathBuf};

use crate::support::Sandbox;

fn study() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msm-mini")
}

/// The shipped evidence files.
fn shipped() -> Vec<PathBuf> {
    let files = std::fs::read_dir(study()).unwrap().map(|entry| entry.unwrap().path());
    let mut evidence: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "evidence")).collect();
    evidence.sort();
    evidence
}

#[test]
fn the_shipped_pictures_are_what_verify_draws_of_the_shipped_evidence() {
    let sandbox = Sandbox::new();
    let trust = study().join("trust.policy");
    let evidence = shipped();
    assert_eq!(evidence.len(), 2, "{evidence:?}");
    for (number, evidence) in evidence.iter().enumerate() {
        let draw = |name: String| {
            let arguments = ["verify".as_ref(), evidence.as_os_str(), "--trust".as_ref(), trust.as_os_str()];
            let picture = sandbox.path("elsewhere").join(&name);
            let arguments = [&arguments[..], &["--svg".as_ref(), picture.as_os_str()]].concat();
            let _ = sandbox.elsewhere(&arguments).success();
            std::fs::read_to_string(picture).unwrap()
        };
        let drawn = draw(format!("{number}.svg"));
        assert_eq!(drawn, draw(format!("{number}-again.svg")), "the same evidence, the same bytes");
        let beside = evidence.with_extension("svg");
        if std::env::var_os("REPROLEDGER_BLESS").is_some() {
            std::fs::write(&beside, &drawn).unwrap();
        }
        let shipped = std::fs::read_to_string(&beside).unwrap_or_default();
        assert!(shipped == drawn, "{} is another picture: REPROLEDGER_BLESS=1 writes it anew", beside.display());
    }
}

#[test]
fn a_picture_is_never_written_over_another_file_nor_of_what_was_not_verified() {
    let sandbox = Sandbox::new();
    let mut bytes = std::fs::read(&shipped()[0]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let evidence = sandbox.write("elsewhere/changed.evidence", &bytes);
    let refused = sandbox.elsewhere(&["verify", "changed.evidence", "--svg", "changed.svg"]);
    assert_ne!(refused.exit_code(), Some(0));
    assert!(refused.stderr.contains("no picture was written: there is no number to draw"), "{}", refused.stderr);
    assert!(!sandbox.path("elsewhere/changed.svg").exists());
    let refused = sandbox.elsewhere(&["verify", "changed.evidence", "--svg", "changed.evidence"]).code(2);
    assert!(refused.stderr.contains("`changed.evidence` is there already"), "{}", refused.stderr);
    assert_eq!(std::fs::read(evidence).unwrap(), bytes);
}
