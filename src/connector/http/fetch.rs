//! Fetching a picture, film or sound that a person has allowed (N6).

use std::fmt;

use chrono::{DateTime, Utc};
use url::Url;

use super::request::is_loopback;
use super::{Answer, Http, told, without_secrets};
use crate::connector::ConnectorError;

/// What was fetched. Shown without its bytes.
pub struct Fetched {
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The kind that the server says it is (`image/jpeg`); what the bytes are is for the reader to find out.
    pub kind: Option<String>,
    /// The address, free of secrets.
    pub url: String,
    /// The server's clock (UTC).
    pub date: Option<DateTime<Utc>>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes of {}", self.url, self.bytes.len(), self.kind.as_deref().unwrap_or("no kind"))
    }
}

impl Http {
    /// Fetches `address`, at most `limit` bytes of it, without any key: from a host in `hosts` or below one of them, or
    /// from this machine (the sandbox).
    ///
    /// # Errors
    /// `Refused` for another host or for an address without TLS, `Malformed` on a redirect and on what is too long,
    /// `RateLimited` and `Unavailable` as for every request.
    pub async fn fetch(
        &self,
        address: &str,
        hosts: &[&str],
        limit: usize,
    ) -> Result<Fetched, ConnectorError> {
        let place = format!("GET {}", without_secrets(address));
        let url = Url::parse(address).map_err(|_| ConnectorError::Refused(format!("{place}: no address")))?;
        let host = url.host_str().unwrap_or_default();
        let below = |allowed: &&str| {
            host.strip_suffix(*allowed).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let client = match url.scheme() {
            "http" if is_loopback(&url) => &self.loopback,
            "https" if hosts.iter().any(below) => self.tls.as_ref().map_err(|reason| {
                ConnectorError::Unavailable(format!("{place}: no TLS, because {reason}"))
            })?,
            _ => {
                return Err(ConnectorError::Refused(format!("{place}: not one of the platform's own hosts")));
            }
        };
        let head = client
            .get(url)
            .header("accept-encoding", "identity")
            .send()
            .await
            .map_err(|error| ConnectorError::Unavailable(told(&place, error)))?;
        let answer = Answer::read(&place, head, limit).await?;
        match answer.status {
            200 => Ok(Fetched {
                kind: answer.header("content-type").map(str::to_owned),
                url: without_secrets(address),
                date: answer.date,
                bytes: answer.body,
            }),
            429 => Err(ConnectorError::RateLimited(answer.wait())),
            404 | 410 => Err(ConnectorError::Refused(format!(
                "{place}: HTTP {}: it is no longer there",
                answer.status
            ))),
            500.. => Err(ConnectorError::Unavailable(format!("{place}: HTTP {}", answer.status))),
            status => Err(ConnectorError::Malformed(format!("{place}: HTTP {status}"))),
        }
    }
}
