//! A sandbox's memory between two runs.
//!
//! This is the emulated platform's own disk, no evidence: it must survive that the process is killed, not a power
//! cut, so a line is appended without fsync and the file is never rewritten.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The file that every change is appended to.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Opens or creates the file and gives the lines that stand in it, without a torn last one.
    pub(super) fn open(path: &Path) -> io::Result<(Self, String)> {
        let mut bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            // Killed in the middle of a line: that change was never answered for, so it never happened.
            bytes.truncate(whole);
            file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        }
        let text =
            String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok((Self { file }, text))
    }

    /// Appends one line.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        let mut whole = String::with_capacity(line.len() + 1);
        whole.push_str(line);
        whole.push('\n');
        self.file.write_all(whole.as_bytes())
    }
}
