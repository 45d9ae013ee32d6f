//! Who agrees with whom: the names to which a contract gives a part of its own ("Norvik Lift Service Ltd … (“the
//! Contractor”)").

use regex::Regex;
use std::sync::LazyLock;

/// Parties stand at the beginning.
pub(crate) const FIRST: usize = 40;

static PARTY: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"\p{Lu}[\p{L}\d.&'’-]*";
    let name = format!(r"(?P<name>{word}(?: (?:{word}|&|of|and|the))* {word})");
    let called = r"(?:hereinafter|hereafter|(?:hereinafter |hereafter )?(?:called|referred to as))?";
    let role = r#"(?:the )?["“](?:the )?(?P<role>\p{Lu}[\p{L} ]{2,30})["”]"#;
    Regex::new(&format!(r#"{name}[^()"“”]{{0,160}}?[(—–]\s*{called}\s*{role}"#)).expect("a fixed pattern")
});

/// Each party of a text: the part that it has in the document, and its name.
pub(crate) fn parties(text: &str) -> Vec<(&str, &str)> {
    PARTY
        .captures_iter(text)
        .filter_map(|found| Some((found.name("role")?.as_str(), found.name("name")?.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_part_of_its_own_is_a_party() {
        for (text, role, name) in [
            (
                "Hartwell Joinery Ltd, represented by Mr Colin Hartwell (hereinafter \"the Company\")",
                "Company",
                "Hartwell Joinery Ltd",
            ),
            (
                "Brackley & Dunmore LLP, 14 Tannery Court (“the Client”), and others",
                "Client",
                "Brackley & Dunmore LLP",
            ),
            (
                "Norvik Lift Service Ltd, Unit 7 — hereinafter \"the Contractor\" —",
                "Contractor",
                "Norvik Lift Service Ltd",
            ),
        ] {
            assert_eq!(parties(text), [(role, name)], "{text}");
        }
        for text in ["The Council met (it was late).", "The story \"The Client\" is by Grisham."] {
            assert!(parties(text).is_empty(), "{text}");
        }
    }
}
