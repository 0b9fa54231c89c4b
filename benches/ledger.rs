//! The ledger against the disk and the CPU under it: ratios of one run, medians.
//!
//! `cargo bench --bench ledger [-- DIR]` works in a fresh directory below DIR (default: the system's temporary one),
//! which should be on the disk that a ledger would be on. Goals are those of the performance page: appends at most
//! 1.25 times a bare write and sync, batches at least 0.7 of the signing limit, a million entries opened in 0.3 s,
//! proved in 5 µs and audited in 1.5 s.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures of three digits")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to report")]

use std::convert::Infallible;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use reproledger::key::SigningKey;
use reproledger::ledger::{AuditInputs, Ledger, SEGMENT_BYTES, Writer, audit, verifier_key};
use reproledger::merkle::{EntryIndex, Origin, check_inclusion, prove_inclusion};

const ENTRY_LEN: usize = 300;
const MILLION: u64 = 1_000_000;

fn main() {
    let base = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    let base = base.map_or_else(std::env::temp_dir, Into::into);
    let scratch = tempfile::tempdir_in(base).unwrap();
    append_latency(scratch.path());
    open_full_segment(scratch.path());
    signed_batches(scratch.path());
    a_million(scratch.path());
}

fn origin() -> Origin {
    Origin::parse("example.org/bench").unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn create(dir: &Path) -> Writer {
    Writer::create(&dir.join("ledger"), b"genesis", &origin(), key(1), &dir.join("state")).unwrap()
}

/// An entry of the usual length, signed by an issuer key as entries are.
fn signed_entry(index: u64, issuer: &SigningKey) -> Vec<u8> {
    let mut bytes = vec![0x42; ENTRY_LEN];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    let signature = issuer.sign(&bytes[64..]);
    bytes[8..72].copy_from_slice(&signature.0);
    bytes
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// One append, signed, with its signed head, against one bare write and sync: of a growing file, which is what such a
/// program does without further thought, and of a file whose bytes were written before, which is cheaper.
fn append_latency(base: &Path) {
    const ROUNDS: usize = 5;
    const EACH: usize = 400;
    let dir = base.join("latency");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let issuer = key(2);
    let growing = File::create(dir.join("growing")).unwrap();
    let reserved = File::create(dir.join("reserved")).unwrap();
    reserved.write_all_at(&vec![0; 4 << 20], 0).unwrap();
    reserved.sync_all().unwrap();
    let write = |file: &File, at: u64| {
        let start = Instant::now();
        file.write_all_at(&[0x42; ENTRY_LEN], at).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    };
    let mut at = 0;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..EACH {
            times[0].push(write(&growing, at));
            times[1].push(write(&reserved, at));
            at += ENTRY_LEN as u64;
            let start = Instant::now();
            writer.append(1, |index| Ok::<_, Infallible>(signed_entry(index.0, &issuer))).unwrap();
            times[2].push(start.elapsed());
        }
        rounds.push(times);
    }
    for (peer, name) in [(0, "growing"), (1, "reserved")] {
        for percent in [50, 99] {
            let mut ratios: Vec<(f64, Duration, Duration)> = rounds
                .iter_mut()
                .map(|times| {
                    let (bare, own) = (percentile(&mut times[peer], percent), percentile(&mut times[2], percent));
                    (own.as_secs_f64() / bare.as_secs_f64(), bare, own)
                })
                .collect();
            ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
            let (ratio, bare, own) = ratios[ROUNDS / 2];
            println!("append-p{percent} {ratio:>6.2} x bare write+fdatasync, {name} file   ({own:?} against {bare:?})");
        }
    }
}

/// The slowest opening: a last segment that is almost full of single appends.
fn open_full_segment(base: &Path) {
    let dir = base.join("full");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let mut appended: u64 = 0;
    while appended * 560 < SEGMENT_BYTES {
        writer.append(1, |_| Ok::<_, Infallible>(vec![0x42; ENTRY_LEN])).unwrap();
        appended += 1;
    }
    drop(writer);
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            drop(Writer::open(&dir.join("ledger"), &origin(), key(1), &dir.join("state")).unwrap());
            start.elapsed()
        })
        .collect();
    let open = percentile(&mut opens, 50).as_secs_f64();
    println!("open-full-segment   {open:>6.3} s ({appended} commits of one entry, closed again)");
}

fn signed_batches(base: &Path) {
    const BATCH: usize = 1000;
    const BATCHES: usize = 60;
    let per_second = |time: Duration| (BATCH * BATCHES) as f64 / time.as_secs_f64();
    let dir = base.join("batches");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let issuer = key(2);
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        (0..BATCHES).for_each(|_| {
            let made: Vec<_> = (0..BATCH as u64).into_par_iter().map(|index| signed_entry(index, &issuer)).collect();
            assert_eq!(made.len(), BATCH);
        });
        let limit = start.elapsed();
        let start = Instant::now();
        for _ in 0..BATCHES {
            writer.append(BATCH, |index| Ok::<_, Infallible>(signed_entry(index.0, &issuer))).unwrap();
        }
        let appended = start.elapsed();
        ratios.push((limit.as_secs_f64() / appended.as_secs_f64(), per_second(limit), per_second(appended)));
    }
    ratios.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (ratio, limit, appended) = ratios[2];
    println!("batch-1000-signed   {ratio:>6.2} x signing alone            ({appended:.0}/s against {limit:.0}/s)");
}

fn a_million(base: &Path) {
    let dir = base.join("million");
    fs::create_dir(&dir).unwrap();
    let mut writer = create(&dir);
    let start = Instant::now();
    for _ in 0..MILLION / 1000 {
        let make = |index: EntryIndex| {
            let mut bytes = vec![0x42; ENTRY_LEN];
            bytes[..8].copy_from_slice(&index.0.to_be_bytes());
            Ok::<_, Infallible>(bytes)
        };
        writer.append(1000, make).unwrap();
    }
    println!("fill-million        {:>6.2} s", start.elapsed().as_secs_f64());
    drop(writer);
    let ledger_dir = dir.join("ledger");
    let on_disk = |sub: &str| du(&ledger_dir.join(sub)) as f64 / MILLION as f64 - ENTRY_LEN as f64;
    println!("disk-beside-entry   {:>6.1} bytes an entry (goal 120)", on_disk("log"));
    println!("index               {:>6.1} bytes an entry", on_disk("index") + ENTRY_LEN as f64);

    let verifier = verifier_key(&origin(), &key(1));
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            Ledger::open_read(&ledger_dir, &verifier).unwrap();
            start.elapsed()
        })
        .collect();
    println!("open-read           {:>6.3} s (goal 0.3)", percentile(&mut opens, 50).as_secs_f64());
    let mut opens: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let opened = Writer::open(&ledger_dir, &origin(), key(1), &dir.join("state")).unwrap();
            let time = start.elapsed();
            drop(opened);
            time
        })
        .collect();
    println!("open-write          {:>6.3} s (goal 0.3)", percentile(&mut opens, 50).as_secs_f64());

    let ledger = Ledger::open_read(&ledger_dir, &verifier).unwrap();
    let indexes: Vec<u64> = (0..20_000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % MILLION).collect();
    let leaves: Vec<_> = indexes.iter().map(|index| ledger.entry(EntryIndex(*index)).unwrap().leaf).collect();
    let (mut made, mut checked) = (Vec::new(), Vec::new());
    for (index, leaf) in indexes.iter().zip(&leaves) {
        let start = Instant::now();
        let path = prove_inclusion(&ledger.nodes(), EntryIndex(*index), ledger.tree().size).unwrap();
        made.push(start.elapsed());
        let start = Instant::now();
        check_inclusion(ledger.tree(), EntryIndex(*index), *leaf, &path).unwrap();
        checked.push(start.elapsed());
    }
    for (name, mut times, goal) in [("prove", made, 5), ("check", checked, 3)] {
        let time = percentile(&mut times, 50).as_secs_f64() * 1e6;
        println!("{name}-inclusion     {time:>6.2} us p50 (goal {goal})");
    }

    let inputs = AuditInputs { dir: &ledger_dir, key: &verifier, state_dir: None };
    let mut audits: Vec<Duration> = (0..3)
        .map(|_| {
            let start = Instant::now();
            audit(inputs, |_, _, _| Ok::<_, Infallible>(()), |_| {}).unwrap();
            start.elapsed()
        })
        .collect();
    println!("audit-under-heads   {:>6.2} s (goal 1.5)", percentile(&mut audits, 50).as_secs_f64());
}

fn du(dir: &Path) -> u64 {
    let size = |path: &Path| if path.is_dir() { du(path) } else { fs::metadata(path).unwrap().len() };
    fs::read_dir(dir).map_or(0, |items| items.map(|item| size(&item.unwrap().path())).sum())
}
