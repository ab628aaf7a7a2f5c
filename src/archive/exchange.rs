//! How the answer of a single look travelled: what was asked and how, and what came back before the answer's bytes.
//!
//! Kept as JSON beside those bytes, `api/001-comment.exchange.json`, and committed to like them; specified in
//! `archive/README.md`. It holds no secret: what was withheld is named.

use serde::{Deserialize, Serialize};

/// Where the bytes of the single look, or of the stored element, lie in pack and bag.
pub const LOOK: &str = "api/001-comment.response.json";

/// Where it lies how that look travelled.
pub const FILE: &str = "api/001-comment.exchange.json";

/// The format's name.
const FORMAT: &str = "uppsikt-exchange/1";

/// Headers that say how the bytes were wrapped on their way. The client unwrapped them, so a message that is put
/// together again must not repeat them.
const WRAPPING: [&str; 5] =
    ["transfer-encoding", "content-encoding", "content-length", "connection", "keep-alive"];

/// One request and its answer, without the answer's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    format: String,
    /// What was asked.
    pub request: Asked,
    /// What came back.
    pub response: Answered,
}

/// A request that only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `GET`.
    pub method: String,
    /// The address, the values of secret parameters replaced by `…`.
    pub url: String,
    /// The headers that this program chose, in the order of the request.
    pub headers: Vec<(String, String)>,
    /// Names of headers and parameters that were sent and are left out here, since they hold a key.
    pub withheld: Vec<String>,
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The headers as they came, in the order in which they came; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Names of headers that came and are left out here: cookies, and what is no text or repeats a key.
    pub withheld: Vec<String>,
}

impl Exchange {
    /// An exchange as it was.
    pub fn new(request: Asked, response: Answered) -> Self {
        Self { format: FORMAT.to_owned(), request, response }
    }

    /// Reads the file of a pack or a bag; `None` if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let exchange: Self = serde_json::from_slice(bytes).ok()?;
        let plain = |text: &str| !text.chars().any(char::is_control);
        let headers = exchange.request.headers.iter().chain(&exchange.response.headers);
        let whole = exchange.format == FORMAT
            && plain(&exchange.request.method)
            && plain(&exchange.request.url)
            && headers.into_iter().all(|(name, value)| plain(name) && plain(value) && !name.contains(':'));
        whole.then_some(exchange)
    }

    /// The file: one line of JSON.
    pub fn text(&self) -> String {
        // A struct of texts and numbers is always JSON.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The request as one HTTP/1.1 message, without what was withheld.
    pub fn request_block(&self) -> Vec<u8> {
        let (host, path) = split(&self.request.url);
        let mut block = format!("{} {path} HTTP/1.1\r\nhost: {host}\r\n", self.request.method);
        for (name, value) in &self.request.headers {
            push(&mut block, name, value);
        }
        block.push_str("\r\n");
        block.into_bytes()
    }

    /// The head of the answer as one of an HTTP/1.1 message whose body is `size` bytes as they are.
    pub fn response_head(&self, size: usize) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.response.status, reason(self.response.status));
        for (name, value) in &self.response.headers {
            if !WRAPPING.contains(&name.as_str()) {
                push(&mut head, name, value);
            }
        }
        push(&mut head, "content-length", &size.to_string());
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The kind of the answer's body, without parameters.
    pub fn kind(&self) -> &str {
        let named = self.response.headers.iter().find(|(name, _)| name == "content-type");
        named.and_then(|(_, value)| value.split(';').next()).map_or("application/octet-stream", str::trim)
    }
}

fn push(block: &mut String, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        block.push_str(part);
    }
}

/// The host of an address, and its path with the query.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or((rest, "/"), |at| rest.split_at(at))
}

/// The words of a status line; HTTP/2 sends none.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Exchange::new(
            Asked {
                method: "GET".to_owned(),
                url: "https://graph.exempel.se:8443/v25.0/1?fields=id&appsecret_proof=%E2%80%A6".to_owned(),
                headers: vec![pair("accept", "application/json")],
                withheld: vec!["authorization".to_owned()],
            },
            Answered {
                version: "HTTP/2.0".to_owned(),
                status: 200,
                headers: vec![
                    pair("content-type", "application/json; charset=UTF-8"),
                    pair("transfer-encoding", "chunked"),
                ],
                withheld: vec![],
            },
        )
    }

    #[test]
    fn what_is_kept_is_read_again_and_put_together_as_messages() {
        let exchange = exchange();
        assert_eq!(Exchange::parse(exchange.text().as_bytes()).unwrap(), exchange);
        assert_eq!(
            String::from_utf8(exchange.request_block()).unwrap(),
            "GET /v25.0/1?fields=id&appsecret_proof=%E2%80%A6 HTTP/1.1\r\nhost: graph.exempel.se:8443\r\n\
             accept: application/json\r\n\r\n"
        );
        assert_eq!(
            String::from_utf8(exchange.response_head(7)).unwrap(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=UTF-8\r\ncontent-length: 7\r\n\r\n"
        );
        assert_eq!(exchange.kind(), "application/json");
    }

    #[test]
    fn a_header_never_begins_a_line_of_its_own() {
        for (from, to) in [
            ("chunked", "chunked\\r\\nx: y"),
            ("https://graph", "https://graph\\u0000"),
            ("uppsikt-exchange/1", "uppsikt-exchange/2"),
            ("content-type", "content:type"),
            ("\"withheld\"", "\"more\""),
        ] {
            let text = exchange().text().replace(from, to);
            assert_eq!(Exchange::parse(text.as_bytes()), None, "{to}");
        }
        assert_eq!(Exchange::parse(b""), None);
    }
}
