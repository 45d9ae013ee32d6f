//! Inside the child.

use super::{ANSWER, Answer, FULL, REFUSED, Request, walls};
use crate::{ReadError, read_in_process};
use domain::reason::Reason;
use std::io::{BufRead, Read, Write};
use std::path::Path;

/// Stack of the thread that parses: formats nest, and their parsers recurse.
const STACK: usize = 64 << 20;

/// Reads one document; returns the exit code.
pub(super) fn main() -> i32 {
    // A panic names its place and nothing else: its message could quote the document into a log.
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            eprintln!("panic at {}:{}", place.file(), place.line());
        }
    }));
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    if input.read_line(&mut line).is_err() {
        return REFUSED;
    }
    drop(input);
    let Ok(request) = serde_json::from_str::<Request>(&line) else {
        eprintln!("the request cannot be understood");
        return REFUSED;
    };
    let bytes = std::fs::read(&request.file);
    if let Err(error) = walls::limit(&request.limits) {
        eprintln!("{error}");
        return REFUSED;
    }
    if let Err(error) = walls::confine(&request.out_dir) {
        eprintln!("the reader is not confined to its folder: {error}");
    }
    die_with_the_parent();
    match bytes {
        Ok(bytes) => work(bytes, request),
        Err(error) => {
            answer(&Answer::Failed(ReadError::io("the document cannot be opened", &error)), &request)
        }
    }
}

fn work(bytes: Vec<u8>, request: Request) -> i32 {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let read = read_in_process(bytes, &request.name, &request.out_dir, &request.limits, &mut tell);
        answer(&read.map_or_else(Answer::Failed, Answer::Read), &request)
    });
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // 101 is what Rust programs end with after a panic.
        Ok(Err(_)) => 101,
        Err(error) => {
            eprintln!("no thread for the reader: {error}");
            REFUSED
        }
    }
}

/// The parent holds the other end of standard input open for as long as it lives and wants the answer.
fn die_with_the_parent() {
    let watch = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
        let mut byte = [0];
        while matches!(std::io::stdin().lock().read(&mut byte), Ok(1)) {}
        std::process::exit(REFUSED);
    });
    if watch.is_err() {
        std::process::exit(REFUSED);
    }
}

fn tell(done: u32, total: u32) {
    let mut out = std::io::stdout().lock();
    // A parent that no longer listens is noticed by the watch.
    let _ = writeln!(out, "{done} {total}").and_then(|()| out.flush());
}

fn answer(answer: &Answer, request: &Request) -> i32 {
    let written = write(answer, &request.out_dir, request.limits.output_bytes);
    let written =
        written.or_else(|error| write(&Answer::Failed(error), &request.out_dir, request.limits.output_bytes));
    match written {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            if error.reason() == Reason::StorageFull { FULL } else { REFUSED }
        }
    }
}

fn write(answer: &Answer, out_dir: &Path, limit: u64) -> Result<(), ReadError> {
    let bytes = serde_json::to_vec(answer).map_err(|error| {
        ReadError::of(Reason::ReaderCrashed, format!("the answer cannot be written down ({error})"))
    })?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::limit("its text is longer than is allowed"));
    }
    let unfinished = out_dir.join(format!("{ANSWER}.part"));
    std::fs::write(&unfinished, bytes)
        .and_then(|()| std::fs::rename(&unfinished, out_dir.join(ANSWER)))
        .map_err(|error| ReadError::io("the answer cannot be written", &error))
}
