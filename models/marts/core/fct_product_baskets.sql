{#- Each begins with twice the products of the one before; `fct_product_pairs` names them,
    too. Baskets that are left out have a band of their own. -#}
{%- set size_bands = [1, 4, 8, 16, 32, 64] -%}
{%- set band_left_out = 101 %}

with

basket_products as (

    select * from {{ ref('fct_basket_products') }}

),

banded_products as (

    select
        *,
        case
            when is_left_out then {{ band_left_out }}
            {% for next_band in size_bands[1:] -%}
                when products < {{ next_band }} then {{ size_bands[loop.index0] }}
            {% endfor -%}
            else {{ size_bands[-1] }}
        end as size_band
    from basket_products

),

product_bands as (

    select
        basis,
        source_system,
        product_id,
        product_number,
        size_band,
        is_left_out,
        sum(baskets) as baskets,
        sum(case when is_first then baskets else 0 end) as baskets_led,
        sum(baskets * (products - 1)) as companions
    from banded_products
    group by basis, source_system, product_id, product_number, size_band, is_left_out

),

companions_in_all as (

    select
        basis,
        source_system,
        size_band,
        sum(companions) as companions
    from product_bands
    group by basis, source_system, size_band

),

pulls as (

    -- No product is its own companion: the more there are of one, the less room have the
    -- others beside it.
    select
        product_bands.*,
        companions_in_all.companions as companions_in_all,
        cast(
            case
                when companions_in_all.companions > 0 and not product_bands.is_left_out
                    then
                        product_bands.companions / (
                            1 - cast(product_bands.companions as double)
                            / companions_in_all.companions
                        )
                else 0
            end as decimal(18, 6)
        ) as raw_pull
    from product_bands
    inner join companions_in_all
        on
            product_bands.basis = companions_in_all.basis
            and product_bands.source_system = companions_in_all.source_system
            and product_bands.size_band = companions_in_all.size_band

),

scales as (

    -- Over all pairs of a band, what two pulls make together adds up to what was seen.
    -- Sums of decimals, which are the same in any order.
    select
        basis,
        source_system,
        size_band,
        cast(max(companions_in_all) as double) / nullif(
            cast(sum(raw_pull) as double) * cast(sum(raw_pull) as double)
            - cast(
                sum(
                    cast(
                        cast(raw_pull as double) * cast(raw_pull as double)
                        as decimal(38, 6)
                    )
                )
                as double
            ),
            0
        ) as pairs_per_pull
    from pulls
    group by basis, source_system, size_band

),

final as (

    select
        pulls.basis,
        pulls.source_system,
        pulls.product_id,
        pulls.product_number,
        pulls.size_band,
        pulls.is_left_out,
        cast(pulls.baskets as bigint) as baskets,
        cast(pulls.baskets_led as bigint) as baskets_led,
        cast(pulls.companions as bigint) as companions,
        cast(pulls.raw_pull as double) * sqrt(coalesce(scales.pairs_per_pull, 0)) as pull
    from pulls
    inner join scales
        on
            pulls.basis = scales.basis
            and pulls.source_system = scales.source_system
            and pulls.size_band = scales.size_band

)

select * from final
