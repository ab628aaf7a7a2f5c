//! The two requests that leave for others than platforms: a time-stamp, and a witness's cosignature.
//!
//! What they carry is a digest or a checkpoint and nothing else: there is no way here to send another body or to
//! another kind of address, so nothing on a platform can be changed by it and no [`Intent`](crate::store::Intent) is
//! needed. Certificates and proxy are those of every other call.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::request::is_loopback;
use super::{ClientError, ClientOptions, causes, told, without_secrets};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// The time, on a digest (RFC 3161).
    Stamp(&'a [u8]),
    /// A cosignature (c2sp.org/tlog-witness); the path is the protocol's, below the address.
    Cosign(&'a str),
}

/// What came back.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The kind that the server says the body is.
    pub kind: Option<String>,
    /// The exact bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HTTP {}, {} bytes of {}",
            self.status,
            self.body.len(),
            self.kind.as_deref().unwrap_or("no kind")
        )
    }
}

/// The client for both.
pub struct Outside {
    /// Plain HTTP to this machine, never through the proxy.
    near: reqwest::Client,
    /// Plain HTTP too, which many authorities speak: what they answer is signed.
    far: reqwest::Client,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

impl Outside {
    /// A client whose requests take at most `whole`, from the start to the last byte.
    ///
    /// # Errors
    /// What is wrong with `[network]`.
    pub fn new(options: &ClientOptions, whole: Duration) -> Result<Self, ClientError> {
        // A second installation fails, and the first is as good: every caller installs ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || options.builder(CONNECT.min(whole), whole);
        let settings = |error: reqwest::Error| ClientError::Settings(causes(&error.without_url()));
        let near = builder().tls_certs_only(Vec::new()).build().map_err(settings)?;
        let far = options.leave_home(builder())?.build().map_err(settings)?;
        Ok(Self { near, far })
    }

    /// Asks, and reads at most `limit` bytes of the answer. Follows no redirect and tries once.
    ///
    /// # Errors
    /// A sentence: no connection, no whole answer in time, an answer that is too long.
    pub async fn ask(&self, address: &Url, question: Question<'_>, limit: usize) -> Result<Reply, String> {
        let mut url = address.clone();
        let (kind, body) = match question {
            Question::Stamp(query) => (crate::archive::timestamp::QUERY, query.to_vec()),
            Question::Cosign(text) => {
                url.set_path(&format!("{}/add-checkpoint", address.path().trim_end_matches('/')));
                ("text/plain; charset=utf-8", text.as_bytes().to_vec())
            }
        };
        let place = format!("POST {}", without_secrets(url.as_str()));
        let client = if is_loopback(&url) { &self.near } else { &self.far };
        let mut head = client
            .post(url)
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .map_err(|error| told(&place, error))?;
        let mut reply = Reply {
            status: head.status().as_u16(),
            kind: head.headers().get("content-type").and_then(|kind| Some(kind.to_str().ok()?.to_owned())),
            body: Vec::new(),
        };
        while let Some(piece) = head.chunk().await.map_err(|error| told(&place, error))? {
            if reply.body.len() + piece.len() > limit {
                return Err(format!("{place}: the answer is longer than {limit} bytes"));
            }
            reply.body.extend_from_slice(&piece);
        }
        Ok(reply)
    }
}
