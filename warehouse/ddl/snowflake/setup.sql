-- Makes ready what this project needs in a Snowflake account. Run all of it, as a user with the
-- role ACCOUNTADMIN: in a worksheet, or with `snow sql --filename setup.sql`. Safe to run again.
-- Every edition of Snowflake will do. Masking needs Enterprise: it stands in masking.sql.
--
-- Database, warehouse, monitor and both users are called after KSCM. For another name replace
-- that word in this file and in masking.sql, and set SNOWFLAKE_DATABASE and SNOWFLAKE_WAREHOUSE.
-- The roles belong to the account: where LOADER, TRANSFORMER or REPORTER are taken, replace them
-- in both files too, and set SNOWFLAKE_LOADER_ROLE and SNOWFLAKE_ROLE.
--
-- Who may do what:
--
--   role          warehouse  raw                      staging, intermediate  marts, reference
--   LOADER        use        makes and fills tables
--   TRANSFORMER   use        reads, notes its builds  makes everything       makes everything
--   REPORTER      use                                                        reads
--
-- All schemas have managed access: who makes a table owns it, and may still grant it to nobody.

-- Roles and service users -------------------------------------------------------------------

use role useradmin;

create role if not exists loader
    comment = 'Fills the raw tables of KSCM from the landing files, and sees nothing else.';
create role if not exists transformer
    comment = 'Runs dbt in KSCM: reads raw, makes staging, intermediate, marts and reference.';
create role if not exists reporter
    comment = 'Reads the marts and the reference tables of KSCM: no personal data.';

-- Administrators look after what these roles own.
grant role loader to role sysadmin;
grant role transformer to role sysadmin;
grant role reporter to role sysadmin;

-- A service user has no password and can have none: a key alone opens. It gets its public key
-- afterwards, so that none stands here (docs/snowflake.md, steps 2 and 4).
create user if not exists kscm_loader
    type = service
    default_role = loader
    default_warehouse = kscm
    comment = 'The program that loads landing files: python -m warehouse load --target snowflake.';
create user if not exists kscm_dbt
    type = service
    default_role = transformer
    default_warehouse = kscm
    comment = 'The program that builds the models: dbt build --target snowflake.';

grant role loader to user kscm_loader;
grant role transformer to user kscm_dbt;
-- For each person or dashboard that asks questions: grant role reporter to user ...
--
-- A stolen key is of no use elsewhere where these two users may come from your machines alone.
-- With your addresses in the place of 192.0.2.0/24, as ACCOUNTADMIN:
--
--   create network policy kscm_machines allowed_ip_list = ('192.0.2.0/24')
--   alter user kscm_loader set network_policy = kscm_machines
--   alter user kscm_dbt set network_policy = kscm_machines

-- Warehouse and its limit -------------------------------------------------------------------

use role sysadmin;

create warehouse if not exists kscm
    warehouse_size = xsmall
    auto_suspend = 60
    auto_resume = true
    initially_suspended = true
    statement_timeout_in_seconds = 3600
    statement_queued_timeout_in_seconds = 600
    comment = 'Loads, builds and answers for KSCM. Sleeps after a minute without work.';

use role accountadmin;

create resource monitor if not exists kscm with
    credit_quota = 20
    frequency = monthly
    start_timestamp = immediately
    triggers
        on 75 percent do notify
        on 100 percent do suspend
        on 110 percent do suspend_immediate;
alter warehouse kscm set resource_monitor = kscm;

-- Database, schemas, and where lines land ---------------------------------------------------

use role sysadmin;
use warehouse kscm;

create database if not exists kscm
    data_retention_time_in_days = 1
    comment = 'The sales history of KSCM, from the landing files to the answers.';

create schema if not exists kscm.raw
    comment = 'Records as they came, and the books of the loader. Holds personal data.';
create schema if not exists kscm.staging
    comment = 'Records renamed, cast and parsed by dbt. Holds personal data.';
create schema if not exists kscm.intermediate
    comment = 'Steps between staging and marts, made by dbt. Holds personal data.';
create schema if not exists kscm.marts
    comment = 'The star and the answers, made by dbt. No personal data: customers are pseudonyms.';
create schema if not exists kscm.reference
    comment = 'Lookups that exist in no source, from seeds/.';

-- To enable it takes the ownership and the right to manage grants: this role has both.
use role accountadmin;

alter schema kscm.raw enable managed access;
alter schema kscm.staging enable managed access;
alter schema kscm.intermediate enable managed access;
alter schema kscm.marts enable managed access;
alter schema kscm.reference enable managed access;

use role sysadmin;

create file format if not exists kscm.raw.ndjson
    type = json
    compression = auto
    strip_outer_array = false
    comment = 'One JSON record per line.';
create stage if not exists kscm.raw.landing
    file_format = (format_name = 'kscm.raw.ndjson')
    comment = 'Settled lines on their way in. Emptied by the loader.';
create transient table if not exists kscm.raw.load_turn (
    taken_at timestamp_ntz not null
)
    data_retention_time_in_days = 0
    comment = 'One row: a load updates it first, so that another one waits for its commit.';
insert into kscm.raw.load_turn (taken_at)
    select '1970-01-01'::timestamp_ntz
    where not exists (select 1 from kscm.raw.load_turn);

-- What each role may do ---------------------------------------------------------------------

use role securityadmin;

grant usage on warehouse kscm to role loader;
grant usage on warehouse kscm to role transformer;
grant usage on warehouse kscm to role reporter;
grant usage on database kscm to role loader;
grant usage on database kscm to role transformer;
grant usage on database kscm to role reporter;

-- LOADER makes the raw tables and so owns them, and in its session one table to land records in.
-- The stage and the turn it only uses.
grant usage, create table on schema kscm.raw to role loader;
grant usage on file format kscm.raw.ndjson to role loader;
grant read, write on stage kscm.raw.landing to role loader;
grant select, update on table kscm.raw.load_turn to role loader;

-- TRANSFORMER reads the raw tables, made from here on, and writes into one of them: so this one
-- is made now, and by its owner. Its text is that of dbt_builds.sql.
grant usage on schema kscm.raw to role transformer;
grant select on future tables in schema kscm.raw to role transformer;

use role loader;

create transient table if not exists kscm.raw.dbt_builds (
    invocation_id varchar not null,
    command varchar not null,
    is_whole boolean not null,
    status varchar not null,
    recorded_at timestamp_ntz not null
);
comment on table kscm.raw.dbt_builds is 'One row per dbt command at its start and one at its end: publishing waits for a whole build that passed.';

use role securityadmin;

grant select, insert on table kscm.raw.dbt_builds to role transformer;
grant usage, create table, create view on schema kscm.staging to role transformer;
grant usage, create table, create view on schema kscm.intermediate to role transformer;
grant usage, create table, create view on schema kscm.marts to role transformer;
grant usage, create table, create view on schema kscm.reference to role transformer;

-- REPORTER reads what dbt makes there, also after it was made anew.
grant usage on schema kscm.marts to role reporter;
grant select on future tables in schema kscm.marts to role reporter;
grant select on future views in schema kscm.marts to role reporter;
grant usage on schema kscm.reference to role reporter;
grant select on future tables in schema kscm.reference to role reporter;
