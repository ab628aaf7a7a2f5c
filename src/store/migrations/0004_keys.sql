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
