use std::fs;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vectors")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// A hash of a vector; `None` where it has not 32 bytes, which no caller of ours can even express.
fn hash(value: &Value) -> Option<Hash> {
    let text = value.as_str().unwrap_or_default();
    BASE64_STANDARD.decode(text).unwrap().try_into().ok()
}

fn hashes(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(hash).collect())
}

/// Source: github.com/transparency-dev/merkle, testdata (see tests/fixtures/vectors/README.md).
#[test]
fn every_published_vector_comes_out_as_it_says() {
    let mut all = Vec::new();
    files(&vectors().join("rfc6962/testdata"), &mut all);
    assert_eq!(all.len(), 196);
    let mut run = 0;
    for path in all {
        // Degenerate on purpose: its roots are the bytes of a sentence instead of hashes, and it expects success.
        // A root that is no hash cannot be given to our function, so the case cannot be asked.
        if path.ends_with("consistency/additional/sizes-are-equal-one-and-proof-is-empty.json") {
            continue;
        }
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let number = |key: &str| case[key].as_u64().unwrap_or(u64::MAX);
        let proof = hashes(&case["proof"]);
        let accepted = if case.get("leafHash").is_some() {
            match (hash(&case["leafHash"]), hash(&case["root"]), proof) {
                (Some(leaf), Some(root), Some(proof)) => {
                    verify_inclusion(&leaf, number("leafIdx"), number("treeSize"), &proof, &root)
                }
                _ => false,
            }
        } else {
            match (hash(&case["root1"]), hash(&case["root2"]), proof) {
                (Some(old), Some(new), Some(proof)) => {
                    verify_consistency(number("size1"), number("size2"), &proof, &old, &new)
                }
                _ => false,
            }
        };
        assert_eq!(accepted, case["wantErr"] == false, "{}", path.display());
        run += 1;
    }
    assert_eq!(run, 195);
}

fn eight() -> (Value, Vec<Hash>) {
    let case: Value =
        serde_json::from_slice(&fs::read(vectors().join("merkle-8-leaf.json")).unwrap()).unwrap();
    let leaves = case["leaves_hex"].as_array().unwrap();
    let leaves = leaves.iter().map(|leaf| leaf_hash(&hex::decode(leaf.as_str().unwrap()).unwrap())).collect();
    (case, leaves)
}

fn unhex(list: &Value) -> Vec<Hash> {
    let list = list.as_array().unwrap();
    list.iter().map(|hash| hex::decode(hash.as_str().unwrap()).unwrap().try_into().unwrap()).collect()
}

#[test]
fn the_classic_eight_leaves_have_their_roots_and_proofs() {
    let (case, leaves) = eight();
    assert_eq!(unhex(&case["leaf_hashes_hex"]), leaves);
    for (size, expected) in unhex(&case["roots_hex"]).iter().enumerate() {
        assert_eq!(root(&leaves[..size]), *expected, "size {size}");
    }
    let inclusions = case["inclusion"].as_array().unwrap();
    assert!(!inclusions.is_empty());
    for proof in inclusions {
        let size = usize::try_from(proof["size"].as_u64().unwrap()).unwrap();
        let made = inclusion(&leaves[..size], proof["index"].as_u64().unwrap());
        assert_eq!(made, Some(unhex(&proof["proof_hex"])));
    }
    let consistencies = case["consistency"].as_array().unwrap();
    assert!(!consistencies.is_empty());
    for proof in consistencies {
        let number = |names: [&str; 2]| names.iter().find_map(|name| proof[*name].as_u64()).unwrap();
        let new = usize::try_from(number(["new", "size2"])).unwrap();
        let made = consistency(&leaves[..new], number(["old", "size1"]));
        assert_eq!(made, Some(unhex(&proof["proof_hex"])));
    }
}

#[test]
fn what_cannot_be_proved_has_no_proof() {
    let (_, leaves) = eight();
    assert_eq!(inclusion(&leaves, 8), None);
    assert_eq!(inclusion(&[], 0), None);
    assert_eq!(consistency(&leaves, 0), None);
    assert_eq!(consistency(&leaves, 9), None);
    assert_eq!(consistency(&leaves, 8), Some(Vec::new()));
}

#[test]
fn huge_sizes_neither_panic_nor_verify() {
    let hash = [7; 32];
    let path = vec![hash; 70];
    assert!(!verify_inclusion(&hash, u64::MAX - 1, u64::MAX, &path, &hash));
    assert!(!verify_inclusion(&hash, u64::MAX, u64::MAX, &path, &hash));
    assert!(!verify_consistency(u64::MAX - 1, u64::MAX, &path, &hash, &hash));
    assert!(!verify_consistency(1 << 63, u64::MAX, &path, &hash, &hash));
}

proptest! {
    #[test]
    fn a_proof_verifies_for_its_own_place_and_no_other(size in 1_u64..300, a in 0_u64..300, b in 0_u64..300) {
        let leaves: Vec<_> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let (index, other) = (a % size, b % size);
        let whole = root(&leaves);
        let path = inclusion(&leaves, index).unwrap();
        let leaf = &leaves[usize::try_from(index).unwrap()];
        prop_assert!(verify_inclusion(leaf, index, size, &path, &whole));
        prop_assert_eq!(verify_inclusion(leaf, other, size, &path, &whole), index == other);
        let old = index + 1;
        let before = root(&leaves[..usize::try_from(old).unwrap()]);
        let proof = consistency(&leaves, old).unwrap();
        prop_assert!(verify_consistency(old, size, &proof, &before, &whole));
        prop_assert_eq!(verify_consistency(other + 1, size, &proof, &before, &whole), other + 1 == old);
    }
}
