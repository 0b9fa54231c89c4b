//! What is in an OpenSSH key file: the key, its passphrase, and the comment that holds role and name.

use std::path::Path;

use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Cipher, Kdf, PrivateKey};
use zeroize::Zeroizing;

use crate::capture::keyring::error::KeyringError;
use crate::capture::keyring::{MAX_KDF_ROUNDS, Passphrase};
use crate::capture::open::Shown;
use crate::key::{PublicKey, SigningKey};
use crate::statement::Role;

/// About half a second for each guess at a passphrase; OpenSSH's own default is 24.
const KDF_ROUNDS: u32 = 32;

const COMMENT_PREFIX: &str = "reproledger";

/// The key file of a key, not yet under a passphrase; the comment holds its role and name.
pub(super) fn key_file(name: &str, role: Role, key: &SigningKey) -> ssh_key::Result<PrivateKey> {
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(*key.public().as_bytes()),
        private: Ed25519PrivateKey::from_bytes(&key.seed()),
    };
    PrivateKey::new(KeypairData::Ed25519(pair), format!("{COMMENT_PREFIX}:{}:{name}", role.name()))
}

pub(super) fn role_of(comment: &str, path: &Path) -> Result<Role, KeyringError> {
    let mut parts = comment.splitn(3, ':');
    let role = match (parts.next(), parts.next(), parts.next()) {
        (Some(COMMENT_PREFIX), Some(role), Some(_)) => Role::from_name(role),
        _ => None,
    };
    role.ok_or_else(|| KeyringError::Comment { path: Shown::of(path), found: comment.to_owned() })
}

pub(super) fn parse_key(text: &str, path: &Path) -> Result<PrivateKey, KeyringError> {
    let key =
        PrivateKey::from_openssh(text).map_err(|source| KeyringError::NotAKey { path: Shown::of(path), source })?;
    match key.kdf() {
        Kdf::Bcrypt { rounds, .. } if *rounds > MAX_KDF_ROUNDS => {
            Err(KeyringError::Rounds { path: Shown::of(path), found: *rounds })
        }
        _ => Ok(key),
    }
}

pub(super) fn encrypted(key: &PrivateKey, passphrase: &Passphrase, path: &Path) -> Result<PrivateKey, KeyringError> {
    if passphrase.is_empty() {
        return Err(KeyringError::EmptyPassphrase);
    }
    let mut salt = vec![0; 16];
    let mut check = [0; 4];
    getrandom::fill(&mut salt).map_err(KeyringError::Random)?;
    getrandom::fill(&mut check).map_err(KeyringError::Random)?;
    let kdf = Kdf::Bcrypt { salt, rounds: KDF_ROUNDS };
    key.encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_be_bytes(check), passphrase.as_bytes())
        .map_err(|source| KeyringError::NotAKey { path: Shown::of(path), source })
}

pub(super) fn decrypted(
    key: PrivateKey,
    path: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<PrivateKey, KeyringError> {
    if !key.is_encrypted() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or_else(|| KeyringError::NeedsPassphrase { path: Shown::of(path) })?;
    // The cipher is not authenticated: a wrong passphrase shows in the check number, the padding or the public half.
    key.decrypt(passphrase.as_bytes()).map_err(|_| KeyringError::WrongPassphrase { path: Shown::of(path) })
}

pub(super) fn public_half(data: &KeyData, path: &Path) -> Result<PublicKey, KeyringError> {
    let wrong = || KeyringError::KeyType { path: Shown::of(path), found: data.algorithm().to_string() };
    let bytes = data.ed25519().ok_or_else(wrong)?;
    PublicKey::parse(&bytes.0).map_err(|_| KeyringError::Mismatch { path: Shown::of(path) })
}

/// Derives the public half again: a file whose halves do not belong together would leak the key at its first signature
/// in a library that trusted it.
pub(super) fn signing_key(key: &PrivateKey, path: &Path) -> Result<SigningKey, KeyringError> {
    let public = public_half(key.public_key().key_data(), path)?;
    let wrong = || KeyringError::KeyType { path: Shown::of(path), found: key.algorithm().to_string() };
    let pair = key.key_data().ed25519().ok_or_else(wrong)?;
    let signing = SigningKey::from_seed(*Zeroizing::new(pair.private.to_bytes()));
    if signing.public() == public && pair.public.0 == *public.as_bytes() {
        Ok(signing)
    } else {
        Err(KeyringError::Mismatch { path: Shown::of(path) })
    }
}
