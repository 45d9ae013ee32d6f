//! Textract's wire protocol over the Tesseract of this machine.

use clap::Parser;
use textract_local::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    if config.health {
        telemetry::host::check_and_exit(config.listen).await;
    }
    textract_local::run(config).await
}
