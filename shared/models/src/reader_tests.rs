//! The desk with a model of a few lines: its vectors say what they were made of, and it fails as models fail.

use super::*;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// A token whose numbers overflow in few bits.
const OVERFLOWS: u32 = 13;
/// A token whose numbers are not finite in f32 either.
const DAMAGED: u32 = 14;
/// A token that the model does not know.
const UNKNOWN: u32 = 15;
/// A token at which its code panics.
const PANICS: u32 = 16;

/// A text "3x7" is the token 7 three times; its vector is `[3, 7]`.
struct Fake {
    /// Tokens for which the device has memory.
    room: usize,
    exact: bool,
    /// The lengths of each batch that went through.
    ran: Arc<Mutex<Vec<Vec<usize>>>>,
}

impl Encode for Fake {
    fn tokens(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, ModelError> {
        let tokens = |text: &String| {
            let (count, id) = text.split_once('x').unwrap();
            vec![id.parse().unwrap(); count.parse().unwrap()]
        };
        Ok(texts.iter().map(tokens).collect())
    }

    fn forward(&self, batch: &[&[u32]]) -> Result<(Vec<Vec<f32>>, u64), ModelError> {
        let has = |id: u32| batch.iter().any(|row| row[0] == id);
        assert!(!has(PANICS), "as a kernel would");
        if has(UNKNOWN) {
            return Err(ModelError::run("token 15 in a vocabulary of 12"));
        }
        if batch.iter().map(|row| row.len()).sum::<usize>() > self.room {
            return Err(ModelError::run("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"));
        }
        self.ran.lock().unwrap().push(batch.iter().map(|row| row.len()).collect());
        let vector = |row: &&[u32]| match row[0] {
            OVERFLOWS if !self.exact => vec![f32::INFINITY],
            DAMAGED => vec![f32::NAN],
            id => vec![row.len() as f32, id as f32],
        };
        Ok((batch.iter().map(vector).collect(), 0))
    }

    fn memory(&self) -> Memory {
        Memory::UNLIMITED
    }

    fn even(&self) -> u64 {
        u64::MAX
    }

    fn exact(&self) -> Result<Option<Self>, ModelError> {
        Ok((!self.exact).then(|| Self { exact: true, ran: Arc::clone(&self.ran), ..*self }))
    }
}

type Answer = oneshot::Receiver<Result<Vec<Vec<f32>>, BackendError>>;

/// A desk whose requests come from `Asking::ask`.
struct Asking {
    desk: Reader<Fake>,
    queue: Receiver<Request>,
    sender: Sender<Request>,
    ran: Arc<Mutex<Vec<Vec<usize>>>>,
    told: Arc<Mutex<Vec<Ran>>>,
}

impl Asking {
    fn new(room: usize) -> Self {
        let (sender, queue) = channel();
        let (ran, told) = (Arc::default(), Arc::<Mutex<Vec<Ran>>>::default());
        let notes = Arc::clone(&told);
        let watch = Watch::new(move |ran| notes.lock().unwrap().push(*ran));
        let fake = Fake { room, exact: false, ran: Arc::clone(&ran) };
        Self { desk: Reader::new(fake, watch), queue, sender, ran, told }
    }

    fn ask(&self, tenant: &str, texts: &[&str]) -> Answer {
        let (request, answer) = Request::new(tenant, texts.iter().map(|&text| text.to_owned()).collect());
        self.sender.send(request).unwrap();
        answer
    }

    fn run(&mut self) {
        desk::run(&mut self.desk, &self.queue);
    }
}

fn vectors(mut answer: Answer) -> Vec<Vec<f32>> {
    answer.try_recv().unwrap().unwrap()
}

fn failure(mut answer: Answer) -> String {
    let error = answer.try_recv().unwrap().unwrap_err();
    assert!(!error.is_permanent());
    error.to_string()
}

#[test]
fn documents_share_batches_within_the_budget_and_each_gets_its_own_vectors() {
    let mut asking = Asking::new(usize::MAX);
    let first = asking.ask("a", &["600x1", "300x2"]);
    let second = asking.ask("b", &["100x3", "500x4"]);
    asking.run();
    assert_eq!(vectors(first), [[600.0, 1.0], [300.0, 2.0]]);
    assert_eq!(vectors(second), [[100.0, 3.0], [500.0, 4.0]]);
    let ran = asking.ran.lock().unwrap();
    assert_eq!(*ran, [vec![600, 300, 100], vec![500]]);
    let told = asking.told.lock().unwrap();
    assert_eq!(told.iter().map(|ran| ran.tokens).sum::<u64>(), 1500);
    assert!(
        (told[0].fill - 1000.0 / 1024.0).abs() < 1e-9 && told[0].sequences == 3 && told[0].waiting == 500
    );
    assert!(told[0].waited.is_some(), "both have begun in the first");
    assert_eq!(told[1].waited, None);
}

#[test]
fn a_letter_that_comes_while_a_book_is_read_waits_no_longer_than_the_planner_says() {
    let mut asking = Asking::new(usize::MAX);
    let book: Vec<String> = vec!["256x1".to_owned(); 2000];
    let mut book = asking.ask("a", &book.iter().map(String::as_str).collect::<Vec<_>>());
    let sender = asking.sender.clone();
    let (request, letter) = Request::new("a", vec!["20x2".to_owned(); 10]);
    // It comes when the book's second batch has run.
    asking.desk.watch = Watch::new({
        let runs = Mutex::new(0);
        let letter = Mutex::new(Some(request));
        move |_| {
            *runs.lock().unwrap() += 1;
            if *runs.lock().unwrap() == 2
                && let Some(letter) = letter.lock().unwrap().take()
            {
                sender.send(letter).unwrap();
            }
        }
    });
    asking.run();
    assert_eq!(vectors(letter).len(), 10);
    assert!(book.try_recv().unwrap().is_ok());
    let ran = asking.ran.lock().unwrap();
    let last = ran.iter().rposition(|batch| batch.contains(&20)).unwrap();
    let between: usize = ran[2..=last].iter().flatten().filter(|&&length| length != 20).sum();
    let budget = Budget { work: WORK, turn: WORK, even: u64::MAX };
    // And the end of its own last batch.
    assert!(between as u64 <= budget.wait(0, 0, 256) + WORK, "{between}");
    assert_eq!(ran.iter().flatten().sum::<usize>(), 2000 * 256 + 200);
}

#[test]
fn without_memory_batches_halve_and_only_the_document_that_cannot_fit_fails() {
    let mut asking = Asking::new(300);
    let fits = asking.ask("a", &["200x1", "200x2", "250x3"]);
    let large = asking.ask("b", &["301x4", "10x5"]);
    asking.run();
    assert_eq!(vectors(fits).len(), 3);
    let why = failure(large);
    assert!(why.contains("memory") && why.contains("one sentence alone"), "{why}");
    assert!(asking.ran.lock().unwrap().iter().all(|batch| batch.iter().sum::<usize>() <= 300));
}

#[test]
fn what_fails_fails_for_its_own_document_alone() {
    for (bad, said) in [(UNKNOWN, "token 15"), (PANICS, "panicked"), (DAMAGED, "precis models verify")] {
        let mut asking = Asking::new(usize::MAX);
        let good = asking.ask("a", &["3x1", "4x2"]);
        let wrong = asking.ask("a", &["5x1".to_owned(), format!("6x{bad}")].each_ref().map(String::as_str));
        let other = asking.ask("b", &["7x3"]);
        asking.run();
        assert_eq!(vectors(good), [[3.0, 1.0], [4.0, 2.0]], "{bad}");
        assert_eq!(vectors(other), [[7.0, 3.0]], "{bad}");
        let why = failure(wrong);
        assert!(why.contains(said), "{why}");
        // And the desk goes on.
        let after = asking.ask("a", &["8x1"]);
        asking.run();
        assert_eq!(vectors(after), [[8.0, 1.0]]);
    }
}

#[test]
fn numbers_that_overflow_are_computed_again_alone_in_f32() {
    let mut asking = Asking::new(usize::MAX);
    let answer =
        asking.ask("a", &["3x1".to_owned(), format!("4x{OVERFLOWS}")].each_ref().map(String::as_str));
    asking.run();
    assert_eq!(vectors(answer), [[3.0, 1.0], [4.0, 13.0]]);
    assert_eq!(*asking.ran.lock().unwrap(), [vec![3, 4], vec![4]]);
    assert!(asking.desk.exact.is_none(), "the second copy of the weights is let go");
}

#[test]
fn what_nobody_waits_for_any_more_is_never_run() {
    let mut asking = Asking::new(usize::MAX);
    drop(asking.ask("a", &["3x1"]));
    let kept = asking.ask("a", &["4x1"]);
    let mut dropped = Some(asking.ask("a", &["1000x2", "1000x2"]));
    // It goes while its first batch runs.
    let gone = Mutex::new(dropped.take());
    asking.desk.watch = Watch::new(move |ran| {
        if ran.tokens >= 1000 {
            drop(gone.lock().unwrap().take());
        }
    });
    asking.run();
    assert_eq!(vectors(kept), [[4.0, 1.0]]);
    let all: Vec<usize> = asking.ran.lock().unwrap().iter().flatten().copied().collect();
    assert_eq!(all, [4, 1000]);
    assert!(asking.desk.waiting.is_empty() && asking.desk.planner.waiting() == 0);
}
