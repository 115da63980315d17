-- Which head was told last, so that one instance tells each once.
alter table audit_head
    add column told_seq bigint      not null default 0,
    add column told_at  timestamptz not null default '-infinity';
