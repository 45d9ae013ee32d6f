//! Numbers with their units, so that "1,000", "1000" and "one thousand", or two weeks and 14 days, are the same.

use super::tokens::Token;
use super::units::{self, Unit};
use crate::amounts::{self, Habits};
use std::ops::Range;

/// A number in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    pub at: Range<usize>,
    /// What it may stand for: "1.234" has two readings.
    pub readings: Vec<f64>,
    pub unit: Option<Unit>,
    /// "month" in "£5 a month".
    pub rate: Option<&'static str>,
    /// A word that may be meant loosely ("one of them", "half"): it can support a number, and claims none.
    pub loose: bool,
}

/// How one number stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    /// The same figure of another unit.
    OtherUnit,
    /// The same figure, and one of them names no unit.
    Bare,
    Same,
}

impl Quantity {
    pub(super) fn against(&self, source: &Self) -> Match {
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        let any = |by: f64, of: f64| {
            self.readings.iter().any(|a| source.readings.iter().any(|b| same(a * by, b * of)))
        };
        match (&self.unit, &source.unit) {
            (Some(a), Some(b)) if a.dimension == b.dimension && any(a.factor, b.factor) => Match::Same,
            (None, None) if any(1.0, 1.0) => Match::Same,
            (Some(_), Some(_)) if any(1.0, 1.0) => Match::OtherUnit,
            // An hour of the clock: "between 7 and 9 pm".
            (None, Some(unit)) | (Some(unit), None) if unit.dimension == "clock" => {
                let hour = |x: &f64| x.rem_euclid(12.0);
                let (a, b) = if self.unit.is_some() { (60.0, 1.0) } else { (1.0, 60.0) };
                let near = |x: &f64| source.readings.iter().any(|y| same(hour(&(x / a)), hour(&(y / b))));
                if self.readings.iter().any(near) { Match::Bare } else { Match::No }
            }
            _ if any(1.0, 1.0) => Match::Bare,
            _ => Match::No,
        }
    }
}

impl Quantity {
    /// The same for all that say the same: what is looked up.
    pub(super) fn keys(&self) -> Vec<String> {
        let bare = self.readings.iter().map(|reading| format!("#{reading}"));
        let unit = self.unit.iter().flat_map(|unit| {
            self.readings.iter().map(|reading| format!("#{} {}", reading * unit.factor, unit.dimension))
        });
        unit.chain(bare).collect()
    }
}

/// How the document writes its numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    pub habits: Habits,
    pub english: bool,
}

/// Every number outside of `taken` (the dates), in order.
pub(super) fn quantities(
    text: &str,
    tokens: &[Token],
    taken: &[Range<usize>],
    manner: Manner,
) -> Vec<Quantity> {
    let inside = |ranges: &[Range<usize>], at: &Range<usize>| {
        ranges.iter().any(|range| range.start < at.end && at.start < range.end)
    };
    let sums: Vec<_> =
        amounts::amounts(text, manner.habits).into_iter().filter(|sum| !inside(taken, &sum.range)).collect();
    let mut out: Vec<Quantity> = sums
        .iter()
        .filter_map(|sum| {
            let after =
                tokens.iter().position(|token| token.at.start >= sum.range.end).unwrap_or(tokens.len());
            let mut found = money(&text[sum.range.clone()], sum.value.as_deref(), manner)?;
            found.at = sum.range.clone();
            found.rate = units::rate(&tokens[after..]);
            Some(found)
        })
        .collect();
    let sums: Vec<Range<usize>> = sums.into_iter().map(|sum| sum.range).collect();
    let mut next = 0;
    while next < tokens.len() {
        if inside(taken, &tokens[next].at) || inside(&sums, &tokens[next].at) {
            next += 1;
            continue;
        }
        let (used, found) = at(text, &tokens[next..], manner);
        // "A year" is a time in "for a year", and none in "£5 a year".
        let article = tokens[next].is(&["a", "an"]);
        let timed = next > 0
            && tokens[next - 1]
                .is(&["for", "within", "in", "after", "than", "about", "of", "half", "least", "most"]);
        let found = found.filter(|_| !article || timed);
        if let Some(mut found) = found {
            let minus = next > 0 && tokens[next - 1].lower == "minus";
            if minus || signed(&text[..found.at.start]) {
                found.readings.iter_mut().for_each(|reading| *reading = -*reading);
            }
            out.push(found);
        }
        next += used.max(1);
    }
    out.sort_by_key(|found| found.at.start);
    out
}

/// Whether a minus sign stands before a number, and no hyphen or dash.
fn signed(before: &str) -> bool {
    let rest = before.strip_suffix(['−', '-']);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with([' ', '(', '\u{a0}']))
}

fn money(text: &str, value: Option<&str>, manner: Manner) -> Option<Quantity> {
    let (code, readings) = match value.and_then(|value| value.split_once(' ')) {
        Some((code, figure)) => (code.to_owned(), vec![figure.parse().ok()?]),
        None => {
            let figure: String = text.chars().filter(|c| c.is_ascii_digit() || ".,'’".contains(*c)).collect();
            let name: String =
                text.chars().filter(|c| !c.is_ascii_digit() && !" .,'’".contains(*c)).collect();
            (name, figures(&figure, manner))
        }
    };
    let unit = Some(Unit { dimension: code, factor: 1.0 });
    (!readings.is_empty()).then_some(Quantity { at: 0..0, readings, unit, rate: None, loose: false })
}

/// The number that begins here, and how many tokens it takes.
fn at(text: &str, tokens: &[Token], manner: Manner) -> (usize, Option<Quantity>) {
    let Some(first) = tokens.first() else { return (1, None) };
    let (mut used, mut readings, loose) = match figure(text, tokens, manner) {
        Some((used, readings)) => (used, readings, false),
        None if manner.english => match spelled(tokens) {
            Some((used, value, loose)) => (used, vec![value], loose),
            None => return (1, None),
        },
        None => return (1, None),
    };
    let mut range = first.at.start..tokens[used - 1].at.end;
    if let Some(times) = tokens.get(used).and_then(|token| scale(&token.lower)).filter(|_| !loose) {
        readings.iter_mut().for_each(|reading| *reading *= times);
        range.end = tokens[used].at.end;
        used += 1;
    }
    if first.lower.contains(':') {
        let unit = Some(Unit { dimension: "clock".into(), factor: 1.0 });
        let readings = clock(&first.lower, tokens.get(used));
        return (used, Some(Quantity { at: range, readings, unit, rate: None, loose }));
    }
    let (skip, unit) = units::unit(text, range.end, &tokens[used..], manner);
    if unit.as_ref().is_some_and(|unit| unit.dimension == "clock") {
        let hour = readings.first().map(f64::to_string).unwrap_or_default();
        let readings = clock(&hour, tokens.get(used));
        return (used + skip, Some(Quantity { at: range, readings, unit, rate: None, loose }));
    }
    if loose && first.is(&["a", "an"]) && unit.is_none() {
        return (1, None);
    }
    let rate = units::rate(&tokens[used + skip..]);
    (used, Some(Quantity { at: range, readings, unit, rate, loose }))
}

/// Minutes after midnight of "18:00", "7 pm", "6:30 pm".
fn clock(time: &str, half: Option<&Token>) -> Vec<f64> {
    let (hour, minute) = time.split_once([':', '.']).unwrap_or((time, "0"));
    let (Ok(hour), Ok(minute)) = (hour.parse::<f64>(), minute.parse::<f64>()) else { return Vec::new() };
    let half = match half.map(|token| token.lower.as_str()) {
        Some("pm") if hour < 12.0 => 12.0,
        _ => 0.0,
    };
    vec![(hour + half) * 60.0 + minute]
}

/// A number in figures, groups separated by spaces joined.
fn figure(text: &str, tokens: &[Token], manner: Manner) -> Option<(usize, Vec<f64>)> {
    let first = tokens.first().filter(|token| token.is_figure())?;
    let bare = first.lower.trim_end_matches(char::is_alphabetic);
    if bare.len() != first.lower.len() && !first.lower.ends_with(['t', 'd', 'h']) {
        return None;
    }
    let groups = |token: &Token| token.lower.len() == 3 && token.lower.bytes().all(|b| b.is_ascii_digit());
    let mut joined = bare.to_owned();
    let mut used = 1;
    while bare.len() <= 3 && tokens.get(used).is_some_and(groups) {
        let gap = &text[tokens[used - 1].at.end..tokens[used].at.start];
        let fixed = gap == "\u{a0}" || gap == "\u{202f}";
        if !(fixed || gap == " " && (!manner.english || tokens[used].lower == "000")) {
            break;
        }
        joined.push_str(&tokens[used].lower);
        used += 1;
    }
    let readings = figures(&joined, manner);
    (!readings.is_empty()).then_some((used, readings))
}

/// What figures may stand for: a single sign before three digits groups or divides.
fn figures(text: &str, manner: Manner) -> Vec<f64> {
    let plain: String = text.replace(['\'', '’'], "");
    let marks: Vec<char> = plain.chars().filter(|c| matches!(c, '.' | ',')).collect();
    let whole = || plain.replace(['.', ','], "");
    let divided = |mark: char| plain.replace(if mark == '.' { ',' } else { '.' }, "").replace(mark, ".");
    let texts = match marks.as_slice() {
        [] => vec![plain],
        [mark] => {
            let three = plain.rsplit(*mark).next().is_some_and(|tail| tail.len() == 3);
            let own = if manner.habits.point_groups { '.' } else { ',' };
            match three {
                false => vec![divided(*mark)],
                true if *mark == own => vec![whole()],
                true => vec![divided(*mark), whole()],
            }
        }
        [first, .., last] if first == last => vec![whole()],
        [.., last] => vec![divided(*last)],
    };
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A number in words: how many of them, its value, whether it is meant loosely.
fn spelled(tokens: &[Token]) -> Option<(usize, f64, bool)> {
    let first = tokens.first()?;
    // "One", "a" and "half" may be meant loosely, unless they count hundreds.
    let counts = tokens.get(1).is_some_and(|next| scale(&next.lower).is_some());
    let one = counts && first.is(&["one", "a", "an"]);
    if let Some(value) = loose(&first.lower).filter(|_| !one) {
        return Some((1, value, true));
    }
    let (mut total, mut current, mut used) = (0.0, 0.0, 0);
    let mut last = 0.0;
    for (at, token) in tokens.iter().enumerate() {
        let joins = token.lower == "and" && last >= 100.0;
        let unit = one && at == 0 || token.lower == "one" && last >= 20.0;
        let small = if unit { Some(1.0) } else { word(&token.lower) };
        match (small, scale(&token.lower)) {
            (Some(value), _) if at == 0 || last >= 100.0 || (20.0..100.0).contains(&last) && value < 10.0 => {
                current += value;
                last = value;
                used = at + 1;
            }
            (_, Some(times)) if at > 0 => {
                current *= times;
                if times >= 1000.0 {
                    total += current;
                    current = 0.0;
                }
                last = times;
                used = at + 1;
            }
            _ if joins => {}
            _ => break,
        }
    }
    (used > 0).then_some((used, total + current, false))
}

fn word(lower: &str) -> Option<f64> {
    const SMALL: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    const ORDINALS: &[&str] = &["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let find = |list: &[&str]| list.iter().position(|name| *name == lower);
    let value = find(SMALL).filter(|at| *at != 1);
    let value =
        value.or_else(|| find(TENS).map(|at| (at + 2) * 10)).or_else(|| find(ORDINALS).map(|at| at + 3))?;
    u32::try_from(value).ok().map(f64::from)
}

fn loose(lower: &str) -> Option<f64> {
    Some(match lower {
        "a" | "an" | "one" | "once" | "single" | "first" => 1.0,
        "both" | "twice" | "pair" | "couple" | "second" => 2.0,
        "half" => 0.5,
        "dozen" => 12.0,
        "hundred" => 100.0,
        "thousand" => 1000.0,
        _ => return None,
    })
}

fn scale(lower: &str) -> Option<f64> {
    Some(match lower {
        "hundred" => 100.0,
        "thousand" | "tausend" | "mille" | "mil" => 1e3,
        "million" | "millions" | "mio" | "millionen" | "millones" => 1e6,
        "billion" | "billions" | "bn" | "mrd" | "milliarden" => 1e9,
        _ => return None,
    })
}
