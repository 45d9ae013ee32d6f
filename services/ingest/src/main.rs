//! `precis-ingest`: the first step, as a service on AWS.

mod args;

use precis_ingest::Ingest;
use worker::{Listing, Service, Shutdown};

fn main() -> anyhow::Result<()> {
    // Documents are read by this same program as a child with few rights: before anything else happens here.
    extract::child::run_if_asked();
    run()
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let args: args::Args = aws::options::parse();
    if args.running.health {
        telemetry::host::check_and_exit(args.running.listen).await;
    }
    let (config, numbers) = (args.config()?, args.numbers());
    let health = telemetry::host::start(&args.running.host("ingest", &args.deployment.stack)).await?;
    let shutdown = Shutdown::on_signals()?;
    let settings = args.deployment.settings();
    let aws = tokio::select! {
        aws = aws::connect_patiently(&settings) => aws?,
        () = shutdown.draining() => return Ok(()),
    };
    let step = Ingest::new(aws.stack.clone(), config);
    let listing = args.watch().map(|watch| Listing::new(aws.stack.clone(), aws.names.uploads(), watch));
    let service = Service::new(aws.stack, numbers).step(step).reconciling().listing(listing);
    tokio::join!(service.run(shutdown.clone()), health.until(shutdown.draining()));
    Ok(())
}
