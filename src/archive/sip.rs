//! A delivery to an e-archive: FGS Paketstruktur 2.0 = E-ARK SIP 2.1.0 (or 2.2.0), as far as writer and verifier share it.
//!
//! METS, PREMIS and Dublin Core are wholly determined by `metadata/other/package.json` and the digests of the files, so
//! that a verifier renders them anew and sees every changed byte. Specified in `archive/README.md`.

mod mets;
mod premis;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bagit::Digests;

pub use mets::{Listed, listed, mets};
pub use premis::{dublin_core, premis};

/// The package's head.
pub const METS: &str = "METS.xml";
/// What the package's metadata is made of.
pub const PACKAGE: &str = "metadata/other/package.json";
/// What happened to the files.
pub const PREMIS: &str = "metadata/preservation/premis.xml";
/// What it is about.
pub const DESCRIPTION: &str = "metadata/descriptive/dc.xml";
/// Where the bags lie.
pub const DATA: &str = "representations/rep1/data";

/// The format's name.
const FORMAT: &str = "uppsikt-sip/1";

/// Which E-ARK SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Version {
    /// 2.1.0, which FGS Paketstruktur 2.0 is.
    #[default]
    #[serde(rename = "2.1.0")]
    V2_1_0,
    /// 2.2.0.
    #[serde(rename = "2.2.0")]
    V2_2_0,
}

impl Version {
    /// The profile's address.
    fn profile(self) -> &'static str {
        match self {
            Self::V2_1_0 => "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml",
            Self::V2_2_0 => "https://earksip.dilcis.eu/profile/E-ARK-SIP-v2-2-0.xml",
        }
    }

    /// The schemas that a package carries: name below `schemas/`, and bytes.
    pub fn schemas(self) -> [(&'static str, &'static [u8]); 5] {
        let extension: &[u8] = match self {
            Self::V2_1_0 => include_bytes!("sip/schemas/DILCISExtensionMETS-2.1.0.xsd"),
            Self::V2_2_0 => include_bytes!("sip/schemas/DILCISExtensionMETS-2.2.0.xsd"),
        };
        [
            ("DILCISExtensionMETS.xsd", extension),
            ("DILCISExtensionSIPMETS.xsd", include_bytes!("sip/schemas/DILCISExtensionSIPMETS.xsd")),
            ("mets.xsd", include_bytes!("sip/schemas/mets.xsd")),
            ("premis-v3-0.xsd", include_bytes!("sip/schemas/premis-v3-0.xsd")),
            ("xlink.xsd", include_bytes!("sip/schemas/xlink.xsd")),
        ]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2_1_0 => "2.1.0",
            Self::V2_2_0 => "2.2.0",
        })
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "2.1.0" => Ok(Self::V2_1_0),
            "2.2.0" => Ok(Self::V2_2_0),
            other => {
                Err(format!("`{other}` is no version of E-ARK SIP that is written here: 2.1.0 or 2.2.0"))
            }
        }
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its number (`organisationsnummer`); absent if it was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// One record of the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// The folder of its bag, below [`DATA`].
    pub folder: String,
    /// Its id.
    pub record: String,
    /// Its number in the diary; absent if it was not registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diary_number: Option<String>,
    /// When it was preserved, RFC 3339 in UTC.
    pub preserved_at: String,
}

/// Everything that the package's metadata is made of, besides the files' digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    format: String,
    /// The package's id.
    pub id: String,
    /// Which E-ARK SIP.
    pub version: Version,
    /// What it is, for people.
    pub title: String,
    /// When it was made, RFC 3339 in UTC.
    pub created: String,
    /// The program that made it: its version.
    pub software: String,
    /// Whose records these are, and who delivers them.
    pub organisation: Party,
    /// Who receives them; absent if it was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Party>,
    /// The agreement of delivery; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// The records, in the order of their folders.
    pub records: Vec<Packed>,
}

impl Package {
    /// A package of these records, made by this program.
    pub fn new(version: Version, created: String, organisation: Party, mut records: Vec<Packed>) -> Self {
        records.sort_by(|one, other| one.folder.cmp(&other.folder));
        let ids: Vec<_> = records.iter().map(|record| record.record.as_str()).collect();
        let digest = hex::encode(Sha256::digest(ids.join("\n")));
        let (id, title) = match records.as_slice() {
            [only] => {
                let number =
                    only.diary_number.as_ref().map(|number| format!(" {number}")).unwrap_or_default();
                (format!("uppsikt-{}", only.folder), format!("Bevarad kommentar{number}"))
            }
            many => {
                let day = created.get(..10).unwrap_or_default();
                (format!("uppsikt-{day}-{}", &digest[..8]), format!("{} bevarade kommentarer", many.len()))
            }
        };
        Self {
            format: FORMAT.to_owned(),
            id,
            version,
            title,
            created,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            organisation,
            archive: None,
            agreement: None,
            records,
        }
    }

    /// Reads the file; `None` if it is none, or is not written as this program writes it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let package: Self = serde_json::from_slice(bytes).ok()?;
        (package.format == FORMAT && package.text() == bytes).then_some(package)
    }

    /// The file.
    pub fn text(&self) -> Vec<u8> {
        // A struct of texts is always JSON.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// An id that is the same whenever the same package is made.
    fn uuid(&self, of: &str) -> String {
        let mut bytes: [u8; 32] = Sha256::digest(format!("{FORMAT}\0{}\0{of}", self.id)).into();
        // Version 8 (RFC 9562): made in a way of our own.
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex::encode(bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
    }

    /// The metadata files but METS, from the digests of the files in [`DATA`].
    pub fn metadata(&self, data: &BTreeMap<String, Digests>) -> [(&'static str, Vec<u8>); 3] {
        [
            (PACKAGE, self.text()),
            (PREMIS, premis(self, data).into_bytes()),
            (DESCRIPTION, dublin_core(self).into_bytes()),
        ]
    }
}

/// What a file is, as far as its name tells.
struct Format {
    mime: &'static str,
    name: &'static str,
    version: Option<&'static str>,
    /// Its key in the registry PRONOM.
    pronom: Option<&'static str>,
}

fn format_of(path: &str) -> Format {
    let plain = |mime, name| Format { mime, name, version: None, pronom: None };
    let known = |mime, name, version, pronom| Format { mime, name, version, pronom: Some(pronom) };
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "json" => known("application/json", "JSON", None, "fmt/817"),
        "pdf" => known("application/pdf", "PDF/A-1b", Some("1b"), "fmt/354"),
        "html" => known("text/html", "HTML", Some("5"), "fmt/471"),
        "wacz" => known("application/zip", "Web Archive Collection Zipped", Some("1.1.1"), "fmt/1840"),
        "xml" => plain("application/xml", "XML"),
        "xsd" => plain("application/xml", "XML Schema"),
        "png" => plain("image/png", "Portable Network Graphics"),
        "jpg" | "jpeg" => plain("image/jpeg", "JPEG"),
        "gif" => plain("image/gif", "Graphics Interchange Format"),
        "webp" => plain("image/webp", "WebP"),
        "mp4" => plain("video/mp4", "MPEG-4"),
        "txt" | "jsonl" | "py" | "md" | "tlog-proof" | "vkey" | "" => {
            known("text/plain", "Plain text", None, "x-fmt/111")
        }
        _ if path.ends_with("/checkpoint") => known("text/plain", "Plain text", None, "x-fmt/111"),
        _ => plain("application/octet-stream", "unknown"),
    }
}

/// Text as it stands in an element or an attribute. What XML 1.0 cannot hold is left out.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\r' | '\t' => safe.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}
