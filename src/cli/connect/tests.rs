use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::connector::http::script::{Asked, Reply, Server};

const EXAMPLE: &str = include_str!("../../../tests/fixtures/config/uppsikt.example.toml");

/// Everything that must never be shown; every test's input and answers are made of these.
const SECRETS: [&str; 7] = [
    "hemlig-kod",
    "hemlig-app",
    "hemlig-kort",
    "hemlig-lang",
    "hemlig-sida",
    "hemlig-fornyelse",
    "hemlig-losen",
];

/// An installation with an account on every platform.
struct Trial {
    folder: tempfile::TempDir,
    config: Arc<Config>,
}

/// What a run showed, and how it ended.
struct Ended {
    shown: String,
    result: Result<(), String>,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = EXAMPLE
            .replace("/var/lib/uppsikt", &folder.path().join("lib").display().to_string())
            .replace("\"/etc/uppsikt/", &format!("\"{}/", folder.path().display()));
        // The example's certificate authority is not here.
        text = text
            .lines()
            .filter(|line| !line.starts_with("ca_file") && !line.starts_with("proxy"))
            .collect::<Vec<_>>()
            .join("\n");
        for (id, platform, native) in [
            ("ig", "instagram", "17841400000000000"),
            ("yt", "youtube", "UCexempel"),
            ("li", "linkedin", "urn:li:organization:4711"),
            ("x", "x", "2244994945"),
        ] {
            write!(
                text,
                "\n[[account]]\nid = \"{id}\"\nplatform = \"{platform}\"\nnative_id = \"{native}\"\nurl = \"https://exempel.se/{id}\"\n\
                 board = \"KS\"\nowner = \"chef\"\neditors = [\"anna\", \"erik\"]\npoll = \"0 */5 * * * *\"\n\
                 poll_decided = {{ by = \"chef\", on = 2026-01-15, reason = \"daglig\" }}\ntoken_file = \"{id}-token\"\n"
            )
            .unwrap();
        }
        for platform in ["linkedin", "x"] {
            let decided = "{ by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 1\" }";
            write!(text, "\n[storage.{platform}]\nrule = \"keep\"\ndecided = {decided}\n").unwrap();
        }
        let examined = Config::examine_text(&folder.path().join("uppsikt.toml"), &text);
        assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
        let config = examined.result.unwrap();
        durable::create_folder(&config.paths.secrets).unwrap();
        durable::write(&config.paths.secrets.join("fb-app-secret"), b"hemlig-app", 0o600).unwrap();
        durable::write(&config.paths.secrets.join("app"), b"hemlig-app", 0o600).unwrap();
        Self { folder, config: Arc::new(config) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.config.paths.secrets.join(name)
    }

    async fn run(&self, platform: &str, api: &Server, more: &[&str], pasted: &str) -> Ended {
        use clap::Parser as _;
        let api = api.endpoint.to_string();
        let base = ["uppsikt", "connect", platform, "--api", &api, "--client-id", "app-1"];
        let arguments = args::Arguments::parse_from(base.iter().chain(more));
        let args::Command::Connect(asked) = arguments.command else { unreachable!() };
        let (config, pasted) = (Arc::clone(&self.config), format!("{pasted}\n"));
        tokio::task::spawn_blocking(move || {
            let (mut tell, mut out) = (Vec::new(), Vec::new());
            let result = run(&config, &asked, &mut pasted.as_bytes(), &mut tell, &mut out);
            let shown = String::from_utf8([tell, out].concat()).unwrap();
            Ended { shown, result: result.map(drop).map_err(|error| format!("{error:#}")) }
        })
        .await
        .unwrap()
    }

    fn grant(&self, name: &str) -> Grant {
        let path = self.path(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        Grant::parse(&fs::read_to_string(&path).unwrap().into(), &path).unwrap()
    }
}

impl Ended {
    /// Asserts that nothing secret was shown, and gives what was.
    fn clean(&self) -> &str {
        let error = self.result.as_ref().err().cloned().unwrap_or_default();
        for secret in SECRETS {
            assert!(
                !self.shown.contains(secret) && !error.contains(secret),
                "{secret}: {} {error}",
                self.shown
            );
        }
        &self.shown
    }
}

fn path(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap()
}

/// Meta's answers; the shapes are those recorded in tests/fixtures/connector/facebook.
fn meta(tasks: &'static [&'static str], scopes: &'static [&'static str]) -> impl Fn(&Asked) -> Reply {
    move |asked| match path(asked) {
        "/oauth/access_token" if asked.query("grant_type").as_deref() == Some("fb_exchange_token") => {
            assert_eq!(asked.query("fb_exchange_token").as_deref(), Some("hemlig-kort"));
            Reply::json(
                &json!({ "access_token": "hemlig-lang", "token_type": "bearer", "expires_in": 5_183_944 }),
            )
        }
        "/oauth/access_token" => {
            assert!(
                asked.body.contains("code=hemlig-kod") && asked.body.contains("client_secret=hemlig-app")
            );
            Reply::json(&json!({ "access_token": "hemlig-kort", "token_type": "bearer" }))
        }
        "/me/accounts" => {
            assert!(asked.head.contains("Bearer hemlig-lang"), "{}", asked.head);
            if asked.query("after").is_none() {
                let first =
                    json!({ "id": "1", "name": "Annan sida", "access_token": "hemlig-sida", "tasks": [] });
                let paging = json!({ "cursors": { "after": "QVF" }, "next": "https://graph.facebook.com/?access_token=hemlig-lang" });
                return Reply::json(&json!({ "data": [first], "paging": paging }));
            }
            let page = json!({
                "id": "123456789012345", "name": "Exempel kommun", "access_token": "hemlig-sida", "tasks": tasks
            });
            Reply::json(&json!({ "data": [page], "paging": { "cursors": { "after": "QVF" } } }))
        }
        "/debug_token" => {
            assert_eq!(asked.query("input_token").as_deref(), Some("hemlig-sida"));
            let data = json!({
                "app_id": "app-1", "is_valid": true, "scopes": scopes, "expires_at": 0,
                "data_access_expires_at": 1_803_000_000
            });
            Reply::json(&json!({ "data": data }))
        }
        other => panic!("{other}"),
    }
}

const ALL_SCOPES: &[&str] =
    &["pages_show_list", "pages_read_engagement", "pages_read_user_content", "pages_manage_engagement"];

#[tokio::test(flavor = "multi_thread")]
async fn facebook_gives_the_pages_own_key_and_the_tasks_behind_it() {
    let trial = Trial::new();
    let server = Server::start(meta(&["MODERATE", "ANALYZE"], ALL_SCOPES)).await;
    let ended = trial.run("facebook", &server, &[], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    assert!(shown.contains("123456789012345 Exempel kommun [MODERATE, ANALYZE]  <- fb"), "{shown}");
    assert!(shown.contains("1 Annan sida") && shown.contains("access to data ends 2027-02-19"), "{shown}");
    assert!(!shown.contains("MISSING"), "{shown}");
    let grant = trial.grant("fb-token");
    assert_eq!(grant.access.expose_secret(), "hemlig-sida");
    assert_eq!((grant.expires_at, grant.client_id.as_deref()), (None, Some("app-1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_and_a_missing_task_are_told_with_where_they_are_given() {
    let trial = Trial::new();
    let server = Server::start(meta(&["ANALYZE"], &ALL_SCOPES[..3])).await;
    let ended = trial.run("facebook", &server, &[], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    for needed in
        ["MISSING pages_manage_engagement: kommentarer kan varken döljas", "App Review", "MODERATE på sidan"]
    {
        assert!(shown.contains(needed), "{needed}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_to_other_pages_is_refused_and_the_old_key_stays() {
    let trial = Trial::new();
    durable::write(&trial.path("fb-token"), b"gammal", 0o600).unwrap();
    let server = Server::start(|asked| match path(asked) {
        "/me/accounts" => Reply::json(
            &json!({ "data": [{ "id": "1", "name": "Annan sida", "access_token": "hemlig-sida" }] }),
        ),
        "/debug_token" => Reply::json(&json!({ "data": { "scopes": [] } })),
        _ => Reply::json(&json!({ "access_token": "hemlig-kort" })),
    })
    .await;
    let ended = trial.run("facebook", &server, &[], "hemlig-kod").await;
    assert!(ended.clean().contains("1 Annan sida"), "{}", ended.shown);
    assert!(ended.result.unwrap_err().contains("does not open 123456789012345"));
    assert_eq!(fs::read_to_string(trial.path("fb-token")).unwrap(), "gammal");
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_gives_a_key_of_sixty_days() {
    let trial = Trial::new();
    let server = Server::start(|asked| match path(asked) {
        "/oauth/access_token" => {
            assert!(asked.body.contains("grant_type=authorization_code"));
            let permissions = "instagram_business_basic,instagram_business_manage_comments";
            Reply::json(&json!({ "access_token": "hemlig-kort", "user_id": 1, "permissions": permissions }))
        }
        "/access_token" => {
            assert_eq!(asked.query("grant_type").as_deref(), Some("ig_exchange_token"));
            Reply::json(
                &json!({ "access_token": "hemlig-lang", "token_type": "bearer", "expires_in": 5_184_000 }),
            )
        }
        "/me" => {
            Reply::json(&json!({ "id": "9", "user_id": "17841400000000000", "username": "exempelkommun" }))
        }
        other => panic!("{other}"),
    })
    .await;
    let ended = trial.run("instagram", &server, &["--client-secret-file", "app"], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    assert!(shown.contains("exempelkommun  <- ig") && !shown.contains("MISSING"), "{shown}");
    let days = (trial.grant("ig-token").expires_at.unwrap() - Clock::System.now()).num_days();
    assert!((58..=60).contains(&days), "{days}");
}

#[tokio::test(flavor = "multi_thread")]
async fn youtube_gives_a_key_that_renews_and_warns_of_an_app_in_testing() {
    let trial = Trial::new();
    let server = Server::start(|asked| match path(asked) {
        "/token" => {
            assert!(asked.body.contains("code_verifier="), "{}", asked.body);
            let scope = "https://www.googleapis.com/auth/youtube.force-ssl";
            Reply::json(&json!({
                "access_token": "hemlig-kort", "expires_in": 3599, "refresh_token": "hemlig-fornyelse", "scope": scope,
                "refresh_token_expires_in": 604_799, "token_type": "Bearer"
            }))
        }
        "/channels" => Reply::json(&json!({ "items": [{ "id": "UCexempel", "snippet": { "title": "Exempel" } }] })),
        other => panic!("{other}"),
    })
    .await;
    let ended = trial.run("youtube", &server, &["--client-secret-file", "app"], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    assert!(shown.contains("THE KEY ENDS WITHIN A WEEK") && shown.contains("7 days"), "{shown}");
    let grant = trial.grant("yt-token");
    assert_eq!(grant.refresh.unwrap().expose_secret(), "hemlig-fornyelse");
    assert_eq!(grant.client_secret.unwrap().expose_secret(), "hemlig-app");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_key_without_a_refresh_token_is_refused() {
    let trial = Trial::new();
    let server =
        Server::start(|_| Reply::json(&json!({ "access_token": "hemlig-kort", "expires_in": 3599 }))).await;
    let ended = trial.run("youtube", &server, &["--client-secret-file", "app"], "hemlig-kod").await;
    ended.clean();
    assert!(ended.result.unwrap_err().contains("no refresh token"));
    assert!(!trial.path("yt-token").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn linkedin_says_when_a_person_must_come_back_and_which_roles_there_are() {
    let trial = Trial::new();
    let server = Server::start(|asked| match path(asked) {
        "/oauth/v2/accessToken" => Reply::json(&json!({
            "access_token": "hemlig-kort", "expires_in": 5_184_000, "scope": "r_organization_social_feed,w_organization_social"
        })),
        "/organizationAcls" => {
            assert!(asked.head.to_lowercase().contains("linkedin-version: 20"), "{}", asked.head);
            let role = |role: &str| json!({ "role": role, "organization": "urn:li:organization:4711", "state": "APPROVED" });
            Reply::json(&json!({ "elements": [role("ADMINISTRATOR"), role("RECRUITING_POSTER")] }))
        }
        other => panic!("{other}"),
    })
    .await;
    let ended = trial.run("linkedin", &server, &["--client-secret-file", "app"], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    assert!(shown.contains("[ADMINISTRATOR, RECRUITING_POSTER]  <- li"), "{shown}");
    assert!(shown.contains("every 60 days") && shown.contains("MISSING rw_organization_admin"), "{shown}");
    assert!(!shown.contains("MISSING w_organization"), "an older name of a right is that right: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn x_proves_who_asked_and_keeps_the_refresh_token() {
    let trial = Trial::new();
    let server = Server::start(|asked| match path(asked) {
        "/oauth2/token" => {
            assert!(
                asked.body.contains("code_verifier=") && asked.body.contains("client_id=app-1"),
                "{}",
                asked.body
            );
            Reply::json(&json!({
                "access_token": "hemlig-kort", "refresh_token": "hemlig-fornyelse", "expires_in": 7200,
                "scope": "tweet.read users.read offline.access"
            }))
        }
        "/users/me" => Reply::json(&json!({ "data": { "id": "2244994945", "username": "exempel" } })),
        other => panic!("{other}"),
    })
    .await;
    // The path that X's session has on the real host.
    let ended = trial.run("x", &server, &[], "hemlig-kod").await;
    let shown = ended.clean();
    ended.result.as_ref().unwrap();
    assert!(shown.contains("MISSING tweet.moderate.write: svar kan inte döljas"), "{shown}");
    assert_eq!(trial.grant("x-token").refresh.unwrap().expose_secret(), "hemlig-fornyelse");
}

fn session(scope: &str, did: &str) -> Reply {
    let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({ "scope": scope }).to_string());
    let token = format!("e30.{claims}.hemlig-kort");
    Reply::json(
        &json!({ "did": did, "handle": "exempel.se", "accessJwt": token, "refreshJwt": "hemlig-fornyelse", "active": true }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn bluesky_takes_an_app_password_and_never_the_accounts_own() {
    const DID: &str = "did:plc:exempelexempelexempel";
    for (scope, did, expected) in [
        ("com.atproto.appPass", DID, None),
        ("com.atproto.appPassPrivileged", DID, None),
        ("com.atproto.access", DID, Some("the account's own password")),
        ("com.atproto.appPass", "did:plc:annan", Some("does not open")),
    ] {
        let trial = Trial::new();
        let server = Server::start(move |_| session(scope, did)).await;
        let ended = trial.run("bluesky", &server, &["--login", "exempel.se"], "hemlig-losen").await;
        let shown = ended.clean();
        match expected {
            None => {
                ended.result.as_ref().unwrap();
                let login = fs::read_to_string(trial.path("bsky-login")).unwrap();
                assert_eq!(login, "{\"identifier\":\"exempel.se\",\"password\":\"hemlig-losen\"}\n");
                assert_eq!(
                    shown.contains("direct messages; one without"),
                    scope.ends_with("Privileged"),
                    "{shown}"
                );
            }
            Some(expected) => {
                assert!(ended.result.unwrap_err().contains(expected), "{scope}");
                assert!(!trial.path("bsky-login").exists());
            }
        }
    }
}

/// Every platform, every way to fail: the old key stays, and nothing secret is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_refuses_breaks_off_or_talks_nonsense_costs_nothing_and_shows_nothing() {
    let refusal =
        r#"{"error":{"message":"hemlig-kod is spent by hemlig-app","type":"OAuthException","code":100}}"#;
    let grant = r#"{"error":"invalid_grant","error_description":"hemlig-kod has expired"}"#;
    let faults: Vec<Reply> = vec![
        Reply::status(400, refusal),
        Reply::status(400, grant),
        Reply::status(401, r#"{"error":"hemlig-kod hemlig-app","message":"hemlig-losen"}"#),
        Reply::status(200, "{}"),
        Reply::status(200, r#"["hemlig-kod"]"#),
        Reply::status(200, "<html>hemlig-kod</html>"),
        Reply::status(429, "{}"),
        Reply::status(500, "hemlig-kod"),
        Reply::Whole(302, "Location: https://exempel.se/?code=hemlig-kod\r\n".to_owned(), Vec::new()),
        Reply::Close,
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":\"hemlig".to_vec()),
    ];
    for (platform, file) in [
        ("facebook", "fb-token"),
        ("instagram", "ig-token"),
        ("youtube", "yt-token"),
        ("linkedin", "li-token"),
        ("x", "x-token"),
        ("bluesky", "bsky-login"),
    ] {
        let trial = Trial::new();
        for fault in &faults {
            durable::write(&trial.path(file), b"gammal", 0o600).unwrap();
            let fault = fault.clone();
            let server = Server::start(move |_| fault.clone()).await;
            let more = ["--client-secret-file", "app", "--login", "exempel.se"];
            let ended = trial.run(platform, &server, &more, "hemlig-kod").await;
            ended.clean();
            assert!(ended.result.is_err(), "{platform}");
            assert_eq!(fs::read_to_string(trial.path(file)).unwrap(), "gammal", "{platform}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_here_is_told_before_a_code_is_spent() {
    let trial = Trial::new();
    let server = Server::start(|_| panic!("nothing is asked")).await;
    for (platform, more, pasted, expected) in [
        ("facebook", vec![], "", "nothing was pasted"),
        ("facebook", vec!["--account", "bsky"], "k", "is on bluesky"),
        ("facebook", vec!["--account", "nej"], "k", "no account `nej`"),
        ("youtube", vec![], "k", "--client-secret-file"),
        ("youtube", vec!["--token", "--client-secret-file", "app"], "k", "gives codes"),
        ("bluesky", vec![], "k", "--login NAME"),
        ("facebook", vec![], "två ord", "white space"),
        ("facebook", vec![], "https://exempel.se/?code=k&state=annan", "another question"),
        ("facebook", vec![], "https://exempel.se/?error=access_denied", "access_denied"),
    ] {
        let ended = trial.run(platform, &server, &more, pasted).await;
        let error = ended.result.unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    fs::set_permissions(trial.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(&trial.config.paths.secrets).unwrap();
    durable::write(&trial.config.paths.secrets, b"a file", 0o600).unwrap();
    let ended = trial.run("facebook", &server, &[], "k").await;
    assert!(ended.result.unwrap_err().contains("run this as the service's user"));
}

#[test]
fn the_address_to_open_holds_no_secret_and_the_answer_must_be_to_it() {
    let trial = Trial::new();
    let http = assemble::http(&trial.config).unwrap();
    for platform in Platform::ALL.into_iter().filter(|platform| *platform != Platform::Bluesky) {
        let account = trial.config.accounts.iter().find(|account| account.platform == platform).unwrap();
        let service = service::of(platform);
        let exchange = Exchange {
            http: &http,
            base: "http://127.0.0.1".to_owned(),
            linkedin_version: trial.config.platforms.linkedin.version.clone(),
            app: service::App { id: "app-1".to_owned(), secret: Some("hemlig-app".into()) },
            redirect: service.redirect.to_owned(),
            account,
            clock: Clock::System,
        };
        let consent = flow::Consent::new(service, &exchange).unwrap();
        assert!(!consent.address.contains("hemlig"), "{}", consent.address);
        assert!(!consent.address.contains(consent.verifier.expose_secret()));
        assert_eq!(consent.address.contains("code_challenge_method=S256"), service.pkce);
        let address = url::Url::parse(&consent.address).unwrap();
        let state = address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        // Facebook adds a fragment of its own.
        let back = format!("{}?code=hemlig-kod&state={state}#_=_", exchange.redirect);
        assert_eq!(consent.code(&back.into()).unwrap().expose_secret(), "hemlig-kod");
    }
}
