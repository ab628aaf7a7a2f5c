//! How long one comment takes to preserve: what is computed, and all of it with what the disk takes.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop with a message")]

use std::convert::Infallible;
use std::hint::black_box;

use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use uppsikt::archive::Vault;
use uppsikt::archive::entry::{Entry, RecordId, TreeHead};
use uppsikt::archive::exchange;
use uppsikt::archive::fields::Tree;
use uppsikt::archive::pack::{self, NONCE, PackContent};
use uppsikt::domain::comment::Sighting;

const ORIGIN: &str = "exempel.se/uppsikt/logg1";
const KEY: [u8; 32] = [7; 32];
const TEXT: &str = "Vilken jävla idiot är det som har ritat rondellen vid stationen? Det går ju inte att köra där \
    med släp, och det har vi sagt till er på kommunen i två år nu utan att någon ens har svarat.";

/// A record of usual size: a comment of 35 words, and an answer of about 2 kB.
fn fields(record: RecordId) -> Value {
    json!({
        "record": record.to_string(),
        "case": "c-000123",
        "organisation": "Exempel kommun",
        "account": {"id": "fb", "platform": "facebook", "native_id": "123456789012345", "board": "KS"},
        "comment": {
            "native_id": "123456789012345_678901234567890",
            "post_id": "123456789012345_111",
            "author": {"id": "4711", "name": "Någon Exempel"},
            "created_at": "2026-11-20T17:00:00Z",
            "text": TEXT,
            "permalink": "https://www.facebook.com/exempelkommun/posts/111?comment_id=678901234567890",
        },
        "sighting": format!("{:?}", Sighting::Public),
        "findings": [{"category": "insult", "rule": "insult/idiot", "version": 3, "start": 13, "end": 18}],
    })
}

fn made(record: RecordId, look: &[u8]) -> (TreeHead, Vec<u8>) {
    let files = [(exchange::LOOK, look)];
    let tree = Tree::of(&fields(record), &["/comment/text"], &files, &KEY, 0).expect("fields of a record");
    let content = PackContent {
        record,
        fields: tree.full_json(),
        files: [(exchange::LOOK.to_owned(), look.to_vec())].into(),
    };
    (tree.head(), pack::seal(&KEY, &[9; NONCE], &content).expect("a pack"))
}

fn numbered(number: u64) -> RecordId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RecordId::from_bytes(id)
}

fn preserve(criterion: &mut Criterion) {
    let look = format!("{{\"message\":\"{TEXT}\",\"pad\":\"{}\"}}", "x".repeat(1800));
    let look = look.as_bytes();
    let mut group = criterion.benchmark_group("preserve");
    group.bench_function("tree and encryption", |bencher| {
        bencher.iter(|| made(black_box(numbered(1)), look));
    });

    let folder = tempfile::tempdir().expect("a temporary folder");
    let vault = Vault::new(folder.path());
    let signer = SigningKey::from_bytes(&[1; 32]);
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    group.sample_size(20);
    // Pack fsynced and renamed, read back and opened, tiles and checkpoint fsynced: steps 4, 5 and 9 without the
    // database. A batch of 64 records shares the last of these.
    group.bench_function("durable, read back and published", |bencher| {
        bencher.iter(|| {
            let record = numbered(leaves.len() as u64);
            let (head, bytes) = made(record, look);
            vault.keep(record, &bytes).expect("room on the disk");
            let (digest, ..) = vault.reread(record, &KEY, &head).expect("a whole record");
            let entry = Entry::snapshot(DateTime::UNIX_EPOCH, record, head, digest).expect("a valid entry");
            leaves.push(entry.canonical());
            let range = |from: u64, to: u64| {
                let [from, to] = [from, to].map(|at| usize::try_from(at).expect("a small index"));
                Ok::<_, Infallible>(leaves[from..to].to_vec())
            };
            vault.publish(ORIGIN, leaves.len() as u64, &signer, range).expect("a checkpoint")
        });
    });
    group.finish();
}

criterion_group!(benches, preserve);
criterion_main!(benches);
