//! E-mails: built by lettre, which encodes what headers may not hold, and sent by SMTP or laid into `outbox/`.
//!
//! `Message-ID` and `Date` come from the notification, so a repetition is the same message to every mail program.

use crate::settings::{Secret, SettingsFile, Smtp, Tls};
use crate::time;
use domain::{Audience, OutcomeKind};
use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use ports::{Fault, Notification, PortError, Result, Subscription};
use sha2::{Digest, Sha256};
use std::time::{Duration, UNIX_EPOCH};

/// How long it may take to reach a mail server.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long all that is said to it may take: lettre bounds no answer, and a server may fall silent.
const CONVERSATION: Duration = Duration::from_secs(60);
/// Who sends where no server is set.
const FROM: &str = "Precis <precis@localhost>";

/// The mail server, as it is set now.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: String,
}

impl Mailer {
    /// The mailer of the settings.
    pub(crate) fn of(settings: &SettingsFile) -> Result<Self> {
        let Some(smtp) = settings.smtp()? else {
            let what = "sending an e-mail: there is no [smtp] in precis.toml (any more)";
            return Err(PortError::new(Fault::Transient, what));
        };
        Self::new(&smtp)
    }

    pub(crate) fn new(smtp: &Smtp) -> Result<Self> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let unusable = |error: lettre::transport::smtp::Error| {
            PortError::new(
                Fault::Transient,
                format!("preparing to send e-mails through {}: {error}", smtp.host),
            )
        };
        let mut builder = match smtp.tls {
            Tls::Starttls => Transport::starttls_relay(&smtp.host).map_err(unusable)?,
            Tls::Implicit => Transport::relay(&smtp.host).map_err(unusable)?,
            Tls::None => Transport::builder_dangerous(&smtp.host),
        };
        if let Some(port) = smtp.port {
            builder = builder.port(port);
        }
        if let Some(username) = &smtp.username {
            let password = smtp.password.as_ref().map_or("", Secret::expose);
            builder = builder.credentials(Credentials::new(username.clone(), password.to_owned()));
        }
        Ok(Self { transport: builder.timeout(Some(PATIENCE)).build(), from: smtp.from.clone() })
    }

    /// Sends to one person.
    pub(crate) async fn send(&self, notification: &Notification, at: Timestamp, to: &str) -> Result<()> {
        let message = build(notification, at, &self.from, &[to.to_owned()])?;
        within(self.transport.send(message)).await.map(drop)
    }

    /// Whether the server can be reached and takes our name and password.
    pub(crate) async fn check(&self) -> Result<()> {
        if within(self.transport.test_connection()).await? {
            Ok(())
        } else {
            Err(PortError::new(Fault::Transient, "the mail server does not answer"))
        }
    }
}

async fn within<T>(
    said: impl Future<Output = std::result::Result<T, lettre::transport::smtp::Error>>,
) -> Result<T> {
    match tokio::time::timeout(CONVERSATION, said).await {
        Ok(answer) => answer.map_err(|error| classify(&error)),
        Err(_) => {
            let what = "sending an e-mail: the mail server fell silent. Do: check host, port and tls of [smtp] in precis.toml";
            Err(PortError::new(Fault::Transient, what))
        }
    }
}

/// 4xx and broken connections are tried again; 5xx is an answer, unless it speaks of us and not of the message.
fn classify(error: &lettre::transport::smtp::Error) -> PortError {
    let mut what = format!("sending an e-mail: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !what.contains(&cause_text) {
            what = format!("{what}: {cause_text}");
        }
        source = cause.source();
    }
    let status = error.status().map(u16::from);
    // RFC 4954, section 6: who we say we are is refused. A person can mend that, and then every message may go.
    let is_refused = matches!(status, Some(530 | 534 | 535 | 538));
    let advice = if is_refused {
        ". Do: check username, password and tls of [smtp] in precis.toml"
    } else if what.contains("certificate") {
        ". Do: add the authority of its certificate to this machine's (update-ca-certificates), or name it by SSL_CERT_FILE"
    } else if status.is_none() {
        ". Do: check host, port and tls of [smtp] in precis.toml"
    } else {
        ""
    };
    let fault = if error.is_permanent() && !is_refused { Fault::Permanent } else { Fault::Transient };
    PortError::new(fault, what + advice)
}

/// The bytes of an `.eml` for these people; with nobody subscribed, for whoever sits at this machine.
pub(crate) fn to_outbox(
    notification: &Notification,
    at: Timestamp,
    from: Option<&str>,
    people: &[String],
) -> Result<Vec<u8>> {
    let here = match notification.audience {
        Audience::Sender => "subscriber@localhost",
        Audience::Operator => "operator@localhost",
    };
    let here = [here.to_owned()];
    let people = if people.is_empty() { &here[..] } else { people };
    Ok(build(notification, at, from.unwrap_or(FROM), people)?.formatted())
}

fn build(notification: &Notification, at: Timestamp, from: &str, to: &[String]) -> Result<Message> {
    let unusable = |error: &dyn std::fmt::Display| {
        PortError::new(Fault::Permanent, format!("building an e-mail: {error}"))
    };
    let from: Mailbox = from.parse().map_err(|error| unusable(&error))?;
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    let mut builder = Message::builder()
        .message_id(Some(message_id(notification, to)))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .from(from);
    for address in to {
        let address: lettre::Address = address.parse().map_err(|error| unusable(&error))?;
        builder = builder.to(Mailbox::new(None, address));
    }
    builder
        .subject(one_line(&notification.subject))
        .header(ContentType::TEXT_PLAIN)
        .body(notification.text.clone())
        .map_err(|error| unusable(&error))
}

fn message_id(notification: &Notification, to: &[String]) -> String {
    let mut hash = Sha256::new();
    hash.update(notification.id.as_bytes());
    for address in to {
        hash.update([0]);
        hash.update(address.as_bytes());
    }
    format!("<{}@precis.localhost>", hex::encode(&hash.finalize()[..16]))
}

/// Whatever is published, a subject stays one line.
fn one_line(subject: &str) -> String {
    subject.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// What `subscribe --test` sends.
pub(crate) fn test_notification(subscription: &Subscription, now: Timestamp) -> Notification {
    let text = "This is a test by Precis. If you read it, the subscription works.\n";
    Notification {
        id: format!("test-{}-{}", subscription.id, time::micros(now)),
        job: None,
        run: 0,
        bucket: String::new(),
        key: subscription.prefix.clone(),
        outcome: OutcomeKind::Summarized,
        reason: None,
        audience: subscription.audience,
        subject: "[Precis] Test of your subscription".into(),
        text: text.into(),
        markdown: text.into(),
        json: serde_json::json!({ "test": true, "subscription": subscription.id }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    /// A mail server that gives these answers and then says nothing more, without hanging up.
    async fn check_with(answers: &'static [&'static str]) -> PortError {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            for answer in answers {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.read_line(&mut String::new()).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let smtp = Smtp {
            host: "127.0.0.1".into(),
            port: Some(port),
            tls: Tls::None,
            username: Some("ann".into()),
            password: Some(Secret::new("canary")),
            password_file: None,
            from: FROM.into(),
        };
        Mailer::new(&smtp).unwrap().check().await.unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_server_that_falls_silent_is_given_up_and_tried_again() {
        let error = check_with(&["220 test\r\n"]).await;
        assert_eq!(error.fault, Fault::Transient, "{error}");
        assert!(error.to_string().contains("fell silent. Do: check host"), "{error}");
    }

    #[tokio::test]
    async fn a_refused_password_is_a_fault_that_people_can_mend_and_not_the_end_of_a_message() {
        let answers = &["220 test\r\n", "250-test\r\n250 AUTH PLAIN\r\n", "535 5.7.8 no\r\n", "221 bye\r\n"];
        let error = check_with(answers).await;
        assert_eq!(error.fault, Fault::Transient, "{error}");
        assert!(error.to_string().contains("Do: check username, password"), "{error}");
    }
}
