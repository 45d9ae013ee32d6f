//! The shapes of the protocol, and the rules of its model for what may stand in them.

use crate::error::ApiError;
use serde::{Deserialize, Serialize};

/// An object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Object {
    /// Its bucket.
    #[serde(default)]
    pub bucket: String,
    /// Its key.
    #[serde(default)]
    pub name: String,
    /// The version, where not the newest is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Where completions are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationChannel {
    /// The topic.
    #[serde(rename = "SNSTopicArn", default)]
    pub topic_arn: String,
    /// The role in which Textract publishes; here it is only checked for its form.
    #[serde(rename = "RoleArn", default)]
    pub role_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Detect {
    pub document: Document,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    #[serde(rename = "Bytes")]
    pub bytes: Option<String>,
    #[serde(rename = "S3Object")]
    pub s3: Option<S3Object>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Location {
    #[serde(rename = "S3Object")]
    pub s3: S3Object,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Start {
    pub document_location: Location,
    pub client_request_token: Option<String>,
    pub job_tag: Option<String>,
    pub notification_channel: Option<NotificationChannel>,
    pub output_config: Option<serde_json::Value>,
    #[serde(rename = "KMSKeyId")]
    pub kms_key_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Get {
    pub job_id: String,
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

/// Pages that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Warning {
    /// A word for the cause.
    pub error_code: String,
    /// Their numbers.
    pub pages: Vec<u32>,
}

type Checked = Result<(), ApiError>;

fn named(text: &str, most: usize, signs: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    (1..=most).contains(&text.len()) && text.chars().all(allowed)
}

fn checked(good: bool, field: &str, rule: &str) -> Checked {
    if good { Ok(()) } else { Err(ApiError::parameter(format!("{field} must be {rule}"))) }
}

impl S3Object {
    pub(crate) fn check(&self) -> Checked {
        let bucket = self.bucket.len() >= 3 && named(&self.bucket, 255, ".-_");
        checked(bucket, "S3Object.Bucket", "3 to 255 of [0-9A-Za-z.-_]")?;
        let text = |text: &str| (1..=1024).contains(&text.len()) && !text.trim().is_empty();
        checked(text(&self.name), "S3Object.Name", "1 to 1,024 bytes and not blank")?;
        let version = self.version.as_deref().is_none_or(text);
        checked(version, "S3Object.Version", "1 to 1,024 bytes and not blank")
    }
}

impl NotificationChannel {
    pub(crate) fn check(&self) -> Checked {
        let arn = |arn: &str, most: usize, service: &str, global: bool| {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            let good = matches!(parts.as_slice(), ["arn", partition, of, region, account, name]
                if named(partition, 20, "-") && *of == service && region.is_empty() == global
                    && account.len() == 12 && !name.is_empty());
            good && arn.len() <= most
        };
        checked(arn(&self.topic_arn, 1024, "sns", false), "SNSTopicArn", "the ARN of a topic")?;
        let role = arn(&self.role_arn, 2048, "iam", true) && self.role_arn.contains(":role");
        checked(role, "RoleArn", "the ARN of a role")
    }
}

impl Start {
    pub(crate) fn check(&self) -> Checked {
        self.document_location.s3.check()?;
        let token = self.client_request_token.as_deref().is_none_or(|token| named(token, 64, "-_"));
        checked(token, "ClientRequestToken", "1 to 64 of [a-zA-Z0-9-_]")?;
        let tag = self.job_tag.as_deref().is_none_or(|tag| named(tag, 64, "_.-:"));
        checked(tag, "JobTag", "1 to 64 of [a-zA-Z0-9_.-:]")?;
        checked(self.output_config.is_none(), "OutputConfig", "left out: results are kept here alone")?;
        checked(self.kms_key_id.is_none(), "KMSKeyId", "left out: results are kept here alone")?;
        self.notification_channel.as_ref().map_or(Ok(()), NotificationChannel::check)
    }
}

impl Get {
    /// How many blocks are wanted; more than Textract gives is no error there either.
    pub(crate) fn most(&self) -> Result<usize, ApiError> {
        let most = self.max_results.unwrap_or(1000);
        checked(most >= 1, "MaxResults", "1 or more")?;
        checked(named(&self.job_id, 64, "-_"), "JobId", "1 to 64 of [a-zA-Z0-9-_]")?;
        Ok(usize::try_from(most.min(1000)).unwrap_or(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn start(change: serde_json::Value) -> Checked {
        let mut call = json!({
            "DocumentLocation": {"S3Object": {"Bucket": "bucket", "Name": "a/b c.pdf"}},
            "ClientRequestToken": "a-B_9", "JobTag": "a:b.c",
            "NotificationChannel": {
                "SNSTopicArn": "arn:aws:sns:eu-west-1:123456789012:done",
                "RoleArn": "arn:aws:iam::123456789012:role/textract",
            },
        });
        call.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value::<Start>(call).unwrap().check()
    }

    #[test]
    fn what_the_model_allows_passes_and_the_rest_names_its_field() {
        assert_eq!(start(json!({})), Ok(()));
        for (change, field) in [
            (json!({"ClientRequestToken": "a b"}), "ClientRequestToken"),
            (json!({"ClientRequestToken": "x".repeat(65)}), "ClientRequestToken"),
            (json!({"JobTag": ""}), "JobTag"),
            (json!({"DocumentLocation": {"S3Object": {"Bucket": "b/x", "Name": "x"}}}), "S3Object.Bucket"),
            (json!({"DocumentLocation": {"S3Object": {"Bucket": "bucket", "Name": " "}}}), "S3Object.Name"),
            (json!({"NotificationChannel": {"SNSTopicArn": "done", "RoleArn": "x"}}), "SNSTopicArn"),
            (
                json!({"NotificationChannel": {
                    "SNSTopicArn": "arn:aws:sns:eu-west-1:123456789012:done",
                    "RoleArn": "arn:aws:iam::123456789012:user/x",
                }}),
                "RoleArn",
            ),
            (json!({"OutputConfig": {"S3Bucket": "bucket"}}), "OutputConfig"),
        ] {
            let error = start(change).unwrap_err();
            assert!(error.message.starts_with(field), "{error}");
        }
    }

    #[test]
    fn more_results_than_there_are_at_most_is_no_error() {
        let get = |most| Get { job_id: "a".into(), max_results: most, next_token: None };
        assert_eq!(get(None).most(), Ok(1000));
        assert_eq!(get(Some(5000)).most(), Ok(1000));
        assert_eq!(get(Some(7)).most(), Ok(7));
        assert!(get(Some(0)).most().is_err());
    }
}
