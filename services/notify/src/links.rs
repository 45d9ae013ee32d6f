//! Where people go from an e-mail.

use crate::clean::clean;
use domain::Job;
use std::path::{Path, PathBuf};

/// Where results lie and whom to ask: the same for every e-mail of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    place: Place,
    contact: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Nowhere,
    Folder(PathBuf),
    Address(String),
}

impl Links {
    /// Results are files below this folder, named by the document's key.
    #[must_use]
    pub fn folder(folder: &Path) -> Self {
        Self { place: Place::Folder(folder.to_owned()), contact: None }
    }

    /// Results are shown at an address in which `{job}` and `{run}` stand for the job and its run. It must stay
    /// good: never a presigned link, which dies within hours.
    #[must_use]
    pub fn address(template: impl Into<String>) -> Self {
        Self { place: Place::Address(template.into()), contact: None }
    }

    /// Whom to ask: a name, an address. Without one it is "whoever runs Precis for you".
    #[must_use]
    pub fn with_contact(mut self, contact: impl Into<String>) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// Where this job's result is opened; `None` where there is no such place.
    #[must_use]
    pub fn open(&self, job: &Job) -> Option<String> {
        match &self.place {
            Place::Nowhere => None,
            Place::Folder(folder) => Some(clean(&file(folder, &job.document.key))),
            Place::Address(template) => {
                Some(template.replace("{job}", job.id.as_str()).replace("{run}", &job.run.to_string()))
            }
        }
    }

    /// Whom to ask, in words.
    #[must_use]
    pub fn whom(&self) -> String {
        self.contact.as_deref().map_or_else(|| "whoever runs Precis for you".to_owned(), clean)
    }
}

/// The file of a key of ordinary characters, which is named by it; the name of any other was changed on the way
/// to the disk, so there only the folder is told.
fn file(folder: &Path, key: &str) -> String {
    let odd = |c: char| c.is_control() || r#"\:*?"<>|"#.contains(c);
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 180
            && !part.starts_with(['.', '~', '-', ' '])
            && !part.ends_with(['.', ' '])
    };
    if key == clean(key) && key.len() <= 1000 && !key.contains(odd) && key.split('/').all(part) {
        format!("{}/{key}.md", folder.display())
    } else {
        format!("{}/", folder.display())
    }
}
