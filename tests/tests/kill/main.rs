//! kill -9 of `precis up`, again and again: every document ends once, rightly, and is told once.
//!
//! Most deaths are at chosen places (`PRECIS_CRASH_AT`): inside each stage, in the gap between its commit and
//! its next message, and between that and the end of its own message. The others come at any time, the first
//! start of a fresh folder included. The seed is printed; `PRECIS_KILL_SEED` runs it again.

mod smtp;

use precis_tests::papers::{self, Chance, Paper};
use precis_tests::program::eventually;
use precis_tests::running::{self, Up};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

const DOCUMENTS: usize = 60;
/// Deaths at each place that the issue names.
const EACH: usize = 3;
/// Deaths at any time.
const RANDOM: usize = 6;
/// How long a chosen place may take to be reached.
const REACHED: Duration = Duration::from_secs(30);

/// What the history of a job that was at work in a death says.
const CUT_OFF: &str = "the process that worked on it ended";

/// How one start ends.
#[derive(Debug, Clone)]
enum Death {
    /// By itself, at this place.
    At { stage: &'static str, point: String },
    /// From outside, so long after the start.
    After(Duration),
}

/// All deaths, in random order.
fn deaths(chance: &mut Chance) -> Vec<Death> {
    let mut deaths = Vec::new();
    for stage in ["ingest", "ocr", "summarize", "notify"] {
        for moment in [
            "after_claim",
            "after_step",
            "after_step",
            "after_commit",
            "after_commit",
            "after_commit",
            "after_send",
        ] {
            deaths.push(Death::At { stage, point: format!("{stage}.{moment}") });
        }
    }
    for _ in 0..RANDOM {
        deaths.push(Death::After(Duration::from_millis(50 + chance.below(2500))));
    }
    chance.shuffle(&mut deaths);
    deaths
}

/// The documents of a whole run, by what they are needed for.
struct Pile {
    scans: Vec<Paper>,
    good: Vec<Paper>,
    bad: Vec<Paper>,
}

fn pile(chance: &mut Chance) -> Pile {
    let scans = papers::scans();
    let bad: Vec<_> = (0..RANDOM).map(papers::bad).collect();
    let mut good: Vec<_> = (0..DOCUMENTS - scans.len() - bad.len()).map(papers::good).collect();
    chance.shuffle(&mut good);
    Pile { scans, good, bad }
}

fn put(data: &Path, scratch: &Path, papers: &[Paper]) {
    if papers.is_empty() {
        return;
    }
    let paths: Vec<PathBuf> = papers.iter().map(|paper| paper.lay_into(scratch)).collect();
    running::ask(data, "put", &paths);
}

/// What to send for this death, so that there is something for it to happen to.
fn portion(pile: &mut Pile, death: &Death) -> Option<Paper> {
    match death {
        Death::At { stage: "ocr", .. } => pile.scans.pop(),
        Death::At { .. } => pile.good.pop(),
        Death::After(_) => pile.bad.pop(),
    }
}

#[test]
fn after_34_kills_each_of_60_documents_has_ended_once_and_is_told_once() {
    let mut chance = Chance::seeded("PRECIS_KILL_SEED");
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("up.log"));
    let scratch = folder.path().join("drop");
    fs::create_dir(&scratch).unwrap();
    let mut pile = pile(&mut chance);
    let all: Vec<Paper> = pile.scans.iter().chain(&pile.good).chain(&pile.bad).cloned().collect();
    assert_eq!(all.len(), DOCUMENTS);

    let start = Instant::now();
    let mut kills = first_start(&data, &log, &mut chance);
    // It may have died before it made anything.
    fs::create_dir_all(data.join("inbox")).unwrap();
    for paper in pile.good.split_off(pile.good.len() - 18) {
        paper.lay_into(&data.join("inbox"));
    }
    kills += first_documents(&data, &log, &mut chance);
    let mut fired = BTreeMap::<String, usize>::new();
    for death in deaths(&mut chance) {
        let portion: Vec<_> = portion(&mut pile, &death).into_iter().collect();
        // Some lie there at the start, some come while it works.
        let meanwhile = chance.below(2) == 1;
        if let Some(point) = kill_once(&data, &log, &death, || put(&data, &scratch, &portion), meanwhile) {
            *fired.entry(point).or_default() += 1;
        }
        kills += 1;
    }
    let rest: Vec<Paper> = pile.scans.into_iter().chain(pile.good).chain(pile.bad).collect();
    put(&data, &scratch, &rest);
    println!("{kills} kills in {:?}, by place: {fired:?}", start.elapsed());
    finish(&data, &log);
    println!("all ended {:?} after the first start", start.elapsed());

    check_places(&fired);
    check_jobs(&data, &all);
    check_files(&data, &all);
}

/// A start of a folder that is not there yet, killed while it makes it.
fn first_start(data: &Path, log: &Path, chance: &mut Chance) -> usize {
    let up = Up::start(data, log, &[], &[]);
    sleep(Duration::from_millis(chance.below(120)));
    usize::from(up.kill())
}

/// Whole files from the inbox, and a kill while they are being worked on.
fn first_documents(data: &Path, log: &Path, chance: &mut Chance) -> usize {
    let up = Up::start(data, log, &[], &[]);
    eventually("files of the inbox are taken", 30, || {
        let listed = running::run(data, "jobs", &["--json"]).stdout;
        (listed.split(|byte| *byte == b'\n').count() > 5).then_some(())
    });
    sleep(Duration::from_millis(chance.below(400)));
    usize::from(up.kill())
}

/// One start and its death; `put` sends a document before the start or `meanwhile`. The place where it died, if
/// it died at its place.
fn kill_once(data: &Path, log: &Path, death: &Death, put: impl Fn(), meanwhile: bool) -> Option<String> {
    if !meanwhile {
        put();
    }
    let point = match death {
        Death::At { point, .. } => point.as_str(),
        Death::After(_) => "",
    };
    let mut up = Up::start(data, log, &[], &[("PRECIS_CRASH_AT", point)]);
    if meanwhile {
        put();
    }
    if let Death::After(after) = death {
        sleep(*after);
        assert!(up.kill(), "it ended before it was killed");
        return None;
    }
    let Some(status) = up.ends_within(REACHED) else {
        println!("{point} was not reached");
        up.kill();
        return None;
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(signal, Some(9), "it ended with {status}: {}", up.said());
    Some(point.to_owned())
}

/// Lets it finish everything, and stops it.
fn finish(data: &Path, log: &Path) {
    let up = Up::start(data, log, &[], &[]);
    let done = || {
        let jobs = running::jobs(data);
        let told = running::files(&data.join("outbox")).len();
        let quiet = running::messages(data) == [0; 4];
        (jobs.len() >= DOCUMENTS && running::unfinished(&jobs) == 0 && told >= DOCUMENTS && quiet)
            .then_some(())
    };
    let start = Instant::now();
    while done().is_none() {
        if start.elapsed() > Duration::from_secs(600) {
            let jobs = running::jobs(data);
            let open: Vec<_> = jobs.iter().filter(|job| !job["stage"].is_null()).collect();
            let said = up.said();
            let warned: Vec<_> = said.lines().filter(|line| !line.contains("\"INFO\"")).collect();
            let queues = running::ask(data, "queues", &[] as &[&str]);
            panic!("not done: {} jobs, open {open:#?}\n{queues}\n{}", jobs.len(), warned.join("\n"));
        }
        sleep(Duration::from_millis(100));
    }
    up.stop();
}

fn check_places(fired: &BTreeMap<String, usize>) {
    let at = |point: String| fired.get(&point).copied().unwrap_or(0);
    for stage in ["ingest", "ocr", "summarize", "notify"] {
        let inside = at(format!("{stage}.after_claim")) + at(format!("{stage}.after_step"));
        assert!(inside >= EACH, "only {inside} deaths inside {stage}");
        let gap = at(format!("{stage}.after_commit"));
        assert!(gap >= EACH, "only {gap} deaths between commit and send of {stage}");
    }
}

/// Each document has one job, ended as it must.
fn check_jobs(data: &Path, all: &[Paper]) {
    let jobs = running::jobs(data);
    let keys: BTreeSet<_> = jobs.iter().map(|job| job["key"].as_str().unwrap()).collect();
    assert_eq!((jobs.len(), keys.len()), (all.len(), all.len()), "a document has no job, or two");
    let mut cut_off = 0;
    for paper in all {
        let job = jobs.iter().find(|job| job["key"] == *paper.name).unwrap();
        let (state, reason) = match paper.rejected {
            None => ("summarized", Value::Null),
            Some(reason) => ("rejected", reason.into()),
        };
        let whole = running::job(data, job["id"].as_str().unwrap());
        assert_eq!((&job["state"], &job["reason"]), (&state.into(), &reason), "{whole:#}");
        assert_eq!(job["run"], 1);
        let history = whole["history"].as_array().unwrap();
        let decisions = history.iter().filter(|entry| entry["what"] == "decided").count();
        assert_eq!(decisions, 1, "{whole:#}");
        cut_off += usize::from(history.iter().any(|entry| entry["note"] == CUT_OFF));
    }
    println!("{cut_off} of {} jobs were cut off at least once", all.len());
    assert!(cut_off > 10, "the kills hit nothing");
}

/// Each result and e-mail is there once and whole, and there is nothing else.
fn check_files(data: &Path, all: &[Paper]) {
    let (results, outbox) = (data.join("results"), data.join("outbox"));
    let jobs = running::jobs(data);
    let mut expected = Vec::new();
    let mut mails = Vec::new();
    for paper in all {
        let job = jobs.iter().find(|job| job["key"] == *paper.name).unwrap();
        let id = job["id"].as_str().unwrap();
        let name = &paper.name;
        let read = |ending: &str| fs::read_to_string(results.join(format!("{name}.{ending}"))).unwrap();
        let report: Value = serde_json::from_str(&read("json")).unwrap();
        assert_eq!((&report["job"], &report["outcome"]), (&job["id"], &job["state"]));
        assert!(read("md").ends_with(&format!("Job {id}, run 1.\n")), "{name}.md is cut short");
        expected.extend(["json", "md"].map(|ending| format!("{name}.{ending}")));
        if paper.rejected.is_none() {
            assert!(read("txt").contains(&paper.word), "{} is not in {name}.txt", paper.word);
            expected.push(format!("{name}.txt"));
        }
        let mail = fs::read_to_string(outbox.join(format!("{id}-1.eml"))).unwrap();
        assert!(mail.starts_with("Message-ID: <") && mail.contains(&format!("Job {}", &id[..8])), "{mail}");
        mails.push(format!("{id}-1.eml"));
    }
    expected.sort();
    mails.sort();
    assert_eq!(running::files(&results), expected);
    assert_eq!(running::files(&outbox), mails);
    assert_eq!(running::files(&data.join("objects").join("tmp")), [""; 0], "something half written is left");
}
