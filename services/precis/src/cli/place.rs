//! Where a command looks: a data folder, or a deployment on AWS.

use clap::Args;
use std::path::PathBuf;

/// The data folder, for commands of one machine.
#[derive(Debug, Clone, Args)]
pub struct Folder {
    /// The data folder: jobs, results, e-mails and settings.
    #[arg(long = "data", value_name = "DIR", default_value = DATA, env = "PRECIS_DATA")]
    pub folder: PathBuf,
}

/// The data folder unless somebody says otherwise.
const DATA: &str = "precis-data";

/// A data folder, or a deployment on AWS: where a command looks.
///
/// The environment is read here and not by clap: what is typed beats it, so that `--data` works in a shell that
/// exports PRECIS_STACK.
#[derive(Debug, Clone, Default, Args)]
pub struct Data {
    /// The data folder: jobs, results, e-mails and settings [default: precis-data] [env: PRECIS_DATA].
    #[arg(long = "data", value_name = "DIR", conflicts_with_all = ["stack", "profile", "region"])]
    pub folder: Option<PathBuf>,
    /// A deployment on AWS instead, by its stack's name [env: PRECIS_STACK].
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The profile of the AWS configuration to use [env: AWS_PROFILE].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region [env: AWS_REGION].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

impl Data {
    /// The deployment, if one is meant.
    pub fn stack(&self) -> Option<String> {
        let exported = || std::env::var("PRECIS_STACK").ok();
        let stack = if self.folder.is_some() { None } else { self.stack.clone().or_else(exported) };
        stack.filter(|name| !name.is_empty())
    }

    /// The folder, if no deployment is meant.
    pub fn folder(&self) -> PathBuf {
        let exported =
            || std::env::var_os("PRECIS_DATA").filter(|value| !value.is_empty()).map(PathBuf::from);
        self.folder.clone().or_else(exported).unwrap_or_else(|| PathBuf::from(DATA))
    }

    /// What to type after a command so that it looks here too.
    pub fn typed(&self) -> String {
        let Some(stack) = self.stack() else { return format!(" --data {}", self.folder().display()) };
        let mut typed = format!(" --stack {stack}");
        for (name, value) in [("profile", &self.profile), ("region", &self.region)] {
            typed.extend(value.iter().map(|value| format!(" --{name} {value}")));
        }
        typed
    }
}

/// A command that only needs to know where.
#[derive(Debug, Args)]
pub struct DataOnly {
    #[command(flatten)]
    pub data: Data,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}
