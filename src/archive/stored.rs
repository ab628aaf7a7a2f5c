//! Containers that leave their content as it is: gzip members (RFC 1952) of stored blocks, and zip archives of stored
//! files.
//!
//! Nothing is compressed: the bytes do not depend on a library or its version, so that the same content is the same file
//! in thirty years, and a container that is read and written anew shows every changed byte.

/// Why something is not a container as this module writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Fault {
    /// What is wrong.
    pub what: &'static str,
    /// Where, from the beginning of the file.
    pub at: usize,
}

/// CRC-32 as in gzip, zip and PNG (ISO 3309).
pub fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(!0, step)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    let mut byte = 0_u32;
    while n < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
        byte += 1;
    }
    table
}

/// Magic, deflate, no flags, no time, no hints, unknown system.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The longest stored block of deflate.
const BLOCK: usize = 0xffff;

/// One gzip member.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut member = GZIP.to_vec();
    let mut blocks = content.chunks(BLOCK).peekable();
    if blocks.peek().is_none() {
        member.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        member.push(u8::from(blocks.peek().is_none()));
        // A block is at most as long as two bytes can say.
        let length = u16::try_from(block.len()).unwrap_or_default();
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend(block);
    }
    member.extend(crc32(content).to_le_bytes());
    // The length modulo 2^32, as the RFC has it.
    member.extend(&(content.len() as u64).to_le_bytes()[..4]);
    member
}

/// The content of the member at the beginning of `bytes`, and how long the member is.
///
/// # Errors
/// Where it is not as [`gzip`] writes it.
pub fn gunzip(bytes: &[u8]) -> Result<(Vec<u8>, usize), Fault> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.take(GZIP.len())? != GZIP {
        return Err(Fault { what: "no gzip member of stored blocks", at: 0 });
    }
    let mut content = Vec::new();
    loop {
        let at = reader.at;
        let last = reader.take(1)? == [1];
        let length = reader.u16()?;
        if reader.u16()? != !length {
            return Err(Fault { what: "a block of another length", at });
        }
        content.extend_from_slice(reader.take(usize::from(length))?);
        if last {
            break;
        }
    }
    reader.take(8)?;
    let end = reader.at;
    match bytes.get(..end).and_then(|there| difference(there, &gzip(&content))) {
        Some(at) => Err(Fault { what: "a gzip member that does not fit its content", at }),
        None => Ok((content, end)),
    }
}

/// Where two texts of bytes begin to differ; `None` if they are the same.
pub fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let both = one.iter().zip(other).position(|(one, other)| one != other);
    both.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// Version 2.0, no flags, stored, 1980-01-01 00:00: what every file has in common.
const PLAIN: [u8; 10] = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";

/// A zip archive of these files in this order.
///
/// # Errors
/// `TooLarge` beyond 4 GiB or 65,535 files, which a plain zip archive cannot hold.
pub fn zip(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, TooLarge> {
    let long = |length: usize| u32::try_from(length).map_err(|_| TooLarge).map(u32::to_le_bytes);
    let short = |length: usize| u16::try_from(length).map_err(|_| TooLarge).map(u16::to_le_bytes);
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let size = long(content.len())?;
        let common = [&PLAIN[..], &crc32(content).to_le_bytes(), &size, &size, &short(name.len())?].concat();
        directory.extend([&CENTRAL[..], &[20, 0], &common, &[0; 12], &long(archive.len())?].concat());
        directory.extend(name.as_bytes());
        archive.extend([&LOCAL[..], &common, &[0; 2]].concat());
        archive.extend(name.as_bytes());
        archive.extend(content);
    }
    let (begin, count) = (long(archive.len())?, short(files.len())?);
    let size = long(directory.len())?;
    archive.extend(directory);
    archive.extend([&END[..], &[0; 4], &count, &count, &size, &begin, &[0; 2]].concat());
    Ok(archive)
}

/// More than a plain zip archive can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than a zip archive can hold: 4 GiB, or 65,535 files")]
pub struct TooLarge;

/// A zip archive taken apart as far as it could be read.
#[derive(Debug, Default)]
pub struct Unzipped {
    /// The files in their order.
    pub files: Vec<(String, Vec<u8>)>,
    /// What is not as [`zip`] writes it, with the file where it lies within one.
    pub fault: Option<(Fault, Option<String>)>,
}

/// Takes an archive apart, from its beginning: the local headers are what a reader of the stream sees.
pub fn unzip(bytes: &[u8]) -> Unzipped {
    let mut reader = Reader { bytes, at: 0 };
    let mut found = Unzipped::default();
    // Where each file begins, to name it later.
    let mut begins = Vec::new();
    while bytes[reader.at..].starts_with(&LOCAL) {
        begins.push(reader.at);
        match reader.file() {
            Ok(file) => found.files.push(file),
            Err(fault) => {
                let name = found.files.last().map(|(name, _)| name.clone());
                found.fault = Some((fault, name));
                return found;
            }
        }
    }
    if let Some(at) = zip(&found.files).ok().and_then(|anew| difference(bytes, &anew)) {
        let own = begins.partition_point(|begin| *begin <= at).checked_sub(1);
        let name =
            own.and_then(|n| found.files.get(n)).filter(|_| at < reader.at).map(|(name, _)| name.clone());
        found.fault = Some((Fault { what: "the archive is not what its files give", at }, name));
    }
    found
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(Fault { what: "the file ends too soon", at: self.bytes.len() })?;
        self.at += length;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        let bytes = self.take(2)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u16::from(*byte)))
    }

    fn u32(&mut self) -> Result<usize, Fault> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    /// The file whose local header begins here.
    fn file(&mut self) -> Result<(String, Vec<u8>), Fault> {
        self.take(LOCAL.len() + PLAIN.len() + 4)?;
        let size = self.u32()?;
        self.take(4)?;
        let (name, extra) = (self.u16()?, self.u16()?);
        let at = self.at;
        let name = std::str::from_utf8(self.take(usize::from(name))?)
            .map_err(|_| Fault { what: "a name that is no text", at })?;
        self.take(usize::from(extra))?;
        Ok((name.to_owned(), self.take(size)?.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_gzip() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn what_is_put_in_comes_out_and_every_changed_byte_is_seen() {
        for content in [Vec::new(), b"hej".to_vec(), vec![7; BLOCK], vec![8; 2 * BLOCK + 5]] {
            let member = gzip(&content);
            assert_eq!(gunzip(&member).unwrap(), (content.clone(), member.len()));
            let two = [member.clone(), gzip(b"x")].concat();
            assert_eq!(gunzip(&two).unwrap(), (content, member.len()));
        }
        let member = gzip(b"hej");
        for at in 0..member.len() {
            let mut changed = member.clone();
            changed[at] ^= 1;
            gunzip(&changed).unwrap_err();
            gunzip(&member[..at]).unwrap_err();
        }
    }

    #[test]
    fn every_changed_byte_of_an_archive_is_seen_and_its_file_named() {
        let files = vec![("a/b.txt".to_owned(), b"hej".to_vec()), ("c".to_owned(), Vec::new())];
        let archive = zip(&files).unwrap();
        let whole = unzip(&archive);
        assert_eq!((&whole.files, whole.fault), (&files, None));
        for at in 0..archive.len() {
            let mut changed = archive.clone();
            changed[at] ^= 0x11;
            let found = unzip(&changed);
            let fault =
                found.fault.or_else(|| (found.files != files).then_some((Fault { what: "", at }, None)));
            assert!(fault.is_some(), "byte {at}");
            assert!(unzip(&archive[..at]).fault.is_some(), "cut at {at}");
        }
        let mut changed = archive;
        // Within the first file's three bytes, which stand after thirty of header and seven of name.
        changed[38] ^= 1;
        assert_eq!(unzip(&changed).fault.unwrap().1.as_deref(), Some("a/b.txt"));
        assert!(unzip(b"").fault.is_some() && unzip(b"PK").fault.is_some());
    }
}
