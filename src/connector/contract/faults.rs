//! Answers that are none: each says what to do next, takes nothing, and shows no secret.

use serde_json::{Value, json};

use super::town::{SECRET, Town, each, find};
use crate::connector::ConnectorError;
use crate::connector::testing::kind;
use crate::connector::youtube::wire;
use crate::domain::comment::Platform;

/// Asks for a page and a look while the fault is there; both must say one of `expected`, and the place must hold.
async fn meets(town: &Town, fault: &Value, expected: &[&str]) -> Vec<ConnectorError> {
    let mut errors = Vec::new();
    let from = town.cursor().clone();
    for from in [None, from] {
        town.fault(fault);
        match town.connector().page(from.as_ref()).await {
            Ok(page) => assert!(
                page.comments.is_empty() && page.listed.is_empty(),
                "{}: {fault}: something is taken from no answer: {page:?}",
                town.platform
            ),
            Err(error) => errors.push(error),
        }
        town.fault(&json!({ "kind": "none" }));
    }
    town.fault(fault);
    match town.connector().look(&town.target(1)).await {
        Err(error) => errors.push(error),
        // A refusal of the one comment is an answer: our right does not reach it.
        Ok(look) => assert!(
            look.sighting == crate::connector::Sighting::NoRight && expected.contains(&"Refused"),
            "{}: {fault}: {:?} is concluded from no answer",
            town.platform,
            look.sighting
        ),
    }
    assert!(!errors.is_empty(), "{}: {fault}: no error", town.platform);
    town.fault(&json!({ "kind": "none" }));
    for error in &errors {
        assert!(expected.contains(&kind(error)), "{}: {fault}: {error:?}", town.platform);
        assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
    }
    errors
}

#[tokio::test]
async fn each_broken_answer_to_a_read_says_what_to_do_next_and_loses_nothing() {
    each(async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        let table: [(Value, &[&str]); 8] = [
            (json!({ "kind": "html", "times": 9 }), &["Malformed"]),
            (json!({ "kind": "truncated", "times": 9 }), &["Malformed"]),
            (json!({ "kind": "down", "times": 9 }), &["Unavailable"]),
            (json!({ "kind": "500", "on": "any", "times": 9 }), &["Unavailable"]),
            (json!({ "kind": "lost", "on": "any", "times": 9 }), &["Unavailable"]),
            (json!({ "kind": "slow", "seconds": 2, "times": 1 }), &["Unavailable"]),
            (
                json!({ "kind": "string_error", "times": 9 }),
                &["Malformed", "Unavailable", "Refused", "Unauthorized"],
            ),
            (json!({ "kind": "localised", "times": 9 }), &["Refused", "Unauthorized"]),
        ];
        for (fault, expected) in table {
            meets(town, &fault, expected).await;
            // Nothing was lost: what is asked next is answered.
            let page = town.tomorrow().await;
            assert!(find(&page, &town.id(2)).is_some(), "{}: after {fault}", town.platform);
        }
        assert_eq!(town.writes(), 0);
    })
    .await;
}

#[test]
fn a_missing_parameter_is_no_dead_key() {
    let body = |domain| {
        let errors = [json!({ "domain": domain, "reason": "required" })];
        json!({ "error": { "code": 400, "message": "x", "errors": errors } }).to_string()
    };
    let told = |status| wire::trouble(status, body("global").as_bytes()).unwrap().0;
    assert_eq!(told(401), wire::Trouble::Key, "Login Required");
    for status in [400, 411] {
        assert_ne!(told(status), wire::Trouble::Key, "a renewed key does not help");
    }
}

#[tokio::test]
async fn the_body_decides_and_not_what_it_is_announced_as() {
    // Meta has announced JSON as `text/javascript` for years: what is whole is taken, however it is called.
    each(async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        town.fault(&json!({ "kind": "wrong_type", "times": 9 }));
        assert!(town.look(town.target(1)).await.seen.is_some(), "{}", town.platform);
        assert!(find(&town.tomorrow().await, &town.id(1)).is_some(), "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn too_many_requests_says_how_long_as_the_platform_says_it() {
    each(async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let told = json!({ "kind": "429", "seconds": 130, "retry_after": true, "times": 1 });
        let silent = json!({ "kind": "429", "times": 1 });
        for (fault, least, most) in [(told, 130, 130), (silent, 1, 3_600)] {
            town.fault(&fault);
            let error = town.connector().page(None).await.unwrap_err();
            let ConnectorError::RateLimited(wait) = error else {
                panic!("{}: {fault}: {error:?}", town.platform)
            };
            // Meta tells minutes, and X the moment at which its window is whole.
            let tells_otherwise =
                matches!(town.platform, Platform::Facebook | Platform::Instagram | Platform::X);
            let most = if tells_otherwise { 900.max(most) } else { most };
            // YouTube knows of no limit but the day's, until midnight in Los Angeles.
            let most = if town.is(Platform::Youtube) { 86_400 } else { most };
            let least = if tells_otherwise { 1 } else { least };
            assert!((least..=most).contains(&wait.as_secs()), "{}: {fault}: {wait:?}", town.platform);
            town.fault(&json!({ "kind": "none" }));
            town.later(chrono::TimeDelta::hours(25));
            town.sweep().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_fault_in_the_middle_of_a_sweep_costs_no_place_in_it() {
    each(async |town| {
        for n in 0..120 {
            town.say(n, &json!({ "post": 1 + n / 60 }));
        }
        let mut seen = std::collections::BTreeSet::new();
        let mut cursor = None;
        let mut failures = 0;
        for step in 0..500 {
            if step % 2 == 0 {
                town.fault(&json!({ "kind": "lost", "on": "any" }));
            }
            match town.connector().page(cursor.as_ref()).await {
                Ok(page) => {
                    seen.extend(page.comments.into_iter().map(|seen| seen.native_id));
                    cursor = page.cursor;
                    if !page.more {
                        break;
                    }
                }
                Err(error) => {
                    assert_eq!(kind(&error), "Unavailable", "{}: {error}", town.platform);
                    failures += 1;
                }
            }
        }
        assert!(failures > 0, "{}", town.platform);
        assert_eq!(seen.len(), 120, "{}", town.platform);
    })
    .await;
}
