//! Dying at every step, and going on: SIGKILL at each kill point, and at random times under load.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use uppsikt::kill::STEPS;

use crate::support::binary::{Set, Town, comment, told, was_killed};
use crate::support::whole::{Meant, assert_whole};

/// What a person is told of at once, by letter.
const DANGER: &str = "Jag ska döda dig din jävel, jag vet var du bor";

/// Two obvious insults, one that a person looks at, a threat, two that are nothing, under two posts.
fn comments() -> Vec<String> {
    vec![
        comment(1, 1, "Din idiot!"),
        comment(1, 2, "Vilken fin sommar vi har haft i år."),
        comment(2, 3, "Kommunchefen är en riktig idiot."),
        comment(2, 4, "Det sitter bara idioter på det där kontoret"),
        comment(2, 5, "Tack för hjälpen, 100 % nöjd! 🌻 \"citat\" \\ och\nny rad"),
        comment(2, 7, DANGER),
    ]
}

const HIDDEN: &[&str] = &["1_1", "2_3"];

#[test]
fn an_undisturbed_run_hides_what_was_decided_and_a_second_does_nothing_twice() {
    let mut town = Town::new(&comments());
    let first = town.pass();
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    assert_whole(&town, &Meant { hidden: HIDDEN, more_writes: 0 }, "once");
    let size = town.one("select count(*) from entry");
    town.settle();
    assert_whole(&town, &Meant { hidden: HIDDEN, more_writes: 0 }, "twice");
    assert_eq!(town.one("select count(*) from entry"), size);
}

/// Every place in the sources where a process can be made to die.
fn points() -> Vec<(String, &'static str)> {
    fn walk(folder: &Path, found: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut sources = String::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    // The second look shares its call with the first one.
    let shared = sources.contains(r#"if second { "relook" } else { "look" }"#);
    let mut points = Vec::new();
    for step in STEPS {
        for (when, code) in [("Before", "before"), ("After", "after"), ("Lost", "lost")] {
            let calls = sources.contains(&format!("point(\"{step}\", When::{when})"))
                || sources.contains(&format!("point_with(\"{step}\", When::{when}, "))
                || sources.contains(&format!("point(\"{step}\", crate::kill::When::{when})"))
                || shared && matches!(step, "look" | "relook") && when != "Lost";
            if calls {
                points.push((step.to_owned(), code));
            }
        }
    }
    points
}

#[test]
fn every_step_that_can_be_named_has_its_kill_points() {
    let points = points();
    for step in STEPS {
        for when in ["before", "after"] {
            assert!(points.contains(&(step.to_owned(), when)), "{step}:{when} is nowhere in the sources");
        }
    }
}

/// Dies at the `n`th time of one point, goes on, and looks whether everything is whole.
///
/// A point that a process passes once (all texts are judged in one transaction) is met the second time by the second
/// process, which has new comments to go on with.
fn check(step: &str, when: &str, n: u32) {
    let mut town = Town::new(&comments());
    let at = town.tick();
    let die = |town: &Town, point: &str, at: &str| {
        town.command(&["run", "--once", "--at", at]).env("UPPSIKT_KILL_AT", point).output().unwrap()
    };
    let point = format!("{step}:{when}:{n}");
    let mut output = die(&town, &point, &at);
    let mut hidden = HIDDEN.to_vec();
    if n > 1 && output.status.success() {
        town.sandbox.control("add", &comment(1, 6, "Ni är ju helt jävla idioter"));
        town.sandbox.control("add", &comment(1, 8, DANGER));
        hidden.push("1_6");
        let at = town.tick();
        output = die(&town, &format!("{step}:{when}"), &at);
    }
    assert!(was_killed(&output), "{point}: {}", told(&output));
    town.settle();
    // A process that died after its request cannot know, so it looks, and never asks again what it sees done.
    assert_whole(&town, &Meant { hidden: &hidden, more_writes: 0 }, &point);
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn a_process_that_dies_at_any_step_goes_on_where_it_was() {
    let sends_mail = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/steps/notify.rs"))
        .unwrap()
        .contains("mailer");
    let mut table = Vec::new();
    for (step, when) in points() {
        if sends_mail || !matches!(step.as_str(), "mail" | "outbox") {
            table.extend([1, 2].map(|n| (step.clone(), when, n)));
        }
    }
    assert!(table.len() >= 68, "{table:?}");
    let began = Instant::now();
    let (count, queue) = (table.len(), Mutex::new(table));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((step, when, n)) = queue.lock().unwrap().pop() else { break };
                    check(&step, when, n);
                }
            });
        }
    });
    eprintln!("{count} deaths in {:.1} s", began.elapsed().as_secs_f64());
}

/// Numbers that are the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// About 45 s on two cores; `UPPSIKT_KILLS=40` for a short one.
#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn random_deaths_under_load_lose_nothing_and_do_nothing_twice() {
    let kills = std::env::var("UPPSIKT_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(150);
    let mut dice = Dice(0x0075_7070_7369_6b74);
    let mut town = Town::with(Set { limit: 2_000, ..Set::default() }, &comments());
    let mut hidden: Vec<String> = HIDDEN.iter().map(|id| (*id).to_owned()).collect();
    let (mut id, mut died, mut decided) = (100, 0, 0);
    let began = Instant::now();
    for _ in 0..kills {
        for _ in 0..dice.roll(4) {
            id += 1;
            let post = u32::try_from(dice.roll(5)).unwrap();
            let text = match dice.roll(4) {
                0 => "Din idiot!",
                1 => "Det sitter bara idioter på det där kontoret",
                2 => "När öppnar badhuset?",
                _ => "Vilken fin sommar vi har haft i år.",
            };
            town.sandbox.control("add", &comment(post, id, text));
            if text == "Din idiot!" {
                hidden.push(format!("{post}_{id}"));
            }
        }
        let at = town.tick();
        let mut child = town
            .command(&["run", "--once", "--at", &at])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + dice.roll(195)));
        // Somebody decides, in a process of their own, while the other one works or dies.
        let open = town.rows(
            "select c.native_id from case_file k join comment c on c.id = k.comment join version v on v.comment = c.id
             join assessment a on a.version = v.id where k.state = 'open' and a.proposal = 'review' order by k.id limit 1",
        );
        if let Some(native) = open.first()
            && dice.roll(3) == 0
        {
            assert_eq!(town.decide(&town.case_id(native), "karin", "hide"), 0);
            hidden.push(native.clone());
            decided += 1;
        }
        std::thread::sleep(Duration::from_millis(dice.roll(200)));
        child.kill().unwrap();
        died += u32::from(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()) == Some(9));
    }
    town.settle();
    let hidden: Vec<_> = hidden.iter().map(String::as_str).collect();
    // A request may be on its way when its process dies; the next process then looks before the platform has carried
    // it out, and asks again. Hiding is idempotent, and no more than one request of each death is doubled so.
    assert_whole(&town, &Meant { hidden: &hidden, more_writes: 1 }, "random");
    let twice = town.sandbox.writes().values().filter(|count| **count > 1).count();
    eprintln!(
        "{died} of {kills} runs died, {} comments, {} hidden, {decided} decided beside, {twice} asked twice, {:.1} s",
        town.sandbox.state().len(),
        hidden.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(died * 4 > kills, "most runs ended before they were killed: {died} of {kills}");
}
