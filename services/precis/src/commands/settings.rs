//! `precis settings`.

use super::folder;
use crate::cli;
use crate::show;
use anyhow::Result;
use domain::Settings;
use std::io::Write;

/// The bucket that documents of one machine lie in.
const BUCKET: &str = local::UPLOADS;

/// Shows each value with its source for a key.
pub async fn run(args: &cli::SettingsArgs, out: &mut dyn Write) -> Result<()> {
    if args.example {
        out.write_all(local::example_toml().as_bytes())?;
        return Ok(());
    }
    let local = folder::shared(&args.data.folder).await?;
    let layers = local.stack.settings.layers(BUCKET, &args.key).await?;
    let settings = Settings::resolve(&layers);
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&settings)?)?;
        return Ok(());
    }
    let of = if args.key.is_empty() { "every key".to_owned() } else { show::clean(&args.key) };
    writeln!(out, "Settings for {of} (file: {})", local.layout.settings().display())?;
    for (name, value, source) in settings.rows() {
        let value = show::plain(&value);
        let value = if value.is_empty() { "(found out)" } else { &value };
        writeln!(out, "  {name:<18} {value:<12} {source}")?;
    }
    Ok(())
}
