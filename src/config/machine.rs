//! The machine's sections: organisation, paths, network, mail, desk, hours, brake.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::NaiveTime;
use url::{Host, Url};

use super::reader::{At, Node, Report, Section, is_id, quote};
use super::{
    Brake, Desk, EArchive, KekSource, Mail, ModelChoice, Network, Organisation, Paths, Smtp, Tls, Transport,
};
use crate::domain::calendar::{ClosedDay, DayRule, Hours, ShortDay, is_working_day};

/// Below this much, "nearly full" comes too late.
const LITTLE: u64 = 256 * 1024 * 1024;

/// Who takes over what is delivered.
fn e_archive(root: &mut Section<'_, '_>, report: &mut Report) -> Option<EArchive> {
    let mut section = root.section(report, "e_archive")?;
    let name = section.need(report, "name", "write the e-archive's name").and_then(|node| node.text(report));
    let number = section.get("number").and_then(|node| org_number(&node, report));
    let agreement = section.get("agreement").and_then(|node| node.text(report));
    let version = section.get("sip").and_then(|node| node.parsed(report, "2.1.0 or 2.2.0"));
    section.close(report);
    Some(EArchive {
        name: name?.value,
        number,
        agreement: agreement.map(|agreement| agreement.value),
        version: version.map(|version| version.value).unwrap_or_default(),
    })
}

/// A number such as `212000-0000`.
fn org_number(node: &Node<'_, '_>, report: &mut Report) -> Option<String> {
    let number = node.text(report)?;
    let is_number = |digits: &str, count| digits.len() == count && digits.bytes().all(|b| b.is_ascii_digit());
    if number.value.split_once('-').is_some_and(|(one, two)| is_number(one, 6) && is_number(two, 4)) {
        return Some(number.value);
    }
    report.fault(&number.place, "is no organisation's number", "write it as 212000-0000");
    None
}

/// The organisation, and the operator's id with its place even where the rest has faults.
pub(super) fn organisation(
    root: &mut Section<'_, '_>,
    report: &mut Report,
) -> (Option<Organisation>, Option<At<String>>) {
    let remedy = "add [organisation] with name, log_origin and operator";
    let Some(mut section) = root.need(report, "organisation", remedy).and_then(|node| node.table(report))
    else {
        return (None, None);
    };
    let name =
        section.need(report, "name", "write the municipality's name").and_then(|node| node.text(report));
    let origin = section
        .need(report, "log_origin", "write a name of your own, such as \"exempel.se/uppsikt\"")
        .and_then(|node| log_origin(&node, report));
    let operator = section
        .need(report, "operator", "name the person who gets technical letters")
        .and_then(|node| node.text(report));
    let number = section.get("number").and_then(|node| org_number(&node, report));
    section.close(report);
    let archive = e_archive(root, report);
    let organisation = match (name, origin, &operator) {
        (Some(name), Some(log_origin), Some(operator)) => Some(Organisation {
            name: name.value,
            log_origin,
            operator: operator.value.clone(),
            number,
            archive,
        }),
        _ => None,
    };
    (organisation, operator)
}

/// The name goes into signed notes (C2SP `signed-note`), where spaces and `+` have a meaning.
fn log_origin(node: &Node<'_, '_>, report: &mut Report) -> Option<String> {
    let text = node.text(report)?;
    let origin = &text.value;
    let message = if origin.contains(|c: char| c.is_whitespace() || c == '+') {
        "holds a space or `+`, which a signed note does not allow"
    } else if origin.contains("://") {
        "begins with a scheme"
    } else if origin.starts_with('/') || origin.ends_with('/') {
        "begins or ends with `/`"
    } else if origin.len() > 200 {
        "is longer than 200 bytes"
    } else if origin.rsplit('/').next().is_some_and(numbered_log) {
        "ends with the name of one log; Uppsikt adds /logg1 itself"
    } else {
        return Some(text.value);
    };
    report.fault(
        &node.place,
        format!("{} {message}", quote(origin)),
        "write a name without scheme, such as \"exempel.se/uppsikt\"",
    );
    None
}

fn numbered_log(name: &str) -> bool {
    name.strip_prefix("logg")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn paths(root: &mut Section<'_, '_>, folder: &Path, report: &mut Report) -> Option<Paths> {
    let mut paths = Paths {
        data: PathBuf::from("/var/lib/uppsikt"),
        secrets: PathBuf::from("/var/lib/uppsikt-secrets"),
        min_free: 2 << 30,
        kek: KekSource::Credential("kek".to_owned()),
        model: None,
        rules: Some(folder.join("rules")).filter(|rules| rules.is_dir()),
    };
    let Some(node) = root.get("paths") else { return Some(paths) };
    let mut section = node.table(report)?;
    if let Some(data) = section.get("data").and_then(|node| node.text(report)) {
        paths.data = folder.join(data.value);
    }
    if let Some(model) = section.get("model").and_then(|node| node.text(report)) {
        paths.model = Some(ModelChoice::named(&model.value, folder));
    }
    if let Some(node) = section.get("rules")
        && let Some(rules) = node.text(report)
    {
        let rules = folder.join(rules.value);
        if !rules.is_dir() {
            report.fault(
                &node.place,
                format!("{} is no folder", rules.display()),
                "name the folder with the municipality's own rules (*.toml), or leave the key out",
            );
        }
        paths.rules = Some(rules);
    }
    if let Some(node) = section.get("secrets")
        && let Some(secrets) = node.text(report)
    {
        paths.secrets = folder.join(secrets.value);
        if paths.secrets.starts_with(&paths.data) {
            report.warn(
                &node.place,
                "lies below paths.data, so that a backup of the data also holds the tokens",
                "choose a folder beside it",
            );
        }
    }
    if let Some(node) = section.get("min_free")
        && let Some(bytes) = size(&node, report)
    {
        paths.min_free = bytes;
        if bytes < LITTLE {
            report.warn(
                &node.place,
                "leaves little room: hiding stops only when the disk is nearly full",
                "write at least \"256 MiB\"; the default is \"2 GiB\"",
            );
        }
    }
    if let Some(node) = section.get("kek_file")
        && let Some(file) = node.text(report)
    {
        let file = folder.join(file.value);
        if file.starts_with(&paths.data) {
            report.warn(
                &node.place,
                "lies below paths.data, so that a backup of the data can be read without a second key",
                "keep the key elsewhere, such as /etc/uppsikt/kek",
            );
        }
        paths.kek = KekSource::File(file);
    }
    section.close(report);
    Some(paths)
}

/// `"2 GiB"`, or a number of bytes.
fn size(node: &Node<'_, '_>, report: &mut Report) -> Option<u64> {
    if node.value.is_integer() {
        return node.number(report, 0..1 << 60);
    }
    let text = node.text(report)?;
    let bytes = parse_size(&text.value);
    if bytes.is_none() {
        report.fault(
            &node.place,
            format!("{} is no size", quote(&text.value)),
            "write a whole number and a unit, such as \"2 GiB\" or \"500 MB\"",
        );
    }
    bytes
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

pub(super) fn network(root: &mut Section<'_, '_>, folder: &Path, report: &mut Report) -> Option<Network> {
    let Some(node) = root.get("network") else { return Some(Network::default()) };
    let mut section = node.table(report)?;
    let mut network = Network::default();
    if let Some(node) = section.get("proxy")
        && let Some(url) = web_address(&node, report)
    {
        if !url.username().is_empty() || url.password().is_some() {
            report.warn(
                &node.place,
                "holds a user name or password that everybody may read who may read this file",
                "let the proxy know this server by its address",
            );
        }
        network.proxy = Some(url);
    }
    network.ca_file =
        section.get("ca_file").and_then(|node| node.text(report)).map(|file| folder.join(file.value));
    section.close(report);
    Some(network)
}

/// An `http` or `https` address with a host.
pub(super) fn web_address(node: &Node<'_, '_>, report: &mut Report) -> Option<Url> {
    let text = node.text(report)?;
    let url = Url::parse(&text.value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if url.is_none() {
        report.fault(
            &node.place,
            format!("{} is no web address", quote(&text.value)),
            "write a whole address that begins with https://",
        );
    }
    url
}

/// True where the address never leaves this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn mail(root: &mut Section<'_, '_>, folder: &Path, report: &mut Report) -> Option<Mail> {
    let mut section =
        root.need(report, "mail", "add [mail] with from, and [mail.smtp] with host")?.table(report)?;
    let from =
        section.need(report, "from", "write the sender's address").and_then(|node| email(&node, report));
    let folder_only = section
        .get("transport")
        .and_then(|node| node.word(report, &[("smtp", false), ("folder", true)]))
        .is_some_and(|word| word.value);
    let office_hours_only =
        section.get("office_hours_only").is_none_or(|node| node.boolean(report).unwrap_or(true));
    let smtp = match section.get("smtp") {
        Some(node) => node.table(report).and_then(|table| smtp(table, folder, report)),
        None if folder_only => None,
        None => {
            let place = section.child("smtp");
            report.fault(&place, "is missing", "add [mail.smtp] with host, or write transport = \"folder\"");
            None
        }
    };
    section.close(report);
    let transport = if folder_only { Transport::Folder } else { Transport::Smtp(smtp?) };
    Some(Mail { from: from?.value, transport, office_hours_only })
}

fn smtp(mut section: Section<'_, '_>, folder: &Path, report: &mut Report) -> Option<Smtp> {
    let host = section
        .need(report, "host", "write the relay's host name")
        .and_then(|node| node.text(report))
        .and_then(|host| {
            if host.value.parse::<IpAddr>().is_ok() || Host::parse(&host.value).is_ok() {
                return Some(host.value);
            }
            report.fault(
                &host.place,
                format!("{} is no host name", quote(&host.value)),
                "write the relay's host name alone",
            );
            None
        });
    let words = [("starttls", Tls::Starttls), ("implicit", Tls::Implicit), ("none", Tls::None)];
    let tls_place = section.get("tls").map_or_else(|| section.child("tls"), |node| node.place);
    let tls = section
        .get("tls")
        .map_or(Some(Tls::Starttls), |node| node.word(report, &words).map(|word| word.value));
    let port = section
        .get("port")
        .map(|node| node.number(report, 1..65536).and_then(|port| u16::try_from(port).ok()));
    let accepted = section.get("accept_unencrypted");
    let accept_unencrypted = accepted.as_ref().and_then(|node| node.boolean(report)).unwrap_or(false);
    let username = section.get("username").and_then(|node| node.text(report));
    let password_file = section.get("password_file").and_then(|node| node.text(report));
    if tls == Some(Tls::None) && !accept_unencrypted {
        report.fault(
            &tls_place,
            "letters would go unencrypted to the relay",
            "write tls = \"starttls\", or accept it by accept_unencrypted = true",
        );
    }
    if let Some(node) = accepted.filter(|_| accept_unencrypted && tls != Some(Tls::None)) {
        report.warn(&node.place, "has no effect: the connection is encrypted", "remove it");
    }
    match (&username, &password_file) {
        (Some(name), None) => {
            report.fault(&name.place, "has no password_file beside it", "name the file with the password");
        }
        (None, Some(file)) => {
            report.fault(&file.place, "has no username beside it", "add username, or remove this");
        }
        (Some(name), Some(_)) if tls == Some(Tls::None) => {
            report.warn(
                &name.place,
                "is sent with the password in clear to the relay",
                "encrypt, or remove both",
            );
        }
        _ => {}
    }
    section.close(report);
    let tls = tls?;
    let usual = match tls {
        Tls::Starttls => 587,
        Tls::Implicit => 465,
        Tls::None => 25,
    };
    Some(Smtp {
        host: host?,
        port: port.unwrap_or(Some(usual))?,
        tls,
        username: username.map(|name| name.value),
        password_file: password_file.map(|file| folder.join(file.value)),
        accept_unencrypted,
    })
}

/// An address as `local@domain`, without a name and without characters that end a header.
pub(super) fn email(node: &Node<'_, '_>, report: &mut Report) -> Option<At<String>> {
    let text = node.text(report)?;
    if is_email(&text.value) {
        return Some(text);
    }
    report.fault(
        &node.place,
        format!("{} is no mail address", quote(&text.value)),
        "write it as name@host, in ASCII (å, ä, ö in a host are written as xn--…)",
    );
    None
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local_ok && domain.len() <= 253 && domain.split('.').all(label)
}

pub(super) fn desk(root: &mut Section<'_, '_>, report: &mut Report) -> Option<Desk> {
    let mut section =
        root.need(report, "desk", "add [desk] with public_url: letters link to it")?.table(report)?;
    let listen = match section.get("listen") {
        Some(node) => node.parsed::<SocketAddr>(report, "an address with a port, such as 127.0.0.1:8080"),
        None => Some(At { value: SocketAddr::from(([127, 0, 0, 1], 8080)), place: section.child("listen") }),
    };
    if let Some(listen) = listen.as_ref().filter(|listen| !listen.value.ip().is_loopback()) {
        report.warn(
            &listen.place,
            "the desk speaks plain HTTP, and listens here beyond this machine",
            "listen on 127.0.0.1, behind a web server that has a certificate",
        );
    }
    let public_url = section
        .need(report, "public_url", "write the address that stands in letters")
        .and_then(|node| public_url(&node, report));
    section.close(report);
    Some(Desk { listen: listen?.value, public_url: public_url? })
}

fn public_url(node: &Node<'_, '_>, report: &mut Report) -> Option<String> {
    let url = web_address(node, report)?;
    let message = if url.scheme() != "https" && !is_loopback(&url) {
        "is not encrypted: what editors decide would travel in clear"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a query or a fragment"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user name or a password"
    } else {
        return Some(url.as_str().trim_end_matches('/').to_owned());
    };
    report.fault(&node.place, message, "write an address such as https://uppsikt.exempel.se");
    None
}

pub(super) fn hours(root: &mut Section<'_, '_>, report: &mut Report) -> Option<Hours> {
    let mut hours = Hours::default();
    let Some(node) = root.get("hours") else { return Some(hours) };
    let mut section = node.table(report)?;
    if let Some(open) = section.get("open").and_then(|node| node.time(report)) {
        hours.open = open.value;
    }
    if let Some(close) = section.get("close").and_then(|node| node.time(report)) {
        hours.close = close.value;
    }
    if hours.open >= hours.close {
        let place = section.child("close");
        report.fault(&place, "is not later than open", "write the times of one working day");
    }
    let mut days = Vec::new();
    for (key, short) in [("closed_days", false), ("short_days", true)] {
        let Some(list) = section.get(key).and_then(|node| node.list(report)) else { continue };
        for node in list {
            day(&node, short, &mut hours, &mut days, report);
        }
    }
    section.close(report);
    Some(hours)
}

fn day(node: &Node<'_, '_>, short: bool, hours: &mut Hours, days: &mut Vec<DayRule>, report: &mut Report) {
    let Some(mut section) = node.table(report) else { return };
    let date = section.get("date");
    let rule = section.get("rule");
    let when = match (&date, &rule) {
        (Some(date), None) => date.date(report).map(|date| DayRule::Date(date.value)),
        (None, Some(rule)) => rule.text(report).and_then(|text| {
            let rule = text.value.parse::<DayRule>().ok();
            if rule.is_none() {
                report.fault(
                    &text.place,
                    format!("{} is no rule for a day", quote(&text.value)),
                    "write \"easter-3\", \"easter+38\" or \"01-05\" (month and day)",
                );
            }
            rule
        }),
        _ => {
            report.fault(&section.place, "needs either date or rule", "write one of them");
            None
        }
    };
    let reason = section
        .need(report, "reason", "write why, in Swedish: it stands in explanations")
        .and_then(|node| node.text(report));
    let close = if short {
        section.need(report, "close", "write the earlier closing").and_then(|node| node.time(report))
    } else {
        None
    };
    let outside =
        |close: &NaiveTime| hours.open < hours.close && !(hours.open < *close && *close < hours.close);
    if let Some(close) = close.as_ref().filter(|close| outside(&close.value)) {
        report.fault(
            &close.place,
            format!("is not between {} and {}", hours.open.format("%H:%M"), hours.close.format("%H:%M")),
            "write an earlier closing, or move the day to closed_days",
        );
    }
    section.close(report);
    let (Some(when), Some(reason)) = (when, reason) else { return };
    if days.contains(&when) {
        report.fault(&node.place, "is the same day as an earlier one", "remove one of the two");
    }
    if let DayRule::Date(date) = when
        && !is_working_day(date, &Hours::default())
    {
        report.warn(
            &node.place,
            format!("{date} is no working day anyway"),
            "remove it, or correct the date",
        );
    }
    days.push(when);
    if short {
        if let Some(close) = close {
            hours.short_days.push(ShortDay { when, close: close.value, reason: reason.value });
        }
    } else {
        hours.closed_days.push(ClosedDay { when, reason: reason.value });
    }
}

pub(super) fn brake(root: &mut Section<'_, '_>, report: &mut Report) -> Option<Brake> {
    let mut brake = Brake { automatic_hides_per_rule_and_day: 5, automatic_hides_per_day: 20 };
    let Some(node) = root.get("brake") else { return Some(brake) };
    let mut section = node.table(report)?;
    let mut limit = |key, target: &mut u32, report: &mut Report| {
        if let Some(value) = section.get(key).and_then(|node| node.number(report, 0..10_001)) {
            *target = u32::try_from(value).unwrap_or(*target);
        }
    };
    limit("automatic_hides_per_rule_and_day", &mut brake.automatic_hides_per_rule_and_day, report);
    limit("automatic_hides_per_day", &mut brake.automatic_hides_per_day, report);
    if brake.automatic_hides_per_rule_and_day > brake.automatic_hides_per_day {
        let place = section.child("automatic_hides_per_rule_and_day");
        report.warn(&place, "is above automatic_hides_per_day, which stops first", "lower it");
    }
    section.close(report);
    Some(brake)
}

/// An id: letters a–z, digits, `-` and `_`.
pub(super) fn id(section: &mut Section<'_, '_>, report: &mut Report) -> Option<At<String>> {
    let text = section.need(report, "id", "give it a short id of its own")?.text(report)?;
    if is_id(&text.value) {
        return Some(text);
    }
    report.fault(
        &text.place,
        format!("{} is no id", quote(&text.value)),
        "use at most 40 letters a–z, digits, - and _",
    );
    None
}
