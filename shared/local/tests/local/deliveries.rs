//! What people find in `results/` and `outbox/`.

use super::notification;
use domain::text::{Line, Origin, Page, Pages, Role};
use domain::{Artifact, Audience, OutcomeKind, Reason};
use local::Local;
use ports::{Channel, Endpoint, Notification, Subscription};
use std::fs;
use std::path::{Path, PathBuf};

async fn publish(local: &Local, channel: Channel, notification: &Notification) {
    local.stack.topic.publish(channel, notification).await.unwrap();
}

async fn deliver(local: &Local) {
    while local.deliveries().deliver_due().await.unwrap() > 0 {}
}

fn files(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: PathBuf, out: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, path, out);
            } else {
                out.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let mut out = Vec::new();
    walk(folder, folder.to_owned(), &mut out);
    out.sort();
    out
}

async fn write_pages(local: &Local, notification: &Notification, text: &str) {
    let line = Line { text: text.into(), role: Role::Body, paragraph: 0, bbox: None, confidence: None };
    let page = Page { number: 1, origin: Origin::Text, lines: vec![line], attachment: None, note: None };
    let pages = serde_json::to_vec(&Pages { pages: vec![page], title: None }).unwrap();
    let key = Artifact::Pages.key(notification.job.as_ref().unwrap(), notification.run);
    local.stack.objects.write_once(&key, pages).await.unwrap();
}

async fn subscribe(local: &Local, address: &str, prefix: &str, audience: Audience) -> Subscription {
    let subscription = Subscription {
        id: String::new(),
        endpoint: Endpoint::Email(address.into()),
        outcomes: Vec::new(),
        prefix: prefix.into(),
        audience,
        created_at: jiff::Timestamp::now(),
    };
    local.stack.subscriptions.add(subscription).await.unwrap()
}

#[tokio::test]
async fn a_result_is_markdown_json_and_text_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    let told = notification("contracts/lease.pdf", "1", 1);
    write_pages(&local, &told, "Rent rises.").await;
    for _ in 0..2 {
        publish(&local, Channel::Outcomes, &told).await;
        publish(&local, Channel::Completions, &told).await;
    }
    assert!(local.delivery_list().await.unwrap().len() == 2, "publishing again adds nothing");
    deliver(&local).await;
    let results = local.layout.results();
    let names = ["contracts/lease.pdf.json", "contracts/lease.pdf.md", "contracts/lease.pdf.txt"];
    assert_eq!(files(&results), names);
    assert_eq!(fs::read_to_string(results.join(names[0])).unwrap(), "{\"run\":1}\n");
    assert_eq!(fs::read_to_string(results.join(names[1])).unwrap(), "# Run 1 of 1\n");
    assert_eq!(fs::read_to_string(results.join(names[2])).unwrap(), "Rent rises.\n");
    assert_eq!(files(&local.layout.outbox()), [format!("{}.eml", told.id)]);
    let mail = fs::read_to_string(local.layout.outbox().join(format!("{}.eml", told.id))).unwrap();
    assert!(
        mail.contains("To: subscriber@localhost\r\n") && mail.contains("Rent rises 6% on 1 March."),
        "{mail}"
    );
    publish(&local, Channel::Completions, &told).await;
    assert!(local.delivery_list().await.unwrap().is_empty(), "also when it was delivered long ago");
}

#[tokio::test]
async fn an_older_run_or_document_never_takes_the_place_of_a_newer() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    let source = folder.path().join("inbox/source");
    let mut versions = Vec::new();
    for text in ["one", "two"] {
        fs::write(&source, text).unwrap();
        let document = local.stack.objects.upload("a.txt", &source).await.unwrap();
        local.stack.jobs.create(&domain::Job::new(document.clone(), jiff::Timestamp::now())).await.unwrap();
        versions.push(document.version);
    }
    let results = local.layout.results();
    let shown = || fs::read_to_string(results.join("a.txt.md")).unwrap();
    let (old, new) = (&versions[0], &versions[1]);
    publish(&local, Channel::Outcomes, &notification("a.txt", old, 1)).await;
    deliver(&local).await;
    assert_eq!(shown(), format!("# Run 1 of {old}\n"));
    publish(&local, Channel::Outcomes, &notification("a.txt", new, 2)).await;
    deliver(&local).await;
    publish(&local, Channel::Outcomes, &notification("a.txt", new, 1)).await;
    publish(&local, Channel::Outcomes, &notification("a.txt", old, 2)).await;
    deliver(&local).await;
    assert_eq!(shown(), format!("# Run 2 of {new}\n"));
    let superseded = Notification { outcome: OutcomeKind::Superseded, ..notification("a.txt", new, 3) };
    publish(&local, Channel::Outcomes, &superseded).await;
    deliver(&local).await;
    assert_eq!(shown(), format!("# Run 2 of {new}\n"), "nothing is to be read of what was superseded");
}

#[tokio::test]
async fn hostile_keys_stay_in_the_folder_and_apart() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(&folder.path().join("data")).await;
    let keys = ["../../x", "/x", "x", "X/../x", "a\0b", "a\nb", ".x", "x.md/y", "🦀", &"k".repeat(1024)];
    for key in keys {
        publish(&local, Channel::Outcomes, &notification(key, "1", 1)).await;
    }
    deliver(&local).await;
    assert_eq!(local.delivery_list().await.unwrap(), []);
    let names = files(&local.layout.results());
    assert_eq!(names.len(), keys.len() * 2, "{names:?}");
    assert!(names.iter().any(|name| name == "x.md"), "{names:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing beside the data folder");
}

#[tokio::test]
async fn an_e_mail_goes_to_whom_it_concerns_and_its_headers_cannot_be_forged() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    subscribe(&local, "anna@example.com", "contracts/", Audience::Sender).await;
    subscribe(&local, "ben@example.com", "", Audience::Sender).await;
    subscribe(&local, "root@example.com", "", Audience::Operator).await;
    let mut told = notification("contracts/a.pdf", "1", 1);
    told.subject = "[Precis] a\r\nBcc: evil@example.com".into();
    let other = notification("letters/b.pdf", "1", 1);
    let fault = Notification {
        audience: Audience::Operator,
        outcome: OutcomeKind::Failed,
        reason: Some(Reason::Internal),
        ..notification("letters/c.pdf", "1", 1)
    };
    for notification in [&told, &other, &fault] {
        publish(&local, Channel::Completions, notification).await;
    }
    deliver(&local).await;
    let mail = |told: &Notification| {
        let mail = fs::read_to_string(local.layout.outbox().join(format!("{}.eml", told.id))).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    let (head, body) = mail(&told);
    assert!(head.contains("To: anna@example.com, ben@example.com"), "{head}");
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
    assert!(head.contains("Message-ID: <") && head.contains("Date: "), "{head}");
    assert!(body.contains("Rent rises"), "{body}");
    assert!(mail(&other).0.contains("To: ben@example.com\r\n"));
    assert!(mail(&fault).0.contains("To: root@example.com\r\n"));
}

#[tokio::test]
async fn what_a_crash_interrupted_is_written_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    let told = notification("a.pdf", "1", 1);
    publish(&local, Channel::Completions, &told).await;
    publish(&local, Channel::Outcomes, &told).await;
    fs::create_dir_all(local.layout.results().join(".part")).unwrap();
    fs::write(local.layout.results().join(".part/0123"), "half").unwrap();
    drop(local);
    let local = super::open(folder.path()).await;
    deliver(&local).await;
    assert_eq!(files(&local.layout.results()), ["a.pdf.json", "a.pdf.md"], "nothing half is left");
    assert_eq!(files(&local.layout.outbox()).len(), 1);
}

#[tokio::test]
async fn results_that_cannot_be_written_are_visible_and_wait() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    fs::remove_dir_all(local.layout.results()).unwrap();
    fs::write(local.layout.results(), "in the way").unwrap();
    publish(&local, Channel::Outcomes, &notification("a.pdf", "1", 1)).await;
    publish(&local, Channel::Completions, &notification("a.pdf", "1", 1)).await;
    local.deliveries().deliver_due().await.unwrap();
    let waiting = local.delivery_list().await.unwrap();
    assert_eq!(waiting.len(), 1, "the e-mail beside it was written");
    assert!(
        !waiting[0].dead && waiting[0].kind == "results" && waiting[0].last_error.is_some(),
        "{waiting:?}"
    );
    fs::remove_file(local.layout.results()).unwrap();
    fs::create_dir(local.layout.results()).unwrap();
    local.retry_deliveries().await.unwrap();
    deliver(&local).await;
    assert_eq!(files(&local.layout.results()), ["a.pdf.json", "a.pdf.md"]);
}
