//! `uppsikt status --metrics`: the same figures for a monitoring system, in the text form of Prometheus.
//!
//! Nothing listens for it: a timer writes the answer into a file that the node exporter's textfile collector reads, or
//! the municipality's own agent runs the command. Form: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::{DateTime, Utc};

use crate::config::{AccountStatus, Config};
use crate::connector::Left;
use crate::store::views::{self, Health};
use crate::store::{Reader, budgets};

/// Writes every figure; times are seconds since 1970 (UTC), and what has never been has no line.
///
/// # Errors
/// The store's; `out`'s.
pub fn show(reader: &Reader, config: &Config, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let ids: Vec<_> = config.accounts.iter().map(|account| account.id.as_str()).collect();
    let health = views::health(reader, &ids, now)?;
    let left = budgets::left(reader, now)?;
    out.write_all(told(&health, &left, config).as_bytes())?;
    Ok(())
}

/// The text of all metrics; each name stands once, with its lines behind it, as the form demands.
fn told(health: &Health, left: &[Left], config: &Config) -> String {
    let mut all = Metrics::default();
    let at = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp());
    all.add("last_pass_timestamp_seconds", "When a pass was finished last.", &[], at(health.last_pass));
    for (account, known) in config.accounts.iter().zip(&health.accounts) {
        if account.status == AccountStatus::Closed {
            continue;
        }
        let of = [("account", account.id.as_str()), ("platform", account.platform.code())];
        all.add("account_last_read_timestamp_seconds", "When a poll last succeeded.", &of, at(known.last_ok));
        all.add("account_next_read_timestamp_seconds", "When it is polled next.", &of, at(known.next_poll));
        let blind = i64::from(known.blind_since.is_some());
        all.add("account_blind", "1 while the account cannot be read.", &of, Some(blind));
        let slow = i64::from(known.slow.is_some());
        all.add("account_slowed", "1 while it is read more rarely, so that a quota lasts.", &of, Some(slow));
    }
    for left in left {
        let of = [("quota", left.name.as_str())];
        let units = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
        let rest = left.limit.saturating_sub(left.used);
        all.add("quota_limit_units", "Units that a window of the quota has.", &of, units(left.limit));
        all.add("quota_left_units", "Units that are left of it.", &of, units(rest));
        let polling = rest.saturating_sub(left.reserve);
        all.add("quota_left_for_polling_units", "Of these, what polling may spend.", &of, units(polling));
        let whole = "When the quota is whole again.";
        all.add("quota_whole_again_timestamp_seconds", whole, &of, at(left.resets_at));
    }
    for (state, count) in &health.cases {
        let count = i64::try_from(*count).ok();
        all.add("cases", "Cases by state.", &[("state", state)], count);
    }
    for (name, help, count) in [
        ("duties_open", "Open duties.", health.open_duties),
        ("duties_overdue", "Open duties whose time is out.", health.overdue_duties),
        ("letters_waiting", "Letters that wait to be sent.", health.letters_waiting),
        ("letters_refused", "Letters that the mail server would not have.", health.letters_refused),
        (
            "brakes_held",
            "Brakes that stop automatic hiding.",
            health.brakes.len().try_into().unwrap_or(u64::MAX),
        ),
        ("log_entries", "Entries in the log.", health.log_size),
    ] {
        all.add(name, help, &[], i64::try_from(count).ok());
    }
    all.text()
}

/// Lines by name, in the order in which the names came.
#[derive(Debug, Default)]
struct Metrics {
    names: Vec<&'static str>,
    known: BTreeMap<&'static str, (&'static str, Vec<String>)>,
}

impl Metrics {
    fn add(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: Option<i64>) {
        let Some(value) = value else { return };
        let (_, lines) = self.known.entry(name).or_insert_with(|| {
            self.names.push(name);
            (help, Vec::new())
        });
        let labels: Vec<_> =
            labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        lines.push(format!("uppsikt_{name}{labels} {value}\n"));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.names {
            let Some((help, lines)) = self.known.get(name) else { continue };
            text.extend(["# HELP uppsikt_", name, " ", help, "\n# TYPE uppsikt_", name, " gauge\n"]);
            text.extend(lines.iter().map(String::as_str));
        }
        text
    }
}

/// A label's value as the form wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_labels_are_escaped() {
        let mut all = Metrics::default();
        all.add("a", "One.", &[("of", "x")], Some(1));
        all.add("b", "Other.", &[], Some(-2));
        all.add("never", "Nothing.", &[], None);
        all.add("a", "One.", &[("of", "\"\\\n")], Some(3));
        assert_eq!(
            all.text(),
            "# HELP uppsikt_a One.\n# TYPE uppsikt_a gauge\nuppsikt_a{of=\"x\"} 1\nuppsikt_a{of=\"\\\"\\\\\\n\"} 3\n\
             # HELP uppsikt_b Other.\n# TYPE uppsikt_b gauge\nuppsikt_b -2\n"
        );
    }
}
