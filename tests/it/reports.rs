//! `uppsikt reports` on the real program, over the weekend that the demo plays.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

const AT: &str = "2026-11-23T12:00:00Z";

struct Played {
    _home: tempfile::TempDir,
    dir: PathBuf,
}

fn played() -> &'static Played {
    static PLAYED: OnceLock<Played> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("demo");
        let output = Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .args(["demo", "--once", "--at", AT, "--dir"])
            .arg(&dir)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Played { _home: home, dir }
    })
}

fn reports(arguments: &[&str]) -> Output {
    let played = played();
    let config = played.dir.join("uppsikt.toml");
    Command::new(env!("CARGO_BIN_EXE_uppsikt"))
        .arg("--config")
        .arg(config)
        .arg("reports")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_month_is_counted_as_it_happened() {
    let report: Value =
        serde_json::from_str(&text(&reports(&["--month", "2026-11", "--as", "json"]))).unwrap();
    let account = &report["accounts"][0];
    // The story: 57 comments, two of them older than the watch, 12 answers of the municipality's own.
    assert_eq!(account["comments"]["received"], 55, "{report:#}");
    assert_eq!(account["comments"]["older"], 2);
    assert_eq!(account["comments"]["ours"], 12);
    assert_eq!(account["done"]["hidden"], 9);
    assert_eq!(account["done"]["restored"], 1);
    assert_eq!(account["decided"]["hide"]["rules"], 3);
    assert_eq!(report["diary"]["registered"], 9);
    assert_eq!(report["diary"]["without_external"], 9);
    let automatic = report["automatic"].as_array().unwrap();
    assert_eq!(automatic.len(), 3);
    // A person looked at every automatic hide; one was wrong and was undone.
    assert!(automatic.iter().all(|made| made["looked_at"].is_string()), "{automatic:#?}");
    assert_eq!(automatic.iter().filter(|made| made["outcome"] == "restore").count(), 1);
    let answers = &account["duties"]["answer_24h"];
    let sum = ["in_time", "late", "missed", "fell_away"].map(|key| answers[key].as_u64().unwrap());
    assert_eq!(sum.iter().sum::<u64>(), answers["due"].as_u64().unwrap(), "{answers}");
    // Three of Friday's questions waited for Monday, one has no answer yet, and the last one's day has passed since.
    assert_eq!((answers["late"].as_u64(), answers["missed"].as_u64()), (Some(3), Some(2)), "{answers}");
    assert!(account["answered"]["count"].as_u64().unwrap() > 10);
    assert!(account["watch"]["blind_minutes"].as_i64().unwrap() > 0);
}

#[test]
fn no_form_shows_who_wrote_and_the_same_question_has_the_same_answer() {
    for form in ["html", "csv", "json"] {
        let asked = ["--month", "2026-11", "--as", form];
        let told = text(&reports(&asked));
        let strip = |text: &str| {
            // The running month is told until now, which is another now each time.
            text.lines()
                .filter(|line| !line.contains("siffrorna gäller") && !line.contains("räknad till"))
                .count()
        };
        assert_eq!(strip(&told), strip(&text(&reports(&asked))), "{form}");
        let db = uppsikt::store::Db::open(&played().dir.join("data/uppsikt.db")).unwrap();
        let names: Vec<String> = db
            .read_now(|reader| {
                let mut query = reader.prepare(
                    "select distinct author_name from comment where ours = 0 and author_name is not null",
                )?;
                let names = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
                Ok(names)
            })
            .unwrap();
        assert!(names.len() > 10);
        for name in names {
            assert!(!told.contains(&name), "{form} names {name}");
        }
    }
}

#[test]
fn a_report_is_written_once_and_what_cannot_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("november.pdf");
    let asked = ["--month", "2026-11", "--as", "pdf", "--out", file.to_str().unwrap()];
    assert_eq!(text(&reports(&asked)), "");
    assert!(std::fs::read(&file).unwrap().starts_with(b"%PDF-1.4"));
    for (arguments, words) in [
        (&asked[..], "exists already"),
        (&["--month", "2026-13"], "2026-13"),
        (&["--month", "2098-01"], "has not begun"),
        (&["--board", "finns-inte"], "there is no board `finns-inte`"),
        (&["--as", "docx"], "docx"),
    ] {
        let output = reports(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn a_month_in_which_nothing_happened_has_a_report_too() {
    let report: Value =
        serde_json::from_str(&text(&reports(&["--month", "2026-09", "--as", "json"]))).unwrap();
    assert_eq!(report["preliminary"], false);
    assert_eq!(report["accounts"][0]["comments"]["received"], 0);
    assert_eq!(report["log_entries"], 0);
    assert!(text(&reports(&["--month", "2026-09"])).contains("Inget under månaden."));
}

#[test]
fn what_waits_is_told_with_the_person_who_has_it() {
    let config = played().dir.join("uppsikt.toml");
    let duties = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_uppsikt"))
            .arg("--config")
            .arg(&config)
            .arg("duties")
            .args(arguments)
            .output()
            .unwrap();
        text(&output)
    };
    let open: Vec<Value> =
        duties(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!open.is_empty());
    for duty in &open {
        assert!(!duty["persons"].as_array().unwrap().is_empty(), "never nobody: {duty}");
        assert!(matches!(duty["state"].as_str(), Some("running" | "warned" | "overdue")), "{duty}");
    }
    assert_eq!(duties(&[]).lines().count(), open.len());
    assert!(duties(&["--list"]).contains("answer_24h: svar inom 24 timmar"));
}
