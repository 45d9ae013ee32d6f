use super::*;

fn sentence(text: &str) -> Sentence {
    Sentence {
        text: text.into(),
        kind: Kind::Body,
        section: 0,
        place: 0,
        words: crate::words::count_words(text),
        parts: vec![],
        trimmed: false,
    }
}

#[test]
fn standardised_values_have_mean_zero_and_deviation_one_and_constants_are_zero() {
    let out = z(&[1.0, 2.0, 3.0]);
    assert!((out[2] - 1.224_744_871).abs() < 1e-9 && out[1].abs() < 1e-12);
    assert_eq!(z(&[5.0, 5.0]), [0.0, 0.0]);
    assert!(z(&[]).is_empty());
}

#[test]
fn candidates_are_prose_without_links_and_questions() {
    assert!(candidate(&sentence("The rent rises by six per cent in March.")));
    for text in [
        "Too short to say.",
        "Does the rent rise by six per cent?",
        "The following rules apply to all tenants:",
        "See the page at http example for the whole text.",
        "1234 5678 9012 3456 7890 12 of 99.",
    ] {
        assert!(!candidate(&sentence(text)), "{text}");
    }
}

#[test]
fn a_deadline_with_a_sum_outweighs_a_courtesy() {
    let due = act(&sentence("The tenant must pay £4,240 by 30 November 2026."));
    let courtesy = act(&sentence("We remain, dear tenant, yours sincerely, your landlord."));
    assert!(due > courtesy + 4.0);
}

#[test]
fn the_office_share_is_zero_for_prose_and_one_for_letters() {
    let prose: Vec<_> = (0..40).map(|_| sentence("Words are joined into sentences here.")).collect();
    let all: Vec<usize> = (0..40).collect();
    assert_eq!(office_share(&prose, &all), 0.0);
    let mut letter = prose;
    for s in &mut letter[..4] {
        s.text = "Notice is due on 3 May.".into();
    }
    assert!((office_share(&letter, &all) - 1.0).abs() < 1e-9);
}

#[test]
fn a_date_ahead_of_the_documents_own_counts_for_a_sentence_and_one_behind_against_it() {
    let mut document = Document::default();
    document.sentences.push(sentence("Aldport, 6 November 2026"));
    let own = today(&document);
    assert_eq!(own.as_deref(), Some("2026-11-06"));
    for (text, want) in [
        ("Pay by 1 January 2027.", 1.0),
        ("It was agreed on 3 May 2025.", -1.0),
        ("We met on 6 November 2026.", -0.5),
        ("Between 3 May 2025 and June 2027.", 1.0),
        ("Nothing is due.", 0.0),
    ] {
        assert_eq!(ahead(text, own.as_deref()), want, "{text}");
    }
    assert_eq!(ahead("Pay by 1 January 2027.", None), 0.0);
}

#[test]
fn a_short_sentence_is_worth_more_than_a_long_one_that_says_as_much() {
    let short = sentence("The tenant must pay the rent by 30 May 2027.");
    let mut long = short.clone();
    long.words *= 3;
    assert!(worth(&short, "", None) > worth(&long, "", None));
}

/// A document of `tests/reference.json` as lines: blocks between blank lines.
fn parsed(markdown: &str) -> Document {
    use domain::text::{Line, Origin, Page, Pages, Role};
    let mut lines = Vec::new();
    for (paragraph, block) in (0_u32..).zip(markdown.split("\n\n")) {
        for line in block.lines() {
            let (role, text, own) = match line.split_once(' ') {
                Some(("#", rest)) => (Role::Title, rest, 0),
                Some(("##", rest)) => (Role::Heading(2), rest, 0),
                // Every item is a paragraph of its own.
                Some(("-", rest)) => (Role::Item, rest, u32::try_from(lines.len()).unwrap()),
                _ => (Role::Body, line, 0),
            };
            lines.push(Line {
                text: text.into(),
                role,
                paragraph: paragraph * 100 + own,
                bbox: None,
                confidence: None,
            });
        }
    }
    let page = Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None };
    crate::structure::read(&Pages { pages: vec![page], title: None })
}

fn reference() -> serde_json::Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn kept(document: &Document) -> Vec<usize> {
    (0..document.sentences.len()).filter(|&i| candidate(&document.sentences[i])).collect()
}

#[test]
fn every_term_of_recipe_c_is_the_references() {
    let reference = reference();
    for name in ["proposal", "story", "talk"] {
        let want = &reference[name];
        let document = parsed(want["document"].as_str().unwrap());
        let kept = kept(&document);
        let rows = want["candidates"].as_array().unwrap();
        let texts: Vec<&str> = kept.iter().map(|&i| document.sentences[i].text.as_str()).collect();
        assert_eq!(texts, rows.iter().map(|row| row["text"].as_str().unwrap()).collect::<Vec<_>>(), "{name}");
        let stems = Stems::new(Some("en"));
        let token = tokens(&document.sentences, &kept, &stems);
        let vectors = Vectors::new(&carrying(&token, &stems));
        let terms = recipe_c(&document, &kept, &token, &vectors, &stems);
        let mut total = vec![0.0; kept.len()];
        for (term, weight, values) in &terms {
            add(&mut total, *weight, values);
            for (row, value) in rows.iter().zip(values) {
                let wanted = row["terms"][term].as_f64().unwrap();
                assert!(
                    (value - wanted).abs() < 1e-4,
                    "{name}: {term} is {value}, not {wanted}: {}",
                    row["text"]
                );
            }
        }
        for (row, score) in rows.iter().zip(&total) {
            assert!((score - row["score"].as_f64().unwrap()).abs() < 1e-3, "{name}: {}", row["text"]);
        }
    }
}

#[test]
fn the_choice_is_the_references_where_nothing_dangles() {
    let reference = reference();
    for name in ["proposal", "story", "talk"] {
        let want = &reference[name];
        let document = parsed(want["document"].as_str().unwrap());
        let ranked = rank(&document, &Stems::new(Some("en")), 90);
        assert_eq!(ranked.office, 0.0);
        let none = crate::select::Embedded { places: vec![], vectors: vec![] };
        let order = crate::select::order(&ranked.scores);
        let alike = crate::select::Likeness::new(&document, &ranked, &none);
        let chosen = crate::select::select(&document, &ranked, &ranked.scores, &order, &alike, 90);
        let texts: Vec<&str> =
            chosen.iter().map(|&p| document.sentences[ranked.pool[p]].text.as_str()).collect();
        let wanted: Vec<&str> =
            want["chosen"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        assert_eq!(texts, wanted, "{name}");
    }
}

#[test]
fn act_is_the_references_for_every_sentence_of_a_letter() {
    let reference = reference();
    let want = &reference["letter"];
    let document = parsed(want["document"].as_str().unwrap());
    let all: Vec<usize> =
        (0..document.sentences.len()).filter(|&i| sayable(&document.sentences[i], 4)).collect();
    assert!((office_share(&document.sentences, &all) - want["office"].as_f64().unwrap()).abs() < 1e-9);
    // The reference knows no signatures.
    let mut rows = want["sentences"].as_array().unwrap().clone();
    rows.retain(|row| !row["text"].as_str().unwrap().starts_with("Yours sincerely"));
    assert_eq!(all.len(), rows.len());
    for (&i, row) in all.iter().zip(&rows) {
        let sentence = &document.sentences[i];
        assert_eq!(sentence.text, row["text"].as_str().unwrap());
        let wanted = row["act"].as_f64().unwrap();
        assert!((act(sentence) - wanted).abs() < 1e-9, "{} {wanted}: {}", act(sentence), sentence.text);
    }
}

#[test]
fn every_term_of_a_sentences_worth_is_there_in_one_sentence_and_not_in_another() {
    let value = |name: &str, sentence: &Sentence| {
        let terms = worth_terms(sentence, "", Some("2026-11-06"));
        terms.into_iter().find(|(term, ..)| *term == name).map(|(.., value)| value).unwrap()
    };
    let plain = sentence("The garden behind the old house is pretty in spring and in summer.");
    for (name, text) in [
        ("date", "Come on 3 May 2027 with all of the keys of the house."),
        ("dates", "Come on 3 May 2027 with all of the keys of the house."),
        ("money", "Bring £40 for the lady at the door of the house."),
        ("moneys", "Bring £40 for the lady at the door of the house."),
        ("percent", "The share is 40% of all that there is in it."),
        ("numbers", "There are 12 lady members here and 7 men of age."),
        ("due", "It ends within the year for all of the members here."),
        ("modal", "The tenant must keep the house clean and in good repair."),
        ("decision", "The board approved the plans for the roof of the house."),
        ("change", "The house is no longer open to members of the club."),
        ("action", "The chair will write to all of the members of it."),
        ("boilerplate", "Yours sincerely, the landlord and all of the family."),
        ("short", "The house is pretty."),
        ("ahead", "Come on 3 May 2027 with all of the keys of the house."),
        ("itself", "Our ref: house and garden of the old lady at the mill."),
        ("stale", "The former fee of £40 no longer applies to any of them."),
    ] {
        let value_of = value(name, &sentence(text));
        assert!(value_of > 0.0, "{name} is {value_of}: {text}");
        assert_eq!(value(name, &plain), 0.0, "{name}");
    }
    let mut quoted = plain.clone();
    quoted.kind = Kind::Quote;
    assert_eq!((value("quoted", &quoted), value("quoted", &plain)), (1.0, 0.0));
}

#[test]
fn a_formula_and_the_date_of_an_issue_in_brackets_make_no_document_ask_for_action() {
    let texts = ["Issue 5445 (2009-03-08): writelines fails.", r"It is $32 \times 0.03$ of the whole of it."];
    let odd: Vec<_> = texts.iter().map(|text| sentence(text)).collect();
    assert_eq!(office_share(&odd, &[0, 1]), 0.0);
}
