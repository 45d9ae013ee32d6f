//! Filter policies: what one address wants to hear, in SNS' own words.
//!
//! SNS has one subscription for each topic and address, and Precis lets one address subscribe for several prefixes,
//! so the wishes of an address become the branches of one policy (SNS Developer Guide, "Amazon SNS subscription
//! filter policies", operators `$or` and `prefix`).

use super::audience;
use ports::{Endpoint, Subscription};
use serde_json::{Value, json};

/// The attribute by which a test message finds the one address that it is for.
pub(super) const TEST: &str = "test";

/// The policy of all subscriptions of one address.
pub(super) fn policy(subscriptions: &[&Subscription]) -> Value {
    let mut branches: Vec<Value> = subscriptions.iter().map(|subscription| branch(subscription)).collect();
    let tests: Vec<&str> = subscriptions.iter().map(|subscription| subscription.id.as_str()).collect();
    branches.push(json!({ TEST: tests }));
    json!({ "$or": branches })
}

fn branch(subscription: &Subscription) -> Value {
    let mut branch = serde_json::Map::new();
    // A branch must name something, and every message has an outcome.
    let outcomes = match subscription.outcomes.as_slice() {
        [] => json!([{ "exists": true }]),
        some => json!(some.iter().map(|outcome| outcome.as_str()).collect::<Vec<_>>()),
    };
    branch.insert("outcome".to_owned(), outcomes);
    if !subscription.prefix.is_empty() {
        branch.insert("key".to_owned(), json!([{ "prefix": subscription.prefix }]));
    }
    // Programs sort for themselves.
    if let Endpoint::Email(_) = subscription.endpoint {
        branch.insert("audience".to_owned(), json!([audience(subscription.audience)]));
    }
    Value::Object(branch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Audience, OutcomeKind};
    use jiff::Timestamp;

    fn subscription(prefix: &str, outcomes: &[OutcomeKind]) -> Subscription {
        Subscription {
            id: format!("s-{prefix}"),
            endpoint: Endpoint::Email("ann@example.org".into()),
            outcomes: outcomes.to_vec(),
            prefix: prefix.into(),
            audience: Audience::Sender,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_wish_of_an_address_is_a_branch_of_its_one_policy() {
        let (all, some) = (subscription("", &[]), subscription("in/", &[OutcomeKind::Failed]));
        assert_eq!(
            policy(&[&all, &some]),
            json!({ "$or": [
                { "outcome": [{ "exists": true }], "audience": ["sender"] },
                { "outcome": ["failed"], "key": [{ "prefix": "in/" }], "audience": ["sender"] },
                { "test": ["s-", "s-in/"] },
            ] })
        );
    }

    #[test]
    fn a_program_hears_of_every_audience() {
        let hook =
            Subscription { endpoint: Endpoint::Webhook("https://x.org".into()), ..subscription("", &[]) };
        assert_eq!(policy(&[&hook])["$or"][0], json!({ "outcome": [{ "exists": true }] }));
    }
}
