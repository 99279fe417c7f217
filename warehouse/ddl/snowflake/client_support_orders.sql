create transient table if not exists raw.client_support_orders (
    txid varchar not null,
    rfid varchar not null,
    item varchar not null,
    purchase_time timestamp_ntz not null,
    name varchar,
    address variant,
    phone varchar,
    email varchar,
    emergency_contact variant,
    expiration_time date,
    days integer,
    unit_price decimal(12, 2),
    discount decimal(12, 2),
    channel varchar,
    store_id varchar,
    _file varchar not null,
    _line bigint not null,
    _load_seq bigint not null,
    _loaded_at timestamp_ntz not null
);
comment on table raw.client_support_orders is 'One row per unit line received from a till, every version of it, as it came.';
