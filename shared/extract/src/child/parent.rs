//! The parent's side: start, watch, end, and believe nothing.

use super::{ANSWER, Answer, FULL, HIDDEN_WORD, REFUSED, ReaderProgram, Request};
use crate::{Limits, PageReading, ReadError, Reading};
use domain::reason::Reason;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

/// How much of the child's last words is kept.
const LAST_WORDS: usize = 4096;

/// Reads a document in a child process. Images of pages for OCR are left in `out_dir`, which is made if it
/// is missing and should be the job's alone. `progress` is told the pages done and the pages there are (0
/// while unknown). Dropping the future ends the child.
///
/// # Errors
/// Of the document (permanent): `UNSUPPORTED_TYPE`, `DAMAGED`, `ENCRYPTED`, `READER_LIMIT` and their kin. Of
/// the machine: a file that cannot be opened, a folder that cannot be written, a program that does not start.
pub async fn read(
    file: &Path,
    name_hint: &str,
    out_dir: &Path,
    limits: &Limits,
    program: &ReaderProgram,
    mut progress: impl FnMut(u32, u32) + Send,
) -> Result<Reading, ReadError> {
    let request = prepare(file, name_hint, out_dir, limits).await?;
    let mut child = start(program, &request.out_dir)?;
    let ended = watch(&mut child, &request, limits, &mut progress).await;
    match ended {
        Ok((status, _)) if status.success() => {
            let reading = fetch(&request.out_dir, limits).await?;
            Ok(reading)
        }
        Ok((status, last_words)) => Err(post_mortem(status, &last_words, limits)),
        Err(error) => {
            // Not reaped by dropping alone: the folder must be still before the caller removes it.
            let _ = child.kill().await;
            Err(error)
        }
    }
}

async fn prepare(file: &Path, name: &str, out_dir: &Path, limits: &Limits) -> Result<Request, ReadError> {
    let io = |what: &'static str| move |error: std::io::Error| ReadError::io(what, &error);
    tokio::fs::create_dir_all(out_dir).await.map_err(io("the reader's folder cannot be made"))?;
    let out_dir =
        tokio::fs::canonicalize(out_dir).await.map_err(io("the reader's folder cannot be opened"))?;
    let file = tokio::fs::canonicalize(file).await.map_err(io("the document cannot be opened"))?;
    match tokio::fs::remove_file(out_dir.join(ANSWER)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(ReadError::io("an old answer cannot be removed", &error));
        }
        _ => {}
    }
    Ok(Request { file, name: name.to_owned(), out_dir, limits: limits.clone() })
}

fn start(program: &ReaderProgram, out_dir: &Path) -> Result<Child, ReadError> {
    Command::new(&program.path)
        .arg(HIDDEN_WORD)
        .env_clear()
        .current_dir(out_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A Ctrl-C at the terminal is for the parent, which drains.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| ReadError::io("the reader cannot be started", &error))
}

/// Feeds and watches the child until it ends, by itself or by a clock.
async fn watch(
    child: &mut Child,
    request: &Request,
    limits: &Limits,
    progress: &mut (dyn FnMut(u32, u32) + Send),
) -> Result<(ExitStatus, String), ReadError> {
    let lost = |error: &std::io::Error| ReadError::io("the reader cannot be talked to", error);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut input), Some(mut output), Some(mut errors)) = pipes else {
        return Err(lost(&std::io::ErrorKind::BrokenPipe.into()));
    };
    let mut line = serde_json::to_vec(request).map_err(|error| lost(&error.into()))?;
    line.push(b'\n');
    // A child that died at once is told of by its exit status, not by a broken pipe.
    let _ = input.write_all(&line).await;
    let _ = input.flush().await;
    let deadline = Instant::now() + limits.wall;
    let mut stalled = Instant::now() + limits.stall;
    let (mut out, mut err) = ([0; 1024], [0; 1024]);
    let (mut partial, mut last_words) = (Vec::new(), Vec::new());
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        tokio::select! {
            read = output.read(&mut out), if out_open => match read {
                Ok(length @ 1..) => {
                    if tell(&mut partial, &out[..length], progress) {
                        stalled = Instant::now() + limits.stall;
                    }
                }
                _ => out_open = false,
            },
            read = errors.read(&mut err), if err_open => match read {
                Ok(length @ 1..) => keep_tail(&mut last_words, &err[..length]),
                _ => err_open = false,
            },
            () = sleep_until(deadline.min(stalled)) => return Err(out_of_time(deadline, limits)),
        }
    }
    let status = tokio::select! {
        status = child.wait() => status.map_err(|error| lost(&error))?,
        () = sleep_until(deadline.min(stalled)) => return Err(out_of_time(deadline, limits)),
    };
    // The pipe stays open until here: closing it tells the child to go.
    drop(input);
    Ok((status, String::from_utf8_lossy(&last_words).into_owned()))
}

fn out_of_time(deadline: Instant, limits: &Limits) -> ReadError {
    if Instant::now() >= deadline {
        ReadError::limit(format!("it was not read after {} s", limits.wall.as_secs_f32()))
    } else {
        ReadError::limit(format!("one page took more than {} s", limits.stall.as_secs_f32()))
    }
}

/// Passes whole lines of "done total" on; says whether there was one.
fn tell(partial: &mut Vec<u8>, news: &[u8], progress: &mut (dyn FnMut(u32, u32) + Send)) -> bool {
    let mut told = false;
    for byte in news {
        if *byte == b'\n' {
            let line = String::from_utf8_lossy(partial).into_owned();
            if let Some((done, total)) = line.split_once(' ')
                && let (Ok(done), Ok(total)) = (done.parse(), total.parse())
            {
                progress(done, total);
                told = true;
            }
            partial.clear();
        } else if partial.len() < 64 {
            partial.push(*byte);
        }
    }
    told
}

fn keep_tail(tail: &mut Vec<u8>, news: &[u8]) {
    tail.extend_from_slice(news);
    if tail.len() > LAST_WORDS {
        tail.drain(..tail.len() - LAST_WORDS);
    }
}

/// What a child that did not answer died of.
fn post_mortem(status: ExitStatus, last_words: &str, limits: &Limits) -> ReadError {
    const SIGABRT: i32 = 6;
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    const SIGXFSZ: i32 = 25;
    let crashed = |detail: String| ReadError::of(Reason::ReaderCrashed, detail);
    match (status.signal(), status.code()) {
        (Some(SIGXCPU), _) => {
            ReadError::limit(format!("it took more than {} s of processor time", limits.cpu_seconds))
        }
        (Some(SIGXFSZ), _) => ReadError::limit("it wrote more than is allowed"),
        (Some(SIGKILL), _) => ReadError::limit("the system ended the reader, for its memory or its time"),
        (Some(SIGABRT), _) if last_words.contains("memory allocation of") => {
            ReadError::limit(format!("it took more than {} MiB of memory", limits.memory_bytes >> 20))
        }
        (Some(SIGABRT), _) if last_words.contains("overflowed its stack") => {
            crashed("its parts nest too deeply".to_owned())
        }
        (Some(signal), _) => crashed(format!("the reader was ended by signal {signal}")),
        (None, Some(101)) => {
            let place = last_words.lines().filter_map(|line| line.strip_prefix("panic at ")).next_back();
            crashed(format!("the reader stopped at {}", place.map_or("an unknown place", file_and_line)))
        }
        // The machine's fault and not the document's.
        (None, Some(FULL)) => {
            ReadError::io("the reader's answer cannot be written", &std::io::ErrorKind::StorageFull.into())
        }
        (None, Some(REFUSED)) => {
            let why = last_words.lines().next_back().unwrap_or("it did not say why").to_owned();
            ReadError::io("the reader could not do its work", &std::io::Error::other(why))
        }
        (None, code) => crashed(format!("the reader ended with code {}", code.unwrap_or(-1))),
    }
}

/// Of a source path its last two parts: enough to find the place, and no path of the build machine.
fn file_and_line(place: &str) -> &str {
    place.rmatch_indices('/').nth(1).map_or(place, |(at, _)| &place[at + 1..])
}

async fn fetch(out_dir: &Path, limits: &Limits) -> Result<Reading, ReadError> {
    let bad = |detail: &str| {
        ReadError::of(Reason::ReaderCrashed, format!("the reader's answer is wrong: {detail}"))
    };
    let path = out_dir.join(ANSWER);
    let length = tokio::fs::symlink_metadata(&path).await.map_err(|_| bad("there is none"))?.len();
    if length > limits.output_bytes {
        return Err(bad("it is too long"));
    }
    let bytes =
        tokio::fs::read(&path).await.map_err(|error| ReadError::io("the answer cannot be read", &error))?;
    let reading = match serde_json::from_slice(&bytes) {
        Ok(Answer::Read(reading)) => reading,
        Ok(Answer::Failed(error)) => return Err(error),
        Err(_) => return Err(bad("it cannot be understood")),
    };
    check(&reading, out_dir, limits).map_err(bad)?;
    Ok(reading)
}

/// Pages are numbered from 1 without a gap, and images are plain files of the output folder.
fn check(reading: &Reading, out_dir: &Path, limits: &Limits) -> Result<(), &'static str> {
    if reading.pages.is_empty() || reading.pages.len() > limits.max_pages as usize {
        return Err("its number of pages");
    }
    for (page, number) in reading.pages.iter().zip(1_u32..) {
        if page.number() != number {
            return Err("the numbers of its pages");
        }
        if let PageReading::NeedsOcr { image, .. } = page {
            let inside = image.file_name().is_some_and(|name| out_dir.join(name) == *image);
            let plain = std::fs::symlink_metadata(image).is_ok_and(|it| it.is_file());
            if !inside || !plain {
                return Err("the place of an image");
            }
        }
    }
    Ok(())
}
