-- What outsiders say of the log: time-stamps (RFC 3161) and cosignatures of witnesses (c2sp.org/tlog-witness). The
-- files below archive/anchors are made of these rows.

create table stamp (
  id         integer primary key,
  size       integer not null,                 -- how many entries the stamped checkpoint covers
  checkpoint text not null,                    -- the stamped bytes: the checkpoint before any cosignature
  authority  text not null,                    -- its id in the configuration then
  reply      blob not null,                    -- as it came
  chain      text not null,                    -- PEM: the certificates in it, and those that were trusted
  at         text not null,                    -- what the authority says the time was
  expires    text not null,                    -- when its certificate does
  received   text not null                     -- our clock
) strict;
create index stamp_by_size on stamp (size);
create index stamp_by_authority on stamp (authority, id);
create trigger stamp_fixed before update on stamp
begin select raise(abort, 'evidence is append-only'); end;
create trigger stamp_stays before delete on stamp
begin select raise(abort, 'evidence is append-only'); end;

create table cosignature (
  id         integer primary key,
  size       integer not null,
  checkpoint text not null,                    -- as above
  witness    text not null,                    -- its id in the configuration then
  vkey       text not null,                    -- the key that the line verifies with
  line       text not null,                    -- with its line feed
  at         text not null,                    -- what the witness says the time was
  received   text not null,
  unique (checkpoint, vkey)
) strict;
create index cosignature_by_witness on cosignature (witness, id);
create trigger cosignature_fixed before update on cosignature
begin select raise(abort, 'evidence is append-only'); end;
create trigger cosignature_stays before delete on cosignature
begin select raise(abort, 'evidence is append-only'); end;

-- How asking each of them went last; gone when it goes well.
create table anchor_fault (
  name     text primary key,                   -- timestamp:<id> or witness:<id>
  since    text not null,
  last     text not null,
  times    integer not null,
  lie      integer not null,                   -- 1: it answered, and what it said is not true
  why      text not null
) strict;
