//! What else tells that a reader must know a sentence to act, beside the words of *act*: the heading that it stands
//! under, a period that binds ("three months' notice"), an end ("lapses", "is excluded"), a request.
//!
//! These are no part of the reference *act* and have names of their own, so that each can be explained, and left to a
//! head that learns.

use crate::cues;
use crate::structure::{Kind, Sentence};
use regex::Regex;
use std::sync::LazyLock;

fn pattern(text: &str) -> Regex {
    cues::latin(&format!("(?i){text}"))
}

/// Sections in which documents say what holds from now on and what is to be done.
static DECIDES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:decisions?|decided|resolutions?|resolved|recommend\w*|next steps?|actions?|what (?:you|we) (?:need|must|have|should)\b.*|what to do|what happens next|to do|acceptance|deadlines?|due|payments?|repayment|fees?|prices?|costs?|rent|remuneration|salary|interest|amount|charges|terms?|duration|period|termination|notice|appeals?|conclusions?|outcome|results?|key (?:points|facts|dates)|important|conditions|commencement|start|security|working time|renewal|not (?:covered|included)|exclusions?|excluded|next meeting|summary|changes|orders?|award|opinion|findings?|remedy|solution|required|why|causes?|damages?|loss(?:es)?|impact|consequences|measures)\b",
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
        r"\b(?:laps(?:e|es|ed)|exclu(?:de[sd]?|ding|sions?)|not (?:included|covered|affected|funded|permitted|allowed|possible)|void|invalid|ceas(?:e|es|ed)|clos(?:ed|es|ure)|suspend(?:ed|s)?|prohibit(?:ed|s)?|forbidden|forfeit(?:ed|s)?|dismiss(?:ed|al)|discontinu(?:e[sd]?|ing)|giv(?:es?|ing) up|phas(?:ed?|ing) out|breach|penalty|repossess\w*|liable|withdrawn)\b",
    )
});

/// The reader is asked, or told to.
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    let asked = "please|you (?:must|need|have|should|will need|are (?:required|asked))|we (?:ask|require|need|request)";
    let imperative = "upgrade|update|install|replace|return|send|pay|sign|complete|submit|contact|call|check|stop|do not|don't|keep|switch|turn|remove|bring|report|introduce|ensure|make sure|clear|close|order|terminate|change|confirm|register|apply|book|arrange|tell|inform|notify|review|remind";
    pattern(&format!(r"\b(?:{asked})\b|^(?:{imperative})\b"))
});

/// A date by which something has to have happened.
static DEADLINE: LazyLock<Regex> = LazyLock::new(|| {
    let bound = r"by|before|until|till|no later than|not later than|at the latest on|on or before|deadline(?: is)?|due(?: on| by)?|expires?(?: on)?|closes? on";
    let weekday = "(?:mon|tues|wednes|thurs|fri|satur|sun)day,? ";
    let day = cues::DATE.as_str().trim_start_matches("(?i)");
    pattern(&format!(r"\b(?:{bound}):? (?:the |midnight on |noon on |the end of )?(?:{weekday})?(?:{day})"))
});

/// What the author makes of it all.
static VERDICT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:overall|on balance|opinion|assessment|verdict|in conclusion|in short|in summary|most important|rating|severity|critical)\b|^(?:found|findings?|diagnosis|results?|conclusions?|causes?|reasons?|outcome):",
    )
});

/// What is wrong.
static PROBLEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:missing|lack(?:s|ed|ing)?|fail(?:s|ed|ure|ures)?|defect\w*|rot(?:ten|ted)?|unsafe|danger\w*|faulty?|broken|leak\w*|risks?|loss(?:es)?|lost|fraud\w*|damaged?|destroy(?:ed|s)?|errors?|incidents?|vulnerab\w*|attack\w*|injur\w*|overdue|arrears|late)\b",
    )
});

/// A sentence that does what it says: "grants", "is refused", "have decided".
static PERFORMS: LazyLock<Regex> = LazyLock::new(|| {
    let done = "granted|refused|approved|rejected|awarded|closed|withdrawn|cancelled|terminated|suspended|recalled|dismissed|upheld";
    let does = "hereby|grants|refuses|awards|approves|terminates|withdraws";
    pattern(&format!(
        r"\b(?:{does}|(?:is|are) (?:hereby |therefore )?(?:{done})|(?:has|have) (?:decided|resolved|agreed|{done}))\b"
    ))
});

/// A share told by counting: "14 of the 40".
pub(crate) static COUNTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b\d+ (?:out )?of (?:the |our |all )?\d+\b"));

/// The tax on a sum, which is no boilerplate; the number of a firm is.
static TAX: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bVAT\b"));
static TAX_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\bVAT (?:no|nr|reg|id|number|GB|[A-Z]{2}\d)"));

/// A sentence that sets a value: "amounts to £7,680", "is reduced from 37.5 to 30 hours", "shall be three months".
static SETS: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = r"amounts? to|(?:is|are|be|been|was|were|remains?) (?:now )?(?:fixed|set|limited|reduced|raised|increased|put) (?:at|to)|shall be|will be|rises? (?:by|to)|goes up (?:by|to)|falls? (?:by|to)|increases? (?:by|to)|decreases? (?:by|to)|becomes?|costs?|comes? to|totals?|runs? (?:from|until|for)|ends? on|begins? on|takes? effect|expires?|moved to|grant of|offer of|sum of|(?:discount|rebate|surcharge|deposit|fine) of";
    pattern(&format!(
        r"\b(?:{verbs}|reduced from|raised from|increased from)\b(?:[^.;]{{0,40}}\d|[^.;]{{0,20}}\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve)\b)"
    ))
});

/// What somebody may do or may come to pass, where nothing is forbidden.
static PERMITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:may|could|might|would)\b"));
static FORBIDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:may|can|could|might|would)(?: only\b|n't|not| not\b| no longer\b)|\b(?:must|shall|required?|need(?:s|ed)? to|by \d)\b",
    )
});

/// What is refused, shut out or not so: nobody guesses it, and whoever misses it acts wrongly.
static DENIES: LazyLock<Regex> = LazyLock::new(|| {
    let verbs = "will|would|shall|must|may|can|could|do|does|is|are|has|have";
    let done = r"refus\w+|reject\w+|declin(?:e|es|ed)|den(?:y|ies|ied)|turned down|forbidden|prohibited|excluded|withdrawn|upheld|dropp(?:ed|ing)";
    pattern(&format!(
        r"\b(?:(?:{verbs}) not|cannot|(?:wo|ca|do|does|is|are|must)n['’]t|no longer|(?:{done})|unable to|neither|nobody|no one|there (?:is|are|will be) (?:\w+ )?no)\b|^no\b"
    ))
});

/// Why it came to that.
pub(crate) static CAUSE: LazyLock<Regex> = LazyLock::new(|| {
    let told = "because|caused by|(?:was|is|were|are) (?:largely |mainly |entirely )?due to|root cause|arose|stems? from|(?:comes?|came) from|the (?:cause|reason) (?:is|was)|as a result of";
    pattern(&format!(r"\b(?:{told}|had \w+(?: \w+){{0,4}}, so)\b"))
});

/// Whether only the tax on a sum makes a sentence look like boilerplate.
fn taxed(text: &str) -> bool {
    let sum = TAX.is_match(text) && cues::MONEY.is_match(text) && !TAX_NUMBER.is_match(text);
    sum && !cues::BOILERPLATE.is_match(&TAX.replace_all(text, ""))
}

/// The terms with their weights and values for a sentence under a heading.
pub(crate) fn terms(sentence: &Sentence, heading: &str) -> [(&'static str, f64, f64); 16] {
    let flag = |is: bool| f64::from(u8::from(is));
    let text = sentence.own_words();
    let (decides, aside) = (DECIDES.is_match(heading), ASIDES.is_match(heading));
    [
        ("heading", 0.6, flag(decides && !aside) - flag(aside && !decides)),
        ("period", 0.7, flag(PERIOD.is_match(&text))),
        ("ends", 0.6, flag(ENDS.is_match(&text))),
        ("request", 0.5, flag(REQUEST.is_match(&text))),
        ("deadline", 0.8, flag(DEADLINE.is_match(&text))),
        ("verdict", 0.5, flag(VERDICT.is_match(&text))),
        ("problem", 0.4, flag(PROBLEM.is_match(&text))),
        ("performs", 0.5, flag(PERFORMS.is_match(&text))),
        ("counted", 0.7, flag(COUNTED.is_match(&text))),
        // Takes back what *act* takes off.
        ("taxed", 2.0, flag(taxed(&text))),
        ("sets", 0.6, flag(SETS.is_match(&text))),
        ("permits", -0.4, flag(PERMITS.is_match(&text) && !FORBIDS.is_match(&text))),
        ("denies", 0.35, flag(DENIES.is_match(&text))),
        ("cause", 0.3, flag(CAUSE.is_match(&text))),
        ("opens", 0.3, flag(sentence.place == 0 && sentence.kind != Kind::Row)),
        ("row", -0.8, flag(sentence.kind == Kind::Row)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::count_words;

    fn value(name: &str, text: &str, heading: &str) -> f64 {
        let sentence = Sentence {
            text: text.into(),
            kind: Kind::Body,
            section: 0,
            place: 1,
            words: count_words(text),
            parts: vec![],
            trimmed: false,
        };
        terms(&sentence, heading)
            .into_iter()
            .find(|(term, ..)| *term == name)
            .map(|(.., value)| value)
            .unwrap()
    }

    #[test]
    fn a_heading_counts_for_or_against_what_stands_under_it() {
        for heading in ["9 Term and termination", "What you need to do", "Next steps", "3. Repayment"] {
            assert_eq!(value("heading", "Anything.", heading), 1.0, "{heading}");
        }
        for heading in ["Background", "7. Other provisions", "Any other business", "Frequently asked"] {
            assert_eq!(value("heading", "Anything.", heading), -1.0, "{heading}");
        }
        for heading in ["", "The harbour", "General conditions"] {
            assert_eq!(value("heading", "Anything.", heading), 0.0, "{heading}");
        }
    }

    #[test]
    fn a_period_is_told_in_words_and_in_figures() {
        for text in ["Give three months' notice.", "within 45 minutes", "a 12-week course", "30 working days"]
        {
            assert_eq!(value("period", text, ""), 1.0, "{text}");
        }
        assert_eq!(value("period", "In the month of May there are flowers.", ""), 0.0);
    }

    #[test]
    fn what_ends_or_is_shut_out_is_told() {
        for text in
            ["The offer lapses.", "Lift C is excluded.", "The van is not funded.", "The hall is closed."]
        {
            assert_eq!(value("ends", text, ""), 1.0, "{text}");
        }
        assert_eq!(value("ends", "The offer includes the lift.", ""), 0.0);
    }

    #[test]
    fn a_request_to_the_reader_is_told() {
        assert_eq!(value("request", "Please return the form.", ""), 1.0);
        assert_eq!(value("request", "Upgrade to 5.4.4 without delay.", ""), 1.0);
        assert_eq!(value("request", "They returned the form.", ""), 0.0);
    }

    #[test]
    fn a_sentence_that_sets_a_value_is_told_from_one_that_has_one() {
        for text in [
            "The fee amounts to £7,680.",
            "Hours are reduced from 37.5 to 30.",
            "Notice shall be three months.",
            "The fair is moved to 19 June.",
            "Schools get a discount of 15 per cent.",
        ] {
            assert_eq!(value("sets", text, ""), 1.0, "{text}");
        }
        assert_eq!(value("sets", "There were 117 applications.", ""), 0.0);
    }

    #[test]
    fn what_may_be_is_told_from_what_may_not_be_and_from_what_must_be() {
        assert_eq!(value("permits", "The fee may be adjusted.", ""), 1.0);
        for text in ["The hall may not be used.", "It cannot be moved.", "You may pay, but must tell us."] {
            assert_eq!(value("permits", text, ""), 0.0, "{text}");
        }
    }

    #[test]
    fn a_deadline_is_told_from_a_date() {
        for text in
            ["Reply by 12 March 2027.", "It is due on Friday 5 May.", "Not later than 2027-03-12, please."]
        {
            assert_eq!(value("deadline", text, ""), 1.0, "{text}");
        }
        assert_eq!(value("deadline", "We met on 12 March 2027.", ""), 0.0);
    }

    #[test]
    fn verdicts_problems_and_acts_are_told() {
        for (name, text, not) in [
            ("verdict", "On balance the overall opinion is limited.", "The opinions of all were heard."),
            ("problem", "The second approval was missing.", "The second approval was given."),
            ("performs", "The Council REFUSES permission.", "The Council met in the hall."),
            ("performs", "The trustees have decided to help.", "The trustees will decide."),
            ("counted", "In 14 of the 40 payments it was so.", "In 2014 it was so."),
            ("denies", "The roof can’t be used before June.", "The roof can be used before June."),
            ("denies", "Subletting is no longer allowed.", "A longer lease is allowed."),
            ("cause", "It arose from an empty tank.", "It rose to an empty height."),
            ("cause", "The valve had stuck open, so the tank ran dry.", "The tank had run dry so often."),
        ] {
            assert_eq!((value(name, text, ""), value(name, not, "")), (1.0, 0.0), "{name}");
        }
    }

    #[test]
    fn the_tax_on_a_sum_is_no_boilerplate_and_the_number_of_a_firm_is() {
        assert_eq!(value("taxed", "The fee is £7,680 plus VAT.", ""), 1.0);
        for text in ["VAT no. GB 318, £5.", "The fee is £7,680.", "Yours sincerely, £5 plus VAT."] {
            assert_eq!(value("taxed", text, ""), 0.0, "{text}");
        }
    }

    #[test]
    fn the_first_sentence_of_a_section_opens_it_and_a_row_is_no_sentence() {
        let mut sentence = Sentence {
            text: "The rent rises.".into(),
            kind: Kind::Body,
            section: 0,
            place: 0,
            words: 3,
            parts: vec![],
            trimmed: false,
        };
        let of = |sentence: &Sentence, name| {
            terms(sentence, "").into_iter().find(|(term, ..)| *term == name).map(|(.., value)| value).unwrap()
        };
        assert_eq!((of(&sentence, "opens"), of(&sentence, "row")), (1.0, 0.0));
        sentence.kind = Kind::Row;
        assert_eq!((of(&sentence, "opens"), of(&sentence, "row")), (0.0, 1.0));
    }
}
