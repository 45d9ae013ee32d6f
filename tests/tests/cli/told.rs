//! Who is told: webhooks and e-mail, through servers of the test on the loopback.

use crate::{ended, notice, up};
use hmac::{Hmac, KeyInit, Mac};
use precis_tests::program::{Place, eventually, repository};
use precis_tests::{listen, mail};
use serde_json::Value;
use sha2::Sha256;
use std::path::Path;

/// A folder that has been started once, so that it can be subscribed to.
fn started() -> Place {
    let place = Place::new();
    up(&place, &[]).stop();
    place
}

fn signature(secret: &str, at: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[test]
fn a_webhook_gets_the_signed_report_of_what_it_asked_for_once() {
    let place = started();
    let (port, seen) = listen::web();
    let (all, rejected) =
        (format!("http://127.0.0.1:{port}/all"), format!("http://127.0.0.1:{port}/rejected"));
    place.run(&["subscribe", &all]).with_status(0);
    place.run(&["subscribe", &rejected, "--outcome", "rejected", "--prefix", "in/"]).with_status(0);
    let up = up(&place, &[]);
    place.write("good.txt", notice(1));
    place.write("data/inbox/in/short.txt", "two words");
    place.write("data/inbox/short.txt", "three other words");
    place.run(&["put", "good.txt"]).with_status(0);
    ended(&place, 3);
    let requests = eventually("both webhooks were called", 60, || {
        let all = seen.all();
        (all.len() >= 4).then_some(all)
    });
    up.stop();
    assert_eq!(seen.all().len(), 4, "no more than asked for: {:#?}", seen.all());

    let to = |path: &str| -> Vec<Value> {
        let line = format!("POST {path} HTTP/1.1");
        let bodies = requests.iter().filter(|request| request.line == line);
        let mut bodies: Vec<Value> =
            bodies.map(|request| serde_json::from_str(&request.body).unwrap()).collect();
        bodies.sort_by_key(|body| body["document"]["key"].to_string());
        bodies
    };
    let keys = |path: &str| -> Vec<String> {
        to(path).iter().map(|body| body["document"]["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys("/all"), ["good.txt", "in/short.txt", "short.txt"]);
    assert_eq!(keys("/rejected"), ["in/short.txt"]);

    let schema = std::fs::read_to_string(repository().join("docs/outcome.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let secret = std::fs::read_to_string(place.data().join("webhook-secret")).unwrap();
    let mut ids = Vec::new();
    for request in &requests {
        assert!(schema.is_valid(&serde_json::from_str(&request.body).unwrap()), "{}", request.body);
        assert_eq!(request.header("content-type"), "application/json");
        let (at, sent) = request.header("precis-signature").split_once(",v1=").unwrap();
        let at = at.strip_prefix("t=").unwrap();
        assert_eq!(sent, signature(secret.trim(), at, &request.body), "signed with the secret of the folder");
        ids.push(format!("{} {}", request.line, request.header("precis-id")));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each is told by an id of its own: {ids:?}");
}

#[test]
fn a_subscription_can_be_tested() {
    let place = started();
    let (port, seen) = listen::web();
    let url = format!("http://127.0.0.1:{port}/hook");
    place.run(&["subscribe", &url, "--test"]).with_status(0).saying(&["A test message was sent"]);
    let requests = seen.all();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["test"], true);
    // A mail without a server lies in a folder, which is named.
    place.run(&["subscribe", "ann@example.org", "--test"]).with_status(0).saying(&["outbox"]);
    let letters = mail::outbox(&place.data());
    assert!(letters.len() == 1 && letters[0].1.contains("ann@example.org"), "{letters:?}");
    // Where nobody listens, it says so.
    let ran = place.run(&["subscribe", "http://127.0.0.1:9/hook", "--test"]).with_status(1);
    assert!(ran.err.contains("webhook"), "{}", ran.err);
}

#[test]
fn a_webhook_that_cannot_be_reached_is_shown_and_called_when_it_can() {
    let place = started();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    place.run(&["subscribe", &format!("http://127.0.0.1:{port}/hook")]).with_status(0);
    let up = up(&place, &[]);
    place.write("good.txt", notice(1));
    place.run(&["put", "good.txt", "--wait"]).with_status(0);
    // The document is done all the same; what could not be told waits, and is shown with its cause.
    assert_eq!(ended(&place, 1)[0]["state"], "summarized");
    let deliveries = || {
        let mut rows = place.run(&["queues", "--json"]).with_status(0).json();
        rows.retain(|row| row["kind"] == "webhook");
        rows
    };
    let waiting = eventually("the delivery has failed once", 60, || {
        deliveries().into_iter().find(|delivery| delivery["last_error"].is_string())
    });
    assert_eq!(waiting["dead"], false, "{waiting}");
    place.run(&["queues"]).with_status(0).saying(&["webhook", "waits", "calling a webhook"]);
    let seen = listen::web_at(port);
    place.run(&["queues", "--redrive", "deliveries"]).with_status(0).saying(&["deliveries are tried again"]);
    eventually("it is called", 60, || (!seen.all().is_empty()).then_some(()));
    eventually("nothing waits any more", 60, || deliveries().is_empty().then_some(()));
    up.stop();
}

/// Every file below a folder that holds these bytes.
fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = precis_tests::running::files(folder);
    found.retain(|name| {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    });
    found
}

#[test]
fn e_mails_go_through_the_mail_server_once_each_and_its_password_stands_nowhere() {
    let place = started();
    let (port, seen) = listen::mail();
    let password = "canary-4f1c9a77";
    let settings = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nusername = \"precis\"\n\
         password = \"{password}\"\nfrom = \"Precis <precis@example.org>\"\n"
    );
    place.write("data/precis.toml", settings);
    let mut said = String::new();
    let mut ask = |arguments: &[&str]| {
        let ran = place.run(&[arguments, &["-vv"]].concat()).with_status(0);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    };
    ask(&["doctor", "--check", "smtp"]);
    ask(&["subscribe", "ann@example.org", "--test"]);
    ask(&["subscribe", "bob@example.org", "--outcome", "rejected"]);
    let up = up(&place, &["-vv"]);
    place.write("good.txt", notice(1));
    ask(&["put", "good.txt", "--wait"]);
    let sent = eventually("the test and the summary were sent", 60, || {
        let all = seen.all();
        (all.len() >= 2).then_some(all)
    });
    for command in [&["jobs"] as &[&str], &["queues"], &["settings"], &["subscriptions"], &["doctor"]] {
        ask(command);
    }
    said.push_str(&up.said());
    up.stop();
    assert_eq!(seen.all().len(), 2, "{:#?}", seen.all());
    let summary = sent.iter().find(|sent| !sent.message.contains("This is a test")).unwrap();
    assert_eq!(summary.to, ["ann@example.org"]);
    assert!(summary.auth.starts_with("PLAIN "), "the server was told who we are");
    assert_eq!(mail::header(&summary.message, "To").as_deref(), Some("ann@example.org"));
    assert!(mail::header(&summary.message, "From").unwrap().contains("precis@example.org"));
    assert!(mail::text(&summary.message).contains("1 March 2027"), "{}", summary.message);
    assert!(mail::outbox(&place.data()).is_empty(), "what a server sends is not laid into the outbox");

    assert!(said.contains("up"), "something was said");
    // `precis:canary…` as AUTH PLAIN sends it, and the bare word.
    let plain = summary.auth.trim_start_matches("PLAIN ").to_owned();
    for secret in [password, plain.as_str()] {
        assert!(!said.contains(secret), "{secret} was said:\n{said}");
        assert!(sent.iter().all(|sent| !sent.message.contains(secret)), "{secret} was sent");
    }
    assert_eq!(holding(&place.data(), password), ["precis.toml"]);
}
