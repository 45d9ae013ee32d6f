//! What each check sees, and what it lets pass.

use super::*;

fn kinds(sources: &[&str], sentence: &str) -> Vec<ProblemKind> {
    let checker = Checker::new(sources, "", Some("en"));
    checker.check(sentence, &[]).problems.into_iter().map(|problem| problem.kind).collect()
}

fn passes(source: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert_eq!(kinds(&[source], sentence), [], "{source} / {sentence}");
    }
}

fn fails(source: &str, sentence: &str, kind: ProblemKind) {
    let found = kinds(&[source], sentence);
    assert!(found.contains(&kind), "{source} / {sentence}: {found:?}");
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    passes(
        "The firm planted 1,200 trees in two weeks.",
        &[
            "The firm planted 1200 trees in two weeks.",
            "In 2 weeks the firm planted twelve hundred trees.",
            "The firm planted one thousand two hundred trees in 14 days.",
            "The firm planted 1 200 trees in a fortnight's 14 days.",
        ][..3],
    );
    passes("It costs £2.5 million and takes 90 minutes.", &["It costs £2,500,000 and takes 90 minutes."]);
    passes(
        "The hall opens at 18:30 and closes at 11 pm.",
        &["The hall opens at 6:30 pm and closes at 23:00."],
    );
    fails("The firm planted 1,200 trees.", "The firm planted 1,300 trees.", ProblemKind::Number);
    fails("The firm planted twelve trees.", "The firm planted thirteen trees.", ProblemKind::Number);
}

#[test]
fn a_unit_a_currency_and_a_period_belong_to_their_number() {
    let source = "The tank holds 40 litres and costs EUR 15 a month.";
    passes(source, &["The tank costs €15 per month and holds 40 l."]);
    for wrong in
        ["The tank holds 40 gallons.", "The tank costs £15 a month.", "The tank costs EUR 15 a year."]
    {
        fails(source, wrong, ProblemKind::Unit);
    }
}

#[test]
fn a_date_is_its_day_month_and_year() {
    let source = "The offer of Friday 12 February 2027 holds until 1 March.";
    passes(
        source,
        &[
            "The offer of 2027-02-12 holds until March 1.",
            "The offer of 12 February holds until 1 March 2027.",
        ],
    );
    fails(source, "The offer of 13 February 2027 holds until 1 March.", ProblemKind::Date);
    fails(source, "The offer of 12 February 2028 holds until 1 March.", ProblemKind::Date);
    fails(source, "The offer of Monday 12 February 2027 holds.", ProblemKind::Date);
}

#[test]
fn a_name_must_stand_in_the_source_or_over_the_document() {
    let sources = ["Ms Imhof runs the bakery.", "She moves it to Basel in May."];
    assert_eq!(kinds(&sources, "Imhof moves the bakery to Basel in May."), []);
    assert_eq!(kinds(&sources, "Keller runs the bakery."), [ProblemKind::Name]);
    assert_eq!(kinds(&sources, "The bakery is run by Ms Keller."), [ProblemKind::Name]);
    let checker = Checker::new(&sources, "Contract with Larkspur", Some("en"));
    assert_eq!(checker.check("Ms Imhof of Larkspur runs the bakery.", &[]).problems, []);
}

#[test]
fn what_is_denied_stays_denied() {
    let source = "The insurer does not pay for damage by frost.";
    passes(
        source,
        &["Damage by frost is not paid for by the insurer.", "The insurer never pays for damage by frost."],
    );
    fails(source, "The insurer pays for damage by frost.", ProblemKind::Negation);
    fails("The insurer pays for damage by frost.", source, ProblemKind::Negation);
    passes("The bill of the plumber is unpaid.", &["The plumber's bill is not paid."]);
}

#[test]
fn a_comparison_keeps_its_direction_also_when_its_sides_change_places() {
    let source = "The tower is higher than the church.";
    passes(source, &["The church is lower than the tower."]);
    fails(source, "The church is higher than the tower.", ProblemKind::Comparison);
    fails(source, "The tower is lower than the church.", ProblemKind::Comparison);
    fails("Apply before 3 May.", "Apply after 3 May.", ProblemKind::Comparison);
    passes("Apply no later than 3 May.", &["Apply by 3 May."]);
    fails("Rents went from 400 to 600.", "Rents went from 600 to 400.", ProblemKind::Comparison);
}

#[test]
fn parties_keep_their_places_in_active_and_passive() {
    let source = "The lender may ask the borrower for a guarantee.";
    passes(source, &["The borrower may be asked for a guarantee by the lender."]);
    fails(source, "The borrower may ask the lender for a guarantee.", ProblemKind::Party);
    fails(source, "The lender may be asked for a guarantee by the borrower.", ProblemKind::Party);
    passes("The seller sold the buyer a boat.", &["The buyer bought a boat from the seller."]);
}

#[test]
fn two_sentences_made_one_rest_on_both() {
    let sources = [
        "The roof is repaired in March by Halden.",
        "Tea is served on Sundays.",
        "The piano was tuned for £85.",
    ];
    let checker = Checker::new(&sources, "", Some("en"));
    let verdict = checker.check("Halden repairs the roof in March, and the piano was tuned for £85.", &[]);
    let mut cited: Vec<usize> = verdict.supports.iter().map(|support| support.source).collect();
    cited.sort_unstable();
    assert_eq!((cited, verdict.problems), (vec![0, 2], vec![]));
}

#[test]
fn what_no_source_says_is_unsupported_and_embeddings_can_find_one() {
    let sources = ["Nobody was hurt.", "The store was built in 2014."];
    assert_eq!(kinds(&sources, "Prices will double soon."), [ProblemKind::Unsupported]);
    let checker = Checker::new(&sources, "", Some("en"));
    let verdict = checker.check("There were no injuries.", &[(0, 0.9), (1, 0.1)]);
    assert_eq!((verdict.supports[0].source, verdict.problems), (0, vec![]));
}

#[test]
fn other_languages_are_held_to_numbers_dates_and_denials() {
    let german = "Die Miete von 1.000 Euro muss bis zum 3. März 2027 nicht an die Bank gezahlt werden.";
    let checker = Checker::new(&[german], "", Some("de"));
    let kinds = |said: &str| -> Vec<ProblemKind> {
        checker.check(said, &[]).problems.into_iter().map(|problem| problem.kind).collect()
    };
    assert_eq!(kinds("Bis zum 3.3.2027 muss die Miete von 1000 Euro nicht an die Bank gezahlt werden."), []);
    assert_eq!(
        kinds("Die Miete von 1.100 Euro muss bis zum 3. März 2027 nicht an die Bank gezahlt werden."),
        [ProblemKind::Number]
    );
    assert_eq!(
        kinds("Die Miete von 1.000 Euro muss bis zum 4. März 2027 nicht an die Bank gezahlt werden."),
        [ProblemKind::Date]
    );
    assert_eq!(
        kinds("Die Miete von 1.000 Euro muss bis zum 3. März 2027 an die Bank gezahlt werden."),
        [ProblemKind::Negation]
    );
    let french = "Le loyer de 1 000 euros est payé par Mme Dubois le 3 mars.";
    let checker = Checker::new(&[french], "", Some("fr"));
    assert_eq!(checker.check("Mme Dubois paie le loyer de 1000 euros.", &[]).problems, []);
    assert_eq!(checker.check("Le loyer de 1000 euros est payé par Mme Lambert.", &[]).problems.len(), 1);
}

#[test]
fn any_text_gets_a_verdict() {
    let odd = [
        "",
        " ",
        "−3",
        "βf = −3.",
        "١٢٣",
        "12:99",
        "999999999999999999999999",
        "a'b'c",
        "’’’",
        "31 February",
        "これは日本語の文です。",
        "-",
        "£",
        "no",
        "than",
        "from to",
        "from 3 to",
        "by",
        "out of",
        "\u{0}\u{7}",
        "مرحبا بالعالم",
        "🙂 5 🙂",
        "1,,,2",
        "5 pm pm",
        "% 5 %",
    ];
    for source in odd {
        let checker = Checker::new(&odd, source, None);
        for language in [Some("de"), Some("ja"), None] {
            let other = Checker::new(&[source], source, language);
            for said in odd {
                let all = [checker.check(said, &[]), other.check(said, &[(0, 0.5), (9, 0.9)])];
                assert!(all.iter().all(|verdict| verdict.supports.iter().all(|s| s.score.is_finite())));
            }
        }
    }
    assert_eq!(Checker::new(&[], "", None).check("A sentence.", &[]).problems.len(), 1);
}
