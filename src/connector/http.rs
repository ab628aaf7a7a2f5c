//! The only place that speaks to the network: to platforms with one client, its limits, and one method that writes; to
//! time-stamp authorities and witnesses with [`Outside`].
//!
//! Reading goes through [`Http::get`], sessions through [`Http::authenticate`], and everything that changes
//! something through [`Http::write`], which nobody can call without an [`Intent`] from the store and a
//! [`Preserved`] from the archive. Nothing here retries and nothing follows a redirect.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::archive::Preserved;
use crate::connector::ConnectorError;
use crate::connector::budget::{Budget, Left};
use crate::kill::{self, When};
use crate::store::Intent;

mod answer;
mod fetch;
mod outside;
mod request;
#[cfg(test)]
pub(crate) mod script;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Rate, element, elements, malformed};
pub use fetch::Fetched;
pub use outside::{Outside, Question, Reply};
pub use request::{Endpoint, Method, Request, without_secrets};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long one request may take from its start to the last byte of its answer.
const WHOLE: Duration = Duration::from_secs(30);

/// Paths that open or renew a session: the only ones that [`Http::authenticate`] sends to. None of them changes
/// anything that other people see.
const SESSION_PATHS: [&str; 6] = [
    "/xrpc/com.atproto.server.createSession",
    "/xrpc/com.atproto.server.refreshSession",
    "/oauth/access_token",
    "/oauth/v2/accessToken",
    "/2/oauth2/token",
    "/token",
];

/// What the network of the municipality asks of the client.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// The proxy that all requests but those to loopback go through; may hold a password.
    pub proxy: Option<String>,
    /// Certificates (PEM) to trust beside the machine's own store: many municipal networks intercept TLS.
    pub ca_file: Option<PathBuf>,
    /// What the client calls itself.
    pub user_agent: String,
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("proxy", &self.proxy.as_ref().map(|_| "…"))
            .field("ca_file", &self.ca_file)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

impl ClientOptions {
    /// What every client of this program is: it follows nothing, tries once and ends in time.
    fn builder(&self, connect: Duration, whole: Duration) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(connect)
            .timeout(whole)
            // Idle connections are dropped before most servers do so: a request on a dead one is a lost answer.
            .pool_idle_timeout(Duration::from_secs(20))
    }

    /// A client that leaves this machine, through the proxy and with the certificates of the municipality's network.
    fn leave_home(&self, mut outer: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, ClientError> {
        if let Some(proxy) = &self.proxy {
            outer = outer.proxy(reqwest::Proxy::all(proxy).map_err(|_| ClientError::Proxy)?);
        }
        if let Some(path) = &self.ca_file {
            let fault = |reason: String| ClientError::CaFile { path: path.clone(), reason };
            let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| fault("is not a file of PEM certificates".to_owned()))?;
            if certificates.is_empty() {
                return Err(fault("holds no certificate".to_owned()));
            }
            outer = outer.tls_certs_merge(certificates);
        }
        Ok(outer)
    }
}

/// Why the client could not be made; a sentence for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file of certificates cannot be read or holds none.
    #[error("network.ca_file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The proxy's address is no address.
    #[error("network.proxy is not an address such as http://proxy.exempel.se:8080")]
    Proxy,
    /// The user agent cannot stand in a header, or the TLS library refused its settings.
    #[error("the network client could not be made: {0}")]
    Settings(String),
}

/// A whole answer of any status, before it is taken or refused: what its headers say of the limits is true of a refusal
/// too.
#[derive(Debug)]
pub struct Heard<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// The quotas that the request cost.
    pub costs: &'a [&'static str],
    /// What requests of this client are counted against.
    pub budgets: &'a [Budget],
    /// The platform's clock where it tells it, else ours (UTC).
    pub now: DateTime<Utc>,
}

/// "Too many", in a platform's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMany {
    /// How long nothing more is asked.
    pub wait: Duration,
    /// Of which quotas.
    pub quotas: Vec<&'static str>,
}

/// Listens to every answer of one platform and takes over what it says of the limits. For a 429 it may also say what the
/// headers that all platforms share do not: which limit it is, and until when.
pub type Ear = fn(&Heard<'_>) -> Option<TooMany>;

/// The client. Cloning shares its connections.
#[derive(Clone)]
pub struct Http {
    /// Speaks plain HTTP to loopback, never through the proxy, and trusts no certificate at all.
    loopback: reqwest::Client,
    /// Speaks HTTPS. Absent, with the reason, on a machine without a certificate store: a trial with the sandbox
    /// must not need one.
    tls: Result<reqwest::Client, String>,
    /// What may still be asked; without one nothing is counted. Quotas are found by name in all of them.
    budgets: Vec<Budget>,
    ear: Option<Ear>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("tls", &self.tls.is_ok()).finish_non_exhaustive()
    }
}

impl Http {
    /// A client for these options. Reads the file of certificates now.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        Self::with_limits(options, CONNECT, WHOLE)
    }

    fn with_limits(options: &ClientOptions, connect: Duration, whole: Duration) -> Result<Self, ClientError> {
        // A second installation fails, and the first is as good: every caller installs ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || options.builder(connect, whole);
        let loopback = builder()
            .tls_certs_only(Vec::new())
            .build()
            .map_err(|error| ClientError::Settings(causes(&error.without_url())))?;
        let outer = options.leave_home(builder().https_only(true))?;
        let tls = outer.build().map_err(|error| causes(&error.without_url()));
        Ok(Self { loopback, tls, budgets: Vec::new(), ear: None })
    }

    /// The same client for one key, app or address: every request is counted against `budget`, beside those it is
    /// within already, before it is sent.
    #[must_use]
    pub fn within(&self, budget: Budget) -> Self {
        let mut within = self.clone();
        within.budgets.push(budget);
        within
    }

    /// The same client, of whose every answer `ear` hears before anybody else.
    #[must_use]
    pub fn heard_by(&self, ear: Ear) -> Self {
        Self { ear: Some(ear), ..self.clone() }
    }

    /// The budget that was added last.
    pub fn budget(&self) -> Option<&Budget> {
        self.budgets.last()
    }

    /// All budgets that requests are counted against.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// What is left of all of them.
    pub fn left(&self) -> Vec<Left> {
        self.budgets.iter().flat_map(Budget::left).collect()
    }

    /// A client whose time-outs a test can wait for.
    #[cfg(test)]
    pub(crate) fn for_tests(whole: Duration) -> Self {
        let options = ClientOptions { user_agent: "uppsikt-test".to_owned(), ..ClientOptions::default() };
        Self::with_limits(&options, whole, whole).unwrap()
    }

    /// Asks and reads the whole answer.
    ///
    /// Answers with a status below 500 come back, also 4xx: what they mean is the platform's own. Their body is
    /// empty or JSON.
    ///
    /// # Errors
    /// `RateLimited` on 429, `Unavailable` on 5xx and on every failure of the network, `Malformed` on a redirect,
    /// on an answer that is too long and on one that is not JSON (a portal's or proxy's page), `Refused` if
    /// `request` is not a GET.
    pub async fn get(&self, request: Request) -> Result<Answer, ConnectorError> {
        if request.method() != Method::Get {
            return Err(ConnectorError::Refused(format!("{request:?} is not a request that only reads")));
        }
        self.ask(request).await
    }

    /// Opens or renews a session: a POST to one of the platforms' session paths, and to nothing else.
    ///
    /// # Errors
    /// As [`Http::get`]; `Refused` for every other path.
    pub async fn authenticate(&self, request: Request) -> Result<Answer, ConnectorError> {
        if !SESSION_PATHS.iter().any(|path| request.path().ends_with(path)) {
            return Err(ConnectorError::Refused(format!("{request:?} is no request for a session")));
        }
        self.ask(request).await
    }

    /// Carries out the one request that `intent` permits: the only method that changes anything on a platform.
    ///
    /// An answer below 500 (but 429) comes back whole: the platform has told what it did.
    ///
    /// # Errors
    /// `Unavailable` if the request was certainly not sent. From the moment it may have been sent, everything but
    /// a whole answer in JSON is `OutcomeUnknown`: time-outs, resets, 5xx, redirects, pages of a proxy. `Refused`
    /// if the proof is for another comment than the intent. `RateLimited` on 429 and where the budget is spent: it was
    /// not carried out.
    pub async fn write(
        &self,
        intent: &Intent,
        proof: &Preserved,
        request: Request,
    ) -> Result<Answer, ConnectorError> {
        if intent.comment() != proof.comment() {
            return Err(ConnectorError::Refused(format!(
                "intent {} is about another comment than record {} preserves",
                intent.id(),
                proof.record()
            )));
        }
        if request.method() == Method::Get {
            return Err(ConnectorError::Refused(format!("{request:?} writes nothing")));
        }
        let place = request.to_string();
        let limit = request.limit();
        let costs = self.count(&request)?;
        let call = self.prepare(request)?;
        kill::point("act", When::Before);
        let head = call.send().await.map_err(|error| {
            // Only a connection that was never made tells for certain that nothing was sent.
            if error.is_connect() || error.is_builder() {
                ConnectorError::Unavailable(told(&place, error))
            } else {
                ConnectorError::OutcomeUnknown(told(&place, error))
            }
        })?;
        kill::point("act", When::Lost);
        let answer = Answer::read(&place, head, limit).await;
        kill::point("act", When::After);
        self.heed(&costs, answer).map_err(|error| match error {
            ConnectorError::RateLimited(_) => error,
            other => ConnectorError::OutcomeUnknown(other.to_string()),
        })
    }

    async fn ask(&self, request: Request) -> Result<Answer, ConnectorError> {
        let place = request.to_string();
        let limit = request.limit();
        let costs = self.count(&request)?;
        let (asked, key) = request.asked();
        let head = self
            .prepare(request)?
            .send()
            .await
            .map_err(|error| ConnectorError::Unavailable(told(&place, error)))?;
        let answer = Answer::read(&place, head, limit).await;
        self.heed(&costs, answer.map(|answer| answer.to(asked, key)))
    }

    /// Counts the request before it is sent: one that is lost has cost as much as one that was answered.
    ///
    /// Gives the quotas that it costs.
    fn count(&self, request: &Request) -> Result<Vec<&'static str>, ConnectorError> {
        let (costs, purpose) = request.price();
        // Where one budget says no, nothing is taken from the others: a spent one must not empty them poll by poll.
        for budget in &self.budgets {
            budget.fits(costs, purpose)?;
        }
        for budget in &self.budgets {
            budget.spend(costs, purpose)?;
        }
        Ok(costs.iter().map(|(name, _)| *name).collect())
    }

    /// The answer, if it is usable. "Too many" closes the quotas that the request cost, or those that the platform's
    /// words are about, until the platform's time: nobody else asks in vain.
    fn heed(
        &self,
        costs: &[&'static str],
        answer: Result<Answer, ConnectorError>,
    ) -> Result<Answer, ConnectorError> {
        let answer = answer?;
        let told = self.ear.and_then(|ear| {
            let now = answer.date.or_else(|| self.budgets.first().map(Budget::now))?;
            ear(&Heard { answer: &answer, costs, budgets: &self.budgets, now })
        });
        answer.usable().map_err(|error| {
            let ConnectorError::RateLimited(wait) = error else { return error };
            let (wait, quotas) = told.map_or_else(|| (wait, costs.to_vec()), |told| (told.wait, told.quotas));
            for budget in &self.budgets {
                let own: Vec<_> = quotas.iter().copied().filter(|name| budget.has(name)).collect();
                if !own.is_empty() || quotas.is_empty() {
                    budget.refused(&own, wait);
                }
            }
            ConnectorError::RateLimited(wait)
        })
    }

    fn prepare(&self, request: Request) -> Result<reqwest::RequestBuilder, ConnectorError> {
        let client = if request.is_plain() {
            &self.loopback
        } else {
            self.tls.as_ref().map_err(|reason| {
                ConnectorError::Unavailable(format!(
                    "{request}: no TLS, because {reason}; install the system's certificates (ca-certificates)"
                ))
            })?
        };
        Ok(request.into_call(client))
    }
}

/// An error of the network in words, without address, secrets or content.
fn told(place: &str, error: reqwest::Error) -> String {
    let what = if error.is_timeout() { "no whole answer in time: " } else { "" };
    format!("{place}: {what}{}", causes(&error.without_url()))
}

/// An error and what caused it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !line.ends_with(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        next = cause.source();
    }
    line
}
