//! The crash points kill as `kill -9` does, and what dies there is taken up again.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod common;

use common::*;
use domain::{Stage, State};
use ports::memory::Memory;
use precis_worker::crash;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// Runs this test alone in a child process with the variable set; the child dies in [`work`].
#[test]
fn the_process_is_killed_where_and_when_it_was_asked_to_be() {
    const NAME: &str = "the_process_is_killed_where_and_when_it_was_asked_to_be";
    if std::env::var_os(crash::VARIABLE).is_some() {
        return work();
    }
    let run = |at: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", NAME, "--test-threads=1"]).env(crash::VARIABLE, at).output().unwrap().status
    };
    for moment in crash::MOMENTS {
        assert_eq!(run(&format!("ocr.{moment}")).signal(), Some(9), "{moment}");
        assert_eq!(run(&format!("ocr.{moment}:3")).signal(), Some(9), "{moment}, the third time");
        assert!(run(&format!("ocr.{moment}:4")).success(), "{moment} happens three times only");
    }
    assert!(run("notify.after_claim").success(), "another stage is another place");
}

/// Three jobs through one stage.
fn work() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let memory = Memory::new();
        let (step, _) = Toy::new(Stage::Ocr, |_| async { Ok(done(Stage::Ocr)) });
        let mut jobs = Vec::new();
        for key in ["a", "b", "c"] {
            jobs.push(job(&memory, key, Stage::Ocr).await);
        }
        let running = start(&memory.stack(), step, config());
        seconds(5).await;
        for job in jobs {
            assert_eq!(read(&memory, &job.id).await.state, State::At(Stage::Summarize));
        }
        running.stop().await;
    });
}
