//! What the service is told at its start.

use clap::Parser;
use precis_notify::Links;
use std::time::Duration;

/// Tells people (e-mail) and programs (JSON) how each document ended, by SNS.
#[derive(Debug, Parser)]
#[command(
    name = "precis-notify",
    version,
    after_help = "\
AWS is found as the AWS CLI finds it: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, the task's role.
SIGTERM finishes what is in hand. PRECIS_LOG is a filter for the logs (info)."
)]
pub struct Args {
    #[command(flatten)]
    pub deployment: aws::options::Deployment,
    #[command(flatten)]
    pub running: aws::options::Running,
    /// Where results are shown, with {job} and {run} in it [default: the results bucket in the console of S3].
    #[arg(long, env = "PRECIS_RESULT_URL", value_name = "URL")]
    result_url: Option<String>,
    /// Whom to ask about failures: a name or an address.
    #[arg(long, env = "PRECIS_CONTACT", value_name = "WHO")]
    contact: Option<String>,
}

impl Args {
    /// The numbers of the worker.
    pub fn numbers(&self) -> worker::Config {
        worker::Config::polling(
            self.running.concurrency.into(),
            Duration::from_secs(self.running.drain.into()),
        )
    }

    /// Where e-mails lead. Never to a presigned address, which dies within hours.
    pub fn links(&self, names: &aws::Names) -> Links {
        let usual = || names.console_url("jobs/{job}/{run}/result");
        let links = Links::address(self.result_url.clone().unwrap_or_else(usual));
        match &self.contact {
            Some(contact) => links.with_contact(contact.clone()),
            None => links,
        }
    }
}
