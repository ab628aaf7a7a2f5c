//! The systemd units: they are whole, they are tight, and the daemon does what they expect of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use clap::Parser;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The units as they are started, and whether they are services.
const UNITS: &[(&str, bool)] = &[
    ("uppsikt.service", true),
    ("uppsikt@norrby.service", true),
    ("uppsikt-watch.service", true),
    ("uppsikt-watch.timer", false),
];

/// What `systemd-analyze security` may reach at most; 10 is an unprotected service.
const EXPOSURE: f64 = 2.0;

/// A system with our units, our program and the distribution's own units.
fn installed(change: impl Fn(&str) -> String) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let units = root.path().join("etc/systemd/system");
    let programs = root.path().join("usr/local/bin");
    for folder in [&units, &programs] {
        fs::create_dir_all(folder).unwrap();
    }
    for entry in fs::read_dir(repository().join("systemd")).unwrap() {
        let path = entry.unwrap().path();
        let text = change(&fs::read_to_string(&path).unwrap());
        uppsikt::durable::write(&units.join(path.file_name().unwrap()), text.as_bytes(), 0o644).unwrap();
    }
    fs::copy(env!("CARGO_BIN_EXE_uppsikt"), programs.join("uppsikt")).unwrap();
    let theirs = root.path().join("usr/lib/systemd");
    fs::create_dir_all(&theirs).unwrap();
    let copied = Command::new("cp").arg("-r").arg("/usr/lib/systemd/system").arg(&theirs).status().unwrap();
    assert!(copied.success(), "the package systemd is not installed");
    root
}

/// `systemd-analyze`, of the package systemd.
fn analyze(root: &Path, arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .arg("--no-pager")
        .arg(format!("--root={}", root.display()))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

/// Everything that `systemd-analyze verify` has to say about `unit`.
fn complaints(root: &Path, unit: &str) -> String {
    let output = analyze(root, &["verify", "--man=no", unit]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // Only what is said about our own files: the distribution's units are not ours to mend.
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("uppsikt")).collect();
    if ours.is_empty() && !output.status.success() {
        return format!("{unit}: verify ended with {}: {told}", output.status);
    }
    ours.join("\n")
}

/// The overall exposure that `systemd-analyze security` prints for a service.
fn exposure(root: &Path, unit: &str) -> f64 {
    let output = analyze(root, &["security", "--offline=true", unit]);
    let text = String::from_utf8(output.stdout).unwrap();
    let overall = text.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| {
        panic!("no exposure for {unit}: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    overall.rsplit(": ").next().unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn systemd_finds_nothing_to_say_about_the_units() {
    let root = installed(str::to_owned);
    for (unit, _) in UNITS {
        assert_eq!(complaints(root.path(), unit), "", "{unit}");
    }
}

#[test]
fn every_service_is_closed_to_what_it_does_not_need() {
    let root = installed(str::to_owned);
    for (unit, _) in UNITS.iter().filter(|(_, service)| *service) {
        let found = exposure(root.path(), unit);
        assert!(found <= EXPOSURE, "{unit}: exposure {found}, at most {EXPOSURE}");
    }
}

/// The two tests above would see a fault: an unknown key, a program that is not there, a protection taken away.
#[test]
fn a_broken_or_an_open_unit_is_told() {
    let unknown = installed(|text| text.replace("NoNewPrivileges=", "NoNewPrivilege="));
    assert!(complaints(unknown.path(), "uppsikt.service").contains("NoNewPrivilege"));
    let nowhere = installed(|text| text.replace("/usr/local/bin/uppsikt", "/usr/local/bin/uppsikt-gone"));
    assert!(complaints(nowhere.path(), "uppsikt.service").contains("uppsikt-gone"));
    let open = installed(|text| {
        text.lines().filter(|line| !line.starts_with("SystemCallFilter")).collect::<Vec<_>>().join("\n")
    });
    assert!(exposure(open.path(), "uppsikt.service") > EXPOSURE);
}

#[test]
fn an_instance_differs_from_the_single_service_only_in_names() {
    let settings = |file: &str| -> Vec<String> {
        fs::read_to_string(repository().join("systemd").join(file))
            .unwrap()
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let named: Vec<String> = settings("uppsikt@.service")
        .iter()
        .map(|line| {
            line.replace(" (%i)", "")
                .replace("/etc/uppsikt/%i.toml", "/etc/uppsikt/uppsikt.toml")
                .replace("/etc/uppsikt/%i.kek", "/etc/uppsikt/kek")
                .replace("uppsikt-%i", "uppsikt")
        })
        .collect();
    assert_eq!(named, settings("uppsikt.service"));
}

#[test]
fn the_program_understands_what_the_units_ask_of_it() {
    for (file, service) in UNITS {
        let file = file.replace("@norrby", "@");
        let text = fs::read_to_string(repository().join("systemd").join(file)).unwrap();
        let commands: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
        assert_eq!(commands.len(), usize::from(*service), "{text}");
        for command in commands {
            let words = command.split_whitespace();
            let parsed =
                uppsikt::cli::args::Arguments::try_parse_from(words).map_err(|error| error.to_string());
            assert!(parsed.is_ok(), "{command}: {parsed:?}");
        }
    }
}

/// The system calls of a set such as `@system-service`, as systemd itself expands it.
fn system_calls(set: &str) -> BTreeSet<String> {
    let output = Command::new("systemd-analyze").args(["syscall-filter", set]).output().unwrap();
    assert!(output.status.success(), "{set}");
    let mut all = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().skip(1) {
        match line.trim() {
            "" => {}
            comment if comment.starts_with('#') => {}
            nested if nested.starts_with('@') => all.extend(system_calls(nested)),
            call => drop(all.insert(call.to_owned())),
        }
    }
    all
}

/// What `SystemCallFilter=` of the unit leaves.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut left = system_calls("@default");
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        if let Some(taken) = line.strip_prefix('~') {
            for set in taken.split_whitespace() {
                left = left.difference(&system_calls(set)).cloned().collect();
            }
        } else {
            line.split_whitespace().for_each(|set| left.extend(system_calls(set)));
        }
    }
    left
}

/// A daemon under strace, from `init` to SIGTERM, with systemd's socket and credential.
struct Watched {
    calls: String,
    told: Vec<String>,
    success: bool,
}

fn watched() -> Watched {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let config = path("uppsikt.toml");
    uppsikt::durable::write(&config, CONFIG.as_bytes(), 0o600).unwrap();
    uppsikt::durable::write(&path("kek"), format!("{}\n", "5a".repeat(32)).as_bytes(), 0o400).unwrap();
    let program = env!("CARGO_BIN_EXE_uppsikt");
    let init = Command::new(program)
        .args(["init", "--config"])
        .arg(&config)
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .output()
        .unwrap();
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));

    let socket = UnixDatagram::bind(path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    // With -D the child is the daemon, and strace a process beside it.
    let mut daemon = Command::new("strace")
        .args(["-D", "-f", "-q", "-o"])
        .arg(path("calls"))
        .arg(program)
        .args(["run", "--config"])
        .arg(&config)
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .env("NOTIFY_SOCKET", path("notify"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    let hear = || {
        let mut message = [0; 256];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    // The first pass, and one more: the watchdog is fed again.
    for _ in 0..2 {
        told.push(hear());
    }
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    while !told.iter().any(|message| message.contains("STOPPING=1")) {
        told.push(hear());
    }
    let success = daemon.wait().unwrap().success();
    // strace writes its last line a moment after the daemon has gone.
    let calls = (0..100)
        .find_map(|_| {
            let calls = fs::read_to_string(path("calls")).unwrap();
            if calls.lines().last().is_some_and(|line| line.contains("+++ exited")) {
                return Some(calls);
            }
            std::thread::sleep(Duration::from_millis(50));
            None
        })
        .unwrap();
    Watched { calls, told, success }
}

/// One daemon for what the unit expects: readiness and watchdog by finished passes, an orderly stop, no system call
/// outside the filter, no memory that is both written and run, no other family of sockets.
#[test]
fn the_daemon_keeps_within_what_its_unit_allows() {
    let unit = fs::read_to_string(repository().join("systemd/uppsikt.service")).unwrap();
    let watched = watched();
    assert!(watched.success, "SIGTERM is an orderly stop");
    assert!(watched.told[0].contains("READY=1"), "{:?}", watched.told);
    assert!(watched.told[..2].iter().all(|message| message.contains("WATCHDOG=1")), "{:?}", watched.told);

    let allowed = allowed(&unit);
    // SQLite gives new files to the database's owner, which only root has to do; the service is never root.
    let as_root = rustix::process::geteuid().is_root();
    let made: BTreeSet<&str> = watched
        .calls
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.split_once('(').map(|(call, _)| call))
        .filter(|call| call.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        .filter(|call| !(as_root && *call == "fchown"))
        .collect();
    assert!(made.len() > 20 && made.contains("fsync"), "strace saw the daemon: {made:?}");
    let refused: Vec<_> = made.iter().filter(|call| !allowed.contains(**call)).collect();
    assert!(refused.is_empty(), "the unit refuses {refused:?}");

    assert!(unit.contains("MemoryDenyWriteExecute=yes"));
    let both = watched.calls.lines().find(|line| line.contains("PROT_WRITE|PROT_EXEC"));
    assert_eq!(both, None);

    let families = unit.lines().find_map(|line| line.strip_prefix("RestrictAddressFamilies=")).unwrap();
    for line in watched.calls.lines() {
        let Some((_, rest)) = line.split_once(" socket(") else { continue };
        let family = rest.split(',').next().unwrap();
        // The C library asks the kernel for the machine's addresses and does without when it may not.
        let known = families.split_whitespace().any(|known| known == family) || family == "AF_NETLINK";
        assert!(known, "a socket of {family}");
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// No network, no mail server; the key comes as a systemd credential.
const CONFIG: &str = r#"
profile = "arjeplog"
[organisation]
name = "Exempel kommun"
log_origin = "exempel.se/uppsikt"
operator = "chef"
[paths]
data = "data"
secrets = "secrets"
min_free = "256 MiB"
[mail]
from = "uppsikt@exempel.se"
transport = "folder"
[desk]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:8080"
[[board]]
id = "KS"
name = "Kommunstyrelsen"
diary = "UPP-KS {year}/{n}"
registrar = "chef"
[[person]]
id = "chef"
name = "Chef Exempel"
email = "chef@exempel.se"
roles = ["owner", "head", "editor", "registrar", "it"]
employed = true
manager = true
trained = 2026-03-01
[[account]]
id = "fb"
platform = "facebook"
native_id = "123456789012345"
url = "https://www.facebook.com/exempelkommun"
board = "KS"
owner = "chef"
editors = ["chef"]
poll = "* * * * * *"
poll_decided = { by = "chef", on = 2026-01-15, reason = "daglig bevakning är att föredra" }
api = "sandbox"
"#;
