//! Unique words planted in documents, keys and credentials are in no log line of a service (with everything logged), on
//! no page of metrics and in no message of ours.
//!
//! Events of S3 hold keys by nature, and reports and e-mails are for keys and text; credentials are not allowed there
//! either.

use crate::queues_are_empty;
use ports::{Address, QueueName};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use std::collections::BTreeSet;
use std::time::Duration;

const TEXT: &str = "Quetzalplumes";
const KEY: &str = "axolotl-pond";
const SECRET: &str = "narwhalHornSecretAccessKey";
const TOKEN: &str = "pangolinScaleSessionToken";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_are_in_no_log_at_debug_level_no_metric_and_no_message() {
    let mut plan = Plan { copies: [1, 1, 0, 0], ..Plan::default() };
    let env = [("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN), ("PRECIS_LOG", "debug")];
    plan.env.extend(env.map(|(name, value)| (name, value.to_owned())));
    let Some(mut deployment) = Deployment::start(plan).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<_> = (0..8).map(papers::text).collect();
    for paper in &mut all {
        let text = String::from_utf8_lossy(&paper.bytes).replace("of the office", TEXT);
        assert!(text.contains(TEXT));
        paper.bytes = text.into_bytes();
    }
    let docx = [b"PK\x03\x04".as_slice(), TEXT.as_bytes()].concat();
    all.push(papers::Paper { bytes: docx, ..papers::bad(6) });
    all.extend(papers::scans().into_iter().take(2));
    for paper in &all {
        let file = paper.lay_into(folder.path());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        deployment.put(&format!("in/{KEY}-{name}"), &file).await;
    }
    // While nobody summarizes or tells, what waits there can be looked at.
    let queues = [QueueName::Summarize, QueueName::Notify];
    for _ in 0..120 {
        let mut waiting = 0;
        for queue in queues {
            waiting += deployment.aws.stack.queue_admin.depth(queue).await.unwrap().waiting;
        }
        if waiting == all.len() as u64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mut messages = BTreeSet::new();
    for queue in queues {
        let from = Address::live(queue);
        let (moment, patience) = (Duration::from_secs(20), Duration::from_secs(1));
        for _ in 0..4 {
            let got = deployment.aws.stack.queue.receive(from, 10, moment, patience).await.unwrap();
            messages.extend(got.into_iter().map(|delivery| delivery.body));
        }
    }
    assert!(messages.len() >= all.len(), "{} messages were seen", messages.len());
    let programs = precis_tests::deployment::built();
    deployment.add("summarize", &programs);
    deployment.add("notify", &programs);
    deployment.ended(all.len(), Duration::from_secs(240)).await;
    queues_are_empty(&deployment).await;

    let outcomes = deployment.outcomes().await;
    let told: String = outcomes.iter().map(ToString::to_string).collect();
    assert!(told.contains(KEY) && told.contains(TEXT), "the canaries never sang");
    check(&told, "a report", &[SECRET, TOKEN]);
    for message in &messages {
        check(message, "a message", &[TEXT, KEY, SECRET, TOKEN]);
    }
    for worker in &deployment.workers {
        let page = worker.page("/metrics").unwrap();
        check(&page, &format!("the metrics of {}", worker.service), &[TEXT, KEY, SECRET, TOKEN]);
        let log = worker.said();
        assert!(log.contains("\"DEBUG\""), "not everything was logged by {}", worker.service);
        for line in log.lines() {
            check(line, &format!("the log of {}", worker.service), &[TEXT, KEY, SECRET, TOKEN]);
        }
    }
}

fn check(text: &str, place: &str, canaries: &[&str]) {
    for canary in canaries {
        let at = text.find(canary);
        let from = at.map_or(0, |at| text.floor_char_boundary(at.saturating_sub(200)));
        assert!(at.is_none(), "{canary:?} is in {place}: …{}", &text[from..]);
    }
}
