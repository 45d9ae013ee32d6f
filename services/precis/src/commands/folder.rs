//! Opening the data folder.

use anyhow::Result;
use local::{Local, OpenOptions};
use std::path::Path;

/// For a command beside a running `precis up`. The folder must be there.
pub async fn shared(folder: &Path) -> Result<Local> {
    Ok(local::open(folder, OpenOptions::shared()).await?)
}

/// For the one process that works in it. It is made if it is missing.
pub async fn exclusive(folder: &Path) -> Result<Local> {
    Ok(local::open(folder, OpenOptions::exclusive()).await?)
}
