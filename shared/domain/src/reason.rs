//! Why a job did not end in a summary: what happened, what to do, and whose it is to do.
//!
//! One table for the whole product. E-mails, `precis job`, JSON and metrics all speak from it, so a cause
//! has one name and one advice everywhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who can mend a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Whoever uploaded the document.
    Sender,
    /// Whoever runs Precis.
    Operator,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $audience:ident, $what:literal, $todo:literal;)*) => {
        /// A cause, by the code that people search for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Reason { $( #[doc = $what] #[serde(rename = $code)] $variant, )* }

        impl Reason {
            /// Every cause there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as people and programs write it, for example `ENCRYPTED`.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code),* } }

            /// What happened, in a sentence for people.
            #[must_use]
            pub fn explanation(self) -> &'static str { match self { $(Self::$variant => $what),* } }

            /// What to do about it.
            #[must_use]
            pub fn advice(self) -> &'static str { match self { $(Self::$variant => $todo),* } }

            /// Whose it is to mend.
            #[must_use]
            pub fn audience(self) -> Audience { match self { $(Self::$variant => Audience::$audience),* } }
        }
    };
}

reasons! {
    EmptyFile = "EMPTY_FILE", Sender,
        "The file is empty: it has no bytes at all.",
        "Check that the upload or the export finished, then send the file again.";
    ZeroBytes = "ZERO_BYTES", Sender,
        "The file has a length but holds nothing: every byte of it is zero.",
        "A disk or a transfer lost its content. Look at the original, and send that again.";
    UnsupportedType = "UNSUPPORTED_TYPE", Sender,
        "The file is of a kind that Precis does not read.",
        "Send it as PDF, DOCX, HTML, Markdown, plain text, e-mail (.eml), PNG, JPEG or TIFF.";
    Encrypted = "ENCRYPTED", Sender,
        "The file is protected by a password, so its text cannot be read.",
        "Remove the password (open it, then save or print it to a new PDF) and send that file.";
    Damaged = "DAMAGED", Sender,
        "The file is damaged or cut short, and its pages cannot be read.",
        "Open it yourself; if it opens, save a fresh copy and send that, else ask for it again.";
    NoPages = "NO_PAGES", Sender,
        "The file is well-formed but holds no pages.",
        "Export the document again and check that it has pages before you send it.";
    BlankPages = "BLANK_PAGES", Sender,
        "Every page of the document is blank.",
        "If it should have text, scan or export it again (for a scan, check which side was up).";
    NoText = "NO_TEXT", Sender,
        "No words could be read in the document.",
        "If it is a scan or a photograph, make a sharper, straight one at 300 dpi; if it is data, there is nothing to summarize.";
    TooLittleText = "TOO_LITTLE_TEXT", Sender,
        "The document has too few words to summarize.",
        "Read it directly: it is shorter than a summary would be.";
    TooLarge = "TOO_LARGE", Sender,
        "The file is larger than the limit for this place.",
        "Split it or reduce its images; an operator can raise max_bytes in the settings.";
    TooManyPages = "TOO_MANY_PAGES", Sender,
        "The document has more pages than the limit for this place.",
        "Split it into parts; an operator can raise max_pages in the settings.";
    ReaderLimit = "READER_LIMIT", Sender,
        "Reading the file took more time, memory or disk than is allowed for one document.",
        "Print it to a new PDF and send that; an operator can raise the reader's limits in the settings.";
    ReaderCrashed = "READER_CRASHED", Sender,
        "The file made the reader stop; nothing else was affected.",
        "Print it to a new PDF and send that. If it is an ordinary file, please report it.";
    OcrUnavailable = "OCR_UNAVAILABLE", Operator,
        "Pages of the document need OCR, and no OCR engine could be run.",
        "Run `precis doctor`, install what it names, then `precis retry --reason OCR_UNAVAILABLE`.";
    OcrFailed = "OCR_FAILED", Operator,
        "OCR of a page failed again and again.",
        "Look at `precis job ID` for the page and the engine's words, then `precis retry ID`.";
    OcrBudget = "OCR_BUDGET", Operator,
        "The pages of OCR that this place may have in a month are used up, so nothing more was spent.",
        "Nothing: it runs again by itself in the new month. Sooner: raise ocr_monthly_pages in the settings, then `precis retry --reason OCR_BUDGET`.";
    ModelUnavailable = "MODEL_UNAVAILABLE", Operator,
        "The sentence-embedding model could not be loaded.",
        "Run `precis doctor`, install the model as it says, then `precis retry --reason MODEL_UNAVAILABLE`.";
    AccessDenied = "ACCESS_DENIED", Operator,
        "Precis may not read or write something that it needs.",
        "Run `precis doctor`, mend the permission that it names, then `precis retry --reason ACCESS_DENIED`.";
    StorageFull = "STORAGE_FULL", Operator,
        "There is no room left to write to.",
        "Make room; waiting jobs go on by themselves, ended ones with `precis retry --reason STORAGE_FULL`.";
    WorkerDied = "WORKER_DIED", Operator,
        "The worker died each time it took up this document.",
        "Look at the log for this job, then `precis retry ID`; if it dies again, please report it.";
    Internal = "INTERNAL", Operator,
        "Something failed again and again that should not fail.",
        "Look at `precis job ID` and the log for the cause, then `precis retry ID`.";
    NewerVersion = "NEWER_VERSION", Sender,
        "A newer version of the document arrived before this one was finished.",
        "Nothing: the newer version is summarized instead.";
    Deleted = "DELETED", Sender,
        "The document was deleted before it was finished.",
        "Upload it again if it should be summarized.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::str::FromStr for Reason {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|reason| reason.code().eq_ignore_ascii_case(code)).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|reason| reason.code()).collect();
            format!("there is no reason {code}; the reasons are {}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_explains_itself_and_is_found_by_its_code() {
        for &reason in Reason::ALL {
            assert!(reason.explanation().ends_with('.') && reason.advice().ends_with('.'), "{reason}");
            assert_eq!(reason.code().parse(), Ok(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
    }
}
