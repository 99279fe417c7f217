create transient table if not exists raw.shop_products (
    product_id varchar not null,
    name varchar not null,
    price decimal(12, 2) not null,
    stock integer,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.shop_products is 'One row per product of the partner shops and state of it: a new row when its price or stock has changed.';
