-- What makes a step of a certificate cheap, and keeps it so however many are stored.

-- A step rewrites the certificate's row within its page and touches no index: no index may name a column that a step
-- changes. What indexes need to know of the state is derived, and changes only when a certificate leaves the usual way.
drop index certificate_measurement, certificate_due, certificate_under_way, certificate_trouble, certificate_undelivered;
alter table certificate
    add column void boolean not null generated always as (state in ('FAILED', 'WITHDRAWN')) stored,
    add column trouble text generated always as (case when state in ('STUCK', 'FAILED') then state end) stored,
    add column undeliverable boolean not null generated always as (delivery = 'UNDELIVERABLE') stored,
    -- room in each page for the next versions of its rows
    set (fillfactor = 50);
create unique index certificate_measurement on certificate (tenant, metering_point_id, start_time, end_time)
    where not void;
create index certificate_trouble on certificate (tenant, trouble, row_id) where trouble is not null;
create index certificate_undeliverable on certificate (tenant, row_id) where undeliverable;

-- When a sweeper looks at a certificate. certificate.due_time may have been put off since; the sweeper follows then.
create table certificate_due (
    row_id bigint primary key,
    due_time timestamptz not null
);
create index certificate_due_time on certificate_due (due_time);
insert into certificate_due select row_id, due_time from certificate where due_time is not null;

-- History and transactions are only ever written by statements that hold the certificate's row in hand, and certificates
-- are never deleted: checking the references again, seven times a certificate, took a tenth of the database's time.
alter table certificate_history drop constraint certificate_history_row_id_fkey;
alter table submission drop constraint submission_row_id_fkey;
