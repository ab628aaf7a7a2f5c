//! The Merkle tree of RFC 6962 §2.1 over SHA-256: roots, proofs, and their verification.
//!
//! Making a proof reads complete subtrees from a [`Nodes`], so that the same code serves a list in memory and the
//! tiles on disk. The verification algorithms are those of RFC 9162 §2.1.3.2 and §2.1.4.2.

use std::convert::Infallible;

use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, of an inner node, or a root.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// What can go wrong when a hash is read.
    type Error;

    /// The hash over the `2^height` leaves that begin at leaf `index * 2^height`.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Leaf hashes in memory.
#[derive(Debug)]
struct Slice<'a>(&'a [Hash]);

impl Nodes for Slice<'_> {
    type Error = Infallible;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Infallible> {
        if height == 0 {
            // The callers below ask only for leaves within the slice; beyond it a hash that proves nothing.
            let leaf = usize::try_from(index).ok().and_then(|index| self.0.get(index));
            return Ok(leaf.copied().unwrap_or_default());
        }
        let left = self.node(height - 1, index * 2)?;
        let right = self.node(height - 1, index * 2 + 1)?;
        Ok(node_hash(&left, &right))
    }
}

/// The root (MTH) over `leaves`.
pub fn root(leaves: &[Hash]) -> Hash {
    let Ok(root) = root_from(&mut Slice(leaves), leaves.len() as u64);
    root
}

/// The path that proves leaf `index` among `leaves`, the leaf's sibling first; `None` if there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: u64) -> Option<Vec<Hash>> {
    let Ok(path) = inclusion_from(&mut Slice(leaves), index, leaves.len() as u64);
    path
}

/// The proof that the tree over the first `old` of `leaves` is a prefix of the tree over all of them; `None` if
/// `old` is 0 (it would prove nothing) or more than there are.
pub fn consistency(leaves: &[Hash], old: u64) -> Option<Vec<Hash>> {
    let Ok(proof) = consistency_from(&mut Slice(leaves), old, leaves.len() as u64);
    proof
}

/// As [`root()`], over the first `size` leaves of `nodes`.
pub fn root_from<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// As [`inclusion()`], in the tree of `size` leaves of `nodes`.
pub fn inclusion_from<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// As [`consistency()`], from `old` to `size` leaves of `nodes`.
pub fn consistency_from<N: Nodes>(nodes: &mut N, old: u64, size: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if old == 0 || old > size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    // Where the old tree is a complete subtree from leaf 0, its root is known to the verifier already.
    if start != 0 {
        proof.push(range(nodes, start, end)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The hash over leaves `start..end`, which begin where a subtree of this tree begins.
fn range<N: Nodes>(nodes: &mut N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let length = end - start;
    if length.is_power_of_two() {
        return nodes.node(length.trailing_zeros(), start / length);
    }
    let middle = start + split(length);
    let left = range(nodes, start, middle)?;
    let right = range(nodes, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two smaller than `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// Whether `path` proves that `leaf` is leaf `index` of the tree of `size` leaves with `root`.
///
/// Source: RFC 9162 §2.1.3.2.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            if at % 2 == 0 {
                while at.is_multiple_of(2) && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` proves that the tree of `old` leaves with `old_root` is a prefix of that of `new` leaves.
///
/// An old size of 0 is refused: every tree has the empty one as its prefix, so nothing would be proved.
/// Source: RFC 9162 §2.1.4.2.
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (*first, rest)
    };
    if rest.is_empty() {
        return false;
    }
    let (mut at, mut last) = (old - 1, new - 1);
    while at % 2 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            if at % 2 == 0 {
                while at.is_multiple_of(2) && at != 0 {
                    at >>= 1;
                    last >>= 1;
                }
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests;
