//! What was told to whom.

use super::{Memory, fail, lock};
use crate::error::{Fault, Result};
use crate::topic::{Channel, Endpoint, Notification, Subscription, Subscriptions, Topic};
use async_trait::async_trait;

#[derive(Default)]
pub(super) struct Told {
    next: u64,
    subscriptions: Vec<Subscription>,
    pub(super) published: Vec<(Channel, Notification)>,
    pub(super) delivered: Vec<(String, String)>,
    pub(super) calls: u64,
}

fn hears(subscription: &Subscription, channel: Channel) -> bool {
    match subscription.endpoint {
        Endpoint::Email(_) => channel == Channel::Completions,
        Endpoint::Webhook(_) => channel == Channel::Outcomes,
    }
}

/// Whether something can be delivered there at all.
fn is_address(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Email(address) => {
            let parts = address.split_once('@').filter(|_| !address.contains(char::is_whitespace));
            parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        }
        Endpoint::Webhook(address) => address.starts_with("https://") || address.starts_with("http://"),
    }
}

#[async_trait]
impl Topic for Memory {
    async fn publish(&self, channel: Channel, notification: &Notification) -> Result<()> {
        let mut told = lock(&self.0.topic);
        told.calls += 1;
        if told.published.iter().any(|(to, before)| *to == channel && before.id == notification.id) {
            return Ok(());
        }
        told.published.push((channel, notification.clone()));
        let wanted = told.subscriptions.iter().filter(|s| hears(s, channel) && s.wants(notification));
        let delivered: Vec<_> = wanted.map(|s| (s.id.clone(), notification.id.clone())).collect();
        told.delivered.extend(delivered);
        Ok(())
    }
}

#[async_trait]
impl Subscriptions for Memory {
    async fn add(&self, mut subscription: Subscription) -> Result<Subscription> {
        if !is_address(&subscription.endpoint) {
            return fail(Fault::Permanent, "this is no address");
        }
        let mut told = lock(&self.0.topic);
        let same = |other: &Subscription| {
            other.endpoint == subscription.endpoint
                && other.prefix == subscription.prefix
                && other.audience == subscription.audience
        };
        if let Some(at) = told.subscriptions.iter().position(same) {
            told.subscriptions[at].outcomes = subscription.outcomes;
            return Ok(told.subscriptions[at].clone());
        }
        told.next += 1;
        subscription.id = format!("sub-{}", told.next);
        told.subscriptions.push(subscription.clone());
        Ok(subscription)
    }

    async fn remove(&self, id_or_address: &str) -> Result<Vec<Subscription>> {
        let mut told = lock(&self.0.topic);
        let meant = |subscription: &mut Subscription| {
            let (Endpoint::Email(address) | Endpoint::Webhook(address)) = &subscription.endpoint;
            subscription.id == id_or_address || address == id_or_address
        };
        Ok(told.subscriptions.extract_if(.., meant).collect())
    }

    async fn list(&self) -> Result<Vec<Subscription>> {
        Ok(lock(&self.0.topic).subscriptions.clone())
    }

    async fn test(&self, id: &str) -> Result<()> {
        let mut told = lock(&self.0.topic);
        if !told.subscriptions.iter().any(|subscription| subscription.id == id) {
            return fail(Fault::NotFound, "there is no such subscription");
        }
        told.delivered.push((id.to_owned(), "test".to_owned()));
        Ok(())
    }
}
