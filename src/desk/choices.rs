//! What this person can decide on this case now; asked when the page is shown and again, in the transaction, when
//! the form comes back.

use chrono::{DateTime, Utc};

use crate::config::{Account, Config, Mode};
use crate::connector::Capabilities;
use crate::domain::case::{CaseState, Outcome, allows};
use crate::domain::category::Proposal;
use crate::domain::duty::{DutyState, Kind};
use crate::domain::roster::{self, Refused, Role};
use crate::domain::words;
use crate::store::views::{CaseFile, duty_outcomes};

/// One choice of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) outcome: Outcome,
    pub(super) label: String,
    pub(super) explained: String,
}

/// What a person can decide.
#[derive(Debug, Default)]
pub(super) struct Choices {
    pub(super) list: Vec<Choice>,
    /// Selected before the person has chosen; none where a machine may suggest nothing.
    pub(super) preselected: Option<Outcome>,
    /// Why nothing, or not everything, can be decided; Swedish sentences.
    pub(super) notes: Vec<String>,
    /// True where this person's decision is complete by itself.
    pub(super) alone: bool,
}

impl Choices {
    pub(super) fn offers(&self, outcome: Outcome) -> bool {
        self.list.iter().any(|choice| choice.outcome == outcome)
    }
}

/// Deciding so touches what people may say: whoever is biased may not (KL 7:4, N20).
pub(super) fn needs_unbiased(state: CaseState, outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Hide | Outcome::Remove | Outcome::Restore)
        || (state == CaseState::AwaitingApproval && outcome == Outcome::Keep)
}

/// What `person` can decide on the case.
///
/// # Errors
/// A person who is not, or no longer, in service has no access at all.
pub(super) fn choices(
    config: &Config,
    capabilities: Option<Capabilities>,
    file: &CaseFile,
    person: &str,
    now: DateTime<Utc>,
) -> Result<Choices, Refused> {
    let mut choices = Choices::default();
    let account = config.account(&file.view.account);
    let roles = match roster::roles_for(&config.roster, person, &file.view.account, now) {
        Ok(roles) => roles,
        Err(Refused::UnknownAccount { .. }) => Vec::new(),
        Err(refused) => return Err(refused),
    };
    let Some(account) = account else {
        choices
            .notes
            .push("Kontot finns inte längre i konfigurationen, så inget kan beslutas här.".to_owned());
        return Ok(choices);
    };
    let decides = |role: &Role| matches!(role, Role::Head | Role::Owner | Role::Communicator);
    choices.alone = roles.iter().any(decides) || (roles.contains(&Role::Editor) && !config.four_eyes);
    if !choices.alone && !roles.contains(&Role::Editor) {
        choices.notes.push(
            "Du kan läsa ärendet, men inte besluta: det gör kontots redaktörer, kontoansvarig chef, verksamhetschef \
             eller kommunikatör."
                .to_owned(),
        );
        return Ok(choices);
    }
    if let Some(waiting) = file.waiting() {
        answer_to_proposal(config, file, waiting.outcome, &waiting.person, person, &mut choices);
        // An answer does not wait for the question of visibility.
        for outcome in duty_outcomes(&file.view).into_iter().filter(|outcome| is_answer(*outcome)) {
            choices.list.push(plain(outcome));
        }
        bounded(account, capabilities, &mut choices);
        return Ok(choices);
    }
    let ending = duty_outcomes(&file.view);
    let flagged = !file.view.categories.is_empty();
    for outcome in Outcome::ALL.iter().copied() {
        let confirms = outcome == Outcome::Hide && confirms_automatic(file);
        let fits = match outcome {
            // Nothing undoes it: only where the municipality has decided so.
            Outcome::Remove => account.removes(),
            Outcome::Hide => confirms || file.view.state != CaseState::HideUnconfirmed,
            Outcome::Restore => true,
            Outcome::Keep => flagged || ending.contains(&outcome),
            _ => ending.contains(&outcome),
        };
        if fits && (confirms || allows(file.view.state, outcome).is_ok()) {
            let mut choice = plain(outcome);
            if confirms {
                "Bekräfta: fortsätt dölja".clone_into(&mut choice.label);
                "En människa har sett efter. Kommentaren fortsätter att vara dold."
                    .clone_into(&mut choice.explained);
            } else if outcome == Outcome::Hide && file.view.state == CaseState::HideFailed {
                "Dölj, försök igen".clone_into(&mut choice.label);
            }
            choices.list.push(choice);
        }
    }
    bounded(account, capabilities, &mut choices);
    if file.media.unseen && choices.offers(Outcome::Hide) {
        choices.list.retain(|choice| !matches!(choice.outcome, Outcome::Hide | Outcome::Remove));
        choices.notes.push(
            "Innan kommentaren kan döljas måste någon ha sett bilden, filmen eller ljudet vid den. Svara på frågan ovan \
             först."
                .to_owned(),
        );
    }
    if !choices.alone && (choices.offers(Outcome::Hide) || choices.offers(Outcome::Restore)) {
        choices.notes.push(
            "Att dölja eller göra synlig igen blir ett förslag från dig: verksamhetschef, kontoansvarig chef eller \
             kommunikatör avgör."
                .to_owned(),
        );
    }
    choices.preselected = preselected(file).filter(|outcome| choices.offers(*outcome));
    Ok(choices)
}

fn plain(outcome: Outcome) -> Choice {
    Choice {
        outcome,
        label: words::outcome(outcome).to_owned(),
        explained: words::outcome_explained(outcome).to_owned(),
    }
}

/// What is decided about the answer, not about what others see.
fn is_answer(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Answered
            | Outcome::AnsweredJointly
            | Outcome::NoAnswerNeeded
            | Outcome::Forwarded
            | Outcome::Referred
    )
}

/// Another person's proposal is approved or refused, never by who made it.
fn answer_to_proposal(
    config: &Config,
    file: &CaseFile,
    proposed: Outcome,
    by: &str,
    person: &str,
    choices: &mut Choices,
) {
    if by == person {
        choices
            .notes
            .push("Du har själv föreslagit beslutet. En annan person godkänner eller avslår det.".to_owned());
        return;
    }
    if !choices.alone {
        choices.notes.push(
            "Förslaget väntar på verksamhetschef, kontoansvarig chef eller kommunikatör. Du kan inte avgöra det."
                .to_owned(),
        );
        return;
    }
    let name = config.roster.person(by).map_or(by, |known| known.name.as_str());
    let newest = file.versions.last().map_or(0, |version| version.n);
    if file.waiting().is_some_and(|waiting| waiting.version != newest) {
        choices.notes.push(format!(
            "Texten har ändrats sedan {name} lämnade sitt förslag. Ett godkännande gäller därför inte; avslå, och \
             besluta på nytt om den nya texten."
        ));
    } else {
        choices.list.push(Choice {
            outcome: proposed,
            label: format!("Godkänn förslaget: {}", words::outcome(proposed).to_lowercase()),
            explained: words::outcome_explained(proposed).to_owned(),
        });
    }
    let (refusal, label) = match proposed {
        Outcome::Restore => (Outcome::Hide, "Avslå förslaget: fortsätt dölja"),
        _ => (Outcome::Keep, "Avslå förslaget: behåll"),
    };
    let explained = match refusal {
        Outcome::Hide => "Kommentaren fortsätter att vara dold.",
        _ => words::outcome_explained(Outcome::Keep),
    };
    choices.list.push(Choice { outcome: refusal, label: label.to_owned(), explained: explained.to_owned() });
}

/// A person looks at what the machine hid, and lets it stand.
fn confirms_automatic(file: &CaseFile) -> bool {
    file.view.state == CaseState::Hidden
        && file.view.duties.iter().any(|duty| duty.kind == "automatic_look" && duty.state.is_open())
}

/// Takes away what the account's mode or the platform does not let us do, and says so.
fn bounded(account: &Account, capabilities: Option<Capabilities>, choices: &mut Choices) {
    let writes =
        |choice: &Choice| matches!(choice.outcome, Outcome::Hide | Outcome::Remove | Outcome::Restore);
    if account.mode == Mode::Watch {
        if choices.list.iter().any(writes) {
            choices.notes.push(
                "Kontot bevakas bara: Uppsikt skriver ingenting till plattformen, så här kan ingen kommentar döljas \
                 eller göras synlig. Det görs i plattformens egen app."
                    .to_owned(),
            );
        }
        choices.list.retain(|choice| !writes(choice));
    }
    if let Some(can) = capabilities {
        let impossible = |choice: &Choice| {
            (choice.outcome == Outcome::Hide && !can.hide)
                || (choice.outcome == Outcome::Remove && !can.remove)
                || (choice.outcome == Outcome::Restore && !can.restore)
        };
        if choices.list.iter().any(impossible) {
            choices
                .notes
                .push(format!("{} låter inte kommunen göra allt det här.", account.platform.label()));
        }
        choices.list.retain(|choice| !impossible(choice));
    }
}

/// Hide is preselected only where the rules propose it and the guideline's point is not one of opinion (N21).
fn preselected(file: &CaseFile) -> Option<Outcome> {
    let opinion = file.view.categories.iter().any(|category| category.nothing_preselected());
    let proposed = file.view.proposal == Some(Proposal::Hide);
    (proposed && !opinion && file.view.state == CaseState::Open).then_some(Outcome::Hide)
}

/// What a duty asks its person to do, as an order.
pub(super) fn order(kind: &str) -> &'static str {
    match kind {
        "answer_24h" | "answer_next_working_day" | "answer_as_soon_as_possible" => "Svara på kommentaren",
        "review" => "Granska kommentaren och besluta",
        "prompt_review" => "Granska kommentaren och besluta genast",
        "danger" => "Läs och agera nu",
        "approve" => "Godkänn eller avslå förslaget",
        "changed_outside" => "Ta ställning till ändringen",
        "edited_after_answer" => "Läs den nya texten och ta ställning",
        "act_failed" => "Dölj i plattformens app, eller besluta på nytt",
        "automatic_look" => "Se efter att den automatiska döljningen var rätt",
        _ => Kind::named(kind).map_or("Gör klart", |kind| kind.name),
    }
}

/// Where a duty stands at `now`, in words and never by colour alone.
pub(super) fn standing(
    state: DutyState,
    due_at: DateTime<Utc>,
    at_once: bool,
    now: DateTime<Utc>,
) -> &'static str {
    match state {
        DutyState::Closed | DutyState::Superseded => words::duty_state(state),
        _ if at_once => "Genast",
        _ if due_at < now => "Försenad",
        _ => "Pågår",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_duty_about_a_case_has_an_order_of_its_own() {
        for kind in crate::domain::duty::KINDS.iter().filter(|kind| !kind.outcomes.is_empty()) {
            assert_ne!(order(kind.code), kind.name, "{}", kind.code);
            assert_ne!(order(kind.code), "Gör klart", "{}", kind.code);
        }
    }

    #[test]
    fn whoever_is_biased_may_not_decide_what_people_may_say() {
        for (state, outcome, needs) in [
            (CaseState::Open, Outcome::Hide, true),
            (CaseState::Hidden, Outcome::Restore, true),
            (CaseState::AwaitingApproval, Outcome::Keep, true),
            (CaseState::Open, Outcome::Keep, false),
            (CaseState::Open, Outcome::Answered, false),
        ] {
            assert_eq!(needs_unbiased(state, outcome), needs, "{state} {outcome}");
        }
    }
}
