//! `precis subscribe`, `unsubscribe`, `subscriptions`.

use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use domain::Audience;
use local::Local;
use ports::{Endpoint, Stack, Subscription};
use std::io::Write;

/// Adds a subscription, and tests it when asked to.
pub async fn subscribe(local: &Local, args: &cli::Subscribe, out: &mut dyn Write) -> Result<()> {
    let stack = &local.stack;
    let endpoint = endpoint(&args.endpoint)?;
    let subscription = Subscription {
        id: String::new(),
        endpoint,
        outcomes: args.outcomes.clone(),
        prefix: args.prefix.clone(),
        audience: if args.operator { Audience::Operator } else { Audience::Sender },
        created_at: stack.clock.now(),
    };
    let added = stack.subscriptions.add(subscription).await?;
    writeln!(out, "{}", line(&added))?;
    if args.test {
        stack.subscriptions.test(&added.id).await?;
        let to = match added.endpoint {
            Endpoint::Email(_) => local.mail_goes_to(),
            Endpoint::Webhook(_) => "to the webhook, which accepted it".to_owned(),
        };
        writeln!(out, "A test message was sent ({to}).")?;
    }
    Ok(())
}

/// Removes subscriptions.
pub async fn unsubscribe(stack: &Stack, args: &cli::Unsubscribe, out: &mut dyn Write) -> Result<()> {
    let removed = stack.subscriptions.remove(&args.which).await?;
    if removed.is_empty() {
        bail!("nobody is subscribed as {:?}: `precis subscriptions` lists who is", args.which);
    }
    for subscription in removed {
        writeln!(out, "removed  {}", line(&subscription))?;
    }
    Ok(())
}

/// Lists who is told.
pub async fn list(stack: &Stack, args: &cli::DataOnly, out: &mut dyn Write) -> Result<()> {
    let all = stack.subscriptions.list().await?;
    if all.is_empty() && !args.json {
        writeln!(
            out,
            "Nobody is subscribed; e-mails are written to the folder outbox. `precis subscribe --help` says how."
        )?;
    }
    for subscription in all {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&subscription)?)?;
        } else {
            writeln!(out, "{}", line(&subscription))?;
        }
    }
    Ok(())
}

fn endpoint(text: &str) -> Result<Endpoint> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(Endpoint::Webhook(text.to_owned()));
    }
    match text.split_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace) => {
            Ok(Endpoint::Email(text.to_owned()))
        }
        _ => bail!("{text:?} is neither an e-mail address nor a URL that starts with http:// or https://"),
    }
}

fn line(subscription: &Subscription) -> String {
    let (Endpoint::Email(to) | Endpoint::Webhook(to)) = &subscription.endpoint;
    let outcomes: Vec<_> = subscription.outcomes.iter().map(|outcome| outcome.as_str()).collect();
    format!(
        "{}  {}  {}  {}  under {}  since {}",
        subscription.id,
        clean(to),
        match subscription.audience {
            Audience::Sender => "results",
            Audience::Operator => "operator's failures",
        },
        if outcomes.is_empty() { "all outcomes".to_owned() } else { outcomes.join(", ") },
        if subscription.prefix.is_empty() { "every key".to_owned() } else { clean(&subscription.prefix) },
        show::time(subscription.created_at)
    )
}
