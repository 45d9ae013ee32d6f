//! Resident memory of `precis up`: idle, at work, and whether it stays flat.

use super::{Row, documents};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that the documents may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Runs `count` documents through a fresh `precis up` and looks at its memory all the while.
///
/// # Errors
/// If it does not start or finish.
pub fn measure(count: u64) -> Result<Vec<Row>> {
    let work = tempfile::tempdir()?;
    let (data, inbox) = (work.path().join("data"), work.path().join("drop"));
    std::fs::create_dir(&inbox)?;
    let mut up = Command::new(crate::program())
        .args(["up", "--data"])
        .arg(&data)
        .arg("--inbox")
        .arg(&inbox)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let seen = watch(&mut up, &data, &inbox, count);
    // Ended by its own pid, whatever came of the measurement.
    let _ = up.kill();
    let _ = up.wait();
    let (idle, marks) = seen?;
    let first = marks.first().copied().unwrap_or(1);
    let last = marks.last().copied().unwrap_or(1);
    let peak = marks.iter().copied().max().unwrap_or(0);
    Ok(vec![
        Row::new("resident memory, idle (model not loaded yet)", mib(idle), ""),
        Row::new(format!("at work, most over {count} documents"), mib(peak), "child processes not counted"),
        Row::new(
            format!("at work, last fifth of {count} documents beside second fifth"),
            format!("{} beside {}", mib(last), mib(first)),
            format!("{:.2} times", last as f64 / first as f64),
        ),
    ])
}

/// Memory when idle, and the most of it within each fifth of the documents but the first.
fn watch(up: &mut Child, data: &Path, inbox: &Path, count: u64) -> Result<(u64, Vec<u64>)> {
    let start = Instant::now();
    while !data.join("precis.db").exists() {
        if start.elapsed() > Duration::from_secs(30) {
            bail!("precis up did not start");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    let idle = resident(up.id())?;
    documents::write(inbox, 0, count)?;
    let mut marks = vec![0; 5];
    loop {
        let done = std::fs::read_dir(data.join("outbox")).map_or(0, |files| files.count() as u64);
        let fifth = usize::try_from(done * 5 / count).unwrap_or(4).min(4);
        marks[fifth] = resident(up.id())?.max(marks[fifth]);
        if done >= count {
            return Ok((idle, marks.split_off(1)));
        }
        if start.elapsed() > PATIENCE {
            bail!("only {done} of {count} documents were done in time");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0))
}

fn mib(kib: u64) -> String {
    format!("{} MiB", kib / 1024)
}
