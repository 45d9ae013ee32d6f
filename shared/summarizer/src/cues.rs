//! Patterns that tell what a sentence does. English, as in RANKING.md; other languages simply have none
//! of them, and their terms are zero.

use regex::Regex;
use std::sync::LazyLock;

/// A pattern of words that begin and end in plain Latin letters. Its `\b`, `\w` and `\d` know ASCII alone: so a curly
/// quote or a dash in a sentence leaves the fast engine at work, which Unicode's word boundaries do not.
pub(crate) fn latin(pattern: &str) -> Regex {
    let ascii = pattern.replace(r"\b", r"(?-u:\b)").replace(r"\w", "[0-9A-Za-z_]").replace(r"\d", "[0-9]");
    Regex::new(&ascii).expect("a fixed pattern")
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<Regex> = LazyLock::new(|| latin(&$pattern));)*
    };
}

/// Month names and their usual abbreviations, as one alternative.
pub(crate) const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const NOUN: &str = "document|paper|proposal|article|report|study|work|memo|note|plan|review|analysis|survey|meeting|rfc|pep|kep|eip|change|feature|specification|standard|policy|guide";
const VERB: &str = r"propos\w*|present\w*|describ\w*|introduc\w*|show\w*|find\w*|found|conclud\w*|recommend\w*|suggest\w*|report\w*|argu\w*|demonstrat\w*|examin\w*|investigat\w*|develop\w*|defin\w*|specif\w*|add\w*|provid\w*|aim\w*|discuss\w*|decid\w*|agree\w*|review\w*|summari\w*|outlin\w*|explain\w*";

patterns! {
    /// "this document", "our proposal" …
    DOC = r"(?i)\b(?:this|the present|our) (?:document|paper|proposal|article|report|rfc|pep|specification|change|feature|guide|module|work|policy|plan)\b";
    /// "we propose", "this report finds" …
    WE = format!(r"(?i)\b(?:we|this (?:{NOUN}))\b(?: \w+){{0,2}} (?:{VERB})\b");
    /// The heading of a document's own summary.
    OWN_SUMMARY = r"(?i)^[\d.\s]*(?:abstract|(?:executive |management )?summary|synopsis|key (?:points|findings|messages)|in brief|at a glance|zusammenfassung|résumé|resumen|riassunto)\s*[.:]?$";
    /// Headings of sections that say what the whole is about.
    INTRO = r"(?i)\b(?:motivation|introduction|rationale|overview|background|summary|purpose|goals?|objectives?|problem|scope|proposal|conclusions?|about)\b";
    /// A sentence that someone speaks.
    TALK = r"(?i)\b(?:i|me|my|you|your|i'm|i'll|you're|yeah|okay|ok|um|uh)\b";
    /// First and second person and fillers, counted.
    TALKS = r"(?i)\b(?:i|me|my|mine|we|us|our|you|your|i'm|i'll|i've|you're|we're|yeah|okay|ok|um|uh|hmm|well|right)\b";

    /// A date as office documents write it.
    DATE = format!(r"(?i)\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\b|\b{MONTH} \d{{1,2}}\b|\b\d{{4}}-\d\d-\d\d\b|\b\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b");
    /// A date alone in brackets.
    ASIDE_DATE = r"\(\d{4}-\d\d-\d\d\)";
    /// A sum of money.
    MONEY = r"(?i)[£$€]\s?\d|\b(?:EUR|USD|GBP|CHF)\b|\b\d[\d,.]* (?:euros?|pounds|dollars)\b";
    /// Any number.
    NUMBER = r"\b\d[\d,.]*\b";
    /// A share.
    PERCENT = r"(?i)\d\s?%|\bper ?cent\b";
    /// Words that bind to a time.
    DUE = r"(?i)\b(?:by|before|until|no later than|not later than|within|from|with effect from|effective|as of|starting|on or before|deadline|due|expires?|ends? on|at least|notice)\b";
    /// Words that oblige.
    MODAL = r"(?i)\b(?:must|shall|required?|obliged|may not|cannot|need(?:s|ed)? to|have to|has to|please|agree(?:s|d)? to|undertakes?|responsible for|entitled|should)\b";
    /// Decisions and causes.
    DECISION = r"(?i)\b(?:decid\w+|resolv\w+|agreed|approv\w+|reject\w+|refus\w+|award\w*|recommend\w*|conclu\w+|uphold|upheld|unable|declin\w+|grant\w*|accept\w*|confirm\w*|found|carried|root cause|because|caused by|diagnos\w+|outcome|result\w*)\b";
    /// What is no longer as it was.
    CHANGE = r"(?i)\b(?:increas\w+|decreas\w+|reduc\w+|instead|replac\w+|supersed\w+|no longer|now|new|amend\w+|revis\w+|rise\w*|rising|change\w*|cancel\w+|terminat\w+|withdraw\w*|postpon\w+|only|not|stop\w*|recall\w*|delay\w*)\b";
    /// Somebody is to do something.
    ACTION = r"(?:^|\s)action\b|\b[A-Z][a-z]+ to [a-z]+|\bwill (?:be )?[a-z]+";
    /// What every letter and contract has.
    BOILERPLATE = r"(?i)\b(?:confidential|disclaimer|registered (?:office|in)|VAT|privileged|hereinafter|yours (?:sincerely|faithfully)|kind regards|dear|tel|fax|e-?mail:|page \d+|herein|thereof|without prejudice|governing law|severab|entire agreement|intended (?:solely|only) for)\b";

    /// Lines about the document rather than its matter: "Date: …", "Our ref: …", mail headers.
    META = r"(?i)^(?:(?:report |document )?(?:status|date)|dated|(?:our |your )?ref(?:erence)?(?: no)?|version|distribution|classification|author|prepared (?:by|for)|from|to|cc|bcc|sent|subject|re|page|present|apologies|attendees|tel|e-?mail)\.?\s*[:,]|\S@\S";

    /// A line that tells the document's own date.
    DATED = r"(?i)^(?:date of (?:this )?(?:issue|decision|notice|letter|report|meeting|invoice|offer|order|judgment)|(?:report |document |issue |letter )?dated?|issued(?: on)?)\b\s*[:,|]?\s";

    /// Openings that lean on a sentence before.
    DANGLING = r#"(?ix)^["'“‘(\[]*(?:
        however|therefore|thus|hence|moreover|furthermore|also|then|but|and|or|so|yet|nevertheless|nonetheless|instead|otherwise|
        similarly|likewise|consequently|accordingly|additionally|besides|conversely|meanwhile|finally|alternatively|
        in\ addition|in\ contrast|in\ particular|in\ turn|as\ a\ result|for\ (?:example|instance|this\ reason)|on\ the\ other\ hand|that\ said|even\ so|
        such|these|those|this|that|it|they|he|she|its|their|his|her|them|both|neither|the\ (?:latter|former|same)|here|there
        )\b"#;
    /// What points back within a sentence.
    BACK = r"(?i)\b(?:by|before|after|until|till|since|from) (?:then|this|that|it|them|that (?:date|day|time))\b|\b(?:thereafter|the same (?:date|day|time|period)|failing (?:that|which))\b|^(?:to be|not to be)\b|^what(?:['’]s| is| was) (?:left|said|more)\b|^(?:please )?[a-z]+ (?:it|them)\b";
    /// "This report …": leans on nothing but the document itself.
    SELF = format!(r#"(?i)^["'“‘(\[]*(?:this|these|such) (?:{NOUN}|agreement|contract|lease|letter|offer|decision|notice|document|permit|grant|amendment|audit|addendum|schedule|plans?|page|paper|book|act|order|judgment|appeal|section|chapter|thesis|module|library|proposal|EIP|ERC|year|month|week)s?\b"#);
}

/// Whether a sentence cannot be understood without the one before it.
pub(crate) fn dangles(text: &str) -> bool {
    DANGLING.is_match(text) && !SELF.is_match(text)
}

/// Whether a sentence says little without the one before it.
pub(crate) fn leans(text: &str) -> bool {
    dangles(text) || BACK.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_sums_are_found_as_office_documents_write_them() {
        for text in ["by 3rd of May", "on June 12", "2026-11-30", "30.11.2026", "on Friday"] {
            assert!(DATE.is_match(text), "{text}");
        }
        for text in ["£ 5", "EUR", "5,000 euros", "$3"] {
            assert!(MONEY.is_match(text), "{text}");
        }
        assert!(!DATE.is_match("the marching band") && !MONEY.is_match("about 40 people"));
    }

    #[test]
    fn an_opening_that_leans_on_what_was_said_before_dangles() {
        for text in
            ["However, it rose.", "This is wrong.", "\"They left.", "For example, a roof.", "It ends."]
        {
            assert!(dangles(text), "{text}");
        }
        for text in ["This PEP proposes a syntax.", "Italy won.", "The rent rises.", "This agreement ends."] {
            assert!(!dangles(text), "{text}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for pattern in [
            &DOC,
            &WE,
            &INTRO,
            &TALK,
            &TALKS,
            &NUMBER,
            &PERCENT,
            &DUE,
            &MODAL,
            &DECISION,
            &CHANGE,
            &ACTION,
            &BOILERPLATE,
        ] {
            assert!(!pattern.is_match(""));
        }
    }
}
