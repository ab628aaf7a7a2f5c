//! The order of what happened to a record: nothing is hidden before it is preserved, registered and decided on.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::archive::entry::{Entry, Kind, RecordId, TreeHead};
use crate::archive::merkle::Hash;

/// What is known of one record so far.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) record: RecordId,
    pub(super) pack: Hash,
    pub(super) tree: TreeHead,
    /// The index of its snapshot.
    pub(super) snapshot: u64,
    pub(super) disposed: bool,
    registered: bool,
    /// A decision stands after the registration.
    decided: bool,
    /// Announced acts without a final receipt.
    open: Vec<Kind>,
}

/// The records of a log, each by the index of its last entry.
#[derive(Debug, Default)]
pub(super) struct Chains {
    last: HashMap<u64, State>,
    records: HashSet<RecordId>,
    at: Option<DateTime<Utc>>,
}

/// What is wrong with an entry's place: a code and a Swedish sentence.
pub(super) type Fault = (&'static str, String);

impl Chains {
    /// Takes the next entry; returns what is wrong with it.
    pub(super) fn push(&mut self, index: u64, entry: &Entry) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.at.is_some_and(|at| entry.at() < at) {
            faults.push(("time_order", "posten har en tidigare tid än posten före den".to_owned()));
        }
        self.at = self.at.max(Some(entry.at()));
        match (entry.record(), entry.pack().zip(entry.tree()), entry.previous()) {
            (Some(record), Some((pack, tree)), _) => {
                if !self.records.insert(record) {
                    faults.push(("record_twice", format!("akten {record} börjar två gånger i loggen")));
                }
                let (registered, decided, disposed) = (false, false, false);
                let open = Vec::new();
                let state =
                    State { record, pack, tree, snapshot: index, disposed, registered, decided, open };
                self.last.insert(index, state);
            }
            (_, _, Some(previous)) => match self.last.remove(&previous) {
                Some(mut state) if previous < index => {
                    state.follow(entry.kind(), &mut faults);
                    self.last.insert(index, state);
                }
                other => {
                    self.last.extend(other.map(|state| (previous, state)));
                    faults.push((
                        "chain",
                        format!("posten hänvisar till post {previous}, som inte är den senaste i någon akt"),
                    ));
                }
            },
            _ => {}
        }
        faults
    }

    /// The records, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = &State> {
        self.last.values()
    }
}

impl State {
    fn follow(&mut self, kind: Kind, faults: &mut Vec<Fault>) {
        if self.disposed {
            faults.push(("after_disposal", format!("`{kind}` står efter att akten gallrats")));
        }
        match kind {
            Kind::Registered => {
                self.registered = true;
                self.decided = false;
            }
            Kind::Decision => self.decided |= self.registered,
            Kind::Disposal => self.disposed = true,
            Kind::HideIntent | Kind::RemoveIntent if !self.decided => {
                faults.push((
                    "order",
                    format!(
                        "`{kind}` står före diarieföring och beslut: något doldes eller togs bort för tidigt"
                    ),
                ));
            }
            _ => {}
        }
        if kind.is_intent() {
            self.open.push(kind);
        }
        if let Some(intent) = kind.intent() {
            let place = self.open.iter().position(|open| *open == intent);
            match place {
                None => faults.push(("order", format!("`{kind}` står utan föregående `{intent}`"))),
                // Not final: it may still be seen hidden later, or fail.
                Some(_) if kind == Kind::HideUnconfirmed => {}
                Some(place) => {
                    self.open.remove(place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    const TREE: TreeHead = TreeHead { root: [1; 32], n: 16 };

    /// The codes found when the kinds follow one snapshot, each after the one before it.
    fn check(kinds: &[Kind]) -> Vec<&'static str> {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 6, 0, 0).unwrap();
        let mut chains = Chains::default();
        let snapshot = Entry::snapshot(at, RecordId::from_bytes([1; 16]), TREE, [2; 32]).unwrap();
        let mut faults = chains.push(0, &snapshot);
        for (previous, kind) in (0..).zip(kinds) {
            let entry = Entry::following(*kind, at, previous, Some(TREE)).unwrap();
            faults.extend(chains.push(previous + 1, &entry));
        }
        faults.into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn the_lawful_ways_of_a_record_have_no_fault() {
        use Kind::*;
        for way in [
            &[][..],
            &[Decision],
            &[Registered, Decision, HideIntent, Hidden],
            &[Decision, Registered, Decision, HideIntent, HideUnconfirmed, Hidden],
            &[
                Registered,
                Decision,
                HideIntent,
                HideFailed,
                HideIntent,
                Hidden,
                Decision,
                RestoreIntent,
                Restored,
            ],
            &[Registered, Decision, RemoveIntent, Removed, Release, Annulled, Disposal],
            &[ReplyIntent, Replied],
            &[Registered, Decision, HideIntent],
        ] {
            assert_eq!(check(way), Vec::<&str>::new(), "{way:?}");
        }
    }

    #[test]
    fn acts_before_their_time_are_found() {
        use Kind::*;
        for (way, codes) in [
            (&[HideIntent][..], &["order"][..]),
            (&[Registered, HideIntent], &["order"]),
            (&[Decision, Registered, HideIntent], &["order"]),
            (&[Decision, RemoveIntent], &["order"]),
            (&[Registered, Decision, Hidden], &["order"]),
            (&[Registered, Decision, HideIntent, Hidden, Hidden], &["order"]),
            (&[Registered, Decision, HideIntent, Removed], &["order"]),
            (&[Disposal, Release], &["after_disposal"]),
        ] {
            assert_eq!(check(way), codes, "{way:?}");
        }
    }

    #[test]
    fn forks_gaps_and_time_running_backwards_are_found() {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 6, 0, 0).unwrap();
        let mut chains = Chains::default();
        let snapshot = Entry::snapshot(at, RecordId::from_bytes([1; 16]), TREE, [2; 32]).unwrap();
        assert_eq!(chains.push(0, &snapshot), []);
        let after = |previous| Entry::following(Kind::Decision, at, previous, Some(TREE)).unwrap();
        assert_eq!(chains.push(1, &after(0)), []);
        assert_eq!(chains.push(2, &after(0))[0].0, "chain", "a fork");
        assert_eq!(chains.push(3, &after(3))[0].0, "chain", "itself");
        assert_eq!(chains.push(4, &after(99))[0].0, "chain", "the future");
        assert_eq!(chains.push(5, &snapshot)[0].0, "record_twice");
        let early = Entry::note(at - chrono::TimeDelta::seconds(1), None).unwrap();
        assert_eq!(chains.push(6, &early)[0].0, "time_order");
    }
}
