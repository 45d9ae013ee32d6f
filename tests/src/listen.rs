//! Servers on the loopback that remember what they are sent: a web server for webhooks, a mail server for SMTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server was sent; clones share it.
#[derive(Clone)]
pub struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Seen<T> {
    fn push(&self, what: T) {
        self.0.lock().expect("nobody panicked with it").push(what);
    }

    /// All so far.
    ///
    /// # Panics
    /// If a server panicked.
    #[must_use]
    pub fn all(&self) -> Vec<T> {
        self.0.lock().expect("nobody panicked with it").clone()
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `POST /hook HTTP/1.1`.
    pub line: String,
    /// Headers: names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// A header's value; empty without one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// One e-mail as a mail server takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Whom it goes to.
    pub to: Vec<String>,
    /// Headers and body.
    pub message: String,
    /// What stood after `AUTH`, decoded by nobody.
    pub auth: String,
}

fn serve<T: Clone + Send + 'static>(
    port: u16,
    session: fn(TcpStream, &Seen<T>) -> std::io::Result<()>,
) -> (u16, Seen<T>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let seen = Seen(Arc::new(Mutex::new(Vec::new())));
    let shared = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = shared.clone();
            // A client that goes away in the middle ends its own session only.
            std::thread::spawn(move || session(stream, &seen));
        }
    });
    (port, seen)
}

/// A web server that answers every request with 204.
#[must_use]
pub fn web() -> (u16, Seen<Request>) {
    serve(0, web_session)
}

/// The same at this port.
#[must_use]
pub fn web_at(port: u16) -> Seen<Request> {
    serve(port, web_session).1
}

fn web_session(stream: TcpStream, seen: &Seen<Request>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { line: line.trim_end().to_owned(), headers, body: String::new() };
        let length = request.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        seen.push(request);
        stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// A mail server without encryption that takes every name and password, and every e-mail.
#[must_use]
pub fn mail() -> (u16, Seen<Sent>) {
    serve(0, mail_session)
}

fn mail_session(stream: TcpStream, seen: &Seen<Sent>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    stream.write_all(b"220 loopback ESMTP\r\n")?;
    let empty = Sent { to: Vec::new(), message: String::new(), auth: String::new() };
    let mut sent = empty.clone();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        let upper = command.to_ascii_uppercase();
        let answer = if upper.starts_with("EHLO") {
            "250-loopback\r\n250-AUTH PLAIN\r\n250 8BITMIME"
        } else if upper.starts_with("AUTH") {
            sent.auth = command[4..].trim().to_owned();
            "235 welcome"
        } else if upper.starts_with("RCPT TO:") {
            let address = command[8..].trim();
            let address = address.trim_start_matches('<').split('>').next().unwrap_or_default();
            sent.to.push(address.to_owned());
            "250 ok"
        } else if upper == "DATA" {
            stream.write_all(b"354 go on\r\n")?;
            sent.message = data(&mut reader)?;
            let auth = sent.auth.clone();
            seen.push(std::mem::replace(&mut sent, Sent { auth, ..empty.clone() }));
            "250 taken"
        } else if upper == "QUIT" {
            return stream.write_all(b"221 bye\r\n");
        } else {
            "250 ok"
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

fn data(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == ".\r\n" {
            return Ok(message);
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
