use super::*;
use crate::structure::Part;
use crate::words::{Stems, count_words};
use std::collections::BTreeSet;

fn document(title: &str, sections: &[(&str, &[(&str, Kind)])]) -> Document {
    let mut out = Document { title: title.into(), ..Document::default() };
    for (section, (heading, sentences)) in sections.iter().enumerate() {
        out.headings.push((*heading).into());
        for (place, (text, kind)) in sentences.iter().enumerate() {
            let words = count_words(text);
            out.sentences.push(Sentence {
                text: (*text).into(),
                kind: *kind,
                section,
                place,
                words,
                parts: vec![part(text)],
                trimmed: false,
            });
        }
    }
    out
}

fn part(text: &str) -> Part {
    Part { page: 1, text: text.into(), bbox: None, confidence: None }
}

/// The value of a feature for the sentence of the pool that begins so.
fn value(document: &Document, features: &Features, ranked: &Ranked, name: &str, opening: &str) -> f64 {
    let column = FEATURES.iter().position(|feature| feature.name == name).unwrap();
    let place = ranked.pool.iter().position(|&at| document.sentences[at].text.starts_with(opening)).unwrap();
    features.row(place)[column]
}

fn ranked(document: &Document) -> (Ranked, Features) {
    let ranked = rank::rank(document, &Stems::new(Some("en")), 90);
    let features = Features::of(document, &ranked);
    (ranked, features)
}

/// Each feature is larger for the first of two sentences; the features that were looked at.
fn each(document: &Document, cases: &[(&'static str, &str, &str)]) -> BTreeSet<&'static str> {
    let (ranked, features) = ranked(document);
    for (name, more, less) in cases {
        let more_value = value(document, &features, &ranked, name, more);
        let less_value = value(document, &features, &ranked, name, less);
        assert!(more_value > less_value, "{name}: {more_value} for {more:?}, {less_value} for {less:?}");
    }
    cases.iter().map(|(name, ..)| *name).collect()
}

const B: Kind = Kind::Body;

fn proposal() -> Document {
    document(
        "Typed storage keys",
        &[
            (
                "Motivation",
                &[
                    ("We propose typed storage keys for every storage backend of the library.", B),
                    (
                        "Storage keys are strings today, and strings (as such) hide mistakes of the library.",
                        B,
                    ),
                    ("This proposal keeps storage keys as they are for old programs.", B),
                ],
            ),
            (
                "Details",
                &[
                    ("Weather was pleasant in the valley when nobody came along.", B),
                    ("However, it was slow, costly, brittle, odd, and rather hard to explain.", B),
                    ("The function parse_key of StorageBackend calls open_key() before anything else.", B),
                    ("There were 120 errors among 4000 calls of the old interface.", B),
                    ("A list item says that keys of Berlin and Paris differ from Rome.", Kind::Item),
                    ("Old programs go on with strings as storage keys of the library.", B),
                ],
            ),
        ],
    )
}

#[test]
fn a_document_about_something_has_the_terms_of_recipe_c_and_the_shape_of_its_sentences() {
    let seen = each(
        &proposal(),
        &[
            ("blend", "We propose", "Weather"),
            ("about.lexrank", "Old programs", "Weather"),
            ("about.textrank", "Old programs", "Weather"),
            ("about.sumbasic", "We propose", "Weather"),
            ("about.title", "We propose", "Weather"),
            ("about.doc", "This proposal", "Weather"),
            ("about.we", "We propose", "Weather"),
            ("about.commas", "Weather", "However"),
            ("about.section_position", "Weather", "However"),
            ("about.position_headed", "We propose", "Old programs"),
            ("about.intro", "We propose", "Weather"),
            ("about.first_section", "We propose", "Weather"),
            ("about.words", "Storage keys", "Weather"),
            ("about.item", "A list item", "Weather"),
            ("about.capitals", "A list item", "Weather"),
            ("about.digits", "There were", "Weather"),
            ("about.code", "The function", "Weather"),
            ("about.parentheses", "Storage keys", "Weather"),
            ("about.depth", "Old programs", "We propose"),
            ("about.dangling", "However", "Weather"),
        ],
    );
    let mut plain = proposal();
    plain.headings = vec![String::new()];
    plain.sentences.iter_mut().for_each(|sentence| sentence.section = 0);
    let plain = each(&plain, &[("about.position_plain", "We propose", "Old programs")]);
    let all = FEATURES
        .iter()
        .map(|feature| feature.name)
        .filter(|name| !name.contains('.') || name.starts_with("about."));
    assert_eq!(seen.union(&plain).copied().collect::<BTreeSet<_>>(), all.collect());
}

#[test]
fn a_talk_has_features_of_its_own_and_none_of_a_paper() {
    let talk = document(
        "Minutes",
        &[(
            "",
            &[
                ("The remote control of the Berlin team has two buttons and a wheel.", B),
                ("Yeah, I mean, you know, I think you and me said so.", B),
                ("We decided because the wheel of the remote control was loved by you.", B),
                ("Okay so I will send you my notes about that later today.", B),
                ("Um, I like the wheel of the remote control and you do.", B),
                ("You said my idea of a longer break was fine with you, okay, and I was glad about it.", B),
            ],
        )],
    );
    let seen = each(
        &talk,
        &[
            ("talk.talk", "The remote", "Yeah"),
            ("talk.position", "The remote", "You said"),
            ("talk.length", "You said", "The remote"),
            ("talk.lexrank", "Um, I like", "Yeah"),
            ("talk.capitals", "The remote", "You said"),
            ("talk.decision", "We decided", "The remote"),
        ],
    );
    let all = FEATURES.iter().map(|feature| feature.name).filter(|name| name.starts_with("talk."));
    assert_eq!(seen, all.collect());
    let (ranked, features) = ranked(&talk);
    assert_eq!(value(&talk, &features, &ranked, "about.lexrank", "Um, I like"), 0.0);
}

fn letter() -> Document {
    document(
        "Rent",
        &[
            (
                "",
                &[
                    ("Aldport, 6 November 2026", B),
                    ("The tenant must pay £4,240 by 30 January 2027 at the latest.", B),
                    ("The flat is bright and the neighbours are quiet people.", B),
                    ("From 1 March 2027 or 3 April 2027 the rent is £900, not £800.", B),
                    ("It was agreed on 3 May 2025 to paint the stairs green.", B),
                    ("The deposit earns 3 per cent from the bank near the station.", B),
                    ("The council rejected the appeal about the old garden wall.", B),
                    ("The rate is increased for the new year as everyone knows.", B),
                    ("Maria to call the plumber about the tap in the kitchen.", Kind::Item),
                    ("Yours sincerely, the landlord of the house by the river.", B),
                    ("Thank you again for it.", B),
                    ("Date: 6 November 2026 is the day of this letter here.", B),
                    ("Old rent of the flat was paid in time each month.", Kind::Quote),
                    ("Flat two, 120, 130, 140, as it was agreed with them.", Kind::Row),
                ],
            ),
            (
                "What happens next",
                &[
                    ("A survey of the roof and the walls is made in spring.", B),
                    ("The notice period is three months for both of the parties.", B),
                    ("The old guarantee of the boiler lapses with the move itself.", B),
                    ("Please tell us who lives in the flat besides you two.", B),
                    ("The rent is fixed at 950 for the whole of next year.", B),
                    ("The landlord may visit the garden when the sun is out.", B),
                    ("Overall the house is sound and the street is calm at night.", B),
                    ("The gutter is broken and the cellar door is faulty as well.", B),
                    ("The bank has approved the loan of the owner in this matter.", B),
                    ("Votes came from 14 of the 40 households in the same street.", B),
                    ("A third survey costs £500 with VAT of £100 on top of it.", B),
                    ("The damp arose from a pipe in the wall of the kitchen.", B),
                ],
            ),
            (
                "Background",
                &[("A word on it.", B), ("The house was a mill and later a school for girls.", B)],
            ),
        ],
    )
}

#[test]
fn a_letter_has_the_terms_of_act() {
    let seen = each(
        &letter(),
        &[
            ("act.date", "The tenant", "The flat"),
            ("act.dates", "From 1 March", "The tenant"),
            ("act.money", "The tenant", "The flat"),
            ("act.moneys", "From 1 March", "The tenant"),
            ("act.percent", "The deposit", "The flat"),
            ("act.numbers", "Flat two", "The flat"),
            ("act.due", "The tenant", "The flat"),
            ("act.modal", "The tenant", "The flat"),
            ("act.decision", "The council", "The flat"),
            ("act.change", "The rate", "The flat"),
            ("act.action", "Maria", "The flat"),
            ("act.boilerplate", "Yours sincerely", "The flat"),
            ("act.short", "Thank you", "The flat"),
            ("act.ahead", "The tenant", "It was agreed"),
            ("act.quoted", "Old rent", "The flat"),
            ("act.itself", "Date:", "The flat"),
            ("act.words", "The tenant", "Thank you"),
            ("act.item", "Maria", "The flat"),
            ("act.row", "Flat two", "The flat"),
            ("act.heading", "A survey", "The house"),
            ("act.period", "The notice", "The flat"),
            ("act.ends", "The old guarantee", "The flat"),
            ("act.request", "Please", "The flat"),
            ("act.sets", "The rent is fixed", "The flat"),
            ("act.deadline", "The tenant", "The flat"),
            ("act.verdict", "Overall", "The flat"),
            ("act.problem", "The gutter", "The flat"),
            ("act.performs", "The bank", "The flat"),
            ("act.counted", "Votes", "The flat"),
            ("act.taxed", "A third survey", "The flat"),
            ("act.permits", "The landlord may", "The flat"),
            ("act.denies", "The council", "The flat"),
            ("act.cause", "The damp", "The flat"),
            ("act.opens", "A survey", "The house"),
        ],
    );
    let stale = document(
        "Rent",
        &[(
            "",
            &[
                ("The rent of £800 is replaced by a new rent of £900 now.", B),
                ("The tenant must pay £4,240 by 30 January 2027 at the latest.", B),
                ("The deposit, formerly £500, is due on 3 May 2027.", B),
                ("The flat is bright and the neighbours are quiet people.", B),
            ],
        )],
    );
    let told: Vec<bool> = stale.sentences.iter().map(|sentence| rank::stale(&sentence.text)).collect();
    let (ranked, features) = ranked(&stale);
    for (sentence, told) in stale.sentences.iter().zip(&told) {
        let value = value(&stale, &features, &ranked, "act.stale", &sentence.text);
        assert_eq!(value > 0.0, *told, "{}", sentence.text);
    }
    assert!(told.contains(&true) && told.contains(&false), "{told:?}");
    let all: BTreeSet<&str> =
        FEATURES.iter().map(|f| f.name).filter(|n| n.starts_with("act.") && *n != "act.stale").collect();
    assert_eq!(seen, all);
}

#[test]
fn each_feature_asks_one_question_and_is_silent_where_the_document_asks_another() {
    for (document, silent) in [(proposal(), "act."), (letter(), "about.")] {
        let (ranked, features) = ranked(&document);
        for place in 0..features.rows() {
            for (feature, value) in FEATURES.iter().zip(features.row(place)) {
                assert!(!feature.name.starts_with(silent) || *value == 0.0, "{}", feature.name);
                assert!(value.is_finite() && (feature.name == "blend" || value.abs() <= MOST));
            }
        }
        assert_eq!(features.rows(), ranked.pool.len());
    }
}

#[test]
fn every_term_of_act_is_a_feature() {
    let document = letter();
    let sentence = &document.sentences[1];
    for (name, ..) in rank::worth_terms(sentence, "Background", None) {
        let named = format!("act.{name}");
        assert!(FEATURES.iter().any(|feature| feature.name == named), "add {named} to FEATURES");
    }
}

#[test]
fn names_are_unique_and_say_what_is_measured() {
    let names: BTreeSet<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    assert_eq!(names.len(), FEATURES.len());
    assert!(FEATURES.iter().all(|feature| feature.says.contains(|c: char| c.is_ascii_digit())));
}
