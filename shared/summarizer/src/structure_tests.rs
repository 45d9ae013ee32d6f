use super::*;
use domain::text::{Line, Origin, Page};

fn line(text: &str, role: Role, paragraph: u32) -> Line {
    Line { text: text.into(), role, paragraph, bbox: None, confidence: None }
}

fn page(number: u32, lines: Vec<Line>) -> Page {
    Page { number, origin: Origin::Text, lines, attachment: None, note: None }
}

fn texts(pages: Vec<Page>) -> Vec<String> {
    read(&Pages { pages, title: None }).sentences.into_iter().map(|sentence| sentence.text).collect()
}

#[test]
fn lines_of_a_paragraph_are_joined_and_split_into_sentences() {
    let lines = vec![
        line("The rent rises by six", Role::Body, 1),
        line("per cent. Notice is", Role::Body, 1),
        line("due in May.", Role::Body, 1),
        line("Another paragraph.", Role::Body, 2),
    ];
    assert_eq!(
        texts(vec![page(1, lines)]),
        ["The rent rises by six per cent.", "Notice is due in May.", "Another paragraph."]
    );
}

#[test]
fn a_paragraph_broken_by_a_page_break_is_joined_around_furniture() {
    let first =
        page(1, vec![line("The tenant shall repair", Role::Body, 3), line("Page 1", Role::Furniture, 4)]);
    let second = page(
        2,
        vec![
            line("Lease", Role::Furniture, 1),
            line("the roof. It", Role::Body, 2),
            line("leaks.", Role::Body, 2),
        ],
    );
    let document = read(&Pages { pages: vec![first, second], title: None });
    let sentence = &document.sentences[0];
    assert_eq!(sentence.text, "The tenant shall repair the roof.");
    let parts: Vec<_> = sentence.parts.iter().map(|part| (part.page, part.text.as_str())).collect();
    assert_eq!(parts, [(1, "The tenant shall repair"), (2, "the roof.")]);
    assert_eq!(document.sentences[1].text, "It leaks.");
}

#[test]
fn a_finished_paragraph_is_not_joined_to_the_next_page() {
    let first = page(1, vec![line("All done.", Role::Body, 1)]);
    let second = page(2, vec![line("we go on", Role::Body, 1)]);
    assert_eq!(texts(vec![first, second]), ["All done.", "we go on"]);
}

#[test]
fn headings_open_sections_and_are_not_sentences() {
    let lines = vec![
        line("Lease", Role::Title, 1),
        line("Before all.", Role::Body, 2),
        line("Rent", Role::Heading(2), 3),
        line("It rises.", Role::Body, 4),
        line("Detail", Role::Heading(3), 5),
        line("Slowly.", Role::Body, 6),
        line("End", Role::Heading(2), 7),
        line("It ends.", Role::Body, 8),
    ];
    let document = read(&Pages { pages: vec![page(1, lines)], title: Some("other".into()) });
    assert_eq!(
        (document.title.as_str(), &document.headings[..]),
        ("Lease", &["".into(), "Rent".into(), "End".into()][..])
    );
    let places: Vec<_> = document.sentences.iter().map(|s| (s.section, s.place)).collect();
    assert_eq!(places, [(0, 0), (1, 0), (1, 1), (2, 0)]);
}

#[test]
fn rows_items_and_quotes_are_kept_apart_and_code_is_left_out() {
    let lines = vec![
        line("Rent | EUR 4,240", Role::Row, 1),
        line("Deposit | EUR 100 | once", Role::Row, 1),
        line("pay the rent", Role::Item, 2),
        line("keep it clean", Role::Item, 3),
        line("let x = 1;", Role::Code, 4),
        line("I agree.", Role::Quote, 5),
    ];
    assert_eq!(
        texts(vec![page(1, lines)]),
        ["Rent: EUR 4,240", "Deposit, EUR 100, once", "pay the rent", "keep it clean", "I agree."]
    );
}

#[test]
fn hyphens_at_line_ends_go_unless_they_belong_to_the_word() {
    let join = |a: &str, b: &str, rest: &str| {
        let lines = vec![line(a, Role::Body, 1), line(b, Role::Body, 1), line(rest, Role::Body, 2)];
        texts(vec![page(1, lines)])[0].clone()
    };
    assert_eq!(join("more informa-", "tion here", "x"), "more information here");
    assert_eq!(join("a well-", "known rule", "x"), "a well-known rule");
    assert_eq!(join("a cross-", "border deal", "a cross-border deal"), "a cross-border deal");
    assert_eq!(join("the Anglo-", "Saxon world", "x"), "the Anglo-Saxon world");
    assert_eq!(join("in 2026-", "27 it rose", "x"), "in 2026-27 it rose");
    assert_eq!(join("a pause -", "then more", "x"), "a pause - then more");
}

#[test]
fn a_clause_number_is_no_part_of_the_sentence() {
    for (text, want) in [
        ("2.1 The rent is due.", "The rent is due."),
        ("(a) to pay", "to pay"),
        ("3. Pay now.", "Pay now."),
        ("14 of 40 payments failed.", "14 of 40 payments failed."),
        ("3.6 million were lost.", "3.6 million were lost."),
        ("A tenant pays.", "A tenant pays."),
    ] {
        assert_eq!(texts(vec![page(1, vec![line(text, Role::Body, 1)])]), [want]);
    }
}

#[test]
fn boxes_are_joined_and_confidence_is_weighted_by_length() {
    let place = |top| Some(BoundingBox { left: 0.1, top, width: 0.5, height: 0.02 });
    let mut a = line("The tenant repairs", Role::Body, 1);
    let mut b = line("the roof of it all.", Role::Body, 1);
    (a.bbox, b.bbox) = (place(0.1), place(0.2));
    (a.confidence, b.confidence) = (Some(0.5), Some(1.0));
    let document = read(&Pages { pages: vec![page(1, vec![a, b])], title: None });
    let part = &document.sentences[0].parts[0];
    let bbox = part.bbox.unwrap();
    assert!((bbox.top - 0.1).abs() < 1e-6 && (bbox.height - 0.12).abs() < 1e-6);
    assert!((part.confidence.unwrap() - 0.75).abs() < 0.02);
}

#[test]
fn unread_pages_give_no_sentence() {
    let mut unread = page(1, vec![line("Ghost text here.", Role::Body, 1)]);
    unread.origin = Origin::Unread;
    assert!(texts(vec![unread]).is_empty());
}

#[test]
fn the_cells_of_a_table_are_named_by_its_header_unless_they_explain_themselves() {
    let lines = vec![
        line("Work | Cost | Due", Role::Row, 1),
        line("Roof | EUR 900 | May", Role::Row, 1),
        line("Drain |  | June", Role::Row, 1),
        line("Ann | ask all the neighbours | July", Role::Row, 1),
    ];
    assert_eq!(
        texts(vec![page(1, lines)]),
        ["Roof, Cost: EUR 900; Due: May", "Drain; Due: June", "Ann: ask all the neighbours; Due: July"]
    );
}

#[test]
fn a_letterhead_gives_its_name_to_the_heading_under_it() {
    let lines = vec![
        line("LARKFIELD HOUSING", Role::Title, 1),
        line("Audit report", Role::Heading(2), 2),
        line("All is well.", Role::Body, 3),
    ];
    let document = read(&Pages { pages: vec![page(1, lines)], title: None });
    assert_eq!((document.title.as_str(), document.name.as_str()), ("LARKFIELD HOUSING", "Audit report"));
}

#[test]
fn the_title_of_a_mail_is_not_that_of_its_attachment() {
    let mail = page(1, vec![line("See the letter.", Role::Body, 1)]);
    let mut attached = page(2, vec![line("Order 7", Role::Title, 1)]);
    attached.attachment = Some("order.pdf".into());
    let document = read(&Pages { pages: vec![mail, attached], title: Some("About your desks".into()) });
    assert_eq!((document.title.as_str(), document.name.as_str()), ("About your desks", "About your desks"));
}

#[test]
fn short_lines_over_running_text_are_headings_where_no_reader_told_any() {
    let prose =
        "The rent of the flat rises by six per cent in the spring of next year, as the lease provides.";
    let lines = vec![
        line("Rent and running charges", Role::Body, 1),
        line(prose, Role::Body, 2),
        line("3. Handover", Role::Body, 3),
        line(prose, Role::Body, 4),
        line("Judith Pike", Role::Body, 5),
    ];
    let document = read(&Pages { pages: vec![page(1, lines)], title: None });
    assert_eq!(document.headings, ["Rent and running charges", "3. Handover"]);
    let texts: Vec<_> = document.sentences.iter().map(|s| (s.section, s.text.as_str())).collect();
    assert_eq!(texts, [(0, prose), (1, prose), (1, "Judith Pike")]);
}

#[test]
fn a_heading_without_a_full_stop_is_not_glued_to_the_line_below_it() {
    let lines = vec![
        line("Your right to object", Role::Body, 1),
        line("You may object to the termination if it would mean hardship for you or for a", Role::Body, 1),
        line("member of your household.", Role::Body, 1),
    ];
    let texts = texts(vec![page(1, lines)]);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(texts[0], "Your right to object");
}

#[test]
fn bullets_in_running_text_are_items() {
    let lines = vec![
        line("Bring the following", Role::Body, 1),
        line("• a valid passport or another paper that the office takes for one, with its", Role::Body, 1),
        line("translation", Role::Body, 1),
        line("• two photographs", Role::Body, 1),
    ];
    let document = read(&Pages { pages: vec![page(1, lines)], title: None });
    let found: Vec<_> = document.sentences.iter().map(|s| (s.kind, s.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (Kind::Body, "Bring the following"),
            (
                Kind::Item,
                "a valid passport or another paper that the office takes for one, with its translation"
            ),
            (Kind::Item, "two photographs"),
        ]
    );
}

#[test]
fn the_title_of_a_second_document_opens_a_section() {
    let lines = vec![
        line("Lease", Role::Title, 1),
        line("The rent rises.", Role::Body, 2),
        line("Minutes", Role::Title, 3),
        line("The roof leaks.", Role::Body, 4),
    ];
    let document = read(&Pages { pages: vec![page(1, lines)], title: None });
    assert_eq!((document.title.as_str(), document.headings.len()), ("Lease", 2));
    assert_eq!(document.sentences[1].section, 1);
}
