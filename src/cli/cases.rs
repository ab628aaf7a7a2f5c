//! `uppsikt cases [--open] [--account A] [--json]`: every case on a line.

use std::io::Write;

use crate::config::Config;
use crate::domain::case::CaseId;
use crate::domain::letter::{Line, clock};
use crate::domain::{calendar, words};
use crate::store::Reader;
use crate::store::views::{self, CaseView, Filter};

/// Characters of the comment that a line has room for.
const WIDTH: usize = 60;

/// Lists the cases: a table for people, or with `json` one object a line (DESIGN §7).
///
/// # Errors
/// An account that is neither in the configuration nor in the database; the store's; `out`'s.
pub fn list(
    reader: &Reader,
    config: &Config,
    filter: &Filter,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let cases = views::list(reader, filter)?;
    if let Some(account) =
        filter.account.as_deref().filter(|id| config.account(id).is_none() && cases.is_empty())
    {
        let known: Vec<_> = config.accounts.iter().map(|account| account.id.as_str()).collect();
        anyhow::bail!("there is no account `{account}`; the configuration has {}", known.join(", "));
    }
    if json {
        for case in &cases {
            serde_json::to_writer(&mut *out, case)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    if cases.is_empty() {
        writeln!(out, "Inga ärenden{}.", if filter.open { " är öppna" } else { "" })?;
        return Ok(());
    }
    let mut rows =
        vec![["ÄRENDE", "DIARIENUMMER", "KONTO", "LÄGE", "FRIST", "FÖR", "KOMMENTAR"].map(str::to_owned)];
    rows.extend(cases.iter().map(row));
    table(&rows, out)?;
    Ok(())
}

fn row(case: &CaseView) -> [String; 7] {
    let due = case.next_duty().map_or_else(String::new, |duty| {
        let local = calendar::local(duty.due_at);
        format!("{} {}", local.format("%Y-%m-%d"), clock(duty.due_at))
    });
    let mut why: Vec<_> = case.categories.iter().map(|category| category.name()).collect();
    if case.needs_answer {
        why.push("svar");
    }
    let text = if case.text_stays_home() {
        // A terminal is seen by others and remembered by its history.
        "(känsligt: se `uppsikt case`)".to_owned()
    } else {
        Line::short(&case.comment.text, WIDTH).to_string()
    };
    [
        case.case.clone(),
        case.dnr.clone().unwrap_or_default(),
        case.account.clone(),
        words::state(case.state).to_owned(),
        due,
        Line::short(&why.join(", "), 40).to_string(),
        text,
    ]
}

/// Writes `rows` with each column as wide as its widest cell, the last one ragged.
fn table<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> std::io::Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            let room = width - cell.chars().count() + 2;
            line.extend(std::iter::repeat_n(' ', room));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The case that a person names, by id or diary number.
///
/// # Errors
/// When there is none.
pub(super) fn named(reader: &Reader, name: &str) -> anyhow::Result<CaseId> {
    Ok(crate::store::cases::named(reader, name)?.id)
}
