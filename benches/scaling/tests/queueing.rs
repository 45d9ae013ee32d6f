//! With scaling off the simulation waits as queueing theory says.

use scaling::Stage;
use scaling::assumptions::{Around, Assumptions};
use scaling::chance::Chance;
use scaling::loads::{Load, Shape};
use scaling::pipeline::Run;
use scaling::plan::{Plan, Target};
use scaling::work::queue::{Batch, Queue};
use scaling::work::tasks::Tasks;

/// Erlang's C formula: the mean wait in a queue before `servers` that take `seconds` each, exponentially, where `rate`
/// customers come a second (Poisson).
fn erlang_c(servers: u32, rate: f64, seconds: f64) -> f64 {
    let offered = rate * seconds;
    let (mut term, mut sum) = (1.0, 0.0);
    for served in 0..servers {
        sum += term;
        term *= offered / f64::from(served + 1);
    }
    let free = f64::from(servers) - offered;
    let waiting = term * f64::from(servers) / free;
    waiting / (sum + waiting) * seconds / free
}

#[test]
fn erlangs_formula_is_right_where_it_is_easy() {
    // One server: rho / (1 - rho) services.
    assert!((erlang_c(1, 0.5, 1.0) - 1.0).abs() < 1e-12);
    // Two servers at half their capacity: rho^2 / (1 - rho^2).
    assert!((erlang_c(2, 1.0, 1.0) - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn messages_that_take_long_wait_as_in_an_m_m_c_queue() {
    let worker = Assumptions::read().unwrap().worker;
    for (servers, share, seconds) in [(1, 0.7, 60.0), (3, 0.8, 60.0), (8, 0.85, 90.0)] {
        let mut chance = Chance::new(7);
        let at_once = Around { median: 1.0, p95: 1.001 };
        let mut tasks = Tasks::new(1, worker, at_once, None, 60.0);
        (0..servers).for_each(|_| tasks.start(0, true, &mut chance));
        let (rate, mut queue) = (share * f64::from(servers) / seconds, Queue::default());
        let (mut waited, mut count) = (0.0, 0.0);
        for now in 10..4_000_000 {
            for _ in 0..chance.poisson(rate) {
                let long = Some(chance.exponential(seconds));
                queue.send(Batch { long, ..Batch::of(now, now, 1) });
            }
            tasks.second(now, &mut chance);
            while let Some(first) = queue.first().copied() {
                if !tasks.hold(now, first, first.long.unwrap(), &mut chance) {
                    break;
                }
                queue.take(1);
                waited += f64::from(now - first.at);
                count += 1.0;
            }
        }
        let (ours, theirs) = (waited / count, erlang_c(servers, rate, seconds));
        assert!((ours / theirs - 1.0).abs() < 0.06, "{servers} servers: {ours:.2} s, Erlang {theirs:.2} s");
    }
}

/// A heap of N before c tasks that each do r a second is gone after N / (c r), and its last message has waited so long.
#[test]
fn a_heap_is_worked_off_as_fast_as_its_tasks_are() {
    let assumptions = Assumptions::read().unwrap();
    for tasks in [1, 4, 10] {
        let fixed = Target { floor: tasks, ceiling: tasks };
        let plan = Plan { alarms: vec![], policies: vec![], targets: [fixed; 4], asked_every: None };
        let mut load = Load::draw(Shape::Burst, 1);
        (load.arrivals, load.scans, load.spot, load.slow) = (vec![(600, 20_000)], 0.0, false, 0.0);
        let outcome = Run::new(&load, &plan, &assumptions).outcome();
        assert_eq!((outcome.told, outcome.cut_by_scale_in), (20_000, 0));
        let ingest = assumptions.of(Stage::Ingest).rate() * f64::from(tasks);
        let longest = outcome.waits[Stage::Ingest as usize].longest;
        assert!((longest - 20_000.0 / ingest).abs() < 2.0, "{tasks} tasks: {longest} s at ingest");
        // Summarize is the slowest, so its tasks are busy from the first message to the last.
        let summarize = 20_000.0 / (assumptions.of(Stage::Summarize).rate() * f64::from(tasks));
        let whole = outcome.whole.longest;
        assert!((whole - summarize).abs() < 5.0, "{tasks} tasks: {whole} s beside {summarize} s");
    }
}
