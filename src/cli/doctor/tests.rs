use super::*;
use crate::connector::MissingRight;

const EXAMPLE: &str = include_str!("../../../tests/fixtures/config/uppsikt.example.toml");

fn config(text: &str) -> Config {
    let examined = Config::examine_text(Path::new("/tmp/uppsikt.toml"), text);
    assert!(examined.faults.is_empty(), "{:#?}", examined.faults);
    examined.result.unwrap()
}

/// Source: promise 9. The example talks to its two platforms, through its proxy, and to its relay.
#[test]
fn the_hosts_are_those_of_the_configuration_and_no_others() {
    let hosts: Vec<_> = hosts::of(&config(EXAMPLE)).into_keys().collect();
    assert_eq!(
        hosts,
        [
            "*.host.bsky.network",
            "bsky.social",
            "graph.facebook.com",
            "proxy.exempel.se:8080",
            "smtp.exempel.se:587"
        ]
    );
    let text = EXAMPLE.replace("https://graph.facebook.com/v25.0", "http://127.0.0.1:4444/facebook/v25.0");
    assert!(hosts::of(&config(&text)).contains_key("127.0.0.1:4444"));
}

fn told(standing: Result<Standing, ConnectorError>) -> Vec<String> {
    let config = config(EXAMPLE);
    let mut found = Findings::default();
    key(&config, &config.accounts[0], standing, now(), &mut found);
    found.0.iter().map(Finding::words).collect()
}

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

#[test]
fn a_key_is_told_with_whose_it_is_when_it_ends_and_what_to_do() {
    let ends = |days| Some(now() + TimeDelta::days(days));
    for (standing, expected) in [
        (Standing::default(), "note    key[fb]: the platform tells nothing"),
        (
            Standing { expires_at: ends(90), ..Standing::default() },
            "ok      key[fb]: works, until 2027-02-21",
        ),
        (
            Standing { expires_at: ends(12), holder: Some("Erik Exempel".to_owned()), ..Standing::default() },
            "warning key[fb]: works, Erik Exempel's, and ends in 12 days",
        ),
        (Standing { data_access_until: ends(-1), ..Standing::default() }, "error   key[fb]: has ended"),
    ] {
        let told = told(Ok(standing)).join("\n");
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(
            told.contains("uppsikt connect facebook --account fb"),
            expected.starts_with("warning") || expected.starts_with("error")
        );
    }
    let dead = told(Err(ConnectorError::Unauthorized("HTTP 401".to_owned()))).join("\n");
    assert_eq!(dead, "error   key[fb]: not authorised: HTTP 401; uppsikt connect facebook --account fb");
}

#[test]
fn a_missing_right_and_a_clock_that_is_off_are_errors() {
    let right = MissingRight {
        right: "pages_manage_engagement".to_owned(),
        without: "kommentarer kan inte döljas".to_owned(),
        place: "appens behörigheter".to_owned(),
    };
    let standing =
        Standing { missing: vec![right], date: Some(now() + TimeDelta::minutes(7)), ..Standing::default() };
    let told = told(Ok(standing));
    assert!(told[0].starts_with("error   clock[fb]: the platform's clock is 420 s"), "{told:?}");
    assert_eq!(
        told[2],
        "error   right[fb]: pages_manage_engagement is missing: kommentarer kan inte döljas; appens behörigheter"
    );
}
