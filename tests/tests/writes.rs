//! What one document costs in writes: on AWS each write of a job and each pass of a gate is paid for.
//!
//! The steps are the real ones, the messages are handed to them one by one, and the stack is in memory.

use domain::message::Message;
use domain::{Outcome, State};
use models::{DeviceChoice, MiniLm};
use ports::faults::{Log, Plan, wrap};
use ports::memory::Memory;
use ports::{Address, Disposition, Filter, Jobs, Stack};
use std::sync::Arc;
use std::time::Duration;
use worker::{Config, Context, Handler, Settlement, StageHandler};

const LETTER: &str = "Rent review for Mill Road 4.\n\nThe rent rises by 6 per cent to EUR 4,240 a month from 1 March \
    2027. Either party may end the lease with three months' notice. The tenant repairs the roof before winter. The \
    deposit of EUR 8,000 stays as it is until the lease ends. Please sign both copies by 30 November 2026.\n";

/// The paid writes of one document: each write of its job and each place at the gate of e-mails.
const PAID: [(&str, usize); 4] =
    // Claim at ingest, claim at summarize, its end, claim at notify, the end of all; and on from ingest, with the
    // claim on its content.
    [("Jobs.create", 1), ("Jobs.replace", 5), ("Jobs.replace_claiming", 1), ("Gate.take", 1)];

fn handlers(stack: &Stack, scratch: &tempfile::TempDir) -> Vec<Box<dyn Handler>> {
    let reader = extract::ReaderProgram::at(precis_tests::program());
    let settings = ingest::Config { scratch: scratch.path().to_owned(), reader, made_by: "test".into() };
    let model = Arc::new(MiniLm::load(&precis_tests::model(), DeviceChoice::Cpu).unwrap());
    let links = notify::Links::folder(scratch.path());
    let (ingest, summarize, notify) = (
        ingest::Ingest::new(stack.clone(), settings),
        summarize::Summarize::new(stack.clone(), model),
        notify::NotifyStep::new(stack.clone(), links),
    );
    vec![
        Box::new(StageHandler::new(stack.clone(), ingest, Config::default())),
        Box::new(StageHandler::new(stack.clone(), summarize, Config::default())),
        Box::new(StageHandler::new(stack.clone(), notify, Config::default())),
    ]
}

/// Hands every message to its handler until there is none.
async fn drain(stack: &Stack, handlers: &[Box<dyn Handler>]) {
    loop {
        let mut handled = 0;
        for handler in handlers {
            let from = handler.queue();
            let minute = Duration::from_secs(60);
            for delivery in stack.queue.receive(from, 10, minute, Duration::ZERO).await.unwrap() {
                let message = Message::decode(&delivery.body).unwrap();
                let settled = handler.handle(message, &Context::detached()).await;
                assert_eq!(settled, Settlement::Done, "{}", delivery.body);
                stack.queue.settle(from, delivery.receipt, Disposition::Delete).await.unwrap();
                handled += 1;
            }
        }
        if handled == 0 {
            return;
        }
    }
}

fn count(log: &Log, name: &str) -> usize {
    log.calls().iter().filter(|call| call.name == name).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_document_takes_seven_writes_of_its_job_and_one_place_at_the_gate() {
    let (memory, scratch) = (Memory::new(), tempfile::tempdir().unwrap());
    let (stack, log) = wrap(memory.stack(), Plan::none());
    let handlers = handlers(&stack, &scratch);
    memory.put("letters/a.txt", LETTER);
    drain(&stack, &handlers).await;
    let jobs = Jobs::list(&memory, &Filter::default()).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].state), (1, State::Ended));
    assert_eq!(jobs[0].outcome, Some(Outcome::summarized()));
    assert_eq!(memory.published().len(), 2, "programs and people");

    let reads =
        ["Jobs.get", "Jobs.list", "Jobs.counts", "Jobs.newest_of_key", "Jobs.content", "Jobs.tallied"];
    // Giving a place back costs nothing where only a rate is kept, as for e-mail.
    let free = |name: &str| reads.contains(&name) || name == "Gate.give_back" || name == "Gate.closed_until";
    let paid: Vec<_> = log
        .calls()
        .into_iter()
        .map(|call| call.name)
        .filter(|name| (name.starts_with("Jobs.") || name.starts_with("Gate.")) && !free(name))
        .collect();
    assert_eq!(paid.len(), 8, "{paid:?}");
    for (name, wanted) in PAID {
        assert_eq!(count(&log, name), wanted, "{name} among {paid:?}");
    }
    assert_eq!(count(&log, "Gate.give_back"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_document_of_the_same_content_takes_five_writes() {
    let (memory, scratch) = (Memory::new(), tempfile::tempdir().unwrap());
    let plain = memory.stack();
    memory.put("letters/a.txt", LETTER);
    drain(&plain, &handlers(&plain, &scratch)).await;
    let (stack, log) = wrap(plain, Plan::none());
    let handlers = handlers(&stack, &scratch);
    memory.put("letters/b.txt", LETTER);
    drain(&stack, &handlers).await;
    let writes: Vec<_> = ["Jobs.create", "Jobs.replace", "Jobs.replace_claiming", "Jobs.release_content"]
        .map(|name| count(&log, name))
        .into();
    assert_eq!(writes, [1, 4, 0, 0]);
    assert_eq!(memory.published().len(), 4);
    assert!(memory.bodies(Address::live(domain::Stage::Notify)).is_empty());
}
