//! The accounts in which a stage of a pass finds something to do: the others are not even asked.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::Params;

use super::{Reader, Result, cases, stamp};

/// Those where something that a person has allowed is to be fetched now.
///
/// # Errors
/// Engine errors.
pub fn to_fetch(reader: &Reader, now: DateTime<Utc>) -> Result<BTreeSet<String>> {
    accounts(
        reader,
        "select distinct c.account from media_review m join version v on v.id = m.version
         join comment c on c.id = v.comment where m.made is null and m.next_at <= ?1",
        [stamp(now)],
    )
}

/// Those with something to preserve, or with a record that was begun and not finished.
///
/// # Errors
/// Engine errors.
pub fn to_preserve(reader: &Reader) -> Result<BTreeSet<String>> {
    let mut found = cases::unpreserved_accounts(reader)?;
    found.extend(accounts(
        reader,
        "select distinct c.account from record r join comment c on c.id = r.comment where r.state = 'sealing'",
        [],
    )?);
    Ok(found)
}

/// Those with decisions to enter in diary or log.
///
/// # Errors
/// Engine errors.
pub fn to_enter(reader: &Reader) -> Result<BTreeSet<String>> {
    accounts(
        reader,
        "select distinct c.account from decision_state s join decision d on d.id = s.decision
         join case_file k on k.id = d.case_id join comment c on c.id = k.comment where s.state = 'ready'",
        [],
    )
}

/// Those with entered decisions that may want an intent, or that a person carries out by hand.
///
/// # Errors
/// Engine errors.
pub fn to_intend(reader: &Reader) -> Result<BTreeSet<String>> {
    accounts(
        reader,
        "select c.account from case_file k join decision d on d.case_id = k.id
             join decision_state s on s.decision = d.id join comment c on c.id = k.comment
             where k.state = 'hiding' and s.state = 'entered' and s.entry is not null
               and not exists (select 1 from intent i where i.decision = d.id)
         union
         select c.account from decision d join decision_state s on s.decision = d.id
             join case_file k on k.id = d.case_id join comment c on c.id = k.comment
             where d.outcome = 'restore' and s.state = 'entered' and s.entry is not null
               and not exists (select 1 from intent i where i.decision = d.id)
               and (k.state in ('hidden', 'removed') or not exists (select 1 from intake t where t.comment = c.id))",
        [],
    )
}

/// Those with acts or second looks that are due.
///
/// # Errors
/// Engine errors.
pub fn to_act(reader: &Reader, now: DateTime<Utc>) -> Result<BTreeSet<String>> {
    accounts(
        reader,
        "select distinct c.account from intent i join comment c on c.id = i.comment
         where i.state <> 'final' and i.next_at <= ?1",
        [stamp(now)],
    )
}

fn accounts(reader: &Reader, query: &str, of: impl Params) -> Result<BTreeSet<String>> {
    reader.prepare_cached(query)?.query_map(of, |row| row.get(0))?.map(|account| Ok(account?)).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::{Db, MIGRATIONS, comments, prepare};
    use super::*;

    const THEN: &str = "'2026-01-01T00:00:00Z'";

    /// Three comments: one judged to be kept and a case of its own for another reason, one flagged and preserved, one
    /// flagged and not preserved. The second text of the third is not judged.
    fn rows() -> String {
        let comment = |n: i64| {
            format!(
                "insert into comment (id, account, native_id, post_id, created_at, first_seen_at, ours, old, listed_at,
                     sighting, sighted_at)
                   values ({n}, 'fb{n}', '1_{n}', '1', {THEN}, {THEN}, 0, 0, {THEN}, 'public', {THEN});
                 insert into version (id, comment, n, seen_at, text, attachments, element, salt)
                   values ({n}, {n}, 1, {THEN}, 'text', '[]', x'00', randomblob(16));
                 insert into assessment (version, rules, at, findings, proposal, needs_answer)
                   values ({n}, '', {THEN}, '[]', '{}', 0);
                 insert into case_file (id, comment, opened_at, state, state_at)
                   values ({n}, {n}, {THEN}, 'open', {THEN});",
                if n == 1 { "keep" } else { "hide" },
            )
        };
        let rest = format!(
            "insert into record (id, version, comment, case_id, look, look_kind, look_url, look_at, sighting, doc,
                 nonce, state)
               values ('aa', 2, 2, 2, x'00', 'look', '', {THEN}, 'public', '{{}}', x'00', 'preserved');
             insert into version (id, comment, n, seen_at, text, attachments, element, salt)
               values (4, 3, 2, {THEN}, 'annat', '[]', x'00', randomblob(16));"
        );
        (1..=3).map(comment).chain([rest]).collect()
    }

    fn judge(version: i64, proposal: &str) -> String {
        format!(
            "insert into assessment (version, rules, at, findings, proposal, needs_answer)
             values ({version}, '', {THEN}, '[]', '{proposal}', 0)"
        )
    }

    fn run(db: &Db, sql: String) {
        db.write_now(move |tx| Ok(tx.execute_batch(&sql)?)).unwrap();
    }

    fn waiting(db: &Db) -> Vec<String> {
        db.read_now(to_preserve).unwrap().into_iter().collect()
    }

    fn unjudged(db: &Db) -> Vec<i64> {
        db.read_now(|reader| comments::unjudged(reader, 9)).unwrap()
    }

    fn settle(db: &Db) {
        db.write_now(cases::settle).unwrap();
        assert!(!db.read_now(cases::has_settled).unwrap());
    }

    #[test]
    fn a_database_of_an_earlier_version_has_its_queues_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uppsikt.db");
        {
            let connection = Connection::open(&path).unwrap();
            prepare(&connection).unwrap();
            for sql in &MIGRATIONS[..6] {
                connection.execute_batch(sql).unwrap();
            }
            connection.pragma_update(None, "user_version", 6).unwrap();
            connection.execute_batch(&rows()).unwrap();
        }
        let db = Db::open(&path).unwrap();
        assert_eq!(unjudged(&db), [3]);
        assert_eq!(waiting(&db), [] as [String; 0], "the newest text of the third is not judged");
        run(&db, judge(4, "review"));
        assert_eq!((unjudged(&db), waiting(&db)), (vec![], vec!["fb3".to_owned()]));
    }

    #[test]
    fn whatever_makes_a_settled_comment_worth_preserving_puts_it_back() {
        // What happens, and the accounts with something to preserve then.
        let begun = "insert into record (id, version, comment, case_id, look, look_kind, look_url, look_at, sighting,
            doc, nonce, state) values ('bb', 4, 3, 3, x'00', 'look', '', 'x', 'public', '{}', x'00', 'sealing')";
        let version = |comment: i64| {
            format!(
                "insert into version (id, comment, n, seen_at, text, attachments, element, salt)
                 values (9, {comment}, 9, {THEN}, 'nytt', '[]', x'00', randomblob(16)); {}",
                judge(9, "hide")
            )
        };
        let outside = format!(
            "insert into sighting (comment, at, sighting, source) values (1, {THEN}, 'hidden', 'outside')"
        );
        let listed = outside.replace("'outside'", "'list'");
        let intake = format!("insert into intake values (1, 'snapchat', 'anna', {THEN}, 'root')");
        let tables: [(&str, String, &[&str]); 10] = [
            ("nothing", String::new(), &["fb3"]),
            (
                "a person decides to hide",
                "update case_file set state = 'hiding' where id = 1".into(),
                &["fb1", "fb3"],
            ),
            (
                "it waits for a second person",
                "update case_file set state = 'awaiting_approval' where id = 1".into(),
                &["fb1", "fb3"],
            ),
            ("a case is closed", "update case_file set state = 'closed' where id = 1".into(), &["fb3"]),
            ("a preserved one is edited into an insult", version(2), &["fb2", "fb3"]),
            ("a clean one is edited into an insult", version(1), &["fb1", "fb3"]),
            ("somebody hides it on the platform", outside, &["fb1", "fb3"]),
            ("it is listed as before", listed, &["fb3"]),
            ("a person takes it in by hand", intake, &["fb1", "fb3"]),
            ("its record is begun", begun.into(), &["fb3"]),
        ];
        for (what, sql, expected) in tables {
            let folder = tempfile::tempdir().unwrap();
            let db = Db::create(&folder.path().join("uppsikt.db")).unwrap();
            run(&db, rows());
            run(&db, judge(4, "hide"));
            assert_eq!(waiting(&db), ["fb3"], "{what}");
            settle(&db);
            assert_eq!(waiting(&db), ["fb3"], "{what}: what waits is not settled");
            run(&db, sql);
            assert_eq!(waiting(&db), expected, "{what}");
            settle(&db);
            assert_eq!(waiting(&db), expected, "{what}: settled too early");
            run(&db, "update record set state = 'preserved'".into());
            settle(&db);
        }
    }

    #[test]
    fn only_the_newest_text_waits_to_be_judged() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("uppsikt.db")).unwrap();
        run(&db, rows());
        assert_eq!(unjudged(&db), [3]);
        run(
            &db,
            format!(
                "insert into version (id, comment, n, seen_at, text, attachments, element, salt)
                 values (5, 3, 3, {THEN}, 'a', '[]', x'00', randomblob(16)), (6, 3, 4, {THEN}, 'b', '[]', x'00', randomblob(16)),
                        (7, 1, 2, {THEN}, 'c', '[]', x'00', randomblob(16))"
            ),
        );
        assert_eq!(unjudged(&db), [3, 1]);
        run(&db, judge(5, "keep"));
        assert_eq!(unjudged(&db), [3, 1], "an older text was judged");
        run(&db, format!("{}; {}", judge(6, "keep"), judge(7, "keep")));
        assert_eq!(unjudged(&db), [] as [i64; 0]);
    }
}
