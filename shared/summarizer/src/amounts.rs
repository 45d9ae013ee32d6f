//! Sums of money → ISO 4217 code and a plain number, when they leave no doubt.

use crate::cues;
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

static AMOUNTS: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"\d{1,3}(?:[ \u{a0}\u{202f}'’]\d{3})+(?:[.,]\d{1,2})?|\d[\d,.]*\d|\d";
    let code = "EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|JPY|CNY|INR|AUD|CAD|NZD|SGD|HKD|ZAR|BRL|MXN";
    let scale = r"(?:\s?(?P<SCALE>million|billion|thousand|mio\.?|mrd\.?|m|bn|k)\b)?";
    let pattern = format!(
        r"(?x)
        (?P<c1>(?:US|A|C|NZ|HK|S)?\$|£|€|¥|₹|\b(?:{code})\b)\s?(?P<n1>{number}){first}
        | \b(?P<n2>{number}){second}(?:\ of)?\s?(?P<c2>€|£|\b(?:{code})\b|(?i:euros?|pounds(?:\ sterling)?|dollars|swiss\ francs)\b)",
        first = scale.replace("SCALE", "s1"),
        second = scale.replace("SCALE", "s2"),
        number = number.replace(' ', r"\ "),
    );
    cues::latin(&pattern)
});

/// What a whole document says about its currencies and figures.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// "$" can only be the US dollar: no other dollar is named.
    pub one_dollar: bool,
    /// "pounds" are money: the sign or the code is used as well.
    pub pounds_are_money: bool,
    /// A single point before three digits separates thousands (1.234), as on the European continent.
    pub point_groups: bool,
}

impl Habits {
    /// From the document's text and its language.
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>, language: Option<&str>) -> Self {
        let (mut other_dollar, mut pounds) = (false, false);
        for text in texts {
            other_dollar |=
                ["A$", "C$", "NZ$", "HK$", "S$", "AUD", "CAD", "NZD", "SGD", "HKD"].iter().any(|name| {
                    text.find(name).is_some_and(|at| at == 0 || *name != "S$" || !text[..at].ends_with('U'))
                });
            pounds |= text.contains('£') || text.contains("GBP") || text.contains("sterling");
        }
        let primary = language.unwrap_or("").split('-').next().unwrap_or("");
        let point_groups =
            matches!(primary, "de" | "es" | "it" | "nl" | "pt" | "da" | "nb" | "tr" | "el" | "id" | "ro");
        Self { one_dollar: !other_dollar, pounds_are_money: pounds, point_groups }
    }
}

/// A sum in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub range: Range<usize>,
    /// `EUR 4240` or `EUR 4240.50`; `None` when the currency or the figure is open.
    pub value: Option<String>,
}

/// Every sum of a text, in order.
pub(crate) fn amounts(text: &str, habits: Habits) -> Vec<Found> {
    AMOUNTS
        .captures_iter(text)
        .filter_map(|found| {
            let name = found.name("c1").or(found.name("c2"))?.as_str();
            if name.eq_ignore_ascii_case("pounds") && !habits.pounds_are_money {
                return None;
            }
            let range = found.get(0)?.range();
            Some(Found { range, value: value(&found, name, habits) })
        })
        .collect()
}

fn value(found: &Captures, currency: &str, habits: Habits) -> Option<String> {
    let code = match currency.to_lowercase().as_str() {
        "£" => "GBP".to_owned(),
        name if name.starts_with("pound") => "GBP".to_owned(),
        "€" | "euro" | "euros" => "EUR".to_owned(),
        "us$" => "USD".to_owned(),
        "a$" => "AUD".to_owned(),
        "c$" => "CAD".to_owned(),
        "nz$" => "NZD".to_owned(),
        "hk$" => "HKD".to_owned(),
        "s$" => "SGD".to_owned(),
        "₹" => "INR".to_owned(),
        "swiss francs" => "CHF".to_owned(),
        "$" | "dollars" => habits.one_dollar.then(|| "USD".to_owned())?,
        // The yen and the yuan share it.
        "¥" => return None,
        other => other.to_uppercase(),
    };
    let (whole, fraction) = figure(found.name("n1").or(found.name("n2"))?.as_str(), habits)?;
    let zeros = match found.name("s1").or(found.name("s2")).map(|m| m.as_str().trim_end_matches('.')) {
        None => 0,
        Some("k" | "thousand") => 3,
        Some("m" | "million" | "mio") => 6,
        Some(_) => 9,
    };
    Some(format!("{code} {}", scaled(&whole, &fraction, zeros)))
}

/// Digits before and after the decimal sign; `None` if it is open which sign that is.
fn figure(text: &str, habits: Habits) -> Option<(String, String)> {
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).collect::<String>();
    let tail = |mark: char| text.rfind(mark).map(|at| (at, text.len() - at - 1));
    let split = |at: usize| Some((digits(&text[..at]), digits(&text[at + 1..])));
    match (tail(','), tail('.')) {
        (Some((comma, _)), Some((point, _))) => split(comma.max(point)),
        (None, None) => Some((digits(text), String::new())),
        (Some((at, after)), None) => {
            let grouped = after == 3 || text.matches(',').count() > 1;
            if grouped { Some((digits(text), String::new())) } else { split(at) }
        }
        (None, Some((at, after))) => match after {
            _ if text.matches('.').count() > 1 => Some((digits(text), String::new())),
            3 if habits.point_groups => Some((digits(text), String::new())),
            3 => None,
            _ => split(at),
        },
    }
}

/// The decimal point moved to the right by `zeros`.
fn scaled(whole: &str, fraction: &str, zeros: usize) -> String {
    let padded = format!("{fraction:0<zeros$}");
    let (moved, rest) = padded.split_at(zeros);
    let whole = format!("{whole}{moved}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.bytes().all(|b| b == b'0') { whole.to_owned() } else { format!("{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<String> {
        let habits = Habits { one_dollar: true, pounds_are_money: true, point_groups: false };
        let found = amounts(text, habits);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found[0].value.clone()
    }

    #[test]
    fn sums_become_a_code_and_a_plain_number() {
        for (text, want) in [
            ("EUR 4,240 a month", "EUR 4240"),
            ("£23,460.50 was paid", "GBP 23460.50"),
            ("€ 1.234,50", "EUR 1234.50"),
            ("£11.8 million a year", "GBP 11800000"),
            ("$3bn", "USD 3000000000"),
            ("500 euros", "EUR 500"),
            ("CHF 1'250", "CHF 1250"),
            ("12 000 EUR", "EUR 12000"),
            ("£5k", "GBP 5000"),
            ("2.5 million dollars", "USD 2500000"),
            ("€0.35", "EUR 0.35"),
            ("£100.00", "GBP 100"),
        ] {
            assert_eq!(one(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn an_open_sum_has_no_value() {
        assert_eq!(one("¥5,000"), None);
        assert_eq!(one("€1.234"), None);
        let two = Habits::new(["A$5 and $6"].into_iter(), None);
        assert_eq!(amounts("$6", two)[0].value, None);
    }

    #[test]
    fn pounds_of_weight_are_no_money() {
        let habits = Habits::new(["It weighs 40 pounds."].into_iter(), None);
        assert!(amounts("It weighs 40 pounds.", habits).is_empty());
    }
}
