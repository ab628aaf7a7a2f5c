use super::*;
use crate::domain::category::Category;
use crate::store::reports::{Comments, Decided, Duties, Found, RuleFigures, Times};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A month with something of everything, and names that would break a form that did not escape them.
fn report() -> Report {
    let figures = Figures {
        comments: Comments { received: 40, by_hand: 1, older: 3, ours: 9 },
        found: [
            ("insult".to_owned(), Found { look: 2, obvious: 3 }),
            ("threat".to_owned(), Found { look: 1, obvious: 0 }),
        ]
        .into(),
        decided: [("hide".to_owned(), Decided { persons: 4, rules: 2 })].into(),
        done: [("hidden".to_owned(), 6), ("restored".to_owned(), 1)].into(),
        outside: [("gone".to_owned(), 2)].into(),
        duties: [(
            "answer_24h".to_owned(),
            Duties {
                due: 10,
                in_time: 7,
                late: 2,
                missed: 1,
                found_late: 1,
                fell_away: 0,
                took: Times(vec![60, 7200]),
            },
        )]
        .into(),
        answered: Times(vec![3600, 7200, 90_000]),
        hidden_after: Times(vec![240]),
        decided_after_letter: Times::default(),
        rules: [("=cmd|'a'!A0".to_owned(), RuleFigures { hidden: 6, restored: 1 })].into(),
    };
    let account = |id: &str| AccountReport {
        account: id.to_owned(),
        platform: "Facebook",
        watch: Watch {
            days: 30,
            watched: 28,
            polls: 8000,
            failed: 12,
            blind_minutes: 1500,
            longest_blind_minutes: 61,
            found_late: 2,
            by_hand: 60,
            by_hand_missed: 5,
        },
        figures: figures.clone(),
    };
    Report {
        organisation: "Exempel & <Söner>".to_owned(),
        board: "ks".to_owned(),
        board_name: "Kommunstyrelsen".to_owned(),
        month: "2026-10".to_owned(),
        from: at("2026-09-30T22:00:00Z"),
        to: at("2026-10-31T23:00:00Z"),
        preliminary: false,
        accounts: vec![account("fb, \"huvud\""), account("ig")],
        diary: Diary { registered: 6, secrecy: 1, annulled: 0, without_external: 6 },
        automatic: vec![Automatic {
            case: "c-000007".to_owned(),
            dnr: Some("UPP-KS 2026/4".to_owned()),
            at: at("2026-10-12T08:00:00Z"),
            rule: "spam-money".to_owned(),
            category: Some(Category::SpamTroll),
            looked_at: None,
            outcome: None,
        }],
        log_entries: 412,
    }
}

#[test]
fn accounts_are_summed_and_times_are_values_that_occurred() {
    let csv = page::csv(&report());
    for line in [
        "Kommentarer,Alla konton,Mottagna,80\r\n",
        "Kommentarer,\"fb, \"\"huvud\"\" (Facebook)\",Mottagna,40\r\n",
        "Vad reglerna fann,personangrepp eller förolämpning,Tillsammans,10\r\n",
        "Hur lång tid det tog,Kommentaren skrevs – kommunen svarade,Median,2 h 0 min\r\n",
        "Hur lång tid det tog,Kommentaren skrevs – kommunen svarade,95 av 100,1 d 1 h\r\n",
        "Hur lång tid det tog,Första brevet – första beslutet,Median,–\r\n",
        "Uppgifter och frister,svar inom 24 timmar,I tid,14\r\n",
        "Bevakningen,ig (Facebook),Dagar utan lucka,28 av 30\r\n",
        "Bevakningen,ig (Facebook),Sedda för hand,55 av 60\r\n",
    ] {
        assert!(csv.contains(line), "{line}\n{csv}");
    }
}

#[test]
fn what_a_name_holds_is_neither_markup_nor_a_formula() {
    let report = report();
    let csv = page::csv(&report);
    assert!(csv.contains("Regler bakom det som doldes,'=cmd|'a'!A0,Dolda ärenden,12"), "{csv}");
    let html = page::html(&report).unwrap();
    assert!(html.contains("Exempel &amp; &lt;Söner&gt;") && !html.contains("<Söner>"));
}

#[test]
fn the_page_can_be_read_by_everybody() {
    let html = page::html(&report()).unwrap();
    assert!(html.starts_with("<!doctype html>\n<html lang=\"sv\">"));
    assert_eq!(html.matches("<h1>").count(), 1);
    let sections = page::sections(&report());
    assert_eq!(html.matches("<caption>").count(), sections.len());
    assert_eq!(html.matches("<th scope=\"row\">").count(), html.matches("<tr><th scope=\"row\">").count());
    assert!(
        html.contains("<svg viewBox=")
            && html.contains("role=\"img\" aria-label=\"Stapeldiagram. personangrepp")
    );
    for nothing_from_outside in ["<script", "src=", "@import", "url(", "http://", "https://"] {
        assert!(!html.contains(nothing_from_outside), "{nothing_from_outside}");
    }
    for (at, _) in sections.iter().enumerate() {
        assert_eq!(html.matches(&format!("id=\"del-{}\"", at + 1)).count(), 1);
    }
}

#[test]
fn what_did_not_happen_is_told_as_nothing_and_a_running_month_as_running() {
    let empty = Report {
        accounts: vec![AccountReport {
            account: "fb".to_owned(),
            platform: "Facebook",
            watch: Watch::default(),
            figures: Figures::default(),
        }],
        automatic: Vec::new(),
        preliminary: true,
        ..report()
    };
    let html = page::html(&empty).unwrap();
    assert_eq!(html.matches("Inget under månaden.").count(), 7);
    assert!(html.contains("Månaden är inte slut: siffrorna gäller till och med"));
    assert!(!html.contains("<svg") && !html.contains("NaN"));
    assert!(bundle::pdf::plain(&page::printed(&empty)).unwrap().starts_with(b"%PDF-1.4"));
}

#[test]
fn the_same_month_gives_the_same_bytes_in_every_form() {
    let (one, other) = (report(), report());
    assert_eq!(page::html(&one).unwrap(), page::html(&other).unwrap());
    assert_eq!(page::csv(&one), page::csv(&other));
    let print = |report: &Report| bundle::pdf::plain(&page::printed(report)).unwrap();
    assert_eq!(print(&one), print(&other));
}
