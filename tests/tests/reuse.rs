//! The same content under many names, many times: it is worked on once, and each name is told once.

use precis_tests::papers;
use precis_tests::program::eventually;
use precis_tests::running::{self, Up};
use std::fs;
use std::thread;
use telemetry::metrics::ALL;

const NAMES: usize = 5;
const TIMES: usize = 10;

/// The page of metrics, once each that is documented is on it. Whether anything was deferred is chance here, and
/// Tesseract sends no completions, no event is lost, and one machine calls no AWS.
fn all_metrics(up: &Up) -> String {
    let absent = [
        telemetry::metrics::DEFERRALS,
        telemetry::metrics::COMPLETIONS_IGNORED,
        telemetry::metrics::EVENTS_REPAIRED,
        telemetry::metrics::AWS_CALLS,
    ];
    let documented = ALL.iter().map(|metric| metric.name).filter(|name| !absent.contains(name));
    let names: Vec<_> = documented.map(|name| format!("\n# TYPE {name} ")).collect();
    eventually("all metrics are told", 30, || {
        let page = running::metrics(up);
        names.iter().all(|name| page.contains(name)).then_some(page)
    })
}

#[test]
fn a_file_sent_50_times_under_5_names_makes_5_jobs_1_computation_and_5_e_mails() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("up.log"));
    let up = Up::start(&data, &log, &["--metrics", "127.0.0.1:0"], &[]);
    up.says("Drop a document");
    let paper = papers::pdf(7);
    let files: Vec<_> = (0..NAMES)
        .map(|name| {
            let path = folder.path().join(format!("copy-{name}.pdf"));
            fs::write(&path, &paper.bytes).unwrap();
            path
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..TIMES {
            scope.spawn(|| running::ask(&data, "put", &files));
        }
    });
    eventually("all is done", 60, || {
        let jobs = running::jobs(&data);
        let mails = running::files(&data.join("outbox")).len();
        let quiet = running::messages(&data) == [0; 4];
        (jobs.len() >= NAMES && running::unfinished(&jobs) == 0 && mails >= NAMES && quiet).then_some(())
    });
    let metrics = all_metrics(&up);
    let count =
        |stage: &str| running::metric(&metrics, &format!("precis_stage_seconds_count{{stage=\"{stage}\"}}"));
    assert_eq!(count("summarize"), 1.0, "summarized more than once:\n{metrics}");
    assert_eq!(count("notify"), 5.0, "{metrics}");
    up.stop();

    let jobs = running::jobs(&data);
    assert_eq!(jobs.len(), NAMES);
    let whole: Vec<_> = jobs.iter().map(|job| running::job(&data, job["id"].as_str().unwrap())).collect();
    let makers: Vec<_> = whole.iter().filter(|job| job.get("reused_from").is_none()).collect();
    assert_eq!(makers.len(), 1, "{makers:#?}");
    for job in &whole {
        assert_eq!(job["outcome"]["kind"], "summarized");
        if let Some(from) = job.get("reused_from") {
            assert_eq!((&from[0], &from[1]), (&makers[0]["id"], &1.into()));
            assert!(job["timings_ms"].get("summarize").is_none(), "{job:#}");
        }
    }
    let mails = running::files(&data.join("outbox"));
    let mut expected: Vec<_> =
        jobs.iter().map(|job| format!("{}-1.eml", job["id"].as_str().unwrap())).collect();
    expected.sort();
    assert_eq!(mails, expected);
    for name in 0..NAMES {
        let text = fs::read_to_string(data.join("results").join(format!("copy-{name}.pdf.txt"))).unwrap();
        assert!(text.contains(&paper.word));
    }
    println!(
        "{} uploads, {} jobs, {} computation, {} e-mails",
        NAMES * TIMES,
        jobs.len(),
        makers.len(),
        mails.len()
    );
}

#[test]
fn a_version_that_comes_back_is_shown_again_and_told_again_without_new_work() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("up.log"));
    let up = Up::start(&data, &log, &[], &[]);
    up.says("Drop a document");
    let path = folder.path().join("report.txt");
    let (first, other) = (papers::text(1), papers::text(2));
    for (times, paper) in [&first, &other, &first].into_iter().enumerate() {
        fs::write(&path, &paper.bytes).unwrap();
        running::ask(&data, "put", &[&path]);
        eventually("the upload is told", 60, || {
            let shown = fs::read_to_string(data.join("results").join("report.txt.txt")).unwrap_or_default();
            let mails = running::files(&data.join("outbox")).len();
            (shown.contains(&paper.word) && mails == times + 1).then_some(())
        });
    }
    // The same once more is nothing new.
    running::ask(&data, "put", &[&path]);
    eventually("all is done", 60, || (running::messages(&data) == [0; 4]).then_some(()));
    up.stop();
    let jobs = running::jobs(&data);
    assert_eq!((jobs.len(), running::files(&data.join("outbox")).len()), (2, 3));
    let back =
        jobs.iter().find(|job| job["run"] == 2).map(|job| job["id"].as_str().unwrap().to_owned()).unwrap();
    let back = running::job(&data, &back);
    assert_eq!((&back["reused_from"][0], &back["reused_from"][1]), (&back["id"], &1.into()), "{back:#}");
}
