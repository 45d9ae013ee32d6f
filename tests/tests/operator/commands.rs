//! The commands of a data folder do the same on a deployment.

use precis_tests::deployment::{Deployment, Plan};
use precis_tests::papers;
use precis_tests::program::Place;
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(180);

/// A deployment whose documents under `contracts/` get short summaries, and a document.
async fn started() -> Option<(Deployment, Place, String)> {
    let deployment = Deployment::start(Plan::default()).await?;
    let place = Place::new();
    let file = papers::text(1).lay_into(place.folder());
    Some((deployment, place, file.display().to_string()))
}

/// The only job.
fn job(deployment: &Deployment) -> Value {
    let jobs = deployment.precis(&["jobs", "--json"]).with_status(0).json();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_put_followed_printed_and_made_again_as_on_one_machine() {
    let Some((deployment, _place, file)) = started().await else { return };
    deployment.precis(&["jobs"]).with_status(0).saying(&["No jobs yet"]);
    let set = ["settings", "contracts/", "--set", "words=60", "--set", "max_pages=20"];
    deployment.precis(&set).with_status(0).saying(&["words", "60", "prefix contracts/"]);

    let put = ["put", &file, "--prefix", "contracts/", "--wait"];
    deployment.precis(&put).with_status(0).saying(&["contracts/", "[p. 1]"]);
    let listed = job(&deployment);
    assert_eq!(listed["state"], "summarized", "{listed}");
    let id = &listed["id"].as_str().unwrap()[..8];

    let whole: Value =
        serde_json::from_str(&deployment.precis(&["job", id, "--json"]).with_status(0).out).unwrap();
    assert_eq!((&whole["settings"]["words"], &whole["settings"]["max_pages"]), (&60.into(), &20.into()));
    deployment.precis(&["job", id]).with_status(0).saying(&[
        "SUMMARIZED",
        "https://",
        "words=60 (prefix contracts/)",
    ]);
    let first = deployment.precis(&["result", id]).with_status(0).saying(&["[p. 1]"]).out;
    deployment.precis(&["text", id]).with_status(0).saying(&["reference REF10001"]);

    deployment.precis(&["reprocess", id, "--words", "20"]).with_status(0);
    let again = deployment.ended(1, PATIENCE).await;
    assert_eq!((again[0].run, again[0].settings.words), (2, 20));
    let second = deployment.precis(&["result", id]).with_status(0).out;
    assert!(second.len() < first.len(), "{second}\n---\n{first}");
    assert_eq!(deployment.precis(&["result", id, "--run", "1"]).with_status(0).out, first);
    deployment.precis(&["retry", "--all"]).with_status(0).saying(&["nothing to retry"]);
    deployment.precis(&["job", "0123456789"]).with_status(1).saying(&["no job 0123456789"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_gates_settings_and_subscriptions_of_a_deployment_are_seen_and_changed() {
    let Some(deployment) = Deployment::start(Plan { copies: [0; 4], ..Plan::default() }).await else {
        return;
    };
    queues(&deployment).await;
    subscriptions(&deployment);
    settings(&deployment);
}

async fn queues(deployment: &Deployment) {
    deployment.precis(&["queues"]).with_status(0).saying(&[
        "ocr-completed",
        "gate",
        "ocr-document",
        "publish",
    ]);
    let rows = deployment.precis(&["queues", "--json"]).with_status(0).json();
    let gate = rows.iter().find(|row| row["gate"] == "ocr-document").unwrap();
    assert_eq!((&gate["concurrent"], &gate["in_use"]), (&100.into(), &0.into()));
    assert_eq!(rows.iter().filter(|row| row["queue"].is_string()).count(), 5);

    let dead = ports::Address::dead(ports::QueueName::Notify);
    let letter = vec![ports::Outgoing::now("a dead letter".into())];
    deployment.aws.stack.queue.send(dead, letter).await.unwrap().remove(0).unwrap();
    deployment.precis(&["queues"]).with_status(0).saying(&["precis queues --redrive notify"]);
    deployment.precis(&["queues", "--redrive", "notify"]).with_status(0).saying(&["1 dead letters"]);
    let rows = deployment.precis(&["queues", "--json"]).with_status(0).json();
    let notify = rows.iter().find(|row| row["queue"] == "notify").unwrap();
    assert_eq!((&notify["waiting"], &notify["dead"]), (&1.into(), &0.into()));
    deployment
        .precis(&["queues", "--redrive", "deliveries"])
        .with_status(1)
        .saying(&["SNS makes the deliveries"]);
}

fn subscriptions(deployment: &Deployment) {
    deployment.precis(&["subscriptions"]).with_status(0).saying(&["Nobody is subscribed"]);
    let said = deployment.precis(&["subscribe", "ann@example.org", "--prefix", "in/"]).with_status(0);
    let said = said.saying(&["ann@example.org", "before it is confirmed", "--confirm 'LINK'"]);
    let id = said.out.split_whitespace().next().unwrap().to_owned();
    deployment.precis(&["subscriptions"]).with_status(0).saying(&["NOT CONFIRMED"]);
    let row = deployment.precis(&["subscriptions", "--json"]).with_status(0).json().remove(0);
    assert_eq!((&row["id"], &row["confirmed"]), (&id.as_str().into(), &false.into()));
    deployment
        .precis(&["subscribe", "ann@example.org", "--prefix", "in/", "--test"])
        .with_status(1)
        .saying(&["has not confirmed"]);
    deployment
        .precis(&["subscribe", "--confirm", "https://example.org/?Token=wrong"])
        .with_status(1)
        .saying(&["SNS did not take"]);
    deployment.precis(&["unsubscribe", &id]).with_status(0).saying(&["removed"]);
    deployment.precis(&["unsubscribe", &id]).with_status(1).saying(&["nobody is subscribed"]);
}

fn settings(deployment: &Deployment) {
    let of = |key: &str| deployment.precis(&["settings", key, "--json"]).with_status(0).json().remove(0);
    deployment.precis(&["settings", "--set", "words=90"]).with_status(0).saying(&[
        "every key",
        "90",
        "table",
    ]);
    deployment.precis(&["settings", "a/", "--set", "words=50", "--set", "max_pages=7"]).with_status(0);
    assert_eq!((&of("b")["words"], &of("a/x")["words"]), (&90.into(), &50.into()));
    deployment.precis(&["settings", "a/", "--unset", "words", "--set", "email=link"]).with_status(0);
    assert_eq!(
        (&of("a/x")["words"], &of("a/x")["max_pages"], &of("a/x")["email"]),
        (&90.into(), &7.into(), &"link".into())
    );
    deployment.precis(&["settings", "a/", "--unset", "words"]).with_status(1).saying(&["is not set here"]);
    deployment.precis(&["settings", "--set", "wrods=9"]).with_status(2).saying(&["there is no setting"]);
    deployment.precis(&["settings", "--set", "words=7", "--bucket", "other"]).with_status(0).saying(&["7"]);
    assert_eq!(of("b")["words"], 90);
}

#[test]
fn what_is_typed_beats_the_environment_and_a_folder_says_where_its_settings_are_edited() {
    let place = Place::new();
    let mut jobs = place.precis(&["jobs", "--data", "here"]);
    precis_tests::program::run(jobs.env("PRECIS_STACK", "there"))
        .with_status(1)
        .saying(&["there is no data folder"]);
    place.run(&["jobs", "--stack", "there"]).with_status(2).saying(&["cannot be used with"]);
    let mut jobs = place.precis(&["jobs", "--region", "eu-west-1"]);
    precis_tests::program::run(&mut jobs).with_status(1).saying(&["name it with --stack"]);
    let mut jobs = place.precis(&["jobs", "--stack", "No_Name"]);
    precis_tests::program::run(&mut jobs).with_status(1).saying(&["a stack's name has"]);
    let file = place.write("note.txt", "One two three.");
    // Too short to be summarized: what matters is the folder that it leaves.
    place.run(&["summarize", &file.display().to_string()]).with_status(1);
    place.run(&["settings", "--set", "words=80"]).with_status(1).saying(&["edited by hand", "precis.toml"]);
}
