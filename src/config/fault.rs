//! What is wrong with a configuration, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One thing that keeps a configuration from being used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file it stands in.
    pub file: PathBuf,
    /// The line, counted from 1; absent where no line can be named (a file that cannot be read).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The dotted key, such as `account[fb].poll`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// One thing that works and is still worth a person's thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Warning(pub Fault);

impl fmt::Display for Fault {
    /// `file:line: key: message; remedy`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
