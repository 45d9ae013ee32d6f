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
