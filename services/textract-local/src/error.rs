//! Failures as the API names them.

use extract::ReadError;
use hyper::StatusCode;
use tesseract::OcrError;

/// An exception of Textract's API model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the exception of its name")]
pub enum Code {
    AccessDenied,
    BadDocument,
    DocumentTooLarge,
    IdempotentParameterMismatch,
    InternalServer,
    InvalidJobId,
    InvalidParameter,
    InvalidS3Object,
    LimitExceeded,
    ProvisionedThroughputExceeded,
    Serialization,
    Throttling,
    UnknownOperation,
    UnsupportedDocument,
}

impl Code {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::BadDocument => "BadDocumentException",
            Self::DocumentTooLarge => "DocumentTooLargeException",
            Self::IdempotentParameterMismatch => "IdempotentParameterMismatchException",
            Self::InternalServer => "InternalServerError",
            Self::InvalidJobId => "InvalidJobIdException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidS3Object => "InvalidS3ObjectException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::Serialization => "SerializationException",
            Self::Throttling => "ThrottlingException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnsupportedDocument => "UnsupportedDocumentException",
        }
    }

    /// Its HTTP status: the model calls two of them the server's fault, a throttle among them.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InternalServer | Self::Throttling => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What a job that ends this way gives as its `StatusMessage`. AWS documents no list; `INVALID_IMAGE_TYPE` is
    /// what it says of a format that it does not read.
    #[must_use]
    pub fn status_message(self) -> &'static str {
        match self {
            Self::UnsupportedDocument => "INVALID_IMAGE_TYPE",
            Self::BadDocument => "BAD_DOCUMENT",
            Self::DocumentTooLarge => "DOCUMENT_TOO_LARGE",
            Self::InvalidS3Object => "INVALID_S3_OBJECT",
            _ => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .code.name())]
pub struct ApiError {
    /// Which exception.
    pub code: Code,
    /// For people.
    pub message: String,
}

impl ApiError {
    /// A failure of this kind.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::new(Code::InternalServer, error.to_string())
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameter, message)
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        use domain::Reason;
        let code = match error.reason() {
            _ if !error.is_permanent() => Code::InternalServer,
            Reason::UnsupportedType | Reason::Encrypted | Reason::TooManyPages => Code::UnsupportedDocument,
            _ => Code::BadDocument,
        };
        Self::new(code, error.to_string())
    }
}

impl From<OcrError> for ApiError {
    fn from(error: OcrError) -> Self {
        let code = if error.is_permanent() { Code::BadDocument } else { Code::InternalServer };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_is_the_servers_fault_and_a_quota_the_callers() {
        assert_eq!(Code::Throttling.status(), 500);
        assert_eq!(Code::InternalServer.status(), 500);
        for code in [Code::ProvisionedThroughputExceeded, Code::LimitExceeded, Code::InvalidJobId] {
            assert_eq!(code.status(), 400);
        }
    }
}
