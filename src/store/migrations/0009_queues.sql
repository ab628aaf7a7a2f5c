-- A pass reads what is due and not everything there is: what must be judged, and what may have to be preserved, is
-- queued as it comes.

-- The newest version of a comment, until it is judged.
create table to_judge (version integer primary key references version on delete cascade) strict;
insert into to_judge
  select v.id from version v left join assessment a on a.version = v.id
  where a.version is null and v.n = (select max(n) from version where comment = v.comment);
create trigger version_to_judge after insert on version begin
  delete from to_judge where version in (select id from version where comment = new.comment and n < new.n);
  insert into to_judge values (new.id);
end;
create trigger assessment_judged after insert on assessment begin
  delete from to_judge where version = new.version;
end;

-- Comments of cases of which something has changed since it was last seen that nothing of them is to be preserved.
create table to_preserve (comment integer primary key references comment on delete cascade) strict;
insert into to_preserve select comment from case_file;
create trigger case_to_preserve after insert on case_file begin
  insert or ignore into to_preserve values (new.comment);
end;
create trigger case_state_to_preserve after update of state on case_file begin
  insert or ignore into to_preserve values (new.comment);
end;
create trigger version_to_preserve after insert on version begin
  insert or ignore into to_preserve select comment from case_file where comment = new.comment;
end;
create trigger assessment_to_preserve after insert on assessment begin
  insert or ignore into to_preserve
    select k.comment from version v join case_file k on k.comment = v.comment where v.id = new.version;
end;
create trigger sighting_to_preserve after insert on sighting when new.source = 'outside' begin
  insert or ignore into to_preserve select comment from case_file where comment = new.comment;
end;
create trigger intake_to_preserve after insert on intake begin
  insert or ignore into to_preserve select comment from case_file where comment = new.comment;
end;

-- What waits is little; what was done is everything else.
create index record_sealing on record (comment) where state = 'sealing';
create index intent_unsettled on intent (next_at) where state <> 'final';
create index decision_restore on decision (case_id) where outcome = 'restore';
