-- Uppsikt's first schema. All times are UTC, RFC 3339, whole seconds, so that text order is time order.
-- Append-only by trigger: entry, decision, receipt (ids and roots only). Texts are deletable, never changeable.

create table meta (key text primary key, value text not null) strict, without rowid;

-- How far each account has been read, and since when it could not be.
create table account_state (
  account       text primary key,              -- [[account]] id
  watched_from  text,                          -- set by the first successful poll, or by the configuration
  cursor        text,                          -- the connector's own words
  sweep_started text,                          -- when the running sweep began; null between sweeps
  next_poll     text,
  last_ok       text,
  blind_since   text,                          -- null while reading works
  blind_reason  text,
  not_before    text                           -- a rate limit: ask nothing earlier
) strict;

-- The proof of watching: a row a poll, failures too (R1).
create table poll (
  id         integer primary key,
  account    text not null,
  started_at text not null,
  ended_at   text not null,
  outcome    text not null check (outcome in ('ok', 'failed')),
  seen       integer not null,
  new        integer not null,
  faults     integer not null,
  reason     text,                             -- why it failed
  blind      text not null                     -- JSON: what could not be read, in Swedish
) strict;
create index poll_by_account on poll (account, started_at);

create table post (
  id         integer primary key,
  account    text not null,
  native_id  text not null,
  text       text not null,
  created_at text not null,
  permalink  text,
  seen_at    text not null,
  unique (account, native_id)
) strict;

create table comment (
  id            integer primary key,
  account       text not null,
  native_id     text not null,                 -- the platform's id, verbatim
  post_id       text not null,
  parent_id     text,
  author_id     text,
  author_name   text,
  created_at    text not null,                 -- the platform's own time
  first_seen_at text not null,
  permalink     text,
  ours          integer not null,              -- written by the municipality's account
  old           integer not null,              -- older than watched_from: no duty, letter or act (N1)
  listed_at     text not null,                 -- start of the sweep that last listed it
  sighting      text not null,                 -- how it stood when last seen
  sighted_at    text not null,
  unique (account, native_id)
) strict;
create index comment_by_post on comment (account, post_id, listed_at);
create index comment_by_account on comment (account, first_seen_at);
create index comment_old on comment (account) where old = 1;

-- Every text a comment has had, with the exact bytes of its element.
create table version (
  id          integer primary key,
  comment     integer not null references comment,
  n           integer not null,                -- 1, 2, …
  seen_at     text not null,
  text        text not null,
  attachments text not null,                   -- JSON array of codes
  element     blob not null,
  salt        blob not null,                   -- for the daily `received` tree; goes when the version goes
  received    integer references entry,        -- the day's entry that commits to it
  unique (comment, n)
) strict;
create index version_unreceived on version (seen_at) where received is null;
create trigger version_fixed before update of comment, n, seen_at, text, attachments, element, salt on version
begin select raise(abort, 'a stored version is never changed'); end;

create table sighting (
  id       integer primary key,
  comment  integer not null references comment,
  at       text not null,
  sighting text not null,
  source   text not null                       -- list, look, receipt
) strict;
create index sighting_by_comment on sighting (comment, at);

create table assessment (
  version      integer primary key references version on delete cascade,
  rules        text not null,                  -- hash of the rule set
  at           text not null,
  findings     text not null,                  -- JSON
  proposal     text not null,
  needs_answer integer not null,
  language     text
) strict;

-- A comment that is flagged, has a duty, was decided on, or changed after an answer.
create table case_file (
  id           integer primary key,
  comment      integer not null unique references comment,
  opened_at    text not null,
  state        text not null,
  state_at     text not null,
  external_dnr text,
  answered_at  text                            -- when somebody answered, for "edited after the answer"
) strict;
create index case_by_state on case_file (state);

-- One preserved version. The pack is wholly determined by this row, the version and the record's key.
create table record (
  id          text primary key,                -- 32 hexadecimal digits, random
  version     integer not null unique references version,
  comment     integer not null references comment,
  case_id     integer not null references case_file,
  look        blob not null,                   -- exact bytes of the single look, or of the stored element
  look_kind   text not null check (look_kind in ('look', 'element')),
  look_url    text not null,
  look_at     text not null,
  sighting    text not null,
  doc         text not null,                   -- JSON: the fields of the snapshot
  nonce       blob not null,                   -- 24 bytes
  state       text not null check (state in ('sealing', 'preserved')),
  pack_digest text                             -- SHA-256 of the pack file, once preserved
) strict;
create index record_by_case on record (case_id);

-- The log. The primary key is the index; tiles and checkpoint are its projection.
create table entry (
  idx    integer primary key,
  t      text not null,
  record text references record,
  ref    integer references entry,
  tree   integer,                              -- j of the tree K_j behind its root; null without a root
  at     text not null,
  leaf   blob not null,                        -- RFC 8785 bytes
  hash   blob not null                         -- leaf hash, RFC 6962
) strict;
create unique index entry_once on entry (record, coalesce(ref, -1)) where record is not null;
create trigger entry_is_dense before insert on entry
when new.idx is not (select coalesce(max(idx) + 1, 0) from entry)
begin select raise(abort, 'the log has no gaps'); end;
create trigger entry_no_update before update on entry begin select raise(abort, 'the log is append-only'); end;
create trigger entry_no_delete before delete on entry begin select raise(abort, 'the log is append-only'); end;

-- What an entry's root commits to. Deletable (disposal); the entry is not.
create table entry_doc (
  idx integer primary key references entry,
  doc text not null
) strict;
create trigger entry_doc_fixed before update on entry_doc
begin select raise(abort, 'what an entry commits to is never changed'); end;

create table diary (
  board         text not null,
  year          integer not null,
  n             integer not null,
  number        text not null unique,
  record        text not null unique references record,
  case_id       integer not null references case_file,
  entry         integer not null unique references entry,
  registered_at text not null,
  public_text   text not null,
  secrecy       integer not null,
  annulled_at   text,
  annulled_note text,
  primary key (board, year, n)
) strict;
create index diary_by_case on diary (case_id);
-- A wrong entry is annulled with a dated note; its number is never reused.
create trigger diary_no_delete before delete on diary begin select raise(abort, 'a diary number is never removed'); end;
create trigger diary_fixed before update of board, year, n, number, record, case_id, entry, registered_at on diary
begin select raise(abort, 'a diary number is never changed'); end;

create table decision (
  id        integer primary key,
  case_id   integer not null references case_file,
  version   integer not null references version,
  person    text not null,                     -- person id, or 'uppsikt' for a decided automatism
  os_user   text not null,                     -- the operating-system account, or 'desk'
  outcome   text not null,
  at        text not null,
  rule      text,                              -- the rule that an automatic decision rests on
  completes integer references decision        -- four-eyes: the decision that this one completes or refuses
) strict;
create trigger decision_no_update before update on decision begin select raise(abort, 'a decision is never changed'); end;
create trigger decision_no_delete before delete on decision begin select raise(abort, 'a decision is never removed'); end;
create index decision_by_case on decision (case_id);

-- The reason, a text, is deletable.
create table decision_reason (decision integer primary key references decision, reason text not null) strict;
create trigger decision_reason_fixed before update on decision_reason
begin select raise(abort, 'a reason is never changed'); end;

-- How far a decision has come; the only part that changes.
create table decision_state (
  decision integer primary key references decision,
  state    text not null check (state in ('waiting', 'ready', 'entered', 'refused', 'void')),
  entry    integer references entry
) strict;
create index decision_ready on decision_state (state);

create table intent (
  id          integer primary key,
  act         text not null check (act in ('hide', 'remove', 'restore', 'reply')),
  case_id     integer not null references case_file,
  comment     integer not null references comment,
  record      text not null references record,
  decision    integer not null references decision,
  rule        text,                            -- set for automatic acts: what the brake counts
  entry       integer not null unique references entry,
  created_at  text not null,
  state       text not null check (state in ('pending', 'accepted', 'final')),
  acts        integer not null default 0,      -- requests sent; at most three
  next_at     text not null,                   -- when to look or act next
  accepted_at text,
  looks       integer not null default 0,      -- second looks done
  last_error  text
) strict;
create index intent_open on intent (state, next_at);
create index intent_by_case on intent (case_id);

create table receipt (
  intent integer primary key references intent,
  entry  integer not null unique references entry,
  kind   text not null,
  at     text not null
) strict;
create trigger receipt_no_update before update on receipt begin select raise(abort, 'a receipt is never changed'); end;
create trigger receipt_no_delete before delete on receipt begin select raise(abort, 'a receipt is never removed'); end;

-- The brake: latches until a named person releases it.
create table brake (
  id          integer primary key,
  rule        text not null,                   -- a rule id, or 'all'
  tripped_at  text not null,
  why         text not null,
  by_person   text,                            -- set when a person stopped it
  released_at text,
  released_by text,
  reason      text
) strict;

create table duty (
  id         integer primary key,
  kind       text not null,
  case_id    integer references case_file,
  account    text not null,
  post_id    text,                             -- set for thread duties
  trigger_at text not null,
  found_at   text not null,                    -- when Uppsikt saw it: late discovery is told apart from late answer
  due_at     text not null,
  explain    text not null,                    -- JSON: the reckoning in Swedish
  state      text not null check (state in ('running', 'warned', 'overdue', 'closed', 'superseded')),
  rung       text,                             -- the highest rung sent
  turn       integer not null default 0,       -- urgent: the last repeat sent; threads: how often the due time moved
  outcome    text,
  closed_at  text,
  closed_by  text,
  thread     integer references duty,          -- the thread duty that carries this one
  acknowledged_at text,                        -- danger: somebody has read it and acts; the reminders stop
  acknowledged_by text
) strict;
create index duty_by_case on duty (case_id);
create unique index duty_once on duty (kind, case_id) where case_id is not null and state in ('running', 'warned', 'overdue');
create index duty_open on duty (state, due_at);
create index duty_by_thread on duty (thread) where thread is not null;

create table letter (
  id         integer primary key,
  message_id text not null unique,
  person     text not null,
  kind       text not null,
  created_at text not null,
  send_after text not null,
  content    text not null,                    -- JSON: what it is about; rendered anew when sent
  state      text not null check (state in ('queued', 'sent', 'superseded', 'refused')),
  attempts   integer not null default 0,
  perhaps    integer not null default 0,       -- the server may have it: its answer was lost
  last_error text,
  sent_at    text
) strict;
create index letter_queue on letter (state, send_after);
create index letter_by_person on letter (person, sent_at);

create table letter_duty (
  letter integer not null references letter,
  duty   integer not null references duty,
  rung   text not null,
  person text not null,
  turn   integer not null default 0,           -- the duty's turn when it was queued
  primary key (letter, duty),
  unique (duty, rung, person, turn)
) strict, without rowid;

-- Things done once a day or once ever, by name: daily summaries, the registrar's letter, first-night letters.
create table done (name text primary key, at text not null) strict, without rowid;
