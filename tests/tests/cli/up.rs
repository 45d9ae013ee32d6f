//! `precis up`: folders that are watched, and how it ends.

use crate::{ended, id_of, jobs, notice, pdf, result, up};
use precis_tests::mail;
use precis_tests::program::{Place, eventually, repository};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_file_that_is_still_being_written_is_taken_whole() {
    let place = Place::new();
    let scans = place.folder().join("scans");
    std::fs::create_dir(&scans).unwrap();
    let up = up(&place, &["--inbox", scans.to_str().unwrap()]);
    // A stillness longer than the one that the watcher waits for is the end of a file to it; a machine that is too
    // busy to write more often proves nothing, and the next file tries again.
    for attempt in 1..=5 {
        let name = format!("slow-{attempt}.txt");
        let mut file = std::fs::File::create(scans.join(&name)).unwrap();
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for number in 1..=20 {
            file.write_all(notice(number).as_bytes()).unwrap();
            file.sync_all().unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
            std::thread::sleep(Duration::from_millis(250));
        }
        file.write_all(b"\nThis is the last sentence of the document.\n").unwrap();
        longest = longest.max(last.elapsed());
        drop(file);
        if longest > Duration::from_millis(1500) {
            println!("skipped: attempt {attempt} stood still for {longest:?}");
            continue;
        }
        let key = format!("scans/{name}");
        let done = eventually("the slow file is done", 120, || {
            let jobs = jobs(&place);
            let of_it: Vec<_> = jobs.into_iter().filter(|job| job["key"] == key.as_str()).collect();
            (!of_it.is_empty() && of_it.iter().all(|job| job["stage"].is_null())).then_some(of_it)
        });
        assert_eq!(done.len(), 1, "it was taken once: {done:?}");
        assert_eq!(done[0]["state"], "summarized");
        let text = place.run(&["text", done[0]["id"].as_str().unwrap()]).with_status(0).out;
        assert!(text.contains("hall 1 ") && text.contains("hall 20 "), "{text}");
        assert!(text.contains("the last sentence of the document"), "{text}");
        assert!(scans.join(&name).is_file(), "it stays untouched");
        up.stop();
        return;
    }
    println!("skipped: the machine is too busy to write a file without pauses");
}

#[test]
fn taken_files_are_moved_or_deleted_when_asked_and_stay_otherwise() {
    for (after, stays, moved) in [("keep", true, false), ("move", false, true), ("delete", false, false)] {
        let place = Place::new();
        let scans = place.folder().join("scans");
        std::fs::create_dir_all(scans.join("deep")).unwrap();
        place.write("scans/a.txt", notice(1));
        place.write("scans/deep/b.txt", notice(2));
        let up = up(&place, &["--inbox", scans.to_str().unwrap(), "--after", after]);
        let done = ended(&place, 2);
        assert!(done.iter().all(|job| job["state"] == "summarized"), "{after}: {done:?}");
        let mut keys: Vec<_> = done.iter().map(|job| job["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["scans/a.txt", "scans/deep/b.txt"], "{after}");
        eventually("the files are cleared away", 60, || {
            (scans.join("a.txt").exists() == stays).then_some(())
        });
        eventually("the files are cleared away", 60, || {
            (scans.join("deep/b.txt").exists() == stays).then_some(())
        });
        assert_eq!(scans.join("done/a.txt").exists(), moved, "{after}");
        assert_eq!(scans.join("done/deep/b.txt").exists(), moved, "{after}");
        assert!(result(&place, "scans/deep/b.txt.md").contains("hall 2"));
        up.stop();
    }
}

#[test]
fn the_own_inbox_is_watched_and_a_changed_file_is_a_new_document() {
    let place = Place::new();
    let up = up(&place, &[]);
    place.write("data/inbox/lease.txt", notice(1));
    place.write("data/inbox/scan.pdf", pdf(2, &notice(2)));
    ended(&place, 2);
    let first = id_of(&place, "lease.txt");
    place.write("data/inbox/lease.txt", notice(5));
    let done = ended(&place, 3);
    assert!(done.iter().all(|job| job["state"] == "summarized"), "{done:?}");
    assert!(done.iter().any(|job| job["key"] == "lease.txt" && job["id"] != first.as_str()));
    eventually("the result is of the newer version", 60, || {
        result(&place, "lease.txt.txt").contains("hall 5").then_some(())
    });
    eventually("each has its e-mail", 60, || (mail::outbox(&place.data()).len() == 3).then_some(()));
    up.stop();

    // Another start finds nothing new in the same files.
    let again = crate::up(&place, &[]);
    place.write("data/inbox/later.txt", notice(7));
    assert_eq!(ended(&place, 4).len(), 4);
    again.stop();
}

#[test]
fn a_health_check_says_whether_somebody_works_in_the_folder() {
    let place = Place::new();
    let up = up(&place, &[]);
    place.run(&["up", "--health"]).with_status(0);
    up.stop();
    place.run(&["up", "--health"]).with_status(1).saying(&["no `precis up` works in"]);
}

#[test]
fn inboxes_that_are_no_folders_or_have_one_name_are_refused() {
    let place = Place::new();
    place.run(&["up", "--inbox", "nowhere"]).with_status(1).saying(&["nowhere", "is no folder", "Do: "]);
    for folder in ["a/scans", "b/scans"] {
        std::fs::create_dir_all(place.folder().join(folder)).unwrap();
    }
    place
        .run(&["up", "--inbox", "a/scans", "--inbox", "b/scans"])
        .with_status(1)
        .saying(&["same name", "Do: "]);
    place.run(&["up", "--model", "nowhere"]).with_status(1).saying(&["there is no model in nowhere"]);
}

/// Photographed letters, each other bytes of the same picture: OCR has work for a while.
fn letters(place: &Place, count: u8) -> Vec<String> {
    let picture = std::fs::read(repository().join("samples/09-school-letter.jpg")).unwrap();
    (1..=count)
        .map(|number| {
            let name = format!("letter-{number}.jpg");
            place.write(&name, [&picture[..], &[number]].concat());
            name
        })
        .collect()
}

/// Puts the files and waits until OCR has begun with one.
fn until_ocr_works(place: &Place, files: &[String]) {
    let mut arguments = vec!["put"];
    arguments.extend(files.iter().map(String::as_str));
    place.run(&arguments).with_status(0);
    eventually("OCR has begun", 60, || {
        let queues = place.run(&["queues", "--json"]).json();
        let ocr = queues.iter().find(|queue| queue["queue"] == "ocr")?;
        (ocr["working"].as_u64() > Some(0)).then_some(())
    });
}

#[test]
fn an_interrupt_finishes_what_is_at_work_says_what_it_waits_for_and_loses_nothing() {
    let place = Place::new();
    let files = letters(&place, 4);
    let mut first = up(&place, &[]);
    until_ocr_works(&place, &files);
    first.interrupt();
    let status = first.ends_within(Duration::from_secs(150)).expect("it ends");
    assert!(status.success(), "{status}: {}", first.said());
    let said = first.said();
    assert!(said.contains("waiting for letter-") && said.trim_end().ends_with("stopped"), "{said}");
    assert!(!said.contains("stopping at once"), "{said}");
    let second = up(&place, &[]);
    let done = ended(&place, files.len());
    assert!(done.iter().all(|job| job["state"] == "summarized"), "{done:?}");
    // What was finished in the drain was not begun again.
    assert!(done.iter().all(|job| job["run"] == 1), "{done:?}");
    second.stop();
}

#[test]
fn a_second_interrupt_stops_at_once_and_loses_nothing() {
    let place = Place::new();
    let files = letters(&place, 6);
    let mut first = up(&place, &[]);
    until_ocr_works(&place, &files);
    first.interrupt();
    eventually("it says what it waits for", 60, || first.said().contains("waiting for ").then_some(()));
    first.interrupt();
    first.ends_within(Duration::from_secs(60)).expect("it ends at once");
    let second = up(&place, &[]);
    let done = ended(&place, files.len());
    assert!(done.iter().all(|job| job["state"] == "summarized"), "{done:?}");
    eventually("each has one e-mail", 60, || {
        (mail::outbox(&place.data()).len() == files.len()).then_some(())
    });
    second.stop();
}

#[test]
fn metrics_are_served_by_their_documented_names() {
    let place = Place::new();
    let up = up(&place, &["--metrics", "127.0.0.1:0"]);
    let said = up.said();
    let address =
        said.lines().find_map(|line| line.strip_prefix("metrics  http://")?.strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("no address: {said}")).to_owned();
    place.write("data/inbox/a.txt", notice(1));
    place.write("data/inbox/b.txt", "two words");
    ended(&place, 2);
    let get = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let metrics = eventually("both outcomes are counted", 60, || {
        let answer = get();
        (answer.contains("TOO_LITTLE_TEXT") && answer.contains("precis_queue")).then_some(answer)
    });
    assert!(metrics.starts_with("HTTP/1.") && metrics.contains(" 200 "), "{metrics}");
    let documented = std::fs::read_to_string(repository().join("docs/metrics.md")).unwrap();
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let mut count = 0;
    for name in names.filter(|name| name.starts_with("precis_")) {
        assert!(documented.contains(name), "{name} is not in docs/metrics.md");
        count += 1;
    }
    assert!(count >= 4, "{metrics}");
    up.stop();
}
