//! `uppsikt holidays`: the named days off, as a table that other programs can read.

use crate::domain::calendar;

/// The years for which the law is known (lag (1989:253) is in force from 1990) and checked.
pub const YEARS: std::ops::RangeInclusive<i32> = 1990..=2100;

/// `date,name,kind` of the years (both included), with a header; lines end with CRLF, as RFC 4180 has it.
///
/// Errors: years outside [`YEARS`], or the wrong way round.
pub fn csv(from: i32, to: i32) -> Result<String, String> {
    for (option, year) in [("--from", from), ("--to", to)] {
        if !YEARS.contains(&year) {
            return Err(format!(
                "{option} {year}: the holidays are known from {} to {}",
                YEARS.start(),
                YEARS.end()
            ));
        }
    }
    if from > to {
        return Err(format!("--from {from} lies after --to {to}: give the earlier year first"));
    }
    let mut table = String::from("date,name,kind\r\n");
    // No name holds a comma or a quotation mark: nothing needs quoting.
    let rows = calendar::holidays(from, to);
    table.extend(rows.iter().map(|row| format!("{},{},{}\r\n", row.date, row.name, row.kind)));
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = include_str!("../../tests/fixtures/calendar/se_holidays_1990_2100.csv");

    #[test]
    fn the_table_equals_the_reference_byte_for_byte() {
        assert_eq!(csv(1990, 2100).unwrap(), REFERENCE);
    }

    #[test]
    fn any_years_are_a_part_of_the_reference() {
        for (from, to) in [(1990, 1990), (2004, 2005), (2008, 2008), (2026, 2027), (2100, 2100)] {
            let expected: String = REFERENCE
                .split_inclusive('\n')
                .enumerate()
                .filter(|(number, line)| *number == 0 || (from..=to).contains(&line[..4].parse().unwrap()))
                .map(|(_, line)| line)
                .collect();
            assert_eq!(csv(from, to).unwrap(), expected, "{from}-{to}");
        }
    }

    #[test]
    fn unknown_years_are_refused() {
        for (from, to, told) in [
            (1989, 2000, "--from 1989: the holidays are known from 1990 to 2100"),
            (2000, 2101, "--to 2101: the holidays are known from 1990 to 2100"),
            (i32::MIN, i32::MAX, "--from -2147483648: the holidays are known from 1990 to 2100"),
            (2027, 2026, "--from 2027 lies after --to 2026: give the earlier year first"),
        ] {
            assert_eq!(csv(from, to), Err(told.to_owned()));
        }
    }
}
