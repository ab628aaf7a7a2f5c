//! A log with records, packs and checkpoints, made as the daemon makes them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use ed25519_dalek::SigningKey;
use serde_json::json;
use uppsikt::archive::anchors::Anchors;
use uppsikt::archive::checkpoint;
use uppsikt::archive::entry::{Entry, Kind, RecordId, TreeHead};
use uppsikt::archive::fields::Tree;
use uppsikt::archive::keys::{Kek, Keys};
use uppsikt::archive::merkle;
use uppsikt::archive::note::VerifierKey;
use uppsikt::archive::pack::{self, PackContent};
use uppsikt::archive::tiles::Tiles;
use uppsikt::bundle::bag::{BagInput, Event};
use uppsikt::durable;

pub(crate) const ORIGIN: &str = "exempel.se/uppsikt/logg1";

/// One record and its entries.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: RecordId,
    pub(crate) key: [u8; 32],
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) events: Vec<u64>,
    pub(crate) trees: BTreeMap<u64, Tree>,
}

/// A log with its records; the archive lies in `data/archive` once it is published.
pub(crate) struct Log {
    pub(crate) leaves: Vec<Vec<u8>>,
    pub(crate) records: Vec<Record>,
    pub(crate) signing: SigningKey,
    pub(crate) data: PathBuf,
    pub(crate) keys: Keys,
    published: u64,
    pub(crate) at: DateTime<Utc>,
}

impl Log {
    pub(crate) fn new(data: &Path) -> Self {
        let kek = Kek::generate(&data.join("kek")).unwrap();
        let keys = Keys::create(&data.join("keys.db"), &kek).unwrap();
        durable::create_folder(&data.join("archive")).unwrap();
        let signing = SigningKey::from_bytes(&keys.signing_key().to_bytes());
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 6, 0, 0).unwrap();
        let vkey = VerifierKey::of(ORIGIN, &signing).unwrap();
        durable::write(&data.join("archive/log.vkey"), format!("{vkey}\n").as_bytes(), 0o644).unwrap();
        let (leaves, records) = (Vec::new(), Vec::new());
        Self { leaves, records, signing, data: data.to_owned(), keys, published: 0, at }
    }

    pub(crate) fn vkey(&self) -> VerifierKey {
        VerifierKey::of(ORIGIN, &self.signing).unwrap()
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.data.join("archive")
    }

    fn push(&mut self, entry: &Entry) -> u64 {
        self.leaves.push(entry.canonical());
        self.at += TimeDelta::seconds(1);
        self.leaves.len() as u64 - 1
    }

    /// An entry of no record.
    pub(crate) fn received(&mut self) {
        let salts = [("/1".to_owned(), json!("x"), [self.leaves.len().to_le_bytes()[0]; 16])];
        let tree = Tree::with_salts(&salts, &[8; 32]).unwrap();
        let entry = Entry::received(self.at, tree.head()).unwrap();
        self.push(&entry);
    }

    /// Preserves a comment: pack and snapshot entry. Returns the record's position in `records`.
    pub(crate) fn preserve(&mut self, text: &str, media: &[u8]) -> usize {
        let answer = json!({"id": "17_1", "message": text}).to_string().into_bytes();
        let files = BTreeMap::from([
            ("api/001-comment.response.json".to_owned(), answer),
            ("media/8f8cbb7dcf46e0bc.png".to_owned(), media.to_vec()),
        ]);
        let doc = json!({"comment": {"native_id": "17_1", "from": {"name": "Anna Exempel"}, "text": text}, "case": "c-000001"});
        self.keep(&doc, files)
    }

    /// The same, with how the single look travelled.
    pub(crate) fn preserve_look(&mut self, text: &str, media: &[u8]) -> usize {
        let url = "https://graph.exempel.se/v25.0/17_1?fields=id%2Cmessage&appsecret_proof=%E2%80%A6";
        let exchange = json!({
            "format": "uppsikt-exchange/1",
            "request": {
                "method": "GET",
                "url": url,
                "headers": [["accept", "application/json"], ["accept-encoding", "identity"]],
                "withheld": ["authorization", "?appsecret_proof"],
            },
            "response": {
                "version": "HTTP/2.0",
                "status": 200,
                "headers": [["content-type", "application/json; charset=UTF-8"], ["date", "Mon, 23 Nov 2026 06:00:00 GMT"]],
                "withheld": ["set-cookie"],
            },
        });
        let answer = json!({"id": "17_1", "message": text}).to_string().into_bytes();
        let files = BTreeMap::from([
            ("api/001-comment.exchange.json".to_owned(), format!("{exchange}\n").into_bytes()),
            ("api/001-comment.response.json".to_owned(), answer),
            ("media/8f8cbb7dcf46e0bc.png".to_owned(), media.to_vec()),
        ]);
        let doc = json!({
            "comment": {
                "native_id": "17_1",
                "author": {"id": "4", "name": "Anna Exempel"},
                "text": text,
                "media": [{
                    "file": "media/8f8cbb7dcf46e0bc.png",
                    "kind": "image/png",
                    "url": "https://cdn.exempel.se/x.png?sig=%E2%80%A6",
                }],
            },
            "case": "c-000001",
            "look": {"at": "2026-11-23T05:59:58.25Z", "url": url, "source": "single_look", "sighting": "public"},
        });
        self.keep(&doc, files)
    }

    fn keep(&mut self, doc: &serde_json::Value, files: BTreeMap<String, Vec<u8>>) -> usize {
        let number = self.records.len() as u64;
        let id = RecordId::from_bytes(
            [&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[..], &[7; 8]]
                .concat()
                .try_into()
                .unwrap(),
        );
        let key = *self.keys.record_key(id).unwrap().expose();
        let named: Vec<_> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        let tree = Tree::of(doc, &["/comment/text"], &named, &key, 0).unwrap();
        let content = PackContent { record: id, fields: tree.full_json(), files: files.clone() };
        let sealed = pack::seal(&key, &[number.to_le_bytes()[0]; 24], &content).unwrap();
        let path = self.archive().join(pack::path(id));
        durable::create_folder(path.parent().unwrap()).unwrap();
        durable::write_once(&path, &sealed).unwrap();
        let entry = Entry::snapshot(self.at, id, tree.head(), pack::digest(&sealed)).unwrap();
        let index = self.push(&entry);
        self.records.push(Record {
            id,
            key,
            files,
            events: vec![index],
            trees: BTreeMap::from([(index, tree)]),
        });
        self.records.len() - 1
    }

    /// Goes on with a record; every kind that may have fields gets some.
    pub(crate) fn follow(&mut self, record: usize, kind: Kind) -> u64 {
        let there = &self.records[record];
        let j = u32::try_from(there.trees.len()).unwrap();
        let doc = json!({"what": kind.code(), "by": "Karin Redaktör", "reason": "hot mot tjänsteman"});
        let tree = Tree::of(&doc, &[], &[], &there.key, j).unwrap();
        let with_tree = !kind.is_intent();
        let head: Option<TreeHead> = with_tree.then(|| tree.head());
        let entry = Entry::following(kind, self.at, *there.events.last().unwrap(), head).unwrap();
        let index = self.push(&entry);
        let there = &mut self.records[record];
        there.events.push(index);
        if with_tree {
            there.trees.insert(index, tree);
        }
        index
    }

    /// A comment on its whole way: preserved, registered, decided, hidden.
    pub(crate) fn hide(&mut self, text: &str, media: &[u8]) -> usize {
        let record = self.preserve(text, media);
        self.hidden(record)
    }

    /// The rest of that way.
    pub(crate) fn hidden(&mut self, record: usize) -> usize {
        for kind in [Kind::Registered, Kind::Decision, Kind::HideIntent, Kind::Hidden] {
            self.follow(record, kind);
        }
        record
    }

    /// The checkpoint over everything so far.
    pub(crate) fn checkpoint(&self) -> String {
        let hashes: Vec<_> = self.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
        checkpoint::sign(ORIGIN, hashes.len() as u64, merkle::root(&hashes), &self.signing).unwrap()
    }

    /// Writes tiles and checkpoint.
    pub(crate) fn publish(&mut self) -> String {
        let new = self.leaves.len() as u64;
        let leaf = |index: u64| Ok::<_, Infallible>(self.leaves[usize::try_from(index).unwrap()].clone());
        let tiles = Tiles::new(&self.archive());
        tiles.publish(self.published, new, leaf).unwrap();
        let text = self.checkpoint();
        durable::write(&self.archive().join("checkpoint"), text.as_bytes(), 0o644).unwrap();
        tiles.prune(self.published, new).unwrap();
        self.published = new;
        text
    }

    /// Destroys a record by decision: entry, pack, key.
    pub(crate) fn dispose(&mut self, record: usize) {
        self.follow(record, Kind::Disposal);
        let id = self.records[record].id;
        fs::remove_file(self.archive().join(pack::path(id))).unwrap();
        self.keys.destroy(&[id]).unwrap();
    }

    /// What `export` needs for a bag of the record, against the log as it is now.
    pub(crate) fn bag(&self, record: usize) -> BagInput {
        let record = &self.records[record];
        let hashes: Vec<_> = self.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
        let events = record.events.iter().map(|index| Event {
            index: *index,
            leaf: self.leaves[usize::try_from(*index).unwrap()].clone(),
            fields: record.trees.get(index).map(Tree::full_json),
            path: merkle::inclusion(&hashes, *index).unwrap(),
        });
        BagInput {
            record: record.id,
            diary_number: Some("KS 2026/123".to_owned()),
            organisation: "Exempels kommun".to_owned(),
            events: events.collect(),
            files: record.files.clone(),
            derived: BTreeMap::new(),
            checkpoint: self.checkpoint(),
            anchors: Anchors::default(),
            vkey: self.vkey(),
            date: NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
        }
    }
}

/// Every file below `folder`: path and bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// Puts other bytes in the place of a file that is write-protected.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Not durable on purpose: the tests do this thousands of times.
    let mut file = fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

/// A small generator with a seed, so that a failing run can be repeated.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `below`.
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}
