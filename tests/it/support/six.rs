//! Accounts on all six platforms in the sandbox, with ids as each platform makes them, and what was read of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uppsikt::archive::Preserved;
use uppsikt::assemble::{self, Assembled};
use uppsikt::clock::Clock;
use uppsikt::config::Config;
use uppsikt::connector::{
    Capabilities, Connector, ConnectorError, Cursor, Fetched, Left, Look, Page, Sighting, Standing, Target,
};
use uppsikt::domain::comment::{Media, Platform};
use uppsikt::durable;
use uppsikt::sandbox::Sandbox;
use uppsikt::store::Intent;

use super::municipality::{INSULTS_BY_ITSELF, Municipality, account};

pub(crate) const PLATFORMS: [Platform; 6] = [
    Platform::Facebook,
    Platform::Instagram,
    Platform::Youtube,
    Platform::Linkedin,
    Platform::X,
    Platform::Bluesky,
];

/// An account that the test plays.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) id: String,
    pub(crate) platform: Platform,
    pub(crate) native: String,
    /// Minutes between two polls.
    pub(crate) every: i64,
}

impl Played {
    pub(crate) fn new(platform: Platform, number: usize, every: i64) -> Self {
        let native = match platform {
            Platform::Facebook => format!("1000{number:08}"),
            Platform::Instagram => format!("1784{number:08}"),
            Platform::Youtube => format!("UCkommun{number:016}"),
            Platform::Linkedin => format!("urn:li:organization:24{number:05}"),
            Platform::X => format!("22449{number:05}"),
            Platform::Bluesky => format!("did:plc:kommun{number:05}"),
        };
        Self { id: format!("{}{number}", platform.code()), platform, native, every }
    }

    /// The id of its post number `number`, written at `at`.
    pub(crate) fn post(&self, number: usize, at: DateTime<Utc>) -> String {
        let own = digits(&self.native);
        match self.platform {
            Platform::Facebook => format!("{}_{number}", self.native),
            Platform::Instagram => format!("1790{own}{number:03}"),
            Platform::Youtube => format!("v{:06}{number:04}", own % 1_000_000),
            Platform::Linkedin => format!("urn:li:share:7{own}{number:03}"),
            Platform::X => snowflake(at, own * 1_000 + number as u64).to_string(),
            Platform::Bluesky => {
                format!("at://{}/app.bsky.feed.post/{}", self.native, tid(at, number as u64))
            }
        }
    }

    /// The id of the comment number `number` (one series for all accounts) under `post`, written at `at` as an answer
    /// to `parent`.
    pub(crate) fn comment(
        &self,
        number: usize,
        post: &str,
        parent: Option<&str>,
        at: DateTime<Utc>,
    ) -> String {
        match self.platform {
            Platform::Facebook => format!("{}_{number}", post.rsplit('_').next().unwrap()),
            Platform::Instagram => format!("1801{number:09}"),
            Platform::Youtube => match parent {
                Some(parent) => format!("{parent}.{number}"),
                None => format!("Ugx{number:09}"),
            },
            Platform::Linkedin => format!("urn:li:comment:(urn:li:activity:{},{number})", digits(post)),
            Platform::X => snowflake(at, 500_000 + number as u64).to_string(),
            Platform::Bluesky => {
                format!("at://did:plc:besok{}/app.bsky.feed.post/{}", number % 97, tid(at, number as u64))
            }
        }
    }

    /// A moment as the platform writes it.
    pub(crate) fn date(&self, at: DateTime<Utc>) -> String {
        match self.platform {
            Platform::Facebook | Platform::Instagram => at.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
            _ => at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }

    /// What `/control/account` is told of it.
    pub(crate) fn told(&self) -> Value {
        json!({ "account": self.native, "platform": self.platform.code(), "name": "Exempel kommun", "username": self.id })
    }

    /// What the configuration says of it.
    fn table(&self, folder: &str) -> String {
        let schedule = match self.every {
            minutes @ 1..60 => format!("0 */{minutes} * * * *"),
            minutes => format!("0 0 */{} * * *", minutes / 60),
        };
        let more = format!("mode = \"watch\"\npoll = \"{schedule}\"\napi = \"sandbox\"");
        let mut table = account(&self.id, self.platform.code(), &self.native, &more);
        // On LinkedIn a key is a person's, and so are the calls of a day.
        let key = match self.platform {
            Platform::Bluesky => {
                Some(("login_file", json!({ "identifier": self.native, "password": "prov" }).to_string()))
            }
            Platform::Linkedin => Some(("token_file", format!("nyckel-till-{}", self.id))),
            _ => None,
        };
        if let Some((option, key)) = key {
            durable::write(Path::new(&format!("{folder}/{}", self.id)), key.as_bytes(), 0o600).unwrap();
            writeln!(table, "{option} = \"{}\"", self.id).unwrap();
        }
        table
    }
}

/// The number that an id ends in, as far as it fits.
fn digits(id: &str) -> u64 {
    let all: String = id.chars().filter(char::is_ascii_digit).collect();
    all[all.len().saturating_sub(12)..].parse().unwrap()
}

/// An id of X: milliseconds since its own beginning, and a number (`seq` may be too large for its bits; it is cut).
fn snowflake(at: DateTime<Utc>, seq: u64) -> u64 {
    let millis = u64::try_from(at.timestamp_millis() - 1_288_834_974_657).unwrap();
    (millis << 22) | (seq & 0x3f_ffff)
}

/// A key of Bluesky: microseconds since 1970 (`seq` makes them differ within the second) in base 32.
fn tid(at: DateTime<Utc>, seq: u64) -> String {
    let micros = u64::try_from(at.timestamp_micros()).unwrap() + seq % 1_000_000;
    let mut number = micros << 10;
    let mut key = Vec::new();
    for _ in 0..13 {
        key.push(b"234567abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 32).unwrap()]);
        number /= 32;
    }
    key.reverse();
    String::from_utf8(key).unwrap()
}

/// Ids of all comments that pages held, by account.
pub(crate) type Received = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// A connector that notes what its pages held before anybody else sees them.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn Connector>,
    account: String,
    received: Received,
}

#[async_trait]
impl Connector for Noting {
    fn platform(&self) -> Platform {
        self.inner.platform()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn page(&self, from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        let page = self.inner.page(from).await?;
        let mut received = self.received.lock().unwrap();
        let mine = received.entry(self.account.clone()).or_default();
        mine.extend(page.comments.iter().map(|seen| seen.native_id.clone()));
        Ok(page)
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        self.inner.look(target).await
    }

    async fn look_at_post(&self, native_id: &str) -> Result<Sighting, ConnectorError> {
        self.inner.look_at_post(native_id).await
    }

    async fn hide(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.inner.hide(intent, proof).await
    }

    async fn restore(&self, intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        self.inner.restore(intent, proof).await
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        self.inner.standing().await
    }

    fn budgets(&self) -> Vec<Left> {
        self.inner.budgets()
    }

    async fn media(&self, media: &Media, limit: usize) -> Result<Fetched, ConnectorError> {
        self.inner.media(media, limit).await
    }
}

/// A municipality whose accounts are all in the sandbox.
#[derive(Debug)]
pub(crate) struct Six {
    pub(crate) all: Assembled,
    pub(crate) received: Received,
    _folder: tempfile::TempDir,
}

impl Six {
    /// Watches from `now` on, where the clock stands.
    pub(crate) async fn new(accounts: &[Played], now: DateTime<Utc>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(below("secrets")).unwrap();
        let mut text = Municipality::bare().and(INSULTS_BY_ITSELF).text();
        for account in accounts {
            text.push_str(&account.table(&below("secrets")));
            writeln!(text, "watched_from = {}", now.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap();
        }
        write!(
            text,
            "[paths]\ndata = {:?}\nsecrets = {:?}\nkek_file = {:?}\nmin_free = \"1 MiB\"\n",
            below("data"),
            below("secrets"),
            below("kek")
        )
        .unwrap();
        let examined = Config::examine_text(&folder.path().join("uppsikt.toml"), &text);
        assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
        let config = examined.result.unwrap();
        assemble::init(&config).unwrap();
        let mut all = assemble::app(config, Clock::manual(now)).await.unwrap();
        let received = Received::default();
        for (account, connector) in &mut all.app.connectors {
            let (inner, account) = (connector.clone(), account.clone());
            *connector = Arc::new(Noting { inner, account, received: received.clone() });
        }
        let six = Self { all, received, _folder: folder };
        for account in accounts {
            six.control("account", &account.told());
        }
        six
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.all.sandbox.as_ref().unwrap().sandbox()
    }

    pub(crate) fn control(&self, verb: &str, body: &Value) {
        control(self.sandbox(), verb, body);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.all.app.clock.now()
    }

    /// Moves our clock and the platforms'.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.all.app.clock.set(self.now() + by);
        self.sandbox().set_clock(self.now());
    }

    /// The stored comments: account, native id, newest text, number of texts.
    pub(crate) fn stored(&self) -> Vec<(String, String, String, u32)> {
        let path = assemble::Layout::new(&self.all.app.config.paths.data).database();
        let db = rusqlite::Connection::open(path).unwrap();
        let mut query = db
            .prepare(
                "select c.account, c.native_id, v.text, v.n from comment c join version v on v.comment = c.id
                 where v.n = (select max(n) from version where comment = c.id)",
            )
            .unwrap();
        query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}

/// Does what the control verb does; it must succeed.
pub(crate) fn control(sandbox: &Sandbox, verb: &str, body: &Value) {
    sandbox.control(verb, &body.to_string()).unwrap_or_else(|error| panic!("{verb} {body}: {error}"));
}

/// Numbers that look random and are the same every time.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

/// What all chance of the tests comes from: `PROPTEST_RNG_SEED`, or always the same.
pub(crate) fn seed() -> u64 {
    std::env::var("PROPTEST_RNG_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5EED_0F7E_57AB_1E55)
}

impl Dice {
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    pub(crate) fn minutes(&mut self, from: usize, to: usize) -> i64 {
        i64::try_from(from + self.roll(to - from)).unwrap()
    }
}
