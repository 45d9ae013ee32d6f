//! What a sentence denies: "not", "no", "without", "refused" and the words they govern.

use super::tokens::Token;
use crate::words;
use std::collections::BTreeSet;

/// Words that deny what follows.
const NEGATORS: &[&str] = &[
    "not",
    "no",
    "never",
    "without",
    "nor",
    "neither",
    "nobody",
    "none",
    "nothing",
    "nowhere",
    "unable",
    "fails",
    "failed",
    "lacks",
    "lacked",
    "impossible",
    "nicht",
    "kein",
    "keine",
    "keinen",
    "keinem",
    "keiner",
    "keines",
    "nie",
    "niemals",
    "ohne",
    "niemand",
    "pas",
    "jamais",
    "sans",
    "aucun",
    "aucune",
    "ningún",
    "ninguna",
    "nunca",
    "sin",
    "non",
    "senza",
    "nessun",
    "nessuna",
    "niet",
    "geen",
    "nooit",
    "zonder",
];
/// Stems of words that may say the same as a denial, though they deny nothing by themselves.
const EXCUSES: &[&str] = &[
    "refus",
    "reject",
    "declin",
    "fail",
    "lack",
    "prohibit",
    "forbid",
    "forbidden",
    "ban",
    "ceas",
    "dismiss",
    "deni",
    "prevent",
    "close",
    "withhold",
    "off",
    "out",
    "unless",
    "except",
    "exempt",
    "absent",
    "stop",
    "onli",
    "apart",
    "instead",
    "rather",
    "hard",
    "rare",
];
/// "No later than" compares, "not only" and "no doubt" deny nothing.
const HARMLESS: &[&str] = &[
    "later", "earlier", "more", "less", "fewer", "only", "doubt", "until", "before", "least", "sooner",
    "other",
];
/// Words behind and before a denial that it may govern.
const SCOPE: usize = 3;
/// Share of words in common from which two texts are the same but for a denial.
const VERBATIM: f64 = 0.7;

/// One denial: the stems it governs, the nearest first, and those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denial {
    heads: Vec<String>,
    before: Vec<String>,
    token: usize,
}

/// Every denial of a sentence.
pub(super) fn denials(tokens: &[Token]) -> Vec<Denial> {
    let mut out: Vec<Denial> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", |next| next.lower.as_str());
        let no_longer = token.lower == "no" && next == "longer";
        // "Nor" goes on with the denial before it.
        let goes_on = token.lower == "nor" && !out.is_empty();
        let compares = HARMLESS.contains(&next) && !no_longer;
        let denies = token.is(NEGATORS) && !compares && !goes_on;
        if !denies && !lacks(&tokens[at..]) {
            continue;
        }
        let same = |other: &&Token| other.clause == token.clause;
        let behind = tokens[at + 1..].iter().take_while(same).filter(|t| carries(t));
        let before = tokens[..at].iter().rev().take_while(same).filter(|t| carries(t));
        let mut heads: Vec<String> = behind.take(SCOPE).map(|t| t.stem.clone()).collect();
        let before: Vec<String> = before.take(SCOPE + 1).map(|t| t.stem.clone()).collect();
        if heads.is_empty() {
            heads.extend(before.iter().take(2).cloned());
        }
        out.push(Denial { heads, before, token: at });
    }
    out
}

/// "Out of use", but not "out of the cellar".
fn lacks(tokens: &[Token]) -> bool {
    let word = |at: usize| tokens.get(at).map_or("the", |token| token.lower.as_str());
    word(0) == "out" && word(1) == "of" && !words::is_stop(word(2))
}

fn carries(token: &Token) -> bool {
    const LIGHT: &[&str] = &["yet", "already", "any", "longer", "further", "altogether", "still", "there"];
    let verb = token.is(&["use", "used", "using", "make"]);
    (verb || !words::is_stop(&token.lower)) && !token.is_figure() && !token.is(NEGATORS) && !token.is(LIGHT)
}

/// Whether a word is denied by its own prefix: "uninsured" for "insured".
fn prefixed(token: &Token, stem: &str) -> bool {
    ["un", "in", "im", "ir", "non", "dis"]
        .iter()
        .any(|prefix| token.stem.strip_prefix(prefix).is_some_and(|rest| rest.len() > 3 && rest == stem))
}

struct Side<'a> {
    tokens: &'a [Token],
    denials: Vec<Denial>,
}

impl Side<'_> {
    fn denied(&self, stem: &str) -> bool {
        let governed = |denial: &Denial| denial.heads.iter().chain(&denial.before).any(|head| head == stem);
        self.denials.iter().any(governed)
            || self.tokens.iter().any(|token| prefixed(token, stem))
            || self.excused(stem)
    }

    fn excused(&self, stem: &str) -> bool {
        let clauses = self.tokens.iter().filter(|token| token.stem == stem).map(|token| token.clause);
        clauses.into_iter().any(|clause| {
            let own = |token: &Token| token.clause == clause && token.stem != stem;
            self.tokens.iter().any(|token| own(token) && EXCUSES.contains(&token.stem.as_str()))
        })
    }

    fn says(&self, stem: &str) -> bool {
        self.tokens.iter().any(|token| token.stem == stem)
    }

    fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.lower == word)
    }

    fn stems(&self) -> BTreeSet<&str> {
        self.tokens.iter().filter(|token| carries(token)).map(|token| token.stem.as_str()).collect()
    }

    /// Denials of something that the other side speaks of too, those by a prefix among them.
    fn count(&self, other: &Self) -> usize {
        let own = |token: &&Token| other.tokens.iter().any(|one| prefixed(token, &one.stem));
        let met = |denial: &&Denial| denial.heads.iter().chain(&denial.before).any(|head| other.says(head));
        self.denials.iter().filter(met).count() + self.tokens.iter().filter(own).count()
    }
}

/// The word that one side denies and the other affirms, if there is one.
pub(super) fn turned(said: &[Token], source: &[Token]) -> Option<String> {
    let said = Side { tokens: said, denials: denials(said) };
    let source = Side { tokens: source, denials: denials(source) };
    against(&source, &said).or_else(|| against(&said, &source)).or_else(|| uneven(&said, &source))
}

/// A denial of `one` whose nearest shared word the other affirms.
fn against(one: &Side, other: &Side) -> Option<String> {
    let open = |denial: &&Denial| {
        let word = one.tokens[denial.token].lower.as_str();
        // "Nobody", "without", "nothing" say by themselves what is denied.
        let kept = !matches!(word, "not" | "no") && other.has(word);
        let known = |head: &&String| other.says(head) || other.tokens.iter().any(|t| prefixed(t, head));
        let shared = denial.heads.iter().filter(known).count();
        // Of what is denied the nearest word, or most of it.
        let meant = shared >= 2 || denial.heads.first().is_some_and(|head| known(&head));
        !kept && meant && !denial.heads.iter().any(|head| other.denied(head))
    };
    let found: Vec<&Denial> = one.denials.iter().filter(open).collect();
    // "Not … without": two denials that the other side says as one affirmation.
    if found.len() == 2 && other.denials.is_empty() {
        return None;
    }
    found.first().map(|denial| one.tokens[denial.token].lower.clone())
}

/// One side denies and the other doesn't, in nearly the same words or in one short clause each.
fn uneven(said: &Side, source: &Side) -> Option<String> {
    let (own, told) = (said.stems(), source.stems());
    let shared = own.intersection(&told).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    let verbatim = shared as f64 >= VERBATIM * own.len().max(told.len()) as f64;
    let single = |side: &Side| side.tokens.windows(2).all(|pair| pair[0].clause == pair[1].clause);
    let met = |one: &Side, other: &Side| {
        one.denials.iter().flat_map(|d| d.heads.iter().chain(&d.before)).any(|head| other.says(head))
    };
    let excused = |side: &Side| side.tokens.iter().any(|token| EXCUSES.contains(&token.stem.as_str()));
    let alike = |one: &Side, other: &Side| excused(one) == excused(other);
    let odd = said.count(source) % 2 != source.count(said) % 2;
    let short = single(said) && single(source) && !met(said, source) && !met(source, said);
    let short = short && said.denials.len() % 2 != source.denials.len() % 2;
    ((odd && verbatim || short) && alike(said, source)).then(|| "not".to_owned())
}
