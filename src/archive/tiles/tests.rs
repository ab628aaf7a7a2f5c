use std::convert::Infallible;

use super::*;

#[expect(clippy::unnecessary_wraps, reason = "publish takes a source that can fail")]
fn entry(index: u64) -> Result<Vec<u8>, Infallible> {
    Ok(format!("entry {index}").into_bytes())
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| merkle::leaf_hash(format!("entry {index}").as_bytes())).collect()
}

fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    let mut names: Vec<_> =
        found.iter().map(|path| path.strip_prefix(folder).unwrap().display().to_string()).collect();
    names.sort();
    names
}

/// Source: c2sp.org/tlog-tiles, "Merkle Tree" (the example of index 1234067) and "Partial Tiles" (70,000 entries).
#[test]
fn names_are_those_of_the_specification() {
    let name = |row, index, width| TileName { row, index, width }.path().display().to_string();
    assert_eq!(name(Row::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(name(Row::Entries, 0, 3), "tile/entries/000.p/3");
    assert_eq!(name(Row::Hashes(2), 1000, 1), "tile/2/x001/000.p/1");
    let all: Vec<_> = names(70_000).filter(|name| name.row != Row::Entries).collect();
    let count = |level, full| {
        all.iter().filter(|name| name.row == Row::Hashes(level) && (name.width == 256) == full).count()
    };
    assert_eq!(
        [count(0, true), count(0, false), count(1, true), count(1, false), count(2, true)],
        [273, 1, 1, 1, 0]
    );
    let widths: Vec<_> = all.iter().filter(|name| name.width < 256).map(|name| name.width).collect();
    assert_eq!(widths, [112, 17, 1]);
    assert_eq!(names(0).count(), 0);
    assert_eq!(
        names(256).map(|name| name.path().display().to_string()).collect::<Vec<_>>(),
        ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    );
    for bad in [
        "tile/0/1",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/+01",
        "tile/9/001",
        "tile/0/001/002",
        "tile/0/",
        "tile/entries/x99999999999999999999/001",
        "packs/00/x",
    ] {
        assert_eq!(TileName::parse(bad), None, "{bad}");
    }
    // The largest size that can be written neither overflows nor ends too soon.
    assert_eq!(names(u64::MAX).next().unwrap().width, 256);
}

#[test]
fn publishing_step_by_step_gives_the_same_root_and_proofs_as_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let tiles = Tiles::new(dir.path());
    let all = leaves(700);
    let mut old = 0;
    assert_eq!(tiles.publish(0, 0, entry).unwrap(), merkle::empty_root());
    for new in [1, 2, 3, 200, 255, 256, 257, 511, 513, 700, 700] {
        let root = tiles.publish(old, new, entry).unwrap();
        let so_far = &all[..usize::try_from(new).unwrap()];
        assert_eq!(root, merkle::root(so_far), "size {new}");
        for index in [0, old.saturating_sub(1), new / 2, new - 1] {
            assert_eq!(tiles.inclusion(index, new).unwrap(), merkle::inclusion(so_far, index).unwrap());
        }
        if old > 0 {
            assert_eq!(tiles.consistency(old, new).unwrap(), merkle::consistency(so_far, old).unwrap());
        }
        tiles.prune(old, new).unwrap();
        old = new;
    }
    let mut expected: Vec<_> = names(700).map(|name| name.path().display().to_string()).collect();
    // Of the partial tiles, those stay that have no full tile yet.
    expected.extend(["tile/0/002.p/1", "tile/1/000.p/1", "tile/entries/002.p/1"].map(str::to_owned));
    expected.sort();
    assert_eq!(files(dir.path()), expected);
    for name in expected {
        assert_eq!(TileName::parse(&name).unwrap().path(), Path::new(&name));
    }
    // Older sizes can still be proved although their partial tiles are gone.
    assert_eq!(tiles.root(200).unwrap(), merkle::root(&all[..200]));
    assert_eq!(tiles.read_entries(0, 200, 200).unwrap().len(), 200);
    let entries = tiles.read_entries(254, 515, 700).unwrap();
    assert_eq!(entries.len(), 261);
    assert_eq!(entries[0], b"entry 254");
    assert_eq!(entries[260], b"entry 514");
}

#[test]
fn publishing_again_after_a_crash_anywhere_ends_in_the_same_files() {
    let whole = tempfile::tempdir().unwrap();
    Tiles::new(whole.path()).publish(0, 600, entry).unwrap();
    let expected = files(whole.path());
    for removed in 0..expected.len() {
        // A crash leaves the files written so far; any one of them missing is the hardest case.
        let torn = tempfile::tempdir().unwrap();
        Tiles::new(torn.path()).publish(0, 600, entry).unwrap();
        fs::remove_file(torn.path().join(&expected[removed])).unwrap();
        Tiles::new(torn.path()).publish(0, 600, entry).unwrap();
        assert_eq!(files(torn.path()), expected);
    }
}

#[test]
fn another_entry_in_a_published_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tiles = Tiles::new(dir.path());
    tiles.publish(0, 10, entry).unwrap();
    let error = tiles.publish(0, 10, |index| entry(index + 1)).unwrap_err();
    assert!(error.to_string().contains("exists with other content"), "{error}");
    assert!(matches!(tiles.publish(10, 9, entry), Err(TilesError::Beyond { .. })));
    let long = tiles.publish(10, 11, |_| Ok::<_, Infallible>(vec![0; 65_536]));
    assert!(matches!(long, Err(TilesError::TooLong(0))), "{long:?}");
    let failed = tiles.publish(10, 11, |_| Err::<Vec<u8>, _>("the database is gone"));
    assert!(failed.unwrap_err().to_string().contains("entry 0: the database is gone"));
}

#[test]
fn damaged_and_missing_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let tiles = Tiles::new(dir.path());
    tiles.publish(0, 300, entry).unwrap();
    let damage = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::remove_file(&path).unwrap();
        durable::write(&path, bytes, 0o440).unwrap();
    };
    damage("tile/entries/000", &[0, 1]);
    assert!(tiles.read_entries(0, 1, 300).unwrap_err().to_string().contains("tile/entries/000"));
    damage("tile/0/000", &[0; 33]);
    assert!(tiles.inclusion(0, 300).unwrap_err().to_string().contains("tile/0/000"));
    fs::remove_file(dir.path().join("tile/1/000.p/1")).unwrap();
    assert!(tiles.root(300).unwrap_err().to_string().contains("tile/1/000.p/1"));
    assert!(matches!(tiles.read_entries(0, 301, 300), Err(TilesError::Beyond { .. })));
    assert!(matches!(tiles.inclusion(300, 300), Err(TilesError::Beyond { .. })));
    assert!(matches!(tiles.consistency(0, 300), Err(TilesError::Beyond { .. })));
}

#[test]
fn a_bundle_is_exactly_its_entries() {
    assert_eq!(split_bundle(&[0, 1, 7, 0, 0], 2), Some(vec![&[7_u8][..], &[]]));
    for (bytes, width) in
        [(&[0, 1, 7][..], 2), (&[0, 1], 1), (&[0], 1), (&[0, 1, 7, 0], 1), (&[0, 1, 7, 0, 0], 1)]
    {
        assert_eq!(split_bundle(bytes, width), None);
    }
    assert_eq!(split_bundle(&[], 0), Some(vec![]));
}
