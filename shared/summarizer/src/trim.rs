//! Words that a sentence of a summary can do without: how it joins on to the one before it ("However, …", "And so …"),
//! how it gets to its point ("I am pleased to tell you that …"), and asides in brackets.
//!
//! Only what grammar never misses is left out: an adverb before a comma or a conjunction at the beginning, a main
//! clause whose whole content is the `that` behind it, a bracket that holds neither a figure nor a word that turns the
//! sense. Nothing is cut beside or inside a quotation. The citation keeps the whole sentence and says that it is
//! longer. English; other languages keep their sentences whole.

use crate::cues;
use crate::structure::{Document, Kind};
use crate::words::count_words;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What is left must still be a sentence.
const LEAST: usize = 5;
/// An aside of fewer words is not worth the cut.
const ASIDE: usize = 3;

/// Conjunctions that may open a sentence without a comma, and fillers of speech; adverbs only before a comma. What
/// makes the rest hang on a condition or an example ("otherwise", "instead", "then", "for example") is not among them.
static JOINT: LazyLock<Regex> = LazyLock::new(|| {
    let filler = "(?:well|yeah|okay|ok|um|uh|now|right)";
    let adverbs = "however|therefore|thus|hence|moreover|furthermore|also|nevertheless|nonetheless|similarly|likewise|\
                   consequently|accordingly|additionally|besides|meanwhile|finally|in addition|as a result|in turn|\
                   that said|even so";
    pattern(&format!(r"^(?:(?:and|but|so|yet)(?:,\s+|\s+)|{filler}(?:,\s+|\s+)|(?:{adverbs}),\s+)"))
});

/// Main clauses that only say that what follows is said.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    let please = r"please (?:note|be aware|be advised|remember|bear in mind)";
    let glad = r"(?:i am|i'm|we are|we're) (?:\w+ )?(?:very |most )?(?:pleased|happy|glad|delighted|sorry|writing) to (?:be able to )?(?:tell|inform|say|confirm|let|announce|advise)(?: to)?(?: you)?(?: know)?";
    let wish = r"(?:i|we) (?:would|should) (?:like|wish) to (?:inform|remind|tell|let) you(?: know)?";
    let hereby = r"(?:i|we) (?:hereby |herewith |can |can now |are able to )?(?:confirm|inform you|note|wish to inform you|remind you|advise you)";
    let noted = r"it (?:should be|is to be|was|is) (?:noted|pointed out|recalled)";
    pattern(&format!(r"^(?:{please}|{glad}|{wish}|{hereby}|{noted}) that\s+"))
});

/// What only gives the reason or the occasion of what follows.
static REASON: LazyLock<Regex> = LazyLock::new(|| {
    let openings = r"in view of|in (?:the )?light of|in line with|in keeping with|by reason of|owing to|due to|because of|on balance|with regret|to my regret|in any case|as (?:you (?:will |may )?know|(?:was )?(?:agreed|discussed|announced|mentioned|promised|explained))";
    pattern(&format!(
        r"^(?:{openings})\b[^;:.?!]{{0,160}}?, (?P<rest>(?:the|a|an|we|you|our|your|all|each|every|no|any)\b)"
    ))
});

/// A decision, whatever was said before it: "After some talk it was agreed with 17 votes to 1 that …".
static DECIDED: LazyLock<Regex> = LazyLock::new(|| {
    let who = r"it (?:was|is|has been)|(?:the )?(?:committee|board|council|meeting|trustees|members|panel|association)(?: (?:has|have))?";
    let verbs = "agreed|resolved|decided";
    pattern(&format!(
        r"^(?:(?:after|following|in|on|at|as|since)\b[^;:.?!]{{0,200}}?[, ])?(?:{who}) (?:\w+ )?(?:{verbs})\b[^;:.?!]{{0,80}}?\bthat (?P<rest>\w)"
    ))
});

/// With these behind it a conjunction is none: "but for", "so that", "so far", "yet another", "now that", "right to".
const BINDS: [&str; 16] = [
    "for", "that", "far", "much", "many", "long", "as", "called", "too", "another", "do", "did", "is", "are",
    "to", "of",
];

/// A bracket in running text, not one that is part of a word or a call.
static BRACKET: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s\(([^()]*)\)"));

/// Words in a bracket that turn what stands before it, or say how much of it holds.
static TURNS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:not|no|nor|never|only|unless|except|excluding|including|without|if|until|from|before|after|at least|at most|up to|plus|minus|formerly|previously|old|new|hereinafter|the)\b|[%£$€]|\d",
    )
});

fn pattern(text: &str) -> Regex {
    cues::latin(&format!("(?i){text}"))
}

/// Shortens the sentences of a document; the citations of those that lose words say so. Asides are left out where a
/// reader looks for what to do (`office`); elsewhere they are part of the matter.
pub(crate) fn trim(document: &mut Document, office: bool) {
    for sentence in &mut document.sentences {
        if sentence.kind == Kind::Row {
            continue;
        }
        if let Cow::Owned(text) = shortened(&sentence.text, office) {
            sentence.words = count_words(&text);
            sentence.text = text;
            sentence.trimmed = true;
        }
    }
}

/// The sentence without the words that it can do without.
fn shortened(text: &str, asides: bool) -> Cow<'_, str> {
    if text.contains(['"', '“', '”', '„', '«', '»']) {
        return Cow::Borrowed(text);
    }
    let mut rest = text;
    while let Some(found) = JOINT.find(rest).or_else(|| LEAD.find(rest)) {
        let after = &rest[found.end()..];
        let next = after.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
        if count_words(after) < LEAST || next.is_empty() || BINDS.contains(&next.as_str()) {
            break;
        }
        rest = after;
    }
    if asides {
        let leads = [&*REASON, &*DECIDED].into_iter().filter_map(|lead| lead.captures(rest)?.name("rest"));
        let start = leads.map(|found| found.start()).max().unwrap_or(0);
        rest = if count_words(&rest[start..]) >= LEAST { &rest[start..] } else { rest };
    }
    let mut out = Cow::Borrowed(rest);
    if asides {
        out = without_asides(rest);
    }
    if out.len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(capital(&out))
}

fn without_asides(text: &str) -> Cow<'_, str> {
    let drops = |inside: &str| count_words(inside) >= ASIDE && !TURNS.is_match(inside);
    let out = BRACKET.replace_all(
        text,
        |found: &regex::Captures| {
            if drops(&found[1]) { String::new() } else { found[0].to_owned() }
        },
    );
    if out.len() < text.len() && count_words(&out) >= LEAST {
        Cow::Owned(out.into_owned())
    } else {
        text.into()
    }
}

/// With a capital at its beginning.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_sentence_joins_on_to_the_one_before_it_is_left_out() {
        for (text, want) in [
            ("However, the deposit stays with the landlord.", "The deposit stays with the landlord."),
            ("And so we should go for the rubber case.", "We should go for the rubber case."),
            ("In addition, two members asked for the accounts.", "Two members asked for the accounts."),
        ] {
            assert_eq!(shortened(text, false), want);
        }
    }

    #[test]
    fn what_depends_on_the_sentence_before_it_stays_whole() {
        for text in [
            "Otherwise, the offer lapses at the end of the month.",
            "For example, a roof of slate costs twice as much.",
            "Then the tenant pays the rent for the whole month.",
            "However many people come, the hall is large enough.",
            "So, it ends here.",
            "But for the rain the work would have ended in May.",
            "So far nobody has paid the rent for the hall.",
        ] {
            assert!(matches!(shortened(text, true), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn a_clause_that_only_leads_to_another_is_left_out() {
        for (text, want) in [
            (
                "I am therefore very happy to be able to tell you that the board has granted £400.",
                "The board has granted £400.",
            ),
            ("Please note that the office is closed on 3 May.", "The office is closed on 3 May."),
            ("It was agreed, with two against, that the fee goes up in May.", "The fee goes up in May."),
            ("We would like to inform you that your rent rises by 3%.", "Your rent rises by 3%."),
        ] {
            assert_eq!(shortened(text, true), want);
        }
        for (text, want) in [
            (
                "After a short talk it was agreed with 17 votes to 1, 3 abstentions, that the fee goes up in May.",
                "The fee goes up in May.",
            ),
            (
                "In view of the time that is needed, and as agreed in May, the period of notice shall be a year.",
                "The period of notice shall be a year.",
            ),
        ] {
            assert_eq!(shortened(text, true), want);
        }
        for text in [
            "After the fixed period, the tenant pays the rent of the market.",
            "If it was agreed that the work is done, the fee is due in May.",
            "We do not confirm that the work is done as agreed.",
            "It was agreed that it ends.",
            "I doubt that the roof will last for another winter.",
        ] {
            assert!(matches!(shortened(text, true), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn asides_go_and_brackets_with_a_figure_or_a_turn_stay() {
        let said = "The fee rises to £10 (families short of money may ask) from May.";
        assert_eq!(shortened(said, true), "The fee rises to £10 from May.");
        assert!(matches!(shortened(said, false), Cow::Borrowed(_)), "elsewhere they are part of the matter");
        for text in [
            "The fee under the last contract (£6,940 in each year) has no further significance.",
            "The lift (not in the inner court) is repaired by the firm.",
            "We call f (x y z) and then print what comes back (a b).",
        ] {
            assert!(shortened(text, true).contains('('), "{text}");
        }
    }

    #[test]
    fn quotations_are_kept_whole() {
        for text in
            ["However, he said “and the rent stays as it is”.", "\"But we (all of us there) agreed on it.\""]
        {
            assert!(matches!(shortened(text, true), Cow::Borrowed(_)), "{text}");
        }
    }
}
