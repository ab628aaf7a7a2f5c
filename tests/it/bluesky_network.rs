//! The real Bluesky network that the end-to-end tests stand on.

use serde_json::{Value, json};

use crate::support::bluesky::Network;

/// Runs with `UPPSIKT_REQUIRE_BLUESKY=1` or `UPPSIKT_BLUESKY_CONTROL=http://127.0.0.1:…`.
#[test]
fn the_network_takes_accounts_posts_and_replies() {
    let Some(network) = Network::of_this_run() else { return };
    assert!(network.pds_url.starts_with("http://localhost:"));
    let handle = format!("natet{}.test", std::process::id());
    let account = network.control("POST", "/account", &json!({"handle": handle}));
    assert!(account["did"].as_str().unwrap().starts_with("did:plc:"));
    let post = network.control("POST", "/post", &json!({"handle": handle, "text": "Hej"}));
    let reply = network.control("POST", "/reply", &json!({"handle": handle, "text": "Svar", "root": post}));
    assert_ne!(post["uri"], reply["uri"]);
    network.control("POST", "/settle", &json!({}));
    let gate = network.control("GET", &format!("/gate?uri={}", post["uri"].as_str().unwrap()), &Value::Null);
    assert_eq!(gate, Value::Null);
}
