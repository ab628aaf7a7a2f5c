-- What a judgement rests on, kept so that it can be made again years later; and what is alike.

-- Every rule set that has judged something: the files, as they were read.
create table rule_set (
  version text primary key,                    -- its hash, without the model's
  kept_at text not null,
  files   text not null                        -- JSON: [{own, name, text}]
) strict, without rowid;
create trigger rule_set_fixed before update on rule_set
begin select raise(abort, 'a rule set is never changed'); end;

create table language_model (
  hash    text primary key,                    -- the first eight of its hash, as versions name it
  kept_at text not null,
  bytes   blob not null
) strict, without rowid;
create trigger language_model_fixed before update on language_model
begin select raise(abort, 'a model is never changed'); end;

-- Rules, guideline and program together.
create table basis (
  id       integer primary key,
  rules    text not null,                      -- the version with the model's hash
  program  text not null,
  profile  text not null,                      -- the guideline's name
  policies text not null,                      -- JSON: what each category led to, paragraph and law
  from_at  text not null,
  unique (rules, program, profile, policies)
) strict;
create trigger basis_fixed before update on basis
begin select raise(abort, 'what was judged by is never changed'); end;

alter table assessment add column basis integer references basis;
alter table assessment add column notes text not null default '{}'; -- JSON: on trial, context, wave; no text
create index assessment_noted on assessment (at) where notes <> '{}';

-- Sketches of texts, to find their likes for some days: nothing that can be read.
create table text_band (
  band    integer not null,
  hash    integer not null,
  version integer not null references version on delete cascade,
  at      text not null,
  primary key (band, hash, version)
) strict, without rowid;
create index text_band_by_time on text_band (at);

-- The comments of a thread before one, newest first.
create index comment_in_thread on comment (account, post_id, id);
