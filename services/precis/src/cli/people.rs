//! What may be typed about who is told, and about settings.

use super::Data;
use super::documents::pair;
use clap::Args;
use domain::OutcomeKind;

/// `precis subscribe`.
#[derive(Debug, Args)]
pub struct Subscribe {
    /// An e-mail address, or an http(s) URL.
    #[arg(value_name = "ADDRESS|URL", required_unless_present = "confirm")]
    pub endpoint: Option<String>,
    /// Confirm an address with the link (or its token) that SNS sent to it.
    #[arg(long, value_name = "LINK", conflicts_with_all = ["endpoint", "outcomes", "prefix", "operator", "test"])]
    pub confirm: Option<String>,
    /// Only these outcomes (repeat it for more).
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = outcome)]
    pub outcomes: Vec<OutcomeKind>,
    /// Only documents whose key starts so.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub prefix: String,
    /// Failures that only an operator can mend, rather than summaries.
    #[arg(long)]
    pub operator: bool,
    /// Send a test message now.
    #[arg(long)]
    pub test: bool,
    #[command(flatten)]
    pub data: Data,
}

/// `precis unsubscribe`.
#[derive(Debug, Args)]
pub struct Unsubscribe {
    /// The subscription's id, or the address.
    #[arg(value_name = "ID|ADDRESS|URL")]
    pub which: String,
    #[command(flatten)]
    pub data: Data,
}

/// `precis settings`.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// The key that the settings are for; none: those that hold everywhere. With --set and --unset, the prefix of
    /// the keys that they shall hold for.
    #[arg(value_name = "KEY", default_value = "")]
    pub key: String,
    /// Set a value for all keys that start so (on AWS; repeat it for more).
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Take a value away again.
    #[arg(long = "unset", value_name = "NAME")]
    pub unset: Vec<String>,
    /// Only for documents of this bucket.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Print a precis.toml that explains every setting.
    #[arg(long)]
    pub example: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

fn outcome(text: &str) -> Result<OutcomeKind, String> {
    let all = [OutcomeKind::Summarized, OutcomeKind::Rejected, OutcomeKind::Failed];
    all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        format!("there is no outcome {text:?}; there are {}", all.map(OutcomeKind::as_str).join(", "))
    })
}
