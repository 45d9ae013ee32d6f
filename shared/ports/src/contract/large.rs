//! Large bodies pass through and do not stay in memory.

use super::Fresh;
use std::fs::{self, File};
use std::io::{Read, Write};

const CHUNK: usize = 1 << 20;
const CHUNKS: usize = 64;
/// How far the peak may rise: buffers of several calls, far below the body.
const FLAT: u64 = 24 << 20;

fn chunk(number: usize) -> Vec<u8> {
    (0..CHUNK).map(|at| (at ^ (at >> 9) ^ (number * 7)) as u8).collect()
}

pub(super) async fn a_large_body_is_streamed(fresh: Fresh) -> Option<u64> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("source");
    let mut file = File::create(&source).expect("a file can be made");
    for number in 0..CHUNKS {
        file.write_all(&chunk(number)).expect("it can be written");
    }
    drop(file);
    let objects = &fresh.stack.objects;
    let before = reset_peak();
    let document = objects.upload("large", &source).await.expect("upload works");
    let into = folder.path().join("into");
    objects.fetch(&document, document.size, &into).await.expect("fetch works");
    objects.write_once_file("large", &source).await.expect("write_once_file works");
    let risen = before.and_then(|before| Some(peak()?.saturating_sub(before)));
    let mut fetched = File::open(&into).expect("it was fetched");
    let mut read = vec![0; CHUNK];
    for number in 0..CHUNKS {
        fetched.read_exact(&mut read).expect("it is as long as it was");
        assert!(read == chunk(number), "it is what it was");
    }
    if let Some(risen) = risen {
        assert!(risen < FLAT, "memory rose by {risen} bytes while {} passed", CHUNK * CHUNKS);
    }
    risen
}

/// Makes the peak what is resident now, and gives that. Linux only.
fn reset_peak() -> Option<u64> {
    fs::write("/proc/self/clear_refs", "5").ok()?;
    peak()
}

fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}
