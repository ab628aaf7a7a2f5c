//! WACZ 1.1.1 (specs.webrecorder.net): a WARC file, its index and its pages in one zip archive that players open.
//!
//! Ours also holds, below `uppsikt/`, what binds it to the log. Specified in `archive/README.md`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::stored::{self, TooLarge};
use super::warc::{self, Record};

/// The WARC file.
pub const DATA: &str = "archive/data.warc.gz";
/// Its index.
pub const INDEX: &str = "indexes/index.cdx";
/// The pages that a reader may begin with.
pub const PAGES: &str = "pages/pages.jsonl";
/// The list of everything else, with digests.
pub const PACKAGE: &str = "datapackage.json";
/// The digest of that list.
pub const DIGEST: &str = "datapackage-digest.json";

/// What the package says of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// What it is, for people.
    pub title: String,
    /// When it was made, RFC 3339.
    pub created: String,
}

/// A page that a reader may begin with; the first is the main one.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// When it was taken, RFC 3339 in UTC.
    pub at: String,
    /// What it is, for people.
    pub title: String,
}

/// A file of the package, as the package lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its last name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// `sha256:` and hexadecimal digits.
    pub hash: String,
    /// How long it is.
    pub bytes: u64,
}

/// The package of these records.
///
/// # Errors
/// More than a zip archive can hold.
pub fn write(
    about: &About,
    records: &[Record],
    pages: &[Page],
    evidence: Vec<(String, Vec<u8>)>,
) -> Result<Vec<u8>, TooLarge> {
    let (data, places) = warc::write(records);
    let index = warc::index(records, &places);
    let mut listed =
        json!({"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}).to_string() + "\n";
    for (n, page) in pages.iter().enumerate() {
        let line = json!({"id": n.to_string(), "url": page.url, "ts": page.at, "title": page.title});
        listed = format!("{listed}{line}\n");
    }
    let mut files = vec![
        (DATA.to_owned(), data),
        (INDEX.to_owned(), index.into_bytes()),
        (PAGES.to_owned(), listed.into_bytes()),
    ];
    files.extend(evidence);
    let resources: Vec<_> = files.iter().map(|(path, bytes)| resource(path, bytes)).collect();
    let package = json!({
        "profile": "data-package",
        "wacz_version": "1.1.1",
        "title": about.title,
        "created": about.created,
        "software": concat!("Uppsikt ", env!("CARGO_PKG_VERSION")),
        "mainPageUrl": pages.first().map(|page| &page.url),
        "mainPageDate": pages.first().map(|page| &page.at),
        "resources": resources,
    });
    let package = format!("{package:#}\n").into_bytes();
    let digest = package_digest(&package);
    files.push((PACKAGE.to_owned(), package));
    files.push((DIGEST.to_owned(), digest));
    stored::zip(&files)
}

/// How the package lists a file.
pub fn resource(path: &str, bytes: &[u8]) -> Resource {
    let name = path.rsplit('/').next().unwrap_or(path);
    Resource {
        name: name.to_owned(),
        path: path.to_owned(),
        hash: warc::digest(bytes),
        bytes: bytes.len() as u64,
    }
}

/// `datapackage-digest.json` to the byte.
pub fn package_digest(package: &[u8]) -> Vec<u8> {
    format!("{:#}\n", json!({"path": PACKAGE, "hash": warc::digest(package)})).into_bytes()
}

/// The files that a package lists; `None` if it is no package.
pub fn resources(package: &[u8]) -> Option<Vec<Resource>> {
    #[derive(Deserialize)]
    struct Package {
        wacz_version: String,
        resources: Vec<Resource>,
    }
    let package: Package = serde_json::from_slice(package).ok()?;
    (package.wacz_version == "1.1.1").then_some(package.resources)
}
