//! What the operating system was asked to do, in which order: nothing is hidden before what proves it is durable.

use std::fs;
use std::process::Command;
use std::sync::Once;

use crate::support::binary::{Town, comment, told, was_killed};
use crate::support::whole::{Meant, assert_whole};

/// One system call that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// A file or folder was made durable.
    Synced(String),
    /// A write to the database's log.
    Logged,
    /// From, to.
    Renamed(String, String),
    /// A request that writes, to this object.
    Posted(String),
}

/// Installs strace where it is missing, as a container's root may.
fn strace() -> Command {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        if Command::new("strace").arg("-V").output().is_err() {
            for arguments in [&["update"][..], &["install", "--yes", "strace"]] {
                let _ = Command::new("apt-get").arg("--quiet").args(arguments).output();
            }
        }
    });
    Command::new("strace")
}

/// A pass under strace with these further arguments of strace.
fn traced(town: &mut Town, arguments: &[&str]) -> (std::process::Output, String) {
    let (at, trace) = (town.tick(), town.path("trace"));
    let run = town.command(&["run", "--once", "--at", &at]);
    let mut strace = strace();
    strace.args(["-f", "-qq", "-y", "-s", "120", "-o"]).arg(&trace).args(arguments).arg(run.get_program());
    strace.args(run.get_args()).env("RUST_LOG", "warn");
    let output =
        strace.output().unwrap_or_else(|error| panic!("strace is needed (apt-get install strace): {error}"));
    (output, fs::read_to_string(&trace).unwrap_or_default())
}

const CALLS: &str = "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write,writev,sendto,sendmsg";

/// The calls that succeeded, in the order in which they began; a call that was cut in two is put together first.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let mut whole = rest.trim_start().to_owned();
        if let Some(beginning) = whole.strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), beginning.trim_end().to_owned());
            // A request has left when it was begun; everything else counts when it has returned.
            if !beginning.contains("\"POST ") {
                continue;
            }
            whole = format!("{beginning}) = 0");
        } else if let Some(end) = whole.strip_prefix("<... ") {
            let Some(beginning) = begun.remove(thread) else { continue };
            if beginning.contains("\"POST ") {
                continue;
            }
            whole = beginning + end.split_once('>').map_or("", |(_, end)| end);
        }
        let Some((name, _)) = whole.split_once('(') else { continue };
        let path = |text: &str| {
            text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path.to_owned())
        };
        let failed = whole.rsplit_once(" = ").is_some_and(|(_, result)| result.starts_with('-'));
        if failed {
            continue;
        }
        match name {
            "fsync" | "fdatasync" => calls.extend(path(&whole).map(Call::Synced)),
            "rename" | "renameat" | "renameat2" => {
                let names: Vec<_> = whole.split('"').skip(1).step_by(2).map(str::to_owned).collect();
                if let [from, to] = &names[..] {
                    calls.push(Call::Renamed(from.clone(), to.clone()));
                }
            }
            "pwrite64" if path(&whole).is_some_and(|path| path.ends_with("uppsikt.db-wal")) => {
                calls.push(Call::Logged);
            }
            _ => {
                if let Some((_, rest)) = whole.split_once("\"POST /facebook/v25.0/") {
                    let object = rest.split([' ', '?']).next().unwrap_or_default();
                    calls.push(Call::Posted(object.to_owned()));
                }
            }
        }
    }
    calls
}

/// The last of `calls` that `fits`, and what came before it.
fn last<'a>(calls: &'a [Call], what: &str, fits: impl Fn(&Call) -> bool) -> &'a [Call] {
    let at = calls.iter().rposition(fits).unwrap_or_else(|| panic!("{what} is missing before: {calls:#?}"));
    &calls[..at]
}

fn synced(end: &str) -> impl Fn(&Call) -> bool {
    move |call| matches!(call, Call::Synced(path) if path.ends_with(end))
}

fn renamed(end: &str) -> impl Fn(&Call) -> bool {
    move |call| matches!(call, Call::Renamed(_, to) if to.ends_with(end))
}

/// The part of the order that every process must show before a request leaves, also one that found everything made.
fn published(before: &[Call]) -> &[Call] {
    let before = last(before, "fsync of the archive's folder", synced("/data/archive"));
    let before = last(before, "rename of the checkpoint", renamed("/archive/checkpoint"));
    last(
        before,
        "fsync of the checkpoint",
        |call| matches!(call, Call::Synced(path) if path.contains("/archive/.checkpoint.")),
    )
}

#[test]
fn a_request_to_hide_leaves_after_everything_that_proves_it_is_durable() {
    let mut town =
        Town::new(&[comment(1, 1, "Din idiot!"), comment(1, 2, "Kommunchefen är en riktig idiot.")]);
    let (output, trace) = traced(&mut town, &["-e", CALLS]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_whole(&town, &Meant { hidden: &["1_1", "1_2"], more_writes: 0 }, "traced");
    let calls = calls(&trace);
    for native in ["1_1", "1_2"] {
        let record = town.one(&format!(
            "select i.record from intent i join comment c on c.id = i.comment where c.native_id = '{native}'"
        ));
        let posted: Vec<_> =
            (0..calls.len()).filter(|at| calls[*at] == Call::Posted(native.to_owned())).collect();
        assert_eq!(posted.len(), 1, "{native}: {calls:#?}");
        let before = published(&calls[..posted[0]]);
        // Whatever the checkpoint is over was made durable after it was written.
        let logged = before.iter().rposition(|call| *call == Call::Logged).unwrap();
        let made = before.iter().rposition(synced("uppsikt.db-wal")).unwrap();
        assert!(made > logged, "the checkpoint is over entries that the power may take: {before:#?}");
        let before = last(before, "fsync of the database", synced("uppsikt.db-wal"));
        let folder = format!("/packs/{}", &record[..2]);
        let before = last(before, "fsync of the pack's folder", synced(&folder));
        let before = last(before, "rename of the pack", renamed(&format!("{record}.pack")));
        last(
            before,
            "fsync of the pack",
            |call| matches!(call, Call::Synced(path) if path.contains(&format!("/.{record}.pack."))),
        );
    }
}

#[test]
fn a_checkpoint_that_another_process_left_is_made_durable_before_anything_is_hidden() {
    let mut town = Town::new(&[comment(1, 1, "Din idiot!")]);
    let at = town.tick();
    let output =
        town.command(&["run", "--once", "--at", &at]).env("UPPSIKT_KILL_AT", "look:before").output().unwrap();
    assert!(was_killed(&output), "{}", told(&output));
    let (output, trace) = traced(&mut town, &["-e", CALLS]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let calls = calls(&trace);
    let posted = calls.iter().position(|call| *call == Call::Posted("1_1".to_owned())).unwrap();
    published(&calls[..posted]);
    assert_whole(&town, &Meant { hidden: &["1_1"], more_writes: 0 }, "found");
}

/// Lets the `n`th fsync or fdatasync of a pass fail, for every `n`, and looks what was hidden nevertheless.
#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever asks for them with --nocapture")]
fn a_disk_that_fails_to_write_hides_nothing_that_is_not_durable_and_is_told() {
    let mut told_of = [0, 0];
    for n in 1.. {
        let mut town = Town::new(&[comment(1, 1, "Din idiot!")]);
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={n}");
        let (output, trace) = traced(&mut town, &["-e", CALLS, "-e", &inject]);
        if !trace.contains("(INJECTED)") {
            assert!(n > 15, "a pass has more fsyncs than {n}");
            break;
        }
        let failed = trace.lines().find(|line| line.contains("(INJECTED)")).unwrap().to_owned();
        let hidden = !town.sandbox.hidden().is_empty();
        if hidden {
            // The rest of the order holds without the call that failed: it was one of those after the request, or of
            // a file that was written anew.
            let calls = calls(&trace);
            let posted = calls.iter().position(|call| *call == Call::Posted("1_1".to_owned())).unwrap();
            let before = published(&calls[..posted]);
            let before = last(before, "fsync of the database", synced("uppsikt.db-wal"));
            last(before, "rename of the pack", renamed(".pack"));
        }
        // The program ends with an error, or goes on and tells a person.
        match output.status.code() {
            Some(2) => told_of[0] += 1,
            Some(0 | 1) => {
                let tells =
                    String::from_utf8_lossy(&output.stdout).contains("nothing is hidden or registered");
                let later = failed.contains("/mail/") || failed.contains("keys.db");
                assert!(tells || hidden || later, "{failed}: {}", told(&output));
                told_of[1] += 1;
            }
            other => panic!("{other:?}: {failed}"),
        }
        town.settle();
        assert_whole(&town, &Meant { hidden: &["1_1"], more_writes: 1 }, &failed);
    }
    eprintln!("{} failing fsyncs ended the program, {} were told by it", told_of[0], told_of[1]);
    assert!(told_of[0] > 0 && told_of[1] > 0, "{told_of:?}");
}

#[test]
fn an_archive_whose_names_cannot_be_made_durable_proves_nothing() {
    let mut town = Town::new(&[comment(1, 1, "Din idiot!")]);
    let archive = town.data().join("archive").display().to_string();
    for _ in 0..2 {
        let (output, trace) =
            traced(&mut town, &["-P", &archive, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO"]);
        assert!(trace.contains("(INJECTED)"), "{trace}");
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        assert!(told(&output).contains("nothing is hidden or registered"), "{}", told(&output));
        assert!(town.sandbox.writes().is_empty());
        assert_eq!(town.one("select count(*) from diary"), "0");
        assert_eq!(town.one("select count(*) from duty where kind = 'halted'"), "1");
    }
    // The next process cannot know whether the names it finds are durable, and makes them so.
    town.settle();
    assert_whole(&town, &Meant { hidden: &["1_1"], more_writes: 0 }, "archive");
}
