//! The words that documents put beside and above their values, in English, German, French, Spanish, Dutch, Italian and
//! Malay. A table: adding a phrase needs no code.
//! Phrases end with a semicolon and are compared without case, accents and punctuation.

/// What a label announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The amount to pay, said in a way that means nothing else.
    GrandTotal,
    /// The amount to pay, most of the time.
    Total,
    /// Before tax on some documents, to pay on others.
    NetTotal,
    Subtotal,
    /// Before tax, on documents whose subtotal includes it.
    TotalBeforeTax,
    Tax,
    TaxTotal,
    Discount,
    Shipping,
    /// Service charge or tip.
    Service,
    Rounding,
    Paid,
    Change,
    /// Numbers that are none of the above and must not be taken for them.
    Other,
    /// Starts the table of tax rates at the foot.
    TaxSummary,
    Carried,
    Number,
    Date,
    Due,
    PurchaseOrder,
    /// The invoice that a credit note corrects.
    Original,
    Customer,
    Delivery,
    TaxId,
    Account,
    Contact,
    Title,
}

pub(super) const LABELS: &[(Kind, &str)] = &[
    (
        Kind::GrandTotal,
        "grand total; total due; amount due; balance due; total amount due; total payable; amount payable; total \
         amount payable; total amt payable; total to pay; to pay; amount to pay; total inclusive; total incl; \
         total incl gst; total inclusive gst; total inclusive of gst; total gst incl; total incl of gst; total \
         amt incl gst; total amount incl gst; total with gst; total sales inclusive; total sales inclusive gst; \
         total sales inclusive of gst; total sales incl gst; total incl vat; total including vat; total inc gst; \
         total inc vat; total including gst; total after rounding; rounded total; total rounded; final total; \
         nett total; net amt; nett amt; nett amount; invoice total; order total; total of invoice; total amount \
         incl; total rm incl of gst; total rm including gst; total incl tax; bill total; total bill; \
         rechnungsbetrag; gesamtbetrag; zu zahlen; zu zahlender betrag; endbetrag; gesamtsumme; bruttobetrag; \
         zahlbetrag; gutschriftsbetrag; endsumme; summe brutto; rechnungssumme; total eur; summe eur; total ttc; \
         net a payer; montant ttc; montant total; total a payer; total factura; total a pagar; importe total; \
         total general; totaal te betalen; te betalen; totaalbedrag; totaal incl btw; totale fattura; totale da \
         pagare; jumlah besar; jumlah perlu dibayar; total aud; total usd; total gbp; total chf; total inr; \
         credit total; total credit; amount incl gst; amount inc gst; amount incl vat; amount incl tax; amount \
         including gst; amount inclusive of gst",
    ),
    (
        Kind::Total,
        "total; total amount; total amt; total rm; total sales; total price; gesamt; summe; totaal; totale; \
         jumlah; total sale",
    ),
    (
        Kind::NetTotal,
        "net total; total net; net amount; total nett; total neto",
    ),
    (
        Kind::Subtotal,
        "subtotal; sub total; sub total ex; goods total; total goods; items total; sub totl; zwischensumme; \
         nettobetrag; summe netto; gesamt netto; warenwert; netto; nettosumme; sous total; sous total ht; total \
         brut ht; total ht; montant ht; total h t; base imponible; subtotaal; totaal excl btw; imponibile; sub \
         total gst; gross amt; gross total; total brut; subtotal excl vat; subtotal ex vat; untaxed amount",
    ),
    (
        Kind::TotalBeforeTax,
        "exclusief btw; excl btw; excl vat; ex vat; excl gst; total excl tax; total excluding; total excl; total excl gst; total excluding gst; total excl of gst; total excluding of \
         gst; total sales excluding gst; total sales excluding; total sales excl gst; total before tax; total \
         before gst; total exclusive gst; taxable amount; amount before tax; total excl vat; total ex vat; total \
         ex gst; total without gst; total 0 supplies; total 6 supplies; total 6 supplies excl gst; total 6 \
         supplies inc gst; total amt excl gst; total amount excl gst; total amount excluding gst",
    ),
    (
        Kind::Tax,
        "vat; gst; tax; sales tax; mwst; zzgl mwst; ust; umsatzsteuer; mehrwertsteuer; tva; iva; btw; cgst; sgst; \
         igst; hst; service tax; tax amt; gst amt; vat amount; gst amount; tax amount; sst; gst 6; 6 gst; add \
         gst; add vat; gst included in total; included in total; gst 6 included in total; included in total gst; \
         zzgl ust; steuer; impuestos; state tax",
    ),
    (
        Kind::TaxTotal,
        "total vat; vat total; total gst; gst total; total tax; tax total; gst payable; mwst gesamt; mwst betrag; \
         total tva; montant tva; total iva; total btw; steuerbetrag; cuota iva; iva gesamt",
    ),
    (
        Kind::Discount,
        "discount; less discount; disc; total discount; rabatt; skonto; nachlass; remise; rabais; descuento; dto; \
         korting; sconto; diskaun",
    ),
    (
        Kind::Shipping,
        "shipping; shipping handling; shipping and handling; delivery; delivery charge; carriage; freight; \
         postage; postage packing; versand; versandkosten; fracht; frachtkosten; porto; lieferkosten; frais de \
         port; port; livraison; portes; gastos de envio; transporte; verzendkosten; spese di spedizione",
    ),
    (
        Kind::Service,
        "service charge; svc charge; serv charge; service chg; svc chg; srv chg; srv charge; tip; gratuity; bedienung",
    ),
    (
        Kind::Rounding,
        "rounding; rounding adj; rounding adjustment; rounding adjustments; round adj; round off; bill rounding; \
         cash rounding; rnd adj; rundung; arrondi; redondeo; rounding adjust",
    ),
    (
        Kind::Paid,
        "cash; payment; paid; paid amount; amount paid; total paid; cash tendered; tendered; tender; received; \
         cash received; amount received; visa; visa card; master; mastercard; master card; amex; debit; debit \
         card; credit card; card; bank card; maestro; bar; gegeben; ec karte; kreditkarte; especes; carte \
         bancaire; efectivo; tarjeta; contant; pin; contanti; tunai; cash rm; visa debit; total tender; deposit; accepted total; total accepted; amount accepted",
    ),
    (
        Kind::Change,
        "change; change due; change rm; change amt; balance change; cash change; ruckgeld; wechselgeld; rendu; \
         cambio; wisselgeld; resto; baki; your change",
    ),
    (
        Kind::Other,
        "total qty; total quantity; total qtys; total item; total items; total items s; total no of items; no of \
         items; no items; no qty; total qty tender; item count; items count; qtys; qty s; items s; item s; total \
         saving; total savings; your savings; your savings for today; you saved; points; total points; balance \
         points; total hours; total weight; vat rate; tax rate; tax code; gst code; price override; original \
         price; opening balance; previous balance; exchange rate; deposit paid; auth code; approval code; \
         loyalty; total discounts; total saved; item discount; itemcount",
    ),
    (
        Kind::TaxSummary,
        "gst summary; tax summary; vat summary; gst analysis; vat analysis; tax analysis; tax details; gst \
         sumary; gst breakdown; vat breakdown; summary of gst",
    ),
    (
        Kind::Carried,
        "carried forward; brought forward; carry forward; balance forward; ubertrag; a reporter; report; suma y \
         sigue; suma anterior; transport; riporto; c f; b f; balance carried forward; balance brought forward; \
         continued",
    ),
    (
        Kind::Number,
        "booking id; booking no; order id; transaction id; invoice no; invoice number; invoice nr; invoice num; invoice id; inv no; inv number; invoice; tax \
         invoice no; tax inv no; taxinv no; taxinvno; document no; document number; doc no; bill no; bill number; \
         receipt no; receipt number; receipt; rcpt no; rcpt; check no; check; order no; trans; trans no; \
         transaction no; transaction; ref no; slip no; cash bill no; cash inv no; sales no; cb; cs no; bill; inv; \
         taxinv; ticket no; credit note no; credit no; credit note number; credit memo no; rechnungsnummer; \
         rechnungs nr; rechnung nr; rechnungsnr; beleg nr; belegnummer; gutschrift nr; gutschriftsnummer; bon nr; \
         facture no; no de facture; numero de facture; facture num; avoir no; no d avoir; no factura; factura no; \
         numero de factura; no rectificativa; factuurnummer; factuur nr; fattura n; numero fattura",
    ),
    (
        Kind::Date,
        "date; invoice date; inv date; date of issue; issue date; date of invoice; tax point; tax date; tax point \
         date; document date; doc date; bill date; receipt date; inv dt; date time; trans date; order date; \
         rechnungsdatum; datum; belegdatum; ausstellungsdatum; gutschriftsdatum; date de facture; date facture; \
         date d emission; fecha; fecha factura; fecha de factura; fecha de emision; factuurdatum; data; data \
         fattura; tarikh",
    ),
    (
        Kind::Due,
        "due date; payment due; due by; payment due date; due; pay by; zahlbar bis; fallig am; falligkeit; \
         falligkeitsdatum; zahlungsziel; echeance; date d echeance; date echeance; a payer avant le; vencimiento; \
         fecha de vencimiento; vervaldatum; scadenza; date due; payable by",
    ),
    (
        Kind::PurchaseOrder,
        "customer reference; customer ref; reference; po number; p o number; po no; po ref; po; p o no; purchase order; purchase order no; purchase order \
         number; your order; your order ref; your order no; order ref; customer order; your ref; your reference; \
         ihre bestellung; bestell nr; bestellnummer; bestellung; ihre bestellnummer; auftragsnummer; bon de \
         commande; votre ref; votre commande; no de commande; su pedido; no pedido; pedido no; pedido; \
         bestelnummer; ordernummer; uw referentie; numero ordine",
    ),
    (
        Kind::Original,
        "original invoice; original invoice no; zu rechnung; ursprungsrechnung; facture d origine; factura \
         original; ref invoice; invoice ref; credited invoice",
    ),
    (
        Kind::Customer,
        "bill to; billed to; invoice to; invoiced to; sold to; customer; client; buyer; charge to; \
         rechnungsempfanger; rechnung an; kunde; facture a; cliente; datos del cliente; factuur aan; klant; \
         destinatario; zahlbar durch; recipient; attention; attn; customer name; guest name",
    ),
    (
        Kind::Delivery,
        "ship to; deliver to; delivery address; shipped to; lieferanschrift; lieferadresse; livre a; adresse de \
         livraison; entrega; direccion de entrega; afleveradres; delivered to",
    ),
    (
        Kind::TaxId,
        "vat reg no; vat no; vat number; vat registration no; vat reg; gst no; gst reg no; gst reg; gst id; gst \
         id no; gst registration no; gstin; abn; ein; tax id; tax id no; ust idnr; ust id nr; ust id; mwst nr; \
         steuernummer; steuer nr; no tva; tva intracom; n tva; nif; cif; btw nummer; btw nr; btw; partita iva; p \
         iva; siret; siren; uid; co reg; co reg no; company reg no; company reg; reg no; roc no; brn; co no",
    ),
    (
        Kind::Account,
        "account; account no; customer id; customer no; customer number; kundennummer; kd nr; kunden nr; no \
         client; code client; cliente no; klantnummer; iban; bic; swift; konto; bank; sort code; kontonummer; \
         member; member no; card no; terminal; merchant id",
    ),
    (
        Kind::Contact,
        "tel; telephone; phone; fax; email; e mail; mobile; hp; website; www; telefon; telefono; hotline; \
         cashier; server; table; till; counter; salesperson; time; operator; page; seite; pagina; room no; tel \
         fax; location; whatsapp",
    ),
    (
        Kind::Title,
        "tax invoice; simplified tax invoice; cash sales; cash receipt; official receipt; sales receipt; credit \
         note; credit memo; rechnung; gutschrift; facture; avoir; factura; factura rectificativa; factuur; \
         fattura; cash bill; original for recipient; statement; pro forma invoice; quittung; ticket; delivery \
         note; customer copy; tax cash sales; copy; duplicate; reprint",
    ),
];

/// A column of the table of goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Column {
    Item,
    Code,
    Quantity,
    UnitPrice,
    Price,
    /// Per cent, tax amounts, units, positions, discounts: read past.
    Unused,
}

pub(super) const HEADERS: &[(Column, &str)] = &[
    (
        Column::Item,
        "description; item description; details; particulars; product; products; item name; goods; service; \
         services; bezeichnung; beschreibung; artikelbezeichnung; leistung; designation; libelle; description des \
         articles; concepto; descripcion; articulo; omschrijving; descrizione; desc item; code desc; code and \
         desc; description of goods; produit; desc; activity",
    ),
    (
        Column::Code,
        "code; sku; part no; part number; item no; item code; product code; article no; hsn sac; hsn; sac; art \
         nr; artikel nr; artikelnummer; artnr; ref; reference; referencia; codigo; artikelcode; codice; stock \
         code; item id",
    ),
    (
        Column::Quantity,
        "qty; quantity; quantities; menge; anzahl; stuck; qte; quantite; cant; cantidad; uds; aantal; quantita; \
         hours; hrs; units; sale; qty hrs",
    ),
    (
        Column::UnitPrice,
        "prijs per stuk; price per unit; prix a l unite; preis je einheit; unit price; price; rate; unit cost; price each; each; cost; u price; uprice; u p; s price; einzelpreis; \
         e preis; ep; stuckpreis; preis; p u ht; pu ht; prix unitaire; prix; p u; precio; precio unitario; precio \
         unit; prijs; stukprijs; prezzo; prezzo unitario; unit price rm; price rm; amt each; prix unitaire ht",
    ),
    (
        Column::Price,
        "prijs incl btw; price incl vat; amount incl vat; total incl vat; bedrag excl btw; amount; line total; total; net; net amount; total price; price total; amount rm; amt rm; amt; subtotal; \
         gesamt; betrag; gesamtpreis; summe; nettobetrag; montant ht; montant; total ht; importe; bedrag; totaal; \
         importo; totale; value; total rm; line amount; rm; ext price; extended; amount excl vat; netto",
    ),
    (
        Column::Unused,
        "vat; tax; gst; vat rate; tax rate; mwst; ust; tva; iva; btw; disc; discount; rabatt; remise; dto; pos; \
         no; sl no; s no; unit; einheit; unite; uom; taxes; date; datum; iss; exc; d; tipo; igst; cgst; sgst; tax \
         code; line",
    ),
    // `Item` and `Artikel` head the description on some tables and the code on others; see `line_items`.
    (Column::Item, "item; items; artikel; article"),
];
