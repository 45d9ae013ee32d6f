//! What `precis doctor` looks at in a deployment: each part, and how the parts lead to each other. Whatever is amiss
//! comes with the command that mends it, to be run as it stands.
//!
//! The parts are made by the templates of `infra/`; what is made here says the same as they do. A template does not
//! bring back what was deleted or changed beside it, so "deploy it again" would be no help.

mod artifacts;
mod buckets;
mod caller;
mod mend;
mod notification;
mod policy;
mod queues;
mod subscriptions;
mod tables;
mod textract;
mod topics;

use crate::classify::port_error;
use crate::connect::{Aws, Settings, connect};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use mend::Mender;
use ports::Fault;

/// The rooms that are looked at, in the order of the findings: what a command in one needs is mended in one before it.
pub const ROOMS: [&str; 9] = [
    "credentials",
    "clock",
    "queues",
    "topics",
    "buckets",
    "tables",
    "subscriptions",
    "artifacts",
    "textract",
];

/// What was found of one thing.
#[derive(Debug, Clone)]
pub struct Finding {
    /// One of [`ROOMS`].
    pub room: &'static str,
    /// What is well, or what is amiss.
    pub verdict: Verdict,
}

/// What is well, in words, or what is amiss.
pub type Verdict = Result<String, Trouble>;

/// What is amiss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is, and what comes of it.
    pub what: String,
    /// What mends it: a command of a shell wherever one can.
    pub mend: String,
}

impl Trouble {
    fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into() }
    }
}

/// A deployment that is looked at.
struct Ward {
    aws: Aws,
    mender: Mender,
}

impl Ward {
    /// What a call that failed means: who may not is to be let, and for the rest one tries again.
    fn failed<E>(
        &self,
        doing: &str,
        action: &str,
        resource: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Trouble
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let error = port_error(doing, error);
        let mend = match error.fault {
            Fault::Denied => self.mender.allow(&[action], resource),
            _ => self.mender.precis("doctor"),
        };
        Trouble::new(error.to_string(), mend)
    }
}

/// The code that AWS gave, empty where none came.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default()
}

/// Looks at everything. Changes nothing but one small object, which it writes among the artifacts and deletes again.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let aws = match connect(settings).await {
        Ok(aws) => aws,
        Err(error) => {
            let verdict = Err(caller::refused(&error.to_string(), settings));
            return vec![Finding { room: "credentials", verdict }];
        }
    };
    let mut ward = Ward { mender: Mender::new(settings, &aws.names, aws.is_real), aws };
    let mut all = Vec::new();
    let mut found = |room: &'static str, verdicts: Vec<Verdict>| {
        all.extend(verdicts.into_iter().map(|verdict| Finding { room, verdict }));
    };
    let (who, clock) = caller::look(&mut ward).await;
    found("credentials", vec![who]);
    found("clock", vec![clock]);
    if queues::none(&ward).await {
        found("queues", vec![Err(ward.mender.deploy())]);
        return all;
    }
    found("queues", queues::look(&ward).await);
    found("topics", topics::look(&ward).await);
    found("buckets", buckets::look(&ward).await);
    found("tables", tables::look(&ward).await);
    found("subscriptions", subscriptions::look(&ward).await);
    found("artifacts", artifacts::look(&ward).await);
    found("textract", vec![textract::look(&ward).await]);
    all
}
