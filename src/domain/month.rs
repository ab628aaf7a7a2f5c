//! A calendar month in Stockholm, and the order of figures in it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::calendar;

/// A month by Stockholm's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// The month in which an instant lies.
    pub fn of(instant: DateTime<Utc>) -> Self {
        let date = calendar::local_date(instant);
        Self { first: date.with_day(1).unwrap_or(date) }
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last(self) -> NaiveDate {
        self.next().first.pred_opt().unwrap_or(self.first)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        let (year, month) = (self.first.year(), self.first.month());
        let first = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        Self { first: NaiveDate::from_ymd_opt(first.0, first.1, 1).unwrap_or(self.first) }
    }

    /// The month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        let last = self.first.pred_opt().unwrap_or(self.first);
        Self { first: last.with_day(1).unwrap_or(last) }
    }

    /// From its first midnight in Stockholm to that of the next month, which is no longer in it (UTC).
    pub fn span(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let midnight = |day: NaiveDate| calendar::to_utc(day.and_time(NaiveTime::MIN));
        (midnight(self.first), midnight(self.next().first))
    }

    /// Its name in Swedish: `november 2026`.
    pub fn in_words(self) -> String {
        let day = calendar::day_in_words(self.first);
        // The weekday and the number of the day stand before it.
        day.splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
    }
}

/// `2026-11`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no month such as 2026-11");
        let whole = text.len() == 7 && text.is_ascii();
        let first =
            whole.then(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()).flatten();
        let first = first.filter(|day| (1990..=2099).contains(&day.year())).ok_or_else(wrong)?;
        Ok(Self { first })
    }
}

/// The value below or at which so many hundredths of the values lie (nearest rank): always one of the values, so that a
/// person can point at it. `None` where there are none.
pub fn percentile(values: &[i64], hundredths: usize) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * hundredths.min(100)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_begins_and_ends_at_stockholms_midnight_also_where_the_clocks_change_in_it() {
        for (month, from, to, words) in [
            ("2026-11", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", "november 2026"),
            ("2026-10", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "oktober 2026"),
            ("2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "mars 2026"),
            ("2026-12", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z", "december 2026"),
            ("2028-02", "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z", "februari 2028"),
        ] {
            let parsed: Month = month.parse().unwrap();
            assert_eq!(parsed.span(), (at(from), at(to)), "{month}");
            assert_eq!((parsed.to_string().as_str(), parsed.in_words().as_str()), (month, words));
            assert_eq!(parsed.next().previous(), parsed);
            assert_eq!(Month::of(at(from)), parsed);
            assert_eq!(Month::of(at(to)), parsed.next());
            assert_eq!(parsed.last().succ_opt().unwrap(), parsed.next().first());
        }
    }

    #[test]
    fn what_is_no_month_is_refused_with_an_example() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "26-11",
            "2026-11-01",
            "november",
            "2026-1 ",
            "1889-11",
            "2100-01",
        ] {
            let told = text.parse::<Month>().unwrap_err();
            assert!(told.contains("2026-11"), "{text}: {told}");
        }
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 95), Some(7));
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 95), Some(95));
        assert_eq!(percentile(&[10, 20, 30, 40], 50), Some(20));
        assert_eq!(percentile(&[10, 20, 30, 40], 95), Some(40));
        assert_eq!(percentile(&[3, 1, 2], 0), Some(1));
        assert_eq!(percentile(&[3, 1, 2], 200), Some(3));
    }
}
