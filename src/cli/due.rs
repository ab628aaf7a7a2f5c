//! `uppsikt due`: when an answer is due, and how that is reckoned.

use std::io::{self, BufRead, Read, Write};

use chrono::{DateTime, Datelike, Utc};
use serde_json::json;

use super::holidays::YEARS;
use crate::domain::calendar::{self, Hours};
use crate::domain::deadline::{self, Clocks};

/// A longer line is no instant, and is not kept in memory to find out.
const LONGEST_LINE: u64 = 1024;

/// The reckoning of one instant (RFC 3339, any offset) as one line of JSON, without a line ending.
///
/// Errors: no RFC 3339 instant, or a year for which the holidays are not known.
pub fn line(received: &str, clocks: &Clocks, hours: &Hours) -> Result<String, String> {
    let instant = instant(received)?;
    serde_json::to_string(&deadline::reckon(instant, clocks, hours))
        .map_err(|error| format!("cannot write the reckoning of {received}: {error}"))
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let shown: String = text.chars().take(40).collect();
    let instant = DateTime::parse_from_rfc3339(text).map_err(|error| {
        format!("`{shown}` is no RFC 3339 instant ({error}): write it as 2026-11-20T19:00:00+01:00")
    })?;
    let instant = instant.to_utc();
    if YEARS.contains(&calendar::local_date(instant).year()) {
        Ok(instant)
    } else {
        Err(format!("`{shown}`: the holidays are known from {} to {}", YEARS.start(), YEARS.end()))
    }
}

/// One instant a line in, one line of JSON out for each, in the same order; a bad one gives
/// `{"line":N,"error":…}`, counted from 1, and the rest goes on.
///
/// Returns true when every line was good. Errors: reading or writing failed.
pub fn batch(
    mut input: impl BufRead,
    mut out: impl Write,
    clocks: &Clocks,
    hours: &Hours,
) -> io::Result<bool> {
    let mut all_good = true;
    let mut bytes = Vec::new();
    for number in 1u64.. {
        bytes.clear();
        if (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LONGEST_LINE;
        let reckoned = if whole {
            // Windows editors put a byte order mark at the start of a file and CR at the end of a line.
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").filter(|_| number == 1).unwrap_or(&bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => line(text.trim(), clocks, hours),
                Err(error) => Err(format!("no UTF-8 text after {} bytes", error.valid_up_to())),
            }
        } else {
            skip_line(&mut input)?;
            Err(format!("longer than {LONGEST_LINE} bytes: write one RFC 3339 instant a line"))
        };
        match reckoned {
            Ok(json) => writeln!(out, "{json}")?,
            Err(error) => {
                all_good = false;
                writeln!(out, "{}", json!({"line": number, "error": error}))?;
            }
        }
    }
    out.flush()?;
    Ok(all_good)
}

/// Reads to the end of the line without keeping it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const ARJEPLOG: Clocks = Clocks { answer_24h: true, next_working_day: true, as_soon_as_possible: None };

    fn run(input: &[u8]) -> (bool, Vec<Value>) {
        let mut out = Vec::new();
        let good = batch(input, &mut out, &ARJEPLOG, &Hours::default()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        (good, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    #[test]
    fn one_instant_gives_the_line_of_the_contract() {
        let line = line("2026-03-28T18:00:00+01:00", &ARJEPLOG, &Hours::default()).unwrap();
        assert!(
            line.starts_with(
                r#"{"received":"2026-03-28T17:00:00Z","answer_24h":"2026-03-29T17:00:00Z","next_working_day":"2026-03-30T14:30:00Z","as_soon_as_possible":null,"explain":["Kommentaren kom "#
            ),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }

    #[test]
    fn lines_come_out_in_order_and_a_bad_one_stops_nothing() {
        let mut input = b"\xEF\xBB\xBF2026-11-20T19:00:00+01:00\r\n".to_vec();
        input.extend(b"i morgon\n\n  2026-11-21t09:00:00z  \n\xFF\xFE\n");
        input.extend(b"2026-11-20".repeat(100_000));
        input.extend(b"\n2026-11-20T19:00:00\n2150-01-01T00:00:00Z\n2026-02-30T00:00:00Z\n");
        input.extend(b"2026-11-22T09:00:00Z");
        let (good, lines) = run(&input);
        assert!(!good);
        let summary: Vec<_> = lines
            .iter()
            .map(|line| match line.get("error") {
                Some(error) => (line["line"].as_u64(), error.as_str().unwrap()),
                None => (None, line["received"].as_str().unwrap()),
            })
            .collect();
        assert_eq!(summary.len(), 10, "{summary:#?}");
        let check = |index: usize, number: Option<u64>, told: &str| {
            assert_eq!(summary[index].0, number, "{summary:#?}");
            assert!(summary[index].1.contains(told), "{told}: {summary:#?}");
        };
        check(0, None, "2026-11-20T18:00:00Z");
        check(1, Some(2), "`i morgon` is no RFC 3339 instant");
        check(2, Some(3), "`` is no RFC 3339 instant");
        check(3, None, "2026-11-21T09:00:00Z");
        check(4, Some(5), "no UTF-8 text after 0 bytes");
        check(5, Some(6), "longer than 1024 bytes");
        check(6, Some(7), "write it as 2026-11-20T19:00:00+01:00");
        check(7, Some(8), "the holidays are known from 1990 to 2100");
        check(8, Some(9), "`2026-02-30T00:00:00Z`");
        check(9, None, "2026-11-22T09:00:00Z");
    }

    #[test]
    fn good_lines_are_good_and_nothing_gives_nothing() {
        let (good, lines) =
            run(b"2026-11-20T19:00:00+01:00\n2026-12-31T23:59:60Z\n2016-02-29T00:00:00.25-09:30\n");
        assert!(good);
        assert_eq!(lines.len(), 3);
        assert_eq!(run(b""), (true, vec![]));
        let long = format!("{:>1023}\n", "2026-11-20T19:00:00+01:00");
        assert!(run(long.as_bytes()).0, "a line of exactly the longest length is read");
    }

    #[test]
    fn a_batch_agrees_with_the_lines_one_by_one() {
        let instants: Vec<_> = (0..500)
            .map(|step| DateTime::from_timestamp(1_767_225_600 + step * 65_537, 0).unwrap().to_rfc3339())
            .collect();
        let mut out = Vec::new();
        assert!(batch(instants.join("\n").as_bytes(), &mut out, &ARJEPLOG, &Hours::default()).unwrap());
        let expected: String = instants
            .iter()
            .map(|instant| line(instant, &ARJEPLOG, &Hours::default()).unwrap() + "\n")
            .collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_failing_output_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let result = batch(&b"2026-11-20T19:00:00Z\n"[..], Full, &ARJEPLOG, &Hours::default());
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
