//! S3 and SNS: where documents come from and where completions go.

use crate::error::{ApiError, Code};
use crate::store::{Job, Status};
use crate::wire::S3Object;
use aws::client::Clients;
use aws_config::SdkConfig;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use serde_json::json;

/// The clients.
#[derive(Debug, Clone)]
pub struct Cloud {
    s3: aws_sdk_s3::Client,
    sns: aws_sdk_sns::Client,
}

/// What is known of an object before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Cloud {
    /// Clients of this configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let Clients { s3, sns, .. } = Clients::new(config);
        Self { s3, sns }
    }

    /// How large an object is.
    ///
    /// # Errors
    /// `InvalidS3ObjectException` where there is none, or none that we may read.
    pub async fn size(&self, object: &S3Object) -> Result<Size, ApiError> {
        let call = self.s3.head_object().bucket(&object.bucket).key(&object.name);
        let head =
            call.set_version_id(object.version.clone()).send().await.map_err(|error| refused(&error))?;
        Ok(Size(head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0)))
    }

    /// Reads an object of at most `most` bytes.
    ///
    /// # Errors
    /// As [`Cloud::size`], and `DocumentTooLargeException`.
    pub async fn read(&self, object: &S3Object, most: u64) -> Result<Vec<u8>, ApiError> {
        let call = self.s3.get_object().bucket(&object.bucket).key(&object.name);
        let mut got =
            call.set_version_id(object.version.clone()).send().await.map_err(|error| refused(&error))?;
        let too_large =
            || ApiError::new(Code::DocumentTooLarge, format!("the document has more than {} MB", most >> 20));
        if got.content_length().is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > most))
        {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = got.body.try_next().await.map_err(|error| ApiError::internal(&error))? {
            if (bytes.len() + chunk.len()) as u64 > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Tells the end of a job, if somebody wants to hear it.
    ///
    /// # Errors
    /// What SNS says.
    pub async fn tell(&self, job: &Job) -> Result<(), ApiError> {
        let Some(channel) = &job.request.channel else { return Ok(()) };
        let call = self.sns.publish().topic_arn(&channel.topic_arn).message(completion(job));
        call.send().await.map(drop).map_err(|error| {
            let code = error.code().unwrap_or("no answer").to_owned();
            let said = error.message().map(str::to_owned).unwrap_or_else(|| error.to_string());
            ApiError::new(Code::InternalServer, format!("{code}: {said}"))
        })
    }
}

/// The message that Textract publishes:
/// <https://docs.aws.amazon.com/textract/latest/dg/async-notification-payload.html>.
#[must_use]
pub fn completion(job: &Job) -> String {
    let mut message = json!({
        "JobId": job.id,
        "Status": job.status,
        "API": "StartDocumentTextDetection",
        "JobTag": job.request.tag,
        "Timestamp": job.finished_ms,
        "DocumentLocation": {
            "S3ObjectName": job.request.location.name,
            "S3Bucket": job.request.location.bucket,
        },
    });
    debug_assert!(job.status != Status::InProgress, "told before the end");
    if let (None, Some(fields)) = (&job.request.tag, message.as_object_mut()) {
        fields.remove("JobTag");
    }
    message.to_string()
}

/// Textract says the same of an object that is not there and of one that it may not read.
fn refused<E>(error: &SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let broken = error.raw_response().is_some_and(|answer| answer.status().is_server_error());
    match error {
        SdkError::ServiceError(_) if !broken => ApiError::new(
            Code::InvalidS3Object,
            "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
        ),
        _ => {
            ApiError::new(Code::InternalServer, format!("S3 cannot be asked: {}", DisplayErrorContext(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::job;
    use serde_json::Value;

    #[test]
    fn a_completion_has_the_shape_that_is_documented() {
        let mut done =
            Job { finished_ms: Some(1_543_599_965_969), status: Status::PartialSuccess, ..job("a") };
        let message: Value = serde_json::from_str(&completion(&done)).unwrap();
        let expected = json!({
            "JobId": "a", "Status": "PARTIAL_SUCCESS", "API": "StartDocumentTextDetection", "JobTag": "tag",
            "Timestamp": 1_543_599_965_969_i64,
            "DocumentLocation": {"S3ObjectName": "a.pdf", "S3Bucket": "bucket"},
        });
        assert_eq!(message, expected);
        done.request.tag = None;
        assert!(!completion(&done).contains("JobTag"));
    }
}
