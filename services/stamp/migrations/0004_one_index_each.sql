-- Every look-up has one index it can use, so that no plan can choose another: one that begins at the tenant looks as good
-- as any while the table is small and without statistics, and a plan chosen then is kept while the table grows.
alter table certificate
    drop constraint certificate_tenant_certificate_id_registry_key,
    add unique (certificate_id, registry, tenant);
drop index certificate_recipient;
create index certificate_recipient on certificate (recipient_id, tenant, row_id);
