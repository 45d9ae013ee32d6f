//! Cutting a sentence to the clause that matters, at places where it still says what it said.

use crate::words::count_words;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Words after which the rest changes what was said before, or says it: never cut in front of them.
const TURNS: &str = " unless except if only provided until not no but without subject when where other excluding \
     instead rather nor never before after is are was were has have had will must shall may can should ";

/// Openings of a clause on which the next one depends.
const CONDITIONS: &str = " if unless when where provided except without ";

/// Words with which a clause begins that has its own subject, beside names and figures.
const SUBJECTS: &str = " the a an this these those our your my his her its their we you they he she it i there \
     all any each every no some nobody anybody everybody both either neither ";

/// Words that say how what follows hangs on what stands before.
const LINKS: &str = " by from until to on at for of in within before after since about over under than per with \
     is are was were be costs cost ";

/// Words at which nothing ends.
const WEAK: &str = " the a an of to in and or for with on by at from is are be been may will must can should has \
     have that who which if when as than until before after since effect – - ";

/// Whether a list of words, each between spaces, has this one.
fn among(list: &str, word: &str) -> bool {
    list.contains(&format!(" {} ", word.to_lowercase()))
}

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

/// The first word of a text, whatever stands before it.
fn first_word(text: &str) -> &str {
    let word = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len());
    &word[..end]
}

/// Whether the text may stop in front of `rest` without changing its sense.
fn may_stop(rest: &str) -> bool {
    !among(TURNS, first_word(rest))
}

/// Whether a clause has its subject in the one before it.
fn leans(clause: &str) -> bool {
    let start = clause.trim_start_matches(|c: char| c.is_whitespace() || ",;:—–-(\"'“‘".contains(c));
    start.starts_with(char::is_lowercase) && !among(SUBJECTS, first_word(start))
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
    let mut words: Vec<&str> = text[..end].split_whitespace().collect();
    while words.len() > 1 && words.last().is_some_and(|word| among(WEAK, word)) {
        words.pop();
    }
    format!("{}…", words.join(" ").trim_end_matches([',', ';', ':', '.', '(']))
}

/// The clause around a hit, of at most `most` characters unless the hit alone has more. It begins where its
/// subject stands; what is left out of it is marked.
pub(crate) fn around(text: &str, hit: &Range<usize>, most: usize) -> String {
    let end = text.trim_end_matches(['.', ';', ',', ' ']).len().max(hit.end);
    let inner = breaks(text).into_iter().filter(|&cut| cut > 0 && cut < end);
    let cuts: Vec<usize> = std::iter::once(0).chain(inner).chain([end]).collect();
    let mut from = cuts.iter().rposition(|&cut| cut <= hit.start).unwrap_or(0);
    let mut to = cuts.iter().position(|&cut| cut >= hit.end).unwrap_or(cuts.len() - 1);
    let depends = |from: usize| {
        let (before, clause) = (&text[cuts[from - 1]..], &text[cuts[from]..]);
        clause.starts_with([':', '(']) || leans(clause) || among(CONDITIONS, first_word(before))
    };
    while from > 0 && depends(from) {
        from -= 1;
    }
    // A condition says nothing without what it is for, and a word or two say nothing at all.
    let bare = |to: usize| count_words(&text[cuts[from]..cuts[to]]) < 3;
    let condition = to == from + 1 && among(CONDITIONS, first_word(&text[cuts[from]..]));
    if to + 1 < cuts.len() && (condition || bare(to)) {
        to += 1;
    }
    let start = cuts[from] + decision(&text[cuts[from]..hit.start]);
    let on = carried_on(text, &cuts, to);
    let fits = |to: usize| tidy(&text[start..cuts[to]]).chars().count() <= most;
    let broken = on > to && !fits(on);
    if !broken {
        to = on;
    }
    let whole = tidy(&text[start..cuts[to]]);
    let turns = broken || to + 1 < cuts.len() && !may_stop(&text[cuts[to]..]);
    let mark = if turns { " …" } else { "" };
    if whole.chars().count() + mark.chars().count() <= most {
        return whole + mark;
    }
    let unit = hit.end + UNIT.find(&text[hit.end..cuts[to]]).map_or(0, |unit| unit.end());
    if text[start..unit].chars().count() < most {
        return at_word(&tidy(&text[start..cuts[to]]), most);
    }
    let from = phrase(text, start, hit.start);
    joined(&text[start..from], &text[from..unit], most)
}

/// Where a clause that ends at `cuts[to]` ends with what belongs to it behind the comma: the rest of a list ("tools,
/// materials and finished work"), an hour ("on 24 June, 14:00 to 16:30"), a purpose ("…, to be met from reserves").
fn carried_on(text: &str, cuts: &[usize], to: usize) -> usize {
    let segment = |at: usize| text[cuts[at]..cuts[at + 1]].strip_prefix(", ");
    let mut at = to;
    while at + 1 < cuts.len() && segment(at).is_some_and(is_detail) {
        at += 1;
    }
    let begin = at;
    while at + 1 < cuts.len() {
        let Some(item) = segment(at).filter(|item| is_item(item)) else { break };
        at += 1;
        if item.split(' ').any(|word| matches!(word, "and" | "or")) {
            return at;
        }
    }
    begin
}

/// An hour or a figure, or what something is for.
fn is_detail(segment: &str) -> bool {
    let short = count_words(segment) <= DETAIL;
    short && (segment.starts_with(|c: char| c.is_ascii_digit()) || segment.starts_with("to "))
}

/// An item of a list: a few words that are no clause of their own.
fn is_item(segment: &str) -> bool {
    const NOT: &str = " which who that so then as but yet to by with for ";
    let first = first_word(segment);
    let clause = [TURNS, SUBJECTS, CONDITIONS, NOT].iter().any(|list| among(list, first));
    segment.starts_with(char::is_alphanumeric) && !clause && count_words(segment) <= ITEM
}

/// Words of such a detail, and of such an item.
const DETAIL: usize = 7;
const ITEM: usize = 9;

/// The same for a row of a table: its name, which stands first, and the cell with the hit.
pub(crate) fn in_row(text: &str, hit: &Range<usize>, most: usize) -> String {
    let from = text[..hit.start].rfind("; ").map_or(0, |at| at + 2);
    let to = text[hit.end..].find("; ").map_or(text.len(), |at| hit.end + at);
    if text[..to].chars().count() <= most {
        return text[..to].to_owned();
    }
    if from == 0 {
        return around(&text[..to], hit, most);
    }
    joined(&text[..from], &text[from..to], most)
}

/// As much of the beginning as fits beside the end.
fn joined(beginning: &str, end: &str, most: usize) -> String {
    let room = most.saturating_sub(end.chars().count() + 2);
    let head = at_word(&tidy(beginning), room);
    format!("{} … {end}", head.trim_end_matches('…')).trim_start().to_owned()
}

/// What belongs to a figure behind it: "a month", "per head", "plus VAT".
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?: plus VAT| (?:a|an|per|each|every)\b(?: [a-z]+)?| for each [a-z]+)")
        .expect("a fixed pattern")
});

/// "It was agreed unanimously that the rent …", "It was resolved to pay …": whoever reads what was decided can do
/// without the first words.
static DECIDED: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = "agreed|resolved|decided|confirmed|determined";
    Regex::new(&format!(r"^(?i:it (?:was|is|has been) (?:\w+ )?(?:{verbs})\b.*?) (?:that |(?P<to>to ))"))
        .expect("a fixed pattern")
});

/// Bytes of such words at the beginning.
fn decision(text: &str) -> usize {
    DECIDED.captures(text).map_or(0, |found| {
        let end = found.get(0).map_or(0, |whole| whole.end());
        end - found.name("to").map_or(0, |to| to.len())
    })
}

/// Where the phrase begins that leads to the byte `at`: at the nearest word that links it to what stands before,
/// at most three words away.
fn phrase(text: &str, start: usize, at: usize) -> usize {
    let words: Vec<&str> = text[start..at].split_whitespace().rev().take(3).collect();
    let linked = words.iter().position(|word| among(LINKS, word)).unwrap_or(0);
    words.get(linked).map_or(at, |word| word.as_ptr() as usize - text.as_ptr() as usize)
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

    fn about(text: &str, hit: &str, most: usize) -> String {
        let at = text.find(hit).unwrap();
        around(text, &(at..at + hit.len()), most)
    }

    #[test]
    fn the_clause_around_a_hit_begins_with_its_subject() {
        let text = "After a long debate about many things that nobody remembers, the board agreed to pay £4,240 by 30 May, \
                    although some members, among them the treasurer, would rather have waited for the audit.";
        assert_eq!(about(text, "£4,240", 60), "the board agreed to pay £4,240 by 30 May");
        let text =
            "The fund stands at £8,200; the rest comes from the reserve, which will be down to £4,100.";
        assert_eq!(
            about(text, "£4,100", 64),
            "the rest comes from the reserve, which will be down to £4,100"
        );
        assert_eq!(about(text, "£8,200", 60), "The fund stands at £8,200");
    }

    #[test]
    fn what_was_decided_stands_without_the_words_that_say_so() {
        let text =
            "It was agreed unanimously that the hire charge rises to £16.50 an hour from 1 April 2027.";
        let said = "the hire charge rises to £16.50 an hour from 1 April 2027";
        assert_eq!(about(text, "£16.50", 60), said);
        let text = "It was resolved, with five votes for, to award the repair of the roof to Halden Roofing for £11,850.";
        let said = "to award the repair of the roof to Halden Roofing for £11,850";
        assert_eq!(about(text, "£11,850", 70), said);
    }

    #[test]
    fn a_long_clause_keeps_its_beginning_and_the_phrase_with_the_hit() {
        let text =
            "We will pay this amount if the invoice of a flooring firm reaches us by 26 February 2027.";
        assert_eq!(
            about(text, "26 February 2027", 60),
            "We will pay this amount if the invoice … by 26 February 2027"
        );
        let text =
            "A thermostat that cuts the heaters at eight degrees would be about £140 for each evaporator.";
        assert_eq!(about(text, "£140", 60), "A thermostat that cuts … about £140 for each evaporator");
        let text = "Either party may end the agreement at the end of a term by giving notice that has arrived by 31 May 2028 at the latest.";
        assert!(
            about(text, "31 May 2028", 80).ends_with("by 31 May 2028"),
            "{}",
            about(text, "31 May 2028", 80)
        );
        let text = "The remaining £135 is due by 30 April and may be paid in two parts or in three.";
        assert_eq!(about(text, "£135", 50), "The remaining £135 is due by 30 April…");
    }

    #[test]
    fn a_fact_from_a_table_is_the_rows_name_and_the_cell() {
        let text =
            "Piers Hollingworth: Write to all groups about the closing of the hall; By when: 12 February";
        let at = text.find("12 Feb").unwrap();
        assert_eq!(
            in_row(text, &(at..text.len()), 64),
            "Piers Hollingworth: Write to all groups … By when: 12 February"
        );
        assert_eq!(in_row("Garage: EUR 120 a month", &(8..15), 60), "Garage: EUR 120 a month");
    }

    #[test]
    fn a_list_is_told_to_its_end_or_marked_as_cut_and_an_hour_stays_with_its_day() {
        let text = "From 1 July there is no cover for tools, materials and finished work in vans, whether moving or not.";
        let said = "From 1 July there is no cover for tools, materials and finished work in vans";
        assert_eq!(about(text, "1 July", 90), said);
        assert_eq!(about(text, "1 July", 60), "From 1 July there is no cover for tools …");
        let text = "The workshop is on 24 June, 14:00 till 16:30, in the hall with the new carpet.";
        assert_eq!(about(text, "24 June", 90), "The workshop is on 24 June, 14:00 till 16:30");
        let text = "A deficit of £13,750 remains, to be met from reserves.";
        assert_eq!(about(text, "£13,750", 90), text.trim_end_matches('.'));
        let text = "The rent rises on 1 July, the deposit stays and nothing else changes.";
        assert_eq!(about(text, "1 July", 90), "The rent rises on 1 July");
    }

    #[test]
    fn a_condition_stays_with_what_depends_on_it_and_a_turn_is_marked() {
        let text = "If you cancel, you pay £50.";
        assert_eq!(about(text, "£50", 60), "If you cancel, you pay £50");
        let text = "Castle offered £9,980, but without the lead and with no date before August.";
        assert_eq!(about(text, "£9,980", 60), "Castle offered £9,980 …");
        let text = "If you cancel before 3 May, you pay £50.";
        assert_eq!(about(text, "3 May", 60), "If you cancel before 3 May, you pay £50");
    }

    #[test]
    fn a_number_with_a_comma_is_no_clause_break() {
        assert!(breaks("It costs 4,240 euros").is_empty());
    }
}
