//! One comment from its first word to its end, on every platform: what was done to it, when, and who did it.
//!
//! The program itself against the sandbox. What cannot happen on a platform is left out there: nobody edits on X or
//! Bluesky, LinkedIn hides nothing, and only Meta's platforms and YouTube have a filter that their API shows.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uppsikt::connector::capabilities_of;
use uppsikt::domain::comment::Platform;

use crate::support::binary::{Set, Town, Watched, start, told};
use crate::support::six::{PLATFORMS, Played};

const INSULT: &str = "@exempelkommun Du är en jävla idiot Karin";

/// What must stand in the history: what was done, by whom (with the name), and between which moments.
type Step = (String, &'static str, Value, DateTime<Utc>, DateTime<Utc>);

/// One comment in its town.
struct Life {
    town: Town,
    id: String,
    expected: Vec<Step>,
}

impl Life {
    /// A comment that a visitor wrote just now, in a town that has looked at its account once.
    fn new(platform: Platform) -> Self {
        let played = Played::new(platform, 7, 5);
        let (file, key) = match platform {
            Platform::Bluesky => {
                ("login_file", json!({ "identifier": played.native, "password": "prov" }).to_string())
            }
            _ => ("token_file", "nyckel".to_owned()),
        };
        let watched = Watched {
            id: "konto".to_owned(),
            platform,
            native: played.native.clone(),
            key: format!("{file} = \"key\""),
            start: begins(platform),
        };
        let start = watched.start;
        let set = Set { mode: "act", automatic: false, ..Set::default() };
        let mut town = Town::of(watched, &key, set, &[]);
        let written = start - TimeDelta::minutes(1);
        let post = played.post(1, start - TimeDelta::hours(2));
        town.sandbox.control("clock", &json!({ "at": start }).to_string());
        town.sandbox.control("account", &played.told().to_string());
        let order = json!({ "account": played.native, "id": post, "text": "Badhuset öppnar",
            "at": played.date(start - TimeDelta::hours(2)) });
        town.sandbox.control("post", &order.to_string());
        town.pass();
        let id = played.comment(1, &post, None, written);
        let text = if edits(platform) { "När öppnar badhuset?" } else { INSULT };
        let writer = json!({ "id": author(platform), "name": "Kalle" });
        let line = json!({ "account": played.native, "post": post, "id": id, "author": writer,
            "at": played.date(written), "text": text });
        town.sandbox.control("add", &line.to_string());
        let mut this = Self { town, id, expected: Vec::new() };
        this.until("it is seen", "select count(*) from comment", "1");
        // LinkedIn tells page apps nobody's name.
        let name = if platform == Platform::Linkedin { json!(author(platform)) } else { json!(this.name()) };
        this.expected.push(("written".to_owned(), "author", name, written, written));
        this
    }

    /// How the author is called in the database.
    fn name(&self) -> String {
        self.town.one("select coalesce(author_name, author_id) from comment")
    }

    /// Passes until the query's one value is this; gives from when to when that took.
    fn until(&mut self, what: &str, sql: &str, value: &str) -> (DateTime<Utc>, DateTime<Utc>) {
        let from = self.town.now;
        for turn in 0..40 {
            let output = self.town.pass();
            assert!(output.status.code().is_some_and(|code| code < 2), "{what}: {}", told(&output));
            if self.town.one(sql) == value {
                return (from, self.town.now);
            }
            // What is swept in turn comes within a day.
            self.town.now += TimeDelta::hours(if turn > 5 { 6 } else { 0 });
        }
        panic!("{} {what}: {sql} is {}", self.id, self.town.one(sql));
    }

    fn control(&self, verb: &str, more: &Value) {
        let mut body = json!({ "id": self.id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.town.sandbox.control(verb, &body.to_string());
    }

    /// A person decides, and what was decided is carried out.
    fn decide(&mut self, outcome: &str, carried_out: &str, state: &str) {
        let case = self.town.case_id(&self.id);
        // A decision stands at the log's last moment: this town lives years ahead of the clock that `decide` reads.
        let from = self.town.one("select max(at) from entry").parse().unwrap();
        assert_eq!(self.town.decide(&case, "chef", outcome), 0, "{outcome}");
        let (_, to) = self.until(outcome, "select state from case_file", state);
        self.expect(&format!("decided_{outcome}"), "person", json!("chef"), (from, to));
        self.expect(carried_out, "person", json!("chef"), (from, to));
    }

    fn expect(
        &mut self,
        what: &str,
        who: &'static str,
        name: Value,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) {
        self.expected.push((what.to_owned(), who, name, from, to));
    }

    /// What the case shows, as the program tells it.
    fn shown(&self) -> (Value, String) {
        let case = self.town.case_id(&self.id);
        let output = self.town.run(&["case", &case, "--json"]);
        assert!(output.status.success(), "{}", told(&output));
        let words = self.town.run(&["case", &case]);
        (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(words.stdout).unwrap())
    }
}

/// LinkedIn's API has an end a year after its version.
fn begins(platform: Platform) -> DateTime<Utc> {
    if platform == Platform::Linkedin { "2026-11-23T09:00:00Z".parse().unwrap() } else { start() }
}

/// Where an author can change words that stand there.
fn edits(platform: Platform) -> bool {
    !matches!(platform, Platform::X | Platform::Bluesky)
}

/// Where the platform's own filter hides what was public, and the API shows it.
fn filters(platform: Platform) -> bool {
    matches!(platform, Platform::Facebook | Platform::Instagram | Platform::Youtube)
}

fn author(platform: Platform) -> String {
    match platform {
        Platform::Linkedin => "urn:li:person:4711".to_owned(),
        Platform::Youtube => "UCbesokare1".to_owned(),
        Platform::Bluesky => "did:plc:besok1".to_owned(),
        _ => "4711".to_owned(),
    }
}

#[test]
fn every_step_in_a_comments_life_is_recorded_with_when_and_who() {
    for platform in PLATFORMS {
        let can = capabilities_of(platform);
        let mut life = Life::new(platform);
        if edits(platform) {
            life.control("edit", &json!({ "text": INSULT }));
            let took = life.until("the edit", "select max(n) from version", "2");
            let name = json!(life.name());
            life.expect("edited", "author", name, took);
        }
        life.town.settle();
        if can.hide {
            let (what, state) = if can.shows_hidden {
                ("hidden", "hidden")
            } else {
                ("hide_unconfirmed", "hide_unconfirmed")
            };
            life.decide("hide", what, state);
        }
        if can.restore {
            life.decide("restore", "restored", "restored");
        }
        if filters(platform) {
            life.control("hide", &json!({ "hidden": true, "by": "filter" }));
            let sql = "select count(*) from sighting where source = 'outside' and sighting = 'hidden'";
            let took = life.until("the filter", sql, "1");
            // YouTube lists what it holds back, and nothing that a person has rejected.
            let who = if platform == Platform::Youtube { "platform" } else { "unknown" };
            life.expect("outside_hidden", who, Value::Null, took);
        }
        life.control("delete", &json!({}));
        let took = life.until("the deletion", "select sighting from comment", "gone");
        life.expect("outside_gone", "unknown", Value::Null, took);

        let (shown, words) = life.shown();
        let steps = shown["history"].as_array().unwrap();
        let what: Vec<_> = steps.iter().map(|step| step["what"].as_str().unwrap()).collect();
        let expected: Vec<_> = life.expected.iter().map(|(what, ..)| what.as_str()).collect();
        assert_eq!(what, expected, "{platform}");
        for (step, (what, who, name, from, to)) in steps.iter().zip(&life.expected) {
            assert_eq!((&step["who"], &step["name"]), (&json!(who), name), "{platform}: {what}");
            let at: DateTime<Utc> = step["at"].as_str().unwrap().parse().unwrap();
            assert!(at >= *from && at <= *to, "{platform}: {what} at {at}, not {from} to {to}");
        }
        assert_eq!((shown["sighting"].as_str(), shown["state"].as_str()), (Some("gone"), Some("withdrawn")));
        // The log holds what was done, each once and in order.
        let log: Vec<_> =
            shown["events"].as_array().unwrap().iter().map(|event| event["t"].as_str().unwrap()).collect();
        let mut acts = vec!["snapshot"];
        if can.hide {
            let hidden = if can.shows_hidden { "hidden" } else { "hide_unconfirmed" };
            acts.extend([
                "registered",
                "decision",
                "hide_intent",
                hidden,
                "decision",
                "restore_intent",
                "restored",
            ]);
        }
        let told: Vec<_> = log.iter().filter(|kind| acts.contains(kind)).copied().collect();
        assert!(told.ends_with(&acts[1..]), "{platform}: {log:?}");
        // In words too: who is a name, and never a guess.
        assert!(words.contains("Förlopp"), "{words}");
        if can.hide {
            assert!(words.contains("beslut: dölj, av Chef Exempel (chef)"), "{platform}: {words}");
        }
        assert!(words.contains("ändrad utanför Uppsikt: finns inte längre, av okänd"), "{platform}: {words}");
        let filtered = [
            "Ändrad utanför Uppsikt, av plattformens filter",
            "utanför Uppsikt: dold, av plattformens filter",
        ];
        for told in filtered {
            assert_eq!(words.contains(told), platform == Platform::Youtube, "{platform}: {words}");
        }
    }
}

#[test]
fn what_the_municipalitys_account_did_outside_of_uppsikt_is_told_where_the_platform_tells_it() {
    // On Bluesky what is hidden stands in the account's own repository; elsewhere nobody tells who showed it again.
    for (platform, who) in [(Platform::Bluesky, "account"), (Platform::Facebook, "unknown")] {
        let mut life = Life::new(platform);
        if edits(platform) {
            life.control("edit", &json!({ "text": INSULT }));
            life.until("the edit", "select max(n) from version", "2");
        }
        life.town.settle();
        life.decide("hide", "hidden", "hidden");
        life.control("hide", &json!({ "hidden": false, "by": "app" }));
        life.until("the restoring", "select state from case_file", "restored_outside");
        let (shown, words) = life.shown();
        let last = shown["history"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["what"], &last["who"]), (&json!("outside_public"), &json!(who)), "{platform}");
        assert!(words.contains("ändrad utanför Uppsikt: synlig igen, av "), "{words}");
    }
}
