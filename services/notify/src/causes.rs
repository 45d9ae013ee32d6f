//! Causes in a few words, for subjects. The sentences are the domain's.

use domain::Reason;

/// The cause in at most 40 ASCII characters, to stand behind a file's name and a colon.
#[must_use]
pub fn in_short(reason: Reason) -> &'static str {
    match reason {
        Reason::EmptyFile => "the file is empty",
        Reason::UnsupportedType => "this kind of file is not read",
        Reason::ZeroBytes => "every byte of the file is zero",
        Reason::Encrypted => "protected by a password",
        Reason::Damaged => "the file is damaged",
        Reason::NoPages => "the file has no pages",
        Reason::BlankPages => "all pages are blank",
        Reason::NoText => "no words found",
        Reason::TooLittleText => "too short to summarize",
        Reason::TooLarge => "the file is too large",
        Reason::TooManyPages => "too many pages",
        Reason::ReaderLimit => "it takes too much to read",
        Reason::ReaderCrashed => "the file made the reader stop",
        Reason::OcrUnavailable => "OCR is not available",
        Reason::OcrFailed => "OCR failed",
        Reason::OcrBudget => "this month's OCR pages are used up",
        Reason::ModelUnavailable => "the model is missing",
        Reason::AccessDenied => "access was denied",
        Reason::StorageFull => "no room left",
        Reason::WorkerDied => "the worker died",
        Reason::Internal => "internal failure",
        Reason::NewerVersion => "replaced by a newer version",
        Reason::Deleted => "deleted meanwhile",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_fits_into_a_subject() {
        for &reason in Reason::ALL {
            let short = in_short(reason);
            assert!(short.len() <= 40 && short.is_ascii() && !short.ends_with('.'), "{short}");
        }
    }
}
