//! Documents of an office, made by hand, and golden files.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its own part")]

use domain::outcome::Finding;
use domain::summary::{Citation, Cited, Coverage, FactKind, KeyFact, PageReport, Summary};
use domain::text::Origin;
use domain::{ContentHash, Document, Job, Outcome, Reason, Stage, State};
use precis_notify::Links;
use std::path::{Path, PathBuf};

pub fn document(key: &str) -> Document {
    Document {
        bucket: "uploads".into(),
        key: key.into(),
        version: "9b2c".into(),
        size: 482_113,
        sequencer: None,
        uploaded_at: "2026-11-23T09:12:04Z".parse().unwrap(),
    }
}

/// A job that came to notify with this outcome.
pub fn job(key: &str, outcome: Outcome) -> Job {
    let mut job = Job::new(document(key), "2026-11-23T09:12:04Z".parse().unwrap());
    job.kind = Some("pdf".into());
    job.content = Some(ContentHash("0f".repeat(32)));
    job.state = State::At(Stage::Notify);
    job.outcome = Some(outcome);
    job.timings_ms.insert("ingest".into(), 3100);
    job
}

pub fn cite(page: u32, text: &str, confidence: Option<f32>) -> Citation {
    Citation { page, text: text.into(), score: 1.0, bbox: None, confidence, trimmed: false }
}

pub fn cited(text: &str, page: u32, confidence: Option<f32>) -> Cited {
    Cited { text: text.into(), citations: vec![cite(page, text, confidence)] }
}

pub fn fact(kind: FactKind, text: &str, value: Option<&str>, page: u32) -> KeyFact {
    let citations = vec![cite(page, text, None)];
    KeyFact { kind, text: text.into(), value: value.map(str::to_owned), citations }
}

pub fn page(number: u32, origin: Origin) -> PageReport {
    PageReport { number, origin, confidence: None, attachment: None, note: None }
}

/// The lease of SCREENS: twelve pages, one read by OCR, one not at all.
pub fn lease() -> (Job, Finding) {
    let mut job = job("contracts/mill-road-4.pdf", Outcome::summarized());
    job.pages = Some(12);
    let mut pages: Vec<_> = (1..=12).map(|number| page(number, Origin::Text)).collect();
    (pages[8].origin, pages[8].confidence) = (Origin::Ocr, Some(0.715));
    (pages[11].origin, pages[11].note) = (Origin::Unread, Some("too dark".into()));
    let rent = "Rent rises 6% on 1 March 2027; notice is due by 30 November 2026.";
    let summary = Summary {
        headline: rent.into(),
        sentences: vec![
            cited(rent, 2, None),
            cited("Rent becomes EUR 4,240 a month from 1 March 2027.", 3, None),
            cited(
                "Either party may end the lease with three months' notice to the end of a quarter.",
                7,
                None,
            ),
            Cited {
                text: "The tenant repairs the roof.".into(),
                citations: vec![cite(
                    9,
                    "The tenant shall keep the roof in repair at his own cost.",
                    Some(0.715),
                )],
            },
        ],
        key_points: vec![
            cited("Rent becomes EUR 4,240 a month from 1 March 2027.", 3, None),
            cited("Subletting needs the landlord's consent in writing.", 8, None),
        ],
        key_facts: vec![
            fact(FactKind::Date, "the new rent is due", Some("2027-03-01"), 3),
            fact(FactKind::Date, "notice of objection must reach the landlord", Some("2026-11-30"), 7),
            fact(
                FactKind::Amount,
                "a deposit of EUR 12,720 is held by the landlord's bank",
                Some("EUR 12720"),
                4,
            ),
        ],
        notes: Vec::new(),
        writing: None,
    };
    let coverage = Coverage { pages_read: 11, pages_total: 12, words_read: 4310, words_total: 4310 };
    let finding = Finding {
        summary,
        coverage,
        pages,
        language: Some("en".into()),
        title: Some("Lease, Mill Road 4".into()),
        made_by: "precis 0.1".into(),
    };
    (job, finding)
}

pub fn links() -> Links {
    Links::folder(Path::new("/srv/precis-data/results")).with_contact("documents@example.org")
}

/// What was seen in one case of each cause, in the way the stages say it.
pub fn detail(reason: Reason) -> &'static str {
    match reason {
        Reason::UnsupportedType => "a ZIP archive",
        Reason::Encrypted => "AES-256, a password is needed to open it",
        Reason::Damaged => "the file ends in the middle of page 3",
        Reason::TooLittleText => "9 words",
        Reason::TooLarge => "612 MB; the limit is 500 MB",
        Reason::TooManyPages => "10,000 pages; the limit is 3,000",
        Reason::ReaderLimit => "stopped after 120 s",
        Reason::OcrFailed => "page 9: tesseract ended with signal 9",
        _ => "",
    }
}

/// The job of a document that ended for this reason.
pub fn ended_for(reason: Reason) -> Job {
    let detail = detail(reason);
    let outcome = match (reason, reason.audience()) {
        (Reason::NewerVersion | Reason::Deleted, _) => Outcome::superseded(reason),
        (_, domain::Audience::Sender) => Outcome::rejected(reason, detail),
        (_, domain::Audience::Operator) => Outcome::failed(reason, detail),
    };
    job("contracts/mill-road-4.pdf", outcome)
}

fn golden_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares with `tests/golden/<name>`. `BLESS=1` rewrites the file: read what it then says.
pub fn golden(name: &str, text: &str) {
    let path = golden_path(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} is not as agreed; now it says:\n{text}\n(BLESS=1 rewrites it)");
}
