use super::*;

fn sentence(text: &str) -> Sentence {
    Sentence { text: text.into(), kind: Kind::Body, section: 0, place: 0, words: crate::words::count_words(text), parts: vec![] }
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
    assert!(worth(&short, None) > worth(&long, None));
}
