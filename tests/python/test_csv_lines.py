import csv
import io
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.feeds import FEEDS, SHOPS_PRODUCTS, SHOPS_SALES, SHOPS_STORES, WEB_LINES, Feed
from warehouse.loading.csv_header import ContractError
from warehouse.loading.csv_lines import Dialect, Refused, parse_lines, read_dialect
from warehouse.settings import WarehouseError

CSV_FEEDS = [feed for feed in FEEDS.values() if feed.is_csv]
WEB = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def dialect_of(feed: Feed, header: str, *dates: str, given: str | None = None) -> Dialect:
    """The dialect of a file with one line for each date, at the place of its date column."""
    delimiter = ";" if ";" in header else ","
    names = header.casefold().split(delimiter)
    place = names.index("date" if feed is SHOPS_SALES else "invoicedate")
    lines = (
        delimiter.join(value if n == place else "x" for n in range(len(names))) for value in dates
    )
    return read_dialect(header, lines, feed, given)


def sales_order(*dates: str, given: str | None = None) -> str:
    return dialect_of(SHOPS_SALES, "date,product,store,quantity", *dates, given=given).date_order


def parse(feed: Feed, header: str, *lines: str) -> tuple[list[dict], list[Refused]]:
    dialect = read_dialect(header, iter(lines), feed)
    table, refused = parse_lines(range(2, len(lines) + 2), lines, dialect, feed)
    return table.to_pylist(), refused


def written(feed: Feed, header: str, field: str, value: str) -> str | None:
    """What becomes of one value, written into the column of `field` of a one-line file."""
    names = [f.name for f in read_dialect(header, iter(()), feed).header.fields]
    line = to_csv([[value if n == field else "" for n in names]], ";" if ";" in header else ",")
    [row], refused = parse(feed, header, *line)
    assert not refused
    return row[f"{field}_text"]


def to_csv(rows: list[list[str]], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> list[str]:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    return out.getvalue().split("\n")[:-1]


# Dates


@pytest.mark.parametrize("first", range(1, 13))
@pytest.mark.parametrize("second", range(1, 13))
def test_a_date_that_fits_both_orders_is_refused_unless_it_is_the_same_day(first, second):
    text = f"{first}/{second}/2024"
    if first == second:
        # 5/5/2024 is the fifth of May for everybody.
        assert sales_order(text) in ("dmy", "mdy")
    else:
        with pytest.raises(ContractError, match=r"KSCM_DATES=dmy or KSCM_DATES=mdy") as caught:
            sales_order(text)
        assert text in str(caught.value)
    assert sales_order(text, given="dmy") == "dmy"
    assert sales_order(text, given="mdy") == "mdy"


@pytest.mark.parametrize("large", range(13, 32))
def test_a_number_above_12_decides_and_no_setting_overrules_it(large):
    for setting in (None, "dmy", "mdy"):
        assert sales_order("03/04/2024", f"{large}/01/2024", given=setting) == "dmy"
        assert sales_order(f"1/{large}/2024", "3/4/2024", given=setting) == "mdy"


def test_every_day_of_two_years_decides_or_is_ambiguous_as_a_calendar_says():
    for n in range(731):
        day = date(2023, 12, 1) + timedelta(days=n)
        for order in ("dmy", "mdy"):
            text = day.strftime("%d/%m/%Y" if order == "dmy" else "%m/%d/%Y")
            if day.day > 12 or day.day == day.month:
                assert sales_order(text, given=order) == order
            else:
                with pytest.raises(ContractError):
                    sales_order(text)


def test_dates_that_contradict_each_other_are_both_named():
    with pytest.raises(ContractError, match=r"'31/12/2024' has its day first, '1/13/2024' its"):
        sales_order("31/12/2024", "2024-01-01", "1/13/2024")
    with pytest.raises(ContractError, match="contradict"):
        sales_order("31/12/2024", "1/13/2024", given="dmy")


def test_the_last_of_many_lines_may_decide_or_contradict():
    assert sales_order(*["03/04/2024"] * 60_000, "13/04/2024") == "dmy"
    with pytest.raises(ContractError, match="contradict"):
        sales_order("13/04/2024", *["03/04/2024"] * 60_000, "04/13/2024")


def test_iso_dates_and_no_dates_are_ymd():
    assert sales_order("2024-03-04", "2024-12-31") == "ymd"
    assert sales_order() == "ymd"
    assert sales_order("2024-03-04", given="mdy") == "ymd"
    assert read_dialect("id,nom,prix", iter(["3/4/2024,x,1"]), SHOPS_PRODUCTS).date_order == "ymd"


@pytest.mark.parametrize(
    "text",
    [
        *("30/02/2024", "02/30/2024", "29/02/2023", "13/13/2024", "0/5/2024", "31/12/24"),
        *("31/12/0000", "31/12/2024x", "31/12/2024 8h30", "", "soon/13/2024", "٣١/12/2024"),
    ],
)
def test_a_date_that_fits_nothing_does_not_decide(text):
    assert sales_order(text) == "ymd"
    assert sales_order(text, "4/13/2024") == "mdy"
    assert sales_order(text, "13/4/2024") == "dmy"


def test_only_lines_with_a_date_column_decide():
    header = "date,product,store,quantity"
    lines = iter(["31/12/2024,one column less,3", "3/4/2024,31/12/2024,s,1"])
    with pytest.raises(ContractError, match=r"'3/4/2024'"):
        read_dialect(header, lines, SHOPS_SALES)


def test_a_feed_without_dates_reads_no_line():
    def fail() -> Iterator[str]:
        raise AssertionError("read")
        yield ""

    assert read_dialect("id magasin;ville", fail(), SHOPS_STORES).header.delimiter == ";"


def test_an_unknown_setting_is_refused():
    with pytest.raises(WarehouseError, match="KSCM_DATES is 'french': set it to dmy or mdy"):
        sales_order("2024-01-01", given="french")


def test_a_dialect_is_a_short_text():
    header = "Date;ID Référence produit;Quantité;ID Magasin"
    assert str(dialect_of(SHOPS_SALES, header, "31/12/2024")) == (
        "; dmy: date, product, quantity, store"
    )


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        ("ymd", "2010-12-01 08:26:00", "2010-12-01 08:26:00"),
        ("ymd", " 2010-12-01T08:26:00 ", "2010-12-01T08:26:00"),
        ("mdy", "12/1/2010 8:26", "2010-12-01T08:26:00"),
        ("mdy", "12/1/2010 08:26:05", "2010-12-01T08:26:05"),
        ("dmy", "12/1/2010 8:26", "2010-01-12T08:26:00"),
        ("mdy", "2/29/2024", "2024-02-29"),
        ("dmy", "29/2/2024", "2024-02-29"),
        ("dmy", "2010-12-01 08:26:00", "2010-12-01 08:26:00"),
        ("ymd", "12/1/2010 8:26", "12/1/2010 8:26"),
        ("dmy", "12/1/10", "12/1/10"),
        ("dmy", "12/1/2010 8:26 PM", "12/1/2010 8:26 PM"),
        ("dmy", "yesterday/today", "yesterday/today"),
    ],
)
def test_times_become_iso_or_stay(order, text, expected):
    header = read_dialect(WEB, iter(()), WEB_LINES).header
    line = f"1,2,,1,{text},1,,"
    table, refused = parse_lines([9], [line], Dialect(header, order), WEB_LINES)
    assert table["invoicedate_text"].to_pylist() == [expected]
    assert (table["line"].to_pylist(), table["raw"].to_pylist(), refused) == ([9], [line], [])


def test_a_date_that_does_not_exist_is_none_afterwards_either():
    rows, _ = parse(
        SHOPS_SALES,
        "date,product,store,quantity",
        *("31/12/2024,p,s,1", "31/02/2024,p,s,1", "5/13/x,p,s,1"),
    )
    dates = [row["date_text"] for row in rows]
    assert dates == ["2024-12-31", "2024-02-31", "5/13/x"]
    with pytest.raises(ValueError, match="day is out of range"):
        date.fromisoformat(dates[1])


# Numbers, codes, texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.50", "12.50"),
        ("12,50", "12.50"),
        ("1,5", "1.5"),
        ("-1,5", "-1.5"),
        ("+3", "3"),
        (" 7 ", "7"),
        ("0,125", "0.125"),
        ("1234,567", "1234.567"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        ("-1,234,567.89", "-1234567.89"),
        ("1.234.567", "1234567"),
        ("1,234,567", "1234567"),
        ("1 234,56", "1234.56"),
        ("1\u00a0234,56", "1234.56"),
        ("1\u202f234\u202f567,8", "1234567.8"),
        ("1'234.56", "1234.56"),
        ("1’234’567", "1234567"),
        ("1 234", "1234"),
        # One mark, three digits: thousands or thousandths.
        ("1,234", "1,234"),
        ("12,345", "12,345"),
        # Not groups of three, two kinds of marks, two decimals.
        ("12 34", "12 34"),
        ("1,23,456", "1,23,456"),
        ("1 234'567", "1 234'567"),
        ("1.234,56,7", "1.234,56,7"),
        ("1,234.567.890", "1,234.567.890"),
        ("1234 567", "1234 567"),
        ("0 123", "0 123"),
        (",5", ",5"),
        ("5,", "5,"),
        ("12,50 €", "12,50 €"),
        ("1e5", "1e5"),
        ("NaN", "NaN"),
        ("--1", "--1"),
        ("١٢,٥", "١٢,٥"),
    ],
)
@pytest.mark.parametrize("header", ["id,nom,prix", "id;nom;prix"])
def test_numbers_get_a_decimal_point_or_stay(header, text, expected):
    assert written(SHOPS_PRODUCTS, header, "price", text) == expected


def test_a_decimal_comma_in_a_comma_file_must_be_quoted():
    rows, refused = parse(SHOPS_PRODUCTS, "id,nom,prix", 'a,x,"1,5"', "b,y,1,5")
    assert [row["price_text"] for row in rows] == ["1.5"]
    assert refused == [Refused(3, "wrong_column_count", "b,y,1,5")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("17850.0", "17850"), ("17850", "17850"), ("0042.0", "0042"), ("85123A", "85123A")),
        *(("C536379", "C536379"), ("1.00", "1.00"), ("1.50", "1.50"), ("A.0", "A.0")),
        (" 7", " 7"),
    ],
)
def test_codes_lose_what_a_spreadsheet_added(text, expected):
    assert written(WEB_LINES, WEB, "customerid", text) == expected


@pytest.mark.parametrize(
    "text", [" WHITE LANTERN ", "17850.0", "1,5", "3/4/2024", '7"" RULER', " "]
)
def test_texts_stay_as_they_came(text):
    assert written(WEB_LINES, WEB, "description", text) == text


def test_what_is_empty_or_not_there_is_null():
    rows, _ = parse(SHOPS_PRODUCTS, "prix;id;nom", ';"";x', "  ;1;y")
    assert rows[0] == {
        "line": 2,
        "raw": ';"";x',
        "product_id_text": None,
        "name_text": "x",
        "price_text": None,
        "stock_text": None,
    }
    assert rows[1]["price_text"] is None


def test_the_columns_are_those_of_the_feed_in_its_order():
    for feed in CSV_FEEDS:
        dialect = read_dialect(",".join(feed.names[::-1]), iter(()), feed)
        table, refused = parse_lines([], [], dialect, feed)
        assert table.column_names == ["line", "raw", *(f"{name}_text" for name in feed.names)]
        assert {str(t) for t in table.schema.types} == {"int64", "string"}
        assert not refused


# Lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,b", "wrong_column_count"),
        ("a,b,c,d", "wrong_column_count"),
        ('a,"b,c"', "wrong_column_count"),
        ('a,"b,c', "unclosed_quote"),
        ('a,b,"', "unclosed_quote"),
        ('a,"b"c,1', "bad_quote"),
        ('"a" ,b,1', "bad_quote"),
    ],
)
def test_a_line_that_is_no_record_is_refused_alone(line, reason):
    rows, refused = parse(SHOPS_PRODUCTS, "id,nom,prix", "1,x,1", line, '2,"y",2')
    assert refused == [Refused(3, reason, line)]
    assert [(row["line"], row["product_id_text"]) for row in rows] == [(2, "1"), (4, "2")]


def test_two_open_quotes_never_make_one_record():
    lines = ['1,"a,1', '2,b",2', '3,"c",3']
    rows, refused = parse(SHOPS_PRODUCTS, "id,nom,prix", *lines)
    assert [row["line"] for row in rows] == [3, 4]
    assert rows[0]["name_text"] == 'b"'
    assert refused == [Refused(2, "unclosed_quote", lines[0])]


def test_a_long_text_is_no_bad_quote():
    long = "é" * 300_000
    rows, refused = parse(SHOPS_PRODUCTS, "id,nom,prix", f'1,"{long}",2', f"2,{long},2")
    assert not refused
    assert [row["name_text"] for row in rows] == [long, long]


VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"))


@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20),
    st.sampled_from([",", ";"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_texts_come_back_as_they_were_written(texts, delimiter, quoting):
    rows = [[name, city] for name, city in texts]
    lines = to_csv(rows, delimiter, quoting)
    header = delimiter.join(["city", "store_id"])
    parsed, refused = parse(SHOPS_STORES, header, *lines)
    assert not refused
    assert [row["raw"] for row in parsed] == lines
    assert [row["city_text"] for row in parsed] == [name or None for name, _ in texts]


SALES = st.tuples(
    st.dates(date(1000, 1, 1), date(2999, 12, 31)),
    st.from_regex(r"[A-Z]{3}-[0-9]{3}", fullmatch=True),
    st.integers(-10_000_000, 10_000_000),
)


@given(
    st.lists(SALES, min_size=1),
    st.sampled_from([",", ";"]),
    st.sampled_from(["ymd", "dmy", "mdy", "m-d-y"]),
    st.sampled_from(["", "\u202f", "\u00a0", " ", "'"]),
)
def test_sales_come_back_from_every_dialect(sales, delimiter, order, mark):
    def day(value: date) -> str:
        y, m, d = f"{value.year:04}", f"{value.month:02}", f"{value.day:02}"
        texts = {"ymd": f"{y}-{m}-{d}", "dmy": f"{d}/{m}/{y}", "mdy": f"{m}/{d}/{y}"}
        return texts.get(order, f"{value.month}/{value.day}/{y}")

    rows = [[day(when), what, f"{many:,}".replace(",", mark), "S1"] for when, what, many in sales]
    lines = to_csv(rows, delimiter)
    header = f"Date{delimiter} ID Référence produit{delimiter} Quantité{delimiter} ID Magasin"
    setting = "dmy" if order == "dmy" else "mdy"
    dialect = read_dialect(header, iter(lines), SHOPS_SALES, setting)
    table, refused = parse_lines(range(2, len(lines) + 2), lines, dialect, SHOPS_SALES)
    assert not refused
    back = [
        (date.fromisoformat(row["date_text"]), row["product_text"], int(row["quantity_text"]))
        for row in table.to_pylist()
    ]
    assert back == sales


PRICES = st.decimals(0, 10**8, places=2, allow_nan=False)


@given(
    st.lists(PRICES, min_size=1),
    st.sampled_from([",", ";"]),
    st.sampled_from(["", ".", "\u202f", "’"]),
)
def test_prices_with_a_decimal_comma_come_back(prices, delimiter, mark):
    def euros(price: Decimal) -> str:
        return f"{price:,.2f}".replace(",", "\0").replace(".", ",").replace("\0", mark)

    lines = to_csv([["1", "x", euros(price)] for price in prices], delimiter)
    parsed, refused = parse(SHOPS_PRODUCTS, delimiter.join(["id", "nom", "prix"]), *lines)
    assert not refused
    assert [Decimal(row["price_text"]) for row in parsed] == prices


@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1)), min_size=1))  # noqa: DTZ001
def test_times_of_a_web_store_come_back_to_the_minute(moments):
    lines = [
        f"1,2,x,1,{m.month}/{m.day}/{m.year} {m.hour}:{m.minute:02},1.5,17850.0,EIRE"
        for m in moments
    ]
    dialect = read_dialect(WEB, iter(lines), WEB_LINES, "mdy")
    table, _ = parse_lines(range(len(lines)), lines, dialect, WEB_LINES)
    back = [datetime.fromisoformat(text) for text in table["invoicedate_text"].to_pylist()]
    assert back == [m.replace(second=0, microsecond=0) for m in moments]


NASTY = st.text(st.sampled_from("\",;'/ab1023. \r\t-é\u2028\ufeff"))


@given(
    st.lists(NASTY | VALUES | st.text(st.characters(exclude_categories=["Cs"]))),
    st.sampled_from(CSV_FEEDS),
    st.sampled_from([",", ";"]),
)
@example(["", " ", "\r", '"', '""', '"\n"', 'a\rb,"c"'], SHOPS_STORES, ",")
def test_every_line_is_a_record_or_refused_exactly_once(lines, feed, delimiter):
    header = delimiter.join(name for name in feed.names if name not in ("region", "employees"))
    dialect = read_dialect(header, iter(()), feed)
    for order in ("ymd", "dmy", "mdy"):
        dialect = Dialect(dialect.header, order)
        numbers = [7 * n for n in range(len(lines))]
        table, refused = parse_lines(numbers, lines, dialect, feed)
        assert table["line"].to_pylist() == sorted(table["line"].to_pylist())
        assert [r.line for r in refused] == sorted(r.line for r in refused)
        out = [*zip(table["line"].to_pylist(), table["raw"].to_pylist(), strict=True)]
        out += [(r.line, r.raw) for r in refused]
        assert sorted(out) == [*zip(numbers, lines, strict=True)]


@given(st.lists(NASTY, max_size=30))
def test_any_text_has_a_dialect_or_breaks_the_contract(lines):
    try:
        dialect = read_dialect("date,product,store,quantity", iter(lines), SHOPS_SALES)
    except ContractError as error:
        message = str(error)
    else:
        message = dialect.date_order
    assert any(word in message for word in ("KSCM_DATES", "contradict", "ymd", "dmy", "mdy"))


def test_splitting_in_bulk_agrees_with_one_reader_for_each_line():
    rng = random.Random(4)  # noqa: S311
    lines = ["".join(rng.choices('ab,"', [6, 2, 3, 1], k=rng.randrange(12))) for _ in range(5_000)]
    rows, refused = parse(SHOPS_PRODUCTS, "id,nom,prix", *lines)
    expected = {}
    for number, line in enumerate(lines, start=2):
        try:
            record = next(csv.reader([line], strict=True), [])
        except csv.Error:
            continue
        if len(record) == 3:
            expected[number] = [value or None for value in record]
    found = {
        row["line"]: [row["product_id_text"], row["name_text"], row["price_text"]] for row in rows
    }
    assert found == expected
    assert len(found) > 500
    assert len(found) + len(refused) == len(lines)
