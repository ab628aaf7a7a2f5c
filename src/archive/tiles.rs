//! The log as files: tiles of hashes and bundles of entries (c2sp.org/tlog-tiles), below `archive/tile/`.
//!
//! The database is the truth and this its projection: publishing the same entries again writes the same bytes, so a
//! crash anywhere is followed by the same call. Every file is written once; a file that is there with other content
//! is an error, never overwritten.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::entry;
use super::merkle::{self, Hash, Nodes};
use crate::durable;

/// How many hashes or entries a full tile holds.
pub const WIDTH: u64 = 256;

/// The number of tree levels that one tile spans.
pub(super) const HEIGHT: u32 = 8;

/// What lies in a file below `tile/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    /// `tile/entries/…`: the entries themselves.
    Entries,
    /// `tile/<level>/…`: hashes; level 0 has the leaves', each level above 256 times fewer.
    Hashes(u32),
}

/// One file below `tile/`: which row, which tile in it, how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileName {
    /// What lies in it.
    pub row: Row,
    /// Its position in the row.
    pub index: u64,
    /// How many hashes or entries it holds: 1 to 256.
    pub width: u64,
}

impl TileName {
    /// Its path below the `archive` folder, for example `tile/0/x001/x234/067.p/12`.
    pub fn path(&self) -> PathBuf {
        let row = match self.row {
            Row::Entries => "entries".to_owned(),
            Row::Hashes(level) => level.to_string(),
        };
        let mut digits = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            digits.insert(0, format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        let mut path = format!("tile/{row}/{}", digits.join("/"));
        if self.width < WIDTH {
            path = format!("{path}.p/{}", self.width);
        }
        PathBuf::from(path)
    }

    /// The name that has this path below the `archive` folder; `None` for any other path.
    pub fn parse(path: &str) -> Option<Self> {
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row = if row == "entries" { Row::Entries } else { Row::Hashes(row.parse().ok()?) };
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, width.parse().ok()?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        for group in digits.split('/') {
            let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(group)?;
        }
        let name = Self { row, index, width };
        // Only the one way of writing it is its name: no signs, no missing or superfluous zeroes.
        let plain = (1..=WIDTH).contains(&width) && matches!(row, Row::Entries | Row::Hashes(0..8));
        (plain && name.path().as_os_str() == path).then_some(name)
    }
}

/// Every file that a log of `size` entries must have, each row from its beginning.
pub fn names(size: u64) -> impl Iterator<Item = TileName> {
    let levels = (0..8_u32).take_while(move |level| size >> (HEIGHT * level) > 0);
    let rows = std::iter::once((Row::Entries, size))
        .filter(|(_, count)| *count > 0)
        .chain(levels.map(move |level| (Row::Hashes(level), size >> (HEIGHT * level))));
    rows.flat_map(|(row, count)| {
        (0..count.div_ceil(WIDTH)).map(move |index| {
            let width = (count - index * WIDTH).min(WIDTH);
            TileName { row, index, width }
        })
    })
}

/// What can go wrong with tiles.
#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has not the length or form that its name says.
    #[error("{} is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry cannot stand in the log.
    #[error("entry {0} is longer than 65,535 bytes")]
    TooLong(u64),
    /// The log cannot shrink, and what is not in it cannot be read.
    #[error("the log has {size} entries, fewer than {wanted}")]
    Beyond {
        /// The size of the log.
        size: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// The entry could not be had from the database.
    #[error("entry {index}: {reason}")]
    Source {
        /// The entry's index.
        index: u64,
        /// Why.
        reason: String,
    },
}

/// The entries of a bundle, in order; `None` if the bytes are not `width` entries and nothing else.
pub fn split_bundle(bundle: &[u8], width: u64) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    (rest.is_empty() && entries.len() as u64 == width).then_some(entries)
}

/// The tiles of one log.
#[derive(Debug, Clone)]
pub struct Tiles {
    archive: PathBuf,
}

impl Tiles {
    /// The tiles below the `archive` folder.
    pub fn new(archive: &Path) -> Self {
        Self { archive: archive.to_owned() }
    }

    /// Writes what a log of `new` entries has and one of `old` has not, all of it durable, and returns the new root.
    ///
    /// `old` is the size of the last published checkpoint (0 for none): everything below it is there already.
    /// `entry` gives the exact bytes of an entry, also of some before `old`. Only after this may the checkpoint over
    /// `new` be written.
    ///
    /// # Errors
    /// Any [`TilesError`]; calling again with the same entries is always right.
    pub fn publish<E: std::fmt::Display>(
        &self,
        old: u64,
        new: u64,
        mut entry: impl FnMut(u64) -> Result<Vec<u8>, E>,
    ) -> Result<Hash, TilesError> {
        if new < old {
            return Err(TilesError::Beyond { size: new, wanted: old });
        }
        let (mut old_count, mut new_count) = (old, new);
        for level in 0..8 {
            if old_count == new_count {
                // A level without new hashes has none above it either.
                break;
            }
            for index in old_count / WIDTH..new_count.div_ceil(WIDTH) {
                let start = index * WIDTH;
                let width = (new_count - start).min(WIDTH);
                let mut hashes = Vec::new();
                let mut bundle = Vec::new();
                for position in start..start + width {
                    if level == 0 {
                        let bytes = entry(position).map_err(|error| TilesError::Source {
                            index: position,
                            reason: error.to_string(),
                        })?;
                        let length = u16::try_from(bytes.len()).map_err(|_| TilesError::TooLong(position))?;
                        bundle.extend_from_slice(&length.to_be_bytes());
                        bundle.extend_from_slice(&bytes);
                        hashes.extend_from_slice(&merkle::leaf_hash(&bytes));
                    } else {
                        let below = TileName { row: Row::Hashes(level - 1), index: position, width: WIDTH };
                        let below = self.read_hashes(&below)?;
                        hashes.extend_from_slice(&merkle::root(&below));
                    }
                }
                if level == 0 {
                    let name = TileName { row: Row::Entries, index, width };
                    self.write(&name, &bundle)?;
                }
                let name = TileName { row: Row::Hashes(level), index, width };
                self.write(&name, &hashes)?;
            }
            old_count /= WIDTH;
            new_count /= WIDTH;
        }
        self.root(new)
    }

    /// Removes the partial tiles that became full between `old` and `new`; to be called once the checkpoint over
    /// `new` is durable. Nothing breaks if it is not called: what stays does no harm, and is verified too.
    ///
    /// # Errors
    /// `Io`.
    pub fn prune(&self, old: u64, new: u64) -> Result<(), TilesError> {
        for level in 0..8 {
            let (index, full) = ((old >> (HEIGHT * level)) / WIDTH, (new >> (HEIGHT * level)) / WIDTH);
            if index < full {
                let name = TileName { row: Row::Hashes(level), index, width: WIDTH };
                self.remove_partials(&name)?;
                if level == 0 {
                    self.remove_partials(&TileName { row: Row::Entries, ..name })?;
                }
            }
        }
        Ok(())
    }

    /// The entries `from..to` of a log of `size` entries.
    ///
    /// # Errors
    /// `Beyond`, `Io`, `Damaged`.
    pub fn read_entries(&self, from: u64, to: u64, size: u64) -> Result<Vec<Vec<u8>>, TilesError> {
        if to > size {
            return Err(TilesError::Beyond { size, wanted: to });
        }
        let mut entries = Vec::new();
        for index in from / WIDTH..to.div_ceil(WIDTH) {
            let start = index * WIDTH;
            let width = (size - start).min(WIDTH);
            let name = TileName { row: Row::Entries, index, width };
            let (path, bytes, _) = self.read(&name)?;
            // Where only the full bundle is left, it holds more entries than were asked for.
            let all =
                (width..=WIDTH).find_map(|width| split_bundle(&bytes, width)).ok_or(TilesError::Damaged {
                    path,
                    reason: "it does not hold the entries that its name says",
                })?;
            for (position, entry) in (start..).zip(all) {
                if (from..to).contains(&position) {
                    entries.push(entry.to_vec());
                }
            }
        }
        Ok(entries)
    }

    /// The root over the first `size` entries, from the tiles of hashes.
    ///
    /// # Errors
    /// `Io`, `Damaged`.
    pub fn root(&self, size: u64) -> Result<Hash, TilesError> {
        merkle::root_from(&mut Reader::new(self, size), size)
    }

    /// The path that proves entry `index` in the log of `size` entries.
    ///
    /// # Errors
    /// `Beyond`, `Io`, `Damaged`.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, TilesError> {
        merkle::inclusion_from(&mut Reader::new(self, size), index, size)?
            .ok_or(TilesError::Beyond { size, wanted: index.saturating_add(1) })
    }

    /// The proof that the log of `old` entries (not 0) is a prefix of that of `size`.
    ///
    /// # Errors
    /// `Beyond`, `Io`, `Damaged`.
    pub fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, TilesError> {
        merkle::consistency_from(&mut Reader::new(self, size), old, size)?
            .ok_or(TilesError::Beyond { size, wanted: old })
    }

    /// The file of that name; a partial one may be gone once the full one is there, which begins with the same bytes.
    fn read(&self, name: &TileName) -> Result<(PathBuf, Vec<u8>, u64), TilesError> {
        let path = self.archive.join(name.path());
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && name.width < WIDTH => {
                let full = TileName { width: WIDTH, ..*name };
                let full_path = self.archive.join(full.path());
                // The error names the partial file: that is the one that the checkpoint demands.
                let bytes = fs::read(&full_path).map_err(|_| TilesError::Io { path, source: error })?;
                Ok((full_path, bytes, WIDTH))
            }
            Err(source) => Err(TilesError::Io { path, source }),
            Ok(bytes) => Ok((path, bytes, name.width)),
        }
    }

    fn read_hashes(&self, name: &TileName) -> Result<Vec<Hash>, TilesError> {
        let (path, bytes, width) = self.read(name)?;
        let (chunks, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || chunks.len() as u64 != width {
            return Err(TilesError::Damaged {
                path,
                reason: "it does not hold the hashes that its name says",
            });
        }
        Ok(chunks.to_vec())
    }

    fn write(&self, name: &TileName, bytes: &[u8]) -> Result<(), TilesError> {
        let path = self.archive.join(name.path());
        let io = |source| TilesError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            durable::create_folder(folder).map_err(io)?;
        }
        durable::write_once(&path, bytes).map_err(io)
    }

    /// Removes the partial tiles of a full one. Not made durable: what comes back after a crash does no harm.
    fn remove_partials(&self, full: &TileName) -> Result<(), TilesError> {
        let mut folder = self.archive.join(full.path()).into_os_string();
        folder.push(".p");
        match fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(TilesError::Io { path: folder.into(), source })
            }
            _ => Ok(()),
        }
    }
}

/// Subtree hashes out of the tiles of one tree size; each tile is read once.
#[derive(Debug)]
struct Reader<'a> {
    tiles: &'a Tiles,
    size: u64,
    read: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'a> Reader<'a> {
    fn new(tiles: &'a Tiles, size: u64) -> Self {
        Self { tiles, size, read: HashMap::new() }
    }
}

impl Nodes for Reader<'_> {
    type Error = TilesError;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, TilesError> {
        let level = height / HEIGHT;
        let per_node = 1_u64 << (height % HEIGHT);
        let first = index * per_node;
        let tile = first / WIDTH;
        let hashes = match self.read.entry((level, tile)) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                let count = self.size >> (HEIGHT * level);
                let width = count.saturating_sub(tile * WIDTH).min(WIDTH);
                let name = TileName { row: Row::Hashes(level), index: tile, width };
                vacant.insert(self.tiles.read_hashes(&name)?)
            }
        };
        // The callers in `merkle` ask only for complete subtrees of the tree, which lie within one tile.
        let from = usize::try_from(first % WIDTH).unwrap_or_default();
        let to = from + usize::try_from(per_node).unwrap_or_default();
        let hashes = hashes.get(from..to).ok_or(TilesError::Beyond { size: self.size, wanted: first })?;
        Ok(merkle::root(hashes))
    }
}

const _: () = assert!(entry::LONGEST == u16::MAX as usize, "an entry's length is written in two bytes");

#[cfg(test)]
mod tests;
