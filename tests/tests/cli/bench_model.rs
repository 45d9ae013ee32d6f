//! `precis bench-model`: the figures of an operator's own machine.

use precis_tests::program::{Place, run};

#[test]
fn a_model_is_measured_alone_and_with_documents_and_its_cost_follows_from_the_price() {
    let place = Place::new();
    let args =
        ["bench-model", "--seconds", "1", "--pages", "2", "--at-once", "4", "--price", "0.5", "--json"];
    let ran = run(&mut place.precis(&args)).with_status(0);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let number = |path: &str| told.pointer(path).and_then(serde_json::Value::as_f64).unwrap();
    assert!(number("/sentences/a_second") > 1.0 && number("/sentences/tokens_a_second") > 10.0, "{told}");
    let phases = number("/alone/rank") + number("/alone/embed") + number("/alone/choose");
    assert!(phases > 0.0 && phases <= number("/alone/seconds") * 1.001, "{told}");
    assert!(number("/together/p50") <= number("/together/p99"), "{told}");
    assert_eq!((number("/together/at_once"), number("/pages")), (4.0, 2.0));
    let counted = number("/flooded/done") + number("/flooded/waiting");
    assert!(number("/flooded/done") >= 1.0 && counted == number("/flooded/came"), "{told}");
    assert!(told["made_up"].as_bool().unwrap() && number("/words") > 900.0, "{told}");

    let people = run(&mut place.precis(&args[..args.len() - 1])).with_status(0).out;
    for said in [
        "tokens a second",
        "2 pages",
        "4 in hand",
        "an hour",
        "twice as many came",
        "documents for a dollar, $",
        "$0.5 an hour",
    ] {
        assert!(people.contains(said), "{said}:\n{people}");
    }
}

#[test]
fn documents_of_ones_own_are_measured_and_what_is_none_is_named() {
    let place = Place::new();
    let words =
        "The council met on 3 May 2027 and agreed that the harbour wall must be mended by the end of June. ";
    let file = place.write("minutes.txt", words.repeat(30));
    let ran =
        run(&mut place.precis(&["bench-model", file.to_str().unwrap(), "--seconds", "1", "--at-once", "2"]));
    let out = ran.with_status(0).out;
    assert!(out.contains("of 1 pages and 630 words") && !out.contains("made up"), "{out}");

    let blank = place.write("blank.txt", "\n\n");
    for (args, said) in [
        (vec![blank.to_str().unwrap()], "blank.txt"),
        (vec!["/nowhere/at-all.pdf"], "at-all.pdf"),
        (vec!["--price", "0"], "above 0"),
        (vec!["--pages", "0"], "1..=3000"),
        (vec!["--model", "/nowhere"], "there is no model in /nowhere"),
        (vec!["--dtype", "int3"], "int3"),
    ] {
        let ran = run(&mut place.precis(&[&["bench-model"], &args[..]].concat()));
        assert!(ran.status != 0 && ran.err.contains(said), "{args:?}: {} {}", ran.status, ran.err);
    }
}
