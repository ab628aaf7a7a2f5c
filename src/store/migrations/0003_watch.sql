-- Budgets that survive restarts, and what is needed to say when an account was not seen.

-- What one key, app or address has spent, and what the platform said of it (JSON, `connector::budget::State`).
create table budget (id text primary key, state text not null) strict, without rowid;

alter table account_state add column seen_until text;                      -- the beginning of the last successful poll
alter table account_state add column late_at text;                         -- read later than this, it was blind
alter table account_state add column failures integer not null default 0;  -- polls that failed in a row
alter table account_state add column dead_key integer not null default 0;  -- the platform does not take the key
alter table account_state add column poll_began text;                      -- a poll runs, or died with the process
alter table account_state add column surge_until text;                     -- read faster until then
alter table account_state add column slow text;                            -- why it is read more rarely, in Swedish
alter table account_state add column cost text;                            -- JSON: units a poll by quota

alter table poll add column late_at text;  -- the next one by the schedule then in force, and some patience
alter table poll add column slow text;     -- why the next one comes later than by the schedule, in Swedish
alter table poll add column cost text;     -- JSON: units spent by quota

update account_state set seen_until =
    (select max(started_at) from poll where poll.account = account_state.account and outcome = 'ok');
create index poll_ok on poll (account, outcome, started_at);
create index poll_by_time on poll (started_at);

-- Times during which an account was not read. What was written then was found late, or never.
create table blind_time (
  id      integer primary key,
  account text not null,
  from_at text not null,                       -- seen until here
  to_at   text,                                -- read again; null while it lasts
  reason  text not null
) strict;
create index blind_by_account on blind_time (account, from_at);
create unique index blind_once on blind_time (account) where to_at is null;

-- How many comments the platform says stand under a post, and how far that is from what Uppsikt knows.
create table post_total (
  account   text not null,
  native_id text not null,
  told      integer not null,
  told_at   text not null,                     -- the sweep in which it was told
  off       integer not null default 0,        -- what nothing explains: more at the platform, or (negative) fewer
  because   text not null default '[]',        -- JSON: what explains the rest, in Swedish
  sweeps    integer not null default 0,        -- sweeps in a row in which it was off to the same side
  reported  integer not null default 0,        -- the difference that a person was told of
  primary key (account, native_id)
) strict, without rowid;
