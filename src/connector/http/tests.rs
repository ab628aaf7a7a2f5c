//! What the network and hostile servers can do to the client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::script::{Reply, Server};
use super::*;
use crate::connector::Target;
use crate::domain::comment::CommentId;
use crate::store::Act;

const SECRET: &str = "hemlig-nyckel-4711";

fn http() -> Http {
    Http::for_tests(Duration::from_millis(400))
}

fn comment(native: &str) -> CommentId {
    CommentId { account: "a".to_owned(), native: native.to_owned() }
}

fn permit(native: &str) -> (Intent, Preserved) {
    let target = Target {
        native_id: native.to_owned(),
        post_id: "p".to_owned(),
        parent_id: None,
        hidden_by_us: false,
    };
    (Intent::for_tests(Act::Hide, comment(native), target), Preserved::for_tests(comment(native), "x"))
}

fn whole(status: u16, headers: &str, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Whole(status, headers.to_owned(), body.into())
}

async fn read(reply: Reply) -> Result<Answer, ConnectorError> {
    let server = Server::start(move |_| reply.clone()).await;
    http().get(Request::get(&server.endpoint, &["x"]).query("access_token", SECRET)).await
}

async fn written(reply: Reply) -> Result<Answer, ConnectorError> {
    let server = Server::start(move |_| reply.clone()).await;
    let (intent, proof) = permit("1");
    let request = Request::new(Method::Post, &server.endpoint, &["x"]).bearer(&SECRET.into());
    http().write(&intent, &proof, request).await
}

fn name(error: &ConnectorError) -> String {
    let text = format!("{error:?}");
    text.split('(').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_bad_answer_becomes_the_error_that_says_what_to_do() {
    let long = vec![b' '; 9 << 20];
    let table: Vec<(&str, Reply, &str, &str)> = vec![
        (
            "html",
            whole(200, "Content-Type: text/html\r\n", "<html>Logga in</html>"),
            "Malformed",
            "OutcomeUnknown",
        ),
        (
            "html 403",
            whole(403, "Content-Type: text/html\r\n", "<html>Spärrad</html>"),
            "Malformed",
            "OutcomeUnknown",
        ),
        ("half a document", whole(200, "", r#"{"a":[1,2"#), "Malformed", "OutcomeUnknown"),
        ("10 MB", whole(200, "", long), "Malformed", "OutcomeUnknown"),
        ("not UTF-8", whole(200, "", b"{\"a\":\"\xff\xfe\"}".to_vec()), "Malformed", "OutcomeUnknown"),
        ("redirect", whole(302, "Location: https://example.org/\r\n", ""), "Malformed", "OutcomeUnknown"),
        ("500", whole(500, "", "{}"), "Unavailable", "OutcomeUnknown"),
        ("503 html", whole(503, "", "<html>"), "Unavailable", "OutcomeUnknown"),
        ("429", whole(429, "", "{}"), "RateLimited", "RateLimited"),
        ("silence", Reply::Silence, "Unavailable", "OutcomeUnknown"),
        ("head only", Reply::HeadOnly, "Unavailable", "OutcomeUnknown"),
        ("closed", Reply::Close, "Unavailable", "OutcomeUnknown"),
        ("no HTTP", Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "Unavailable", "OutcomeUnknown"),
        (
            "cut body",
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"a\":1}".to_vec()),
            "Unavailable",
            "OutcomeUnknown",
        ),
    ];
    for (what, reply, reading, writing) in table {
        let error = read(reply.clone()).await.expect_err(what);
        assert_eq!(name(&error), reading, "reading, {what}: {error}");
        assert!(!format!("{error:?} {error}").contains(SECRET), "{what}: {error}");
        assert!(!error.to_string().contains("Logga in"), "{what}: {error}");
        let error = written(reply).await.expect_err(what);
        assert_eq!(name(&error), writing, "writing, {what}: {error}");
        assert!(!format!("{error:?} {error}").contains(SECRET), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_page_without_end_is_cut_at_the_limit() {
    // No length announced: chunk after chunk, as a hostile server would.
    let mut bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    bytes.resize(20 << 20, b' ');
    let error = read(Reply::Raw(bytes)).await.unwrap_err();
    assert_eq!(name(&error), "Malformed", "{error}");
}

#[tokio::test]
async fn refusals_of_the_platform_come_back_whole() {
    let answer =
        read(whole(400, "Date: Mon, 23 Nov 2026 06:11:02 GMT\r\nX-Usage: 7\r\n", r#"{"error":"Nej"}"#))
            .await
            .unwrap();
    assert_eq!((answer.status, answer.header("x-usage")), (400, Some("7")));
    assert_eq!(answer.date.unwrap().to_rfc3339(), "2026-11-23T06:11:02+00:00");
    assert!(!answer.is_success());
    let answer = written(whole(204, "", "")).await.unwrap();
    assert!(answer.is_success() && answer.body.is_empty());
}

#[tokio::test]
async fn waits_are_read_from_every_kind_of_header() {
    let date = "Date: Mon, 23 Nov 2026 06:00:00 GMT\r\n";
    let at = 1_795_413_600; // the same moment, counted from 1970
    for (headers, seconds) in [
        ("Retry-After: 120\r\n".to_owned(), 120),
        (format!("{date}Retry-After: Mon, 23 Nov 2026 06:05:00 GMT\r\n"), 300),
        ("Retry-After: Mon, 23 Nov 2026 06:05:00 GMT\r\n".to_owned(), 60),
        (format!("{date}RateLimit-Reset: {}\r\n", at + 90), 90),
        (format!("{date}x-rate-limit-reset: {}\r\n", at + 900), 900),
        ("RateLimit-Reset: 17\r\n".to_owned(), 17),
        (format!("{date}RateLimit-Reset: {}\r\n", at - 90), 60),
        ("Retry-After: 0\r\n".to_owned(), 1),
        ("Retry-After: 99999999999\r\n".to_owned(), 86400),
        ("Retry-After: -5\r\n".to_owned(), 60),
        ("Retry-After: snart\r\n".to_owned(), 60),
        (String::new(), 60),
    ] {
        match read(whole(429, &headers, "{}")).await {
            Err(ConnectorError::RateLimited(wait)) => assert_eq!(wait.as_secs(), seconds, "{headers}"),
            other => panic!("{headers}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_listening_is_unavailable_also_for_a_write() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
    };
    let (intent, proof) = permit("1");
    let error = http().write(&intent, &proof, Request::new(Method::Post, &closed, &["x"])).await.unwrap_err();
    assert_eq!(name(&error), "Unavailable", "{error}");
}

#[tokio::test]
async fn a_proof_for_another_comment_sends_nothing() {
    let server = Server::start(|_| Reply::json(&json!({}))).await;
    let (intent, _) = permit("1");
    let (_, other) = permit("2");
    let request = || Request::new(Method::Post, &server.endpoint, &["x"]);
    let error = http().write(&intent, &other, request()).await.unwrap_err();
    assert_eq!(name(&error), "Refused", "{error}");
    let error = http().get(request()).await.unwrap_err();
    assert_eq!(name(&error), "Refused", "{error}");
    let error = http().authenticate(request()).await.unwrap_err();
    assert_eq!(name(&error), "Refused", "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn one_write_is_one_request_however_it_ends() {
    for reply in [Reply::Close, whole(503, "Retry-After: 0\r\n", "{}"), Reply::json(&json!({}))] {
        let server = Server::start(move |_| reply.clone()).await;
        let (intent, proof) = permit("1");
        let request = Request::new(Method::Put, &server.endpoint, &["a", "b/c", ".."]).json(&json!({"x": 1}));
        let _ = http().write(&intent, &proof, request).await;
        let asked = server.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("PUT", "/a/b%2Fc"));
        assert_eq!((asked[0].json(), asked[0].query("x")), (json!({"x": 1}), None));
        assert!(
            asked[0].head.to_ascii_lowercase().contains("accept-encoding: identity"),
            "{}",
            asked[0].head
        );
    }
}

#[tokio::test]
async fn a_time_out_ends_the_wait() {
    let began = Instant::now();
    let error = read(Reply::Silence).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(error.to_string().contains("no whole answer in time"), "{error}");
}

#[derive(serde::Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    list: &'a serde_json::value::RawValue,
}
#[derive(serde::Deserialize)]
struct Element {
    t: String,
}

#[tokio::test]
async fn half_a_surrogate_pair_costs_its_element_only() {
    let body = r#"{"list":[{"t":"a"},{"t":"\ud800"},{"t":"\u0000"},{"t":7}]}"#;
    let answer = read(whole(200, "", body)).await.unwrap();
    let page: Page<'_> = answer.json().unwrap();
    let found = elements("x", page.list).unwrap();
    assert_eq!(found[1].get(), r#"{"t":"\ud800"}"#);
    let texts: Vec<_> =
        found.iter().map(|raw| serde_json::from_str::<Element>(raw.get()).map(|e| e.t).ok()).collect();
    assert_eq!(texts, [Some("a".to_owned()), None, Some("\0".to_owned()), None]);
}

#[test]
fn half_a_surrogate_pair_hides_nobody() {
    for (raw, read) in [
        (r#"{"t":"hot \ud800 hot"}"#, "hot \u{fffd} hot"),
        (r#"{"t":"\udc00\ud83d\ude00\ud83d"}"#, "\u{fffd}😀\u{fffd}"),
        (r#"{"t":"\\ud800 \ud800"}"#, "\\ud800 \u{fffd}"),
        (r#"{"t":"\ud800\u0041å"}"#, "\u{fffd}Aå"),
        (r#"{"t":"\ud83d\ude00"}"#, "😀"),
    ] {
        let raw: &serde_json::value::RawValue = serde_json::from_str(raw).unwrap();
        assert_eq!(element::<Element>(raw).unwrap().t, read, "{raw}");
    }
    for broken in [r#"{"t":7}"#, r#"{"u":"\ud800"}"#, r#"{"t":7,"u":"\ud800"}"#] {
        let raw: &serde_json::value::RawValue = serde_json::from_str(broken).unwrap();
        assert!(element::<Element>(raw).is_err(), "{broken}");
    }
}

#[test]
fn errors_of_shape_quote_no_content() {
    let error = serde_json::from_str::<u32>("\"hemlig text\"").unwrap_err();
    assert!(error.to_string().contains("hemlig"), "serde quotes: the reason for the rule");
    assert!(!malformed("x", &error).to_string().contains("hemlig"));
}

#[test]
fn endpoints_are_https_or_this_machine() {
    for (address, good) in [
        ("https://bsky.social", true),
        ("https://graph.facebook.com/v25.0", true),
        ("http://localhost:2583", true),
        ("http://127.0.0.1:1/v25.0/", true),
        ("http://[::1]:80", true),
        ("http://bsky.social", false),
        ("http://127.0.0.1.example.org", false),
        ("http://localhost.example.org", false),
        ("https://namn:losen@bsky.social", false),
        ("https://bsky.social/?x=1", false),
        ("https://bsky.social/#x", false),
        ("ftp://127.0.0.1", false),
        ("file:///etc/passwd", false),
        ("bsky.social", false),
        ("", false),
    ] {
        let parsed = Endpoint::parse(address);
        assert_eq!(parsed.is_ok(), good, "{address}: {parsed:?}");
        assert!(!format!("{parsed:?}").contains("losen"), "{parsed:?}");
    }
    let request = Request::get(&Endpoint::parse("http://127.0.0.1:1/v25.0/").unwrap(), &["12_3", "comments"]);
    assert_eq!(request.address(), "http://127.0.0.1:1/v25.0/12_3/comments");
}

#[test]
fn addresses_are_shown_without_secrets() {
    for (address, shown) in [
        (
            "https://a.example/x?access_token=abc&after=q",
            "https://a.example/x?access_token=%E2%80%A6&after=q",
        ),
        ("https://a.example/x?Access_Token=abc", "https://a.example/x?Access_Token=%E2%80%A6"),
        ("https://u:p@a.example/x#frag", "https://a.example/x"),
        ("inte en adress abc", "(not an address)"),
    ] {
        assert_eq!(without_secrets(address), shown);
    }
}

#[test]
fn requests_and_options_are_shown_without_secrets() {
    let endpoint = Endpoint::parse("https://a.example").unwrap();
    let request = Request::new(Method::Post, &endpoint, &["x"])
        .bearer(&SECRET.into())
        .json(&json!({"password": SECRET}))
        .query("token", SECRET);
    let options = ClientOptions {
        proxy: Some(format!("http://u:{SECRET}@proxy.example:8080")),
        ca_file: None,
        user_agent: "Uppsikt".to_owned(),
    };
    let shown = format!("{request:?} {request} {options:?} {:?}", Http::new(&options).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn a_bad_proxy_or_certificate_file_is_told_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    crate::durable::write(&empty, b"", 0o600).unwrap();
    for options in [
        ClientOptions { proxy: Some(format!("::{SECRET}::")), ..ClientOptions::default() },
        ClientOptions { ca_file: Some(empty), ..ClientOptions::default() },
        ClientOptions { ca_file: Some(folder.path().join("missing.pem")), ..ClientOptions::default() },
    ] {
        let error = Http::new(&options).unwrap_err().to_string();
        assert!(error.starts_with("network."), "{error}");
        assert!(!error.contains(SECRET), "{error}");
    }
}

/// A server with a certificate that only the fixture's authority vouches for; answers every request with `{}`.
fn intercepting() -> Endpoint {
    use std::io::{Read, Write};
    let fixture = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/connector/tls");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    };
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(fixture("localhost.key.der"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![fixture("localhost.der").into()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint =
        Endpoint::parse(&format!("https://localhost:{}", listener.local_addr().unwrap().port())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut head = [0; 4096];
            // A client that does not trust us goes away here.
            if tls.read(&mut head).is_ok() {
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    endpoint
}

#[tokio::test]
async fn an_intercepting_network_is_trusted_only_by_its_ca_file() {
    let endpoint = intercepting();
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/connector/tls/ca.pem");
    let trusting = ClientOptions { ca_file: Some(ca.into()), ..ClientOptions::default() };
    let answer = Http::new(&trusting).unwrap().get(Request::get(&endpoint, &["x"])).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    let strict = Http::new(&ClientOptions::default()).unwrap();
    let error = strict.get(Request::get(&endpoint, &["x"])).await.unwrap_err();
    assert_eq!(name(&error), "Unavailable");
    assert!(
        error.to_string().to_lowercase().contains("certificate"),
        "the administrator must see why: {error}"
    );
    // A certificate that is refused means that nothing was sent.
    let (intent, proof) = permit("1");
    let error =
        strict.write(&intent, &proof, Request::new(Method::Post, &endpoint, &["x"])).await.unwrap_err();
    assert_eq!(name(&error), "Unavailable", "{error}");
}

#[tokio::test]
async fn https_goes_through_the_proxy_and_loopback_does_not() {
    let proxy = Server::start(|_| whole(407, "", "")).await;
    let direct = Server::start(|_| Reply::json(&json!({}))).await;
    let address = proxy.endpoint.to_string().replace("http://", &format!("http://u:{SECRET}@"));
    let http = Http::new(&ClientOptions { proxy: Some(address), ..ClientOptions::default() }).unwrap();
    let outside = Endpoint::parse("https://api.exempel.invalid").unwrap();
    let error = http.get(Request::get(&outside, &["x"])).await.unwrap_err();
    assert_eq!(name(&error), "Unavailable");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    let (intent, proof) = permit("1");
    let error = http.write(&intent, &proof, Request::new(Method::Post, &outside, &["x"])).await.unwrap_err();
    assert_eq!(name(&error), "Unavailable", "the proxy refused: nothing was sent; {error}");
    let asked = proxy.asked();
    assert!(asked.len() == 2 && asked.iter().all(|asked| asked.method == "CONNECT"), "{asked:?}");
    http.get(Request::get(&direct.endpoint, &["x"])).await.unwrap();
    assert_eq!((direct.asked().len(), proxy.asked().len()), (1, 2));
}

mod quotas {
    use super::*;
    use crate::clock::Clock;
    use crate::connector::budget::{Budget, Quota, Window};

    fn budget(limit: u64) -> Budget {
        let quota = |name, limit| Quota { name, limit, window: Window::UtcDay, reserve: 0 };
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        Budget::new("test", [quota("reads", limit), quota("writes", limit)], Clock::manual(now))
    }

    #[tokio::test]
    async fn a_request_that_no_quota_is_left_for_is_not_sent() {
        let server = Server::start(|_| Reply::status(200, "{}")).await;
        let http = http().within(budget(1));
        let read = || Request::get(&server.endpoint, &["x"]).costs("reads", 1);
        http.get(read()).await.unwrap();
        assert_eq!(name(&http.get(read()).await.unwrap_err()), "RateLimited");
        let (intent, proof) = permit("1");
        let write = || Request::new(Method::Post, &server.endpoint, &["x"]).costs("writes", 1);
        http.write(&intent, &proof, write()).await.unwrap();
        assert_eq!(name(&http.write(&intent, &proof, write()).await.unwrap_err()), "RateLimited");
        assert_eq!(server.asked().len(), 2);
    }

    #[tokio::test]
    async fn too_many_closes_what_the_request_cost_in_every_budget_and_nothing_else() {
        let server = Server::start(|asked| match asked.path.as_str() {
            "/many" => Reply::Whole(429, "Retry-After: 60\r\n".to_owned(), b"{}".to_vec()),
            _ => Reply::status(200, "{}"),
        })
        .await;
        let (one, other) = (budget(100), budget(100));
        let http = http().within(one.clone()).within(other.clone());
        let ask = |path, quota| Request::get(&server.endpoint, &[path]).costs(quota, 1);
        assert_eq!(name(&http.get(ask("many", "reads")).await.unwrap_err()), "RateLimited");
        assert_eq!(name(&http.get(ask("x", "reads")).await.unwrap_err()), "RateLimited");
        http.get(ask("x", "writes")).await.unwrap();
        for budget in [one, other] {
            let used: Vec<_> = budget.left().iter().map(|left| left.used).collect();
            assert_eq!(used, [100, 1]);
        }
        // What names no quota closes everything: nobody knows which it was.
        let whole = budget(5);
        let http = super::http().within(whole.clone());
        assert!(http.get(Request::get(&server.endpoint, &["many"])).await.is_err());
        assert!(whole.left().iter().all(|left| left.used == 5));
    }

    #[tokio::test]
    async fn an_ear_hears_every_answer_and_says_what_too_many_means() {
        fn ear(heard: &Heard<'_>) -> Option<TooMany> {
            let left = heard.answer.header("x-left")?.parse().ok()?;
            heard.budgets[0].told("writes", 100 - left, None, None);
            Some(TooMany { wait: Duration::from_secs(left), quotas: vec!["writes"] })
        }
        for status in [200, 404, 429, 500] {
            let server = Server::start(move |asked| match asked.path.as_str() {
                "/told" => Reply::Whole(status, "X-Left: 7\r\n".to_owned(), b"{}".to_vec()),
                _ => Reply::Whole(status, String::new(), b"{}".to_vec()),
            })
            .await;
            let budget = budget(100);
            let http = http().within(budget.clone()).heard_by(ear);
            let ask = |path| Request::get(&server.endpoint, &[path]).costs("reads", 1);
            let told = http.get(ask("told")).await;
            let used: Vec<_> = budget.left().iter().map(|left| left.used).collect();
            if status == 429 {
                let wait = |asked: Result<Answer, _>| match asked {
                    Err(ConnectorError::RateLimited(wait)) => wait.as_secs(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(wait(told), 7);
                assert_eq!(used, [1, 100], "what it says is closed, and what was asked of is not");
                assert_eq!(wait(http.get(ask("silent")).await), 60, "it says nothing: as everybody");
            } else {
                assert_eq!(used, [1, 93], "{status}");
            }
        }
    }

    #[tokio::test]
    async fn what_one_budget_has_not_the_other_does_not_pay_for() {
        let server = Server::start(|_| Reply::status(200, "{}")).await;
        for order in [[1, 100], [100, 1]] {
            let [one, other] = order.map(budget);
            let http = http().within(one.clone()).within(other.clone());
            let ask = || Request::get(&server.endpoint, &["x"]).costs("reads", 1);
            http.get(ask()).await.unwrap();
            for _ in 0..20 {
                assert_eq!(name(&http.get(ask()).await.unwrap_err()), "RateLimited");
            }
            for budget in [one, other] {
                assert_eq!(budget.left()[0].used, 1);
            }
        }
    }

    #[tokio::test]
    async fn rate_headers_are_read_in_both_forms_and_half_of_one_is_none() {
        let date = "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n";
        for (headers, prefix, expected) in [
            (
                "RateLimit-Limit: 3000\r\nRateLimit-Remaining: 2990\r\nRateLimit-Reset: 1795435500\r\n\
                 RateLimit-Policy: 3000;w=300\r\n",
                "ratelimit",
                Some((3000, 10, Some("2026-11-23T12:05:00Z"), Some(300))),
            ),
            (
                "x-rate-limit-limit: 50\r\nx-rate-limit-remaining: 60\r\nx-rate-limit-reset: 30\r\n",
                "x-rate-limit",
                Some((50, 0, Some("2026-11-23T12:00:30Z"), None)),
            ),
            ("x-rate-limit-limit: 50\r\n", "x-rate-limit", None),
            ("x-rate-limit-limit: många\r\nx-rate-limit-remaining: -1\r\n", "x-rate-limit", None),
        ] {
            let answer = read(whole(200, &format!("{date}{headers}"), "{}")).await.unwrap();
            let told = answer.rate(prefix).map(|rate| (rate.limit, rate.used, rate.resets_at, rate.window));
            let expected = expected
                .map(|(limit, used, at, window)| (limit, used, at.map(|at| at.parse().unwrap()), window));
            assert_eq!(told, expected, "{headers}");
        }
    }
}

#[tokio::test]
async fn how_an_answer_travelled_is_kept_without_keys_and_cookies() {
    let headers = format!("set-cookie: a=b\r\nx-echo: Bearer {SECRET}\r\nx-plain: ja\r\nx-odd: \u{e9}\r\n");
    let server = Server::start(move |_| whole(200, &headers, "{}")).await;
    let request = Request::get(&server.endpoint, &["x"])
        .query("id", "4 711")
        .query("appsecret_proof", "bevis-4711")
        .header("x-version", "3")
        .bearer(&SECRET.into());
    let exchange = http().get(request).await.unwrap().exchange().unwrap();
    assert_eq!(exchange.request.withheld, ["authorization", "?appsecret_proof"]);
    let sent: Vec<_> = exchange.request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sent, ["accept", "accept-encoding", "x-version"]);
    assert_eq!((exchange.response.status, exchange.response.version.as_str()), (200, "HTTP/1.1"));
    assert!(exchange.response.headers.contains(&("x-plain".to_owned(), "ja".to_owned())));
    let mut withheld = exchange.response.withheld.clone();
    withheld.sort();
    assert_eq!(withheld, ["set-cookie", "x-echo", "x-odd"]);
    let text = exchange.text();
    assert!(!text.contains(SECRET) && !text.contains("bevis-4711") && !text.contains("a=b"), "{text}");
    assert!(text.contains("id=4+711&appsecret_proof=%E2%80%A6"), "{text}");
}

#[tokio::test]
async fn what_writes_leaves_no_exchange_to_keep() {
    assert_eq!(written(whole(200, "", "{}")).await.unwrap().exchange(), None);
}
