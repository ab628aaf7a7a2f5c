//! Who sees a comment: published, held back, taken for spam or rejected.

use crate::sandbox::comment::{Comment, Hider};
use crate::sandbox::common;
use crate::sandbox::world::World;

/// What a comment is to the channel's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Published,
    HeldForReview,
    LikelySpam,
    Rejected,
}

impl Status {
    /// The status of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "published" => Some(Self::Published),
            "heldForReview" => Some(Self::HeldForReview),
            "likelySpam" => Some(Self::LikelySpam),
            "rejected" => Some(Self::Rejected),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::HeldForReview => "heldForReview",
            Self::LikelySpam => "likelySpam",
            Self::Rejected => "rejected",
        }
    }
}

/// What `comment` is.
pub(super) fn of(comment: &Comment) -> Status {
    let told = comment.moderation.as_deref().and_then(Status::named);
    match told {
        Some(status @ (Status::HeldForReview | Status::LikelySpam)) => status,
        Some(Status::Rejected) if comment.hidden || comment.held => Status::Rejected,
        _ if comment.held => Status::HeldForReview,
        // Somebody who removes it in YouTube Studio rejects it; the filter only holds it back.
        _ if comment.hidden && comment.hidden_by == Some(Hider::Filter) => Status::HeldForReview,
        _ if comment.hidden => Status::Rejected,
        _ => Status::Published,
    }
}

/// Whether an ancestor was rejected: that hides its replies too.
pub(super) fn is_buried(world: &World, comment: &Comment) -> bool {
    common::ancestors(world, comment).into_iter().any(|above| of(above) == Status::Rejected)
}

/// Makes a comment what `status` says.
pub(super) fn set(world: &mut World, id: &str, status: Status) {
    world.change(id, |comment| {
        comment.hide(status != Status::Published, Hider::Us);
        comment.held = status == Status::HeldForReview;
        comment.moderation = Some(status.name().to_owned());
    });
}
