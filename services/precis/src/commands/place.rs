//! Where a command works: in a data folder of this machine, or in a deployment on AWS. Most commands take from it the
//! stack, and don't know which it is.

use crate::cli::Data;
use anyhow::{Context, Result, anyhow, bail};
use aws::{Aws, Settings, client::Choice};
use clap::Parser;
use local::{Local, OpenOptions};
use ports::Stack;
use std::path::Path;

/// An opened place.
pub struct Place {
    /// One of each port.
    pub stack: Stack,
    kind: Kind,
}

enum Kind {
    Local(Box<Local>),
    Aws(Box<Aws>),
}

impl Place {
    /// The data folder, if it is one.
    pub fn local(&self) -> Option<&Local> {
        match &self.kind {
            Kind::Local(local) => Some(local),
            Kind::Aws(_) => None,
        }
    }

    /// The deployment, if it is one.
    pub fn aws(&self) -> Option<&Aws> {
        match &self.kind {
            Kind::Aws(aws) => Some(aws),
            Kind::Local(_) => None,
        }
    }

    /// The bucket that documents lie in.
    pub fn bucket(&self) -> String {
        self.aws().map_or_else(|| local::UPLOADS.to_owned(), |aws| aws.names.uploads())
    }
}

/// Opens what the command line means: beside a running `precis up`, or a deployment's services.
pub async fn open(data: &Data) -> Result<Place> {
    if let Some(settings) = deployment(data)? {
        let aws = aws::connect(&settings).await.with_context(|| {
            format!("the stack {} was not reached (`precis doctor --stack {0}` says more)", settings.stack)
        })?;
        return Ok(Place { stack: aws.stack.clone(), kind: Kind::Aws(Box::new(aws)) });
    }
    let local = shared(&data.folder()).await?;
    Ok(Place { stack: local.stack.clone(), kind: Kind::Local(Box::new(local)) })
}

/// The deployment that the command line means, if it means one.
pub fn deployment(data: &Data) -> Result<Option<Settings>> {
    let Some(stack) = data.stack() else {
        if data.profile.is_some() || data.region.is_some() {
            bail!(
                "--profile and --region are of a deployment. Do: name it with --stack NAME, or set PRECIS_STACK"
            );
        }
        return Ok(None);
    };
    let told = Told::try_parse_from(["precis", "--stack", &stack]).map_err(|error| {
        let said = error.to_string();
        anyhow!("{}", said.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })?;
    let choice = Choice { profile: data.profile.clone(), region: data.region.clone(), ..Choice::default() };
    Ok(Some(Settings { choice, ..told.deployment.settings() }))
}

/// Buckets of other names and the account's quotas are told to us as they are told to the services: by PRECIS_*.
#[derive(Debug, Parser)]
struct Told {
    #[command(flatten)]
    deployment: aws::options::Deployment,
}

/// A data folder, for a command beside a running `precis up`. The folder must be there.
pub async fn shared(folder: &Path) -> Result<Local> {
    Ok(local::open(folder, OpenOptions::shared()).await?)
}

/// A data folder, for the one process that works in it. It is made if it is missing.
pub async fn exclusive(folder: &Path) -> Result<Local> {
    Ok(local::open(folder, OpenOptions::exclusive()).await?)
}
