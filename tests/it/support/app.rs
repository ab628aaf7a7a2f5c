//! A whole Uppsikt in a temporary folder, with platforms that the test plays and a clock that the test sets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine};
use chrono::{DateTime, TimeDelta, Utc};
use uppsikt::archive::{Preserved, Vault};
use uppsikt::assemble::{self, Layout};
use uppsikt::clock::Clock;
use uppsikt::config::Config;
use uppsikt::connector::{
    Capabilities, Connector, ConnectorError, Cursor, Fetched, Look, Page, Post, Sighting, Standing, Target,
};
use uppsikt::domain::case::{CaseId, Outcome};
use uppsikt::domain::classify::{Assessment, Policies, RuleSet};
use uppsikt::domain::comment::{Author, CommentId, Kind, Media, Platform, Seen, Visibility};
use uppsikt::mail::{Mailer, SmtpConfig, Templates, Tls};
use uppsikt::moves::{self, Decide};
use uppsikt::pipeline::{self, App, Guard, Pass, Which};
use uppsikt::steps;
use uppsikt::store::comments::StoredComment;
use uppsikt::store::duties::Duty;
use uppsikt::store::letters::StoredLetter;
use uppsikt::store::{Db, Intent, cases, comments, duties, letters};

pub(crate) use super::municipality::MUNICIPALITY;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Page,
    Look,
    Hide,
    Restore,
    Media,
}

/// A fault of the next such call: before anything is done, or after it was done, so that only the answer is lost.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) done: bool,
    pub(crate) error: ConnectorError,
}

#[derive(Debug, Default)]
struct Played {
    comments: BTreeMap<String, Seen>,
    unlisted: BTreeSet<String>,
    wholly: BTreeSet<String>,
    posts: BTreeMap<String, Post>,
    gone: BTreeSet<String>,
    hidden: BTreeSet<String>,
    calls: BTreeMap<Call, usize>,
    faults: VecDeque<Fault>,
    key: Option<Told>,
}

/// What a platform says of a key.
type Told = fn() -> Result<Standing, ConnectorError>;

/// A platform's account that the test plays.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    played: Mutex<Played>,
}

impl Fake {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap()
    }

    /// Puts a comment there, or gives it another text; the next page lists it.
    pub(crate) fn put(&self, seen: Seen) {
        let mut played = self.played();
        let post = Post {
            native_id: seen.post_id.clone(),
            text: format!("Inlägget {}", seen.post_id),
            created_at: seen.created_at - TimeDelta::hours(1),
            permalink: None,
            comments: None,
            element: Vec::new(),
        };
        played.posts.entry(seen.post_id.clone()).or_insert(post);
        played.unlisted.insert(seen.native_id.clone());
        played.comments.insert(seen.native_id.clone(), seen);
    }

    /// Its author, or the platform, removes a comment; the next page lists its post wholly.
    pub(crate) fn remove(&self, native: &str) {
        let mut played = self.played();
        let post = played.comments[native].post_id.clone();
        played.gone.insert(native.to_owned());
        played.wholly.insert(post);
    }

    /// The next such call fails; faults of the same call come in order.
    pub(crate) fn fault(&self, call: Call, done: bool, error: ConnectorError) {
        self.played().faults.push_back(Fault { call, done, error });
    }

    /// What the platform says of the key from now on.
    pub(crate) fn key(&self, told: Told) {
        self.played().key = Some(told);
    }

    /// What is hidden now.
    pub(crate) fn hidden(&self) -> BTreeSet<String> {
        self.played().hidden.clone()
    }

    /// How often something was asked for.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.played().calls.get(&call).copied().unwrap_or_default()
    }

    /// How many requests have changed, or tried to change, anything.
    pub(crate) fn writes(&self) -> usize {
        self.calls(Call::Hide) + self.calls(Call::Restore)
    }

    fn answer<T>(&self, call: Call, work: impl FnOnce(&mut Played) -> T) -> Result<T, ConnectorError> {
        let mut played = self.played();
        *played.calls.entry(call).or_default() += 1;
        let at = played.faults.iter().position(|fault| fault.call == call);
        let fault = at.and_then(|at| played.faults.remove(at));
        match fault {
            Some(fault) => {
                // Reading changes nothing: a page whose answer was lost is listed again.
                if fault.done && call != Call::Page {
                    work(&mut played);
                }
                Err(fault.error)
            }
            None => Ok(work(&mut played)),
        }
    }
}

#[async_trait]
impl Connector for Fake {
    fn platform(&self) -> Platform {
        Platform::Facebook
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hide: true,
            restore: true,
            remove: false,
            reply: false,
            shows_hidden: true,
            who_still_sees: "författaren",
            surfaces: &[],
            unconfirmed: &[],
        }
    }

    /// What is new or changed since the last page; a fault leaves it for the next one.
    async fn page(&self, _from: Option<&Cursor>) -> Result<Page, ConnectorError> {
        self.answer(Call::Page, |played| {
            let (new, wholly) = (std::mem::take(&mut played.unlisted), std::mem::take(&mut played.wholly));
            let comments = played
                .comments
                .values()
                .filter(|seen| new.contains(&seen.native_id) || wholly.contains(&seen.post_id))
                .filter(|seen| !played.gone.contains(&seen.native_id))
                .cloned()
                .collect();
            Page {
                comments,
                posts: played.posts.values().cloned().collect(),
                cursor: Some(Cursor("{}".to_owned())),
                listed: wholly.into_iter().collect(),
                ..Page::default()
            }
        })
    }

    async fn look(&self, target: &Target) -> Result<Look, ConnectorError> {
        self.answer(Call::Look, |played| {
            let url = format!("https://fake.exempel.se/{}", target.native_id);
            match played.comments.get(&target.native_id) {
                Some(seen) if !played.gone.contains(&target.native_id) => Look {
                    sighting: if played.hidden.contains(&target.native_id) {
                        Sighting::HiddenByUs
                    } else {
                        Sighting::Public
                    },
                    seen: Some(seen.clone()),
                    answer: Some(seen.element.clone()),
                    exchange: None,
                    url,
                    date: None,
                },
                _ => Look {
                    sighting: Sighting::Gone,
                    seen: None,
                    answer: None,
                    exchange: None,
                    url,
                    date: None,
                },
            }
        })
    }

    async fn standing(&self) -> Result<Standing, ConnectorError> {
        let told = self.played().key;
        told.map_or_else(|| Ok(Standing::default()), |told| told())
    }

    async fn hide(&self, _intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let native = proof.comment().native.clone();
        self.answer(Call::Hide, |played| played.hidden.insert(native)).map(drop)
    }

    async fn restore(&self, _intent: &Intent, proof: &Preserved) -> Result<(), ConnectorError> {
        let native = proof.comment().native.clone();
        self.answer(Call::Restore, |played| played.hidden.remove(&native)).map(drop)
    }

    /// A picture whose bytes tell its address.
    async fn media(&self, media: &Media, _limit: usize) -> Result<Fetched, ConnectorError> {
        let (kind, url) = (Some("image/jpeg".to_owned()), media.url.clone());
        let bytes = [b"\xff\xd8\xff\xe0", url.as_bytes()].concat();
        self.answer(Call::Media, |_| Fetched { bytes, kind, url, date: None })
    }
}

/// A letter as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) message_id: String,
    /// The letter's own `Date`.
    pub(crate) at: DateTime<Utc>,
}

/// What a test says of a text in place of the rules.
pub(crate) type Judge = fn(&StoredComment) -> Assessment;

/// A whole Uppsikt.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) app: App,
    _folder: tempfile::TempDir,
    fakes: BTreeMap<String, Arc<Fake>>,
    judge: Option<Judge>,
}

impl Rig {
    /// Makes everything that `init` makes, from a configuration without `[paths]`; the clock stands at `now`.
    pub(crate) fn new(toml: &str, now: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "{toml}\n[paths]\ndata = {:?}\nsecrets = {:?}\nkek_file = {:?}\nmin_free = \"1 MiB\"\n",
            below("data"),
            below("secrets"),
            below("kek")
        );
        let examined = Config::examine_text(&folder.path().join("uppsikt.toml"), &text);
        assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
        let config = examined.result.unwrap();
        assemble::init(&config).unwrap();
        let layout = Layout::new(&config.paths.data);
        let mut fakes = BTreeMap::new();
        let mut connectors: BTreeMap<String, Arc<dyn Connector>> = BTreeMap::new();
        for account in &config.accounts {
            let fake = Arc::new(Fake::default());
            connectors.insert(account.id.clone(), fake.clone());
            fakes.insert(account.id.clone(), fake);
        }
        let app = App {
            db: Db::open(&layout.database()).unwrap(),
            keys: Arc::new(Mutex::new(assemble::keys(&config).unwrap())),
            vault: Arc::new(Vault::new(&layout.archive())),
            connectors,
            mailer: Arc::new(Mailer::folder(layout.mail())),
            templates: Arc::new(Templates::built_in().unwrap()),
            rules: Arc::new(RuleSet::embedded()),
            policies: Arc::new(config.categories.clone().into_iter().collect::<Policies>()),
            clock: Clock::manual(at(now)),
            guard: Arc::new(Mutex::new(Guard::default())),
            config: Arc::new(config),
        };
        Self { app, _folder: folder, fakes, judge: None }
    }

    /// Lets `judge` speak in place of the rules.
    pub(crate) fn judged_by(mut self, judge: Judge) -> Self {
        self.judge = Some(judge);
        self
    }

    /// Sends letters to a mail server on this machine instead of into a folder.
    pub(crate) fn smtp(&mut self, port: u16) {
        let config = SmtpConfig {
            host: "localhost".to_owned(),
            port,
            tls: Tls::None,
            login: None,
            ca_file: None,
            timeout: std::time::Duration::from_secs(2),
        };
        self.app.mailer = Arc::new(Mailer::smtp(config).unwrap());
    }

    /// Starts anew on the same files, as after a crash: nothing but the disk is kept.
    pub(crate) fn restart(&mut self) {
        self.app.db = Db::open(&Layout::new(&self.app.config.paths.data).database()).unwrap();
        self.app.guard = Arc::new(Mutex::new(Guard::default()));
    }

    /// The account that the test plays.
    pub(crate) fn fake(&self, account: &str) -> &Fake {
        &self.fakes[account]
    }

    /// A visitor writes under a post.
    pub(crate) fn comment(
        &self,
        account: &str,
        post: &str,
        native: &str,
        text: &str,
        written: DateTime<Utc>,
    ) {
        let element = serde_json::json!({ "id": native, "message": text }).to_string();
        self.fake(account).put(Seen {
            native_id: native.to_owned(),
            post_id: post.to_owned(),
            parent_id: None,
            author: Author { id: Some("42".to_owned()), name: Some("Berit Besökare".to_owned()) },
            created_at: written,
            text: text.to_owned(),
            permalink: None,
            attachments: Vec::new(),
            kind: Kind::Comment,
            media: Vec::new(),
            ours: false,
            visibility: Visibility::Public,
            element: element.into_bytes(),
        });
    }

    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.app.clock.set(self.now() + by);
    }

    /// Sets the clock.
    pub(crate) fn set(&self, now: &str) {
        self.app.clock.set(at(now));
    }

    /// One pass over everything.
    pub(crate) async fn pass(&self) -> Pass {
        if let Some(judge) = self.judge {
            for account in &self.app.config.accounts {
                steps::poll::account(&self.app, account).await.unwrap();
            }
            let (config, now) = (self.app.config.clone(), self.now());
            let judge_all = move |tx: &uppsikt::store::Tx<'_>| {
                for row in comments::unjudged(tx, usize::MAX >> 1)? {
                    let stored = comments::get(tx, row)?;
                    let assessment = judge(&stored);
                    cases::assess(tx, stored.version.id, &assessment, "test", now)?;
                    moves::judged(tx, &config, &stored, &assessment, now)?;
                }
                Ok(())
            };
            self.app.db.write(judge_all).await.unwrap();
        }
        Box::pin(pipeline::pass(&self.app, Which::All)).await.unwrap()
    }

    /// Passes at every `step` until `end`.
    pub(crate) async fn run_until(&self, end: &str, step: TimeDelta) {
        while self.now() < at(end) {
            self.advance(step);
            self.pass().await;
        }
    }

    /// The case of a comment.
    pub(crate) fn case(&self, account: &str, native: &str) -> CaseId {
        let id = CommentId { account: account.to_owned(), native: native.to_owned() };
        self.app
            .db
            .read_now(|reader| {
                let stored = comments::find(reader, &id)?.unwrap();
                Ok(cases::of_comment(reader, stored.id)?.unwrap().id)
            })
            .unwrap()
    }

    /// A person decides, as the operating-system account `os_user`.
    pub(crate) fn decide(&self, case: CaseId, person: &str, os_user: &str, outcome: Outcome) {
        let (config, at) = (self.app.config.clone(), self.now());
        let (person, os_user) = (person.to_owned(), os_user.to_owned());
        self.app
            .db
            .write_now(move |tx| {
                let asked =
                    Decide { case, person: &person, os_user: &os_user, outcome, reason: "ett skäl", at };
                moves::decide(tx, &config, &asked)
            })
            .unwrap();
    }

    /// Every open duty.
    pub(crate) fn open_duties(&self) -> Vec<Duty> {
        self.app.db.read_now(duties::open).unwrap()
    }

    /// Every row of the outbox.
    pub(crate) fn outbox(&self) -> Vec<StoredLetter> {
        self.app.db.read_now(letters::all).unwrap()
    }

    /// The letters in the mail folder, in order.
    pub(crate) fn letters(&self) -> Vec<Mail> {
        let folder = Layout::new(&self.app.config.paths.data).mail();
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| mail(&fs::read(path).unwrap())).collect()
    }

    /// The letters to one person, by the part of the address before `@`.
    pub(crate) fn letters_to(&self, person: &str) -> Vec<Mail> {
        let to = format!("{person}@");
        self.letters().into_iter().filter(|mail| mail.to.contains(&to)).collect()
    }
}

/// A moment as RFC 3339 writes it.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Takes a message apart.
pub(crate) fn mail(bytes: &[u8]) -> Mail {
    let message = String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n", "\n");
    let (head, body) = message.split_once("\n\n").unwrap();
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        words(line.unwrap_or_else(|| panic!("no {name} in {head}")))
    };
    let (_, part) = body.split_once("Content-Type: text/plain").unwrap();
    let (_, part) = part.split_once("\n\n").unwrap();
    let (text, _) = part.split_once("\n--uppsikt_").unwrap();
    Mail {
        to: header("To"),
        subject: header("Subject"),
        text: String::from_utf8(quoted_printable(text, false)).unwrap(),
        message_id: header("Message-ID"),
        at: DateTime::parse_from_rfc2822(&header("Date")).unwrap().to_utc(),
    }
}

/// Encoded words (RFC 2047).
fn words(line: &str) -> String {
    let mut bytes = Vec::new();
    let mut after_word = false;
    for token in line.split(' ') {
        let inner = token.strip_prefix("=?utf-8?").and_then(|rest| rest.strip_suffix("?="));
        if !(bytes.is_empty() || after_word && inner.is_some()) {
            bytes.push(b' ');
        }
        after_word = inner.is_some();
        match inner.and_then(|inner| inner.split_once('?')) {
            Some(("b" | "B", data)) => bytes.extend(BASE64_STANDARD.decode(data).unwrap()),
            Some((_, data)) => bytes.extend(quoted_printable(data, true)),
            None => bytes.extend(token.bytes()),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn quoted_printable(text: &str, word: bool) -> Vec<u8> {
    let text = text.replace("=\n", "");
    let mut rest = text.bytes();
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        match byte {
            b'=' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            b'_' if word => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    bytes
}
