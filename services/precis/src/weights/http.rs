//! Requests to the hub: redirects by hand, the token only to the hub itself, time limits on everything.
//!
//! A redirect leads to wherever the hub keeps its large files, which must not learn the token; so each is followed here,
//! and never from https to http. A body has two minutes: a connection that stands still is noticed by then, and one that
//! is only slow goes on where it was.

use super::source::Trouble;
use anyhow::anyhow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

const CONNECT: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(60);
const BODY: Duration = Duration::from_secs(120);
const REDIRECTS: usize = 5;

/// A token, which is never printed.
pub struct Token(String);

impl Token {
    /// Of this text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

/// Whoever asks one hub.
pub struct Client {
    agent: Agent,
    token: Option<Token>,
}

/// What a hub or its store answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers of the last answer.
    headers: HeaderMap,
    /// Headers of the hub's own answer, before it sent us elsewhere.
    first: Option<HeaderMap>,
    /// Whether another origin gave it.
    elsewhere: bool,
    /// The body.
    pub body: Body,
}

impl Answer {
    /// A header of the last answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header of the hub's own answer.
    pub fn of_hub(&self, name: &str) -> Option<&str> {
        self.first.as_ref().unwrap_or(&self.headers).get(name)?.to_str().ok()
    }

    /// Whether it is not the hub's own.
    pub fn was_sent_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// When to come again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

/// The part of a body that is asked for: from this byte on, if it is still called so.
pub struct From<'a> {
    /// The first byte.
    pub byte: u64,
    /// The `ETag` of what is here already.
    pub tag: Option<&'a str>,
}

impl Client {
    /// With this token, if there is one. Trusts what this machine trusts.
    pub fn new(token: Option<Token>) -> Self {
        let found = rustls_native_certs::load_native_certs();
        let roots: Vec<_> = found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(BODY))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("precis/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.into(), token }
    }

    /// Whether it has a token.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Asks, following redirects.
    pub fn get(&self, url: &str, from: Option<&From<'_>>) -> Result<Answer, Trouble> {
        let home = uri(url)?;
        let (mut at, mut first) = (home.clone(), None);
        for _ in 0..=REDIRECTS {
            let answer = self.ask(&at, same_origin(&at, &home), from)?;
            let (head, body) = answer.into_parts();
            let status = head.status.as_u16();
            let place = head.headers.get("location").and_then(|place| place.to_str().ok());
            let Some(place) = place.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
                let elsewhere = !same_origin(&at, &home);
                return Ok(Answer { status, headers: head.headers, first, elsewhere, body });
            };
            at = follow(&at, place)?;
            // A model that was renamed is first sent on within the hub; what the hub says last counts.
            if head.headers.contains_key("x-linked-etag") || first.is_none() {
                first = Some(head.headers);
            }
        }
        Err(anyhow!("{url} leads from one redirect to the next").into())
    }

    fn ask(
        &self,
        at: &Uri,
        with_token: bool,
        from: Option<&From<'_>>,
    ) -> Result<ureq::http::Response<Body>, Trouble> {
        let mut request = self.agent.get(at.clone()).header("Accept-Encoding", "identity");
        if let Some(Token(token)) = self.token.as_ref().filter(|_| with_token) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(from) = from {
            request = request.header("Range", format!("bytes={}-", from.byte));
            if let Some(tag) = from.tag {
                request = request.header("If-Range", tag);
            }
        }
        let host = at.host().unwrap_or_default();
        request.call().map_err(|error| match error {
            ureq::Error::BadUri(why) => anyhow!("{why}").into(),
            ureq::Error::Http(why) => anyhow!("the request cannot be made: {why}").into(),
            error if is_untrusted(&error) => anyhow!(
                "{host} shows a certificate that this machine does not trust ({error}). Do: if a proxy here opens TLS, \
                 name its root with SSL_CERT_FILE; else take another connection"
            )
            .into(),
            error => Trouble::passing(format!("{host} was not reached ({error})")),
        })
    }
}

fn is_untrusted(error: &ureq::Error) -> bool {
    let ureq::Error::Io(error) = error else { return false };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether a body ended because its time was over, and not because the connection broke.
pub fn is_out_of_time(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    matches!(inner, Some(ureq::Error::Timeout(_))) || error.kind() == std::io::ErrorKind::TimedOut
}

fn uri(url: &str) -> Result<Uri, Trouble> {
    let parsed = url.parse::<Uri>().ok();
    let good = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    parsed.filter(good).ok_or_else(|| anyhow!("{url:?} is no address of the web").into())
}

fn same_origin(one: &Uri, other: &Uri) -> bool {
    one.scheme_str() == other.scheme_str() && one.authority() == other.authority()
}

fn follow(at: &Uri, place: &str) -> Result<Uri, Trouble> {
    let (scheme, authority) = (at.scheme_str().unwrap_or("https"), at.authority().map_or("", |a| a.as_str()));
    let url = if place.starts_with("//") {
        format!("{scheme}:{place}")
    } else if place.starts_with('/') {
        format!("{scheme}://{authority}{place}")
    } else {
        place.to_owned()
    };
    let to = uri(&url)?;
    if scheme == "https" && to.scheme_str() != Some("https") {
        return Err(anyhow!("{authority} sends us from https to {url:?}, which nobody protects").into());
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_within_and_elsewhere_but_never_out_of_https() {
        let at: Uri = "https://hub.example/a/resolve/main/x".parse().unwrap();
        let to = |place| follow(&at, place).map(|uri| uri.to_string());
        assert_eq!(to("/b/x").unwrap(), "https://hub.example/b/x");
        assert_eq!(to("https://cdn.example/y?z=1").unwrap(), "https://cdn.example/y?z=1");
        assert_eq!(to("//cdn.example/y").unwrap(), "https://cdn.example/y");
        for bad in ["http://cdn.example/y", "file:///etc/passwd", "ftp://x/y", "x y"] {
            assert!(to(bad).is_err(), "{bad}");
        }
        let elsewhere: Uri = "https://cdn.example/y".parse().unwrap();
        let port: Uri = "https://hub.example:8443/y".parse().unwrap();
        assert!(same_origin(&at, &at) && !same_origin(&at, &elsewhere) && !same_origin(&at, &port));
    }

    #[test]
    fn a_body_that_stands_still_is_told_from_one_that_broke_off() {
        use std::io::{BufRead, Read, Write};
        for stands_still in [true, false] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/x", listener.local_addr().unwrap());
            let (done, is_done) = std::sync::mpsc::channel::<()>();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let request = std::io::BufReader::new(stream.try_clone().unwrap());
                request
                    .lines()
                    .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                    .for_each(drop);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345").unwrap();
                if stands_still {
                    let _ = is_done.recv();
                }
            });
            let agent = Agent::config_builder().timeout_recv_body(Some(Duration::from_millis(200)));
            let agent: Agent = agent.proxy(None).build().into();
            let mut body = agent.get(&url).call().unwrap().into_body().into_reader();
            let error = body.read_to_end(&mut Vec::new()).unwrap_err();
            drop(done);
            server.join().unwrap();
            assert_eq!(is_out_of_time(&error), stands_still, "{error:?}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        assert_eq!(format!("{:?}", Token::new("hf_secret")), "Token");
    }
}
