//! Replies that come when their thread is no longer among the newest hundred.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::{UNITS, Youtube};
use super::scripted::{FILM, comment, is, list, saying};
use crate::clock::Clock;
use crate::connector::http::script::{Asked, Reply, Server};
use crate::connector::testing::{NOW, ids, sweep};
use crate::connector::{Connector, Cursor, Page, Purpose};

/// How many replies come along with a thread.
const ALONG: u64 = 5;

/// A channel: the numbers of the replies of each thread that were ever written, oldest thread first.
#[derive(Debug, Clone, Default)]
struct Channel(Arc<Mutex<Vec<Vec<u64>>>>);

impl Channel {
    fn of(threads: usize, replies: u64) -> Self {
        Self(Arc::new(Mutex::new(vec![(0..replies).collect(); threads])))
    }

    fn change(&self, thread: usize, change: impl FnOnce(&mut Vec<u64>)) {
        change(&mut self.0.lock().unwrap()[thread]);
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let threads = self.0.lock().unwrap();
        let published = asked.query("moderationStatus").as_deref() == Some("published");
        if is(asked, "videos") || (is(asked, "commentThreads") && !published) {
            return list(&[], None);
        }
        let replies = |thread: usize, along: usize| -> Vec<Value> {
            let newest = threads[thread].iter().rev().take(along);
            newest.map(|reply| comment(&format!("T{thread}.{reply}"), "2026-11-22T08:00:00Z")).collect()
        };
        if is(asked, "comments") {
            let thread = asked.query("parentId").unwrap()[1..].parse().unwrap();
            return list(&replies(thread, 100), None);
        }
        let before = asked.query("pageToken").map_or(threads.len(), |token| token.parse().unwrap());
        let shown: Vec<Value> = (before.saturating_sub(100)..before)
            .rev()
            .map(|thread| {
                let at = at("2026-11-20T00:00:00Z") + TimeDelta::seconds(i64::try_from(thread).unwrap());
                let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                let along = replies(thread, usize::try_from(ALONG).unwrap());
                json!({
                    "snippet": { "videoId": FILM, "topLevelComment": comment(&format!("T{thread}"), &at),
                        "totalReplyCount": threads[thread].len() },
                    "replies": { "comments": along },
                })
            })
            .collect();
        list(&shown, before.checked_sub(100).filter(|next| *next > 0).map(|next| next.to_string()).as_deref())
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A channel that has been swept once.
struct Swept {
    channel: Channel,
    server: Server,
    youtube: Youtube,
    clock: Clock,
    cursor: Option<Cursor>,
}

impl Swept {
    /// With 64 units a day for what is beyond the newest hundred threads: half for each kind of pass.
    async fn new(channel: Channel) -> Self {
        let answering = channel.clone();
        let (server, youtube, clock) = saying(move |asked| answering.answer(asked)).await;
        let mut swept =
            Self { channel, server, youtube: youtube.with_further_units(64), clock, cursor: None };
        swept.sweep().await;
        swept
    }

    async fn sweep(&mut self) -> Page {
        let (page, _) = sweep(&self.youtube, self.cursor.take()).await.unwrap();
        self.cursor.clone_from(&page.cursor);
        page
    }

    /// The next sweep, so many minutes after the first, and how often it asked for replies.
    async fn after(&mut self, minutes: i64) -> (Page, usize) {
        self.clock.set(at(NOW) + TimeDelta::minutes(minutes));
        let before = self.asked_for_replies();
        let page = self.sweep().await;
        (page, self.asked_for_replies() - before)
    }

    fn asked_for_replies(&self) -> usize {
        self.server.asked().iter().filter(|asked| is(asked, "comments")).count()
    }
}

#[tokio::test]
async fn a_late_reply_is_read_within_the_time_that_the_sweeps_before_it_tell() {
    let mut swept = Swept::new(Channel::of(250, 0)).await;
    swept.channel.change(3, |replies| replies.push(0));
    // Two more pages cost two units of 32: every ninety minutes.
    for minutes in [5, 89] {
        let (page, _) = swept.after(minutes).await;
        assert!(!ids(&page.comments).contains(&"T3.0"));
        let [told] = page.blind.as_slice() else { panic!("{:?}", page.blind) };
        assert!(told.contains("äldre än de 100 senaste") && told.contains("så snart 90 minuter"), "{told}");
    }
    let (page, asked) = swept.after(90).await;
    assert!(ids(&page.comments).contains(&"T3.0"), "without a sweep of everything");
    assert_eq!((asked, page.blind.as_slice(), page.listed.as_slice()), (0, &[][..], &[][..]));
    let (page, _) = swept.after(95).await;
    assert_eq!(page.blind.len(), 1);
}

#[tokio::test]
async fn a_channel_of_a_hundred_threads_is_read_to_its_end_in_every_sweep() {
    let mut swept = Swept::new(Channel::of(100, 0)).await;
    swept.channel.change(0, |replies| replies.push(0));
    let before = swept.server.asked().len();
    let (page, _) = swept.after(5).await;
    assert!(ids(&page.comments).contains(&"T0.0"));
    assert_eq!((swept.server.asked().len() - before, page.blind.len()), (1, 0));
}

#[tokio::test]
async fn replies_are_asked_for_only_where_a_count_has_moved() {
    let mut swept = Swept::new(Channel::of(250, 6)).await;
    let mut minutes = 0;
    // 250 threads' replies are a whole sweep's; it is too dear to come again soon.
    assert_eq!(swept.asked_for_replies(), 250);
    for (what, change, expected) in [
        ("nothing", Box::new(|_: &mut Vec<u64>| {}) as Box<dyn FnOnce(&mut Vec<u64>)>, 0),
        ("one more", Box::new(|replies| replies.push(6)), 1),
        ("one fewer", Box::new(|replies| replies.retain(|reply| *reply > 0)), 1),
        ("no more than come along", Box::new(|replies| replies.retain(|reply| *reply > 2)), 0),
        // The count is what it once was; the replies are others.
        ("others", Box::new(|replies| replies.extend([7, 8])), 1),
    ] {
        swept.channel.change(1, change);
        minutes += 180;
        let (page, asked) = swept.after(minutes).await;
        assert_eq!((asked, page.blind.len()), (expected, 0), "{what}");
    }
}

#[tokio::test]
async fn what_a_wide_sweep_costs_beyond_the_newest_threads_is_told_apart_and_spread_over_the_day() {
    let mut swept = Swept::new(Channel::of(250, 0)).await;
    for thread in 0..20 {
        swept.channel.change(thread, |replies| replies.extend(0..6));
    }
    swept.clock.set(at(NOW) + TimeDelta::minutes(90));
    let mut beyond = Vec::new();
    loop {
        let page = swept.youtube.page(swept.cursor.as_ref()).await.unwrap();
        swept.cursor = page.cursor;
        beyond.push(page.beyond);
        if !page.more {
            break;
        }
    }
    // The newest hundred, two more pages, twenty threads, what is held back and what is taken for spam.
    let expected: Vec<bool> = [false].into_iter().chain([true; 22]).chain([false; 2]).collect();
    assert_eq!(beyond, expected);
    // 22 units of 32 a day: after 16.5 hours.
    let (page, _) = swept.after(95).await;
    assert!(page.blind[0].contains("så snart 990 minuter"), "{:?}", page.blind);
}

#[tokio::test]
async fn where_units_are_short_late_replies_wait_for_a_day_and_no_longer() {
    let mut swept = Swept::new(Channel::of(250, 0)).await;
    swept.youtube.http.budget().unwrap().spend(&[(UNITS, 6_000)], Purpose::Poll).unwrap();
    swept.channel.change(3, |replies| replies.push(0));
    let (page, _) = swept.after(200).await;
    assert!(page.blind[0].contains("så snart 1440 minuter"), "{:?}", page.blind);
    // The next day's units are gone too.
    swept.clock.set(at(NOW) + TimeDelta::hours(23));
    swept.youtube.http.budget().unwrap().spend(&[(UNITS, 6_000)], Purpose::Poll).unwrap();
    let (page, _) = swept.after(24 * 60 - 1).await;
    assert!(!ids(&page.comments).contains(&"T3.0"));
    let (page, _) = swept.after(24 * 60).await;
    assert!(ids(&page.comments).contains(&"T3.0") && page.blind.is_empty(), "{:?}", page.blind);
}

#[tokio::test]
async fn more_threads_than_are_remembered_are_told_and_the_newest_are_asked_for_once() {
    let mut swept = Swept::new(Channel::of(250, 6)).await;
    // As after a sweep of a channel that has two thousand more, newer than its three oldest.
    let mut cursor: Value = serde_json::from_str(&swept.cursor.unwrap().0).unwrap();
    let totals = cursor["totals"].as_object_mut().unwrap();
    totals.retain(|thread, _| !["T0", "T1", "T2"].contains(&thread.as_str()));
    totals.extend((totals.len()..2_000).map(|n| (format!("S{n}"), json!(6))));
    swept.cursor = Some(Cursor(cursor.to_string()));
    let (page, asked) = swept.after(90).await;
    assert_eq!(asked, 0, "what is not remembered is not asked for again and again");
    let [told] = page.blind.as_slice() else { panic!("{:?}", page.blind) };
    assert!(told.contains("Fler än 2000 trådar"), "{told}");
    swept.channel.0.lock().unwrap().push((0..6).collect());
    for (minutes, expected) in [(95, 1), (100, 0)] {
        let (page, asked) = swept.after(minutes).await;
        assert_eq!(asked, expected);
        assert_eq!(ids(&page.comments).contains(&"T250.0"), expected == 1);
    }
}

#[tokio::test]
async fn a_wide_sweep_cut_off_anywhere_goes_on_and_counts_when_it_has_ended() {
    let channel = Channel::of(250, 6);
    let (answering, cut) = (channel.clone(), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&cut);
    let (_server, youtube, clock) = saying(move |asked| {
        let mut count = counted.lock().unwrap();
        *count += 1;
        if *count % 2 == 0 { Reply::Close } else { answering.answer(asked) }
    })
    .await;
    let youtube = youtube.with_further_units(64);
    let (mut cursor, mut minutes, mut seen) = (None, 0, Vec::new());
    for sweeps in 0..2 {
        if sweeps == 1 {
            channel.change(3, |replies| replies.push(6));
            channel.change(4, |replies| replies.push(6));
        }
        clock.set(at(NOW) + TimeDelta::minutes(minutes));
        loop {
            let Ok(page) = youtube.page(cursor.as_ref()).await else { continue };
            assert!(page.blind.is_empty(), "{:?}", page.blind);
            cursor = page.cursor;
            if sweeps == 1 {
                seen.extend(page.comments);
            }
            if !page.more {
                break;
            }
        }
        minutes += 90;
    }
    assert!(*cut.lock().unwrap() > 500);
    let seen = ids(&seen);
    assert!(
        seen.contains(&"T3.6") && seen.contains(&"T4.6") && seen.contains(&"T3.0") && !seen.contains(&"T5.0")
    );
    // Four units beyond the newest, of 32: the next in three hours.
    clock.set(at(NOW) + TimeDelta::minutes(95));
    let (page, _) = loop {
        if let Ok(page) = sweep(&youtube, cursor.clone()).await {
            break page;
        }
    };
    assert!(page.blind[0].contains("så snart 180 minuter"), "{:?}", page.blind);
}
