-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

written as (

    select distinct
        customer_name,
        email,
        phone,
        postcode,
        country,
        {{ digits_only("replace(phone, '(0)', '')") }} as phone_digits
    from order_units

),

national as (

    -- +33 6, 0033 6 and 33 06 are 06.
    select
        *,
        {{ fold_text('customer_name') }} as folded_name,
        case
            when left(phone_digits, 4) = '0033'
                then '0' || ltrim(substr(phone_digits, 5), '0')
            when left(phone_digits, 2) = '33' and length(phone_digits) in (11, 12)
                then '0' || ltrim(substr(phone_digits, 3), '0')
            else phone_digits
        end as national_phone
    from written

),

normalised as (

    -- "n/a" is not an e-mail that people share, "0" is nobody's number, "Client" nobody's
    -- name. 50667 is Cologne's and the Manche's.
    select
        customer_name as written_name,
        email as written_email,
        phone as written_phone,
        postcode as written_postcode,
        country as written_country,
        case
            when
                length(trim(folded_name)) > 1
                and folded_name not in (
                    'n/a', 'na', 'none', 'null', 'unknown', 'inconnu', 'anonyme',
                    'anonymous', 'client', 'cliente', 'customer', 'test', 'xx', 'xxx'
                )
                then folded_name
        end as person,
        case when email like '%_@_%' then lower(email) end as email,
        case
            when length(national_phone) >= 9 and ltrim(national_phone, '0') <> ''
                then national_phone
        end as phone,
        case
            when upper(country) in ('FR', 'FRANCE') then postcode
            else coalesce(upper(country) || ' ', '') || postcode
        end as place
    from national

),

shared_emails as (

    -- The shop's own address, typed in for whoever has none: five names with five phones or
    -- homes are not one person who is spelled in five ways.
    select email
    from normalised
    where email is not null
    group by email
    having count(distinct person) >= 5 and count(distinct coalesce(phone, place)) >= 5

),

names_by_phone as (

    select
        phone,
        min(person) as only_person
    from normalised
    where phone is not null
    group by phone
    having min(person) = max(person)

),

known as (

    -- A phone without a name is its owner's, where only one name is known for it.
    select
        normalised.written_name,
        normalised.written_email,
        normalised.written_phone,
        normalised.written_postcode,
        normalised.written_country,
        normalised.phone,
        normalised.place,
        case when shared_emails.email is null then normalised.email end as email,
        coalesce(normalised.person, names_by_phone.only_person) as person
    from normalised
    left join shared_emails on normalised.email = shared_emails.email
    left join names_by_phone on normalised.phone = names_by_phone.phone

),

identities as (

    -- What somebody wrote about herself, the most telling first. A name alone is nobody.
    select
        *,
        row_number() over (
            order by
                email asc nulls last,
                phone asc nulls last,
                case when place is not null then person end asc nulls last,
                place asc nulls last,
                person asc nulls last,
                written_name asc nulls last,
                written_email asc nulls last,
                written_phone asc nulls last,
                written_postcode asc nulls last,
                written_country asc nulls last
        ) as identity_id,
        email is not null
        or phone is not null
        or (person is not null and place is not null) as is_telling,
        min(email) over (partition by phone, person) as first_email,
        max(email) over (partition by phone, person) as last_email
    from known

),

keyed as (

    -- One phone and one name with two e-mails: her new address, or a namesake who got her
    -- number. Only who also lives in the same place is the same.
    select
        *,
        case
            when person is null then phone
            when first_email is null or first_email = last_email then phone || '|' || person
            else phone || '|' || person || '|' || coalesce(place, '')
        end as phone_key,
        person || '|' || place as place_key
    from identities
    where is_telling

),

contacts_0 as (

    select
        identity_id,
        email,
        phone_key,
        identity_id as label
    from keyed

),
{% for round in range(1, 6) %}
contacts_{{ round }} as (

    {{ labels_joined(
        'contacts_' ~ (round - 1), ['identity_id', 'email', 'phone_key'], ['email', 'phone_key']
    ) }}

),
{% endfor %}
contacts as (

    select
        keyed.identity_id,
        keyed.place_key,
        contacts_5.label,
        max(keyed.email) over (partition by contacts_5.label) is not null as has_email,
        max(keyed.phone) over (partition by contacts_5.label) is not null as has_phone
    from keyed
    inner join contacts_5 on keyed.identity_id = contacts_5.identity_id

),

namesakes as (

    -- One name in one place is one person, unless two e-mails or two phones there belong
    -- to different people.
    select place_key
    from contacts
    where place_key is not null
    group by place_key
    having
        count(distinct case when has_email then label end) <= 1
        and count(distinct case when has_phone then label end) <= 1

),

places_0 as (

    select
        contacts.identity_id,
        namesakes.place_key,
        contacts.label
    from contacts
    left join namesakes on contacts.place_key = namesakes.place_key

),
{% for round in range(1, 4) %}
places_{{ round }} as (

    {{ labels_joined(
        'places_' ~ (round - 1), ['identity_id', 'place_key'], ['place_key']
    ) }}

),
{% endfor %}
people as (

    -- A person is called by what tells most of all she wrote.
    select
        places_3.identity_id,
        case
            when keyed.email is not null then 'email|' || keyed.email
            when keyed.phone_key is not null then 'phone|' || keyed.phone_key
            else 'place|' || keyed.place_key
        end as person_key
    from places_3
    inner join keyed on places_3.label = keyed.identity_id

),

linked as (

    select
        identities.identity_id,
        identities.written_name as customer_name,
        identities.written_email as email,
        identities.written_phone as phone,
        identities.written_postcode as postcode,
        identities.written_country as country,
        people.person_key
    from identities
    left join people on identities.identity_id = people.identity_id

)

select * from linked
