//! What holds after every crash, checked by one function.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use uppsikt::archive::tiles::Tiles;
use uppsikt::archive::verify::{self, Options};
use uppsikt::archive::{merkle, sha256_hex};

use super::binary::{Town, read, rows};

/// What a test meant to happen.
#[derive(Debug, Default)]
pub(crate) struct Meant<'a> {
    /// Native ids that are to be hidden, and no others.
    pub(crate) hidden: &'a [&'a str],
    /// Writes that an object may have got beyond the first, because an answer was lost or a process died between
    /// counting a request and hearing of it.
    pub(crate) more_writes: usize,
}

/// Everything that must hold once the passes have become quiet.
pub(crate) fn assert_whole(town: &Town, meant: &Meant<'_>, what: &str) {
    let db = town.db();
    let get = |sql: &str| rows(&db, sql);
    for pragma in ["integrity_check", "foreign_key_check"] {
        let said = get(&format!("pragma {pragma}"));
        assert!(said.is_empty() || said == ["ok"], "{what}: {said:?}");
    }
    // Nothing received is lost, nothing is stored twice.
    let platform = town.sandbox.state();
    let stored: BTreeMap<_, _> =
        get("select c.native_id || '|' || v.text from comment c join version v on v.comment = c.id
             and v.n = (select max(n) from version where comment = c.id)")
        .into_iter()
        .map(|row| row.split_once('|').map(|(id, text)| (id.to_owned(), text.to_owned())).unwrap())
        .collect();
    let texts: BTreeMap<_, _> = platform.iter().map(|(id, (text, ..))| (id.clone(), text.clone())).collect();
    assert_eq!(stored, texts, "{what}");
    let comments: usize = get("select count(*) from comment")[0].parse().unwrap();
    assert_eq!(comments, texts.len(), "{what}: a comment is stored twice");

    // Exactly what was meant is hidden.
    let hidden: BTreeSet<_> = town.sandbox.hidden().into_iter().collect();
    let wanted: BTreeSet<_> = meant.hidden.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(hidden, wanted, "{what}");
    let writes = town.sandbox.writes();
    for (id, count) in &writes {
        assert!(wanted.contains(id), "{what}: {id} was written to");
        assert!(*count <= 1 + meant.more_writes, "{what}: {count} writes to {id}");
    }
    for id in &wanted {
        assert!(writes.contains_key(id), "{what}: {id} was hidden by nobody");
        let chain = get(&format!(
            "select group_concat(t, ' ') from (select e.t from entry e join intent i on i.record = e.record
             join comment c on c.id = i.comment join receipt r on r.intent = i.id and r.kind = 'hidden'
             where c.native_id = '{id}' order by e.idx)"
        ));
        assert_eq!(chain, ["snapshot registered decision hide_intent hidden"], "{what}: {id}");
    }

    assert_log(town, what);
    assert_archive(town, what);

    // Every intent has one final receipt, every number follows the one before.
    assert_eq!(
        get("select count(*) from intent i left join receipt r on r.intent = i.id where r.intent is null"),
        ["0"],
        "{what}"
    );
    assert_eq!(
        get("select count(*) from intent"),
        get("select count(*) from entry where t like '%\\_intent' escape '\\'"),
        "{what}"
    );
    let gaps = get(
        "select number from (select number, n, row_number() over (partition by board, year order by n) as k from diary)
         where n <> k",
    );
    assert_eq!(gaps, [""; 0], "{what}: the diary has gaps");
    assert_eq!(
        get("select entry from diary order by 1"),
        get("select idx from entry where t = 'registered' order by 1"),
        "{what}"
    );
    assert_eq!(
        get("select count(*) from letter"),
        get("select count(distinct message_id) from letter"),
        "{what}"
    );
    assert_eq!(
        get("select count(*) from decision_state where state = 'ready'"),
        ["0"],
        "{what}: a decision waits"
    );
}

pub(crate) fn assert_log(town: &Town, what: &str) {
    let db = town.db();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut at = String::new();
    for (index, row) in
        rows(&db, "select idx, record, ref, at, leaf, hash from entry order by idx").iter().enumerate()
    {
        let columns: Vec<_> = row.split('|').collect();
        let [idx, record, previous, time, leaf, hash] = columns[..] else { panic!("{row}") };
        assert_eq!(idx, index.to_string(), "{what}: the log has a gap");
        assert!(time >= at.as_str(), "{what}: time runs backwards at {idx}");
        assert_eq!(hex::encode(merkle::leaf_hash(&hex::decode(leaf).unwrap())), hash, "{what}: {idx}");
        time.clone_into(&mut at);
        if !record.is_empty() {
            let before = last.insert(record.to_owned(), idx.to_owned());
            assert_eq!(before.unwrap_or_default(), previous, "{what}: the chain of {record} breaks at {idx}");
        }
    }
}

pub(crate) fn assert_archive(town: &Town, what: &str) {
    let (db, archive) = (town.db(), town.data().join("archive"));
    let leaves = rows(&db, "select leaf from entry order by idx");
    let size = leaves.len() as u64;
    let published: Vec<_> =
        Tiles::new(&archive).read_entries(0, size, size).unwrap().iter().map(hex::encode).collect();
    assert_eq!(published, leaves, "{what}: the tiles are not the database's entries");
    let checkpoint = String::from_utf8(read(&archive.join("checkpoint"))).unwrap();
    assert_eq!(checkpoint.lines().nth(1), Some(size.to_string().as_str()), "{what}: {checkpoint}");
    let key = String::from_utf8(read(&archive.join("log.vkey"))).unwrap();
    let options = Options { keys: vec![key.trim().parse().unwrap()], ..Options::default() };
    let report = verify::verify(&town.data(), &options).unwrap();
    assert!(report.authenticated, "{what}: {report:?}");
    assert_eq!(report.findings, [], "{what}");

    assert_eq!(
        rows(&db, "select id from record where state <> 'preserved'"),
        [""; 0],
        "{what}: a record is unfinished"
    );
    let mut packs = BTreeSet::new();
    for row in rows(
        &db,
        "select r.id, r.pack_digest, e.leaf from record r join entry e on e.record = r.id and e.t = 'snapshot'",
    ) {
        let columns: Vec<_> = row.split('|').collect();
        let [id, digest, leaf] = columns[..] else { panic!("{row}") };
        let path = archive.join("packs").join(&id[..2]).join(format!("{id}.pack"));
        assert_eq!(sha256_hex(&read(&path)), digest, "{what}: {id}");
        let leaf = String::from_utf8(hex::decode(leaf).unwrap()).unwrap();
        assert!(leaf.contains(&format!("\"pack\":\"{digest}\"")), "{what}: {leaf}");
        packs.insert(path);
    }
    let there: BTreeSet<_> = files(&archive.join("packs")).into_iter().collect();
    assert_eq!(there, packs, "{what}: packs without a record, or leftovers");
    let leftovers: Vec<_> =
        files(&archive).into_iter().filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect();
    assert!(leftovers.is_empty(), "{what}: {leftovers:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
