//! Secret keys at rest: OpenSSH key files, one for each key, in a folder that only their owner can enter.
//!
//! `ssh-keygen` reads them and can change their passphrase. The comment holds the role and the name, as
//! `reproledger:issuer:lab`; because OpenSSH encrypts the comment too, the public half lies beside the key as `NAME.pub`.
//! A key file that others can read, that someone else owns, or that is a link is refused before it is opened for use:
//! whoever could have copied it can sign. Nothing is ever overwritten.
//!
//! Format: <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>

mod error;
mod file;
mod openssh;

pub use error::KeyringError;

use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ssh_key::LineEnding;
use zeroize::Zeroizing;

use crate::capture::keyring::error::io_error;
use crate::capture::keyring::file::{check_owner_only, read_file, read_secret, write_new};
use crate::capture::keyring::openssh::{decrypted, encrypted, key_file, parse_key, public_half, role_of, signing_key};
use crate::capture::open::Shown;
use crate::digest::parse_hex;
use crate::key::{PublicKey, SigningKey};
use crate::statement::Role;

/// An Ed25519 key file has under 1,000 bytes; a larger file is none.
const MAX_KEY_FILE_BYTES: u64 = 16 << 10;

/// Rounds of key derivation that a file may ask for; more would only waste our time.
const MAX_KDF_ROUNDS: u32 = 1024;

/// Longest name of a key.
const MAX_NAME_BYTES: usize = 64;

/// A passphrase, which leaves memory when its owner does.
pub type Passphrase = Zeroizing<String>;

/// What is known of a key without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name in the keyring.
    pub name: String,
    /// What it may sign.
    pub role: Role,
    /// Its public half.
    pub public: PublicKey,
    /// Where it lies.
    pub path: PathBuf,
    /// Whether a passphrase is needed to use it.
    pub protection: Protection,
}

/// How a key file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Anyone who can read the file can sign.
    Plain,
    /// Under a passphrase.
    Encrypted,
}

/// A key, open.
pub struct LoadedKey {
    /// Its name in the keyring.
    pub name: String,
    /// What it may sign.
    pub role: Role,
    /// The key.
    pub key: SigningKey,
}

/// A folder of keys.
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// Opens the folder, which is made if it is not there; its parents are made too.
    pub fn open(folder: &Path) -> Result<Self, KeyringError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| io_error(folder, "made", source))?;
        let metadata = folder.symlink_metadata().map_err(|source| io_error(folder, "examined", source))?;
        if metadata.is_symlink() {
            return Err(KeyringError::Link { path: Shown::of(folder) });
        }
        check_owner_only(folder, &metadata, 0o700)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Makes a key from random bytes.
    pub fn create(&self, name: &str, role: Role, passphrase: Option<&Passphrase>) -> Result<KeyInfo, KeyringError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(KeyringError::Random)?;
        self.add(name, role, &SigningKey::from_seed(*seed), passphrase)
    }

    /// Takes a copy of a key from an OpenSSH private key file, or from a file of 64 hexadecimal digits.
    ///
    /// `opens` is the passphrase of that file, `passphrase` that of the copy.
    pub fn import(
        &self,
        name: &str,
        role: Role,
        from: &Path,
        opens: Option<&Passphrase>,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyInfo, KeyringError> {
        let text = read_secret(from)?;
        let key = if text.starts_with("-----BEGIN") {
            signing_key(&decrypted(parse_key(&text, from)?, from, opens)?, from)?
        } else {
            // The parser's own error would show the seed.
            let seed = parse_hex(text.trim_end()).map(Zeroizing::new);
            SigningKey::from_seed(*seed.map_err(|_| KeyringError::NotASeed { path: Shown::of(from) })?)
        };
        self.add(name, role, &key, passphrase)
    }

    /// Every key, by name. No passphrase is needed.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyringError> {
        let failed = |source| io_error(&self.folder, "listed", source);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".pub"))
                && check_name(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.iter().map(|name| self.info(name)).collect()
    }

    /// What is known of one key without opening it.
    pub fn info(&self, name: &str) -> Result<KeyInfo, KeyringError> {
        let path = self.path(name)?;
        let key = parse_key(&self.read(name, &path)?, &path)?;
        let public_path = public_path(&path);
        let text = read_file(&public_path, None)?;
        let not_a_key = |source| KeyringError::NotAKey { path: Shown::of(&public_path), source };
        let beside = ssh_key::PublicKey::from_openssh(text.trim_end()).map_err(not_a_key)?;
        if beside.key_data() != key.public_key().key_data() {
            return Err(KeyringError::Mismatch { path: Shown::of(&public_path) });
        }
        let public = public_half(key.public_key().key_data(), &path)?;
        let role = role_of(beside.comment(), &public_path)?;
        let protection = if key.is_encrypted() { Protection::Encrypted } else { Protection::Plain };
        Ok(KeyInfo { name: name.to_owned(), role, public, path, protection })
    }

    /// Opens a key for signing.
    pub fn load(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<LoadedKey, KeyringError> {
        let path = self.path(name)?;
        let key = decrypted(parse_key(&self.read(name, &path)?, &path)?, &path, passphrase)?;
        let role = role_of(key.comment(), &path)?;
        Ok(LoadedKey { name: name.to_owned(), role, key: signing_key(&key, &path)? })
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyringError> {
        check_name(name)?;
        Ok(self.folder.join(name))
    }

    fn read(&self, name: &str, path: &Path) -> Result<Zeroizing<String>, KeyringError> {
        match path.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(KeyringError::Missing { name: name.to_owned(), folder: Shown::of(&self.folder) })
            }
            _ => read_secret(path),
        }
    }

    fn add(
        &self,
        name: &str,
        role: Role,
        key: &SigningKey,
        passphrase: Option<&Passphrase>,
    ) -> Result<KeyInfo, KeyringError> {
        let path = self.path(name)?;
        let public = key.public();
        let unwritable = |source| KeyringError::NotAKey { path: Shown::of(&path), source };
        let mut file = key_file(name, role, key).map_err(unwritable)?;
        let public_line = file.public_key().to_openssh().map_err(unwritable)?;
        if let Some(passphrase) = passphrase {
            file = encrypted(&file, passphrase, &path)?;
        }
        let text = file.to_openssh(LineEnding::LF).map_err(unwritable)?;

        // The public half last: a key is listed once both files are whole.
        write_new(name, &path, text.as_bytes())?;
        write_new(name, &public_path(&path), format!("{public_line}\n").as_bytes())?;
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(|source| io_error(&self.folder, "synced", source))?;
        let protection = if passphrase.is_some() { Protection::Encrypted } else { Protection::Plain };
        Ok(KeyInfo { name: name.to_owned(), role, public, path, protection })
    }
}

fn check_name(name: &str) -> Result<(), KeyringError> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // `a.pub` would be taken for the public half of `a`.
    let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(is_legal)
        && !name.starts_with('.')
        && Path::new(name).extension().is_none_or(|extension| extension != "pub");
    if is_name { Ok(()) } else { Err(KeyringError::Name { name: name.to_owned() }) }
}

fn public_path(path: &Path) -> PathBuf {
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    public.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::process::Command;

    use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
    use ssh_key::public::Ed25519PublicKey;
    use ssh_key::{Cipher, Kdf, PrivateKey};

    use super::*;
    use crate::digest::hex;

    struct Scratch {
        folder: tempfile::TempDir,
        keys: Keyring,
    }

    impl Scratch {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let keys = Keyring::open(&folder.path().join("config/keys")).unwrap();
            Self { folder, keys }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.keys.folder.join(name)
        }

        fn secret(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            path
        }
    }

    fn phrase(text: &str) -> Passphrase {
        Zeroizing::new(text.to_owned())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    /// `None` where there is no ssh-keygen.
    fn ssh_keygen(args: &[&str]) -> Option<std::process::Output> {
        Command::new("ssh-keygen").args(args).output().ok()
    }

    #[test]
    fn a_key_comes_back_as_it_was_made_plain_or_under_a_passphrase() {
        let scratch = Scratch::new();
        let secret = phrase("correct horse");
        let log = scratch.keys.create("log", Role::Log, None).unwrap();
        let lab = scratch.keys.create("lab.2", Role::Issuer, Some(&secret)).unwrap();
        assert_ne!(log.public, lab.public);
        assert_eq!((log.protection, lab.protection), (Protection::Plain, Protection::Encrypted));

        let loaded = scratch.keys.load("log", None).unwrap();
        assert_eq!((loaded.role, loaded.key.public()), (Role::Log, log.public));
        let loaded = scratch.keys.load("lab.2", Some(&secret)).unwrap();
        assert_eq!((loaded.name.as_str(), loaded.role, loaded.key.public()), ("lab.2", Role::Issuer, lab.public));
        assert_eq!(scratch.keys.list().unwrap(), [lab.clone(), log]);
        assert_eq!(Keyring::open(&scratch.keys.folder).unwrap().info("lab.2").unwrap(), lab);

        assert_eq!(mode(&scratch.keys.folder), 0o700);
        for file in ["log", "log.pub", "lab.2", "lab.2.pub"] {
            assert_eq!(mode(&scratch.at(file)), 0o600, "{file}");
        }
        let text = fs::read_to_string(scratch.at("lab.2")).unwrap();
        assert!(!text.contains(&hex(loaded.key.seed().as_slice())));
    }

    #[test]
    fn a_passphrase_is_needed_and_must_be_the_right_one() {
        let scratch = Scratch::new();
        scratch.keys.create("lab", Role::Issuer, Some(&phrase("right"))).unwrap();
        assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::NeedsPassphrase { .. })));
        assert!(matches!(scratch.keys.load("lab", Some(&phrase("wrong"))), Err(KeyringError::WrongPassphrase { .. })));
        let empty = scratch.keys.create("x", Role::Issuer, Some(&phrase("")));
        assert!(matches!(empty, Err(KeyringError::EmptyPassphrase)));
        assert!(!scratch.at("x").exists());
    }

    #[test]
    fn openssh_reads_our_files_and_we_read_its() {
        let scratch = Scratch::new();
        let made = scratch.keys.create("plain", Role::Log, None).unwrap();
        scratch.keys.create("locked", Role::Issuer, Some(&phrase("pass word"))).unwrap();
        let path = |name: &str| scratch.at(name).to_str().unwrap().to_owned();
        let Some(read) = ssh_keygen(&["-y", "-f", &path("plain")]) else { return };
        let line = fs::read_to_string(scratch.at("plain.pub")).unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), line.trim());
        let read = ssh_keygen(&["-y", "-P", "pass word", "-f", &path("locked")]).unwrap();
        let line = fs::read_to_string(scratch.at("locked.pub")).unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap().trim(), line.trim());
        assert!(!ssh_keygen(&["-y", "-P", "wrong", "-f", &path("locked")]).unwrap().status.success());

        let theirs = scratch.folder.path().join("theirs");
        let theirs_text = theirs.to_str().unwrap();
        assert!(ssh_keygen(&["-q", "-t", "ed25519", "-N", "open it", "-f", theirs_text]).unwrap().status.success());
        let opens = phrase("open it");
        let info = scratch.keys.import("theirs", Role::Reviewer, &theirs, Some(&opens), None).unwrap();
        assert_eq!(scratch.keys.load("theirs", None).unwrap().key.public(), info.public);
        assert_ne!(info.public, made.public);
        let ecdsa = scratch.folder.path().join("ecdsa");
        let ecdsa_text = ecdsa.to_str().unwrap();
        assert!(ssh_keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", ecdsa_text]).unwrap().status.success());
        let error = scratch.keys.import("ecdsa", Role::Log, &ecdsa, None, None).unwrap_err();
        assert!(error.to_string().contains("`ssh-ed25519`"), "{error}");
    }

    #[test]
    fn a_seed_in_hex_is_taken_and_an_error_never_shows_it() {
        let scratch = Scratch::new();
        let path = scratch.secret("seed", &format!("{}\n", hex(&[7; 32])));
        let info = scratch.keys.import("seed", Role::Log, &path, None, Some(&phrase("p"))).unwrap();
        assert_eq!(info.public, SigningKey::from_seed([7; 32]).public());
        for text in [format!("{}0", hex(&[7; 32])), hex(&[7; 31]), hex(&[0xab; 32]).to_uppercase()] {
            let path = scratch.secret("bad", &text);
            let error = scratch.keys.import("bad", Role::Log, &path, None, None).unwrap_err();
            assert!(matches!(error, KeyringError::NotASeed { .. }));
            assert!(!format!("{error} {error:?}").contains(&text[..20]));
        }
    }

    #[test]
    fn a_key_that_others_could_have_copied_is_refused() {
        let scratch = Scratch::new();
        scratch.keys.create("lab", Role::Issuer, None).unwrap();
        let path = scratch.at("lab");
        for open in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            let text = scratch.keys.load("lab", None).err().unwrap().to_string();
            let shown = path.display();
            let expected = format!("`{shown}` has mode {open:04o}: others can reach the key; run `chmod 600 {shown}`");
            assert_eq!(text, expected);
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(scratch.keys.load("lab", None).is_ok());

        fs::rename(&path, scratch.at("elsewhere")).unwrap();
        symlink("elsewhere", &path).unwrap();
        assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::Link { .. })));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::NotAFile { .. })));
        fs::remove_dir(&path).unwrap();
        fs::rename(scratch.at("elsewhere"), &path).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(12_345), None).unwrap();
            let found = scratch.keys.load("lab", None).err();
            assert!(matches!(found, Some(KeyringError::Owner { expected: 0, found: 12_345, .. })));
        }

        fs::set_permissions(&scratch.keys.folder, Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(Keyring::open(&scratch.keys.folder), Err(KeyringError::Permissions { expected: 0o700, .. })));
        fs::set_permissions(&scratch.keys.folder, Permissions::from_mode(0o700)).unwrap();
        let link = scratch.folder.path().join("link");
        symlink(&scratch.keys.folder, &link).unwrap();
        assert!(matches!(Keyring::open(&link), Err(KeyringError::Link { .. })));
    }

    #[test]
    fn nothing_is_overwritten_and_no_name_leads_out_of_the_folder() {
        let scratch = Scratch::new();
        let made = scratch.keys.create("lab", Role::Issuer, None).unwrap();
        let again = scratch.keys.create("lab", Role::Log, None).unwrap_err();
        assert_eq!(again.to_string(), "there is a key `lab` already; keys are never overwritten");
        assert_eq!(scratch.keys.load("lab", None).unwrap().key.public(), made.public);
        assert!(matches!(scratch.keys.load("none", None), Err(KeyringError::Missing { .. })));
        for name in ["", ".", "..", "../x", "a/b", ".hidden", "a b", "a\0", "é", "lab.pub", &"x".repeat(65)] {
            assert!(matches!(scratch.keys.create(name, Role::Log, None), Err(KeyringError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let scratch = Scratch::new();
        scratch.keys.create("a", Role::Log, None).unwrap();
        scratch.keys.create("b", Role::Log, None).unwrap();
        fs::copy(scratch.at("a.pub"), scratch.at("b.pub")).unwrap();
        assert!(matches!(scratch.keys.info("b"), Err(KeyringError::Mismatch { .. })));

        // A private half under another key's public half.
        let pair = |public: [u8; 32], seed: [u8; 32]| {
            let private = Ed25519PrivateKey::from_bytes(&seed);
            let pair = Ed25519Keypair { public: Ed25519PublicKey(public), private };
            PrivateKey::new(KeypairData::Ed25519(pair), "reproledger:log:x").unwrap()
        };
        let other = SigningKey::from_seed([2; 32]).public();
        let path = scratch.secret("mixed", "");
        let mixed = signing_key(&pair(*other.as_bytes(), [1; 32]), &path);
        assert!(matches!(mixed, Err(KeyringError::Mismatch { .. })));
        assert!(signing_key(&pair(*other.as_bytes(), [2; 32]), &path).is_ok());
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let scratch = Scratch::new();
        scratch.keys.create("lab", Role::Issuer, None).unwrap();
        for text in ["", "x", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"] {
            fs::write(scratch.at("lab"), text).unwrap();
            assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::NotAKey { .. })), "{text}");
        }
        fs::write(scratch.at("lab"), "x".repeat(20_000)).unwrap();
        assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::TooLarge { .. })));

        let foreign = SigningKey::from_seed([3; 32]);
        let pair = Ed25519Keypair {
            public: Ed25519PublicKey(*foreign.public().as_bytes()),
            private: Ed25519PrivateKey::from_bytes(&foreign.seed()),
        };
        let key = PrivateKey::new(KeypairData::Ed25519(pair), "someone@host").unwrap();
        fs::write(scratch.at("lab"), key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        assert!(matches!(scratch.keys.load("lab", None), Err(KeyringError::Comment { .. })));

        let kdf = Kdf::Bcrypt { salt: vec![0; 16], rounds: 1 };
        let mut slow = key.encrypt_with(Cipher::Aes256Ctr, kdf, 1, "p").unwrap().to_bytes().unwrap();
        let at = slow.windows(4).rposition(|bytes| bytes == [0, 0, 0, 1]);
        let rounds = slow.windows(8).position(|bytes| bytes == [0, 0, 0, 1, 0, 0, 0, 1]);
        let start = rounds.or(at).unwrap();
        slow[start..start + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        let slow = PrivateKey::from_bytes(&slow).unwrap().to_openssh(LineEnding::LF).unwrap();
        let path = scratch.secret("slow", &slow);
        let error = scratch.keys.import("slow", Role::Log, &path, Some(&phrase("p")), None).unwrap_err();
        assert!(matches!(error, KeyringError::Rounds { found: u32::MAX, .. }), "{error}");
    }
}
