use tempfile::TempDir;

use super::*;

fn fresh() -> (TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::create(&folder.path().join("uppsikt.db")).unwrap();
    (folder, db)
}

/// One row of everything that must not change.
const ROWS: &str = "
    insert into comment (id, account, native_id, post_id, created_at, first_seen_at, ours, old, listed_at, sighting, sighted_at)
      values (1, 'fb', '1_1', '1', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 0, 0, '2026-01-01T00:00:00Z', 'public', '2026-01-01T00:00:00Z');
    insert into version (id, comment, n, seen_at, text, attachments, element, salt)
      values (1, 1, 1, '2026-01-01T00:00:00Z', 'text', '[]', x'00', randomblob(16)), (2, 1, 2, '2026-01-01T00:00:00Z', 'text', '[]', x'00', randomblob(16));
    insert into case_file (id, comment, opened_at, state, state_at) values (1, 1, '2026-01-01T00:00:00Z', 'open', '2026-01-01T00:00:00Z');
    insert into record (id, version, comment, case_id, look, look_kind, look_url, look_at, sighting, doc, nonce, state)
      values ('aa', 1, 1, 1, x'00', 'look', '', '2026-01-01T00:00:00Z', 'public', '{}', x'00', 'preserved');
    insert into entry (idx, t, record, ref, at, leaf, hash) values (0, 'snapshot', 'aa', null, '2026-01-01T00:00:00Z', x'00', x'00');
    insert into entry (idx, t, record, ref, at, leaf, hash) values (1, 'registered', 'aa', 0, '2026-01-01T00:00:00Z', x'00', x'00');
    insert into entry (idx, t, record, ref, at, leaf, hash) values (2, 'hide_intent', 'aa', 1, '2026-01-01T00:00:00Z', x'00', x'00');
    insert into entry (idx, t, record, ref, at, leaf, hash) values (3, 'hidden', 'aa', 2, '2026-01-01T00:00:00Z', x'00', x'00');
    insert into entry_doc values (0, '{}');
    insert into diary values ('KS', 2026, 1, 'UPP-KS 2026/1', 'aa', 1, 1, '2026-01-01T00:00:00Z', 'Kommentar', 0, null, null);
    insert into decision values (1, 1, 1, 'karin', 'root', 'hide', '2026-01-01T00:00:00Z', null, null);
    insert into decision_reason values (1, 'Punkt 1.');
    insert into decision_state values (1, 'entered', 1);
    insert into intent (id, act, case_id, comment, record, decision, entry, created_at, state, next_at)
      values (1, 'hide', 1, 1, 'aa', 1, 2, '2026-01-01T00:00:00Z', 'final', '2026-01-01T00:00:00Z');
    insert into receipt values (1, 3, 'hidden', '2026-01-01T00:00:00Z');";

fn refused(db: &Db, sql: &'static str) -> String {
    db.write_now(move |tx| Ok(tx.execute_batch(sql)?)).expect_err(sql).to_string()
}

#[test]
fn what_is_logged_decided_received_and_registered_is_never_changed_or_removed() {
    let (_folder, db) = fresh();
    db.write_now(|tx| Ok(tx.execute_batch(ROWS)?)).unwrap();
    for (sql, why) in [
        ("update entry set at = '2020-01-01T00:00:00Z'", "append-only"),
        ("delete from entry where idx = 3", "append-only"),
        ("replace into entry (idx, t, at, leaf, hash) values (3, 'note', '', x'', x'')", "no gaps"),
        ("insert into entry (idx, t, at, leaf, hash) values (5, 'note', '', x'', x'')", "no gaps"),
        ("insert into entry (idx, t, at, leaf, hash) values (-1, 'note', '', x'', x'')", "no gaps"),
        // The same event twice, or two events after the same one.
        (
            "insert into entry (idx, t, record, ref, at, leaf, hash) values (4, 'hidden', 'aa', 2, '', x'', x'')",
            "UNIQUE",
        ),
        (
            "insert into entry (idx, t, record, at, leaf, hash) values (4, 'snapshot', 'aa', '', x'', x'')",
            "UNIQUE",
        ),
        ("update decision set outcome = 'keep'", "never changed"),
        ("delete from decision", "never removed"),
        ("replace into decision values (1, 1, 1, 'anna', 'root', 'keep', '', null, null)", "never removed"),
        ("update decision_reason set reason = 'Punkt 2.'", "never changed"),
        ("update receipt set kind = 'hide_failed'", "never changed"),
        ("delete from receipt", "never removed"),
        ("replace into receipt values (1, 3, 'hide_failed', '')", "never removed"),
        ("insert into receipt values (1, 2, 'hidden', '')", "UNIQUE"),
        ("update diary set n = 2", "never changed"),
        ("delete from diary", "never removed"),
        ("update entry_doc set doc = '[]'", "never changed"),
        ("update version set text = 'annan text'", "never changed"),
        (
            "insert into record select 'bb', 1, 1, 1, look, look_kind, '', '', 'public', '{}', nonce, 'sealing', null, null from record",
            "UNIQUE",
        ),
    ] {
        let error = refused(&db, sql);
        assert!(error.contains(why), "{sql}: {error}");
    }
    // What the law says must go, goes; a wrong number is annulled.
    for sql in [
        "delete from entry_doc",
        "delete from decision_reason",
        "delete from version where id = 2",
        "update version set received = 3 where id = 1",
        "update diary set annulled_at = '2026-02-01T00:00:00Z', annulled_note = 'Fel kommentar.'",
    ] {
        db.write_now(move |tx| Ok(tx.execute_batch(sql)?)).expect(sql);
    }
}

#[test]
fn what_fails_halfway_leaves_nothing_and_readers_cannot_write() {
    let (_folder, db) = fresh();
    let failed: Result<()> = db.write_now(|tx| {
        set_meta(tx, "half", "done")?;
        Err(StoreError::Conflict("no".to_owned()))
    });
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert_eq!(db.read_now(|reader| meta(reader, "half")).unwrap(), None);
    let error =
        db.read_now(|reader| Ok(reader.execute_batch("insert into meta values ('a', 'b')")?)).unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
    db.write_now(|tx| set_meta(tx, "whole", "done")).unwrap();
    assert_eq!(db.read_now(|reader| meta(reader, "whole")).unwrap().as_deref(), Some("done"));
}

#[test]
fn only_a_database_that_this_version_understands_is_opened() {
    let (folder, db) = fresh();
    let path = folder.path().join("uppsikt.db");
    let version: usize =
        db.read_now(|reader| Ok(reader.pragma_query_value(None, "user_version", |row| row.get(0))?)).unwrap();
    assert_eq!(version, MIGRATIONS.len());
    assert!(matches!(Db::create(&path), Err(StoreError::Unusable(_))));
    // Opened again it is what it was.
    db.write_now(|tx| set_meta(tx, "key", "value")).unwrap();
    drop(db);
    let db = Db::open(&path).unwrap();
    assert_eq!(db.read_now(|reader| meta(reader, "key")).unwrap().as_deref(), Some("value"));
    db.write_now(|tx| Ok(tx.pragma_update(None, "user_version", 99)?)).unwrap();
    drop(db);
    let newer = Db::open(&path).unwrap_err().to_string();
    assert!(newer.contains("newer Uppsikt"), "{newer}");

    // None is made in place of one that is missing.
    let missing = folder.path().join("missing.db");
    assert!(Db::open(&missing).unwrap_err().to_string().contains("uppsikt init"));
    assert!(!missing.exists());
    let other = folder.path().join("other.db");
    crate::durable::write(&other, &[7; 4096], 0o600).unwrap();
    assert!(Db::open(&other).unwrap_err().is_disk());
}

#[test]
fn a_new_year_of_numbers_begins_at_midnight_in_stockholm() {
    let (_folder, db) = fresh();
    let next = |at: &'static str| {
        db.write_now(move |tx| diary::next(tx, "KS", "UPP-KS {year}/{n}", at.parse().unwrap())).unwrap()
    };
    for (at, text) in [
        ("2026-12-31T22:59:59Z", "UPP-KS 2026/1"),
        ("2026-12-31T23:00:00Z", "UPP-KS 2027/1"),
        ("2027-06-30T22:00:00Z", "UPP-KS 2027/1"),
    ] {
        assert_eq!(next(at).text, text, "{at}");
    }
    // Each board and year counts for itself, from the highest that was given.
    db.write_now(|tx| Ok(tx.execute_batch(ROWS)?)).unwrap();
    assert_eq!(next("2026-12-31T22:59:59Z").text, "UPP-KS 2026/2");
    assert_eq!(next("2026-12-31T23:00:00Z").text, "UPP-KS 2027/1");
    let other = db
        .write_now(|tx| diary::next(tx, "BUN", "UPP-BUN {year}/{n}", "2026-06-01T00:00:00Z".parse().unwrap()))
        .unwrap();
    assert_eq!((other.n, other.text.as_str()), (1, "UPP-BUN 2026/1"));
}
