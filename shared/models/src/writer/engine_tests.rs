//! The desk of a writing model: with real ones, and with one of a few lines that fails as models fail.

use super::*;
use crate::controls::Controls;
use crate::files::Files;
use crate::parity_tests::{golden, load, text};
use crate::precision::Dtypes;
use crate::row::Kept;
use crate::row::Row;
use crate::writer::loaded::{Loaded, Loader};
use crate::writer::memory::{free, memory};
use candle_core::Device;
use std::sync::Mutex;
use std::sync::OnceLock;
use tokio::sync::oneshot;

/// A step's rows with the tokens that each read.
type Steps = Arc<Mutex<Vec<Vec<usize>>>>;

/// A token whose numbers overflow in few bits.
const OVERFLOWS: u32 = 213;
/// A token whose numbers are not finite in f32 either.
const DAMAGED: u32 = 214;
/// A token that the model does not know.
const UNKNOWN: u32 = 215;
/// A token at which its code panics.
const PANICS: u32 = 216;

/// Goes on with the number after the last one, below 200.
struct Fake {
    /// Tokens of a step for which the device has memory.
    room: usize,
    exact: bool,
    steps: Steps,
}

impl Write for Fake {
    fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>, ModelError> {
        let row = |_| Row { kept: Kept::Caches { own: Vec::new(), cross: Arc::default() }, length: 0 };
        Ok(prompts.iter().map(row).collect())
    }

    fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        let has = |id: u32| feeds.iter().any(|feed| feed.tokens.contains(&id));
        assert!(!has(PANICS), "as a kernel would");
        if has(UNKNOWN) {
            return Err(ModelError::run("token 215 in a vocabulary of 200"));
        }
        let lengths: Vec<usize> = feeds.iter().map(|feed| feed.tokens.len()).collect();
        if lengths.iter().sum::<usize>() > self.room {
            return Err(ModelError::run("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"));
        }
        self.steps.lock().unwrap().push(lengths);
        let logits = |feed: &mut Feed| {
            feed.row.length += feed.tokens.len();
            let next = |&token: &u32| {
                let mut scores = vec![0.0; 305];
                scores[(token as usize + 1) % 200] = 1.0;
                if token == DAMAGED || (token == OVERFLOWS && !self.exact) {
                    scores[7] = f32::NAN;
                }
                scores
            };
            feed.tokens[feed.tokens.len() - feed.wanted..].iter().map(next).collect()
        };
        Ok(feeds.iter_mut().map(logits).collect())
    }

    fn exact(&self) -> Result<Option<Self>, ModelError> {
        Ok((!self.exact).then(|| Self { exact: true, steps: Arc::clone(&self.steps), ..*self }))
    }
}

fn setting(name: &str, watch: Watch) -> Arc<Setting> {
    let (_, kind) = load(name, Dtypes::F32);
    let text = Arc::new(text(name, &kind));
    Arc::new(Setting { kind, text, watch })
}

fn ready<M: Write>(model: M, name: &str, watch: Watch) -> Engine<M> {
    let setting = setting(name, watch);
    let memory = memory(&setting.kind, Dtypes::F32, 0, (10_000, 512), None);
    Engine::new(model, setting, memory)
}

fn fake(room: usize) -> (Engine<Fake>, Steps) {
    let steps = Steps::default();
    let model = Fake { room, exact: false, steps: Arc::clone(&steps) };
    (ready(model, "qwen3", Watch::default()), steps)
}

fn engine(name: &str) -> Engine<Loaded> {
    let (model, _) = load(name, Dtypes::F32);
    let (files, loaded) = (Files::open(&golden(name)).unwrap(), Arc::new(OnceLock::new()));
    let loader = Loader { files, device: Device::Cpu, dtypes: Dtypes::F32, loaded };
    ready(Loaded { model, loader }, name, Watch::default())
}

/// So many tokens are wanted after each prompt.
fn asked(prompts: &[&[u32]], tokens: usize) -> Vec<Asked> {
    let controls = Controls { max_tokens: tokens, min_tokens: tokens, ..Controls::default() };
    prompts.iter().map(|prompt| Asked { prompt: prompt.to_vec(), controls: controls.clone() }).collect()
}

type Answer = oneshot::Receiver<Result<Vec<Said>, BackendError>>;

fn ask<M: Write>(engine: &mut Engine<M>, tenant: &str, asked: Vec<Asked>) -> Answer {
    let (request, answer) = Request::new(tenant, asked);
    engine.admit(request);
    answer
}

fn said(mut answer: Answer) -> Vec<Said> {
    answer.try_recv().unwrap().unwrap()
}

fn tokens(answer: Answer) -> Vec<Vec<u32>> {
    said(answer).into_iter().map(|said| said.unwrap().tokens).collect()
}

fn answers(name: &str, prompts: &[&[u32]]) -> Vec<Said> {
    let mut engine = engine(name);
    let answer = ask(&mut engine, "", asked(prompts, 9));
    while engine.work() {}
    said(answer)
}

#[test]
fn what_fails_in_a_batch_fails_only_where_it_fails_alone() {
    // No such token: an encoder fails when the prompt is begun, a decoder when it is read.
    let bad: &[u32] = &[5, 100_000];
    let good: [&[u32]; 3] = [&[5, 6, 7], &[9, 8, 7, 6, 5], &[20]];
    for name in ["t5-gated", "qwen3"] {
        let wanted = answers(name, &good);
        let got = answers(name, &[good[0], good[1], bad, good[2]]);
        assert!(matches!(&got[2], Err(ModelError::Run(text)) if text.contains("100000")), "{:?}", got[2]);
        for (got, wanted) in [(&got[0], &wanted[0]), (&got[1], &wanted[1]), (&got[3], &wanted[2])] {
            assert_eq!(got.as_ref().unwrap(), wanted.as_ref().unwrap());
        }
    }
}

#[test]
fn a_step_reads_no_more_than_its_piece_and_those_who_write_go_on() {
    let long: Vec<u32> = (0..2_000).map(|at| at % 180 + 3).collect();
    let (mut engine, steps) = fake(usize::MAX);
    let _waits = ask(&mut engine, "", asked(&[&[5], &long, &long], 200));
    for _ in 0..9 {
        assert!(engine.work());
    }
    // The first one writes; four pieces for the second, less what the first one takes, and so for the third.
    let (first, second) = (vec![1, 511], vec![1, 1, 510]);
    let (end, last) = (vec![1, 467, 44], vec![1, 1, 426]);
    let wanted = [vec![first; 3], vec![end], vec![second; 3], vec![last, vec![1; 3]]].concat();
    assert_eq!(*steps.lock().unwrap(), wanted);
}

#[test]
fn documents_share_steps_and_each_gets_its_own_answers() {
    let told = Arc::<Mutex<Vec<Ran>>>::default();
    let (notes, steps) = (Arc::clone(&told), Steps::default());
    let watch = Watch::new(move |ran| notes.lock().unwrap().push(*ran));
    let model = Fake { room: usize::MAX, exact: false, steps: Arc::clone(&steps) };
    let mut engine = ready(model, "qwen3", watch);
    let first = ask(&mut engine, "a", asked(&[&[10, 11], &[20]], 3));
    let second = ask(&mut engine, "b", asked(&[&[30, 31, 32]], 2));
    while engine.work() {}
    assert_eq!(tokens(first), [[12, 13, 14], [21, 22, 23]]);
    assert_eq!(tokens(second), [[33, 34]]);
    assert_eq!(*steps.lock().unwrap(), [vec![2, 1, 3], vec![1, 1, 1], vec![1, 1]]);
    let told = told.lock().unwrap();
    let count = |of: fn(&Ran) -> u64| told.iter().map(of).collect::<Vec<_>>();
    assert_eq!((count(|ran| ran.tokens), count(|ran| ran.written)), (vec![6, 3, 2], vec![3, 3, 2]));
    assert!((told[0].fill - 6.0 / 512.0).abs() < 1e-9 && told[0].bytes > 0);
    assert!(told[0].waited.is_some() && told[1].waited.is_none());
}

#[test]
fn a_letter_that_comes_while_a_book_is_written_waits_no_longer_than_the_planner_says() {
    let (mut engine, steps) = fake(usize::MAX);
    let section: Vec<u32> = vec![9; 400];
    let book = ask(&mut engine, "a", asked(&[section.as_slice(); 200], 80));
    assert!(engine.work() && engine.work());
    let mut letter = ask(&mut engine, "a", asked(&[&[40]], 5));
    let before = steps.lock().unwrap().len();
    while letter.try_recv().is_err() {
        assert!(engine.work());
    }
    let begun: usize = steps.lock().unwrap()[before..].iter().flatten().filter(|&&read| read > 1).sum();
    // Those that ran have their room for up to 80 steps; then it is the letter's turn, with a turn of the book before it.
    let bound = Budget { work: 512, turn: TURN, even: u64::MAX }.wait(0, 0, 512) as usize + 10_000;
    assert!(begun < bound && begun < 200 * 400 / 2, "{begun}");
    while engine.work() {}
    assert_eq!(tokens(book).len(), 200);
}

#[test]
fn without_memory_rows_begin_anew_later_and_only_what_cannot_fit_alone_fails() {
    let (mut engine, steps) = fake(4);
    let fits = ask(&mut engine, "a", asked(&[&[10, 11, 12], &[20, 21, 22, 23, 24], &[30]], 3));
    while engine.work() {}
    // A longer prompt is read in shorter pieces.
    assert_eq!(tokens(fits), [[13, 14, 15], [25, 26, 27], [31, 32, 33]]);
    assert!(steps.lock().unwrap().iter().all(|step| step.iter().sum::<usize>() <= 4));
    let (mut engine, _) = fake(0);
    let mut none = ask(&mut engine, "a", asked(&[&[10, 11]], 3));
    while engine.work() {}
    let why = none.try_recv().unwrap().unwrap_err();
    assert!(!why.is_permanent() && why.to_string().contains("one answer alone"), "{why}");
}

#[test]
fn what_fails_fails_for_its_own_prompt_alone() {
    for (bad, why) in [(UNKNOWN, "token 215"), (PANICS, "panicked"), (DAMAGED, "precis models verify")] {
        let (mut engine, _) = fake(usize::MAX);
        let good = ask(&mut engine, "a", asked(&[&[10], &[20]], 2));
        let wrong = ask(&mut engine, "a", asked(&[&[30], &[40, bad]], 2));
        while engine.work() {}
        assert_eq!(tokens(good), [[11, 12], [21, 22]], "{bad}");
        let wrong = said(wrong);
        assert_eq!(wrong[0].as_ref().unwrap().tokens, [31, 32]);
        let error = wrong[1].as_ref().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let after = ask(&mut engine, "a", asked(&[&[50]], 2));
        while engine.work() {}
        assert_eq!(tokens(after), [[51, 52]]);
    }
}

#[test]
fn a_row_that_overflows_begins_anew_alone_in_f32() {
    let (mut engine, _) = fake(usize::MAX);
    let answer = ask(&mut engine, "a", asked(&[&[10], &[40, OVERFLOWS]], 3));
    while engine.work() {}
    assert_eq!(tokens(answer), [[11, 12, 13], [14, 15, 16]]);
    assert!(engine.exact.is_none(), "the second copy of the weights is let go");
}

#[test]
fn what_nobody_waits_for_any_more_is_written_no_further() {
    let (mut engine, steps) = fake(usize::MAX);
    drop(ask(&mut engine, "a", asked(&[&[10]], 3)));
    let gone = ask(&mut engine, "a", asked(&[&[20u32] as &[u32]; 3], 300));
    let kept = ask(&mut engine, "b", asked(&[&[30]], 2));
    assert!(engine.work());
    drop(gone);
    while engine.work() {}
    assert_eq!(tokens(kept), [[31, 32]]);
    assert_eq!(*steps.lock().unwrap(), [vec![1; 4], vec![1]]);
    assert!(engine.waiting.is_empty() && engine.planner.waiting() == 0 && engine.planner.active() == 0);
}

#[test]
fn an_answer_that_never_fits_the_memory_is_refused_before_it_runs() {
    let (mut engine, steps) = fake(usize::MAX);
    let controls = Controls { max_tokens: 5_000, beams: 32, ..Controls::default() };
    let mut answer = ask(&mut engine, "a", vec![Asked { prompt: vec![5], controls }]);
    let why = answer.try_recv().unwrap().unwrap_err().to_string();
    assert!(why.contains("bytes of memory"), "{why}");
    assert!(!engine.work() && steps.lock().unwrap().is_empty());
}

#[test]
fn the_room_for_answers_is_what_was_asked_for_and_never_more_than_a_share_of_what_is_free() {
    let setting = setting("qwen3", Watch::default());
    let of = |tokens, free| memory(&setting.kind, Dtypes::F32, 1000, (tokens, 512), free);
    let (few, many) = (of(1_000, None), of(100_000, None));
    // Two layers, two heads of 16 numbers in panels of 32, keys and values in f32.
    assert_eq!(few.cached, 2 * 2 * 2 * 32 * 4);
    assert!(many.room() - few.room() >= 98_000 * many.cached);
    assert_eq!(of(100_000, Some(4_000)).limit, 1_000 + 3_000);
    assert!(cfg!(not(target_os = "linux")) || free().is_some_and(|bytes| bytes > 0));
}
