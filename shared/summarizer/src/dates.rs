//! Dates as documents write them → ISO 8601, when they leave no doubt.

use crate::cues::MONTH;
use jiff::civil::Date;
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// Months in German where they differ from English.
const GERMAN: &str = "januar|februar|märz|mai|juni|juli|oktober|dezember";

static DATES: LazyLock<Regex> = LazyLock::new(|| {
    let month = format!("(?:{GERMAN}|{})", &MONTH[3..MONTH.len() - 1]);
    let pattern = format!(
        r"(?ix)
        \b(?P<y1>\d{{4}})-(?P<m1>\d\d)-(?P<d1>\d\d)\b
        | \b(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\ (?:of\ |day\ of\ )?(?P<m2>{month})\b\.?(?:,?\ (?P<y2>(?:1[5-9]|20)\d\d)\b)?
        | \b(?P<m3>{month})\.?\ (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\ (?P<y3>(?:1[5-9]|20)\d\d)\b)?
        | \b(?P<m4>{month})\ (?P<y4>(?:1[5-9]|20)\d\d)\b
        | \b(?P<a>\d{{1,2}})(?P<s>[./])(?P<b>\d{{1,2}})[./](?P<y5>\d{{4}}|\d\d)\b"
    );
    Regex::new(&pattern).expect("a fixed pattern")
});

/// A date in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub range: Range<usize>,
    /// `2027-03-01`, or `2027-03` when no day is given; `None` when the year is missing or the order of
    /// day and month is open.
    pub value: Option<String>,
}

/// Every date of a text, in order.
pub(crate) fn dates(text: &str) -> Vec<Found> {
    DATES
        .captures_iter(text)
        .filter_map(|found| {
            let range = found.get(0)?.range();
            // "in May 12 people" and "march 3" are no dates; a month is written with a capital.
            let lower_word = ["m2", "m3", "m4"]
                .iter()
                .any(|name| found.name(name).is_some_and(|m| m.as_str().starts_with(char::is_lowercase)));
            (!lower_word).then(|| Found { range, value: value(&found) })
        })
        .collect()
}

fn value(found: &Captures) -> Option<String> {
    let number = |name: &str| found.name(name).and_then(|m| m.as_str().parse::<i16>().ok());
    if let (Some(y), Some(m), Some(d)) = (number("y1"), number("m1"), number("d1")) {
        return iso(y, m, d);
    }
    if let Some(month) = found.name("m4") {
        return Some(format!("{:04}-{:02}", number("y4")?, month_number(month.as_str())?));
    }
    for (y, m, d) in [("y2", "m2", "d2"), ("y3", "m3", "d3")] {
        if let Some(month) = found.name(m) {
            return iso(number(y)?, month_number(month.as_str())?, number(d)?);
        }
    }
    let (a, b, year) = (number("a")?, number("b")?, found.name("y5")?.as_str());
    // Two digits of a year leave the century open.
    let year: i16 = if year.len() == 4 { year.parse().ok()? } else { return None };
    match found.name("s")?.as_str() {
        "." => iso(year, b, a),
        _ if a > 12 || a == b => iso(year, b, a),
        _ if b > 12 => iso(year, a, b),
        _ => None,
    }
}

fn iso(year: i16, month: i16, day: i16) -> Option<String> {
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.to_string())
}

fn month_number(name: &str) -> Option<i16> {
    let lower = name.to_lowercase();
    let start: String = lower.chars().take(3).collect();
    let months = [
        &["jan"][..],
        &["feb"],
        &["mar", "mär"],
        &["apr"],
        &["may", "mai"],
        &["jun"],
        &["jul"],
        &["aug"],
        &["sep"],
        &["oct", "okt"],
        &["nov"],
        &["dec", "dez"],
    ];
    months.iter().position(|names| names.contains(&start.as_str())).and_then(|at| i16::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Option<String>> {
        dates(text).into_iter().map(|found| found.value).collect()
    }

    #[test]
    fn dates_with_a_year_become_iso() {
        for text in [
            "1 March 2027",
            "1st of March, 2027",
            "March 1, 2027",
            "2027-03-01",
            "1.3.2027",
            "01.03.2027",
            "1. März 2027",
        ] {
            assert_eq!(values(&format!("from {text} on")), [Some("2027-03-01".to_owned())], "{text}");
        }
        assert_eq!(values("in June 2027"), [Some("2027-06".to_owned())]);
        assert_eq!(
            values("on 13/05/2026 and 05/13/2026"),
            [Some("2026-05-13".to_owned()), Some("2026-05-13".to_owned())]
        );
    }

    #[test]
    fn an_open_date_has_no_value() {
        for text in ["by 30 November", "on 03/05/2026", "on 3.5.26", "on 31 February 2026"] {
            assert_eq!(values(text), [None], "{text}");
        }
    }

    #[test]
    fn words_that_look_like_months_are_no_dates() {
        for text in ["they march 3 miles", "version 1.2.3", "it may 5", "section 4.1"] {
            assert!(dates(text).iter().all(|found| found.value.is_none()), "{text}");
        }
        assert!(dates("they march 3 miles, it may 12 people").is_empty());
    }
}
