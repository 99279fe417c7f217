import csv
import io
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.feeds import (
    FEEDS,
    SHOPS_PRODUCTS,
    SHOPS_SALES,
    SHOPS_STORES,
    WEB_LINES,
    Feed,
    Field,
)
from warehouse.loading.csv_header import (
    ContractError,
    Header,
    feed_of_header,
    plain,
    read_header,
    spellings,
)

CSV_FEEDS = [feed for feed in FEEDS.values() if feed.is_csv]
WEB = ["invoiceno", "stockcode", "description", "quantity", "invoicedate", "unitprice"]
WEB += ["customerid", "country"]


def names(line: str, feed: Feed) -> list[str]:
    return [field.name for field in read_header(line, feed).fields]


def differences(line: str, feed: Feed) -> str:
    with pytest.raises(ContractError) as caught:
        read_header(line, feed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "feed", "expected"),
    [
        (
            "Nom, ID Référence produit, Prix, Stock",
            SHOPS_PRODUCTS,
            ["name", "product_id", "price", "stock"],
        ),
        (
            "Nom;ID Reference produit;Prix;Stock",
            SHOPS_PRODUCTS,
            ["name", "product_id", "price", "stock"],
        ),
        ("PRODUCT_ID,NAME,PRICE", SHOPS_PRODUCTS, ["product_id", "name", "price"]),
        ("ID Magasin, Ville, Nombre de salariés", SHOPS_STORES, ["store_id", "city", "employees"]),
        ("ID Magasin;Ville;Nombre de salaries", SHOPS_STORES, ["store_id", "city", "employees"]),
        (
            "store_id,city,region,employees",
            SHOPS_STORES,
            ["store_id", "city", "region", "employees"],
        ),
        (
            "Date, ID Référence produit, Quantité, ID Magasin",
            SHOPS_SALES,
            ["date", "product", "quantity", "store"],
        ),
        (
            "sale_id,date,product,store,quantity",
            SHOPS_SALES,
            ["sale_id", "date", "product", "store", "quantity"],
        ),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            WEB_LINES,
            WEB,
        ),
        (
            'Invoice,StockCode,Description,Quantity,InvoiceDate,Price,"Customer ID",Country',
            WEB_LINES,
            WEB,
        ),
        # Accents as two characters each, a BOM, CRLF, every name in quotes.
        (
            '\ufeff"Date";"ID Re\u0301fe\u0301rence produit";"QUANTITE\u0301";"magasin"\r\n',
            SHOPS_SALES,
            ["date", "product", "quantity", "store"],
        ),
    ],
)
def test_real_headers_are_read(line, feed, expected):
    assert names(line, feed) == expected


def test_order_does_not_matter():
    for order in permutations(["date", "product", "store", "quantity"]):
        assert names(",".join(order), SHOPS_SALES) == list(order)


def test_a_renamed_column_is_named_with_the_one_it_left():
    message = differences("Date,Produit vendu,Magasin,Quantité", SHOPS_SALES)
    assert "column 'Produit vendu' is not known" in message
    assert "column 'product' is missing" in message
    assert "shops_sales" in message


def test_a_missing_column_is_named_alone():
    message = differences("date,product,store", SHOPS_SALES)
    assert message == (
        "not the columns of shops_sales: column 'quantity' is missing (header: date,product,store)"
    )


def test_an_added_column_is_named_alone():
    message = differences("date,product,store,quantity,Remise", SHOPS_SALES)
    assert "column 'Remise' is not known" in message
    assert "missing" not in message


def test_two_columns_for_one_field_are_both_named():
    message = differences("Prix;Price;Nom;Id", SHOPS_PRODUCTS)
    assert "column 'price' stands there 2 times ('Prix' and 'Price')" in message


def test_a_column_without_name_is_told_by_its_number():
    assert "column 4 has no name" in differences("id;nom;prix;", SHOPS_PRODUCTS)


def test_a_first_line_of_values_is_no_header():
    message = differences("P1;Lampe;12,50;3", SHOPS_PRODUCTS)
    assert all(f"column '{name}' is missing" in message for name in ("product_id", "name", "price"))


@pytest.mark.parametrize("name", ["Prix, TTC, en euros", '"Prix, TTC, en euros"'])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_delimiter_is_that_of_the_columns_not_of_a_name(name, mark):
    fields = (Field("a", aliases=("prix, ttc, en euros",)), Field("b"))
    header = read_header(f"{mark}{name};b", Feed("x", "x", fields, is_csv=True))
    assert header == Header(";", fields)


def test_a_byte_order_mark_is_no_part_of_a_quoted_name():
    feed = Feed("x", "x", (Field("a", aliases=("a, b",)), Field("c")), is_csv=True)
    assert read_header('\ufeff"a, b",c', feed).delimiter == ","


def test_an_own_name_beats_the_alias_of_another_field():
    fields = (Field("id"), Field("code", aliases=("id",), is_optional=True))
    for feed in (Feed("x", "x", fields), Feed("x", "x", fields[::-1])):
        assert names("id", feed) == ["id"]


def test_within_a_feed_every_spelling_means_one_field():
    for feed in CSV_FEEDS:
        every = [
            spelling
            for field in feed.fields
            for spelling in {plain(name) for name in (field.name, *field.aliases)}
        ]
        assert len(every) == len(set(every)) == len(spellings(feed))


def test_a_terminal_gets_no_control_characters():
    message = differences("\x1b[31mdate,\rx\x07", SHOPS_SALES)
    assert message.isprintable()


@pytest.mark.parametrize("feed", CSV_FEEDS, ids=lambda feed: feed.name)
def test_the_feed_is_found_by_its_header(feed):
    assert feed_of_header(",".join(feed.names), CSV_FEEDS) == feed


def test_a_header_of_no_feed_is_held_against_the_nearest():
    with pytest.raises(ContractError, match=r"shops_stores.*'citty' is not known"):
        feed_of_header("store_id,citty,region,employees", CSV_FEEDS)


@given(st.data(), st.sampled_from(CSV_FEEDS), st.sampled_from([",", ";"]))
def test_any_order_and_spelling_is_read(data, feed, delimiter):
    fields = data.draw(st.permutations(feed.fields))
    fields = [f for f in fields if not f.is_optional or data.draw(st.booleans())]
    written = [
        data.draw(st.sampled_from([f.name, *f.aliases]).flatmap(_any_capitals)) for f in fields
    ]
    out = io.StringIO()
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerow(written)
    header = read_header(out.getvalue(), feed)
    assert header.fields == tuple(fields)
    assert header.delimiter == delimiter


def _any_capitals(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name, name.upper(), name.title(), f" {name} ", name.replace(" ", "_")])


@given(st.text())
def test_any_text_is_a_header_or_a_contract_error(text):
    for feed in CSV_FEEDS:
        try:
            assert len(read_header(text, feed).fields) > 1
        except ContractError as error:
            caught = error
        else:
            continue
        assert str(caught).isprintable()
        assert caught.differences > 0
