//! What stands between the services and the emulator, and answers in its place where it is told to.

use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Weather {
    /// Everything goes through.
    Fair,
    /// Every request is answered by an error of the server.
    Errors,
    /// Every connection is closed at once.
    Gone,
    /// The session's token has expired.
    Expired,
    /// The sender's clock is 20 minutes off.
    Clock,
    /// Objects are encrypted with a key that the sender may not use. Only S3 says it so.
    NoKey,
}

impl Weather {
    /// Status, code and words in place of an answer.
    fn says(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Fair | Self::Gone | Self::Errors => ("500 Internal Server Error", "", ""),
            Self::Expired => (
                "400 Bad Request",
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            Self::Clock => (
                "403 Forbidden",
                "InvalidSignatureException",
                "Signature expired: 20261128T100000Z is now earlier than 20261128T101500Z (20261128T102000Z - 5 min.)",
            ),
            Self::NoKey => (
                "403 Forbidden",
                "AccessDenied",
                "User: arn:aws:sts::000000000000:assumed-role/precis-ingest/task is not authorized to perform: \
                 kms:Decrypt on the resource associated with this ciphertext",
            ),
        }
    }
}

pub(crate) struct Between {
    pub(crate) address: String,
    weather: watch::Sender<Weather>,
}

impl Between {
    pub(crate) async fn new(endpoint: &str) -> Self {
        let upstream: Arc<str> = endpoint.trim_start_matches("http://").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (weather, seen) = watch::channel(Weather::Fair);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, Arc::clone(&upstream), seen.clone()));
            }
        });
        Self { address, weather }
    }

    pub(crate) fn turns(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Carries one connection for as long as the weather does not turn.
async fn carry(mut stream: TcpStream, upstream: Arc<str>, mut seen: watch::Receiver<Weather>) {
    let weather = *seen.borrow_and_update();
    match weather {
        Weather::Gone => {}
        Weather::Fair => {
            let Ok(mut to) = TcpStream::connect(&*upstream).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut stream, &mut to) => {}
                _ = seen.changed() => {}
            }
        }
        bad => {
            let mut asked = [0; 8192];
            let read = stream.read(&mut asked).await.unwrap_or(0);
            let _ = stream.write_all(answer(bad, &asked[..read]).as_bytes()).await;
        }
    }
}

/// An error as the protocol of the request spells it: JSON for SQS and DynamoDB, XML for S3 and SNS.
fn answer(weather: Weather, asked: &[u8]) -> String {
    let (status, code, words) = weather.says();
    let head = String::from_utf8_lossy(asked).to_lowercase();
    let body = match code {
        "" => String::new(),
        _ if head.contains("x-amz-target:") => {
            serde_json::json!({ "__type": format!("com.amazonaws#{code}"), "message": words }).to_string()
        }
        _ if head.contains("x-www-form-urlencoded") => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
        ),
        _ => format!("<Error><Code>{code}</Code><Message>{words}</Message></Error>"),
    };
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
