//! Comments that edit themselves, vanish, come back, move, and are hidden by others.

use serde_json::json;

use super::town::{Town, each, find, some};
use crate::connector::Sighting;
use crate::domain::comment::{Platform, Visibility};

/// Where the writer can change words that stand there.
const EDITING: [Platform; 4] =
    [Platform::Facebook, Platform::Instagram, Platform::Youtube, Platform::Linkedin];

#[tokio::test]
async fn an_edit_shows_under_the_same_id() {
    some(&EDITING, async |town| {
        town.say(1, &json!({}));
        town.say(2, &json!({ "parent": 1 }));
        // More than a page: what was edited does not stand among the newest.
        for n in 10..140 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        for n in [1, 2] {
            town.control("edit", &json!({ "id": town.id(n), "text": format!("ord-{n}. Ändrat 🙂") }));
        }
        let page = town.tomorrow().await;
        for n in [1, 2] {
            let seen = find(&page, &town.id(n)).unwrap();
            assert_eq!(seen.text, format!("ord-{n}. Ändrat 🙂"), "{}", town.platform);
            assert_eq!(seen.created_at, Town::said_at(n), "{}: an edit is no new comment", town.platform);
            let looked = town.look(town.target(n)).await.seen.unwrap();
            assert_eq!(looked.text, seen.text, "{}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn a_comment_that_vanishes_and_comes_back_is_gone_and_then_there() {
    each(async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        town.say(4, &json!({ "parent": 1 }));
        town.sweep().await;
        let there = town.sighting(town.target(2)).await;
        for n in [2, 4] {
            town.control("delete", &json!({ "id": town.id(n) }));
            assert_eq!(town.sighting(town.target(n)).await, Sighting::Gone, "{}: {n}", town.platform);
        }
        let page = town.tomorrow().await;
        assert!(find(&page, &town.id(2)).is_none() && find(&page, &town.id(4)).is_none());
        for n in [2, 4] {
            town.control("undelete", &json!({ "id": town.id(n) }));
            assert_eq!(town.sighting(town.target(n)).await, there, "{}: {n}", town.platform);
        }
        let page = town.tomorrow().await;
        for n in [2, 4] {
            assert!(find(&page, &town.id(n)).is_some(), "{}: {n}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn a_comment_that_moves_is_seen_where_it_stands() {
    // Platforms move comments when threads are merged or a parent goes; where the id holds the place they cannot.
    some(&[Platform::Facebook, Platform::Instagram], async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        town.say(4, &json!({ "post": 2 }));
        town.sweep().await;
        town.control("move", &json!({ "id": town.id(2), "post": town.post_id(2) }));
        town.control("move", &json!({ "id": town.id(3), "parent": town.id(1) }));
        let page = town.tomorrow().await;
        let moved = find(&page, &town.id(2)).unwrap();
        assert_eq!(moved.post_id, town.post_id(2), "{}", town.platform);
        let below = find(&page, &town.id(3)).unwrap();
        assert_eq!(below.parent_id, Some(town.id(1)), "{}", town.platform);
        // Whoever asks with the old place is told where it stands, and not that it is gone.
        let look = town.look(town.target(2)).await;
        assert_ne!(look.sighting, Sighting::Gone, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn what_others_hide_and_show_again_is_seen() {
    let platforms = [Platform::Facebook, Platform::Instagram, Platform::Youtube];
    some(&platforms, async |town| {
        for n in 1..=4 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.control("hide", &json!({ "id": town.id(1), "by": "app" }));
        town.control("hide", &json!({ "id": town.id(2), "by": "filter" }));
        let page = town.tomorrow().await;
        for n in [1, 2] {
            if let Some(seen) = find(&page, &town.id(n)) {
                assert_eq!(seen.visibility, Visibility::Hidden, "{}: {n}", town.platform);
            } else {
                // What a person rejected on YouTube is in no list, and nothing tells it from a deletion.
                assert!(!town.is(Platform::Facebook), "{}: {n} is not shown", town.platform);
                let sighting = town.sighting(town.target(n)).await;
                assert_ne!(sighting, Sighting::Public, "{}: {n}", town.platform);
            }
            town.control("hide", &json!({ "id": town.id(n), "hidden": false, "by": "app" }));
        }
        let page = town.tomorrow().await;
        for n in [1, 2] {
            let seen = find(&page, &town.id(n)).unwrap_or_else(|| panic!("{}: {n}", town.platform));
            assert_ne!(seen.visibility, Visibility::Hidden, "{}: {n}", town.platform);
            assert_eq!(town.sighting(town.target(n)).await, Sighting::Public, "{}: {n}", town.platform);
        }
    })
    .await;
}

#[tokio::test]
async fn what_arrives_hidden_by_the_platforms_own_filter_is_seen_as_hidden() {
    let platforms = [Platform::Facebook, Platform::Youtube];
    some(&platforms, async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        town.say(2, &json!({ "hidden": true, "hidden_by": "filter" }));
        let page = town.tomorrow().await;
        let seen = find(&page, &town.id(2)).unwrap_or_else(|| panic!("{}", town.platform));
        assert_eq!(seen.visibility, Visibility::Hidden, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn what_a_list_shows_only_after_a_while_is_shown_then() {
    each(async |town| {
        town.say(1, &json!({}));
        town.control("lag", &json!({ "account": town.account(), "seconds": 120 }));
        let mut shown = find(&town.sweep().await, &town.id(1)).is_some();
        town.say(2, &json!({ "at": "2026-11-23T12:00:00Z" }));
        let mut late = false;
        for _ in 0..3 {
            town.later(chrono::TimeDelta::minutes(5));
            let page = town.sweep().await;
            shown |= find(&page, &town.id(1)).is_some();
            late |= find(&page, &town.id(2)).is_some();
        }
        assert!(shown && late, "{}: {shown} {late}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn a_late_answer_under_an_old_comment_is_found() {
    each(async |town| {
        for n in 1..=30 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.say(31, &json!({ "parent": 1, "at": "2026-11-23T12:00:00Z" }));
        town.later(chrono::TimeDelta::minutes(5));
        let mut found = find(&town.sweep().await, &town.id(31)).is_some();
        for _ in 0..2 {
            found |= find(&town.tomorrow().await, &town.id(31)).is_some();
        }
        assert!(found, "{}", town.platform);
    })
    .await;
}
