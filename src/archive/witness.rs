//! What a log and its witness say to each other (c2sp.org/tlog-witness): the request, and what a witness must check
//! before it cosigns.

use base64::prelude::{BASE64_STANDARD, Engine};

use super::checkpoint::{self, Checkpoint};
use super::merkle::{self, Hash};
use super::note::{NoteError, VerifierKey, lines};

/// A proof between two trees that can exist has no more hashes.
const MOST_HASHES: usize = 63;

/// A request is not longer than this (bytes).
pub const LONGEST: usize = 64 << 10;

/// The kind of the body of a 409: the size that the witness knows.
pub const SIZE: &str = "text/x.tlog.size";

/// A request to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is believed to know.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint's file.
    pub checkpoint: String,
}

impl AddCheckpoint {
    /// The request's body.
    pub fn text(&self) -> String {
        let proof = lines(self.proof.iter().map(|hash| BASE64_STANDARD.encode(hash)));
        format!("old {}\n{proof}\n{}", self.old, self.checkpoint)
    }

    /// Takes a body apart; `None` if it is none.
    pub fn parse(body: &str) -> Option<Self> {
        if body.len() > LONGEST {
            return None;
        }
        let (head, checkpoint) = body.split_once("\n\n")?;
        let mut rest = head.split('\n');
        let old = checkpoint::decimal(rest.next()?.strip_prefix("old ")?)?;
        let mut proof = Vec::new();
        for line in rest {
            if proof.len() == MOST_HASHES {
                return None;
            }
            proof.push(checkpoint::hash(line)?);
        }
        Some(Self { old, proof, checkpoint: checkpoint.to_owned() })
    }
}

/// What a witness answers, by its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: to be remembered first, and then cosigned.
    Cosign(Checkpoint),
    /// 400: the request is none, or asks to go back.
    Bad,
    /// 403: no key that the witness trusts for this log has signed.
    Unsigned,
    /// 404: a log that the witness does not watch.
    Unknown,
    /// 409: the witness knows another size than the one asked from.
    Conflict(u64),
    /// 422: the proof does not lead from what the witness knows to the checkpoint.
    Unproven,
}

/// What to answer, where `logs` are the keys of the watched logs and `latest` gives the newest checkpoint that was
/// cosigned of a log.
///
/// # Errors
/// Whatever `latest` returns.
pub fn answer<E>(
    body: &str,
    logs: &[VerifierKey],
    latest: impl FnOnce(&str) -> Result<Option<Checkpoint>, E>,
) -> Result<Answer, E> {
    let Some(request) = AddCheckpoint::parse(body) else { return Ok(Answer::Bad) };
    let Ok((checkpoint, note)) = Checkpoint::parse(&request.checkpoint) else { return Ok(Answer::Bad) };
    let keys: Vec<_> = logs.iter().filter(|key| key.name() == checkpoint.origin).cloned().collect();
    if keys.is_empty() {
        return Ok(Answer::Unknown);
    }
    match note.verify(&keys) {
        Ok(()) => {}
        Err(NoteError::BadSignature { .. } | NoteError::Unsigned) => return Ok(Answer::Unsigned),
        Err(_) => return Ok(Answer::Bad),
    }
    if request.old > checkpoint.size {
        return Ok(Answer::Bad);
    }
    let known = latest(&checkpoint.origin)?;
    let size = known.as_ref().map_or(0, |known| known.size);
    if request.old != size {
        return Ok(Answer::Conflict(size));
    }
    let root = known.map_or_else(merkle::empty_root, |known| known.root);
    if checkpoint.size == size {
        let same = checkpoint.root == root && request.proof.is_empty();
        return Ok(if same { Answer::Cosign(checkpoint) } else { Answer::Unproven });
    }
    let proven = if size == 0 {
        request.proof.is_empty()
    } else {
        merkle::verify_consistency(size, checkpoint.size, &request.proof, &root, &checkpoint.root)
    };
    Ok(if proven { Answer::Cosign(checkpoint) } else { Answer::Unproven })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use ed25519_dalek::SigningKey;

    const ORIGIN: &str = "exempel.se/uppsikt/logg1";

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect()
    }

    fn signer() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn signed(leaves: &[Hash]) -> String {
        checkpoint::sign(ORIGIN, leaves.len() as u64, merkle::root(leaves), &signer()).unwrap()
    }

    fn request(old: u64, leaves: &[Hash]) -> AddCheckpoint {
        let proof = if old == 0 || old == leaves.len() as u64 {
            Vec::new()
        } else {
            merkle::consistency(leaves, old).unwrap()
        };
        AddCheckpoint { old, proof, checkpoint: signed(leaves) }
    }

    fn asked(request: &AddCheckpoint, known: Option<&[Hash]>) -> Answer {
        let logs = [VerifierKey::of(ORIGIN, &signer()).unwrap()];
        let known = known.map(|leaves| Checkpoint {
            origin: ORIGIN.to_owned(),
            size: leaves.len() as u64,
            root: merkle::root(leaves),
        });
        answer(&request.text(), &logs, |_| Ok::<_, Infallible>(known)).unwrap()
    }

    #[test]
    fn a_body_is_read_back_as_it_was_written() {
        let request = request(3, &leaves(9));
        assert_eq!(AddCheckpoint::parse(&request.text()), Some(request.clone()));
        for bad in [
            String::new(),
            request.text().replacen("old 3", "old 03", 1),
            request.text().replacen("old 3", "size 3", 1),
            request.text().replacen(
                "old 3\n",
                &format!("old 3\n{}", "Tju7H3tHjc/nH7YxYxUZo7yhLJrvyhYSv85ME6hiZNQ=\n".repeat(64)),
                1,
            ),
            request.text().replacen("old 3\n", "old 3\nAAAA\n", 1),
            "old 3\n".to_owned() + &"x".repeat(LONGEST),
        ] {
            assert_eq!(AddCheckpoint::parse(&bad), None, "{}", &bad[..bad.len().min(60)]);
        }
    }

    #[test]
    fn a_log_that_only_grew_is_cosigned_from_any_size_to_any_other() {
        for old in 0..12 {
            for new in old..12 {
                let known = leaves(old);
                let answer = asked(&request(old, &leaves(new)), (old > 0).then_some(&known));
                assert!(
                    matches!(answer, Answer::Cosign(checkpoint) if checkpoint.size == new),
                    "{old} {new}"
                );
            }
        }
    }

    #[test]
    fn a_fork_a_step_back_and_another_size_are_refused() {
        let known = leaves(5);
        let mut forked = leaves(9);
        forked[2] = merkle::leaf_hash(b"omskriven");
        assert_eq!(asked(&request(5, &forked), Some(&known)), Answer::Unproven);
        assert_eq!(asked(&request(5, &forked[..5]), Some(&known)), Answer::Unproven);
        assert_eq!(asked(&request(3, &leaves(9)), Some(&known)), Answer::Conflict(5));
        assert_eq!(asked(&request(0, &leaves(9)), Some(&known)), Answer::Conflict(5));
        assert_eq!(asked(&request(3, &leaves(3)), Some(&known)), Answer::Conflict(5));
        assert_eq!(asked(&request(3, &leaves(3)), None), Answer::Conflict(0));
        let back = AddCheckpoint { old: 9, proof: Vec::new(), checkpoint: signed(&known) };
        assert_eq!(asked(&back, Some(&known)), Answer::Bad);
        let mut surplus = request(5, &known);
        surplus.proof.push([0; 32]);
        assert_eq!(asked(&surplus, Some(&known)), Answer::Unproven);
    }

    #[test]
    fn strangers_and_broken_signatures_are_told_apart() {
        let whole = request(0, &leaves(4));
        let stranger = SigningKey::from_bytes(&[8; 32]);
        let root = merkle::root(&leaves(4));
        let of = |origin: &str, key: &SigningKey| AddCheckpoint {
            checkpoint: checkpoint::sign(origin, 4, root, key).unwrap(),
            ..whole.clone()
        };
        assert_eq!(asked(&of("annan.se/logg1", &signer()), None), Answer::Unknown);
        assert_eq!(asked(&of(ORIGIN, &stranger), None), Answer::Unsigned);
        let changed =
            AddCheckpoint { checkpoint: whole.checkpoint.replacen("\n4\n", "\n5\n", 1), ..whole.clone() };
        assert_eq!(asked(&changed, None), Answer::Unsigned);
        let broken = AddCheckpoint { checkpoint: "exempel.se\n".to_owned(), ..whole };
        assert_eq!(asked(&broken, None), Answer::Bad);
    }
}
