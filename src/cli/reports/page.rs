//! A report as sections of tables, and these as a web page, as CSV and on paper.

use std::collections::BTreeMap;
use std::fmt::Write;

use minijinja::{AutoEscape, Environment, context};

use super::{AccountReport, Report};
use crate::bundle::pdf::{Block, Printed};
use crate::domain::calendar::{self, instant_in_words};
use crate::domain::case::Outcome;
use crate::domain::category::Category;
use crate::domain::duty::Kind;
use crate::domain::month::Month;
use crate::domain::words;
use crate::store::reports::{Decided, Duties, Found, RuleFigures, Times};

/// The sum of the accounts is the last row of a table that has several.
const ALL: &str = "Alla konton";

/// A part of the report: a table, and what it says as bars where that helps the eye.
#[derive(Debug, Clone)]
pub(super) struct Section {
    heading: &'static str,
    /// What is counted, and how.
    intro: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// SVG, with the same in words as its label.
    chart: Option<String>,
}

/// The report's sections, in the order in which a board reads.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    vec![
        comments(report),
        found(report),
        decided(report),
        done(report),
        answers(report),
        duties(report),
        watch(report),
        outside(report),
        rules(report),
        diary(report),
        automatic(report),
    ]
}

fn section(
    heading: &'static str,
    intro: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<String>>,
) -> Section {
    Section { heading, intro, columns: columns.to_vec(), rows, chart: None }
}

/// A row an account; where there are several, one for all of them.
fn by_account<const N: usize>(
    report: &Report,
    figures: impl Fn(&AccountReport) -> [u64; N],
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut all = [0; N];
    for account in &report.accounts {
        let counted = figures(account);
        for (sum, one) in all.iter_mut().zip(counted) {
            *sum += one;
        }
        rows.push(row(&format!("{} ({})", account.account, account.platform), &counted));
    }
    if report.accounts.len() > 1 {
        rows.push(row(ALL, &all));
    }
    rows
}

fn row(name: &str, counted: &[u64]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(counted.iter().map(u64::to_string)).collect()
}

/// The accounts' maps as one.
fn merged<K: Clone + Ord, T: Default>(
    maps: impl Iterator<Item = impl IntoIterator<Item = (K, T)>>,
    add: impl Fn(&mut T, T),
) -> BTreeMap<K, T> {
    let mut all = BTreeMap::new();
    for (key, one) in maps.flatten() {
        add(all.entry(key).or_default(), one);
    }
    all
}

fn comments(report: &Report) -> Section {
    section(
        "Kommentarer",
        "Besökares kommentarer räknas när Uppsikt först såg dem. Äldre är de som fanns innan bevakningen började: de är \
         bevarade och sökbara, men utan frist.",
        &["Konto", "Mottagna", "varav för hand", "Äldre", "Kommunens egna"],
        by_account(report, |account| {
            let comments = account.figures.comments;
            [comments.received, comments.by_hand, comments.older, comments.ours]
        }),
    )
}

fn found(report: &Report) -> Section {
    let all = merged(report.accounts.iter().map(|a| a.figures.found.clone()), |sum: &mut Found, one| {
        sum.look += one.look;
        sum.obvious += one.obvious;
    });
    let name =
        |code: &String| code.parse::<Category>().map_or_else(|_| code.clone(), |c| c.name().to_owned());
    let rows = all
        .iter()
        .map(|(code, found)| row(&name(code), &[found.obvious, found.look, found.obvious + found.look]))
        .collect();
    let mut section = section(
        "Vad reglerna fann",
        "Antal kommentarer per kategori. En kommentar kan stå i flera. Ett fynd är ett förslag till en människa och inget \
         beslut; kritik mot kommunen är ingen kategori.",
        &["Kategori", "Uppenbart", "En människa ser efter", "Tillsammans"],
        rows,
    );
    section.chart = chart(all.iter().map(|(code, found)| (name(code), found.obvious + found.look)).collect());
    section
}

fn decided(report: &Report) -> Section {
    let all = merged(report.accounts.iter().map(|a| a.figures.decided.clone()), |sum: &mut Decided, one| {
        sum.persons += one.persons;
        sum.rules += one.rules;
    });
    let name = |code: &str| code.parse::<Outcome>().map_or(code.to_owned(), |o| words::outcome(o).to_owned());
    section(
        "Beslut",
        "Fullbordade beslut. Ett förslag som en annan person godkände är ett beslut. En människas efterkontroll av vad en \
         regel dolde är ett eget.",
        &["Utfall", "Av människor", "Av regler, enligt beslut"],
        all.iter().map(|(code, made)| row(&name(code), &[made.persons, made.rules])).collect(),
    )
}

fn done(report: &Report) -> Section {
    let all =
        merged(report.accounts.iter().map(|a| a.figures.done.clone()), |sum: &mut u64, one| *sum += one);
    section(
        "Vad som gjordes på plattformarna",
        "Varje rad är vad plattformen visade efteråt. Innan något döljs är det bevarat och diariefört.",
        &["Händelse", "Antal"],
        all.iter().map(|(kind, count)| row(words::entry(kind), &[*count])).collect(),
    )
}

fn answers(report: &Report) -> Section {
    let times = |of: fn(&AccountReport) -> &Times| {
        Times(report.accounts.iter().flat_map(|account| of(account).0.iter().copied()).collect())
    };
    let row = |name: &str, times: &Times| {
        let told = |seconds: Option<i64>| seconds.map_or_else(|| "–".to_owned(), span_in_words);
        vec![name.to_owned(), times.0.len().to_string(), told(times.median()), told(times.most())]
    };
    let answered = times(|account| &account.figures.answered);
    section(
        "Hur lång tid det tog",
        "Hälften tog högst mediantiden, 95 av 100 högst tiden i sista kolumnen. Tiden går även nätter och helger.",
        &["Från – till", "Antal", "Median", "95 av 100"],
        vec![
            row("Kommentaren skrevs – kommunen svarade", &answered),
            row("Flaggad – sedd dold", &times(|account| &account.figures.hidden_after)),
            row("Första brevet – första beslutet", &times(|account| &account.figures.decided_after_letter)),
        ],
    )
}

fn duties(report: &Report) -> Section {
    let all = merged(report.accounts.iter().map(|a| a.figures.duties.clone()), |sum: &mut Duties, one| {
        sum.due += one.due;
        sum.in_time += one.in_time;
        sum.late += one.late;
        sum.missed += one.missed;
        sum.found_late += one.found_late;
        sum.fell_away += one.fell_away;
        sum.took.0.extend(one.took.0);
    });
    let rows = all.iter().map(|(code, duties)| {
        let name = Kind::named(code).map_or(code.as_str(), |kind| kind.name);
        let mut cells = row(
            name,
            &[duties.due, duties.in_time, duties.late, duties.missed, duties.found_late, duties.fell_away],
        );
        cells.push(duties.took.median().map_or_else(|| "–".to_owned(), span_in_words));
        cells
    });
    section(
        "Uppgifter och frister",
        "Uppgifter som föll ut under månaden, som de stod vid dess slut. Sent upptäckta är de sena och missade som Uppsikt \
         fann först när tiden redan var ute. Bortfallna blev inaktuella innan de var gjorda. Det som ska ske genast har \
         ingen tid att hålla; för det visas tiden tills någon agerade.",
        &["Uppgift", "Antal", "I tid", "Sent", "Missade", "varav sent upptäckta", "Bortfallna", "Mediantid"],
        rows.collect(),
    )
}

fn watch(report: &Report) -> Section {
    let mut rows = Vec::new();
    for AccountReport { account, platform, watch, .. } in &report.accounts {
        rows.push(vec![
            format!("{account} ({platform})"),
            format!("{} av {}", watch.watched, watch.days),
            watch.polls.to_string(),
            watch.failed.to_string(),
            span_in_words(watch.blind_minutes * 60),
            span_in_words(watch.longest_blind_minutes * 60),
            watch.found_late.to_string(),
            format!("{} av {}", watch.by_hand - watch.by_hand_missed, watch.by_hand),
        ]);
    }
    section(
        "Bevakningen",
        "Blind är ett konto från att det senast lästes till att det lästes igen, när det dröjde längre än schemat. Ställen \
         som inget gränssnitt visar ser en människa efter för hand.",
        &[
            "Konto",
            "Dagar utan lucka",
            "Läsningar",
            "Misslyckade",
            "Blind",
            "Längsta",
            "Funna efteråt",
            "Sedda för hand",
        ],
        rows,
    )
}

fn outside(report: &Report) -> Section {
    let all =
        merged(report.accounts.iter().map(|a| a.figures.outside.clone()), |sum: &mut u64, one| *sum += one);
    section(
        "Ändringar som Uppsikt inte gjorde",
        "Av plattformens filter, i plattformens app eller av den som skrev: av okänd där ingen säger vem.",
        &["Kommentaren var därefter", "Antal"],
        all.iter().map(|(code, count)| row(words::sighting(code), &[*count])).collect(),
    )
}

fn rules(report: &Report) -> Section {
    let all =
        merged(report.accounts.iter().map(|a| a.figures.rules.clone()), |sum: &mut RuleFigures, one| {
            sum.hidden += one.hidden;
            sum.restored += one.restored;
        });
    section(
        "Regler bakom det som doldes",
        "Ärenden där regeln stod i underlaget. En regel vars döljningar ofta görs ogjorda är en dålig regel.",
        &["Regel", "Dolda ärenden", "varav åter synliga"],
        all.iter().map(|(rule, figures)| row(rule, &[figures.hidden, figures.restored])).collect(),
    )
}

fn diary(report: &Report) -> Section {
    let diary = report.diary;
    section(
        "Diariet",
        "Nummer i Uppsikts egen serie för nämnden. Den sista raden räknar alla som ännu saknar nummer i kommunens eget \
         diarium.",
        &["", "Antal"],
        vec![
            row("Diarieförda", &[diary.registered]),
            row("varav med sekretessmarkering", &[diary.secrecy]),
            row("Makulerade", &[diary.annulled]),
            row("Utan nummer i kommunens diarium", &[diary.without_external]),
        ],
    )
}

fn automatic(report: &Report) -> Section {
    let rows = report.automatic.iter().map(|made| {
        let looked = match (made.looked_at, made.outcome) {
            (Some(at), Some(outcome)) => format!("{}: {}", instant_in_words(at), words::outcome(outcome)),
            _ => "ingen har sett efter".to_owned(),
        };
        vec![
            made.dnr.clone().unwrap_or_else(|| made.case.clone()),
            instant_in_words(made.at),
            made.category.map_or("–", Category::name).to_owned(),
            made.rule.clone(),
            looked,
        ]
    });
    section(
        "Beslut som fattades av regler (anmäls till nämnden)",
        "7 kap. 8 § kommunallagen (2017:725). Varje automatisk döljning ses efter av en människa nästa arbetsdag.",
        &["Nummer", "När", "Kategori", "Regel", "Efterkontroll"],
        rows.collect(),
    )
}

/// A time in Swedish: `2 d 3 h`, `3 h 5 min`, `4 min`.
fn span_in_words(seconds: i64) -> String {
    let minutes = seconds / 60;
    let (days, hours, rest) = (minutes / 1440, minutes % 1440 / 60, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{rest} min"),
        (0, _) => format!("{hours} h {rest} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Lying bars, longest first.
fn chart(mut bars: Vec<(String, u64)>) -> Option<String> {
    bars.retain(|(_, count)| *count > 0);
    bars.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let most = bars.first()?.1;
    let told: Vec<_> = bars.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let told = format!("Stapeldiagram. {}.", told.join(", "));
    let height = bars.len() * 28 + 8;
    let mut svg = format!("<svg viewBox=\"0 0 640 {height}\" role=\"img\" aria-label=\"{}\">", escape(&told));
    for (at, (name, count)) in bars.iter().enumerate() {
        let y = at * 28 + 8;
        // Whole hundredths: no bar of what there is vanishes.
        let width = (count * 300 / most).max(2);
        let _ = write!(
            svg,
            "<text x=\"252\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"260\" y=\"{y}\" width=\"{width}\" height=\"18\"/><text x=\"{}\" y=\"{}\">{count}</text>",
            y + 14,
            escape(name),
            268 + width,
            y + 14
        );
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The month's name, and what the report is about.
fn title(report: &Report) -> String {
    let month = report.month.parse::<Month>().map_or_else(|_| report.month.clone(), Month::in_words);
    format!("Sociala medier, {month}: {}", report.board_name)
}

/// From when to when, and where the proof stands.
fn about(report: &Report) -> String {
    let until = if report.preliminary {
        format!(
            "Månaden är inte slut: siffrorna gäller till och med {} och ändras",
            instant_in_words(report.to)
        )
    } else {
        "Siffrorna gäller hela månaden, som den stod när den tog slut".to_owned()
    };
    format!(
        "{until}. Loggen hade då {} poster. Rapporten räknar händelser, aldrig personer: ingen tabell visar vem som har \
         skrivit.",
        report.log_entries
    )
}

/// The report as a page that needs nothing beside itself.
///
/// # Errors
/// When the template is at fault.
pub(super) fn html(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("layout.html", crate::cli::LAYOUT)?;
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.get_template("report.html")?.render(context! {
        title => title(report),
        organisation => &report.organisation,
        about => about(report),
        preliminary => report.preliminary,
        month => &report.month,
        until => calendar::local(report.to).to_rfc3339(),
        sections => sections(report)
            .into_iter()
            .map(|section| context! {
                heading => section.heading,
                intro => section.intro,
                columns => section.columns,
                rows => section.rows,
                chart => section.chart,
            })
            .collect::<Vec<_>>(),
    })
}

/// A line a value: section, row, column, value.
pub(super) fn csv(report: &Report) -> String {
    let mut csv = "section,row,column,value\r\n".to_owned();
    for section in sections(report) {
        for row in &section.rows {
            let Some((name, values)) = row.split_first() else { continue };
            for (column, value) in section.columns.iter().skip(1).zip(values) {
                let cells = [section.heading, name, column, value].map(cell);
                let _ = write!(csv, "{}\r\n", cells.join(","));
            }
        }
    }
    csv
}

/// Quoted where the comma or the quote would mislead (RFC 4180), and never a formula to a spreadsheet.
fn cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The report on paper: every row as its name and its values.
pub(super) fn printed(report: &Report) -> Printed {
    let title = title(report);
    let mut blocks = vec![Block::Paragraph(about(report))];
    for section in sections(report) {
        blocks.push(Block::Heading(section.heading.to_owned()));
        blocks.push(Block::Paragraph(section.intro.to_owned()));
        if section.rows.is_empty() {
            blocks.push(Block::Paragraph("Inget under månaden.".to_owned()));
        }
        for row in &section.rows {
            let Some((name, values)) = row.split_first() else { continue };
            let told: Vec<_> = section
                .columns
                .iter()
                .skip(1)
                .zip(values)
                .map(|(column, value)| format!("{column}: {value}"))
                .collect();
            let told = if section.columns.len() == 2 { values.concat() } else { told.join(" · ") };
            blocks.push(Block::Fact(name.clone(), told));
        }
    }
    Printed {
        foot: format!("{title} · {}", report.organisation),
        title,
        author: report.organisation.clone(),
        id: format!("{}/{}", report.board, report.month),
        date: calendar::local_date(report.to),
        blocks,
    }
}
