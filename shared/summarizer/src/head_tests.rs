use super::*;

fn head() -> Head {
    let mut weights = Head::recipe();
    weights[1] = 0.123_456_789;
    let record = Record { date: "2026-11-29".into(), command: "precis train".into(), ..Record::default() };
    Head::new(&weights, None, record).unwrap()
}

#[test]
fn a_head_comes_back_from_its_file_with_the_same_name() {
    let head = head();
    let again = Head::parse(&head.bytes()).unwrap();
    assert_eq!(again, head);
    assert_eq!(again.bytes(), head.bytes());
    assert_eq!(head.name().len(), 12);
    assert!(head.bytes().len() < LARGEST);
    assert_eq!(head.weights()[1], 0.12346);
}

#[test]
fn another_weight_or_another_record_is_another_head() {
    let head = head();
    let other = Head::new(&Head::recipe(), None, head.record.clone()).unwrap();
    let retold = Head::new(&head.weights(), None, Record::default()).unwrap();
    assert!(other.name() != head.name() && retold.name() != head.name());
    assert_ne!(crate::ranker(Some(&head)), crate::ranker(Some(&other)));
    assert_eq!(crate::ranker(None), crate::VERSION);
}

#[test]
fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let bytes = head().bytes();
    // The last byte is the line's end.
    for end in 0..bytes.len() - 1 {
        assert!(matches!(Head::parse(&bytes[..end]), Err(HeadError::Damaged(_))), "{end}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let text = String::from_utf8(head().bytes()).unwrap();
    let said = |text: &str| Head::parse(text.as_bytes()).unwrap_err().to_string();
    let newer = said(&text.replace("\"precis_head\": 1", "\"precis_head\": 7"));
    assert!(newer.contains("version 7") && newer.contains("reads 1"), "{newer}");
    let strange = said(&text.replace("about.lexrank", "about.magic"));
    assert!(strange.contains("about.magic"), "{strange}");
    let huge = said(&text.replace("0.12346", "1e300"));
    assert!(huge.contains("about.lexrank"), "{huge}");
    let other = said("{\"weights\":{}}");
    assert!(other.contains("precis_head"), "{other}");
    assert!(said(&" ".repeat(LARGEST + 1)).contains("at most 200000"));
}

#[test]
fn scores_keep_the_mean_and_the_spread_of_the_hand_set_ones() {
    let out = on_scale(&[10.0, 20.0, 60.0], &[1.0, 2.0, 3.0]);
    let mean = out.iter().sum::<f64>() / 3.0;
    let spread = (out.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    assert!((mean - 2.0).abs() < 1e-9 && (spread - (2.0_f64 / 3.0).sqrt()).abs() < 1e-9, "{out:?}");
    let same = on_scale(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]);
    assert!(same.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-9));
}

#[test]
fn what_sentences_mean_is_kept_with_the_model_that_told_it() {
    let weights: Vec<f64> = Head::recipe().into_iter().chain([0.5, -0.25, 0.125]).collect();
    let head = Head::new(&weights, Some("a model"), Record::default()).unwrap();
    let again = Head::parse(&head.bytes()).unwrap();
    assert_eq!((again.weights(), again.model()), (weights, Some("a model")));
    let plain = Head::new(&Head::recipe(), Some("a model"), Record::default()).unwrap();
    assert!(plain.model().is_none() && plain.suits("any model"));
    let text = String::from_utf8(head.bytes()).unwrap().replace("0.125", "1e99");
    assert_eq!(Head::parse(text.as_bytes()), Err(HeadError::Weight("meaning".to_owned())));
}
