//! How fast an archive is verified, beside SHA-256 over the same files read one after the other.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop with a message")]

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::SigningKey;
use uppsikt::archive::entry::{Entry, RecordId, TreeHead};
use uppsikt::archive::note::VerifierKey;
use uppsikt::archive::tiles::Tiles;
use uppsikt::archive::verify::{Options, verify, verify_packs};
use uppsikt::archive::{checkpoint, pack};

const ORIGIN: &str = "exempel.se/uppsikt/logg1";
const PACKS: u64 = 10_000;
const SIZE: usize = 20_000;

/// An archive of `PACKS` packs of `SIZE` bytes. What is in them does not matter to a verifier without keys.
fn archive(data: &Path) -> Vec<PathBuf> {
    let archive = data.join("archive");
    let key = SigningKey::from_bytes(&[1; 32]);
    let (mut paths, mut leaves) = (Vec::new(), Vec::new());
    for number in 0..PACKS {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let record = RecordId::from_bytes(id);
        let bytes: Vec<u8> = id.iter().copied().cycle().take(SIZE).collect();
        let path = archive.join(pack::path(record));
        fs::create_dir_all(path.parent().expect("a pack lies in a folder")).expect("a folder");
        // The benchmark's own files need not survive a power cut, and ten thousand fsyncs would take the time.
        std::io::Write::write_all(&mut fs::File::create(&path).expect("a file"), &bytes)
            .expect("room on the disk");
        let tree = TreeHead { root: [7; 32], n: 16 };
        let entry =
            Entry::snapshot(DateTime::UNIX_EPOCH, record, tree, pack::digest(&bytes)).expect("a valid entry");
        leaves.push(entry.canonical());
        paths.push(path);
    }
    let leaf =
        |index: u64| Ok::<_, Infallible>(leaves[usize::try_from(index).expect("a small index")].clone());
    let root = Tiles::new(&archive).publish(0, PACKS, leaf).expect("tiles");
    let text = checkpoint::sign(ORIGIN, PACKS, root, &key).expect("a checkpoint");
    let vkey = VerifierKey::of(ORIGIN, &key).expect("a key");
    for (name, text) in [("checkpoint", text), ("log.vkey", format!("{vkey}\n"))] {
        std::io::Write::write_all(
            &mut fs::File::create(archive.join(name)).expect("a file"),
            text.as_bytes(),
        )
        .expect("room on the disk");
    }
    paths
}

fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let paths = archive(dir.path());
    let mut group = criterion.benchmark_group("verify");
    group.sample_size(10).throughput(Throughput::Bytes(PACKS * SIZE as u64));
    group.bench_function("sha256 of the same files", |bencher| {
        bencher.iter(|| {
            for path in &paths {
                black_box(pack::digest(&fs::read(path).expect("a pack")));
            }
        });
    });
    group.bench_function("packs", |bencher| {
        bencher.iter(|| assert!(!verify_packs(dir.path()).expect("a report").has_errors()));
    });
    group.bench_function("everything", |bencher| {
        bencher.iter(|| assert!(!verify(dir.path(), &Options::default()).expect("a report").has_errors()));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
