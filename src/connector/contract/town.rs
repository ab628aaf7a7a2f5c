//! One account on one platform, emulated or real, and the connector that watches it, built as a daemon builds it.
//!
//! The six emulators are there in every run. Where the run has a real Bluesky network (tests/bluesky), each promise that
//! Bluesky is held to is held against it too, none excepted.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::network::Real;
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

/// Where the account is.
#[derive(Debug)]
enum World {
    Emulated(Handle),
    Real(Box<Real>),
}

use World::Emulated;

impl World {
    fn account(&self, platform: Platform) -> &str {
        match self {
            Emulated(_) => account(platform),
            Self::Real(real) => &real.us.did,
        }
    }

    fn connect(&self, platform: Platform, file: &Path, book: &Book, clock: &Clock) -> Box<dyn Connector> {
        let api = match self {
            Emulated(handle) => handle.api(platform),
            Self::Real(real) => real.wire.api(),
        };
        connect(platform, (&api, self.account(platform)), file, book, clock)
    }
}

/// An account, what was written there, and its connector.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) platform: Platform,
    world: World,
    pub(super) clock: Clock,
    connector: Box<dyn Connector>,
    /// The file of the key, where the platform has one that rotates.
    pub(super) file: PathBuf,
    book: Book,
    _folder: tempfile::TempDir,
    said: Mutex<BTreeMap<u32, Said>>,
    cursor: Mutex<Option<Cursor>>,
}

/// What a visitor has said.
#[derive(Debug, Clone)]
struct Said {
    id: String,
    post: u32,
    /// The number of what it answers.
    parent: Option<u32>,
    at: DateTime<Utc>,
}

/// Founds a town on every platform and holds the promise against each; tells at the end who broke it.
pub(super) async fn each(promise: impl AsyncFn(&Town)) {
    some(&Platform::ALL, promise).await;
}

/// The same for some platforms.
pub(super) async fn some(platforms: &[Platform], promise: impl AsyncFn(&Town)) {
    let mut broken = Vec::new();
    for platform in platforms {
        if !keeps(&Town::found(*platform).await, &promise).await {
            broken.push(platform.code());
        }
    }
    if platforms.contains(&Platform::Bluesky)
        && let Some(town) = Town::on_the_network().await
        && !keeps(&town, &promise).await
    {
        broken.push("the real network");
    }
    assert!(broken.is_empty(), "broken on {broken:?}; the messages stand above, in the same order");
}

/// Whether the promise holds there; a panic is printed where it happens and stops nobody else.
async fn keeps(town: &Town, promise: &impl AsyncFn(&Town)) -> bool {
    let mut kept = pin!(async {
        promise(town).await;
        town.broke_no_rule();
    });
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| kept.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(true),
        Err(_) => Poll::Ready(false),
    })
    .await
}

/// Milliseconds in the form of the platform's own clocked ids.
fn snowflake(at: DateTime<Utc>, n: u32) -> u64 {
    (u64::try_from(at.timestamp_millis()).unwrap() - 1_288_834_974_657) << 22 | u64::from(n)
}

/// A record key of Bluesky: a time and a number.
pub(super) fn tid(at: DateTime<Utc>, n: u32) -> String {
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
        sandbox.set_clock(at(NOW));
        let is_rotating = matches!(platform, Platform::Youtube | Platform::Linkedin | Platform::X);
        let grant = Grant {
            refresh: is_rotating.then(|| REFRESH.into()),
            client_id: is_rotating.then(|| "appen".to_owned()),
            client_secret: is_rotating.then(|| CLIENT.into()),
            ..Grant::bare(KEY.into())
        };
        grant.write(&file).unwrap();
        let town = Self::open(platform, Emulated(handle), Clock::manual(at(NOW)), folder);
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

    /// A town on the real network, if this run has one.
    async fn on_the_network() -> Option<Self> {
        let world = World::Real(Box::new(Real::found().await?));
        // The servers' clocks are the machine's: the town's begins there, and goes on only where a test moves it.
        let clock = Clock::manual(Clock::System.now());
        Some(Self::open(Platform::Bluesky, world, clock, tempfile::tempdir().unwrap()))
    }

    /// The town of this world, whose key lies in `folder`.
    fn open(platform: Platform, world: World, clock: Clock, folder: tempfile::TempDir) -> Self {
        let file = folder.path().join("nyckel");
        let book = Book::new(clock.clone(), Arc::new(Shelf::default()));
        let connector = world.connect(platform, &file, &book, &clock);
        let (said, cursor) = (Mutex::default(), Mutex::default());
        Self { platform, world, clock, connector, file, book, _folder: folder, said, cursor }
    }

    /// The emulators, for what only they can tell.
    pub(super) fn sandbox(&self) -> &Sandbox {
        let Emulated(handle) = &self.world else { panic!("there is no sandbox on the real network") };
        handle.sandbox()
    }

    /// The connector, after everything that was written is there to be read.
    pub(super) fn connector(&self) -> &dyn Connector {
        if let World::Real(real) = &self.world {
            real.settle();
        }
        &*self.connector
    }

    /// The connector as a daemon that was started anew has it.
    pub(super) fn restarted(&self) -> Box<dyn Connector> {
        self.world.connect(self.platform, &self.file, &self.book, &self.clock)
    }

    pub(super) fn account(&self) -> &str {
        self.world.account(self.platform)
    }

    pub(super) fn is(&self, platform: Platform) -> bool {
        self.platform == platform
    }

    pub(super) fn control(&self, verb: &str, body: &Value) {
        match &self.world {
            Emulated(handle) => handle.sandbox().control(verb, &body.to_string()).unwrap(),
            World::Real(real) => {
                let said = self.said.lock().unwrap();
                let post = said.values().find(|said| body["id"] == said.id.as_str()).map(|said| said.post);
                real.control(verb, body, post.map(|post| real.post_id(post)).as_deref());
            }
        }
    }

    /// The next request meets this fault.
    pub(super) fn fault(&self, fault: &Value) {
        let mut order = json!({ "account": "*" });
        order.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        self.control("fault", &order);
    }

    /// The native id of the n-th post.
    pub(super) fn post_id(&self, n: u32) -> String {
        if let World::Real(real) = &self.world {
            return real.post_id(n);
        }
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

    /// When the platform has the n-th comment written.
    pub(super) fn written_at(&self, n: u32) -> DateTime<Utc> {
        self.said.lock().unwrap()[&n].at
    }

    /// Whether a date is this moment's, as the platform's clock goes.
    pub(super) fn is_now(&self, date: DateTime<Utc>) -> bool {
        match &self.world {
            Emulated(_) => (date - self.clock.now()).abs() < TimeDelta::seconds(2),
            // The machine's clock, and a request may take a while.
            World::Real(_) => (date - Clock::System.now()).abs() < TimeDelta::minutes(1),
        }
    }

    /// The account's name as visitors see it, and another one.
    pub(super) fn names(&self) -> (String, String) {
        if let World::Real(real) = &self.world {
            return (real.name(), Real::another_name());
        }
        let (before, after) = match self.platform {
            Platform::Facebook | Platform::Youtube | Platform::Linkedin => ("Kommunen", "Fri krypto"),
            Platform::Bluesky => ("kommunen.se", "fri.krypto"),
            Platform::Instagram | Platform::X => ("kommunen", "fri_krypto"),
        };
        (before.to_owned(), after.to_owned())
    }

    /// The most characters of `å` that one comment holds, or enough of them.
    pub(super) fn longest(&self) -> usize {
        if matches!(self.world, World::Real(_)) { 300 } else { 2_000 }
    }

    /// Words as the platform has them: Bluesky's own servers drop a byte order mark at their beginning.
    pub(super) fn as_kept<'a>(&self, words: &'a str) -> &'a str {
        if matches!(self.world, World::Real(_)) { words.trim_start_matches('\u{FEFF}') } else { words }
    }

    /// What visitors see as the name of the writer with this number.
    pub(super) fn writers_name(&self, n: u32) -> String {
        match &self.world {
            Emulated(_) => format!("Åsa {n}"),
            World::Real(_) => Real::citizens_name(n),
        }
    }

    /// What the platform calls the writer with this number.
    pub(super) fn writer(&self, n: u32) -> String {
        if let World::Real(real) = &self.world {
            return real.citizen(n).did.clone();
        }
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
        if let World::Real(real) = &self.world {
            let said = self.said_on(real, n, (post, parent), more);
            self.said.lock().unwrap().insert(n, said);
            return;
        }
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
        self.publish(post);
        let name = if ours { "Kommunen".to_owned() } else { format!("Åsa {n}") };
        let mut line = json!({
            "account": self.account(), "post": post_id, "id": id, "author": { "id": writer, "name": name },
            "at": self.date(written), "text": words(n),
        });
        for (key, value) in more.as_object().unwrap() {
            if !matches!(key.as_str(), "post" | "parent" | "writer" | "at") {
                line[key] = value.clone();
            }
        }
        line["parent"] = json!(parent.map(|parent| self.id(parent)));
        self.said.lock().unwrap().insert(n, Said { id, post, parent, at: written });
        self.sandbox().seed(&line.to_string()).unwrap();
    }

    /// The same on the real network, where it is always now.
    fn said_on(&self, real: &Real, n: u32, (post, parent): (u32, Option<u32>), more: &Value) -> Said {
        if self.said.lock().unwrap().values().all(|said| said.post != post) {
            self.publish(post);
        }
        let text = more["text"].as_str().map_or_else(|| words(n), str::to_owned);
        let writer = more["writer"].as_u64().map_or(n, |writer| u32::try_from(writer).unwrap());
        let root = real.post_id(post);
        let above = parent.map_or_else(|| root.clone(), |parent| self.id(parent));
        let (id, at) = real.say(more["ours"] == true, writer, (&root, &above), &text, more);
        Said { id, post, parent, at }
    }

    /// The municipality publishes its n-th post.
    pub(super) fn publish(&self, n: u32) {
        let text = format!("Inlägg {n}");
        if let World::Real(real) = &self.world {
            return real.write_post(n, &text);
        }
        self.control(
            "post",
            &json!({
                "account": self.account(), "id": self.post_id(n), "text": text, "at": self.date(Self::post_at(n)),
                "memory": { "activity": format!("urn:li:activity:{}", 8_000_000_000 + u64::from(n)) },
            }),
        );
    }

    pub(super) fn id(&self, n: u32) -> String {
        self.said.lock().unwrap()[&n].id.clone()
    }

    pub(super) fn target(&self, n: u32) -> Target {
        let said = self.said.lock().unwrap()[&n].clone();
        let parent_id = said.parent.map(|parent| self.id(parent));
        Target { native_id: said.id, post_id: self.post_id(said.post), parent_id, hidden_by_us: false }
    }

    /// The same after we have hidden it.
    pub(super) fn hidden(&self, n: u32) -> Target {
        Target { hidden_by_us: true, ..self.target(n) }
    }

    /// One sweep on from where the last one ended.
    pub(super) async fn sweep(&self) -> Page {
        let from = self.cursor.lock().unwrap().clone();
        let (page, _) = testing::sweep(self.connector(), from).await.unwrap();
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
        match &self.world {
            Emulated(handle) => handle.sandbox().set_clock(now),
            World::Real(real) => real.later(by),
        }
    }

    pub(super) async fn look(&self, target: Target) -> Look {
        self.connector().look(&target).await.unwrap()
    }

    pub(super) async fn sighting(&self, target: Target) -> Sighting {
        self.look(target).await.sighting
    }

    pub(super) async fn act(&self, act: Act, target: Target) -> Result<(), ConnectorError> {
        testing::act(self.connector(), act, target).await
    }

    /// How the emulated platform has the n-th comment.
    fn stood(&self, n: u32) -> Stood {
        let id = self.id(n);
        self.sandbox().state().into_iter().find(|stood| stood.id == id).unwrap()
    }

    /// The words of the n-th comment as the platform has them; `None` where it was deleted.
    pub(super) fn text(&self, n: u32) -> Option<String> {
        match &self.world {
            Emulated(_) => Some(self.stood(n)).filter(|stood| !stood.deleted).map(|stood| stood.text),
            World::Real(real) => real.text(&self.id(n)),
        }
    }

    /// Whether the platform shows the n-th comment to visitors, after whatever we did.
    pub(super) fn is_out_of_sight(&self, n: u32) -> bool {
        if let World::Real(real) = &self.world {
            let target = self.target(n);
            return real.is_hidden(&target.post_id, &target.native_id);
        }
        let stood = self.stood(n);
        stood.hidden
            || stood.held
            || matches!(stood.moderation.as_deref(), Some("rejected" | "heldForReview"))
    }

    /// How many requests the platform has had.
    pub(super) fn calls(&self) -> usize {
        match &self.world {
            Emulated(handle) => handle.sandbox().requests().len(),
            World::Real(real) => real.wire.asked().len(),
        }
    }

    pub(super) fn writes(&self) -> usize {
        if let World::Real(real) = &self.world {
            return real.wire.writes();
        }
        let is_act = |path: &str| !["token", "Session", "oauth"].iter().any(|part| path.contains(part));
        self.sandbox().requests().iter().filter(|asked| asked.writes && is_act(&asked.path)).count()
    }

    /// The quotas that the platform had to refuse a call for.
    pub(super) fn refused(&self) -> Vec<String> {
        let Emulated(handle) = &self.world else {
            return self.refusals_of_the_wire();
        };
        let quotas: Vec<_> =
            handle.sandbox().quotas().iter().map(|quota| serde_json::to_value(quota).unwrap()).collect();
        let told = |quota: &&Value| quota["refused"].as_u64().unwrap_or(0) > 0;
        quotas.iter().filter(told).map(ToString::to_string).collect()
    }

    /// One for each call that was refused because the address's requests were used up.
    fn refusals_of_the_wire(&self) -> Vec<String> {
        let World::Real(real) = &self.world else { return Vec::new() };
        (0..real.wire.refused()).map(|n| format!("refusal {n}")).collect()
    }

    fn broke_no_rule(&self) {
        match &self.world {
            Emulated(handle) => {
                for asked in handle.sandbox().requests() {
                    assert_eq!(asked.violation, None, "{} {}", asked.method, asked.path);
                    let key_in_sight = asked.keys.iter().any(|key| key == "access_token");
                    let renews = asked.path.contains("token");
                    assert!(
                        !key_in_sight || renews,
                        "the key is in the address: {} {}",
                        asked.method,
                        asked.path
                    );
                }
            }
            World::Real(real) => {
                let keys = real.wire.keys();
                for asked in real.wire.asked() {
                    let is_shown =
                        asked.path.contains(SECRET) || keys.iter().any(|key| asked.path.contains(key));
                    assert!(!is_shown, "a key is in the address: {} {}", asked.method, asked.path);
                }
            }
        }
    }
}

/// What the n-th comment says, unless it says otherwise.
pub(super) fn words(n: u32) -> String {
    format!("ord-{n}. När öppnar badhuset?")
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
    (api, account): (&str, &str),
    file: &Path,
    book: &Book,
    clock: &Clock,
) -> Box<dyn Connector> {
    let endpoint = Endpoint::parse(api).unwrap();
    if platform == Platform::Bluesky {
        // Real servers take their time, on a busy machine too.
        let seconds = if account == self::account(platform) { 0.9 } else { 6.0 };
        let http = Http::for_tests(Duration::from_secs_f64(seconds));
        let http = bluesky::within(&http, book, endpoint.host(), account);
        let login = json!({ "identifier": account, "password": SECRET }).to_string();
        return Box::new(Bluesky::new(http, api, account, &login.into()).unwrap());
    }
    let http = Http::for_tests(Duration::from_millis(900));
    let text = SecretString::from(std::fs::read_to_string(file).unwrap());
    let token = Arc::new(Token::open(file, &text).unwrap());
    let (id, clock) = (account.to_owned(), clock.clone());
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
        Platform::Bluesky => unreachable!("it has no file of a key that rotates"),
    }
}

pub(super) fn find<'a>(page: &'a Page, id: &str) -> Option<&'a Seen> {
    page.comments.iter().rev().find(|seen| seen.native_id == id)
}
