//! What can go wrong with OCR.

use domain::reason::Reason;
use std::time::Duration;

/// Why a page was not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcrError {
    /// There is no Tesseract on this machine.
    #[error("Tesseract is not installed: run `apt-get install tesseract-ocr`")]
    NotInstalled,
    /// It has no data for a language that was asked for.
    #[error("Tesseract has no data for {language}: run `apt-get install {package}`")]
    LanguageMissing {
        /// Tesseract's name of the language.
        language: String,
        /// The Debian package that brings it.
        package: String,
    },
    /// The page took too long.
    #[error("Tesseract did not finish the page in {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The image cannot be read: trying again ends the same way.
    #[error("the image of the page cannot be read ({0})")]
    Image(String),
    /// The program failed; its own words.
    #[error("Tesseract failed: {0}")]
    Failed(String),
}

impl OcrError {
    /// Whether another attempt at the same page must end the same way, whatever is installed meanwhile.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Image(_))
    }

    /// The cause by its code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotInstalled | Self::LanguageMissing { .. } => Reason::OcrUnavailable,
            Self::TimedOut(_) | Self::Image(_) | Self::Failed(_) => Reason::OcrFailed,
        }
    }
}
