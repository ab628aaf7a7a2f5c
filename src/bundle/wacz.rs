//! A web archive of one record: the single look's question and answer as they travelled, what was kept beside them, and
//! the handling as a page, so that a player shows something that a person can read.

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

use super::bag::BagInput;
use crate::archive::entry::Entry;
use crate::archive::exchange::{self, Exchange};
use crate::archive::fields::{self, Fields};
use crate::archive::proof::Proof;
use crate::archive::stored::TooLarge;
use crate::archive::wacz::{self, About, Page};
use crate::archive::warc::{self, Record};

/// Why there is no web archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaczError {
    /// The bag is not whole; `bag::write` would refuse it too.
    #[error("the record cannot be put in a web archive: {0}")]
    Unsound(&'static str),
    /// It is larger than the format takes.
    #[error("the record cannot be put in a web archive: it is {0}")]
    TooLarge(#[from] TooLarge),
}

/// The web archive of a record, wholly determined by what goes in. `page` is the handling as HTML.
///
/// # Errors
/// As [`WaczError`].
pub fn archive(input: &BagInput, page: &[u8]) -> Result<Vec<u8>, WaczError> {
    let snapshot = input.events.first().ok_or(WaczError::Unsound("it has no entry"))?;
    let entry = Entry::parse(&snapshot.leaf).map_err(|_| WaczError::Unsound("its first entry is none"))?;
    let text = snapshot.fields.as_deref().ok_or(WaczError::Unsound("its first entry has no fields"))?;
    let head = entry.tree().ok_or(WaczError::Unsound("its first entry is no snapshot"))?;
    let fields = fields::verify(text, &head).map_err(|_| WaczError::Unsound("its fields are not its own"))?;
    let at = fields.text("/look/at").and_then(|at| at.parse().ok()).unwrap_or_else(|| entry.at());
    let mut capture = Capture { input, fields: &fields, at, records: Vec::new() };
    capture.info();
    let shown = capture.look();
    capture.rest();
    let main = capture.address("render/handling.html");
    capture.resource(&main, "text/html; charset=utf-8", None, page);
    let title = match &input.diary_number {
        Some(number) => format!("Bevarad kommentar {number}"),
        None => "Bevarad kommentar, inte diarieförd".to_owned(),
    };
    let mut pages = vec![Page {
        url: main,
        at: instant(at),
        title: format!("{title}: återgivning, ingen bild av plattformen"),
    }];
    pages.extend(shown.map(|url| Page {
        url,
        at: instant(at),
        title: "Plattformens svar, byte för byte".to_owned(),
    }));
    let proof =
        Proof { index: snapshot.index, path: snapshot.path.clone(), checkpoint: input.checkpoint.clone() };
    let evidence = [
        ("checkpoint", input.checkpoint.clone().into_bytes()),
        ("entry.json", snapshot.leaf.clone()),
        ("entry.tlog-proof", proof.text().into_bytes()),
        ("fields.json", text.as_bytes().to_vec()),
        ("log.vkey", format!("{}\n", input.vkey).into_bytes()),
    ];
    let evidence = evidence.into_iter().map(|(name, bytes)| (format!("uppsikt/{name}"), bytes)).collect();
    let created = format!("{}T00:00:00Z", input.date.format("%Y-%m-%d"));
    Ok(wacz::write(&About { title, created }, &capture.records, &pages, evidence)?)
}

/// UTC in whole seconds, as all records of one capture share it.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The records so far.
struct Capture<'a> {
    input: &'a BagInput,
    fields: &'a Fields,
    at: DateTime<Utc>,
    records: Vec<Record>,
}

impl Capture<'_> {
    /// An address that leads nowhere (RFC 6761): what has no address of its own, or is ours.
    fn address(&self, path: &str) -> String {
        format!("http://uppsikt.invalid/{}/{path}", self.input.record)
    }

    /// The id of the n-th record: always the same for the same record.
    fn id(&self, n: usize) -> String {
        let seed = format!("uppsikt-warc/1\0{}\0{n}", self.input.record);
        let mut bytes: [u8; 32] = Sha256::digest(seed).into();
        // Version 8 (RFC 9562): made in a way of our own.
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex::encode(bytes);
        format!("<urn:uuid:{}-{}-{}-{}-{}>", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
    }

    /// Adds a record; gives its id.
    fn push(&mut self, kind: &str, more: &[(&str, &str)], block: &[u8]) -> String {
        let id = self.id(self.records.len());
        let own = [("WARC-Record-ID", id.as_str()), ("WARC-Date", &instant(self.at))];
        let headers = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.records.push(Record {
            kind: kind.to_owned(),
            headers: headers.collect(),
            block: block.to_vec(),
        });
        id
    }

    fn info(&mut self) {
        let block = format!(
            "software: Uppsikt {}\r\nformat: WARC File Format 1.1\r\n\
             conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n\
             isPartOf: {}\r\ndescription: En kommentar på sociala medier, tagen till vara genom plattformens gränssnitt\r\n",
            env!("CARGO_PKG_VERSION"),
            self.input.record
        );
        let more = [("WARC-Filename", "data.warc.gz"), ("Content-Type", "application/warc-fields")];
        self.push("warcinfo", &more, block.as_bytes());
    }

    /// Bytes that came without a message around them, or whose message was not kept.
    fn resource(&mut self, url: &str, kind: &str, file: Option<&str>, bytes: &[u8]) -> String {
        let mut more = vec![("WARC-Target-URI", url), ("Content-Type", kind)];
        more.extend(file.map(|file| (warc::FILE, file)));
        self.push("resource", &more, bytes)
    }

    fn remark(&mut self, about: &str, url: &str, words: &str) {
        let more = [
            ("WARC-Target-URI", url),
            ("WARC-Refers-To", about),
            ("Content-Type", "application/warc-fields"),
        ];
        self.push("metadata", &more, words.as_bytes());
    }

    /// The look; gives the address under which it is shown.
    fn look(&mut self) -> Option<String> {
        let input = self.input;
        let bytes = input.files.get(exchange::LOOK)?;
        let told = input.files.get(exchange::FILE);
        let Some((told, exchange)) = told.and_then(|told| Some((told, Exchange::parse(told)?))) else {
            let single = self.fields.text("/look/source").as_deref() == Some("single_look");
            let url = self.address(exchange::LOOK);
            let id = self.resource(&url, "application/json", Some(exchange::LOOK), bytes);
            let why = if single {
                "Svaret på frågan om denna enda kommentar, byte för byte. Frågan och svarets huvud sparades inte."
            } else {
                "Kommentaren byte för byte så som den stod i plattformens lista, eller så som en person förde in den; \
                 någon fråga om enbart den ställdes inte."
            };
            let asked = self.fields.text("/look/url").filter(|url| !url.is_empty());
            let asked = asked.map(|url| format!("askedAt: {}\r\n", line(&url))).unwrap_or_default();
            self.remark(&id, &url, &format!("note: {why}\r\n{asked}"));
            return Some(url);
        };
        let url = exchange.request.url.clone();
        let message = [exchange.response_head(bytes.len()).as_slice(), bytes].concat();
        let http = "application/http; msgtype=response";
        let more = [("WARC-Target-URI", url.as_str()), ("Content-Type", http), (warc::FILE, exchange::LOOK)];
        let response = self.push("response", &more, &message);
        let more = [
            ("WARC-Target-URI", url.as_str()),
            ("WARC-Concurrent-To", &response),
            ("Content-Type", "application/http; msgtype=request"),
        ];
        self.push("request", &more, &exchange.request_block());
        let more = [
            ("WARC-Target-URI", url.as_str()),
            ("WARC-Refers-To", &response),
            ("Content-Type", "application/json"),
            (warc::FILE, exchange::FILE),
        ];
        self.push("metadata", &more, told);
        let names =
            |names: &[String]| if names.is_empty() { "-".to_owned() } else { line(&names.join(", ")) };
        let words = format!(
            "note: Svarets byte är oförändrade. Huvuden som bara säger hur de slogs in på vägen står inte här, och \
             HTTP/2 är skrivet som HTTP/1.1; hur det kom står i posten {}. Huvudet user-agent är utelämnat.\r\n\
             protocol: {}\r\nwithheldFromRequest: {}\r\nwithheldFromResponse: {}\r\n",
            exchange::FILE,
            exchange.response.version,
            names(&exchange.request.withheld),
            names(&exchange.response.withheld),
        );
        self.remark(&response, &url, &words);
        Some(url)
    }

    /// Pictures, films, sounds, and whatever else was captured.
    fn rest(&mut self) {
        let input = self.input;
        let both = |path: &&String| *path == exchange::LOOK || *path == exchange::FILE;
        for (path, bytes) in input.files.iter().filter(|(path, _)| !both(path)) {
            let said = (0..).map_while(|n| {
                let at = |name: &str| self.fields.text(&format!("/comment/media/{n}/{name}"));
                at("file").map(|file| (file, at("kind"), at("url")))
            });
            let said: Vec<_> = said.filter(|(file, ..)| file == path).collect();
            let (_, kind, from) = said.into_iter().next().unwrap_or_default();
            let kind = kind.filter(|kind| kind.contains('/')).map(|kind| line(&kind));
            // Never a kind that a browser runs.
            let kind = kind.filter(|kind| !kind.contains("html") && !kind.contains("xml"));
            let url = self.address(path);
            let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
            let id = self.resource(&url, &kind, Some(path), bytes);
            if let Some(from) = from.filter(|from| !from.is_empty()) {
                let words = format!(
                    "note: Hämtad från den adress som står här, utan hemliga delar.\r\nfetchedFrom: {}\r\n",
                    line(&from)
                );
                self.remark(&id, &url, &words);
            }
        }
    }
}

/// A value that stays on its line.
fn line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
