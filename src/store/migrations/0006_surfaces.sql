-- What no API shows a person looks at (N13); what the municipality wrote itself is kept with its changes (N26).

create table hand_check (
  id      integer primary key,
  account text not null,
  day     text not null,                       -- Stockholm
  surface text not null,                       -- its name in Swedish
  at      text not null,
  person  text not null,
  os_user text not null,                       -- the operating-system account, or 'desk'
  found   integer not null,                    -- comments that were found there and must be entered by hand
  unique (account, day, surface)
) strict;
create trigger hand_check_fixed before update on hand_check
begin select raise(abort, 'a tick is never changed'); end;
create trigger hand_check_kept before delete on hand_check
begin select raise(abort, 'a tick is never removed'); end;

-- Every text a post of the municipality has had, with the exact bytes of its element.
create table post_version (
  id      integer primary key,
  post    integer not null references post,
  n       integer not null,                    -- 1, 2, …
  seen_at text not null,
  text    text not null,
  element blob not null,
  unique (post, n)
) strict;
create trigger post_version_fixed before update on post_version
begin select raise(abort, 'a stored version is never changed'); end;

-- When the sweep that last listed the post began, and since when it has been looked for in vain.
alter table post add column listed_at text;
alter table post add column gone_at text;
