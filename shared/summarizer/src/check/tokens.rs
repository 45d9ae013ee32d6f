//! A sentence as the checks read it: words with their stems, contractions taken apart, clauses numbered.

use crate::words::Stems;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\d{1,2}:\d\d|\d+(?:[.,'’]\d+)*(?:st|nd|rd|th)?\b|[\p{L}\p{M}\d]+(?:['’][\p{L}\p{M}]+)*|[;:,()–—]",
    )
    .expect("a fixed pattern")
});
/// Words that open a clause of their own.
const OPENERS: &[&str] = &[
    "because", "if", "unless", "while", "whereas", "when", "although", "though", "which", "who", "whose",
    "but", "since", "so", "whether", "and", "that", "as", "except",
];

/// Forms that a stemmer doesn't bring together.
const IRREGULAR: &[(&str, &[&str])] = &[
    ("pay", &["paid"]),
    ("sell", &["sold"]),
    ("buy", &["bought"]),
    ("give", &["gave", "given"]),
    ("take", &["took", "taken"]),
    ("send", &["sent"]),
    ("keep", &["kept"]),
    ("hold", &["held"]),
    ("lead", &["led"]),
    ("make", &["made"]),
    ("bring", &["brought"]),
    ("leave", &["left"]),
    ("lose", &["lost", "loss"]),
    ("win", &["won"]),
    ("tell", &["told"]),
    ("say", &["said"]),
    ("find", &["found"]),
    ("break", &["broke", "broken"]),
    ("write", &["wrote", "written"]),
    ("build", &["built"]),
    ("lend", &["lent"]),
    ("withdraw", &["withdrew", "withdrawn"]),
    ("speak", &["spoke", "spoken"]),
    ("begin", &["began", "begun"]),
    ("choose", &["chose", "chosen"]),
    ("know", &["knew", "known"]),
    ("see", &["saw", "seen"]),
    ("go", &["went", "gone"]),
    ("run", &["ran"]),
    ("rise", &["rose", "risen"]),
    ("fall", &["fell", "fallen"]),
    ("grow", &["grew", "grown"]),
];

fn base(lower: &str, english: bool) -> &str {
    let found = IRREGULAR.iter().find(|(_, forms)| english && forms.contains(&lower));
    found.map_or(lower, |(base, _)| base)
}

/// A word or a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Bytes of the text; the parts of a contraction share them.
    pub at: Range<usize>,
    pub lower: String,
    pub stem: String,
    /// Begins with a capital.
    pub capital: bool,
    /// Begins the sentence, a quotation or what follows a colon, where a capital says nothing.
    pub first: bool,
    /// Followed by 's or an apostrophe.
    pub owns: bool,
    pub clause: usize,
}

impl Token {
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }

    pub(super) fn is_figure(&self) -> bool {
        self.lower.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// The words of a text. Clauses begin at commas, semicolons, colons, brackets and conjunctions.
pub(super) fn tokens(text: &str, stems: &Stems) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut clause = 0;
    for found in WORD.find_iter(text) {
        let word = found.as_str();
        let opens = word != "and" || goes_on(&text[found.end()..]);
        if word.chars().all(|c| ";:,()–—".contains(c)) {
            clause += 1;
            continue;
        }
        let before = text[..found.start()].trim_end();
        let first = out.is_empty() || before.ends_with([':', '"', '“', '‘', '.', '!', '?', ';']);
        let owns = text[found.end()..].starts_with(['\'', '’']);
        let mut push = |lower: &str, owns: bool| {
            if OPENERS.contains(&lower) && opens {
                clause += 1;
            }
            let stem = stems.of(base(lower, stems.english())).pop().unwrap_or_else(|| lower.to_owned());
            let capital = word.starts_with(char::is_uppercase);
            out.push(Token {
                at: found.range(),
                lower: lower.to_owned(),
                stem,
                capital,
                first,
                owns,
                clause,
            });
        };
        let lower = word.to_lowercase().replace('’', "'");
        match parts(&lower) {
            (base, Some(part), _) => {
                push(base, false);
                push(part, false);
            }
            (base, None, possessive) => push(base, owns || possessive),
        }
    }
    out
}

/// Whether "and" joins clauses and not nouns: a verb or a figure of its own follows soon.
fn goes_on(rest: &str) -> bool {
    const VERBS: &[&str] = &[
        "is", "are", "was", "were", "has", "have", "had", "must", "shall", "will", "may", "can", "does",
        "did", "not", "no",
    ];
    if ["of", "in", "to", "by", "for", "with", "from", "on"]
        .contains(&rest.split_whitespace().next().unwrap_or(""))
    {
        return rest.split_whitespace().take(2).any(|word| word.chars().any(|c| c.is_ascii_digit()));
    }
    let mut words = rest.split_whitespace().take(5).enumerate();
    words.any(|(at, word)| VERBS.contains(&word) || at < 2 && word.chars().any(|c| c.is_ascii_digit()))
}

/// "can't" → can, not; "it's" → it, and whether it is a possessive.
fn parts(lower: &str) -> (&str, Option<&'static str>, bool) {
    match lower {
        "cannot" | "can't" => return ("can", Some("not"), false),
        "won't" => return ("will", Some("not"), false),
        "shan't" => return ("shall", Some("not"), false),
        _ => {}
    }
    if let Some(base) = lower.strip_suffix("n't") {
        return (base, Some("not"), false);
    }
    match lower.split_once('\'') {
        Some((base, "s")) => (base, None, true),
        Some((base, "ll" | "ve" | "re" | "d" | "m")) => (base, None, false),
        _ => (lower, None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowers(text: &str) -> Vec<String> {
        tokens(text, &Stems::new(Some("en"))).into_iter().map(|token| token.lower).collect()
    }

    #[test]
    fn contractions_come_apart_and_figures_stay_whole() {
        assert_eq!(lowers("They can't pay £1,140.50."), ["they", "can", "not", "pay", "1,140.50"]);
        assert_eq!(
            lowers("The tenant’s dog won’t bark at 18:00"),
            ["the", "tenant", "dog", "will", "not", "bark", "at", "18:00"]
        );
        let all = tokens("three weeks' notice, if due", &Stems::new(None));
        assert!(all[1].owns && all[3].clause > all[2].clause);
    }
}
