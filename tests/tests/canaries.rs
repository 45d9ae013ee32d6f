//! Unique words planted in documents, keys and credentials are in no log line (not even with everything logged),
//! on no page of metrics and in no message.
//!
//! Excluded, and why:
//! - Keys in event messages: an event of the object store says which object it is about, so its messages hold
//!   keys by nature (AWS writes them itself). Everything that we put into a queue ourselves names jobs only.
//! - Keys in jobs, results and e-mails, and text in artifacts, results and e-mails (until they are delivered, those
//!   lie in the database too): that is what they are for. Credentials are not allowed there either.
//! - What `precis up` is told by its own command line and settings (addresses of inboxes), which is no document.

use precis_tests::papers;
use precis_tests::program::eventually;
use precis_tests::running::{self, Up};
use precis_tests::{listen, mail};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

const TEXT: &str = "Quetzalplumes";
const KEY: &str = "axolotl-pond";
const PASSWORD: &str = "narwhal-horn-password";
const PASSWORD_OF_ENVIRONMENT: &str = "pangolin-scale-password";
const WEBHOOK_SECRET: &str = "okapi-stripe-secret";
const ENVIRONMENT: &str = "capybara-river-token";
const CREDENTIALS: [&str; 4] = [PASSWORD, PASSWORD_OF_ENVIRONMENT, WEBHOOK_SECRET, ENVIRONMENT];

/// Documents with the canary in their text and in their keys, good and bad ones.
fn plant(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = (0..10).map(papers::good).collect();
    for paper in &mut all {
        // The PDF's lengths must stay right, so a name of the same length goes for one in its text.
        paper.bytes = replace(&paper.bytes, b"of the office", TEXT.as_bytes());
    }
    let mut cut = papers::pdf(60);
    cut.bytes = format!("%PDF-1.4\n1 0 obj << /Title ({TEXT}) >>\n").into_bytes();
    let broken_html = papers::Paper { bytes: format!("<html><b>{TEXT}").into_bytes(), ..papers::html(61) };
    let short = papers::Paper { bytes: format!("{TEXT}\n").into_bytes(), ..papers::text(62) };
    let binary = papers::Paper { bytes: [&[0, 1, 2, 255], TEXT.as_bytes()].concat(), ..papers::bad(2) };
    let docx = papers::Paper { bytes: [b"PK\x03\x04", TEXT.as_bytes()].concat(), ..papers::bad(6) };
    all.extend([cut, broken_html, short, binary, docx]);
    all.extend(papers::scans().into_iter().take(2));
    all.iter()
        .map(|paper| {
            let path = folder.join(format!("{KEY}-{}", paper.name));
            fs::write(&path, &paper.bytes).unwrap();
            path
        })
        .collect()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|window| window == from) {
        Some(at) if from.len() == to.len() => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        _ => panic!("no place for the canary"),
    }
}

fn settings(port: u16) -> String {
    format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"precis@example.org\"\n\
         username = \"ann\"\npassword = \"{PASSWORD}\"\n[webhook]\nsecret = \"{WEBHOOK_SECRET}\"\n"
    )
}

/// All messages that are in the queues at this moment.
fn look(database: &Connection, seen: &mut BTreeSet<(String, String)>) {
    let mut statement = database.prepare_cached("SELECT queue, body FROM messages").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    // A page that is being written is looked at again.
    seen.extend(rows.flatten());
}

#[test]
fn canaries_in_texts_keys_and_credentials_are_in_no_log_metric_or_message() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log, drop) =
        (folder.path().join("data"), folder.path().join("up.log"), folder.path().join("drop"));
    let (mail_port, mails) = listen::mail();
    let (web_port, requests) = listen::web();
    fs::create_dir(&data).unwrap();
    fs::create_dir(&drop).unwrap();
    fs::write(data.join("precis.toml"), settings(mail_port)).unwrap();
    let files = plant(&drop);
    let mut seen = BTreeSet::new();
    let mut pages = String::new();

    for environment in [false, true] {
        let mut env = vec![("MY_TOKEN", ENVIRONMENT)];
        if environment {
            env.push(("PRECIS_SMTP_PASSWORD", PASSWORD_OF_ENVIRONMENT));
        }
        let up = Up::start(&data, &log, &["-vv", "--metrics", "127.0.0.1:0"], &env);
        eventually("it is up", 30, || {
            running::run(&data, "jobs", &["--json"]).status.success().then_some(())
        });
        if !environment {
            running::ask(&data, "subscribe", &["ann@example.org"]);
            running::ask(&data, "subscribe", &[&format!("http://127.0.0.1:{web_port}/hook")]);
            // Nobody listens there: failing to deliver must not tell secrets either.
            running::ask(&data, "subscribe", &["http://127.0.0.1:9/nobody"]);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(data.join("precis.db"), flags).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        let (some, rest) = files.split_at(files.len() / 2);
        let sent = if environment { rest } else { some };
        let known = running::jobs(&data).len();
        std::thread::scope(|scope| {
            scope.spawn(|| running::ask(&data, "put", sent));
            eventually("all is done", 90, || {
                for _ in 0..50 {
                    look(&database, &mut seen);
                    std::thread::sleep(Duration::from_millis(1));
                }
                let jobs = running::jobs(&data);
                let all = jobs.len() == known + sent.len() && running::unfinished(&jobs) == 0;
                (all && mails.all().len() >= jobs.len() && requests.all().len() >= jobs.len()).then_some(())
            });
        });
        pages.push_str(&running::metrics(&up));
        up.stop();
    }

    // The canaries did go where they belong: else nothing is shown.
    let told: String = mails.all().iter().map(|sent| mail::text(&sent.message)).collect();
    let results = data.join("results");
    let read: String =
        running::files(&results).iter().map(|name| fs::read_to_string(results.join(name)).unwrap()).collect();
    assert!(told.contains(KEY) && read.matches(TEXT).count() >= 10, "the canaries never sang");
    assert_eq!(mails.all().iter().map(|sent| sent.auth.clone()).collect::<BTreeSet<_>>().len(), 2);
    let queues: BTreeSet<_> = seen.iter().map(|(queue, _)| queue.as_str()).collect();
    println!(
        "{} messages of {queues:?} seen, {} bytes of log",
        seen.len(),
        fs::metadata(&log).unwrap().len()
    );
    assert!(
        ["ingest", "ocr", "summarize", "notify"].iter().all(|queue| queues.contains(queue)),
        "{queues:?}"
    );

    assert!(seen.iter().any(|(_, body)| body.contains(KEY)), "not even the events were seen");
    check_logs(&fs::read_to_string(&log).unwrap());
    check(&pages, "the metrics", &[TEXT, KEY]);
    for (queue, body) in &seen {
        let is_event = body.contains("\"Records\"");
        check(body, &format!("a message of {queue}"), if is_event { &[TEXT] } else { &[TEXT, KEY] });
    }
    for job in running::jobs(&data) {
        check(&running::job(&data, job["id"].as_str().unwrap()).to_string(), "a job", &[]);
    }
    check(&told, "an e-mail", &[]);
    check(&read, "a result", &[]);
}

/// Credentials may be nowhere, the others not here.
fn check(text: &str, place: &str, others: &[&str]) {
    for canary in CREDENTIALS.iter().chain(others) {
        let at = text.find(canary);
        let from = at.map_or(0, |at| text.floor_char_boundary(at.saturating_sub(200)));
        assert!(at.is_none(), "{canary:?} is in {place}: …{}", &text[from..]);
    }
}

fn check_logs(log: &str) {
    let lines: Vec<_> = log.lines().filter(|line| line.starts_with('{')).collect();
    assert!(lines.iter().any(|line| line.contains("\"DEBUG\"")), "not everything was logged");
    for line in lines {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "no JSON: {line}");
    }
    for line in log.lines() {
        check(line, "the log", &[TEXT, KEY]);
    }
}
