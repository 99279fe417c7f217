create transient table if not exists raw.stock_movements (
    movement_id varchar not null,
    sku varchar not null,
    location_id varchar not null,
    kind varchar not null,
    quantity integer not null,
    moved_at timestamp_ntz not null,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.stock_movements is 'One row per movement of stock, every version of it, as it came.';
