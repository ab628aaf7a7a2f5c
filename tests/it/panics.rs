//! A real panic in the real program, with a comment's words and a key in hand: nothing of them is printed.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::binary::{PAGE, Set, Town, Watched, comment, start, told};
use uppsikt::domain::comment::Platform;

const KEY: &str = "hemlig-nyckel-4f1c";
const WORDS: &str = "Du är en idiot, sa grannens åsna";

fn town() -> Town {
    let watched = Watched {
        id: "fb".to_owned(),
        platform: Platform::Facebook,
        native: PAGE.to_owned(),
        key: "token_file = \"fb-token\"".to_owned(),
        start: start(),
    };
    Town::of(watched, KEY, Set::default(), &[comment(1, 1, WORDS)])
}

fn chatty(command: &mut Command, at: &str) {
    command.env("UPPSIKT_KILL_AT", at).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
}

fn assert_silent(told: &str) {
    for hidden in [KEY, "grannens", "idiot", "Person 1"] {
        assert!(!told.contains(hidden), "{hidden}: {told}");
    }
    assert!(told.contains("uppsikt: panicked at src/kill.rs:"), "{told}");
    assert!(told.contains("what it said is not shown"), "{told}");
}

#[test]
fn a_poll_that_panics_with_a_page_in_hand_tells_where_and_not_what_and_is_a_row_in_the_log() {
    let mut town = town();
    let at = town.tick();
    let mut command = town.command(&["run", "--once", "--at", &at]);
    chatty(&mut command, "panic:store:before");
    let output = command.output().unwrap();
    assert_silent(&told(&output));
    assert_eq!(town.one("select reason from poll"), "läsningen avbröts av ett fel i Uppsikt");
    assert_eq!(town.one("select count(*) from comment"), "0");
    // The next pass has it.
    town.pass();
    assert_eq!(town.one("select count(*) from comment"), "1");
}

#[test]
fn a_daemon_that_panics_while_it_judges_ends_without_a_word_of_what_it_judged() {
    let mut town = town();
    town.tick();
    let mut command = town.command(&["run"]);
    chatty(&mut command, "panic:assess:before");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It ends by itself; systemd starts it anew.
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    text.push_str(&reader.join().unwrap());
    assert!(!child.wait().unwrap().success(), "{text}");
    assert_silent(&text);
    assert!(text.contains("uppsikt::"), "the way to it is told: {text}");
    // What was received is stored, and judged by the next one.
    assert_eq!(town.one("select count(*) from comment"), "1");
    assert_eq!(town.one("select count(*) from assessment"), "0");
    for path in [town.data().join("mail")] {
        for entry in std::fs::read_dir(path).unwrap() {
            assert!(
                !String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).contains("grannens")
            );
        }
    }
}
