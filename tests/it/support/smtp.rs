//! A real SMTP server (aiosmtpd) in a process of its own; `tests/mail/server.py` says which modes it has.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The login that a server with the mode `auth` takes.
pub(crate) const USER: &str = "uppsikt";
/// Its password; not ASCII on purpose.
pub(crate) const PASSWORD: &str = "hemligt lösenord";

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    folder: TempDir,
    child: Child,
}

impl SmtpServer {
    /// Starts a server with `modes`, separated by spaces.
    pub(crate) fn start(modes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python())
            .arg(root().join("tests/mail/server.py"))
            .arg(folder.path())
            .args(modes.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("the mail server for `{modes}` did not start: {line}"));
        Self { port, folder, child }
    }

    /// The root certificate that signed the server's.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A root certificate that signed nothing.
    pub(crate) fn other_ca_file(&self) -> PathBuf {
        self.folder.path().join("other-ca.pem")
    }

    /// Every letter that the server took charge of, in order.
    pub(crate) fn letters(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = fs::read_dir(self.folder.path().join("mail"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// The commands that the server has handled, one a line; empty before the first.
    pub(crate) fn dialogue(&self) -> String {
        fs::read_to_string(self.folder.path().join("dialogue.log")).unwrap_or_default()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python with aiosmtpd, installed on first use.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = std::env::var_os("UPPSIKT_VENV").map_or_else(|| root().join("tests/.venv"), PathBuf::from);
        let status = Command::new(root().join("tests/mail/setup.sh")).arg(&venv).status().unwrap();
        assert!(status.success(), "tests/mail/setup.sh could not install aiosmtpd into {}", venv.display());
        venv.join("bin/python")
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
