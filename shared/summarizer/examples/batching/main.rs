//! How long documents wait for an encoder, by the way its batches are made: a simulation, for `benches/batching`.
//!
//! ```text
//! batching [A B C [DOCUMENTS [SEED]]]     one line of JSON
//! ```
//! A batch takes A + B × tokens + C × sum of squares seconds, padding counted as what it is. Documents of 1 to 300 pages
//! come as in a Poisson process; the same seed gives the same documents at the same times to every way of batching.

mod policies;
mod trace;

use policies::{Policy, Ran};
use precis_summarizer::batch::Budget;
use serde_json::{Value, json};
use std::error::Error;
use trace::{Document, Random, Workload};

/// `benches/batching/run.sh` measures them; these are of MiniLM in f32 on one core of an AMD EPYC (AVX-512).
const MEASURED: [f64; 3] = [1.5e-3, 2.35e-4, 1.9e-7];
const LOADS: [f64; 4] = [0.25, 0.5, 0.9, 2.0];
/// Work of a batch and of a turn.
const BUDGET: u64 = 1024;
/// The shortest of books.
const BOOK: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<f64> =
        std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<_, _>>()?;
    let at = |place: usize, default: f64| given.get(place).copied().unwrap_or(default);
    let cost = Cost([0, 1, 2].map(|place| at(place, MEASURED[place])));
    let documents = trace::whole(at(3, 3000.0));
    let seed = trace::whole(at(4, 7.0)) as u64;
    let mut rows = Vec::new();
    let mut workloads = Vec::new();
    for workload in [Workload::Every, Workload::Asked] {
        let documents = trace::documents(documents, workload, &mut Random::new(seed));
        let capacity = cost.capacity(&documents);
        workloads.push(described(workload, &documents, capacity));
        for load in LOADS {
            let comes = trace::arrivals(documents.len(), capacity * load, &mut Random::new(seed + 1));
            for mut policy in policies::all(cost.budget()) {
                let run = simulate(&documents, &comes, policy.as_mut(), &cost);
                rows.push(row(workload, load, policy.name(), &documents, &run));
            }
        }
    }
    println!(
        "{}",
        json!({ "cost": cost.0, "seed": seed, "budget": BUDGET, "workloads": workloads, "rows": rows })
    );
    Ok(())
}

/// a, b and c.
struct Cost([f64; 3]);

impl Cost {
    fn seconds(&self, ran: &Ran) -> f64 {
        let Self([a, b, c]) = self;
        a + b * ran.tokens + c * ran.squares
    }

    /// Where attention costs as much as all the rest.
    fn budget(&self) -> Budget {
        let even = trace::whole((self.0[1] / self.0[2].max(1e-12)).clamp(1.0, 1e9)) as u64;
        Budget { work: BUDGET, turn: BUDGET, even }
    }

    /// Documents a second in full batches without padding.
    fn capacity(&self, documents: &[Document]) -> f64 {
        let budget = self.budget();
        let lengths = || documents.iter().flat_map(|document| &document.lengths);
        let work: u64 = lengths().map(|&tokens| budget.cost(tokens)).sum();
        let batches = trace::real_of(work) / trace::real_of(BUDGET);
        let tokens = lengths().map(|&n| trace::real(n)).sum();
        let squares = lengths().map(|&n| trace::real(n) * trace::real(n)).sum();
        let [a, _, _] = self.0;
        trace::real(documents.len())
            / (a * (batches - 1.0) + self.seconds(&Ran { tokens, squares, ..Ran::default() }))
    }
}

/// What a simulation has seen.
struct Run {
    /// Seconds from a document's coming to its last result.
    waits: Vec<f64>,
    seconds: f64,
    batches: f64,
    tokens: f64,
    padding: f64,
}

/// One device: it asks for the next batch when the last one is done, or when something comes.
fn simulate(documents: &[Document], comes: &[f64], policy: &mut dyn Policy, cost: &Cost) -> Run {
    let mut run =
        Run { waits: vec![0.0; documents.len()], seconds: 0.0, batches: 0.0, tokens: 0.0, padding: 0.0 };
    let (mut now, mut next) = (0.0, 0);
    loop {
        while next < documents.len() && comes[next] <= now {
            policy.come(next, &documents[next]);
            next += 1;
        }
        if let Some(ran) = policy.run() {
            now += cost.seconds(&ran);
            run.batches += 1.0;
            run.tokens += ran.tokens;
            run.padding += ran.padding;
            for document in ran.done {
                run.waits[document] = now - comes[document];
            }
        } else if next < documents.len() {
            now = comes[next];
        } else {
            run.seconds = now;
            return run;
        }
    }
}

fn row(workload: Workload, load: f64, policy: &str, documents: &[Document], run: &Run) -> Value {
    let of = |wanted: &dyn Fn(&Document) -> bool| {
        let waits = documents.iter().zip(&run.waits).filter(|(document, _)| wanted(document));
        let mut waits: Vec<f64> = waits.map(|(_, wait)| *wait).collect();
        waits.sort_by(f64::total_cmp);
        [0.5, 0.99].map(|share| trace::quantile(&waits, share))
    };
    json!({
        "workload": workload.name(), "load": load, "policy": policy,
        "rate": trace::real(documents.len()) / run.seconds,
        "letters": of(&|document| document.pages == 1), "all": of(&|_| true),
        "quiet": of(&|document| document.tenant != trace::BUSY), "books": of(&|document| document.pages >= BOOK),
        "padding": run.padding / run.tokens, "tokens_a_batch": (run.tokens - run.padding) / run.batches,
    })
}

fn described(workload: Workload, documents: &[Document], capacity: f64) -> Value {
    let count =
        |wanted: &dyn Fn(usize) -> bool| documents.iter().filter(|document| wanted(document.pages)).count();
    let lengths = || documents.iter().flat_map(|document| &document.lengths);
    json!({
        "name": workload.name(), "documents": documents.len(), "capacity": capacity,
        "letters": count(&|pages| pages == 1), "books": count(&|pages| pages >= BOOK),
        "pages": documents.iter().map(|document| document.pages).sum::<usize>(),
        "sequences": lengths().count(), "tokens": lengths().sum::<usize>(),
    })
}
