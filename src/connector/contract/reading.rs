//! A sweep: everything, once read, as it was written, and nothing that does not belong there.

use std::collections::BTreeSet;

use serde_json::json;

use super::town::{KEY, SECRET, Town, each, find, some};
use crate::connector::{Cursor, Page, Sighting};
use crate::domain::comment::{Platform, Visibility};

fn shown(page: &Page) -> BTreeSet<String> {
    page.comments.iter().map(|seen| seen.native_id.clone()).collect()
}

/// Two posts with more comments than any platform puts on a page, and one with more answers than come along.
fn crowd(town: &Town) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for n in 0..230 {
        town.say(n, &json!({ "post": 1 + n / 210 }));
        all.insert(town.id(n));
    }
    for n in 300..312 {
        town.say(n, &json!({ "parent": 7 }));
        all.insert(town.id(n));
    }
    all
}

#[tokio::test]
async fn a_sweep_shows_everything_over_many_pages_and_the_answers_that_do_not_come_along() {
    each(async |town| {
        let all = crowd(town);
        let page = town.sweep().await;
        let missed: Vec<_> = all.difference(&shown(&page)).cloned().collect();
        assert!(missed.is_empty(), "{}: not shown: {missed:?}", town.platform);
        assert_eq!(shown(&page).len(), all.len(), "{}: more than was written", town.platform);
        assert!(page.faults.is_empty(), "{}: {:?}", town.platform, page.faults);
        for post in [1, 2] {
            assert!(page.listed.contains(&town.post_id(post)), "{}: {:?}", town.platform, page.listed);
            assert!(page.posts.iter().any(|seen| seen.native_id == town.post_id(post)), "{}", town.platform);
        }
        assert!(page.date.is_some(), "{}", town.platform);
        assert_eq!(town.writes(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_empty_page_with_a_next_ends_nothing() {
    // LinkedIn's own page says that a list ends with fewer than were asked for, whatever the links say.
    let platforms =
        [Platform::Facebook, Platform::Instagram, Platform::Youtube, Platform::X, Platform::Bluesky];
    some(&platforms, async |town| {
        let all = crowd(town);
        for path in ["comment", "notification", "search", "mention", "feed", "media", "replies"] {
            town.fault(&json!({ "kind": "empty", "times": 1, "path": path }));
        }
        let shown = shown(&town.sweep().await);
        let missed: Vec<_> = all.difference(&shown).collect();
        assert!(missed.is_empty(), "{}: not shown: {missed:?}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn empty_pages_without_end_are_no_proof_that_nothing_is_there() {
    each(async |town| {
        let all = crowd(town);
        // Where empty roles mean no role, they are left alone: that is another promise.
        let path = if town.is(Platform::Linkedin) { "comments" } else { "" };
        town.fault(&json!({ "kind": "empty", "times": 6, "path": path }));
        let page = town.sweep().await;
        for (n, post) in [(0, town.post_id(1)), (229, town.post_id(2))] {
            let is_shown = find(&page, &town.id(n)).is_some();
            let claims = page.listed.contains(&post);
            if town.is(Platform::Linkedin) {
                // Its own page says that fewer than asked for is the end: the look is what keeps us from "gone".
                assert_eq!(town.sighting(town.target(n)).await, Sighting::Public);
                continue;
            }
            assert!(is_shown || !claims, "{}: {post} counts as read wholly", town.platform);
        }
        let mut shown = shown(&page);
        for _ in 0..4 {
            shown.extend(self::shown(&town.tomorrow().await));
        }
        let missed: Vec<_> = all.difference(&shown).collect();
        assert!(missed.is_empty(), "{}: not shown: {missed:?}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn what_is_visible_throughout_is_shown_although_comments_come_and_go_between_the_pages() {
    each(async |town| {
        let mut steady = crowd(town);
        let mut cursor: Option<Cursor> = None;
        let mut seen = BTreeSet::new();
        for step in 0..2_000_u32 {
            let page = town.connector().page(cursor.as_ref()).await.unwrap();
            seen.extend(shown(&page));
            cursor = page.cursor;
            if !page.more {
                break;
            }
            // One comes at the front and one in the middle, and three go: early, in the middle, and late ones.
            if step < 20 {
                town.say(1_000 + step, &json!({}));
                town.say(2_000 + step, &json!({ "at": "2026-11-22T08:01:30Z" }));
                for gone in [20 + step, 100 + step, 205 - step] {
                    let id = town.id(gone);
                    town.control("delete", &json!({ "id": id }));
                    steady.remove(&id);
                }
            }
            if step == 3 {
                town.control("reset", &json!({}));
            }
        }
        let missed: Vec<_> = steady.difference(&seen).collect();
        assert!(missed.is_empty(), "{}: not shown: {missed:?}", town.platform);
        // Nothing that came during the sweep is lost for good.
        *town.cursor() = cursor;
        let next = shown(&town.tomorrow().await);
        for step in 0..2 {
            assert!(seen.union(&next).any(|id| *id == town.id(1_000 + step)), "{}", town.platform);
            assert!(seen.union(&next).any(|id| *id == town.id(2_000 + step)), "{}", town.platform);
        }
    })
    .await;
}

/// Words that come out changed where somebody decodes, strips or trims.
const WORDS: [&str; 14] = [
    "När öppnar badhuset? 👋",
    "👩🏽‍🚒👨‍👩‍👧‍👦🏳️‍🌈 \u{1F1F8}\u{1F1EA}",
    "עברית و عربي \u{202E}baklänges\u{202C}",
    "<b>fet</b> & \"citat\" <script>alert(1)</script>",
    "&lt;skrivet så&gt; &amp; &#39;",
    "rad ett\nrad två\n\n\ttab",
    "  blanktecken först och sist  ",
    "a\u{0301} är inte \u{e1}",
    "\u{FEFF}\u{200B}osynligt\u{200D}",
    "\\u00e5 \\n \\\" \\\\",
    "{\"error\":{\"message\":\"x\",\"code\":190}}",
    "next_token access_token=abc https://example.se/?a=b&c=d",
    "'; DROP TABLE comments; --",
    "\u{1D573}\u{1D586}\u{1D599}",
];

#[tokio::test]
async fn words_come_as_they_were_written() {
    each(async |town| {
        for (n, words) in (0..).zip(WORDS) {
            town.say(n, &json!({ "text": words }));
        }
        town.say(90, &json!({ "text": "å".repeat(town.longest()) }));
        let page = town.sweep().await;
        assert!(page.faults.is_empty(), "{}: {:?}", town.platform, page.faults);
        for (n, words) in (0..).zip(WORDS) {
            let words = town.as_kept(words);
            assert_eq!(find(&page, &town.id(n)).unwrap().text, words, "{}", town.platform);
            assert_eq!(town.look(town.target(n)).await.seen.unwrap().text, words, "{}", town.platform);
        }
        assert_eq!(
            find(&page, &town.id(90)).unwrap().text.chars().count(),
            town.longest(),
            "{}",
            town.platform
        );
    })
    .await;
}

#[tokio::test]
async fn writer_time_post_and_parent_are_the_platforms_own() {
    each(async |town| {
        town.say(1, &json!({}));
        town.say(2, &json!({ "parent": 1 }));
        town.say(3, &json!({ "post": 2, "at": "2026-11-21T23:59:59Z" }));
        town.say(4, &json!({ "ours": true }));
        town.say(5, &json!({ "parent": 1, "ours": true }));
        // Between whole sweeps too: what one pass shows, the other passes show alike.
        let page = town.sweep().await;
        let platform = town.platform;
        for n in 1..=5 {
            let id = town.id(n);
            let is_ours = n > 3;
            let Some(seen) = find(&page, &id) else { panic!("{platform}: {n} is not shown") };
            assert_eq!(seen.post_id, town.post_id(if n == 3 { 2 } else { 1 }), "{platform}: {n}");
            let parent = matches!(n, 2 | 5).then(|| town.id(1));
            assert_eq!(seen.parent_id, parent, "{platform}: {n}");
            assert_eq!(seen.created_at, town.written_at(n), "{platform}: {n}");
            assert_eq!(seen.ours, is_ours, "{platform}: {n}");
            if !is_ours {
                assert_eq!(seen.author.id.as_deref(), Some(town.writer(n).as_str()), "{platform}: {n}");
                let name = seen.author.name.as_deref();
                match platform {
                    // LinkedIn tells page apps nobody's name.
                    Platform::Linkedin => assert_eq!(name, None),
                    _ => assert!(name.is_some_and(|name| name.contains(&town.writers_name(n))), "{name:?}"),
                }
            }
            let expected = if platform == Platform::X { Visibility::Unknown } else { Visibility::Public };
            assert!(
                seen.visibility == expected || seen.visibility == Visibility::Unknown,
                "{platform}: {n} is {:?}",
                seen.visibility
            );
            let look = town.look(town.target(n)).await;
            let looked = look.seen.unwrap();
            assert_eq!(
                (&looked.native_id, &looked.post_id, &looked.parent_id, looked.created_at, looked.ours),
                (&seen.native_id, &seen.post_id, &seen.parent_id, seen.created_at, seen.ours),
                "{platform}: {n}: a look and a list tell the same"
            );
            assert_eq!(looked.author.id, seen.author.id, "{platform}: {n}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_bytes_that_are_kept_hold_no_key_and_nobody_elses_words() {
    each(async |town| {
        for n in 1..40 {
            let parent = (n > 20).then_some(n % 3 + 1);
            town.say(n, &json!({ "parent": parent, "attachment": (n == 4).then_some("image") }));
        }
        let page = town.sweep().await;
        let told = format!("{page:?}");
        assert!(!told.contains(SECRET), "{}: the key is in a page", town.platform);
        let own = |text: &str, n: u32| {
            let others: Vec<u32> =
                (1..40).filter(|other| *other != n && text.contains(&format!("ord-{other}."))).collect();
            assert!(others.is_empty(), "{}: {n} also holds the words of {others:?}: {text}", town.platform);
            assert!(text.contains(&format!("ord-{n}.")), "{}: {n} without its words: {text}", town.platform);
            assert!(!text.contains(SECRET) && !text.contains(KEY), "{}: {text}", town.platform);
        };
        for n in 1..40 {
            let seen = find(&page, &town.id(n)).unwrap();
            own(&String::from_utf8(seen.element.clone()).unwrap(), n);
        }
        for n in [1, 2, 4, 25] {
            let look = town.look(town.target(n)).await;
            let seen = look.seen.unwrap();
            own(&String::from_utf8(seen.element).unwrap(), n);
            if let Some(answer) = look.answer {
                own(&String::from_utf8(answer).unwrap(), n);
            }
            assert!(!look.url.contains(SECRET), "{}: {}", town.platform, look.url);
        }
        for post in &page.posts {
            let element = String::from_utf8(post.element.clone()).unwrap();
            assert!(!element.contains("ord-") && !element.contains(SECRET), "{}: {element}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn a_chain_deeper_than_any_notification_is_read() {
    some(&[Platform::Bluesky, Platform::X], async |town| {
        for n in 1..15 {
            town.say(n, &json!({ "parent": (n > 1).then(|| n - 1) }));
        }
        let page = town.sweep().await;
        for n in 1..15 {
            let seen = find(&page, &town.id(n)).unwrap_or_else(|| panic!("{}: {n}", town.platform));
            assert_eq!(seen.parent_id, (n > 1).then(|| town.id(n - 1)), "{}: {n}", town.platform);
            assert_eq!(seen.post_id, town.post_id(1), "{}: {n}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn a_strange_cursor_begins_anew() {
    each(async |town| {
        town.say(1, &json!({}));
        for cursor in
            ["", "{}", "[]", "null", "åäö", r#"{"stage":"nowhere"}"#, "{\"on\":[[\"after\",\"x\"]]}"]
        {
            let mut from = Some(Cursor(cursor.to_owned()));
            let mut shown = false;
            for _ in 0..30 {
                let page = town.connector().page(from.as_ref()).await.unwrap();
                shown |= find(&page, &town.id(1)).is_some();
                from = page.cursor;
                if !page.more {
                    break;
                }
            }
            assert!(shown, "{}: {cursor:?}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn one_sweep_of_a_quiet_account_costs_few_calls() {
    each(async |town| {
        for n in 1..6 {
            town.say(n, &json!({ "post": n }));
        }
        town.sweep().await;
        let before = town.calls();
        town.later(chrono::TimeDelta::minutes(5));
        town.sweep().await;
        let calls = town.calls() - before;
        // The posts, and the comments of each where the platform lists them post by post.
        let most = match town.platform {
            Platform::Youtube => 1,
            Platform::X => 3,
            Platform::Linkedin => 5,
            Platform::Facebook => 6,
            Platform::Instagram => 7,
            Platform::Bluesky => 10,
        };
        assert!(calls <= most, "{}: {calls} calls", town.platform);
    })
    .await;
}

#[tokio::test]
async fn a_post_without_comments_and_an_account_without_posts_are_no_faults() {
    each(async |town| {
        let page = town.sweep().await;
        assert!(page.comments.is_empty() && page.faults.is_empty(), "{}", town.platform);
        town.publish(1);
        let page = town.tomorrow().await;
        assert!(page.comments.is_empty() && page.faults.is_empty(), "{}: {:?}", town.platform, page.faults);
        // Only YouTube lists by channel, and knows a film by its comments alone.
        let is_listed = page.listed == [town.post_id(1)];
        assert_eq!(is_listed, !town.is(Platform::Youtube), "{}: {:?}", town.platform, page.listed);
    })
    .await;
}
