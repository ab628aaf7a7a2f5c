//! What the sandbox keeps between two runs: accounts, posts and comments, a line a change.
//!
//! Not kept: quotas and what was used of them, faults, the request log, and what lagged lists showed.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::comment::{Comment, Post};
use super::journal::Journal;
use super::seed::Line;
use super::world::World;

/// Where changes are kept, if anywhere.
#[derive(Debug, Default)]
pub(super) struct Memory {
    journal: Option<Journal>,
}

/// A line about an account; the last one is how it stands.
#[derive(Serialize, Deserialize)]
struct AccountKept<T> {
    account_state: String,
    is: T,
}

/// A line about a post; the last one is how it stands.
#[derive(Serialize, Deserialize)]
struct PostKept<T> {
    post_state: String,
    is: T,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Account(Box<AccountKept<Account>>),
    Post(Box<PostKept<Post>>),
    Comment(Box<Line>),
}

impl Memory {
    /// Keeps how an account stands.
    pub(super) fn account(&mut self, id: &str, account: &Account) {
        self.append(|| serde_json::to_string(&AccountKept { account_state: id.to_owned(), is: account }));
    }

    /// Keeps how a post stands.
    pub(super) fn post(&mut self, id: &str, post: &Post) {
        self.append(|| serde_json::to_string(&PostKept { post_state: id.to_owned(), is: post }));
    }

    /// Keeps how a comment stands.
    pub(super) fn comment(&mut self, comment: &Comment, post: Option<&Post>) {
        self.append(|| {
            let line = Line {
                post_text: post.map(|post| post.text.clone()),
                post_at: post.map(|post| post.at.clone()),
                ..comment.line()
            };
            serde_json::to_string(&line)
        });
    }

    fn append(&mut self, line: impl FnOnce() -> serde_json::Result<String>) {
        let Some(journal) = &mut self.journal else { return };
        let written = line().map_err(io::Error::from).and_then(|line| journal.append(&line));
        if let Err(error) = written {
            tracing::error!(%error, "the sandbox cannot keep its state; it will be forgotten at the end");
        }
    }
}

impl World {
    /// Reads what `path` holds, and keeps every later change there.
    pub(super) fn remember_in(&mut self, path: &Path) -> io::Result<()> {
        let (journal, text) = Journal::open(path)?;
        for (number, line) in text.lines().enumerate() {
            let fault = |reason: String| {
                let reason = format!("{}, line {}: {reason}", path.display(), number + 1);
                io::Error::new(io::ErrorKind::InvalidData, reason)
            };
            match serde_json::from_str(line).map_err(|error| fault(error.to_string()))? {
                Kept::Account(kept) => {
                    let account = self.account_mut(&kept.account_state);
                    let posts = std::mem::take(&mut account.posts);
                    *account = Account { posts, ..kept.is };
                }
                Kept::Post(kept) => {
                    let PostKept { post_state: id, is } = *kept;
                    let account = is.account.clone();
                    self.check_post(&id, &account).map_err(fault)?;
                    self.change_post(&id, &account, |post| {
                        let comments = std::mem::take(&mut post.comments);
                        *post = Post { comments, ..is };
                    });
                }
                Kept::Comment(line) if self.comments.contains_key(&line.id) => self.restore(*line),
                Kept::Comment(line) => {
                    self.check(&line).map_err(fault)?;
                    self.insert(*line);
                }
            }
        }
        self.memory.journal = Some(journal);
        Ok(())
    }

    /// Puts a comment that is there into the state that a later line tells.
    fn restore(&mut self, line: Line) {
        let (id, post) = (line.id.clone(), line.post.clone());
        let parent = line.parent.clone().filter(|parent| *parent != post);
        self.place_comment(&id, &post, parent, line.at.clone());
        self.change(&id, |comment| {
            let new = Comment::of(line, comment.at.clone(), comment.place);
            let author = new.author.clone().or(comment.author.take());
            *comment = Comment { author, ..new };
        });
    }
}
