//! Whether text looks like words of some language: no dictionary, only the shape of tokens.

/// How many tokens of a text could be judged, and how many of them look like words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WordShapes {
    /// Tokens with letters in them (numbers and signs say nothing either way).
    pub judged: usize,
    /// Those of them that look like words.
    pub alike: usize,
}

impl WordShapes {
    /// The share of word-like tokens; 1 when there was nothing to judge.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a page has far fewer than 2^24 tokens")]
    pub fn share(self) -> f32 {
        if self.judged == 0 { 1.0 } else { self.alike as f32 / self.judged as f32 }
    }
}

/// Judges a text token by token.
#[must_use]
pub fn shapes(text: &str) -> WordShapes {
    let mut shapes = WordShapes::default();
    for token in text.split_whitespace() {
        if let Some(alike) = is_word(token) {
            shapes.judged += 1;
            shapes.alike += usize::from(alike);
        }
    }
    shapes
}

/// Whether a token looks like a word; `None` for numbers, signs, addresses and identifiers.
fn is_word(token: &str) -> Option<bool> {
    let core = token.trim_matches(|c: char| !c.is_alphanumeric());
    let letters = core.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 0 || core.contains("://") || core.starts_with("www.") || is_identifier(core) {
        return None;
    }
    let digits = core.chars().filter(|c| c.is_numeric()).count();
    if digits > 0 {
        // Part numbers and dates are neutral; digits inside what else would be a word are not.
        return if digits * 2 >= letters || core.len() <= 4 { None } else { Some(false) };
    }
    let length = core.chars().count();
    let strange = core
        .chars()
        .filter(|c| !c.is_alphabetic() && !"'\u{2019}-\u{2010}\u{2011}.\u{2013}\u{b7}/&".contains(*c))
        .count();
    if strange > 0 || length > 40 {
        return Some(false);
    }
    if !core.chars().any(|c| c.is_ascii_alphabetic()) {
        return Some(true);
    }
    Some(has_latin_shape(core))
}

/// `asn1_get_bit`, `anna@example.org`: names for machines, written with nothing that names do not have.
fn is_identifier(core: &str) -> bool {
    core.contains(['@', '_']) && core.chars().all(|c| c.is_ascii_alphanumeric() || "@_.-".contains(c))
}

/// Latin words have vowels, no long run of consonants, and capitals only where words have them.
fn has_latin_shape(core: &str) -> bool {
    let capitals = core.chars().filter(|c| c.is_uppercase()).count();
    let letters = core.chars().filter(|c| c.is_alphabetic()).count();
    if letters <= 2 {
        return true;
    }
    let all_capitals = capitals == letters;
    let is_vowel = |c: char| !c.is_ascii() || "aeiouyAEIOUY".contains(c);
    let vowels = core.chars().filter(|c| c.is_alphabetic() && is_vowel(*c)).count();
    let acronym = all_capitals && letters <= 5;
    let mut run = 0;
    let mut longest = 0;
    for c in core.chars() {
        run = if c.is_alphabetic() && !is_vowel(c) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let mixed = !all_capitals
        && core.split(|c: char| !c.is_alphabetic()).any(|part| {
            let inner = part.chars().skip(1).filter(|c| c.is_uppercase()).count();
            inner > 1 && inner < part.chars().count().saturating_sub(1)
        });
    acronym || (vowels > 0 && longest <= 7 && !mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages_look_like_words() {
        for text in [
            "The quick brown fox jumps over McDonald's well-known strengths",
            "Jede Person hat Anspruch auf Rechtsschutzversicherung",
            "Le caf\u{e9} d'\u{e0} c\u{f4}t\u{e9} \u{e9}tait ferm\u{e9}",
            "\u{412}\u{441}\u{435} \u{43b}\u{44e}\u{434}\u{438} \u{440}\u{43e}\u{436}\u{434}\u{430}\u{44e}\u{442}\u{441}\u{44f}",
            "\u{4eba}\u{4eba}\u{751f}\u{800c}\u{81ea}\u{7531}",
        ] {
            assert!((shapes(text).share() - 1.0).abs() < f32::EPSILON, "{text}: {:?}", shapes(text));
        }
    }

    #[test]
    fn shifted_letters_do_not() {
        let garbage = "b++oP::/Zu/.H3x qaB,\"wB'Q/7V'wL'/-s/GLW',L'$,/b''vb7/\\B,,b2B/QL/QWB/RL'2aB,,/L'/QWB/,QbQB/Lg zPj;Po/SX) Xqwzrtp kdRTpQz";
        assert!(shapes(garbage).share() < 0.3, "{:?}", shapes(garbage));
    }

    #[test]
    fn numbers_say_nothing() {
        assert_eq!(
            shapes("12 3,400.50 2024-01-05 A4 https://example.org/x asn1_get_bit"),
            WordShapes::default()
        );
    }
}
