//! Names made from content: version 1, DAG-CBOR, SHA-256, in base 32.
//!
//! The real ones are of the record's CBOR, these of its JSON: alike in form, and another for another content.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The name of a record.
pub(super) fn of(record: &Value) -> String {
    let mut bytes = vec![0x01, 0x71, 0x12, 0x20];
    bytes.extend(Sha256::digest(record.to_string()));
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::from("b");
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut push = |five: u32| out.push(char::from(letters[(five & 31) as usize]));
    for byte in bytes {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(held << (5 - bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_form_of_a_real_one_and_follows_the_content() {
        let one = of(&serde_json::json!({ "text": "a" }));
        assert_eq!(one.len(), "bafyreibzwceddubi4x2b2gjbkmzi7cbngjtcmalimppxwtn3mmedu3pzse".len());
        assert!(one.starts_with("bafyrei"));
        assert_ne!(one, of(&serde_json::json!({ "text": "b" })));
    }
}
