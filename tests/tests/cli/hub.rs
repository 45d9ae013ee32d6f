//! A hub of models on the loopback, which speaks the protocol as the real one does: a listing with each file's size and
//! hash, small files from the hub itself, large ones by a redirect to a store of another origin, `ETag`s, ranges,
//! conditions, codes of refusal. It misbehaves where a test says so, and counts what it serves.

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// The model that there is.
pub const NAME: &str = "ours/tiny-bert";
/// Its former name.
pub const FORMER: &str = "ours/old-name";
/// Its commit.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file of the model.
#[derive(Clone)]
pub struct Stored {
    pub bytes: Vec<u8>,
    /// Kept in the store, as large files are.
    pub large: bool,
    /// What its store calls it now.
    pub tag: String,
}

/// Called once when so many bytes of a file have been served.
pub type Hook = Box<dyn FnOnce() + Send>;

/// What the hub has, how it behaves, and what it saw.
#[derive(Default)]
pub struct State {
    pub files: BTreeMap<String, Stored>,
    /// One that is there and not listed.
    pub hidden: Option<(String, Stored)>,
    /// Listed besides, as they stand here.
    pub also_listed: Vec<Value>,
    /// The listing tells neither sizes nor hashes, as some mirrors' do.
    pub names_only: bool,
    /// The connection breaks off when this byte of this file would be sent, so many times.
    pub cut: Option<(String, usize)>,
    pub cuts: usize,
    /// Bytes of this file are served wrong.
    pub wrong: Option<String>,
    /// The store takes no ranges.
    pub no_ranges: bool,
    /// Who comes without this token is refused.
    pub token: Option<String>,
    /// The next answers: status and `Retry-After`.
    pub busy: Vec<(u16, &'static str)>,
    /// Called when this file has been served to there.
    pub hook: Option<(String, usize, Hook)>,
    /// Bytes of bodies that were served, by file.
    pub served: BTreeMap<String, usize>,
    /// `GET /path` of each request, and whether it carried a token.
    pub seen: Vec<(String, bool)>,
}

impl State {
    fn stored(&self, name: &str) -> Option<&Stored> {
        let hidden = self.hidden.as_ref().filter(|(hidden, _)| hidden == name).map(|(_, file)| file);
        self.files.get(name).or(hidden)
    }
}

/// The running hub; clones share it.
#[derive(Clone)]
pub struct Hub {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// As `git hash-object` names a file.
fn blob(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest([format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat()))
}

impl Hub {
    /// Starts one that has these files; those over a kilobyte are large.
    pub fn start(files: &[(&str, Vec<u8>)]) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let store = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (endpoint, store_at) = (at(&hub), at(&store));
        for (listener, is_hub) in [(hub, true), (store, false)] {
            let (state, store_at) = (state.clone(), store_at.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (state, store_at) = (state.clone(), store_at.clone());
                    // A client that goes away ends its own session only.
                    std::thread::spawn(move || session(stream, &state, is_hub.then_some(&*store_at)));
                }
            });
        }
        let this = Self { endpoint, state };
        for (path, bytes) in files {
            this.put(path, bytes.clone());
        }
        this
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let large = bytes.len() > 1024;
        let tag = if large { sha256(&bytes) } else { blob(&bytes) };
        self.state().files.insert(path.to_owned(), Stored { bytes, large, tag });
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Bytes of a file that were served since this was asked last.
    pub fn served(&self, path: &str) -> usize {
        self.state().served.remove(path).unwrap_or(0)
    }
}

struct Request {
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }
}

/// Status, headers, and a body of a file from this byte on.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    file: Option<String>,
    from: usize,
}

fn plain(status: u16, headers: Vec<(&'static str, String)>, body: &str) -> Answer {
    Answer { status, headers, body: body.as_bytes().to_vec(), file: None, from: 0 }
}

fn session(stream: TcpStream, state: &Mutex<State>, store_at: Option<&str>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let request = Request { path, headers };
        let answer = {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let token = request.header("authorization").is_some();
            state.seen.push((request.path.clone(), token));
            match store_at {
                Some(store) => of_hub(&request, &mut state, store),
                None => of_store(&request, &state),
            }
        };
        if !write(&mut stream, state, answer)? {
            return Ok(());
        }
    }
}

/// Sends an answer; `false` where the connection is broken off.
fn write(stream: &mut TcpStream, state: &Mutex<State>, answer: Answer) -> std::io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} x\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let Some(file) = answer.file else {
        stream.write_all(&answer.body)?;
        return Ok(true);
    };
    for (at, piece) in (0..).step_by(PIECE).zip(answer.body.chunks(PIECE)) {
        let (end, hook) = {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due =
                state.hook.as_ref().is_some_and(|(path, to, _)| *path == file && answer.from + at >= *to);
            let hook = if due { state.hook.take().map(|(_, _, hook)| hook) } else { None };
            let cut = state.cut.as_ref().filter(|(path, _)| *path == file && state.cuts > 0);
            let cut = cut.map(|(_, byte)| byte.saturating_sub(answer.from + at));
            let end = cut.filter(|cut| *cut < piece.len());
            if end.is_some() {
                state.cuts -= 1;
            }
            *state.served.entry(file.clone()).or_default() += end.unwrap_or(piece.len());
            (end, hook)
        };
        if let Some(hook) = hook {
            hook();
        }
        stream.write_all(&piece[..end.unwrap_or(piece.len())])?;
        if end.is_some() {
            stream.flush()?;
            stream.shutdown(std::net::Shutdown::Both)?;
            return Ok(false);
        }
    }
    Ok(true)
}

const PIECE: usize = 4096;

fn refused(status: u16, code: &str, said: &str) -> Answer {
    let headers = vec![("X-Error-Code", code.to_owned()), ("X-Error-Message", said.to_owned())];
    plain(status, headers, "{}")
}

fn of_hub(request: &Request, state: &mut State, store: &str) -> Answer {
    if let Some((status, after)) = state.busy.pop() {
        return plain(status, vec![("Retry-After", after.to_owned())], "");
    }
    let path = request.path.split('?').next().unwrap_or_default();
    if path.contains(FORMER) {
        return plain(307, vec![("Location", request.path.replace(FORMER, NAME))], "");
    }
    let told = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    // Without the right to read it, a model is as if it were not there; that is how the hub says it.
    let allowed = state.token.as_ref().is_none_or(|token| told == Some(token));
    let (api, files) = (format!("/api/models/{NAME}/revision/"), format!("/{NAME}/resolve/"));
    let cache = format!("/api/resolve-cache/models/{NAME}/");
    if !allowed || ![&api, &files, &cache].iter().any(|prefix| path.starts_with(prefix.as_str())) {
        return refused(401, "RepoNotFound", "Repository not found");
    }
    if let Some(revision) = path.strip_prefix(&api) {
        return match revision {
            "main" | "refs%2Fpr%2F1" | COMMIT => listing(state),
            _ => refused(404, "RevisionNotFound", "Invalid rev id"),
        };
    }
    let (prefix, is_cache) = if path.starts_with(&cache) { (&cache, true) } else { (&files, false) };
    let Some((revision, name)) = path[prefix.len()..].split_once('/') else {
        return refused(404, "EntryNotFound", "Entry not found");
    };
    match state.stored(name).filter(|_| revision == COMMIT) {
        None => refused(404, "EntryNotFound", "Entry not found"),
        Some(file) if file.large => {
            let headers = vec![
                ("Location", format!("{store}/kept/{name}?signature=x")),
                ("X-Repo-Commit", COMMIT.to_owned()),
                ("X-Linked-Size", file.bytes.len().to_string()),
                ("X-Linked-Etag", format!("\"{}\"", sha256(&file.bytes))),
                ("ETag", format!("\"{}\"", sha256(&file.bytes))),
            ];
            plain(302, headers, "elsewhere")
        }
        // Small files lie with the hub, one redirect further.
        Some(file) if !is_cache => {
            let from = path.replace('/', "%2F");
            let place = format!("{cache}{COMMIT}/{name}?{from}=&etag=%22{}%22", file.tag);
            let tag = ("ETag", format!("\"{}\"", file.tag));
            plain(307, vec![("Location", place), ("X-Repo-Commit", COMMIT.to_owned()), tag], "")
        }
        Some(file) => content(request, state, name, file),
    }
}

fn listing(state: &State) -> Answer {
    let row = |(path, file): (&String, &Stored)| {
        let mut row = json!({"rfilename": path, "size": file.bytes.len(), "blobId": blob(&file.bytes)});
        if file.large {
            // The blob of a large file is a pointer to it.
            row["blobId"] = blob(b"version https://git-lfs.github.com/spec/v1").into();
            row["lfs"] = json!({"sha256": sha256(&file.bytes), "size": file.bytes.len(), "pointerSize": 134});
        }
        if state.names_only { json!({"rfilename": path}) } else { row }
    };
    let siblings: Vec<Value> = state.files.iter().map(row).chain(state.also_listed.iter().cloned()).collect();
    let body = json!({"id": NAME, "sha": COMMIT, "private": false, "siblings": siblings});
    plain(200, vec![("Content-Type", "application/json".to_owned())], &body.to_string())
}

fn of_store(request: &Request, state: &State) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default();
    let name = path.strip_prefix("/kept/").unwrap_or_default();
    match state.stored(name) {
        Some(file) => content(request, state, name, file),
        None => plain(403, Vec::new(), "<Error>"),
    }
}

/// A file, or what a range and its condition ask of it (RFC 9110, 13.1.5 and 14.2).
fn content(request: &Request, state: &State, name: &str, file: &Stored) -> Answer {
    let tag = format!("\"{}\"", file.tag);
    let mut body = file.bytes.clone();
    if state.wrong.as_deref() == Some(name) {
        *body.last_mut().unwrap() ^= 1;
    }
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let range = range.map(|from| from.parse::<usize>().expect("a range begins with a number"));
    let holds = request.header("if-range").is_none_or(|wanted| wanted == tag);
    let (mut status, mut from) = (200, 0);
    let mut headers = vec![("ETag", tag), ("Accept-Ranges", "bytes".to_owned())];
    if let Some(begin) = range.filter(|_| holds && !state.no_ranges) {
        let total = body.len();
        if begin >= total {
            return plain(416, vec![("Content-Range", format!("bytes */{total}"))], "");
        }
        headers.push(("Content-Range", format!("bytes {begin}-{}/{total}", total - 1)));
        (status, from) = (206, begin);
        body.drain(..begin);
    }
    Answer { status, headers, body, file: Some(name.to_owned()), from }
}

#[test]
fn the_hub_names_files_as_git_does() {
    // `git hash-object` of an empty file, and of "hello\n".
    assert_eq!(blob(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_eq!(blob(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}
