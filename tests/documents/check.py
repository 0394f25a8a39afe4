"""Proves that what we expect is printed: read back from the PDF by another program than the one that drew it."""
import re
from decimal import Decimal

import pypdfium2


def _squeezed(text):
    return re.sub(r"\s+", "", text)


def problems(case, pdf):
    text = _squeezed(" ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)))
    for name, printed in case.printed():
        if _squeezed(printed) not in text:
            yield f"{name}: {printed!r} is not on the page"
    expected = case.expected()
    fields = {name: Decimal(value) for name, value in expected["fields"].items() if re.fullmatch(r"-?\d+\.\d\d", value)}
    if "subtotal" in fields and "total" in fields:
        total = fields["subtotal"] - fields.get("discount", 0) + fields.get("shipping_handling_charge", 0) + fields.get("tax", 0) + case.extra
        if total != fields["total"]:
            yield f"the sums give {total}, the total is {fields['total']}"
    prices = sum(Decimal(item["price"]) for item in expected["line_items"])
    if prices != fields.get("subtotal", prices) and prices != fields.get("total"):
        yield f"the items add up to {prices}"
    for item in expected["line_items"]:
        if {"quantity", "unit_price"} <= item.keys() and abs(Decimal(item["quantity"]) * Decimal(item["unit_price"]) - Decimal(item["price"])) > Decimal("0.01"):
            yield f"{item['item']}: quantity times unit price is not the price"
