//! A whole installation in a folder with its desk on a real port, and a browser's part played in a few lines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uppsikt::archive::Vault;
use uppsikt::archive::keys::{Kek, Keys};
use uppsikt::clock::Clock;
use uppsikt::config::Config;
use uppsikt::connector::facebook::Facebook;
use uppsikt::connector::http::{ClientOptions, Endpoint, Http};
use uppsikt::connector::{Connector, Page, Post};
use uppsikt::desk;
use uppsikt::domain::case::CaseId;
use uppsikt::domain::category::{Category, Proposal};
use uppsikt::domain::classify::{Assessment, Band, Finding, Policies, RuleSet};
use uppsikt::domain::comment::{Attachment, Author, CommentId, Kind, Seen, Visibility};
use uppsikt::mail::{Mailer, Templates};
use uppsikt::pipeline::{App, Guard};
use uppsikt::store::{self, Db, cases, comments, polls};
use uppsikt::{moves, steps};

const CONFIG: &str = include_str!("../../fixtures/config/uppsikt.example.toml");

/// Monday 23 November 2026, 09.00 in Stockholm.
pub(crate) fn monday() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

/// A comment about to be planted.
pub(crate) struct Plant<'a> {
    pub(crate) id: &'a str,
    pub(crate) text: &'a str,
    pub(crate) author: &'a str,
    pub(crate) parent: Option<&'a str>,
    pub(crate) ours: bool,
    /// Category, and the words found.
    pub(crate) found: Vec<(Category, &'a str)>,
    pub(crate) proposal: Proposal,
    pub(crate) needs_answer: bool,
    pub(crate) attachments: Vec<Attachment>,
}

impl Default for Plant<'_> {
    fn default() -> Self {
        Self {
            id: "1_1",
            text: "Du är en idiot, rektorn!",
            author: "Nils Näthatare",
            parent: None,
            ours: false,
            found: vec![(Category::Insult, "idiot")],
            proposal: Proposal::Review,
            needs_answer: false,
            attachments: Vec::new(),
        }
    }
}

/// The installation.
pub(crate) struct Rig {
    pub(crate) app: App,
    pub(crate) addr: SocketAddr,
    pub(crate) folder: TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Rig {
    /// Account `fb` may act, editors need a second person.
    pub(crate) async fn start() -> Self {
        Self::with(|text| text).await
    }

    /// The same, with the configuration's text changed.
    pub(crate) async fn with(change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = CONFIG
            .replace("mode = \"watch\"", "mode = \"act\"")
            .replace("/var/lib/uppsikt\"", &format!("{}\"", folder.path().display()))
            .replace("2 GiB", "1 MiB");
        let examined = Config::examine_text(&folder.path().join("uppsikt.toml"), &change(text));
        assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
        let config = examined.result.unwrap();
        let app = app(config, folder.path());
        app.db
            .write(|tx| polls::declare(tx, "fb", Some("2026-11-01T00:00:00Z".parse().unwrap())))
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(desk::serve(listener, app.clone(), async {
            let _ = stopped.await;
        }));
        Self { app, addr, folder, stop: Some(stop) }
    }

    /// Stores a comment (again: as a new text of it), judges it as told, and lets follow what follows.
    pub(crate) async fn plant(&self, plant: Plant<'_>) -> CaseId {
        let now = self.app.clock.now();
        let found = plant.found.iter().map(|(category, words)| {
            let start = plant.text.find(words).unwrap();
            Finding {
                category: *category,
                rule: format!("{category}.prov"),
                version: 3,
                view: "plain".to_owned(),
                band: Band::Obvious,
                confidence: 0.9,
                start,
                end: start + words.len(),
            }
        });
        let assessment = Assessment {
            findings: found.collect(),
            proposal: plant.proposal,
            needs_answer: plant.needs_answer,
            language: Some("sv".to_owned()),
            notes: uppsikt::domain::classify::Notes::default(),
        };
        let seen = Seen {
            native_id: plant.id.to_owned(),
            post_id: "1".to_owned(),
            parent_id: plant.parent.map(str::to_owned),
            author: Author { id: Some("9".to_owned()), name: Some(plant.author.to_owned()) },
            created_at: now - TimeDelta::hours(3),
            text: plant.text.to_owned(),
            permalink: Some(format!(
                "https://www.facebook.com/exempelkommun/posts/1?comment_id={}",
                plant.id
            )),
            attachments: plant.attachments.clone(),
            kind: Kind::Comment,
            media: Vec::new(),
            ours: plant.ours,
            visibility: Visibility::Public,
            element: serde_json::json!({ "id": plant.id, "message": plant.text }).to_string().into_bytes(),
        };
        let post = Post {
            native_id: "1".to_owned(),
            text: "Badhuset stänger för renovering.\nVi öppnar igen i mars, med ny relax och ett längre barnbad. Frågor? \
                   Skriv här, så svarar vi på vardagar."
                .to_owned(),
            created_at: now - TimeDelta::hours(30),
            permalink: None,
            comments: None,
            element: Vec::new(),
        };
        let page = Page { comments: vec![seen], posts: vec![post], ..Page::default() };
        let config = self.app.config.clone();
        let id = CommentId { account: "fb".to_owned(), native: plant.id.to_owned() };
        self.app
            .db
            .write(move |tx| {
                comments::store_page(tx, "fb", &page, now, "2026-11-01T00:00:00Z".parse().unwrap(), now)?;
                let stored = comments::find(tx, &id)?.unwrap();
                cases::assess(tx, stored.version.id, &assessment, "prov", now)?;
                moves::judged(tx, &config, &stored, &assessment, now)?;
                Ok(cases::of_comment(tx, stored.id)?.map_or(CaseId(0), |case| case.id))
            })
            .await
            .unwrap()
    }

    /// Seals what is to be preserved, from the stored bytes.
    pub(crate) async fn preserve(&self) {
        // Without the platform, which knows nothing of what was planted.
        let app = App { connectors: BTreeMap::new(), ..self.app.clone() };
        steps::preserve::account(&app, app.config.account("fb").unwrap()).await.unwrap();
    }

    /// The path and query of a link that lasts a week.
    pub(crate) fn link(&self, case: CaseId, person: &str) -> String {
        self.link_until(case, person, self.app.clock.now() + TimeDelta::days(7))
    }

    pub(crate) fn link_until(&self, case: CaseId, person: &str, until: DateTime<Utc>) -> String {
        let keys = self.app.keys.lock().unwrap();
        let link = desk::link::sign(keys.link_key().expose(), "https://x.se", case, person, until);
        link.strip_prefix("https://x.se").unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr)).await
    }

    /// Sends the form of a page: what its hidden fields hold, and `fields`, as a browser does.
    pub(crate) async fn post(&self, link: &str, seen: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(link, seen, fields, "").await
    }

    pub(crate) async fn post_with(
        &self,
        link: &str,
        seen: &str,
        fields: &[(&str, &str)],
        head: &str,
    ) -> Answer {
        let (path, query) = link.split_once('?').unwrap();
        let mut form = url::form_urlencoded::Serializer::new(query.to_owned());
        form.append_pair("seen", seen);
        for (name, value) in fields {
            form.append_pair(name, value);
        }
        let body = form.finish();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        ))
        .await
    }

    /// Sends these bytes and reads the answer to its end.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Every row of every table.
    pub(crate) fn dump(&self) -> String {
        // Another program than the one under test, on the file itself.
        let db = self.folder.path().join("uppsikt.db");
        let script = "import sqlite3, sys\nfor line in sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).iterdump(): print(line)";
        let output = std::process::Command::new("python3").args(["-c", script]).arg(&db).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dump = String::from_utf8(output.stdout).unwrap();
        assert!(dump.contains("CREATE TABLE comment"), "{dump}");
        dump
    }

    pub(crate) async fn state(&self, case: CaseId) -> String {
        self.app.db.read(move |reader| Ok(cases::get(reader, case)?.state.code().to_owned())).await.unwrap()
    }

    pub(crate) async fn decisions(&self, case: CaseId) -> Vec<store::decisions::Decision> {
        self.app.db.read(move |reader| store::decisions::of_case(reader, case)).await.unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

fn app(config: Config, data: &Path) -> App {
    let kek = Kek::generate(&data.join("kek")).unwrap();
    let keys = Keys::create(&data.join("keys.db"), &kek).unwrap();
    let archive = data.join("archive");
    std::fs::create_dir_all(&archive).unwrap();
    let api = Endpoint::parse("http://127.0.0.1:9/facebook/v25.0").unwrap();
    let http = Http::new(&ClientOptions::default()).unwrap();
    let facebook = Facebook::new(http, api, "123456789012345".to_owned(), SecretString::from("x"), None);
    App {
        config: Arc::new(config),
        db: Db::create(&data.join("uppsikt.db")).unwrap(),
        keys: Arc::new(Mutex::new(keys)),
        vault: Arc::new(Vault::new(&archive)),
        connectors: [("fb".to_owned(), Arc::new(facebook) as Arc<dyn Connector>)].into(),
        mailer: Arc::new(Mailer::folder(data.join("mail"))),
        templates: Arc::new(Templates::built_in().unwrap()),
        rules: Arc::new(RuleSet::embedded()),
        policies: Arc::new(Policies::default()),
        clock: Clock::manual(monday()),
        guard: Arc::new(Mutex::new(Guard::default())),
    }
}
