//! Pictures and films that the sandbox serves itself, at `/media/<id>`, well and badly.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire::Answer;
use crate::domain::comment::Attachment;

/// How large `huge` is if nothing else is said.
const HUGE: u64 = 64 * 1024 * 1024;

/// What the id of an account's own picture begins with.
const PORTRAIT: &str = "picture-of-";

/// The most that is served: what stands in the order is a person's, and this machine's memory is not endless.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// A picture or film beside a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Media {
    /// What stands in its address.
    pub(super) id: String,
    /// The media type that the platform tells.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) mime: Option<String>,
    /// How it is served.
    pub(super) behaviour: Behaviour,
    /// How large it is, instead of what its kind gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    /// How late `slow` answers, in seconds (default 40).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<u32>,
    /// What somebody wrote for those who cannot see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alt: Option<String>,
    /// Another address than the sandbox's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
}

/// How a medium is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Behaviour {
    /// As it should be.
    #[default]
    Ok,
    /// Announced as what it is said to be; the bytes are a web page with a script.
    WrongType,
    /// Larger than anybody wants.
    Huge,
    /// Late.
    Slow,
    /// 404: the address has expired.
    Missing,
    /// The connection ends after half of it.
    Truncated,
    /// 302 to an address inside of the municipality's network.
    Inwards,
    /// Without a media type.
    Unlabelled,
}

impl Media {
    /// What a comment with such an attachment has if nothing else is said; a link or a quote has no bytes.
    pub(super) fn of(kind: Attachment, id: &str) -> Option<Self> {
        let mime = match kind {
            Attachment::Image | Attachment::Sticker => "image/png",
            Attachment::Video => "video/mp4",
            Attachment::Audio => "audio/mpeg",
            Attachment::Link | Attachment::Quote | Attachment::Other => return None,
        };
        Some(Self { id: id.to_owned(), mime: Some(mime.to_owned()), ..Self::default() })
    }

    /// Where it is, for a client that reached the sandbox at `host`.
    pub(super) fn url(&self, host: &str) -> String {
        self.url.clone().unwrap_or_else(|| address(host, &self.id))
    }

    /// The media type.
    pub(super) fn mime(&self) -> &str {
        self.mime.as_deref().unwrap_or("image/png")
    }

    /// How late the answer comes.
    pub(super) fn delay(&self) -> Duration {
        if self.behaviour == Behaviour::Slow {
            Duration::from_secs(self.seconds.unwrap_or(40).into())
        } else {
            Duration::ZERO
        }
    }

    /// The answer to a GET of it.
    pub(super) fn answer(&self) -> Answer {
        let kind = self.mime().to_owned();
        match self.behaviour {
            Behaviour::Missing => {
                Answer::text(404, "text/html; charset=utf-8", "<h1>URL signature expired</h1>")
            }
            Behaviour::Inwards => {
                let mut answer = Answer::text(302, "text/plain", "");
                answer.headers.push(("location", "http://10.0.0.1/admin".to_owned()));
                answer
            }
            Behaviour::WrongType => {
                let page = "<!DOCTYPE html><html><script>alert(1)</script></html>";
                Answer { kind: kind.into(), ..Answer::text(200, "", page) }
            }
            Behaviour::Unlabelled => Answer { kind: "".into(), ..Answer::bytes(200, "", self.content()) },
            Behaviour::Huge | Behaviour::Ok | Behaviour::Slow | Behaviour::Truncated => {
                Answer { kind: kind.into(), ..Answer::bytes(200, "", self.content()) }
            }
        }
    }

    /// The bytes: the same for the same id, others for another.
    fn content(&self) -> Vec<u8> {
        let mut bytes = if self.mime().starts_with("image/") { png(&self.id) } else { film(&self.id) };
        let wanted = match self.behaviour {
            Behaviour::Huge => Some(self.bytes.unwrap_or(HUGE)),
            _ => self.bytes,
        };
        if let Some(wanted) = wanted.and_then(|wanted| usize::try_from(wanted.min(LARGEST)).ok()) {
            // After its end a picture may hold anything; readers stop before.
            bytes.resize(wanted.max(bytes.len()), 0);
        }
        bytes
    }
}

/// Where the medium `id` is, for a client that reached the sandbox at `host`.
pub(super) fn address(host: &str, id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    format!("http://{host}/media/{id}")
}

/// The id of an account's own picture, where nothing else is set.
pub(super) fn portrait(account: &str) -> String {
    format!("{PORTRAIT}{account}")
}

/// An account's own picture, if `id` is one's.
pub(super) fn of_portrait(id: &str) -> Option<(&str, Media)> {
    let account = id.strip_prefix(PORTRAIT)?;
    Some((account, Media { id: id.to_owned(), ..Media::default() }))
}

/// A number out of a text: FNV-1a.
fn seed(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A real picture of eight by eight points in one colour.
fn png(id: &str) -> Vec<u8> {
    let [red, green, blue, _] = seed(id).to_be_bytes();
    let mut points = Vec::new();
    for _ in 0..8 {
        // Each row begins with how it is filtered: not at all.
        points.push(0);
        points.extend([red, green, blue].repeat(8));
    }
    let length = u16::try_from(points.len()).unwrap_or(u16::MAX);
    // zlib with one block that is stored as it is.
    let mut packed = vec![0x78, 0x01, 0x01];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(&points);
    packed.extend(adler(&points).to_be_bytes());
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
    chunk(&mut out, *b"IDAT", &packed);
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let named: Vec<u8> = name.iter().chain(data).copied().collect();
    out.extend(&named);
    out.extend(crc(&named).to_be_bytes());
}

/// The check sum of PNG (ISO 3309), bit by bit.
fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// The check sum of zlib.
fn adler(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

/// The head of an MP4 and a box of data: enough to be told from a picture or a page.
fn film(id: &str) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 20];
    out.extend(b"ftypisom\0\0\0\0isom");
    out.extend([0, 0, 0, 12]);
    out.extend(b"mdat");
    out.extend(seed(id).to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_picture_and_each_has_its_own_bytes() {
        let one = Media::of(Attachment::Image, "1_1").unwrap();
        let answer = one.answer();
        assert!(answer.body.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_eq!(answer.kind, "image/png");
        // The check sum of an IEND without data, as in every PNG.
        assert!(answer.body.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_eq!(adler(b"Wikipedia"), 0x11E6_0398);
        assert_ne!(answer.body, Media::of(Attachment::Image, "1_2").unwrap().answer().body);
        assert_eq!(Media::of(Attachment::Link, "1_1"), None);
    }

    #[test]
    fn each_behaviour_is_as_it_says() {
        let table = [
            (Behaviour::Ok, 200, "image/png", 100..1_000),
            (Behaviour::WrongType, 200, "image/png", 10..100),
            (Behaviour::Huge, 200, "image/png", 5_000..5_001),
            (Behaviour::Missing, 404, "text/html; charset=utf-8", 1..100),
            (Behaviour::Inwards, 302, "text/plain", 0..1),
            (Behaviour::Unlabelled, 200, "", 100..1_000),
        ];
        for (behaviour, status, kind, size) in table {
            let bytes = (behaviour == Behaviour::Huge).then_some(5_000);
            let answer = Media { id: "m".to_owned(), behaviour, bytes, ..Media::default() }.answer();
            assert_eq!((answer.status, &*answer.kind), (status, kind), "{behaviour:?}");
            assert!(size.contains(&answer.body.len()), "{behaviour:?}: {}", answer.body.len());
        }
    }
}
