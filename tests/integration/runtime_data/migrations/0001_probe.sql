create table thing (id text primary key, version bigint not null);
-- No unique constraint: a doubled effect must be seen, not refused.
create table effect (event_id uuid not null, thing text not null, version bigint not null,
                     position bigint generated always as identity);
