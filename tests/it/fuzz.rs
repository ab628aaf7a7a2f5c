//! Hostile input for everything that reads what others wrote: recorded answers, changed at random, for a while.
//!
//! Two and a half seconds a target unless `UPPSIKT_FUZZ_SECONDS` says otherwise (`tests/run`: 30; `tests/run long`: ten
//! minutes each). The inputs are the same in every run of the same code unless `PROPTEST_RNG_SEED` says otherwise, so
//! that a change is not refused for what somebody else wrote; the long run draws a seed and prints it. An input that makes a target panic, or keeps it busy for seconds, is written to `tests/fixtures/fuzz/<target>/` and
//! read again by every later run; so is everything else that lies there.

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uppsikt::archive::sha256_hex;
use uppsikt::config::Config;
use uppsikt::connector::{bluesky, facebook, http, instagram, linkedin, oauth, x, youtube};
use uppsikt::domain::classify::{Input, Policies, RuleSet, classify};
use uppsikt::durable;
use uppsikt::sandbox::Sandbox;

use crate::support::app::{MUNICIPALITY, at};
use crate::support::six::{Dice, seed};

/// The longest input.
const LONGEST: usize = 64 * 1024;

/// No input may keep a target busy for longer, on a machine that does other things besides and without optimising.
const PATIENCE: Duration = Duration::from_secs(10);

struct Target {
    name: &'static str,
    /// Folders below tests/fixtures whose files it begins with.
    folders: &'static [&'static str],
    /// Texts that it begins with besides.
    texts: fn() -> Vec<String>,
    read: fn(&[u8]),
}

fn nothing() -> Vec<String> {
    Vec::new()
}

const TARGETS: [Target; 12] = [
    Target { name: "facebook", folders: &["connector/facebook"], texts: nothing, read: read_facebook },
    Target { name: "instagram", folders: &["connector/instagram"], texts: nothing, read: read_instagram },
    Target {
        name: "youtube",
        folders: &["connector/youtube"],
        texts: nothing,
        read: youtube::wire::everything,
    },
    Target {
        name: "linkedin",
        folders: &["connector/linkedin"],
        texts: nothing,
        read: linkedin::wire::everything,
    },
    Target { name: "x", folders: &["connector/x"], texts: nothing, read: x::wire::everything },
    Target { name: "bluesky", folders: &["connector/bluesky"], texts: nothing, read: bluesky::everything },
    Target {
        name: "oauth",
        folders: &["connector/youtube", "connector/instagram"],
        texts: keys,
        read: read_keys,
    },
    Target { name: "element", folders: &["connector/facebook"], texts: elements, read: read_element },
    Target { name: "config", folders: &["config"], texts: municipality, read: read_config },
    Target { name: "classify", folders: &["connector/facebook"], texts: comments, read: read_text },
    Target { name: "control", folders: &[], texts: orders, read: read_order },
    Target { name: "outsider", folders: &["tsa"], texts: outsiders, read: read_outsider },
];

/// What a log and its witness say to each other.
fn outsiders() -> Vec<String> {
    let vector: Value = serde_json::from_str(include_str!("../fixtures/vectors/own-tlog.json")).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap().to_owned();
    let checkpoint = text("checkpoint");
    vec![
        format!("old 3\nTju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=\n\n{checkpoint}"),
        text("witness_vkey"),
        checkpoint,
    ]
}

/// Replies of authorities, their certificates, and what witnesses read.
fn read_outsider(body: &[u8]) {
    use uppsikt::archive::cosign::WitnessKey;
    use uppsikt::archive::timestamp::{Authorities, Token};
    use uppsikt::archive::witness::{AddCheckpoint, answer};
    if let Ok(token) = Token::parse(body) {
        let whole = token.is_whole();
        assert!(token.answers(1).is_err() && token.covers(b"another").is_err(), "{whole:?}");
    }
    let _ = Authorities::from_pem(body);
    let text = String::from_utf8_lossy(body);
    let _ = text.parse::<WitnessKey>();
    let _ = uppsikt::archive::checkpoint::before_cosignatures(&text);
    if let Some(request) = AddCheckpoint::parse(&text) {
        assert_eq!(AddCheckpoint::parse(&request.text()), Some(request));
    }
    let key: uppsikt::archive::note::VerifierKey =
        "exempel.se/uppsikt/logg1+3740e301+AbQdnC1Twlr7lFkAzksz7lL8Vvndn3ut59xU8nKrp2Pd".parse().unwrap();
    let _ = answer(&text, &[key], |_| Ok::<_, std::convert::Infallible>(None));
}

fn read_facebook(body: &[u8]) {
    use facebook::parse;
    for page in ["4", "100", ""] {
        let _ = parse::posts(body, page);
        let _ = parse::comments(body, "4_1", page);
        let _ = parse::comment(body, "4_1", page);
        let _ = parse::visitor_post(body, page);
    }
    graph(body);
}

fn read_instagram(body: &[u8]) {
    use instagram::parse;
    for own in [parse::Own { id: "178", name: None }, parse::Own { id: "", name: Some("kommunen") }] {
        let _ = parse::comments(body, "1790", None, own);
        let _ = parse::comments(body, "1790", Some("17"), own);
        let _ = parse::comment(body, "1790", own);
    }
    let _ = parse::posts(body);
    let _ = parse::granted(body, at("2026-11-23T12:00:00Z"));
    graph(body);
}

fn graph(body: &[u8]) {
    use facebook::parse;
    let _ = parse::Envelope::read(body);
    let _ = parse::created(body);
    let _ = parse::is_done(body);
    let _ = parse::key_facts(body);
    if let Ok(header) = std::str::from_utf8(body) {
        let _ = parse::app_usage(header);
        let _ = parse::account_usage(header, "pages");
    }
}

fn keys() -> Vec<String> {
    vec![
        json!({ "access_token": "a", "refresh_token": "b", "expires_in": 3599, "refresh_token_expires_in": 86_400 })
            .to_string(),
        json!({ "error": "invalid_grant", "error_description": "Bad Request" }).to_string(),
    ]
}

fn read_keys(body: &[u8]) {
    let _ = oauth::parse(body);
    let _ = oauth::error_word(body);
}

fn elements() -> Vec<String> {
    ["\\ud83d", "\\ud83d\\ude00", "\\ude00\\ud83d", "\\\\ud800", "\\\\\\ud800\\", "å\\udfff👋", "\\u00e5\\n"]
        .map(|text| format!("[{{\"message\":\"{text}\",\"id\":\"1\"}}]"))
        .to_vec()
}

/// Every text of a JSON value one after the other, also those of a key that stands there twice.
struct Texts(String);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AllTexts)
    }
}

struct AllTexts;

impl<'de> Visitor<'de> for AllTexts {
    type Value = Texts;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts(String::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts, E> {
        Ok(Texts(String::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts, E> {
        Ok(Texts(String::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Texts, E> {
        Ok(Texts(String::new()))
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Texts, A::Error> {
        let mut texts = String::new();
        while let Some(Texts(one)) = all.next_element()? {
            texts += &one;
        }
        Ok(Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Texts, A::Error> {
        let mut texts = String::new();
        while let Some((Texts(key), Texts(one))) = all.next_entry()? {
            texts += &key;
            texts += &one;
        }
        Ok(Texts(texts))
    }
}

/// What serde takes is read as it is; what it does not take for half a pair of surrogates is read with U+FFFD there.
fn read_element(body: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else { return };
    for raw in http::elements("fuzz", raw).unwrap_or_else(|_| vec![raw]) {
        let plain: Result<Value, _> = serde_json::from_str(raw.get());
        match (plain, http::element::<Value>(raw)) {
            (Ok(plain), read) => assert_eq!(plain, read.unwrap()),
            (Err(_), Ok(_)) => {
                let Texts(texts) = http::element(raw).unwrap();
                assert!(texts.contains('\u{fffd}'), "{raw}");
            }
            (Err(_), Err(_)) => {}
        }
    }
}

fn municipality() -> Vec<String> {
    vec![MUNICIPALITY.to_owned()]
}

fn read_config(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let examined = Config::examine_text(Path::new("/nowhere/uppsikt.toml"), &text);
    assert!(examined.result.is_some() || !examined.faults.is_empty(), "refused without a reason");
    for fault in &examined.faults {
        assert!(!fault.to_string().is_empty());
    }
}

fn comments() -> Vec<String> {
    [
        "Din idiot! Jag vet var du bor.",
        "När öppnar badhuset?? 👨‍👩‍👧‍👦🇸🇪",
        "Ｄｕ är en ı̇d1ot, å̈ḧ. Ring 070-123 45 67, 19121212-1212",
        "https://exempel.se/å?ö=1 @anna #badhuset",
        "ǅ ﬃ ß İ ſ \u{202e}tac\u{202c} \u{200b}\u{feff}i\u{ad}d\u{200d}i\u{2060}o\u{34f}t",
        "\"Din idiot\" sa han till mig, är det okej?",
        "i d i o t i.d.i.o.t 1d10t IDIOT idiiiiot",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Whatever is written, the places of findings are places in it.
fn read_text(body: &[u8]) {
    use std::sync::LazyLock;
    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::embedded);
    let text = String::from_utf8_lossy(body);
    let policies = Policies::default();
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let input =
        Input { text: &text, parent: Some(&text[half..]), post: Some(&text[..half]), ..Input::default() };
    let told = classify(&RULES, &policies, &input);
    for finding in &told.findings {
        assert!(finding.start <= finding.end, "{finding:?}");
        assert!(text.get(finding.start..finding.end).is_some(), "{finding:?} is no place in the text");
        assert!((0.0..=1.0).contains(&finding.confidence), "{finding:?}");
    }
}

/// The verb on the first line, then its body.
fn orders() -> Vec<String> {
    let line = json!({ "account": "4", "post": "4_1", "id": "1_9", "author": { "id": "9", "name": "Å" },
        "at": "2026-11-20T08:00:00+0000", "text": "Hej", "parent": "1_1", "attachment": "image",
        "media": [{ "id": "m", "type": "image", "behaviour": "ok", "bytes": 10 }], "memory": { "protected": true } });
    [
        ("add", line),
        ("edit", json!({ "id": "1_1", "text": "Hå", "likes": 3, "attachment": null, "author": null, "memory": { "a": null } })),
        ("delete", json!({ "id": "1_1" })),
        ("undelete", json!({ "id": "4_1" })),
        ("hide", json!({ "id": "1_1", "hidden": true, "by": "filter" })),
        ("hold", json!({ "id": "1_1", "held": true, "state": "likelySpam" })),
        ("move", json!({ "id": "1_1", "post": "4_1", "parent": "1_2", "at": "2026-11-20T08:00:00+0000" })),
        ("post", json!({ "account": "4", "id": "4_3", "text": "Hej", "at": "2026-11-20", "author": { "id": "8" } })),
        ("account", json!({ "account": "4", "rights": ["a"], "grant": ["b"], "revoke": ["a"], "lag": 3, "concurrent": 1 })),
        ("token", json!({ "account": "4", "token": "t", "expires_at": "2026-11-20T08:00:00Z", "refresh": "r" })),
        ("expire", json!({ "account": "4", "token": "t" })),
        ("quota", json!({ "account": "4", "name": "n", "limit": 3, "used": 9, "window": { "rolling": 60 } })),
        ("quota", json!({ "name": "n", "limit": 0, "window": "pacific_day" })),
        ("lag", json!({ "account": "4", "seconds": 9 })),
        ("clock", json!({ "at": "2026-11-20T08:00:00Z" })),
        ("clock", json!({ "forward": 4_000_000_000_u32 })),
        ("fault", json!({ "account": "*", "kind": "429", "times": 2, "on": "read", "path": "x", "until": "2026-11-20T08:00:00Z" })),
        ("reset", json!({ "account": "4" })),
    ]
    .map(|(verb, body)| format!("{verb}\n{body}"))
    .to_vec()
}

fn read_order(body: &[u8]) {
    let Some(end) = body.iter().position(|byte| *byte == b'\n') else { return };
    let (verb, order) = (String::from_utf8_lossy(&body[..end]), String::from_utf8_lossy(&body[end + 1..]));
    let sandbox = Sandbox::new();
    let seed = r#"{"account":"4","post":"4_1","id":"1_1","text":"a"}
        {"account":"4","post":"4_1","id":"1_2","parent":"1_1","text":"b"}"#;
    sandbox.seed(seed).unwrap();
    // Twice: what was changed is there the second time.
    for _ in 0..2 {
        let _ = sandbox.control(&verb, &order);
        let told =
            (sandbox.state().len(), sandbox.posts().len(), sandbox.accounts().len(), sandbox.quotas().len());
        assert!(told.0 >= 2 && told.1 >= 1 && told.2 >= 1, "something is lost: {told:?}");
    }
}

/// What parsers stumble over.
const WORDS: [&str; 30] = [
    "null",
    "true",
    "-1",
    "0",
    "1e308",
    "1e999",
    "18446744073709551616",
    "-9223372036854775809",
    "0.1",
    "\"\"",
    "[]",
    "{}",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\u0000\"",
    "\\",
    "\"",
    ",",
    ":",
    "[[[[[[[[",
    "}}}}",
    "\u{feff}",
    "\u{202e}",
    "å",
    "👨‍👩‍👧",
    "\"9999-12-31T23:59:60+99:99\"",
    "\"0000-00-00T00:00:00Z\"",
    "\"-262144-01-01T00:00:00Z\"",
    "\"urn:li:comment:(,)\"",
    "\"at://did:plc:kommunen/app.bsky.feed.post/\"",
];

/// Changes a text: bytes, words, parts of others, and, where it is JSON, whole values.
fn change(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[dice.roll(corpus.len())].clone();
    for _ in 0..=dice.roll(4) {
        if dice.roll(2) == 0
            && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
        {
            let other = serde_json::from_slice(&corpus[dice.roll(corpus.len())]).unwrap_or(Value::Null);
            graft(&mut value, &other, dice);
            input = serde_json::to_vec(&value).unwrap();
            continue;
        }
        let place = dice.roll(input.len() + 1);
        let longest = 1 << dice.roll(10);
        let end = (place + dice.roll(longest)).min(input.len());
        match dice.roll(8) {
            0 if place < input.len() => input[place] ^= 1 << dice.roll(8),
            1 => drop(input.drain(place..end)),
            2 => input.truncate(place),
            3 => {
                let part = input[place..end].to_vec();
                for _ in 0..=dice.roll(8) {
                    input.splice(place..place, part.iter().copied());
                }
            }
            4 => {
                let other = &corpus[dice.roll(corpus.len())];
                let from = dice.roll(other.len() + 1);
                let to = (from + dice.roll(200)).min(other.len());
                input.splice(place..end, other[from..to].iter().copied());
            }
            5 => {
                let deep = 1 << dice.roll(12);
                let one = ["[", "{\"a\":", "(", "\"", "\\"][dice.roll(5)];
                input.splice(place..place, one.repeat(deep).bytes());
            }
            _ => {
                input.splice(place..end.min(place + dice.roll(12)), WORDS[dice.roll(WORDS.len())].bytes());
            }
        }
        input.truncate(LONGEST);
    }
    input
}

/// Puts something else where a value stands that is chosen at random.
fn graft(value: &mut Value, other: &Value, dice: &mut Dice) {
    let inner = match value {
        Value::Array(all) if !all.is_empty() && dice.roll(5) > 0 => {
            let place = dice.roll(all.len());
            if dice.roll(12) == 0 {
                let again = all[place].clone();
                all.push(again);
                return;
            }
            all.get_mut(place)
        }
        Value::Object(all) if !all.is_empty() && dice.roll(8) > 0 => {
            let key = all.keys().nth(dice.roll(all.len())).unwrap().clone();
            if dice.roll(12) == 0 {
                all.shift_remove(&key);
                return;
            }
            all.get_mut(&key)
        }
        _ => None,
    };
    if let Some(inner) = inner {
        graft(inner, other, dice);
        return;
    }
    *value = match dice.roll(4) {
        0 => part(other, dice).clone(),
        1 => match &*value {
            Value::String(text) => {
                let cut = text.char_indices().nth(dice.roll(text.len() + 1)).map_or(text.len(), |(at, _)| at);
                Value::String(format!(
                    "{}{}",
                    &text[..cut],
                    ["", "å", "\u{0}", ":", "/", "+", "\"", "👋"][dice.roll(8)]
                ))
            }
            Value::Number(_) => json!([0, -1, i64::MIN, i64::MAX, 253_402_300_800_000_i64][dice.roll(5)]),
            other => json!([other]),
        },
        2 => json!("9".repeat(dice.roll(400))),
        _ => serde_json::from_str(WORDS[dice.roll(WORDS.len())]).unwrap_or(Value::Null),
    };
}

/// A part of a value that is chosen at random.
fn part<'a>(value: &'a Value, dice: &mut Dice) -> &'a Value {
    match value {
        Value::Array(all) if !all.is_empty() && dice.roll(4) > 0 => part(&all[dice.roll(all.len())], dice),
        Value::Object(all) if !all.is_empty() && dice.roll(4) > 0 => {
            part(all.values().nth(dice.roll(all.len())).unwrap(), dice)
        }
        value => value,
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Why an input is kept: what the target said when it panicked, or how long it took.
fn trouble(target: &Target, input: &[u8]) -> Option<String> {
    let began = Instant::now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.read)(input))) {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        return Some(words.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic").to_owned());
    }
    let took = began.elapsed();
    (took > PATIENCE).then(|| format!("{took:?} for {} bytes", input.len()))
}

/// Reads the corpus, then changed inputs until `until`; gives their number.
fn fuzz(target: &Target, time: Duration) -> Result<u64, String> {
    let folder = fixtures().join("fuzz").join(target.name);
    let mut corpus: Vec<Vec<u8>> = (target.texts)().into_iter().map(String::into_bytes).collect();
    corpus.extend(target.folders.iter().flat_map(|name| files(&fixtures().join(name))));
    corpus.extend(files(&folder));
    assert!(!corpus.is_empty(), "{}: nothing to begin with", target.name);
    for input in &corpus {
        if let Some(why) = trouble(target, input) {
            return Err(format!("{}: {why}: {}", target.name, String::from_utf8_lossy(input)));
        }
    }
    for input in &mut corpus {
        input.truncate(LONGEST);
    }
    let mut dice = Dice(seed() | 1);
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < time {
        let input = change(&mut dice, &corpus);
        count += 1;
        if let Some(why) = trouble(target, &input) {
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join(&sha256_hex(&input)[..16]);
            durable::write(&path, &input, 0o644).unwrap();
            return Err(format!("{}: {why}; kept as {}", target.name, path.display()));
        }
    }
    Ok(count)
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn no_input_makes_a_parser_panic_or_keeps_it_busy() {
    let told = std::env::var("UPPSIKT_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let time = Duration::from_secs_f64(told.unwrap_or(2.5));
    let (waiting, faults) = (Mutex::new(TARGETS.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(target) = waiting.lock().unwrap().next() else { break };
                    match fuzz(target, time) {
                        Ok(count) => {
                            eprintln!("{:>10}: {count} inputs in {} s", target.name, time.as_secs_f64());
                        }
                        Err(fault) => faults.lock().unwrap().push(fault),
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
