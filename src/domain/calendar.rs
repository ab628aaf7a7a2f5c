//! The Swedish calendar: public holidays, working days, office hours.

use chrono::{NaiveDate, NaiveTime};

/// When the municipality is staffed; Stockholm time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Opening on every working day.
    pub open: NaiveTime,
    /// Closing on every working day that is not short.
    pub close: NaiveTime,
    /// Days on which the municipality is closed by its own decision, with the reason.
    pub closed_days: Vec<ClosedDay>,
    /// Working days with an earlier closing.
    pub short_days: Vec<ShortDay>,
}

/// A day closed by local decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedDay {
    /// Which day.
    pub when: DayRule,
    /// Why, in Swedish, as the explanation says it.
    pub reason: String,
}

/// A working day that ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortDay {
    /// Which day.
    pub when: DayRule,
    /// The earlier closing.
    pub close: NaiveTime,
    /// Why, in Swedish.
    pub reason: String,
}

/// A single date, or a rule that names a day in every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRule {
    /// One date.
    Date(NaiveDate),
    /// Days counted from Easter Sunday: `easter-3` is Maundy Thursday.
    Easter(i32),
    /// The same date each year: `01-05`.
    Yearly(u32, u32),
}
