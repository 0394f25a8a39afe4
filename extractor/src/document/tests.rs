//! Whole documents from written lines: what `extract` must decide, and that no text can stop it.

use super::testing::{page, word, written};
use super::{DocumentType, Extraction, SUM_CHECK, extract};
use crate::geometry::Page;
use crate::result::Outcome;

const INVOICE: [&str; 13] = [
    "Larkmoor Office Supply Ltd",
    "4 Foundry Lane",
    "Invoice No: LM-20417",
    "Invoice date: 14/03/2026",
    "Due date: 13/04/2026",
    "Description|Qty|Unit price|Amount",
    "Copier paper|12|23.21|278.52",
    "white, 80 gsm",
    "Lever arch files|6|13.09|78.54",
    "Subtotal||£357.06",
    "Carriage||£10.00",
    "VAT 20%||£73.41",
    "Total due||£440.47",
];

fn invoice(lines: &[&str]) -> Extraction {
    extract(DocumentType::Invoice, &[written(lines)])
}

fn value(found: &Extraction, name: &str) -> Option<String> {
    found.fields.get(name).map(|field| field.value.clone())
}

fn cells(found: &Extraction, name: &str) -> Vec<Option<String>> {
    let cell = |item: &crate::result::LineItem| item.fields.get(name).map(|f| f.value.clone());
    found.line_items.iter().map(cell).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn a_consistent_invoice_needs_nobody() {
    let found = invoice(&INVOICE);
    assert_eq!(found.routing.reasons, Vec::<String>::new());
    assert_eq!(found.routing.outcome, Outcome::Succeeded);
    for (name, expected) in [
        ("vendor_name", "Larkmoor Office Supply Ltd"),
        ("subtotal", "357.06"),
        ("shipping_handling_charge", "10.00"),
        ("tax", "73.41"),
        ("total", "440.47"),
        ("currency", "GBP"),
        ("due_date", "2026-04-13"),
    ] {
        assert_eq!(value(&found, name).as_deref(), Some(expected), "{name}");
    }
    assert!(
        found.fields["total"]
            .checks
            .iter()
            .any(|c| c.name == SUM_CHECK && c.passed)
    );
}

#[test]
fn sums_that_disagree_go_to_a_person_with_less_confidence() {
    let right = invoice(&INVOICE);
    let mut lines = INVOICE;
    lines[12] = "Total due||£449.47";
    let wrong = invoice(&lines);
    assert_eq!(value(&wrong, "total").as_deref(), Some("449.47"));
    assert_eq!(wrong.routing.outcome, Outcome::NeedsReview);
    assert!(
        wrong
            .routing
            .reasons
            .contains(&"arithmetic_mismatch".to_owned())
    );
    assert!(wrong.fields["total"].confidence < right.fields["total"].confidence);
}

#[test]
fn a_missing_total_is_missing_and_not_made_up() {
    let found = invoice(&INVOICE[..9]);
    assert_eq!(value(&found, "total"), None);
    assert!(found.routing.reasons.contains(&"missing_total".to_owned()));
}

#[test]
fn items_keep_wrapped_lines_and_their_numbers() {
    let found = invoice(&INVOICE);
    assert_eq!(
        cells(&found, "item"),
        some(&["Copier paper white, 80 gsm", "Lever arch files"])
    );
    assert_eq!(cells(&found, "quantity"), some(&["12", "6"]));
    assert_eq!(cells(&found, "price"), some(&["278.52", "78.54"]));
}

#[test]
fn sums_carried_to_the_next_page_are_no_items() {
    let first = [
        "Description|Qty|Unit price|Amount",
        "Paper|2|5.00|10.00",
        "Carried forward||10.00",
    ];
    let second = [
        "Description|Qty|Unit price|Amount",
        "Brought forward||10.00",
        "Files|3|2.00|6.00",
        "Total||16.00",
    ];
    let mut pages = [written(&first), written(&second)];
    pages[1].number = 2;
    let found = extract(DocumentType::Invoice, &pages);
    assert_eq!(cells(&found, "item"), some(&["Paper", "Files"]));
    assert_eq!(found.line_items[1].fields["price"].page, 2);
    assert_eq!(value(&found, "total").as_deref(), Some("16.00"));
}

#[test]
fn what_was_paid_less_change_finds_the_total_after_rounding() {
    let lines = [
        "KEDAI SERI SDN BHD",
        "19/10/2018 20:49",
        "LAMP||60.31",
        "TOTAL AMT||60.31",
        "ROUNDING ADJ||-0.01",
        "||60.30",
        "CASH||70.30",
        "CHANGE||10.00",
    ];
    let found = extract(DocumentType::Receipt, &[written(&lines)]);
    assert_eq!(value(&found, "total").as_deref(), Some("60.30"));
    assert_eq!(
        value(&found, "invoice_receipt_date").as_deref(),
        Some("2018-10-19")
    );
}

#[test]
fn an_amount_may_touch_the_colon_or_the_dots_before_it() {
    for total in ["TOTAL:60.31", "TOTAL....60.31"] {
        let found = extract(DocumentType::Receipt, &[written(&["SERI MART", total])]);
        assert_eq!(value(&found, "total").as_deref(), Some("60.31"), "{total}");
    }
}

#[test]
fn money_put_into_a_machine_is_not_the_total() {
    let lines = [
        "DION PARKING SDN BHD",
        "Amount Incl. GST|5.00",
        "Accepted total|10.00",
        "Change|5.00",
    ];
    let found = extract(DocumentType::Receipt, &[written(&lines)]);
    assert_eq!(value(&found, "total").as_deref(), Some("5.00"));
}

#[test]
fn a_code_stands_in_brackets_before_the_name_or_close_behind_the_quantity() {
    let bracketed = [
        "Description|Qty|Unit price|Amount",
        "[DESK_20] Oak desk|2|150.00|300.00",
        "[sale] Chair|1|40.00|40.00",
    ];
    let found = invoice(&bracketed);
    assert_eq!(cells(&found, "item"), some(&["Oak desk", "[sale] Chair"]));
    assert_eq!(
        cells(&found, "product_code"),
        [Some("DESK_20".to_owned()), None]
    );
    let mut page = written(&["Qty Code|Item|Unit price|Amount"]);
    for (row, (code, name, price)) in [("S768", "Pens", "5.00"), ("L691", "Rulers", "6.00")]
        .into_iter()
        .enumerate()
    {
        let y = 0.09 + 0.04 * row as f32;
        let places = [
            ("2", 0.056),
            (code, 0.074),
            (name, 0.25),
            ("2.00", 0.45),
            (price, 0.65),
        ];
        page.words
            .extend(places.map(|(text, left)| word(text, left, y)));
    }
    let found = extract(DocumentType::Invoice, &[page]);
    assert_eq!(cells(&found, "product_code"), some(&["S768", "L691"]));
    assert_eq!(cells(&found, "quantity"), some(&["2", "2"]));
}

#[test]
fn a_part_of_a_set_is_an_item_without_a_price() {
    let found = invoice(&[
        "Description|Qty|Unit price|Amount",
        "Notebook with sleeve|1|900.00|900.00",
        "Sleeve|1",
        "Mouse|2|20.00|40.00",
        "Total||940.00",
    ]);
    assert_eq!(
        cells(&found, "item"),
        some(&["Notebook with sleeve", "Sleeve", "Mouse"])
    );
    assert_eq!(
        cells(&found, "price"),
        [Some("900.00".to_owned()), None, Some("40.00".to_owned())]
    );
}

#[test]
fn a_tax_of_nought_and_a_country_by_its_tax_number_are_read() {
    let found = invoice(&[
        "Lotus Textiles",
        "GSTIN: 29ABCDE1234F1Z5",
        "Subtotal||127.50",
        "Tax (0%)||0.00",
        "Total||127.50",
    ]);
    assert_eq!(value(&found, "tax").as_deref(), Some("0.00"));
    assert_eq!(value(&found, "currency").as_deref(), Some("INR"));
    assert_eq!(found.fields["currency"].raw, "GSTIN");
}

#[test]
fn till_items_have_their_name_on_the_line_or_above() {
    let lines = [
        "SERI MART",
        "2 TEH TARIK||4.40",
        "GEL PEN",
        "4 X 2.50|10.00",
        "SUBTOTAL||14.40",
        "TOTAL||14.40",
    ];
    let found = extract(DocumentType::Receipt, &[written(&lines)]);
    assert_eq!(cells(&found, "item"), some(&["TEH TARIK", "GEL PEN"]));
    assert_eq!(cells(&found, "quantity"), some(&["2", "4"]));
}

#[test]
fn the_type_is_guessed_from_what_only_one_of_them_prints() {
    let receipt = written(&["SERI MART", "TOTAL||5.00", "CASH||10.00", "CHANGE||5.00"]);
    assert_eq!(DocumentType::guess(&[receipt]), DocumentType::Receipt);
    assert_eq!(
        DocumentType::guess(&[written(&INVOICE)]),
        DocumentType::Invoice
    );
}

#[test]
fn names_of_types_are_read_back() {
    for kind in DocumentType::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    assert!("invoice".parse::<DocumentType>().is_err());
}

#[test]
fn a_document_without_words_has_no_fields() {
    for pages in [Vec::new(), vec![page(Vec::new())]] {
        let found = extract(DocumentType::Receipt, &pages);
        assert!(found.fields.is_empty() && found.line_items.is_empty());
        assert_eq!(found.routing.outcome, Outcome::NeedsReview);
    }
}

/// Pieces that the parsers care about, in any order: none of them may panic or claim what is not there.
#[test]
fn no_mixture_of_words_stops_extraction_or_gets_a_value_that_is_not_printed() {
    const PIECES: [&str; 40] = [
        "Total",
        "£",
        "€12,50",
        "-",
        "(5.00)",
        "1.234,56",
        "31/02/2026",
        "2026-02-28",
        "%",
        "RM",
        "é",
        "ß°",
        "…",
        "№",
        "\u{a0}",
        "99999999999999.99",
        "0",
        ".",
        ",50",
        "'",
        "Invoice",
        "#",
        "No:",
        "Qty",
        "Price",
        "Amount",
        "Description",
        "x",
        "SDN BHD",
        "(",
        "ω",
        "日本",
        "Subtotal",
        "VAT",
        "Change",
        "Cash",
        "1'000.00",
        "12:30",
        "5-",
        "--",
    ];
    // A plain generator keeps the test repeatable.
    let mut state = 7_u64;
    let mut next = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for _ in 0..400 {
        let words = (0..next(60)).map(|_| {
            let text: String = (0..=next(2)).map(|_| PIECES[next(PIECES.len())]).collect();
            word(&text, next(90) as f32 / 100.0, next(40) as f32 / 40.0)
        });
        let pages: Vec<Page> = vec![page(words.collect())];
        let found = extract(
            if next(2) == 0 {
                DocumentType::Invoice
            } else {
                DocumentType::Receipt
            },
            &pages,
        );
        for (name, field) in &found.fields {
            let printed = |part: &str| pages[0].words.iter().any(|w| w.text.contains(part));
            assert!(
                field
                    .raw
                    .split_whitespace()
                    .all(|part| part == "+" || printed(part)),
                "{name} {field:?}"
            );
        }
    }
}
