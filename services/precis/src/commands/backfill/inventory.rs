//! An S3 Inventory: a bucket's list of itself, made daily or weekly, cheaper than listing where there are many millions.
//!
//! The manifest (JSON) names the columns and the files; each is a gzip of CSV without a header, its keys encoded like a
//! URL. Source: Amazon S3 User Guide, "Locating your inventory list" and "Amazon S3 Inventory list". Only CSV is read; ORC
//! and Parquet are refused with the way to change it.
//!
//! A job's name is made of the version that the event named. In a bucket with versions that is the version id, which an
//! inventory of current versions alone does not list: such a one is refused, since every document would get a second job.

use super::csv::Csv;
use crate::show::clean;
use anyhow::{Context, Result, anyhow, bail};
use domain::Document;
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use ports::Objects;
use serde::Deserialize;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Rows of one step.
const ROWS: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    source_bucket: String,
    file_format: String,
    file_schema: String,
    files: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    key: String,
}

/// Which column holds what.
#[derive(Debug, Clone, Copy)]
struct Columns {
    key: usize,
    version: Option<usize>,
    latest: Option<usize>,
    mark: Option<usize>,
    size: Option<usize>,
    modified: Option<usize>,
    etag: Option<usize>,
}

/// Where the files are.
enum Home {
    /// In the folder of a manifest that was brought here, by the last part of their names.
    Folder(PathBuf),
    /// In this bucket.
    Bucket(String),
}

type Reader = Csv<BufReader<MultiGzDecoder<File>>>;

/// Documents and where each ends (file and rows), and where all end.
pub type Rows = (Vec<Document>, Vec<(usize, u64)>, (usize, u64));

/// An inventory that is read.
pub struct Inventory {
    objects: Arc<dyn Objects>,
    home: Home,
    bucket: String,
    prefix: String,
    columns: Columns,
    files: Vec<String>,
    /// Which file, and how many rows of it are done.
    at: (usize, u64),
    open: Option<Reader>,
    folder: TempDir,
    checked: bool,
}

impl Inventory {
    /// Reads the manifest, a file or `s3://BUCKET/KEY`.
    pub async fn open(objects: Arc<dyn Objects>, manifest: &str, bucket: &str, prefix: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (text, home) = match manifest.strip_prefix("s3://") {
            Some(there) => {
                let (from, key) =
                    there.split_once('/').ok_or_else(|| anyhow!("{manifest:?} is not s3://BUCKET/KEY"))?;
                let file = folder.path().join("manifest");
                fetch(&*objects, from, key, &file).await?;
                (std::fs::read(&file)?, Home::Bucket(from.to_owned()))
            }
            None => {
                let path = Path::new(manifest);
                let text =
                    std::fs::read(path).with_context(|| format!("the manifest {manifest} cannot be read"))?;
                (text, Home::Folder(path.parent().unwrap_or(Path::new("")).to_owned()))
            }
        };
        let read: Manifest = serde_json::from_slice(&text)
            .with_context(|| format!("{manifest} is no manifest of an S3 Inventory"))?;
        if !read.file_format.eq_ignore_ascii_case("CSV") {
            bail!(
                "the inventory is {}, and only CSV is read. Do: change the inventory's output format to CSV, or leave \
                 --inventory out and let the bucket be listed",
                clean(&read.file_format)
            );
        }
        if read.source_bucket != bucket {
            bail!(
                "the inventory is of the bucket {}, not of {bucket}. Do: --bucket {0}",
                clean(&read.source_bucket)
            );
        }
        let columns = columns(&read.file_schema)?;
        let files = read.files.into_iter().map(|file| file.key).collect();
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        Ok(Self {
            objects,
            home,
            bucket,
            prefix,
            columns,
            files,
            at: (0, 0),
            open: None,
            folder,
            checked: false,
        })
    }

    /// Goes on behind so many rows of a file.
    pub fn go_on(&mut self, file: usize, row: u64) {
        self.at = (file, row);
        self.open = None;
    }

    /// Whether all files are read.
    pub fn is_finished(&self) -> bool {
        self.at.0 >= self.files.len()
    }

    /// The next documents that are current and begin with the prefix; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Rows>> {
        if self.is_finished() {
            return Ok(None);
        }
        let mut reader = match self.open.take() {
            Some(reader) => reader,
            None => self.open_file().await?,
        };
        let (mut documents, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..ROWS {
            let row = self.at.1 + 1;
            let record = reader.record().with_context(|| {
                format!("row {row} of the inventory's file {} cannot be read", clean(&self.files[self.at.0]))
            })?;
            let Some(record) = record else {
                self.at = (self.at.0 + 1, 0);
                self.check(&documents).await?;
                return Ok(Some((documents, ends, self.at)));
            };
            self.at.1 = row;
            if let Some(document) = self.document(&record)? {
                documents.push(document);
                ends.push(self.at);
            }
        }
        self.open = Some(reader);
        self.check(&documents).await?;
        Ok(Some((documents, ends, self.at)))
    }

    async fn open_file(&mut self) -> Result<Reader> {
        let key = &self.files[self.at.0];
        let path = match &self.home {
            Home::Folder(folder) => {
                let name = key.rsplit('/').next().unwrap_or(key);
                let beside =
                    [folder.join(name), folder.join("data").join(name), folder.join("../data").join(name)];
                let found = beside.into_iter().find(|path| path.is_file());
                found.ok_or_else(|| {
                    anyhow!(
                        "the inventory's file {name} is not in {}. Do: bring it there too",
                        folder.display()
                    )
                })?
            }
            Home::Bucket(bucket) => {
                let path = self.folder.path().join("data");
                let _ = std::fs::remove_file(&path);
                fetch(&*self.objects, bucket, key, &path).await?;
                path
            }
        };
        let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut reader = Csv::new(BufReader::new(MultiGzDecoder::new(file)));
        for _ in 0..self.at.1 {
            reader.record()?;
        }
        Ok(reader)
    }

    fn document(&self, record: &[String]) -> Result<Option<Document>> {
        let columns = self.columns;
        let at =
            |column: Option<usize>| column.and_then(|column| record.get(column)).map_or("", String::as_str);
        let key = decode(at(Some(columns.key)))?;
        let is_old =
            at(columns.latest).eq_ignore_ascii_case("false") || at(columns.mark).eq_ignore_ascii_case("true");
        if is_old || !key.starts_with(&self.prefix) {
            return Ok(None);
        }
        let version = at(columns.version);
        let version = if version.is_empty() || version == "null" {
            at(columns.etag).trim_matches('"')
        } else {
            version
        };
        if version.is_empty() {
            bail!(
                "the inventory says of {:?} neither a version nor an ETag. Do: add the field ETag to the inventory",
                clean(&key)
            );
        }
        Ok(Some(Document {
            bucket: self.bucket.clone(),
            version: version.to_owned(),
            size: at(columns.size).parse().unwrap_or(0),
            sequencer: None,
            uploaded_at: at(columns.modified).parse().unwrap_or(Timestamp::UNIX_EPOCH),
            key,
        }))
    }

    /// Holds the first document against the bucket: whether an inventory without version ids names it as events do.
    async fn check(&mut self, documents: &[Document]) -> Result<()> {
        let Some(first) = documents.first().filter(|_| !self.checked && self.columns.version.is_none())
        else {
            return Ok(());
        };
        self.checked = true;
        let versions = self.objects.versions(&self.bucket, &first.key).await?;
        match versions.first() {
            Some(newest)
                if newest.version.len() != first.version.len() && newest.version != first.version =>
            {
                bail!(
                    "the bucket keeps versions and the inventory does not list them, so every document would get a second job. \
                 Do: let the inventory include all versions, or leave --inventory out and let the bucket be listed"
                )
            }
            _ => Ok(()),
        }
    }
}

/// Brings an object of any bucket here.
async fn fetch(objects: &dyn Objects, bucket: &str, key: &str, into: &Path) -> Result<()> {
    let found = objects
        .documents(bucket, key)
        .await
        .with_context(|| format!("s3://{bucket}/{key} cannot be read"))?;
    let found = found.into_iter().find(|document| document.key == key);
    let document = found.ok_or_else(|| anyhow!("there is no s3://{bucket}/{key}"))?;
    objects
        .fetch(&document, 10 << 30, into)
        .await
        .with_context(|| format!("s3://{bucket}/{key} cannot be read"))
}

fn columns(schema: &str) -> Result<Columns> {
    let names: Vec<&str> = schema.split(',').map(str::trim).collect();
    let find = |name: &str| names.iter().position(|found| found.eq_ignore_ascii_case(name));
    let Some(key) = find("Key") else { bail!("the inventory's schema names no Key: {}", clean(schema)) };
    Ok(Columns {
        key,
        version: find("VersionId"),
        latest: find("IsLatest"),
        mark: find("IsDeleteMarker"),
        size: find("Size"),
        modified: find("LastModifiedDate"),
        etag: find("ETag"),
    })
}

/// Undoes the URL encoding of a key.
fn decode(key: &str) -> Result<String> {
    let wrong = || anyhow!("a key of the inventory is not encoded like a URL: {:?}", clean(key));
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().ok_or_else(wrong)?, rest.next().ok_or_else(wrong)?];
                bytes.extend(hex::decode(digits).map_err(|_| wrong())?);
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_a_url() {
        assert_eq!(decode("a%2Fb+c/%C3%A4.pdf").unwrap(), "a/b c/ä.pdf");
        for wrong in ["a%2", "a%zz", "%ff"] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }

    /// A manifest and its one file, in a folder, and the store that is asked.
    async fn inventory(schema: &str, format: &str, rows: &str) -> (TempDir, Result<Inventory>) {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("one.csv.gz")).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        gzip.write_all(rows.as_bytes()).unwrap();
        gzip.finish().unwrap();
        let manifest = serde_json::json!({
            "sourceBucket": "uploads", "fileFormat": format, "fileSchema": schema,
            "files": [{ "key": "inventory/uploads/all/data/one.csv.gz", "size": 1, "MD5checksum": "" }],
        });
        let path = folder.path().join("manifest.json");
        std::fs::write(&path, manifest.to_string()).unwrap();
        let local = local::open(&folder.path().join("data"), local::OpenOptions::exclusive()).await.unwrap();
        let objects = local.stack.objects.clone();
        let opened = Inventory::open(objects, &path.display().to_string(), "uploads", "in/").await;
        (folder, opened)
    }

    const SCHEMA: &str = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag";

    #[tokio::test]
    async fn current_documents_of_the_prefix_are_read_and_a_place_within_is_gone_on_from() {
        let mut rows = String::new();
        for number in 0..1500 {
            let row = [
                "\"uploads\"".to_owned(),
                format!("\"in/a+{number}%2C.pdf\""),
                format!("\"v{number}\""),
                format!("\"{}\"", number % 2 == 0),
                "\"false\"".to_owned(),
                "\"7\"".to_owned(),
                "\"2026-11-01T00:00:00.000Z\"".to_owned(),
                "\"x\"".to_owned(),
            ];
            rows.push_str(&row.join(","));
            rows.push('\n');
        }
        rows.push_str("\"uploads\",\"other/b.pdf\",\"v\",\"true\",\"false\",\"7\",\"\",\"x\"\n");
        let (_folder, inventory) = inventory(SCHEMA, "CSV", &rows).await;
        let mut inventory = inventory.unwrap();
        let (mut all, mut places) = (Vec::new(), Vec::new());
        while let Some((documents, ends, _)) = inventory.next().await.unwrap() {
            all.extend(documents);
            places.extend(ends);
        }
        assert!(inventory.is_finished());
        assert_eq!((all.len(), places.len()), (750, 750));
        let first = &all[0];
        assert_eq!((first.key.as_str(), first.version.as_str(), first.size), ("in/a 0,.pdf", "v0", 7));
        let (file, row) = places[700];
        inventory.go_on(file, row);
        let rest = inventory.next().await.unwrap().unwrap().0;
        assert_eq!(rest, all[701..]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused_with_the_way_to_change_it() {
        let (_folder, parquet) = inventory(SCHEMA, "Parquet", "").await;
        assert!(parquet.err().unwrap().to_string().contains("only CSV is read"));
        let (_folder, nameless) = inventory("Bucket, Key", "CSV", "\"uploads\",\"in/a\"\n").await;
        let error = nameless.unwrap().next().await.err().unwrap().to_string();
        assert!(error.contains("add the field ETag"), "{error}");
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let found = columns("Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag")
            .unwrap();
        assert_eq!((found.key, found.version, found.size, found.etag), (1, Some(2), Some(5), Some(7)));
        assert!(columns("Bucket, Key, Size").unwrap().version.is_none());
        assert!(columns("Bucket, Size").is_err());
    }
}
