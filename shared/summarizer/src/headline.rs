//! One line that says what matters most: the document's title and the key clause of its best sentence.

use crate::clause;
use crate::cues;
use crate::structure::Sentence;
use crate::words::{Stems, count_words};
use regex::Regex;
use std::sync::LazyLock;

/// Characters of a headline: it becomes an e-mail's subject.
pub(crate) const LONGEST: usize = 90;
/// A title longer than this leaves no room for a clause.
const TITLE: usize = 62;

/// `title: clause`, at most `LONGEST` characters, all of it the document's own words. Where there is no title
/// the clause stands alone: whoever shows a headline shows the document's name beside it. So it does where it
/// would have to be cut to stand behind the title.
pub(crate) fn headline(title: &str, file_name: &str, best: &str, stems: &Stems) -> String {
    let (title, best) = (tidy(title), best.trim());
    let alone = clause::beginning(best, LONGEST);
    if title.is_empty() {
        return if alone.is_empty() { stem(file_name) } else { alone };
    }
    if title.chars().count() > TITLE {
        return clause::at_word(&title, LONGEST);
    }
    let room = LONGEST.saturating_sub(title.chars().count() + 2);
    let said = clause::beginning(best, room);
    // A clause that only says the title again adds nothing.
    let (known, new) = (stems.of(&title), stems.of(&said));
    let fresh = new.iter().filter(|stem| stems.carries(stem) && !known.contains(stem)).count();
    match said.ends_with('…') {
        _ if said.is_empty() || fresh < 2 => title,
        true if !alone.ends_with('…') => alone,
        _ => format!("{title}: {said}"),
    }
}

fn tidy(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    ANSWER.replace(&title, "").trim_end_matches(['.', ':', ' ']).to_owned()
}

/// Words of a headline that no sentence of the summary says: whoever shows both shows the others once.
pub(crate) fn alone<'a>(headline: &str, mut said: impl Iterator<Item = &'a Sentence>) -> usize {
    let words = count_words(headline);
    let bare = |text: &'a str| text.trim_end_matches('.');
    let headline = headline.trim_end_matches(['.', '…']);
    let told = said.find_map(|sentence| match bare(&sentence.text) {
        text if text.contains(headline) => Some(words),
        text if headline.ends_with(text) => Some(sentence.words),
        _ => None,
    });
    words.saturating_sub(told.unwrap_or(0))
}

/// What mail programs put before a subject that is answered or passed on.
static ANSWER: LazyLock<Regex> = LazyLock::new(|| cues::latin(r"^(?i:(?:re|fwd?|aw|wg|tr|rv|antw)\s?:\s*)+"));

/// A file's name as words: "mill-road_4.pdf" → "mill road 4".
fn stem(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or("");
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    let words = name.replace(['_', '-', '+'], " ");
    clause::at_word(&tidy(&words.chars().filter(|c| !c.is_control()).collect::<String>()), TITLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_title_and_clause_within_its_length() {
        let stems = Stems::new(None);
        let best =
            "Rent rises by 6% from 1 March 2027, which the tenant accepts by signing this agreement below.";
        assert_eq!(
            headline("Lease, Mill Road 4", "x.pdf", best, &stems),
            "Lease, Mill Road 4: Rent rises by 6% from 1 March 2027"
        );
    }

    #[test]
    fn without_a_title_the_clause_stands_alone_and_without_both_the_name() {
        let stems = Stems::new(None);
        assert_eq!(
            headline("", "contracts/mill-road_4.pdf", "The rent rises sharply.", &stems),
            "The rent rises sharply"
        );
        assert_eq!(headline("", "contracts/mill-road_4.pdf", "", &stems), "mill road 4");
    }

    #[test]
    fn a_clause_that_would_be_cut_behind_the_title_stands_alone() {
        let best = "The hall must be closed for the work from Monday 15 March to Sunday 28 March 2027.";
        let line = headline("Minutes of the Village Hall Committee", "x", best, &Stems::new(None));
        assert_eq!(line, best.trim_end_matches('.'));
    }

    #[test]
    fn a_long_title_stands_alone_and_is_cut_at_a_word() {
        let long = "A very long title that goes on and on about everything the document could ever have to say about it";
        let line = headline(long, "x", "The rent rises.", &Stems::new(None));
        assert!(
            line.chars().count() <= LONGEST
                && line.ends_with('…')
                && long.starts_with(line.trim_end_matches('…'))
        );
    }

    #[test]
    fn a_mails_subject_stands_without_what_says_that_it_was_answered() {
        let line = headline("RE: Re: FW: Order 88213", "x", "", &Stems::new(None));
        assert_eq!(line, "Order 88213");
        assert_eq!(headline("Resolution: no", "x", "", &Stems::new(None)), "Resolution: no");
    }

    #[test]
    fn a_clause_that_repeats_the_title_is_left_out() {
        let line = headline("Rent review 2026", "x", "The rent review.", &Stems::new(None));
        assert_eq!(line, "Rent review 2026");
    }
}
