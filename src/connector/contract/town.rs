//! One emulated account on one platform, and the connector that watches it, built as a daemon builds it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::connector::bluesky;
use crate::connector::budget::Book;
use crate::connector::facebook::Facebook;
use crate::connector::http::{Endpoint, Http};
use crate::connector::instagram::Instagram;
use crate::connector::testing::{self, NOW, Shelf};
use crate::connector::{
    Bluesky, Connector, ConnectorError, Cursor, Grant, Linkedin, Look, Page, Target, Token, X, Youtube,
    graph, linkedin, x, youtube,
};
use crate::domain::comment::{Platform, Seen, Sighting};
use crate::sandbox::{Handle, Sandbox, Stood};
use crate::store::Act;

/// Stands in every key and password of a town, and nowhere else.
pub(super) const SECRET: &str = "hemlig9f3a";

/// The account's key, what it is renewed with, and what the app proves itself with.
pub(super) const KEY: &str = "nyckel-hemlig9f3a-1";
pub(super) const REFRESH: &str = "fornya-hemlig9f3a-1";
const CLIENT: &str = "klient-hemlig9f3a";

/// An account, what was written there, and its connector.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) platform: Platform,
    pub(super) handle: Handle,
    pub(super) clock: Clock,
    pub(super) connector: Box<dyn Connector>,
    /// The file of the key, where the platform has one that rotates.
    pub(super) file: PathBuf,
    book: Book,
    _folder: tempfile::TempDir,
    said: Mutex<BTreeMap<u32, Said>>,
    cursor: Mutex<Option<Cursor>>,
}

/// What a visitor has said: its text, its post, and the number of what it answers.
type Said = (String, u32, Option<u32>);

/// Founds a town on every platform and holds the promise against each; tells at the end who broke it.
pub(super) async fn each(promise: impl AsyncFn(&Town)) {
    some(&Platform::ALL, promise).await;
}

/// The same for some platforms.
pub(super) async fn some(platforms: &[Platform], promise: impl AsyncFn(&Town)) {
    let mut broken = Vec::new();
    for platform in platforms {
        let town = Town::found(*platform).await;
        let mut kept = pin!(async {
            promise(&town).await;
            town.broke_no_rule();
        });
        let outcome =
            poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| kept.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) => Poll::Ready(true),
                Err(_) => Poll::Ready(false),
            })
            .await;
        if !outcome {
            broken.push(platform.code());
        }
    }
    assert!(broken.is_empty(), "broken on {broken:?}; the messages stand above, in the same order");
}

/// Milliseconds in the form of the platform's own clocked ids.
fn snowflake(at: DateTime<Utc>, n: u32) -> u64 {
    (u64::try_from(at.timestamp_millis()).unwrap() - 1_288_834_974_657) << 22 | u64::from(n)
}

fn tid(at: DateTime<Utc>, n: u32) -> String {
    const DIGITS: &[u8] = b"234567abcdefghijklmnopqrstuvwxyz";
    let number = u64::try_from(at.timestamp_micros()).unwrap() << 10 | u64::from(n % 1024);
    (0..13)
        .rev()
        .map(|digit| char::from(DIGITS[usize::try_from(number >> (5 * digit) & 31).unwrap()]))
        .collect()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Town {
    pub(super) async fn found(platform: Platform) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nyckel");
        let sandbox = Sandbox::new();
        let handle = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let clock = Clock::manual(at(NOW));
        sandbox.set_clock(at(NOW));
        let book = Book::new(clock.clone(), Arc::new(Shelf::default()));
        let is_rotating = matches!(platform, Platform::Youtube | Platform::Linkedin | Platform::X);
        let grant = Grant {
            refresh: is_rotating.then(|| REFRESH.into()),
            client_id: is_rotating.then(|| "appen".to_owned()),
            client_secret: is_rotating.then(|| CLIENT.into()),
            ..Grant::bare(KEY.into())
        };
        grant.write(&file).unwrap();
        let connector = connect(platform, &handle.api(platform), &file, &book, &clock);
        let said = Mutex::default();
        let cursor = Mutex::default();
        let town = Self { platform, handle, clock, connector, file, book, _folder: folder, said, cursor };
        town.control(
            "account",
            &json!({
                "account": town.account(), "platform": platform.code(), "name": "Kommunen",
                "username": if platform == Platform::Bluesky { "kommunen.se" } else { "kommunen" },
            }),
        );
        if platform == Platform::Bluesky {
            town.control("account", &json!({ "account": town.account(), "memory": { "password": SECRET } }));
        } else {
            let refresh = is_rotating.then_some(REFRESH);
            let kind = (platform == Platform::Facebook).then_some("page");
            town.control(
                "token",
                &json!({ "account": town.account(), "token": KEY, "refresh": refresh, "kind": kind }),
            );
        }
        town
    }

    /// The connector as a daemon that was started anew has it.
    pub(super) fn restarted(&self) -> Box<dyn Connector> {
        connect(self.platform, &self.handle.api(self.platform), &self.file, &self.book, &self.clock)
    }

    pub(super) fn account(&self) -> &'static str {
        account(self.platform)
    }

    pub(super) fn is(&self, platform: Platform) -> bool {
        self.platform == platform
    }

    pub(super) fn control(&self, verb: &str, body: &Value) {
        self.handle.sandbox().control(verb, &body.to_string()).unwrap();
    }

    /// The next request meets this fault.
    pub(super) fn fault(&self, fault: &Value) {
        let mut order = json!({ "account": "*" });
        order.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        self.control("fault", &order);
    }

    /// The native id of the n-th post.
    pub(super) fn post_id(&self, n: u32) -> String {
        let at = Self::post_at(n);
        match self.platform {
            Platform::Facebook => format!("4_{}", 100 + n),
            Platform::Instagram => format!("1790{n:04}"),
            Platform::Youtube => format!("film{n:07}"),
            Platform::Linkedin => format!("urn:li:share:{}", 7_000_000_000 + u64::from(n)),
            Platform::X => snowflake(at, n).to_string(),
            Platform::Bluesky => format!("at://{}/app.bsky.feed.post/{}", self.account(), tid(at, n)),
        }
    }

    fn post_at(n: u32) -> DateTime<Utc> {
        at("2026-11-21T08:00:00Z") + TimeDelta::minutes(n.into())
    }

    /// When the n-th comment was written, unless it says otherwise.
    pub(super) fn said_at(n: u32) -> DateTime<Utc> {
        at("2026-11-22T08:00:00Z") + TimeDelta::seconds(n.into())
    }

    /// What the platform calls the writer with this number.
    pub(super) fn writer(&self, n: u32) -> String {
        match self.platform {
            Platform::Linkedin => format!("urn:li:person:{n}"),
            Platform::Bluesky => format!("did:plc:skribent{n}"),
            Platform::Youtube => format!("UCskribent{n}"),
            _ => format!("{}", 9_000 + n),
        }
    }

    fn date(&self, at: DateTime<Utc>) -> String {
        match self.platform {
            Platform::Facebook | Platform::Instagram => at.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
            Platform::Bluesky | Platform::X => at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
            _ => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }

    /// The n-th comment is written. `more` is as the sandbox's seed, but `post` and `parent` are numbers, `writer` too.
    pub(super) fn say(&self, n: u32, more: &Value) {
        let number = |key: &str| more[key].as_u64().map(|number| u32::try_from(number).unwrap());
        let (post, parent) = (number("post").unwrap_or(1), number("parent"));
        let written = more["at"].as_str().map_or_else(|| Self::said_at(n), at);
        let ours = more["ours"] == true;
        let writer =
            if ours { self.account().to_owned() } else { self.writer(number("writer").unwrap_or(n)) };
        let post_id = self.post_id(post);
        let id = match self.platform {
            Platform::Facebook => format!("{}_{n}", 100 + post),
            Platform::Instagram => format!("18{n:06}"),
            Platform::Youtube => match parent {
                Some(parent) => format!("{}.r{n:04}", self.id(parent)),
                None => format!("Ugx{n:05}"),
            },
            Platform::Linkedin => {
                format!(
                    "urn:li:comment:(urn:li:activity:{},{})",
                    8_000_000_000 + u64::from(post),
                    600_000 + n
                )
            }
            Platform::X => snowflake(written, n).to_string(),
            Platform::Bluesky => format!("at://{writer}/app.bsky.feed.post/{}", tid(written, n)),
        };
        self.control(
            "post",
            &json!({
                "account": self.account(), "id": post_id, "text": format!("Inlägg {post}"),
                "at": self.date(Self::post_at(post)),
                "memory": { "activity": format!("urn:li:activity:{}", 8_000_000_000 + u64::from(post)) },
            }),
        );
        let name = if ours { "Kommunen".to_owned() } else { format!("Åsa {n}") };
        let mut line = json!({
            "account": self.account(), "post": post_id, "id": id, "author": { "id": writer, "name": name },
            "at": self.date(written), "text": format!("ord-{n}. När öppnar badhuset?"),
        });
        for (key, value) in more.as_object().unwrap() {
            if !matches!(key.as_str(), "post" | "parent" | "writer" | "at") {
                line[key] = value.clone();
            }
        }
        line["parent"] = json!(parent.map(|parent| self.id(parent)));
        self.said.lock().unwrap().insert(n, (id, post, parent));
        self.handle.sandbox().seed(&line.to_string()).unwrap();
    }

    pub(super) fn id(&self, n: u32) -> String {
        self.said.lock().unwrap()[&n].0.clone()
    }

    pub(super) fn target(&self, n: u32) -> Target {
        let (native_id, post, parent) = self.said.lock().unwrap()[&n].clone();
        let parent_id = parent.map(|parent| self.id(parent));
        Target { native_id, post_id: self.post_id(post), parent_id, hidden_by_us: false }
    }

    /// The same after we have hidden it.
    pub(super) fn hidden(&self, n: u32) -> Target {
        Target { hidden_by_us: true, ..self.target(n) }
    }

    /// One sweep on from where the last one ended.
    pub(super) async fn sweep(&self) -> Page {
        let from = self.cursor.lock().unwrap().clone();
        let (page, _) = testing::sweep(&*self.connector, from).await.unwrap();
        self.cursor.lock().unwrap().clone_from(&page.cursor);
        page
    }

    pub(super) fn cursor(&self) -> MutexGuard<'_, Option<Cursor>> {
        self.cursor.lock().unwrap()
    }

    /// A sweep on the next day, when everything is due to be read wholly.
    pub(super) async fn tomorrow(&self) -> Page {
        self.later(TimeDelta::hours(25));
        self.sweep().await
    }

    pub(super) fn later(&self, by: TimeDelta) {
        let now = self.clock.now() + by;
        self.clock.set(now);
        self.handle.sandbox().set_clock(now);
    }

    pub(super) async fn look(&self, target: Target) -> Look {
        self.connector.look(&target).await.unwrap()
    }

    pub(super) async fn sighting(&self, target: Target) -> Sighting {
        self.look(target).await.sighting
    }

    pub(super) async fn act(&self, act: Act, target: Target) -> Result<(), ConnectorError> {
        testing::act(&*self.connector, act, target).await
    }

    /// How the platform has the n-th comment.
    pub(super) fn stood(&self, n: u32) -> Stood {
        let id = self.id(n);
        self.handle.sandbox().state().into_iter().find(|stood| stood.id == id).unwrap()
    }

    /// Whether the platform shows the n-th comment to visitors, after whatever we did.
    pub(super) fn is_out_of_sight(&self, n: u32) -> bool {
        let stood = self.stood(n);
        stood.hidden
            || stood.held
            || matches!(stood.moderation.as_deref(), Some("rejected" | "heldForReview"))
    }

    pub(super) fn writes(&self) -> usize {
        let is_act = |path: &str| !["token", "Session", "oauth"].iter().any(|part| path.contains(part));
        self.handle.sandbox().requests().iter().filter(|asked| asked.writes && is_act(&asked.path)).count()
    }

    fn broke_no_rule(&self) {
        for asked in self.handle.sandbox().requests() {
            assert_eq!(asked.violation, None, "{} {}", asked.method, asked.path);
            let key_in_sight = asked.keys.iter().any(|key| key == "access_token");
            let renews = asked.path.contains("token");
            assert!(!key_in_sight || renews, "the key is in the address: {} {}", asked.method, asked.path);
        }
    }
}

pub(super) fn account(platform: Platform) -> &'static str {
    match platform {
        Platform::Facebook => "4",
        Platform::Instagram => "178",
        Platform::Youtube => "UCkommunenkommunenkommun",
        Platform::Linkedin => "urn:li:organization:2414183",
        Platform::X => "2244994945",
        Platform::Bluesky => "did:plc:kommunen",
    }
}

fn connect(
    platform: Platform,
    api: &str,
    file: &std::path::Path,
    book: &Book,
    clock: &Clock,
) -> Box<dyn Connector> {
    let http = Http::for_tests(Duration::from_millis(900));
    let endpoint = Endpoint::parse(api).unwrap();
    let text = SecretString::from(std::fs::read_to_string(file).unwrap());
    let token = Arc::new(Token::open(file, &text).unwrap());
    let (id, clock) = (account(platform).to_owned(), clock.clone());
    let name = format!("{platform}/{id}");
    match platform {
        Platform::Facebook => {
            let http = http.within(book.budget(&name, graph::quotas()));
            Box::new(Facebook::open(http, endpoint, id, token, None, clock))
        }
        Platform::Instagram => {
            let http = http.within(book.budget(&name, graph::quotas()));
            Box::new(Instagram::open(http, endpoint, id, token, None, clock))
        }
        Platform::Youtube => {
            Box::new(Youtube::new(&http, endpoint, id, token, book.budget(&name, youtube::quotas()), clock))
        }
        Platform::Linkedin => {
            let budget = book.budget(&name, linkedin::quotas(linkedin::CALLS_A_DAY));
            let person = linkedin::quotas_by_person(linkedin::CALLS_A_DAY_BY_PERSON);
            let person = book.budget(&format!("{name}/person"), person);
            let linkedin = Linkedin::new(&http, endpoint, &id, token, budget, clock).within(person);
            Box::new(linkedin.with_confirmed_removal(true))
        }
        Platform::X => {
            let budget = book.budget(&name, x::quotas(x::READS_A_DAY));
            Box::new(X::new(&http, endpoint, id, token, budget, clock))
        }
        Platform::Bluesky => {
            let http = bluesky::within(&http, book, endpoint.host(), &id);
            let login = json!({ "identifier": id, "password": SECRET }).to_string();
            Box::new(Bluesky::new(http, api, &id, &login.into()).unwrap())
        }
    }
}

pub(super) fn find<'a>(page: &'a Page, id: &str) -> Option<&'a Seen> {
    page.comments.iter().rev().find(|seen| seen.native_id == id)
}
