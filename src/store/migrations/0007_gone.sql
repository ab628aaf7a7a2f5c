-- Posts that are no longer there, and texts that went because a platform's terms and a decision say so.

-- When a post that a sweep did not list was last looked at by itself.
alter table post add column looked_at text;

-- One emptying of texts: what the log's entry commits to. The salt makes the commitment tell nothing by itself.
create table purge (
  entry   integer primary key references entry,
  account text not null,
  at      text not null,
  doc     text not null,                       -- JSON: rule, decision, and the versions with their digests
  salt    blob not null
) strict;
alter table purged add column entry integer references purge;
create trigger purge_fixed before update on purge
begin select raise(abort, 'what an entry commits to is never changed'); end;
create trigger purge_kept before delete on purge
begin select raise(abort, 'what an entry commits to is never removed'); end;
