//! The direction of comparisons, limits and changes: more or less, before or after, rose or fell.

use super::direction::{Axis, Direction, denies, directions};
use super::quantity::{Match, Quantity};
use super::tokens::Token;
use super::when::When;

/// A side of the comparison: words, dates and numbers of one text.
pub(super) struct Text<'a> {
    pub tokens: &'a [Token],
    pub dates: &'a [When],
    pub numbers: &'a [Quantity],
}

/// What is said the wrong way round, if anything is.
pub(super) fn reversed(said: &Text, sources: &[Text]) -> Option<String> {
    limits(said, sources).or_else(|| spans(said, sources)).or_else(|| axes(said, sources))
}

/// A date or number with the preposition before it.
fn limits(said: &Text, sources: &[Text]) -> Option<String> {
    for (date, sign) in dated(said) {
        let told: Vec<i8> = sources
            .iter()
            .flat_map(dated)
            .filter(|(other, _)| date.within(other, &[]) || other.within(date, &[]))
            .map(|(_, sign)| sign)
            .collect();
        if !told.is_empty() && !told.contains(&sign) && told.iter().any(|other| *other == -sign) {
            return Some(word_before(said, date.at.start));
        }
    }
    for (number, sign) in bounded(said) {
        let told: Vec<i8> = sources
            .iter()
            .flat_map(bounded)
            .filter(|(other, _)| number.against(other) >= Match::Bare)
            .map(|(_, sign)| sign)
            .collect();
        if !told.is_empty() && told.iter().all(|other| *other == -sign) {
            return Some(word_before(said, number.at.start));
        }
    }
    None
}

fn word_before(text: &Text, at: usize) -> String {
    let before = text.tokens.iter().rev().find(|token| token.at.end <= at);
    before.map(|token| token.lower.clone()).unwrap_or_default()
}

/// Dates that a word limits: −1 for "by", "before", "until", 1 for "after", "from", "since".
fn dated<'a>(text: &Text<'a>) -> Vec<(&'a When, i8)> {
    let mut out = Vec::new();
    for date in text.dates {
        let Some(next) = text.tokens.iter().position(|token| token.at.start >= date.at.start) else {
            continue;
        };
        let back = |steps: usize| next.checked_sub(steps).map_or("", |at| text.tokens[at].lower.as_str());
        let far =
            if back(1).ends_with("day") || matches!(back(1), "end" | "of" | "noon" | "on") { 2 } else { 1 };
        let after = text.tokens.iter().find(|token| token.at.start >= date.at.end);
        let mut sign = match back(far) {
            "by" | "before" | "until" | "till" => -1,
            "than" if back(far + 1) == "later" => {
                if back(far + 2) == "no" || back(far + 2) == "not" {
                    -1
                } else {
                    1
                }
            }
            "than" if back(far + 1) == "earlier" => {
                if back(far + 2) == "no" || back(far + 2) == "not" {
                    1
                } else {
                    -1
                }
            }
            "after" | "from" | "since" => 1,
            _ => match after.map(|token| token.lower.as_str()) {
                Some("onwards" | "on") => 1,
                _ => continue,
            },
        };
        let denied = denies(text.tokens, next);
        if denied && matches!(back(far), "before" | "until" | "till" | "after") {
            sign = -sign;
        }
        out.push((date, sign));
    }
    out
}

/// Numbers with a bound before or behind them.
fn bounded<'a>(text: &Text<'a>) -> Vec<(&'a Quantity, i8)> {
    let found = directions(text.tokens);
    let near = |number: &&Quantity| {
        let first = text.tokens.iter().position(|token| token.at.start >= number.at.start)?;
        let last = text.tokens.iter().rposition(|token| token.at.start < number.at.end)?;
        let nearest = found.iter().filter(|d| d.axis == Axis::Amount).find(|d| {
            let before = d.token < first
                && first - d.token <= 2
                && text.tokens[d.token + 1..first].iter().all(|t| t.is(&["than", "a", "the"]));
            let behind = d.token > last && d.token - last <= 4 && text.tokens[d.token - 1].lower == "or";
            before || behind
        })?;
        Some(nearest.sign)
    };
    text.numbers.iter().filter_map(|number| near(&number).map(|sign| (number, sign))).collect()
}

/// "From 4,000 to 4,240" against "from 4,240 to 4,000", and the same of places.
fn spans(said: &Text, sources: &[Text]) -> Option<String> {
    let pairs = |text: &Text| {
        let mut out: Vec<(String, String)> = Vec::new();
        for (at, token) in text.tokens.iter().enumerate() {
            if token.lower != "from" {
                continue;
            }
            let rest = &text.tokens[at + 1..];
            let to = rest.iter().take(6).position(|token| token.lower == "to");
            if let Some(to) = to.filter(|to| *to > 0 && *to + 1 < rest.len()) {
                out.push((
                    value(text, &rest[to - 1].at.start..&rest[to - 1].at.end, rest, to, true),
                    value(text, &rest[to + 1].at.start..&rest[to + 1].at.end, rest, to, false),
                ));
            }
        }
        out
    };
    let told: Vec<(String, String)> = sources.iter().flat_map(pairs).collect();
    let turned = pairs(said).into_iter().find(|(from, to)| {
        from != to
            && told.contains(&(to.clone(), from.clone()))
            && !told.contains(&(from.clone(), to.clone()))
    });
    turned.map(|(from, to)| format!("from {from} to {to}"))
}

fn value(text: &Text, at: std::ops::Range<&usize>, rest: &[Token], to: usize, first: bool) -> String {
    let number = |at: usize| text.numbers.iter().find(|number| number.at.contains(&at));
    let own = number(*at.start);
    let next = if first { rest.first() } else { rest.get(to + 2) };
    let other = next.and_then(|token| number(token.at.start));
    match own.or(other) {
        Some(number) => number.readings.first().map(f64::to_string).unwrap_or_default(),
        None if first => rest[0].lower.clone(),
        None => rest[to + 1].lower.clone(),
    }
}

/// A direction that the sources have only the other way round.
fn axes(said: &Text, sources: &[Text]) -> Option<String> {
    let own = directions(said.tokens);
    for direction in &own {
        let word = &said.tokens[direction.token];
        let mut same = false;
        let mut other = false;
        for source in sources {
            // "A is larger than B" and "B is smaller than A" are one.
            let turn = if crossed(said.tokens, direction.token, source.tokens) { -1 } else { 1 };
            for told in directions(source.tokens).iter().filter(|told| told.axis == direction.axis) {
                same |= told.sign * turn == direction.sign;
                other |= told.sign * turn == -direction.sign;
            }
        }
        if other && !same {
            return Some(word.lower.clone());
        }
        if same && other && mixed(said, sources, direction) {
            return Some(word.lower.clone());
        }
    }
    None
}

/// Where the sources point both ways: the source's word for the same thing, by its neighbours, points the other way.
fn mixed(said: &Text, sources: &[Text], direction: &Direction) -> bool {
    let best = sources
        .iter()
        .flat_map(|source| {
            directions(source.tokens)
                .into_iter()
                .filter(|told| told.axis == direction.axis)
                .map(|told| (near(said.tokens, direction.token, source.tokens, told.token), told.sign))
        })
        .max_by_key(|(shared, sign)| (*shared, *sign == direction.sign));
    best.is_some_and(|(shared, sign)| shared > 0 && sign != direction.sign)
}

/// Words that two places have near them in common.
fn near(a: &[Token], at: usize, b: &[Token], on: usize) -> usize {
    let window = |tokens: &[Token], at: usize| -> Vec<String> {
        let range = at.saturating_sub(3)..(at + 4).min(tokens.len());
        let inside = range.filter(|other| *other != at && tokens[*other].clause == tokens[at].clause);
        inside.map(|other| tokens[other].stem.clone()).filter(|stem| !crate::words::is_stop(stem)).collect()
    };
    let other = window(b, on);
    window(a, at).iter().filter(|stem| other.contains(stem)).count()
}

/// Whether the two sides of "than" (or "ahead of", "behind") have changed places.
fn crossed(said: &[Token], at: usize, source: &[Token]) -> bool {
    let (Some(own), Some(told)) = (sides(said, Some(at)), sides(source, None)) else { return false };
    let only = |side: &[String], other: &[String]| -> Vec<String> {
        side.iter().filter(|stem| !other.contains(stem)).cloned().collect()
    };
    let (left, right) = (only(&own.0, &own.1), only(&own.1, &own.0));
    let (first, second) = (only(&told.0, &told.1), only(&told.1, &told.0));
    let meets = |a: &[String], b: &[String]| a.iter().any(|stem| b.contains(stem));
    meets(&right, &first) && !meets(&right, &second) && (meets(&left, &second) || second.is_empty())
}

/// The stems before and behind "than".
fn sides(tokens: &[Token], from: Option<usize>) -> Option<(Vec<String>, Vec<String>)> {
    let start = from.unwrap_or(0);
    let than =
        tokens[start..].iter().position(|token| token.is(&["than", "behind"]) || token.lower == "ahead");
    let than = start + than?;
    if from.is_some_and(|from| than - from > 6) {
        return None;
    }
    let stems = |tokens: &[Token]| -> Vec<String> {
        tokens
            .iter()
            .filter(|token| !crate::words::is_stop(&token.lower))
            .map(|token| token.stem.clone())
            .collect()
    };
    let right: Vec<Token> = tokens[than + 1..]
        .iter()
        .take_while(|token| token.clause == tokens[than].clause)
        .take(5)
        .cloned()
        .collect();
    Some((stems(&tokens[..than]), stems(&right)))
}
