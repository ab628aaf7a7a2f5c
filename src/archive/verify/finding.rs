//! What a verification says: a list of findings, never one error.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The evidence is not what it was, or cannot be read.
    Error,
    /// Something a reader must know; the evidence holds.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is: a stable word for machines.
    pub code: &'static str,
    /// The file, below the folder that was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The first byte of the file that is not what it must be, from 0, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The log entry, where one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// What a person should read, in Swedish.
    pub message: String,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Checked {
    /// Files whose every byte was checked.
    pub files: u64,
    /// Log entries that were read.
    pub entries: u64,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Everything found, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub checked: Checked,
    /// Whether a key or a checkpoint from elsewhere vouches for what was found whole.
    pub authenticated: bool,
    /// The newest time at which an authority named by the reader says that the log was there (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamped_at: Option<DateTime<Utc>>,
    /// The witnesses named by the reader that have cosigned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigned_by: Vec<String>,
}

/// A finding of one file is told at most this often, so that a hostile file does not fill the disk.
const MOST: usize = 10_000;

impl Report {
    /// Whether anything is wrong (exit code 1).
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The command's exit code: 0, or 1 if there is an error among the findings.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.has_errors())
    }

    pub(super) fn error(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        self.add(Severity::Error, code, path, None, None, message.into());
    }

    pub(super) fn error_at(
        &mut self,
        code: &'static str,
        path: &str,
        offset: u64,
        message: impl Into<String>,
    ) {
        self.add(Severity::Error, code, path, Some(offset), None, message.into());
    }

    pub(super) fn entry_error(
        &mut self,
        code: &'static str,
        path: &str,
        index: u64,
        message: impl Into<String>,
    ) {
        self.add(Severity::Error, code, path, None, Some(index), message.into());
    }

    pub(super) fn warning(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        self.add(Severity::Warning, code, path, None, None, message.into());
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &str,
        offset: Option<u64>,
        index: Option<u64>,
        message: String,
    ) {
        if self.findings.len() >= MOST {
            return;
        }
        let path = (!path.is_empty()).then(|| path.to_owned());
        self.findings.push(Finding { severity, code, path, offset, index, message });
        if self.findings.len() == MOST - 1 {
            let message = "fler fel finns än de 10 000 som redovisas".to_owned();
            self.findings.push(Finding {
                severity: Severity::Error,
                code: "too_many",
                path: None,
                offset: None,
                index: None,
                message,
            });
        }
    }
}
