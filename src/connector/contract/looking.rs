//! A look: one comment, how it stands, and the difference between what is gone and what our key does not reach.

use serde_json::json;

use super::town::{Town, each, find, some};
use crate::connector::{Sighting, Target};
use crate::domain::comment::{Platform, Visibility};

#[tokio::test]
async fn a_look_tells_public_hidden_gone_and_unknown_apart() {
    each(async |town| {
        for n in 1..=4 {
            town.say(n, &json!({}));
        }
        town.say(5, &json!({ "parent": 1 }));
        town.sweep().await;
        town.control("hide", &json!({ "id": town.id(2), "by": "filter" }));
        town.control("delete", &json!({ "id": town.id(3) }));
        let can = town.connector().capabilities();
        let there =
            if can.shows_hidden || town.is(Platform::Linkedin) { Sighting::Public } else { Sighting::Untold };
        assert_eq!(town.sighting(town.target(1)).await, there, "{}", town.platform);
        assert_eq!(town.sighting(town.target(5)).await, there, "{}: an answer", town.platform);
        assert_eq!(town.sighting(town.target(3)).await, Sighting::Gone, "{}", town.platform);
        let hidden = town.sighting(town.target(2)).await;
        if can.shows_hidden && !town.is(Platform::Bluesky) {
            // Nobody but us hides on Bluesky in a way that a filter would.
            assert!(
                matches!(hidden, Sighting::Hidden | Sighting::NotListed | Sighting::HiddenByUs),
                "{}: {hidden:?}",
                town.platform
            );
        }
        // What is not the platform's id of anything is not there, and is no error either.
        let strange = Target { native_id: format!("{}x9", town.id(4)), ..town.target(4) };
        match town.connector().look(&strange).await {
            Ok(look) => assert!(
                matches!(look.sighting, Sighting::Gone | Sighting::NoRight),
                "{}: {:?}",
                town.platform,
                look.sighting
            ),
            Err(error) => assert_eq!(crate::connector::testing::kind(&error), "Refused", "{error}"),
        }
        assert_eq!(town.writes(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_look_says_where_it_looked_when_and_what_it_saw_or_that_it_saw_nothing() {
    each(async |town| {
        town.say(1, &json!({}));
        town.say(2, &json!({}));
        town.sweep().await;
        town.control("delete", &json!({ "id": town.id(2) }));
        for (n, is_there) in [(1, true), (2, false)] {
            let look = town.look(town.target(n)).await;
            assert_eq!(look.seen.is_some(), is_there, "{}: {n}", town.platform);
            assert!(look.url.starts_with("http://127.0.0.1"), "{}", look.url);
            assert!(look.date.is_some_and(|date| town.is_now(date)), "{}: {:?}", town.platform, look.date);
            if let Some(seen) = look.seen {
                assert_eq!(seen.native_id, town.id(n), "{}", town.platform);
                assert!(!seen.element.is_empty());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_gone_from_a_list_that_was_read_wholly_is_gone_to_a_look() {
    each(async |town| {
        for n in 1..=6 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.control("delete", &json!({ "id": town.id(2) }));
        let page = town.tomorrow().await;
        assert!(page.listed.contains(&town.post_id(1)), "{}: {:?}", town.platform, page.listed);
        assert!(find(&page, &town.id(2)).is_none(), "{}", town.platform);
        assert_eq!(town.sighting(town.target(2)).await, Sighting::Gone, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn without_the_right_to_read_nothing_is_taken_for_gone() {
    each(async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        town.control("account", &json!({ "account": town.account(), "rights": [] }));
        match town.connector().look(&town.target(1)).await {
            Ok(look) => {
                assert_ne!(look.sighting, Sighting::Gone, "{}", town.platform);
                // Bluesky's application passwords hold every right there is.
                assert!(
                    look.sighting == Sighting::NoRight || town.is(Platform::Bluesky),
                    "{}",
                    town.platform
                );
            }
            Err(error) => assert_eq!(crate::connector::testing::kind(&error), "Unauthorized", "{error}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_comment_under_a_post_that_is_gone_is_gone_or_out_of_reach_and_never_public() {
    each(async |town| {
        town.say(1, &json!({}));
        town.say(2, &json!({ "post": 2 }));
        town.sweep().await;
        town.control("delete", &json!({ "id": town.post_id(1) }));
        let page = town.tomorrow().await;
        assert!(find(&page, &town.id(1)).is_none() || town.is(Platform::Bluesky), "{}", town.platform);
        assert!(find(&page, &town.id(2)).is_some(), "{}", town.platform);
        let sighting = town.sighting(town.target(1)).await;
        // On Bluesky and X a reply lives in its writer's account and outlives what it answers.
        let outlives = matches!(town.platform, Platform::Bluesky | Platform::X);
        assert!(
            matches!(sighting, Sighting::Gone | Sighting::NoRight | Sighting::NotListed) || outlives,
            "{}: {sighting:?}",
            town.platform
        );
    })
    .await;
}

#[tokio::test]
async fn a_comment_without_a_known_writer_is_still_a_comment() {
    let platforms = [Platform::Facebook, Platform::Instagram, Platform::Youtube, Platform::Linkedin];
    some(&platforms, async |town: &Town| {
        town.say(1, &json!({ "author": null }));
        let page = town.sweep().await;
        let seen = find(&page, &town.id(1)).unwrap();
        assert!(!seen.ours, "{}", town.platform);
        assert_ne!(seen.visibility, Visibility::Hidden);
    })
    .await;
}
