//! What writes: once each, repeatable, and honest about what is not known.

use serde_json::json;

use super::town::{Town, each, find, some, words};
use crate::connector::testing::{kind, permit};
use crate::connector::{ConnectorError, Sighting};
use crate::domain::comment::{Platform, Visibility};
use crate::store::Act;

/// Where a comment can be hidden.
const HIDING: [Platform; 5] =
    [Platform::Facebook, Platform::Instagram, Platform::Youtube, Platform::X, Platform::Bluesky];

fn is_hidden(sighting: Sighting) -> bool {
    matches!(sighting, Sighting::Hidden | Sighting::HiddenByUs | Sighting::NotListed)
}

/// How the comment stands on the platform: hidden, rejected, in the gate.
async fn looks_hidden(town: &Town, n: u32) -> Option<bool> {
    let sighting = town.sighting(town.hidden(n)).await;
    town.connector().capabilities().shows_hidden.then(|| is_hidden(sighting))
}

#[tokio::test]
async fn hiding_and_restoring_can_be_repeated_and_a_look_agrees() {
    some(&HIDING, async |town| {
        for n in 1..=2 {
            town.say(n, &json!({}));
        }
        town.say(3, &json!({ "parent": 1 }));
        town.sweep().await;
        for n in [1, 3] {
            // What is rejected on YouTube takes its answers with it: the last word is public.
            for act in [Act::Hide, Act::Hide, Act::Restore, Act::Restore] {
                let before = town.writes();
                let target = if act == Act::Hide { town.target(n) } else { town.hidden(n) };
                town.act(act, target).await.unwrap_or_else(|error| {
                    panic!("{}: {act:?} {n}: {error}", town.platform);
                });
                assert!(town.writes() <= before + 1, "{}: more than one write", town.platform);
                let is_now = act == Act::Hide;
                assert_eq!(town.is_out_of_sight(n), is_now, "{}: {act:?} {n}", town.platform);
                if let Some(looks) = looks_hidden(town, n).await {
                    assert_eq!(looks, is_now, "{}: {act:?} {n}", town.platform);
                }
            }
        }
        assert!(!town.is_out_of_sight(2), "{}: another comment is touched", town.platform);
        assert_eq!(town.text(1).as_deref(), Some(words(1).as_str()), "the words are never sent");
    })
    .await;
}

#[tokio::test]
async fn our_own_hide_comes_back_as_seen_and_restoring_brings_it_back() {
    some(&HIDING, async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.act(Act::Hide, town.target(2)).await.unwrap();
        let page = town.tomorrow().await;
        if let Some(seen) = find(&page, &town.id(2)) {
            let told = town.is(Platform::X);
            assert!(
                told || seen.visibility == Visibility::Hidden,
                "{}: {:?}",
                town.platform,
                seen.visibility
            );
        } else {
            // Lists that do not show what is hidden: our own memory says that it is not gone.
            let sighting = town.sighting(town.hidden(2)).await;
            assert!(is_hidden(sighting) || sighting == Sighting::Untold, "{}: {sighting:?}", town.platform);
        }
        town.act(Act::Restore, town.hidden(2)).await.unwrap();
        let page = town.tomorrow().await;
        let seen = find(&page, &town.id(2)).unwrap_or_else(|| panic!("{}: not back", town.platform));
        assert_ne!(seen.visibility, Visibility::Hidden, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn where_there_is_no_hide_nothing_is_sent() {
    some(&[Platform::Linkedin], async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let before = town.calls();
        for act in [Act::Hide, Act::Restore] {
            assert_eq!(kind(&town.act(act, town.target(1)).await.unwrap_err()), "Refused");
        }
        let can = town.connector().capabilities();
        assert!(!can.hide && !can.restore);
        assert_eq!(town.calls(), before);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_an_unknown_outcome_that_a_look_settles() {
    some(&HIDING, async |town| {
        let lost = [
            json!({ "kind": "lost", "on": "write" }),
            json!({ "kind": "500", "on": "write" }),
            json!({ "kind": "slow", "on": "write", "seconds": 3 }),
        ];
        town.say(50, &json!({}));
        for n in 0..3 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        for (n, fault) in (0..).zip(lost) {
            // The log-in is behind us, so that the fault meets the act.
            town.look(town.target(n)).await;
            town.fault(&fault);
            let before = town.writes();
            let error = town.act(Act::Hide, town.target(n)).await.unwrap_err();
            assert_eq!(kind(&error), "OutcomeUnknown", "{}: {fault}: {error}", town.platform);
            assert_eq!(town.writes(), before + 1, "{}: nothing is tried again", town.platform);
            assert!(town.is_out_of_sight(n), "{}: {fault}", town.platform);
            if let Some(looks) = looks_hidden(town, n).await {
                assert!(looks, "{}: {fault}: the look settles it", town.platform);
            }
            // And asking again does no harm.
            town.act(Act::Hide, town.target(n)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_that_was_not_carried_out_says_so() {
    some(&HIDING, async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let table = [
            (json!({ "kind": "refuse" }), "Refused or Unauthorized"),
            (json!({ "kind": "html", "on": "write" }), "OutcomeUnknown"),
            (json!({ "kind": "down", "on": "write" }), "OutcomeUnknown or Unavailable"),
            (json!({ "kind": "truncated", "on": "write" }), "OutcomeUnknown or done"),
            // The last: where it means the whole day's quota, nothing more is asked.
            (json!({ "kind": "429", "on": "write", "seconds": 70, "retry_after": true }), "RateLimited"),
        ];
        for (fault, expected) in table {
            town.look(town.target(1)).await;
            town.fault(&fault);
            let told = match town.act(Act::Hide, town.target(1)).await {
                Ok(()) => "done",
                Err(error) => {
                    assert!(!format!("{error:?}").contains(super::town::SECRET), "{error:?}");
                    if let ConnectorError::RateLimited(wait) = error {
                        // YouTube knows of no limit but the day's.
                        let most = if town.is(Platform::Youtube) { 86_400 } else { 900 };
                        assert!((60..=most).contains(&wait.as_secs()), "{}: {wait:?}", town.platform);
                    }
                    kind(&error)
                }
            };
            assert!(expected.contains(told), "{}: {fault}: {told}", town.platform);
            let is_done = fault["kind"] == "truncated";
            assert_eq!(town.is_out_of_sight(1), is_done, "{}: {fault}", town.platform);
            town.control("hide", &json!({ "id": town.id(1), "hidden": false }));
            town.control("hold", &json!({ "id": town.id(1), "held": false, "state": null }));
            town.later(chrono::TimeDelta::minutes(16));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_gone_is_not_hidden_and_no_other_permit_is_taken() {
    some(&HIDING, async |town| {
        for n in 1..=2 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.control("delete", &json!({ "id": town.id(1) }));
        // Where a list of our own says what is hidden, a line too many does no harm.
        if let Err(error) = town.act(Act::Hide, town.target(1)).await {
            assert_eq!(kind(&error), "Refused", "{}: {error}", town.platform);
        } else {
            assert!(town.is(Platform::Bluesky), "{}", town.platform);
        }
        let before = town.writes();
        let (restore, proof) = permit(Act::Restore, town.target(2));
        assert_eq!(kind(&town.connector().hide(&restore, &proof).await.unwrap_err()), "Refused");
        let (hide, _) = permit(Act::Hide, town.target(2));
        let (_, others) = permit(Act::Hide, town.target(1));
        assert_eq!(kind(&town.connector().hide(&hide, &others).await.unwrap_err()), "Refused");
        assert_eq!(kind(&town.connector().remove(&hide, &proof).await.unwrap_err()), "Refused");
        assert_eq!(kind(&town.connector().reply(&hide, &proof, "Hej").await.unwrap_err()), "Refused");
        assert_eq!(town.writes(), before, "{}", town.platform);
        assert!(!town.is_out_of_sight(2));
    })
    .await;
}

#[tokio::test]
async fn removing_is_done_where_it_can_be_and_removing_what_is_gone_succeeds() {
    each(async |town| {
        for n in 1..=2 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.control("account", &json!({ "account": town.account(), "memory": { "delete_others": true } }));
        if !town.connector().capabilities().remove {
            let before = town.writes();
            assert_eq!(kind(&town.act(Act::Remove, town.target(1)).await.unwrap_err()), "Refused");
            assert_eq!(town.writes(), before, "{}", town.platform);
            return;
        }
        for _ in 0..2 {
            town.act(Act::Remove, town.target(1)).await.unwrap_or_else(|error| {
                panic!("{}: {error}", town.platform);
            });
            assert_eq!(town.text(1), None, "{}", town.platform);
        }
        assert_eq!(town.sighting(town.target(1)).await, Sighting::Gone, "{}", town.platform);
        assert!(town.text(2).is_some(), "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn a_removal_that_the_platform_forbids_is_refused() {
    some(&[Platform::Linkedin], async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let error = town.act(Act::Remove, town.target(1)).await.unwrap_err();
        assert!(matches!(kind(&error), "Refused" | "Unauthorized"), "{error}");
        assert!(town.text(1).is_some());
    })
    .await;
}

#[tokio::test]
async fn an_answer_stands_under_what_it_answers_and_comes_back_as_ours() {
    each(async |town| {
        // X lets a program answer only who names the account.
        town.say(1, &json!({ "text": "@kommunen ord-1." }));
        town.say(2, &json!({ "parent": 1 }));
        town.sweep().await;
        let (intent, proof) = permit(Act::Reply, town.target(1));
        let answered = town.connector().reply(&intent, &proof, "Tack! Klockan åtta. 👋 & <b>").await;
        if !town.connector().capabilities().reply {
            assert_eq!(kind(&answered.unwrap_err()), "Refused", "{}", town.platform);
            assert_eq!(town.writes(), 0, "{}", town.platform);
            return;
        }
        let id = answered.unwrap_or_else(|error| panic!("{}: {error}", town.platform));
        let page = town.tomorrow().await;
        if town.is(Platform::X) && find(&page, &id).is_none() {
            // Our own words are posts of ours, not comments.
            return;
        }
        let seen = find(&page, &id).unwrap_or_else(|| panic!("{}: {id} is not shown", town.platform));
        assert!(seen.ours, "{}", town.platform);
        assert_eq!(seen.parent_id, Some(town.id(1)), "{}", town.platform);
        assert_eq!(seen.text, "Tack! Klockan åtta. 👋 & <b>", "{}", town.platform);
        // A lost answer of it is unknown: it is not sent again by itself.
        town.fault(&json!({ "kind": "lost", "on": "write" }));
        let error = town.connector().reply(&intent, &proof, "En gång till").await.unwrap_err();
        assert_eq!(kind(&error), "OutcomeUnknown", "{}: {error}", town.platform);
        let sent = town.sandbox().state().iter().filter(|stood| stood.text == "En gång till").count();
        assert_eq!(sent, 1, "{}", town.platform);
    })
    .await;
}
