//! `[[timestamp]]`, `[[witness]]` and `[anchors]`: who outside the municipality vouches for the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use super::machine::{is_loopback, web_address};
use super::reader::{Report, Section, is_id, quote};
use super::{Account, Api};
use crate::archive::cosign::WitnessKey;

/// Who is asked to vouch for the log, and what follows when nobody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors {
    /// Time-stamp authorities (RFC 3161).
    pub timestamps: Vec<Authority>,
    /// Witnesses (c2sp.org/tlog-witness).
    pub witnesses: Vec<Witness>,
    /// How long a checkpoint may go without a stamp, or without a cosignature, before somebody is told.
    pub letter_after: TimeDelta,
    /// How long one of them may take to answer.
    pub timeout: Duration,
}

impl Default for Anchors {
    fn default() -> Self {
        Self {
            timestamps: Vec::new(),
            witnesses: Vec::new(),
            letter_after: TimeDelta::hours(48),
            timeout: Duration::from_secs(20),
        }
    }
}

impl Anchors {
    /// True when nobody is asked.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty() && self.witnesses.is_empty()
    }
}

/// A time-stamp authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The id in letters and in the archive.
    pub id: String,
    /// Where it answers.
    pub url: Url,
    /// The certificates (PEM) that vouch for it.
    pub ca_file: PathBuf,
    /// How often it is asked.
    pub every: Every,
}

/// How often an authority is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After each batch that preserved something, and at least daily.
    Batch,
    /// Once a day, if the log has grown.
    Daily,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The id in letters.
    pub id: String,
    /// What the protocol's paths lie below.
    pub url: Url,
    /// Its key.
    pub key: WitnessKey,
}

/// Reads all three.
pub(super) fn anchors(root: &mut Section<'_, '_>, folder: &Path, report: &mut Report) -> Option<Anchors> {
    let mut anchors = Anchors::default();
    if let Some(mut section) = root.section(report, "anchors") {
        if let Some(hours) =
            section.get("letter_after_hours").and_then(|node| node.number(report, 1..24 * 90))
        {
            anchors.letter_after = TimeDelta::hours(i64::try_from(hours).ok()?);
        }
        if let Some(seconds) = section.get("timeout_seconds").and_then(|node| node.number(report, 1..301)) {
            anchors.timeout = Duration::from_secs(seconds);
        }
        section.close(report);
    }
    let mut ids: Vec<String> = Vec::new();
    for mut section in root.tables(report, "timestamp") {
        let id = id(&mut section, &mut ids, report);
        let url = section
            .need(report, "url", "write the address that the authority gave you")
            .and_then(|node| address(&node, report));
        let ca_file = section
            .need(report, "ca_file", "name the file with the authority's root certificate (PEM)")
            .and_then(|node| node.text(report))
            .map(|file| folder.join(file.value));
        let words = [("batch", Every::Batch), ("daily", Every::Daily)];
        let every = match section.get("every") {
            None => Some(Every::Batch),
            Some(node) => node.word(report, &words).map(|word| word.value),
        };
        section.close(report);
        if let (Some(id), Some(url), Some(ca_file), Some(every)) = (id, url, ca_file, every) {
            anchors.timestamps.push(Authority { id, url, ca_file, every });
        }
    }
    let mut ids: Vec<String> = Vec::new();
    for mut section in root.tables(report, "witness") {
        let id = id(&mut section, &mut ids, report);
        let url = section
            .need(report, "url", "write the address that the witness gave you")
            .and_then(|node| address(&node, report));
        let key = section
            .need(report, "key", "write the key that `uppsikt witness` prints there")
            .and_then(|node| node.parsed::<WitnessKey>(report, "the key of a witness (name+id+key)"));
        section.close(report);
        if let (Some(id), Some(url), Some(key)) = (id, url, key) {
            if anchors.witnesses.iter().any(|other| other.key == key.value) {
                report.fault(&key.place, "is another witness's key too", "each witness has a key of its own");
            }
            anchors.witnesses.push(Witness { id, url, key: key.value });
        }
    }
    Some(anchors)
}

/// What is asked of outsiders is no way to a platform.
pub(super) fn outside(anchors: &Anchors, accounts: &[Account], report: &mut Report) {
    let urls = anchors.timestamps.iter().map(|one| ("timestamp", &one.id, &one.url));
    for (table, id, url) in urls.chain(anchors.witnesses.iter().map(|one| ("witness", &one.id, &one.url))) {
        let same = |account: &&Account| {
            matches!(&account.api, Api::Url(api) if api.host() == url.host()
                && api.port_or_known_default() == url.port_or_known_default())
        };
        if let Some(account) = accounts.iter().find(same) {
            let place = super::reader::Place { key: format!("{table}[{id}].url"), span: None };
            report.fault(
                &place,
                format!("is the server of account `{}`", account.id),
                "name the authority's or the witness's own server",
            );
        }
    }
}

fn id(section: &mut Section<'_, '_>, ids: &mut Vec<String>, report: &mut Report) -> Option<String> {
    let text = section.need(report, "id", "give it a short name")?.text(report)?;
    if !is_id(&text.value) {
        report.fault(
            &text.place,
            format!("{} is no id", quote(&text.value)),
            "use at most 40 letters a-z, digits, - and _",
        );
        return None;
    }
    if ids.contains(&text.value) {
        report.fault(&text.place, format!("{} is there already", quote(&text.value)), "give each its own");
        return None;
    }
    ids.push(text.value.clone());
    Some(text.value)
}

fn address(node: &super::reader::Node<'_, '_>, report: &mut Report) -> Option<Url> {
    let url = web_address(node, report)?;
    if !url.username().is_empty() || url.password().is_some() {
        report.fault(
            &node.place,
            "holds a user name or password that everybody may read who may read this file",
            "use an authority that knows this server by its address",
        );
        return None;
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        report.warn(
            &node.place,
            "is not encrypted: others on the way see when the log grows; what is answered is signed all the same",
            "use https:// where there is a choice",
        );
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    const EXAMPLE: &str = include_str!("../../tests/fixtures/config/uppsikt.example.toml");
    const KEY: &str = "arkiv.exempel.se/vittne1+c32a810f+BJrfvjC/3Ltimn+M3F85wo4vKlwRxQTK5rg6wWy2jYJ6";

    fn examined(more: &str) -> Result<Config, String> {
        let examined = Config::examine_text(Path::new("/etc/uppsikt.toml"), &format!("{EXAMPLE}\n{more}"));
        let faults: Vec<_> = examined.faults.iter().map(ToString::to_string).collect();
        examined.result.ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn nobody_is_asked_unless_somebody_is_named() {
        let config = examined("").unwrap();
        assert!(config.anchors.is_empty());
        assert_eq!(config.anchors, Anchors::default());
    }

    #[test]
    fn authorities_and_witnesses_are_read_with_their_defaults() {
        let config = examined(&format!(
            "[anchors]\nletter_after_hours = 5\ntimeout_seconds = 7\n\
             [[timestamp]]\nid = \"a\"\nurl = \"https://tsa.exempel.se/tsr\"\nca_file = \"tsa.pem\"\n\
             [[timestamp]]\nid = \"b\"\nurl = \"http://127.0.0.1:1\"\nca_file = \"/x\"\nevery = \"daily\"\n\
             [[witness]]\nid = \"a\"\nurl = \"https://granne.exempel.se/vittne\"\nkey = \"{KEY}\"\n"
        ))
        .unwrap();
        let anchors = config.anchors;
        assert_eq!((anchors.letter_after, anchors.timeout), (TimeDelta::hours(5), Duration::from_secs(7)));
        assert_eq!(anchors.timestamps[0].ca_file, Path::new("/etc/tsa.pem"));
        let every: Vec<_> = anchors.timestamps.iter().map(|one| one.every).collect();
        assert_eq!(every, [Every::Batch, Every::Daily]);
        assert_eq!(anchors.witnesses[0].key.to_string(), KEY);
    }

    #[test]
    fn every_fault_of_them_is_told() {
        for (more, expected) in [
            ("[[timestamp]]\nid = \"a\"\n", "timestamp[a].url: is missing"),
            ("[[timestamp]]\nid = \"a\"\nurl = \"https://x.se\"\n", "timestamp[a].ca_file: is missing"),
            ("[[timestamp]]\nid = \"å\"\nurl = \"https://x.se\"\nca_file = \"c\"\n", "is no id"),
            ("[[timestamp]]\nid = \"a\"\nurl = \"ftp://x.se\"\nca_file = \"c\"\n", "is no web address"),
            ("[[timestamp]]\nid = \"a\"\nurl = \"https://u:p@x.se\"\nca_file = \"c\"\n", "holds a user name"),
            (
                "[[timestamp]]\nid = \"a\"\nurl = \"https://x.se\"\nca_file = \"c\"\nevery = \"dayly\"\n",
                "daily",
            ),
            (
                "[[timestamp]]\nid = \"a\"\nurl = \"https://x.se\"\nca_file = \"c\"\n[[timestamp]]\nid = \"a\"\nurl = \"https://x.se\"\nca_file = \"c\"\n",
                "is there already",
            ),
            (
                "[[timestamp]]\nid = \"a\"\nurl = \"https://graph.facebook.com/tsr\"\nca_file = \"c\"\n",
                "is the server of account",
            ),
            (
                "[[witness]]\nid = \"a\"\nurl = \"https://x.se\"\nkey = \"nyckel\"\n",
                "is not the key of a witness",
            ),
            (
                "[[witness]]\nid = \"a\"\nurl = \"https://x.se\"\nkey = \"exempel.se/uppsikt/logg1+3740e301+AbQdnC1Twlr7lFkAzksz7lL8Vvndn3ut59xU8nKrp2Pd\"\n",
                "is not the key of a witness",
            ),
            ("[anchors]\nletter_after_hours = 0\n", "is not between"),
            ("[anchors]\nletter = 1\n", "is an unknown key"),
        ] {
            let fault = examined(more).unwrap_err();
            assert!(fault.contains(expected), "{more}: {fault}");
        }
        let witness =
            |id: &str| format!("[[witness]]\nid = \"{id}\"\nurl = \"https://x.se\"\nkey = \"{KEY}\"\n");
        assert!(examined(&(witness("a") + &witness("b"))).unwrap_err().contains("another witness's key"));
    }
}
