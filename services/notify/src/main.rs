//! `precis-notify`: tells people and programs, as a service on AWS.

mod args;

use precis_notify::NotifyStep;
use worker::{Service, Shutdown};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: args::Args = aws::options::parse();
    if args.running.health {
        telemetry::host::check_and_exit(args.running.listen).await;
    }
    let numbers = args.numbers();
    let health = telemetry::host::start(&args.running.host("notify", &args.deployment.stack)).await?;
    let shutdown = Shutdown::on_signals()?;
    let settings = args.deployment.settings();
    let aws = tokio::select! {
        aws = aws::connect_patiently(&settings) => aws?,
        () = shutdown.draining() => return Ok(()),
    };
    let step = NotifyStep::new(aws.stack.clone(), args.links(&aws.names));
    let service = Service::new(aws.stack, numbers).step(step);
    tokio::join!(service.run(shutdown.clone()), health.until(shutdown.draining()));
    Ok(())
}
