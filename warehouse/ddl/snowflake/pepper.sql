create transient table if not exists raw.pepper (
    pepper varchar not null
);
comment on table raw.pepper is 'One row: the secret that pseudonyms are made with. Never published.';
