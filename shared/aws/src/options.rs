//! What a service on AWS is told, by its environment or as flags, checked at its start with all mistakes at once.

use crate::client::Choice;
use crate::connect::Settings;
use crate::dynamodb::gates::{Limit, Limits};
use clap::builder::{OsStr, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser};
use std::ffi::OsString;
use std::net::SocketAddr;

/// Which deployment, and how its quotas are shared.
#[derive(Debug, Clone, Args)]
pub struct Deployment {
    /// The stack's name; queues, topics, tables and buckets are called after it.
    #[arg(long, env = "PRECIS_STACK", default_value = crate::names::DEFAULT_STACK, value_name = "NAME", value_parser = stack_name)]
    pub stack: String,
    /// Bucket of the documents [default: STACK-uploads-ACCOUNT-REGION].
    #[arg(long, env = "PRECIS_UPLOADS", value_name = "BUCKET")]
    pub uploads: Option<String>,
    /// Bucket of the results [default: STACK-results-ACCOUNT-REGION].
    #[arg(long, env = "PRECIS_RESULTS", value_name = "BUCKET")]
    pub results: Option<String>,
    /// Role in which Textract says that it is done [default: STACK-textract].
    #[arg(long, env = "PRECIS_TEXTRACT_ROLE", value_name = "ARN")]
    pub textract_role: Option<String>,
    /// Quota of the account: DetectDocumentText calls a second.
    #[arg(long, env = "PRECIS_TEXTRACT_DETECTS_PER_SECOND", default_value_t = 1.0, value_name = "N", value_parser = rate)]
    pub detects_per_second: f64,
    /// Quota of the account: StartDocumentTextDetection calls a second.
    #[arg(long, env = "PRECIS_TEXTRACT_STARTS_PER_SECOND", default_value_t = 1.0, value_name = "N", value_parser = rate)]
    pub starts_per_second: f64,
    /// Quota of the account: GetDocumentTextDetection calls a second.
    #[arg(long, env = "PRECIS_TEXTRACT_GETS_PER_SECOND", default_value_t = 1.0, value_name = "N", value_parser = rate)]
    pub gets_per_second: f64,
    /// Quota of the account: Textract jobs at once.
    #[arg(long, env = "PRECIS_TEXTRACT_CONCURRENT_JOBS", default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrent_jobs: u32,
    /// E-mails a second; SNS deactivates a subscription at more than 10.
    #[arg(long, env = "PRECIS_EMAILS_PER_SECOND", default_value_t = 8.0, value_name = "N", value_parser = rate)]
    pub emails_per_second: f64,
}

impl Deployment {
    /// What to connect to.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let rate = |rate: f64| Limit { concurrent: None, per_second: Some(rate) };
        Settings {
            stack: self.stack.clone(),
            uploads: self.uploads.clone(),
            results: self.results.clone(),
            textract_role: self.textract_role.clone(),
            limits: Limits {
                ocr: rate(self.detects_per_second),
                ocr_document: Limit {
                    concurrent: Some(self.concurrent_jobs),
                    per_second: Some(self.starts_per_second),
                },
                ocr_collect: rate(self.gets_per_second),
                publish: rate(self.emails_per_second),
            },
            choice: Choice::default(),
        }
    }
}

/// How a service runs.
#[derive(Debug, Clone, Args)]
pub struct Running {
    /// Where /healthz, /readyz and /metrics are answered.
    #[arg(long, env = "PRECIS_LISTEN", default_value = "127.0.0.1:9464", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Messages in hand at once.
    #[arg(long, env = "PRECIS_CONCURRENCY", default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
    /// Seconds that work in hand may go on after SIGTERM. With the open poll of 20 s it must end before the
    /// orchestrator's stop time-out (ECS: at most 120).
    #[arg(long, env = "PRECIS_DRAIN", default_value_t = 80, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub drain: u16,
    /// Write metrics to standard output in CloudWatch's embedded metric format, once a minute.
    #[arg(long, env = "PRECIS_EMF")]
    pub emf: bool,
    /// Ask the service that listens there whether it is ready, and end with 0 or 1: for health checks.
    #[arg(long)]
    pub health: bool,
}

impl Running {
    /// What logs, metrics and health are told.
    #[must_use]
    pub fn host(&self, name: &'static str, stack: &str) -> telemetry::host::Options {
        telemetry::host::Options { name, listen: self.listen, emf: self.emf.then(|| stack.to_owned()) }
    }
}

fn stack_name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty()
        || text.len() > 20
        || !text.chars().all(good)
        || !text.starts_with(|c: char| c.is_ascii_lowercase())
    {
        return Err("a stack's name has 1 to 20 of a-z, 0-9 and -, and begins with a letter".to_owned());
    }
    Ok(text.to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number between 0.01 and 10000".to_owned()),
    }
}

/// Reads the configuration of this process. What is wrong is said, all of it, and ends the process with 2; so does
/// `--help`, with 0.
#[must_use]
pub fn parse<P: Parser>() -> P {
    match parse_from(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(Mistakes::Told(error)) => error.exit(),
        Err(Mistakes::Several(mistakes)) => {
            eprintln!("{} things in the configuration are wrong:", mistakes.len());
            for mistake in mistakes {
                eprintln!("- {mistake}");
            }
            std::process::exit(2)
        }
    }
}

/// What is wrong with a configuration.
enum Mistakes {
    /// What clap says best itself: help, the version, one mistake.
    Told(clap::Error),
    Several(Vec<String>),
}

/// clap stops at the first mistake; so what was wrong is left out and the rest is looked at once more.
fn parse_from<P: Parser>(args: Vec<OsString>) -> Result<P, Mistakes> {
    let mut command = P::command();
    let mut mistakes = Vec::new();
    let mut first = None;
    loop {
        let error = match command.clone().try_get_matches_from(&args) {
            Ok(_) => break,
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Err(Mistakes::Told(error));
        }
        let shown = error.to_string();
        let said = shown.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let Some((id, env)) = culprit(&command, &error) else {
            if mistakes.is_empty() {
                return Err(Mistakes::Told(error));
            }
            mistakes.push(said);
            break;
        };
        mistakes.push(format!("{env}: {said}"));
        first.get_or_insert(error);
        command = command.mut_arg(id, |arg| {
            arg.env(Resettable::<OsStr>::Reset).required(false).default_value(Resettable::<OsStr>::Reset)
        });
    }
    match (first, mistakes.len()) {
        (None, 0) => P::try_parse_from(args).map_err(Mistakes::Told),
        (Some(error), 1) => Err(Mistakes::Told(error)),
        _ => Err(Mistakes::Several(mistakes)),
    }
}

/// The argument at fault and its variable, if it came from the environment and was not found at fault before.
fn culprit(command: &clap::Command, error: &clap::Error) -> Option<(String, String)> {
    let at_fault = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(one) => vec![one.clone()],
        ContextValue::Strings(some) => some.clone(),
        _ => return None,
    };
    let arg = command.get_arguments().find(|arg| at_fault.contains(&arg.to_string()))?;
    let env = arg.get_env()?.to_string_lossy().into_owned();
    Some((arg.get_id().to_string(), env))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Service {
        #[command(flatten)]
        deployment: Deployment,
        #[command(flatten)]
        running: Running,
        #[arg(long, env = "PRECIS_TEST_ONLY_NUMBER")]
        number: Option<u8>,
    }

    #[test]
    fn without_a_word_everything_has_its_default() {
        let service: Service = parse_from(vec!["x".into()]).unwrap_or_else(|_| panic!("it is refused"));
        assert_eq!((service.deployment.stack.as_str(), service.running.concurrency), ("precis", 8));
        assert_eq!(service.deployment.settings().limits, Limits::default());
        assert!(service.number.is_none() && service.running.listen.ip().is_loopback());
    }

    #[test]
    fn a_stack_is_named_so_that_a_bucket_can_be_called_after_it() {
        for good in ["precis", "p", "team-a1"] {
            assert!(stack_name(good).is_ok());
        }
        for bad in ["", "Precis", "1a", "a_b", "a-name-that-is-longer-than-buckets-bear"] {
            assert!(stack_name(bad).is_err(), "{bad}");
        }
    }
}
