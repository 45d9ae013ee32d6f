//! The operator's commands: what is there, what is stuck, run it again.

use crate::{ended, id_of, jobs, notice, result, summarize, up};
use precis_tests::program::{Place, run, run_with};
use serde_json::Value;

#[test]
fn files_that_are_put_wait_for_precis_up_and_are_then_done() {
    let place = Place::new();
    place.write("a.txt", notice(1));
    place.write("b.txt", notice(2));
    place.run(&["put", "a.txt"]).with_status(1).saying(&["there is no data folder"]);
    let first = up(&place, &[]);
    first.stop();
    place.run(&["put", "a.txt", "--prefix", "contracts/"]).with_status(0).saying(&[
        "contracts/a.txt",
        "Nobody works in",
        "precis up --data",
    ]);
    let queues = place.run(&["queues", "--json"]).with_status(0).json();
    let ingest = queues.iter().find(|queue| queue["queue"] == "ingest").unwrap();
    assert_eq!(ingest["waiting"], 1, "{queues:?}");

    let second = up(&place, &[]);
    let done = ended(&place, 1);
    assert_eq!((&done[0]["key"], &done[0]["state"]), (&"contracts/a.txt".into(), &"summarized".into()));
    let waited = place.run(&["put", "b.txt", "missing.txt", "--wait"]).with_status(1);
    assert!(
        waited.out.contains("hall 2") && waited.out.contains("[p. 1]"),
        "its result is printed: {}",
        waited.out
    );
    assert!(waited.err.contains("missing.txt"), "{}", waited.err);
    assert!(result(&place, "contracts/a.txt.md").contains("hall 1"));
    second.stop();
}

#[test]
fn jobs_are_listed_and_shown_with_what_happened_and_what_to_do() {
    let place = Place::new();
    for (name, content) in [("a.txt", notice(1)), ("b.txt", String::new()), ("in/c.txt", notice(3))] {
        place.write(name, content);
    }
    summarize(&place, &["a.txt", "b.txt", "in/c.txt"]).with_status(1);
    let list = |arguments: &[&str]| {
        let ran = place.run(&[&["jobs", "--json"], arguments].concat()).with_status(0);
        let mut keys: Vec<_> = ran.json().iter().map(|job| job["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(list(&[]), ["a.txt", "b.txt", "in/c.txt"]);
    assert_eq!(list(&["--state", "summarized"]), ["a.txt", "in/c.txt"]);
    assert_eq!(list(&["--state", "rejected"]), ["b.txt"]);
    assert_eq!(list(&["--state", "ended"]).len(), 3);
    assert!(list(&["--state", "waiting"]).is_empty() && list(&["--state", "failed"]).is_empty());
    assert_eq!(list(&["--reason", "EMPTY_FILE"]), ["b.txt"]);
    assert_eq!(list(&["--prefix", "in/"]), ["in/c.txt"]);
    assert_eq!(list(&["--limit", "1"]).len(), 1);
    for field in ["id", "run", "name", "state", "reason", "created_at", "updated_at"] {
        assert!(jobs(&place).iter().all(|job| job.get(field).is_some()), "{field}");
    }
    place.run(&["jobs"]).with_status(0).saying(&["EMPTY_FILE", "summarized", "in/c.txt"]);
    place.run(&["jobs", "--state", "failed"]).with_status(0).saying(&["No jobs like that"]);

    let (good, bad) = (id_of(&place, "a.txt"), id_of(&place, "b.txt"));
    place.run(&["job", &good[..8]]).with_status(0).saying(&[
        "SUMMARIZED",
        "ingest",
        "summarize",
        "notify",
        "words=",
    ]);
    let letter = format!("outbox/{good}-1.eml");
    place.run(&["job", &good]).with_status(0).saying(&["Mail ", &letter]);
    place.run(&["job", &bad]).with_status(0).saying(&[
        "REJECTED",
        "EMPTY_FILE",
        "no bytes at all",
        "Do: Check",
    ]);
    let json: Value = serde_json::from_str(&place.run(&["job", &good, "--json"]).with_status(0).out).unwrap();
    assert_eq!(json["id"], good.as_str());
    place.run(&["text", &good]).with_status(0).saying(&["hall 1", "until the boiler is replaced"]);
    let pages = place.run(&["text", &good, "--json"]).with_status(0).json().remove(0);
    assert!(pages.to_string().contains("hall 1"));
    place.run(&["text", &bad]).with_status(1).saying(&["no text was read", "precis job"]);
    place.run(&["job", "ffffffff"]).with_status(1).saying(&["there is no job", "precis jobs"]);
    place.run(&["job", "a.txt"]).with_status(1).saying(&["is no job id"]);
}

#[test]
fn retry_and_reprocess_start_new_runs_of_what_has_ended() {
    let place = Place::new();
    for (name, content) in [("a.txt", notice(1)), ("b.txt", String::new()), ("in/c.txt", notice(3))] {
        place.write(name, content);
    }
    summarize(&place, &["a.txt", "b.txt", "in/c.txt"]).with_status(1);
    let runs = || {
        let mut runs: Vec<_> = jobs(&place)
            .iter()
            .map(|job| (job["key"].as_str().unwrap().to_owned(), job["run"].as_u64().unwrap()))
            .collect();
        runs.sort();
        runs.into_iter().map(|(_, run)| run).collect::<Vec<_>>()
    };
    let (good, third) = (id_of(&place, "a.txt"), id_of(&place, "in/c.txt"));
    place.run(&["retry", "--all"]).with_status(0).saying(&["nothing to retry"]);
    place.run(&["retry", "--reason", "ENCRYPTED"]).with_status(0).saying(&["nothing to retry"]);
    place.run(&["retry", "--reason", "EMPTY_FILE"]).with_status(0).saying(&["b.txt: run 2 started"]);
    place.run(&["retry", "--reason", "EMPTY_FILE"]).with_status(0).saying(&["nothing to retry"]);
    assert_eq!(runs(), [1, 2, 1]);
    place.run(&["retry", &good]).with_status(0).saying(&["a.txt: run 2 started"]);
    place.run(&["retry", &good]).with_status(0).saying(&["still at work, left alone"]);
    place.run(&["reprocess", "in/", "--words", "30"]).with_status(0).saying(&["in/c.txt: run 2 started"]);
    place.run(&["reprocess", "nowhere/"]).with_status(1).saying(&["no ended job", "precis jobs"]);
    assert_eq!(runs(), [2, 2, 2]);

    let up = up(&place, &[]);
    let done = ended(&place, 3);
    let state = |key: &str| done.iter().find(|job| job["key"] == key).unwrap()["state"].clone();
    assert_eq!(
        (state("a.txt"), state("b.txt"), state("in/c.txt")),
        ("summarized".into(), "rejected".into(), "summarized".into())
    );
    place
        .run(&["job", &third])
        .with_status(0)
        .saying(&["words=30", "run 1 ended summarized; its result is kept"]);
    place.run(&["job", &good]).with_status(0).saying(&["words=120"]);
    place.run(&["reprocess", &third, "--words", "60", "--fresh"]).with_status(0).saying(&["run 3 started"]);
    assert_eq!(ended(&place, 3).iter().find(|job| job["id"] == third.as_str()).unwrap()["run"], 3);
    up.stop();
}

#[test]
fn the_result_of_every_run_can_be_printed_again() {
    let place = Place::new();
    place.write("a.txt", format!("{}{}", notice(1), notice(2)));
    place.write("b.txt", "");
    let first = summarize(&place, &["a.txt", "b.txt"]).with_status(1).json().remove(0);
    let second = summarize(&place, &["a.txt", "--words", "30"]).with_status(0).json().remove(0);
    let (good, bad) = (id_of(&place, "a.txt"), id_of(&place, "b.txt"));
    let printed = |run: &[&str]| -> Value {
        let ran = place.run(&[&["result", &good[..8], "--format", "json"], run].concat()).with_status(0);
        ran.json().remove(0)
    };
    assert_eq!(printed(&[]), second, "without a number it is the last run");
    assert_eq!(printed(&["--run", "2"]), second);
    assert_eq!(printed(&["--run", "1"]), first);
    place.run(&["result", &good]).with_status(0).saying(&["a.txt (1 page)", "[p. 1]"]);
    place.run(&["result", &good, "--format", "markdown"]).with_status(0).saying(&["## Summary"]);
    place.run(&["job", &good]).with_status(0).saying(&[&format!("precis result {} --run 1", &good[..8])]);
    place.run(&["result", &good, "--run", "3"]).with_status(1).saying(&["no run 3 of a.txt", "precis job"]);
    place.run(&["result", &bad]).with_status(1).saying(&["rejected (EMPTY_FILE)", "Do: "]);
    // While a new run is under way there is still what was found before.
    place.run(&["reprocess", &good, "--words", "60"]).with_status(0).saying(&["run 3 started"]);
    assert_eq!(printed(&[]), second);
}

#[test]
fn queues_are_shown_with_their_depth() {
    let place = Place::new();
    place.write("a.txt", notice(1));
    summarize(&place, &["a.txt"]).with_status(0);
    let queues = place.run(&["queues", "--json"]).with_status(0).json();
    let names: Vec<_> = queues.iter().map(|queue| queue["queue"].as_str().unwrap()).collect();
    assert_eq!(names, ["ingest", "ocr", "ocr-completed", "summarize", "notify"]);
    for queue in &queues {
        for place in ["waiting", "working", "delayed", "dead"] {
            assert_eq!(queue[place], 0, "{queue}");
        }
    }
    place.run(&["queues"]).with_status(0).saying(&["queue", "oldest", "dead", "ocr-completed"]);
    place.run(&["queues", "--redrive", "notify"]).with_status(0);
}

#[test]
fn settings_are_shown_with_where_each_comes_from_and_hold_for_the_work() {
    let place = Place::new();
    let contracts = "[defaults]\nwords = 80\n\n[prefix.\"contracts/\"]\nwords = 25\nemail = \"link\"\n";
    place.write("data/precis.toml", contracts);
    place.write("contracts/lease.txt", format!("{}{}", notice(1), notice(2)));
    let report = summarize(&place, &["contracts/lease.txt"]).with_status(0).json().remove(0);
    assert_eq!((&report["settings"]["words"], &report["settings"]["email"]), (&25.into(), &"link".into()));
    let of = |key: &str| -> Value {
        serde_json::from_str(&place.run(&["settings", key, "--json"]).with_status(0).out).unwrap()
    };
    assert_eq!((&of("other.pdf")["words"], &of("contracts/lease.txt")["words"]), (&80.into(), &25.into()));
    let shown = place.run(&["settings", "contracts/lease.txt"]).with_status(0).out;
    let words = shown.lines().find(|line| line.trim_start().starts_with("words")).unwrap();
    assert!(words.contains("25") && words.contains("contracts/"), "{words}");
    let pages = shown.lines().find(|line| line.trim_start().starts_with("max_pages")).unwrap();
    assert!(pages.contains("3000") && pages.contains("default"), "{pages}");

    // Asked for on the command line, a value comes from the run.
    let asked = summarize(&place, &["contracts/lease.txt", "--words", "40"]).with_status(0).json().remove(0);
    assert_eq!(asked["settings"]["words"], 40);
}

#[test]
fn the_example_of_settings_can_be_understood_as_it_is_and_with_its_lines_switched_on() {
    let place = Place::new();
    place.write("a.txt", notice(1));
    summarize(&place, &["a.txt"]).with_status(0);
    let example = run(&mut place.precis(&["settings", "--example"])).with_status(0).out;
    place.write("data/precis.toml", &example);
    place.run(&["settings"]).with_status(0).saying(&["words", "120"]);
    place.write("data/precis.toml", example.replace("#:", ""));
    place.run(&["settings", "contracts/a.pdf"]).with_status(0).saying(&["link"]);
}

#[test]
fn subscriptions_are_added_listed_and_removed_and_nonsense_is_refused() {
    let place = Place::new();
    place.write("a.txt", notice(1));
    summarize(&place, &["a.txt"]).with_status(0);
    place.run(&["subscriptions"]).with_status(0).saying(&["Nobody is subscribed"]);
    place
        .run(&["subscribe", "ann@example.org", "--prefix", "contracts/", "--outcome", "summarized"])
        .with_status(0);
    place.run(&["subscribe", "ops@example.org", "--operator"]).with_status(0);
    place.run(&["subscribe", "https://example.org/hook"]).with_status(0);
    place.run(&["subscriptions"]).with_status(0).saying(&[
        "ann@example.org",
        "under contracts/",
        "summarized",
        "ops@example.org",
        "operator's failures",
        "https://example.org/hook",
    ]);
    let all = place.run(&["subscriptions", "--json"]).with_status(0).json();
    assert_eq!(all.len(), 3);
    let id =
        all.iter().find(|one| one.to_string().contains("ops@")).unwrap()["id"].as_str().unwrap().to_owned();
    place.run(&["unsubscribe", &id]).with_status(0).saying(&["removed", "ops@example.org"]);
    place.run(&["unsubscribe", "ann@example.org"]).with_status(0).saying(&["removed"]);
    place
        .run(&["unsubscribe", "ann@example.org"])
        .with_status(1)
        .saying(&["nobody is subscribed", "precis subscriptions"]);
    assert_eq!(place.run(&["subscriptions", "--json"]).json().len(), 1);
    for nonsense in ["ann", "@example.org", "ftp://example.org", "ann @example.org", "https://"] {
        let ran = place.run(&["subscribe", nonsense]).with_status(1);
        assert!(ran.err.starts_with("precis: "), "{nonsense}: {}", ran.err);
    }
    place.run(&["subscribe", "a@example.org", "--outcome", "nonsense"]).with_status(2);
}

#[test]
fn doctor_checks_everything_and_says_how_to_mend_what_is_missing() {
    let place = Place::new();
    let all = place.run(&["doctor"]);
    for check in ["data", "settings", "model", "ocr", "disk", "permissions", "clock", "smtp"] {
        assert!(
            all.out.lines().any(|line| line.split_whitespace().nth(1) == Some(check)),
            "{check}: {}",
            all.out
        );
    }
    all.with_status(0);
    assert!(!place.data().exists(), "a look makes nothing");
    let nowhere =
        run(&mut place.precis(&["doctor", "--check", "model", "--model", "nowhere"])).with_status(1);
    nowhere.saying(&["WRONG model", "nowhere", "make "]);
    let mut without_tesseract = place.precis(&["doctor", "--check", "ocr"]);
    run(without_tesseract.env("PATH", place.folder()))
        .with_status(1)
        .saying(&["WRONG ocr", "apt-get install"]);
}

#[test]
fn scans_without_tesseract_fail_with_what_to_install_and_a_retry_after_that_works() {
    let place = Place::new();
    let scan =
        std::fs::read(precis_tests::program::repository().join("samples/09-school-letter.jpg")).unwrap();
    place.write("letter.jpg", &scan);
    // The same content: it waits for the first one's result, which never comes, and must end all the same.
    place.write("copy.jpg", &scan);
    place.write("notice.txt", notice(1));
    let files = ["letter.jpg", "copy.jpg", "notice.txt"];
    let mut command = place.precis(&["summarize", "--format", "json", "--data"]);
    let ran = run(command.arg(place.data()).args(files).env("PATH", place.folder())).with_status(1);
    let reports = ran.json();
    for scan in &reports[..2] {
        assert_eq!((&scan["outcome"], &scan["reason"]), (&"failed".into(), &"OCR_UNAVAILABLE".into()));
        assert_eq!(scan["audience"], "operator", "it is not the sender's to mend");
    }
    assert_eq!(reports[2]["outcome"], "summarized", "what needs no OCR is not held up");
    assert!(ran.err.contains("precis doctor"), "{}", ran.err);
    place.run(&["jobs", "--state", "failed"]).with_status(0).saying(&["OCR_UNAVAILABLE", "copy.jpg"]);
    let retried = place.run(&["retry", "--reason", "OCR_UNAVAILABLE"]).with_status(0);
    retried.saying(&["letter.jpg: run 2 started", "copy.jpg: run 2 started"]);
    for again in summarize(&place, &files).with_status(0).json().iter().take(2) {
        assert_eq!((&again["run"], &again["outcome"]), (&2.into(), &"summarized".into()));
    }
}

#[test]
fn completions_and_the_systemd_unit_are_printed() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&mut place.precis(&["completions", shell])).with_status(0).out;
        assert!(script.contains("summarize") && script.contains("reprocess"), "{shell}");
    }
    let bash = run(&mut place.precis(&["completions", "bash"])).out;
    let mut check = std::process::Command::new("bash");
    run_with(check.arg("-n"), bash.as_bytes()).with_status(0);

    let unit =
        run(&mut place.precis(&["service", "install", "--print", "--data", "my data"])).with_status(0).out;
    for line in ["[Unit]", "[Service]", "[Install]", "Restart=on-failure", "WantedBy=multi-user.target"] {
        assert!(unit.lines().any(|found| found == line), "{line}: {unit}");
    }
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    let folder = place.folder().canonicalize().unwrap().join("my data");
    assert!(start.contains(" up --data ") && start.contains(&format!("\"{}\"", folder.display())), "{start}");
    let home = place.folder().join("config");
    let mut install = place.precis(&["service", "install", "--user", "--data", "my data"]);
    run(install.env("XDG_CONFIG_HOME", &home)).with_status(0).saying(&["systemctl --user", "enable-linger"]);
    let written = std::fs::read_to_string(home.join("systemd/user/precis.service")).unwrap();
    assert!(written.contains("WantedBy=default.target"), "{written}");
}
