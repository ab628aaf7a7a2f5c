//! All that is read of answers, as one function of their bytes: what a fuzzer calls.

use serde_json::value::RawValue;

use super::{session, sweep, thread, view};
use crate::connector::http;

/// Reads `body` as everything that the network may answer; what a fuzzer calls.
pub fn everything(body: &[u8]) {
    const DID: &str = "did:plc:kommunen";
    sweep::everything(body);
    thread::everything(DID, body);
    session::everything(DID, body);
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else { return };
    let elements = http::elements("fuzz", raw).unwrap_or_else(|_| vec![raw]);
    for element in elements {
        let _ = view::uri(element);
        let _ = view::post(DID, element);
        for root in [None, Some("at://did:plc:kommunen/app.bsky.feed.post/3lbvgqk2w2c2x")] {
            let _ = view::comment(DID, element, root);
        }
    }
}
