//! Which server answers for an account, and with which secrets it is asked.

use std::path::{Component, Path, PathBuf};

use url::Url;

use super::super::Api;
use super::super::machine::{is_loopback, web_address};
use super::super::reader::{At, Node, Report, Section, quote};
use super::Context;
use crate::domain::comment::Platform;

/// Where the platform answers unless the file says otherwise.
pub(super) fn usual_api(platform: Platform) -> &'static str {
    match platform {
        Platform::Facebook => "https://graph.facebook.com/v25.0",
        Platform::Instagram => "https://graph.instagram.com/v25.0",
        Platform::Youtube => "https://www.googleapis.com/youtube/v3",
        Platform::Linkedin => "https://api.linkedin.com/rest",
        Platform::X => "https://api.x.com/2",
        Platform::Bluesky => "https://bsky.social",
    }
}

pub(super) fn api(node: &Node<'_, '_>, report: &mut Report) -> Option<Api> {
    if node.value.as_str() == Some("sandbox") {
        return Some(Api::Sandbox);
    }
    let mut url = web_address(node, report)?;
    let message = if url.scheme() == "http" && !is_loopback(&url) {
        "would send tokens in clear over the network"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user name or a password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a query or a fragment"
    } else {
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        return Some(Api::Url(url));
    };
    report.fault(&node.place, message, "write an address with https, or http on 127.0.0.1, or \"sandbox\"");
    None
}

/// `token_file`, `app_secret_file`, `login_file`: those that the platform uses.
pub(super) fn secret_files(
    section: &mut Section<'_, '_>,
    platform: Option<Platform>,
    api: Option<&Api>,
    context: &Context<'_>,
    report: &mut Report,
) -> [Option<PathBuf>; 3] {
    let outside = matches!(api, Some(Api::Url(url)) if !is_loopback(url));
    ["token_file", "app_secret_file", "login_file"].map(|key| {
        let Some(node) = section.get(key) else {
            let needed = match platform {
                Some(Platform::Bluesky) => key == "login_file",
                Some(_) => key == "token_file",
                None => false,
            };
            if needed && outside {
                let place = section.child(key);
                report.fault(&place, "is missing", "name the file, relative to paths.secrets");
            }
            return None;
        };
        let used = match platform {
            Some(Platform::Bluesky) => key == "login_file",
            Some(Platform::Facebook | Platform::Instagram) => key != "login_file",
            Some(_) => key == "token_file",
            None => true,
        };
        if let Some(platform) = platform.filter(|_| !used) {
            report.fault(&node.place, format!("is not used by {}", platform.label()), "remove it");
        }
        let text = node.text(report)?;
        if Path::new(&text.value).components().any(|part| part == Component::ParentDir) {
            report.fault(&node.place, "leaves paths.secrets by `..`", "name a file in paths.secrets");
            return None;
        }
        Some(context.secrets.join(text.value))
    })
}

/// What real ids look like; the emulator takes any.
pub(super) fn shape(platform: Platform, id: &At<String>, api: &Url, report: &mut Report) {
    let wanted = match platform {
        Platform::Bluesky if !id.value.starts_with("did:") => "an id that begins with did:, not the handle",
        Platform::Facebook | Platform::Instagram if !id.value.bytes().all(|b| b.is_ascii_digit()) => {
            "the number of the page or account"
        }
        Platform::Youtube if !id.value.starts_with("UC") => "the channel's id, which begins with UC",
        _ => return,
    };
    if !is_loopback(api) {
        report.warn(
            &id.place,
            format!("{} does not look like an id of {}", quote(&id.value), platform.label()),
            format!("write {wanted}"),
        );
    }
}
