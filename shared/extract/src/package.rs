//! ZIP packages as Office Open XML uses them, read within bounds: a part unpacks to so many bytes and no
//! more, whatever the archive claims.

use crate::{Kind, Limits, ReadError};
use domain::reason::Reason;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// Bytes that the list of content types may have: real ones have two thousand.
const CONTENT_TYPES_BYTES: u64 = 1 << 20;
/// Parts that a package may have.
const MAX_PARTS: usize = 20_000;

/// An opened package.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

impl<'a> Package<'a> {
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
        if archive.len() > MAX_PARTS {
            return Err(ReadError::limit(format!("the package has {} parts", archive.len())));
        }
        Ok(Self { archive, left: limits.unpacked_bytes })
    }

    /// A part's bytes, or `None` when there is no such part.
    pub fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let file = match self.archive.by_name(name.trim_start_matches('/')) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        let mut bytes = Vec::new();
        file.take(self.left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| ReadError::damaged(format!("{name} inside it cannot be unpacked: {error}")))?;
        let length = bytes.len() as u64;
        if length > self.left {
            return Err(ReadError::limit(format!("{name} inside it unpacks to more bytes than are allowed")));
        }
        self.left -= length;
        Ok(Some(bytes))
    }

    /// A part as text (Office writes UTF-8, seldom UTF-16).
    pub fn xml(&mut self, name: &str) -> Result<Option<String>, ReadError> {
        Ok(self.part(name)?.map(|bytes| crate::text::decode(&bytes, Some("utf-8")).text))
    }
}

fn broken(error: &ZipError) -> ReadError {
    match error {
        ZipError::UnsupportedArchive(what) if what.contains("assword") => {
            ReadError::of(Reason::Encrypted, "it is a ZIP archive behind a password")
        }
        other => ReadError::damaged(format!("its ZIP directory cannot be read ({other})")),
    }
}

/// What a ZIP archive holds, by its list of content types.
pub(crate) fn kind_of(bytes: &[u8]) -> Result<Kind, ReadError> {
    let limits = Limits { unpacked_bytes: CONTENT_TYPES_BYTES, ..Limits::default() };
    let mut package = Package::open(bytes, &limits)?;
    if let Some(types) = package.xml("[Content_Types].xml")? {
        return if types.contains("wordprocessingml.document.main+xml")
            || types.contains("wordprocessingml.template.main+xml")
            || types.contains("ms-word.document.macroEnabled.main+xml")
        {
            Ok(Kind::Docx)
        } else if types.contains("spreadsheetml") {
            Err(ReadError::unsupported("it is an Excel workbook (XLSX)"))
        } else if types.contains("presentationml") {
            Err(ReadError::unsupported("it is a PowerPoint presentation (PPTX)"))
        } else {
            Err(ReadError::unsupported("it is an Office file without a text document in it"))
        };
    }
    let what = match package.part("mimetype").ok().flatten().as_deref() {
        Some(b"application/epub+zip") => "an EPUB book",
        Some(kind) if kind.starts_with(b"application/vnd.oasis.opendocument") => {
            "an OpenDocument file (ODT, ODS, ODP)"
        }
        _ => "a ZIP archive",
    };
    Err(ReadError::unsupported(format!("it is {what}")))
}
