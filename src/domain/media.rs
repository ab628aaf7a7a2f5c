//! Pictures, films and sounds beside a comment: what a person must see before anything is fetched (N6, L12).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::comment::Attachment;

/// What a person said after having looked on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaAnswer {
    /// It is not child abuse material: it may be fetched and kept.
    Fetch,
    /// It cannot be kept, for a reason that the person states.
    Unavailable,
    /// It is, or may be, child abuse material: possessing it is a crime also for an authority (16 kap. 10 a §
    /// brottsbalken). Nothing is fetched.
    ChildAbuse,
}

impl MediaAnswer {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Fetch, Self::Unavailable, Self::ChildAbuse];

    /// The code used in forms, database and evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Unavailable => "unavailable",
            Self::ChildAbuse => "child_abuse",
        }
    }
}

impl fmt::Display for MediaAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for MediaAnswer {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|answer| answer.code() == code)
            .ok_or_else(|| format!("`{code}` is none of fetch, unavailable, child_abuse"))
    }
}

/// Whether a person must look at such an attachment before the comment is hidden: what may itself be the offence. A
/// link and a quoted post stand elsewhere and are not the comment's own.
pub fn needs_eyes(attachments: &[Attachment]) -> bool {
    attachments.iter().any(|kind| {
        matches!(
            kind,
            Attachment::Image
                | Attachment::Video
                | Attachment::Audio
                | Attachment::Sticker
                | Attachment::Other
        )
    })
}

/// The ending of the name under which bytes of this kind are kept, by their first bytes and else by what their server
/// said; `None` for a page of text in place of a picture.
pub fn ending(bytes: &[u8], kind: Option<&str>) -> Option<&'static str> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let at = |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(magic));
    let found = if begins(b"\xff\xd8\xff") {
        "jpg"
    } else if begins(b"\x89PNG\r\n\x1a\n") {
        "png"
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        "gif"
    } else if begins(b"RIFF") && at(8, b"WEBP") {
        "webp"
    } else if begins(b"RIFF") && at(8, b"WAVE") {
        "wav"
    } else if at(4, b"ftypavif") {
        "avif"
    } else if at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1") {
        "heic"
    } else if at(4, b"ftypM4A") {
        "m4a"
    } else if at(4, b"ftypqt") {
        "mov"
    } else if at(4, b"ftyp") {
        "mp4"
    } else if begins(b"\x1a\x45\xdf\xa3") {
        "webm"
    } else if begins(b"OggS") {
        "ogg"
    } else if begins(b"ID3") || begins(b"\xff\xfb") || begins(b"\xff\xf3") {
        "mp3"
    } else {
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
        let known = ["image/", "video/", "audio/", "application/octet-stream"];
        if bytes.is_empty() || !known.iter().any(|start| kind.starts_with(start)) {
            return None;
        }
        "bin"
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes_and_a_page_of_text_is_none() {
        for (bytes, kind, found) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("text/html"), Some("jpg")),
            (b"\x89PNG\r\n\x1a\n....", None, Some("png")),
            (b"RIFF....WEBPVP8 ", Some("image/webp"), Some("webp")),
            (b"....ftypisom", Some("video/mp4"), Some("mp4")),
            (b"unknown", Some("image/x-new; q=1"), Some("bin")),
            (b"<!DOCTYPE html>", Some("text/html"), None),
            (b"{}", Some("application/json"), None),
            (b"", Some("image/png"), None),
            (b"?", None, None),
        ] {
            assert_eq!(ending(bytes, kind), found, "{bytes:?}");
        }
    }

    #[test]
    fn what_stands_elsewhere_needs_no_eyes() {
        assert!(needs_eyes(&[Attachment::Link, Attachment::Image]));
        assert!(needs_eyes(&[Attachment::Other]));
        assert!(!needs_eyes(&[Attachment::Link, Attachment::Quote]));
        assert!(!needs_eyes(&[]));
    }

    #[test]
    fn every_answer_is_read_by_its_code() {
        for answer in MediaAnswer::ALL {
            assert_eq!(answer.code().parse(), Ok(answer));
        }
        assert!("ja".parse::<MediaAnswer>().is_err());
    }
}
