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
