//! Whole summaries: what must hold for every document, however odd.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use async_trait::async_trait;
use domain::summary::{Citation, FactKind};
use domain::text::{BoundingBox, Line, Origin, Page, Pages, Role};
use precis_summarizer as summarizer;
use std::collections::HashSet;
use summarizer::{Backend, BackendError, Options, SummarizeError, Summarized, summarize};

/// Words hashed into 256 places: the same text the same vector, like texts like vectors.
struct Hashing;

#[async_trait]
impl Backend for Hashing {
    fn name(&self) -> String {
        "hashing@1".into()
    }

    async fn embed(&self, _: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        Ok(texts.iter().map(|text| hashed(text)).collect())
    }
}

fn hashed(text: &str) -> Vec<f32> {
    let mut out = vec![0.001_f32; 256];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        let hash = word.bytes().fold(5381_usize, |h, b| h.wrapping_mul(33) ^ usize::from(b));
        out[hash % 256] += 1.0;
    }
    let norm = out.iter().map(|x| x * x).sum::<f32>().sqrt();
    out.iter().map(|x| x / norm).collect()
}

fn line(text: &str, role: Role, paragraph: u32, top: f32) -> Line {
    let bbox = Some(BoundingBox { left: 0.1, top, width: 0.8, height: 0.015 });
    Line { text: text.into(), role, paragraph, bbox, confidence: Some(0.9) }
}

/// Paragraphs wrapped at about 70 characters, 40 lines to a page.
fn document(paragraphs: &[(Role, String)]) -> Pages {
    let mut lines: Vec<(Role, u32, String)> = Vec::new();
    for (number, (role, text)) in (1_u32..).zip(paragraphs) {
        let mut current = String::new();
        for word in text.split(' ') {
            if current.len() + word.len() > 70 {
                lines.push((*role, number, std::mem::take(&mut current)));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push((*role, number, current));
    }
    let page = |(number, lines): (u32, &[(Role, u32, String)])| Page {
        number,
        origin: Origin::Text,
        lines: (0_u16..)
            .zip(lines)
            .map(|(at, (role, p, text))| line(text, *role, *p, f32::from(at) * 0.02))
            .collect(),
        attachment: None,
        note: None,
    };
    Pages { pages: (1_u32..).zip(lines.chunks(40)).map(page).collect(), title: None }
}

fn body(text: &str) -> Pages {
    document(&[(Role::Body, text.into())])
}

async fn done(pages: &Pages, words: usize) -> Summarized {
    summarize(&Hashing, pages, "file.pdf", &Options { words, ..Options::default() }).await.unwrap()
}

fn letter() -> Pages {
    let text = |t: &str| (Role::Body, t.to_owned());
    document(&[
        (Role::Title, "Lease, Mill Road 4".into()),
        text("Aldport, 6 November 2026"),
        text("We thank you for the pleasant conversation in our office and hope that you are well."),
        text(
            "The rent rises from EUR 4,000 to EUR 4,240 a month with effect from 1 March 2027, as clause 3 of the lease provides.",
        ),
        text(
            "You may give notice in writing by 30 November 2026. However, the deposit of EUR 8,000 stays with us until the flat has been handed over.",
        ),
        text(
            "The tenant must repair the roof before 15 January 2027. The roof has been a matter of talk since the summer of last year.",
        ),
        (Role::Item, "Bring the keys on 2 February 2027 to the office.".into()),
        (Role::Row, "Garage | EUR 120 a month".into()),
        text("The garden is pretty in spring, and the neighbours are friendly people with a dog."),
        text("Yours sincerely, the landlord and her daughter."),
    ])
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<String>().replace('-', "")
}

fn citations(done: &Summarized) -> Vec<&Citation> {
    let summary = &done.summary;
    let said = summary.sentences.iter().chain(&summary.key_points).flat_map(|s| &s.citations);
    said.chain(summary.key_facts.iter().flat_map(|f| &f.citations)).collect()
}

/// What holds for every summary.
fn check(pages: &Pages, done: &Summarized, budget: usize) {
    let summary = &done.summary;
    assert!(!summary.sentences.is_empty() && summary.sentences.iter().all(|s| !s.citations.is_empty()));
    let words: usize = summary.sentences.iter().map(|s| s.text.split_whitespace().count()).sum();
    assert!(words <= budget || summary.sentences.len() == 1, "{words} words of {budget}");
    for citation in citations(done) {
        let page = &pages.pages[usize::try_from(citation.page).unwrap() - 1];
        let text: String = page.lines.iter().map(|l| squeezed(&l.text)).collect();
        assert!(text.contains(&squeezed(&citation.text)), "not on page {}: {}", citation.page, citation.text);
        assert_eq!(citation.score, 1.0);
    }
    let texts: HashSet<&str> = summary.sentences.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts.len(), summary.sentences.len());
    assert!(summary.key_points.len() <= 5 && summary.key_facts.len() <= 8);
    assert!(summary.headline.chars().count() <= 90, "{}", summary.headline);
}

#[tokio::test]
async fn a_letter_is_told_by_what_must_be_done_and_cited_where_it_stands() {
    let pages = letter();
    let done = done(&pages, 50).await;
    check(&pages, &done, 50);
    assert_eq!(done.office, 1.0);
    assert_eq!(done.language.as_deref(), Some("en"));
    let text: String = done.summary.sentences.iter().map(|s| s.text.as_str()).collect();
    assert!(text.contains("EUR 4,240") && text.contains("30 November 2026"), "{text}");
    assert!(!text.contains("pleasant") && !text.contains("sincerely"), "{text}");
    let citation = &done.summary.sentences[0].citations[0];
    assert_eq!(citation.page, 1);
    assert!(citation.bbox.unwrap().height > 0.015, "a sentence over two lines has a box over both");
    assert!((citation.confidence.unwrap() - 0.9).abs() < 1e-6);
    // Whole, rather than cut.
    let headline = &done.summary.headline;
    assert!(headline.contains("2027") && !headline.contains('…'), "{headline}");
}

#[tokio::test]
async fn key_facts_are_short_and_normalised_and_none_comes_twice() {
    let done = done(&letter(), 50).await;
    let facts = &done.summary.key_facts;
    let values: Vec<&str> = facts.iter().filter_map(|f| f.value.as_deref()).collect();
    for want in ["2027-03-01", "2026-11-30", "EUR 4240", "2027-01-15"] {
        assert!(values.contains(&want), "{want} in {values:?}");
    }
    assert_eq!(values.len(), values.iter().collect::<HashSet<_>>().len());
    for fact in facts {
        assert!(fact.text.chars().count() <= 150, "{}", fact.text);
        assert!(!fact.citations.is_empty());
    }
    assert!(
        facts.iter().any(|f| f.kind == FactKind::Date) && facts.iter().any(|f| f.kind == FactKind::Amount)
    );
}

#[tokio::test]
async fn a_sentence_over_a_page_break_has_a_citation_on_each_page() {
    let mut paragraphs: Vec<(Role, String)> =
        (0..39).map(|i| (Role::Body, format!("Line {i} is filler here."))).collect();
    paragraphs.push((
        Role::Body,
        "The tenant must pay the deposit of EUR 8,000 into the account of the landlord by 30 November 2026 at the latest.".into(),
    ));
    let pages = document(&paragraphs);
    let done = done(&pages, 30).await;
    check(&pages, &done, 30);
    let deposit = done.summary.sentences.iter().find(|s| s.text.contains("deposit")).unwrap();
    assert_eq!(deposit.citations.iter().map(|c| c.page).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn repetitions_and_other_wordings_are_said_once() {
    let text = "The rent rises to EUR 4,240 on 1 March 2027. The rent rises to EUR 4,240 on 1 March 2027. \
                On 1 March 2027 the rent rises to EUR 4,240. Notice must be given by 30 November 2026 in writing.";
    let done = done(&body(text), 100).await;
    assert_eq!(done.summary.sentences.len(), 2, "{:?}", done.summary.sentences);
}

#[tokio::test]
async fn sentences_that_differ_in_their_figures_are_both_said() {
    let text = "The rent of flat 1 rises to EUR 4,240 on 1 March 2027. The rent of flat 2 rises to EUR 3,100 on 1 March 2027. \
                The garden is pretty in spring and the neighbours are friendly people.";
    let done = done(&body(text), 26).await;
    assert_eq!(done.summary.sentences.len(), 2, "{:?}", done.summary.sentences);
}

#[tokio::test]
async fn nothing_to_shorten_is_said_so() {
    let fail = |text: &'static str| async move {
        summarize(&Hashing, &body(text), "x", &Options::default()).await.unwrap_err()
    };
    assert_eq!(fail("Hello there").await, SummarizeError::TooLittleText { words: 2 });
    assert_eq!(fail("12 34 56 - 78").await, SummarizeError::NoText);
    assert_eq!(
        summarize(&Hashing, &Pages::default(), "x", &Options::default()).await.unwrap_err(),
        SummarizeError::NoText
    );
    assert!(fail("Hello there").await.is_permanent());
}

#[tokio::test]
async fn coverage_counts_unread_pages_and_all_words() {
    let mut pages = letter();
    let read = pages.pages[0].words();
    pages.pages.push(Page {
        number: 2,
        origin: Origin::Unread,
        lines: vec![],
        attachment: None,
        note: Some("too dark".into()),
    });
    pages.pages.push(Page { number: 3, origin: Origin::Blank, lines: vec![], attachment: None, note: None });
    let coverage = done(&pages, 50).await.coverage;
    assert_eq!((coverage.pages_read, coverage.pages_total), (2, 3));
    assert_eq!((coverage.words_read, coverage.words_total), (read as u64, read as u64));
}

#[tokio::test]
async fn a_document_of_thirty_thousand_words_is_read_to_its_end() {
    let filler =
        "The board heard a report about the work of the year and thanked all those who had a part in it.";
    let mut paragraphs: Vec<(Role, String)> =
        (0..1500).map(|i| (Role::Body, format!("{filler} Item {i} was noted."))).collect();
    paragraphs.push((Role::Body, "The lease must be renewed by 30 November 2026 for £4,240 a month.".into()));
    let pages = document(&paragraphs);
    let done = done(&pages, 60).await;
    check(&pages, &done, 60);
    assert!(done.coverage.words_read >= 30_000 && done.coverage.words_read == done.coverage.words_total);
    assert_eq!(
        done.summary.key_facts[0].value.as_deref(),
        Some("2026-11-30"),
        "{:?}",
        done.summary.key_facts
    );
}

#[tokio::test]
async fn key_points_say_what_the_summary_does_not() {
    let text = |i: usize, what: &str| format!("The {what} of house {i} must be paid by {i} May 2027.");
    let mut said: Vec<String> = (1..20).map(|i| text(i, "rent")).collect();
    said.extend((20..29).map(|i| text(i, "heating bill and the water")));
    let done = done(&body(&said.join(" ")), 40).await;
    let sentences: HashSet<&str> = done.summary.sentences.iter().map(|s| s.text.as_str()).collect();
    assert!(!done.summary.key_points.is_empty());
    assert!(done.summary.key_points.iter().all(|point| !sentences.contains(point.text.as_str())));
}

#[tokio::test]
async fn a_backend_that_miscounts_is_an_error() {
    struct Short;
    #[async_trait]
    impl Backend for Short {
        fn name(&self) -> String {
            "short".into()
        }
        async fn embed(&self, _: &str, _: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
            Ok(vec![])
        }
    }
    let error = summarize(&Short, &letter(), "x", &Options::default()).await.unwrap_err();
    assert!(matches!(error, SummarizeError::Backend(BackendError::Run(_))));
}

/// A small generator, seeded: the same documents in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const SCRAPS: &[&str] = &[
    "the",
    "rent",
    "rises",
    "EUR 5,000",
    "by 3 May 2027",
    "However,",
    "(see",
    "p. 3)",
    "Ltd.",
    "e.g.",
    "1.",
    "...",
    "?",
    "!",
    ". ",
    "。",
    "契約は更新されます",
    "الإيجار",
    "עברית",
    "🏠👍🏽",
    "é",
    "e\u{301}",
    "ﬁ",
    "\u{7}",
    "\u{200b}",
    "\u{feff}",
    "\u{a0}",
    "|",
    " | ",
    "-",
    "–",
    "£",
    "$",
    "99.9 %",
    "31/12/2026",
    "1.234,5 €",
    "http://x.y",
    "must",
    "agreed",
    "x",
    "\"",
    "”",
    "İ",
    "ß",
    "ǆ",
    "𝒳",
    "word-",
    "ประเทศไทย",
    "The tenant shall pay.",
    "It ends.",
    "\u{202e}abc",
    "ab\u{ad}cd",
    "²",
    "٣",
    "Ⅳ",
];

#[tokio::test]
async fn every_generated_document_has_an_outcome_that_keeps_its_promises() {
    let mut random = Random(7);
    let mut summarized = 0;
    for _ in 0..800 {
        let roles = [
            Role::Body,
            Role::Body,
            Role::Item,
            Role::Row,
            Role::Quote,
            Role::Heading(2),
            Role::Title,
            Role::Code,
        ];
        let paragraphs: Vec<(Role, String)> = (0..random.below(30))
            .map(|_| {
                let words: Vec<&str> = (0..random.below(60)).map(|_| random.pick(SCRAPS)).collect();
                (roles[random.below(roles.len())], words.join(" "))
            })
            .collect();
        let pages = document(&paragraphs);
        let budget = [0, 1, 20, 90, 120, 100_000][random.below(6)];
        let options = Options { words: budget, ..Options::default() };
        match summarize(&Hashing, &pages, "a b+%/../\n🏠.pdf", &options).await {
            Ok(done) => {
                summarized += 1;
                assert!(!done.summary.sentences.is_empty());
                for citation in citations(&done) {
                    assert!(citation.page >= 1 && !citation.text.is_empty());
                }
                assert!(done.summary.headline.chars().count() <= 90);
                let again = summarize(&Hashing, &pages, "a b+%/../\n🏠.pdf", &options).await.unwrap();
                assert_eq!(again, done);
            }
            Err(error) => assert!(error.is_permanent()),
        }
    }
    assert!(summarized > 300, "{summarized}");
}

#[tokio::test]
async fn extreme_shapes_have_an_outcome() {
    let one = "The rent rises to EUR 4,240 on 1 March 2027. ";
    for (name, text) in [
        ("a megabyte without a space", "x".repeat(1_000_000)),
        ("a megabyte of Chinese", "契約は更新されます".repeat(40_000)),
        ("one sentence ten thousand times", one.repeat(10_000)),
        ("only digits", "12345 ".repeat(10_000)),
        ("only full stops", ". ".repeat(50_000)),
        ("only openers", "( [ \" ".repeat(20_000)),
    ] {
        let page = Page {
            number: 1,
            origin: Origin::Text,
            lines: vec![line(&text, Role::Body, 1, 0.1)],
            attachment: None,
            note: None,
        };
        let pages = Pages { pages: vec![page], title: None };
        match summarize(&Hashing, &pages, "x", &Options::default()).await {
            Ok(done) => assert!(!done.summary.sentences.is_empty(), "{name}"),
            Err(error) => assert!(error.is_permanent(), "{name}: {error}"),
        }
    }
    let lines = (0..50_000).map(|i| line("word", Role::Body, i, 0.1)).collect();
    let pages = Pages {
        pages: vec![Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None }],
        title: None,
    };
    assert!(summarize(&Hashing, &pages, "x", &Options::default()).await.is_ok());
}

#[tokio::test]
async fn every_page_of_prose_keeps_the_promises_under_every_budget() {
    let mut random = Random(3);
    let subjects = ["The board", "The tenant", "Our company", "A new law", "The river", "Each member"];
    let verbs = ["pays", "describes", "repairs", "measures", "supports", "changes"];
    let objects = [
        "the roof of the old house",
        "EUR 1,200 on 3 May 2027",
        "a plan for the next year",
        "every bridge in the city",
        "the work of others",
    ];
    let paragraphs: Vec<(Role, String)> = (0..60)
        .map(|i| {
            let said: Vec<String> = (0..4)
                .map(|_| {
                    format!(
                        "{} {} {} number {}.",
                        random.pick(&subjects),
                        random.pick(&verbs),
                        random.pick(&objects),
                        random.below(500)
                    )
                })
                .collect();
            (if i % 10 == 0 { Role::Heading(2) } else { Role::Body }, said.join(" "))
        })
        .collect();
    let pages = document(&paragraphs);
    for budget in [20, 60, 90, 120, 300, 5000] {
        check(&pages, &done(&pages, budget).await, budget);
    }
}

/// A contract of some length: what a reader must know stands in it once each.
fn contract() -> Pages {
    let text = |t: &str| (Role::Body, t.to_owned());
    let head = |t: &str| (Role::Heading(2), t.to_owned());
    document(&[
        (Role::Title, "Service Agreement".into()),
        text("Aldport, 6 November 2026"),
        head("Background"),
        text(
            "The parties have worked together since 4 March 2021 on the basis of a letter, and both are glad of it.",
        ),
        head("Fee"),
        text("I am pleased to tell you that the fee amounts to £2,340 a month plus value added tax."),
        text("The former fee of £2,115 is no longer charged."),
        head("Termination"),
        text("Either party may end the agreement by giving three months' notice in writing."),
        text("It must be given by 30 September 2027 for the first time."),
        head("Exclusions"),
        text("The windows of the tower are excluded from the service."),
        head("Staff"),
        text(
            "The contractor must report the loss of a key without delay (the number is on the door of the office).",
        ),
        text("However, the staff wear the badge of the contractor at all times when they are in the house."),
    ])
}

#[tokio::test]
async fn key_facts_are_the_duties_and_decisions_that_the_summary_has_no_room_for() {
    let done = done(&contract(), 40).await;
    check(&contract(), &done, 40);
    let summary = &done.summary;
    let said: String = summary.sentences.iter().map(|s| s.text.clone() + " ").collect();
    let facts: Vec<&str> = summary.key_facts.iter().map(|f| f.text.as_str()).collect();
    let all = said.clone() + &facts.join(" ");
    for want in ["£2,340", "30 September 2027", "tower", "loss of a key"] {
        assert!(all.contains(want), "{want} in {said} {facts:?}");
    }
    assert!(facts.iter().all(|fact| !fact.contains("2,115")), "{facts:?}");
    let kinds: HashSet<_> = summary.key_facts.iter().map(|f| f.kind).collect();
    assert!(kinds.contains(&FactKind::Decision) || kinds.contains(&FactKind::Obligation), "{kinds:?}");
    let words: usize = all.split_whitespace().count();
    assert!(words <= 40 + 80, "{words}");
}

#[tokio::test]
async fn a_sentence_that_leans_on_the_one_before_it_never_comes_without_it() {
    let (mut with, mut without) = (0, 0);
    for budget in 10..=120 {
        let summary = done(&contract(), budget).await.summary;
        let said = |what: &str| summary.sentences.iter().position(|sentence| sentence.text.starts_with(what));
        match (said("Either party"), said("It must be given")) {
            (Some(before), Some(leaning)) => {
                assert_eq!(leaning, before + 1, "{budget}: {:?}", summary.sentences);
                with += 1;
            }
            (None, Some(_)) => panic!("{budget}: {:?}", summary.sentences),
            _ => without += 1,
        }
    }
    assert!(with > 0 && without > 0, "{with} {without}");
}

#[tokio::test]
async fn a_sentence_that_leans_brings_the_one_that_says_what_the_paragraph_is_about_and_not_the_aside_between()
 {
    let text = |t: &str| (Role::Body, t.to_owned());
    let pages = document(&[
        text("From 1 March the kettle costs £16.80 and the cups £3.20 each, with delivery on Tuesdays."),
        text(
            "We are giving up the copper pan. The smith has retired, and the last pans weren't what they used to be. \
             What's left in stock is sold at £17.50 until 31 March.",
        ),
        text("Our oldest friends will remember that the shop was once a bakery with a cat in the window."),
        text("The cat was grey, slept on the flour and is said to have lived for more than twenty years."),
    ]);
    let made = done(&pages, 40).await.summary;
    let said: Vec<&str> = made.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let leaning = said.iter().position(|text| text.starts_with("What's left")).expect("the offer is told");
    assert_eq!(said[leaning - 1], "We are giving up the copper pan.", "{said:?}");
    assert!(!made.headline.contains("What's left"), "{}", made.headline);
}

#[tokio::test]
async fn why_it_came_to_that_is_a_fact_though_it_lies_in_the_past_and_has_no_figure() {
    let text = |t: &str| (Role::Body, t.to_owned());
    let head = |t: &str| (Role::Heading(2), t.to_owned());
    let pages = document(&[
        (Role::Title, "Report on the flood in the archive".into()),
        text("On 4 March 2027 water stood in the archive from 06:30 until 09:15, and 40 boxes got wet."),
        head("Damage"),
        text("Drying costs £2,340 and must be paid by 30 April 2027."),
        head("Cause"),
        text(
            "The fitter looked at the pump in the afternoon and took many photographs of the room and of the pit.",
        ),
        text("The float had jammed under a pipe, so the pump in the lower pit never switched on that night."),
        head("Measures"),
        text("A second float must be fitted by 1 June 2027, and the pit is looked at every Monday."),
    ]);
    let made = done(&pages, 40).await.summary;
    let cause = made.key_facts.iter().find(|fact| fact.kind == FactKind::Decision);
    assert_eq!(cause.map(|fact| fact.text.as_str()), Some("The float had jammed under a pipe"), "{made:?}");
}

#[tokio::test]
async fn a_sentence_that_lost_words_says_so_and_its_citation_keeps_them() {
    let done = done(&contract(), 120).await;
    let fee = done.summary.sentences.iter().find(|s| s.text.contains("£2,340")).unwrap();
    assert_eq!(fee.text, "The fee amounts to £2,340 a month plus value added tax.");
    assert!(fee.citations[0].trimmed && fee.citations[0].text.starts_with("I am pleased"));
    let whole = done.summary.sentences.iter().find(|s| s.text.contains("three months")).unwrap();
    assert!(!whole.citations[0].trimmed);
}

async fn asked(focus: &str, words: usize) -> Summarized {
    let options = Options { words, focus: Some(focus.into()), ..Options::default() };
    summarize(&Hashing, &contract(), "file.pdf", &options).await.unwrap()
}

#[tokio::test]
async fn a_focus_brings_what_the_document_says_about_each_of_its_parts() {
    let made = asked("badge and notice of termination", 40).await;
    let said: String = made.summary.sentences.iter().map(|s| s.text.as_str()).collect();
    assert!(said.contains("badge") && said.contains("three months"), "{said}");
    assert!(made.summary.notes.is_empty(), "{:?}", made.summary.notes);
    check(&contract(), &made, 40);
}

#[tokio::test]
async fn a_focus_on_which_the_document_is_silent_is_named_and_changes_nothing_else() {
    let plain = done(&contract(), 40).await;
    let made = asked("insurance cover", 40).await;
    assert_eq!(made.summary.sentences, plain.summary.sentences);
    assert_eq!(made.summary.notes.len(), 1);
    assert!(
        made.summary.notes[0].contains("says nothing about “insurance cover”"),
        "{:?}",
        made.summary.notes
    );
    let half = asked("badge and insurance", 40).await;
    assert!(half.summary.notes[0].contains("“insurance”") && !half.summary.notes[0].contains("badge"));
}

#[tokio::test]
async fn a_focus_in_another_language_finds_nothing_and_the_summary_says_which_language_the_document_has() {
    let made = asked("Kündigungsfrist und Haftung", 40).await;
    let note = &made.summary.notes[0];
    assert!(note.contains("“Kündigungsfrist” or “Haftung”") && note.contains("language, en"), "{note}");
    assert!(!made.summary.sentences.is_empty());
}

#[tokio::test]
async fn a_table_and_a_length_of_nothing_or_beyond_the_document_are_said_so() {
    let rows: Vec<(Role, String)> =
        (1..20).map(|n| (Role::Row, format!("Table of oak number {n} | EUR {n}00 each"))).collect();
    let table = document(&rows);
    let made = done(&table, 60).await;
    assert!(made.summary.notes[0].contains("a table of 19 rows"), "{:?}", made.summary.notes);
    check(&table, &made, 60);
    let nothing = done(&contract(), 0).await;
    assert_eq!(nothing.summary.sentences.len(), 1);
    assert!(nothing.summary.notes[0].contains("no words was asked for"), "{:?}", nothing.summary.notes);
    let text = "The roof leaks into the hall of the school. The garden is closed to visitors all summer. The gate rusts in the rain since nobody paints it.";
    let all = done(&body(text), 500).await;
    assert!(all.summary.notes[0].contains("this is all it says"), "{:?}", all.summary.notes);
    assert_eq!(all.summary.sentences.len(), 3);
}
