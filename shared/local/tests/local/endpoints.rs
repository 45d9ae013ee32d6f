//! Mail servers and webhooks, played by small servers of this test on this machine.

use super::notification;
use domain::Audience;
use hmac::{Hmac, KeyInit, Mac};
use local::Local;
use ports::{Channel, Endpoint, Fault, Subscription};
use sha2::Sha256;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What came in, and what is answered next.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<(Vec<String>, Vec<&'static str>)>>);

impl Seen {
    fn answers(&self, answers: &[&'static str]) {
        self.0.lock().unwrap().1 = answers.iter().rev().copied().collect();
    }

    /// The next answer, or the usual one.
    fn next(&self, usual: &'static str) -> &'static str {
        self.0.lock().unwrap().1.pop().unwrap_or(usual)
    }

    fn came(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }
}

/// A mail server that says to each message what it is told to say.
async fn mail_server(seen: Seen) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(mail_session(stream, seen.clone()));
        }
    });
    port
}

async fn mail_session(stream: TcpStream, seen: Seen) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await?;
    let mut envelope = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.split_whitespace().next().unwrap_or_default() {
            "EHLO" => "250 test",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut data = envelope.clone();
                while !data.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut data).await?;
                }
                let answer = seen.next("250 taken");
                if answer.starts_with('2') {
                    seen.0.lock().unwrap().0.push(data);
                }
                answer
            }
            "QUIT" => "221 bye",
            "RCPT" => {
                envelope = line.clone();
                "250 ok"
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// A web server that keeps whole requests.
async fn web_server(seen: Seen) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(web_session(stream, seen.clone()));
        }
    });
    port
}

async fn web_session(stream: TcpStream, seen: Seen) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.push_str(&String::from_utf8(body).unwrap());
    seen.0.lock().unwrap().0.push(request);
    let answer =
        format!("HTTP/1.1 {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", seen.next("200 OK"));
    stream.write_all(answer.as_bytes()).await
}

async fn with_mail_server(folder: &Path, seen: &Seen) -> Local {
    let port = mail_server(seen.clone()).await;
    let settings = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"Precis <precis@example.com>\"\n\
         [webhook]\nsecret = \"canary-secret\"\n"
    );
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("precis.toml"), settings).unwrap();
    super::open(folder).await
}

async fn subscribe(local: &Local, endpoint: Endpoint) -> Subscription {
    let subscription = Subscription {
        id: String::new(),
        endpoint,
        outcomes: Vec::new(),
        prefix: String::new(),
        audience: Audience::Sender,
        created_at: jiff::Timestamp::now(),
    };
    local.stack.subscriptions.add(subscription).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_subscriber_gets_one_e_mail_of_his_own_by_smtp() {
    let (folder, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    let local = with_mail_server(folder.path(), &seen).await;
    for address in ["anna@example.com", "ben@example.com"] {
        subscribe(&local, Endpoint::Email(address.into())).await;
    }
    let told = notification("a.pdf", "1", 1);
    for _ in 0..2 {
        local.stack.topic.publish(Channel::Completions, &told).await.unwrap();
    }
    while local.deliveries().deliver_due().await.unwrap() > 0 {}
    let mut came = seen.came();
    came.sort();
    assert_eq!(came.len(), 2);
    assert!(came[0].contains("To: anna@example.com\r\n") && !came[0].contains("ben@"), "{}", came[0]);
    assert!(
        came[1].contains("From: Precis <precis@example.com>") || came[1].contains("From: \"Precis\""),
        "{}",
        came[1]
    );
    assert_eq!(fs::read_dir(local.layout.outbox()).unwrap().count(), 0);
    assert_eq!(local.check_smtp().await.unwrap().as_deref(), Some("127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mail_server_refuses_for_now_is_tried_again_and_what_it_refuses_for_good_is_dead() {
    let (folder, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    let local = with_mail_server(folder.path(), &seen).await;
    subscribe(&local, Endpoint::Email("anna@example.com".into())).await;
    seen.answers(&["451 try later"]);
    local.stack.topic.publish(Channel::Completions, &notification("a.pdf", "1", 1)).await.unwrap();
    local.deliveries().deliver_due().await.unwrap();
    let waiting = local.delivery_list().await.unwrap();
    assert!(
        !waiting[0].dead && waiting[0].attempts == 1 && waiting[0].due_at > jiff::Timestamp::now(),
        "{waiting:?}"
    );
    assert!(waiting[0].last_error.as_deref().unwrap().contains("try later"), "{waiting:?}");
    seen.answers(&["554 never"]);
    local.retry_deliveries().await.unwrap();
    local.deliveries().deliver_due().await.unwrap();
    let dead = local.delivery_list().await.unwrap();
    assert!(dead[0].dead && dead[0].last_error.as_deref().unwrap().contains("never"), "{dead:?}");
    assert_eq!(local.deliveries().deliver_due().await.unwrap(), 0, "what is dead is not tried");
    assert_eq!(local.retry_deliveries().await.unwrap(), 1);
    local.deliveries().deliver_due().await.unwrap();
    assert_eq!((local.delivery_list().await.unwrap().len(), seen.came().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_signed_and_tried_again_until_it_answers() {
    let (folder, mail, seen) = (tempfile::tempdir().unwrap(), Seen::default(), Seen::default());
    let local = with_mail_server(folder.path(), &mail).await;
    let url = format!("http://127.0.0.1:{}/hook?a=b", web_server(seen.clone()).await);
    let subscription = subscribe(&local, Endpoint::Webhook(url)).await;
    seen.answers(&["503 Later", "302 Elsewhere"]);
    let told = notification("a.pdf", "1", 1);
    local.stack.topic.publish(Channel::Outcomes, &told).await.unwrap();
    for tries in 1..=3 {
        local.retry_deliveries().await.unwrap();
        local.deliveries().deliver_due().await.unwrap();
        assert_eq!(seen.came().len(), tries);
    }
    assert_eq!(local.delivery_list().await.unwrap(), []);
    let request = seen.came().pop().unwrap();
    assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, told.json);
    let header = |name: &str| {
        let found =
            head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        found.unwrap_or_else(|| panic!("{name} in {head}")).1.to_owned()
    };
    assert_eq!(header("precis-id"), told.id);
    let signature = header("precis-signature");
    let (at, digits) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"canary-secret").unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    assert_eq!(digits, hex::encode(mac.finalize().into_bytes()));
    local.stack.subscriptions.test(&subscription.id).await.unwrap();
    assert!(seen.came().pop().unwrap().contains("\"test\":true"));
    seen.answers(&["410 Gone"]);
    assert_eq!(local.stack.subscriptions.test(&subscription.id).await.unwrap_err().fault, Fault::Permanent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_unsubscribed_hears_nothing_more() {
    let (folder, seen) = (tempfile::tempdir().unwrap(), Seen::default());
    let local = super::open(folder.path()).await;
    let url = format!("http://127.0.0.1:{}/", web_server(seen.clone()).await);
    let subscription = subscribe(&local, Endpoint::Webhook(url)).await;
    local.stack.topic.publish(Channel::Outcomes, &notification("a.pdf", "1", 1)).await.unwrap();
    local.stack.subscriptions.remove(&subscription.id).await.unwrap();
    while local.deliveries().deliver_due().await.unwrap() > 0 {}
    assert!(seen.came().is_empty());
    let left = local.delivery_list().await.unwrap();
    assert!(left.iter().all(|delivery| delivery.kind != "webhook"), "{left:?}");
}
