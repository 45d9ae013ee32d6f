//! Dates as documents write them → ISO 8601, when they leave no doubt.

use crate::cues::{self, MONTH};
use jiff::civil::Date;
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// Months in German where they differ from English.
const GERMAN: &str = "januar|februar|märz|mai|juni|juli|oktober|dezember";

static DATES: LazyLock<Regex> = LazyLock::new(|| {
    let month = format!("(?:{GERMAN}|{})", &MONTH[3..MONTH.len() - 1]);
    let weekday = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\ )";
    let pattern = format!(
        r"(?ix)
        \b(?P<y1>\d{{4}})-(?P<m1>\d\d)-(?P<d1>\d\d)\b
        | \b(?:{weekday}?(?P<from>\d{{1,2}})\ (?:to|until|and|or|-|–)\ )?
          (?P<w2>{weekday})?(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\ (?:of\ |day\ of\ )?(?P<m2>{month})\b\.?(?:,?\ (?P<y2>(?:1[5-9]|20)\d\d)\b)?
        | \b(?P<w3>{weekday})?(?P<m3>{month})\.?\ (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\ (?P<y3>(?:1[5-9]|20)\d\d)\b)?
        | \b(?P<m4>{month})\ (?P<y4>(?:1[5-9]|20)\d\d)\b
        | \b(?P<a>\d{{1,2}})(?P<s>[./])(?P<b>\d{{1,2}})[./](?P<y5>\d{{4}}|\d\d)\b"
    );
    cues::latin(&pattern)
});

/// What stands between the first and the last day of a time: "from 1 March to 31 August 2027", "between 1 March and
/// 31 August 2027".
static SPAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ (?:to|until|till|-|–|bis|(?P<and>and|or|und)) $").expect("a fixed pattern")
});

/// A date in a text, or the first and the last day of a time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub range: Range<usize>,
    /// `2027-03-01`, or `2027-03` when no day is given; of two days the first. `None` when the year is missing
    /// and not told by the weekday, or when the order of day and month is open.
    pub value: Option<String>,
    /// The same of the last day.
    pub last: Option<String>,
}

/// Every date of a text, in order. `today` is the date of the document, ISO, if it bears one.
pub(crate) fn dates(text: &str, today: Option<&str>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for found in DATES.captures_iter(text) {
        let Some(range) = found.get(0).map(|whole| whole.range()) else { continue };
        // "in May 12 people" and "march 3" are no dates; a month is written with a capital.
        let lower_word = ["m2", "m3", "m4"]
            .iter()
            .any(|name| found.name(name).is_some_and(|m| m.as_str().starts_with(char::is_lowercase)));
        if lower_word {
            continue;
        }
        let [value, last] = [true, false].map(|first| value(&found, first, today));
        let spans = |first: &Found| {
            let between = SPAN.captures(&text[first.range.end..range.start]);
            between.is_some_and(|found| found.name("and").is_none() || first.value.is_none())
        };
        match out.last_mut() {
            Some(first) if spans(first) => {
                let told = || before(&text[first.range.clone()], last.as_deref()?);
                first.value = first.value.take().or_else(told);
                first.range.end = range.end;
                first.last = last;
            }
            _ => out.push(Found { range, value, last }),
        }
    }
    out
}

/// A day without a year that comes at most a year before another.
fn before(text: &str, last: &str) -> Option<String> {
    let found = DATES.captures(text)?;
    let year: i16 = last.get(..4)?.parse().ok()?;
    [year, year - 1].into_iter().find_map(|year| {
        let (_, month, day) = named(&found, true)?;
        iso(year, month, day).filter(|first| first.as_str() < last)
    })
}

/// Weekday, month and day of a date with a month's name; of two days the first or the last.
fn named<'t>(found: &Captures<'t>, first: bool) -> Option<(Option<&'t str>, i16, i16)> {
    let text = |name: &str| found.name(name).map(|m| m.as_str());
    let (weekday, month, day) = match text("m2") {
        Some(month) => (text("w2"), month, text("from").filter(|_| first).or(text("d2"))?),
        None => (text("w3"), text("m3")?, text("d3")?),
    };
    Some((weekday, month_number(month)?, day.parse().ok()?))
}

fn value(found: &Captures, first: bool, today: Option<&str>) -> Option<String> {
    let number = |name: &str| found.name(name).and_then(|m| m.as_str().parse::<i16>().ok());
    if let (Some(y), Some(m), Some(d)) = (number("y1"), number("m1"), number("d1")) {
        return iso(y, m, d);
    }
    if let Some(month) = found.name("m4") {
        return Some(format!("{:04}-{:02}", number("y4")?, month_number(month.as_str())?));
    }
    if let Some((_, month, day)) = named(found, first) {
        let told = || {
            let (weekday, month, day) = named(found, false)?;
            year_of(weekday?, month, day, today?)
        };
        return iso(number("y2").or(number("y3")).or_else(told)?, month, day);
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

/// The year in which that day has that weekday: the document's own, the one before or the one after, of which no
/// two agree.
fn year_of(weekday: &str, month: i16, day: i16, today: &str) -> Option<i16> {
    let start = weekday.get(..3)?.to_lowercase();
    let wanted = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|name| *name == start)?;
    let own: i16 = today.get(..4)?.parse().ok()?;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let agrees = |year: &i16| {
        Date::new(*year, month, day)
            .is_ok_and(|date| usize::try_from(date.weekday().to_monday_zero_offset()) == Ok(wanted))
    };
    [own, own + 1, own - 1].into_iter().find(agrees)
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
        dates(text, None).into_iter().map(|found| found.value).collect()
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
    fn a_weekday_tells_the_year_near_the_documents_own_date() {
        let near = |text: &str| {
            let found = dates(text, Some("2026-11-20")).into_iter().next().unwrap();
            (text[found.range].to_owned(), found.value)
        };
        let day = |text: &str, value: &str| (text.to_owned(), Some(value.to_owned()));
        assert_eq!(near("by Friday 12 February at noon"), day("Friday 12 February", "2027-02-12"));
        assert_eq!(near("on Tuesday, December 1"), day("Tuesday, December 1", "2026-12-01"));
        assert_eq!(near("by Thursday 12 February 2026"), day("Thursday 12 February 2026", "2026-02-12"));
        assert_eq!(near("by 12 February").1, None);
        assert_eq!(values("by Friday 12 February"), [None]);
    }

    #[test]
    fn the_first_and_the_last_day_of_a_time_are_one_date() {
        for (text, whole, first) in [
            ("from 1 March to 31 August 2027.", "1 March to 31 August 2027", "2027-03-01"),
            ("between 20 December and 6 January 2027", "20 December and 6 January 2027", "2026-12-20"),
            (
                "from Monday 20 December to 6 January 2027",
                "Monday 20 December to 6 January 2027",
                "2026-12-20",
            ),
            ("from Monday 14 to Wednesday 16 June 2027", "Monday 14 to Wednesday 16 June 2027", "2027-06-14"),
        ] {
            let found = dates(text, None);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((&text[found[0].range.clone()], found[0].value.as_deref()), (whole, Some(first)));
        }
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
            assert!(dates(text, None).iter().all(|found| found.value.is_none()), "{text}");
        }
        assert!(dates("they march 3 miles, it may 12 people", None).is_empty());
    }
}
