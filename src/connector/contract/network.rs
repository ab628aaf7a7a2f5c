//! One account on the real Bluesky network (tests/bluesky), for the same promises as on the emulator.
//!
//! What the sandbox's control does by a word is here done by somebody: comments are written by citizens with accounts of
//! their own, a comment is hidden by others through the account's own gate, a key dies because the server's
//! administrator changes the password or suspends the account. Only the wire is the tests' own (see `wire`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::town::{SECRET, tid};
use super::wire::Wire;
use crate::clock::Clock;
use crate::connector::testing::network::Network;

/// How many people write comments; the writers of a promise share them.
const CITIZENS: usize = 4;

/// Access ends after two hours, and what it is renewed with after ninety days, as on Bluesky's own servers.
const ENDS: [TimeDelta; 2] = [TimeDelta::hours(2), TimeDelta::days(90)];

/// Somebody who has an account on the network.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) did: String,
    handle: String,
}

/// The network, our account on it, and what is to be written there.
#[derive(Debug)]
pub(super) struct Real {
    network: &'static Network,
    pub(super) us: Person,
    /// What visitors see as our name.
    name: Mutex<String>,
    pub(super) wire: Wire,
    founded: DateTime<Utc>,
    /// What is written before the connector asks next.
    unsent: Mutex<Vec<Value>>,
    /// The readers' servers may not have seen everything that was written.
    is_behind: AtomicBool,
    /// Nobody waits for the readers' servers before time has passed.
    lags: AtomicBool,
    /// The account is suspended, or its password another.
    is_locked_out: AtomicBool,
}

fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}{}-{}.test", std::process::id() % 100_000, NEXT.fetch_add(1, Ordering::SeqCst))
}

fn person(network: &Network, name: &str) -> Person {
    let handle = unique(name);
    let account = network.control("POST", "/account", &json!({ "handle": handle, "password": SECRET }));
    Person { did: account["did"].as_str().unwrap().to_owned(), handle }
}

/// The people of this run.
fn citizens(network: &'static Network) -> &'static [Person] {
    static ALL: OnceLock<Vec<Person>> = OnceLock::new();
    ALL.get_or_init(|| {
        let all: Vec<Person> = (0..CITIZENS).map(|_| person(network, "med")).collect();
        for (n, person) in all.iter().enumerate() {
            let profile = json!({ "handle": person.handle, "name": format!("Åsa {n}") });
            network.control("POST", "/profile", &profile);
        }
        all
    })
}

/// The moment, to the second.
fn real_now() -> DateTime<Utc> {
    Clock::System.now()
}

impl Real {
    /// A municipality of its own, if this run has a network.
    pub(super) async fn found() -> Option<Self> {
        let network = Network::of_this_run()?;
        citizens(network);
        let us = person(network, "kom");
        // The readers' servers answer for accounts that they have heard of.
        network.control("POST", "/settle", &json!({}));
        let wire = Wire::to(&network.pds_url).await;
        Some(Self {
            network,
            name: Mutex::new(us.handle.clone()),
            us,
            wire,
            founded: real_now(),
            unsent: Mutex::default(),
            is_behind: AtomicBool::new(false),
            lags: AtomicBool::new(false),
            is_locked_out: AtomicBool::new(false),
        })
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        self.network.control("POST", path, body)
    }

    /// Everything that was said is written.
    fn send(&self) {
        let unsent = std::mem::take(&mut *self.unsent.lock().unwrap());
        if !unsent.is_empty() {
            self.call("/write", &json!({ "posts": unsent }));
            self.is_behind.store(true, Ordering::SeqCst);
        }
    }

    /// Everything is written, and unless the network lags everybody can read it.
    pub(super) fn settle(&self) {
        self.send();
        if !self.lags.load(Ordering::SeqCst) && self.is_behind.swap(false, Ordering::SeqCst) {
            self.call("/settle", &json!({}));
        }
    }

    /// Time passes by: keys run out, and everything that was done is seen.
    pub(super) fn later(&self, by: TimeDelta) {
        if by >= ENDS[0] {
            self.wire.end_sessions(by >= ENDS[1]);
        }
        if by >= TimeDelta::minutes(5) {
            self.wire.use_up(false);
        }
        self.lags.store(false, Ordering::SeqCst);
        self.is_behind.store(true, Ordering::SeqCst);
    }

    pub(super) fn citizen(&self, n: u32) -> &'static Person {
        let all = citizens(self.network);
        &all[usize::try_from(n).unwrap() % all.len()]
    }

    pub(super) fn citizens_name(n: u32) -> String {
        format!("Åsa {}", usize::try_from(n).unwrap() % CITIZENS)
    }

    /// When the n-th post was written: just before everything else, for nothing answers a post of the future.
    fn post_at(&self, n: u32) -> DateTime<Utc> {
        self.founded - TimeDelta::seconds(60) + TimeDelta::seconds(n.into())
    }

    pub(super) fn post_id(&self, n: u32) -> String {
        format!("at://{}/app.bsky.feed.post/{}", self.us.did, tid(self.post_at(n), n))
    }

    pub(super) fn write_post(&self, n: u32, text: &str) {
        self.write(&self.us.handle, &self.post_id(n), text, self.post_at(n), &json!({}));
    }

    /// Writes a comment under the post; gives its address and when it says it was written.
    pub(super) fn say(
        &self,
        ours: bool,
        writer: u32,
        (post, parent): (&str, &str),
        text: &str,
        more: &Value,
    ) -> (String, DateTime<Utc>) {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let who = if ours { &self.us } else { self.citizen(writer) };
        let at = real_now();
        // Keys are times; another run on the same network has another number at the end.
        let key = tid(at + TimeDelta::microseconds(NEXT.fetch_add(1, Ordering::SeqCst)), std::process::id());
        let id = format!("at://{}/app.bsky.feed.post/{key}", who.did);
        let mut reply = json!({ "root": post, "parent": parent });
        if more["attachment"].is_string() {
            reply["embed"] = json!({ "$type": "app.bsky.embed.external", "external": {
                "uri": "https://exempel.example/bild", "title": "Bild", "description": "" } });
        }
        self.write(&who.handle, &id, text, at, &reply);
        (id, at)
    }

    fn write(&self, handle: &str, id: &str, text: &str, at: DateTime<Utc>, more: &Value) {
        let created = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let mut post = json!({ "handle": handle, "uri": id, "text": text, "createdAt": created });
        post.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.unsent.lock().unwrap().push(post);
    }

    /// The text of a post as its writer's repository has it; `None` where it was deleted.
    pub(super) fn text(&self, id: &str) -> Option<String> {
        let post = self.network.control("GET", &format!("/record?uri={id}"), &Value::Null);
        Some(post["value"]["text"].as_str()?.to_owned())
    }

    fn gate(&self, post: &str) -> Value {
        self.network.control("GET", &format!("/gate?uri={post}"), &Value::Null)["value"].clone()
    }

    /// Whether the gate of the post hides the comment.
    pub(super) fn is_hidden(&self, post: &str, id: &str) -> bool {
        self.gate(post)["hiddenReplies"].as_array().is_some_and(|hidden| hidden.contains(&json!(id)))
    }

    /// Somebody at the municipality hides the comment in the app, or shows it again.
    fn hide_in_the_app(&self, post: &str, id: &str, hide: bool) {
        let mut gate = self.gate(post);
        if gate.is_null() {
            gate = json!({ "$type": "app.bsky.feed.threadgate", "post": post, "hiddenReplies": [],
                "createdAt": real_now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true) });
        }
        let hidden = gate["hiddenReplies"].as_array_mut().unwrap();
        hidden.retain(|reply| reply != id);
        if hide {
            hidden.push(json!(id));
        }
        self.call("/gate", &json!({ "handle": self.us.handle, "uri": post, "value": gate }));
    }

    fn handle_of(&self, id: &str) -> String {
        let everybody = citizens(self.network).iter().chain([&self.us]);
        let mut writers: BTreeMap<_, _> = everybody.map(|person| (&person.did, &person.handle)).collect();
        writers.retain(|did, _| id.starts_with(&format!("at://{did}/")));
        writers.into_values().next().unwrap().clone()
    }

    pub(super) fn name(&self) -> String {
        self.name.lock().unwrap().clone()
    }

    /// A name that nobody else has.
    pub(super) fn another_name() -> String {
        unique("fri")
    }

    /// What the sandbox's control of the same name does. `post` is the post of the comment that it is about.
    pub(super) fn control(&self, verb: &str, body: &Value, post: Option<&str>) {
        self.send();
        let id = body["id"].as_str().unwrap_or_default();
        match verb {
            "fault" => match body["kind"].as_str().unwrap() {
                "none" => {
                    self.wire.heal();
                    // A new password ends every session, also where it is the old one.
                    if self.is_locked_out.swap(false, Ordering::SeqCst) {
                        self.call("/suspend", &json!({ "did": self.us.did, "applied": false }));
                        self.call("/password", &json!({ "did": self.us.did, "password": SECRET }));
                    }
                }
                // The password is another, and the sessions that it opened have ended.
                "token" => {
                    self.is_locked_out.store(true, Ordering::SeqCst);
                    self.wire.end_sessions(true);
                    self.call("/password", &json!({ "did": self.us.did, "password": "ett-annat" }));
                }
                "gone_token" => {
                    self.is_locked_out.store(true, Ordering::SeqCst);
                    self.call("/suspend", &json!({ "did": self.us.did, "applied": true }));
                }
                _ => self.wire.fault(serde_json::from_value(body.clone()).unwrap()),
            },
            "delete" => {
                self.call("/delete", &json!({ "handle": self.handle_of(id), "uri": id }));
            }
            "undelete" => {
                self.call("/again", &json!({ "uri": id }));
            }
            "hide" => self.hide_in_the_app(post.unwrap(), id, body["hidden"] != false),
            // Nobody holds comments back before they are read.
            "hold" => assert_eq!(body["held"], false),
            "lag" => self.lags.store(true, Ordering::SeqCst),
            "reset" => self.wire.lapse_a_cursor(),
            "quota" => self.wire.use_up(true),
            "account" => {
                if let Some(password) = body["memory"]["password"].as_str() {
                    self.call("/password", &json!({ "did": self.us.did, "password": password }));
                }
                if let Some(name) = body["username"].as_str() {
                    self.call("/handle", &json!({ "did": self.us.did, "handle": name }));
                    name.clone_into(&mut self.name.lock().unwrap());
                }
                // An account has no rights that could be taken from its password one by one.
                let known = ["account", "memory", "username", "name", "rights"];
                assert!(body.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{body}");
            }
            _ => panic!("nobody on the network does {verb}"),
        }
        self.is_behind.store(true, Ordering::SeqCst);
    }
}
