//! From the command line to the command.

use crate::cli::{Cli, Command};
use crate::commands::{
    again, backfill, backup, bench_model, cost, doctor, erase, heads, jobs, models, place, put, queues,
    result, service, settings, subscriptions, summarize, train, up,
};
use clap::{CommandFactory, Parser};
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// How long a finished command waits for what still reads.
const CLOSING: Duration = Duration::from_secs(3);

/// Parses, runs, and says on standard error what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logs(cli.verbose, matches!(cli.command, Command::Up(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("precis: the runtime cannot be started: {error}");
            return ExitCode::from(1);
        }
    };
    let result = runtime.block_on(run(cli.command));
    // Readers that are at work let the database go, so that the last to close it folds its log into it; a blocking
    // read that will never end must not keep a finished command alive.
    runtime.shutdown_timeout(CLOSING);
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("precis: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// `precis jobs | head` closes our standard output: that is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}

/// Commands for people stay quiet unless something is wrong; `up` tells what it does, on a terminal by its own display.
fn logs(verbose: u8, works_for_good: bool) {
    let filter = match (verbose, works_for_good) {
        (0, false) => "error",
        (0, true) if std::io::stderr().is_terminal() => "warn",
        (0, true) => "info",
        (1, _) => "info,precis=debug",
        _ => "debug",
    };
    if let Err(error) = telemetry::init(telemetry::Format::Auto, filter) {
        eprintln!("precis: no logs: {error}");
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    match command {
        Command::Summarize(args) => return summarize::run(args).await,
        Command::Up(args) => return up::run(args).await,
        Command::Put(args) => return put::run(args).await,
        Command::Doctor(args) => return doctor::run(&args, &mut out).await,
        Command::Jobs(args) => jobs::list(&place::open(&args.data).await?.stack, &args, &mut out).await?,
        Command::Job(args) => jobs::one(&place::open(&args.data).await?, &args, &mut out).await?,
        Command::Result(args) => {
            return result::run(&place::open(&args.data).await?.stack, &args, &mut out).await;
        }
        Command::Text(args) => jobs::text(&place::open(&args.data).await?.stack, &args, &mut out).await?,
        Command::Retry(args) => again::retry(&place::open(&args.data).await?.stack, &args, &mut out).await?,
        Command::Reprocess(args) => {
            again::reprocess(&place::open(&args.data).await?.stack, &args, &mut out).await?;
        }
        Command::Queues(args) => {
            queues::queues(&place::open(&args.data).await?, &args, &mut out).await?;
        }
        Command::Purge(args) => queues::purge(&place::open(&args.data).await?, &args, &mut out).await?,
        Command::Erase(args) => erase::run(&place::open(&args.data).await?, &args, &mut out).await?,
        Command::Backfill(args) => backfill::run(&place::open(&args.data).await?, &args, &mut out).await?,
        Command::Cost(args) => cost::run(&args, &mut out).await?,
        Command::Subscribe(args) => {
            subscriptions::subscribe(&place::open(&args.data).await?, &args, &mut out).await?;
        }
        Command::Subscriptions(args) => {
            subscriptions::list(&place::open(&args.data).await?, &args, &mut out).await?;
        }
        Command::Unsubscribe(args) => {
            subscriptions::unsubscribe(&place::open(&args.data).await?.stack, &args, &mut out).await?;
        }
        Command::Settings(args) => settings::run(&args, &mut out).await?,
        Command::Export(args) => backup::export(&args, &mut out).await?,
        Command::Import(args) => backup::import(&args, &mut out).await?,
        Command::Train(args) => return train::run(&args, &mut out).await,
        Command::Heads(args) => heads::run(&args, &mut out).await?,
        Command::Models(args) => return models::run(&args, &mut out).await,
        Command::BenchModel(args) => bench_model::run(&args, &mut out).await?,
        Command::Service(command) => service::run(&command, &mut out)?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "precis", &mut out);
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
