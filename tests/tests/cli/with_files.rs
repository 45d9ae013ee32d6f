//! `precis summarize`: files in, results out.

use crate::{jobs, notice, pdf, result, summarize};
use precis_tests::mail;
use precis_tests::program::{Place, repository, run, run_with};
use serde_json::Value;

#[test]
fn results_come_in_the_order_of_the_files_and_all_good_is_exit_status_0() {
    let place = Place::new();
    // The slowest comes first: it ends last.
    place.write("long.pdf", pdf(40, &notice(1)));
    let names: Vec<_> = (0..8).map(|n| format!("notice-{}.txt", 8 - n)).collect();
    for (number, name) in (2..).zip(&names) {
        place.write(name, notice(number));
    }
    let mut arguments = vec!["long.pdf"];
    arguments.extend(names.iter().map(String::as_str));
    let ran = summarize(&place, &arguments).with_status(0);
    let keys: Vec<_> =
        ran.json().iter().map(|report| report["document"]["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, arguments);
    assert_eq!(ran.err, "", "nothing is wrong, so nothing is said");
}

#[test]
fn one_that_cannot_be_summarized_is_named_with_reason_and_advice_by_exit_status_1_and_stops_no_other() {
    let place = Place::new();
    place.write("empty.txt", "");
    place.write("good.txt", notice(1));
    let ran = run(&mut place.precis(&["summarize", "empty.txt", "missing.txt", "good.txt"]))
        .with_status(1)
        .saying(&[
            "empty.txt: rejected (EMPTY_FILE)",
            "Do: ",
            "missing.txt: not summarized: there is no such file",
        ]);
    assert!(ran.out.contains("good.txt") && ran.out.contains("[p. 1]"), "{}", ran.out);
    assert!(!ran.out.contains("empty.txt"), "failures are told on standard error: {}", ran.out);
}

#[test]
fn wrong_usage_is_exit_status_2_and_teaches() {
    let place = Place::new();
    for arguments in [
        &["summarize"] as &[&str],
        &["nonsense"],
        &["summarize", "a.txt", "--words", "many"],
        &["summarize", "a.txt", "--words", "3"],
        &["summarize", "a.txt", "--format", "pdf"],
        &["summarize", "a.txt", "--set", "nonsense=1"],
        &["jobs", "--state", "nonsense"],
        &["jobs", "--reason", "NONSENSE"],
        &["retry"],
        &["retry", "abcd", "--all"],
        &["queues", "--redrive", "nonsense"],
    ] {
        let ran = run(&mut place.precis(arguments)).with_status(2);
        assert!(ran.err.contains("--help"), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    let ran = run(&mut place.precis(&["jobs", "--reason", "NONSENSE"]));
    assert!(ran.err.contains("ENCRYPTED"), "the reasons there are, are named: {}", ran.err);
    assert!(!place.folder().join("precis-data").exists(), "wrong usage leaves nothing behind");
}

#[test]
fn help_teaches_every_command_by_example() {
    let place = Place::new();
    let help = run(&mut place.precis(&["--help"])).with_status(0).out;
    assert!(help.contains("Examples:") && help.contains("Exit status:"), "{help}");
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|command| *command != "help")
        .collect();
    assert_eq!(commands.len(), 27, "{commands:?}");
    for command in commands {
        let help = run(&mut place.precis(&[command, "--help"])).with_status(0).out;
        assert!(help.contains("Usage: precis "), "{command}: {help}");
        let long = help.lines().skip_while(|line| !line.starts_with("Example")).find(|line| line.len() > 80);
        assert_eq!(long, None, "{command}: a narrow terminal breaks it");
        // These have commands below them, which have examples.
        assert!(help.contains("Example") || ["heads", "service"].contains(&command), "{command}: {help}");
    }
    run(&mut place.precis(&["--version"])).with_status(0).saying(&["precis "]);
}

#[test]
fn standard_input_is_read_for_a_dash() {
    let place = Place::new();
    let mut command = place.precis(&["summarize", "-", "--format", "json", "--words", "40"]);
    let ran = run_with(&mut command, notice(7).as_bytes()).with_status(0);
    let report = &ran.json()[0];
    assert_eq!(report["document"]["name"], "stdin");
    assert_eq!(report["settings"]["words"], 40);
    assert!(report["summary"].to_string().contains("hall 7"), "{report}");
    // And a PDF, which its bytes tell.
    let ran = run_with(&mut place.precis(&["summarize", "-", "--format", "json"]), &pdf(2, &notice(8)))
        .with_status(0);
    assert_eq!(ran.json()[0]["document"]["type"], "pdf");
    assert_eq!(ran.json()[0]["document"]["pages"], 2);
    // Named twice it is the same document: there is nothing more to read.
    let ran = run_with(&mut place.precis(&["summarize", "-", "-", "--format", "json"]), notice(9).as_bytes())
        .with_status(0);
    assert_eq!(ran.json().len(), 2);
    assert_eq!(ran.json()[0], ran.json()[1]);
}

#[test]
fn text_and_markdown_say_headline_sentences_and_their_pages() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let text = run(&mut place.precis(&["summarize", "notice.txt"])).with_status(0).out;
    assert!(text.starts_with("notice.txt (1 page)\n"), "{text}");
    assert!(text.contains("1 March 2027") && text.contains("[p. 1]"), "{text}");
    let markdown =
        run(&mut place.precis(&["summarize", "notice.txt", "--format", "markdown"])).with_status(0).out;
    assert!(markdown.starts_with("# "), "{markdown}");
    assert!(markdown.contains("\n## Summary\n") && markdown.contains("(p. 1)"), "{markdown}");
}

#[test]
fn a_folder_is_taken_with_all_below_it_but_what_is_hidden() {
    let place = Place::new();
    for (number, name) in (1..).zip(["in/b.txt", "in/a/deep.txt", "in/.hidden.txt", "in/.git/config.txt"]) {
        place.write(name, notice(number));
    }
    let ran = summarize(&place, &["-r", "in"]).with_status(0);
    let keys: Vec<_> =
        ran.json().iter().map(|report| report["document"]["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, ["in/a/deep.txt", "in/b.txt"]);
    // Its own data folder lies below the folder too, and is none of its documents.
    let all = summarize(&place, &["-r", "."]).with_status(0);
    assert_eq!(all.json().len(), 2, "{}", all.out);
    run(&mut place.precis(&["summarize", "in"])).with_status(1).saying(&["it is a folder", "-r in"]);
    // A folder that is not there stops nothing else, and an empty one is not taken for success in silence.
    let mut both = place.precis(&["summarize", "-r", "nowhere", "-r", "in", "--format", "json"]);
    let ran =
        run(&mut both).with_status(1).saying(&["nowhere: not summarized: there is no such file", "Do: "]);
    assert_eq!(ran.json().len(), 2);
    std::fs::create_dir(place.folder().join("empty")).unwrap();
    run(&mut place.precis(&["summarize", "-r", "empty"])).with_status(0).saying(&["there are no files"]);
}

#[test]
fn json_is_an_object_a_line_that_keeps_the_schema_and_has_the_fields_that_are_promised() {
    let place = Place::new();
    // It has more to say than a summary holds, so there are points beside that.
    let contract = repository().join("samples/01-service-agreement.pdf");
    place.write("good.pdf", std::fs::read(contract).unwrap());
    place.write("empty.txt", "");
    let ran = summarize(&place, &["good.pdf", "empty.txt"]).with_status(1);
    let schema = std::fs::read_to_string(repository().join("docs/outcome.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let [good, empty] = &ran.json()[..] else { panic!("two lines: {}", ran.out) };
    for report in [good, empty] {
        let errors: Vec<_> = schema.iter_errors(report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{report}");
    }
    assert!(!schema.is_valid(&serde_json::json!({ "schema": 1 })), "the schema refuses something");

    let has = |value: &Value, pointers: &[&str]| {
        for pointer in pointers {
            assert!(
                value.pointer(pointer).is_some_and(|found| !found.is_null()),
                "{pointer} is missing: {value}"
            );
        }
    };
    let always = ["/schema", "/job", "/run", "/outcome", "/coverage/pages_read", "/coverage/pages_total"];
    let document = ["/document/name", "/document/bytes"];
    for report in [good, empty] {
        has(report, &[&always[..], &document, &["/coverage/words_read", "/coverage/words_total"]].concat());
        has(report, &["/pages", "/settings/words", "/timings_ms/ingest", "/cost"]);
    }
    has(good, &["/document/pages", "/document/type", "/document/language", "/document/sha256"]);
    has(good, &["/summary/headline", "/summary/sentences/0/text", "/summary/key_points/0/citations/0/page"]);
    has(good, &["/summary/sentences/0/citations/0/page", "/summary/sentences/0/citations/0/text"]);
    has(good, &["/summary/sentences/0/citations/0/score", "/summary/sentences/0/citations/0/bbox"]);
    has(
        good,
        &["/summary/key_facts/0/kind", "/summary/key_facts/0/text", "/summary/key_facts/0/citations/0/page"],
    );
    has(good, &["/pages/2/number", "/pages/2/origin"]);
    has(empty, &["/reason", "/explanation", "/advice"]);
    assert_eq!((&empty["outcome"], &empty["reason"]), (&"rejected".into(), &"EMPTY_FILE".into()));
}

#[test]
fn a_document_that_was_done_is_not_done_again() {
    let place = Place::new();
    let scan = repository().join("samples/09-school-letter.jpg");
    place.write("letter.jpg", std::fs::read(scan).unwrap());
    place.write("notice.txt", notice(1));
    let first = summarize(&place, &["letter.jpg", "notice.txt"]).with_status(0);
    let jobs_then = jobs(&place);
    let second = summarize(&place, &["letter.jpg", "notice.txt"]).with_status(0);
    assert!(first.json()[0]["cost"]["ocr_pages"] == 1 && first.json()[0]["pages"][0]["origin"] == "ocr");
    // The same run, with the same times: nothing was read, recognised, summarized or mailed again.
    assert_eq!(second.out, first.out);
    assert_eq!(jobs(&place), jobs_then);
    assert_eq!(mail::outbox(&place.data()).len(), 2);
}

#[test]
fn the_same_content_under_another_name_costs_nothing_and_has_a_job_and_an_e_mail_of_its_own() {
    let place = Place::new();
    let scan = std::fs::read(repository().join("samples/09-school-letter.jpg")).unwrap();
    place.write("one.jpg", &scan);
    place.write("two.jpg", &scan);
    let ran = summarize(&place, &["one.jpg", "two.jpg"]).with_status(0);
    let [one, two] = &ran.json()[..] else { panic!("two lines: {}", ran.out) };
    assert_ne!(one["job"], two["job"]);
    assert_eq!(one["summary"]["sentences"], two["summary"]["sentences"]);
    let with_ocr = [one, two].iter().filter(|report| report["timings_ms"]["ocr"].is_u64()).count();
    assert_eq!(with_ocr, 1, "it is recognised once: {} {}", one["timings_ms"], two["timings_ms"]);
    assert_eq!(mail::outbox(&place.data()).len(), 2);
}

#[test]
fn another_length_makes_run_2_of_a_document_that_was_done_and_keeps_run_1() {
    let place = Place::new();
    place.write("notice.txt", format!("{}{}", notice(1), notice(2)));
    let first = summarize(&place, &["notice.txt"]).with_status(0).json().remove(0);
    let second = summarize(&place, &["notice.txt", "--words", "30"]).with_status(0).json().remove(0);
    assert_eq!((&first["run"], &second["run"]), (&1.into(), &2.into()));
    assert_eq!(first["job"], second["job"]);
    let words = |report: &Value| {
        let sentences = report["summary"]["sentences"].as_array().unwrap();
        sentences.iter().map(|s| s["text"].as_str().unwrap().split_whitespace().count()).sum::<usize>()
    };
    assert!(words(&second) < words(&first), "{} and {} words", words(&second), words(&first));
    let id = first["job"].as_str().unwrap();
    place
        .run(&["job", id])
        .with_status(0)
        .saying(&["run 1 ended summarized; its result is kept", "words=30"]);
    let mails: Vec<_> = mail::outbox(&place.data()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(mails, [format!("{id}-1.eml"), format!("{id}-2.eml")]);
    assert!(result(&place, "notice.txt.json").contains("\"run\":2"), "the result shown is the newest");
    // Asked for as before, it is there as before.
    let third = summarize(&place, &["notice.txt", "--words", "30"]).with_status(0).json().remove(0);
    assert_eq!(third, second);
}

#[test]
fn results_lie_beside_each_other_as_markdown_json_and_the_text_that_was_read() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let ran = summarize(&place, &["notice.txt"]).with_status(0);
    let kept: Value = serde_json::from_str(&result(&place, "notice.txt.json")).unwrap();
    let printed = &ran.json()[0];
    assert_eq!((&kept["job"], &kept["summary"]), (&printed["job"], &printed["summary"]));
    assert!(result(&place, "notice.txt.md").starts_with("# "));
    assert!(result(&place, "notice.txt.txt").contains("until the boiler is replaced in February"));
    let (_, message) = mail::outbox(&place.data()).remove(0);
    let subject = mail::header(&message, "Subject").unwrap();
    assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
    assert!(mail::text(&message).contains("1 March 2027"), "{message}");
}

#[test]
fn without_a_data_folder_nothing_is_kept() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let temporary = place.folder().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    run(place.precis(&["summarize", "notice.txt"]).env("TMPDIR", &temporary)).with_status(0);
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let here: Vec<_> =
        std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(here.len(), 2, "{here:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    summarize(&place, &["notice.txt"]).with_status(0);
    let mut jobs = place.precis(&["jobs", "--json", "--data"]);
    jobs.arg(place.data()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = jobs.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{}", output.status);
}
