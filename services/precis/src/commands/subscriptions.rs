//! `precis subscribe`, `unsubscribe`, `subscriptions`.

use super::place::Place;
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Context, Result, bail};
use domain::Audience;
use ports::{Endpoint, Stack, Subscription};
use std::io::Write;

/// Adds a subscription, and tests it when asked to; or confirms one.
pub async fn subscribe(place: &Place, args: &cli::Subscribe, out: &mut dyn Write) -> Result<()> {
    if let Some(link) = &args.confirm {
        return confirm(place, link, out).await;
    }
    let stack = &place.stack;
    let endpoint = endpoint(args.endpoint.as_deref().unwrap_or_default())?;
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
    if unconfirmed(place).await?.contains(&added.id) {
        explain(&args.data, &added, out)?;
    }
    if args.test {
        stack.subscriptions.test(&added.id).await?;
        let to = match (&added.endpoint, place.local()) {
            (Endpoint::Email(_), Some(local)) => local.mail_goes_to(),
            (Endpoint::Webhook(_), Some(_)) => "to the webhook, which accepted it".to_owned(),
            (_, None) => "SNS accepted it".to_owned(),
        };
        writeln!(out, "A test message was sent ({to}).")?;
    }
    Ok(())
}

/// What SNS asks of an address, and how to answer so that nobody can undo it by a link.
fn explain(data: &cli::Data, added: &Subscription, out: &mut dyn Write) -> Result<()> {
    let (Endpoint::Email(to) | Endpoint::Webhook(to)) = &added.endpoint;
    writeln!(
        out,
        "Nothing reaches {} before it is confirmed: SNS has sent it a message with a link for that, which is good for \
         two days.\nDo: copy the link without opening it, and `precis subscribe{} --confirm 'LINK'`. So only somebody \
         with the account's credentials can unsubscribe the address; if the link is opened instead, each e-mail carries \
         one that unsubscribes, and a scanner that opens links may do it.",
        clean(to),
        data.typed()
    )?;
    Ok(())
}

async fn confirm(place: &Place, link: &str, out: &mut dyn Write) -> Result<()> {
    let Some(aws) = place.aws() else {
        bail!("only addresses of a deployment are confirmed. Do: name it with --stack NAME")
    };
    let confirmed = aws.subscribers.confirm(link).await;
    confirmed.context(
        "SNS did not take the link: it is good for two days and once. Do: unsubscribe the address and subscribe it \
         again for a new one",
    )?;
    writeln!(out, "Confirmed; only somebody with the account's credentials can unsubscribe the address.")?;
    Ok(())
}

/// Ids of those subscriptions that nothing reaches yet.
async fn unconfirmed(place: &Place) -> Result<Vec<String>> {
    let Some(aws) = place.aws() else { return Ok(Vec::new()) };
    Ok(aws.subscribers.unconfirmed().await?.into_iter().map(|waiting| waiting.id).collect())
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
pub async fn list(place: &Place, args: &cli::DataOnly, out: &mut dyn Write) -> Result<()> {
    let all = place.stack.subscriptions.list().await?;
    let waiting = unconfirmed(place).await?;
    if all.is_empty() && !args.json {
        let then = if place.local().is_some() {
            "e-mails are written to the folder outbox"
        } else {
            "nobody gets e-mails"
        };
        writeln!(out, "Nobody is subscribed; {then}. `precis subscribe --help` says how.")?;
    }
    for subscription in all {
        let waits = waiting.contains(&subscription.id);
        if args.json {
            let mut row = serde_json::to_value(&subscription)?;
            if place.aws().is_some() {
                row["confirmed"] = (!waits).into();
            }
            writeln!(out, "{row}")?;
        } else {
            writeln!(out, "{}{}", line(&subscription), if waits { "  NOT CONFIRMED" } else { "" })?;
        }
    }
    if !waiting.is_empty() && !args.json {
        writeln!(
            out,
            "Nothing reaches those that are not confirmed. Do: `precis subscribe{} --confirm 'LINK'` with the link that \
             SNS sent to the address",
            args.data.typed()
        )?;
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
