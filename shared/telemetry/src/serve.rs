//! `/metrics`, `/healthz` and `/readyz` over HTTP, for a Prometheus, an orchestrator or a person with curl.
//!
//! It tells how much work there is and how it goes, never what the work is about, yet that is nobody's business
//! outside: it listens on the machine itself unless it is told otherwise.

use crate::health::Health;
use crate::metrics::Handle;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Where `/metrics` is unless somebody says otherwise: this machine only, the port that exporters use.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// So many may ask at once; more wait.
const CONNECTIONS: usize = 16;
/// Who opens a connection asks within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers on `listener` until the future is dropped.
///
/// # Errors
/// Only if the listener itself breaks; a caller that breaks off is no failure of ours.
pub async fn serve(listener: TcpListener, handle: Handle, health: Health) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return Ok(()) };
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            // A caller that went away, or no file handle free just now: neither ends the service.
            Err(error) => {
                tracing::warn!(error = %error, "metrics connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (handle, health) = (handle.clone(), health.clone());
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &handle, &health);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(error = %error, "metrics connection broke");
            }
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, handle: &Handle, health: &Health) -> Response<Full<Bytes>> {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let path = request.uri().path();
    let known = ["/metrics", "/healthz", "/readyz"].contains(&path);
    let (status, kind, body) = if !known {
        (StatusCode::NOT_FOUND, plain, "there are /metrics, /healthz and /readyz\n".to_owned())
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        (StatusCode::METHOD_NOT_ALLOWED, plain, "only GET\n".to_owned())
    } else if path == "/metrics" {
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        (StatusCode::OK, kind, handle.render())
    } else if path == "/readyz" && !health.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, plain, "not ready\n".to_owned())
    } else {
        (StatusCode::OK, plain, "ok\n".to_owned())
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_are_served_and_nothing_else_is() {
        let (recorder, handle) = crate::metrics::local_recorder();
        ::metrics::with_local_recorder(&recorder, || crate::metrics::pages(domain::text::Origin::Ocr, 3));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::new();
        let server = tokio::spawn(serve(listener, handle, health.clone()));

        let good = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(good.starts_with("HTTP/1.1 200"), "{good}");
        assert!(good.contains("precis_pages_total{origin=\"ocr\"} 3"), "{good}");
        let lost = ask(address, "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(lost.starts_with("HTTP/1.1 404"), "{lost}");
        let posted = ask(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
        assert!(ask(address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 200"));
        let unready = crate::health::check(address).await.unwrap_err();
        assert!(unready.contains("503"), "{unready}");
        health.set_ready(true);
        crate::health::check(address).await.unwrap();
        let noise = ask(address, "\u{0}\u{1}nonsense\r\n\r\n").await;
        assert!(!noise.contains("200 OK"), "{noise}");
        server.abort();
    }

    #[test]
    fn the_default_is_this_machine_alone() {
        assert!(DEFAULT_ADDRESS.ip().is_loopback());
    }
}
