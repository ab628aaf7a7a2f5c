//! The keys to the platforms: who is told what, when, how often, and when it ends.

use chrono::TimeDelta;
use serde_json::json;
use uppsikt::connector::{ConnectorError, MissingRight, Standing};
use uppsikt::domain::comment::Platform;
use uppsikt::pipeline::{self, Which};
use uppsikt::polling::{self, Pace};
use uppsikt::store;

use crate::support::app::{Call, MUNICIPALITY, Rig, at};
use crate::support::six::{PLATFORMS, Played, Six};

/// Monday 09.00 in Stockholm, after a pass in which everything was well.
async fn watching() -> Rig {
    let rig = Rig::new(MUNICIPALITY, "2026-11-23T08:00:00Z");
    rig.fake("fb").key(well);
    rig.pass().await;
    assert!(about_keys(&rig, "chef").is_empty());
    rig
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where an answer of a platform stands")]
fn well() -> Result<Standing, ConnectorError> {
    Ok(Standing { name: Some("Exempel kommun".to_owned()), ..Standing::default() })
}

/// The subjects of a person's letters about keys, with the local day and hour of each.
fn about_keys(rig: &Rig, person: &str) -> Vec<String> {
    let keys = ["nyckeln till", "förlorad åtkomst"];
    let mails = rig.letters_to(person).into_iter();
    mails
        .filter(|mail| keys.iter().any(|word| mail.subject.contains(word)))
        .map(|mail| format!("{} {}", mail.at.format("%m-%d %H"), mail.subject))
        .collect()
}

/// One pass an hour until `end`.
async fn hourly(rig: &Rig, end: &str) {
    rig.run_until(end, TimeDelta::hours(1)).await;
}

#[tokio::test]
async fn a_withdrawn_key_is_a_possibly_lost_account_told_at_once_and_again_until_it_works() {
    let rig = watching().await;
    rig.fake("fb").key(|| Err(ConnectorError::Unauthorized("HTTP 400, code 190/460".to_owned())));
    // The question of the next day finds it.
    hourly(&rig, "2026-12-03T12:00:00Z").await;
    let told = about_keys(&rig, "chef");
    let days: Vec<_> = told.iter().map(|told| &told[..5]).collect();
    // At once, after two days, then every five; at the next hour at work each time.
    assert_eq!(days, ["11-24", "11-26", "12-01"], "{told:#?}");
    assert!(told.iter().all(|told| told.contains("möjlig förlorad åtkomst till Facebook")), "{told:#?}");
    for other in ["drift", "kim"] {
        assert_eq!(about_keys(&rig, other).len(), 3, "{other}");
    }
    let text = rig.letters_to("drift").pop().unwrap().text;
    assert!(text.contains("code 190/460") && text.contains("informationssäkerhetsincident"), "{text}");
    rig.fake("fb").key(well);
    hourly(&rig, "2026-12-10T12:00:00Z").await;
    assert_eq!(about_keys(&rig, "chef").len(), 3, "it works again");
    assert_eq!(rig.open_duties(), []);
}

#[tokio::test]
async fn a_poll_that_is_refused_asks_about_the_key_at_once() {
    let rig = watching().await;
    rig.advance(TimeDelta::minutes(5));
    let refused = || ConnectorError::Unauthorized("HTTP 401".to_owned());
    rig.fake("fb").fault(Call::Page, false, refused());
    rig.pass().await;
    let told = about_keys(&rig, "chef");
    assert_eq!(rig.letters_to("chef").len(), 1, "one letter for the key, none beside it for the blindness");
    assert_eq!(told, ["11-23 08 Åtgärda: möjlig förlorad åtkomst till Facebook (i dag 09.05)"]);
    rig.advance(TimeDelta::minutes(5));
    rig.pass().await;
    assert_eq!(rig.open_duties(), [], "the next poll was read");
}

#[tokio::test]
async fn a_key_that_ends_is_told_30_14_7_3_and_1_days_before_and_then_daily() {
    let rig = watching().await;
    rig.fake("fb")
        .key(|| Ok(Standing { expires_at: Some(at("2026-12-24T11:00:00Z")), ..Standing::default() }));
    hourly(&rig, "2026-12-30T16:00:00Z").await;
    let days: Vec<_> = about_keys(&rig, "chef").iter().map(|told| told[..5].to_owned()).collect();
    // 21 December is a Monday; 24 to 27 December nobody is at work, and what was said then is said once, after them.
    assert_eq!(days[..5], ["11-24", "12-10", "12-17", "12-21", "12-23"], "{days:?}");
    let kim = about_keys(&rig, "kim");
    assert!(kim[0].starts_with("12-23"), "the communicator hears of the last day: {kim:?}");
    let text = rig.letters_to("chef").into_iter().find(|mail| mail.subject.contains("nyckeln")).unwrap().text;
    assert!(text.contains("uppsikt connect facebook --account fb"), "{text}");
    let ended = about_keys(&rig, "chef").last().unwrap().clone();
    assert!(ended.contains("har slutat gälla"), "{ended}");
    rig.fake("fb")
        .key(|| Ok(Standing { expires_at: Some(at("2027-06-01T11:00:00Z")), ..Standing::default() }));
    rig.advance(TimeDelta::days(1));
    rig.pass().await;
    assert_eq!(rig.open_duties(), [], "renewed");
}

#[tokio::test]
async fn a_missing_right_is_told_with_what_does_not_work_and_where_it_is_given() {
    let rig = watching().await;
    rig.fake("fb").key(|| {
        let right = MissingRight {
            right: "pages_manage_engagement".to_owned(),
            without: "kommentarer kan inte döljas".to_owned(),
            place: "Meta for Developers, appens behörigheter".to_owned(),
        };
        Ok(Standing { missing: vec![right], ..Standing::default() })
    });
    hourly(&rig, "2026-11-25T08:00:00Z").await;
    let mails = rig.letters_to("chef");
    let mail = mails.iter().find(|mail| mail.subject.contains("saknar rättigheter")).unwrap();
    for needed in ["pages_manage_engagement", "kan inte döljas", "Meta for Developers"] {
        let words = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(needed), "{needed}: {words}");
    }
    rig.fake("fb").key(well);
    hourly(&rig, "2026-11-26T12:00:00Z").await;
    assert_eq!(rig.open_duties(), []);
}

#[tokio::test]
async fn another_name_on_the_account_is_told_as_possibly_lost() {
    let rig = watching().await;
    rig.fake("fb").key(|| Ok(Standing { name: Some("Fri krypto".to_owned()), ..Standing::default() }));
    hourly(&rig, "2026-11-24T12:00:00Z").await;
    let mails = rig.letters_to("chef");
    let mail = mails.iter().find(|mail| mail.subject.contains("förlorad åtkomst")).unwrap();
    assert!(mail.text.contains("”Exempel kommun”") && mail.text.contains("”Fri krypto”"), "{}", mail.text);
}

#[tokio::test]
async fn a_platform_that_does_not_answer_is_no_dead_key() {
    let rig = watching().await;
    rig.fake("fb").key(|| Err(ConnectorError::Unavailable("no route to host".to_owned())));
    hourly(&rig, "2026-11-26T12:00:00Z").await;
    assert_eq!(about_keys(&rig, "chef"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_is_noticed_on_every_platform() {
    let accounts: Vec<Played> =
        PLATFORMS.iter().enumerate().map(|(n, platform)| Played::new(*platform, n, 5)).collect();
    let six = Six::new(&accounts, at("2026-11-23T08:00:00Z")).await;
    let pass = async || {
        let read = polling::all(&six.all.app, Which::Due, Pace::default()).await.unwrap();
        Box::pin(pipeline::pass_after(&six.all.app, read)).await.unwrap();
    };
    let renamed = async |account: &Played| {
        let id = account.id.clone();
        six.all.app.db.read(move |reader| Ok(store::keys::get(reader, &id)?.renamed)).await.unwrap()
    };
    pass().await;
    for account in &accounts {
        assert_eq!(renamed(account).await, None, "{}", account.id);
        let order = json!({ "account": account.native, "name": "Fri krypto", "username": "fri.krypto" });
        six.control("account", &order);
    }
    six.advance(TimeDelta::hours(25));
    pass().await;
    for account in &accounts {
        let from = match account.platform {
            Platform::Facebook | Platform::Youtube | Platform::Linkedin => "Exempel kommun",
            Platform::Instagram | Platform::X | Platform::Bluesky => &account.id,
        };
        let renamed = renamed(account).await.unwrap_or_else(|| panic!("{}: not noticed", account.id));
        assert_eq!(renamed.from, from, "{}", account.id);
    }
}
