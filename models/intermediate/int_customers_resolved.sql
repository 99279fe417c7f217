with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

pepper as (

    select * from {{ ref('stg_warehouse__pepper') }}

),

written as (

    select
        order_id,
        load_seq,
        load_line,
        lower(customer_name) as customer_name,
        -- 50667 is Cologne's and the Manche's: one name there is not one person.
        case
            when upper(country) in ('FR', 'FRANCE') then postcode
            else coalesce(upper(country) || ' ', '') || postcode
        end as postcode,
        -- "n/a" is not an e-mail that people share.
        case when email like '%_@_%' then lower(email) end as email,
        {{ digits_only("replace(phone, '(0)', '')") }} as phone_digits
    from order_units

),

normalised as (

    select
        order_id,
        load_seq,
        load_line,
        customer_name,
        postcode,
        email,
        -- +33 6 and 0033 6 are the international forms of 06; "0" is nobody's number.
        case
            when left(phone_digits, 4) = '0033' then '0' || substr(phone_digits, 5)
            when left(phone_digits, 2) = '33' and length(phone_digits) = 11
                then '0' || substr(phone_digits, 3)
            when length(phone_digits) >= 9 and ltrim(phone_digits, '0') <> ''
                then phone_digits
        end as phone
    from written

),

buyers as (

    -- One buyer per order: the line that tells most about her, then the latest.
    select * from normalised
    qualify
        row_number() over (
            partition by order_id
            order by
                case when email is not null then 0 else 1 end,
                case when phone is not null then 0 else 1 end,
                case when customer_name is not null then 0 else 1 end,
                case when postcode is not null then 0 else 1 end,
                load_seq desc,
                load_line desc
        ) = 1

),

emails_by_phone as (

    -- A shared phone does not make two names one customer, and two e-mails on one phone
    -- are not guessed between.
    select
        phone,
        customer_name,
        min(email) as known_email
    from buyers
    where phone is not null and customer_name is not null
    group by phone, customer_name
    having min(email) = max(email)

),

with_email as (

    select
        buyers.order_id,
        buyers.customer_name,
        buyers.postcode,
        buyers.phone,
        coalesce(buyers.email, emails_by_phone.known_email) as email
    from buyers
    left join emails_by_phone
        on
            buyers.phone = emails_by_phone.phone
            and buyers.customer_name = emails_by_phone.customer_name

),

known_by_place as (

    -- One name in one postcode may be two people: when it has two e-mails, or an e-mail
    -- with a phone beside another phone without, neither is chosen.
    select
        customer_name,
        postcode,
        case
            when
                min(email) = max(email)
                and (
                    count(case when email is null then phone end) = 0
                    or (
                        count(case when email is not null then phone end) = 0
                        and min(phone) = max(phone)
                    )
                )
                then min(email)
        end as known_email,
        case when min(phone) = max(phone) then min(phone) end as known_phone
    from with_email
    where customer_name is not null and postcode is not null
    group by customer_name, postcode

),

identified as (

    select
        with_email.order_id,
        coalesce(with_email.email, known_by_place.known_email) as email,
        coalesce(with_email.phone, known_by_place.known_phone) as phone,
        with_email.customer_name,
        with_email.postcode
    from with_email
    left join known_by_place
        on
            with_email.customer_name = known_by_place.customer_name
            and with_email.postcode = known_by_place.postcode

),

resolved as (

    select
        identified.order_id,
        case
            when identified.email is not null
                then {{ keyed_hash('pepper.pepper', "'email|' || identified.email") }}
            when identified.phone is not null
                then {{ keyed_hash(
                    'pepper.pepper',
                    "'phone|' || identified.phone || '|' || coalesce(identified.customer_name, '')"
                ) }}
            when identified.customer_name is not null and identified.postcode is not null
                then {{ keyed_hash(
                    'pepper.pepper',
                    "'name|' || identified.customer_name || '|' || identified.postcode"
                ) }}
            else 'unknown'
        end as customer_id
    from identified
    cross join pepper

)

select * from resolved
