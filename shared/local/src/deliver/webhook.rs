//! Webhooks: the report by POST, signed so that the receiver can tell it from anybody else's.
//!
//! `Precis-Signature: t=<seconds since 1970>,v1=<hex>` where the hexadecimal digits are the HMAC-SHA256, under
//! the shared secret, of the timestamp's digits, a full stop, and the body's bytes. A receiver computes the same,
//! compares in constant time, and refuses timestamps that are more than five minutes off. `Precis-Id` names what
//! is told: the same id again is a repetition.

use crate::body::random_hex;
use crate::fault;
use crate::settings::Secret;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use ports::{Fault, Notification, PortError, Result};
use sha2::Sha256;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long one request may take, from the connection to the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says why this can be no webhook's address, if it cannot.
pub(crate) fn check(url: &str) -> std::result::Result<(), String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it must begin with https:// or http://".into());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("it names no host".into());
    }
    Ok(())
}

/// Posts the report of a notification.
pub(crate) async fn post(secret: Secret, url: String, notification: &Notification) -> Result<()> {
    let (id, body) = (notification.id.clone(), notification.json.clone());
    let task = tokio::task::spawn_blocking(move || send(&secret, &url, &id, &body));
    task.await.unwrap_or_else(|_| Err(fault::stopped("calling a webhook")))
}

fn send(secret: &Secret, url: &str, id: &str, body: &str) -> Result<()> {
    let signature = sign(secret, Timestamp::now().as_second(), body)?;
    let answer = agent()
        .post(url)
        .header("Content-Type", "application/json")
        .header("User-Agent", concat!("precis/", env!("CARGO_PKG_VERSION")))
        .header("Precis-Id", id)
        .header("Precis-Signature", &signature)
        .send(body);
    let failed = |fault, what: String| Err(PortError::new(fault, format!("calling a webhook: {what}")));
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let status = answer.status();
            // "Gone" is the one answer that asks us to stop; others may be mended at the receiver within the day.
            let fault = if status.as_u16() == 410 { Fault::Permanent } else { Fault::Transient };
            failed(fault, format!("the answer was {status}"))
        }
        Err(ureq::Error::BadUri(why)) => failed(Fault::Permanent, why),
        Err(error) => failed(Fault::Transient, error.to_string()),
    }
}

/// The value of the signature's header.
fn sign(secret: &Secret, at: i64, body: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .map_err(|error| PortError::new(Fault::Permanent, format!("signing a webhook's body: {error}")))?;
    mac.update(format!("{at}.").as_bytes());
    mac.update(body.as_bytes());
    Ok(format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes())))
}

/// One agent for all: it keeps connections. Trusts what this machine trusts.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(error = %error, "some trusted certificates cannot be read");
        }
        let roots: Vec<_> = found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // A redirect would send the report where nobody subscribed.
            .max_redirects(0)
            .build()
            .into()
    })
}

/// The data folder's own secret, made at the first need.
pub(crate) fn folder_secret(folder: &Path) -> Result<Secret> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join("webhook-secret");
    let failed = |error: std::io::Error| fault::io("reading the file webhook-secret", &error);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let secret: String = (0..4).map(|_| random_hex()).collect();
    let temporary = folder.join(format!("webhook-secret.{}", random_hex()));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(failed)?;
    let written = writeln!(file, "{secret}").and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&temporary, &path)).map_err(failed)?;
    Ok(Secret::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_time_and_body() {
        // Checked by: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let signature = sign(&Secret::new("key"), 1_700_000_000, r#"{"a":1}"#).unwrap();
        assert_eq!(
            signature,
            "t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"
        );
    }

    #[test]
    fn only_http_addresses_are_webhooks() {
        assert!(check("https://example.com/hook").is_ok());
        for bad in ["ftp://example.com", "example.com/hook", "https://", "javascript:alert(1)", ""] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_folders_own_secret_is_made_once_and_is_nobody_elses_to_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder_secret(folder.path()).unwrap();
        assert!(secret.expose().len() >= 32);
        assert_eq!(folder_secret(folder.path()).unwrap(), secret);
        let mode = fs::metadata(folder.path().join("webhook-secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
