//! Units of measurement, currencies and periods behind a number.

use super::quantity::Manner;
use super::tokens::Token;

/// What a number counts: a dimension, and how many of its base unit one is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    pub dimension: String,
    pub factor: f64,
}

/// The unit behind a number, and how many tokens there are up to its end.
pub(super) fn unit(text: &str, end: usize, tokens: &[Token], manner: Manner) -> (usize, Option<Unit>) {
    let rest = text[end..].trim_start();
    let of = |dimension: &str, factor: f64| Some(Unit { dimension: dimension.to_owned(), factor });
    if rest.starts_with('%') {
        return (0, of("per cent", 1.0));
    }
    const BETWEEN: &[&str] = &[
        "working",
        "business",
        "calendar",
        "consecutive",
        "full",
        "more",
        "further",
        "and",
        "equal",
        "whole",
        "other",
        "a",
        "half",
    ];
    let word = |at: usize| tokens.get(at).map_or("", |token| token.lower.as_str());
    for at in 0..3 {
        match (word(at), word(at + 1)) {
            ("per", "cent") | ("percentage", "points") => return (at + 2, of("per cent", 1.0)),
            ("percent", _) => return (at + 1, of("per cent", 1.0)),
            ("per", "mille") => return (at + 2, of("per mille", 1.0)),
            ("square" | "sq", name) => {
                let side = measure(name).filter(|unit| unit.dimension == "length");
                return (at + 2, side.and_then(|unit| of("area", unit.factor * unit.factor)));
            }
            ("am" | "pm", _) if tokens.get(at).is_some_and(|token| token.at.start <= end + 1) => {
                return (at + 1, of("clock", 1.0));
            }
            ("euro" | "euros", _) => return (at + 1, of("EUR", 1.0)),
            ("dollar" | "dollars", _) => return (at + 1, of("USD", 1.0)),
            ("pound" | "pounds", _) if manner.habits.pounds_are_money => return (at + 1, of("GBP", 1.0)),
            (name, _) => {
                if let Some(unit) = measure(name) {
                    return (at + 1, Some(unit));
                }
                // "half an hour", "three working days": the unit comes after.
                if !BETWEEN.contains(&name) {
                    return (0, None);
                }
            }
        }
    }
    (0, None)
}

/// Units that people write, by the dimension they measure. Months and days don't measure each other.
fn measure(name: &str) -> Option<Unit> {
    const TABLE: &[(&str, f64, &[&str])] = &[
        ("time", 1.0, &["second", "seconds", "sec", "secs", "s"]),
        ("time", 60.0, &["minute", "minutes", "min", "mins", "minuten"]),
        ("time", 3600.0, &["hour", "hours", "h", "hrs", "stunden", "heures", "horas"]),
        ("time", 86400.0, &["day", "days", "tage", "tagen", "jours", "días", "night", "nights"]),
        ("time", 604_800.0, &["week", "weeks", "wochen", "semaines", "semanas"]),
        ("time", 1_209_600.0, &["fortnight", "fortnights"]),
        ("months", 1.0, &["month", "months", "monat", "monate", "monaten", "mois", "meses"]),
        ("months", 12.0, &["year", "years", "jahr", "jahre", "jahren", "ans", "années", "años"]),
        ("months", 120.0, &["decade", "decades"]),
        ("length", 0.001, &["mm", "millimetre", "millimetres", "millimeters"]),
        ("length", 0.01, &["cm", "centimetre", "centimetres", "centimeters"]),
        ("length", 1.0, &["m", "metre", "metres", "meter", "meters", "meters"]),
        ("length", 1000.0, &["km", "kilometre", "kilometres", "kilometer", "kilometers"]),
        ("length", 0.3048, &["foot", "feet", "ft"]),
        ("length", 0.0254, &["inch", "inches"]),
        ("length", 0.9144, &["yard", "yards"]),
        ("length", 1609.344, &["mile", "miles"]),
        ("area", 10_000.0, &["hectare", "hectares", "ha"]),
        ("area", 1.0, &["m²", "sqm", "m2"]),
        ("area", 4046.856, &["acre", "acres"]),
        ("mass", 1e-6, &["mg", "milligram", "milligrams"]),
        ("mass", 1e-3, &["g", "gram", "grams"]),
        ("mass", 1.0, &["kg", "kilogram", "kilograms", "kilo", "kilos"]),
        ("mass", 1000.0, &["t", "tonne", "tonnes"]),
        ("mass", 0.453_592_37, &["lb", "lbs", "pound", "pounds"]),
        ("volume", 0.001, &["ml", "millilitre", "millilitres"]),
        ("volume", 1.0, &["l", "litre", "litres", "liter", "liters"]),
        ("volume", 3.785, &["gallon", "gallons"]),
        ("temperature", 1.0, &["degree", "degrees", "°c", "grad"]),
        ("data", 1.0, &["byte", "bytes"]),
        ("data", 1e3, &["kb"]),
        ("data", 1e6, &["mb"]),
        ("data", 1e9, &["gb"]),
        ("data", 1e12, &["tb"]),
        ("power", 1.0, &["w", "watt", "watts"]),
        ("power", 1e3, &["kw"]),
        ("power", 1e6, &["mw"]),
        ("energy", 1.0, &["kwh"]),
        ("energy", 1000.0, &["mwh"]),
        ("frequency", 1.0, &["hz"]),
        ("frequency", 1e3, &["khz"]),
        ("frequency", 1e6, &["mhz"]),
        ("frequency", 1e9, &["ghz"]),
        ("per cent", 1.0, &["percent", "prozent"]),
    ];
    let (dimension, factor, _) = TABLE.iter().find(|(_, _, names)| names.contains(&name))?;
    Some(Unit { dimension: (*dimension).to_owned(), factor: *factor })
}

/// "a month", "per year", "hourly" right behind a quantity.
pub(super) fn rate(tokens: &[Token]) -> Option<&'static str> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.lower.as_str());
    let at = usize::from(word(0) == "once");
    match word(at) {
        "a" | "an" | "per" | "each" | "every" => period(word(at + 1)),
        other => period(other).filter(|_| other.ends_with("ly")),
    }
}

/// A period by its noun or adverb.
pub(super) fn period(word: &str) -> Option<&'static str> {
    Some(match word {
        "hour" | "hourly" | "hours" => "hour",
        "day" | "daily" | "days" => "day",
        "night" | "nightly" | "nights" => "night",
        "week" | "weekly" | "weeks" => "week",
        "month" | "monthly" | "months" => "month",
        "quarter" | "quarterly" | "quarters" => "quarter",
        "year" | "yearly" | "annual" | "annually" | "years" | "annum" => "year",
        _ => return None,
    })
}
