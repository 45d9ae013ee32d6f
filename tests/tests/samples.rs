//! The samples of the repository, each with the five facts that its reader must learn.

use precis_tests::cited::{citations, on_page};
use precis_tests::program::{Place, repository};
use precis_tests::words;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Words of a citation that OCR must have read rightly: a short one may have a wrong one among its ten.
const READ: f64 = 0.85;

/// Facts of five that an e-mail must tell.
const ENOUGH: usize = 4;

/// The documents: they are numbered, what makes and explains them is not.
fn samples() -> Vec<PathBuf> {
    let mut samples: Vec<_> = std::fs::read_dir(repository().join("samples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    samples.sort();
    assert!(samples.len() >= 8, "{samples:?}");
    samples
}

/// What a sample says that another program cannot look up by its page: the texts that it was made from, or itself.
fn truth(sample: &Path) -> String {
    let name = sample.file_name().unwrap().to_string_lossy().into_owned();
    let made_from = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&name[..2]);
    let texts = std::fs::read_dir(repository().join("samples/texts")).unwrap();
    let mut all: String = texts
        .map(|entry| entry.unwrap().path())
        .filter(made_from)
        .map(|text| std::fs::read_to_string(text).unwrap())
        .collect();
    if all.is_empty() {
        let tagged = std::fs::read_to_string(sample).unwrap();
        all = tagged.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect();
    }
    all
}

/// The citations of a report that do not stand where they say.
fn astray(sample: &Path, report: &Value) -> Vec<String> {
    let truth = truth(sample);
    let pdf = sample.extension().is_some_and(|end| end == "pdf");
    let stands = |page: u64, text: &str| {
        let origin = &report["pages"][usize::try_from(page).unwrap() - 1]["origin"];
        match origin.as_str().unwrap() {
            "ocr" => words::found(text, &truth).0 >= READ,
            _ if pdf => on_page(sample, page).contains(&words::letters(text)),
            _ => words::letters(&truth).contains(&words::letters(text)),
        }
    };
    citations(report)
        .into_iter()
        .map(|citation| (citation["page"].as_u64().unwrap(), citation["text"].as_str().unwrap()))
        .filter(|(page, text)| !stands(*page, text))
        .map(|(page, text)| format!("{} page {page}: {text}", sample.display()))
        .collect()
}

#[test]
fn the_e_mail_about_each_sample_has_four_of_the_five_facts_and_its_citations_stand_on_their_pages() {
    let place = Place::new();
    let samples = samples();
    let named: Vec<&str> = samples.iter().map(|path| path.to_str().unwrap()).collect();
    let ran = place.run(&[&["summarize", "--format", "json"], &named[..]].concat()).with_status(0);
    let reports = ran.json();
    assert_eq!(reports.len(), samples.len());

    let cited: usize = reports.iter().map(|report| citations(report).len()).sum();
    assert!(cited >= 50, "only {cited} citations");
    let astray: Vec<_> =
        samples.iter().zip(&reports).flat_map(|(sample, report)| astray(sample, report)).collect();
    assert!(astray.is_empty(), "of {cited} citations these are not where they say:\n{}", astray.join("\n"));

    let score = Command::new("python3")
        .arg(repository().join("samples/score.py"))
        .arg(place.data().join("outbox"))
        .output()
        .expect("python3 is there: `make test` installs it");
    let table = String::from_utf8_lossy(&score.stdout);
    println!("{table}");
    let mut wrong = Vec::new();
    for sample in &samples {
        let name = sample.file_name().unwrap().to_str().unwrap();
        let told = told(&table, name).unwrap_or_else(|| panic!("no score of {name}:\n{table}"));
        if told < ENOUGH {
            wrong.push(format!("{name} has {told} facts, {ENOUGH} are wanted"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n"));
}

/// The facts told of a sample, in the table of `score.py`: `NAME  4 of 5 …`.
fn told(table: &str, name: &str) -> Option<usize> {
    let line = table.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
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
