use super::{Rules, Task, Written, choose, lookup, rules, stopped};
use crate::controls::Controls;
use crate::model::{Kind, Model};
use crate::parity_tests::{ids, load, read, text};
use crate::precision::Dtypes;
use crate::text::Text;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

struct Held {
    model: Model,
    kind: Kind,
    text: Text,
}

fn held(name: &str) -> Held {
    let (model, kind) = load(name, Dtypes::F32);
    let text = text(name, &kind);
    Held { model, kind, text }
}

/// All of them in one batch, which each leaves when it is finished; and how many passes it took.
fn write(held: &Held, asked: &[(Vec<u32>, Controls)], piece: usize) -> (Vec<Written>, usize) {
    let prompts: Vec<(&[u32], usize)> =
        asked.iter().map(|(prompt, controls)| (prompt.as_slice(), controls.max_tokens + 1)).collect();
    let rows = held.model.begin(&prompts).unwrap();
    let start = held.kind.start();
    let tasks = rows.into_iter().zip(asked);
    let mut tasks: Vec<Option<Task>> = tasks
        .map(|(row, (prompt, controls))| Some(Task::new(row, prompt, start, controls.clone())))
        .collect();
    let mut out = vec![None; asked.len()];
    let rules = Rules { text: &held.text, ends: held.kind.ends() };
    let mut passes = 0;
    while tasks.iter().any(Option::is_some) {
        let mut feeds = Vec::new();
        let mut counts = Vec::new();
        for task in tasks.iter_mut().flatten() {
            let own = task.feeds(piece);
            counts.push(own.len());
            feeds.extend(own);
        }
        let mut logits = held.model.forward(&mut feeds).unwrap().into_iter();
        passes += 1;
        let going = tasks.iter_mut().zip(&mut out).filter(|(task, _)| task.is_some());
        for ((task, out), count) in going.zip(counts) {
            let own = logits.by_ref().take(count).collect();
            *out = task.as_mut().unwrap().read(own, &rules).unwrap();
            if out.is_some() {
                *task = None;
            }
        }
    }
    (out.into_iter().map(Option::unwrap).collect(), passes)
}

fn controls(options: &Value) -> Controls {
    let whole = |key: &str, otherwise: usize| {
        options[key].as_u64().map_or(otherwise, |n| usize::try_from(n).unwrap())
    };
    let number = |key: &str| options[key].as_f64().map_or(1.0, |n| n as f32);
    Controls {
        max_tokens: whole("max_new_tokens", 0),
        min_tokens: whole("min_new_tokens", 0),
        repetition_penalty: number("repetition_penalty"),
        no_repeat_ngram: whole("no_repeat_ngram_size", 0),
        beams: whole("num_beams", 1),
        length_penalty: number("length_penalty"),
        ..Controls::default()
    }
}

fn prompts(expected: &Value) -> Vec<Vec<u32>> {
    expected["cases"].as_array().unwrap().iter().map(|case| ids(&case["prompt"])).collect()
}

const MODELS: [&str; 3] = ["t5-relu", "t5-gated", "qwen3"];

#[test]
fn greedy_and_beam_answers_are_the_reference_librarys() {
    for name in MODELS {
        let held = held(name);
        let expected = read(&format!("{name}/expected.json"));
        for answers in expected["answers"].as_array().unwrap() {
            let options = controls(&answers["options"]);
            let asked: Vec<_> =
                prompts(&expected).into_iter().map(|prompt| (prompt, options.clone())).collect();
            let (got, _) = write(&held, &asked, 50);
            for (row, (got, wanted)) in got.iter().zip(answers["tokens"].as_array().unwrap()).enumerate() {
                let mut wanted = ids(wanted);
                let ended = wanted.last().is_some_and(|last| held.kind.ends().contains(last));
                if ended {
                    wanted.pop();
                }
                assert_eq!(got.tokens, wanted, "{name} row {row} {}", answers["options"]);
                assert_eq!(got.cut, !ended, "{name} row {row} {}", answers["options"]);
            }
        }
    }
}

#[test]
fn guessing_ahead_changes_no_token_and_takes_fewer_passes() {
    for name in MODELS {
        let held = held(name);
        let expected = read(&format!("{name}/expected.json"));
        let (mut plain, mut fewer) = (0, 0);
        for prompt in prompts(&expected) {
            for no_repeat_ngram in [0, 3] {
                let ask = |lookup| {
                    let controls =
                        Controls { max_tokens: 40, lookup, no_repeat_ngram, ..Controls::default() };
                    write(&held, &[(prompt.clone(), controls)], 512)
                };
                let (wanted, passes) = ask(0);
                plain += passes;
                for lookup in [1, 3, 8] {
                    let (got, passes) = ask(lookup);
                    assert_eq!(got, wanted, "{name} {lookup}");
                    fewer += if lookup == 8 { passes } else { 0 };
                }
            }
        }
        println!("{name}: {plain} passes, {fewer} with guesses");
        assert!(fewer < plain, "{name}: {fewer} of {plain}");
    }
}

#[test]
fn a_drawn_answer_depends_on_its_seed_and_on_nothing_beside_it() {
    let held = held("qwen3");
    let expected = read("qwen3/expected.json");
    let ask = |seed: u64| -> Vec<_> {
        let each = prompts(&expected).into_iter().zip(seed..);
        each.map(|(prompt, seed)| {
            (prompt, Controls { max_tokens: 20, temperature: 1.0, top_p: 0.9, seed, ..Controls::default() })
        })
        .collect()
    };
    let together = write(&held, &ask(7), 512).0;
    for (asked, wanted) in ask(7).into_iter().zip(&together) {
        assert_eq!(&write(&held, &[asked], 512).0[0], wanted);
    }
    let mut turned = ask(7);
    turned.reverse();
    let mut got = write(&held, &turned, 512).0;
    got.reverse();
    assert_eq!(got, together);
    assert_ne!(write(&held, &ask(1000), 512).0, together);
}

#[test]
fn a_stop_text_ends_an_answer_wherever_tokens_begin_and_end() {
    let held = held("t5-gated");
    let prompt = prompts(&read("t5-gated/expected.json")).remove(0);
    let free = Controls { max_tokens: 40, ..Controls::default() };
    let whole = write(&held, &[(prompt.clone(), free.clone())], 512).0.remove(0);
    let characters: Vec<char> = whole.text.chars().collect();
    assert!(characters.len() > 20, "{}", whole.text);
    for from in [3, 7, 12] {
        for long in [1, 2, 5] {
            let stop: String = characters[from..from + long].iter().collect();
            let first = whole.text.find(&stop).unwrap();
            for (beams, lookup) in [(1, 0), (1, 8)] {
                let stop = vec!["not in it".to_owned(), stop.clone(), String::new()];
                let controls = Controls { stop, beams, lookup, ..free.clone() };
                let got = write(&held, &[(prompt.clone(), controls)], 512).0.remove(0);
                assert_eq!(got.text, whole.text[..first], "{from} {long}");
                assert!(!got.cut && got.tokens.len() <= whole.tokens.len());
            }
        }
    }
    assert_eq!(stopped("abcabc", &["ca".into(), "bc".into()]), Some(1));
}

#[test]
fn the_nucleus_is_the_fewest_likeliest_tokens_with_the_share() {
    // Shares 0.5, 0.25, 0.125, 0.125.
    let scores: Vec<f32> = [0.125_f32, 0.5, 0.125, 0.25].iter().map(|share| share.ln() + 3.0).collect();
    let kept = |top_p| -> Vec<usize> {
        choose::nucleus(&scores, 1.0, top_p).into_iter().map(|(token, _)| token).collect()
    };
    assert_eq!(kept(0.3), [1]);
    assert_eq!(kept(0.6), [1, 3]);
    assert_eq!(kept(0.8), [1, 3, 0]);
    assert_eq!(kept(1.0), [1, 3, 0, 2]);
    // Forbidden tokens have no share.
    let most: Vec<f32> =
        (0..5000).map(|token| if token % 2 == 0 { 0.0 } else { f32::NEG_INFINITY }).collect();
    let kept = choose::nucleus(&most, 0.7, 0.5);
    assert_eq!(kept.len(), 1250);
    assert!(kept.iter().all(|(token, _)| token % 2 == 0));
}

#[test]
fn tokens_are_drawn_as_often_as_their_shares_say() {
    let shares = [0.4_f64, 0.3, 0.2, 0.1];
    let scores: Vec<f32> = shares.iter().map(|share| share.ln() as f32).collect();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let draws = 40_000;
    for (temperature, top_p) in [(1.0_f32, 1.0_f32), (2.0, 1.0), (1.0, 0.65)] {
        let mut weights = shares.map(|share| share.powf(1.0 / f64::from(temperature)));
        if top_p < 1.0 {
            // 0.4 and 0.3 have it.
            weights[2..].fill(0.0);
        }
        let all: f64 = weights.iter().sum();
        let mut counts = [0_u32; 4];
        for _ in 0..draws {
            counts[usize::try_from(choose::drawn(&scores, temperature, top_p, &mut random)).unwrap()] += 1;
        }
        // Chi-squared with 3 degrees of freedom: above 16.3 once in a thousand, and the seed is fixed.
        let mut off = 0.0;
        for (count, weight) in counts.iter().zip(weights) {
            let wanted = weight / all * f64::from(draws);
            assert!(wanted > 0.0 || *count == 0);
            off += if wanted > 0.0 { (f64::from(*count) - wanted).powi(2) / wanted } else { 0.0 };
        }
        assert!(off < 16.3, "{temperature} {top_p}: {counts:?} {off}");
    }
}

#[test]
fn guesses_follow_the_latest_longest_run_that_was_said_before() {
    assert_eq!(lookup::guess(&[1, 2, 3, 4, 5, 1, 2, 3], 8), [4, 5, 1, 2, 3]);
    assert_eq!(lookup::guess(&[1, 2, 9, 7, 1, 2, 8, 6, 1, 2], 2), [8, 6]);
    assert_eq!(lookup::guess(&[5, 5, 5, 5], 3), [5]);
    assert!(lookup::guess(&[1, 2, 3], 8).is_empty());
    assert!(lookup::guess(&[1, 2, 1, 2], 0).is_empty());
    for short in [&[][..], &[1], &[1, 1]] {
        assert!(lookup::guess(short, 4).is_empty());
    }
}

#[test]
fn rules_take_scores_away_only_where_they_apply() {
    let controls =
        Controls { no_repeat_ngram: 2, min_tokens: 4, repetition_penalty: 2.0, ..Controls::default() };
    let mut scores = vec![1.0_f32, -1.0, 1.0, -1.0, 1.0, 1.0];
    // After 1 came 2; 5 is an end.
    rules::apply(&mut scores, &[1, 2, 3, 1], 3, &controls, &[5, 99]);
    assert_eq!(scores, [1.0, -2.0, f32::NEG_INFINITY, -2.0, 1.0, f32::NEG_INFINITY]);
    let mut scores = vec![1.0_f32; 6];
    rules::apply(&mut scores, &[1, 2, 3, 4], 4, &controls, &[5]);
    assert_eq!(scores, [1.0, 0.5, 0.5, 0.5, 0.5, 1.0]);
    let single = Controls { no_repeat_ngram: 1, ..Controls::default() };
    let mut scores = vec![1.0_f32; 3];
    rules::apply(&mut scores, &[1], 1, &single, &[]);
    assert_eq!(scores, [1.0, f32::NEG_INFINITY, 1.0]);
}
