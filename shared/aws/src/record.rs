//! What a service asks of AWS, for the test that holds its policy to it.
//!
//! Off unless `PRECIS_RECORD_CALLS` names a file: end-to-end tests set it, and a deployment does not. Each line is one
//! `SERVICE OPERATION RESOURCE`, once for each process however often it is called. A transaction is written as the writes
//! in it, since a policy allows those; an object of S3 as its bucket and the first folder of its key, since keys are
//! people's words. What Textract does in our name, which is reading the object and being handed the role, is written as
//! the calls that a policy must allow for it.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

/// Names the file.
pub const VARIABLE: &str = "PRECIS_RECORD_CALLS";

/// The file, and what stands in it from this process.
type Log = Mutex<(File, BTreeSet<String>)>;

/// Writes down each call, if it was asked for.
#[derive(Debug)]
pub(crate) struct Recorded;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Recorded {
    fn name(&self) -> &'static str {
        "recorded"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(log), Some(call)) = (log(), config.load::<Metadata>()) else { return Ok(()) };
        let request = context.request();
        let body = request.body().bytes().unwrap_or_default();
        let mut lines = lines(call.service(), call.name(), request.uri(), body);
        if let Ok(mut log) = log.lock() {
            let (file, known) = &mut *log;
            lines.retain(|line| known.insert(line.clone()));
            for line in lines {
                // One write for each line: several processes share the file.
                file.write_all(format!("{line}\n").as_bytes())?;
            }
        }
        Ok(())
    }
}

fn log() -> Option<&'static Log> {
    static LOG: OnceLock<Option<Log>> = OnceLock::new();
    LOG.get_or_init(|| {
        let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
        match File::options().create(true).append(true).open(&path) {
            Ok(file) => Some(Mutex::new((file, BTreeSet::new()))),
            Err(error) => {
                tracing::warn!(error = %error, "calls are not recorded");
                None
            }
        }
    })
    .as_ref()
}

/// The calls that one request is to a policy.
fn lines(service: &str, operation: &str, uri: &str, body: &[u8]) -> Vec<String> {
    if service == "S3" {
        return vec![format!("S3 {operation}{} {}", version(uri), object(uri))];
    }
    let line = |operation: &str, resource: &str| format!("{service} {operation} {resource}");
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        let form = form_urlencoded_value(body, "TopicArn").unwrap_or_default();
        return vec![line(operation, &form)];
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (service, operation) {
        ("DynamoDB", "TransactWriteItems") => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let parts = items.filter_map(Value::as_object).flatten();
            parts.map(|(kind, part)| line(&format!("Transact{kind}"), &text(&part["TableName"]))).collect()
        }
        ("DynamoDB", "BatchGetItem" | "BatchWriteItem") => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, _)| line(operation, table)).collect()
        }
        ("DynamoDB", _) => {
            let index = body["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
            vec![line(operation, &(text(&body["TableName"]) + &index))]
        }
        ("SQS", _) => {
            let url = text(&body["QueueUrl"]);
            let name = body["QueueName"].as_str().or_else(|| url.rsplit('/').next()).unwrap_or_default();
            vec![line(operation, name)]
        }
        ("Textract", _) => textract(operation, &body),
        _ => vec![line(operation, "")],
    }
}

/// Textract reads the object with the rights of whoever asks, and is handed the role.
fn textract(operation: &str, body: &Value) -> Vec<String> {
    let mut lines = vec![format!("Textract {operation} ")];
    let place = ["/DocumentLocation/S3Object", "/Document/S3Object"].iter().find_map(|at| body.pointer(at));
    if let Some(place) = place {
        let part = |name: &str| place[name].as_str().unwrap_or_default();
        lines.push(format!("S3 GetObject {}", folder(part("Bucket"), part("Name"))));
    }
    if let Some(role) = body.pointer("/NotificationChannel/RoleArn").and_then(Value::as_str) {
        lines.push(format!("IAM PassRole {}", role.rsplit('/').next().unwrap_or_default()));
    }
    lines
}

/// Bucket and first folder of a request in path style, which emulators are asked in.
fn object(uri: &str) -> String {
    let path =
        uri.split_once("://").map_or(uri, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap_or_default();
    let prefix = prefix.replace("%2F", "/");
    folder(bucket, if key.is_empty() { &prefix } else { key })
}

fn folder(bucket: &str, key: &str) -> String {
    match key.split_once('/') {
        Some((first, _)) => format!("{bucket}/{first}/"),
        None if key.is_empty() => bucket.to_owned(),
        None => format!("{bucket}/"),
    }
}

/// Asking for one version of an object takes a right of its own.
fn version(uri: &str) -> &'static str {
    if uri.contains("versionId=") { "@version" } else { "" }
}

/// A field of a form, which SNS speaks. ARNs hold nothing that is escaped but colons.
fn form_urlencoded_value(body: &[u8], name: &str) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.replace("%3A", ":").rsplit(':').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: &str, operation: &str, uri: &str, body: &str) -> Vec<String> {
        lines(service, operation, uri, body.as_bytes())
    }

    #[test]
    fn a_call_is_written_as_what_a_policy_must_allow_for_it() {
        let queue =
            of("SQS", "SendMessageBatch", "http://x/", r#"{"QueueUrl":"http://x/000/p-ocr","Entries":[]}"#);
        assert_eq!(queue, ["SQS SendMessageBatch p-ocr"]);
        let both =
            r#"{"TransactItems":[{"Put":{"TableName":"p-jobs"}},{"Update":{"TableName":"p-claims"}}]}"#;
        let both = of("DynamoDB", "TransactWriteItems", "http://x/", both);
        assert_eq!(both, ["DynamoDB TransactPut p-jobs", "DynamoDB TransactUpdate p-claims"]);
        let index = of("DynamoDB", "Query", "http://x/", r#"{"TableName":"p-jobs","IndexName":"by-key"}"#);
        assert_eq!(index, ["DynamoDB Query p-jobs/index/by-key"]);
        let some = of("DynamoDB", "BatchGetItem", "http://x/", r#"{"RequestItems":{"p-jobs":{}}}"#);
        assert_eq!(some, ["DynamoDB BatchGetItem p-jobs"]);
        let told = of(
            "SNS",
            "Publish",
            "http://x/",
            "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu%3A0%3Ap-outcomes&M=a",
        );
        assert_eq!(told, ["SNS Publish p-outcomes"]);
    }

    #[test]
    fn an_object_is_written_without_its_name_and_with_what_its_version_takes() {
        let one =
            of("S3", "GetObject", "http://h:1/p-uploads/in/Ann%20Smith.pdf?versionId=7&x-id=GetObject", "");
        assert_eq!(one, ["S3 GetObject@version p-uploads/in/"]);
        assert_eq!(of("S3", "PutObject", "http://h:1/p-results/secret", ""), ["S3 PutObject p-results/"]);
        let listed = of("S3", "ListObjectsV2", "http://h:1/p-results?list-type=2&prefix=jobs%2F1", "");
        assert_eq!(listed, ["S3 ListObjectsV2 p-results/jobs/"]);
    }

    #[test]
    fn what_textract_does_in_our_name_is_written_too() {
        let body = r#"{"DocumentLocation":{"S3Object":{"Bucket":"p-results","Name":"jobs/1"}},
            "NotificationChannel":{"RoleArn":"arn:aws:iam::1:role/p-textract","SNSTopicArn":"t"}}"#;
        let lines = of("Textract", "StartDocumentTextDetection", "http://x/", body);
        let expected = [
            "Textract StartDocumentTextDetection ",
            "S3 GetObject p-results/jobs/",
            "IAM PassRole p-textract",
        ];
        assert_eq!(lines, expected);
    }
}
