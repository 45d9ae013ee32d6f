//! `precis export`, `precis import`.

use crate::cli;
use anyhow::Result;
use std::io::Write;

/// Writes a checked backup. The folder may be at work meanwhile.
pub async fn export(args: &cli::Export, out: &mut dyn Write) -> Result<()> {
    let made = local::backup::export(&args.data.folder, &args.file).await?;
    writeln!(out, "Wrote {}: {} files, {} bytes, checked.", args.file.display(), made.files, made.bytes)?;
    Ok(())
}

/// Makes a new data folder from a backup.
pub async fn import(args: &cli::Import, out: &mut dyn Write) -> Result<()> {
    let made = local::backup::import(&args.file, &args.data.folder).await?;
    writeln!(
        out,
        "Made {}: {} files, {} bytes, checked.",
        args.data.folder.display(),
        made.files,
        made.bytes
    )?;
    writeln!(out, "Do: precis up --data {}", args.data.folder.display())?;
    Ok(())
}
