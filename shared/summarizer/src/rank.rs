//! Which sentences matter: recipe C for documents *about* something, *act* for documents that ask for
//! action, and the blend of both (RANKING.md).
//!
//! `z` standardises a term within the document. Every term keeps its name, so that a choice can be explained.

use crate::amounts::{Habits, amounts};
use crate::centrality::Vectors;
use crate::context;
use crate::cues;
use crate::dates;
use crate::old;
use crate::structure::{Document, Kind, Sentence};
use crate::words::Stems;
use regex::Regex;
use std::cmp::Ordering;

/// A term of a score: its name, its weight, its value for each candidate.
pub(crate) type Term = (&'static str, f64, Vec<f64>);

/// The sentences that may be chosen, with their scores.
pub(crate) struct Ranked {
    /// Indices into `Document::sentences`, ascending.
    pub pool: Vec<usize>,
    /// One for each of `pool`.
    pub scores: Vec<f64>,
    /// What the scores of `kept` are made of, as far as the document is about something.
    pub about: Vec<Term>,
    /// The candidates of recipe C among the sentences, ascending; `about` has one value for each.
    pub kept: Vec<usize>,
    /// tf-idf of `pool`.
    pub vectors: Vectors,
    /// 0 = about something, 1 = asks for action.
    pub office: f64,
    /// The date that the document bears, ISO.
    pub today: Option<String>,
    /// Sentences (indices) that tell what holds no longer, ascending.
    pub superseded: Vec<usize>,
}

/// Ranks a document for a budget in words.
pub(crate) fn rank(document: &Document, stems: &Stems, budget: usize) -> Ranked {
    let sentences = &document.sentences;
    let worded: Vec<usize> = (0..sentences.len()).filter(|&i| sayable(&sentences[i], 4)).collect();
    let office = office_share(sentences, &worded);
    let mut kept: Vec<usize> = (0..sentences.len()).filter(|&i| candidate(&sentences[i])).collect();
    if kept.len() < 5 {
        let fits = |i: &usize| sentences[*i].words <= budget && sayable(&sentences[*i], 1);
        kept = (0..sentences.len()).filter(fits).collect();
    }
    let pool = if office <= 0.0 {
        kept.clone()
    } else {
        let mut union = worded;
        union.extend(kept.iter().copied().filter(|_| office < 1.0));
        union.sort_unstable();
        union.dedup();
        union
    };
    let token = tokens(sentences, &pool, stems);
    let vectors = Vectors::new(&carrying(&token, stems));
    let today = today(document);
    let mut scores = vec![0.0; pool.len()];
    let mut terms = Vec::new();
    if office < 1.0 {
        let (about, made_of) = about(document, &kept, &pool, &token, &vectors, stems);
        add(&mut scores, 1.0 - office, &about);
        terms = made_of;
    }
    if office > 0.0 {
        let worth = |&i: &usize| worth(&sentences[i], heading(document, &sentences[i]), today.as_deref());
        add(&mut scores, office, &z(&pool.iter().map(worth).collect::<Vec<_>>()));
    }
    let superseded = old::superseded(sentences);
    let is_old = |i: &usize| f64::from(u8::from(superseded.binary_search(i).is_ok()));
    add(&mut scores, -SUPERSEDED * office, &pool.iter().map(is_old).collect::<Vec<_>>());
    let own = |i: &usize| cues::OWN_SUMMARY.is_match(heading(document, &sentences[*i]));
    let own: Vec<f64> = pool.iter().map(|i| f64::from(u8::from(own(i)))).collect();
    add(&mut scores, OWN_SUMMARY, &own);
    Ranked { pool, scores, about: terms, kept, vectors, office, today, superseded }
}

/// Recipe C over the pool: standardised, and below everything for what is no candidate of it. And its terms.
fn about(
    document: &Document,
    kept: &[usize],
    pool: &[usize],
    token: &[Vec<String>],
    vectors: &Vectors,
    stems: &Stems,
) -> (Vec<f64>, Vec<Term>) {
    let total = |terms: &[Term]| {
        let mut sum = vec![0.0; kept.len()];
        for (_, weight, values) in terms {
            add(&mut sum, *weight, values);
        }
        sum
    };
    if kept == pool {
        // The scale matters to what is subtracted from it later: recipe C's own.
        let terms = recipe_c(document, kept, token, vectors, stems);
        return (total(&terms), terms);
    }
    let own = tokens(&document.sentences, kept, stems);
    let own_vectors = Vectors::new(&carrying(&own, stems));
    let terms = recipe_c(document, kept, &own, &own_vectors, stems);
    let scores = z(&total(&terms));
    let mut out = vec![NO_CANDIDATE; pool.len()];
    for (at, i) in kept.iter().enumerate() {
        if let Ok(place) = pool.binary_search(i) {
            out[place] = scores[at];
        }
    }
    (out, terms)
}

fn tokens(sentences: &[Sentence], which: &[usize], stems: &Stems) -> Vec<Vec<String>> {
    which.iter().map(|&i| stems.of(&sentences[i].text)).collect()
}

fn carrying(token: &[Vec<String>], stems: &Stems) -> Vec<Vec<String>> {
    token.iter().map(|x| x.iter().filter(|t| stems.carries(t)).cloned().collect()).collect()
}

fn add(sum: &mut [f64], weight: f64, values: &[f64]) {
    for (total, value) in sum.iter_mut().zip(values) {
        *total += weight * value;
    }
}

/// Long enough to say something, short enough to be said.
fn sayable(sentence: &Sentence, least: usize) -> bool {
    (least..=150).contains(&sentence.words)
        && sentence.text.len() <= 1500
        && sentence.text.chars().any(char::is_alphabetic)
}

/// Running prose of 6 to 60 words, as recipe C wants it.
fn candidate(sentence: &Sentence) -> bool {
    let text = sentence.text.trim_end();
    if sentence.kind == Kind::Row
        || !(6..=60).contains(&sentence.words)
        || text.ends_with([':', '?', '：', '？'])
        || text.contains("http")
    {
        return false;
    }
    let (mut good, mut all) = (0, 0);
    for c in text.chars() {
        all += 1;
        good += usize::from(c.is_alphabetic() || c == ' ');
    }
    let last = text.chars().next_back().unwrap_or(' ');
    good * 5 >= all * 4
        && (".!;)\"'”’。！".contains(last)
            || last.is_lowercase()
            || last.is_alphabetic() && !last.is_uppercase())
}

/// How far a document asks for action: 0 = about something, 1 = what its reader must do.
pub(crate) fn office(document: &Document) -> f64 {
    let sentences = &document.sentences;
    let worded: Vec<usize> = (0..sentences.len()).filter(|&i| sayable(&sentences[i], 4)).collect();
    office_share(sentences, &worded)
}

/// By the share of sentences with a date or an amount: λ of RANKING.md.
#[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
fn office_share(sentences: &[Sentence], which: &[usize]) -> f64 {
    // A formula's "$32 \\times" is no sum, and a date in brackets ("Issue 5445 (2009-03-08)") says when a thing was
    // written, not when it is due.
    let tells = |text: &str| {
        let open = cues::ASIDE_DATE.replace_all(text, "");
        !text.contains('\\') && (cues::DATE.is_match(&open) || cues::MONEY.is_match(&open))
    };
    let told = which.iter().filter(|&&i| tells(&sentences[i].text));
    let share = told.count() as f64 / which.len().max(1) as f64;
    ((share - 0.03) / 0.07).clamp(0.0, 1.0)
}

/// Standardised; all zero for a constant.
pub(crate) fn z(values: &[f64]) -> Vec<f64> {
    let (mean, deviation) = spread(values);
    values.iter().map(|x| (x - mean) / deviation).collect()
}

/// Mean and standard deviation; the deviation of a constant is 1.
#[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
pub(crate) fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if deviation > 1e-9 { deviation } else { 1.0 })
}

/// The terms of recipe C with their weights for the candidates `kept`.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn recipe_c(
    document: &Document,
    kept: &[usize],
    token: &[Vec<String>],
    vectors: &Vectors,
    stems: &Stems,
) -> Vec<Term> {
    let of = |i: usize| &document.sentences[i];
    let per = |f: &dyn Fn(&Sentence) -> f64| kept.iter().map(|&i| f(of(i))).collect::<Vec<f64>>();
    let flag = |pattern: &Regex, text: &str| f64::from(u8::from(pattern.is_match(text)));
    let (lexrank, textrank) = vectors.graph_ranks();
    let lexrank = z(&lexrank);
    let position = z(&kept.iter().map(|&i| -(i as f64).ln_1p()).collect::<Vec<_>>());
    let spoken = per(&|s| flag(&cues::TALK, &s.text));
    if stems.english() && spoken.iter().sum::<f64>() >= 0.4 * kept.len() as f64 {
        let talk = z(&per(&|s| -(cues::TALKS.find_iter(&s.text).count() as f64) / s.words.max(1) as f64));
        let length = z(&per(&|s| (s.words.max(1) as f64).ln()));
        return vec![
            ("talk", 1.0, talk),
            ("position", 0.5, position),
            ("length", 0.3, length),
            ("lexrank", 0.3, lexrank),
        ];
    }
    let mut terms = vec![
        ("lexrank", 1.0, lexrank),
        ("textrank", 0.3, z(&textrank)),
        ("sumbasic", 0.3, z(&vectors.sum_basic())),
        ("title", 0.5, z(&title_overlap(&document.title, token, stems))),
        ("doc", 0.2, z(&per(&|s| flag(&cues::DOC, &s.text)))),
        ("we", 0.5, per(&|s| flag(&cues::WE, &s.text))),
        ("commas", 0.15, z(&per(&|s| -(s.text.matches([',', '、', '，']).count() as f64)))),
    ];
    let headings = &document.headings;
    if headings.iter().filter(|heading| !heading.is_empty()).count() < 2 {
        terms.push(("position_plain", 0.5, position));
        return terms;
    }
    let first = kept.iter().map(|&i| of(i).section).min().unwrap_or(0);
    terms.push(("section_position", 1.0, z(&per(&|s| -(s.place as f64).ln_1p()))));
    terms.push(("position_headed", 0.3, position));
    terms.push(("intro", 0.4, z(&per(&|s| flag(&cues::INTRO, &headings[s.section])))));
    terms.push(("first_section", 0.5, per(&|s| f64::from(u8::from(s.section == first)))));
    terms
}

/// Share of the title's stems that each sentence has.
#[expect(clippy::cast_precision_loss, reason = "a title has few words")]
fn title_overlap(title: &str, token: &[Vec<String>], stems: &Stems) -> Vec<f64> {
    let title: Vec<String> = stems.of(title).into_iter().filter(|t| !stems.stops(t)).collect();
    let share =
        |x: &Vec<String>| title.iter().filter(|t| x.contains(t)).count() as f64 / title.len().max(1) as f64;
    token.iter().map(share).collect()
}

/// *act* for a sentence in its document, under its heading: its terms, the side of the document's own date on which
/// its dates lie, and a little for brevity, since each word it takes is taken from another sentence.
pub(crate) fn worth(sentence: &Sentence, heading: &str, today: Option<&str>) -> f64 {
    let terms = worth_terms(sentence, heading, today);
    terms.iter().map(|(_, weight, value)| weight * value).sum::<f64>() * brevity(sentence)
}

/// What the terms of a sentence's worth are multiplied by.
#[expect(clippy::cast_precision_loss, reason = "sentences have few words")]
pub(crate) fn brevity(sentence: &Sentence) -> f64 {
    (sentence.words.max(1) as f64).powf(-BREVITY)
}

/// The terms of a sentence's worth with their weights: those of *act*, of its context, and what is taken off.
pub(crate) fn worth_terms(
    sentence: &Sentence,
    heading: &str,
    today: Option<&str>,
) -> Vec<(&'static str, f64, f64)> {
    let flag = |is: bool| f64::from(u8::from(is));
    let mut terms = act_terms(sentence).to_vec();
    terms.extend(context::terms(sentence, heading));
    terms.push(("ahead", AHEAD, ahead(&sentence.own_words(), today)));
    // Quoted mail is the older state of things: what replaces it comes first.
    terms.push(("quoted", -QUOTED, flag(sentence.kind == Kind::Quote)));
    terms.push(("itself", -META, flag(about_itself(sentence))));
    terms.push(("stale", -STALE, flag(stale(&sentence.text))));
    terms
}

/// The heading over a sentence; empty if there is none.
pub(crate) fn heading<'a>(document: &'a Document, sentence: &Sentence) -> &'a str {
    document.headings.get(sentence.section).map_or("", String::as_str)
}

/// When a letter was written, when minutes were taken: near the beginning the first full date that is called the
/// document's; else the first in the title or in a line that is no sentence; else one in a dateline, as over a
/// signature; else the first.
fn today(document: &Document) -> Option<String> {
    let full = |text: &str| dates::dates(text, None).into_iter().find_map(|found| found.value).map(day);
    let mut read = document.title.len();
    let head: Vec<&str> = std::iter::once(document.title.as_str())
        .chain(document.sentences.iter().map(|s| s.text.as_str()))
        .take_while(|text| {
            read += text.len();
            read < HEAD
        })
        .collect();
    let line = |text: &&&str| !text.ends_with(['.', '!', '?', ';', ':']);
    let signed = || document.sentences.iter().filter(|s| s.is_dateline()).find_map(|s| full(&s.text));
    let named = head.iter().filter(|text| cues::DATED.is_match(text)).find_map(|text| full(text));
    named
        .or_else(|| head.iter().filter(line).find_map(|text| full(text)))
        .or_else(signed)
        .or_else(|| head.iter().find_map(|text| full(text)))
}

/// A line about the document rather than its matter.
pub(crate) fn about_itself(sentence: &Sentence) -> bool {
    cues::META.is_match(&sentence.text) || sentence.is_dateline()
}

/// Whether a sentence has sums, and says of each that another one holds.
pub(crate) fn stale(text: &str) -> bool {
    if !cues::MONEY.is_match(text) {
        return false;
    }
    let sums: Vec<_> = amounts(text, Habits::default()).into_iter().map(|sum| sum.range).collect();
    !sums.is_empty() && sums.iter().all(|sum| old::is_replaced(text, sum, &sums))
}

/// A month stands for its middle, so that dates compare as text.
fn day(value: String) -> String {
    if value.len() < 10 { value + "-15" } else { value }
}

/// 1 for a date after the document's own (to be acted on), −1 for one before (told as history).
pub(crate) fn ahead(text: &str, today: Option<&str>) -> f64 {
    let Some(today) = today else { return 0.0 };
    if !text.bytes().any(|b| b.is_ascii_digit()) {
        return 0.0;
    }
    let latest = dates::dates(text, Some(today)).into_iter().filter_map(|found| found.last).map(day).max();
    match latest.as_deref().map(|latest| latest.cmp(today)) {
        None => 0.0,
        Some(Ordering::Greater) => 1.0,
        Some(Ordering::Equal) => -0.5,
        Some(Ordering::Less) => -1.0,
    }
}

/// What a reader must know to act: weights set by hand from RANKING.md, not tuned.
pub(crate) fn act(sentence: &Sentence) -> f64 {
    act_terms(sentence).iter().map(|(_, weight, value)| weight * value).sum()
}

/// The terms of *act* with their weights.
#[expect(clippy::cast_precision_loss, reason = "counts are capped at four")]
pub(crate) fn act_terms(sentence: &Sentence) -> [(&'static str, f64, f64); 13] {
    let text = sentence.own_words();
    let has = |pattern: &Regex| f64::from(u8::from(pattern.is_match(&text)));
    let upto = |pattern: &Regex, most: usize| pattern.find_iter(&text).take(most).count() as f64;
    let (dates, moneys) = (upto(&cues::DATE, 3), upto(&cues::MONEY, 3));
    [
        ("date", 1.0, dates.min(1.0)),
        ("dates", 0.3, dates),
        ("money", 1.0, moneys.min(1.0)),
        ("moneys", 0.3, moneys),
        ("percent", 0.7, has(&cues::PERCENT)),
        ("numbers", 0.5, upto(&cues::NUMBER, 4) / 4.0),
        ("due", 0.7, has(&cues::DUE)),
        ("modal", 0.7, has(&cues::MODAL)),
        ("decision", 0.7, has(&cues::DECISION)),
        ("change", 0.6, has(&cues::CHANGE)),
        ("action", 0.3, has(&cues::ACTION)),
        ("boilerplate", -2.0, has(&cues::BOILERPLATE)),
        ("short", -1.0, f64::from(u8::from(sentence.words < 8))),
    ]
}

/// Added to what stands in the document's own summary: its author has chosen already. Beyond most of what a
/// sentence can earn otherwise (scores are standardised), not beyond all of it.
pub(crate) const OWN_SUMMARY: f64 = 2.0;
/// What a sentence is worth that recipe C would not take.
pub(crate) const NO_CANDIDATE: f64 = -3.0;
/// Taken off what stands in a quoted message.
const QUOTED: f64 = 1.5;
/// Taken off what the document itself says holds no longer.
const SUPERSEDED: f64 = 3.0;
/// Taken off a line about the document itself.
const META: f64 = 1.5;
/// Taken off what tells only sums that hold no longer.
const STALE: f64 = 1.5;
/// Weight of a date's side.
const AHEAD: f64 = 0.7;
/// Power of the length that divides.
const BREVITY: f64 = 0.25;
/// Bytes in which a document says its date.
const HEAD: usize = 3000;

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
