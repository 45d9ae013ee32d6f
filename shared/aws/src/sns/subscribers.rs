//! `Subscriptions` over SNS: rows in the settings table say who wants what, and SNS has one subscription for each
//! address, whose filter policy is made of its rows.
//!
//! SNS asks every new address to confirm, and nothing reaches it before. Confirmed by its link, an e-mail carries an
//! unsubscribe link that a mail scanner can follow as well as a person; [`Subscribers::confirm`] confirms with the
//! token of that link so that only somebody with the account's credentials can unsubscribe
//! (`AuthenticateOnUnsubscribe`).

use super::policy::{TEST, policy};
use super::{attribute, audience};
use crate::classify::port_error;
use crate::dynamodb::{Item, text, text_of, unreadable};
use crate::names::Names;
use async_trait::async_trait;
use aws_sdk_sns::Client;
use jiff::Timestamp;
use ports::{Endpoint, Fault, PortError, Result, Subscription, Subscriptions};
use std::collections::BTreeMap;

/// The kind of a subscription's item.
const KIND: &str = "subscription";

/// Who wants to be told.
pub struct Subscribers {
    sns: Client,
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
    outcomes: String,
    completions: String,
}

fn address(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::Email(address) | Endpoint::Webhook(address) => address,
    }
}

/// A row's id: the same for the same endpoint, prefix and audience, so that subscribing again is no second row.
fn id(subscription: &Subscription) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in [address(&subscription.endpoint), &subscription.prefix, audience(subscription.audience)] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("s{}", &hex::encode(hash.finalize())[..8])
}

/// Refuses what could never be delivered to, when somebody is there to hear it.
fn check(endpoint: &Endpoint) -> Result<()> {
    let refused = |why: String| Err(PortError::new(Fault::Permanent, why));
    match endpoint {
        Endpoint::Email(address) => {
            let odd = |c: char| c.is_whitespace() || c.is_control();
            match address.split_once('@') {
                Some((name, host))
                    if !name.is_empty()
                        && host.contains('.')
                        && !host.contains('@')
                        && !address.contains(odd) =>
                {
                    Ok(())
                }
                _ => refused(format!("{address:?} is no e-mail address")),
            }
        }
        Endpoint::Webhook(url) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
        Endpoint::Webhook(url) => refused(format!("{url:?} is no webhook address: it begins with https://")),
    }
}

impl Subscribers {
    /// Over these topics and this table. Nothing is asked yet.
    #[must_use]
    pub fn new(sns: Client, dynamodb: aws_sdk_dynamodb::Client, names: &Names) -> Self {
        let (outcomes, completions) = (names.outcomes_arn(), names.completions_arn());
        Self { sns, dynamodb, table: names.settings(), outcomes, completions }
    }

    fn topic(&self, endpoint: &Endpoint) -> &str {
        match endpoint {
            Endpoint::Email(_) => &self.completions,
            Endpoint::Webhook(_) => &self.outcomes,
        }
    }

    async fn put(&self, subscription: &Subscription) -> Result<()> {
        let body =
            serde_json::to_string(subscription).map_err(|error| unreadable("a subscription", &error))?;
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("kind", text(KIND))
            .item("name", text(&subscription.id))
            .item("body", text(body));
        put.send().await.map(|_| ()).map_err(|error| port_error("writing a subscription", &error))
    }

    async fn delete(&self, subscription: &Subscription) -> Result<()> {
        let delete = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("kind", text(KIND))
            .key("name", text(&subscription.id));
        delete.send().await.map(|_| ()).map_err(|error| port_error("deleting a subscription", &error))
    }

    /// The subscriptions that SNS has of a topic: address to ARN, `PendingConfirmation` for one that is not confirmed.
    async fn known(&self, topic: &str) -> Result<BTreeMap<String, String>> {
        let mut pages = self.sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().send();
        let mut known = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing a topic's subscriptions", &error))?;
            for subscription in page.subscriptions() {
                if let (Some(endpoint), Some(arn)) =
                    (subscription.endpoint(), subscription.subscription_arn())
                {
                    known.insert(endpoint.to_owned(), arn.to_owned());
                }
            }
        }
        Ok(known)
    }

    /// Lets SNS know what the rows of one endpoint want.
    async fn tell_sns(&self, endpoint: &Endpoint) -> Result<()> {
        let all = self.list().await?;
        let rows: Vec<_> = all.iter().filter(|row| row.endpoint == *endpoint).collect();
        let (topic, address) = (self.topic(endpoint), address(endpoint));
        let arn = self.known(topic).await?.remove(address).filter(|arn| arn.starts_with("arn:"));
        match (rows.is_empty(), arn) {
            (true, Some(arn)) => {
                let gone = self.sns.unsubscribe().subscription_arn(arn).send().await;
                match gone.map_err(|error| port_error("unsubscribing", &error)) {
                    Err(error) if error.fault != Fault::NotFound => Err(error),
                    _ => Ok(()),
                }
            }
            // SNS forgets by itself, after two days, who was asked and did not answer.
            (true, None) => Ok(()),
            (false, Some(arn)) => {
                let set = self
                    .sns
                    .set_subscription_attributes()
                    .subscription_arn(arn)
                    .attribute_name("FilterPolicy")
                    .attribute_value(policy(&rows).to_string());
                set.send()
                    .await
                    .map(|_| ())
                    .map_err(|error| port_error("setting what an address hears", &error))
            }
            (false, None) => self.subscribe(endpoint, &rows).await,
        }
    }

    async fn subscribe(&self, endpoint: &Endpoint, rows: &[&Subscription]) -> Result<()> {
        let protocol = match endpoint {
            Endpoint::Email(_) => "email",
            Endpoint::Webhook(url) if url.starts_with("https:") => "https",
            Endpoint::Webhook(_) => "http",
        };
        let subscribe = self
            .sns
            .subscribe()
            .topic_arn(self.topic(endpoint))
            .protocol(protocol)
            .endpoint(address(endpoint))
            .return_subscription_arn(true)
            .attributes("FilterPolicy", policy(rows).to_string());
        subscribe.send().await.map(|_| ()).map_err(|error| port_error("subscribing", &error))
    }

    /// Those of our subscriptions that wait for their address to confirm.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn unconfirmed(&self) -> Result<Vec<Subscription>> {
        let all = self.list().await?;
        let mut waiting = Vec::new();
        for topic in [&self.outcomes, &self.completions] {
            let known = self.known(topic).await?;
            let of_topic = all.iter().filter(|row| self.topic(&row.endpoint) == topic);
            for row in of_topic {
                let waits = match known.get(address(&row.endpoint)).filter(|arn| arn.starts_with("arn:")) {
                    Some(arn) => self.is_pending(arn).await?,
                    None => true,
                };
                if waits {
                    waiting.push(row.clone());
                }
            }
        }
        Ok(waiting)
    }

    /// A list may hide behind its ARN that a subscription is not confirmed (AWS' does not, LocalStack's does).
    async fn is_pending(&self, arn: &str) -> Result<bool> {
        let answer = self.sns.get_subscription_attributes().subscription_arn(arn).send().await;
        let answer = answer.map_err(|error| port_error("looking at a subscription", &error))?;
        let pending = answer.attributes().and_then(|all| all.get("PendingConfirmation"));
        Ok(pending.is_some_and(|pending| pending == "true"))
    }

    /// Confirms with the token (or the whole link) of SNS' confirmation e-mail, so that nobody can unsubscribe the
    /// address without credentials.
    ///
    /// # Errors
    /// If SNS does not take the token.
    pub async fn confirm(&self, link_or_token: &str) -> Result<()> {
        let token = link_or_token.split_once("Token=").map_or(link_or_token, |(_, rest)| rest);
        let token = token.split('&').next().unwrap_or(token).trim();
        let topic = if link_or_token.contains("-outcomes") { &self.outcomes } else { &self.completions };
        let confirm =
            self.sns.confirm_subscription().topic_arn(topic).token(token).authenticate_on_unsubscribe("true");
        confirm.send().await.map(|_| ()).map_err(|error| port_error("confirming a subscription", &error))
    }
}

fn row(item: &Item) -> Result<Subscription> {
    serde_json::from_str(text_of(item, "body")).map_err(|error| unreadable("a subscription", &error))
}

#[async_trait]
impl Subscriptions for Subscribers {
    async fn add(&self, subscription: Subscription) -> Result<Subscription> {
        check(&subscription.endpoint)?;
        let id = id(&subscription);
        let known = self.list().await?.into_iter().find(|known| known.id == id);
        let now = Timestamp::now();
        let created_at = known.map_or(now, |known| known.created_at);
        let subscription = Subscription { id, created_at, ..subscription };
        self.put(&subscription).await?;
        self.tell_sns(&subscription.endpoint).await?;
        Ok(subscription)
    }

    async fn remove(&self, id_or_address: &str) -> Result<Vec<Subscription>> {
        let all = self.list().await?;
        let is_it = |row: &Subscription| row.id == id_or_address || address(&row.endpoint) == id_or_address;
        let gone: Vec<_> = all.into_iter().filter(is_it).collect();
        for row in &gone {
            self.delete(row).await?;
        }
        if let Some(row) = gone.first() {
            self.tell_sns(&row.endpoint).await?;
        }
        Ok(gone)
    }

    async fn list(&self) -> Result<Vec<Subscription>> {
        let mut pages = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", text(KIND))
            .into_paginator()
            .send();
        let mut rows = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("listing subscriptions", &error))?;
            for item in page.items() {
                rows.push(row(item)?);
            }
        }
        rows.sort_by_key(|row| (row.created_at, row.id.clone()));
        Ok(rows)
    }

    async fn test(&self, id: &str) -> Result<()> {
        let all = self.list().await?;
        let Some(row) = all.into_iter().find(|row| row.id == id) else {
            return Err(PortError::new(Fault::NotFound, format!("there is no subscription {id}")));
        };
        if self.unconfirmed().await?.iter().any(|waiting| waiting.id == row.id) {
            let what = format!(
                "{} has not confirmed yet: SNS sent it a message with a link. Follow the link, or give it to `precis subscribe --confirm`; until then nothing reaches that address",
                address(&row.endpoint)
            );
            return Err(PortError::new(Fault::Denied, what));
        }
        let text = "This is a test of Precis: whoever reads it gets its messages.\n";
        let mut publish = self
            .sns
            .publish()
            .topic_arn(self.topic(&row.endpoint))
            .subject("[Precis] Test")
            .message(if matches!(row.endpoint, Endpoint::Email(_)) { text } else { "{\"test\":true}" });
        if let Some(value) = attribute(id) {
            publish = publish.message_attributes(TEST, value);
        }
        publish.send().await.map(|_| ()).map_err(|error| port_error("sending a test", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Audience;

    #[test]
    fn what_is_no_address_is_refused() {
        let mail = |address: &str| check(&Endpoint::Email(address.into()));
        assert!(mail("ann@example.org").is_ok());
        for bad in
            ["no address", "@example.org", "ann@", "ann@host", "a@b@c.org", "ann@example.org\nBcc: x@y.z"]
        {
            assert!(mail(bad).is_err(), "{bad}");
        }
        assert!(check(&Endpoint::Webhook("ftp://example.org".into())).is_err());
    }

    #[test]
    fn the_same_wish_has_the_same_id_and_an_operators_another() {
        let row = |prefix: &str, audience| Subscription {
            id: String::new(),
            endpoint: Endpoint::Email("ann@example.org".into()),
            outcomes: Vec::new(),
            prefix: prefix.into(),
            audience,
            created_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(id(&row("a/", Audience::Sender)), id(&row("a/", Audience::Sender)));
        assert_ne!(id(&row("a/", Audience::Sender)), id(&row("a/", Audience::Operator)));
        assert_ne!(id(&row("a/", Audience::Sender)), id(&row("b/", Audience::Sender)));
    }
}
