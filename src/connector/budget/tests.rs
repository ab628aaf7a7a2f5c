use super::*;

fn budget(window: Window) -> (Budget, Clock) {
    let clock = Clock::manual("2026-03-08T09:00:00Z".parse().unwrap());
    let quota = Quota { name: "units", limit: 10, window, reserve: 4 };
    (Budget::new("test", [quota], clock.clone()), clock)
}

#[test]
fn polling_stops_before_the_reserve_and_an_act_does_not() {
    let (budget, _) = budget(Window::UtcDay);
    budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
    let error = budget.spend(&[("units", 1)], Purpose::Poll).unwrap_err();
    assert!(matches!(error, ConnectorError::RateLimited(wait) if wait == Duration::from_hours(15)));
    budget.spend(&[("units", 4)], Purpose::Act).unwrap();
    assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err());
}

#[test]
fn a_day_in_los_angeles_ends_at_its_own_midnight_also_when_the_clocks_change() {
    // 8 March 2026, 01:00 in Los Angeles; at 02:00 the clocks go forward, so the day has 23 hours.
    let (budget, clock) = budget(Window::PacificDay);
    budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
    assert_eq!(budget.left()[0].resets_at, Some("2026-03-09T07:00:00Z".parse().unwrap()));
    clock.set("2026-03-09T07:00:00Z".parse().unwrap());
    budget.spend(&[("units", 6)], Purpose::Poll).unwrap();
    assert_eq!(budget.left()[0].resets_at, Some("2026-03-10T07:00:00Z".parse().unwrap()));
}

#[test]
fn what_the_platform_says_counts_where_it_is_more() {
    let (budget, _) = budget(Window::Rolling(Duration::from_mins(15)));
    budget.spend(&[("units", 2)], Purpose::Poll).unwrap();
    let end = budget.left()[0].resets_at;
    budget.told("units", 1, Some(20), end);
    assert_eq!((budget.left()[0].used, budget.left()[0].limit), (2, 20));
    budget.told("units", 20, None, end);
    assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err());
}

#[test]
fn who_is_ahead_of_the_day_is_told_and_is_no_longer_when_the_day_has_caught_up() {
    let clock = Clock::manual("2026-03-04T00:00:00Z".parse().unwrap());
    let quota = Quota { name: "units", limit: 1_100, window: Window::UtcDay, reserve: 100 };
    let budget = Budget::new("test", [quota], clock.clone());
    assert!(!budget.is_ahead("units"));
    budget.add("units", 350);
    assert!(budget.is_ahead("units"));
    clock.set("2026-03-04T06:00:00Z".parse().unwrap());
    assert!(!budget.is_ahead("units"), "a tenth in advance, and a quarter of the day");
    budget.add("units", 10_000);
    assert!(budget.spend(&[("units", 1)], Purpose::Act).is_err(), "what is spent is spent");
    assert!(!budget.is_ahead("calls"));
}

#[test]
fn a_cost_that_does_not_fit_spends_nothing() {
    let (budget, _) = budget(Window::UtcDay);
    assert!(budget.spend(&[("units", 11)], Purpose::Act).is_err());
    assert_eq!(budget.left()[0].used, 0);
}

/// A ledger as the database keeps it: JSON, durable when `exchange` returns.
#[derive(Debug, Default)]
struct Shelf(Mutex<BTreeMap<String, String>>);

impl Ledger for Shelf {
    fn exchange(&self, id: &str, change: Change) -> Result<State, String> {
        let mut kept = self.0.lock().unwrap();
        if id == "broken" {
            return Err("disk full".to_owned());
        }
        let mut state = kept.get(id).map_or_else(State::default, |text| serde_json::from_str(text).unwrap());
        if change(&mut state) {
            kept.insert(id.to_owned(), serde_json::to_string(&state).unwrap());
        }
        Ok(state)
    }
}

fn start() -> DateTime<Utc> {
    "2026-03-07T22:00:00Z".parse().unwrap()
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

#[test]
fn a_killed_process_forgets_no_unit_and_loses_at_most_its_lease() {
    let clock = Clock::manual(start());
    let shelf: Arc<Shelf> = Arc::default();
    let quota = || [Quota { name: "units", limit: 1000, window: Window::UtcDay, reserve: 100 }];
    let open = || Book::new(clock.clone(), shelf.clone()).budget("youtube", quota());
    open().spend(&[("units", 7)], Purpose::Poll).unwrap();
    // Seven, and what was left of a lease of five more.
    assert_eq!(open().left()[0].used, 12);
    open().spend(&[("units", 1)], Purpose::Act).unwrap();
    assert_eq!(open().left()[0].used, 13);
}

#[test]
fn a_lease_saves_writing_and_what_is_left_of_it_is_given_back() {
    let clock = Clock::manual(start());
    let shelf: Arc<Shelf> = Arc::default();
    let window = Window::Rolling(Duration::from_mins(5));
    let budget = Book::new(clock.clone(), shelf.clone())
        .budget("bluesky", [Quota { name: "requests", limit: 3000, window, reserve: 300 }]);
    let written = || shelf.0.lock().unwrap()["bluesky"].clone();
    budget.spend(&[("requests", 1)], Purpose::Poll).unwrap();
    let first = written();
    for _ in 0..15 {
        budget.spend(&[("requests", 1)], Purpose::Poll).unwrap();
    }
    assert_eq!(written(), first, "paid from the lease");
    assert_eq!(budget.left()[0].used, 16);
    budget.spend(&[("requests", 6)], Purpose::Poll).unwrap();
    clock.set(start() + seconds(30));
    budget.spend(&[("requests", 1)], Purpose::Poll).unwrap();
    // 22 and a new lease of 16 with its first spent: nothing of the old one is lost.
    assert_eq!(budget.left()[0].used, 22 + 16);
}

#[test]
fn two_processes_on_one_ledger_share_one_quota() {
    let clock = Clock::manual(start());
    let shelf: Arc<Shelf> = Arc::default();
    let quota = || [Quota { name: "units", limit: 10, window: Window::UtcDay, reserve: 0 }];
    let daemon = Book::new(clock.clone(), shelf.clone()).budget("x", quota());
    let doctor = Book::new(clock.clone(), shelf.clone()).budget("x", quota());
    for _ in 0..5 {
        daemon.spend(&[("units", 1)], Purpose::Poll).unwrap();
        doctor.spend(&[("units", 1)], Purpose::Poll).unwrap();
    }
    assert!(daemon.spend(&[("units", 1)], Purpose::Act).is_err());
    assert!(doctor.spend(&[("units", 1)], Purpose::Act).is_err());
}

#[test]
fn too_many_closes_the_quota_until_the_platform_said_also_after_a_restart() {
    let clock = Clock::manual(start());
    let shelf: Arc<Shelf> = Arc::default();
    let quotas = || {
        [
            Quota {
                name: "reads",
                limit: 400,
                window: Window::Rolling(Duration::from_mins(15)),
                reserve: 50,
            },
            Quota { name: "hides", limit: 50, window: Window::Rolling(Duration::from_mins(15)), reserve: 0 },
        ]
    };
    let open = || Book::new(clock.clone(), shelf.clone()).budget("x", quotas());
    let budget = open();
    budget.spend(&[("reads", 1)], Purpose::Poll).unwrap();
    budget.refused(&["reads"], Duration::from_mins(7));
    for budget in [budget, open()] {
        for purpose in [Purpose::Poll, Purpose::Act] {
            let error = budget.spend(&[("reads", 1)], purpose).unwrap_err();
            assert!(
                matches!(error, ConnectorError::RateLimited(wait) if wait == Duration::from_mins(7)),
                "{purpose:?} {error}"
            );
        }
        budget.spend(&[("hides", 1)], Purpose::Act).unwrap();
    }
    clock.set(start() + seconds(420));
    open().spend(&[("reads", 1)], Purpose::Poll).unwrap();
}

#[test]
fn what_the_platform_says_later_replaces_what_it_said_before() {
    // Percent, which only the platform counts: it goes down as well as up.
    let clock = Clock::manual(start());
    let quota =
        Quota { name: "percent", limit: 100, window: Window::Rolling(Duration::from_hours(1)), reserve: 10 };
    let budget = Budget::new("meta", [quota], clock.clone());
    budget.told("percent", 95, Some(100), None);
    assert!(budget.spend(&[("percent", 1)], Purpose::Poll).is_err());
    budget.spend(&[("percent", 1)], Purpose::Act).unwrap();
    budget.told("percent", 20, Some(100), None);
    assert_eq!(budget.left()[0].used, 20);
    budget.told("percent", 300, None, None);
    assert_eq!(budget.left()[0].used, 300);
    clock.set(start() + seconds(2 * 3600));
    assert_eq!((budget.left()[0].used, budget.left()[0].resets_at), (0, None));
    // A moment far away, or past, is no reason to stop for ever or to begin anew.
    budget.told("percent", 99, Some(0), Some(DateTime::<Utc>::MAX_UTC));
    assert!(budget.left()[0].resets_at.unwrap() <= clock.now() + seconds(3700));
    budget.told("nothing such", 1, None, None);
}

#[test]
fn a_quota_that_cannot_be_kept_sends_nothing() {
    let book = Book::new(Clock::manual(start()), Arc::<Shelf>::default());
    let budget = book.budget("broken", [Quota { name: "u", limit: 9, window: Window::UtcDay, reserve: 0 }]);
    let error = budget.spend(&[("u", 1)], Purpose::Poll).unwrap_err();
    assert!(matches!(&error, ConnectorError::Unavailable(why) if why.contains("disk full")), "{error}");
}

#[test]
fn a_clock_that_was_years_ahead_does_not_close_a_quota_for_years() {
    let clock = Clock::manual("2046-01-01T00:00:00Z".parse().unwrap());
    let quota = Quota { name: "u", limit: 5, window: Window::Rolling(Duration::from_mins(15)), reserve: 0 };
    let budget = Budget::new("x", [quota], clock.clone());
    budget.spend(&[("u", 5)], Purpose::Act).unwrap();
    budget.refused(&["u"], Duration::from_hours(400_000));
    clock.set(start());
    assert!(budget.left()[0].resets_at.unwrap() <= start() + TimeDelta::days(1));
}

#[tokio::test]
async fn a_meter_tells_what_one_poll_spent_of_a_shared_budget() {
    let clock = Clock::manual(start());
    let quotas = [Quota { name: "u", limit: 50, window: Window::UtcDay, reserve: 0 }];
    let budget = Budget::new("x", quotas, clock);
    let other = budget.clone();
    let ((), spent) = metered(async {
        budget.spend(&[("u", 2), ("u", 1), ("unknown", 9), ("u", 0)], Purpose::Poll).unwrap();
        tokio::spawn(async move { other.spend(&[("u", 7)], Purpose::Poll).unwrap() }).await.unwrap();
    })
    .await;
    assert_eq!(spent, BTreeMap::from([("x/u".to_owned(), 3)]));
    assert_eq!(budget.left()[0].used, 10);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Wait(i64),
        Spend { process: usize, units: u64, act: bool },
        Restart(usize),
        Told { process: usize, used: u64 },
        Refused { process: usize, seconds: u64 },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..200_i64).prop_map(Step::Wait),
            1 => (0..30_000_i64).prop_map(Step::Wait),
            9 => (0..2_usize, 1..40_u64, any::<bool>())
                .prop_map(|(process, units, act)| Step::Spend { process, units, act }),
            1 => (0..2_usize).prop_map(Step::Restart),
            1 => (0..2_usize, 0..120_u64).prop_map(|(process, used)| Step::Told { process, used }),
            1 => (0..2_usize, 0..600_u64).prop_map(|(process, seconds)| Step::Refused { process, seconds }),
        ];
        proptest::collection::vec(step, 1..120)
    }

    const LIMIT: u64 = 400;
    const RESERVE: u64 = 100;

    /// Plays the steps; gives what was granted: when, how many units, and whether to polling.
    fn play(window: Window, steps: &[Step]) -> Vec<(DateTime<Utc>, u64, bool)> {
        let clock = Clock::manual(start());
        let shelf: Arc<Shelf> = Arc::default();
        let open = || {
            let quota = Quota { name: "u", limit: LIMIT, window, reserve: RESERVE };
            Book::new(clock.clone(), shelf.clone()).budget("x", [quota])
        };
        let mut processes = [open(), open()];
        let mut granted = Vec::new();
        for step in steps {
            match *step {
                Step::Wait(time) => clock.set(clock.now() + seconds(time)),
                Step::Restart(process) => processes[process] = open(),
                Step::Told { process, used } => processes[process].told("u", used, None, None),
                Step::Refused { process, seconds } => {
                    processes[process].refused(&[], Duration::from_secs(seconds));
                }
                Step::Spend { process, units, act } => {
                    let purpose = if act { Purpose::Act } else { Purpose::Poll };
                    match processes[process].spend(&[("u", units)], purpose) {
                        Ok(()) => granted.push((clock.now(), units, !act)),
                        Err(ConnectorError::RateLimited(wait)) => assert!(wait >= Duration::from_secs(1)),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
        granted
    }

    /// The most that was granted within one window, wherever it begins, and of it to polling alone.
    fn most(
        granted: &[(DateTime<Utc>, u64, bool)],
        together: impl Fn(DateTime<Utc>, DateTime<Utc>) -> bool,
    ) -> (u64, u64) {
        let sums = granted.iter().map(|(last, ..)| {
            let within = granted.iter().filter(|(at, ..)| at <= last && together(*at, *last));
            within.fold((0, 0), |(all, polls), (_, units, poll)| {
                (all + units, polls + if *poll { *units } else { 0 })
            })
        });
        sums.fold((0, 0), |(all, polls), (more, more_polls)| (all.max(more), polls.max(more_polls)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_interleaving_over_restarts_and_processes_exceeds_a_sliding_window(
            steps in steps(), length in 1..2000_i64,
        ) {
            let window = Window::Rolling(Duration::from_secs(length.unsigned_abs()));
            let granted = play(window, &steps);
            let (all, polls) = most(&granted, |at, last| last - at <= seconds(length));
            prop_assert!(all <= LIMIT, "{all}");
            prop_assert!(polls <= LIMIT - RESERVE, "{polls}");
        }

        #[test]
        fn no_interleaving_exceeds_a_day_also_where_the_platforms_clock_is_ahead(
            steps in steps(), ahead in 0..120_i64, pacific in any::<bool>(),
        ) {
            let window = if pacific { Window::PacificDay } else { Window::UtcDay };
            let zone = if pacific { chrono_tz::America::Los_Angeles } else { chrono_tz::UTC };
            let granted = play(window, &steps);
            let day = |at: DateTime<Utc>| (at + seconds(ahead)).with_timezone(&zone).date_naive();
            let (all, polls) = most(&granted, |at, last| day(at) == day(last));
            prop_assert!(all <= LIMIT, "{all}");
            prop_assert!(polls <= LIMIT - RESERVE, "{polls}");
        }

        #[test]
        fn who_waits_as_long_as_told_gets_what_was_asked_for(
            spends in proptest::collection::vec((0..300_i64, 1..60_u64), 1..60),
            length in 1..2000_u64, sliding in any::<bool>(),
        ) {
            let clock = Clock::manual(start());
            let window = if sliding { Window::Rolling(Duration::from_secs(length)) } else { Window::PacificDay };
            let quota = Quota { name: "u", limit: 100, window, reserve: 40 };
            let budget = Book::new(clock.clone(), Arc::<Shelf>::default()).budget("x", [quota]);
            for (wait, units) in spends {
                clock.set(clock.now() + seconds(wait));
                if let Err(error) = budget.spend(&[("u", units)], Purpose::Poll) {
                    let ConnectorError::RateLimited(wait) = error else { panic!("{error}") };
                    clock.set(clock.now() + TimeDelta::from_std(wait).unwrap());
                    budget.spend(&[("u", units)], Purpose::Poll).unwrap();
                }
            }
        }
    }
}
