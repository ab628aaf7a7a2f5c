//! Where requests may go and what they carry.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

use crate::archive::exchange::Asked;
use crate::connector::budget::Purpose;

/// The longest answer that is read, unless the request says otherwise.
const LIMIT: usize = 8 * 1024 * 1024;

/// Parameters whose values never stand in an error, a log or evidence.
const SECRET_PARAMETERS: [&str; 16] = [
    "access_token",
    "appsecret_proof",
    "assertion",
    "client_secret",
    "code",
    "fb_exchange_token",
    "id_token",
    "input_token",
    "key",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "signature",
    "state",
    "token",
];

/// Headers of every request. The bytes of the answer are evidence: they are asked for as they are.
const ALWAYS: [(&str, &str); 2] = [("accept", "application/json"), ("accept-encoding", "identity")];

/// The base address of a platform's interface: https, or plain http to this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The endpoint at `address`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with `address`, without repeating it: it may hold a password.
    pub fn parse(address: &str) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| format!("is not an address: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a name or a password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must end with a path, without `?` and `#`".to_owned());
        }
        match url.scheme() {
            "https" if url.has_host() => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err("must begin with https://; plain http only to loopback".to_owned()),
            other => Err(format!("must begin with https://, not `{other}:`")),
        }
    }

    /// True where requests never leave this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The host's name, as `doctor --hosts` lists it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address below this one with these path segments; none can lead elsewhere. Everything in them but letters,
    /// digits and `*-._` is escaped: LinkedIn takes its URNs no other way (`urn%3Ali%3Acomment%3A%28…%2C…%29`).
    fn at(&self, segments: &[&str]) -> Url {
        let mut path = self.0.path().trim_end_matches('/').to_owned();
        // `.` and `..` cannot be escaped: a server reads them as steps all the same.
        for segment in segments.iter().filter(|segment| !matches!(**segment, "." | "..")) {
            path.push('/');
            for part in byte_serialize(segment.as_bytes()) {
                // The form's way of writing a space; a plus sign itself comes as %2B.
                path.push_str(if part == "+" { "%20" } else { part });
            }
        }
        let mut url = self.0.clone();
        url.set_path(&path);
        url
    }

    /// The same host with another path, which begins with `/`.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(path);
        Self(url)
    }

    /// The path of this address, without a `/` at its end.
    pub fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// The address with the values of secret parameters replaced by `…`; for evidence, errors and logs.
pub fn without_secrets(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return "(not an address)".to_owned() };
    // Neither can fail on an address that has a host; one without a host has no password.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let secret = is_secret(&name);
            (name.into_owned(), if secret { "…".to_owned() } else { value.into_owned() })
        })
        .collect();
    if pairs.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

/// Whether a parameter of this name holds a secret.
fn is_secret(name: &str) -> bool {
    SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// What a request does, as HTTP names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
    /// Writes.
    Put,
    /// Writes.
    Delete,
}

/// One request, not yet sent. Shown without its headers, its body and its secrets.
pub struct Request {
    method: Method,
    url: Url,
    bearer: Option<SecretString>,
    basic: Option<(String, SecretString)>,
    headers: Vec<(&'static str, String)>,
    body: Option<(&'static str, SecretString)>,
    limit: usize,
    costs: Vec<(&'static str, u64)>,
    purpose: Option<Purpose>,
}

impl Request {
    /// A request to the path below `endpoint` made of `segments`, each of which is escaped.
    pub fn new(method: Method, endpoint: &Endpoint, segments: &[&str]) -> Self {
        Self {
            method,
            url: endpoint.at(segments),
            bearer: None,
            basic: None,
            headers: Vec::new(),
            body: None,
            limit: LIMIT,
            costs: Vec::new(),
            purpose: None,
        }
    }

    /// [`Request::new`] with GET.
    pub fn get(endpoint: &Endpoint, segments: &[&str]) -> Self {
        Self::new(Method::Get, endpoint, segments)
    }

    /// Adds a parameter to the address. Not for secrets: they go in headers and bodies.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(mut self, token: &SecretString) -> Self {
        self.bearer = Some(token.clone());
        self
    }

    /// Adds `Authorization: Basic` (RFC 7617): how an app names itself to a token endpoint.
    #[must_use]
    pub fn basic(mut self, name: &str, password: &SecretString) -> Self {
        self.basic = Some((name.to_owned(), password.clone()));
        self
    }

    /// Adds a header that is no secret.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends this JSON.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(("application/json", body.to_string().into()));
        self
    }

    /// Sends these fields as a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Some(("application/x-www-form-urlencoded", body.into()));
        self
    }

    /// Reads answers up to this many bytes, in place of 8 MiB.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Says what the request costs of one of the budget's quotas; a request may cost several.
    #[must_use]
    pub fn costs(mut self, quota: &'static str, units: u64) -> Self {
        self.costs.push((quota, units));
        self
    }

    /// Says what the request is for; left out, a GET polls and everything else acts.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// The address, free of secrets: what evidence says was asked.
    pub fn address(&self) -> String {
        without_secrets(self.url.as_str())
    }

    /// What evidence says was asked, and the key that went with it.
    pub(super) fn asked(&self) -> (Asked, Option<SecretString>) {
        let headers =
            ALWAYS.into_iter().chain(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let mut withheld: Vec<_> = self
            .url
            .query_pairs()
            .filter(|(name, _)| is_secret(name))
            .map(|(name, _)| format!("?{name}"))
            .collect();
        if self.bearer.is_some() || self.basic.is_some() {
            withheld.insert(0, "authorization".to_owned());
        }
        let asked = Asked {
            method: format!("{:?}", self.method).to_uppercase(),
            url: self.address(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            withheld,
        };
        (asked, self.bearer.clone())
    }

    pub(super) fn method(&self) -> Method {
        self.method
    }

    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    pub(super) fn price(&self) -> (&[(&'static str, u64)], Purpose) {
        let usual = if self.method == Method::Get { Purpose::Poll } else { Purpose::Act };
        (&self.costs, self.purpose.unwrap_or(usual))
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(super) fn into_call(self, client: &reqwest::Client) -> reqwest::RequestBuilder {
        let method = match self.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let writes = method != reqwest::Method::GET;
        let mut call = client.request(method, self.url);
        for (name, value) in ALWAYS {
            call = call.header(name, value);
        }
        for (name, value) in self.headers {
            call = call.header(name, value);
        }
        if let Some(token) = self.bearer {
            // Marks the header as secret, so that neither reqwest nor hyper shows it.
            call = call.bearer_auth(token.expose_secret());
        }
        if let Some((name, password)) = self.basic {
            call = call.basic_auth(name, Some(password.expose_secret()));
        }
        if let Some((kind, body)) = self.body {
            call = call.header("content-type", kind).body(body.expose_secret().to_owned());
        } else if writes {
            // Google's front end answers 411 to a POST that does not say that nothing follows.
            call = call.header("content-length", "0");
        }
        call
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.method, self.address())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
