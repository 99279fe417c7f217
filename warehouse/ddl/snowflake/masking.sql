-- Written by `python -m warehouse.masking` from the fields that warehouse/feeds.py marks as
-- personal: change them there, and write this file anew.
--
-- Shows what holds a person to LOADER and TRANSFORMER alone. Everybody else reads '***' or null,
-- administrators too, until they say `use role transformer`: what counts is the role in use, not
-- those that it inherits. Needs Snowflake's Enterprise edition; on Standard it is setup.sql that
-- keeps everybody else out of these schemas, and it does so here too.
--
-- Run all of it as ACCOUNTADMIN when the raw tables are there, before anything is loaded into
-- them, and again whenever raw tables were made anew. Safe to run again.

use role accountadmin;

create schema if not exists kscm.governance
    comment = 'What holds persons, and who may see it.';
alter schema kscm.governance enable managed access;
create tag if not exists kscm.governance.personal
    comment = 'Holds a person, or what gives her away: masked for all but LOADER and TRANSFORMER.';
create masking policy if not exists kscm.governance.personal_text
    as (held varchar) returns varchar ->
    case when current_role() in ('LOADER', 'TRANSFORMER') then held else '***' end;
create masking policy if not exists kscm.governance.personal_record
    as (held variant) returns variant ->
    case when current_role() in ('LOADER', 'TRANSFORMER') then held else null end;
alter tag kscm.governance.personal set
    masking policy kscm.governance.personal_text,
    masking policy kscm.governance.personal_record
    force;

alter table kscm.raw.client_support_orders modify column name
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.client_support_orders modify column address
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.client_support_orders modify column phone
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.client_support_orders modify column email
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.client_support_orders modify column emergency_contact
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.till_acts modify column payload
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.web_order_lines modify column customerid
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.load_rejects modify column raw
    set tag kscm.governance.personal = 'yes';
alter table kscm.raw.pepper modify column pepper
    set tag kscm.governance.personal = 'yes';

-- dbt makes its tables anew at each build. A policy that is set on a column afterwards leaves it
-- bare until then; a tag on the schema covers each table and view from its first moment. It
-- covers all their texts: nobody else has business there.
alter schema kscm.staging set tag kscm.governance.personal = 'yes';
alter schema kscm.intermediate set tag kscm.governance.personal = 'yes';
