//! The buckets: there, not public, and the one for documents tells our queue.

use super::mend::quote;
use super::notification::{leading, leads};
use super::{Trouble, Verdict, Ward, code};
use ports::{Address, QueueName};

/// Looks at both.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let (uploads, results) = (ward.aws.names.uploads(), ward.aws.names.results());
    let mut verdicts = Vec::new();
    for bucket in [&uploads, &results] {
        let there = exists(ward, bucket).await;
        let go_on = there.is_ok();
        verdicts.push(there);
        if go_on {
            verdicts.push(closed(ward, bucket).await);
            if *bucket == uploads {
                verdicts.push(notifies(ward, bucket).await);
            }
        }
    }
    verdicts
}

fn arn(ward: &Ward, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", ward.aws.names.partition)
}

async fn exists(ward: &Ward, bucket: &str) -> Verdict {
    let error = match ward.aws.clients.s3.head_bucket().bucket(bucket).send().await {
        Ok(_) => return Ok(format!("{bucket} is there")),
        Err(error) => error,
    };
    let gone = error.raw_response().is_some_and(|response| response.status().as_u16() == 404);
    if !gone {
        return Err(ward.failed(
            &format!("looking at the bucket {bucket}"),
            "s3:ListBucket",
            &arn(ward, bucket),
            &error,
        ));
    }
    let region = &ward.aws.names.region;
    // The first region is the only one that may not be named.
    let place = if region == "us-east-1" {
        String::new()
    } else {
        format!(" --create-bucket-configuration LocationConstraint={region}")
    };
    let mut make = ward.mender.aws(&format!("s3api create-bucket --bucket {bucket}{place}"));
    if bucket == ward.aws.names.uploads() {
        let versions = format!(
            "s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
        );
        make = format!("{make} && {}", ward.mender.aws(&versions));
    }
    Err(Trouble::new(format!("there is no bucket {bucket}"), make))
}

async fn closed(ward: &Ward, bucket: &str) -> Verdict {
    let all = match ward.aws.clients.s3.get_public_access_block().bucket(bucket).send().await {
        Ok(answer) => answer.public_access_block_configuration.is_some_and(|is| {
            [is.block_public_acls, is.ignore_public_acls, is.block_public_policy, is.restrict_public_buckets]
                .iter()
                .all(|set| *set == Some(true))
        }),
        Err(error) if code(&error) == "NoSuchPublicAccessBlockConfiguration" => false,
        Err(error) => {
            let doing = format!("looking who may read {bucket}");
            return Err(ward.failed(&doing, "s3:GetBucketPublicAccessBlock", &arn(ward, bucket), &error));
        }
    };
    if all {
        return Ok(format!("{bucket} is closed to the public"));
    }
    let block =
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true";
    Err(Trouble::new(
        format!("{bucket} can be opened to the public: its public access is not blocked"),
        ward.mender.aws(&format!(
            "s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {block}"
        )),
    ))
}

async fn notifies(ward: &Ward, bucket: &str) -> Verdict {
    let queue = ward.aws.names.queue_arn(Address::live(QueueName::Ingest));
    let ask = ward.aws.clients.s3.get_bucket_notification_configuration().bucket(bucket);
    let present = ask.send().await.map_err(|error| {
        let doing = format!("looking whom {bucket} tells");
        ward.failed(&doing, "s3:GetBucketNotification", &arn(ward, bucket), &error)
    })?;
    if leads(&present, &queue) {
        return Ok(format!("{bucket} tells the queue ingest what comes and goes"));
    }
    Err(Trouble::new(
        format!(
            "the event notification of {bucket} does not lead to the queue ingest: what is put there is not noticed"
        ),
        ward.mender.aws(&format!(
            "s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration {}",
            quote(&leading(&present, &queue).to_string())
        )),
    ))
}
