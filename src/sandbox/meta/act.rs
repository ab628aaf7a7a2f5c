//! What both of Meta's APIs do alike with a comment: answering beneath it as the account.

use super::error::GraphError;
use crate::sandbox::seed::{Author, Line};
use crate::sandbox::wire::Call;
use crate::sandbox::world::{World, graph_date};

/// An answer of the account's own, to be written.
#[derive(Debug)]
pub(in crate::sandbox) struct Reply {
    pub(in crate::sandbox) post: String,
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) parent: Option<String>,
    /// What the account is called beside its comments.
    pub(in crate::sandbox) name: Option<String>,
    pub(in crate::sandbox) text: String,
}

/// The text of an answer; `missing` is what the platform says without one.
pub(in crate::sandbox) fn text(call: &Call, missing: &str) -> Result<String, GraphError> {
    let text = call.param("message").filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| GraphError::new(100, missing))
}

/// Writes the answer of `account`.
pub(in crate::sandbox) fn write(world: &mut World, account: &str, reply: Reply) -> Result<(), GraphError> {
    let line = Line {
        account: account.to_owned(),
        post: reply.post,
        id: reply.id,
        parent: reply.parent,
        author: Some(Author { id: Some(account.to_owned()), name: reply.name }),
        at: Some(graph_date(world.now())),
        text: reply.text,
        ours: true,
        ..Line::default()
    };
    world.check(&line).map_err(|_| GraphError::new(1, "An unknown error occurred"))?;
    world.add(line);
    Ok(())
}
