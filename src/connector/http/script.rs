//! A server on loopback that says what a test tells it to, byte for byte: for answers that no real platform can be
//! made to give.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Endpoint;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET`, `POST` …
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) path: String,
    /// The lines of the head after the first, as sent.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Asked {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A query parameter, unescaped.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A whole answer: status, further header lines (each ending in CRLF), body.
    Whole(u16, String, Vec<u8>),
    /// These bytes, then the connection closes.
    Raw(Vec<u8>),
    /// Nothing, for a minute.
    Silence,
    /// The head of an answer, then nothing, for a minute.
    HeadOnly,
    /// The connection closes without an answer.
    Close,
}

impl Reply {
    /// 200 with this JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::status(200, &value.to_string())
    }

    /// A status and a body of JSON.
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Whole(status, "Content-Type: application/json\r\n".to_owned(), body.as_bytes().to_vec())
    }
}

/// The server; ends with the runtime of its test.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) endpoint: Endpoint,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server that answers with `reply`.
    pub(crate) async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (Arc::clone(&asked), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                tokio::spawn(async move { serve(stream, &log, reply.as_ref()).await });
            }
        });
        Self { endpoint, asked }
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, reply: &(impl Fn(&Asked) -> Reply + Sync)) {
    let Some(asked) = read(&mut stream).await else { return };
    let answer = reply(&asked);
    log.lock().unwrap().push(asked);
    let bytes = match answer {
        Reply::Whole(status, headers, body) => {
            let mut head = String::new();
            let length = body.len();
            write!(
                head,
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            [head.into_bytes(), body].concat()
        }
        Reply::Raw(bytes) => bytes,
        Reply::HeadOnly => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
            stream.write_all(head.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_mins(1)).await;
            return;
        }
        Reply::Silence => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return;
        }
        Reply::Close => return,
    };
    // A client that has read enough may have gone: that is its right.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length: usize = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            while bytes.len() < end + 4 + length {
                let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
                bytes.extend_from_slice(&chunk[..n]);
            }
            let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
            let mut words = first.split(' ');
            return Some(Asked {
                method: words.next()?.to_owned(),
                path: words.next()?.to_owned(),
                head: rest.to_owned(),
                body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned(),
            });
        }
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    }
}
