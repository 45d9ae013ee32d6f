//! Content is hostile: keys and texts that try to be a header, a link, a command or somebody else's line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use domain::outcome::Finding;
use domain::summary::{FactKind, PageReport};
use domain::text::Origin;
use domain::{Job, Outcome, Reason};
use precis_notify::{Rule, many, render, report, text_result};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use unicode_width::UnicodeWidthStr;

const ATTACKS: &[&str] = &[
    "Invoice\r\nBcc: everyone@example.org\r\n\r\nHello",
    "=?utf-8?B?QmNjOiBldmVyeW9uZUBleGFtcGxlLm9yZw==?=",
    "\u{1b}[2J\u{1b}]0;owned\u{7}red \u{9b}31m",
    "invoice\u{202e}fdp.exe \u{2066}hidden\u{2069} \u{200b}zero\u{feff}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;",
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example> https://evil.example www.evil.example",
    "[ref]: https://evil.example \"x\"",
    "# heading\n## more\n---\n***\n* a\n+ b\n1. c\n> quote\n    code\n```sh\nrm -rf\n```",
    "| a | b |\n|---|---|\n| **x** | _y_ `z` ~~s~~ $m$ ^[f] [^1] |",
    "Open: https://evil.example\nJob 00000000\nYou get this because you follow evil/",
    "https://evil.example/a Bcc: x",
    "👩\u{200d}🚒🎉 東京の契約は三月一日から有効になります。次の通知までに返答してください。 العقد ساري",
    "-- \r\n.\r\nFrom nobody\r\n.",
    "../../../etc/passwd\0.pdf",
];

/// A document in which everything that can be text is this text.
fn all_of(text: &str) -> (Job, Finding) {
    let (mut job, mut finding) = lease();
    job.document.key = format!("{text}/{text}");
    job.kind = Some(text.into());
    job.settings.language = text.into();
    let summary = &mut finding.summary;
    summary.headline = text.into();
    summary.sentences = vec![cited(text, 1, Some(0.5)), cited(&format!("{text} and more {text}"), 9, None)];
    summary.sentences[1].citations[0].text = format!("source: {text}");
    summary.key_points = vec![cited(&format!("a point: {text}"), 2, None)];
    summary.key_facts = vec![
        fact(FactKind::Date, text, Some(text), 3),
        fact(FactKind::Amount, text, Some(text), 3),
        fact(FactKind::Amount, text, None, 3),
    ];
    finding.language = Some(text.into());
    finding.title = Some(text.into());
    for page in &mut finding.pages {
        *page = PageReport { attachment: Some(text.into()), note: Some(text.into()), ..page.clone() };
    }
    (job, finding)
}

fn rejected(text: &str) -> Job {
    let mut job = job(&format!("{text}/{text}"), Outcome::rejected(Reason::Damaged, text));
    job.kind = Some(text.into());
    job
}

fn check_subject(subject: &str) {
    assert!(subject.len() < 100 && subject.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{subject:?}");
    assert!(subject.starts_with("[Precis] "), "{subject:?}");
    assert!(!subject.contains("=?"), "a mail program would decode {subject:?}");
}

fn check_harmless(text: &str) {
    for c in text.chars() {
        let invisible = matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        assert!(c == '\n' || !(c.is_control() || invisible), "{c:?} in {text:?}");
    }
}

fn check_plain(text: &str) {
    check_harmless(text);
    for line in text.lines() {
        let token = line.trim_start().trim_start_matches("- ");
        let single =
            token.starts_with("Open:") || ["http", "file:", "s3:", "/"].iter().any(|s| token.starts_with(s));
        assert!(line.width() <= 78 || single, "{} columns: {line}", line.width());
    }
}

/// Labels that only we may put at the edge of a line.
const OURS: &[&str] =
    &["Open:", "Read:", "NOT READ:", "Document:", "Uploaded:", "Why:", "Do:", "Ask:", "Job "];

fn check_lines_are_ours(text: &str) {
    let count = |label: &str| text.lines().filter(|line| line.starts_with(label)).count();
    for label in OURS {
        assert!(count(label) <= 1, "{label} stands at the edge {} times in\n{text}", count(label));
    }
    for line in text.lines() {
        assert!(!["Bcc:", "From ", "."].iter().any(|bad| line.starts_with(bad)), "{line:?}");
    }
}

/// Nothing but what `markdown` itself writes: no links, images, HTML, code, and only its own headings.
fn check_markdown(text: &str) {
    const HEADINGS: usize = 6;
    let mut headings = 0;
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {
                panic!("{event:?} in\n{text}")
            }
            Event::Start(
                Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::HtmlBlock
                | Tag::CodeBlock(_)
                | Tag::FootnoteDefinition(_)
                | Tag::Emphasis
                | Tag::Strikethrough,
            ) => panic!("{event:?} in\n{text}"),
            Event::Start(Tag::Heading { .. }) => headings += 1,
            _ => {}
        }
    }
    assert!(headings <= HEADINGS, "{headings} headings in\n{text}");
}

fn check_all(text: &str) {
    let (job, finding) = all_of(text);
    let told = render(&job, Some(&finding), &links());
    check_subject(&told.subject);
    check_plain(&told.text);
    check_lines_are_ours(&told.text);
    check_harmless(&told.markdown);
    check_markdown(&told.markdown);
    serde_json::from_str::<domain::outcome::Report>(&told.json).unwrap();

    let rejected = rejected(text);
    let told = render(&rejected, None, &links());
    check_subject(&told.subject);
    check_plain(&told.text);
    check_lines_are_ours(&told.text);
    check_markdown(&told.markdown);
    check_plain(&text_result(&report(&rejected, None)));
    check_plain(&text_result(&report(&job, Some(&finding))));
}

#[test]
fn no_known_attack_forges_a_header_a_line_or_markup() {
    for attack in ATTACKS {
        check_all(attack);
        check_all(&format!("{attack} {}", attack.repeat(40)));
    }
}

#[test]
fn a_digest_is_as_careful_with_keys_and_prefixes() {
    for attack in ATTACKS {
        let tenant = job(&format!("{attack}/x"), Outcome::summarized()).document.tenant().to_string();
        let digest = domain::message::Digest::new(Some(Reason::Encrypted), tenant.clone(), None, 0);
        let tally = ports::Tally { count: 12, place: 0, examples: vec![(*attack).to_owned(); 3] };
        let failed = many::failed(&digest, Reason::Encrypted, &tally, &Rule::default(), "ops");
        let digest = domain::message::Digest::new(None, tenant, Some(format!("{attack}/")), 0);
        let (job, finding) = all_of(attack);
        let named = [(job, Some(finding.summary))];
        let burst = many::summarized(&digest, 12, &named, &Rule::bursts(), &links());
        for told in [failed, burst] {
            check_subject(&told.subject);
            check_plain(&told.text);
            check_lines_are_ours(&told.text);
            check_markdown(&told.markdown);
            assert!(
                told.id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
                "{}",
                told.id
            );
        }
    }
}

#[test]
fn a_page_without_a_full_stop_does_not_become_the_email() {
    let (mut job, mut finding) = lease();
    job.settings.email = domain::settings::EmailContent::Full;
    finding.summary.sentences = vec![cited(&"word ".repeat(5000), 1, None)];
    finding.summary.headline = "x".repeat(100_000);
    let told = render(&job, Some(&finding), &links());
    assert!(told.text.len() < 5000, "{} bytes", told.text.len());
    check_plain(&told.text);
}

#[test]
fn the_words_of_an_attack_are_still_there_to_be_read() {
    let (job, finding) = all_of("Pay <b>now</b> & *never* ask");
    let told = render(&job, Some(&finding), &links());
    assert!(told.text.contains("Pay <b>now</b> & *never* ask"), "{}", told.text);
    let shown: String = Parser::new(&told.markdown)
        .filter_map(|event| if let Event::Text(text) = event { Some(text.into_string()) } else { None })
        .collect();
    assert!(shown.contains("Pay <b>now</b> & *never* ask"), "{shown}");
    assert!(finding.pages.iter().any(|page| page.origin == Origin::Unread));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_text_at_all_breaks_a_rule(text in any::<String>()) {
        check_all(&text);
    }

    #[test]
    fn no_mixture_of_marks_breaks_a_rule(text in "[a1 \\n<>\\[\\]()!#*_`~|\\\\&:/.@=?$^{}+-]{0,40}") {
        check_all(&text);
    }

    #[test]
    fn no_subject_is_longer_whatever_the_name(name in "\\PC{0,120}", headline in "\\PC{0,300}", pages in any::<u32>()) {
        let (mut job, mut finding) = lease();
        job.document.key = name;
        job.pages = Some(pages);
        finding.summary.headline = headline;
        check_subject(&render(&job, Some(&finding), &links()).subject);
    }
}
