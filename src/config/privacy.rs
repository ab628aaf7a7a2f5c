//! `[data_protection]`: what must be decided before the watch begins (N17).

use chrono::NaiveDate;

use super::machine::email;
use super::profile::decision;
use super::reader::{Report, Section};
use crate::domain::category::DecisionRef;

/// What the municipality has decided and published about the processing. Nothing of it stops the program; `check` warns
/// until it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataProtection {
    /// The decision on the impact assessment (article 35 of the general data protection regulation).
    pub assessment: Option<DecisionRef>,
    /// When the data protection officer gave an opinion on it (local date).
    pub opinion: Option<NaiveDate>,
    /// Since when those who write are informed, on the accounts' pages (articles 13 and 14; local date).
    pub informed: Option<NaiveDate>,
    /// The data protection officer's address.
    pub officer: Option<String>,
}

/// Reads the section; a file without it has decided nothing yet.
pub(super) fn data_protection(root: &mut Section<'_, '_>, report: &mut Report) -> DataProtection {
    let Some(mut section) = root.section(report, "data_protection") else { return DataProtection::default() };
    let read = DataProtection {
        assessment: section.get("assessment").and_then(|node| decision(&node, report)),
        opinion: section.get("opinion").and_then(|node| node.date(report)).map(|date| date.value),
        informed: section.get("informed").and_then(|node| node.date(report)).map(|date| date.value),
        officer: section.get("officer").and_then(|node| email(&node, report)).map(|address| address.value),
    };
    section.close(report);
    read
}
