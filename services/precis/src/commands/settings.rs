//! `precis settings`: what holds for a key, and on AWS editing it. On one machine precis.toml is the place to edit.

use super::place::{self, Place};
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, anyhow, bail};
use aws::Aws;
use aws::dynamodb::settings::Place as Where;
use domain::Settings;
use domain::settings::{Layer, Source};
use serde_json::{Map, Value};
use std::io::Write;

/// Shows each value with its source for a key, after editing what was asked for.
pub async fn run(args: &cli::SettingsArgs, out: &mut dyn Write) -> Result<()> {
    if args.example {
        out.write_all(local::example_toml().as_bytes())?;
        return Ok(());
    }
    let place = place::open(&args.data).await?;
    if !args.set.is_empty() || !args.unset.is_empty() {
        edit(&place, args, out).await?;
    }
    let bucket = args.bucket.clone().unwrap_or_else(|| place.bucket());
    let layers = place.stack.settings.layers(&bucket, &args.key).await?;
    let settings = Settings::resolve(&layers);
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&settings)?)?;
        return Ok(());
    }
    let of = if args.key.is_empty() { "every key".to_owned() } else { clean(&args.key) };
    let kept = match (place.local(), place.aws()) {
        (Some(local), _) => format!("file: {}", local.layout.settings().display()),
        (None, Some(aws)) => format!("table: {}", aws.names.settings()),
        (None, None) => String::new(),
    };
    writeln!(out, "Settings for {of} ({kept})")?;
    for (name, value, source) in settings.rows() {
        let value = show::plain(&value);
        let value = if value.is_empty() { "(found out)" } else { &value };
        let source = match source {
            Source::File if place.aws().is_some() => "table".to_owned(),
            other => clean(&other.to_string()),
        };
        writeln!(out, "  {name:<18} {value:<12} {source}")?;
    }
    Ok(())
}

async fn edit(place: &Place, args: &cli::SettingsArgs, out: &mut dyn Write) -> Result<()> {
    match (place.local(), place.aws()) {
        (Some(local), _) => bail!(
            "the settings of a data folder are edited by hand, in {}. Do: open it in an editor; `precis settings \
             --example` prints one that explains each",
            local.layout.settings().display()
        ),
        (None, Some(aws)) => edit_there(aws, args, out).await,
        (None, None) => Ok(()),
    }
}

/// Changes the layer of the prefix that was named, and leaves the others as they are.
async fn edit_there(aws: &Aws, args: &cli::SettingsArgs, out: &mut dyn Write) -> Result<()> {
    let place = Where { bucket: args.bucket.clone().unwrap_or_default(), prefix: args.key.clone() };
    let before = aws.settings.all().await?.into_iter().find(|(known, _)| *known == place);
    let before = before.map(|(_, layer)| layer).unwrap_or_default();
    let after = changed(&before, &args.set, &args.unset)?;
    if after == Layer::default() {
        aws.settings.delete(&place).await?;
    } else {
        aws.settings.put(&place, &after).await?;
    }
    let of = if place.prefix.is_empty() { "every key".to_owned() } else { clean(&place.prefix) };
    // Not on standard output, which --json fills.
    out.flush()?;
    eprintln!("Set for {of}; the services know within 10 seconds, and runs that have begun keep theirs.");
    Ok(())
}

/// A layer with some values set and others taken away.
fn changed(before: &Layer, set: &[(String, String)], unset: &[String]) -> Result<Layer> {
    let object = |layer: &Layer| -> Result<Map<String, Value>> {
        Ok(serde_json::to_value(layer)?.as_object().cloned().unwrap_or_default())
    };
    let pairs = set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut values = object(before)?;
    values.extend(object(&Layer::from_pairs(pairs).map_err(|error| anyhow!(error))?)?);
    for name in unset {
        if !Layer::NAMES.contains(&name.as_str()) {
            bail!("there is no setting {name:?}; there are {}", Layer::NAMES.join(", "));
        }
        if set.iter().any(|(also, _)| also == name) {
            bail!("{name} cannot be set and unset at once. Do: leave one of them out");
        }
        if values.remove(name).is_none() {
            bail!("{name} is not set here. Do: `precis settings KEY` shows where a value comes from");
        }
    }
    Ok(serde_json::from_value(values.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_and_unset_changes_and_the_rest_stays() {
        let before = Layer::from_pairs([("words", "80"), ("max_pages", "20")]).unwrap();
        let after = changed(&before, &[("email".into(), "link".into())], &["words".into()]).unwrap();
        assert_eq!(after, Layer::from_pairs([("max_pages", "20"), ("email", "link")]).unwrap());
        assert_eq!(changed(&after, &[], &["max_pages".into(), "email".into()]).unwrap(), Layer::default());
    }

    #[test]
    fn what_was_not_set_or_does_not_exist_cannot_be_unset() {
        for unset in ["words", "wrods"] {
            assert!(changed(&Layer::default(), &[], &[unset.into()]).is_err(), "{unset}");
        }
        assert!(changed(&Layer::default(), &[("words".into(), "9".into())], &["words".into()]).is_err());
    }
}
