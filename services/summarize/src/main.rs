//! `precis-summarize`: writes the summaries, as a service on AWS.

mod args;

use precis_summarize::Summarize;
use worker::{Service, Shutdown};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: args::Args = aws::options::parse();
    if args.running.health {
        telemetry::host::check_and_exit(args.running.listen).await;
    }
    let (numbers, head) = (args.numbers(), args.head()?);
    let health = telemetry::host::start(&args.running.host("summarize")).await?;
    let shutdown = Shutdown::on_signals()?;
    let settings = args.deployment.settings();
    let aws = tokio::select! {
        aws = aws::connect_patiently(&settings) => aws?,
        () = shutdown.draining() => return Ok(()),
    };
    let backend = models::open(&args.model, args.writer.as_deref(), args.device)?;
    let step = Summarize::new(aws.stack.clone(), backend).with_head(head);
    let service = Service::new(aws.stack, numbers).step(step);
    tokio::join!(service.run(shutdown.clone()), health.until(shutdown.draining()));
    Ok(())
}
