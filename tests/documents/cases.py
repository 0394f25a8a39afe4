"""The documents. Every name, number and address is made up."""
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import layouts
import places
from places import Place


def cents(value):
    return Decimal(value).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def plain(value):
    """The form in results: no exponent, no trailing zeros behind a whole quantity."""
    value = Decimal(value)
    return f"{value:.0f}" if value == value.to_integral() else f"{value.normalize():f}"


class Item:
    def __init__(self, code, name, quantity, unit, rate=None):
        self.code, self.name, self.quantity, self.unit, self.rate = code or None, name, Decimal(str(quantity)), Decimal(unit), rate
        self.price = cents(self.quantity * self.unit)
        self.places = 0 if self.quantity == self.quantity.to_integral() else 2


@dataclass
class Invoice:
    name: str
    suffix: str
    look: str
    place: Place
    layout: str
    font: str
    vendor: list
    tax_id: str
    buyer: list
    number: str
    date: str
    due: str
    rate: str
    items: list
    po: str = ""
    original: str = ""
    discount: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    credit: bool = False
    breaks_before: int = -1
    kind = "invoice"
    extra = Decimal(0)

    @property
    def codes(self):
        return any(item.code for item in self.items)

    @property
    def sheets(self):
        return 2 if self.breaks_before > 0 else 1

    @property
    def subtotal(self):
        return sum(item.price for item in self.items)

    @property
    def taxes(self):
        rates = sorted({item.rate or self.rate for item in self.items}, key=Decimal, reverse=True)
        if len(rates) == 1:
            return [(rates[0], cents((self.subtotal - self.discount + self.shipping) * Decimal(rates[0]) / 100))]
        return [(r, cents(sum(i.price for i in self.items if (i.rate or self.rate) == r) * Decimal(r) / 100)) for r in rates]

    @property
    def tax(self):
        return sum(amount for _, amount in self.taxes)

    @property
    def total(self):
        return self.subtotal - self.discount + self.shipping + self.tax

    def draw(self):
        return layouts.invoice(self)

    def expected(self):
        fields = {"vendor_name": self.vendor[0], "invoice_receipt_id": self.number, "invoice_receipt_date": self.date, "due_date": self.due, "po_number": self.po, "currency": self.place.currency,
                  "subtotal": f"{self.subtotal:.2f}", "discount": f"{self.discount:.2f}" if self.discount else "", "shipping_handling_charge": f"{self.shipping:.2f}" if self.shipping else "",
                  "tax": f"{self.tax:.2f}", "total": f"{self.total:.2f}"}
        rows = [{"product_code": i.code or "", "item": i.name, "quantity": plain(i.quantity), "unit_price": f"{i.unit:.2f}", "price": f"{i.price:.2f}"} for i in self.items]
        return {"document_type": "Invoice", "fields": {k: v for k, v in fields.items() if v}, "line_items": [{k: v for k, v in row.items() if v} for row in rows]}

    def printed(self):
        place = self.place
        yield from {"vendor_name": self.vendor[0], "invoice_receipt_id": self.number, "invoice_receipt_date": place.day(self.date), "po_number": self.po, "subtotal": place.money(self.subtotal), "total": place.money(self.total)}.items()
        if self.due:
            yield "due_date", place.day(self.due)
        for _, amount in self.taxes:
            yield "tax", place.money(amount)
        for item in self.items:
            yield "item", item.name.split(" ")[0]
            yield "price", place.number(item.price)


@dataclass
class Receipt:
    """`rows` are printed as they stand: `|` starts the right-hand column, `^` centres, `#` is large, `---` a rule."""
    name: str
    suffix: str
    look: str
    font: str
    rows: list
    fields: dict
    items: list
    extra: Decimal = Decimal(0)
    kind = "receipt"

    def draw(self):
        return layouts.receipt(self)

    def expected(self):
        return {"document_type": "Receipt", "fields": self.fields, "line_items": [self._row(row) for row in self.items]}

    @staticmethod
    def _row(row):
        names = ("item", "price") if len(row) == 2 else ("item", "quantity", "unit_price", "price", "product_code")
        return {name: value for name, value in zip(names, row) if value}

    def printed(self):
        for name, value in self.fields.items():
            if name not in ("currency", "invoice_receipt_date"):
                yield name, value
        for row in self.items:
            yield "item", row[0]
            yield "price", row[1] if len(row) == 2 else row[3]


def D(text):
    return Decimal(text)


OFFICE = [Item("P4410", "Copier paper A4 80 gsm, box of 5 reams", 12, "23.21"), Item("T2420", "Toner cartridge, high yield", 3, "95.67"), Item("L1008", "Lever arch files, pack of 10", 6, "13.09")]
LONG = [Item(f"K{4100 + 37 * i}", name, q, u) for i, (name, q, u) in enumerate([
    ("Mounting rail 35 mm, 2 m", 14, "6.85"), ("Terminal block, grey, 4 mm", 220, "0.92"), ("Docking station with 100 W power delivery and dual display output", 4, "184.03"),
    ("Cable gland M20", 60, "1.15"), ("Control cabinet 600 x 800", 2, "412.50"), ("Wiring duct 40 x 60, slotted", 25, "7.38"), ("Circuit breaker B16, one pole", 36, "4.27"),
    ("Site visit with calibration of three analysers, report included", 1, "640.00"), ("Power supply 24 V 10 A", 5, "118.90"), ("Marker strip, blank", 40, "0.38"),
    ("Relay 24 V, two changeover contacts", 18, "9.64"), ("Door switch with lamp", 2, "33.10"), ("Filter fan 230 V", 2, "87.45"), ("Patch cable, 3 m, blue", 16, "3.99")])]

CASES = [
    Invoice("british-text", "pdf", "text", places.GB, "classic", "sans", ["Larkmoor Office Supply Ltd", "4 Foundry Lane", "Leeds LS9 8QR"], "GB123456789", ["Thornfield Dental Group", "12 Abbey Walk", "York YO1 7HX"],
            "LM-20417", "2026-03-14", "2026-04-13", "20", OFFICE, po="PO-88120"),
    Invoice("german-text", "pdf", "text", places.DE, "letter", "serif", ["Rotbuche Werkzeughandel GmbH", "Hafenweg 18", "28217 Bremen"], "DE123456788", ["Stadtgarten Planungsbüro AG", "Lindenallee 7", "50667 Köln"],
            "RE-2026-0815", "2026-02-05", "2026-03-07", "19", [Item("B-114", "Bohrmaschine 18 V mit Koffer", 4, "249.90"), Item("S-207", "Sägeblatt 190 mm, fein", 25, "18.45"), Item("H-033", "Handschuhe, Größe 9", 60, "3.20")], po="4500017733", discount=D("50.00"), shipping=D("12.90")),
    Invoice("french-scan", "pdf", "scan@150", places.FR, "classic", "wide", ["Atelier Grandval SARL", "9 rue des Forges", "69007 Lyon"], "FR40123456824", ["Coopérative du Marais", "22 quai Neuf", "44000 Nantes"],
            "F2026-1187", "2026-01-09", "2026-02-08", "20", [Item("", "Étagère métallique, 5 niveaux", 8, "149.50"), Item("", "Montage sur place", 6, "58.00"), Item("", "Visserie inox, boîte de 500", 3, "24.75")]),
    Invoice("spanish-scan", "png", "clean@300", places.ES, "boxed", "wide", ["Talleres Riosol S.L.", "Calle del Puerto 41", "46011 Valencia"], "B12345674", ["Hotel Monteclaro", "Avenida del Lago 3", "28223 Madrid"],
            "2026/0342", "2026-04-21", "2026-05-21", "21", [Item("AX-10", "Bomba de agua 1,5 kW", 2, "389.00"), Item("AX-22", "Filtro de arena", 4, "72.60"), Item("AX-31", "Revisión anual de la instalación", 1, "1250.00")]),
    Invoice("swiss-scan", "jpg", "rough_scan@200", places.CH, "letter", "wide", ["Alpenglas Manufaktur AG", "Seestrasse 88", "8002 Zürich"], "CHE-123.456.788", ["Hotel Kronenhof Pontresa", "Dorfplatz 2", "7504 Pontresa"],
            "A-10277", "2026-05-18", "2026-06-17", "8.1", [Item("G17", "Isolierglas 120 x 80 cm", 22, "186.40"), Item("G21", "Glasregal, 12 mm, geschliffen", 9, "74.50"), Item("M02", "Montage, Stunden", "13.5", "112.00")]),
    Invoice("indian-text", "pdf", "text", places.IN, "boxed", "wide", ["Sagarmatha Textiles Private Limited", "Plot 14, Industrial Estate", "Coimbatore 641014"], "33AAAAA0000A1Z5", ["Lotus Bay Furnishing", "5 Beach Road", "Chennai 600001"],
            "ST/26-27/0091", "2026-04-11", "2026-05-11", "18", [Item("5208", "Cotton fabric, bleached, per metre", 1450, "182.50"), Item("6302", "Bed linen set, printed", 240, "1190.00")], po="LB-7731", shipping=D("4500.00")),
    Invoice("american-photo", "jpg", "photo@180", places.US, "band", "sans", ["Copperline Outfitters Inc", "210 Harbor Street", "Portland, OR 97209"], "12-3456789", ["Blue Mesa Rentals", "88 Canyon Drive", "Boulder, CO 80302"],
            "100482", "2026-07-23", "2026-08-22", "7.5", [Item("", "Two-person tent, three season", 10, "189.00"), Item("", "Camp stove with case", 14, "64.95"), Item("", "Water filter cartridge", 30, "21.40")], shipping=D("45.00")),
    Invoice("american-text", "pdf", "text", places.US, "classic", "serif", ["Quillstone Software LLC", "77 Mill Avenue, Suite 4", "Austin, TX 78701"], "98-7654321", ["Ferncrest Clinics", "1500 Lake Road", "Madison, WI 53703"],
            "QS-2026-118", "2026-03-04", "2026-04-03", "8.25", [Item("", "Annual subscription, 25 seats", 25, "144.00"), Item("", "Onboarding workshop", 2, "950.00")], discount=D("250.00")),
    Invoice("two-pages-text", "pdf", "text", places.GB_LONG, "classic", "sans", ["Pennyweight Controls Ltd", "Unit 9, Weir Park", "Sheffield S4 7YQ"], "GB987654321", ["Harbourside Water Company", "3 Dock Road", "Hull HU1 2AB"],
            "PC 550218", "2026-06-30", "2026-07-30", "20", LONG, po="HW-30918", breaks_before=8),
    Invoice("two-pages-fax", "tiff", "clean@200", places.DE_LONG, "letter", "wide", ["Nordlicht Schaltanlagen GmbH", "Werftstraße 5", "24143 Kiel"], "DE987654326", ["Moorhof Energie eG", "Am Deich 11", "26721 Emden"],
            "NL-77120", "2026-09-03", "2026-10-03", "19", LONG, breaks_before=7),
    Invoice("credit-note-negative", "pdf", "text", places.GB, "band", "sans", ["Larkmoor Office Supply Ltd", "4 Foundry Lane", "Leeds LS9 8QR"], "GB123456789", ["Thornfield Dental Group", "12 Abbey Walk", "York YO1 7HX"],
            "CN-3071", "2026-04-02", "", "20", [Item("T2420", "Toner cartridge, high yield", -1, "95.67"), Item("L1008", "Lever arch files, pack of 10", -2, "13.09")], original="LM-20417", credit=True),
    Invoice("credit-note-german", "pdf", "scan@150", places.DE, "classic", "wide", ["Rotbuche Werkzeughandel GmbH", "Hafenweg 18", "28217 Bremen"], "DE123456788", ["Stadtgarten Planungsbüro AG", "Lindenallee 7", "50667 Köln"],
            "GS-2026-0044", "2026-03-12", "", "19", [Item("S-207", "Sägeblatt 190 mm, fein", 5, "18.45")], original="RE-2026-0815", credit=True),
    Invoice("irish-scan", "webp", "scan@200", places.IE, "boxed", "serif", ["Glasnamona Print Works Limited", "14 Quay Lane", "Galway H91 X2Y3"], "IE1234567T", ["Slievebawn Festival", "2 Market Square", "Sligo F91 A1B2"],
            "GP/0619", "2026-08-19", "2026-09-18", "23", [Item("", "Posters A2, full colour", 500, "1.24"), Item("", "Programme booklet, 32 pages", 1200, "0.86"), Item("", "Wristbands, woven", 2000, "0.31")], discount=D("100.00"), po="FEST-26"),
    Invoice("australian-text", "pdf", "text", places.AU, "letter", "wide", ["Currawong Solar Pty Ltd", "31 Ridge Street", "Ballarat VIC 3350"], "51 824 753 556", ["Yarra Bend Bakery", "9 Mill Road", "Kyneton VIC 3444"],
            "INV-00871", "2026-11-02", "2026-11-16", "10", [Item("CS-PV44", "Solar panel 440 W", 18, "212.00"), Item("CS-INV8", "Inverter 8 kW", 1, "1890.00"), Item("CS-LAB", "Installation labour, hours", "16.5", "95.00")]),
    Invoice("two-rates-text", "pdf", "text", places.FR_LONG, "letter", "sans", ["Papeterie Belcourt SAS", "3 place du Marché", "35000 Rennes"], "FR83404833048", ["École du Vieux Port", "17 rue Basse", "56100 Lorient"],
            "26-00718", "2026-09-15", "2026-10-15", "20", [Item("C-018", "Cahier grand format, lot de 10", 40, "18.90"), Item("L-301", "Manuel scolaire, niveau 2", 120, "24.50", rate="5.5"), Item("S-077", "Stylos bleus, boîte de 50", 22, "14.20")]),

    Receipt("malaysian-photo", "jpg", "photo@230", "mono", [
        "#^KEDAI BUKU SERI MELUR SDN BHD", "^(774120-K)", "^18 JALAN KENANGA 3, TAMAN MELUR", "^75200 MELAKA", "^TEL : 06-555 0118", "^GST ID : 000912345600", "", "^TAX INVOICE", "---",
        "INVOICE NO : CS-118204", "DATE : 17/03/2018 14:22", "CASHIER : 02", "---", "ITEM >> QTY  U/PRICE | AMT (RM)", "---",
        "EXERCISE PAD A5", "  955100201 >> 10   1.20 | 12.00", "GEL PEN BLUE", "  955100317 >> 4    2.50 | 10.00", "STEEL RULER 30CM", "  955100822 >> 1    5.90 | 5.90", "---",
        "TOTAL QTY : 15", "SUB TOTAL | 27.90", "GST @ 6% | 1.67", "ROUNDING | -0.02", "#TOTAL RM | 29.55", "CASH | 50.00", "CHANGE | 20.45", "---", "^GOODS SOLD ARE NOT RETURNABLE", "^THANK YOU"],
        {"vendor_name": "KEDAI BUKU SERI MELUR SDN BHD", "invoice_receipt_id": "CS-118204", "invoice_receipt_date": "2018-03-17", "currency": "MYR", "subtotal": "27.90", "tax": "1.67", "total": "29.55"},
        [("EXERCISE PAD A5", "10", "1.20", "12.00", "955100201"), ("GEL PEN BLUE", "4", "2.50", "10.00", "955100317"), ("STEEL RULER 30CM", "1", "5.90", "5.90", "955100822")], extra=D("-0.02")),
    Receipt("malaysian-cafe", "png", "clean@200", "sans", [
        "#^RESTORAN PINTU BIRU", "^22A, JALAN BESAR 7, 43000 KAJANG", "", "Bill No: 009127 | 24-03-2018", "Table 6 | 08:15 PM", "---", "QTY ITEM | RM", "---",
        "2 TEH TARIK | 4.40", "1 NASI LEMAK AYAM | 9.50", "3 ROTI CANAI | 4.50", "---", "Sub Total | 18.40", "Service Charge 10% | 1.84", "Rounding Adj | 0.01", "#Total Amount | 20.25", "Cash | 21.00", "Change | 0.75", "", "^Please come again"],
        {"vendor_name": "RESTORAN PINTU BIRU", "invoice_receipt_id": "009127", "invoice_receipt_date": "2018-03-24", "currency": "MYR", "subtotal": "18.40", "total": "20.25"},
        [("TEH TARIK", "2", None, "4.40"), ("NASI LEMAK AYAM", "1", None, "9.50"), ("ROTI CANAI", "3", None, "4.50")], extra=D("1.85")),
    Receipt("british-shop", "jpg", "scan@220", "mono", [
        "#^BRAMBLE & FINCH GROCERS", "^61 Castle Street, Norwich NR2 1TF", "^VAT No. 321 6549 87", "", "CLEMENTINES 600G | £2.25", "SOURDOUGH LOAF | £3.40", "OAT MILK 1L | £1.95", "FREE RANGE EGGS 12 | £3.60", "---",
        "#TOTAL | £11.20", "CARD | £11.20", "", "VISA DEBIT ****4417", "AUTH CODE 118204", "", "05/09/2026 17:41  TILL 3", "^Thank you for shopping with us"],
        {"vendor_name": "BRAMBLE & FINCH GROCERS", "invoice_receipt_date": "2026-09-05", "currency": "GBP", "total": "11.20"},
        [("CLEMENTINES 600G", "2.25"), ("SOURDOUGH LOAF", "3.40"), ("OAT MILK 1L", "1.95"), ("FREE RANGE EGGS 12", "3.60")]),
    Receipt("american-diner", "webp", "photo@220", "wide", [
        "#^CEDAR CREEK DINER", "^410 Main Street", "^Bend, OR 97701", "^(541) 555-0142", "", "Server: 12 | Check #: 40718", "08/27/2026 | 12:48 PM", "---", "1 Club Sandwich | $13.50", "1 Tomato Soup | $6.25", "2 Iced Tea | $7.00", "---",
        "Subtotal | $26.75", "Tax | $2.14", "#Total | $28.89", "", "Visa xxxx1881 | $28.89", "^Thank you!"],
        {"vendor_name": "CEDAR CREEK DINER", "invoice_receipt_id": "40718", "invoice_receipt_date": "2026-08-27", "currency": "USD", "subtotal": "26.75", "tax": "2.14", "total": "28.89"},
        [("Club Sandwich", "1", None, "13.50"), ("Tomato Soup", "1", None, "6.25"), ("Iced Tea", "2", None, "7.00")]),
    Receipt("american-hardware", "pdf", "text", "mono", [
        "#^TIMBERLINE HARDWARE", "^Store 0117  1900 Pine Avenue", "^Boise, ID 83702", "", "HEX BOLT 3/8 | 4.76", "WOOD SCREWS 1LB | 8.49", "PAINT ROLLER 9IN | 11.97", "---", "SUBTOTAL | 25.22", "SALES TAX 6.0% | 1.51", "#TOTAL | $26.73", "CASH | 30.00", "CHANGE | 3.27", "", "TRANS# 88213    11/19/2026 09:05 AM"],
        {"vendor_name": "TIMBERLINE HARDWARE", "invoice_receipt_id": "88213", "invoice_receipt_date": "2026-11-19", "currency": "USD", "subtotal": "25.22", "tax": "1.51", "total": "26.73"},
        [("HEX BOLT 3/8", "4.76"), ("WOOD SCREWS 1LB", "8.49"), ("PAINT ROLLER 9IN", "11.97")]),
]
