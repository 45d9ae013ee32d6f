//! Words that tell a direction, and which way they point where they stand.

use super::tokens::Token;

/// What a word's direction is about. Words of one axis can stand for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Amount,
    Time,
    Speed,
    Rank,
    Answer,
    Open,
}

/// Words (as written) with their direction.
const WORDS: &[(Axis, i8, &[&str])] = &[
    (
        Axis::Amount,
        1,
        &[
            "more",
            "above",
            "exceeds",
            "exceed",
            "exceeding",
            "exceeded",
            "higher",
            "greater",
            "larger",
            "bigger",
            "rise",
            "rises",
            "rose",
            "risen",
            "rising",
            "raise",
            "raises",
            "raised",
            "increase",
            "increases",
            "increased",
            "increasing",
            "grow",
            "grows",
            "grew",
            "grown",
            "gain",
            "gained",
            "doubled",
            "doubles",
            "double",
            "up",
            "minimum",
            "dearer",
            "costlier",
            "beyond",
            "climbed",
            "gained",
            "most",
            "heavier",
            "maximise",
            "oftener",
        ],
    ),
    (
        Axis::Amount,
        -1,
        &[
            "less",
            "fewer",
            "below",
            "lower",
            "smaller",
            "fall",
            "falls",
            "fell",
            "fallen",
            "falling",
            "lowers",
            "lowered",
            "decrease",
            "decreases",
            "decreased",
            "decreasing",
            "reduce",
            "reduces",
            "reduced",
            "shrink",
            "shrinks",
            "shrank",
            "shrunk",
            "drop",
            "drops",
            "dropped",
            "decline",
            "declines",
            "declined",
            "halved",
            "halves",
            "down",
            "maximum",
            "cheaper",
            "few",
            "little",
            "least",
            "lighter",
            "minimise",
            "cut",
            "cuts",
        ],
    ),
    (
        Axis::Time,
        1,
        &["after", "afterwards", "later", "following", "since", "younger", "newer", "onwards", "thereafter"],
    ),
    (
        Axis::Time,
        -1,
        &["before", "beforehand", "earlier", "until", "till", "prior", "older", "sooner", "advance"],
    ),
    (Axis::Speed, 1, &["faster", "quicker", "shorter"]),
    (Axis::Speed, -1, &["slower", "longer"]),
    (Axis::Rank, 1, &["ahead", "better", "best", "stronger", "majority", "profit", "profits"]),
    (Axis::Rank, -1, &["behind", "worse", "worst", "weaker", "minority", "loss", "losses"]),
    (
        Axis::Answer,
        1,
        &[
            "accept",
            "accepts",
            "accepted",
            "approve",
            "approves",
            "approved",
            "grant",
            "granted",
            "allow",
            "allows",
            "allowed",
            "permit",
            "permits",
            "permitted",
            "upheld",
        ],
    ),
    (
        Axis::Answer,
        -1,
        &[
            "reject",
            "rejects",
            "rejected",
            "refuse",
            "refuses",
            "refused",
            "dismiss",
            "dismisses",
            "dismissed",
            "forbid",
            "forbids",
            "forbidden",
            "prohibited",
            "prohibits",
            "deny",
            "denied",
            "declined",
            "banned",
        ],
    ),
    (Axis::Open, 1, &["open", "opens", "opened", "include", "includes", "included", "including"]),
    (Axis::Open, -1, &["closed", "closes", "close", "exclude", "excludes", "excluded", "excluding"]),
];

/// Words that "not" before them turns round.
const COMPARATIVES: &[&str] = &[
    "more",
    "less",
    "fewer",
    "later",
    "earlier",
    "longer",
    "shorter",
    "above",
    "below",
    "over",
    "under",
    "sooner",
    "higher",
    "lower",
    "greater",
    "smaller",
    "larger",
    "bigger",
    "exceed",
    "exceeding",
    "faster",
    "slower",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    pub axis: Axis,
    pub sign: i8,
    pub token: usize,
}

/// Every word that tells a direction. "Not later than" points the other way.
pub(super) fn directions(tokens: &[Token]) -> Vec<Direction> {
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let back = |steps: usize| at.checked_sub(steps).map_or("", |at| tokens[at].lower.as_str());
        let next = |steps: usize| tokens.get(at + steps).map_or("", |token| token.lower.as_str());
        let (axis, mut sign) = match token.lower.as_str() {
            "over" | "under" | "within" if amounts_to(tokens, at + 1) => {
                (Axis::Amount, if token.lower == "over" { 1 } else { -1 })
            }
            // "At least" sets a lower bound, "at most" an upper one; "the most" is neither.
            "least" | "most" if back(1) == "at" => {
                (Axis::Amount, if token.lower == "least" { 1 } else { -1 })
            }
            "least" | "most" | "few" | "little" if !matches!(back(1), "so" | "too") => continue,
            "latest" if back(1) == "the" => (Axis::Time, -1),
            "earliest" if back(1) == "the" => (Axis::Time, 1),
            "longer" if back(1) == "no" => continue,
            "since" if next(1).is_empty() || !tokens[at + 1].is_figure() => continue,
            "close" | "open" if back(1) == "as" => continue,
            word => match WORDS.iter().find(|(_, _, words)| words.contains(&word)) {
                Some((axis, sign, _)) => (*axis, *sign),
                None => continue,
            },
        };
        // "Not more", "not before" turn; what a denied verb says of its direction stays ("may not raise").
        let limit = matches!(token.lower.as_str(), "before" | "until" | "till" | "after");
        let turns = limit || token.is(COMPARATIVES);
        let reach = if matches!(axis, Axis::Answer | Axis::Open) { 4 } else { usize::from(turns) };
        let denied = (1..=reach).any(|steps| is_negator(back(steps)) && clause_of(tokens, at, steps))
            || limit && denies(tokens, at) && back(1) != "only";
        if denied {
            sign = -sign;
        }
        out.push(Direction { axis, sign, token: at });
    }
    out
}

fn is_negator(word: &str) -> bool {
    matches!(word, "not" | "no" | "never" | "neither" | "nobody")
}

/// Whether the clause of a word is denied; a short opening one goes with the next.
pub(super) fn denies(tokens: &[Token], at: usize) -> bool {
    let clause = tokens[at].clause;
    let short = tokens.iter().filter(|token| token.clause == clause).count() <= 5;
    let last =
        if short && tokens.first().is_some_and(|first| first.clause == clause) { clause + 1 } else { clause };
    tokens.iter().any(|token| (clause..=last).contains(&token.clause) && is_negator(&token.lower))
}

fn clause_of(tokens: &[Token], at: usize, back: usize) -> bool {
    tokens[at - back].clause == tokens[at].clause
}

fn amounts_to(tokens: &[Token], at: usize) -> bool {
    const NUMBERS: &[&str] = &[
        "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen",
        "sixteen", "eighteen", "twenty", "thirty", "forty", "fifty", "sixty", "half", "the",
    ];
    tokens.get(at).is_some_and(|token| {
        token.is_figure() || token.is(NUMBERS) || token.is(&["eur", "usd", "gbp", "chf"])
    })
}
