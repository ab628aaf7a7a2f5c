//! Own posts that are deleted are dated (N26), on every platform that lists them; what only fell out of a list, or stood
//! on a page that failed, is not.

use chrono::{TimeDelta, Utc};
use serde_json::json;
use uppsikt::cli::accounts;
use uppsikt::domain::calendar;
use uppsikt::domain::comment::{CommentId, Platform, Sighting};
use uppsikt::pipeline::{self, Which};
use uppsikt::store::{comments, posts};

use crate::support::six::{Played, Six};

/// YouTube's films are known by their comments alone.
const LISTING: [Platform; 5] =
    [Platform::Facebook, Platform::Instagram, Platform::Linkedin, Platform::X, Platform::Bluesky];

/// Where a comment goes with the post it stands under; on Bluesky it lives in its author's repository.
fn goes_along(platform: Platform) -> bool {
    platform != Platform::Bluesky
}

struct Accounts {
    six: Six,
    played: Vec<Played>,
    posts: Vec<Vec<String>>,
    comments: Vec<String>,
}

impl Accounts {
    /// Six posts on each account, one an hour, and a comment under the third; read once.
    async fn new() -> Self {
        let now = "2026-11-23T10:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap();
        let played: Vec<_> =
            (0..).zip(LISTING).map(|(number, platform)| Played::new(platform, number, 5)).collect();
        let six = Six::new(&played, now).await;
        let (mut all, mut comments) = (Vec::new(), Vec::new());
        for (number, account) in played.iter().enumerate() {
            let mut ids = Vec::new();
            for post in 0..6_usize {
                let at = now - TimeDelta::hours(8 - i64::try_from(post).unwrap());
                let id = account.post(post, at);
                let order = json!({ "account": account.native, "id": id, "text": format!("Inlägg {post}"),
                    "at": account.date(at) });
                six.control("post", &order);
                ids.push(id);
            }
            let at = now - TimeDelta::minutes(30);
            let comment = account.comment(number + 1, &ids[2], None, at);
            let line = json!({ "account": account.native, "post": ids[2], "id": comment,
                "author": { "id": "4711", "name": "Kalle" }, "at": account.date(at), "text": "När öppnar badhuset?" });
            six.control("add", &line);
            comments.push(comment);
            all.push(ids);
        }
        let accounts = Self { six, played, posts: all, comments };
        accounts.pass(5).await;
        accounts
    }

    async fn pass(&self, minutes: i64) {
        self.six.advance(TimeDelta::minutes(minutes));
        Box::pin(pipeline::pass(&self.six.all.app, Which::All)).await.unwrap();
    }

    /// The posts of an account that are noted as gone, by number.
    fn gone(&self, account: usize) -> Vec<usize> {
        let id = &self.played[account].id;
        let is_gone = |post: &String| {
            self.six.all.app.db.read_now(|reader| posts::gone_at(reader, id, post)).unwrap().is_some()
        };
        (0..).zip(&self.posts[account]).filter(|(_, post)| is_gone(post)).map(|(number, _)| number).collect()
    }

    /// Requests that an account has cost since there were `before`.
    fn calls(&self) -> usize {
        self.six.sandbox().requests().len()
    }
}

#[tokio::test]
async fn a_deleted_post_is_dated_and_what_stood_under_it_is_looked_at() {
    let accounts = Accounts::new().await;
    for posts in &accounts.posts {
        // In the middle, the newest and the oldest.
        for gone in [2, 5, 0] {
            accounts.six.control("delete", &json!({ "id": posts[gone] }));
        }
    }
    let before = accounts.six.now();
    // LinkedIn's list of posts is read once an hour, X's wholly once a day.
    for minutes in [5, 60, 24 * 60, 5] {
        accounts.pass(minutes).await;
    }
    for (number, account) in accounts.played.iter().enumerate() {
        let platform = account.platform;
        assert_eq!(accounts.gone(number), [0, 2, 5], "{platform}");
        let (id, post) = (&account.id, &accounts.posts[number][2]);
        let db = &accounts.six.all.app.db;
        let at = db.read_now(|reader| posts::gone_at(reader, id, post)).unwrap().unwrap();
        assert!(at > before && at <= accounts.six.now(), "{platform}: {at}");
        // Its text is kept, with what it was.
        assert_eq!(db.read_now(|reader| posts::versions(reader, id, post)).unwrap().len(), 1, "{platform}");
        let comment = CommentId { account: id.clone(), native: accounts.comments[number].clone() };
        let comment = db.read_now(|reader| comments::find(reader, &comment)).unwrap().unwrap();
        assert_eq!(
            comment.sighting == Sighting::Gone,
            goes_along(platform),
            "{platform}: {:?}",
            comment.sighting
        );
    }
    // The report tells it on its day.
    let (now, config) = (accounts.six.now(), &accounts.six.all.app.config);
    let (day, today) = (calendar::local_date(before), calendar::local_date(now));
    let days =
        accounts.six.all.app.db.read_now(|reader| accounts::days(reader, config, (day, today), now)).unwrap();
    for account in &accounts.played {
        let mine = days.iter().filter(|day| day.account == account.id);
        assert_eq!(mine.map(|day| day.posts_gone.len()).sum::<usize>(), 3, "{}", account.id);
    }
    // Nobody asks again for what is known to be gone, and a post that comes back is there.
    for posts in &accounts.posts {
        accounts.six.control("undelete", &json!({ "id": posts[2] }));
    }
    for minutes in [5, 60, 24 * 60, 5] {
        accounts.pass(minutes).await;
    }
    for number in 0..LISTING.len() {
        assert_eq!(accounts.gone(number), [0, 5], "{}", accounts.played[number].platform);
    }
}

#[tokio::test]
async fn a_list_that_shows_less_calls_nothing_deleted_that_is_still_there() {
    let accounts = Accounts::new().await;
    // Lists without elements, and then answers that are none.
    for fault in [
        json!({ "kind": "empty", "times": 2 }),
        json!({ "kind": "truncated", "times": 2 }),
        json!({ "kind": "down", "times": 3 }),
        json!({ "kind": "html", "times": 2 }),
    ] {
        for account in &accounts.played {
            let mut order = fault.clone();
            order["account"] = json!(account.native);
            accounts.six.control("fault", &order);
        }
        accounts.pass(5).await;
        for account in &accounts.played {
            accounts.six.control("fault", &json!({ "account": account.native, "kind": "none" }));
        }
        accounts.pass(20).await;
        for number in 0..LISTING.len() {
            assert_eq!(accounts.gone(number), [0; 0], "{}: {fault}", accounts.played[number].platform);
        }
    }
}

#[tokio::test]
async fn posts_that_grow_too_old_for_the_list_cost_one_look_and_are_not_gone() {
    let accounts = Accounts::new().await;
    // X shows a week; the others go on showing them.
    for _ in 0..3 {
        accounts.pass(60 * 24 * 4).await;
        let before = accounts.calls();
        for number in 0..LISTING.len() {
            assert_eq!(accounts.gone(number), [0; 0], "{}", accounts.played[number].platform);
        }
        accounts.pass(5).await;
        accounts.pass(5).await;
        let (one, two) = (accounts.calls() - before, LISTING.len() * 2 * 12);
        assert!(one <= two, "{one} calls in two passes over five accounts");
    }
}
