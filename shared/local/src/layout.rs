//! Where things lie in a data folder.

use std::path::PathBuf;

/// The paths within a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder itself, absolute.
    pub folder: PathBuf,
}

impl Layout {
    /// `precis.toml`: settings, written by people.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("precis.toml")
    }

    /// `precis.db`.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("precis.db")
    }

    /// `lock`: held, with its process id in it, by the process that does the work.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// `objects/uploads`: documents too large for the database, by their sha-256.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.folder.join("objects").join("uploads")
    }

    /// `objects/artifacts`: what jobs wrote and is too large for the database.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.folder.join("objects").join("artifacts")
    }

    /// `objects/tmp`: files that are being written.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.folder.join("objects").join("tmp")
    }

    /// `inbox`: where people drop documents.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.folder.join("inbox")
    }

    /// `results`: what people read.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.folder.join("results")
    }

    /// `outbox`: e-mails that no server sends.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.folder.join("outbox")
    }

    /// `heads`: learnt rankings, and which is in use.
    #[must_use]
    pub fn heads(&self) -> PathBuf {
        self.folder.join("heads")
    }

    pub(crate) fn folders(&self) -> [PathBuf; 6] {
        [self.uploads(), self.artifacts(), self.scratch(), self.inbox(), self.results(), self.outbox()]
    }
}
