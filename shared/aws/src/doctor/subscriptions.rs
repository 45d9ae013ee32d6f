//! People and programs who wait to be told: whether they confirmed.

use super::mend::quote;
use super::{Trouble, Verdict, Ward};
use ports::{Endpoint, Fault, Subscriptions};

/// Looks at who has not confirmed. Says nothing where the table or a topic is missing, which is said elsewhere.
pub(super) async fn look(ward: &Ward) -> Vec<Verdict> {
    let missing = |error: &ports::PortError| {
        error.fault == Fault::NotFound || error.to_string().contains("ResourceNotFound")
    };
    let asked =
        async { Ok((ward.aws.subscribers.list().await?.len(), ward.aws.subscribers.unconfirmed().await?)) };
    let (all, waiting) = match asked.await {
        Ok(found) => found,
        Err(error) if missing(&error) => return Vec::new(),
        Err(error) if error.fault == Fault::Denied => {
            let mend = ward.mender.allow(&["sns:ListSubscriptionsByTopic", "dynamodb:Query"], "*");
            return vec![Err(Trouble::new(error.to_string(), mend))];
        }
        Err(error) => return vec![Err(Trouble::new(error.to_string(), ward.mender.precis("doctor")))],
    };
    if waiting.is_empty() {
        return vec![Ok(format!("{all} rows, all of confirmed addresses"))];
    }
    let mut addresses: Vec<_> = waiting
        .into_iter()
        .map(|row| match row.endpoint {
            Endpoint::Email(address) | Endpoint::Webhook(address) => address,
        })
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
        .iter()
        .map(|address| {
            let again = ward.mender.precis(&format!("subscribe {}", quote(address)));
            let what = format!(
                "{address} has not confirmed: nothing reaches it. SNS sent it a message with a link, to be put in place \
                 of LINK below; a lost one is sent again by `{again}`"
            );
            Err(Trouble::new(what, ward.mender.precis("subscribe --confirm 'LINK'")))
        })
        .collect()
}
