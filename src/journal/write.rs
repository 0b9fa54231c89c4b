//! Drafts become entries: bodies and manifests first, then one signed, synced commit.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::digest::{Digest, LedgerId, Salt, Thumbprint};
use crate::journal::tail::Tail;
use crate::journal::{Draft, Settings, SettingsError};
use crate::key::{KeyNameError, SigningKey};
use crate::ledger::{AppendError, LedgerError, Notice, Objects, Writer, read_genesis, verifier_key};
use crate::merkle::{EntryIndex, Origin, SignedHead};
use crate::statement::plain::PlainError;
use crate::statement::{Claims, Entry, EntryError, Genesis, KeyChange, Kind, Payload, Role, possession_message};
use crate::verify::Reject;

/// Why a statement did not become an entry.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The ledger on disk.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The settings beside it.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An entry on disk that is none.
    #[error("entry {index} of the ledger cannot be read")]
    Entry {
        /// Which.
        index: EntryIndex,
        /// Why not.
        #[source]
        source: EntryError,
    },
    /// A statement that no entry can hold.
    #[error("the statement cannot be signed")]
    Sign(#[source] EntryError),
    /// A body that cannot be written.
    #[error("the statement's body cannot be written")]
    Body(#[from] PlainError),
    /// No randomness for salts and nonces.
    #[error("the operating system gives no random bytes: {0}")]
    Random(String),
    /// A name that a log cannot have.
    #[error("`{name}` cannot be an origin")]
    Origin {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        source: KeyNameError,
    },
    /// The key at hand is not the one that the ledger names.
    #[error("the {role} key at hand is not this ledger's\n  expected {expected}\n  found    {found}")]
    WrongKey {
        /// Its role.
        role: Role,
        /// The ledger's.
        expected: String,
        /// At hand.
        found: String,
    },
    /// The issuer key at hand may not sign entries here, or not any more.
    #[error(
        "the issuer key at hand ({found}) is not enrolled in this ledger, or no longer: its entries would be refused"
    )]
    NotEnrolled {
        /// Thumbprint of the key.
        found: Thumbprint,
    },
    /// The key changes in the ledger do not add up.
    #[error("the ledger's own key changes do not hold")]
    Keys(#[source] Reject),
    /// A file beside the log could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// What a new ledger is made from.
#[derive(Debug)]
pub struct NewLedger<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// Where signed heads are remembered.
    pub state_dir: &'a Path,
    /// Its name.
    pub origin: &'a str,
    /// URI of who makes the statements.
    pub issuer: &'a str,
    /// Signs heads.
    pub log_key: SigningKey,
    /// Signs entries.
    pub issuer_key: SigningKey,
    /// Names of the two in the key directory: log, issuer.
    pub key_names: (&'a str, &'a str),
    /// Seconds since 1970.
    pub now: u64,
}

/// What was acknowledged.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Indexes of the drafts' entries, in order.
    pub indexes: Vec<EntryIndex>,
    /// Digests of those entries.
    pub digests: Vec<Digest>,
    /// The head that covers them.
    pub head: SignedHead,
}

/// A ledger open for statements.
#[derive(Debug)]
pub struct Journal {
    writer: Writer,
    objects: Objects,
    private: Objects,
    issuer: String,
    issuer_key: SigningKey,
    log: LedgerId,
    keyset: EntryIndex,
    last_time: u64,
    stepped_at: Option<u64>,
}

fn random<const N: usize>() -> Result<[u8; N], JournalError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| JournalError::Random(error.to_string()))?;
    Ok(bytes)
}

impl Journal {
    /// Begins a ledger; when this returns, it lasts.
    pub fn create(new: NewLedger<'_>) -> Result<(Self, Settings), JournalError> {
        let origin =
            Origin::parse(new.origin).map_err(|source| JournalError::Origin { name: new.origin.to_owned(), source })?;
        let log_public = verifier_key(&origin, &new.log_key);
        let mut payload = Payload::new(Kind::Genesis, None, EntryIndex(0), EntryIndex(0));
        payload.genesis = Some(Box::new(Genesis {
            origin: new.origin.to_owned(),
            log_key: new.log_key.public(),
            keys: vec![(Role::Issuer, new.issuer_key.public())],
            nonce: random()?,
        }));
        let claims = Claims { issuer: new.issuer.to_owned(), subject: new.origin.to_owned(), issued_at: new.now };
        let genesis = Entry::sign(&payload, &claims, &new.issuer_key).map_err(JournalError::Sign)?;
        let writer = Writer::create(new.directory, &genesis, &origin, new.log_key, new.state_dir)?;
        let log = writer.ledger();
        let settings = Settings::new(log, new.origin, new.issuer, &log_public, new.key_names);
        let path = Settings::path(new.directory);
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(settings.to_text().as_bytes()).and_then(|()| file.sync_all()))
            .map_err(|source| JournalError::Write { path, source })?;
        let journal = Self {
            objects: Objects::new(writer.layout().objects()),
            private: Objects::new(writer.layout().private()),
            writer,
            issuer: new.issuer.to_owned(),
            issuer_key: new.issuer_key,
            log,
            keyset: EntryIndex(0),
            last_time: new.now,
            stepped_at: None,
        };
        Ok((journal, settings))
    }

    /// Opens a ledger for statements; the notices say what opening did.
    pub fn open(
        directory: &Path,
        state_dir: &Path,
        settings: &Settings,
        log_key: SigningKey,
        issuer_key: SigningKey,
    ) -> Result<(Self, Vec<Notice>), JournalError> {
        Self::open_with(directory, state_dir, settings, log_key, issuer_key, Writer::open)
    }

    /// Opens a ledger whose outside record of signed heads is lost; the caller appends an `adopt` entry next.
    pub fn open_adopting(
        directory: &Path,
        state_dir: &Path,
        settings: &Settings,
        log_key: SigningKey,
        issuer_key: SigningKey,
    ) -> Result<(Self, Vec<Notice>), JournalError> {
        Self::open_with(directory, state_dir, settings, log_key, issuer_key, Writer::open_adopting)
    }

    fn open_with(
        directory: &Path,
        state_dir: &Path,
        settings: &Settings,
        log_key: SigningKey,
        issuer_key: SigningKey,
        open: impl FnOnce(&Path, &Origin, SigningKey, &Path) -> Result<(Writer, Vec<Notice>), LedgerError>,
    ) -> Result<(Self, Vec<Notice>), JournalError> {
        // Entry 0, and not the settings beside the log, says which keys are the ledger's.
        let (_, genesis) = read_genesis(directory)?;
        let index = EntryIndex(0);
        let entry = Entry::parse(&genesis).map_err(|source| JournalError::Entry { index, source })?;
        let origin = Origin::parse(&settings.origin)
            .map_err(|source| JournalError::Origin { name: settings.origin.clone(), source })?;
        if let Some(genesis) = &entry.claimed().genesis
            && genesis.log_key != log_key.public()
        {
            return Err(JournalError::WrongKey {
                role: Role::Log,
                expected: genesis.log_key.thumbprint().to_string(),
                found: log_key.public().thumbprint().to_string(),
            });
        }
        let (writer, notices) = open(directory, &origin, log_key, state_dir)?;
        let log_public = settings.verifier_key(directory)?;
        let tail = Tail::read(directory, &log_public)?;
        let found = issuer_key.public().thumbprint();
        if !tail.keys.active().any(|(role, key)| role == Role::Issuer && key.thumbprint() == found) {
            return Err(JournalError::NotEnrolled { found });
        }
        let journal = Self {
            objects: Objects::new(writer.layout().objects()),
            private: Objects::new(writer.layout().private()),
            log: writer.ledger(),
            writer,
            issuer: settings.issuer.clone(),
            issuer_key,
            keyset: tail.keyset,
            last_time: tail.last_time,
            stepped_at: tail.stepped_at,
        };
        Ok((journal, notices))
    }

    /// The ledger's identity.
    pub fn log(&self) -> LedgerId {
        self.log
    }

    /// Size of the ledger: the index that the next statement gets.
    pub fn next_index(&self) -> EntryIndex {
        self.writer.head().tree().size.next_index()
    }

    /// Appends statements in one commit, in order. When this returns, they last.
    ///
    /// Where the clock went back since the last entry, a `clock-step` entry says so first, once.
    pub fn append(&mut self, drafts: Vec<Draft>, now: u64) -> Result<Appended, JournalError> {
        let stepped = now < self.last_time && self.stepped_at != Some(self.last_time);
        let time = now.max(self.last_time);
        let steps = usize::from(stepped);
        let mut sealed = Vec::new();
        if stepped {
            sealed.push((Draft::new(Kind::ClockStep), None));
        }
        let (mut objects, mut private) = (Vec::new(), Vec::new());
        for mut draft in drafts {
            let commitment = if draft.body == crate::statement::Body::default() {
                None
            } else {
                let (commitment, object) = draft.body.seal(&Salt(random()?))?;
                objects.push((*commitment.as_bytes(), object));
                Some(commitment)
            };
            objects.append(&mut draft.objects);
            private.append(&mut draft.private);
            sealed.push((draft, commitment));
        }
        // Salts first: a salted entry that is there without them could never be opened.
        for (store, kept) in [(&self.private, &private), (&self.objects, &objects)] {
            if !kept.is_empty() {
                let named: Vec<_> = kept.iter().map(|(name, object)| (*name, object.as_slice())).collect();
                store.put_all(&named)?;
            }
        }

        let first_commit = self.next_index();
        let first_draft = EntryIndex(first_commit.0 + steps as u64);
        let (log, keyset, issuer, key) = (self.log, self.keyset, &self.issuer, &self.issuer_key);
        let commit = self
            .writer
            .append(sealed.len(), |index| {
                let position = usize::try_from(index.0 - first_commit.0).expect("a commit fits memory");
                let (draft, commitment) = &sealed[position];
                let mut payload = Payload::new(draft.kind, Some(log), index, keyset);
                payload.protocol = draft.protocol;
                payload.arm.clone_from(&draft.arm);
                payload.seed = draft.seed;
                payload.stage.clone_from(&draft.stage);
                payload.attempt = draft.attempt;
                payload.subjects.clone_from(&draft.subjects);
                payload.edges = draft.edges_at(first_draft);
                payload.body = *commitment;
                payload.suite = draft.suite;
                payload.base = draft.base;
                payload.checkpoint = draft.checkpoint;
                payload.outcome = draft.outcome;
                payload.head = draft.testifies.as_ref().map(|(_, head)| *head);
                let subject = subject_of(&payload);
                Entry::sign(&payload, &Claims { issuer: issuer.clone(), subject, issued_at: time }, key)
            })
            .map_err(from_append)?;
        self.last_time = time;
        if stepped {
            self.stepped_at = Some(time);
        }
        let leaves = commit.leaves.iter().skip(steps);
        Ok(Appended {
            indexes: (first_draft.0..first_commit.0 + sealed.len() as u64).map(EntryIndex).collect(),
            digests: leaves.map(|leaf| Digest::from(*leaf)).collect(),
            head: commit.head,
        })
    }

    /// Enrols a key: signed by the key in use, with the new key's own signature inside.
    pub fn add_key(&mut self, role: Role, new: &SigningKey, now: u64) -> Result<Appended, JournalError> {
        let possession = new.sign(&possession_message(&self.log, self.next_index(), role));
        self.change_keys(&KeyChange::Add { role, key: new.public(), possession }, now)
    }

    /// Ends a key: from this entry on it signs nothing.
    pub fn revoke_key(
        &mut self,
        key: crate::key::PublicKey,
        compromised_since: Option<EntryIndex>,
        now: u64,
    ) -> Result<Appended, JournalError> {
        self.change_keys(&KeyChange::Revoke { key, compromised_since }, now)
    }

    fn change_keys(&mut self, change: &KeyChange, now: u64) -> Result<Appended, JournalError> {
        let time = now.max(self.last_time);
        let (log, keyset, issuer, key) = (self.log, self.keyset, &self.issuer, &self.issuer_key);
        let commit = self
            .writer
            .append(1, |index| {
                let mut payload = Payload::new(Kind::KeyChange, Some(log), index, keyset);
                payload.key_change = Some(Box::new(change.clone()));
                let subject = subject_of(&payload);
                Entry::sign(&payload, &Claims { issuer: issuer.clone(), subject, issued_at: time }, key)
            })
            .map_err(from_append)?;
        self.last_time = time;
        self.keyset = commit.first;
        Ok(Appended {
            indexes: vec![commit.first],
            digests: commit.leaves.iter().map(|leaf| Digest::from(*leaf)).collect(),
            head: commit.head,
        })
    }

    /// The head signed last, to be shown to others.
    pub fn issue_head(&mut self) -> Result<SignedHead, JournalError> {
        Ok(self.writer.issue_head()?)
    }

    /// What could not be written behind acknowledged commits; all of it can be rebuilt.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.writer.take_notices()
    }

    /// Ends writing.
    pub fn close(self) -> Result<(), JournalError> {
        Ok(self.writer.close()?)
    }
}

fn from_append(error: AppendError<EntryError>) -> JournalError {
    match error {
        AppendError::Make(source) => JournalError::Sign(source),
        AppendError::Ledger(error) => error.into(),
    }
}

/// The public subject of an entry: its first digest, or its kind.
fn subject_of(payload: &Payload) -> String {
    let digest = payload.subjects.first().and_then(|subject| subject.principal()?.1.digests.first().copied());
    digest.map_or_else(|| payload.kind.name().to_owned(), |digest| digest.to_string())
}
