//! How values look in a terminal. Everything that came with a document goes through [`clean`].

use jiff::Timestamp;
use std::time::Duration;

/// A text without anything that could steer a terminal or break a line.
pub fn clean(text: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if bad(c) { '\u{fffd}' } else { c }).collect()
}

/// `2026-11-23 09:12`.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `09:12:04`.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `12 ms`, `3.1 s`, `2m12s`.
pub fn millis(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => age(Duration::from_millis(ms)),
    }
}

/// `11s`, `4m02s`, `3h07m`, `2d05h`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `512 B`, `3.1 kB`, `91.2 MB`, `2.5 GB`.
pub fn amount(bytes: u64) -> String {
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0);
    while whole >= 1000 && unit < 4 {
        (whole, rest, unit) = (whole / 1000, whole % 1000 / 100, unit + 1);
    }
    let name = ["B", "kB", "MB", "GB", "TB"][unit];
    if unit == 0 { format!("{whole} {name}") } else { format!("{whole}.{rest} {name}") }
}

/// A JSON value as a person writes it.
pub fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_can_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
    }

    #[test]
    fn amounts_are_short_and_never_more_than_there_is() {
        let said = [0, 999, 1000, 91_234_567, 1_999_999_999].map(amount);
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "91.2 MB", "1.9 GB"]);
    }

    #[test]
    fn times_are_short_and_right() {
        assert_eq!(
            (millis(12).as_str(), millis(3140).as_str(), millis(132_000).as_str()),
            ("12 ms", "3.1 s", "2m12s")
        );
        assert_eq!(age(Duration::from_secs(7 * 3600 + 61)), "7h01m");
    }
}
