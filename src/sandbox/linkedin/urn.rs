//! Names of things: `urn:li:share:1`, `urn:li:activity:2`, `urn:li:comment:(urn:li:activity:2,3)`.

use crate::sandbox::comment::Comment;
use crate::sandbox::common;
use crate::sandbox::world::World;

/// What a URN in a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Post(String),
    Comment(String),
}

impl Target {
    /// The post that it is, or that it stands under.
    pub(super) fn post<'a>(&'a self, world: &'a World) -> Option<&'a str> {
        match self {
            Self::Post(id) => Some(id),
            Self::Comment(id) => Some(&world.comment(id)?.post),
        }
    }
}

/// The organization with a native id, as URN.
pub(super) fn organization(account: &str) -> String {
    if account.starts_with("urn:") { account.to_owned() } else { format!("urn:li:organization:{account}") }
}

/// The native id of the account that a URN names; the URN itself if there is none.
pub(super) fn account(world: &World, urn: &str) -> String {
    let bare = urn.strip_prefix("urn:li:organization:").unwrap_or(urn);
    if world.account(urn).is_none() && world.account(bare).is_some() {
        bare.to_owned()
    } else {
        urn.to_owned()
    }
}

/// The activity of a post: what the API calls it in answers, whatever it was called in the question.
pub(super) fn activity(world: &World, post: &str) -> String {
    if post.starts_with("urn:li:activity:") {
        return post.to_owned();
    }
    let told = world.post(post).and_then(|is| {
        let set = is.setting("activity").and_then(|urn| Some(urn.as_str()?.to_owned()));
        set.or_else(|| is.comments.values().find_map(|id| parts(id)).map(|(above, _)| long(above)))
    });
    told.unwrap_or_else(|| format!("urn:li:activity:{}", common::big_number(post)))
}

/// A comment's URN: its native id where that is one.
pub(super) fn comment(world: &World, comment: &Comment) -> String {
    if parts(&comment.id).is_some() {
        comment.id.clone()
    } else {
        format!("urn:li:comment:({},{})", activity(world, &comment.post), comment.id)
    }
}

/// A comment's number: the last part of its URN.
pub(super) fn number(comment: &Comment) -> &str {
    parts(&comment.id).map_or(&comment.id, |(_, number)| number)
}

/// Who wrote something, as URN.
pub(super) fn person(id: &str) -> String {
    if id.starts_with("urn:") { id.to_owned() } else { format!("urn:li:person:{id}") }
}

/// The thing that a URN names.
pub(super) fn target(world: &World, urn: &str) -> Option<Target> {
    if world.post(urn).is_some() {
        return Some(Target::Post(urn.to_owned()));
    }
    if world.comment(urn).is_some() {
        return Some(Target::Comment(urn.to_owned()));
    }
    if let Some((above, number)) = parts(urn) {
        let post = target(world, &long(above))?;
        return numbered(world, &post, number).map(Target::Comment);
    }
    let mut posts = world.accounts.values().flat_map(|account| &account.posts);
    posts.find(|post| activity(world, post) == urn).map(|post| Target::Post(post.clone()))
}

/// The native id of the comment with this number under the post that `under` is or stands under.
pub(super) fn numbered(world: &World, under: &Target, number: &str) -> Option<String> {
    let post = world.post(under.post(world)?)?;
    let mut ids = post.comments.values();
    ids.find(|id| world.comment(id).is_some_and(|comment| self::number(comment) == number)).cloned()
}

/// What a comment's URN holds: what it stands under, and its number.
fn parts(urn: &str) -> Option<(&str, &str)> {
    urn.strip_prefix("urn:li:comment:(")?.strip_suffix(')')?.rsplit_once(',')
}

/// A URN inside of another, which may be shortened to `activity:1`.
fn long(urn: &str) -> String {
    if urn.starts_with("urn:li:") { urn.to_owned() } else { format!("urn:li:{urn}") }
}
