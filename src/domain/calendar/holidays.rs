//! The Swedish public holidays, computed; each rule stands beside its paragraph.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};

/// What makes a named day a day off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HolidayKind {
    /// Allmän helgdag: lag (1989:253) om allmänna helgdagar.
    Public,
    /// An eve treated like a holiday when a time limit ends: 2 § lag (1930:173) om beräkning av lagstadgad tid.
    ///
    /// That law speaks of statutory limits. Using the same days for a municipality's own promise is our choice.
    Equal,
}

impl HolidayKind {
    /// The code in the list of holidays: a public contract.
    pub fn code(self) -> &'static str {
        match self {
            Self::Public => "public_1989_253",
            Self::Equal => "equal_1930_173",
        }
    }

    /// The law, in Swedish, as an explanation quotes it.
    pub fn law(self) -> &'static str {
        match self {
            Self::Public => "1 § lagen (1989:253) om allmänna helgdagar",
            Self::Equal => "2 § lagen (1930:173) om beräkning av lagstadgad tid",
        }
    }
}

impl fmt::Display for HolidayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One named day off. Two can fall on the same date (2008-05-01). Plain Saturdays and Sundays are not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// The local date.
    pub date: NaiveDate,
    /// The name in Swedish, with a capital as in the list.
    pub name: &'static str,
    /// What makes it a day off.
    pub kind: HolidayKind,
}

/// How a year's holiday is found.
enum Rule {
    /// The same date each year.
    Fixed(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
    /// The first such weekday on or after a date.
    First(Weekday, u32, u32),
}

/// Name, rule, kind, first and last year. Within a date the order is that of the names.
///
/// Paragraphs are those of lag (1989:253) where nothing else is said.
const RULES: &[(&str, Rule, HolidayKind, i32, i32)] = {
    use HolidayKind::{Equal, Public};
    use Rule::{Easter, First, Fixed};
    const ALWAYS: (i32, i32) = (i32::MIN, i32::MAX);
    &[
        // 1 §: nyårsdagen, även när den inte infaller på en söndag.
        ("Nyårsdagen", Fixed(1, 1), Public, ALWAYS.0, ALWAYS.1),
        // 1 §: trettondedag jul.
        ("Trettondedag jul", Fixed(1, 6), Public, ALWAYS.0, ALWAYS.1),
        // 2 §: the Friday next before Easter Sunday.
        ("Långfredagen", Easter(-2), Public, ALWAYS.0, ALWAYS.1),
        // 2 §: the Sunday after the full moon on or next after 21 March.
        ("Påskdagen", Easter(0), Public, ALWAYS.0, ALWAYS.1),
        // 2 §: the day after Easter Sunday.
        ("Annandag påsk", Easter(1), Public, ALWAYS.0, ALWAYS.1),
        // 1 §: första maj.
        ("Första maj", Fixed(5, 1), Public, ALWAYS.0, ALWAYS.1),
        // 2 §: the sixth Thursday after Easter Sunday.
        ("Kristi himmelsfärdsdag", Easter(39), Public, ALWAYS.0, ALWAYS.1),
        // 1 § as worded by lag (2004:1320), in force 2005-04-01: 6 June.
        ("Nationaldagen", Fixed(6, 6), Public, 2005, ALWAYS.1),
        // 2 §: the seventh Sunday after Easter Sunday.
        ("Pingstdagen", Easter(49), Public, ALWAYS.0, ALWAYS.1),
        // 1 § before lag (2004:1320) took it away on 2005-04-01: the day after Whit Sunday.
        ("Annandag pingst", Easter(50), Public, ALWAYS.0, 2004),
        // 2 § lag (1930:173): the eve of midsommardagen.
        ("Midsommarafton", First(Weekday::Fri, 6, 19), Equal, ALWAYS.0, ALWAYS.1),
        // 2 §: the Saturday of 20 to 26 June.
        ("Midsommardagen", First(Weekday::Sat, 6, 20), Public, ALWAYS.0, ALWAYS.1),
        // 2 §: the Saturday of 31 October to 6 November.
        ("Alla helgons dag", First(Weekday::Sat, 10, 31), Public, ALWAYS.0, ALWAYS.1),
        // 2 § lag (1930:173).
        ("Julafton", Fixed(12, 24), Equal, ALWAYS.0, ALWAYS.1),
        // 1 §: juldagen.
        ("Juldagen", Fixed(12, 25), Public, ALWAYS.0, ALWAYS.1),
        // 1 §: annandag jul.
        ("Annandag jul", Fixed(12, 26), Public, ALWAYS.0, ALWAYS.1),
        // 2 § lag (1930:173).
        ("Nyårsafton", Fixed(12, 31), Equal, ALWAYS.0, ALWAYS.1),
    ]
};

/// Easter Sunday of a Gregorian year (the anonymous algorithm of 1876, as in Butcher's *Ecclesiastical
/// Calendar*); 2 § lag (1989:253). `None` only outside chrono's years.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let century = year.div_euclid(100);
    let of_century = year.rem_euclid(100);
    let correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let moon = (19 * golden + century - century.div_euclid(4) - correction + 15).rem_euclid(30);
    let sunday =
        (32 + 2 * century.rem_euclid(4) + 2 * (of_century / 4) - moon - of_century % 4).rem_euclid(7);
    let late = (golden + 11 * moon + 22 * sunday) / 451;
    let day_of_march = moon + sunday - 7 * late + 22;
    NaiveDate::from_ymd_opt(year, 3, 1)?.checked_add_signed(TimeDelta::days(i64::from(day_of_march) - 1))
}

impl Rule {
    fn in_year(&self, year: i32) -> Option<NaiveDate> {
        match *self {
            Self::Fixed(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            Self::Easter(days) => easter(year)?.checked_add_signed(TimeDelta::days(days)),
            Self::First(weekday, month, day) => {
                let from = NaiveDate::from_ymd_opt(year, month, day)?;
                from.checked_add_days(Days::new(u64::from(weekday.days_since(from.weekday()))))
            }
        }
    }
}

fn in_year(year: i32) -> impl Iterator<Item = Holiday> {
    RULES.iter().filter_map(move |(name, rule, kind, first, last)| {
        let date = rule.in_year(year).filter(|_| (*first..=*last).contains(&year))?;
        Some(Holiday { date, name, kind: *kind })
    })
}

/// Every named day off of the years (both included), in order of date, then of name.
///
/// The laws behind it are those in force since 1990; an earlier year is answered as if they had been.
pub fn holidays(from_year: i32, to_year: i32) -> Vec<Holiday> {
    let mut all: Vec<_> = (from_year..=to_year).flat_map(in_year).collect();
    all.sort_by_key(|holiday| (holiday.date, holiday.name));
    all
}

/// The named days off that fall on a date: none, one, or two.
pub(super) fn on(date: NaiveDate) -> Vec<Holiday> {
    in_year(date.year()).filter(|holiday| holiday.date == date).collect()
}
