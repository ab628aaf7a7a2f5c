//! Accounts: whose they are, how often they are watched, and who decided so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Stockholm;
use cron::Schedule;
use url::Url;

use super::machine::{id, is_loopback, web_address};
use super::people::Known;
use super::profile::EditorRules;
use super::reader::{At, Node, Report, Section, quote, suggestion};
use super::{Account, AccountStatus, Api, BoardKind, Media, Mode, Poll, PollDecided};
use crate::connector::capabilities_of;
use crate::domain::category::DecisionRef;
use crate::domain::comment::Platform;
use crate::domain::roster::{AccountStaff, Role};

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

/// The account owner: a manager who is employed (R57).
fn owner(section: &mut Section<'_, '_>, context: &Context<'_>, report: &mut Report) -> Option<At<String>> {
    let owner = section.need(report, "owner", "name the manager who owns the account")?.text(report)?;
    if !context.known.expect_person(&owner, report) {
        return None;
    }
    context.known.expect_role(&owner, Role::Owner, report);
    if let Some(person) = context.known.person(&owner.value) {
        if !person.manager {
            report.fault(
                &owner.place,
                format!("person `{}` is no manager: \"Kontoansvarig … måste vara en chef\"", person.id),
                format!("write manager = true under person[{}] if so, or name a manager", person.id),
            );
        }
        if !person.employed {
            report.fault(
                &owner.place,
                format!("person `{}` is not employed, and cannot own an account", person.id),
                format!("write employed = true under person[{}] if so, or name somebody else", person.id),
            );
        }
    }
    Some(owner)
}

/// The editors: with the role, and trained and employed as the profile demands (R58).
fn editors(
    section: &mut Section<'_, '_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Vec<At<String>>> {
    let node = section.need(report, "editors", "name the persons who answer, in order of turn")?;
    let list = node.list(report)?;
    if list.is_empty() {
        report.fault(&node.place, "names nobody: no comment would be answered", "name at least one person");
    }
    let mut editors: Vec<At<String>> = Vec::new();
    for node in &list {
        let Some(editor) = node.text(report) else { continue };
        if editors.iter().any(|earlier| earlier.value == editor.value) {
            report.fault(&editor.place, format!("{} is named twice", quote(&editor.value)), "remove one");
            continue;
        }
        if context.known.expect_person(&editor, report) {
            context.known.expect_role(&editor, Role::Editor, report);
            qualified(&editor, context, report);
        }
        editors.push(editor);
    }
    Some(editors)
}

fn qualified(editor: &At<String>, context: &Context<'_>, report: &mut Report) {
    let Some(person) = context.known.person(&editor.value) else { return };
    let rules = [
        (person.trained.is_some(), context.editors.trained, "not trained as an editor", "trained = the date"),
        (person.employed, context.editors.employed, "not employed", "employed = true"),
    ];
    for (fulfilled, required, what, remedy) in rules {
        let message = format!("editor `{}` is {what}", person.id);
        let remedy = format!("write {remedy} under person[{}] if so, or name somebody else", person.id);
        if fulfilled {
            continue;
        }
        if required {
            report.fault(&editor.place, format!("{message}, which the profile demands"), remedy);
        } else {
            report.warn(&editor.place, message, remedy);
        }
    }
}

/// At least two with access (R62), and on no day nobody (R3).
fn coverage(
    section: &Section<'_, '_>,
    owner: &At<String>,
    editors: &[At<String>],
    context: &Context<'_>,
    report: &mut Report,
) {
    let known = context.known;
    let named: BTreeSet<&str> = editors.iter().chain([owner]).map(|id| id.value.as_str()).collect();
    let with_access = named.iter().filter(|id| !known.has_left(id)).count();
    let place = section.child("editors");
    if with_access < 2 {
        report.warn(
            &place,
            format!(
                "{with_access} of the persons named has access: \"Minst två anställda bör ha behörighet\""
            ),
            "name another editor",
        );
    }
    let communicators =
        known.roster.persons.iter().filter(|person| person.roles.contains(&Role::Communicator));
    let chain = known.with_deputies(
        named.iter().copied().chain(communicators.map(|person| person.id.as_str())).chain(context.operator),
    );
    // Who is there changes only on the first day of an absence, so those days tell all.
    let days: BTreeSet<NaiveDate> = known.roster.absences.iter().map(|absence| absence.from).collect();
    let nobody = |day: &NaiveDate| !chain.iter().any(|id| known.roster.absence(id, *day).is_none());
    let Some(day) = days.into_iter().find(nobody) else { return };
    let for_good = chain
        .iter()
        .all(|id| known.roster.absences.iter().any(|absence| absence.person == *id && absence.to.is_none()));
    let message = format!(
        "nobody is there from {day}: not the owner, no editor, no deputy, no communicator, not the operator"
    );
    let remedy = "name a deputy who is there, or correct the absences";
    if for_good {
        report.fault(&place, message, remedy);
    } else {
        report.warn(&place, message, remedy);
    }
}

/// A schedule in Stockholm time that fires, and names its weekdays.
fn poll(node: &Node<'_, '_>, status: Option<AccountStatus>, report: &mut Report) -> Option<Poll> {
    let text = node.text(report)?;
    let schedule = match parse_schedule(&text.value) {
        Ok(schedule) => schedule,
        Err((message, remedy)) => {
            report.fault(&node.place, format!("{}: {message}", quote(&text.value)), remedy);
            return None;
        }
    };
    let first = NaiveDate::from_ymd_opt(2027, 1, 1)?;
    let midnight = |days| {
        let day = first.checked_add_days(Days::new(days))?.and_hms_opt(0, 0, 0)?;
        Stockholm.from_local_datetime(&day).earliest()
    };
    // A common year tells whether every day has a poll; which year it is does not matter.
    let polled = |days: u64| {
        let (from, to) = (midnight(days)?, midnight(days + 1)?);
        schedule.after(&(from - chrono::TimeDelta::seconds(1))).next().map(|at| at < to)
    };
    if polled(0).is_none() {
        report.fault(
            &node.place,
            format!("{} never comes", quote(&text.value)),
            "correct the day and the month",
        );
        return None;
    }
    let missed = (0..365).filter(|days| polled(*days) != Some(true)).count();
    if missed > 0 && status == Some(AccountStatus::Active) {
        report.warn(
            &node.place,
            format!("leaves days of a year unwatched ({missed} of 365): \"daglig bevakning är att föredra\""),
            "watch at least once every 24 hours, such as \"0 */5 * * * *\"",
        );
    }
    let mut fields = text.value.split_whitespace();
    if fields.next().is_some_and(|seconds| seconds.contains(['*', '/', '-', ','])) {
        report.warn(
            &node.place,
            "polls more than once a minute, and will use up what the platform allows",
            "write one number of seconds first, such as \"0 */5 * * * *\"",
        );
    }
    Some(Poll { text: text.value, schedule })
}

fn parse_schedule(text: &str) -> Result<Schedule, (String, &'static str)> {
    const REMEDY: &str =
        "write sec min hour day month weekday, such as \"0 */5 * * * *\" or \"0 0 8 * * MON-FRI\"";
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 6 {
        return Err((format!("has {} fields, not six", fields.len()), REMEDY));
    }
    // `cron` counts Sunday as 1, other programs as 0 or 7; nobody should have to remember which.
    if fields[5].contains(|c: char| c.is_ascii_digit()) {
        return Err((
            "names a weekday by number, which means different days in different programs".to_owned(),
            "write weekdays by name: MON-SUN",
        ));
    }
    for field in &fields {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "*,/-?".contains(c);
        // `cron` would build a set of all numbers between two bounds, and step by nothing.
        let numbers = || field.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
        let no_step = field.split('/').skip(1).any(|step| step.trim_start_matches('0').is_empty());
        if !field.chars().all(allowed)
            || field.len() > 100
            || numbers().any(|number| number.len() > 2)
            || no_step
        {
            return Err((format!("the field {} cannot be read", quote(field)), REMEDY));
        }
    }
    fields.join(" ").parse().map_err(|_| ("cannot be read as a schedule".to_owned(), REMEDY))
}

fn poll_decided(node: &Node<'_, '_>, context: &Context<'_>, report: &mut Report) -> Option<PollDecided> {
    let mut section = node.table(report)?;
    let by = section.need(report, "by", "name the person who decided").and_then(|node| node.text(report));
    let on = section.need(report, "on", "write the date").and_then(|node| node.date(report));
    let reason = section.need(report, "reason", "write why this often").and_then(|node| node.text(report));
    section.close(report);
    if let Some(by) = &by
        && context.known.expect_person(by, report)
        && context.known.person(&by.value).is_some_and(|person| !person.manager)
    {
        report.warn(
            &by.place,
            format!(
                "person `{}` is no manager: the account's manager decides how often it is watched",
                by.value
            ),
            "let the manager decide",
        );
    }
    Some(PollDecided { by: by?.value, on: on?.value, reason: reason?.value })
}

/// Where the platform answers unless the file says otherwise.
fn usual_api(platform: Platform) -> &'static str {
    match platform {
        Platform::Facebook => "https://graph.facebook.com/v25.0",
        Platform::Instagram => "https://graph.instagram.com/v25.0",
        Platform::Youtube => "https://www.googleapis.com/youtube/v3",
        Platform::Linkedin => "https://api.linkedin.com/rest",
        Platform::X => "https://api.x.com/2",
        Platform::Bluesky => "https://bsky.social",
    }
}

fn api(node: &Node<'_, '_>, report: &mut Report) -> Option<Api> {
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
fn secret_files(
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
fn shape(platform: Platform, id: &At<String>, api: &Url, report: &mut Report) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_six_fields_and_names_its_weekdays() {
        for good in
            ["0 */5 * * * *", "30 */2 * * * *", "0 0 8,12 * * MON-FRI", "0 0 8 1 JAN ?", "0  0 8 * * Sun"]
        {
            parse_schedule(good).unwrap();
        }
        for bad in [
            "",
            "* * * * *",
            "0 0 8 * * 1",
            "0 0 8 * * 2-6",
            "0 0 8 * * * 2027",
            "0 0-4000000000 8 * * *",
            "0 */0 8 * * *",
            "0 */00 8 * * *",
            "0 0 25 * * *",
            "0 0 8 * * MÅN",
            "x x x x x x",
            "0 0 8 32 * *",
        ] {
            assert!(parse_schedule(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_schedule_makes_it_panic(text in "[0-9*/,?a-zA-Z -]{0,40}") {
            if let Ok(schedule) = parse_schedule(&text) {
                let _ = schedule.after(&Stockholm.with_ymd_and_hms(2027, 3, 28, 0, 0, 0).unwrap()).next();
            }
        }
    }
}
