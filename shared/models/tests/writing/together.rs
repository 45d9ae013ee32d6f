//! Many who ask at once, of one model.

use crate::{copy, golden, open, options, prompt, set};
use precis_models::{Controls, ModelError, Precision, Writer, WriterOptions};
use std::sync::Arc;
use std::time::Duration;
use summarizer::{BackendError, Generator, Prompt};

const MODELS: [&str; 5] = ["t5-relu", "t5-gated", "t5-gguf", "qwen3", "qwen3.gguf"];

/// Prompts of many lengths; some of them drawn, some with guesses, some with beams.
fn asked() -> Vec<(Prompt, Controls)> {
    let one = |n: usize| {
        let content = "the rent rises by 6% ".repeat(1 + n * n % 13) + &n.to_string();
        let mut controls = Controls { max_tokens: 3 + n % 17, lookup: n % 3 * 4, ..Controls::default() };
        match n % 4 {
            1 => (controls.temperature, controls.top_p, controls.seed) = (0.9, 0.9, 7),
            2 => controls.beams = 3,
            _ => {}
        }
        (prompt(&content, controls.max_tokens), controls)
    };
    (0..14).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_depend_on_what_else_is_written() {
    for name in MODELS {
        let writer = Arc::new(open(&golden(name)));
        let mut alone = Vec::new();
        for one in asked() {
            alone.extend(writer.write("", vec![one]).await.unwrap().into_iter().map(Result::unwrap));
        }
        assert!(alone.iter().any(|written| written.cut) && alone.iter().any(|written| !written.cut));
        // All as one request, and each by itself at the same time, in three orders.
        let together = writer.write("", asked()).await.unwrap();
        assert_eq!(together.into_iter().map(Result::unwrap).collect::<Vec<_>>(), alone, "{name}");
        for turn in [0, 5, 9] {
            let mut order: Vec<usize> = (0..asked().len()).collect();
            order.rotate_left(turn);
            let ask = |at: usize| {
                let writer = Arc::clone(&writer);
                tokio::spawn(async move {
                    (at, writer.write("", vec![asked().remove(at)]).await.unwrap().remove(0))
                })
            };
            let calls: Vec<_> = order.into_iter().map(ask).collect();
            for call in calls {
                let (at, got) = call.await.unwrap();
                assert_eq!(got.unwrap(), alone[at], "{name}");
            }
        }
    }
}

#[tokio::test]
async fn answers_in_few_bits_do_not_depend_on_what_else_is_written() {
    for name in ["t5-gated", "qwen3"] {
        for precision in [Precision::Bf16, Precision::Int8] {
            let writer = Writer::load(&golden(name), options(precision)).unwrap();
            let together = writer.write("", asked()).await.unwrap();
            for (one, wanted) in asked().into_iter().zip(together) {
                let alone = writer.write("", vec![one]).await.unwrap().remove(0);
                assert_eq!(alone.unwrap(), wanted.unwrap(), "{name} in {precision}");
            }
        }
    }
}

#[tokio::test]
async fn a_small_budget_makes_rows_wait_and_changes_nothing() {
    let wanted = open(&golden("t5-relu")).write("", asked()).await.unwrap();
    // Room for a row or two, and no more.
    for context in [320, 512] {
        let options = WriterOptions { tokens: 1, context: Some(context), ..options(Precision::F32) };
        let got = Writer::load(&golden("t5-relu"), options).unwrap().write("", asked()).await.unwrap();
        for (got, wanted) in got.into_iter().zip(&wanted) {
            assert_eq!(&got.unwrap(), wanted.as_ref().unwrap());
        }
    }
}

#[tokio::test]
async fn a_generator_answers_in_order_and_names_its_weights() {
    let writer = open(&golden("qwen3"));
    let first = prompt("the rent rises", 9);
    let stops = Prompt { stop: vec!["e".into()], ..prompt("the roof", 9) };
    let warm = Prompt { temperature: 0.8, seed: 3, ..prompt("the roof", 9) };
    let all = vec![first.clone(), stops, warm.clone(), warm, first];
    let answers = writer.generate("", all.clone()).await.unwrap();
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0], answers[4]);
    assert_eq!(answers[2], answers[3]);
    assert!(!answers[1].text.contains('e'));
    assert!(answers.iter().all(|answer| answer.tokens <= 9));
    assert_eq!(writer.generate("", all).await.unwrap(), answers);
    assert_eq!(writer.context(), 512);
    assert!(writer.count("the rent rises") > 2 && writer.count("") == 0);
    assert!(writer.generate("", vec![]).await.unwrap().is_empty());

    let folder = copy("qwen3");
    let name = Writer::open(folder.path(), options(Precision::F32)).unwrap().name();
    for precision in [Precision::Bf16, Precision::Int8] {
        assert!(Writer::open(folder.path(), options(precision)).unwrap().name() != name);
    }
    assert_eq!(Writer::open(folder.path(), options(Precision::Auto)).unwrap().name(), name);
    set(folder.path(), "rope_theta", serde_json::json!(1e6));
    assert!(Writer::open(folder.path(), options(Precision::F32)).unwrap().name() != name);
}

#[tokio::test]
async fn what_does_not_fit_the_context_is_refused_before_it_runs() {
    for (name, content) in [("qwen3", 600), ("t5-relu", 700)] {
        let writer = Writer::open(&golden(name), options(Precision::F32)).unwrap();
        let long = prompt(&"rent ".repeat(content), 10);
        let controls = Controls { max_tokens: 10, ..Controls::default() };
        let got = writer.write("", vec![(long.clone(), controls)]).await.unwrap().remove(0);
        match got {
            Err(error @ ModelError::TooLong { answer: 10, context: 512, .. }) => {
                assert!(error.to_string().contains("shorten"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        match writer.generate("", vec![long]).await {
            Err(BackendError::Run(text)) => assert!(text.contains("512"), "{text}"),
            other => panic!("{other:?}"),
        }
        assert!(writer.generate("", vec![prompt("rent", 600)]).await.is_err());
        // Nothing had to be loaded for that.
        assert_eq!(writer.load_time(), None);
    }
    let wide = WriterOptions { context: Some(4000), ..options(Precision::F32) };
    let writer = Writer::load(&golden("t5-relu"), wide).unwrap();
    assert_eq!(writer.context(), 4000);
    assert!(writer.generate("", vec![prompt(&"rent ".repeat(700), 4)]).await.is_ok());
}

#[tokio::test]
async fn requests_that_mean_nothing_are_refused_and_others_of_the_same_call_are_not() {
    let writer = open(&golden("t5-relu"));
    let good = Controls { max_tokens: 4, ..Controls::default() };
    for wrong in [
        Controls { max_tokens: 0, ..good.clone() },
        Controls { min_tokens: 5, ..good.clone() },
        Controls { temperature: f32::NAN, ..good.clone() },
        Controls { temperature: -1.0, ..good.clone() },
        Controls { top_p: 0.0, ..good.clone() },
        Controls { repetition_penalty: 0.0, ..good.clone() },
        Controls { beams: 0, ..good.clone() },
        Controls { beams: 33, ..good.clone() },
        Controls { beams: 2, temperature: 1.0, ..good.clone() },
        Controls { length_penalty: f32::INFINITY, ..good.clone() },
    ] {
        let pair = vec![(prompt("a", 4), wrong), (prompt("a", 4), good.clone())];
        let got = writer.write("", pair).await.unwrap();
        assert!(matches!(got[0], Err(ModelError::Asked(_))), "{:?}", got[0]);
        assert!(got[1].is_ok());
    }
}

#[tokio::test]
async fn empty_and_endless_texts_are_answered() {
    for name in ["t5-relu", "qwen3"] {
        let wide = WriterOptions { context: Some(40_000), ..options(Precision::F32) };
        let writer = Writer::load(&golden(name), wide).unwrap();
        assert_eq!(writer.generate("", vec![prompt("", 3)]).await.unwrap().len(), 1);
        // Without a space, in text that the tokenizer has hardly seen.
        let endless = "x".repeat(3_000);
        assert_eq!(writer.generate("", vec![prompt(&endless, 2)]).await.unwrap().len(), 1);
        // A megabyte of each: what cuts words must not give up.
        let writer = open(&golden(name));
        for endless in ["rent", "    ", "\n\n\n\n", "1234", "!?!?", "ééé", "家賃家賃", "🏠 ", " \r\n\t"]
        {
            let text = endless.repeat(1_000_000 / endless.len());
            let controls = Controls { max_tokens: 2, ..Controls::default() };
            match writer.write("", vec![(prompt(&text, 2), controls)]).await.unwrap().remove(0) {
                Ok(_) | Err(ModelError::TooLong { .. }) => {}
                other => panic!("{name} {endless:?}: {other:?}"),
            }
        }
        assert!(writer.count(&"rent".repeat(250_000)) > 100_000);
    }
}

#[tokio::test]
async fn a_dropped_request_does_not_hold_up_the_next_one() {
    let wide = WriterOptions { context: Some(1 << 20), ..options(Precision::F32) };
    let writer = Writer::load(&golden("t5-relu"), wide).unwrap();
    // Never ends by itself: hours, if it were written to its end.
    let endless = Controls { max_tokens: 1 << 19, min_tokens: 1 << 19, ..Controls::default() };
    for _ in 0..20 {
        let request = writer.write("", vec![(prompt("the rent rises", 1), endless.clone()); 4]);
        // Polled once, so that it is sent, then dropped.
        assert!(tokio::time::timeout(Duration::ZERO, request).await.is_err());
    }
    let answer = writer.generate("", vec![prompt("the rent rises", 4)]);
    let got = tokio::time::timeout(Duration::from_secs(120), answer).await.unwrap().unwrap();
    assert_eq!(got.len(), 1);
}
