//! `uppsikt case CASE [--json]`: everything about one case, explained.

use std::io::{self, Write};

use crate::config::Config;
use crate::domain::calendar::instant_in_words as moment;
use crate::domain::duty::Kind;
use crate::domain::letter::Line;
use crate::domain::text::Reading;
use crate::domain::words;
use crate::store::Reader;
use crate::store::decisions::MACHINE;
use crate::store::views::{self, CaseFile, ReplyView, StepView, VersionView, Who};

/// Shows the case `name` (case id or diary number): in words, or with `json` as one object (DESIGN §7).
///
/// # Errors
/// When there is no such case; the store's; `out`'s.
pub fn show(
    reader: &Reader,
    config: &Config,
    name: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let file = views::file(reader, super::cases::named(reader, name)?)?;
    if json {
        serde_json::to_writer(&mut *out, &file)?;
        writeln!(out)?;
        return Ok(());
    }
    tell(&file, config, out)?;
    Ok(())
}

fn tell(file: &CaseFile, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let view = &file.view;
    let dnr = view.dnr.as_deref().map(|dnr| format!(", {dnr} i Uppsikts diarium")).unwrap_or_default();
    let external = view.external_dnr.as_deref().map(|dnr| format!(", {dnr} i kommunens")).unwrap_or_default();
    writeln!(out, "Ärende {}{dnr}{external}", view.case)?;
    writeln!(out, "Konto: {}", view.account)?;
    writeln!(out, "Läge: {}, sedan {}", words::state(view.state), moment(file.state_at))?;
    writeln!(out, "      {}", words::state_explained(view.state))?;
    if file.old {
        writeln!(out, "      Äldre än bevakningen: inga frister, brev eller åtgärder.")?;
    }
    heading("Kommentaren", out)?;
    if let Some(post) = &file.post {
        writeln!(out, "Inlägg {} ({}):", file.post_id, moment(post.created_at))?;
        quote(&post.text, out)?;
        if let Some(gone) = post.gone_at {
            writeln!(out, "Inlägget fanns inte längre kvar {}.", moment(gone))?;
        }
    }
    if let Some(parent) = &file.parent {
        reply("Svarar på", parent, out)?;
    }
    let author = view
        .comment
        .author
        .name
        .as_deref()
        .map_or_else(|| "okänd".to_owned(), |name| Line::new(name).to_string());
    writeln!(
        out,
        "{author} skrev {} (sedd {}):",
        moment(view.comment.created_at),
        moment(view.comment.seen_at)
    )?;
    quote(&view.comment.text, out)?;
    writeln!(
        out,
        "På plattformen: {}. Id {}",
        words::sighting(file.sighting),
        Line::new(&view.comment.native_id)
    )?;
    if let Some(url) = &view.comment.permalink {
        writeln!(out, "{}", Line::new(url))?;
    }
    for other in &file.replies {
        reply(if other.ours { "Kommunens svar" } else { "Svar" }, other, out)?;
    }
    if file.replies_in_all > file.replies.len() {
        writeln!(out, "Ytterligare {} svar.", file.replies_in_all - file.replies.len())?;
    }
    heading("Versioner, och varför", out)?;
    for version in &file.versions {
        self::version(version, file.versions.len() > 1, config, out)?;
    }
    if view.needs_answer {
        writeln!(out, "Författaren verkar vänta på ett svar.")?;
    }
    duties(file, config, out)?;
    decisions(file, config, out)?;
    heading("Förlopp", out)?;
    for step in &file.history {
        writeln!(out, "{}  {}, {}", moment(step.at), words::step(&step.what), who(step, config))?;
    }
    heading("Loggen", out)?;
    if file.events.is_empty() {
        writeln!(out, "Inga poster ännu.")?;
    }
    for event in &file.events {
        writeln!(out, "{:>6}  {}  {}", event.index, moment(event.at), words::entry(&event.t))?;
    }
    for change in &file.outside {
        writeln!(
            out,
            "Ändrad utanför Uppsikt, av {}, {}: {}.",
            words::outsider(&change.sighting, change.held),
            moment(change.at),
            words::outside(&change.sighting)
        )?;
    }
    Ok(())
}

fn version(version: &VersionView, several: bool, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Version {}, sedd {}", version.n, moment(version.seen_at))?;
    if several && version.purged.is_none() {
        quote(&version.text, out)?;
    }
    if let Some(purge) = &version.purged {
        writeln!(
            out,
            "  Texten är gallrad {} enligt beslut {} ({}; plats {} i loggen).",
            moment(purge.at),
            Line::new(&purge.dnr),
            purge.rule,
            purge.entry
        )?;
    }
    for kind in &version.attachments {
        writeln!(out, "  Bredvid texten: {}, ej bevarad.", words::attachment(*kind))?;
    }
    for finding in &version.findings {
        let words = words::found_words(finding, &version.text)
            .map(|words| format!(", på orden ”{}”", Line::short(words, 120)))
            .unwrap_or_default();
        writeln!(
            out,
            "  {}: regel {} version {}{words} ({}; läst {})",
            finding.category.name(),
            finding.rule,
            finding.version,
            words::band(finding.band),
            Reading::explanation(&finding.view)
        )?;
        if let Some(policy) = config.categories.get(&finding.category) {
            let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
            writeln!(out, "    Riktlinje: {}", or(&policy.paragraph, "säger inget om detta"))?;
            writeln!(out, "    Lag: {}", or(&policy.law, "ingen särskild är angiven"))?;
        }
    }
    match version.proposal {
        Some(proposal) => writeln!(out, "  Reglernas förslag: {}", words::proposal(proposal))?,
        None => writeln!(out, "  Ännu inte bedömd.")?,
    }
    match &version.record {
        Some(record) => {
            let index = record.snapshot.map_or_else(|| "ännu ingen".to_owned(), |index| index.to_string());
            writeln!(
                out,
                "  Bevarad {}: bevispost {}, plats {index} i loggen",
                moment(record.taken_at),
                record.id
            )
        }
        None => writeln!(out, "  Ännu inte bevarad i arkivet."),
    }
}

fn duties(file: &CaseFile, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    heading("Frister", out)?;
    if file.view.duties.is_empty() {
        writeln!(out, "Inga.")?;
    }
    for duty in &file.view.duties {
        let kind = Kind::named(&duty.kind);
        let ended = duty.closed_at.map(|at| {
            let by =
                duty.closed_by.as_deref().map(|by| format!(" av {}", person(config, by))).unwrap_or_default();
            let outcome = duty.outcome.as_deref().map(|code| format!(": {code}")).unwrap_or_default();
            format!(" {}{by}{outcome}", moment(at))
        });
        writeln!(
            out,
            "{} ({}): senast {}. {}{}",
            kind.map_or(duty.kind.as_str(), |kind| kind.name),
            duty.id,
            moment(duty.due_at),
            words::duty_state(duty.state),
            ended.unwrap_or_default()
        )?;
        if let (Some(by), Some(at)) = (&duty.acknowledged_by, duty.acknowledged_at) {
            writeln!(out, "  {} har läst och agerar, sedan {}", person(config, by), moment(at))?;
        }
        for line in &duty.explain {
            writeln!(out, "  {line}")?;
        }
        // What was found late says so in its reckoning.
        for blind in duty.blind.iter().filter(|blind| !blind.late_discovery) {
            writeln!(
                out,
                "  Kontot lästes inte mellan {} och {} ({}): det som skrevs då sågs senare.",
                moment(blind.from),
                blind.to.map_or_else(|| "nu".to_owned(), moment),
                Line::new(&blind.because)
            )?;
        }
        if let Some(kind) = kind {
            writeln!(out, "  Grund: {}", kind.source)?;
        }
    }
    Ok(())
}

fn decisions(file: &CaseFile, config: &Config, out: &mut dyn Write) -> io::Result<()> {
    heading("Beslut", out)?;
    if file.decisions.is_empty() {
        writeln!(out, "Inga.")?;
    }
    for decision in &file.decisions {
        let rule = decision.rule.as_deref().map(|rule| format!(", regel {rule}")).unwrap_or_default();
        writeln!(
            out,
            "{} {}: {} om version {} (inmatat av {}{rule}). {}",
            moment(decision.at),
            person(config, &decision.person),
            words::outcome(decision.outcome),
            decision.version,
            decision.os_user,
            words::decision_state(&decision.state)
        )?;
        quote(decision.reason.as_deref().unwrap_or("(motiveringen är gallrad)"), out)?;
    }
    Ok(())
}

fn person(config: &Config, id: &str) -> String {
    if id == MACHINE {
        return "Uppsikt, automatiskt".to_owned();
    }
    config.roster.person(id).map_or_else(|| id.to_owned(), |person| format!("{} ({id})", person.name))
}

fn who(step: &StepView, config: &Config) -> String {
    let name = step.name.as_deref();
    match step.who {
        Who::Author => format!("av {}", Line::new(name.unwrap_or("okänd författare"))),
        Who::Person => format!("av {}", person(config, name.unwrap_or_default())),
        Who::Uppsikt => format!("av {}", person(config, MACHINE)),
        Who::Account => format!("av {}", words::outsider("hidden_by_us", false)),
        Who::Platform => format!("av {}", words::outsider("", true)),
        Who::Unknown => format!("av {}", words::outsider("", false)),
    }
}

fn reply(what: &str, reply: &ReplyView, out: &mut dyn Write) -> io::Result<()> {
    let author = Line::new(reply.author.name.as_deref().unwrap_or("okänd"));
    writeln!(out, "{what}, {author} {}:", moment(reply.created_at))?;
    quote(&reply.text, out)
}

fn heading(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{text}")
}

/// A stranger's text: whole, but without what a terminal would obey.
fn quote(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for line in text.lines() {
        let safe: String = line
            .chars()
            .map(|letter| match letter {
                '\t' => ' ',
                '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
                letter if letter.is_control() => '\u{fffd}',
                letter => letter,
            })
            .collect();
        writeln!(out, "  > {safe}")?;
    }
    if text.lines().next().is_none() {
        writeln!(out, "  (ingen text)")?;
    }
    Ok(())
}
