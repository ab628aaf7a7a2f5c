//! Outsiders on this machine: a real time-stamp authority (OpenSSL), and any server that a test scripts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use uppsikt::durable;

/// What a server does with a request.
pub(crate) enum Does {
    /// Answers: status, kind, body.
    Says(u16, &'static str, Vec<u8>),
    /// Takes the request and never answers.
    Hangs,
    /// Closes the connection.
    Leaves,
}

type Handler = dyn FnMut(&str, &[u8]) -> Does + Send;

/// A server of HTTP on loopback; it lives until the test ends.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
    handler: Arc<Mutex<Box<Handler>>>,
}

impl Server {
    pub(crate) fn new(handler: impl FnMut(&str, &[u8]) -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let handler: Arc<Mutex<Box<Handler>>> = Arc::new(Mutex::new(Box::new(handler)));
        let (count, scripted) = (asked.clone(), handler.clone());
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let Some((path, body)) = read(&stream) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let does = (scripted.lock().unwrap())(&path, &body);
                match does {
                    Does::Leaves => {}
                    Does::Hangs => unanswered.push(stream),
                    Does::Says(status, kind, body) => {
                        let head = format!(
                            "HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                            body.len()
                        );
                        // Whoever has gone does not want the answer.
                        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
                    }
                }
            }
        });
        Self { url, asked, handler }
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// From now on it does something else.
    pub(crate) fn becomes(&self, handler: impl FnMut(&str, &[u8]) -> Does + Send + 'static) {
        *self.handler.lock().unwrap() = Box::new(handler);
    }
}

/// Path and body of a request.
fn read(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

/// A time-stamp authority with its own root, as `tests/tsa/make.sh` makes it.
#[derive(Clone)]
pub(crate) struct Tsa {
    pub(crate) folder: PathBuf,
}

impl Tsa {
    pub(crate) fn new(folder: &Path, days: u32) -> Self {
        Self::with(folder, days, "critical,timeStamping")
    }

    pub(crate) fn with(folder: &Path, days: u32, usage: &str) -> Self {
        durable::create_folder(folder).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tsa/make.sh");
        let made = Command::new("bash")
            .arg(script)
            .args([&days.to_string(), usage])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The reply to a query, whatever it is.
    pub(crate) fn reply(&self, query: &[u8]) -> Vec<u8> {
        let (q, r) = (self.folder.join("q"), self.folder.join("r"));
        durable::write(&q, query, 0o600).unwrap();
        let _ = std::fs::remove_file(&r);
        let made = Command::new("openssl")
            .args(["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "r"])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::read(r).unwrap()
    }

    /// What an honest authority does.
    pub(crate) fn honest(&self) -> impl FnMut(&str, &[u8]) -> Does + Send + 'static {
        let tsa = self.clone();
        move |_, query| Does::Says(200, "application/timestamp-reply", tsa.reply(query))
    }

    /// `openssl ts -verify` on these bytes: what it said, and whether it holds.
    pub(crate) fn openssl(&self, data: &Path, reply: &Path) -> (bool, String) {
        let said = Command::new("openssl")
            .args(["ts", "-verify", "-no_check_time", "-data"])
            .arg(data)
            .arg("-in")
            .arg(reply)
            .arg("-CAfile")
            .arg(self.ca())
            .output()
            .unwrap();
        let words =
            String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        (said.status.success(), words)
    }
}
