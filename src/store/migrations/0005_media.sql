-- Pictures, films and sounds beside a comment: nothing is fetched before a person has looked (N6, L12).

-- Why a version was stored: another text or attachment, or what a person said of the pictures beside the same text.
alter table version add column why text not null default 'text';

create table media_review (
  id         integer primary key,
  version    integer not null unique references version, -- the version whose attachments were looked at
  person     text not null,
  os_user    text not null,                    -- the operating-system account, or 'desk'
  at         text not null,
  answer     text not null check (answer in ('fetch', 'unavailable', 'child_abuse')),
  reason     text not null,                    -- why nothing is kept; empty while something may be
  made       integer references version,       -- the version that holds what came of it; null while fetching
  attempts   integer not null default 0,
  next_at    text not null
) strict;
create index media_review_open on media_review (next_at) where made is null;

-- What was kept beside a version; with its record's row it determines the pack.
create table capture (
  version integer not null references version,
  path    text not null,                       -- below data/ in pack and bag
  bytes   blob not null,
  sha256  text not null,                       -- hex
  kind    text not null,                       -- as its server said, or by its first bytes
  source  text not null check (source in ('fetched', 'uploaded')),
  url     text not null,                       -- free of secrets; empty for what a person uploaded
  at      text not null,
  primary key (version, path)
) strict, without rowid;
create trigger capture_fixed before update on capture
begin select raise(abort, 'what was captured is never changed'); end;

-- Records that nobody may open, export or copy until the police have answered (L12).
create table blocked (
  record text primary key references record,
  at     text not null,
  person text not null
) strict, without rowid;
