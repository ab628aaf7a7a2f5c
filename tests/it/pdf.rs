//! The handling on paper: judged by Preflight, read back by poppler, the same bytes each time.

use std::path::Path;
use std::process::Command;

use uppsikt::bundle::bag::BagInput;
use uppsikt::bundle::pdf;
use uppsikt::durable;

use crate::support::evidence::Log;

/// Where Debian's packages put what Preflight needs.
const JARS: [&str; 8] = [
    "preflight",
    "xmpbox",
    "pdfbox2",
    "fontbox2",
    "commons-logging",
    "commons-io",
    "javax.activation",
    "jaxb-api",
];

/// What Preflight says of a file, asked for PDF/A-1b.
fn preflight(file: &Path) -> String {
    let jars: Vec<_> = JARS.iter().map(|jar| format!("/usr/share/java/{jar}.jar")).collect();
    let output = Command::new("java")
        .args(["-cp", &jars.join(":"), "org.apache.pdfbox.preflight.Validator_A1b"])
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Its text, in the order in which it is read.
fn text(file: &Path) -> String {
    let output = Command::new("pdftotext").arg(file).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Without spaces and line ends, which pages may put elsewhere.
fn letters(text: &str) -> String {
    text.split_whitespace().collect()
}

fn bag(dir: &Path, comment: &str) -> BagInput {
    let mut log = Log::new(dir);
    log.received();
    let record = log.hide(comment, b"png");
    log.bag(record)
}

fn handling(dir: &Path, comment: &str) -> Vec<u8> {
    pdf::handling(&bag(dir, comment)).unwrap()
}

#[test]
fn whatever_somebody_wrote_the_handling_is_pdf_a_and_holds_it() {
    let long = "Nu får det vara nog. ".repeat(700);
    let word = "å".repeat(9_000);
    let texts = [
        "Jag vet var du bor, Bo Test!",
        "",
        "👋🏽 👨‍👩‍👧‍👦 🇸🇪 ❤️ ☺ \u{1f1fa}",
        "مرحبا بالعالم، هذا نص عربي\nשלום עולם 123 hej",
        "\u{202e}gnp.exe\u{202c} i\u{200b}diot \u{0}\u{7} \u{e000} 你好 \u{10ffff}",
        "z\u{351}\u{344}\u{301}a\u{333}\u{36b}lg\u{327}o\u{361}",
        "(<</Type /Catalog>>) stream\nendstream \\( \\) %PDF-1.7 &lt;script&gt;</x:xmpmeta>",
        &long,
        &word,
    ];
    for comment in texts {
        let dir = tempfile::tempdir().unwrap();
        let input = bag(dir.path(), comment);
        let bytes = pdf::handling(&input).unwrap();
        assert!(bytes == pdf::handling(&input).unwrap(), "the same record gives the same bytes");
        let file = dir.path().join("handling.pdf");
        durable::write(&file, &bytes, 0o644).unwrap();
        let verdict = preflight(&file);
        assert!(verdict.contains("is a valid PDF/A-1b file"), "{comment:.40}: {verdict:.2000}");
    }
}

#[test]
fn the_judge_refuses_what_is_no_pdf_a() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = handling(dir.path(), "hej");
    let place = bytes.windows(13).position(|part| part == b"pdfaid:part>1").unwrap();
    let mut changed = bytes;
    changed[place + 12] = b'9';
    let file = dir.path().join("handling.pdf");
    durable::write(&file, &changed, 0o644).unwrap();
    assert!(!preflight(&file).contains("is a valid PDF/A-1b file"));
}

#[test]
fn the_handling_says_what_was_written_by_whom_and_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let comment = "Jag vet var du bor, Bo Test! Ärligt? ❤️";
    let file = dir.path().join("handling.pdf");
    durable::write(&file, &handling(dir.path(), comment), 0o644).unwrap();
    let said = letters(&text(&file));
    for expected in [
        "Bevarad kommentar KS 2026/123",
        "Exempels kommun har tagit vara på en kommentar",
        "ingen bild av hur sidan såg ut",
        "Jag vet var du bor, Bo Test! Ärligt?",
        "registrerad i diariet, rad 2 i loggen",
        "sedd dold, rad 5 i loggen",
        "Skäl: hot mot tjänsteman",
        "/comment/from/name Anna Exempel",
        "comment.response.json 70 byte",
    ] {
        assert!(said.contains(&letters(expected)), "{expected} is not in {said}");
    }
}
