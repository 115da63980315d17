-- Key pairs that are being made in the token. A row goes in the transaction that records its key; one that stays was
-- left by a crash, and whatever the token has under its id is removed.
create table key_making (
    id uuid primary key,
    begun_time timestamptz not null
);
create index key_making_begun on key_making (begun_time);
