create transient table if not exists raw.till_acts (
    act_id varchar not null,
    kind varchar not null,
    time timestamp_ntz not null,
    payload variant not null,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.till_acts is 'One row per act of a console, every version of it, as it came.';
