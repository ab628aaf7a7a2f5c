//! WARC 1.1 (iipc, ISO 28500): records with digests, one gzip member each, and their index.
//!
//! A file is wholly determined by its records; reading one and writing it anew shows every changed byte.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::stored::{self, Fault};

/// The header that names the captured file whose exact bytes are this record's payload; ours, as the format allows.
pub const FILE: &str = "Uppsikt-File";

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `response`, `request`, `resource`, `metadata` or `warcinfo`.
    pub kind: String,
    /// The headers after the type, in their order, without length and digests.
    pub headers: Vec<(String, String)>,
    /// Everything after the headers.
    pub block: Vec<u8>,
}

impl Record {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What the record is about: of an HTTP message its body, else the whole block.
    pub fn payload(&self) -> &[u8] {
        let message = self.header("Content-Type").is_some_and(|kind| kind.starts_with("application/http"));
        let body = || self.block.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        self.block.get(if message { body() } else { None }.unwrap_or(0)..).unwrap_or_default()
    }

    /// The record's bytes, not compressed.
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("WARC/1.1\r\nWARC-Type: {}\r\n", self.kind);
        let length = self.block.len().to_string();
        let own = [
            ("WARC-Block-Digest", digest(&self.block)),
            ("WARC-Payload-Digest", digest(self.payload())),
            ("Content-Length", length),
        ];
        let given = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        // A request and what only describes have no payload of their own.
        let own = own.iter().map(|(name, value)| (*name, value)).filter(|(name, _)| {
            *name != "WARC-Payload-Digest" || matches!(self.kind.as_str(), "response" | "resource")
        });
        for (name, value) in given.chain(own) {
            // Writing to a `String` cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.block, b"\r\n\r\n"].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let kind =
            (lines.next() == Some("WARC/1.1")).then(|| lines.next()?.strip_prefix("WARC-Type: "))??;
        let mut headers: Vec<_> = lines
            .map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect::<Option<_>>()?;
        headers.retain(|(name, _)| {
            !["WARC-Block-Digest", "WARC-Payload-Digest", "Content-Length"].contains(&name.as_str())
        });
        let block = bytes.get(end + 4..)?.strip_suffix(b"\r\n\r\n")?.to_vec();
        Some(Self { kind: kind.to_owned(), headers, block })
    }
}

/// SHA-256 as WARC and WACZ write it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// The file of these records, and where each begins and how long it is.
pub fn write(records: &[Record]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let (mut file, mut places) = (Vec::new(), Vec::new());
    for record in records {
        let member = stored::gzip(&record.bytes());
        places.push((file.len(), member.len()));
        file.extend(member);
    }
    (file, places)
}

/// The records of a file.
///
/// # Errors
/// Where the file is not as [`write()`] makes it.
pub fn read(file: &[u8]) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let inside = |fault: Fault| Fault { at: at + fault.at, ..fault };
        let (bytes, length) = stored::gunzip(&file[at..]).map_err(inside)?;
        let record = Record::parse(&bytes).ok_or(Fault { what: "no WARC record", at })?;
        if let Some(inner) = stored::difference(&bytes, &record.bytes()) {
            return Err(Fault { what: "a WARC record whose digests do not fit", at: at + 15 + inner });
        }
        records.push(record);
        at += length;
    }
    Ok(records)
}

/// The index (CDXJ) of what can be shown: responses and resources, sorted bytewise.
pub fn index(records: &[Record], places: &[(usize, usize)]) -> String {
    let mut lines: Vec<_> = records
        .iter()
        .zip(places)
        .filter(|(record, _)| matches!(record.kind.as_str(), "response" | "resource"))
        .map(|(record, (offset, length))| {
            let url = record.header("WARC-Target-URI").unwrap_or_default();
            let at: String =
                record.header("WARC-Date").unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
            let status = (record.kind == "response")
                .then(|| std::str::from_utf8(record.block.get(9..12)?).ok())
                .flatten()
                .unwrap_or("200");
            let about = serde_json::json!({
                "url": url,
                "mime": mime(record),
                "status": status,
                "digest": digest(record.payload()),
                "length": length.to_string(),
                "offset": offset.to_string(),
                "filename": "data.warc.gz",
            });
            format!("{} {at} {about}\n", surt(url))
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// The kind of the payload.
fn mime(record: &Record) -> String {
    let own = record.header("Content-Type").unwrap_or_default();
    let kind = if record.kind == "response" {
        let head = String::from_utf8_lossy(&record.block[..record.block.len() - record.payload().len()])
            .into_owned();
        head.lines()
            .find_map(|line| line.strip_prefix("content-type: ").map(str::to_owned))
            .unwrap_or_default()
    } else {
        own.to_owned()
    };
    kind.split(';').next().unwrap_or_default().trim().to_owned()
}

/// An address in the order in which indexes sort: host from right to left, then the rest, in lower case.
fn surt(url: &str) -> String {
    let lower = url.to_lowercase();
    let Some((_, rest)) = lower.split_once("://") else { return lower };
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (name, port) =
        host.split_once(':').map_or((host, String::new()), |(name, port)| (name, format!(":{port}")));
    // An address of digits has no order of domains.
    let digits = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let mut name: Vec<_> = name.split('.').collect();
    if digits {
        return format!("{}{port}){path}", name.join("."));
    }
    name.reverse();
    format!("{}{port}){path}", name.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, content_type: &str, block: &[u8]) -> Record {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Record {
            kind: kind.to_owned(),
            headers: vec![
                pair("WARC-Record-ID", "<urn:uuid:00000000-0000-8000-8000-000000000000>"),
                pair("WARC-Date", "2026-11-23T06:00:01Z"),
                pair("WARC-Target-URI", "https://Graph.Exempel.se:8443/v25.0/1?a=B"),
                pair("Content-Type", content_type),
            ],
            block: block.to_vec(),
        }
    }

    fn records() -> Vec<Record> {
        let message =
            b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{}\r\n\r\n";
        vec![
            record("response", "application/http; msgtype=response", message),
            record("request", "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n"),
            record("resource", "text/html", b""),
        ]
    }

    #[test]
    fn records_are_read_as_they_were_written_and_every_changed_byte_is_seen() {
        let (file, places) = write(&records());
        assert_eq!(read(&file).unwrap(), records());
        assert_eq!(places.iter().map(|(_, length)| length).sum::<usize>(), file.len());
        assert_eq!(records()[0].payload(), b"{}\r\n\r\n");
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            read(&changed).unwrap_err();
        }
    }

    #[test]
    fn the_index_names_what_can_be_shown() {
        let (_, places) = write(&records());
        let index = index(&records(), &places);
        let lines: Vec<_> = index.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("se,exempel,graph:8443)/v25.0/1?a=b 20261123060001 {"), "{index}");
        assert!(
            index.contains("\"status\":\"404\"") && index.contains("\"mime\":\"application/json\""),
            "{index}"
        );
    }
}
