//! `key add` and `key revoke`: which keys a ledger takes, said in entries of its own.
//!
//! What an entry says of keys can never be taken back, so everything that would make a verifier refuse it is checked
//! under the writer's lock before it is written: with the same rules that the verifier has.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::{Keyring, info, keyring, thumbprint};
use crate::capture::keyring::KeyInfo;
use crate::cli::keys::PassphraseArgs;
use crate::cli::open::{Reading, from_journal, say};
use crate::cli::survey::{Keys, each, readable};
use crate::cli::{Context, Failure, Outcome};
use crate::digest::Thumbprint;
use crate::journal::{Appended, Journal, Settings};
use crate::key::PublicKey;
use crate::merkle::EntryIndex;
use crate::statement::Role;
use crate::verify::KeySet;

/// Enrol a key of this machine in the ledger
///
/// To change the key that signs entries: add the new one, then revoke the old one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  reproledger key new lab-2 --role issuer && reproledger key add lab-2 && reproledger key revoke lab-1"
)]
pub(super) struct Add {
    /// Which key
    name: String,
}

/// Revoke a key in the ledger: it signs nothing from here on
///
/// Where it is the key that signs entries here, another enrolled issuer key of this machine takes over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  reproledger key revoke lab-1 --compromised-since 120")]
pub(super) struct Revoke {
    /// Which key: its name here, or its thumbprint
    #[arg(value_name = "NAME|THUMBPRINT")]
    key: String,
    /// First entry that was not its owner's: claims that rest on its entries from there on fail
    #[arg(long, value_name = "ENTRY")]
    compromised_since: Option<u64>,
    /// Key that signs entries from now on, where more than one could
    #[arg(long = "use", value_name = "NAME")]
    successor: Option<String>,
}

/// The keys of the ledger as of its newest entry.
fn key_set(context: &Context) -> Result<KeySet, Failure> {
    let reading = Reading::open(context)?;
    let mut keys: Option<Keys> = None;
    each(&reading.ledger, EntryIndex(0), |index, _, entry| {
        let entry = readable(index, entry)?;
        match &mut keys {
            None => keys = Some(Keys::open(&entry)?.1),
            Some(keys) => keys.take(index, &entry),
        }
        Ok(())
    })?;
    let keys = keys.ok_or_else(|| Failure::new("the ledger has no entry 0"))?;
    match keys.lost() {
        Some(reason) => {
            Err(Failure::new(reason).contradicted().hint("see everything that is wrong: reproledger audit"))
        }
        None => Ok(keys.set().clone()),
    }
}

impl Add {
    pub(super) fn run(self, context: &Context, passphrase: &PassphraseArgs) -> Outcome {
        let info = info(context, &self.name)?;
        if info.role == Role::Log {
            return Err(Failure::new("the log key is the ledger's identity and never changes")
                .hint("to sign heads with another key, begin a new ledger: reproledger init"));
        }
        // Both are asked for before the lock is taken: a person may take their time.
        let new = passphrase.open(context, &self.name)?;
        let (mut journal, settings) = crate::cli::open::journal(context, passphrase)?;
        let set = key_set(context)?;
        check_signer(&set, context, &settings)?;
        if set.active().any(|(_, key)| *key == info.public) {
            return Err(Failure::new(format!("key `{}` is enrolled already", self.name)));
        }
        if let Some(revocation) = set.revoked().get(&info.public.thumbprint()) {
            return Err(Failure::new(format!(
                "key `{}` was revoked by entry {} and cannot come back",
                self.name, revocation.by
            ))
            .hint(format!("make another: reproledger key new NAME --role {}", info.role)));
        }
        let appended = journal.add_key(info.role, &new, context.now_ms() / 1000).map_err(from_journal)?;
        finish(context, journal)?;
        context.print(&format!(
            "entry {}  enrolled `{}`  {}  {}\n",
            index(&appended),
            self.name,
            info.role,
            thumbprint(&info.public)
        ))?;
        if info.role == Role::Issuer {
            context.remark(&format!(
                "hint: entries are still signed with `{old}`; to change over: reproledger key revoke {old}",
                old = settings.keys.issuer
            ));
        }
        Ok(0)
    }
}

impl Revoke {
    pub(super) fn run(self, context: &Context, passphrase: &PassphraseArgs) -> Outcome {
        let directory = context.ledger_dir()?;
        let mut settings = Settings::load(&directory)?;
        let set = key_set(context)?;
        let (role, key) = self.target(context, &set)?;
        let current = info(context, &settings.keys.issuer).map(|info| info.public);
        // Signed by the key that stays, so that a lost or stolen key is not needed to end it.
        let changes_over = current.as_ref().ok() == Some(&key) || current.is_err();
        if changes_over {
            settings.keys.issuer = self.successor(context, &set, &key)?.name;
        } else if self.successor.is_some() {
            return Err(Failure::new(format!(
                "`{}` signs entries here and is not the key that is revoked: --use has nothing to choose",
                settings.keys.issuer
            )));
        }
        let log_key = passphrase.open(context, &settings.keys.log)?;
        let issuer_key = passphrase.open(context, &settings.keys.issuer)?;
        let (mut journal, notices) =
            Journal::open(&directory, context.state_dir(), &settings, log_key, issuer_key).map_err(from_journal)?;
        say(context, &notices);
        // Again, now that nobody else can write.
        let set = key_set(context)?;
        check_signer(&set, context, &settings)?;
        let since = self.compromised_since.map(EntryIndex);
        check_revocation(&set, role, &key, since, journal.next_index())?;
        if changes_over {
            // Before the entry: a crash between the two leaves a signer that is enrolled either way.
            replace_settings(&directory, &settings)?;
        }
        let appended = journal.revoke_key(key, since, context.now_ms() / 1000).map_err(from_journal)?;
        finish(context, journal)?;
        context.print(&format!("entry {}  revoked {role} key {}\n", index(&appended), thumbprint(&key)))?;
        if changes_over {
            context.remark(&format!("note: entries are signed with `{}` from now on", settings.keys.issuer));
        }
        Ok(0)
    }

    /// The enrolled key that is meant.
    fn target(&self, context: &Context, set: &KeySet) -> Result<(Role, PublicKey), Failure> {
        let digits = self.key.strip_prefix("sha256:").unwrap_or(&self.key);
        let wanted = match digits.parse::<Thumbprint>() {
            Ok(thumbprint) => thumbprint,
            Err(_) => info(context, &self.key)?.public.thumbprint(),
        };
        if let Some(revocation) = set.revoked().get(&wanted) {
            return Err(Failure::new(format!("key sha256:{wanted} was revoked by entry {} already", revocation.by)));
        }
        let found = set.active().find(|(_, key)| key.thumbprint() == wanted);
        found.map(|(role, key)| (role, *key)).ok_or_else(|| {
            Failure::new(format!("key sha256:{wanted} is not enrolled in this ledger"))
                .hint("see which keys are: reproledger status")
        })
    }

    /// The key that signs entries once `ended` is revoked.
    fn successor(&self, context: &Context, set: &KeySet, ended: &PublicKey) -> Result<KeyInfo, Failure> {
        let is_enrolled = |info: &KeyInfo| {
            info.public != *ended && set.active().any(|(role, key)| role == Role::Issuer && *key == info.public)
        };
        if let Some(name) = &self.successor {
            let info = info(context, name)?;
            return if is_enrolled(&info) {
                Ok(info)
            } else {
                Err(Failure::new(format!("`{name}` is not another enrolled issuer key"))
                    .hint(format!("enrol it first: reproledger key add {name}")))
            };
        }
        choose(&keyring(context)?, is_enrolled)
    }
}

fn choose(keyring: &Keyring, is_enrolled: impl Fn(&KeyInfo) -> bool) -> Result<KeyInfo, Failure> {
    let mut candidates: Vec<KeyInfo> = keyring.list()?.into_iter().filter(is_enrolled).collect();
    match (candidates.pop(), candidates.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(Failure::new("no other enrolled issuer key is on this machine to sign entries from then on")
            .hint("reproledger key new NAME --role issuer, then reproledger key add NAME")),
        (Some(last), others) => {
            let names: Vec<_> = others.iter().chain([&last]).map(|info| format!("`{}`", info.name)).collect();
            Err(Failure::new(format!("more than one key could sign entries from then on: {}", names.join(", ")))
                .hint("choose one with --use NAME"))
        }
    }
}

/// The key that is about to sign must be one that the ledger takes.
fn check_signer(set: &KeySet, context: &Context, settings: &Settings) -> Result<(), Failure> {
    let name = &settings.keys.issuer;
    let public = info(context, name)?.public;
    if set.active().any(|(role, key)| role == Role::Issuer && *key == public) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{name}`, which `ledger.toml` names, is not an issuer key of this ledger: nothing was signed"
    ))
    .hint("name an enrolled key under [keys] in ledger.toml; see them: reproledger status"))
}

/// What a verifier would refuse in a revocation.
fn check_revocation(
    set: &KeySet,
    role: Role,
    key: &PublicKey,
    since: Option<EntryIndex>,
    next: EntryIndex,
) -> Result<(), Failure> {
    if !set.active().any(|(_, active)| active == key) {
        return Err(Failure::new(format!("key {} is not enrolled any more", thumbprint(key))));
    }
    if role == Role::Issuer && !set.active().any(|(other, active)| other == Role::Issuer && active != key) {
        return Err(Failure::new("this would leave no key to sign entries")
            .hint("add the new key first: reproledger key add NAME"));
    }
    if let Some(since) = since.filter(|since| *since >= next) {
        return Err(Failure::new(format!("there is no entry {since}: the ledger has {next}")));
    }
    Ok(())
}

fn index(appended: &Appended) -> EntryIndex {
    appended.indexes.first().copied().unwrap_or_default()
}

fn finish(context: &Context, journal: Journal) -> Result<(), Failure> {
    say(context, &journal.take_notices());
    journal.close().map_err(from_journal)
}

/// Replaces `ledger.toml` whole: under no circumstances is there half of one.
fn replace_settings(directory: &Path, settings: &Settings) -> Result<(), Failure> {
    let path = Settings::path(directory);
    let temporary = path.with_extension("toml.tmp");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.write_all(settings.to_text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::digest::LedgerId;
    use crate::key::{KeyName, NoteKind, SigningKey, VerifierKey};
    use crate::statement::Genesis;

    fn key(seed: u8) -> PublicKey {
        SigningKey::from_seed([seed; 32]).public()
    }

    fn set(keys: &[(Role, u8)]) -> KeySet {
        let keys = keys.iter().map(|(role, seed)| (*role, key(*seed))).collect();
        let genesis = Genesis { origin: "lab.example".to_owned(), log_key: key(9), keys, nonce: [0; 16] };
        KeySet::new(LedgerId::from_bytes([1; 32]), &genesis)
    }

    #[test]
    fn what_a_verifier_would_refuse_is_never_written() {
        let (one, two) = (set(&[(Role::Issuer, 1)]), set(&[(Role::Issuer, 1), (Role::Issuer, 2)]));
        let next = EntryIndex(5);
        assert!(check_revocation(&one, Role::Issuer, &key(1), None, next).is_err());
        assert!(check_revocation(&two, Role::Issuer, &key(3), None, next).is_err());
        assert!(check_revocation(&two, Role::Issuer, &key(1), Some(EntryIndex(5)), next).is_err());
        assert!(check_revocation(&two, Role::Issuer, &key(1), Some(EntryIndex(4)), next).is_ok());
        let with_reviewer = set(&[(Role::Issuer, 1), (Role::Reviewer, 2)]);
        assert!(check_revocation(&with_reviewer, Role::Issuer, &key(1), None, next).is_err());
        assert!(check_revocation(&with_reviewer, Role::Reviewer, &key(2), None, next).is_ok());
    }

    #[test]
    fn the_settings_are_replaced_whole_and_keep_everything_else() {
        let dir = tempfile::tempdir().unwrap();
        let log = VerifierKey { name: KeyName::parse("lab.example").unwrap(), kind: NoteKind::Ed25519, key: key(9) };
        let mut settings =
            Settings::new(LedgerId::from_bytes([1; 32]), "lab.example", "https://lab.example", &log, ("log", "old"));
        std::fs::write(Settings::path(dir.path()), settings.to_text()).unwrap();
        "new".clone_into(&mut settings.keys.issuer);
        replace_settings(dir.path(), &settings).unwrap();
        assert_eq!(Settings::load(dir.path()).unwrap(), settings);
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_successor_is_chosen_only_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(&folder.path().join("keys")).unwrap();
        keyring.create("a", Role::Issuer, None).unwrap();
        keyring.create("b", Role::Issuer, None).unwrap();
        assert_eq!(choose(&keyring, |info| info.name == "a").unwrap().name, "a");
        assert!(choose(&keyring, |_| true).unwrap_err().to_string().contains("`a`, `b`"));
        assert!(choose(&keyring, |_| false).is_err());
    }
}
