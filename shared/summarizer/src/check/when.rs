//! Dates as claims: which day, month and year are said, however they are written.

use super::tokens::Token;
use crate::dates;
use jiff::civil::Date;
use std::ops::Range;

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A day, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Day {
    pub year: Option<i16>,
    pub month: Option<i8>,
    pub day: Option<i8>,
}

/// A date in a text; "03/05/2026" has two readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    pub at: Range<usize>,
    pub readings: Vec<Day>,
}

/// Every date of a text, both ends of a time as two; months that stand alone are dates too.
pub(super) fn dates(text: &str, tokens: &[Token]) -> Vec<When> {
    let mut out = Vec::new();
    for found in dates::dates(text, None) {
        let told = [found.value.as_deref(), found.last.as_deref()];
        let mut full: Vec<Day> = told.into_iter().flatten().filter_map(parsed).collect();
        // One day is its own last.
        full.dedup();
        let days = if full.is_empty() || told[0].is_none() {
            read(&text[found.range.clone()])
        } else {
            singly(full)
        };
        out.extend(days.into_iter().map(|readings| When { at: found.range.clone(), readings }));
    }
    let taken: Vec<Range<usize>> = out.iter().map(|when| when.at.clone()).collect();
    for token in tokens {
        let month = MONTHS.iter().position(|name| *name == token.lower);
        let free = !taken.iter().any(|range| range.contains(&token.at.start));
        // At the beginning "May" and "March" may be other words.
        if let (Some(month), true, true, false) = (month, free, token.capital, token.first) {
            let month = i8::try_from(month + 1).ok();
            out.push(When { at: token.at.clone(), readings: vec![Day { month, ..Day::default() }] });
        }
    }
    out
}

fn singly(days: Vec<Day>) -> Vec<Vec<Day>> {
    days.into_iter().map(|day| vec![day]).collect()
}

fn parsed(iso: &str) -> Option<Day> {
    let mut parts = iso.split('-');
    Some(Day {
        year: parts.next()?.parse().ok(),
        month: parts.next()?.parse().ok(),
        day: parts.next().and_then(|day| day.parse().ok()),
    })
}

/// Days without a year, of several days each, or with day and month in an open order.
fn read(text: &str) -> Vec<Vec<Day>> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let month = |word: &&str| {
        let at =
            MONTHS.iter().position(|name| word.len() >= 3 && name.starts_with(&word[..3.min(word.len())]))?;
        i8::try_from(at + 1).ok()
    };
    let number = |word: &&str| word.trim_end_matches(char::is_alphabetic).parse::<i16>().ok();
    let months: Vec<i8> = words.iter().filter(|word| word.is_ascii()).filter_map(month).collect();
    let year = words.iter().filter(|word| word.len() == 4).find_map(number);
    let days: Vec<i8> = words
        .iter()
        .filter(|word| word.len() != 4)
        .filter_map(number)
        .filter_map(|n| n.try_into().ok())
        .collect();
    let day = |month: i8, day: i8| Day { year, month: Some(month), day: Some(day) };
    match (months.as_slice(), days.as_slice()) {
        ([], [a, b, rest @ ..]) => {
            let short = rest.first().map(|year| 2000 + i16::from(*year));
            let made = |month, of| Day { year: year.or(short), ..day(month, of) };
            vec![vec![made(*b, *a), made(*a, *b)]]
        }
        ([one], days) if !days.is_empty() => days.iter().map(|of| vec![day(*one, *of)]).collect(),
        (months, days) => months.iter().zip(days).map(|(month, of)| vec![day(*month, *of)]).collect(),
    }
}

impl When {
    /// Whether a source's date says at least this. A year that the source leaves open may be one of `years`, which
    /// the document names elsewhere.
    pub(super) fn within(&self, source: &Self, years: &[i16]) -> bool {
        let part = |said: Option<i8>, told: Option<i8>| said.is_none() || said == told;
        let year = |said: &Day, told: &Day| match (said.year, told.year) {
            (None, _) => true,
            (Some(said), None) => years.contains(&said),
            (said, told) => said == told,
        };
        self.readings.iter().any(|said| {
            let told =
                |told: &&Day| part(said.day, told.day) && part(said.month, told.month) && year(said, told);
            source.readings.iter().any(|one| told(&one))
        })
    }
}

/// The weekday's number from Monday, of "Friday" and "Fridays".
pub(super) fn weekday(token: &Token) -> Option<usize> {
    let name = token.lower.trim_end_matches('s');
    WEEKDAYS.iter().position(|day| *day == name).filter(|_| token.capital)
}

/// The weekday that a whole date falls on.
pub(super) fn falls_on(day: &Day) -> Option<usize> {
    let date = Date::new(day.year?, day.month?, day.day?).ok()?;
    usize::try_from(date.weekday().to_monday_zero_offset()).ok()
}

pub(super) fn is_month(lower: &str) -> bool {
    MONTHS.contains(&lower)
}
