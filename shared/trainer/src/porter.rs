//! Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980) with the small changes that NLTK makes by
//! default, since ROUGE scores are published with that one. Held to it word by word in `tests/rouge.rs`.

/// Words that NLTK knows by heart.
const BY_HEART: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// The stem of a word of lower-case ASCII letters and digits.
pub(crate) fn stem(word: &str) -> String {
    if let Some((_, stem)) = BY_HEART.iter().find(|(known, _)| *known == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let mut word = word.to_owned();
    plurals(&mut word);
    past(&mut word);
    last_y(&mut word);
    double_suffixes(&mut word);
    suffixes(&mut word);
    last_suffix(&mut word);
    tidy(&mut word);
    word
}

/// A letter is a consonant unless it is a, e, i, o, u, or a y after a consonant.
fn consonant(word: &[u8], at: usize) -> bool {
    match word[at] {
        b'a' | b'e' | b'i' | b'o' | b'u' => false,
        b'y' => at == 0 || !consonant(word, at - 1),
        _ => true,
    }
}

/// How many times a run of vowels is followed by a run of consonants.
fn measure(stem: &str) -> usize {
    let word = stem.as_bytes();
    (1..word.len()).filter(|&at| consonant(word, at) && !consonant(word, at - 1)).count()
}

fn has_vowel(stem: &str) -> bool {
    (0..stem.len()).any(|at| !consonant(stem.as_bytes(), at))
}

fn double_consonant(word: &str) -> bool {
    let word = word.as_bytes();
    let n = word.len();
    n >= 2 && word[n - 1] == word[n - 2] && consonant(word, n - 1)
}

/// Ends in consonant, vowel, consonant (but not w, x, y), or is a vowel and a consonant.
fn short(word: &str) -> bool {
    let word = word.as_bytes();
    let n = word.len();
    if n == 2 {
        return !consonant(word, 0) && consonant(word, 1);
    }
    n > 2
        && consonant(word, n - 3)
        && !consonant(word, n - 2)
        && consonant(word, n - 1)
        && !matches!(word[n - 1], b'w' | b'x' | b'y')
}

/// A suffix, what takes its place, and what the rest must be like.
type Rule = (&'static str, &'static str, fn(&str) -> bool);

/// Applies the first rule whose suffix is there, if its condition holds.
fn apply(word: &mut String, rules: &[Rule]) -> bool {
    for (suffix, replacement, holds) in rules {
        if let Some(stem) = word.strip_suffix(suffix) {
            let matched = holds(stem);
            if matched {
                *word = format!("{stem}{replacement}");
            }
            return matched;
        }
    }
    false
}

const ANY: fn(&str) -> bool = |_| true;
const POSITIVE: fn(&str) -> bool = |stem| measure(stem) > 0;
const LONG: fn(&str) -> bool = |stem| measure(stem) > 1;

fn plurals(word: &mut String) {
    if word.len() == 4 && word.ends_with("ies") {
        word.truncate(3);
        return;
    }
    apply(word, &[("sses", "ss", ANY), ("ies", "i", ANY), ("ss", "ss", ANY), ("s", "", ANY)]);
}

fn past(word: &mut String) {
    if word.ends_with("ied") {
        let end = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - end);
        return;
    }
    if word.ends_with("eed") {
        apply(word, &[("eed", "ee", POSITIVE)]);
        return;
    }
    let stem =
        ["ed", "ing"].iter().find_map(|suffix| word.strip_suffix(suffix).filter(|stem| has_vowel(stem)));
    let Some(stem) = stem.map(str::to_owned) else { return };
    *word = stem;
    if word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz") {
        word.push('e');
    } else if double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && short(word) {
        word.push('e');
    }
}

fn last_y(word: &mut String) {
    apply(word, &[("y", "i", |stem| stem.len() > 1 && consonant(stem.as_bytes(), stem.len() - 1))]);
}

fn double_suffixes(word: &mut String) {
    if word.ends_with("alli") && POSITIVE(&word[..word.len() - 4]) {
        word.truncate(word.len() - 2);
        double_suffixes(word);
        return;
    }
    apply(
        word,
        &[
            ("ational", "ate", POSITIVE),
            ("tional", "tion", POSITIVE),
            ("enci", "ence", POSITIVE),
            ("anci", "ance", POSITIVE),
            ("izer", "ize", POSITIVE),
            ("bli", "ble", POSITIVE),
            ("alli", "al", POSITIVE),
            ("entli", "ent", POSITIVE),
            ("eli", "e", POSITIVE),
            ("ousli", "ous", POSITIVE),
            ("ization", "ize", POSITIVE),
            ("ation", "ate", POSITIVE),
            ("ator", "ate", POSITIVE),
            ("alism", "al", POSITIVE),
            ("iveness", "ive", POSITIVE),
            ("fulness", "ful", POSITIVE),
            ("ousness", "ous", POSITIVE),
            ("aliti", "al", POSITIVE),
            ("iviti", "ive", POSITIVE),
            ("biliti", "ble", POSITIVE),
            ("fulli", "ful", POSITIVE),
            // Its l belongs to the rest that is measured.
            ("logi", "log", |stem| measure(&format!("{stem}l")) > 0),
        ],
    );
}

fn suffixes(word: &mut String) {
    apply(
        word,
        &[
            ("icate", "ic", POSITIVE),
            ("ative", "", POSITIVE),
            ("alize", "al", POSITIVE),
            ("iciti", "ic", POSITIVE),
            ("ical", "ic", POSITIVE),
            ("ful", "", POSITIVE),
            ("ness", "", POSITIVE),
        ],
    );
}

fn last_suffix(word: &mut String) {
    let after_s_or_t: fn(&str) -> bool = |stem| LONG(stem) && stem.ends_with(['s', 't']);
    apply(
        word,
        &[
            ("al", "", LONG),
            ("ance", "", LONG),
            ("ence", "", LONG),
            ("er", "", LONG),
            ("ic", "", LONG),
            ("able", "", LONG),
            ("ible", "", LONG),
            ("ant", "", LONG),
            ("ement", "", LONG),
            ("ment", "", LONG),
            ("ent", "", LONG),
            ("ion", "", after_s_or_t),
            ("ou", "", LONG),
            ("ism", "", LONG),
            ("ate", "", LONG),
            ("iti", "", LONG),
            ("ous", "", LONG),
            ("ive", "", LONG),
            ("ize", "", LONG),
        ],
    );
}

fn tidy(word: &mut String) {
    if let Some(stem) = word.strip_suffix('e') {
        let m = measure(stem);
        if m > 1 || m == 1 && !short(stem) {
            word.pop();
        }
    }
    if word.ends_with("ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
}
