//! `connect`: one of each port of a deployment. Nothing is asked of its parts here: a service starts while they are
//! still being made or cannot be reached, and finds them when it needs them.

use crate::classify::port_error;
use crate::client::{self, Choice, Clients};
use crate::dynamodb::budgets::Budgets;
use crate::dynamodb::gates::{Gates, Limits};
use crate::dynamodb::jobs::JobTable;
use crate::dynamodb::settings::SettingsTable;
use crate::host::EcsAgent;
use crate::names::{DEFAULT_STACK, Names};
use crate::s3::Store;
use crate::sns::Topics;
use crate::sns::subscribers::Subscribers;
use crate::sqs::Queues;
use crate::textract::{NotificationChannel, Textract};
use ports::{Fault, PortError, Result, Stack, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// How long a start waits before it asks again who we are.
const AGAIN: Duration = Duration::from_secs(3);

/// Which deployment, and its limits.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The stack's name; empty: [`DEFAULT_STACK`].
    pub stack: String,
    /// Bucket of the documents, where it is not named after the stack.
    pub uploads: Option<String>,
    /// Bucket of the artifacts, where it is not named after the stack.
    pub results: Option<String>,
    /// The role in which Textract publishes, where it is not named after the stack.
    pub textract_role: Option<String>,
    /// What the gates let through.
    pub limits: Limits,
    /// Account and region.
    pub choice: Choice,
}

/// A deployment.
pub struct Aws {
    /// One of each port.
    pub stack: Stack,
    /// What its parts are called.
    pub names: Names,
    /// Whether this is AWS itself rather than an emulator.
    pub is_real: bool,
    /// The clients, for what is no port: `precis doctor`.
    pub clients: Clients,
    /// The settings, which can be edited.
    pub settings: Arc<SettingsTable>,
    /// The gates, which can be looked at.
    pub gates: Arc<Gates>,
    /// The subscriptions, which can be confirmed.
    pub subscribers: Arc<Subscribers>,
}

/// Connects to a deployment, waiting as long as nobody can say who we are (a role that is still being made, an endpoint
/// that is not there yet): a service has nothing better to do.
///
/// # Errors
/// If no region is set, or the credentials are refused.
pub async fn connect_patiently(settings: &Settings) -> Result<Aws> {
    loop {
        match connect(settings).await {
            Err(error) if matches!(error.fault, Fault::Transient | Fault::Throttled(_)) => {
                tracing::warn!(error = %error, "aws not reached, trying again");
                tokio::time::sleep(AGAIN).await;
            }
            connected => return connected,
        }
    }
}

/// Connects to a deployment. Asks STS which account the credentials are of, and nothing else.
///
/// # Errors
/// If no region is set, the credentials are refused, or STS cannot be reached.
pub async fn connect(settings: &Settings) -> Result<Aws> {
    let config = client::sdk_config(&settings.choice).await;
    let Some(region) = config.region().map(|region| region.as_ref().to_owned()) else {
        let what = "no AWS region is set: set AWS_REGION, or a region in the profile";
        return Err(PortError::new(Fault::Denied, what));
    };
    let clients = Clients::new(&config);
    let caller = clients.sts.get_caller_identity().send().await;
    let caller = caller.map_err(|error| port_error("asking AWS who we are", &error))?;
    let account = caller.account().unwrap_or_default();
    let partition = caller.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let stack = if settings.stack.is_empty() { DEFAULT_STACK } else { &settings.stack };
    let names = Names {
        own_uploads: settings.uploads.clone(),
        own_results: settings.results.clone(),
        ..Names::new(stack, account, &region, partition)
    };
    Ok(build(settings, clients, names, client::is_real(&config)))
}

fn build(settings: &Settings, clients: Clients, names: Names, is_real: bool) -> Aws {
    let dynamodb = &clients.dynamodb;
    let queues = Arc::new(Queues::new(&clients.sqs, &names));
    let objects = Arc::new(Store::new(clients.s3.clone(), names.uploads(), names.results()));
    let table = Arc::new(SettingsTable::new(dynamodb.clone(), names.settings()));
    let gates = Arc::new(Gates::new(dynamodb.clone(), names.claims(), settings.limits));
    let subscribers = Arc::new(Subscribers::new(clients.sns.clone(), dynamodb.clone(), &names));
    let channel = NotificationChannel {
        topic_arn: names.textract_completed_arn(),
        role_arn: settings.textract_role.clone().unwrap_or_else(|| names.textract_role_arn()),
    };
    let ocr = Textract::new(clients.textract.clone(), objects.clone(), names.results(), Some(channel));
    let stack = Stack {
        queue: queues.clone(),
        queue_admin: queues,
        objects,
        jobs: Arc::new(JobTable::new(dynamodb.clone(), names.jobs(), names.claims())),
        ocr: Arc::new(ocr),
        topic: Arc::new(Topics::new(clients.sns.clone(), &names)),
        subscriptions: subscribers.clone(),
        settings: table.clone(),
        gate: gates.clone(),
        budget: Arc::new(Budgets::new(dynamodb.clone(), names.claims())),
        protection: Arc::new(EcsAgent::from_env()),
        clock: Arc::new(SystemClock),
    };
    Aws { stack, names, is_real, clients, settings: table, gates, subscribers }
}
