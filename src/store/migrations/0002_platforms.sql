-- What six platforms need beyond the first two.

-- What kind of utterance it is (R6): comment | visitor_post | message.
alter table comment add column kind text not null default 'comment';

create index intent_by_comment on intent (comment, id);
