//! The kinds of duty: a new one is a row here, a letter template and its test.

use super::Rung::{Due, Escalate, Overdue, Warn};
use super::{Kind, Ladder, Period, Trigger};
use crate::domain::case::Outcome;
use crate::domain::roster::Role;
use crate::domain::roster::Target::{Communicator, Deputy, Operator, Owner, Responsible};

/// Editor, then who steps in, then the owner, then the communicator: one step a rung.
const USUAL: Ladder = &[
    (Warn, &[Responsible]),
    (Due, &[Responsible, Deputy]),
    (Overdue, &[Responsible, Owner]),
    (Escalate, &[Owner, Communicator]),
];

/// Somebody may be in danger: nobody is left out once it has lasted twenty minutes.
const DANGER: Ladder = &[
    (Due, &[Responsible]),
    (Overdue, &[Responsible, Deputy]),
    (Escalate, &[Responsible, Deputy, Owner, Communicator]),
];

/// Something on the machine's side: the operator mends it, the owner knows of it from the start.
const MACHINE: Ladder =
    &[(Due, &[Operator, Owner]), (Overdue, &[Operator, Owner]), (Escalate, &[Operator, Owner, Communicator])];

/// The account may be in other hands: those who run the machine, who own the account and who speak for the municipality
/// (R66).
const LOST: Ladder = &[
    (Due, &[Operator, Owner, Communicator]),
    (Overdue, &[Operator, Owner, Communicator]),
    (Escalate, &[Operator, Owner, Communicator]),
];

/// How an answer duty can end (R41); a comment that is hidden or removed is not answered.
const ANSWERS: &[Outcome] = &[
    Outcome::Answered,
    Outcome::AnsweredJointly,
    Outcome::NoAnswerNeeded,
    Outcome::Forwarded,
    Outcome::Referred,
    Outcome::Hide,
    Outcome::Remove,
];

/// How a look at a suspected comment can end.
const LOOKS: &[Outcome] =
    &[Outcome::Hide, Outcome::Remove, Outcome::Keep, Outcome::Forwarded, Outcome::Referred];

/// How a question of visibility can end.
const VISIBILITY: &[Outcome] = &[Outcome::Hide, Outcome::Remove, Outcome::Keep, Outcome::Restore];

/// Every kind of duty.
pub const KINDS: &[Kind] = &[
    Kind {
        code: "answer_24h",
        name: "svar inom 24 timmar",
        source: "kommunens riktlinje: svar inom 24 timmar; 6 § förvaltningslagen (2017:900)",
        trigger: Trigger::Received,
        period: Period::Hours(24),
        first: Role::Editor,
        ladder: USUAL,
        outcomes: ANSWERS,
        urgent: false,
    },
    Kind {
        code: "answer_next_working_day",
        name: "svar senast nästkommande arbetsdag",
        source: "kommunens riktlinje: svar senast nästkommande arbetsdag; 6 § förvaltningslagen (2017:900)",
        trigger: Trigger::Received,
        period: Period::NextWorkingDay,
        first: Role::Editor,
        ladder: USUAL,
        outcomes: ANSWERS,
        urgent: false,
    },
    Kind {
        code: "answer_as_soon_as_possible",
        name: "svar så snart som möjligt",
        source: "kommunens riktlinje: svar så snart som möjligt under arbetsdagar; 6 § förvaltningslagen (2017:900)",
        trigger: Trigger::Received,
        period: Period::SameDayOrNext(24),
        first: Role::Editor,
        ladder: USUAL,
        outcomes: ANSWERS,
        urgent: false,
    },
    Kind {
        code: "review",
        name: "granskning av en flaggad kommentar",
        source: "4 och 5 §§ lagen (1998:112) om ansvar för elektroniska anslagstavlor; kommunens riktlinje",
        trigger: Trigger::Flagged,
        period: Period::NextWorkingDay,
        first: Role::Editor,
        ladder: USUAL,
        outcomes: LOOKS,
        urgent: false,
    },
    Kind {
        code: "danger",
        name: "någon kan vara i fara",
        source: "kommunens riktlinje: polis eller socialtjänst kontaktas omgående; 19 kap. 1 § socialtjänstlagen \
                 (2025:400)",
        trigger: Trigger::Flagged,
        period: Period::AtOnce,
        first: Role::Editor,
        ladder: DANGER,
        outcomes: LOOKS,
        urgent: true,
    },
    Kind {
        code: "prompt_review",
        name: "granskning genast",
        source: "4 och 5 §§ lagen (1998:112) om ansvar för elektroniska anslagstavlor; kommunens riktlinje",
        trigger: Trigger::Flagged,
        period: Period::AtOnce,
        first: Role::Editor,
        ladder: DANGER,
        outcomes: LOOKS,
        urgent: true,
    },
    Kind {
        code: "approve",
        name: "godkännande av en kollegas förslag",
        source: "kommunens riktlinje: två personer beslutar; 6 kap. 28–32 §§ kommunallagen (2017:725) om jäv",
        trigger: Trigger::Proposed,
        period: Period::NextWorkingDay,
        first: Role::Head,
        ladder: USUAL,
        outcomes: VISIBILITY,
        urgent: false,
    },
    Kind {
        code: "changed_outside",
        name: "ändrad utanför Uppsikt",
        source: "5 kap. 1 § offentlighets- och sekretesslagen (2009:400)",
        trigger: Trigger::SeenChanged,
        period: Period::NextWorkingDay,
        first: Role::Owner,
        ladder: USUAL,
        // Nothing more may be left to do: the comment is gone, or rightly hidden.
        outcomes: &[Outcome::Hide, Outcome::Remove, Outcome::Keep, Outcome::Restore, Outcome::NoAnswerNeeded],
        urgent: false,
    },
    Kind {
        code: "edited_after_answer",
        name: "ändrad efter svar eller beslut",
        source: "kommunens riktlinje: kommunens svar ska inte stå under en annan text än den som besvarades",
        trigger: Trigger::SeenChanged,
        period: Period::NextWorkingDay,
        first: Role::Editor,
        ladder: USUAL,
        outcomes: &[
            Outcome::Answered,
            Outcome::AnsweredJointly,
            Outcome::NoAnswerNeeded,
            Outcome::Forwarded,
            Outcome::Referred,
            Outcome::Hide,
            Outcome::Remove,
            Outcome::Keep,
        ],
        urgent: false,
    },
    Kind {
        code: "account_blind",
        name: "kontot kan inte läsas",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // No person decides it away: it ends when the account is read again.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "hand_check",
        name: "se efter för hand",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::Daily,
        period: Period::NextWorkingDay,
        first: Role::Editor,
        ladder: USUAL,
        // It ends when somebody ticks what they have looked at.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "act_failed",
        name: "kommentaren kunde inte döljas eller tas bort",
        source: "kommunens beslut om kommentaren, som ännu inte har fått verkan",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::Editor,
        ladder: USUAL,
        outcomes: VISIBILITY,
        urgent: false,
    },
    Kind {
        code: "automatic_look",
        name: "efterkontroll av en automatisk döljning",
        source: "6 kap. 38 § kommunallagen (2017:725); 28 § förvaltningslagen (2017:900): en människa ser efter, alltid",
        trigger: Trigger::Flagged,
        period: Period::NextWorkingDay,
        first: Role::Editor,
        ladder: USUAL,
        outcomes: &[Outcome::Hide, Outcome::Restore],
        urgent: false,
    },
    Kind {
        code: "braked",
        name: "bromsen har löst ut",
        source: "kommunens gräns för automatiska döljningar",
        trigger: Trigger::Failed,
        period: Period::NextWorkingDay,
        first: Role::Owner,
        ladder: MACHINE,
        // It ends when a named person releases the brake.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "halted",
        name: "ingenting döljs eller registreras",
        source: "Uppsikts löfte: det som inte kan bevaras döljs inte",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // It ends when disk, archive and clock are well again.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "count_differs",
        name: "antalet kommentarer stämmer inte med plattformens",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::SeenChanged,
        period: Period::AtOnce,
        first: Role::Owner,
        // Told once: it ends when the counts agree, and is told anew when the difference grows.
        ladder: &[(Due, &[Owner])],
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "key_expires",
        name: "nyckeln till plattformen slutar gälla",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::SeenChanged,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // No person decides it away: it ends when there is a key that lasts.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "key_dead",
        name: "nyckeln till plattformen gäller inte",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // It ends when the key works again.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "lost_access",
        name: "möjlig förlorad åtkomst till kontot",
        source: "kommunens riktlinje: ett kapat konto rapporteras så snart som möjligt till it och kommunikation; \
                 artikel 33 dataskyddsförordningen",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: LOST,
        // It ends when the key works again, or the new name has stood for two weeks.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "right_missing",
        name: "nyckeln till plattformen saknar en rättighet",
        source: "4 § lagen (1998:112) om ansvar för elektroniska anslagstavlor: uppsikt över tjänsten",
        trigger: Trigger::SeenChanged,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // It ends when the right is there.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "unanchored",
        name: "loggen är inte styrkt utifrån",
        source: "Uppsikts löfte: den som ändrar i efterhand ska upptäckas; arkivförordningen (1991:446)",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // It ends when somebody outside has vouched for the log again.
        outcomes: &[],
        urgent: false,
    },
    Kind {
        code: "contradicted",
        name: "någon utanför kommunen säger emot loggen",
        source: "Uppsikts löfte: den som ändrar i efterhand ska upptäckas; arkivförordningen (1991:446)",
        trigger: Trigger::Failed,
        period: Period::AtOnce,
        first: Role::It,
        ladder: MACHINE,
        // It ends when what they say is true again.
        outcomes: &[],
        urgent: false,
    },
];
