//! Secrets are files: read when needed, refused when others can read them, never shown.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroize;

use super::{Config, Fault, KekSource};

/// No token is longer; a larger file is not a secret.
const LARGEST: u64 = 64 * 1024;

/// Read for others, write for group or others: too open for a secret. A group may read (root:uppsikt 0640).
const TOO_OPEN: u32 = 0o027;

impl Config {
    /// The secret in `path`, without the line break at its end.
    ///
    /// A relative path lies below `paths.secrets`. A file that is not there is looked for by its name among
    /// the systemd credentials (`$CREDENTIALS_DIRECTORY`).
    ///
    /// # Errors
    /// A fault that names the file: missing, readable by others, empty, too large, or not text. It never
    /// holds anything of the content.
    pub fn secret(&self, path: &Path) -> Result<SecretString, Fault> {
        find(&self.paths.secrets.join(path), std::env::var_os("CREDENTIALS_DIRECTORY"))
    }

    /// The key-encryption key, as written in its file or credential.
    ///
    /// # Errors
    /// As [`Config::secret`].
    pub fn kek(&self) -> Result<SecretString, Fault> {
        match &self.paths.kek {
            KekSource::File(path) => find(path, std::env::var_os("CREDENTIALS_DIRECTORY")),
            KekSource::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(folder) => read(&Path::new(&folder).join(name)),
                None => Err(fault(
                    Path::new("$CREDENTIALS_DIRECTORY"),
                    &format!("is not set, and paths.kek_file neither: there is no key `{name}`"),
                    "name kek_file in [paths], or start by the systemd unit with LoadCredential=kek:…",
                )),
            },
        }
    }
}

fn find(path: &Path, credentials: Option<OsString>) -> Result<SecretString, Fault> {
    if !path.exists()
        && let (Some(folder), Some(name)) = (credentials, path.file_name())
    {
        let credential = Path::new(&folder).join(name);
        if credential.exists() {
            return read(&credential);
        }
    }
    read(path)
}

fn read(path: &Path) -> Result<SecretString, Fault> {
    let refused = |message: &str, remedy: &str| fault(path, message, remedy);
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused("is not there", "write the secret into it, with mode 0600"));
        }
        Err(error) => {
            return Err(refused(
                &format!("could not be opened: {}", error.kind()),
                "let the service's user read it",
            ));
        }
    };
    if !metadata.is_file() {
        return Err(refused("is not a file", "name the file that holds the secret"));
    }
    if metadata.permissions().mode() & TOO_OPEN != 0 {
        return Err(refused(
            &format!(
                "has mode {:04o}: others could read or change it",
                metadata.permissions().mode() & 0o7777
            ),
            "chmod 600",
        ));
    }
    let mut bytes = Vec::new();
    if let Err(error) = file.take(LARGEST + 1).read_to_end(&mut bytes) {
        return Err(refused(&format!("could not be read: {}", error.kind()), "look at the disk"));
    }
    let result = match std::str::from_utf8(&bytes) {
        Ok(_) if bytes.len() as u64 > LARGEST => Err(refused("is larger than 64 KiB", "name another file")),
        Ok(text) if text.trim().is_empty() => Err(refused("is empty", "write the secret into it")),
        Ok(text) => Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(_) => Err(refused("is not text", "write the secret as UTF-8 text")),
    };
    bytes.zeroize();
    result
}

fn fault(path: &Path, message: &str, remedy: &str) -> Fault {
    Fault {
        file: path.to_path_buf(),
        line: None,
        key: String::new(),
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use secrecy::ExposeSecret;

    use super::*;

    fn secret_of(bytes: &[u8], mode: u32) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        crate::durable::write(&path, bytes, 0o600).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        find(&path, None)
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|fault| fault.to_string().replace(&folder.path().display().to_string(), ""))
    }

    #[test]
    fn a_secret_is_read_without_its_last_line_break_only() {
        assert_eq!(secret_of(b" hemligt \r\n", 0o600).unwrap(), " hemligt ");
        assert_eq!(secret_of(b"rad1\nrad2\n", 0o400).unwrap(), "rad1\nrad2");
        assert_eq!(secret_of(b"x", 0o640).unwrap(), "x");
    }

    #[test]
    fn what_is_refused_says_why_and_never_the_secret() {
        let check = |bytes: &[u8], mode, expected: &str| {
            let message = secret_of(bytes, mode).unwrap_err();
            assert_eq!(message, expected);
            assert!(!message.contains("hemligt"));
        };
        check(b"hemligt", 0o644, "/token: has mode 0644: others could read or change it; chmod 600");
        check(b"hemligt", 0o620, "/token: has mode 0620: others could read or change it; chmod 600");
        check(b"hemligt", 0o601, "/token: has mode 0601: others could read or change it; chmod 600");
        check(b" \n", 0o600, "/token: is empty; write the secret into it");
        check(b"hemligt\xff", 0o600, "/token: is not text; write the secret as UTF-8 text");
        check(&vec![b'x'; 65 * 1024], 0o600, "/token: is larger than 64 KiB; name another file");
    }

    #[test]
    fn a_missing_file_and_a_folder_are_faults() {
        let folder = tempfile::tempdir().unwrap();
        let missing = find(&folder.path().join("no"), None).unwrap_err();
        assert_eq!(missing.message, "is not there");
        assert_eq!(find(folder.path(), None).unwrap_err().message, "is not a file");
    }

    #[test]
    fn a_systemd_credential_stands_in_for_a_missing_file_and_never_before_a_file_that_is_there() {
        let (secrets, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = secrets.path().join("fb-token");
        crate::durable::write(&credentials.path().join("fb-token"), b"old", 0o400).unwrap();
        let read = || find(&path, Some(credentials.path().into())).unwrap().expose_secret().to_owned();
        assert_eq!(read(), "old");
        crate::durable::write(&path, b"rotated", 0o600).unwrap();
        assert_eq!(read(), "rotated");
    }

    #[test]
    fn the_debug_text_of_a_secret_does_not_show_it() {
        assert!(!format!("{:?}", SecretString::from("hemligt".to_owned())).contains("hemligt"));
    }
}
