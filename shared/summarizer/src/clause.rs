//! Cutting a sentence to the clause that matters, at places where it still says what it said.

use crate::words::count_words;

/// Words after which the rest changes what was said before: never cut in front of them.
const TURNS: &[&str] = &[
    "unless",
    "except",
    "if",
    "only",
    "provided",
    "until",
    "not",
    "no",
    "but",
    "without",
    "subject",
    "when",
    "where",
    "until",
    "other",
    "excluding",
    "instead",
    "rather",
    "nor",
    "never",
    "before",
    "after",
];

/// A clause shorter than this takes the next one along.
const SCRAP: usize = 5;

/// Byte offsets where a clause ends: before a comma that no digit follows, a semicolon, a dash, a bracket.
pub(crate) fn breaks(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |&(_, c)| c);
        let ends = match c {
            ',' | ':' => next.is_whitespace(),
            ';' | '—' | '(' | '，' | '；' => true,
            '–' | '-' => previous.is_whitespace() && next.is_whitespace(),
            _ => false,
        };
        if ends {
            out.push(at);
        }
        previous = c;
    }
    out
}

/// Whether the text may stop in front of `rest` without changing its sense.
fn may_stop(rest: &str) -> bool {
    let word = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let first: String = word.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    !TURNS.contains(&first.as_str())
}

/// The longest beginning of at most `chars` characters that ends where a clause ends; with an ellipsis
/// at a word's end if there is none. Never cut inside a word; empty if not even a word fits.
pub(crate) fn beginning(text: &str, chars: usize) -> String {
    let text = text.trim().trim_end_matches(['.', ';', ',']);
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let fits = |end: usize| text[..end].trim_end().chars().count() <= chars;
    let whole = breaks(text).into_iter().rev().find(|&end| {
        let open = text[..end].matches('(').count() > text[..end].matches(')').count();
        fits(end) && !open && count_words(&text[..end]) >= 4 && may_stop(&text[end..])
    });
    if let Some(end) = whole {
        return text[..end].trim_end().to_owned();
    }
    at_word(text, chars)
}

/// Cut at a word's end, with an ellipsis that counts.
pub(crate) fn at_word(text: &str, chars: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let limit = chars.saturating_sub(1);
    let spaces = text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    let Some(end) = spaces.take_while(|&at| text[..at].chars().count() <= limit).last() else {
        return String::new();
    };
    let weak = |w: &str| {
        matches!(
            w,
            "the"
                | "a"
                | "an"
                | "of"
                | "to"
                | "in"
                | "and"
                | "or"
                | "for"
                | "with"
                | "on"
                | "by"
                | "at"
                | "from"
                | "is"
                | "–"
                | "-"
        )
    };
    let mut words: Vec<&str> = text[..end].split_whitespace().collect();
    while words.len() > 1 && words.last().is_some_and(|w| weak(&w.to_lowercase())) {
        words.pop();
    }
    format!("{}…", words.join(" ").trim_end_matches([',', ';', ':', '.', '(']))
}

/// The clause of at most `words` words around the bytes `at..end`; the whole text if it is short enough.
pub(crate) fn around(text: &str, at: usize, end: usize, words: usize) -> String {
    let text_end = text.trim_end_matches(['.', ';', ',', ' ']).len().max(end);
    if count_words(&text[..text_end]) <= words {
        return text[..text_end].trim().to_owned();
    }
    let mut cuts: Vec<usize> = breaks(text).into_iter().filter(|&cut| cut < text_end).collect();
    cuts.insert(0, 0);
    cuts.push(text_end);
    let mut from = cuts.iter().rposition(|&cut| cut <= at).unwrap_or(0);
    let mut to = cuts.iter().position(|&cut| cut >= end).unwrap_or(cuts.len() - 1);
    let clause = |from: usize, to: usize| tidy(&text[cuts[from]..cuts[to]]);
    // Grow by whole clauses, first to the left, where the subject is.
    loop {
        if from > 0 && count_words(&clause(from - 1, to)) <= words {
            from -= 1;
        } else if count_words(&clause(from, to)) < SCRAP
            && to + 1 < cuts.len()
            && count_words(&clause(from, to + 1)) <= words
        {
            to += 1;
        } else {
            break;
        }
    }
    let whole = clause(from, to);
    if count_words(&whole) <= words {
        return whole;
    }
    window(text, cuts[from], cuts[to], (at, end), words)
}

/// Words around `hit` within `from..to`: as much before it as after it, more if one side is short.
fn window(text: &str, from: usize, to: usize, hit: (usize, usize), words: usize) -> String {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for word in text[from..to].split_whitespace() {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        spans.push((start, start + word.len()));
    }
    let first = spans.iter().rposition(|span| span.0 <= hit.0).unwrap_or(0);
    let last =
        spans.iter().position(|span| span.1 >= hit.1).unwrap_or(spans.len().saturating_sub(1)).max(first);
    let room = words.saturating_sub(last - first + 1);
    let after = (spans.len() - 1 - last).min(room / 3);
    let before = first.min(room - after);
    let after = (spans.len() - 1 - last).min(room - before);
    let (start, stop) = (first - before, last + after);
    let cut = tidy(&text[spans[start].0..spans[stop].1]);
    let lead = if start > 0 { "… " } else { "" };
    let tail = if stop + 1 < spans.len() { " …" } else { "" };
    format!("{lead}{cut}{tail}")
}

fn tidy(text: &str) -> String {
    let text = text.trim_matches(|c: char| c.is_whitespace() || ",;:—–-(".contains(c));
    let text = text.trim_end_matches(['.', ' ']);
    let unpaired = text.matches(')').count() > text.matches('(').count();
    if unpaired { text.replacen(')', "", 1) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_where_a_clause_ends_and_never_inside_a_word() {
        let text =
            "The rent rises by 6% on 1 March 2027, as the board decided after a long and heated meeting.";
        assert_eq!(beginning(text, 60), "The rent rises by 6% on 1 March 2027");
        assert_eq!(beginning("Short one.", 60), "Short one");
        assert_eq!(
            beginning("An extraordinarily long beginning without any break at all in it", 25),
            "An extraordinarily long…"
        );
        assert_eq!(beginning("Donaudampfschifffahrtsgesellschaft", 10), "");
    }

    #[test]
    fn a_beginning_does_not_stop_before_a_word_that_turns_the_sense() {
        let text = "The tenant may sublet the flat, unless the landlord objects to it within a month.";
        assert!(beginning(text, 40).ends_with('…'));
    }

    #[test]
    fn the_clause_around_a_hit_is_short_and_holds_it() {
        let text = "After a long debate about many things that nobody remembers, the board agreed to pay £4,240 by 30 May, \
                    although some members, among them the treasurer, would rather have waited for the audit.";
        let at = text.find("£4,240").unwrap();
        let clause = around(text, at, at + "£4,240".len(), 14);
        assert!(clause.contains("£4,240") && count_words(&clause) <= 14, "{clause}");
        assert!(clause.starts_with("the board"), "{clause}");
    }

    #[test]
    fn a_long_clause_without_breaks_is_cut_to_the_words_around_the_hit() {
        let text = "one two three four five six seven eight nine ten eleven twelve £5 fourteen fifteen sixteen seventeen eighteen nineteen";
        let at = text.find("£5").unwrap();
        let clause = around(text, at, at + "£5".len(), 8);
        assert!(clause.contains("£5") && clause.starts_with('…') && clause.ends_with('…'), "{clause}");
    }

    #[test]
    fn a_number_with_a_comma_is_no_clause_break() {
        assert!(breaks("It costs 4,240 euros").is_empty());
    }
}
