//! The whole job on a real Bluesky network: the real binary, a real PDS and AppView.
//!
//! Runs with `UPPSIKT_REQUIRE_BLUESKY=1` or `UPPSIKT_BLUESKY_CONTROL=http://127.0.0.1:…`, which `tests/run` sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use uppsikt::domain::case::{CaseId, CaseState};
use uppsikt::domain::comment::CommentId;
use uppsikt::durable;
use uppsikt::store::{self, Db};

use crate::support::bluesky::Network;
use crate::support::municipality::{Municipality, account};

#[test]
fn the_network_takes_accounts_posts_and_replies() {
    let Some(network) = Network::of_this_run() else { return };
    assert!(network.pds_url.starts_with("http://localhost:"));
    let handle = unique("natet");
    let account = network.control("POST", "/account", &json!({"handle": handle}));
    assert!(account["did"].as_str().unwrap().starts_with("did:plc:"));
    let post = network.control("POST", "/post", &json!({"handle": handle, "text": "Hej"}));
    let reply = network.control("POST", "/reply", &json!({"handle": handle, "text": "Svar", "root": post}));
    assert_ne!(post["uri"], reply["uri"]);
    network.control("POST", "/settle", &json!({}));
    let gate = network.control("GET", &format!("/gate?uri={}", post["uri"].as_str().unwrap()), &Value::Null);
    assert_eq!(gate, Value::Null);
}

/// A handle that no other test of this run has.
fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}{}-{}.test", std::process::id() % 10_000, NEXT.fetch_add(1, Ordering::SeqCst))
}

/// One municipality on the network, and an installation that watches it.
struct Town {
    network: &'static Network,
    handle: String,
    citizens: [String; 2],
    dir: tempfile::TempDir,
    did: String,
}

/// What the rules find unmistakable, and what a person must decide about.
const SPAM: &str = "Tjäna 5000 kr om dagen hemifrån, klicka här: http://snabba-pengar.example/vinst";
const INSULT: &str = "Du är en jävla idiot Karin";

impl Town {
    fn new(network: &'static Network) -> Self {
        let handle = unique("kommun");
        let account = network.control("POST", "/account", &json!({"handle": handle}));
        let citizens = ["kalle", "lisa"].map(unique);
        for citizen in &citizens {
            network.control("POST", "/account", &json!({"handle": citizen}));
        }
        let dir = tempfile::tempdir().unwrap();
        let did = account["did"].as_str().unwrap().to_owned();
        let town = Self { network, handle, citizens, dir, did };
        town.configure("watch", false);
        town.ran(&["init"]);
        let login = town.dir.path().join("secrets/login");
        let secret = json!({"identifier": town.handle, "password": account["password"]}).to_string();
        durable::write(&login, secret.as_bytes(), 0o600).unwrap();
        town
    }

    fn configure(&self, mode: &str, automatic: bool) {
        let keys = format!(
            "mode = \"{mode}\"\nwatched_from = \"2020-01-01T00:00:00Z\"\npoll = \"0 */2 * * * *\"\napi = \"{}\"\n\
             login_file = \"login\"",
            self.network.pds_url
        );
        let mut municipality = Municipality::in_folder("1 MiB");
        if automatic {
            municipality = municipality.and(
                "[category.spam_troll]\nproposal = \"hide\"\ntold = \"bundled\"\nautomatic = true\n\
                 decided = { by = \"kommunstyrelsen\", on = 2026-02-03, dnr = \"KS 2026/12\" }",
            );
        }
        municipality
            .and(&account("bsky", "bluesky", &self.did, &keys))
            .write(&self.dir.path().join("uppsikt.toml"));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .arg("--config")
            .arg(self.dir.path().join("uppsikt.toml"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs a command that must exit 0.
    fn ran(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {:?}\n{told}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    fn once(&self) -> String {
        self.network.control("POST", "/settle", &json!({}));
        self.ran(&["run", "--once"])
    }

    /// Passes until what the network was told has come through to its view, which lags behind its own repositories.
    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..20 {
            self.once();
            if done(self) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        panic!("{what}: not after twenty passes");
    }

    fn stored(&self, comment: &Value) -> bool {
        let id = CommentId { account: "bsky".to_owned(), native: uri(comment).to_owned() };
        self.db().read_now(|reader| store::comments::find(reader, &id)).unwrap().is_some()
    }

    fn post(&self, text: &str) -> Value {
        self.network.control("POST", "/post", &json!({"handle": self.handle, "text": text}))
    }

    fn reply(&self, who: &str, text: &str, root: &Value, parent: &Value) -> Value {
        self.network.control(
            "POST",
            "/reply",
            &json!({"handle": who, "text": text, "root": root, "parent": parent}),
        )
    }

    /// The hidden replies in the gate of a post, and the gate itself.
    fn gate(&self, post: &Value) -> (BTreeSet<String>, Value) {
        let gate = self.network.control("GET", &format!("/gate?uri={}", uri(post)), &Value::Null);
        let hidden = gate["value"]["hiddenReplies"].as_array().cloned().unwrap_or_default();
        (hidden.iter().map(|uri| uri.as_str().unwrap().to_owned()).collect(), gate)
    }

    fn db(&self) -> Db {
        Db::open(&self.dir.path().join("data/uppsikt.db")).unwrap()
    }

    fn case(&self, comment: &Value) -> Option<store::cases::Case> {
        let id = CommentId { account: "bsky".to_owned(), native: uri(comment).to_owned() };
        self.db()
            .read_now(|reader| match store::comments::find(reader, &id)? {
                Some(comment) => store::cases::of_comment(reader, comment.id),
                None => Ok(None),
            })
            .unwrap()
    }

    fn case_id(&self, comment: &Value) -> String {
        self.case(comment).unwrap_or_else(|| panic!("no case for {comment}")).id.to_string()
    }

    fn decide(&self, comment: &Value, outcome: &str) {
        let case = self.case_id(comment);
        self.ran(&["decide", &case, "--by", "chef", "--outcome", outcome, "--reason", "enligt riktlinjen"]);
    }

    /// The kinds of the current record's entries, by index.
    fn entries(&self, case: CaseId) -> BTreeMap<u64, String> {
        self.db()
            .read_now(|reader| {
                let record = store::records::current(reader, case)?.unwrap();
                Ok(store::log::of_record(reader, &record.id)?
                    .into_iter()
                    .map(|entry| (entry.index, entry.kind))
                    .collect())
            })
            .unwrap()
    }
}

fn uri(post: &Value) -> &str {
    post["uri"].as_str().unwrap()
}

/// Three threads, thirty replies at several depths; returns the roots, the spam and the insults.
fn threads(town: &Town) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let (mut roots, mut spam, mut insults) = (Vec::new(), Vec::new(), Vec::new());
    for thread in 0..3 {
        let root = town.post(&format!("Nu öppnar isbanan {thread}"));
        let mut parent = root.clone();
        for n in 0..10 {
            let who = &town.citizens[n % 2];
            let text = match n {
                2 => SPAM,
                7 => INSULT,
                4 => "När öppnar den på lördag?",
                _ => "Vad roligt, tack!",
            };
            // Seven in a chain below one another (deep ones do not notify), the others directly under the post.
            let reply = town.reply(who, text, &root, if n < 3 { &root } else { &parent });
            match n {
                2 => spam.push(reply.clone()),
                7 => insults.push(reply.clone()),
                _ => {}
            }
            parent = reply;
        }
        roots.push(root);
    }
    (roots, spam, insults)
}

#[test]
fn what_is_decided_is_preserved_registered_and_hidden_and_nothing_else() {
    let Some(network) = Network::of_this_run() else { return };
    let town = Town::new(network);
    let (roots, spam, insults) = threads(&town);

    // Watch mode: everything is read, judged and preserved, and no writing request leaves.
    let stored = |town: &Town| {
        let counts = town.db().read_now(|reader| {
            roots
                .iter()
                .map(|root| Ok(store::comments::thread(reader, "bsky", uri(root))?.len()))
                .collect::<store::Result<Vec<_>>>()
        });
        counts.unwrap()
    };
    town.until("every reply of every depth is stored", |town| stored(town) == [10, 10, 10]);
    let refused = town.run(&[
        "decide",
        &town.case_id(&insults[0]),
        "--by",
        "chef",
        "--outcome",
        "hide",
        "--reason",
        "enligt riktlinjen",
    ]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    for root in &roots {
        assert_eq!(town.gate(root).1, Value::Null, "watch mode wrote a gate");
    }

    // Act mode, one category automatic: new spam is hidden by the machine; the insult in thread 0 and 1 by a person.
    town.configure("act", true);
    let fresh = town.reply(&town.citizens[1], SPAM, &roots[1], &roots[1]);
    network.control("POST", "/settle", &json!({}));
    // Somebody writes a gate with rules of its own on the second thread, in the app; replies that it forbids would
    // not be shown at all, so it comes after them.
    let allow = json!({
        "$type": "app.bsky.feed.threadgate",
        "post": uri(&roots[1]),
        "allow": [{"$type": "app.bsky.feed.threadgate#mentionRule"}],
        "createdAt": "2026-11-20T10:00:00.000Z",
    });
    network.control("POST", "/gate", &json!({"handle": town.handle, "uri": uri(&roots[1]), "value": allow}));
    town.until("the automatism hides", |town| town.gate(&roots[1]).0.contains(uri(&fresh)));
    town.decide(&insults[0], "hide");
    town.decide(&insults[1], "hide");
    town.once();
    let wanted = |uris: &[&Value]| uris.iter().map(|post| uri(post).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(town.gate(&roots[0]).0, wanted(&[&insults[0]]));
    assert_eq!(town.gate(&roots[1]).0, wanted(&[&insults[1], &fresh]));
    assert_eq!(town.gate(&roots[2]).0, BTreeSet::new());
    assert_eq!(town.gate(&roots[1]).1["value"]["allow"], allow["allow"], "an existing rule was touched");
    assert_eq!(town.gate(&roots[0]).1["value"].get("allow"), None, "a rule was added");
    for comment in [&insults[0], &insults[1], &fresh] {
        let case = town.case(comment).unwrap();
        assert_eq!(case.state, CaseState::Hidden);
        let kinds: Vec<_> = town.entries(case.id).into_values().collect();
        assert_eq!(kinds, ["snapshot", "registered", "decision", "hide_intent", "hidden"]);
    }
    assert_ne!(
        town.case(&spam[0]).unwrap().state,
        CaseState::Hidden,
        "what came in watch mode is a person's to decide"
    );

    // A second run does nothing twice.
    let before = town.gate(&roots[1]).1["cid"].clone();
    let size = town.db().read_now(store::log::size).unwrap();
    town.once();
    assert_eq!(town.gate(&roots[1]).1["cid"], before, "the gate was written again");
    assert_eq!(town.db().read_now(store::log::size).unwrap(), size, "something was logged again");

    // The bag of one proves the order, without Uppsikt's database.
    let bag = town.dir.path().join("bag");
    town.ran(&["export", &town.case_id(&insults[0]), "--out", bag.to_str().unwrap()]);
    let key = town.dir.path().join("data/archive/log.vkey");
    town.ran(&["verify", bag.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    assert_order(&bag);

    // Restored by a person, it is public again, and no rule takes it.
    town.decide(&fresh, "restore");
    town.once();
    assert!(!town.gate(&roots[1]).0.contains(uri(&fresh)));
    town.once();
    assert!(!town.gate(&roots[1]).0.contains(uri(&fresh)), "a rule took again what a person restored");
    assert_eq!(town.case(&fresh).unwrap().state, CaseState::Restored);
}

/// The events of a bag stand in the order that the law asks for.
fn assert_order(bag: &Path) {
    let events = fs::read_to_string(bag.join("data/events.jsonl")).unwrap();
    let kinds: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["t"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["snapshot", "registered", "decision", "hide_intent", "hidden"]);
}

#[test]
fn an_answer_closes_the_clock_at_its_own_time_and_what_vanishes_is_withdrawn() {
    let Some(network) = Network::of_this_run() else { return };
    let town = Town::new(network);
    let root = town.post("Nya tider på badhuset");
    let question = town.reply(&town.citizens[0], "När öppnar badhuset på söndag?", &root, &root);
    let gone = town.reply(&town.citizens[1], "Vad kostar ett årskort?", &root, &root);
    town.until("both questions are stored", |town| town.stored(&question) && town.stored(&gone));
    let answer = town.reply(&town.handle, "Klockan tio!", &root, &question);
    network.control("POST", "/delete", &json!({"handle": town.citizens[1], "uri": uri(&gone)}));
    town.until("the answer is stored and the other is gone", |town| {
        town.stored(&answer) && town.case(&gone).is_some_and(|case| case.state == CaseState::Withdrawn)
    });
    let case = town.case(&question).unwrap();
    let duties = town.db().read_now(|reader| store::duties::of_case(reader, case.id)).unwrap();
    assert!(!duties.is_empty());
    let id = CommentId { account: "bsky".to_owned(), native: uri(&answer).to_owned() };
    let answered =
        town.db().read_now(|reader| store::comments::find(reader, &id)).unwrap().unwrap().created_at;
    for duty in &duties {
        assert_eq!((duty.outcome.as_deref(), duty.closed_at), (Some("answered"), Some(answered)));
    }
    assert_eq!(town.case(&gone).unwrap().state, CaseState::Withdrawn);
}

#[test]
fn a_gate_that_somebody_else_changes_keeps_what_they_wrote() {
    let Some(network) = Network::of_this_run() else { return };
    let town = Town::new(network);
    town.configure("act", false);
    let root = town.post("Snöröjningen i helgen");
    let insult = town.reply(&town.citizens[0], INSULT, &root, &root);
    let other = town.reply(&town.citizens[1], "Bra jobbat!", &root, &root);
    town.until("both replies are stored", |town| town.stored(&insult) && town.stored(&other));
    town.decide(&insult, "hide");
    // Somebody hides another reply in the app, between decision and act.
    let theirs = json!({
        "$type": "app.bsky.feed.threadgate",
        "post": uri(&root),
        "hiddenReplies": [uri(&other)],
        "createdAt": "2026-11-20T10:00:00.000Z",
    });
    network.control("POST", "/gate", &json!({"handle": town.handle, "uri": uri(&root), "value": theirs}));
    let both: BTreeSet<_> = [uri(&insult).to_owned(), uri(&other).to_owned()].into();
    // A change outside is believed when the lists show it, and the view of the lists lags.
    town.until("the insult is hidden, and what they hid is seen", |town| {
        town.gate(&root).0 == both && town.case(&other).is_some()
    });
    let gate = town.gate(&root).1;
    assert_eq!(gate["value"].get("allow"), None);
    // What they hid is a change outside Uppsikt, of nobody known.
    let case = town.case(&other).expect("a change outside Uppsikt is a case");
    let duties = town.db().read_now(|reader| store::duties::of_case(reader, case.id)).unwrap();
    assert!(duties.iter().any(|duty| duty.what.kind == "changed_outside"), "{duties:?}");
    // And what somebody shows again in the app stays shown.
    network.control("POST", "/gate", &json!({"handle": town.handle, "uri": uri(&root)}));
    town.until("what they show again is seen", |town| {
        town.case(&insult).unwrap().state == CaseState::RestoredOutside
    });
    town.once();
    assert_eq!(town.gate(&root).0, BTreeSet::new(), "the machine fought a person's act");
}

#[test]
fn a_death_at_any_step_of_the_act_leaves_the_gate_whole() {
    use std::os::unix::process::ExitStatusExt;
    let Some(network) = Network::of_this_run() else { return };
    let town = Town::new(network);
    town.configure("act", false);
    let root = town.post("Fullmäktige sammanträder på måndag");
    let mut hidden = BTreeSet::new();
    for at in [
        "intent:after",
        "publish:after",
        "look:before",
        "act:before",
        "act:lost",
        "act:after",
        "relook:before",
        "receipt:before",
        "receipt:after",
    ] {
        let insult = town.reply(&town.citizens[0], INSULT, &root, &root);
        town.until("the reply is stored", |town| town.stored(&insult));
        town.decide(&insult, "hide");
        let dead = Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .arg("--config")
            .arg(town.dir.path().join("uppsikt.toml"))
            .args(["run", "--once"])
            .env("UPPSIKT_KILL_AT", at)
            .output()
            .unwrap();
        assert_eq!(dead.status.signal(), Some(9), "{at}: {}", String::from_utf8_lossy(&dead.stderr));
        hidden.insert(uri(&insult).to_owned());
        town.until("the reply is hidden", |town| {
            town.case(&insult).is_some_and(|case| case.state == CaseState::Hidden)
        });
        assert_eq!(town.gate(&root).0, hidden, "{at}");
        let case = town.case(&insult).unwrap();
        let kinds: Vec<_> = town.entries(case.id).into_values().collect();
        assert_eq!(kinds, ["snapshot", "registered", "decision", "hide_intent", "hidden"], "{at}");
    }
    let gate = town.gate(&root).1["cid"].clone();
    town.once();
    assert_eq!(town.gate(&root).1["cid"], gate, "the gate was written again");
    let data = town.dir.path().join("data");
    let key = data.join("archive/log.vkey");
    town.ran(&["verify", data.to_str().unwrap(), "--key", key.to_str().unwrap()]);
}
