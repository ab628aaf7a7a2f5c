//! Keys: dead ones, ones that are renewed, and ones that hold too little.

use chrono::TimeDelta;
use serde_json::json;

use super::town::{KEY, REFRESH, SECRET, Town, each, find, some};
use crate::connector::testing::{kind, sweep};
use crate::domain::comment::Platform;
use crate::store::Act;

/// Where a program can get a new key by itself when the old one has ended.
const RENEWING: [Platform; 3] = [Platform::Youtube, Platform::Linkedin, Platform::X];

#[tokio::test]
async fn a_dead_key_is_unauthorised_and_is_shown_nowhere() {
    each(async |town| {
        town.say(1, &json!({}));
        for fault in ["token", "gone_token"] {
            town.fault(&json!({ "kind": fault }));
            let error = town.connector().page(None).await.unwrap_err();
            assert_eq!(kind(&error), "Unauthorized", "{}: {fault}: {error}", town.platform);
            assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
            let error = town.connector().look(&town.target(1)).await.unwrap_err();
            assert_eq!(kind(&error), "Unauthorized", "{}: {fault}: {error}", town.platform);
            let error = town.act(Act::Hide, town.target(1)).await.unwrap_err();
            assert!(matches!(kind(&error), "Unauthorized" | "Refused"), "{}: {error}", town.platform);
            town.control("fault", &json!({ "account": "*", "kind": "none" }));
            assert!(!town.is_out_of_sight(1));
        }
        let told = format!("{:?}", town.connector());
        assert!(!told.contains(SECRET), "{told}");
    })
    .await;
}

#[tokio::test]
async fn an_ended_key_is_renewed_and_the_new_one_is_in_the_file_first() {
    some(&RENEWING, async |town| {
        town.say(1, &json!({}));
        sweep(town.connector(), None).await.unwrap();
        town.control("expire", &json!({ "account": town.account(), "token": KEY }));
        sweep(town.connector(), None).await.unwrap_or_else(|error| panic!("{}: {error}", town.platform));
        let kept = std::fs::read_to_string(&town.file).unwrap();
        assert!(!kept.contains(KEY), "{}: the old key is still in the file", town.platform);
        if town.is(Platform::X) {
            assert!(!kept.contains(REFRESH), "the refresh token rotates");
        }
        // A daemon that starts anew reads on with what is in the file, without asking for another.
        let renewals = |town: &Town| {
            let asked = town.sandbox().requests();
            asked.iter().filter(|asked| asked.path.to_lowercase().contains("token")).count()
        };
        let before = renewals(town);
        assert!(before > 0, "{}", town.platform);
        let (page, _) = sweep(&*town.restarted(), None).await.unwrap();
        assert!(find(&page, &town.id(1)).is_some());
        assert_eq!(renewals(town), before, "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn a_write_with_an_ended_key_is_not_sent_twice() {
    let hiding = [Platform::Youtube, Platform::X];
    some(&hiding, async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        town.control("expire", &json!({ "account": town.account(), "token": KEY }));
        let before = town.writes();
        match town.act(Act::Hide, town.target(1)).await {
            Ok(()) => assert!(town.is_out_of_sight(1)),
            Err(error) => {
                assert_eq!(kind(&error), "Unavailable", "{}: {error}", town.platform);
                assert!(!town.is_out_of_sight(1));
                town.act(Act::Hide, town.target(1)).await.unwrap();
            }
        }
        assert!(town.writes() <= before + 2, "{}", town.platform);
        assert!(town.is_out_of_sight(1), "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_has_run_out_is_renewed_and_a_password_taken_back_asks_for_a_person() {
    some(&[Platform::Bluesky], async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        // Two hours later the session's key has run out; the answer is a 400.
        town.later(TimeDelta::hours(3));
        assert!(find(&town.sweep().await, &town.id(1)).is_some());
        // Ninety days later what it is renewed with has too.
        town.later(TimeDelta::days(91));
        town.connector().page(None).await.unwrap();
        let memory = json!({ "password": "annat" });
        town.control("account", &json!({ "account": town.account(), "memory": memory }));
        town.later(TimeDelta::days(91));
        let error = town.connector().page(None).await.unwrap_err();
        assert_eq!(kind(&error), "Unauthorized", "{error}");
        assert!(!format!("{error:?}").contains(SECRET));
    })
    .await;
}

#[tokio::test]
async fn instagrams_key_is_renewed_before_its_end_and_the_new_one_is_in_the_file() {
    some(&[Platform::Instagram], async |town| {
        town.say(1, &json!({}));
        let now = town.clock.now();
        let ends = now + TimeDelta::days(20);
        let token = json!({
            "account": town.account(), "token": KEY, "issued_at": now - TimeDelta::days(40), "expires_at": ends,
        });
        town.control("token", &token);
        let stored = json!({ "access_token": KEY, "expires_at": ends });
        crate::durable::write(&town.file, stored.to_string().as_bytes(), 0o600).unwrap();
        let connector = town.restarted();
        connector.renew().await.unwrap();
        let kept = std::fs::read_to_string(&town.file).unwrap();
        assert!(!kept.contains(&format!("{KEY}\"")), "the key in the file is still the old one");
        sweep(&*connector, None).await.unwrap();
        // Not due: nothing is asked.
        let before = town.calls();
        connector.renew().await.unwrap();
        assert_eq!(town.calls(), before);
    })
    .await;
}

#[tokio::test]
async fn a_missing_right_is_named_with_what_it_is_for() {
    // The right that is taken away, and the word by which it must be named somewhere.
    let table = [
        (
            Platform::Facebook,
            vec!["pages_read_engagement", "pages_read_user_content"],
            "pages_manage_engagement",
        ),
        (
            Platform::Facebook,
            vec!["pages_read_engagement", "pages_manage_engagement"],
            "pages_read_user_content",
        ),
        (Platform::Instagram, vec!["instagram_business_basic"], "instagram_business_manage_comments"),
        (Platform::Youtube, vec!["youtube.readonly"], "youtube.force-ssl"),
        (Platform::Linkedin, vec!["w_organization_social_feed"], "r_organization_social_feed"),
        (Platform::X, vec!["tweet.read", "users.read"], "tweet.moderate.write"),
    ];
    for (platform, held, missing) in table {
        some(&[platform], async |town| {
            town.say(1, &json!({}));
            town.control("account", &json!({ "account": town.account(), "rights": held }));
            let mut told = String::new();
            for n in 0..4 {
                match town.connector().page(town_cursor(town).as_ref()).await {
                    Ok(page) => {
                        told.push_str(&page.blind.join(" "));
                        told.extend(page.faults.iter().map(|fault| fault.reason.as_str()));
                        town.cursor().clone_from(&page.cursor);
                    }
                    Err(error) => {
                        assert_eq!(kind(&error), "Unauthorized", "{platform}: {n}: {error}");
                        told += &error.to_string();
                        break;
                    }
                }
            }
            match town.connector().standing().await {
                Ok(standing) => told.extend(standing.missing.iter().map(|missing| missing.right.as_str())),
                Err(error) => told += &error.to_string(),
            }
            if let Err(error) = town.act(Act::Hide, town.target(1)).await {
                told += &error.to_string();
            }
            assert!(told.contains(missing), "{platform}: {missing} is not named: {told}");
            assert!(!told.contains(SECRET));
            assert!(!town.is_out_of_sight(1));
        })
        .await;
    }
}

fn town_cursor(town: &Town) -> Option<crate::connector::Cursor> {
    town.cursor().clone()
}

#[tokio::test]
async fn the_task_moderate_and_a_role_that_is_shown_empty_lists_are_named() {
    some(&[Platform::Facebook, Platform::Linkedin], async |town| {
        town.say(1, &json!({}));
        town.control(
            "account",
            &json!({ "account": town.account(), "moderate": false,
            "memory": { "role": "RECRUITING_POSTER" } }),
        );
        let (told, listed) = match sweep(town.connector(), None).await {
            Ok((page, _)) => (format!("{:?} {:?}", page.blind, page.faults), page.listed),
            Err(error) => (error.to_string(), Vec::new()),
        };
        let word = if town.is(Platform::Facebook) { "MODERATE" } else { "ADMINISTRATOR" };
        assert!(told.contains(word), "{}: {told}", town.platform);
        assert!(listed.is_empty(), "{}: nothing is concluded", town.platform);
    })
    .await;
}

#[tokio::test]
async fn the_standing_tells_the_accounts_name_and_another_one_as_soon_as_it_has_it() {
    each(async |town| {
        town.say(1, &json!({}));
        town.sweep().await;
        let (before, after) = town.names();
        let name = async || town.connector().standing().await.unwrap().name;
        assert_eq!(name().await.as_deref(), Some(before.as_str()), "{}", town.platform);
        town.control("account", &json!({ "account": town.account(), "name": after, "username": after }));
        assert_eq!(name().await.as_deref(), Some(after.as_str()), "{}", town.platform);
        // What cannot be asked is not told, and is no other name.
        town.fault(&json!({ "kind": "down", "times": 9 }));
        assert!(town.connector().standing().await.is_err(), "{}", town.platform);
    })
    .await;
}

#[tokio::test]
async fn the_standing_tells_of_the_key_and_never_the_key() {
    each(async |town| {
        town.say(1, &json!({}));
        let standing = town.connector().standing().await;
        let standing = standing.unwrap_or_else(|error| panic!("{}: {error}", town.platform));
        let told = format!("{standing:?}");
        assert!(!told.contains(SECRET), "{told}");
        assert!(standing.missing.is_empty(), "{}: {told}", town.platform);
        town.control("fault", &json!({ "account": "*", "kind": "gone_token" }));
        match town.connector().standing().await {
            // Bluesky tells nothing of an application password but by a log-in.
            Ok(_) => {
                assert!(matches!(town.platform, Platform::Bluesky | Platform::Facebook), "{}", town.platform);
            }
            Err(error) => assert_eq!(kind(&error), "Unauthorized", "{}: {error}", town.platform),
        }
    })
    .await;
}
