//! Why a key was not kept or found.

use std::io;
use std::path::Path;

use crate::capture::keyring::{MAX_KDF_ROUNDS, MAX_KEY_FILE_BYTES};
use crate::capture::open::Shown;

/// Why a key was not kept or found.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum KeyringError {
    #[error(
        "`{}` is not a name for a key, expected up to 64 letters, digits, `-`, `_` and `.`, not starting with `.`",
        .name.escape_debug()
    )]
    Name { name: String },
    #[error("there is no key `{name}` in `{folder}`")]
    Missing { name: String, folder: Shown },
    #[error("there is a key `{name}` already; keys are never overwritten")]
    Exists { name: String },
    #[error("`{path}` is a link, and a key must lie where it is looked for")]
    Link { path: Shown },
    #[error("`{path}` is not a regular file")]
    NotAFile { path: Shown },
    #[error("`{path}` belongs to user {found}, expected {expected}")]
    Owner { path: Shown, expected: u32, found: u32 },
    #[error("`{path}` has mode {found:04o}: others can reach the key; run `chmod {expected:o} {path}`")]
    Permissions { path: Shown, expected: u32, found: u32 },
    #[error("`{path}` has more than {MAX_KEY_FILE_BYTES} bytes, which no key file has")]
    TooLarge { path: Shown },
    #[error("`{path}` is not an OpenSSH private key file of type `ssh-ed25519`")]
    NotAKey {
        path: Shown,
        #[source]
        source: ssh_key::Error,
    },
    #[error("`{path}` is neither an OpenSSH private key file nor 64 hexadecimal digits of a seed")]
    NotASeed { path: Shown },
    #[error("`{path}` holds a key of type `{found}`, expected `ssh-ed25519`")]
    KeyType { path: Shown, found: String },
    #[error("the public half in `{path}` does not belong to the private one")]
    Mismatch { path: Shown },
    #[error("`{path}` is encrypted and needs a passphrase")]
    NeedsPassphrase { path: Shown },
    #[error("the passphrase does not open `{path}`")]
    WrongPassphrase { path: Shown },
    #[error("a passphrase is given and it is empty")]
    EmptyPassphrase,
    #[error("`{path}` asks for {found} rounds of key derivation, the limit is {MAX_KDF_ROUNDS}")]
    Rounds { path: Shown, found: u32 },
    #[error("`{path}` does not say its role: expected the comment `reproledger:ROLE:NAME`, found `{}`", .found.escape_debug())]
    Comment { path: Shown, found: String },
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    #[error("`{path}` cannot be {action}")]
    Io {
        path: Shown,
        action: &'static str,
        #[source]
        source: io::Error,
    },
}

pub(super) fn io_error(path: &Path, action: &'static str, source: io::Error) -> KeyringError {
    KeyringError::Io { path: Shown::of(path), action, source }
}
