//! Accounts: whose they are, how often they are watched, and who decided so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::machine::{id, web_address};
use super::people::Known;
use super::profile::EditorRules;
use super::reader::{At, Node, Report, Section, quote, suggestion};
use super::{Account, AccountStatus, Api, BoardKind, Media, Mode};
use crate::connector::capabilities_of;
use crate::domain::category::DecisionRef;
use crate::domain::comment::Platform;
use crate::domain::roster::AccountStaff;

mod people;
mod reach;
mod schedule;
mod server;

use people::{coverage, editors, owner};
use reach::reach;
use schedule::{poll, poll_decided};
use server::{api, secret_files, shape, usual_api};

/// What accounts are checked against.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) known: &'a Known,
    pub(super) denied: &'a BTreeMap<String, DecisionRef>,
    pub(super) editors: EditorRules,
    pub(super) secrets: &'a Path,
    pub(super) operator: Option<&'a str>,
}

/// Reads every `[[account]]`.
pub(super) fn accounts(
    root: &mut Section<'_, '_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<Account> {
    let mut ids = BTreeSet::new();
    let mut natives = BTreeMap::new();
    let mut accounts = Vec::new();
    for section in root.tables(report, "account") {
        let place = section.place.clone();
        let Some(account) = account(section, context, &mut ids, report) else { continue };
        let native = (account.platform, account.native_id.clone());
        if let Some(earlier) = natives.insert(native, account.id.clone()) {
            report.fault(
                &super::reader::Place { key: format!("{}.native_id", place.key), ..place },
                format!("is the account that `{earlier}` already watches"),
                "remove one of the two",
            );
        }
        accounts.push(account);
    }
    if ids.is_empty() {
        let place = root.child("account");
        report.warn(&place, "is missing: nothing is watched", "add [[account]]");
    }
    accounts
}

/// Who answers for each account.
pub(super) fn staff(accounts: &[Account], known: &Known) -> Vec<AccountStaff> {
    let registrar = |board: &str| {
        let board = known.boards.iter().find(|candidate| candidate.id == board);
        board.map(|board| board.registrar.clone()).unwrap_or_default()
    };
    accounts
        .iter()
        .map(|account| AccountStaff {
            account: account.id.clone(),
            owner: account.owner.clone(),
            editors: account.editors.clone(),
            registrar: registrar(&account.board),
        })
        .collect()
}

fn account(
    mut section: Section<'_, '_>,
    context: &Context<'_>,
    ids: &mut BTreeSet<String>,
    report: &mut Report,
) -> Option<Account> {
    let id = id(&mut section, report);
    if let Some(id) = id.as_ref().filter(|id| !ids.insert(id.value.clone())) {
        report.fault(&id.place, "is the id of an earlier account", "give each account an id of its own");
    }
    let board = section
        .need(report, "board", "name the board or company that answers for the account")
        .and_then(|node| node.text(report))
        .filter(|board| context.known.expect_board(board, report));
    let platform = section
        .need(report, "platform", "write the service")
        .and_then(|node| node.text(report))
        .and_then(|name| platform(&name, board.as_ref(), context, report));
    let native_id = section
        .need(report, "native_id", "write the platform's own id of the account")
        .and_then(|node| node.text(report));
    let url = section
        .need(report, "url", "write the account's public address")
        .and_then(|node| web_address(&node, report));
    let words = [
        ("active", AccountStatus::Active),
        ("dormant", AccountStatus::Dormant),
        ("closed", AccountStatus::Closed),
    ];
    let status = optional(&mut section, "status", &words, AccountStatus::Active, report);
    let mode =
        optional(&mut section, "mode", &[("watch", Mode::Watch), ("act", Mode::Act)], Mode::Watch, report);
    let media = [("never", Media::Never), ("after_review", Media::AfterReview)];
    let media = optional(&mut section, "media", &media, Media::Never, report);
    let removal = section.get("removal").and_then(|node| removal(&node, platform, report));
    let by_hand = section.get("by_hand").map(|node| by_hand(&node, report));
    let reach = reach(&mut section, platform, report);
    let watched_from = section.get("watched_from").map(|node| instant(&node, report));
    let owner = owner(&mut section, context, report);
    let editors = editors(&mut section, context, report);
    if let (Some(owner), Some(editors)) = (&owner, &editors) {
        coverage(&section, owner, editors, context, report);
    }
    let poll = section
        .need(report, "poll", "write how often the account is watched, such as \"0 */5 * * * *\"")
        .and_then(|node| poll(&node, status, report));
    let poll_decided = section
        .need(
            report,
            "poll_decided",
            "write { by, on, reason }: the account's manager decides how often it is watched",
        )
        .and_then(|node| poll_decided(&node, context, report));
    let api = match section.get("api") {
        Some(node) => api(&node, report),
        None => platform.and_then(|platform| usual_api(platform).parse().ok().map(Api::Url)),
    };
    let secrets = secret_files(&mut section, platform, api.as_ref(), context, report);
    let joint_with = section.get("joint_with").and_then(|node| node.text(report));
    let joint_agreement = section.get("joint_agreement").and_then(|node| node.text(report));
    if let (Some(with), None) = (&joint_with, &joint_agreement) {
        report.warn(
            &with.place,
            "shares the responsibility for personal data without an agreement",
            "add joint_agreement with its registration number",
        );
    }
    if let (Some(platform), Some(native_id), Some(Api::Url(url))) = (platform, &native_id, &api) {
        shape(platform, native_id, url, report);
    }
    section.close(report);
    let [token_file, app_secret_file, login_file] = secrets;
    Some(Account {
        id: id?.value,
        platform: platform?,
        native_id: native_id?.value,
        url: url?.into(),
        board: board?.value,
        joint_with: joint_with.map(|text| text.value),
        joint_agreement: joint_agreement.map(|text| text.value),
        owner: owner?.value,
        editors: editors?.into_iter().map(|editor| editor.value).collect(),
        status: status?,
        mode: mode?,
        watched_from: match watched_from {
            None => None,
            Some(at) => Some(at?),
        },
        poll: poll?,
        poll_decided: poll_decided?,
        media: media?,
        removal,
        by_hand: by_hand.flatten(),
        reach: reach?,
        api: api?,
        token_file,
        app_secret_file,
        login_file,
    })
}

fn optional<T: Copy>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    words: &[(&str, T)],
    usual: T,
    report: &mut Report,
) -> Option<T> {
    section.get(key).map_or(Some(usual), |node| node.word(report, words).map(|word| word.value))
}

/// The service, unless it is forbidden to this board (R8) or company (R9), or has no connector.
fn platform(
    name: &At<String>,
    board: Option<&At<String>>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Platform> {
    let board = board.and_then(|id| context.known.boards.iter().find(|board| board.id == id.value));
    let denied = match board {
        Some(board) if board.kind == BoardKind::Company => &board.denied,
        _ => context.denied,
    };
    if let Some(decision) = denied.get(&name.value.to_lowercase()) {
        report.fault(
            &name.place,
            format!(
                "{} is forbidden by decision of {}, {}, {}",
                quote(&name.value),
                decision.by,
                decision.on,
                decision.dnr
            ),
            "remove the account, or remove the service from [denied] when a new decision allows it",
        );
        return None;
    }
    let platform = name.value.parse::<Platform>().ok();
    if platform.is_none() {
        let known = Platform::ALL.map(Platform::code);
        let remedy = suggestion(&name.value, &known)
            .unwrap_or_else(|| format!("services that Uppsikt can watch: {}", known.join(", ")));
        report.fault(&name.place, format!("there is no connector for {}", quote(&name.value)), remedy);
    }
    platform
}

/// The decision that comments may be removed, where the platform can do that.
fn removal(node: &Node<'_, '_>, platform: Option<Platform>, report: &mut Report) -> Option<DecisionRef> {
    let decision = super::profile::decision(node, report)?;
    match platform {
        Some(Platform::Linkedin) => report.warn(
            &node.place,
            "rests on a right of LinkedIn's that no page of theirs confirms",
            "try it on a comment that a colleague has written before you rely on it",
        ),
        Some(platform) if !capabilities_of(platform).remove => {
            report.fault(
                &node.place,
                format!("{} lets nobody remove another's comment", platform.label()),
                "remove the key; hiding is what can be done",
            );
            return None;
        }
        _ => {}
    }
    Some(decision)
}

/// Names of surfaces, as people call them.
fn by_hand(node: &Node<'_, '_>, report: &mut Report) -> Option<Vec<String>> {
    let list = node.list(report)?;
    let names: Vec<String> =
        list.iter().map(|name| name.text(report).map(|name| name.value)).collect::<Option<_>>()?;
    if names.iter().any(|name| name.trim().is_empty() || name.chars().count() > 80) {
        report.fault(&node.place, "holds a name that is empty or longer than 80 characters", "shorten it");
        return None;
    }
    if names.is_empty() {
        report.warn(
            &node.place,
            "is empty: what no API shows (stories, reviews, live chat …) is looked at by nobody",
            "name the places, or leave the key out for those that Uppsikt knows of",
        );
    }
    Some(names)
}

fn instant(node: &Node<'_, '_>, report: &mut Report) -> Option<DateTime<Utc>> {
    let text = match node.value {
        toml::de::DeValue::Datetime(datetime) => datetime.to_string(),
        _ => node.text(report)?.value,
    };
    let instant = DateTime::parse_from_rfc3339(&text).ok().map(|at| at.to_utc());
    if instant.is_none() {
        report.fault(
            &node.place,
            format!("{} is no moment with an offset", quote(&text)),
            "write it as \"2026-12-01T00:00:00+01:00\"",
        );
    }
    instant
}
