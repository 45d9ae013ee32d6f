//! HTTP: one path for every operation, and one for who asks whether we are well.

use crate::api::{Api, request_id};
use crate::error::{ApiError, Code};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many may ask at once; more wait.
const CONNECTIONS: usize = 256;
/// Who opens a connection asks within this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// 10 MB in base64, and some room.
const BODY: usize = 15 << 20;
/// How often old jobs are looked for.
const SWEEP: Duration = Duration::from_secs(3600);

/// Answers on `listener` until `end`; calls that are open then are dropped, and their clients try again.
///
/// # Errors
/// Only if the listener itself breaks.
pub async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    end: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    let mut sweeps = tokio::time::interval(SWEEP);
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            () = &mut end => return Ok(()),
            _ = sweeps.tick() => {
                api.sweep().await;
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // A caller that went away, or no file handle free just now: neither ends the server.
            Err(error) => {
                tracing::warn!(error = %error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!("too many connections");
            continue;
        };
        let api = Arc::clone(&api);
        tasks.spawn(async move {
            connection(stream, api).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, api: Arc<Api>) {
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(answer(&api, request).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error = %error, "connection broke");
    }
}

async fn answer(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz" | "/readyz") => plain(StatusCode::OK, "well\n"),
        (&Method::POST, "/") => operation(api, request).await,
        _ => plain(StatusCode::NOT_FOUND, "POST / is Textract, GET /healthz says whether it is well\n"),
    }
}

async fn operation(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let id = request_id();
    let began = std::time::Instant::now();
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target.unwrap_or_default().to_owned();
    let answered = match Limited::new(request.into_body(), BODY).collect().await {
        Ok(body) => api.call(&id, &target, &body.to_bytes()).await,
        Err(_) => Err(ApiError::new(Code::DocumentTooLarge, "the body is larger than 10 MB in base64")),
    };
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            let code = error.code.name();
            let duration_ms = telemetry::ms(began.elapsed());
            tracing::debug!(request.id = %id, target = %target, error = %error, duration_ms, "call refused");
            (error.code.status(), json!({"__type": code, "Code": code, "Message": error.message}))
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

fn plain(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
