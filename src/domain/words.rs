//! The Swedish words for codes, as editors read them on the page and in the terminal.

use super::case::{CaseState, Outcome};
use super::category::{Category, Proposal};
use super::classify::{Band, Finding};
use super::comment::Attachment;
use super::duty::DutyState;

/// Where a case stands.
pub fn state(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "Öppet",
        CaseState::AwaitingApproval => "Väntar på godkännande",
        CaseState::Hiding => "Döljs",
        CaseState::Hidden => "Dold",
        CaseState::HideUnconfirmed => "Dold, men inte bekräftad",
        CaseState::Removed => "Borttagen",
        CaseState::HideFailed => "Kunde inte döljas",
        CaseState::Restored => "Synlig igen",
        CaseState::RestoredOutside => "Synlig igen, ändrad utanför Uppsikt",
        CaseState::Kept => "Behållen",
        CaseState::Withdrawn => "Borta från plattformen",
        CaseState::Closed => "Avslutat",
    }
}

/// The same, explained in a sentence.
pub fn state_explained(state: CaseState) -> &'static str {
    match state {
        CaseState::Open => "Ingen har beslutat ännu.",
        CaseState::AwaitingApproval => "En person har föreslagit ett beslut. En annan person avgör.",
        CaseState::Hiding => "Beslutet är fattat. Plattformen har ännu inte setts dölja kommentaren.",
        CaseState::Hidden => "Kommentaren har setts dold på plattformen.",
        CaseState::HideUnconfirmed => {
            "Plattformen tog emot begäran, men ingen har sett kommentaren dold inom en timme."
        }
        CaseState::Removed => "Kommentaren har tagits bort från plattformen. Det går inte att ångra.",
        CaseState::HideFailed => "Plattformen vägrade, eller så hjälpte det inte. En människa måste agera.",
        CaseState::Restored => "Kommentaren är synlig igen efter ett beslut.",
        CaseState::RestoredOutside => "Kommentaren är synlig igen. Ändrad utanför Uppsikt, av okänd.",
        CaseState::Kept => "En person har beslutat att kommentaren står kvar.",
        CaseState::Withdrawn => {
            "Kommentaren finns inte längre: dess författare, plattformen eller någon i kommunen har tagit bort den."
        }
        CaseState::Closed => "Ingenting är kvar att göra.",
    }
}

/// What was decided, as it stands in a list.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Hide => "Dölj",
        Outcome::Remove => "Ta bort",
        Outcome::Keep => "Behåll",
        Outcome::Restore => "Gör synlig igen",
        Outcome::Answered => "Besvarad",
        Outcome::AnsweredJointly => "Besvarad samlat",
        Outcome::NoAnswerNeeded => "Behöver inget svar",
        Outcome::Forwarded => "Lämnad vidare",
        Outcome::Referred => "Hänvisad",
    }
}

/// What choosing an outcome means.
pub fn outcome_explained(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Hide => {
            "Kommentaren döljs för allmänheten. Den är bevarad, registreras, och kan göras synlig igen."
        }
        Outcome::Remove => "Kommentaren tas bort från plattformen. Det går inte att ångra.",
        Outcome::Keep => "Kommentaren står kvar som den är.",
        Outcome::Restore => "Kommentaren blir synlig för alla igen.",
        Outcome::Answered => "Kommunen har svarat författaren.",
        Outcome::AnsweredJointly => {
            "Kommunen har svarat flera på en gång under samma inlägg. Deras ärenden stängs också."
        }
        Outcome::NoAnswerNeeded => "Ingen väntar sig ett svar.",
        Outcome::Forwarded => "Ärendet har lämnats till någon som kan hjälpa bättre.",
        Outcome::Referred => "Författaren har fått veta vart hen ska vända sig.",
    }
}

/// What the rules suggest.
pub fn proposal(proposal: Proposal) -> &'static str {
    match proposal {
        Proposal::Keep => "behåll",
        Proposal::Review => "en människa granskar",
        Proposal::Hide => "dölj",
        Proposal::Remove => "ta bort",
        Proposal::Escalate => "en människa agerar genast",
    }
}

/// How sure a finding is.
pub fn band(band: Band) -> &'static str {
    match band {
        Band::Look => "osäkert, behöver läsas",
        Band::Obvious => "tydligt",
    }
}

/// What the rules mean by a category, for somebody who has not read the guideline today.
pub fn category_explained(category: Category) -> &'static str {
    match category {
        Category::Threat => "Säger eller antyder våld eller skada mot en person, personal eller kommunen.",
        Category::Harassment => "Ihållande förföljelse, drev, eller en önskan att någon ska råka illa ut.",
        Category::Hate => "Missaktning eller hot mot en folkgrupp.",
        Category::Sexist => "Förringar eller sexualiserar någon på grund av kön.",
        Category::Insult => "Ett angrepp på en person. Skarp kritik mot beslut räknas inte hit.",
        Category::Defamation => "Påstår att en utpekad person är brottslig eller klandervärd.",
        Category::GossipLies => "Rykten om någons privatliv eller påhittade fakta.",
        Category::ViolenceDepiction => "Visar eller erbjuder skildringar av verkligt våld.",
        Category::Pornography => "Pornografi, sexuella erbjudanden eller inbjudningar.",
        Category::ChildAbuse => "Nämner eller erbjuder övergreppsmaterial med barn.",
        Category::IncitementCrime => "Uppmanar andra till brott.",
        Category::IncitementTerror => "Lovordar, värvar till eller uppmanar till terrorism.",
        Category::Copyright => "Erbjuder eller sprider verk som är skyddade av upphovsrätt.",
        Category::Profanity => "Grova svordomar i negativ mening.",
        Category::Commercial => "Reklam, privat försäljning eller platsannonser.",
        Category::SpamTroll => "Bedrägeri, nätfiske, kedjebrev, rappakalja eller trollning.",
        Category::Secrecy => "Någon i tjänsten röjer vad hen vet från arbetet.",
        Category::PersonalData => "En privatpersons telefonnummer, e-post eller hemadress.",
        Category::SensitivePersonalData => {
            "Hälsa, religion, sexualliv eller facklig tillhörighet hos någon annan, eller ett personnummer."
        }
        Category::IndividualCase => "Författarens eller någon annans ärende hos kommunen.",
        Category::ChildAtRisk => "Ett barn behandlas illa eller vanvårdas.",
        Category::OngoingCrime => "Ett brott som pågår eller just har begåtts.",
        Category::SelfHarm => "Självskada eller självmord, egen, någon annans, eller uppmaning till det.",
        Category::Political => "Partipolitik eller valbudskap. Kritik mot beslut räknas inte hit.",
        Category::OffTopic => "Har inget med inläggets ämne att göra.",
        Category::PrivacyIntrusion => "Sprider intima eller privata bilder eller meddelanden.",
        Category::PurposeBreach => "Strider mot vad kanalen är till för.",
        Category::Unreadable => {
            "Bild, film, ljud, länk eller språk som reglerna inte kan läsa. En människa läser."
        }
    }
}

/// What stands beside a text.
pub fn attachment(attachment: Attachment) -> &'static str {
    match attachment {
        Attachment::Image => "bild",
        Attachment::Video => "film",
        Attachment::Audio => "ljud",
        Attachment::Link => "länk",
        Attachment::Sticker => "klistermärke",
        Attachment::Quote => "citerat inlägg",
        Attachment::Other => "bilaga av okänt slag",
    }
}

/// Where a duty stands.
pub fn duty_state(state: DutyState) -> &'static str {
    match state {
        DutyState::Running => "Pågår",
        DutyState::Warned => "Påmind",
        DutyState::Overdue => "Försenad",
        DutyState::Closed => "Klar",
        DutyState::Superseded => "Ersatt",
    }
}

/// How the comment stood when last seen.
pub fn sighting(code: &str) -> &'static str {
    match code {
        "public" => "synlig för alla",
        "hidden_by_us" => "dold av kommunens konto",
        "hidden" => "dold, av okänd",
        "not_listed" => "finns, men visas inte i plattformens lista",
        "gone" => "finns inte längre",
        _ => "kan inte läsas med våra rättigheter",
    }
}

/// What an entry of the log tells.
pub fn entry(kind: &str) -> &str {
    match kind {
        "snapshot" => "bevarad",
        "registered" => "registrerad i diariet",
        "decision" => "beslut",
        "hide_intent" => "ska döljas",
        "remove_intent" => "ska tas bort",
        "restore_intent" => "ska göras synlig igen",
        "hidden" => "sedd dold",
        "hide_unconfirmed" => "döljning inte bekräftad",
        "hide_failed" => "döljning misslyckades",
        "removed" => "sedd borttagen",
        "remove_failed" => "borttagning misslyckades",
        "restored" => "sedd synlig igen",
        "restore_failed" => "återställning misslyckades",
        other => other,
    }
}

/// What a step in a comment's life was (`store::views::StepView`).
pub fn step(what: &str) -> String {
    if let Some(outcome) = what.strip_prefix("decided_") {
        let outcome = outcome
            .parse::<Outcome>()
            .map_or_else(|_| outcome.to_owned(), |known| self::outcome(known).to_owned());
        return format!("beslut: {}", outcome.to_lowercase());
    }
    if let Some(sighted) = what.strip_prefix("outside_") {
        return format!("ändrad utanför Uppsikt: {}", outside(sighted));
    }
    match what {
        "written" => "skriven",
        "edited" => "ändrad, såg Uppsikt",
        other => entry(other),
    }
    .to_owned()
}

/// How a comment stands that Uppsikt did not change.
pub fn outside(code: &str) -> &'static str {
    match code {
        "public" => "synlig igen",
        "hidden" | "hidden_by_us" => "dold",
        other => sighting(other),
    }
}

/// Who changed it so, after "av": the platform, where its lists say that it holds the comment back (`held`), the account,
/// where the platform tells that; else nobody knows.
pub fn outsider(code: &str, held: bool) -> &'static str {
    match code {
        _ if held => "plattformens filter",
        "hidden_by_us" => "någon som har kommunens konto",
        _ => "okänd",
    }
}

/// How far a decision has come.
pub fn decision_state(state: &str) -> &'static str {
    match state {
        "waiting" => "väntar på en annan person",
        "ready" => "fattat, verkställs vid nästa pass",
        "entered" => "fattat",
        "refused" => "avslaget förslag",
        _ => "gäller inte längre",
    }
}

/// The words of `text` that a finding points at; none where the places do not fit the text.
pub fn found_words<'a>(finding: &Finding, text: &'a str) -> Option<&'a str> {
    text.get(finding.start..finding.end).map(str::trim).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_of_its_own() {
        fn distinct(words: &[&str]) {
            let set: std::collections::BTreeSet<_> = words.iter().collect();
            assert_eq!(set.len(), words.len(), "{words:?}");
            assert!(words.iter().all(|word| !word.is_empty()));
        }
        distinct(&CaseState::ALL.iter().map(|value| state(*value)).collect::<Vec<_>>());
        distinct(&CaseState::ALL.iter().map(|value| state_explained(*value)).collect::<Vec<_>>());
        distinct(&Outcome::ALL.iter().map(|value| outcome(*value)).collect::<Vec<_>>());
        distinct(&Outcome::ALL.iter().map(|value| outcome_explained(*value)).collect::<Vec<_>>());
        distinct(&Category::ALL.iter().map(|value| category_explained(*value)).collect::<Vec<_>>());
        distinct(&DutyState::ALL.iter().map(|value| duty_state(*value)).collect::<Vec<_>>());
    }

    #[test]
    fn places_outside_the_text_or_inside_a_letter_give_no_words() {
        let finding = |start, end| Finding {
            category: Category::Insult,
            rule: "insult.x".to_owned(),
            version: 1,
            view: "plain".to_owned(),
            band: Band::Look,
            confidence: 0.5,
            start,
            end,
        };
        for (start, end, words) in
            [(0, 3, Some("åh")), (1, 3, None), (3, 99, None), (4, 3, None), (3, 4, None), (4, 7, Some("nej"))]
        {
            assert_eq!(found_words(&finding(start, end), "åh nej"), words, "{start}..{end}");
        }
    }
}
