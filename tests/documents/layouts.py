"""Draws one case. Invoices come in four arrangements, receipts in one per country."""
from paper import A4, LETTER, Paper


def invoice(case):
    place, words = case.place, case.place.words
    paper = Paper(LETTER if place.currency == "USD" else A4, case.font, case.number)
    columns = _columns(case, paper.size[0])
    y = {"classic": _head_classic, "letter": _head_letter, "band": _head_band, "boxed": _head_boxed}[case.layout](paper, case)
    y = _table(paper, case, columns, y)
    _totals(paper, case, y + 14)
    paper.text(50, paper.size[1] - 40, f"{words['terms']}  {case.vendor[0]}", 7.5, grey=0.25)
    return paper.bytes()


def _pairs(case):
    words = case.place.words
    yield words["credit_number" if case.credit else "number"], case.number
    yield words["date"], case.place.day(case.date)
    if case.due:
        yield words["due"], case.place.day(case.due)
    if case.original:
        yield words["original"], case.original
    if case.po:
        yield words["po"], case.po


def _title(case):
    return case.place.words["credit" if case.credit else "title"]


def _head_classic(paper, case):
    right = paper.size[0] - 50
    paper.text(50, 62, case.vendor[0], 15, bold=True)
    paper.block(50, 76, [*case.vendor[1:], f"{case.place.words['tax_id']} {case.tax_id}"], 8.5)
    paper.text(right, 62, _title(case), 19, bold=True, anchor="right")
    paper.text(50, 158, case.place.words["to"], 8, grey=0.3)
    paper.block(50, 171, case.buyer, 9.5)
    y = 158
    for label, value in _pairs(case):
        paper.text(right - 190, y, label, 9)
        paper.text(right, y, value, 9, anchor="right")
        y += 14
    return 240


def _head_letter(paper, case):
    paper.text(paper.size[0] - 60, 58, case.vendor[0], 14, bold=True, anchor="right")
    paper.block(paper.size[0] - 60, 72, [*case.vendor[1:], f"{case.place.words['tax_id']} {case.tax_id}"], 8, anchor="right")
    paper.text(60, 126, " · ".join(case.vendor), 6.5, grey=0.3)
    paper.block(60, 142, case.buyer, 10)
    y = 142
    for label, value in _pairs(case):
        paper.text(350, y, label, 9)
        paper.text(460, y, value, 9)
        y += 13
    paper.text(60, 228, f"{_title(case)}", 15, bold=True)
    return 250


def _head_band(paper, case):
    paper.fill(0, 30, paper.size[0], 56, 0.15)
    paper.text(50, 64, case.vendor[0], 17, bold=True, grey=1.0)
    paper.text(paper.size[0] - 50, 64, _title(case), 17, bold=True, anchor="right", grey=1.0)
    paper.block(50, 104, [*case.vendor[1:], f"{case.place.words['tax_id']} {case.tax_id}"], 8.5)
    paper.text(300, 104, case.place.words["to"], 8.5, bold=True)
    paper.block(300, 117, case.buyer, 9)
    x = 50
    for label, value in _pairs(case):
        paper.text(x, 184, label, 8, grey=0.3)
        paper.text(x, 198, value, 9.5, bold=True)
        x += 125
    return 226


def _head_boxed(paper, case):
    left, right, middle = 40, paper.size[0] - 40, paper.size[0] / 2
    paper.text(middle, 52, _title(case), 13, bold=True, anchor="middle")
    for y in (62, 130, 204):
        paper.line(left, y, right, y)
    for x in (left, middle, right):
        paper.line(x, 62, x, 204)
    paper.text(left + 6, 76, case.vendor[0], 10, bold=True)
    paper.block(left + 6, 89, [*case.vendor[1:], f"{case.place.words['tax_id']}: {case.tax_id}"], 8)
    paper.text(left + 6, 143, case.place.words["to"], 7.5, grey=0.3)
    paper.block(left + 6, 156, case.buyer, 8.5)
    y = 78
    for label, value in _pairs(case):
        paper.text(middle + 6, y, label, 8.5)
        paper.text(right - 6, y, value, 8.5, bold=True, anchor="right")
        y += 24
    return 222


def _columns(case, width):
    """(name, x, anchor) of the columns that this case prints."""
    right = width - (40 if case.layout == "boxed" else 52)
    out = [("item", 124 if case.codes else 52, "left"), ("quantity", right - 160, "right"), ("unit_price", right - 84, "right"), ("price", right, "right")]
    return [("product_code", 52, "left"), *out] if case.codes else out


def _table_head(paper, case, columns, y):
    words = case.place.words
    names = {"product_code": "code", "item": "item", "quantity": "quantity", "unit_price": "unit", "price": "price"}
    if case.layout in ("classic", "boxed"):
        paper.fill(44, y - 12, paper.size[0] - 84, 17, 0.9)
    for name, x, anchor in columns:
        paper.text(x, y, words[names[name]], 8.5, bold=True, anchor=anchor)
    paper.line(44, y + 5, paper.size[0] - 40, y + 5)
    return y + 20


def _table(paper, case, columns, y):
    place, words = case.place, case.place.words
    y = _table_head(paper, case, columns, y)
    carried, sheets = 0, case.sheets
    for index, item in enumerate(case.items):
        if index == case.breaks_before:
            paper.text(columns[-2][1] - 10, y + 4, words["carried"], 8.5, anchor="right")
            paper.text(columns[-1][1], y + 4, place.number(carried), 8.5, anchor="right")
            paper.text(50, paper.size[1] - 40, words["page"].format(1, sheets), 7.5)
            paper.new_page()
            paper.text(50, 50, case.vendor[0], 9, bold=True)
            paper.text(paper.size[0] - 50, 50, f"{words['page'].format(2, sheets)}", 8, anchor="right")
            y = _table_head(paper, case, columns, 84)
            paper.text(columns[-2][1] - 10, y, words["brought"], 8.5, anchor="right")
            paper.text(columns[-1][1], y, place.number(carried), 8.5, anchor="right")
            y += 17
        item_x = dict((n, x) for n, x, _ in columns)["item"]
        lines = paper.wrapped(item.name, 8.5, columns[-3][1] - 42 - item_x)
        cells = {"product_code": item.code, "item": lines[0], "quantity": place.number(item.quantity, item.places), "unit_price": place.number(item.unit), "price": place.number(item.price)}
        for name, x, anchor in columns:
            paper.text(x, y, cells[name] or "", 8.5, anchor=anchor)
        for line in lines[1:]:
            y += 11
            paper.text(item_x, y, line, 8.5)
        y += 16
        carried += item.price
        if case.layout == "boxed":
            paper.line(44, y - 11, paper.size[0] - 40, y - 11, 0.3)
    paper.line(44, y - 6, paper.size[0] - 40, y - 6)
    return y


def _totals(paper, case, y):
    place, words = case.place, case.place.words
    right = paper.size[0] - (40 if case.layout == "boxed" else 52)
    rows = [(words["subtotal"], case.subtotal)]
    if case.discount:
        rows.append((words["discount"], -case.discount))
    if case.shipping:
        rows.append((words["shipping"], case.shipping))
    rows += [(words["tax"].format(place.percent(rate)), amount) for rate, amount in case.taxes]
    for label, amount in rows:
        paper.text(right - 190, y, label, 9)
        paper.text(right, y, place.money(amount), 9, anchor="right")
        y += 15
    paper.line(right - 192, y - 10, right, y - 10)
    paper.text(right - 190, y + 4, words["total"], 11, bold=True)
    paper.text(right, y + 4, place.money(case.total), 11, bold=True, anchor="right")


def receipt(case):
    """A strip of 80 mm paper in a fixed-width font; the rows are written out in the case."""
    width, points = 227.0, 8.0
    height = 40 + 11.5 * len(case.rows)
    paper = Paper((width, height), case.font, case.name)
    y = 26
    for row in case.rows:
        big = row.startswith("#")
        row = row.removeprefix("#")
        if row.startswith("^"):
            paper.text(width / 2, y, row[1:].strip(), 10.5 if big else points, bold=big, anchor="middle")
        elif row == "---":
            paper.line(12, y - 3, width - 12, y - 3, 0.5)
        else:
            left, _, right = row.partition(" | ")
            for index, part in enumerate(left.split(" >> ")):
                # `a >> b` puts b at a fixed column, as tills print quantities.
                paper.text(12 + 92 * index, y, part, points + (1.5 if big else 0), bold=big)
            if right:
                paper.text(width - 12, y, right, points + (1.5 if big else 0), bold=big, anchor="right")
        y += 11.5
    return paper.bytes()
