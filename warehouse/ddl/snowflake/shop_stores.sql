create transient table if not exists raw.shop_stores (
    store_id varchar not null,
    city varchar not null,
    region varchar,
    employees integer,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.shop_stores is 'One row per partner shop and state of it: a new row when something has changed.';
