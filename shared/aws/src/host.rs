//! `TaskProtection` by the agent of ECS, at the address that it gives each task.
//!
//! Source: Amazon ECS Developer Guide, "Amazon ECS task scale-in protection endpoint". Protection saves work that would
//! be done again and nothing more, so a failure here fails nobody: outside of ECS there is no agent, and inside the
//! worker only logs what goes wrong.

use async_trait::async_trait;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use ports::{Fault, PortError, Result, TaskProtection};
use std::time::Duration;

/// Where the agent is.
const AGENT: &str = "ECS_AGENT_URI";
/// How long the agent may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The shortest and the longest protection, in minutes.
const MINUTES: std::ops::RangeInclusive<u64> = 1..=2880;

/// The agent of the task that this process runs in, if it runs in one.
#[derive(Debug, Clone, Default)]
pub struct EcsAgent {
    uri: Option<String>,
}

impl EcsAgent {
    /// The agent that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        Self { uri: std::env::var(AGENT).ok().filter(|uri| !uri.is_empty()) }
    }

    /// An agent at this address.
    #[must_use]
    pub fn at(uri: impl Into<String>) -> Self {
        Self { uri: Some(uri.into()) }
    }

    async fn put(&self, body: serde_json::Value) -> Result<()> {
        let Some(uri) = &self.uri else { return Ok(()) };
        let failed =
            |why: String| PortError::new(Fault::Transient, format!("asking ECS for task protection: {why}"));
        let uri: Uri =
            format!("{uri}/task-protection/v1/state").parse().map_err(|error| failed(format!("{error}")))?;
        match tokio::time::timeout(PATIENCE, put(&uri, body)).await {
            Ok(answer) => answer.map_err(|error| failed(error.to_string())),
            Err(_) => Err(failed("the agent did not answer in time".into())),
        }
    }
}

async fn put(
    uri: &Uri,
    body: serde_json::Value,
) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let host = uri.host().ok_or("the agent's address names no host")?;
    let stream = tokio::net::TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::put(uri.path())
        .header("Host", host)
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            return Ok(());
        }
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let said = said.pointer("/error/Message").and_then(|said| said.as_str()).unwrap_or_default();
        Err(format!("status {status}: {said}").into())
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            // The answer may have been read whole by then.
            Ok(()) => exchange.await,
            Err(error) => Err(error.into()),
        },
    }
}

#[async_trait]
impl TaskProtection for EcsAgent {
    async fn protect(&self, duration: Duration) -> Result<()> {
        let minutes = duration.as_secs().div_ceil(60).clamp(*MINUTES.start(), *MINUTES.end());
        self.put(serde_json::json!({ "ProtectionEnabled": true, "ExpiresInMinutes": minutes })).await
    }

    async fn release(&self) -> Result<()> {
        self.put(serde_json::json!({ "ProtectionEnabled": false })).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// An agent that answers one request so, and gives what it was asked.
    async fn agent(answer: &'static str) -> (EcsAgent, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let agent = EcsAgent::at(format!("http://{}/api/abc", listener.local_addr().unwrap()));
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = String::new();
            while !asked.contains('}') {
                let mut chunk = [0; 1024];
                let read = stream.read(&mut chunk).await.unwrap();
                asked += std::str::from_utf8(&chunk[..read]).unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked
        });
        (agent, asked)
    }

    #[tokio::test]
    async fn a_task_is_protected_by_its_agent() {
        let (agent, asked) = agent("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
        agent.protect(Duration::from_secs(601)).await.unwrap();
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("PUT /api/abc/task-protection/v1/state HTTP/1.1\r\n"), "{asked}");
        assert!(asked.ends_with(r#"{"ProtectionEnabled":true,"ExpiresInMinutes":11}"#), "{asked}");
    }

    #[tokio::test]
    async fn a_refusal_is_said_and_without_an_agent_there_is_none() {
        let body = r#"{"error":{"Code":"AccessDeniedException","Message":"not allowed"}}"#;
        let answer = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let (agent, _asked) = agent(Box::leak(answer.into_boxed_str())).await;
        let error = agent.release().await.unwrap_err();
        assert!(error.what.contains("not allowed"), "{error}");
        EcsAgent::default().protect(Duration::from_secs(1)).await.unwrap();
    }
}
