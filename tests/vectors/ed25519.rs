//! Ed25519: CCTV (914 edge cases), Wycheproof (151) and "Taming the many EdDSAs" (12).

use reproledger::key::{PublicKey, Signature};

use super::{exactly, json, json_files, list, text, unhex};

/// The one acceptance rule, from bytes: key, message, signature.
fn accepts(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Some(key), Some(signature)) = (exactly(key), exactly(signature)) else { return false };
    PublicKey::parse(&key).is_ok_and(|key| key.verify(message, &Signature(signature)).is_ok())
}

#[test]
fn exactly_one_of_the_cctv_edge_cases_is_accepted() {
    if !super::data_is_there() {
        return;
    }
    let (mut seen, mut accepted) = (0, Vec::new());
    for (_, file) in json_files("ed25519-cctv") {
        for case in list(&file) {
            seen += 1;
            let message = text(&case["msg"]).as_bytes();
            if accepts(&unhex(text(&case["key"])), message, &unhex(text(&case["sig"]))) {
                accepted.push((case["number"].as_u64().unwrap(), case["flags"].clone()));
            }
        }
    }
    assert_eq!(seen, 914);
    // The one case without a flag: an honest key and an honest signature.
    assert_eq!(accepted.len(), 1, "{accepted:?}");
    assert!(accepted[0].1.as_array().is_none_or(Vec::is_empty), "{accepted:?}");
}

#[test]
fn wycheproof_agrees_on_every_case() {
    if !super::data_is_there() {
        return;
    }
    let (mut valid, mut invalid) = (0, 0);
    let file = json("wycheproof/testvectors_v1/ed25519_test.json");
    for group in list(&file["testGroups"]) {
        let key = unhex(text(&group["publicKey"]["pk"]));
        let pem = PublicKey::parse_pem(text(&group["publicKeyPem"])).unwrap();
        assert_eq!(pem.as_bytes(), key.as_slice());
        assert_eq!(pem.to_pem(), text(&group["publicKeyPem"]));
        for case in list(&group["tests"]) {
            let found = accepts(&key, &unhex(text(&case["msg"])), &unhex(text(&case["sig"])));
            match text(&case["result"]) {
                "valid" => valid += 1,
                "invalid" => invalid += 1,
                other => panic!("unknown result {other}"),
            }
            assert_eq!(found, case["result"] == "valid", "{case}");
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

#[test]
fn no_speccheck_case_is_accepted() {
    if !super::data_is_there() {
        return;
    }
    let file = json("ed25519-speccheck/cases.json");
    let accepted: Vec<bool> = list(&file)
        .iter()
        .map(|case| {
            let part = |name: &str| unhex(text(&case[name]));
            accepts(&part("pub_key"), &part("message"), &part("signature"))
        })
        .collect();
    // Frozen. Case 3, which `verify_strict` alone accepts, has a key with a torsion component.
    assert_eq!(accepted, [false; 12]);
}
