//! Budgets that survive restarts: what was spent is durable before a request is sent.

use std::fmt;

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::{Db, Reader, Result, json, to_json};
use crate::connector::budget::{self, Change, Ledger, Left, State};

/// The table of budgets as the connectors' ledger.
#[derive(Clone)]
pub struct Budgets(pub Db);

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Budgets").finish()
    }
}

impl Ledger for Budgets {
    fn exchange(&self, id: &str, change: Change) -> std::result::Result<State, String> {
        let id = id.to_owned();
        self.0
            .write_now(move |tx| {
                let mut state = state(tx, &id)?.unwrap_or_default();
                if change(&mut state) {
                    tx.prepare_cached(
                        "insert into budget values (?1, ?2) on conflict do update set state = excluded.state",
                    )?
                    .execute([&id, &to_json(&state)?])?;
                }
                Ok(state)
            })
            .map_err(|error| error.to_string())
    }
}

fn state(reader: &Reader, id: &str) -> Result<Option<State>> {
    let text: Option<String> = reader
        .prepare_cached("select state from budget where id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    text.as_deref().map(json).transpose()
}

/// What is left of every quota of which anything was ever spent, as the database has it: beside a running daemon that
/// is a little less than what it really has.
///
/// # Errors
/// Engine errors; `Corrupt` for a row that holds no budget.
pub fn left(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<Left>> {
    let mut query = reader.prepare_cached("select id, state from budget order by id")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut all = Vec::new();
    for row in rows {
        let (id, text) = row?;
        all.extend(budget::left(&id, &json::<State>(&text)?, now));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::connector::budget::Book;
    use crate::connector::{Purpose, Quota, Window};

    #[test]
    fn what_was_spent_stands_in_the_database_after_a_restart_and_for_other_processes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uppsikt.db");
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let clock = Clock::manual(now);
        let quotas = || {
            [
                Quota { name: "units a day", limit: 100, window: Window::PacificDay, reserve: 10 },
                Quota {
                    name: "hides",
                    limit: 5,
                    window: Window::Rolling(Duration::from_mins(15)),
                    reserve: 0,
                },
            ]
        };
        {
            let db = Db::create(&path).unwrap();
            assert_eq!(db.read_now(|reader| left(reader, now)).unwrap(), []);
            let budget = Book::new(clock.clone(), Arc::new(Budgets(db))).budget("youtube", quotas());
            budget.spend(&[("units a day", 40), ("hides", 2)], Purpose::Act).unwrap();
            budget.told("units a day", 60, None, None);
            budget.refused(&["hides"], Duration::from_mins(3));
        }
        let db = Db::open(&path).unwrap();
        let told = db.read_now(|reader| left(reader, now)).unwrap();
        let told: Vec<_> = told.iter().map(|left| (left.name.as_str(), left.used)).collect();
        assert_eq!(told, [("youtube/hides", 5), ("youtube/units a day", 60)]);
        let budget = Book::new(clock, Arc::new(Budgets(db))).budget("youtube", quotas());
        assert!(budget.spend(&[("hides", 1)], Purpose::Act).is_err());
        assert!(budget.spend(&[("units a day", 31)], Purpose::Poll).is_err());
        budget.spend(&[("units a day", 30)], Purpose::Poll).unwrap();
    }

    #[test]
    fn a_row_that_holds_no_budget_stops_the_request_and_not_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::create(&folder.path().join("uppsikt.db")).unwrap();
        db.write_now(|tx| Ok(tx.execute("insert into budget values ('x', '{broken')", [])?)).unwrap();
        assert!(db.read_now(|reader| left(reader, DateTime::<Utc>::MIN_UTC)).is_err());
        let book = Book::new(Clock::manual(DateTime::<Utc>::UNIX_EPOCH), Arc::new(Budgets(db)));
        let budget = book.budget("x", [Quota { name: "u", limit: 9, window: Window::UtcDay, reserve: 0 }]);
        assert!(budget.spend(&[("u", 1)], Purpose::Act).is_err());
    }
}
