//! Quotas: ours end before the platform's do, polling leaves acts their share, and what is left is told.

use chrono::TimeDelta;
use serde_json::json;

use super::town::{Town, each, some};
use crate::connector::ConnectorError;
use crate::connector::testing::{kind, sweep};
use crate::domain::comment::Platform;
use crate::store::Act;

/// Polls as fast as it goes until the connector itself says no; gives how often the platform had to.
async fn poll_until_told(town: &Town, most: u32) -> Option<ConnectorError> {
    let mut cursor = None;
    for _ in 0..most {
        match town.connector().page(cursor.as_ref()).await {
            Ok(page) => cursor = page.cursor,
            Err(error) => return Some(error),
        }
    }
    None
}

#[tokio::test]
async fn polling_ends_before_the_days_quota_and_leaves_acts_their_share() {
    let platforms = [Platform::Youtube, Platform::Linkedin, Platform::X];
    some(&platforms, async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        // The day's units as far used up as a day's polling does.
        let name = match town.platform {
            Platform::Youtube => "youtube.units",
            Platform::Linkedin => "linkedin.member",
            _ => "x.search",
        };
        town.sweep().await;
        let error = poll_until_told(town, 12_000).await.expect("the budget ends");
        assert_eq!(kind(&error), "RateLimited", "{}: {error}", town.platform);
        assert_eq!(
            town.refused(),
            Vec::<String>::new(),
            "{}: the platform had to refuse {name}",
            town.platform
        );
        // An act still goes.
        if town.connector().capabilities().hide {
            town.act(Act::Hide, town.target(1)).await.unwrap();
        } else {
            town.look(town.target(1)).await;
        }
        // And after the window polling goes on.
        town.later(TimeDelta::hours(25));
        sweep(town.connector(), None).await.unwrap();
        assert_eq!(town.refused(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_quota_that_somebody_else_used_up_is_taken_at_its_word() {
    let platforms = [Platform::Youtube, Platform::Linkedin, Platform::X, Platform::Bluesky];
    some(&platforms, async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let (account, name, limit, window) = match town.platform {
            Platform::Youtube => (None, "youtube.units", 10_000, json!("pacific_day")),
            Platform::Linkedin => (None, "linkedin.app", 500, json!("utc_day")),
            Platform::X => (Some(town.account()), "x.mentions", 300, json!({ "fixed": 900 })),
            _ => (None, "bluesky.requests", 3_000, json!({ "fixed": 300 })),
        };
        town.control(
            "quota",
            &json!({ "account": account, "name": name, "limit": limit, "used": limit, "window": window }),
        );
        let mut waits = Vec::new();
        for _ in 0..6 {
            // A client that asks again at once would be one that does not listen.
            let from = town.cursor().clone();
            match sweep(town.connector(), from).await {
                Ok(_) => {}
                Err(ConnectorError::RateLimited(wait)) => waits.push(wait),
                Err(error) => panic!("{}: {error}", town.platform),
            }
        }
        assert!(!waits.is_empty(), "{}", town.platform);
        let calls = town.refused();
        assert!(calls.len() <= 1, "{}: {calls:?}", town.platform);
        town.later(TimeDelta::hours(25));
        town.sweep().await;
    })
    .await;
}

/// What is left of the quota whose name ends so.
fn used(town: &Town, name: &str) -> (u64, u64) {
    let left = town.connector().budgets().into_iter().find(|left| left.name.ends_with(name));
    let left = left.unwrap_or_else(|| panic!("{}: no quota {name}", town.platform));
    (left.used, left.limit)
}

#[tokio::test]
async fn one_persons_day_on_linkedin_ends_at_midnight_and_is_not_the_apps() {
    some(&[Platform::Linkedin], async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        // The same person has used up the day elsewhere; the answer has no Retry-After, only words.
        town.control(
            "quota",
            &json!({ "account": town.account(), "name": "linkedin.member", "limit": 100, "used": 100, "window": "utc_day" }),
        );
        let Err(ConnectorError::RateLimited(wait)) = town.connector().look(&town.target(1)).await else {
            panic!("the day is used up")
        };
        let midnight = TimeDelta::hours(12).to_std().unwrap();
        assert!(wait <= midnight && wait > midnight / 2, "until midnight UTC, not a minute: {wait:?}");
        let (spent, limit) = used(town, "/calls a day by the person");
        assert_eq!(spent, limit, "nothing is left of the person's day");
        let (spent, limit) = used(town, "/calls a day");
        assert!(spent < limit / 10, "the app's other persons go on: {spent} of {limit}");
        // Asked again and again, the platform hears of none of it, and the app pays nothing for it.
        let before = town.calls();
        let from = town.cursor().clone();
        for _ in 0..50 {
            assert!(town.connector().page(from.as_ref()).await.is_err());
        }
        assert_eq!(town.calls(), before);
        assert_eq!(used(town, "/calls a day").0, spent);
        town.later(TimeDelta::hours(13));
        town.sweep().await;
    })
    .await;
}

#[tokio::test]
async fn a_full_window_on_x_is_heard_from_its_headers_and_closes_that_window_only() {
    some(&[Platform::X], async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        town.control(
            "quota",
            &json!({ "account": town.account(), "name": "x.tweets", "limit": 40, "used": 40, "window": { "fixed": 900 } }),
        );
        let Err(ConnectorError::RateLimited(wait)) = town.connector().look(&town.target(1)).await else {
            panic!("the window is full")
        };
        assert!(wait.as_secs() > 60 && wait.as_secs() <= 900, "as x-rate-limit-reset says: {wait:?}");
        assert_eq!(used(town, "/lookups in 15 minutes"), (40, 40), "as the refusal's headers say");
        assert!(used(town, "/posts read a day").0 < 100, "what is paid for is another limit");
        // The other windows are open: reading and hiding go on.
        town.sweep().await;
        town.act(Act::Hide, town.target(1)).await.unwrap();
        assert!(town.is_out_of_sight(1));
        town.later(TimeDelta::minutes(16));
        town.look(town.target(1)).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_left_is_told_for_every_platform() {
    each(async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let left = town.connector().budgets();
        assert!(!left.is_empty(), "{}", town.platform);
        for left in &left {
            assert!(left.limit > 0 && left.used <= left.limit, "{}: {left:?}", town.platform);
            assert!(left.name.contains('/'), "{left:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_spent_outlives_a_restart() {
    let platforms = [Platform::Youtube, Platform::Linkedin, Platform::X, Platform::Bluesky];
    some(&platforms, async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let used = |connector: &dyn crate::connector::Connector| -> u64 {
            connector.budgets().iter().map(|left| left.used).sum()
        };
        let before = used(town.connector());
        assert!(before > 0, "{}", town.platform);
        assert!(used(&*town.restarted()) >= before, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn meta_is_polled_less_when_its_headers_say_that_much_is_used() {
    some(&[Platform::Facebook, Platform::Instagram], async |town| {
        for n in 1..=3 {
            town.say(n, &json!({}));
        }
        town.sweep().await;
        town.control("account", &json!({ "account": town.account(), "usage": 97 }));
        let mut limited = false;
        for _ in 0..40 {
            if let Err(error) = sweep(town.connector(), None).await {
                assert_eq!(kind(&error), "RateLimited", "{}: {error}", town.platform);
                limited = true;
                break;
            }
        }
        assert!(limited, "{}: polling goes on at 97 per cent", town.platform);
        // Acts have the rest.
        town.act(Act::Hide, town.target(1))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", town.platform));
    })
    .await;
}
