-- The platform itself holds the comment back, as its own lists say: its filter, and no person, took it away.
alter table sighting add column held integer not null default 0;
