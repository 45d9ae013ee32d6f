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
