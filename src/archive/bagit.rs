//! The parts of BagIt 1.0 (RFC 8493) that writer and verifier of a bag share: names, digests and manifests.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, Read};

use sha2::{Digest, Sha256, Sha512};

/// `bagit.txt`, to the byte.
pub const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// The digests of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// SHA-512.
    pub sha512: [u8; 64],
    /// The number of bytes.
    pub size: u64,
}

impl Digests {
    /// The digests of everything that `reader` gives, in pieces: a file may be larger than the memory.
    ///
    /// # Errors
    /// Any error of the reader.
    pub fn of(mut reader: impl Read) -> io::Result<Self> {
        let (mut sha256, mut sha512, mut size) = (Sha256::new(), Sha512::new(), 0);
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = reader.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            sha256.update(piece);
            sha512.update(piece);
            size += piece.len() as u64;
        }
        Ok(Self { sha256: sha256.finalize().into(), sha512: sha512.finalize().into(), size })
    }

    /// The digest for a manifest of `algorithm`, in lower-case hexadecimal digits.
    pub fn hex(&self, algorithm: Algorithm) -> String {
        match algorithm {
            Algorithm::Sha256 => hex::encode(self.sha256),
            Algorithm::Sha512 => hex::encode(self.sha512),
        }
    }
}

/// Which digest a manifest lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Both: every bag has every manifest twice.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The manifest of the payload.
    pub fn manifest(self) -> &'static str {
        match self {
            Self::Sha256 => "manifest-sha256.txt",
            Self::Sha512 => "manifest-sha512.txt",
        }
    }

    /// The manifest of everything else.
    pub fn tagmanifest(self) -> &'static str {
        match self {
            Self::Sha256 => "tagmanifest-sha256.txt",
            Self::Sha512 => "tagmanifest-sha512.txt",
        }
    }
}

/// Whether `path` stands in the manifests of the payload.
pub fn is_payload(path: &str) -> bool {
    path.starts_with("data/")
}

/// Whether `path` stands in the tag manifests: everything but the payload and the tag manifests themselves.
pub fn is_tag(path: &str) -> bool {
    !is_payload(path) && !path.starts_with("tagmanifest-")
}

/// Whether every part of the path is made of `[A-Za-z0-9._-]` and does not begin with a dot: such a path means the
/// same to every tool, and none leaves the folder.
pub fn is_safe(path: &str) -> bool {
    path.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

/// The one form of a manifest: digest, two spaces, path, line feed; sorted bytewise by path.
pub fn manifest<'a>(
    files: impl Iterator<Item = (&'a String, &'a Digests)>,
    algorithm: Algorithm,
    listed: impl Fn(&str) -> bool,
) -> String {
    let sorted: BTreeMap<_, _> = files.filter(|(path, _)| listed(path)).collect();
    let mut text = String::new();
    for (path, digests) in sorted {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{}  {path}", digests.hex(algorithm));
    }
    text
}

/// `Payload-Oxum`: how many bytes in how many files.
pub fn oxum<'a>(files: impl Iterator<Item = (&'a String, &'a Digests)>) -> String {
    let payload: Vec<_> = files.filter(|(path, _)| is_payload(path)).collect();
    let bytes: u64 = payload.iter().map(|(_, digests)| digests.size).sum();
    format!("{bytes}.{}", payload.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_folder_are_safe() {
        for good in ["data/api/001-x.response.json", "a", "A_-.9/b"] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "data/../x",
            "data//x",
            "data/",
            "~x",
            "a b",
            "a\nb",
            "%41",
            ".x",
            "\u{e5}",
            "a\\b",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    /// Source: FIPS 180-4, the digests of "abc".
    #[test]
    fn digests_and_manifests_are_those_of_coreutils() {
        let digests = Digests::of(&b"abc"[..]).unwrap();
        let files = BTreeMap::from([
            ("data/b".to_owned(), digests.clone()),
            ("data/a".to_owned(), digests),
            ("x".to_owned(), Digests::of(&b""[..]).unwrap()),
        ]);
        let line = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            manifest(files.iter(), Algorithm::Sha256, is_payload),
            format!("{line}  data/a\n{line}  data/b\n")
        );
        assert!(
            manifest(files.iter(), Algorithm::Sha512, is_payload)
                .starts_with("ddaf35a193617abacc417349ae204131")
        );
        assert_eq!(oxum(files.iter()), "6.2");
    }
}
