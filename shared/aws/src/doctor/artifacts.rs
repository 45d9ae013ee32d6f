//! Whether an artifact can be written, read and deleted: S3's permissions, and those of the key that it is encrypted by.

use super::mend::{Mender, quote};
use super::{Trouble, Verdict, Ward};
use jiff::Timestamp;
use ports::PortError;

const BODY: &[u8] = b"precis doctor was here";

/// Writes one, reads it, and takes it away. Says nothing where there is no bucket, which is said elsewhere.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let results = ward.aws.names.results();
    match round_trip(ward).await {
        Ok(()) => vec![Ok(format!("one was written to {results}, read and deleted"))],
        Err(error) if error.to_string().contains("NoSuchBucket") => Vec::new(),
        Err(error) => {
            let key = key_of(ward, &results).await;
            let said = error.to_string();
            let arn = format!("arn:{}:s3:::{results}/*", ward.aws.names.partition);
            let mend = mend(&ward.mender, &said, key.as_deref(), &arn);
            vec![Err(Trouble::new(format!("artifacts cannot be kept in {results}: {said}"), mend))]
        }
    }
}

async fn round_trip(ward: &Ward) -> Result<(), PortError> {
    let objects = &ward.aws.stack.objects;
    let key = format!("doctor/{}", Timestamp::now().as_microsecond());
    objects.write_once(&key, BODY.to_vec()).await?;
    let read = objects.read(&key, 1 << 10).await;
    objects.delete(&key).await?;
    if read? != BODY {
        return Err(PortError::new(ports::Fault::Permanent, "it came back as something else"));
    }
    Ok(())
}

/// The KMS key of a bucket, if it has one.
async fn key_of(ward: &Ward, bucket: &str) -> Option<String> {
    let answer = ward.aws.clients.s3.get_bucket_encryption().bucket(bucket).send().await.ok()?;
    let rules = answer.server_side_encryption_configuration?.rules;
    rules.into_iter().find_map(|rule| rule.apply_server_side_encryption_by_default?.kms_master_key_id)
}

fn mend(mender: &Mender, said: &str, key: Option<&str>, objects: &str) -> String {
    let lower = said.to_lowercase();
    match key.filter(|_| lower.contains("kms")) {
        Some(key) if lower.contains("pending deletion") => {
            let cancel = mender.aws(&format!("kms cancel-key-deletion --key-id {key}"));
            format!("{cancel} && {}", mender.aws(&format!("kms enable-key --key-id {key}")))
        }
        Some(key) if lower.contains("disabled") => mender.aws(&format!("kms enable-key --key-id {key}")),
        Some(key) => mender.aws(&format!(
            "kms create-grant --key-id {key} --grantee-principal {} --operations Encrypt Decrypt GenerateDataKey",
            quote(&mender.caller)
        )),
        None => mender.allow(&["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], objects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Settings;
    use crate::names::Names;

    #[test]
    fn what_mends_depends_on_whether_the_key_or_the_bucket_refuses() {
        let names = Names::new("precis", "123456789012", "eu-west-1", "aws");
        let mut mender = Mender::new(&Settings::default(), &names, true);
        mender.caller = "arn:aws:sts::123456789012:assumed-role/ops/ann".to_owned();
        let mend = |said: &str, key| mend(&mender, said, key, "arn:aws:s3:::results/*");
        assert_eq!(
            mend("writing: KMS.DisabledException: k is disabled", Some("k")),
            "aws --region eu-west-1 kms enable-key --key-id k"
        );
        assert!(mend("KMSInvalidState: k is pending deletion", Some("k")).contains("cancel-key-deletion"));
        assert!(
            mend("AccessDenied: not authorized to perform: kms:GenerateDataKey", Some("k"))
                .contains("create-grant")
        );
        assert!(mend("AccessDenied: Access Denied", Some("k")).contains("put-role-policy --role-name ops"));
    }
}
