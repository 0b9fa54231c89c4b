//! How a ledger comes to be open for writing: begun, or taken up where a crash may have left it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::digest::LedgerId;
use crate::key::SigningKey;
use crate::ledger::error::{At, LedgerError};
use crate::ledger::file::{Layout, Sync, create_dir, private, replace};
use crate::ledger::follower::Follower;
use crate::ledger::frame::{GroupChecksum, HeadBody, Kind, MAX_FRAME_BYTES, OVERHEAD, push_frame};
use crate::ledger::lock::WriterLock;
use crate::ledger::notice::Notice;
use crate::ledger::recover::{MissingState, Recovered, recover};
use crate::ledger::segment::{Header, OpenSegment, SEGMENT_BYTES};
use crate::ledger::state::{StateFile, StateReading};
use crate::ledger::writer::{LastHead, Writer, append_leaf, check_entry, verifier_key};
use crate::merkle::{CompactRange, Head, Origin, leaf_hash};

impl Writer {
    /// Begins a ledger in `dir` with its first entry; when this returns it lasts.
    pub fn create(
        dir: &Path,
        genesis: &[u8],
        origin: &Origin,
        key: SigningKey,
        state_dir: &Path,
    ) -> Result<Self, LedgerError> {
        let layout = Layout::new(dir);
        create_dir(dir)?;
        let lock = WriterLock::take(&layout.lock())?;
        if layout.segment(0).exists() {
            return Err(LedgerError::AlreadyThere { path: dir.to_owned() });
        }
        create_dir(&layout.log())?;
        create_dir(&layout.objects())?;
        check_entry(genesis)?;
        let leaf = leaf_hash(genesis);
        let ledger = LedgerId::from(leaf);
        let header = Header { ledger, number: 0, before: CompactRange::new() };
        let mut range = CompactRange::new();
        append_leaf(&mut range, leaf, &layout.segment(0))?;
        let signed = Head { origin: origin.clone(), tree: range.head() }.sign(&key);
        let mut content = Vec::new();
        push_frame(&mut content, Kind::Entry, &[genesis]);
        let head_at = content.len();
        let mut group = GroupChecksum::default();
        group.update(&content);
        HeadBody { checksum: group.finish(), count: 1, note: signed.bytes() }.push(&mut content);
        // The state before the name: a crash between the two leaves the state of a ledger that never was (its id holds
        // a nonce), and not a ledger without a state.
        let mut state = None;
        let segment = OpenSegment::create(&layout.segment(0), &header, &content, || {
            state = Some(StateFile::create(state_dir, ledger, &range.head())?);
            Ok(())
        })?;
        let state = state.expect("create calls back before it names the segment");
        replace(&layout.head(), signed.bytes(), Sync::Later)?;
        let last = LastHead {
            file: Arc::clone(&segment.file),
            offset: header.len() + head_at as u64,
            frame: content.split_off(head_at),
            signed,
        };
        Ok(Self::assemble(layout, ledger, origin, key, (segment, range, GroupChecksum::default(), last), state, lock))
    }

    /// Opens a ledger for writing, repairing what a crash may leave; the notices say what was done.
    pub fn open(
        dir: &Path,
        origin: &Origin,
        key: SigningKey,
        state_dir: &Path,
    ) -> Result<(Self, Vec<Notice>), LedgerError> {
        Self::open_with(dir, origin, key, state_dir, MissingState::Refuse)
    }

    /// Opens a ledger whose state file is lost, beginning a new one at the newest head on disk. The caller must append
    /// an entry that says so.
    pub fn open_adopting(
        dir: &Path,
        origin: &Origin,
        key: SigningKey,
        state_dir: &Path,
    ) -> Result<(Self, Vec<Notice>), LedgerError> {
        Self::open_with(dir, origin, key, state_dir, MissingState::Adopt)
    }

    fn open_with(
        dir: &Path,
        origin: &Origin,
        key: SigningKey,
        state_dir: &Path,
        missing: MissingState,
    ) -> Result<(Self, Vec<Notice>), LedgerError> {
        let layout = Layout::new(dir);
        let Recovered { lock, state, found, notices } =
            recover(&layout, &verifier_key(origin, &key), state_dir, missing)?;
        let path = layout.segment(found.last);
        let file = private().open(&path).at("open for writing", &path)?;
        let reserved = file.metadata().at("look at", &path)?.len();
        let segment = OpenSegment { file: Arc::new(file), path, number: found.last, end: found.end, reserved };
        let head_file = if found.head_segment == found.last {
            Arc::clone(&segment.file)
        } else {
            let path = layout.segment(found.head_segment);
            Arc::new(File::open(&path).at("open", &path)?)
        };
        let frame = read_head_frame(&head_file, found.head_offset, &layout, found.head_segment)?;
        let last = LastHead { signed: found.head, file: head_file, offset: found.head_offset, frame };
        let parts = (segment, found.range, found.group, last);
        let mut writer = Self::assemble(layout, found.ledger, origin, key, parts, state, lock);
        // The log may be ahead of a state that was never synced.
        writer.tell_state();
        writer.follower.head(writer.last.signed.bytes());
        Ok((writer, notices))
    }

    fn assemble(
        layout: Layout,
        ledger: LedgerId,
        origin: &Origin,
        key: SigningKey,
        (segment, range, group, last): (OpenSegment, CompactRange, GroupChecksum, LastHead),
        state: StateFile,
        lock: WriterLock,
    ) -> Self {
        let state_told = match state.read() {
            Ok(StateReading::Signed(head)) => head,
            Ok(StateReading::Lost(_)) | Err(_) => *last.signed.tree(),
        };
        let follower = Follower::start(layout.clone());
        Self {
            layout,
            ledger,
            origin: origin.clone(),
            key,
            segment,
            segment_bytes: SEGMENT_BYTES,
            range,
            group,
            last,
            state,
            state_told,
            buffer: Vec::new(),
            poisoned: false,
            follower,
            _lock: lock,
        }
    }
}

fn read_head_frame(file: &File, offset: u64, layout: &Layout, segment: u32) -> Result<Vec<u8>, LedgerError> {
    let path = layout.segment(segment);
    let mut prefix = [0; 4];
    file.read_exact_at(&mut prefix, offset).at("read", &path)?;
    let length = u32::from_be_bytes(prefix).min(MAX_FRAME_BYTES) as usize;
    let mut frame = vec![0; length + OVERHEAD];
    file.read_exact_at(&mut frame, offset).at("read", &path)?;
    Ok(frame)
}
