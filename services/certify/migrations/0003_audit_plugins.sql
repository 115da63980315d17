-- How far each audit plugin has been told of the audit log.
create table audit_follower (
    plugin text primary key,
    seq bigint not null
);
