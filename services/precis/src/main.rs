//! The operator's command, and the whole pipeline in one process: the composition root.
//!
//! `cli` is what may be typed, `commands` what each does, `pipeline` wires workers over a stack. Only here do
//! adapters, models and services meet; a command takes from the stack the ports that it names.

mod cli;
mod commands;
mod head;
mod model;
mod outcome;
mod pipeline;
mod run;
mod show;
mod watch;
mod weights;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Documents are read by this same program as a child with few rights: before anything else happens here.
    extract::child::run_if_asked();
    run::main()
}
