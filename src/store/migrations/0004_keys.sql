-- What is known of the keys to the platforms. Never a key itself: those are files.
create table key_state (
  account text primary key,
  doc     text not null                        -- JSON: domain::key::Key
) strict;
