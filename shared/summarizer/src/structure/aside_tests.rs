use super::super::read;
use super::*;

fn line(text: &str, role: Role, paragraph: u32) -> Line {
    Line { text: text.into(), role, paragraph, bbox: None, confidence: None }
}

/// A page of paragraphs of running text, their lines parted by line breaks.
fn page(number: u32, paragraphs: &[&str]) -> Page {
    let of = |(paragraph, text): (u32, &&str)| {
        text.split('\n').map(|text| line(text, Role::Body, paragraph)).collect::<Vec<_>>()
    };
    let lines = (1..).zip(paragraphs).flat_map(of).collect();
    Page { number, origin: Origin::Text, lines, attachment: None, note: None }
}

const MATTER: [&str; 3] = [
    "The rent of the flat at Mill Road rises by six per cent in the spring of next year, as the lease provides, and the new sum is due each month.",
    "You may object in writing within six weeks, and the objection must give the reasons for which the rise would be a hardship to you or yours.",
    "The roof is repaired in the summer, and a scaffold will stand before the house for about three weeks while the slates and the gutters are renewed.",
];

/// What stands aside in a letter with that paragraph below its matter.
fn below(paragraph: &str) -> Vec<(Kind, String)> {
    let document = read(&Pages { pages: vec![page(1, &[&MATTER[..], &[paragraph]].concat())], title: None });
    assert!(document.sentences.len() >= 3);
    document.aside.into_iter().map(|sentence| (sentence.kind, sentence.text)).collect()
}

fn kind_of(paragraph: &str) -> Option<Kind> {
    below(paragraph).first().map(|(kind, _)| *kind)
}

#[test]
fn a_cookie_notice_stands_aside_in_several_languages_and_a_recipe_does_not() {
    for text in [
        "We use cookies to improve your experience on our website. By continuing you accept our cookie policy.",
        "This site uses cookies. Accept all | Manage preferences",
        "Wir verwenden Cookies, um die Nutzung unserer Website zu verbessern. Alle akzeptieren",
        "Ce site utilise des cookies pour améliorer votre expérience. Accepter ou refuser",
        "Utilizamos cookies para mejorar la navegación en nuestro sitio. Aceptar",
    ] {
        assert_eq!(kind_of(text), Some(Kind::CookieNotice), "{text}");
    }
    for text in [
        "Bake the cookies for ten minutes, and allow them to cool on a tray.",
        "Cookies and tea are served after the meeting in the hall.",
    ] {
        assert_eq!(kind_of(text), None, "{text}");
    }
}

#[test]
fn a_disclaimer_stands_aside_in_several_languages_and_a_duty_of_silence_does_not() {
    for text in [
        "This e-mail and any attachments are confidential and intended solely for the addressee.",
        "If you are not the intended recipient, please delete this message.",
        "If you have received this message in error please notify the sender.",
        "Please consider the environment before printing this e-mail.",
        "Sent from my telephone",
        "Diese E-Mail enthält vertrauliche und rechtlich geschützte Informationen.",
        "Ce message est confidentiel. Si vous n'êtes pas le destinataire, merci de le détruire.",
        "Este mensaje y sus adjuntos contienen información confidencial.",
        "You receive this letter as a member. To unsubscribe, write to us.",
    ] {
        assert_eq!(kind_of(text), Some(Kind::Disclaimer), "{text}");
    }
    for text in [
        "The parties shall keep the terms of this agreement confidential for five years.",
        "The message of the report is that confidential papers were left on a train.",
        "The recipient of the grant reports to the board each year.",
    ] {
        assert_eq!(kind_of(text), None, "{text}");
    }
}

#[test]
fn a_legal_footer_stands_aside_and_a_party_of_a_contract_does_not() {
    for text in [
        "Calder Data GmbH, registered office Hamburg, HRB 99 410. Managing directors: Dr. Ute Calder, Piet Verhoeven.",
        "Registered in England and Wales No. 0481 7733, VAT GB 318 0047 22",
        "© 2026 Acme Ltd. All rights reserved.",
        "Amtsgericht Hamburg HRB 99410, Geschäftsführer: Jens Albrecht, USt-IdNr. DE 123456789",
        "SARL au capital de 8 000 €, SIRET 123 456 789 00012, RCS Paris",
    ] {
        assert_eq!(kind_of(text), Some(Kind::LegalFooter), "{text}");
    }
    for text in [
        "Acme Ltd, a company registered in England and Wales whose registered office is at 4 Mill Road (the \"Landlord\")",
        "The buyer must be registered in the country before the sale is closed.",
        "All rights and duties pass to the buyer.",
    ] {
        assert_eq!(kind_of(text), None, "{text}");
    }
    // In the midst of a page it is matter.
    let many: Vec<&str> = MATTER
        .iter()
        .cycle()
        .take(5)
        .copied()
        .chain(["Registered in Scotland."])
        .chain(MATTER)
        .chain(MATTER)
        .collect();
    assert!(read(&Pages { pages: vec![page(1, &many)], title: None }).aside.is_empty());
}

#[test]
fn a_signature_is_the_greeting_and_the_names_under_it_and_ends_before_what_still_tells_something() {
    let signed = |text: &str| below(text).into_iter().collect::<Vec<_>>();
    for text in [
        "Yours sincerely,\nJudith Pike\nHarlow & Pike Residential Lettings",
        "With kind regards from Hamburg\nJens Albrecht\nCustomer Contracts",
        "Mit freundlichen Grüßen\nDr. Ute Calder",
        "Bien cordialement,\nMarie Roche",
        "Atentamente,\nLuis García",
        "С уважением,\nИван Смирнов",
        "--\nTamsin Rourke\nT 01632 960 255 | M 07700 900 318",
        "Best,\nTom",
    ] {
        let found = signed(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1.as_str()), (Kind::Signature, text.replace('\n', " ").as_str()));
    }
    for (text, told) in [
        ("Yours sincerely,\nJudith Pike\nP.S. The key is under the mat.", "P.S. The key is under the mat."),
        ("Regards,\nTom\nThe fee of £40 is due on 3 May.", "The fee of £40 is due on 3 May."),
        (
            "Kind regards\nAnn Lee\nPlease sign below and return the copy.",
            "Please sign below and return the copy.",
        ),
    ] {
        let pages = Pages { pages: vec![page(1, &[&MATTER[..], &[text]].concat())], title: None };
        assert_eq!(read(&pages).sentences.last().unwrap().text, told);
    }
    for text in
        ["Best practice is to ask first.", "Best practices for audits", "Regards for the dead are old."]
    {
        assert!(signed(text).is_empty(), "{text}");
    }
}

#[test]
fn a_page_number_stands_aside_where_it_counts_the_pages() {
    let numbered = |texts: [&str; 3]| {
        let pages = (0..3).map(|at| page(u32::try_from(at).unwrap() + 1, &[MATTER[at], texts[at]])).collect();
        let document = read(&Pages { pages, title: None });
        document.aside.iter().filter(|sentence| sentence.kind == Kind::PageNumber).count()
    };
    for texts in [
        ["1", "2", "3"],
        ["17", "18", "19"],
        ["- 4 -", "- 5 -", "- 6 -"],
        ["Page 1 of 3", "Page 2 of 3", "Page 3 of 3"],
        ["Seite 1", "Seite 2", "Seite 3"],
        ["i", "ii", "iii"],
        ["第 1 页", "第 2 页", "第 3 页"],
    ] {
        assert_eq!(numbered(texts), 3, "{texts:?}");
    }
    assert_eq!(numbered(["412", "7", "93"]), 0);
}

#[test]
fn heads_and_feet_that_come_back_stand_aside_also_with_numbers_and_do_not_part_a_sentence() {
    let parts =
        ["The tenant shall repair", "the roof, and shall clean", "the gutters, and then shall", "rest."];
    let pages: Vec<Page> = (1..=4)
        .map(|number| {
            let head = format!("Harlow & Pike: Lease of Flat 3 {}", number + 6);
            let part = parts[usize::try_from(number).unwrap() - 1];
            page(number, &[&head, part, "Draft of May, not for circulation"])
        })
        .collect();
    let document = read(&Pages { pages, title: None });
    // They are most of these pages, so they are kept …
    assert!(document.aside.is_empty());
    let pages: Vec<Page> = (1..=4)
        .map(|number| {
            let head = format!("Harlow & Pike: Lease of Flat 3 {}", number + 6);
            let part = parts[usize::try_from(number).unwrap() - 1];
            // Lines of one paragraph, as they stand between head and foot.
            let middle = format!(
                "{part}\nwith care and at the tenant's own cost, as\nthe letter number {number} says of what"
            );
            page(number, &[&head, &middle, "Draft of May, not for circulation"])
        })
        .collect();
    let document = read(&Pages { pages, title: None });
    let heads = document.aside.iter().filter(|sentence| sentence.kind == Kind::RunningHead).count();
    assert_eq!(heads, 8, "{:?}", document.aside);
    let first = &document.sentences[0];
    assert_eq!(first.parts.iter().map(|part| part.page).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(
        first.text.contains("the letter number 1 says of what the roof, and shall clean"),
        "{}",
        first.text
    );
}

#[test]
fn the_first_lines_of_paragraphs_are_no_running_heads_though_they_are_the_same() {
    let text = "The board heard a report about the work of the year and\nthanked all those who had a part in it, and";
    let pages: Vec<Page> = (1..=4)
        .map(|number| page(number, &[&format!("{text}\nnoted item {number}.\n{}\nand\nclosed.", MATTER[0])]))
        .collect();
    assert!(read(&Pages { pages, title: None }).aside.is_empty());
}

#[test]
fn what_a_document_consists_of_is_its_matter() {
    let text = "We use cookies on this website, and you may reject them in the settings of your browser at any time.";
    let document = read(&Pages { pages: vec![page(1, &[text, text, "Short."])], title: None });
    assert!(document.aside.is_empty() && document.sentences.len() == 3);
}

#[test]
fn code_and_furniture_are_read_and_kept_beside() {
    let mut lines = page(1, &MATTER).lines;
    lines.push(line("let rent = 4;", Role::Code, 9));
    lines.push(line("Home | Contact", Role::Furniture, 10));
    let document = read(&Pages {
        pages: vec![Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None }],
        title: None,
    });
    let kinds: Vec<Kind> = document.aside.iter().map(|sentence| sentence.kind).collect();
    assert_eq!(kinds, [Kind::Code, Kind::Furniture]);
}

#[test]
fn every_word_of_a_page_is_in_a_sentence_or_beside() {
    let notices = [
        "We use cookies on this website, and you may reject them.",
        "Yours sincerely,\nJudith Pike\nHarlow & Pike",
        "© 2026 Harlow & Pike. All rights reserved.",
        "Page 1 of 1",
    ];
    let page = page(1, &[&MATTER[..], &notices].concat());
    let all = page.words();
    let document = read(&Pages { pages: vec![page], title: None });
    let kinds: Vec<Kind> = document.aside.iter().map(|block| block.kind).collect();
    assert_eq!(kinds, [Kind::CookieNotice, Kind::Signature, Kind::LegalFooter, Kind::PageNumber]);
    let read = document.sentences.iter().chain(&document.aside).map(|sentence| sentence.words).sum::<usize>();
    assert_eq!(read, all);
}
