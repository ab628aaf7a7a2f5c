//! `uppsikt categories`: what the guideline and the law say of each category, what is proposed and who is told how fast.

use std::io::Write;

use serde_json::json;

use crate::config::Profile;
use crate::domain::category::{Category, Law, Told};
use crate::domain::words;

/// Shows every category under a profile: in words, or with `json` as one object a line.
///
/// # Errors
/// `out`'s.
pub fn show(profile: &Profile, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if !json {
        writeln!(out, "Riktlinje: {}", profile.name)?;
    }
    for category in Category::ALL.iter().copied() {
        let Some(policy) = profile.categories.get(&category) else { continue };
        let facts = category.facts();
        let told = match policy.told {
            Told::AtOnce => "at_once",
            Told::Bundled => "bundled",
        };
        if json {
            let laws: Vec<_> = facts
                .laws
                .iter()
                .map(|law| json!({ "name": law.name, "sfs": law.sfs, "paragraph": law.paragraph, "read": Law::READ }))
                .collect();
            let line = json!({
                "code": category.code(),
                "name": category.name(),
                "english": facts.english,
                "paragraph": policy.paragraph,
                "law": policy.law,
                "laws": laws,
                "bbs_5": facts.bbs_5,
                "danger": category.is_danger(),
                "never_automatic": category.never_automatic(),
                "nothing_preselected": category.nothing_preselected(),
                "proposal": policy.proposal.code(),
                "told": told,
                "automatic": policy.automatic,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        writeln!(out, "\n{} ({}; {})", category.code(), category.name(), facts.english)?;
        let silent = "säger inget om detta";
        let paragraph = if policy.paragraph.is_empty() { silent } else { &policy.paragraph };
        writeln!(out, "  Riktlinjen: {paragraph}")?;
        for law in facts.laws {
            writeln!(out, "  Lagen: {} {} (SFS {}, läst {})", law.name, law.paragraph, law.sfs, Law::READ)?;
        }
        if facts.laws.is_empty() {
            writeln!(out, "  Lagen: förbjuder det inte; bara riktlinjen")?;
        }
        if facts.bbs_5 {
            writeln!(
                out,
                "  Det uppenbara ska bort enligt 5 § lagen (1998:112) om elektroniska anslagstavlor"
            )?;
        }
        let told = match policy.told {
            Told::AtOnce => "genast",
            Told::Bundled => "samlat på kontorstid",
        };
        let automatic = match &policy.automatic {
            Some(decision) => format!("döljs automatiskt enligt {} {}", decision.by, decision.dnr),
            None if category.never_automatic() => "aldrig automatiskt".to_owned(),
            None => "inte automatiskt".to_owned(),
        };
        writeln!(
            out,
            "  Förslag: {}. Ansvariga får veta {told}; {automatic}.",
            words::proposal(policy.proposal)
        )?;
    }
    Ok(())
}
