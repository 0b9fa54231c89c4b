//! Power cuts: the file system is shut down under a stopped writer, without flushing its journal, and mounted again.
//!
//! The writer must be stopped first: between the cut and the kill it could otherwise acknowledge what the dead disk
//! never took, which no program can prevent.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::support::{Acknowledged, Dice, Mount, Place, Running, missing, run};

/// `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`: everything not yet on disk is gone.
fn cut_power(mounted: &Path) -> Result<(), String> {
    let script = "import fcntl,os,struct,sys; \
                  fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
    run("python3", &["-c", script, mounted.to_str().unwrap()])
}

fn cuts(count: u32) {
    let scratch = tempfile::tempdir().unwrap();
    let image = scratch.path().join("disk.img");
    let ready = run("truncate", &["-s", "256M", image.to_str().unwrap()])
        .and_then(|()| run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]))
        .and_then(|()| Mount::image(&image, &scratch.path().join("disk")));
    let mut mount = match ready {
        Ok(mount) => mount,
        Err(reason) => return missing(&reason),
    };
    let place = Place::below(&mount.0);
    let mut dice = Dice::new();
    let mut acknowledged = Acknowledged::default();
    let mut repaired = 0;
    for round in 0..count {
        let running = Running::start(place.command("appends"));
        // The first round may also cut while the ledger is made.
        if round > 0 {
            running.wait_for("ack ", &mut acknowledged);
        }
        std::thread::sleep(Duration::from_micros(dice.below(120_000)));
        running.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(5));
        if let Err(reason) = cut_power(&mount.0) {
            running.kill(&mut acknowledged);
            return missing(&reason);
        }
        running.kill(&mut acknowledged);
        let at = mount.0.clone();
        drop(mount);
        mount = Mount::image(&image, &at).unwrap();
        if place.ledger.join("log/000000.seg").exists() {
            repaired += acknowledged.check(&place).len();
        } else {
            assert_eq!(acknowledged.len(), 0, "the ledger is gone");
        }
    }
    println!("{count} power cuts, {} heads acknowledged and kept, {repaired} things to repair", acknowledged.len());
    assert!(acknowledged.len() > 10);
}

#[test]
#[ignore = "mounts an ext4 image; 3 cuts"]
fn a_few_power_cuts_lose_nothing() {
    cuts(3);
}

#[test]
#[ignore = "mounts an ext4 image; 60 cuts"]
fn sixty_power_cuts_lose_nothing() {
    cuts(60);
}
