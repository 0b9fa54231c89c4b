//! A ledger with everything in it, and evidence cut from it.

use reproledger::codec::{DecodeError, Decoder};
use reproledger::digest::slice::Slice;
use reproledger::digest::{DigestKind, FileDigest};
use reproledger::evidence::{Content, Evidence, MAGIC, Opening};
use reproledger::journal::{
    Census, Disclose, Draft, Journal, NewLedger, Settings, Target, cut, cut_items, find_file, find_items,
};
use reproledger::ledger::Ledger;
use reproledger::merkle::EntryIndex;
use reproledger::statement::{Body, EdgeType, Entry, Kind, Role, Subject, plain};

use super::drafts::{drafts, key, later_drafts, lines, testifies, testimony};

pub(super) struct Sandbox {
    _directory: tempfile::TempDir,
    ledger: Ledger,
    pub(super) settings: Settings,
    pub(super) claim: EntryIndex,
    /// Entries of [`lists`].
    lists: [EntryIndex; 2],
    pub(super) bodies: Vec<Vec<u8>>,
}

pub(super) fn sandbox() -> Sandbox {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut journal, settings) = Journal::create(NewLedger {
        directory: &path,
        state_dir: &directory.path().join("state"),
        origin: "lab.example/log",
        issuer: "https://lab.example",
        log_key: key(1),
        issuer_key: key(2),
        key_names: ("log", "issuer"),
        now: 1_800_000_000,
    })
    .unwrap();
    // The clock went back: a clock-step comes first.
    let first = drafts();
    let appended = journal.append(first.clone(), 1_790_000_000).unwrap();
    let position = |kind: Kind| first.iter().position(|draft| draft.kind == kind).unwrap();
    let (start, protocol) = (position(Kind::RunStart), position(Kind::Protocol));
    let start = (appended.indexes[start], appended.digests[start]);
    let later = later_drafts(start, appended.digests[protocol], appended.indexes[position(Kind::Other)]);
    let head = *journal.append(later.clone(), 1_800_000_000).unwrap().head.tree();
    let claim = appended.indexes[position(Kind::Claim)];
    let leaf = appended.digests[position(Kind::Claim)];
    let bytes = testimony(directory.path(), testifies(journal.log(), claim, leaf.bytes, head));
    let mut attach = Draft::new(Kind::Attach);
    let digest = FileDigest::of(&bytes);
    attach.subjects = vec![Subject::file(digest, bytes.len() as u64)];
    attach.link(EdgeType::AttachedTo, Target::Entry(claim), DigestKind::Entry, leaf);
    attach.objects = vec![(*digest.as_bytes(), bytes)];
    journal.append(vec![attach], 1_800_000_000).unwrap();
    let bodies = first.iter().chain(&later).map(|draft| &draft.body).filter(|body| **body != Body::default());
    let bodies = bodies.map(|body| plain::to_bytes(body).unwrap()).collect();
    journal.add_key(Role::Evaluator, &key(3), 1_800_000_001).unwrap();
    journal.revoke_key(key(3).public(), Some(EntryIndex(5)), 1_800_000_002).unwrap();
    journal.close().unwrap();
    let ledger = Ledger::open_read(&path, &settings.verifier_key(&path).unwrap()).unwrap();
    let [.., corpus, dataset] = appended.indexes[..] else { panic!("the lists were drafted last") };
    Sandbox { _directory: directory, ledger, settings, claim, lists: [corpus, dataset], bodies }
}

impl Sandbox {
    pub(super) fn entries(&self) -> Vec<Vec<u8>> {
        self.ledger.entries(EntryIndex(0)).unwrap().map(|entry| entry.unwrap().bytes).collect()
    }

    pub(super) fn evidence(&self, disclose: &Disclose) -> Evidence {
        cut(&self.ledger, self.claim, disclose, Census::Rests).unwrap()
    }

    /// The opening of an item of one of the lists.
    fn opening(&self, index: EntryIndex, key: &str) -> (Subject, Opening) {
        let entry = Entry::parse(&self.ledger.entry(index).unwrap().bytes).unwrap();
        let found = find_items(&self.ledger, index, entry.claimed(), &[key.to_owned()]).unwrap();
        (found[0].subject.clone(), found[0].opening.clone())
    }

    /// Evidence of a salted document with its text, and of a row as a slice of a file in a folder.
    pub(super) fn item_evidence(&self) -> [Evidence; 2] {
        let [corpus, dataset] = self.lists;
        let (_, document) = self.opening(corpus, "7");
        let document = Opening { content: Some(Content::Bytes(b"text".to_vec())), ..document };
        let (subject, row) = self.opening(dataset, "#1");
        let (_, file) = find_file(&self.ledger, dataset, &subject, 0).unwrap();
        let bytes = lines();
        let slice = Slice::cut(&mut &bytes[..], bytes.len() as u64, &(1468..2938)).unwrap().0.encode();
        let row = Opening { content: Some(Content::Slice { file: Some(file), slice }), ..row };
        [(corpus, document), (dataset, row)]
            .map(|(index, opening)| cut_items(&self.ledger, index, &Disclose::ClaimOnly, vec![opening]).unwrap())
    }
}

/// Protected header, payload and signature of an entry.
pub(super) fn parts(entry: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    Decoder::decode(entry, |d| {
        d.tag_cose_sign1()?;
        d.tuple("a COSE_Sign1", 4, |d| {
            let protected = d.bytes()?.to_vec();
            d.raw()?;
            Ok::<_, DecodeError>((protected, d.bytes()?.to_vec(), d.bytes()?.to_vec()))
        })
    })
    .unwrap()
}

/// The items of an evidence file.
pub(super) fn items(file: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = file.strip_prefix(MAGIC).unwrap();
    let mut items = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (item, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        items.push(item.to_vec());
        rest = after;
    }
    items
}

pub(super) fn file(items: &[Vec<u8>]) -> Vec<u8> {
    let item = |item: &Vec<u8>| [&u32::try_from(item.len()).unwrap().to_be_bytes(), item.as_slice()].concat();
    [MAGIC, &items.iter().flat_map(item).collect::<Vec<_>>()].concat()
}
