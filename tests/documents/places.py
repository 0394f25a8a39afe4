"""How each country writes money, dates and labels."""
from dataclasses import dataclass
from decimal import Decimal

NBSP = "\u00a0"
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
}


@dataclass(frozen=True)
class Place:
    currency: str
    before: str
    after: str
    thousands: str
    point: str
    date: str      # d and m without, D and M with a leading zero, N the month's name, A its first three letters
    language: str
    words: dict

    def number(self, value, places=2):
        sign, text = ("-" if value < 0 else ""), f"{abs(Decimal(value)):.{places}f}"
        whole, _, rest = text.partition(".")
        size, parts = 3, []
        while len(whole) > size:
            parts.insert(0, whole[-size:])
            whole = whole[:-size]
            size = 2 if self.currency == "INR" else 3
        return sign + self.thousands.join([whole, *parts]) + (self.point + rest if rest else "")

    def money(self, value):
        text = self.number(value)
        return f"-{self.before}{text[1:]}{self.after}" if value < 0 else f"{self.before}{text}{self.after}"

    def day(self, iso):
        year, month, day = iso.split("-")
        name = MONTHS[self.language][int(month) - 1]
        forms = {"Y": year, "y": year[2:], "M": month, "m": str(int(month)), "D": day, "d": str(int(day)), "N": name, "A": name[:3]}
        return "".join(forms.get(c, c) for c in self.date).replace("\0", "")

    def percent(self, rate):
        rate = Decimal(rate)
        return self.number(rate, max(0, -rate.normalize().as_tuple().exponent)) + "%"


def _words(line):
    return dict(pair.split("=") for pair in line.split("; "))


_EN = _words("title=INVOICE; credit=CREDIT NOTE; number=Invoice No:; credit_number=Credit Note No:; date=Invoice date:; due=Due date:; po=Your order ref.; to=Bill To:; code=Code; item=Description; quantity=Qty; unit=Unit price; "
             "price=Amount; subtotal=Subtotal; discount=Discount; shipping=Carriage; tax=VAT {}; total=Total due; carried=Carried forward; brought=Brought forward; page=Page {} of {}; tax_id=VAT Reg No.; terms=Payment within 30 days.; original=Original invoice:")
_DE = _words("title=Rechnung; credit=Gutschrift; number=Rechnungsnummer; credit_number=Gutschrift-Nr.; date=Rechnungsdatum; due=Zahlbar bis; po=Ihre Bestellung; to=Rechnungsempfänger; code=Art.-Nr.; item=Bezeichnung; quantity=Menge; unit=Einzelpreis; "
             "price=Gesamt; subtotal=Zwischensumme; discount=Rabatt; shipping=Versandkosten; tax=zzgl. MwSt {}; total=Rechnungsbetrag; carried=Übertrag; brought=Übertrag; page=Seite {} von {}; tax_id=USt-IdNr.; terms=Zahlbar ohne Abzug.; original=Zu Rechnung")
_FR = _words("title=FACTURE; credit=AVOIR; number=Facture n°; credit_number=Avoir n°; date=Date de facture; due=Date d'échéance; po=Bon de commande; to=Facturé à; code=Réf.; item=Désignation; quantity=Qté; unit=P.U. HT; "
             "price=Montant HT; subtotal=Sous-total HT; discount=Remise; shipping=Frais de port; tax=TVA {}; total=TOTAL TTC; carried=À reporter; brought=Report; page=Page {} / {}; tax_id=N° TVA; terms=Paiement à 30 jours.; original=Facture d'origine")
_ES = _words("title=FACTURA; credit=FACTURA RECTIFICATIVA; number=Nº factura; credit_number=Nº rectificativa; date=Fecha factura; due=Vencimiento; po=Nº pedido; to=Cliente; code=Ref.; item=Concepto; quantity=Cantidad; unit=Precio; "
             "price=Importe; subtotal=Base imponible; discount=Descuento; shipping=Portes; tax=IVA {}; total=TOTAL FACTURA; carried=Suma y sigue; brought=Suma anterior; page=Página {} de {}; tax_id=NIF; terms=Forma de pago: transferencia.; original=Factura original")

GB = Place("GBP", "£", "", ",", ".", "D/M/Y", "en", _EN)
GB_LONG = Place("GBP", "£", "", ",", ".", "d N Y", "en", _EN | {"number": "Invoice number", "total": "Balance due"})
IE = Place("EUR", "€", "", ",", ".", "d A Y", "en", _EN | {"total": "Amount due", "unit": "Price", "price": "Line total"})
US = Place("USD", "$", "", ",", ".", "M/D/Y", "en", _EN | {"number": "Invoice #", "tax": "Sales tax ({})", "shipping": "Shipping & handling", "total": "TOTAL", "tax_id": "EIN", "terms": "Terms: Net 30."})
AU = Place("AUD", "$", "", ",", ".", "d N Y", "en", _EN | {"title": "TAX INVOICE", "tax": "GST ({})", "tax_id": "ABN", "total": "Total AUD"})
IN = Place("INR", "₹ ", "", ",", ".", "D-A-Y", "en", _EN | {"title": "TAX INVOICE", "tax": "IGST {}", "tax_id": "GSTIN", "code": "HSN/SAC", "total": "Grand Total", "shipping": "Freight", "unit": "Rate"})
DE = Place("EUR", "", NBSP + "€", ".", ",", "D.M.Y", "de", _DE)
DE_LONG = Place("EUR", "", NBSP + "€", ".", ",", "d. N Y", "de", _DE | {"number": "Beleg-Nr.", "total": "Gesamtbetrag", "price": "Betrag"})
CH = Place("CHF", "CHF ", "", "'", ".", "D.M.Y", "de", _DE | {"tax": "MWST {}", "tax_id": "MWST-Nr.", "total": "Zu zahlen"})
FR = Place("EUR", "", NBSP + "€", NBSP, ",", "D/M/Y", "fr", _FR)
FR_LONG = Place("EUR", "", NBSP + "€", NBSP, ",", "d N Y", "fr", _FR | {"total": "Net à payer"})
ES = Place("EUR", "", NBSP + "€", ".", ",", "D/M/Y", "es", _ES)
MY = Place("MYR", "RM ", "", ",", ".", "D/M/Y", "en", {})
MY_DASH = Place("MYR", "RM", "", ",", ".", "D-M-y", "en", {})
MY_NAME = Place("MYR", "RM ", "", ",", ".", "D A Y", "en", {})
