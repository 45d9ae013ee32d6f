//! Promises of topics and subscriptions.

use super::Fresh;
use crate::{Channel, Endpoint, Notification, Subscription};
use domain::{Audience, JobId, OutcomeKind};

fn subscription(endpoint: Endpoint, prefix: &str, fresh: &Fresh) -> Subscription {
    Subscription {
        id: "is ignored".into(),
        endpoint,
        outcomes: Vec::new(),
        prefix: prefix.into(),
        audience: Audience::Sender,
        created_at: fresh.stack.clock.now(),
    }
}

pub(super) async fn subscriptions_are_added_listed_and_removed(fresh: Fresh) {
    let subscriptions = &fresh.stack.subscriptions;
    assert!(subscriptions.list().await.expect("list works").is_empty());
    let mail = Endpoint::Email("anna@example.com".into());
    let hook = Endpoint::Webhook("https://example.com/hook".into());
    let first = subscriptions.add(subscription(mail.clone(), "", &fresh)).await.expect("add works");
    let second = subscriptions.add(subscription(mail.clone(), "in/", &fresh)).await.expect("add works");
    let third = subscriptions.add(subscription(hook, "", &fresh)).await.expect("add works");
    assert!(first.id != second.id && second.id != third.id && first.id != "is ignored");
    let narrower =
        Subscription { outcomes: vec![OutcomeKind::Failed], ..subscription(mail.clone(), "in/", &fresh) };
    let again = subscriptions.add(narrower).await.expect("add works");
    assert_eq!((&again.id, again.outcomes.as_slice()), (&second.id, [OutcomeKind::Failed].as_slice()));
    let operator = Subscription { audience: Audience::Operator, ..subscription(mail, "in/", &fresh) };
    let fourth = subscriptions.add(operator).await.expect("add works");
    assert_ne!(fourth.id, second.id, "an operator is another subscriber");
    let listed = subscriptions.list().await.expect("list works");
    assert_eq!(listed, [first, again, third.clone(), fourth], "oldest first");
    let removed = subscriptions.remove(&third.id).await.expect("remove works");
    assert_eq!(removed, std::slice::from_ref(&third));
    assert!(subscriptions.remove(&third.id).await.expect("remove works").is_empty());
    assert_eq!(subscriptions.remove("anna@example.com").await.expect("remove works").len(), 3);
    assert!(subscriptions.list().await.expect("list works").is_empty());
    for bad in [Endpoint::Email("no address".into()), Endpoint::Webhook("ftp://example.com".into())] {
        assert!(
            subscriptions.add(subscription(bad, "", &fresh)).await.is_err(),
            "what is no address is refused"
        );
    }
}

pub(super) async fn publishing_again_is_no_failure(fresh: Fresh) {
    let subscriber = subscription(Endpoint::Email("anna@example.com".into()), "", &fresh);
    fresh.stack.subscriptions.add(subscriber).await.expect("add works");
    let job = JobId::of("b", "k", "1");
    let notification = Notification {
        id: format!("{job}-1"),
        job: Some(job),
        run: 1,
        bucket: "b".into(),
        key: "k".into(),
        outcome: OutcomeKind::Summarized,
        reason: None,
        audience: Audience::Sender,
        subject: "s".into(),
        text: "t".into(),
        markdown: "m".into(),
        json: "{}".into(),
    };
    for channel in [Channel::Outcomes, Channel::Completions] {
        for _ in 0..2 {
            fresh.stack.topic.publish(channel, &notification).await.expect("publish works");
        }
    }
}
