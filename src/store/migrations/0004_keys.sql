-- What is known of the keys to the platforms. Never a key itself: those are files.
create table key_state (
  account text primary key,
  doc     text not null                        -- JSON: domain::key::Key
) strict;

-- What a person found by hand or a visitor told of (R10, R11): the comment's element holds all of it.
create table intake (
  comment  integer primary key references comment,
  platform text not null,                      -- any word
  found_by text,                               -- person id; null for a visitor's tip
  at       text not null,                      -- when it was found, or the tip came
  os_user  text not null
) strict;

-- A text may go where a platform's terms and a decision say so; it is never changed into another.
drop trigger version_fixed;
create trigger version_fixed before update of comment, n, seen_at, text, attachments, element, salt on version
when not (new.comment = old.comment and new.n = old.n and new.seen_at = old.seen_at and new.salt = old.salt
          and new.attachments = old.attachments and new.text = '' and new.element = x'')
begin select raise(abort, 'a stored version is never changed'); end;

-- Of a text that went: how it is known when the platform lists it again.
create table purged (
  version integer primary key references version on delete cascade,
  digest  text not null                        -- SHA-256 of salt and text, hexadecimal
) strict;
create index version_by_age on version (seen_at);
