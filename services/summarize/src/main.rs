//! `precis-summarize`: writes the summaries, as a service on AWS.

mod args;

use anyhow::Context;
use precis_summarize::Summarize;
use worker::{Service, Shutdown};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: args::Args = aws::options::parse();
    if args.running.health {
        telemetry::host::check_and_exit(args.running.listen).await;
    }
    let (numbers, head) = (args.numbers(), args.head()?);
    let health = telemetry::host::start(&args.running.host("summarize", &args.deployment.stack)).await?;
    let shutdown = Shutdown::on_signals()?;
    let settings = args.deployment.settings();
    let aws = tokio::select! {
        aws = aws::connect_patiently(&settings) => aws?,
        () = shutdown.draining() => return Ok(()),
    };
    let options =
        models::Options { device: args.device, precision: args.dtype, ..models::Options::default() };
    let options = precis_summarize::watched(options);
    let backend = models::open(&args.model, args.writer.as_deref(), &options)?;
    // Not ready before it has run once: what cannot be loaded is seen by whoever deploys, not by the first document.
    tokio::select! {
        warm = backend.warm_up() => warm.context("the model is not ready")?,
        () = shutdown.draining() => return Ok(()),
    }
    let step = Summarize::new(aws.stack.clone(), backend).with_head(head);
    let service = Service::new(aws.stack, numbers).step(step);
    tokio::join!(service.run(shutdown.clone()), health.until(shutdown.draining()));
    Ok(())
}
