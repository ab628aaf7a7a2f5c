//! `--hosts`: every host that the configuration makes the program talk to, and nothing else (promise 9).

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use crate::config::{Account, AccountStatus, Api, Config, Transport};
use crate::domain::comment::Platform;

/// Prints each host once, with what for.
pub(super) fn list(config: &Config, as_json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    for (host, purposes) in of(config) {
        if as_json {
            writeln!(out, "{}", json!({ "host": host, "for": purposes }))?;
        } else {
            writeln!(out, "{host}\t{}", purposes.join("; "))?;
        }
    }
    Ok(())
}

/// The hosts, with ports where they are not the scheme's own, and what each is for.
pub(in crate::cli) fn of(config: &Config) -> BTreeMap<String, Vec<String>> {
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |host: String, purpose: String| {
        let purposes = hosts.entry(host).or_default();
        if !purposes.contains(&purpose) {
            purposes.push(purpose);
        }
    };
    for account in config.accounts.iter().filter(|account| account.status != AccountStatus::Closed) {
        match &account.api {
            Api::Sandbox => {
                add("127.0.0.1".to_owned(), format!("{}: the sandbox in this process", account.id));
            }
            Api::Url(url) => {
                add(place(url), format!("{}: {}", account.id, account.platform.label()));
                for (host, purpose) in beside(account, url.host_str().unwrap_or_default()) {
                    add((*host).to_owned(), format!("{}: {purpose}", account.id));
                }
            }
        }
    }
    for authority in &config.anchors.timestamps {
        add(place(&authority.url), format!("{}: time-stamps of the log", authority.id));
    }
    for witness in &config.anchors.witnesses {
        add(place(&witness.url), format!("{}: a witness of the log", witness.id));
    }
    if let Some(proxy) = &config.network.proxy {
        add(place(proxy), "the proxy, for every host that is not on this machine but the relay".to_owned());
    }
    if let Transport::Smtp(smtp) = &config.mail.transport {
        add(format!("{}:{}", smtp.host, smtp.port), "letters".to_owned());
    }
    hosts
}

fn place(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Hosts that a platform needs beside its interface.
fn beside(account: &Account, api: &str) -> &'static [(&'static str, &'static str)] {
    match (account.platform, api) {
        (Platform::Youtube, "www.googleapis.com" | "youtube.googleapis.com") => {
            &[("oauth2.googleapis.com", "YouTube, renewing the key")]
        }
        (Platform::Linkedin, "api.linkedin.com") => &[("www.linkedin.com", "LinkedIn, renewing the key")],
        (Platform::Instagram, "graph.instagram.com") => {
            &[("api.instagram.com", "Instagram, only for `uppsikt connect`")]
        }
        (Platform::Bluesky, "bsky.social") => &[(
            "*.host.bsky.network",
            "Bluesky, the server that holds the account, as its DID document names it",
        )],
        _ => &[],
    }
}
