//! What an operator of a data folder does beside looking: documents that were there before, dead letters by cause, emptied
//! queues, what it cost, and the cap of OCR.

use crate::{ended, notice, summarize, up};
use local::OpenOptions;
use ports::{Address, Outgoing, QueueName};
use precis_tests::program::{Place, repository, run};
use std::fs;

/// A data folder to which these documents were sent, and nobody works.
fn sent(place: &Place, keys: &[&str]) {
    place.write("data/precis.toml", "");
    up(place, &[]).stop();
    for (number, key) in (1..).zip(keys) {
        place.write(key, notice(number));
        let prefix = key.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
        place.run(&["put", key, "--prefix", &prefix]).with_status(0);
    }
}

#[test]
fn documents_without_a_job_are_counted_then_sent_once_and_done() {
    let place = Place::new();
    sent(&place, &["a.txt", "in/b.txt", "in/c.txt"]);
    place.run(&["purge", "ingest"]).with_status(1).saying(&["deletes 3 messages of ingest", "--yes"]);
    place.run(&["purge", "ingest", "--yes"]).with_status(0).saying(&["3 messages of ingest are deleted"]);
    let look = place.run(&["backfill", "in/", "--json"]).with_status(0).json().remove(0);
    assert_eq!(
        (&look["documents"], &look["known"], &look["ocr_pages"][1]),
        (&2.into(), &0.into(), &0.0.into())
    );
    place.run(&["backfill", "in/"]).with_status(0).saying(&["have none", "Nothing was sent", "--yes"]);
    let waiting = || place.run(&["queues", "--json"]).json()[0]["waiting"].clone();
    assert_eq!(waiting(), 0);
    // One of three, then the rest: the second goes on where the first was.
    let one = place.run(&["backfill", "--limit", "1", "--rate", "1000", "--yes"]).with_status(0);
    one.saying(&["1 documents were sent", "More are left"]);
    let rest = place.run(&["backfill", "--rate", "1000", "--yes"]).with_status(0);
    rest.saying(&["Going on where it was: 1", "2 documents were sent, 0 had", "precis up"]);
    assert_eq!(waiting(), 3);
    place.run(&["backfill", "--rate", "1000", "--yes"]).with_status(0).saying(&["3 documents were sent"]);
    let working = up(&place, &[]);
    let done = ended(&place, 3);
    assert!(done.iter().all(|job| job["state"] == "summarized" && job["run"] == 1), "{done:?}");
    working.stop();
    place.run(&["backfill", "--yes"]).with_status(0).saying(&["0 documents were sent, 3 had a job already"]);
    assert!(
        !fs::read_dir(place.data())
            .unwrap()
            .flatten()
            .any(|e| e.file_name().to_string_lossy().starts_with("backfill"))
    );
}

#[test]
fn dead_letters_are_shown_by_cause_and_only_those_meant_are_sent_again() {
    let place = Place::new();
    place.write("bad.txt", "");
    place.write("data/precis.toml", "");
    summarize(&place, &["bad.txt"]).with_status(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let local = local::open(&place.data(), OpenOptions::shared()).await.unwrap();
        let job = local.stack.jobs.list(&ports::Filter::default()).await.unwrap().remove(0);
        let nudge = domain::message::Nudge::new(job.id.clone(), 1, domain::Stage::Notify, None).encode();
        let letters = [nudge.clone(), nudge, "no message of ours".into()].map(Outgoing::now).to_vec();
        local.stack.queue.send(Address::dead(QueueName::Notify), letters).await.unwrap();
    });
    let rows = place.run(&["queues", "--dead", "--json"]).with_status(0).json();
    let seen: Vec<_> =
        rows.iter().map(|row| (row["cause"].as_str().unwrap(), row["dead"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("EMPTY_FILE", 2), ("UNREADABLE", 1)]);
    place.run(&["queues", "--dead"]).with_status(0).saying(&[
        "notify",
        "EMPTY_FILE",
        "--redrive QUEUE --cause",
    ]);
    let redrive = ["queues", "--redrive", "notify", "--cause", "empty_file"];
    place.run(&redrive).with_status(0).saying(&["2 dead letters of notify of the cause EMPTY_FILE"]);
    place.run(&redrive).with_status(0).saying(&["0 dead letters"]);
    let notify = place.run(&["queues", "--json"]).json().pop().unwrap();
    assert_eq!((&notify["waiting"], &notify["dead"]), (&2.into(), &1.into()));
    place
        .run(&["queues", "--redrive", "notify", "--cause", "BAD_LUCK"])
        .with_status(2)
        .saying(&["UNREADABLE"]);
    place
        .run(&["queues", "--redrive", "deliveries", "--cause", "NO_JOB"])
        .with_status(1)
        .saying(&["leave it out"]);
    place
        .run(&["purge", "notify", "--dead", "--yes"])
        .with_status(0)
        .saying(&["1 dead letters of notify are deleted"]);
    place.run(&["queues", "--dead"]).with_status(0).saying(&["No dead letters"]);
}

#[test]
fn a_cost_is_estimated_from_counts_and_prices_that_can_be_corrected() {
    let place = Place::new();
    let estimate = |more: &[&str]| {
        let all =
            [&["cost", "--documents", "1000", "--pages", "10", "--scanned", "50%", "--json"], more].concat();
        run(&mut place.precis(&all)).with_status(0).json().remove(0)
    };
    let usual = estimate(&["--region", "us-east-1"]);
    // 1,000 documents of 10 pages, half of them at 0.0015; one e-mail each at 0.00002; a gigabyte at 0.023.
    for (part, usd) in [("OCR", 7.5), ("e-mails", 0.02), ("storage", 0.023)] {
        let said = usual["usd"][part].as_f64().unwrap();
        assert!((said - usd).abs() < 1e-9, "{part}: {said}");
    }
    // 730 hours of 2.5 processors at 0.04048 and 7.5 GB at 0.004445: a task of each service.
    let services = usual["usd"]["services"].as_f64().unwrap();
    assert!((services - 730.0 * (2.5 * 0.04048 + 7.5 * 0.004445)).abs() < 1e-9);
    assert_eq!(usual["region"], "us-east-1");
    assert_eq!(estimate(&["--region", "eu-west-1"])["region"], "eu-west-1");
    let example = place.run(&["cost", "--example"]).with_status(0).out;
    assert!(example.contains("https://aws.amazon.com/textract/pricing/"));
    place.write("prices.toml", "date = \"2027-01-02\"\n[us-east-1]\ntextract_page = 0.003\n");
    let corrected = estimate(&["--region", "us-east-1", "--prices", "prices.toml"]);
    assert!((corrected["usd"]["OCR"].as_f64().unwrap() - 15.0).abs() < 1e-9);
    assert_eq!(corrected["prices_of"], "2027-01-02");
    place.write("prices.toml", "[us-east-1]\ntextract = 1\n");
    let wrong = ["cost", "--documents", "1", "--prices", "prices.toml"];
    place.run(&wrong).with_status(1).saying(&["cannot be used", "precis cost --example"]);
    place.run(&["cost"]).with_status(1).saying(&["--documents", "--since"]);
    place.run(&["cost", "--documents", "5"]).with_status(0).saying(&[
        "together",
        "for each document",
        "list prices of",
    ]);
}

#[test]
fn a_cap_of_ocr_stops_scans_with_a_reason_and_they_run_when_it_is_raised() {
    let place = Place::new();
    place.write("data/precis.toml", "[prefix.\"scans/\"]\nocr_monthly_pages = 1\n");
    fs::create_dir_all(place.data().join("inbox/scans")).unwrap();
    let scan = |name: &str, tail: &[u8]| {
        let mut bytes = fs::read(repository().join("samples/09-school-letter.jpg")).unwrap();
        // Readers of pictures leave alone what stands behind the image's end.
        bytes.extend(tail);
        fs::write(place.data().join("inbox/scans").join(name), bytes).unwrap();
    };
    scan("a.jpg", b"");
    let working = up(&place, &[]);
    assert_eq!(ended(&place, 1)[0]["state"], "summarized");
    scan("b.jpg", b"1");
    scan("c.jpg", b"2");
    let all = ended(&place, 3);
    let stopped: Vec<_> = all.iter().filter(|job| job["reason"] == "OCR_BUDGET").collect();
    assert_eq!(stopped.len(), 2, "{all:?}");
    let id = stopped[0]["id"].as_str().unwrap();
    place
        .run(&["job", &id[..8]])
        .with_status(0)
        .saying(&["ocr_monthly_pages of scans/ is 1 in", "precis retry --reason"]);
    place.run(&["settings", "scans/x"]).with_status(0).saying(&["ocr_monthly_pages  1"]);
    place.run(&["reprocess", id, "--set", "ocr_monthly_pages=9"]).with_status(1).saying(&["of a place"]);
    place.write("data/precis.toml", "[prefix.\"scans/\"]\nocr_monthly_pages = 3\n");
    place.run(&["retry", "--reason", "OCR_BUDGET"]).with_status(0).saying(&["run 2 started"]);
    let all = ended(&place, 3);
    assert!(all.iter().all(|job| job["state"] == "summarized"), "{all:?}");
    working.stop();
    let sums = place.run(&["cost", "--since", "2020-01-01", "--json"]).with_status(0).json();
    assert_eq!(
        (&sums[0]["prefix"], &sums[0]["ocr_paid"], &sums[0]["ocr_usd"]),
        (&"scans/".into(), &3.into(), &0.0.into())
    );
    assert_eq!((&sums[1]["prefix"], &sums[1]["runs"]), (&serde_json::Value::Null, &5.into()));
}
