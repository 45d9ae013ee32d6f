//! What holds for every document, tried with generated ones: any script, any length, any nonsense.
//!
//! A few hundred in every run; `PROPTEST_CASES=10000 cargo test --release -p precis-summarizer --test properties`
//! for the long one. What a run finds is kept in `properties.proptest-regressions` and tried first from then on.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use domain::summary::{Citation, Cited};
use domain::text::{BoundingBox, Line, Origin, Page, Pages, Role};
use precis_summarizer::{Options, SummarizeError, Summarized, analyse, count_words};
use proptest::prelude::*;
use proptest::sample::select;
use std::time::{Duration, Instant};

/// No document of at most a megabyte may take longer: that would be a loop that does not end, on any machine.
const HANG: Duration = Duration::from_secs(120);

/// Lines of a page.
const LINES: usize = 45;

/// Words hashed into 64 places: the same text the same vector, like texts like vectors.
fn hashed(text: &str) -> Vec<f32> {
    let mut out = vec![0.001_f32; 64];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        let hash = word.bytes().fold(5381_usize, |h, b| h.wrapping_mul(33) ^ usize::from(b));
        out[hash % 64] += 1.0;
    }
    let norm = out.iter().map(|x| x * x).sum::<f32>().sqrt();
    out.iter().map(|x| x / norm).collect()
}

fn summarized(pages: &Pages, words: usize) -> Result<Summarized, SummarizeError> {
    let analysis = analyse(pages, "a b+%/../\n🏠.pdf", &Options { words, ..Options::default() })?;
    let vectors = analysis.texts().iter().map(|text| hashed(text)).collect();
    Ok(analysis.finish(vectors)?)
}

/// Lines laid out on pages, each with a box of its own.
fn laid_out(lines: Vec<(Role, u32, String)>) -> Pages {
    let page = |(number, lines): (u32, &[(Role, u32, String)])| Page {
        number,
        origin: Origin::Text,
        lines: (0_u16..)
            .zip(lines)
            .map(|(at, (role, paragraph, text))| Line {
                text: text.clone(),
                role: *role,
                paragraph: *paragraph,
                bbox: Some(BoundingBox {
                    left: 0.1,
                    top: f32::from(at) / 64.0,
                    width: 0.8,
                    height: 1.0 / 128.0,
                }),
                confidence: None,
            })
            .collect(),
        attachment: None,
        note: None,
    };
    Pages { pages: (1..).zip(lines.chunks(LINES)).map(page).collect(), title: None }
}

/// Paragraphs wrapped into lines of about seventy characters.
fn wrapped(paragraphs: Vec<(Role, String)>) -> Vec<(Role, u32, String)> {
    let mut lines = Vec::new();
    for (number, (role, text)) in (1_u32..).zip(paragraphs) {
        let mut current = String::new();
        for word in text.split(' ') {
            if current.len() + word.len() > 70 {
                lines.push((role, number, std::mem::take(&mut current)));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push((role, number, current));
    }
    lines
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        6 => Just(Role::Body),
        1 => Just(Role::Item),
        1 => Just(Role::Row),
        1 => Just(Role::Quote),
        1 => Just(Role::Title),
        1 => (1_u8..7).prop_map(Role::Heading),
        1 => Just(Role::Code),
        1 => Just(Role::Furniture),
    ]
}

const SENTENCES: &[&str] = &[
    "The tenant shall pay EUR 4,240 by 3 May 2027.",
    "However, it ends.",
    "We propose a new plan for the river, and this report describes it.",
    "Yours sincerely,",
    "This e-mail is confidential and intended solely for the addressee.",
    "Page 3 of 9",
    "We use cookies on this website; accept them or manage your preferences.",
    "Der Vertrag endet am 3. Oktober 2026 durch Kündigung.",
    "Le loyer est de 900 € par mois, payable le 1er mars 2027.",
    "El plazo vence el 3 de mayo de 2027.",
    "Договор подписал И. П. Смирнов 3 мая 2027 г.",
    "合同自2027年3月1日起生效，租金为每月4240元。",
    "契約は2027年3月1日に始まります。",
    "ผู้เช่าต้องชำระค่าเช่าเดือนละ 4,240 บาท หากชำระล่าช้าผู้ให้เช่ามีสิทธิบอกเลิกสัญญา",
    "يبدأ العقد في الأول من مارس 2027.",
    "החוזה מתחיל באחד במרץ.",
    "계약은 3월 1일에 시작됩니다.",
    "अनुबंध एक मार्च से शुरू होता है।",
    "Roof | EUR 900 | May",
    "• two photographs",
    "“Is it safe?” asked the chair…",
    "word-",
    "e.g. Ltd. No. 4 p.m.",
];

/// Words, signs, letters of any script, and whole sentences.
fn paragraph() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => select(SENTENCES).prop_map(str::to_owned),
        3 => "[a-zA-Z]{1,12}[,.;:!?]?",
        1 => "\\PC{1,12}",
        1 => "[\\p{Thai}\\p{Han}\\p{Hiragana}\\p{Arabic}\\p{Hebrew}\\p{Devanagari}\\p{Khmer}]{1,30}",
        1 => "[0-9£$€%.,/:-]{1,10}",
        1 => "[\u{0}-\u{1f}\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{feff}\u{fffd}\u{300}-\u{36f}]{1,6}",
        1 => "[😀-🙏🏠👍🏽👨‍👩‍👧🇩🇪]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

/// Documents of a size at which a thousand can be tried.
fn document() -> impl Strategy<Value = Pages> {
    let paragraphs = prop::collection::vec((role(), paragraph()), 0..25);
    let wild = prop::collection::vec((role(), 0_u32..4, paragraph()), 0..25);
    let one = prop_oneof![
        Just(String::new()),
        any::<char>().prop_map(String::from),
        "\\PC{0,200}",
        "[0-9 ]{0,200}"
    ];
    prop_oneof![
        6 => paragraphs.prop_map(|paragraphs| laid_out(wrapped(paragraphs))),
        // Lines whose paragraphs mean nothing.
        2 => wild.prop_map(laid_out),
        2 => one.prop_map(|text| laid_out(vec![(Role::Body, 1, text)])),
        1 => (role(), select(SENTENCES), 1_usize..400)
            .prop_map(|(role, text, times)| laid_out(wrapped(vec![(role, [text].repeat(times).join(" "))]))),
        // Two documents in one file.
        1 => (paragraph(), paragraph()).prop_map(|(first, second)| laid_out(wrapped(vec![
            (Role::Title, "Lease of 2027".into()), (Role::Body, first),
            (Role::Title, "Minutes of May".into()), (Role::Body, second),
        ]))),
    ]
}

/// Without what reading takes out: white space, control characters, soft and broken hyphens.
fn squeezed(text: &str) -> String {
    let kept = |c: &char| {
        !(c.is_whitespace()
            || c.is_control()
            || matches!(c, '-' | '\u{2010}' | '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{fffd}'))
    };
    text.chars().filter(kept).collect()
}

/// A citation's page exists, its box is that of lines on it, and these lines hold its text.
fn stands_there(pages: &Pages, citation: &Citation) -> Result<(), TestCaseError> {
    let page = pages.pages.iter().find(|page| page.number == citation.page);
    let page = page.ok_or_else(|| TestCaseError::fail(format!("no page {}", citation.page)))?;
    let place = citation.bbox.unwrap();
    let inside = |line: &&Line| {
        let bbox = line.bbox.unwrap();
        bbox.top >= place.top - 1e-6 && bbox.top + bbox.height <= place.top + place.height + 1e-6
    };
    let lines: Vec<&Line> = page.lines.iter().filter(inside).collect();
    prop_assert!(!lines.is_empty() && !citation.text.trim().is_empty());
    let all: String = lines.iter().map(|line| squeezed(&line.text)).collect();
    // Lines of other roles may stand between two of a paragraph; then each word is still there.
    let matter: String =
        lines.iter().filter(|line| line.role == lines[0].role).map(|line| squeezed(&line.text)).collect();
    let text = squeezed(&citation.text);
    prop_assert!(all.contains(&text) || matter.contains(&text), "{:?} not in {:?}", citation.text, all);
    Ok(())
}

/// Page and height of the first line that a sentence stands on.
fn place(cited: &Cited) -> (u32, f32) {
    let first = &cited.citations[0];
    (first.page, first.bbox.unwrap().top)
}

/// What holds for every outcome; returns whether there was a summary.
fn promises(pages: &Pages, words: usize) -> Result<bool, TestCaseError> {
    let start = Instant::now();
    let outcome = summarized(pages, words);
    prop_assert!(start.elapsed() < HANG, "{:?}", start.elapsed());
    let done = match outcome {
        Ok(done) => done,
        Err(error) => {
            prop_assert!(
                matches!(error, SummarizeError::NoText | SummarizeError::TooLittleText { .. }),
                "{error}"
            );
            return Ok(false);
        }
    };
    let summary = &done.summary;
    prop_assert!(!summary.sentences.is_empty());
    let said: usize = summary.sentences.iter().map(|sentence| count_words(&sentence.text)).sum();
    prop_assert!(said <= words || summary.sentences.len() == 1, "{said} words of {words}");
    for pair in summary.sentences.windows(2) {
        prop_assert!(place(&pair[0]) <= place(&pair[1]), "{pair:?}");
    }
    let cited = summary.sentences.iter().chain(&summary.key_points).map(|sentence| &sentence.citations);
    for citations in cited.chain(summary.key_facts.iter().map(|fact| &fact.citations)) {
        prop_assert!(!citations.is_empty());
        for citation in citations {
            stands_there(pages, citation)?;
        }
    }
    prop_assert!(summary.headline.chars().count() <= 90);
    let all: usize = pages.pages.iter().map(Page::words).sum();
    prop_assert_eq!((done.coverage.words_read, done.coverage.words_total), (all as u64, all as u64));
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_document_has_an_outcome_that_keeps_its_promises(
        pages in document(),
        words in select(vec![0_usize, 1, 5, 20, 90, 120, 100_000]),
    ) {
        promises(&pages, words)?;
    }

    #[test]
    fn the_same_document_has_the_same_summary_on_one_thread_and_on_many(pages in document()) {
        let first = summarized(&pages, 60);
        let others: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| summarized(&pages, 60))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for other in others {
            prop_assert_eq!(&first, &other);
        }
    }

    #[test]
    fn sentences_cover_a_text_in_order_and_lose_no_letter(text in paragraph()) {
        let found = precis_summarizer::sentences(&text);
        let (all, parts) = (squeezed(&text), found.iter().map(|part| squeezed(part)).collect::<String>());
        prop_assert_eq!(all, parts);
        prop_assert!(found.iter().all(|part| !part.trim().is_empty()));
    }
}

/// What is too large to be tried a thousand times.
#[test]
fn extreme_documents_have_an_outcome_that_keeps_its_promises() {
    let one = "The rent rises to EUR 4,240 on 1 March 2027. ";
    let text = |text: String| laid_out(vec![(Role::Body, 1, text)]);
    let lines =
        |line: &str, count: u32| laid_out((0..count).map(|at| (Role::Body, at, line.to_owned())).collect());
    let wild: String = (0x20..0x2_0000).filter_map(char::from_u32).collect();
    let mut summaries = 0;
    for (name, pages) in [
        ("a megabyte without a space", text("x".repeat(1_000_000))),
        ("a megabyte of Chinese without a stop", text("契約は更新されます".repeat(37_000))),
        ("a megabyte of Thai without a space", text("ผู้เช่าต้องชำระ".repeat(23_000))),
        ("a megabyte of Thai", text("ผู้เช่าต้องชำระค่าเช่าทุกเดือน ".repeat(11_000))),
        ("a megabyte of short Thai words", text("ไทย ".repeat(80_000))),
        ("one sentence ten thousand times in a paragraph", text(one.repeat(10_000))),
        ("one sentence ten thousand times in lines", lines(one, 10_000)),
        ("fifty thousand lines of one word", lines("word", 50_000)),
        (
            "thirty thousand lines in a paragraph",
            laid_out(
                (0..30_000).map(|at| (Role::Body, 1, format!("the rent of flat {at} rises in"))).collect(),
            ),
        ),
        ("only digits", text("12345 ".repeat(100_000))),
        ("only full stops", text(". ".repeat(250_000))),
        ("only ellipses", text("… ".repeat(200_000))),
        ("only openers", text("( [ \" ".repeat(100_000))),
        ("right to left", text("يبدأ العقد في الأول من مارس. ".repeat(10_000))),
        ("emoji", text("👨‍👩‍👧 🇩🇪 👍🏽 ".repeat(20_000))),
        ("every character", text(wild)),
        ("accents without letters", text("\u{301}".repeat(300_000))),
        (
            "a thousand headings",
            laid_out((0..1000).map(|at| (Role::Heading(2), at, "Rent".into())).collect()),
        ),
        ("hyphens at every line's end", lines("informa-", 20_000)),
    ] {
        for words in [0, 120] {
            match promises(&pages, words) {
                Ok(summary) => summaries += u32::from(summary),
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(summaries >= 8, "{summaries}");
}

#[test]
fn a_document_of_code_or_of_page_numbers_is_said_to_have_too_little_text() {
    let code = (0..30).map(|at| (Role::Code, at, "let rent = pay(4, year);".into())).collect();
    assert_eq!(summarized(&laid_out(code), 60).unwrap_err(), SummarizeError::TooLittleText { words: 0 });
}
