-- How the answer of a single look travelled, free of secrets (JSON); null for a stored element, and for every record
-- of before.
alter table record add column exchange text;
