//! No secret is ever written (promise 9): the program runs with distinctive secrets for every platform and for mail,
//! against platforms that fail in every way and repeat what they were sent, as chattily as it can; then everything it
//! wrote is searched for them, in plain and in the forms in which they travel.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use uppsikt::durable;

use crate::support::municipality::{Municipality, account};
use crate::support::smtp::{PASSWORD, SmtpServer, USER};

const PROGRAM: &str = env!("CARGO_BIN_EXE_uppsikt");

/// What an account is made of: id, platform, native id, path of the interface.
const ACCOUNTS: [(&str, &str, &str, &str); 6] = [
    ("fb", "facebook", "123456789012345", "/facebook/v25.0"),
    ("ig", "instagram", "17841400000000000", "/instagram/v25.0"),
    ("yt", "youtube", "UCexempel", "/youtube/v3"),
    ("li", "linkedin", "urn:li:organization:4711", "/linkedin"),
    ("x", "x", "2244994945", "/x/2"),
    ("bsky", "bluesky", "did:plc:exempelexempelexempel", "/bluesky"),
];

/// Characters of every kind that an encoding changes, so that each form is another text.
fn secret(what: &str) -> String {
    format!("HeMl1g/{what}+ÅQ==~{what}?&=%zz")
}

/// Every secret of the trial.
fn secrets() -> Vec<String> {
    let mut all = vec![PASSWORD.to_owned(), secret("kod")];
    for (id, ..) in ACCOUNTS {
        for what in ["access", "refresh", "client", "app", "login"] {
            all.push(secret(&format!("{id}-{what}")));
        }
    }
    all
}

/// The forms in which a secret travels.
fn forms(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let every_byte = secret.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    });
    let json = serde_json::to_string(secret).unwrap();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        percent.replace('+', "%20"),
        percent,
        every_byte,
        hex::encode(secret),
        // The beginning is telling enough where a text was cut, or a URL library left some characters alone.
        secret.chars().take(14).collect(),
    ];
    // In front of it, as in `Basic` and `AUTH PLAIN`, may stand any number of bytes: three ways to fall on base64.
    for shift in 0..3 {
        let bytes = [vec![b'x'; shift], secret.as_bytes().to_vec()].concat();
        for text in [BASE64_STANDARD_NO_PAD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes)] {
            // Without the ends, which the neighbouring bytes change.
            forms.push(text[4..text.len() - 4].to_owned());
        }
    }
    forms.push(BASE64_STANDARD.encode(secret));
    forms
}

/// Platforms that answer with what they were sent, in one way of failing after the other.
struct Echo {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, turn) = (Arc::clone(&asked), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, log, turn) = (stream.unwrap(), Arc::clone(&log), Arc::clone(&turn));
                thread::spawn(move || {
                    let Some(request) = read(&mut stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    let answer = answer(turn.fetch_add(1, Ordering::Relaxed), &request);
                    let _ = stream.write_all(answer.as_bytes());
                });
            }
        });
        Self { address, asked }
    }
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return Some(text);
        }
    }
}

/// Every kind of fault, each repeating the whole request.
fn answer(turn: usize, request: &str) -> String {
    let quoted = serde_json::to_string(request).unwrap();
    let whole = |status: &str, kind: &str, more: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
            body.len()
        )
    };
    let json = "application/json";
    let line = request.lines().next().unwrap_or_default().replace(' ', "_");
    match turn % 12 {
        0 => whole(
            "400 Bad Request",
            json,
            "",
            &format!(r#"{{"error":{{"message":{quoted},"type":"OAuthException","code":190}}}}"#),
        ),
        1 => whole(
            "401 Unauthorized",
            json,
            "",
            &format!(r#"{{"error":"invalid_grant","error_description":{quoted}}}"#),
        ),
        2 => whole("400 Bad Request", json, "", &format!(r#"{{"error":{quoted},"message":{quoted}}}"#)),
        3 => whole("429 Too Many Requests", json, "retry-after: 1\r\n", &format!(r#"{{"title":{quoted}}}"#)),
        4 => whole("500 Internal Server Error", "text/plain", "", request),
        5 => whole("200 OK", "text/html", "", &format!("<html>{request}</html>")),
        6 => whole("302 Found", json, &format!("location: http://127.0.0.1:9/?{line}\r\n"), ""),
        7 => whole("200 OK", json, "", &quoted),
        8 => whole(
            "200 OK",
            json,
            "",
            &format!(
                r#"{{"data":{quoted},"items":{quoted},"elements":{quoted},"errors":[{{"detail":{quoted}}}]}}"#
            ),
        ),
        9 => format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {json}\r\ncontent-length: 100000\r\n\r\n{{\"x\":{quoted}"
        ),
        10 => whole(
            "403 Forbidden",
            json,
            "",
            &format!(r#"{{"status":403,"code":{quoted},"message":{quoted}}}"#),
        ),
        _ => String::new(),
    }
}

/// An installation with all its secrets.
struct Trial {
    folder: tempfile::TempDir,
    shown: Vec<u8>,
}

impl Trial {
    fn new(api: &str, mail: &SmtpServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            durable::write(&folder.path().join(name), text.as_bytes(), 0o600).unwrap();
        };
        durable::create_folder(&folder.path().join("secrets")).unwrap();
        let mut municipality = Municipality::in_folder("1 MiB")
            .but("transport = \"folder\"\noffice_hours_only = true", "office_hours_only = false")
            .and(&format!(
                "[mail.smtp]\nhost = \"localhost\"\nport = {}\ntls = \"starttls\"\nusername = \"{USER}\"\n\
                 password_file = \"secrets/smtp\"\n[network]\nca_file = \"{}\"",
                mail.port,
                mail.ca_file().display()
            ));
        write("secrets/smtp", PASSWORD);
        for (id, platform, native, path) in ACCOUNTS {
            let key = |what: &str| secret(&format!("{id}-{what}"));
            let files = if platform == "bluesky" {
                let login = serde_json::json!({ "identifier": "exempel.se", "password": key("login") });
                write(&format!("secrets/{id}-login"), &login.to_string());
                format!("login_file = \"{id}-login\"")
            } else {
                // Has ended, so that it is renewed before it is used.
                let grant = serde_json::json!({
                    "access_token": key("access"), "refresh_token": key("refresh"), "client_id": "app-1",
                    "client_secret": key("client"), "expires_at": "2026-01-01T00:00:00Z"
                });
                let meta = matches!(platform, "facebook" | "instagram");
                write(&format!("secrets/{id}-token"), &if meta { key("access") } else { grant.to_string() });
                write(&format!("secrets/{id}-app"), &key("app"));
                let app = if meta { format!("app_secret_file = \"{id}-app\"") } else { String::new() };
                format!("token_file = \"{id}-token\"\n{app}")
            };
            let more =
                format!("mode = \"act\"\npoll = \"0 */5 * * * *\"\napi = \"http://{api}{path}\"\n{files}");
            municipality = municipality.and(&account(id, platform, native, &more));
        }
        municipality.write(&folder.path().join("uppsikt.toml"));
        Self { folder, shown: Vec::new() }
    }

    fn run(&mut self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(PROGRAM)
            .arg("--config")
            .arg(self.folder.path().join("uppsikt.toml"))
            .args(arguments)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing has closed its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        self.shown.extend(&output.stdout);
        self.shown.extend(&output.stderr);
        output
    }

    /// Every file that the program wrote, but the secrets' own and the configuration.
    fn written(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(&self.folder.path().join("data"), &mut found);
        found
    }
}

/// The first form of a secret that stands in `bytes`, with some of what stands before it.
fn leak(bytes: &[u8]) -> Option<String> {
    for secret in secrets() {
        for form in forms(&secret) {
            let form = form.as_bytes();
            if let Some(at) = bytes.windows(form.len()).position(|window| window == form) {
                let from = at.saturating_sub(200);
                return Some(format!("{secret}: {}", String::from_utf8_lossy(&bytes[from..at + form.len()])));
            }
        }
    }
    None
}

#[test]
fn nothing_that_the_program_writes_holds_a_secret_whatever_the_platforms_answer() {
    let echo = Echo::start();
    let mail = SmtpServer::start("starttls auth");
    let mut trial = Trial::new(&echo.address, &mail);
    let init = trial.run(&["init"], "");
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    // The recovery sheet is the one thing that is there to show a secret, and none of these.
    for _ in 0..14 {
        trial.run(&["run", "--once"], "");
    }
    trial.run(&["doctor"], "");
    trial.run(&["doctor", "--json"], "");
    trial.run(&["status"], "");
    trial.run(&["check"], "");
    for (id, platform, ..) in ACCOUNTS {
        let api = format!("http://{}", echo.address);
        for _ in 0..4 {
            let arguments = [
                "connect",
                platform,
                "--account",
                id,
                "--api",
                &api,
                "--client-id",
                "a",
                "--login",
                "exempel.se",
            ];
            trial.run(&arguments, &format!("{}\n", secret("kod")));
        }
    }
    let asked = echo.asked.lock().unwrap().join("\n");
    for (id, platform, ..) in ACCOUNTS {
        let sent = ["access", "refresh", "login"].iter().any(|what| {
            forms(&secret(&format!("{id}-{what}"))).iter().any(|form| asked.contains(form.as_str()))
        });
        assert!(sent, "the trial must have used the secret of {platform}, or it shows nothing");
    }
    assert!(leak(asked.as_bytes()).is_some(), "the search finds what was sent");
    assert_eq!(leak(&trial.shown), None, "on standard output or standard error");
    let written = trial.written();
    assert!(written.iter().any(|path| path.ends_with("uppsikt.db")), "{written:?}");
    for path in written {
        assert_eq!(leak(&fs::read(&path).unwrap()), None, "in {}", path.display());
    }
    let letters = mail.letters();
    assert!(!letters.is_empty(), "the dead keys are told, through a server that asks for the password");
    for letter in letters {
        assert_eq!(leak(&letter), None, "in a letter");
    }
}

/// What a panic says of everything that holds a secret.
#[test]
fn a_panic_over_anything_that_holds_a_secret_does_not_show_it() {
    use uppsikt::connector::http::{ClientOptions, Endpoint, Method, Request};
    use uppsikt::connector::{Grant, Token};
    let hidden = secret("fb-access");
    let endpoint = Endpoint::parse("https://exempel.se/v1").unwrap();
    let request = || {
        Request::new(Method::Post, &endpoint, &["me"])
            .bearer(&hidden.clone().into())
            .query("access_token", &hidden)
            .query("client_secret", &hidden)
            .query("code", &hidden)
            .query("fb_exchange_token", &hidden)
            .query("input_token", &hidden)
            .form(&[("refresh_token", &hidden)])
    };
    let grant = || Grant { refresh: Some(hidden.clone().into()), ..Grant::bare(hidden.clone().into()) };
    let options =
        ClientOptions { proxy: Some(format!("http://u:{hidden}@proxy")), ..ClientOptions::default() };
    for value in [
        format!("{:?} {} {}", request(), request(), request().address()),
        format!("{:?}", grant()),
        format!("{:?}", Token::fixed(grant())),
        format!("{options:?}"),
    ] {
        let panicked = std::panic::catch_unwind(|| panic!("{value}")).unwrap_err();
        let said = panicked.downcast::<String>().unwrap();
        assert_eq!(leak(said.as_bytes()), None);
    }
}
