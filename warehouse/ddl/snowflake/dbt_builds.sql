create transient table if not exists raw.dbt_builds (
    invocation_id varchar not null,
    command varchar not null,
    is_whole boolean not null,
    status varchar not null,
    recorded_at timestamp_ntz not null
);
comment on table raw.dbt_builds is 'One row per dbt command at its start and one at its end: publishing waits for a whole build that passed.';
