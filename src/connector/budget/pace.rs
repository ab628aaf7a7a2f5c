//! How often an account can be read with what is left, and what a configuration costs a day.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Left, Window};

/// What one account asks of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Units that one poll costs.
    pub units: u64,
    /// Between two polls by its own schedule.
    pub every: TimeDelta,
}

/// How much rarer than by their own schedules the accounts that share a quota can be read, in thousandths: 1000 where
/// all of them fit, 2000 for half as often.
///
/// What is left for polling is spread over the rest of a day; a window that slides lets its whole share go by in its
/// length. A twentieth is kept back, for what the platform counts and we do not.
pub fn stretch(left: &Left, demands: &[Demand], now: DateTime<Utc>) -> u64 {
    let share = left.limit.saturating_sub(left.reserve);
    let (units, time) = match left.window {
        Window::Rolling(_) => (share, left.window.length()),
        Window::UtcDay | Window::PacificDay => (share.saturating_sub(left.used), left.window.end(now) - now),
    };
    let time = milliseconds(time);
    // Units wanted until the end, times a thousand, each account's rounded up.
    let wanted: u128 = demands
        .iter()
        .filter(|demand| demand.units > 0)
        .map(|demand| (u128::from(demand.units) * time * 1000).div_ceil(milliseconds(demand.every)))
        .sum();
    let available = u128::from(units) * 950 / 1000;
    if wanted <= available * 1000 {
        return 1000;
    }
    // With nothing left the next poll is at the end of the window; this is as far as a number can say it.
    wanted
        .checked_div(available)
        .map_or(u64::MAX, |stretch| u64::try_from(stretch).unwrap_or(u64::MAX))
        .max(1000)
}

/// The time between two polls of an account that is read `stretch` thousandths as rarely as by its schedule; at most
/// until the quota is whole again, and a day.
pub fn spread(every: TimeDelta, stretch: u64, left: &Left, now: DateTime<Utc>) -> TimeDelta {
    let longest = left.resets_at.map_or(TimeDelta::days(1), |end| (end - now).min(TimeDelta::days(1)));
    let wanted = milliseconds(every) * u128::from(stretch) / 1000;
    let wanted = i64::try_from(wanted).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX);
    wanted.min(longest).max(every)
}

fn milliseconds(time: TimeDelta) -> u128 {
    u128::try_from(time.num_milliseconds()).unwrap_or(1).max(1)
}

/// One account of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The quota it spends of, such as "youtube/units a day".
    pub quota: String,
    /// How many units polling may spend of it a day; `None` where the platform sets no such number.
    pub a_day: Option<u64>,
    /// Polls a day by its schedule.
    pub polls: u64,
    /// Units that one poll costs.
    pub units: u64,
}

/// What the accounts that share a quota cost a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The quota.
    pub quota: String,
    /// How many accounts share it.
    pub accounts: u64,
    /// Polls a day of all of them, by their schedules.
    pub polls: u64,
    /// Units a day that these would cost.
    pub units: u64,
    /// How many units polling may spend a day, the least that any of them says.
    pub a_day: Option<u64>,
    /// How much rarer they will be read, in thousandths: 1000 where all fit.
    pub stretch: u64,
}

/// What a configuration costs a day, by quota.
pub fn plan(readers: &[Reader]) -> Vec<Planned> {
    let mut plans: BTreeMap<&str, Planned> = BTreeMap::new();
    for reader in readers {
        let planned = plans.entry(&reader.quota).or_insert_with(|| Planned {
            quota: reader.quota.clone(),
            accounts: 0,
            polls: 0,
            units: 0,
            a_day: None,
            stretch: 1000,
        });
        planned.accounts += 1;
        planned.polls = planned.polls.saturating_add(reader.polls);
        planned.units = planned.units.saturating_add(reader.polls.saturating_mul(reader.units));
        planned.a_day = match (planned.a_day, reader.a_day) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    let mut plans: Vec<_> = plans.into_values().collect();
    for planned in &mut plans {
        if let Some(a_day) = planned.a_day.filter(|a_day| *a_day < planned.units) {
            let wanted = u128::from(planned.units) * 1000;
            planned.stretch = wanted
                .checked_div(u128::from(a_day))
                .map_or(u64::MAX, |stretch| u64::try_from(stretch).unwrap_or(u64::MAX));
        }
    }
    plans
}

/// How many units polling may spend of a quota in 24 hours.
pub fn polling_a_day(left: &Left) -> u64 {
    let share = u128::from(left.limit.saturating_sub(left.reserve));
    let whole = milliseconds(TimeDelta::days(1));
    u64::try_from(share * whole / milliseconds(left.window.length())).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn youtube(used: u64) -> Left {
        Left {
            name: "youtube/units a day".to_owned(),
            limit: 10_000,
            used,
            reserve: 1000,
            resets_at: Some(at("2026-11-24T08:00:00Z")),
            window: Window::PacificDay,
        }
    }

    const FIVE: TimeDelta = TimeDelta::minutes(5);

    #[test]
    fn what_fits_is_read_by_its_own_schedule_and_what_does_not_is_spread_over_the_rest_of_the_window() {
        // Midnight in Los Angeles is 08:00 UTC in winter; twelve hours are left at 20:00.
        let now = at("2026-11-23T20:00:00Z");
        for (used, accounts, units, expected) in [
            (0, 1, 1, 1000),
            // 144 polls in twelve hours, of 59 accounts: 8496 of 8550 that polling may spend.
            (0, 59, 1, 1000),
            (0, 60, 1, 1010),
            (0, 590, 1, 9936),
            // Half of polling's share is gone: twice as rarely.
            (4500, 59, 1, 1987),
            (0, 1, 1000, 16_842),
            // Nothing left for polling, or less than nothing.
            (9000, 1, 1, u64::MAX),
            (10_000, 1, 1, u64::MAX),
            (9000, 1, 0, 1000),
        ] {
            let demands = vec![Demand { units, every: FIVE }; accounts];
            assert_eq!(stretch(&youtube(used), &demands, now), expected, "{used} {accounts} {units}");
        }
        assert_eq!(spread(FIVE, 1000, &youtube(0), now), FIVE);
        assert_eq!(spread(FIVE, 3000, &youtube(0), now), TimeDelta::minutes(15));
        assert_eq!(spread(FIVE, u64::MAX, &youtube(9000), now), TimeDelta::hours(12));
    }

    #[test]
    fn a_day_of_polls_at_the_spread_pace_never_spends_more_than_polling_may() {
        for accounts in [1_u64, 7, 59, 60, 100, 500, 3000] {
            let start = at("2026-11-23T08:00:00Z");
            let demands = vec![Demand { units: 1, every: FIVE }; usize::try_from(accounts).unwrap()];
            let (mut used, mut now) = (0, start);
            let mut last = start;
            while now < start + TimeDelta::days(1) {
                // All at once is the worst there is.
                used += accounts;
                last = now;
                let left = youtube(used);
                now += spread(FIVE, stretch(&left, &demands, now), &left, now);
            }
            assert!(used <= 9000 || accounts > 9000 / 2, "{accounts}: {used}");
            // It slows down instead of dying: somebody reads in the last hours too.
            assert!(last > start + TimeDelta::hours(12) || accounts > 3000, "{accounts}: last {last}");
        }
    }

    #[test]
    fn a_sliding_window_lets_its_share_go_by_in_its_length() {
        let left = Left {
            name: "bluesky/requests in 5 minutes".to_owned(),
            limit: 3000,
            used: 2000,
            reserve: 300,
            resets_at: None,
            window: Window::Rolling(std::time::Duration::from_mins(5)),
        };
        let now = at("2026-11-23T20:00:00Z");
        let demands = |accounts| vec![Demand { units: 4, every: FIVE }; accounts];
        assert_eq!(stretch(&left, &demands(600), now), 1000);
        assert_eq!(stretch(&left, &demands(1200), now), 1871);
        assert_eq!(polling_a_day(&left), 2700 * 288);
        assert_eq!(polling_a_day(&youtube(5)), 9000);
    }

    #[test]
    fn a_plan_says_what_accounts_cost_a_day_and_how_rarely_they_will_be_read() {
        let reader =
            |quota: &str, polls, units, a_day| Reader { quota: quota.to_owned(), a_day, polls, units };
        let youtube = reader("youtube/units a day", 288, 1, Some(9000));
        assert_eq!(plan(&[]), []);
        let planned = plan(&vec![youtube.clone(); 10]);
        assert_eq!((planned[0].accounts, planned[0].polls, planned[0].units), (10, 2880, 2880));
        assert_eq!(planned[0].stretch, 1000);
        let planned = plan(&vec![youtube.clone(); 500]);
        assert_eq!((planned[0].units, planned[0].stretch), (144_000, 16_000));
        let mixed =
            plan(&[youtube, reader("linkedin/calls a day", 24, 3, Some(400)), reader("x", 1, 1, None)]);
        assert_eq!(mixed.iter().map(|planned| planned.units).collect::<Vec<_>>(), [72, 1, 288]);
        let none = plan(&[reader("q", 10, 1, Some(0))]);
        assert_eq!(none[0].stretch, u64::MAX);
    }
}
