//! Real documents of many kinds, from the file to the cited summary.
//!
//! One run of the program over all of them; every test looks at what it left. The documents lie beside the
//! repository (see `precis_tests::shared`): without them each test says that it was skipped.

use precis_tests::cited::{citations, on_page};
use precis_tests::program::{Place, Ran, run};
use precis_tests::{shared, words};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Scans and photographs: OCR may misread one word in twenty.
const SCANS: &[&str] = &[
    "address-1963-garbage-text-layer.pdf",
    "address-1965-mixed.pdf",
    "inaugural-1861-rotated-scan.pdf",
    "inaugural-1865-fax.tiff",
    "inaugural-1865-page1.png",
    "inaugural-1865-photo.jpg",
    "inaugural-1933-scan.pdf",
    "png-named.pdf",
];

/// Pictures of a page whose truth lies under another name.
const SAME_PAGE: &[&str] = &["inaugural-1865-page1.png", "inaugural-1865-photo.jpg", "png-named.pdf"];

/// What one run over all documents, good and wrong, left.
struct All {
    documents: PathBuf,
    place: Place,
    good: Vec<String>,
    wrong: Vec<String>,
    ran: Ran,
    reports: BTreeMap<String, Value>,
}

impl All {
    /// The text that was read of a document.
    fn text(&self, name: &str) -> String {
        let file = self.place.data().join("results").join(format!("{name}.txt"));
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    fn origins(&self, name: &str) -> Vec<&str> {
        let pages = self.reports[name]["pages"].as_array().unwrap();
        pages.iter().map(|page| page["origin"].as_str().unwrap()).collect()
    }
}

fn files(folder: &Path, before: &str) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| format!("{before}{}", entry.file_name().into_string().unwrap()))
        .collect();
    files.sort();
    files
}

fn all() -> Option<&'static All> {
    static ALL: OnceLock<Option<All>> = OnceLock::new();
    ALL.get_or_init(|| {
        let documents = shared::documents()?;
        let (good, wrong) = (files(&documents, ""), files(&documents.join("wrong"), "wrong/"));
        let place = Place::new();
        let mut command = place.precis(&["summarize", "--format", "json", "--progress", "plain", "--data"]);
        // The wrong ones come first: what they break, they break for all others.
        command.arg(place.data()).args(&wrong).args(&good).current_dir(&documents);
        let ran = run(&mut command);
        let key = |report: &Value| report["document"]["key"].as_str().unwrap().to_owned();
        let reports = ran.json().into_iter().map(|report| (key(&report), report)).collect();
        Some(All { documents, place, good, wrong, ran, reports })
    })
    .as_ref()
}

#[test]
fn every_document_is_summarized_though_wrong_ones_came_before_it() {
    let Some(all) = all() else { return };
    assert_eq!(all.ran.status, 1, "the wrong ones are told by the exit status\n{}", all.ran.err);
    assert_eq!(all.ran.json().len(), all.good.len() + all.wrong.len());
    for name in &all.good {
        let report = &all.reports[name];
        assert_eq!(report["outcome"], "summarized", "{name}: {report}");
        assert!(!report["summary"]["headline"].as_str().unwrap().is_empty(), "{name}");
        assert!(!report["summary"]["sentences"].as_array().unwrap().is_empty(), "{name}");
    }
    let order: Vec<_> =
        all.ran.json().iter().map(|r| r["document"]["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(order, [&all.wrong[..], &all.good[..]].concat(), "results come in the order of the arguments");
}

#[test]
fn progress_names_the_document_and_its_page_on_standard_error() {
    let Some(all) = all() else { return };
    let page = |line: &str| line.starts_with("ocr ") && line.contains("inaugural-1933-scan.pdf  page ");
    let lines: Vec<_> = all.ran.err.lines().filter(|line| page(line)).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.ends_with(" of 3")), "{}", all.ran.err);
}

#[test]
fn the_words_of_every_document_are_read() {
    let Some(all) = all() else { return };
    let mut compared = 0;
    let mut short = Vec::new();
    for name in &all.good {
        let stem = if SAME_PAGE.contains(&name.as_str()) { "inaugural-1865-fax.tiff" } else { name };
        let stem = stem.rsplit_once('.').unwrap().0;
        let Ok(truth) = std::fs::read_to_string(all.documents.join(format!("truth/{stem}.txt"))) else {
            continue;
        };
        let (share, missed) = words::found(&truth, &all.text(name));
        let least = if SCANS.contains(&name.as_str()) { 0.95 } else { 0.98 };
        println!("{name:<40} {:.2} % of the words", share * 100.0);
        if share < least {
            short.push(format!("{name}: {:.2} %, missing {missed:?}", share * 100.0));
        }
        compared += 1;
    }
    assert!(compared >= 13, "only {compared} documents have a truth");
    assert!(short.is_empty(), "too few words were read:\n{}", short.join("\n"));
}

#[test]
fn plain_text_is_read_whole_in_any_encoding() {
    let Some(all) = all() else { return };
    for name in ["pep-0020.txt", "address-1999-latin1.txt"] {
        let bytes = std::fs::read(all.documents.join(name)).unwrap();
        let latin1: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let truth = String::from_utf8(bytes).unwrap_or(latin1);
        let (share, missed) = words::found(&truth, &all.text(name));
        assert!(share == 1.0, "{name}: {share}, missing {missed:?}");
    }
}

#[test]
fn an_attachment_is_read_like_the_document_itself() {
    let Some(all) = all() else { return };
    let (share, missed) = words::found(&all.text("message-1984.docx"), &all.text("minutes.eml"));
    assert!(share > 0.999, "{share}, missing {missed:?}");
    let pages = all.reports["minutes.eml"]["pages"].to_string();
    assert!(pages.contains("message-1984.docx"), "the attachment is named: {pages}");
}

#[test]
fn every_page_is_read_and_coverage_says_so() {
    let Some(all) = all() else { return };
    for name in &all.good {
        let report = &all.reports[name];
        let (coverage, pages) = (&report["coverage"], report["pages"].as_array().unwrap());
        assert_eq!(coverage["pages_read"], coverage["pages_total"], "{name}");
        assert_eq!(coverage["words_read"], coverage["words_total"], "{name}");
        assert_eq!(coverage["pages_total"], report["document"]["pages"], "{name}");
        assert_eq!(pages.len() as u64, coverage["pages_total"], "{name}");
        for (index, page) in pages.iter().enumerate() {
            assert_eq!(page["number"], index as u64 + 1, "{name}");
            let read = matches!(page["origin"].as_str(), Some("text" | "ocr" | "blank"));
            assert!(read, "{name}: {page}");
        }
    }
    assert_eq!(all.reports["message-1946-long.pdf"]["document"]["pages"], 43);
}

#[test]
fn each_page_is_read_in_the_way_that_it_needs() {
    let Some(all) = all() else { return };
    assert_eq!(
        all.origins("address-1963-garbage-text-layer.pdf"),
        ["ocr"],
        "a garbage text layer is no text"
    );
    let mixed = all.origins("address-1965-mixed.pdf");
    assert!(mixed.contains(&"text") && mixed.contains(&"ocr"), "{mixed:?}");
    for name in ["inaugural-1861-rotated-scan.pdf", "inaugural-1933-scan.pdf", "inaugural-1865-fax.tiff"] {
        assert!(all.origins(name).iter().all(|origin| *origin == "ocr"), "{name}");
    }
    for name in ["message-1961.pdf", "address-1978-two-columns.pdf", "declaration-fra.pdf"] {
        assert!(all.origins(name).iter().all(|origin| *origin == "text"), "{name}");
    }
    for name in SCANS {
        let pages = all.reports[*name]["pages"].as_array().unwrap();
        for page in pages.iter().filter(|page| page["origin"] == "ocr") {
            let confidence = page["confidence"].as_f64().unwrap();
            assert!((0.5..=1.0).contains(&confidence), "{name}: {page}");
        }
    }
}

#[test]
fn the_kind_of_a_file_is_what_it_holds_and_not_what_its_name_says() {
    let Some(all) = all() else { return };
    let kind = |name: &str| all.reports[name]["document"]["type"].as_str().unwrap().to_owned();
    assert_eq!(kind("png-named.pdf"), "png");
    let kinds = [
        ("message-1984.docx", "docx"),
        ("minutes.eml", "mail"),
        ("pep-0484.html", "html"),
        ("pep-0257.md", "markdown"),
        ("pep-0020.txt", "text"),
        ("inaugural-1865-fax.tiff", "tiff"),
        ("inaugural-1865-photo.jpg", "jpeg"),
        ("message-1961.pdf", "pdf"),
    ];
    for (name, expected) in kinds {
        assert_eq!(kind(name), expected, "{name}");
    }
}

#[test]
fn the_language_is_found_out() {
    let Some(all) = all() else { return };
    for (name, language) in
        [("declaration-fra.pdf", "fr"), ("declaration-spa.pdf", "es"), ("message-1961.pdf", "en")]
    {
        assert_eq!(all.reports[name]["document"]["language"], language, "{name}");
    }
}

#[test]
fn every_citation_stands_on_the_page_that_it_names() {
    let Some(all) = all() else { return };
    let mut looked_up = 0;
    let mut astray = Vec::new();
    for name in all.good.iter().filter(|name| name.ends_with(".pdf") && *name != "png-named.pdf") {
        let origins = all.origins(name);
        let mut pages: BTreeMap<u64, String> = BTreeMap::new();
        for citation in citations(&all.reports[name]) {
            let (page, text) = (citation["page"].as_u64().unwrap(), citation["text"].as_str().unwrap());
            if origins[usize::try_from(page).unwrap() - 1] != "text" {
                continue;
            }
            let there = pages.entry(page).or_insert_with(|| on_page(&all.documents.join(name), page));
            if !there.contains(&words::letters(text)) {
                astray.push(format!("{name} page {page}: {text}"));
            }
            looked_up += 1;
        }
    }
    println!("{looked_up} citations were looked up");
    assert!(looked_up >= 30, "only {looked_up} citations were looked up");
    assert!(
        astray.is_empty(),
        "{} of {looked_up} are not where they say:\n{}",
        astray.len(),
        astray.join("\n")
    );
}

#[test]
fn every_citation_stands_in_the_text_that_was_read() {
    let Some(all) = all() else { return };
    let mut astray = Vec::new();
    for name in &all.good {
        let text = words::letters(&all.text(name));
        for citation in citations(&all.reports[name]) {
            if !text.contains(&words::letters(citation["text"].as_str().unwrap())) {
                astray.push(format!("{name}: {}", citation["text"]));
            }
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

#[test]
fn every_wrong_file_gets_its_own_reason_explanation_and_advice() {
    let Some(all) = all() else { return };
    let mut made = String::new();
    for name in &all.wrong {
        let report = &all.reports[name];
        let field = |field: &str| report[field].as_str().unwrap_or("-").to_owned();
        made.push_str(&format!(
            "{name}\n  {} {} (for the {})\n  {}\n  Do: {}\n",
            field("outcome"),
            field("reason"),
            field("audience"),
            field("explanation"),
            field("advice")
        ));
        let complaint = format!("{name}: {} ({})", field("outcome"), field("reason"));
        assert!(all.ran.err.contains(&complaint), "standard error names {name}:\n{}", all.ran.err);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/wrong.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(made, kept, "wrong files are told otherwise than in {}; BLESS=1 rewrites it", file.display());
}
