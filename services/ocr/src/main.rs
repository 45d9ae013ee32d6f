//! `precis-ocr`: reads scans, as a service on AWS.

mod args;

use precis_ocr::{Completed, OcrStep};
use worker::{Service, Shutdown, StageHandler};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: args::Args = aws::options::parse();
    if args.running.health {
        telemetry::host::check_and_exit(args.running.listen).await;
    }
    let numbers = args.numbers();
    let health = telemetry::host::start(&args.running.host("ocr", &args.deployment.stack)).await?;
    let shutdown = Shutdown::on_signals()?;
    let settings = args.deployment.settings();
    let aws = tokio::select! {
        aws = aws::connect_patiently(&settings) => aws?,
        () = shutdown.draining() => return Ok(()),
    };
    let config = args.config(&aws.names.region)?;
    let step = || OcrStep::new(aws.stack.clone(), config);
    let stage = StageHandler::new(aws.stack.clone(), step(), numbers.clone());
    let completed = Completed::new(aws.stack.clone(), stage);
    let service = Service::new(aws.stack.clone(), numbers).step(step()).with(completed);
    tokio::join!(service.run(shutdown.clone()), health.until(shutdown.draining()));
    Ok(())
}
