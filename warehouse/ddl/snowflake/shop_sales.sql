create transient table if not exists raw.shop_sales (
    sale_id varchar,
    date date not null,
    product varchar not null,
    store varchar not null,
    quantity integer not null,
    _copy integer not null,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.shop_sales is 'One row per sale of a partner shop, every version of it; without a sale id, _copy tells equal lines apart.';
