//! What a kill may repeat where nobody knows whether an e-mail arrived.

use crate::put;
use precis_tests::papers::{self, Chance};
use precis_tests::program::eventually;
use precis_tests::running::{self, Up};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A mail server that takes e-mails by their `Message-ID` and, at chosen ones, kills who sent them before it answers.
#[derive(Clone)]
struct MailServer {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    /// Who is to be killed; 0: nobody.
    victim: Arc<AtomicU32>,
    kills: Arc<Mutex<Vec<usize>>>,
}

impl MailServer {
    /// `kills`: after how many e-mails the sender dies, ascending.
    fn start(mut kills: Vec<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        kills.reverse();
        let server =
            Self { port, taken: Arc::default(), victim: Arc::default(), kills: Arc::new(Mutex::new(kills)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                // A client that dies in the middle ends its own session only.
                std::thread::spawn(move || server.session(stream));
            }
        });
        server
    }

    fn session(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        stream.write_all(b"220 loopback ESMTP\r\n")?;
        while let Some(line) = lines.next() {
            let line = line?.to_ascii_uppercase();
            if line != "DATA" {
                let answer = if line.starts_with("QUIT") { "221 bye" } else { "250 ok" };
                stream.write_all(format!("{answer}\r\n").as_bytes())?;
                continue;
            }
            stream.write_all(b"354 go on\r\n")?;
            let mut id = String::new();
            for line in lines.by_ref() {
                let line = line?;
                if let Some(found) = line.strip_prefix("Message-ID: ") {
                    found.clone_into(&mut id);
                }
                if line == "." {
                    break;
                }
            }
            self.take(id);
            stream.write_all(b"250 taken\r\n")?;
        }
        Ok(())
    }

    /// The e-mail is taken; whoever sent it may not live to hear so.
    fn take(&self, id: String) {
        let mut taken = self.taken.lock().unwrap();
        taken.push(id);
        let mut kills = self.kills.lock().unwrap();
        if kills.last().is_some_and(|at| taken.len() >= *at) {
            let victim = self.victim.swap(0, Ordering::SeqCst);
            let pid = i32::try_from(victim).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(pid) = pid {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                kills.pop();
            }
        }
    }
}

#[test]
fn by_smtp_a_kill_repeats_no_more_than_what_was_under_way() {
    const MAILS: usize = 24;
    const KILLS: usize = 4;
    let mut chance = Chance::seeded("PRECIS_KILL_SEED");
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("up.log"));
    let at = (0..KILLS).map(|n| 2 + n * 6 + usize::try_from(chance.below(4)).unwrap()).collect();
    let server = MailServer::start(at);
    let scratch = folder.path().join("drop");
    fs::create_dir(&scratch).unwrap();
    fs::create_dir(&data).unwrap();
    let port = server.port;
    let smtp = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"precis@example.org\"\n"
    );
    fs::write(data.join("precis.toml"), smtp).unwrap();
    let first = Up::start(&data, &log, &[], &[]);
    first.says("Drop a document");
    running::ask(&data, "subscribe", &["ann@example.org"]);
    first.stop();
    let documents: Vec<_> = (0..MAILS).map(papers::text).collect();
    put(&data, &scratch, &documents);

    let mut deaths = 0;
    loop {
        let mut up = Up::start(&data, &log, &[], &[]);
        server.victim.store(up.pid(), Ordering::SeqCst);
        let mut told = BTreeSet::new();
        let start = Instant::now();
        while up.ended().is_none() && told.len() < MAILS {
            told = server.taken.lock().unwrap().iter().cloned().collect();
            assert!(
                start.elapsed() < Duration::from_secs(300),
                "{} of {MAILS} told: {}",
                told.len(),
                up.said()
            );
            sleep(Duration::from_millis(20));
        }
        if up.ended().is_none() {
            // Whatever is to be repeated is repeated now.
            let quiet = || (running::unfinished(&running::jobs(&data)) == 0).then_some(());
            eventually("all jobs have ended", 30, quiet);
            sleep(Duration::from_secs(2));
            if up.ended().is_none() {
                up.stop();
                break;
            }
        }
        deaths += 1;
    }
    let taken = server.taken.lock().unwrap().clone();
    let different: BTreeSet<_> = taken.iter().collect();
    let repeated = taken.len() - different.len();
    println!("{deaths} kills, {} e-mails, {repeated} of them repeated", taken.len());
    assert_eq!(deaths, KILLS);
    assert_eq!(different.len(), MAILS, "each document is told");
    assert!(repeated >= 1, "the server answered nobody it killed, so something is repeated");
    assert!(repeated <= deaths * local::AT_ONCE, "more than what was under way is repeated");
}
