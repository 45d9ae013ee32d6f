//! The SDK's clients, all built the same way: the default provider chain and region, time limits on everything,
//! endpoints overridable as the SDK documents it (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SQS`, …), FIPS and
//! dual-stack honoured (`AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`), and rustls with the machine's roots.
//!
//! The SDK repeats what failed in passing, in standard mode with jitter. Two kinds of calls are never repeated by it:
//! `Publish`, which people would hear twice, and Textract's, whose throttles the gate must see.

use crate::record::Recorded;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::service_config::ServiceConfigKey;
use std::time::Duration;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin. Longer than SQS' longest poll, which is 20 s.
const READ: Duration = Duration::from_secs(30);
/// How long one try may take, and how long all of them together. Bodies are streamed outside of these.
const ATTEMPT: Duration = Duration::from_secs(60);
const OPERATION: Duration = Duration::from_secs(150);

/// Which account and region, where the environment does not say it or says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// One endpoint for everything, in place of `AWS_ENDPOINT_URL`: for tests, which cannot set the environment.
    pub endpoint: Option<String>,
    /// Fixed credentials, for the same reason.
    pub credentials: Option<aws_credential_types::Credentials>,
}

/// Loads the configuration that all clients share.
pub async fn sdk_config(choice: &Choice) -> SdkConfig {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    if let Some(profile) = &choice.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &choice.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &choice.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = &choice.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    loader.load().await
}

/// Whether the configuration leads to AWS itself rather than to an emulator.
#[must_use]
pub fn is_real(config: &SdkConfig) -> bool {
    config.endpoint_url().is_none_or(is_aws)
}

fn is_aws(url: &str) -> bool {
    url.contains(".amazonaws.com")
}

/// The endpoint that is set for S3 alone (`AWS_ENDPOINT_URL_S3`, `s3 = endpoint_url = …` in a profile), as the SDK
/// looks it up.
fn s3_endpoint(config: &SdkConfig) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    config.service_config()?.load_config(key.ok()?)
}

/// A client of each service that we use.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is the client of its name")]
pub struct Clients {
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub sns: aws_sdk_sns::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub textract: aws_sdk_textract::Client,
    pub sts: aws_sdk_sts::Client,
}

impl Clients {
    /// The clients of a configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let once = RetryConfig::disabled();
        let s3 = aws_sdk_s3::config::Builder::from(config).interceptor(Counted).interceptor(Recorded);
        // An emulator has one name, so a bucket cannot be a part of it.
        let real = s3_endpoint(config).map_or_else(|| is_real(config), |url| is_aws(&url));
        let s3 = s3.force_path_style(!real);
        let sns = aws_sdk_sns::config::Builder::from(config)
            .interceptor(Counted)
            .interceptor(Recorded)
            .retry_config(once.clone());
        let textract = aws_sdk_textract::config::Builder::from(config)
            .interceptor(Counted)
            .interceptor(Recorded)
            .retry_config(once);
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sqs: aws_sdk_sqs::Client::from_conf(
                aws_sdk_sqs::config::Builder::from(config).interceptor(Counted).interceptor(Recorded).build(),
            ),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(
                aws_sdk_dynamodb::config::Builder::from(config)
                    .interceptor(Counted)
                    .interceptor(Recorded)
                    .build(),
            ),
            textract: aws_sdk_textract::Client::from_conf(textract.build()),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(config).interceptor(Counted).interceptor(Recorded).build(),
            ),
        }
    }
}

/// Counts every request that is sent, repeated ones too.
#[derive(Debug)]
struct Counted;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = config.load::<Metadata>() {
            telemetry::metrics::aws_call(call.service(), call.name());
        }
        Ok(())
    }
}
