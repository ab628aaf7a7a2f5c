//! Against the real network (PLC directory, PDS and AppView of the AT Protocol's own code), because what it does is
//! not all written down. Runs with `UPPSIKT_REQUIRE_BLUESKY=1`, or with `UPPSIKT_BLUESKY_CONTROL` naming the
//! control port of a network that `tests/bluesky/start.sh` started.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::connector::testing::network::Network;
use crate::domain::comment::{CommentId, Seen};

/// The network, our account on it, and two citizens.
struct Town {
    network: &'static Network,
    account: Bluesky,
    did: String,
    us: String,
    anna: String,
    bo: String,
    bo_did: String,
}

impl Town {
    /// A fresh municipality with this name, if this run has a network.
    fn found(name: &str) -> Option<Self> {
        let network = Network::of_this_run()?;
        let id = std::process::id();
        let open = |who: &str| {
            network.control("POST", "/account", &json!({"handle": format!("{name}-{who}-{id}.test")}))
        };
        let (us, anna, bo) = (open("k"), open("anna"), open("bo"));
        let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
        let login = json!({"identifier": us["handle"], "password": us["password"]}).to_string();
        let http = Http::for_tests(Duration::from_secs(30));
        let account = Bluesky::new(http, &network.pds_url, &text(&us, "did"), &login.into()).unwrap();
        let (did, bo_did) = (text(&us, "did"), text(&bo, "did"));
        let (us, anna, bo) = (text(&us, "handle"), text(&anna, "handle"), text(&bo, "handle"));
        Some(Self { network, account, did, us, anna, bo, bo_did })
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        self.network.control("POST", path, body)
    }

    fn write_post(&self, text: &str) -> Value {
        self.call("/post", &json!({"handle": self.us, "text": text}))
    }

    fn reply(&self, who: &str, text: &str, root: &Value, parent: &Value) -> Value {
        self.call("/reply", &json!({"handle": who, "text": text, "root": root, "parent": parent}))
    }

    fn settle(&self) {
        self.call("/settle", &json!({}));
    }

    fn gate(&self, root: &Value) -> Value {
        self.network.control("GET", &format!("/gate?uri={}", uri(root)), &Value::Null)["value"].clone()
    }

    /// A whole sweep from `from`: the comments by address, everything listed, everything not seen, the last cursor.
    async fn sweep(&self, from: Option<Cursor>) -> Sweep {
        let mut sweep = Sweep { cursor: from, ..Sweep::default() };
        for _ in 0..200 {
            let page = self.account.page(sweep.cursor.as_ref()).await.unwrap();
            assert!(page.faults.is_empty(), "{:?}", page.faults);
            sweep.comments.extend(page.comments.into_iter().map(|seen| (seen.native_id.clone(), seen)));
            sweep.listed.extend(page.listed);
            sweep.blind.extend(page.blind);
            sweep.posts.extend(page.posts.into_iter().map(|post| post.native_id));
            sweep.cursor = page.cursor;
            if !page.more {
                return sweep;
            }
        }
        panic!("the sweep does not end");
    }

    async fn hide(&self, comment: &Value, root: &Value) -> Result<(), ConnectorError> {
        let (intent, proof) = permit(Act::Hide, comment, root);
        self.account.hide(&intent, &proof).await
    }

    async fn restore(&self, comment: &Value, root: &Value) -> Result<(), ConnectorError> {
        let (intent, proof) = permit(Act::Restore, comment, root);
        self.account.restore(&intent, &proof).await
    }

    async fn sighting(&self, comment: &Value, root: &Value) -> Sighting {
        self.account.look(&target(comment, root)).await.unwrap().sighting
    }
}

#[derive(Default)]
struct Sweep {
    comments: BTreeMap<String, Seen>,
    listed: Vec<String>,
    blind: Vec<String>,
    posts: Vec<String>,
    cursor: Option<Cursor>,
}

fn uri(post: &Value) -> String {
    post["uri"].as_str().unwrap().to_owned()
}

fn target(comment: &Value, root: &Value) -> Target {
    Target { native_id: uri(comment), post_id: uri(root), parent_id: None, hidden_by_us: false }
}

fn permit(act: Act, comment: &Value, root: &Value) -> (Intent, Preserved) {
    let id = CommentId { account: "bsky".to_owned(), native: uri(comment) };
    (Intent::for_tests(act, id.clone(), target(comment, root)), Preserved::for_tests(id, "text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_at_every_depth_is_read_and_nothing_twice_is_missed() {
    let Some(town) = Town::found("botten") else { return };
    let (root, quiet) = (town.write_post("Badhuset öppnar"), town.write_post("Ingen svarar"));
    let first = town.reply(&town.anna, "Bra!", &root, &root);
    // Deeper than one answer holds, and far deeper than notifications reach.
    let chain = town.call(
        "/chain",
        &json!({"handle": town.bo, "text": "djup", "root": root, "parent": first, "length": 450}),
    );
    let own = town.reply(&town.us, "Vi svarar", &root, &first);
    let elsewhere = town.call("/post", &json!({"handle": town.anna, "text": "Annas egen"}));
    town.reply(&town.us, "Vi svarar hos Anna", &elsewhere, &elsewhere);
    let stranger = town.reply(&town.bo, "Bo svarar oss hos Anna", &elsewhere, &elsewhere);
    town.settle();
    let sweep = town.sweep(None).await;
    assert_eq!(sweep.comments.len(), 452, "{:?}", sweep.blind);
    for post in chain.as_array().unwrap() {
        let seen = &sweep.comments[&uri(post)];
        assert_eq!((seen.post_id.as_str(), seen.visibility), (uri(&root).as_str(), Visibility::Public));
        assert!(seen.parent_id.is_some() && !seen.ours && seen.permalink.is_some());
    }
    let top = &sweep.comments[&uri(&first)];
    assert_eq!((top.text.as_str(), top.parent_id.as_deref()), ("Bra!", None));
    assert!(sweep.comments[&uri(&own)].ours);
    assert!(!sweep.comments.contains_key(&uri(&stranger)));
    assert_eq!(sweep.posts.len(), 2);
    let mut listed = sweep.listed.clone();
    listed.sort();
    let mut posts = vec![uri(&root), uri(&quiet)];
    posts.sort();
    assert_eq!(listed, posts, "{:?}", sweep.blind);
    // The element is the post's own bytes, as one look shows them, and holds no other person's words.
    let element: Value = serde_json::from_slice(&top.element).unwrap();
    assert_eq!(element["uri"], first["uri"]);
    assert!(!String::from_utf8_lossy(&top.element).contains("djup"));
    // The next sweep begins where this one ended and shows the same.
    let late = town.reply(&town.anna, "Sent svar", &root, &chain[449]);
    town.settle();
    let again = town.sweep(sweep.cursor).await;
    assert!(again.comments.contains_key(&uri(&late)), "deep replies give no notification, and are found");
    assert_eq!(again.comments.len(), 453);
}

#[tokio::test(flavor = "multi_thread")]
async fn hiding_is_seen_undone_and_keeps_what_others_wrote_in_the_gate() {
    let Some(town) = Town::found("gomma") else { return };
    let root = town.write_post("Ny väg");
    let bad = town.reply(&town.bo, "Fult svar", &root, &root);
    let under = town.reply(&town.anna, "Svar på det fula", &root, &bad);
    let other = town.reply(&town.bo, "Också fult", &root, &root);
    town.settle();
    assert_eq!(town.sighting(&bad, &root).await, Sighting::Public);
    town.hide(&bad, &root).await.unwrap();
    // Our own repository tells it at once, before the AppView has seen it.
    assert_eq!(town.sighting(&bad, &root).await, Sighting::HiddenByUs);
    let gate = town.gate(&root);
    assert_eq!(gate["hiddenReplies"], json!([uri(&bad)]));
    assert_eq!(gate["post"], root["uri"]);
    assert!(gate.get("allow").is_none(), "absent means everybody, empty means nobody: {gate}");
    town.hide(&bad, &root).await.unwrap();
    assert_eq!(town.gate(&root), gate, "hiding the hidden changes nothing");
    town.settle();
    let sweep = town.sweep(None).await;
    assert_eq!(sweep.comments[&uri(&bad)].visibility, Visibility::Hidden);
    assert_eq!(sweep.comments[&uri(&under)].visibility, Visibility::Public, "read also below the hidden");
    let notified = town.network.control("GET", &format!("/notifications?handle={}", town.us), &Value::Null);
    assert!(
        !notified.to_string().contains(&uri(&bad)),
        "the hidden reply has left the notifications: {notified}"
    );
    // Somebody writes in the gate by the app: who may answer, and another hidden reply.
    let rule = json!([{"$type": "app.bsky.feed.threadgate#mentionRule"}]);
    let theirs = json!({"$type": "app.bsky.feed.threadgate", "post": root["uri"], "createdAt": "2026-01-01T00:00:00.000Z",
        "allow": rule, "hiddenReplies": [uri(&bad), uri(&other)]});
    town.call("/gate", &json!({"handle": town.us, "uri": uri(&root), "value": theirs}));
    assert_eq!(town.sighting(&other, &root).await, Sighting::HiddenByUs);
    town.restore(&bad, &root).await.unwrap();
    let gate = town.gate(&root);
    assert_eq!((&gate["allow"], &gate["hiddenReplies"]), (&rule, &json!([uri(&other)])));
    assert_eq!(gate["createdAt"], theirs["createdAt"]);
    town.restore(&bad, &root).await.unwrap();
    assert_eq!(town.sighting(&bad, &root).await, Sighting::Public);
    // And removes it wholly.
    town.call("/gate", &json!({"handle": town.us, "uri": uri(&root)}));
    assert_eq!(town.sighting(&other, &root).await, Sighting::Public);
    town.restore(&other, &root).await.unwrap();
    assert_eq!(town.gate(&root), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_and_blocked_are_told_apart() {
    let Some(town) = Town::found("borta") else { return };
    let root = town.write_post("Snöröjning");
    let deleted = town.reply(&town.anna, "Raderas", &root, &root);
    let orphan = town.reply(&town.anna, "Svar på det raderade", &root, &deleted);
    let blocked = town.reply(&town.bo, "Spärrar oss", &root, &root);
    let moderated = town.reply(&town.anna, "Tas ned", &root, &root);
    town.settle();
    let before = town.sweep(None).await;
    assert_eq!(before.comments.len(), 4);
    town.call("/delete", &json!({"handle": town.anna, "uri": uri(&deleted)}));
    town.call("/block", &json!({"handle": town.bo, "did": town.did}));
    town.call("/takedown", &moderated);
    town.settle();
    assert_eq!(town.sighting(&deleted, &root).await, Sighting::Gone);
    assert_eq!(town.sighting(&moderated, &root).await, Sighting::Gone);
    assert_eq!(town.sighting(&blocked, &root).await, Sighting::NoRight);
    assert_eq!(town.sighting(&orphan, &root).await, Sighting::Public);
    let look = town.account.look(&target(&deleted, &root)).await.unwrap();
    assert!(look.seen.is_none() && look.date.is_some());
    assert_eq!(look.answer.as_deref(), Some(br#"{"posts":[]}"#.as_slice()));
    let after = town.sweep(before.cursor).await;
    assert_eq!(
        after.listed,
        [uri(&root)],
        "known comments that are no longer listed are looked at one by one"
    );
    assert!(after.blind.iter().any(|line| line.contains("visas inte för kontot")), "{:?}", after.blind);
    let look = town.account.look(&target(&orphan, &root)).await.unwrap();
    assert!(String::from_utf8(look.answer.unwrap()).unwrap().contains("Svar på det raderade"));
    assert_eq!(look.seen.unwrap().parent_id.as_deref(), Some(uri(&deleted).as_str()));
    assert!(!town.bo_did.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backdated_reply_is_not_older_than_our_post() {
    let Some(town) = Town::found("datum") else { return };
    let root = town.write_post("Nytt i dag");
    for claim in ["1980-01-01T00:00:00Z", "2036-01-01T00:00:00Z"] {
        let body = json!({"handle": town.anna, "text": "Hej", "root": root, "createdAt": claim});
        let reply = town.call("/reply", &body);
        town.settle();
        let look = town.account.look(&target(&reply, &root)).await.unwrap();
        let (seen, now) = (look.seen.unwrap().created_at, look.date.unwrap());
        assert!((now - seen).num_minutes().abs() <= 2, "{claim}: {seen}, asked at {now}");
        let sweep = town.sweep(None).await;
        assert_eq!(sweep.comments[&uri(&reply)].created_at, seen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_a_full_gate_and_anothers_thread_are_told() {
    let Some(town) = Town::found("krock") else { return };
    let root = town.write_post("Budget");
    let reply = town.reply(&town.anna, "Fult", &root, &root);
    let full = town.write_post("Full tråd");
    let last = town.reply(&town.anna, "Nummer 301", &full, &full);
    town.settle();
    let addresses: Vec<_> =
        (0..300).map(|n| format!("at://{}/app.bsky.feed.post/3aaaaaaaaa{n:03}", town.did)).collect();
    let value = json!({"$type": "app.bsky.feed.threadgate", "post": full["uri"], "createdAt": "2026-01-01T00:00:00.000Z",
        "hiddenReplies": addresses});
    town.call("/gate", &json!({"handle": town.us, "uri": uri(&full), "value": value}));
    let error = town.hide(&last, &full).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Refused(told) if told.contains("300")), "{error}");
    assert_eq!(town.gate(&full), value);
    // Two acts on the same gate at once: one wins, the other is told to read again; nothing is lost.
    let second = town.reply(&town.bo, "Också fult", &root, &root);
    town.settle();
    let mut conflicts = 0;
    for comment in [&reply, &second] {
        town.hide(comment, &root).await.unwrap();
        town.restore(comment, &root).await.unwrap();
    }
    for _ in 0..10 {
        let (one, two) = tokio::join!(town.hide(&reply, &root), town.hide(&second, &root));
        for result in [one, two] {
            match result {
                Ok(()) => {}
                Err(ConnectorError::Changed(_)) => conflicts += 1,
                Err(error) => panic!("{error}"),
            }
        }
        town.hide(&reply, &root).await.unwrap();
        town.hide(&second, &root).await.unwrap();
        assert_eq!(town.gate(&root)["hiddenReplies"].as_array().unwrap().len(), 2);
        town.restore(&reply, &root).await.unwrap();
        town.restore(&second, &root).await.unwrap();
        assert_eq!(town.gate(&root)["hiddenReplies"], json!([]));
    }
    assert!(conflicts > 0, "no conflict in ten tries: the test does not reach what it is about");
    // Anna's thread is not ours.
    let annas = town.call("/post", &json!({"handle": town.anna, "text": "Annas tråd"}));
    let bos = town.reply(&town.bo, "Fult hos Anna", &annas, &annas);
    assert!(matches!(town.hide(&bos, &annas).await, Err(ConnectorError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_another_account_is_unauthorised() {
    let Some(town) = Town::found("nyckel") else { return };
    let new = |did: &str, password: &str| {
        let login = json!({"identifier": town.us, "password": password}).to_string();
        Bluesky::new(Http::for_tests(Duration::from_secs(30)), &town.network.pds_url, did, &login.into())
            .unwrap()
    };
    assert_eq!(town.account.hosts().await.unwrap(), ["localhost"]);
    for account in [new(&town.did, "fel-losenord"), new(&town.bo_did, "hunter2-hunter2")] {
        let error = account.page(None).await.unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorized(_)), "{error}");
        assert!(!format!("{error} {error:?} {account:?}").contains("losenord"));
        assert!(!format!("{error} {error:?} {account:?}").contains("hunter2"));
    }
}
