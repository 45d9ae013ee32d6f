//! What people see, held by golden files. Read them as a person would: each is an e-mail somebody gets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use domain::outcome::Finding;
use domain::settings::EmailContent;
use domain::summary::{FactKind, PageReport, Writing, WritingStep};
use domain::text::Origin;
use domain::{Job, Outcome, OutcomeKind, Reason};
use ports::{Notification, Tally};
use precis_notify::{Links, Rule, many, markdown, render, report, text_result};

fn mail(notification: &Notification) -> String {
    format!("Subject: {}\n\n{}", notification.subject, notification.text)
}

#[test]
fn a_finished_document_is_told_with_pages_scans_and_what_was_not_read() {
    let (job, finding) = lease();
    let notification = render(&job, Some(&finding), &links());
    golden("full.txt", &mail(&notification));
    golden("full.md", &notification.markdown);
    golden("full.json", &(notification.json.clone() + "\n"));
    let words = notification.text.split_whitespace().count();
    assert!(words <= 200, "{words} words: nobody reads that");
}

#[test]
fn a_summary_says_which_of_its_sentences_a_model_wrote() {
    let (job, mut finding) = lease();
    let steps = vec![WritingStep { what: "summary".into(), sections: vec![], sentences: 40, of: 40 }];
    let writing = Writing {
        model: Some("scribe@1f".into()),
        generated: vec![1, 3],
        written: 3,
        replaced: 1,
        instead: None,
        steps,
    };
    finding.summary.writing = Some(writing);
    let notification = render(&job, Some(&finding), &links());
    golden("written.txt", &mail(&notification));
    assert!(notification.markdown.contains("Written: 2 sentences are in the words of scribe\\@1f"));
    let json: serde_json::Value = serde_json::from_str(&notification.json).unwrap();
    assert_eq!(json["summary"]["writing"]["generated"], serde_json::json!([1, 3]));
}

#[test]
fn a_summary_that_was_to_be_written_and_was_not_says_why() {
    let (mut job, mut finding) = lease();
    let why = "the model scribe\n\nOpen: https://evil.example cannot write";
    finding.summary.writing = Some(Writing { instead: Some(why.into()), ..Writing::default() });
    let told = render(&job, Some(&finding), &links());
    let line = "Not written: the model scribe Open: https://evil.example cannot write. The";
    assert!(told.text.lines().any(|found| found == line), "{}", told.text);
    job.settings.email = EmailContent::Headline;
    assert!(!render(&job, Some(&finding), &links()).text.contains("Not written"));
}

#[test]
fn a_prefix_may_allow_the_headline_only() {
    let (mut job, finding) = lease();
    job.settings.email = EmailContent::Headline;
    let notification = render(&job, Some(&finding), &links());
    golden("headline.txt", &mail(&notification));
    assert!(!notification.text.contains("4,240"));
}

#[test]
fn a_prefix_may_allow_a_link_only_and_then_nothing_of_the_document_is_in_the_mail() {
    let (mut job, finding) = lease();
    job.settings.email = EmailContent::Link;
    let notification =
        render(&job, Some(&finding), &Links::address("https://precis.example.org/jobs/{job}/{run}"));
    let mail = mail(&notification);
    golden("link.txt", &mail);
    for word in ["Rent", "rent", "4,240", "roof", "2027", "dark"] {
        assert!(!mail.contains(word), "{word} is the document's");
    }
}

#[test]
fn every_reason_has_an_email_that_says_what_came_why_and_what_to_do() {
    let mut all = String::new();
    for &reason in Reason::ALL {
        let notification = render(&ended_for(reason), None, &links());
        assert_eq!(Some(notification.audience), Some(reason.audience()));
        all.push_str(&format!("{}\n{}\n", mail(&notification), "=".repeat(78)));
    }
    golden("reasons.txt", &all);
}

#[test]
fn a_rejected_document_is_explained_in_markdown_and_on_a_terminal_too() {
    let job = ended_for(Reason::Damaged);
    let report = report(&job, None);
    golden("rejected.md", &markdown(&report));
    golden("rejected-terminal.txt", &text_result(&report));
}

#[test]
fn a_terminal_shows_the_name_the_summary_and_what_was_read() {
    let (job, finding) = lease();
    golden("terminal.txt", &text_result(&report(&job, Some(&finding))));
}

/// A mail with attachments, a headline of its own, many facts, a long sentence and several unread pages.
#[test]
fn a_long_mail_with_attachments_stays_short_and_says_what_it_leaves_out() {
    let (mut job, mut finding) = lease();
    job.document.key = "inbox/2026/Re_ offer for the new boiler.eml".into();
    job.kind = Some("mail".into());
    job.run = 2;
    let attached = |number, origin, note: Option<&str>| PageReport {
        number,
        origin,
        confidence: None,
        attachment: Some("offer-2026-11.pdf".into()),
        note: note.map(str::to_owned),
    };
    finding.pages =
        vec![page(1, Origin::Text), attached(2, Origin::Text, None), attached(3, Origin::Blank, None)];
    let dark = Some("the image is too dark");
    finding.pages.extend((4..=6).map(|number| attached(number, Origin::Unread, dark)));
    let other = attached(7, Origin::Unread, Some("OCR found no letters"));
    finding.pages.push(PageReport { attachment: Some("terms.pdf".into()), ..other });
    job.pages = Some(7);
    finding.coverage.pages_read = 3;
    finding.coverage.pages_total = 7;
    finding.coverage.words_read = 28_000;
    finding.coverage.words_total = 30_000;
    finding.summary.headline = "Boiler: choose between two offers by Friday".into();
    let long =
        "The offer covers the boiler, the flue, the expansion vessel and the removal of the old plant, ";
    finding.summary.sentences = vec![
        cited(&format!("{}and it holds until the end of the month.", long.repeat(2)), 2, None),
        cited("Please tell me by Friday which of the two offers we take.", 1, None),
    ];
    finding.summary.key_points =
        (0..6).map(|n| cited(&format!("Point {n}: {}", long.trim_end()), 2, None)).collect();
    finding.summary.key_facts =
        (1..=6).map(|n| fact(FactKind::Amount, &format!("item {n} costs EUR {n},300.00"), None, 2)).collect();
    let notification = render(&job, Some(&finding), &links());
    golden("long.txt", &mail(&notification));
    let words = notification.text.split_whitespace().count();
    assert!(words <= 280, "{words} words");
}

#[test]
fn what_a_sentence_said_is_not_said_again() {
    let (job, mut finding) = lease();
    finding.summary.key_points = vec![
        cited("From 1 March 2027 the rent becomes EUR 4,240 a month.", 3, None),
        cited("Subletting needs the landlord's consent in writing.", 8, None),
        cited("The landlord's consent to subletting in writing is needed.", 8, None),
    ];
    finding.summary.key_facts = vec![
        fact(FactKind::Amount, "Rent becomes EUR 4,240 a month", Some("EUR 4240"), 3),
        fact(FactKind::Date, "with three months' notice", None, 7),
        fact(FactKind::Date, "Rent becomes EUR 4,240 a month", Some("2027-03-01"), 3),
        fact(FactKind::Amount, "The deposit is EUR 12,720", Some("EUR 12720"), 4),
    ];
    let text = render(&job, Some(&finding), &links()).text;
    assert_eq!(text.matches("4,240").count(), 1, "in its sentence alone:\n{text}");
    assert_eq!(text.to_lowercase().matches("subletting").count(), 1, "{text}");
    assert_eq!(text.matches("three months").count(), 1, "{text}");
    assert!(text.contains("Amounts  The deposit is EUR 12,720 [p. 4]"), "{text}");
}

#[test]
fn points_and_facts_make_an_email_no_longer_than_two_thirds_again_what_was_asked_for() {
    let (mut job, mut finding) = lease();
    let words = |job: &Job, finding: &Finding| {
        let text = render(job, Some(finding), &links()).text;
        text.split("\n\nRead:").next().unwrap_or_default().split_whitespace().count()
    };
    let sentences = {
        let mut bare = finding.clone();
        (bare.summary.key_points, bare.summary.key_facts) = (Vec::new(), Vec::new());
        words(&job, &bare)
    };
    finding.summary.key_points =
        (1..=9).map(|n| cited(&format!("Point {n} is another one."), 4, None)).collect();
    job.settings.words = 30;
    let all = words(&job, &finding);
    assert!(all < sentences + 20, "the summary is there, and hardly more: {all}, {sentences} of them");
    job.settings.words = 120;
    let pages = 2 * finding.summary.sentences.len();
    assert!((sentences + 20..=200 + pages).contains(&words(&job, &finding)));
}

#[test]
fn the_pages_of_an_attachment_have_their_own_numbers_and_its_name_only_where_there_are_several() {
    let (job, mut finding) = lease();
    for page in &mut finding.pages[6..] {
        page.attachment = Some("lease.pdf".into());
    }
    let text = |finding: &Finding| render(&job, Some(finding), &links()).text;
    let one = text(&finding);
    assert!(one.contains("[p. 3]") && one.contains("[p. 1 of the attachment]"), "{one}");
    assert!(one.contains("NOT READ: page 6 of the attachment (too dark)"), "{one}");
    for page in &mut finding.pages[9..] {
        page.attachment = Some("plan.pdf".into());
    }
    let two = text(&finding);
    assert!(two.contains("[p. 1 of lease.pdf]"), "{two}");
    assert!(two.contains("NOT READ: page 3 of plan.pdf (too dark)"), "{two}");
}

#[test]
fn a_document_that_is_one_scan_says_so_once() {
    let (job, mut finding) = lease();
    for page in &mut finding.pages {
        page.origin = Origin::Ocr;
    }
    let text = render(&job, Some(&finding), &links()).text;
    assert!(text.contains("[p. 3]") && text.contains("by OCR"), "{text}");
    assert!(
        text.contains("[p. 9, scan, 71% sure: check]"),
        "what is doubtful is marked all the same:\n{text}"
    );
}

#[test]
fn many_documents_with_one_cause_are_one_email() {
    let jobs: Vec<Job> =
        (1..=3).map(|n| job(&format!("contracts/scan-{n:03}.pdf"), Outcome::summarized())).collect();
    let tally =
        Tally { count: 37, place: 0, examples: jobs.iter().map(|job| job.document.key.clone()).collect() };
    let mut all = String::new();
    for reason in [Reason::OcrUnavailable, Reason::Encrypted] {
        let tenant = jobs[0].document.tenant().to_string();
        let digest = domain::message::Digest::new(Some(reason), tenant, None, 1_795_442_400);
        let notification = many::failed(&digest, reason, &tally, &Rule::default(), &links().whom());
        assert_eq!(notification.key, "contracts/", "who follows the prefix hears of it");
        assert_eq!((notification.audience, notification.json.as_str()), (reason.audience(), ""));
        all.push_str(&format!("{}\n{}\n", mail(&notification), "=".repeat(78)));
        all.push_str(&format!("{}\n{}\n", notification.markdown, "=".repeat(78)));
    }
    golden("digest.txt", &all);
}

#[test]
fn a_burst_of_summaries_is_one_email_with_the_headlines() {
    let (job, finding) = lease();
    let digest = domain::message::Digest::new(None, job.document.tenant().to_string(), None, 1_795_442_400);
    let named = |n: u32, email| {
        let mut job = job.clone();
        job.document.key = format!("contracts/lease-{n:03}.pdf");
        job.settings.email = email;
        (job, (n != 3).then(|| finding.summary.clone()))
    };
    let some = [named(1, EmailContent::Full), named(2, EmailContent::Link), named(3, EmailContent::Full)];
    let links = Links::address("https://precis.example.org/jobs/{job}/{run}");
    let told = many::summarized(&digest, 612, &some, &Rule::bursts(), &links);
    golden("burst.txt", &format!("{}\n{}\n{}", mail(&told), "=".repeat(78), told.markdown));
    assert_eq!((told.key.as_str(), told.outcome, told.reason), ("contracts/", OutcomeKind::Summarized, None));
    assert_eq!(told.text.matches("Rent rises 6%").count(), 1, "a link says nothing of the document");
}

#[test]
fn the_same_outcome_is_always_told_in_the_same_words() {
    let (job, finding) = lease();
    assert_eq!(render(&job, Some(&finding), &links()), render(&job, Some(&finding), &links()));
    assert_eq!(report(&job, Some(&finding)).outcome, OutcomeKind::Summarized);
}
