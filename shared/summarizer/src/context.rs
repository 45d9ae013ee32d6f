//! What else tells that a reader must know a sentence to act, beside the words of *act*: the heading that it stands
//! under, a period that binds ("three months' notice"), an end ("lapses", "is excluded"), a request.
//!
//! These are no part of the reference *act* and have names of their own, so that each can be explained, and left to a
//! head that learns.

use crate::structure::{Kind, Sentence};
use regex::Regex;
use std::sync::LazyLock;

fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?i){text}")).expect("a fixed pattern")
}

/// Sections in which documents say what holds from now on and what is to be done.
static DECIDES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:decisions?|decided|resolutions?|resolved|recommend\w*|next steps?|actions?|what (?:you|we) (?:need|must|have|should)\b.*|what to do|what happens next|to do|acceptance|deadlines?|due|payments?|repayment|fees?|prices?|costs?|rent|remuneration|salary|interest|amount|charges|terms?|duration|period|termination|notice|appeals?|conclusions?|outcome|results?|key (?:points|facts|dates)|important|conditions|commencement|start|security|working time|renewal|not (?:covered|included)|exclusions?|excluded|next meeting|summary|changes|orders?|award|opinion|findings?|remedy|solution|required)\b",
    )
});

/// Sections that tell how it came about, or what every document of the kind has.
static ASIDES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:background|preamble|recitals?|history|general|(?:other|final|miscellaneous) provisions|miscellaneous|any other business|other business|aob|matters arising|welcome|apologies|frequently asked|faq|questions|support|contacts?|liability|confidential\w*|data protection|privacy|definitions|interpretation|scope|method\w*|approach|description|remarks|informatives?|about (?:us|this)|disclaimer|limitations?|acknowledg\w*|thanks|credits|legal notice|governing law|severability)\b",
    )
});

/// A period in words or figures: "three months", "30 working days", "a 12-week".
pub(crate) static PERIOD: LazyLock<Regex> = LazyLock::new(|| {
    let count = r"(?:\d+(?:[.,]\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|twenty|twenty-four|thirty|sixty|ninety)";
    pattern(&format!(
        r"\b{count}[\s-]+(?:(?:calendar|working|full|consecutive|business|clear)\s+)?(?:minute|hour|day|week|month|year|quarter)s?\b"
    ))
});

/// That something ends, is shut out or holds no longer.
pub(crate) static ENDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:laps(?:e|es|ed)|exclu(?:de[sd]?|ding|sions?)|not (?:included|covered|affected|funded|permitted|allowed|possible)|void|invalid|ceas(?:e|es|ed)|clos(?:ed|es|ure)|suspend(?:ed|s)?|prohibit(?:ed|s)?|forbidden|forfeit(?:ed|s)?|dismiss(?:ed|al)|breach|penalty|repossess\w*|liable|withdrawn)\b",
    )
});

/// The reader is asked.
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:please|you (?:must|need|have|should|will need|are (?:required|asked))|we (?:ask|require|need|request))\b",
    )
});

/// A sentence that sets a value: "amounts to £7,680", "is reduced from 37.5 to 30 hours", "shall be three months".
static SETS: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = r"amounts? to|(?:is|are|be|been|was|were|remains?) (?:now )?(?:fixed|set|limited|reduced|raised|increased|put) (?:at|to)|shall be|will be|rises? (?:by|to)|goes up (?:by|to)|falls? (?:by|to)|increases? (?:by|to)|decreases? (?:by|to)|becomes?|costs?|comes? to|totals?|runs? (?:from|until|for)|ends? on|begins? on|takes? effect|expires?|moved to|grant of|offer of|sum of";
    pattern(&format!(
        r"\b(?:{verbs}|reduced from|raised from|increased from)\b(?:[^.;]{{0,40}}\d|[^.;]{{0,20}}\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve)\b)"
    ))
});

/// What somebody may do or may come to pass, where nothing is forbidden.
static PERMITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:may|can|could|might|would)\b"));
static FORBIDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:may|can|could|might|would)(?: only\b|n't|not| not\b| no longer\b)|\b(?:must|shall|required?|need(?:s|ed)? to|by \d)\b",
    )
});

/// The terms with their weights and values for a sentence under a heading.
pub(crate) fn terms(sentence: &Sentence, heading: &str) -> [(&'static str, f64, f64); 8] {
    let flag = |is: bool| f64::from(u8::from(is));
    let text = sentence.own_words();
    let (decides, aside) = (DECIDES.is_match(heading), ASIDES.is_match(heading));
    [
        ("heading", 0.6, flag(decides && !aside) - flag(aside && !decides)),
        ("period", 0.7, flag(PERIOD.is_match(&text))),
        ("ends", 0.6, flag(ENDS.is_match(&text))),
        ("request", 0.4, flag(REQUEST.is_match(&text))),
        ("sets", 0.6, flag(SETS.is_match(&text))),
        ("permits", -0.4, flag(PERMITS.is_match(&text) && !FORBIDS.is_match(&text))),
        ("opens", 0.3, flag(sentence.place == 0 && sentence.kind != Kind::Row)),
        ("row", -0.8, flag(sentence.kind == Kind::Row)),
    ]
}
