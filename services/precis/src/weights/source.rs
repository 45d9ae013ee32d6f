//! Where a model comes from, and how taking it may fail.
//!
//! `hf:owner/name` is the hub's, `s3://bucket/prefix/` a bucket's, anything else a folder of this machine, unless no such
//! folder is there and it looks like a hub's name.

use super::transfer::Part;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a source says of a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digest {
    /// Their SHA-256, in hexadecimal.
    Sha256(String),
    /// Their name in a git repository: the SHA-1 of `blob SIZE\0` and the bytes, in hexadecimal.
    GitBlob(String),
    /// Nothing.
    Unknown,
}

/// A file that a source has.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its path within the model, as the source spells it. Hostile until `choose` has looked at it.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes must be.
    pub digest: Digest,
    /// Names its content: another one is another file.
    pub version: String,
}

/// What a source has.
#[derive(Debug, Clone)]
pub struct Listing {
    /// A commit of the hub; the others have none.
    pub revision: Option<String>,
    /// Where the source says that it has the model from.
    pub origin: Option<String>,
    /// Its files.
    pub offers: Vec<Offer>,
}

/// Why a file or a listing did not come.
#[derive(Debug)]
pub enum Trouble {
    /// It may come the next time; not before that time, where the source names one.
    Passing { what: String, after: Option<Duration> },
    /// What lies here is not the beginning of what the source has now.
    Changed,
    /// There is no room left on the disk.
    Full,
    /// It will not come until somebody changes something.
    Final(anyhow::Error),
}

impl Trouble {
    /// One that may pass, at once.
    pub fn passing(what: impl Into<String>) -> Self {
        Self::Passing { what: what.into(), after: None }
    }

    /// Writing on this machine failed.
    pub fn of_disk(error: std::io::Error, place: &Path) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            _ => Self::Final(anyhow::Error::new(error).context(format!("{}", place.display()))),
        }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Final(error)
    }
}

/// A place that models are taken from. Calls block.
pub trait Source: Send {
    /// What is there.
    fn list(&self) -> Result<Listing, Trouble>;

    /// What a listing does not tell of a file that is wanted.
    fn look(&self, offer: &mut Offer) -> Result<(), Trouble> {
        let _ = offer;
        Ok(())
    }

    /// Appends to a part what it lacks of a file. What has come stays when the rest does not.
    fn go_on(&self, offer: &Offer, listing: &Listing, part: &mut Part<'_>) -> Result<(), Trouble>;
}

/// A source by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `owner/name` (or one of the hub's old names without an owner).
    Hub(String),
    /// A bucket, and the prefix of the model's keys: empty, or ending in `/`.
    Bucket(String, String),
    /// A folder.
    Folder(PathBuf),
}

impl Named {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                bail!("{text:?} names no bucket. Do: s3://BUCKET/PREFIX/");
            }
            let prefix = prefix.trim_matches('/');
            let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
            return Ok(Self::Bucket(bucket.to_owned(), prefix));
        }
        if let Some(name) = text.strip_prefix("hf:") {
            if !is_hub_name(name) {
                bail!("{name:?} is no model's name at the hub. Do: hf:OWNER/NAME");
            }
            return Ok(Self::Hub(name.to_owned()));
        }
        if text.contains("://") {
            bail!(
                "{text:?} is no source. Do: hf:OWNER/NAME for a model of the hub, s3://BUCKET/PREFIX/, or a folder"
            );
        }
        let folder = Path::new(text);
        if folder.is_dir() || !text.contains('/') || !is_hub_name(text) || text.starts_with('.') {
            return Ok(Self::Folder(folder.to_owned()));
        }
        Ok(Self::Hub(text.to_owned()))
    }

    /// As it is recorded, and may be typed again.
    pub fn typed(&self) -> String {
        match self {
            Self::Hub(name) => format!("hf:{name}"),
            Self::Bucket(bucket, prefix) => format!("s3://{bucket}/{prefix}"),
            Self::Folder(path) => path.display().to_string(),
        }
    }

    /// What the model is called here unless somebody says otherwise.
    pub fn name(&self) -> Option<String> {
        let last = |text: &str| text.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
        match self {
            Self::Hub(name) => last(name),
            Self::Bucket(_, prefix) => last(prefix),
            Self::Folder(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        }
    }
}

/// One or two parts of letters, digits, `-`, `_` and `.`, neither of them only dots.
fn is_hub_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let parts: Vec<_> = text.split('/').collect();
    let part = |part: &&str| {
        !part.is_empty() && part.len() <= 96 && part.chars().all(good) && !part.starts_with('.')
    };
    parts.len() <= 2 && parts.iter().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_form() {
        let parse = |text| Named::parse(text).unwrap();
        assert_eq!(parse("hf:google/flan-t5-small"), Named::Hub("google/flan-t5-small".into()));
        assert_eq!(parse("google/flan-t5-small"), Named::Hub("google/flan-t5-small".into()));
        assert_eq!(parse("hf:gpt2"), Named::Hub("gpt2".into()));
        assert_eq!(parse("s3://b/models/m"), Named::Bucket("b".into(), "models/m/".into()));
        assert_eq!(parse("s3://b"), Named::Bucket("b".into(), String::new()));
        assert_eq!(parse("./a/b"), Named::Folder("./a/b".into()));
        assert_eq!(parse("/srv/m"), Named::Folder("/srv/m".into()));
        for bad in ["s3:///x", "hf:../x", "hf:a/b/c", "hf:", "hf:a//b", "https://example.org/x", "hf:a/.."] {
            assert!(Named::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_model_is_called_after_the_end_of_its_source() {
        for (text, name) in [("hf:o/n", "n"), ("s3://b/models/m/", "m"), ("/srv/m", "m")] {
            assert_eq!(Named::parse(text).unwrap().name().as_deref(), Some(name));
        }
        assert_eq!(Named::parse("s3://b").unwrap().name().as_deref(), Some(""));
    }
}
