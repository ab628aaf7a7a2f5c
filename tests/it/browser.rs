//! The page in a real browser: axe (WCAG 2.1 AA), a narrow screen, the keyboard, and no script.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::TimeDelta;
use serde_json::{Value, json};
use uppsikt::bundle::html;
use uppsikt::domain::category::{Category, Proposal};
use uppsikt::domain::comment::Attachment;

use crate::support::desk::{Plant, Rig, monday};
use crate::support::evidence::{Log, overwrite};

/// Installs what is missing and lets the browser do the job; never skips.
fn browse(job: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let ready = Command::new(folder.join("setup.sh")).status().unwrap();
    assert!(ready.success(), "tests/browser/setup.sh could not install the browser's tools");
    let mut child = Command::new("node")
        .arg(folder.join("check.js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "tests/browser/check.js failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one start of the browser for every state of the page")]
async fn everybody_can_read_and_decide_on_the_page() {
    let rig = Rig::start().await;
    let clean = || Plant { found: vec![], proposal: Proposal::Keep, ..Plant::default() };
    // A thread: a question, the comment, our answer, a stranger's.
    rig.plant(Plant {
        id: "1_0",
        text: "När öppnar simhallen igen? Barnen saknar den.",
        author: "Åsa Öberg",
        ..clean()
    })
    .await;
    let text =
        "Ni på kommunen är så dåliga på allt. Rektorn är en idiot som borde sparkas, och alla vet det!";
    let thread = Plant {
        parent: Some("1_0"),
        text,
        needs_answer: true,
        attachments: vec![Attachment::Image],
        found: vec![(Category::Insult, "en idiot")],
        ..Plant::default()
    };
    let thread = rig.plant(thread).await;
    rig.preserve().await;
    rig.app.clock.set(monday() + TimeDelta::minutes(40));
    let edited =
        "Ni på kommunen är dåliga på allt. Rektorn är en riktig idiot som borde sparkas, och alla vet det!";
    rig.plant(Plant {
        parent: Some("1_0"),
        text: edited,
        needs_answer: true,
        found: vec![(Category::Insult, "en riktig idiot")],
        ..Plant::default()
    })
    .await;
    rig.plant(Plant {
        id: "1_8",
        parent: Some("1_1"),
        ours: true,
        text: "Hej Nils! Vi tar gärna emot synpunkter. Håll en god ton.",
        author: "Exempel kommun",
        ..clean()
    })
    .await;
    rig.plant(Plant {
        id: "1_9",
        parent: Some("1_1"),
        text: "Instämmer!",
        author: "مرحبا \u{202e}olleH",
        ..clean()
    })
    .await;
    let danger = Plant {
        id: "2_1",
        text: "Jag vet var du bor, socialsekreterare Svensson. Vänta bara.",
        found: vec![(Category::Threat, "vet var du bor")],
        proposal: Proposal::Escalate,
        ..Plant::default()
    };
    let danger = rig.plant(danger).await;
    let opinion = Plant {
        id: "3_1",
        text: "Rösta bort dem i september!",
        found: vec![(Category::Political, "Rösta bort")],
        ..Plant::default()
    };
    let opinion = rig.plant(opinion).await;
    let long = "Ettmycketlångtordutanmellanrum".repeat(300);
    let long = rig
        .plant(Plant {
            id: "4_1",
            text: &long,
            author: &"Långtnamn".repeat(30),
            found: vec![],
            proposal: Proposal::Review,
            ..Plant::default()
        })
        .await;
    let waiting = rig.plant(Plant { id: "5_1", ..Plant::default() }).await;
    let fields = [("outcome", "hide"), ("reason", "Personangrepp"), ("unbiased", "1"), ("confirmed", "1")];
    assert_eq!(rig.post(&rig.link(waiting, "anna"), "1-0", &fields).await.status, 303);
    rig.preserve().await;
    let decided = rig.plant(Plant { id: "6_1", ..Plant::default() }).await;
    assert_eq!(rig.post(&rig.link(decided, "chef"), "1-0", &fields).await.status, 303);
    let picture = Plant { id: "8_1", attachments: vec![Attachment::Image], ..Plant::default() };
    let picture = rig.plant(picture).await;
    let abuse = Plant { id: "9_1", attachments: vec![Attachment::Video], ..Plant::default() };
    let abuse = rig.plant(abuse).await;
    let seen = [("asks_media", "1"), ("media", "child_abuse")];
    assert_eq!(rig.post(&rig.link(abuse, "anna"), "1-0", &seen).await.status, 303);
    let phone = rig.plant(Plant { id: "7_1", ..Plant::default() }).await;
    rig.app.clock.set(monday() + TimeDelta::hours(30));

    let url = |link: String| format!("http://{}{link}", rig.addr);
    let pages = [
        ("normal", url(rig.link(thread, "anna"))),
        ("danger", url(rig.link(danger, "chef"))),
        ("opinion", url(rig.link(opinion, "chef"))),
        ("long", url(rig.link(long, "chef"))),
        ("waiting", url(rig.link(waiting, "chef"))),
        ("decided", url(rig.link(decided, "chef") + "&r=decided")),
        ("picture", url(rig.link(picture, "chef"))),
        ("abuse", url(rig.link(abuse, "chef"))),
        ("reader", url(rig.link(thread, "registrator"))),
        ("forbidden", url(rig.link(thread, "anna").replace("s=", "s=A"))),
        ("missing", url("/annat".to_owned())),
    ];
    let shots = std::env::var("UPPSIKT_SHOTS").ok();
    let job = json!({
        "pages": pages.iter().map(|(name, url)| json!({ "name": name, "url": url })).collect::<Vec<_>>(),
        "decide": { "url": url(rig.link(phone, "anna")), "outcome": "hide", "reason": "Personangrepp enligt punkt 1, å ä ö" },
        "shots": shots,
    });
    let result = tokio::task::spawn_blocking(move || browse(&job)).await.unwrap();

    let looked = result["pages"].as_array().unwrap();
    assert_eq!(looked.len(), pages.len() * 2);
    for page in looked {
        assert_eq!(page["violations"], json!([]), "{} at {}: {page:#}", page["name"], page["width"]);
        assert!(
            page["overflow"].as_i64().unwrap() <= 0,
            "{} scrolls sideways at {}",
            page["name"],
            page["width"]
        );
        assert!(page["checked"].as_u64().unwrap() > 10, "axe looked at too little: {page:#}");
    }
    let here = format!("http://{}/", rig.addr);
    for asked in result["requests"].as_array().unwrap() {
        assert!(asked.as_str().unwrap().starts_with(&here), "the page asks {asked}");
    }
    let refused: Vec<_> = result["console"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line.to_string().contains("Content Security"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    let step =
        |name: &str| result["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap();
    assert!(step("skip link")["seen"].as_bool().unwrap());
    let untold = step("without the tick");
    assert!(untold["title"].as_str().unwrap().starts_with("Fel: "), "{untold}");
    assert!(untold["text"].as_str().unwrap().contains("inte är jävig"), "{untold}");
    assert_eq!(step("kept")["text"], "Personangrepp enligt punkt 1, å ä ö");
    assert_eq!(step("asked again")["text"], "Föreslå att kommentaren döljs?");
    assert!(step("done")["text"].as_str().unwrap().contains("Förslaget är sparat"), "{}", step("done"));
    let decisions = rig.decisions(phone).await;
    assert_eq!(decisions.len(), 1);
    assert_eq!((decisions[0].person.as_str(), decisions[0].state.as_str()), ("anna", "waiting"));
    let slowest = looked.iter().filter_map(|page| page["ms"].as_u64()).max().unwrap();
    assert!(slowest < 5_000, "the slowest page took {slowest} ms in the browser");
}

#[test]
fn everybody_can_read_the_page_of_a_bag_and_it_fetches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(dir.path());
    let text = format!("Jag vet var du bor! مرحبا بالعالم <b>x</b> {}", "Ettmycketlångtord".repeat(100));
    let record = log.preserve_look(&text, b"png");
    log.hidden(record);
    let input = log.bag(record);
    let page = dir.path().join("handling.html");
    overwrite(&page, &html::handling(&input).unwrap());
    let shots = std::env::var("UPPSIKT_SHOTS").ok();
    let url = format!("file://{}", page.display());
    let result = browse(&json!({ "pages": [{ "name": "bag", "url": url }], "shots": shots }));
    for page in result["pages"].as_array().unwrap() {
        assert_eq!(page["violations"], json!([]), "{page:#}");
        assert!(
            page["checked"].as_u64().unwrap() > 10 && page["overflow"].as_i64().unwrap() <= 0,
            "{page:#}"
        );
    }
    assert!(result["requests"].as_array().unwrap().iter().all(|asked| *asked == url.as_str()), "{result:#}");
}
