//! `[platform.<service>]`: what one app or account may ask of a platform, where only the municipality can know.

use super::machine::is_loopback;
use super::reader::{Node, Place, Report, Section, quote, suggestion};
use super::{Account, AccountStatus, Api};
use crate::connector::{linkedin, x};
use crate::domain::comment::Platform;

/// What may be asked of the platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platforms {
    /// LinkedIn.
    pub linkedin: LinkedinLimits,
    /// X.
    pub x: XLimits,
}

/// What LinkedIn lets one app and one person ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedinLimits {
    /// The version of the API that is spoken (`YYYYMM`); each lives for about a year.
    pub version: String,
    /// Calls a day of the municipality's app, by all accounts together.
    pub calls_a_day: u64,
    /// Calls a day with one key.
    pub calls_a_day_by_person: u64,
}

/// What the municipality pays for at X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XLimits {
    /// Posts read a day, by one account.
    pub reads_a_day: u64,
}

impl Default for LinkedinLimits {
    fn default() -> Self {
        Self {
            version: linkedin::VERSION.to_owned(),
            calls_a_day: linkedin::CALLS_A_DAY,
            calls_a_day_by_person: linkedin::CALLS_A_DAY_BY_PERSON,
        }
    }
}

impl Default for XLimits {
    fn default() -> Self {
        Self { reads_a_day: x::READS_A_DAY }
    }
}

/// The services that have a section.
const KNOWN: [&str; 2] = ["linkedin", "x"];

/// Numbers that make sense: with fewer nothing is read at all, more is no limit.
const UNITS: std::ops::Range<u64> = 10..10_000_001;

/// Reads `[platform]`; `None` after a fault in it.
pub(super) fn platforms(root: &mut Section<'_, '_>, report: &mut Report) -> Option<Platforms> {
    let Some(node) = root.get("platform") else { return Some(Platforms::default()) };
    let section = node.table(report)?;
    let mut read = Platforms::default();
    let mut whole = true;
    for (name, node) in section.entries() {
        let Some(mut section) = node.table(report) else {
            whole = false;
            continue;
        };
        let mut units = |section: &mut Section<'_, '_>, key, usual: &mut u64| {
            let Some(node) = section.get(key) else { return };
            match node.number(report, UNITS) {
                Some(units) => *usual = units,
                None => whole = false,
            }
        };
        match name.value.as_str() {
            "linkedin" => {
                units(&mut section, "calls_a_day", &mut read.linkedin.calls_a_day);
                units(&mut section, "calls_a_day_by_person", &mut read.linkedin.calls_a_day_by_person);
                if let Some(node) = section.get("version") {
                    match version(&node, report) {
                        Some(version) => read.linkedin.version = version,
                        None => whole = false,
                    }
                }
            }
            "x" => units(&mut section, "reads_a_day", &mut read.x.reads_a_day),
            other => {
                let remedy = suggestion(other, &KNOWN)
                    .unwrap_or_else(|| format!("services with limits to set: {}", KNOWN.join(", ")));
                report.fault(&name.place, format!("{} has no limits to set", quote(other)), remedy);
                whole = false;
                continue;
            }
        }
        section.close(report);
    }
    whole.then_some(read)
}

/// `YYYYMM`.
fn version(node: &Node<'_, '_>, report: &mut Report) -> Option<String> {
    let text = node.text(report)?.value;
    let digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let month = text.get(4..).and_then(|month| month.parse::<u32>().ok());
    if digits && text.starts_with("20") && month.is_some_and(|month| (1..=12).contains(&month)) {
        return Some(text);
    }
    report.fault(
        &node.place,
        format!("{} is no version of LinkedIn's API", quote(&text)),
        format!("write year and month, such as \"{}\"", linkedin::VERSION),
    );
    None
}

/// Accounts that are polled more often than the platform lets them: a pass costs a call at the very least.
pub(super) fn fits(accounts: &[Account], limits: &Platforms, report: &mut Report) {
    let watched = |account: &&Account| {
        account.platform == Platform::Linkedin
            && account.status != AccountStatus::Closed
            && matches!(&account.api, Api::Url(url) if !is_loopback(url))
    };
    for account in accounts.iter().filter(watched) {
        let polls = account.poll.a_day();
        let most = limits.linkedin.calls_a_day_by_person.min(limits.linkedin.calls_a_day);
        if polls > most {
            let place = Place { key: format!("account[{}].poll", account.id), ..Place::default() };
            report.warn(
                &place,
                format!("polls {polls} times a day, and LinkedIn lets one person ask {most} times: the rest waits"),
                "poll every other hour, or raise platform.linkedin.calls_a_day_by_person if LinkedIn has granted more",
            );
        }
    }
}
