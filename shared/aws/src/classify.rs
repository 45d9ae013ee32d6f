//! What a failed call means, decided in one place from AWS's own codes.
//!
//! Codes: each service's API reference, "Common Errors", and the lists that the SDK's standard retry mode goes by
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>).

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ports::{Fault, PortError};
use std::error::Error;
use std::time::Duration;

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMSThrottlingException",
    "KmsThrottled",
    "KMS.ThrottlingException",
    "LimitExceededException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

const TRANSIENT: &[&str] = &[
    "ConditionalRequestConflict",
    "IDPCommunicationError",
    "InternalError",
    "InternalErrorException",
    "InternalFailure",
    "InternalServerError",
    "OperationAborted",
    "QueueDeletedRecently",
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "RequestTimeout",
    "RequestTimeoutException",
    "ReplicatedWriteConflictException",
    "ServiceUnavailable",
    "TransactionConflictException",
];

const NOT_FOUND: &[&str] = &[
    "AWS.SimpleQueueService.NonExistentQueue",
    "InvalidJobIdException",
    "NoSuchKey",
    "NoSuchUpload",
    "NoSuchVersion",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ReceiptHandleIsInvalid",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
];

const CONFLICT: &[&str] =
    &["ConditionalCheckFailedException", "PreconditionFailed", "TransactionCanceledException"];

/// We may not, or we are not who we say, or what we need was never made: an operator mends each of these.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthFailure",
    "AuthorizationError",
    "AuthorizationErrorException",
    "DisabledException",
    "EndpointDisabled",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSecurityException",
    "IncompleteSignature",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "KMSDisabled",
    "KMSDisabledException",
    "KMSInvalidState",
    "KMSInvalidStateException",
    "KMSNotFound",
    "KMSNotFoundException",
    "KMSOptInRequired",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidState",
    "KmsNotFound",
    "KmsOptInRequired",
    "KMS.DisabledException",
    "KMS.InvalidStateException",
    "KMS.NotFoundException",
    "MissingAuthenticationToken",
    "NoSuchBucket",
    "NotAuthorized",
    "NotSignedUp",
    "OptInRequired",
    "ResourceNotFoundException",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Credentials that were good and are no more: the provider chain brings new ones.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

/// SigV4 is good for 5 minutes around the sender's clock (S3: 15).
const CLOCK: &[&str] = &["RequestTimeTooSkewed", "RequestInTheFuture"];

const TOO_LARGE: &[&str] = &[
    "BatchRequestTooLong",
    "AWS.SimpleQueueService.BatchRequestTooLong",
    "DocumentTooLargeException",
    "EntityTooLarge",
    "ItemCollectionSizeLimitExceededException",
    "MaxMessageLengthExceeded",
];

/// Says what a failed call means. `doing` says what was tried, in words ("reading a job").
#[must_use]
pub fn port_error<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let after = error.raw_response().and_then(retry_after);
    match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or_default();
            let said = context.err().message().unwrap_or_default();
            by_code(doing, code, said, status, after)
        }
        SdkError::ConstructionFailure(_) => before_sending(doing, &chain(error)),
        SdkError::TimeoutError(_) => fault(Fault::Transient, doing, "AWS did not answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() || failure.is_io() => {
            fault(Fault::Transient, doing, &format!("AWS cannot be reached ({})", chain(error)))
        }
        _ => before_sending(doing, &chain(error)),
    }
}

/// What a code with its status means.
#[must_use]
pub fn by_code(
    doing: &str,
    code: &str,
    said: &str,
    status: Option<u16>,
    after: Option<Duration>,
) -> PortError {
    // Codes of the query protocol may come as `Service.Code` or `Code#detail`.
    let code = code.split(['#', ':']).next_back().unwrap_or(code);
    let is = |codes: &[&str]| codes.contains(&code);
    let told = if said.is_empty() { code.to_owned() } else { format!("{code}: {said}") };
    // A signature that is not (any more) good in time is said in words only by some services.
    let by_words = said.contains("Signature expired") || said.contains("Signature not yet current");
    if is(CLOCK) || by_words {
        let what = format!(
            "{told}. This machine's clock is wrong: set it (for example with chrony), nothing is lost"
        );
        return fault(Fault::Transient, doing, &what);
    }
    // DynamoDB calls an index that is not there an invalid request.
    let lacks_index = code == "ValidationException" && said.contains("the specified index");
    let kind = match status {
        _ if lacks_index => Fault::Denied,
        _ if is(THROTTLED) => Fault::Throttled(after),
        _ if is(EXPIRED) || is(TRANSIENT) => Fault::Transient,
        _ if is(NOT_FOUND) => Fault::NotFound,
        _ if is(CONFLICT) => Fault::Conflict,
        _ if is(DENIED) => Fault::Denied,
        _ if is(TOO_LARGE) => Fault::TooLarge,
        Some(429 | 503) => Fault::Throttled(after),
        Some(500..=599 | 408) => Fault::Transient,
        Some(401 | 403) => Fault::Denied,
        Some(404) => Fault::NotFound,
        Some(409 | 412) => Fault::Conflict,
        Some(413) => Fault::TooLarge,
        _ => Fault::Permanent,
    };
    fault(kind, doing, &told)
}

/// A call that could not even be sent: no credentials, no region, no such name.
fn before_sending(doing: &str, why: &str) -> PortError {
    let lower = why.to_lowercase();
    if lower.contains("no providers in chain")
        || lower.contains("credentials were not")
        || lower.contains("not enabled")
    {
        return fault(
            Fault::Denied,
            doing,
            "no AWS credentials were found: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the task a role",
        );
    }
    if lower.contains("region")
        && (lower.contains("missing")
            || lower.contains("must be set")
            || lower.contains("invalid configuration"))
    {
        return fault(
            Fault::Denied,
            doing,
            "no AWS region is set: set AWS_REGION, or a region in the profile",
        );
    }
    fault(Fault::Transient, doing, &format!("the call could not be made or its answer not be read ({why})"))
}

fn fault(fault: Fault, doing: &str, what: &str) -> PortError {
    PortError::new(fault, format!("{doing}: {what}"))
}

/// An error with its causes. The SDK's own texts: they name no document and hold no secret.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}

/// `Retry-After` in seconds, or AWS's own header in milliseconds.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name)?.parse::<u64>().ok();
    let ms = header("x-amz-retry-after").map(Duration::from_millis);
    ms.or_else(|| header("retry-after").map(Duration::from_secs))
        .map(|wait| wait.min(Duration::from_secs(300)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_means_one_thing_and_its_status_does_not_matter() {
        let lists: [(&[&str], Fault); 7] = [
            (THROTTLED, Fault::Throttled(None)),
            (TRANSIENT, Fault::Transient),
            (EXPIRED, Fault::Transient),
            (NOT_FOUND, Fault::NotFound),
            (CONFLICT, Fault::Conflict),
            (DENIED, Fault::Denied),
            (TOO_LARGE, Fault::TooLarge),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for (codes, fault) in lists {
            for code in codes {
                assert!(seen.insert(*code), "{code} stands in two lists");
                for status in [Some(400), Some(500), None] {
                    assert_eq!(by_code("trying", code, "", status, None).fault, fault, "{code}");
                }
            }
        }
    }

    #[test]
    fn textracts_throttle_is_one_although_it_comes_as_a_server_error() {
        let after = Some(Duration::from_secs(2));
        let error = by_code("starting", "ThrottlingException", "Rate exceeded", Some(500), after);
        assert_eq!(error.fault, Fault::Throttled(after));
    }

    #[test]
    fn an_unknown_code_is_told_by_its_status() {
        for (status, fault) in [
            (400, Fault::Permanent),
            (401, Fault::Denied),
            (403, Fault::Denied),
            (404, Fault::NotFound),
            (408, Fault::Transient),
            (409, Fault::Conflict),
            (412, Fault::Conflict),
            (413, Fault::TooLarge),
            (429, Fault::Throttled(None)),
            (500, Fault::Transient),
            (502, Fault::Transient),
            (503, Fault::Throttled(None)),
        ] {
            assert_eq!(by_code("trying", "Unheard", "", Some(status), None).fault, fault, "{status}");
        }
        assert_eq!(by_code("trying", "", "", None, None).fault, Fault::Permanent);
    }

    #[test]
    fn a_wrong_clock_is_said_to_be_one_and_loses_nothing() {
        for (code, said) in [
            (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 20261128T100000Z is now earlier than 20261128T101500Z",
            ),
            (
                "AccessDenied",
                "Signature not yet current: 20261128T104000Z is still later than 20261128T101500Z",
            ),
        ] {
            let error = by_code("reading a job", code, said, Some(403), None);
            assert!(error.fault == Fault::Transient && error.what.contains("clock"), "{error}");
        }
    }

    #[test]
    fn codes_are_read_as_each_protocol_spells_them() {
        for code in [
            "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "ConditionalCheckFailedException",
        ] {
            assert_eq!(by_code("writing", code, "", Some(400), None).fault, Fault::Conflict);
        }
    }

    #[test]
    fn an_index_that_is_missing_is_an_operators_to_mend() {
        let said = "The table does not have the specified index: by-key";
        assert_eq!(by_code("looking", "ValidationException", said, Some(400), None).fault, Fault::Denied);
        assert_eq!(by_code("looking", "ValidationException", "", Some(400), None).fault, Fault::Permanent);
    }

    #[test]
    fn what_could_not_be_sent_says_what_to_set() {
        let error = before_sending("reading", "dispatch failure: no providers in chain provided credentials");
        assert!(error.fault == Fault::Denied && error.what.contains("AWS_PROFILE"), "{error}");
        let error = before_sending("reading", "Invalid Configuration: Missing Region");
        assert!(error.fault == Fault::Denied && error.what.contains("AWS_REGION"), "{error}");
    }
}
