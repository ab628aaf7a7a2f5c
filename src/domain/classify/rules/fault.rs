//! What is wrong with a rule file, where, and what to do.

use std::fmt;

/// One fault of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, counted from 1; `None` when it is the file itself.
    pub line: Option<usize>,
    /// The rule's id, or its place in the file; `None` when it is no rule.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What helps.
    pub remedy: String,
}

impl fmt::Display for RuleFault {
    /// `file:line: rule: problem; remedy`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, ": rule `{rule}`")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for RuleFault {}
