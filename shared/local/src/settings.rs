//! `precis.toml`: what people set for a data folder. Read again when it changes.
//!
//! At the start a file that cannot be understood is refused with line and name. Later, while work is going on,
//! it is complained about and the settings before the change go on: a typing mistake must not fail documents.

use crate::gate::Limit;
use async_trait::async_trait;
use domain::settings::{Layer, Source};
use ports::{Fault, GateName, PortError, Result, SettingsSource};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A text that must not be seen: it has no way into a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Starts in the clear and must be upgraded before anything is said (port 587).
    #[default]
    Starttls,
    /// From the first byte (port 465).
    Implicit,
    /// Not at all (port 25): for a server on this machine or a private network.
    None,
}

/// `[smtp]`: the mail server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port, unless it is the usual one of `tls`.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Who we are to it.
    pub username: Option<String>,
    /// Our password there; the environment's `PRECIS_SMTP_PASSWORD` goes before it.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Sender of all e-mails, for example `Precis <precis@example.com>`.
    pub from: String,
}

/// `[webhook]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// What requests are signed with; without it a secret of the data folder's own (file `webhook-secret`).
    pub secret: Option<Secret>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GateTable {
    concurrent: Option<NonZeroU32>,
    per_second: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GateTables {
    #[serde(default)]
    ocr: GateTable,
    #[serde(default)]
    publish: GateTable,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    defaults: Layer,
    #[serde(default)]
    prefix: BTreeMap<String, Layer>,
    smtp: Option<Smtp>,
    #[serde(default)]
    webhook: Webhook,
    #[serde(default)]
    gates: GateTables,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("cannot read the settings {path}: {cause}. Give this user the right to read it, or move it away")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It cannot be understood.
    #[error("the settings {path} cannot be understood: {cause}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What, and in which line.
        cause: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

struct Known {
    stamp: Option<Stamp>,
    tables: Arc<Tables>,
}

/// The settings of a data folder.
pub(crate) struct SettingsFile {
    path: PathBuf,
    known: Mutex<Known>,
}

impl SettingsFile {
    /// Reads the file; one that is not there has nothing in it.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, SettingsError> {
        let stamp = stamp(path);
        let tables = Arc::new(load(path)?);
        Ok(Self { path: path.to_owned(), known: Mutex::new(Known { stamp, tables }) })
    }

    fn tables(&self) -> Arc<Tables> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.path);
        if stamp != known.stamp {
            known.stamp = stamp;
            match load(&self.path) {
                Ok(tables) => known.tables = Arc::new(tables),
                Err(error) => {
                    tracing::error!(error = %error, "settings not taken over, the former ones hold")
                }
            }
        }
        known.tables.clone()
    }

    pub(crate) fn smtp(&self) -> Result<Option<Smtp>> {
        let Some(mut smtp) = self.tables().smtp.clone() else { return Ok(None) };
        if let Ok(password) = std::env::var("PRECIS_SMTP_PASSWORD") {
            smtp.password = Some(Secret::new(password));
        } else if let Some(path) = &smtp.password_file {
            let text = fs::read_to_string(path).map_err(|error| {
                let what = format!("reading [smtp] password_file {}: {error}", path.display());
                PortError::new(Fault::Denied, what)
            })?;
            smtp.password = Some(Secret::new(text.lines().next().unwrap_or_default()));
        }
        Ok(Some(smtp))
    }

    pub(crate) fn webhook(&self) -> Webhook {
        self.tables().webhook.clone()
    }

    pub(crate) fn gate(&self, gate: GateName) -> Result<Limit> {
        let tables = self.tables();
        let (table, usual) = match gate {
            GateName::Ocr => (tables.gates.ocr, Some(cores())),
            // The engine of one machine reads page by page, and at once.
            GateName::OcrDocument | GateName::OcrCollect => return Ok(Limit::default()),
            GateName::Publish => (tables.gates.publish, None),
        };
        Ok(Limit {
            concurrent: table.concurrent.map(NonZeroU32::get).or(usual),
            per_second: table.per_second,
        })
    }
}

/// Cores of this machine, as many as may recognise pages at once.
fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

#[async_trait]
impl SettingsSource for SettingsFile {
    async fn layers(&self, _bucket: &str, key: &str) -> Result<Vec<(Source, Layer)>> {
        let tables = self.tables();
        let mut layers = vec![(Source::File, tables.defaults.clone())];
        let mut prefixes: Vec<_> =
            tables.prefix.iter().filter(|(prefix, _)| key.starts_with(prefix.as_str())).collect();
        prefixes.sort_by_key(|(prefix, _)| prefix.len());
        layers.extend(
            prefixes.into_iter().map(|(prefix, layer)| (Source::Prefix(prefix.clone()), layer.clone())),
        );
        Ok(layers)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some(Stamp { modified: found.modified().ok(), size: found.len() })
}

fn load(path: &Path) -> std::result::Result<Tables, SettingsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tables::default()),
        Err(cause) => return Err(SettingsError::Unreadable { path: path.to_owned(), cause }),
    };
    parse(&text).map_err(|cause| SettingsError::Malformed { path: path.to_owned(), cause })
}

fn parse(text: &str) -> std::result::Result<Tables, String> {
    // What the parser says of a mistake quotes the line, and the line may hold the password.
    let tables: Tables = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        match line {
            Some(line) => format!("line {line}: {}", error.message()),
            None => error.message().to_owned(),
        }
    })?;
    if let Some(smtp) = &tables.smtp
        && let Err(error) = smtp.from.parse::<lettre::message::Mailbox>()
    {
        return Err(format!(
            "[smtp] from = {:?} is no sender, for example \"Precis <precis@example.com>\": {error}",
            smtp.from
        ));
    }
    for (name, table) in [("ocr", tables.gates.ocr), ("publish", tables.gates.publish)] {
        if table.per_second.is_some_and(|rate| !(0.001..=1_000_000.0).contains(&rate)) {
            return Err(format!("[gates.{name}] per_second must be between 0.001 and 1000000"));
        }
    }
    Ok(tables)
}

/// A `precis.toml` that explains itself: everything in it is commented out, so it changes nothing as it is.
#[must_use]
pub fn example_toml() -> &'static str {
    include_str!("precis.example.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_its_line() {
        let error = parse("[defaults]\nwords = 90\nwrods = 80\n").unwrap_err();
        assert!(error.contains("line 3") && error.contains("wrods"), "{error}");
        let error = parse("[smpt]\nhost = \"x\"\n").unwrap_err();
        assert!(error.contains("line 1") && error.contains("smpt"), "{error}");
    }

    #[test]
    fn a_mistake_beside_the_password_does_not_show_the_password() {
        let text = "[smtp]\nhost = \"x\"\nfrom = \"a@b.c\"\npassword = \"canary\nport = 1\n";
        let error = parse(text).unwrap_err();
        assert!(!error.contains("canary"), "{error}");
        let tables = parse(&text.replace("canary\n", "canary\"\n")).unwrap();
        assert!(!format!("{tables:?}").contains("canary"));
        assert_eq!(tables.smtp.unwrap().password.unwrap().expose(), "canary");
    }

    #[test]
    fn the_example_is_understood_with_and_without_its_comment_signs() {
        assert_eq!(parse(example_toml()).unwrap(), Tables::default());
        let lines = example_toml().lines().filter_map(|line| line.strip_prefix("#:"));
        let tables = parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
        assert!(tables.smtp.is_some() && !tables.prefix.is_empty());
    }

    #[tokio::test]
    async fn prefixes_come_from_short_to_long_and_a_changed_file_holds_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precis.toml");
        fs::write(
            &path,
            "[defaults]\nwords = 90\n[prefix.\"a/b/\"]\nwords = 1\n[prefix.\"a/\"]\nwords = 2\n",
        )
        .unwrap();
        let file = SettingsFile::open(&path).unwrap();
        let layers = file.layers("uploads", "a/b/c").await.unwrap();
        let names: Vec<_> = layers.iter().map(|(source, _)| source.to_string()).collect();
        assert_eq!(names, ["file", "prefix a/", "prefix a/b/"]);
        fs::write(&path, "[defaults]\nwords = 55\n").unwrap();
        assert_eq!(file.layers("uploads", "a/b/c").await.unwrap()[0].1.words, Some(55));
        fs::write(&path, "[defaults]\nwords = many\n").unwrap();
        assert_eq!(file.layers("uploads", "a/b/c").await.unwrap()[0].1.words, Some(55));
    }
}
