//! The samples of the repository, each with the five facts that its reader must learn.

use precis_tests::program::{Place, repository};
use std::process::Command;

#[test]
fn the_e_mail_about_each_sample_has_at_least_three_of_the_five_facts_that_its_reader_must_learn() {
    let place = Place::new();
    let mut samples: Vec<_> = std::fs::read_dir(repository().join("samples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    samples.sort();
    assert!(samples.len() >= 8, "{samples:?}");
    let samples: Vec<&str> = samples.iter().map(|path| path.to_str().unwrap()).collect();
    let ran = place.run(&[&["summarize", "--format", "json"], &samples[..]].concat()).with_status(0);
    assert_eq!(ran.json().len(), samples.len());

    let score = Command::new("python3")
        .arg(repository().join("samples/score.py"))
        .args(["--least", "3"])
        .arg(place.data().join("outbox"))
        .output()
        .expect("python3 is there: `make test` installs it");
    let table = String::from_utf8_lossy(&score.stdout);
    println!("{table}");
    assert!(score.status.success(), "too few facts:\n{table}{}", String::from_utf8_lossy(&score.stderr));
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let place = Place::new();
    let readme = repository().join("README.md");
    let text = std::fs::read_to_string(&readme).unwrap();
    let sample = repository().join("samples/03-minutes.docx");
    let printed = place.run(&["summarize", sample.to_str().unwrap()]).with_status(0).out;
    let (before, rest) = text.split_once("```\n03-minutes.docx").expect("README has a result");
    let (_, after) = rest.split_once("\n```").expect("the result has an end");
    let now = format!("{before}```\n{}\n```{after}", printed.trim_end());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&readme, &now).unwrap();
        return;
    }
    assert!(text == now, "README.md shows another result (BLESS=1 rewrites it); now it is\n{printed}");
}
