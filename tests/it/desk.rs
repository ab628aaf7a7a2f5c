//! The one-case page over HTTP: who gets in, what is shown, and what a decision needs.

use std::time::Instant;

use chrono::TimeDelta;
use uppsikt::domain::case::{CaseId, Outcome};
use uppsikt::domain::category::{Category, Proposal};
use uppsikt::domain::comment::Attachment;
use uppsikt::store;

use crate::support::desk::{Plant, Rig, monday};

const HIDE: [(&str, &str); 4] =
    [("outcome", "hide"), ("reason", "Personangrepp, p. 1"), ("unbiased", "1"), ("confirmed", "1")];

#[tokio::test]
async fn get_never_changes_a_byte_of_the_database() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let danger = Plant {
        id: "1_2",
        found: vec![(Category::Threat, "idiot")],
        proposal: Proposal::Escalate,
        ..Plant::default()
    };
    let danger = rig.plant(danger).await;
    rig.preserve().await;
    let before = rig.dump();
    for path in [
        rig.link(case, "anna"),
        rig.link(danger, "chef"),
        format!("{}&outcome=hide&reason=x&unbiased=1&confirmed=1&seen=1-0", rig.link(case, "chef")),
        format!("{}&acknowledge=1", rig.link(danger, "chef")),
        rig.link(CaseId(99), "anna"),
        "/c/c-000001".to_owned(),
        "/health".to_owned(),
        "/".to_owned(),
    ] {
        for verb in ["GET", "HEAD"] {
            let request = format!("{verb} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            rig.ask(&request).await;
        }
    }
    assert_eq!(rig.dump(), before);
}

#[tokio::test]
async fn the_page_explains_the_case() {
    let rig = Rig::start().await;
    rig.plant(Plant {
        id: "1_0",
        text: "Bra att ni bygger om",
        author: "Åsa Öberg",
        found: vec![],
        proposal: Proposal::Keep,
        ..Plant::default()
    })
    .await;
    let case = rig.plant(Plant { parent: Some("1_0"), needs_answer: true, ..Plant::default() }).await;
    rig.plant(Plant {
        id: "1_9",
        parent: Some("1_1"),
        ours: true,
        text: "Hej! Håll en god ton.",
        found: vec![],
        proposal: Proposal::Keep,
        ..Plant::default()
    })
    .await;
    rig.preserve().await;
    let page = rig.get(&rig.link(case, "anna")).await;
    assert_eq!(page.status, 200);
    for told in [
        "Ärende c-000001",
        "Läget: Öppet",
        "Granska kommentaren och besluta",
        "måndag 23 november 2026",
        "Badhuset stänger",
        "Åsa Öberg",
        "Bra att ni bygger om",
        "Du är en <mark>idiot</mark>, rektorn!",
        "Hej! Håll en god ton.",
        "kommunens svar",
        "Personangrepp eller förolämpning",
        "kommentarer p. 1",
        "BrB 5 kap. 3 §",
        "insult.prov",
        "Version 1 är bevarad",
        "ej bevarade",
        "troligen också dennes vänner på Facebook",
        "tisdag 24 november 2026 kl. 16.30",
        "Så är fristen räknad",
        "Du är Anna Exempel",
        "blir ett förslag från dig",
    ] {
        assert!(page.body.contains(told), "{told} is not on the page:\n{}", page.body);
    }
    for missing in ["<script", "<img", " src=", "checked", "http-equiv", " style=", " onclick"] {
        assert!(!page.body.contains(missing), "{missing}");
    }
    for header in [
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "form-action 'self'; frame-ancestors 'none'",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-type: text/html; charset=utf-8",
    ] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
}

#[tokio::test]
async fn only_the_persons_own_unexpired_link_opens_the_case() {
    let rig = Rig::with(|text| {
        text + "\n[[absence]]\nperson = \"erik\"\nfrom = 2026-11-01\nto = 2026-12-31\nkind = \"leave\"\n"
    })
    .await;
    let case = rig.plant(Plant::default()).await;
    let other = rig.plant(Plant { id: "1_2", ..Plant::default() }).await;
    let link = rig.link(case, "anna");
    let before = rig.dump();
    for (why, path) in [
        ("expired", rig.link_until(case, "anna", monday())),
        ("other person", link.replace("p=anna", "p=chef")),
        ("other case", link.replace(&case.to_string(), &other.to_string())),
        ("longer life", link.replace("e=1", "e=2")),
        ("forged", link.replace("s=", "s=A")),
        ("no signature", link.split("&s=").next().unwrap().to_owned()),
        ("twice", format!("{link}&p=anna")),
        ("another form of the same time", link.replace("e=", "e=%2B")),
        ("on leave", rig.link(case, "erik")),
        ("nobody", rig.link(case, "ingen")),
        ("nothing", format!("/c/{case}")),
        ("no such case, and forged", "/c/c-999999?p=anna&e=1&s=x".to_owned()),
    ] {
        let answer = rig.get(&path).await;
        assert_eq!(answer.status, 403, "{why}");
        assert!(answer.body.contains("Så får du en ny länk"), "{why}");
        assert!(!answer.body.contains("idiot"), "{why}");
        if path.contains('?') {
            assert_eq!(rig.post(&path, "1-0", &HIDE).await.status, 403, "POST {why}");
        }
    }
    assert_eq!(rig.get(&link).await.status, 200);
    for path in
        ["/", "/c/", "/c/x", "/c/c-1/x", "/admin", "/c/UPP-KS%202026%2F1", &rig.link(CaseId(99), "anna")]
    {
        let answer = rig.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Sidan finns inte"), "{path}");
    }
    assert_eq!(rig.dump(), before);
}

#[tokio::test]
async fn a_decision_needs_a_choice_a_reason_and_the_tick_and_hiding_is_asked_twice() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let link = rig.link(case, "chef");
    let before = rig.dump();
    let long = "x".repeat(4_001);
    for (fields, status, told) in [
        (&[][..], 422, "Välj ett beslut."),
        (&[("outcome", "hide"), ("unbiased", "1"), ("confirmed", "1")], 422, "Skriv en motivering."),
        (
            &[("outcome", "hide"), ("unbiased", "1"), ("confirmed", "1"), ("reason", " \r\n ")],
            422,
            "Skriv en motivering.",
        ),
        (
            &[("outcome", "hide"), ("reason", "Kvar i rutan"), ("confirmed", "1")],
            422,
            "Intyga att du inte är jävig",
        ),
        (
            &[("outcome", "hide"), ("reason", &long), ("unbiased", "1"), ("confirmed", "1")],
            422,
            "högst 4 000 tecken",
        ),
        (
            &[("outcome", "hide"), ("reason", "a\u{0}b"), ("unbiased", "1"), ("confirmed", "1")],
            422,
            "tecken som inte kan visas",
        ),
        (&[("outcome", "sprängas"), ("reason", "x")], 422, "Välj ett beslut."),
        (&[("outcome", "remove"), ("reason", "x"), ("unbiased", "1")], 409, "går inte att besluta"),
        (&[("outcome", "restore"), ("reason", "x"), ("unbiased", "1")], 409, "går inte att besluta"),
        (&[("outcome", "answered"), ("reason", "x")], 409, "går inte att besluta"),
        (&[("outcome", "hide"), ("reason", "Så <b>här</b>"), ("unbiased", "1")], 200, "Dölja kommentaren?"),
    ] {
        let answer = rig.post(&link, "1-0", fields).await;
        assert_eq!(answer.status, status, "{fields:?}\n{}", answer.body);
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    let kept = rig.post(&link, "1-0", &[("outcome", "hide"), ("reason", "Kvar i <rutan>")]).await.body;
    assert!(kept.contains("Kvar i &lt;rutan&gt;</textarea>") && kept.contains("checked"), "{kept}");
    assert_eq!(rig.dump(), before);

    let done = rig.post(&link, "1-0", &HIDE).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let to = done.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    assert!(to.starts_with("c-000001?p=chef&e=") && to.ends_with("&r=decided"), "{to}");
    assert_eq!(rig.state(case).await, "hiding");
    let decisions = rig.decisions(case).await;
    assert_eq!(decisions.len(), 1);
    assert_eq!((decisions[0].person.as_str(), decisions[0].os_user.as_str()), ("chef", "desk"));
    assert_eq!(decisions[0].outcome, Outcome::Hide);
    let reason = decisions[0].reason.clone().unwrap();
    assert!(reason.starts_with("Personangrepp, p. 1\n") && reason.contains("inte är jävig"), "{reason}");
    let page = rig.get(&format!("{link}&r=decided")).await.body;
    assert!(page.contains("Beslutet är sparat") && page.contains("Läget: Döljs"), "{page}");

    // The same form again, as after the browser's back button, and again with what stands there now.
    let before = rig.dump();
    for seen in ["1-0", "1-1", "", "x"] {
        let again = rig.post(&link, seen, &HIDE).await;
        assert_eq!(again.status, 409, "{seen}");
        assert!(again.body.contains("Beslutet är inte sparat"), "{}", again.body);
    }
    assert_eq!(rig.dump(), before);
}

#[tokio::test]
async fn a_picture_is_looked_at_before_the_comment_can_be_hidden() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant { attachments: vec![Attachment::Image], ..Plant::default() }).await;
    let link = rig.link(case, "chef");
    let page = rig.get(&link).await.body;
    for told in ["Vad visar bilden, filmen eller ljudet?", "Ännu ej bevarat", "Svara på frågan ovan"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("value=\"hide\""), "{page}");
    let before = rig.dump();
    assert_eq!(rig.post(&link, "1-0", &HIDE).await.status, 409);
    let asks = |answer| [("asks_media", "1"), ("media", answer), ("reason", "")];
    for (person, answer, status, told) in [
        ("chef", "", 422, "Välj vad du såg."),
        ("chef", "ja", 422, "Välj vad du såg."),
        ("chef", "unavailable", 422, "Skriv varför"),
        ("registrator", "fetch", 409, "får du inte besluta"),
    ] {
        let answered = rig.post(&rig.link(case, person), "1-0", &asks(answer)).await;
        assert_eq!(answered.status, status, "{answer}: {}", answered.body);
        assert!(answered.body.contains(told), "{told}: {}", answered.body);
    }
    assert_eq!(rig.post(&link, "7-0", &asks("fetch")).await.status, 409);
    assert_eq!(rig.dump(), before);

    let answered = rig.post(&link, "1-0", &asks("fetch")).await;
    assert_eq!(answered.status, 303, "{}", answered.body);
    assert!(answered.head.contains("&r=looked"), "{}", answered.head);
    let page = rig.get(&link).await.body;
    assert!(page.contains("value=\"hide\"") && page.contains("inte övergreppsmaterial"), "{page}");
    assert!(page.contains("inte hämta bilder"), "the account fetches nothing, and says so: {page}");
    assert!(!page.contains("Tidigare versioner"), "the same text is no edit: {page}");
    assert_eq!(rig.post(&link, "1-0", &asks("fetch")).await.status, 409, "it is said once");
    assert_eq!(rig.post(&link, "1-0", &HIDE).await.status, 303);
}

#[tokio::test]
async fn nobody_decides_on_a_text_that_they_have_not_seen() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let link = rig.link(case, "chef");
    rig.app.clock.set(monday() + TimeDelta::minutes(5));
    rig.plant(Plant {
        text: "Du är en ängel, rektorn!",
        found: vec![],
        proposal: Proposal::Keep,
        ..Plant::default()
    })
    .await;
    let answer = rig.post(&link, "1-0", &HIDE).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("en ny text") && answer.body.contains("ängel"), "{}", answer.body);
    assert!(
        answer.body.contains("<del><span class=\"hidden-words\">borttaget: </span>idiot, </del>"),
        "{}",
        answer.body
    );
    assert_eq!(rig.decisions(case).await.len(), 0);
}

#[tokio::test]
async fn two_persons_decide_where_the_guideline_says_so() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let (anna, chef) = (rig.link(case, "anna"), rig.link(case, "chef"));
    let proposed = rig.post(&anna, "1-0", &HIDE).await;
    assert!(proposed.status == 303 && proposed.head.contains("&r=proposed"), "{}", proposed.head);
    assert_eq!(rig.state(case).await, "awaiting_approval");
    let same = rig.post(&anna, "1-1", &HIDE).await;
    assert_eq!(same.status, 409);
    assert!(same.body.contains("Du har själv föreslagit beslutet"), "{}", same.body);
    let page = rig.get(&chef).await.body;
    assert!(page.contains("Ett förslag väntar") && page.contains("Anna Exempel"), "{page}");
    assert!(page.contains("Godkänn förslaget: dölj") && page.contains("Avslå förslaget: behåll"), "{page}");
    assert!(!page.contains("checked"), "whoever approves chooses");
    let untold =
        rig.post(&chef, "1-1", &[("outcome", "keep"), ("reason", "Skarp men tillåten kritik")]).await;
    assert_eq!(untold.status, 422, "refusing is deciding too");
    let done = rig.post(&chef, "1-1", &HIDE).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(rig.state(case).await, "hiding");

    let case = rig.plant(Plant { id: "1_2", ..Plant::default() }).await;
    rig.post(&rig.link(case, "anna"), "1-0", &HIDE).await;
    let refusal = [("outcome", "keep"), ("reason", "Skarp men tillåten kritik"), ("unbiased", "1")];
    let refused = rig.post(&rig.link(case, "erik"), "1-1", &refusal).await;
    assert!(
        refused.status == 303 && refused.head.contains("&r=refused"),
        "{} {}",
        refused.head,
        refused.body
    );
    assert_eq!(rig.state(case).await, "kept");
}

#[tokio::test]
async fn who_has_no_right_reads_but_does_not_decide_and_a_watched_account_is_not_written_to() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let link = rig.link(case, "registrator");
    let page = rig.get(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Du kan läsa ärendet, men inte besluta") && !page.body.contains("<textarea"));
    assert_eq!(rig.post(&link, "1-0", &HIDE).await.status, 409);
    assert_eq!(rig.decisions(case).await.len(), 0);

    let rig = Rig::with(|text| text.replace("mode = \"act\"", "mode = \"watch\"")).await;
    let case = rig.plant(Plant::default()).await;
    let link = rig.link(case, "chef");
    let page = rig.get(&link).await.body;
    assert!(page.contains("Kontot bevakas bara") && !page.contains("value=\"hide\""), "{page}");
    assert_eq!(rig.post(&link, "1-0", &HIDE).await.status, 409);
    let kept = rig.post(&link, "1-0", &[("outcome", "keep"), ("reason", "Står kvar")]).await;
    assert_eq!((kept.status, rig.state(case).await.as_str()), (303, "kept"), "{}", kept.body);
}

#[tokio::test]
async fn danger_stands_first_and_is_acknowledged_with_one_button() {
    let rig = Rig::start().await;
    let plant = Plant {
        text: "Jag vet var du bor",
        found: vec![(Category::Threat, "vet var du bor")],
        proposal: Proposal::Escalate,
        ..Plant::default()
    };
    let case = rig.plant(plant).await;
    let link = rig.link(case, "anna");
    let page = rig.get(&link).await.body;
    let (danger, comment) =
        (page.find("Gör det här först").unwrap(), page.find("Kommentaren i sin tråd").unwrap());
    assert!(
        danger < comment
            && page.contains("ring 112")
            && page.contains("114 14")
            && page.contains("socialjouren")
    );
    assert!(!page.contains("checked"), "nothing is chosen for the person");
    let done = rig.post(&link, "", &[("acknowledge", "1")]).await;
    assert!(done.status == 303 && done.head.contains("&r=read"), "{}", done.head);
    let page = rig.get(&link).await.body;
    assert!(page.contains("<strong>Anna Exempel</strong> har läst och agerar"), "{page}");
    assert!(!page.contains("Jag har läst och agerar"), "{page}");
    // Somebody else's later click does not take the first one's name away.
    let before = rig.dump();
    rig.post(&rig.link(case, "chef"), "", &[("acknowledge", "1")]).await;
    assert_eq!(rig.dump(), before);
    assert_eq!(rig.post(&link.replace("s=", "s=B"), "", &[("acknowledge", "1")]).await.status, 403);
}

#[tokio::test]
async fn nothing_is_preselected_where_the_point_is_one_of_opinion() {
    let rig = Rig::start().await;
    for (n, category, proposal, selected) in [
        (1, Category::Hate, Proposal::Hide, true),
        (2, Category::Insult, Proposal::Review, false),
        (3, Category::Political, Proposal::Hide, false),
        (4, Category::Defamation, Proposal::Hide, false),
        (5, Category::Threat, Proposal::Escalate, false),
    ] {
        let id = format!("1_{n}");
        let case = rig
            .plant(Plant { id: &id, found: vec![(category, "idiot")], proposal, ..Plant::default() })
            .await;
        let page = rig.get(&rig.link(case, "chef")).await.body;
        assert_eq!(page.contains(" checked"), selected, "{category}");
        assert_eq!(page.contains("En riktlinje är inte lag"), category.nothing_preselected(), "{category}");
    }
}

#[tokio::test]
async fn whatever_strangers_write_stays_text() {
    let rig = Rig::start().await;
    let long = "åäö <b>& ".repeat(12_000);
    let hostile = [
        "<script>alert(1)</script>",
        "</p></article></main><form action=//elak.se><input name=p>",
        "\"><img src=x onerror=alert(1)>",
        "{{ config }}{% for x in y %}${7*7}",
        "\u{202e}txet dedaer\u{202d} مرحبا بالعالم \u{200f}",
        "javascript:alert(1) &lt;b&gt; &#x3c;",
        "\u{0}\u{1}\u{1b}[31m",
        "",
        " \n\n\t",
        &long,
    ];
    for (n, text) in hostile.iter().enumerate() {
        let id = format!("1_{n}");
        let plant = Plant {
            id: &id,
            text,
            author: text.get(..text.len().min(60)).unwrap_or("x"),
            found: vec![],
            proposal: Proposal::Review,
            needs_answer: true,
            ..Plant::default()
        };
        let case = rig.plant(plant).await;
        let begun = Instant::now();
        let page = rig.get(&rig.link(case, "chef")).await;
        assert_eq!(page.status, 200, "{n}");
        assert!(begun.elapsed().as_millis() < 2_000, "{n}: {:?}", begun.elapsed());
        let lower = page.body.to_lowercase();
        for tag in ["<script", "<img", "<b>", "<input name=p", "action=//", "href=\"javascript"] {
            assert!(!lower.contains(tag), "{n}: {tag}");
        }
        assert_eq!(lower.matches("</main>").count(), 1, "{n}");
        assert_eq!(lower.matches("<h1>").count(), 1, "{n}");
    }
    // And what editors write, which other editors read.
    let case = CaseId(1);
    let reason = "<script>alert(2)</script>";
    let done = rig.post(&rig.link(case, "chef"), "1-0", &[("outcome", "answered"), ("reason", reason)]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = rig.get(&rig.link(case, "anna")).await.body;
    assert!(page.contains("&lt;script&gt;alert(2)") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn what_is_no_form_from_our_page_is_refused() {
    let rig = Rig::start().await;
    let case = rig.plant(Plant::default()).await;
    let link = rig.link(case, "chef");
    let before = rig.dump();
    for (head, status) in [
        ("Origin: https://elak.se\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: null\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
    ] {
        let answer = rig.post_with(&link, "1-0", &HIDE, head).await;
        assert_eq!(answer.status, status, "{head}");
        assert!(answer.body.contains("annan webbplats"), "{head}");
    }
    let (path, query) = link.split_once('?').unwrap();
    let huge = "x".repeat(70_000);
    for (kind, body, status) in [
        ("text/plain", query.to_owned(), 400),
        ("application/json", "{}".to_owned(), 400),
        ("application/x-www-form-urlencoded", format!("{query}&reason={huge}"), 413),
        ("application/x-www-form-urlencoded", "%%%=&&&=".to_owned(), 403),
        ("application/x-www-form-urlencoded", String::new(), 403),
    ] {
        let answer = rig
            .ask(&format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        assert_eq!(answer.status, status, "{kind}");
        assert!(answer.body.contains("<h1>") && !answer.body.contains("panicked"), "{}", answer.body);
    }
    for verb in ["PUT", "DELETE", "OPTIONS"] {
        let answer =
            rig.ask(&format!("{verb} {link} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(answer.status, 404, "{verb}");
    }
    assert_eq!(rig.dump(), before);
    let done = rig.post_with(&link, "1-0", &HIDE, "Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n").await;
    assert_eq!(done.status, 303, "{}", done.body);
}

#[tokio::test]
async fn two_forms_at_the_same_moment_make_one_decision() {
    let rig = Rig::start().await;
    let case = rig
        .plant(Plant { needs_answer: true, found: vec![], proposal: Proposal::Keep, ..Plant::default() })
        .await;
    let link = rig.link(case, "chef");
    let fields = [("outcome", "answered"), ("reason", "Svarat på plats")];
    let (a, b) = tokio::join!(rig.post(&link, "1-0", &fields), rig.post(&link, "1-0", &fields));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!(rig.decisions(case).await.len(), 1);
}

#[tokio::test]
async fn health_tells_when_passes_stop() {
    let rig = Rig::start().await;
    assert_eq!(rig.get("/health").await.status, 503);
    rig.app.db.write(|tx| store::set_meta(tx, "last_pass", "2026-11-23T08:00:00Z")).await.unwrap();
    let well = rig.get("/health").await;
    assert_eq!((well.status, well.body.as_str()), (200, "ok"));
    rig.app.clock.set(monday() + TimeDelta::minutes(16));
    assert_eq!(rig.get("/health").await.status, 503);
}
