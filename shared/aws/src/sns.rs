//! `Topic` over SNS: `outcomes` for programs (the report as JSON), `completions` for people (e-mail).
//!
//! Each message carries what filters look at as attributes: `outcome`, `bucket`, `key`, `reason`, `audience`. SNS has
//! no memory of ids, so a publish whose answer was lost is heard twice when it is repeated; the SDK repeats none.
//! Limits: SNS Developer Guide, "Amazon SNS message publishing" and `Publish` in its API reference.

mod cut;
mod policy;
pub mod subscribers;

use crate::classify::port_error;
use crate::names::Names;
use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::Audience;
use ports::{Channel, Notification, PortError, Result, Topic};
use telemetry::metrics::{self, Delivered, Via};

/// The topics of a deployment.
pub struct Topics {
    client: Client,
    outcomes: String,
    completions: String,
}

impl Topics {
    /// The topics of these names. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, names: &Names) -> Self {
        Self { client, outcomes: names.outcomes_arn(), completions: names.completions_arn() }
    }
}

/// A text attribute. SNS takes no empty ones, and only what XML 1.0 can hold.
pub(crate) fn attribute(value: &str) -> Option<MessageAttributeValue> {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    let clean: String = value.chars().map(|c| if allowed(c) { c } else { '\u{FFFD}' }).collect();
    if clean.is_empty() {
        return None;
    }
    MessageAttributeValue::builder().data_type("String").string_value(clean).build().ok()
}

pub(crate) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Sender => "sender",
        Audience::Operator => "operator",
    }
}

/// A subject as SNS takes it: printable ASCII, under 100 characters, not empty, no space at its beginning.
fn subject(subject: &str) -> String {
    let ascii: String =
        subject.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    let short: String = ascii.trim().chars().take(99).collect();
    if short.is_empty() { "[Precis]".to_owned() } else { short }
}

#[async_trait]
impl Topic for Topics {
    async fn publish(&self, channel: Channel, notification: &Notification) -> Result<()> {
        let call = match channel {
            // A digest is about many and has no report.
            Channel::Outcomes if notification.json.is_empty() => return Ok(()),
            Channel::Outcomes => {
                self.client.publish().topic_arn(&self.outcomes).message(cut::report(&notification.json))
            }
            Channel::Completions => self
                .client
                .publish()
                .topic_arn(&self.completions)
                .subject(subject(&notification.subject))
                .message(cut::text(&notification.text)),
        };
        let reason = notification.reason.map_or("", domain::Reason::code);
        let attributes = [
            ("outcome", notification.outcome.as_str()),
            ("bucket", &notification.bucket),
            ("key", &notification.key),
            ("reason", reason),
            ("audience", audience(notification.audience)),
        ];
        let call = attributes.into_iter().fold(call, |call, (name, value)| match attribute(value) {
            Some(value) => call.message_attributes(name, value),
            None => call,
        });
        let sent: std::result::Result<(), PortError> =
            call.send().await.map(|_| ()).map_err(|error| port_error("publishing", &error));
        metrics::delivery(Via::Sns, if sent.is_ok() { Delivered::Accepted } else { Delivered::Retried });
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_what_sns_takes() {
        assert_eq!(subject("[Precis] Lease: rent rises 6%"), "[Precis] Lease: rent rises 6%");
        assert_eq!(subject(" \u{E9}t\u{E9}\nBcc: x"), "?t??Bcc: x");
        assert_eq!(subject(&"x".repeat(300)).len(), 99);
        assert_eq!(subject(" \n"), "?");
        assert_eq!(subject(""), "[Precis]");
    }

    #[test]
    fn an_attribute_of_any_key_can_be_sent() {
        assert!(attribute("").is_none());
        let value = attribute("a\u{0}b\u{1F980}").unwrap();
        assert_eq!(value.string_value(), Some("a\u{FFFD}b\u{1F980}"));
    }
}
