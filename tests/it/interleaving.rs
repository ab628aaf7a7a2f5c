//! Pages, and between them whatever visitors do: in any order, what was visible throughout one complete sweep is
//! received, and nothing is stored twice.
//!
//! A sweep is complete for a post when one of its pages says that the post is listed; on YouTube also for all, where
//! nothing of it is told as not read. Three seconds a platform, or `UPPSIKT_INTERLEAVING_SECONDS`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::json;
use uppsikt::connector::{Cursor, Page};
use uppsikt::domain::comment::Platform;
use uppsikt::store::{comments, polls};

use crate::support::app::at;
use crate::support::six::{PLATFORMS, Played, Six, seed};

const BEGIN: &str = "2026-11-24T08:00:00Z";
const POSTS: usize = 3;

/// What happens. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Happens {
    /// The connector asks for its next page.
    Page,
    /// Somebody writes, or answers.
    Add {
        post: usize,
        answers: Option<usize>,
    },
    Edit(usize),
    Delete(usize),
    Undelete(usize),
    /// Paging cursors given so far are no longer taken.
    Reset,
    /// Minutes pass.
    Wait(u16),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        8 => Just(Happens::Page),
        4 => (0..POSTS, prop::option::weighted(0.4, any::<usize>()))
            .prop_map(|(post, answers)| Happens::Add { post, answers }),
        1 => any::<usize>().prop_map(Happens::Edit),
        2 => any::<usize>().prop_map(Happens::Delete),
        2 => any::<usize>().prop_map(Happens::Undelete),
        1 => Just(Happens::Reset),
        1 => (1_u16..60).prop_map(Happens::Wait),
    ]
}

#[derive(Debug)]
struct Written {
    id: String,
    post: usize,
    above: Option<usize>,
    deleted: bool,
    /// It, or an answer to it, was deleted some time: YouTube's count of a thread may then stand still although an answer
    /// has come.
    unsteady: bool,
    /// Since when (which thing that happened) it, and all above it, has been there.
    since: Option<usize>,
}

/// One account, its sweep, and what must have been received.
struct Watch {
    six: Six,
    account: Played,
    posts: Vec<String>,
    written: Vec<Written>,
    cursor: Option<Cursor>,
    /// When the running sweep began (which thing that happened), and by the clock.
    sweep: Option<(usize, DateTime<Utc>)>,
    /// Whether the running sweep told of something that it did not read.
    told: bool,
    /// Whether it listed a post.
    listed: bool,
    /// Sweeps that told of nothing, and yet listed no post: YouTube's, as far as the published list goes.
    wide: usize,
    /// How much has happened.
    happened: usize,
    /// Sweeps that were complete, by post.
    complete: BTreeMap<usize, usize>,
    owed: BTreeSet<String>,
    errors: Vec<String>,
}

impl Watch {
    async fn new(platform: Platform, there: usize) -> Self {
        let account = Played::new(platform, 7, 30);
        let six = Six::new(std::slice::from_ref(&account), at(BEGIN)).await;
        let mut posts = Vec::new();
        for number in 0..POSTS {
            let when = at(BEGIN) - TimeDelta::hours(30 + i64::try_from(number).unwrap());
            let id = account.post(number, when);
            let order =
                json!({ "account": account.native, "id": id, "text": "Inlägg", "at": account.date(when) });
            six.control("post", &order);
            posts.push(id);
        }
        let mut watch = Self {
            six,
            account,
            posts,
            written: Vec::new(),
            cursor: None,
            sweep: None,
            told: false,
            listed: false,
            wide: 0,
            happened: 0,
            complete: BTreeMap::new(),
            owed: BTreeSet::new(),
            errors: Vec::new(),
        };
        for number in 0..there {
            watch.add(usize::from(number % 8 == 0), (number % 3 == 0).then_some(number * 7));
        }
        watch
    }

    fn add(&mut self, post: usize, answers: Option<usize>) {
        // An answer to something at the top level that is there; else a comment of its own.
        let tops: Vec<_> = (0..self.written.len())
            .filter(|place| {
                let one = &self.written[*place];
                one.post == post && one.above.is_none() && !one.deleted
            })
            .collect();
        let above = answers.filter(|_| !tops.is_empty()).map(|pick| tops[pick % tops.len()]);
        let number = self.written.len();
        // A second between any two of those that were there from the beginning.
        let when = if self.happened == 0 {
            self.six.now() - TimeDelta::seconds(20_000 - 50 * i64::try_from(number).unwrap())
        } else {
            self.six.now()
        };
        let parent = above.map(|above| self.written[above].id.clone());
        let id = self.account.comment(number, &self.posts[post], parent.as_deref(), when);
        let line = json!({
            "account": self.account.native, "post": self.posts[post], "id": id, "parent": parent,
            "text": format!("Hej {number}"), "author": { "id": "did:plc:besok1", "name": "Berit" },
            "at": self.account.date(when),
        });
        self.six.control("add", &line);
        self.written.push(Written {
            id,
            post,
            above,
            deleted: false,
            unsteady: false,
            since: Some(self.happened),
        });
    }

    /// What is there changes: what has just gone has been there no longer.
    fn turn(&mut self) {
        for place in 0..self.written.len() {
            let one = &self.written[place];
            let there = !one.deleted && one.above.is_none_or(|above| !self.written[above].deleted);
            self.written[place].since = there.then(|| one.since.unwrap_or(self.happened));
        }
    }

    async fn happen(&mut self, what: &Happens) {
        self.happened += 1;
        let pick = |number: &usize| number % self.written.len().max(1);
        match what {
            Happens::Page => self.page().await,
            Happens::Add { post, answers } => self.add(*post, *answers),
            Happens::Reset => self.six.control("reset", &json!({ "account": self.account.native })),
            Happens::Wait(minutes) => self.six.advance(TimeDelta::minutes((*minutes).into())),
            Happens::Edit(_) | Happens::Delete(_) | Happens::Undelete(_) if self.written.is_empty() => {}
            Happens::Edit(number) => {
                let id = &self.written[pick(number)].id;
                self.six.control("edit", &json!({ "id": id, "text": format!("Ändrat {}", self.happened) }));
            }
            Happens::Delete(number) | Happens::Undelete(number) => {
                let (place, deleted) = (pick(number), matches!(what, Happens::Delete(_)));
                self.written[place].deleted = deleted;
                let thread = self.written[place].above.unwrap_or(place);
                self.written[thread].unsteady = true;
                let verb = if deleted { "delete" } else { "undelete" };
                self.six.control(verb, &json!({ "id": self.written[place].id }));
            }
        }
        self.turn();
    }

    /// One page, stored as the poll stores it. A failure leaves the cursor where it was.
    async fn page(&mut self) {
        let (first, began) = *self.sweep.get_or_insert((self.happened, self.six.now()));
        let connector = self.six.all.app.connectors[&self.account.id].clone();
        let page = match connector.page(self.cursor.as_ref()).await {
            Ok(page) => page,
            Err(error) => return self.errors.push(error.to_string()),
        };
        self.errors.clear();
        self.cursor.clone_from(&page.cursor);
        for (place, post) in self.posts.iter().enumerate().filter(|(_, post)| page.listed.contains(post)) {
            *self.complete.entry(place).or_default() += 1;
            let there = self.written.iter().filter(|one| self.posts[one.post] == *post);
            self.owed.extend(
                there.filter(|one| one.since.is_some_and(|since| since < first)).map(|one| one.id.clone()),
            );
        }
        self.told |= !page.blind.is_empty() || !page.faults.is_empty();
        self.listed |= !page.listed.is_empty();
        if !page.more {
            if self.account.platform == Platform::Youtube && !self.told {
                self.wide += usize::from(!self.listed);
                let steady = |one: &&Written| one.above.is_none_or(|above| !self.written[above].unsteady);
                let there = self.written.iter().filter(|one| one.since.is_some_and(|since| since < first));
                self.owed.extend(there.filter(steady).map(|one| one.id.clone()));
            }
            (self.sweep, self.told, self.listed) = (None, false, false);
        }
        self.store(page, began).await;
    }

    async fn store(&self, page: Page, began: DateTime<Utc>) {
        let (id, now) = (self.account.id.clone(), self.six.now());
        self.six
            .all
            .app
            .db
            .write(move |tx| {
                polls::declare(tx, &id, None)?;
                polls::begin_sweep(tx, &id, began)?;
                comments::store_page(tx, &id, &page, began, at(BEGIN) - TimeDelta::days(2), now).map(drop)
            })
            .await
            .unwrap();
    }

    /// Ends the running sweep, and sweeps on, undisturbed, until one has listed every post: each connector reads
    /// everything again within a day.
    async fn finish(&mut self) -> Result<(), String> {
        let mut before = self.complete.clone();
        for sweeps in 0..4 {
            let mut pages = 0;
            while self.sweep.is_some() || (sweeps > 0 && pages == 0) {
                self.happened += 1;
                self.page().await;
                pages += 1;
                if self.errors.len() > 5 || pages > 300 {
                    return Err(format!("cannot go on after {pages} pages: {:?}", self.errors));
                }
            }
            // YouTube tells of no post without comments.
            let full = |post: &usize| self.written.iter().any(|one| one.post == *post && one.since.is_some());
            let listed = |post: usize| self.complete.get(&post) > before.get(&post);
            if sweeps > 0 && (0..POSTS).filter(full).all(listed) {
                return Ok(());
            }
            before.clone_from(&self.complete);
            self.six.advance(TimeDelta::hours(26));
        }
        Err(format!("no sweep lists all posts: {:?}", self.complete))
    }

    fn judge(&self) -> Result<(), String> {
        let all = self.six.stored();
        let stored: BTreeSet<&str> = all.iter().map(|(_, id, ..)| id.as_str()).collect();
        if stored.len() != all.len() {
            return Err("a comment is stored twice".to_owned());
        }
        let known: BTreeSet<&str> = self.written.iter().map(|one| one.id.as_str()).collect();
        if let Some(strange) = stored.iter().find(|id| !known.contains(*id)) {
            return Err(format!("{strange} was written by nobody, or is stored under another id"));
        }
        let lost: Vec<_> = self.owed.iter().filter(|id| !stored.contains(id.as_str())).collect();
        if !lost.is_empty() {
            return Err(format!("visible throughout a complete sweep, and not received: {lost:?}"));
        }
        Ok(())
    }
}

/// What happens to an account that begins with so many comments; `swept`: after a first sweep that nothing disturbs.
/// Gives how many sweeps were wide.
async fn play(platform: Platform, (there, swept): (usize, bool), all: &[Happens]) -> Result<usize, String> {
    let mut watch = Watch::new(platform, there).await;
    if swept {
        watch.happen(&Happens::Page).await;
        while watch.sweep.is_some() {
            watch.happen(&Happens::Page).await;
        }
    }
    for what in all {
        watch.happen(what).await;
    }
    let wide = watch.wide;
    watch.finish().await?;
    if watch.owed.len() < watch.written.iter().filter(|one| one.since.is_some()).count() {
        return Err("the last sweep owes what is there".to_owned());
    }
    watch.judge().map(|()| wide)
}

#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn check(platform: Platform) {
    let told = std::env::var("UPPSIKT_INTERLEAVING_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(3);
    let (until, mut cases) = (Instant::now() + Duration::from_secs(told), 0);
    // Pages hold a hundred or so: some cases begin with more than one page.
    let there = prop_oneof![
        3 => (0_usize..20, any::<bool>()),
        1 => (90_usize..240, any::<bool>()),
    ];
    let strategy = (there, prop::collection::vec(happens(), 1..50));
    let wide = AtomicUsize::new(0);
    while cases == 0 || Instant::now() < until {
        let config = Config {
            cases: 1,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(seed().wrapping_add(cases)),
            max_shrink_iters: 10_000,
            max_shrink_time: 10_000,
            ..Config::default()
        };
        let run = TestRunner::new(config).run(&strategy, |(there, all)| {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let swept = runtime.block_on(play(platform, there, &all)).map_err(TestCaseError::fail)?;
            wide.fetch_add(swept, Ordering::Relaxed);
            Ok(())
        });
        if let Err(error) = run {
            panic!("{platform:?}: {error}");
        }
        cases += 1;
    }
    let wide = wide.into_inner();
    eprintln!("{platform:?}: {cases} interleavings, {wide} sweeps that were wide");
}

#[test]
fn nothing_on_facebook_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::Facebook);
}

#[test]
fn nothing_on_instagram_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::Instagram);
}

#[test]
fn nothing_on_youtube_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::Youtube);
}

#[test]
fn nothing_on_linkedin_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::Linkedin);
}

#[test]
fn nothing_on_x_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::X);
}

#[test]
fn nothing_on_bluesky_is_lost_or_doubled_whatever_happens_between_pages() {
    check(Platform::Bluesky);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_no_longer_taken_stops_no_platform() {
    for platform in PLATFORMS {
        for pages in 1..4 {
            let mut all = vec![Happens::Page; pages];
            all.push(Happens::Reset);
            play(platform, (160, false), &all)
                .await
                .map_or_else(|why| panic!("{platform:?}, {pages} pages: {why}"), drop);
        }
    }
}
