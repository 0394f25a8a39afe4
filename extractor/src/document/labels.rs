//! Finds the lexicon's phrases on a line, also when recognition glued words or misread a letter.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::lexicon::{Column, HEADERS, Kind, LABELS};
use super::lines::Line;
use super::text::{distance, fold, squeeze};

/// A phrase found on a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit<T> {
    pub(super) meaning: T,
    pub(super) range: Range<usize>,
    /// Number of letters that were misread.
    pub(super) edits: usize,
}

/// All labels of a line, left to right, none inside another.
pub(super) fn labels(line: &Line) -> Vec<Hit<Kind>> {
    static INDEX: LazyLock<Index<Kind>> = LazyLock::new(|| Index::of(LABELS));
    let mut hits = INDEX.find(&line.text, line.is_recognised);
    hits.retain(|hit| !is_prefix_of_code(&line.text, hit));
    hits
}

/// `INV-2026-118` and `PO58622` are numbers that begin like labels.
fn is_prefix_of_code(text: &str, hit: &Hit<Kind>) -> bool {
    let behind = text[hit.range.end..].trim_start_matches(['-', '/']);
    let is_glued = text[hit.range.end..].starts_with('_')
        || hit.range.len() <= 4 && behind.starts_with(|c: char| c.is_ascii_digit());
    is_glued && matches!(hit.meaning, Kind::Number | Kind::PurchaseOrder)
}

/// All column heads of a line, left to right, none inside another.
pub(super) fn headers(line: &Line) -> Vec<Hit<Column>> {
    static INDEX: LazyLock<Index<Column>> = LazyLock::new(|| Index::of(HEADERS));
    INDEX.find(&line.text, line.is_recognised)
}

/// Phrases by their first letter, longest first.
struct Index<T>(HashMap<char, Vec<(Vec<char>, T)>>);

/// A letter or digit of the line, folded.
struct Folded {
    char: char,
    at: usize,
    end: usize,
    starts_word: bool,
    /// Number of the segment that it stands in; no phrase reaches from one into the next.
    segment: usize,
}

/// Phrases at least this long may be glued to what follows.
const GLUED: usize = 7;
/// Phrases at least this long may have a letter too few or too many.
const STRETCHED: usize = 8;
/// One letter in so many may be misread.
const LETTERS_PER_EDIT: usize = 6;

impl<T: Copy + PartialEq> Index<T> {
    fn of(lexicon: &[(T, &str)]) -> Self {
        let mut index: HashMap<char, Vec<(Vec<char>, T)>> = HashMap::new();
        for (meaning, phrases) in lexicon {
            for phrase in phrases.split(';') {
                let letters: Vec<char> = squeeze(phrase).chars().collect();
                if let Some(&first) = letters.first() {
                    index.entry(first).or_default().push((letters, *meaning));
                }
            }
        }
        for phrases in index.values_mut() {
            phrases.sort_by_key(|(letters, _)| std::cmp::Reverse(letters.len()));
        }
        Self(index)
    }

    fn find(&self, text: &str, may_be_misread: bool) -> Vec<Hit<T>> {
        let folded = folded(text);
        let mut hits: Vec<(usize, Hit<T>)> = Vec::new();
        for start in (0..folded.len()).filter(|&i| folded[i].starts_word) {
            let Some(phrases) = self.0.get(&folded[start].char) else {
                continue;
            };
            let exact = phrases.iter().find_map(|(letters, meaning)| {
                Some((exact_end(&folded, start, letters)?, 0, *meaning))
            });
            let fuzzy = || {
                phrases.iter().find_map(|(letters, meaning)| {
                    let (end, edits) = fuzzy_end(&folded, start, letters)?;
                    Some((end, edits, *meaning))
                })
            };
            let found = if may_be_misread {
                longer(exact, fuzzy())
            } else {
                exact
            };
            if let Some((end, edits, meaning)) = found {
                let range = folded[start].at..folded[end - 1].end;
                hits.push((
                    end - start,
                    Hit {
                        meaning,
                        range,
                        edits,
                    },
                ));
            }
        }
        longest(hits)
    }
}

/// The longest phrase explains its words; what lies inside it is no label of its own.
fn longest<T>(mut hits: Vec<(usize, Hit<T>)>) -> Vec<Hit<T>> {
    hits.sort_by_key(|(length, hit)| (std::cmp::Reverse(*length), hit.edits));
    let mut kept: Vec<Hit<T>> = Vec::new();
    for (_, hit) in hits {
        if kept
            .iter()
            .all(|k| hit.range.end <= k.range.start || k.range.end <= hit.range.start)
        {
            kept.push(hit);
        }
    }
    kept.sort_by_key(|hit| hit.range.start);
    kept
}

type Found<T> = Option<(usize, usize, T)>;

fn longer<T>(exact: Found<T>, fuzzy: Found<T>) -> Found<T> {
    match (exact, fuzzy) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 + b.1 { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn folded(text: &str) -> Vec<Folded> {
    let mut out: Vec<Folded> = Vec::with_capacity(text.len());
    let mut previous: Option<char> = None;
    let mut segment = 0;
    for (at, c) in text.char_indices() {
        segment += usize::from(c == '\t');
        if let Some(mut char) = fold(c) {
            // Zero and one between letters are read as the letters they look like.
            if previous.is_some_and(char::is_alphabetic)
                && text[at + c.len_utf8()..].starts_with(char::is_alphabetic)
            {
                char = match char {
                    '0' => 'o',
                    '1' => 'l',
                    other => other,
                };
            }
            let starts_word =
                previous.is_none_or(|p| !p.is_alphanumeric() || p.is_numeric() != c.is_numeric());
            out.push(Folded {
                char,
                at,
                end: at + c.len_utf8(),
                starts_word,
                segment,
            });
        }
        previous = Some(c);
    }
    out
}

fn ends_word(folded: &[Folded], end: usize) -> bool {
    folded.get(end).is_none_or(|next| next.starts_word)
}

fn exact_end(folded: &[Folded], start: usize, letters: &[char]) -> Option<usize> {
    let end = start + letters.len();
    let is_same = end <= folded.len()
        && folded[start].segment == folded[end - 1].segment
        && folded[start..end]
            .iter()
            .map(|f| f.char)
            .eq(letters.iter().copied());
    (is_same && (letters.len() >= GLUED || ends_word(folded, end))).then_some(end)
}

fn fuzzy_end(folded: &[Folded], start: usize, letters: &[char]) -> Option<(usize, usize)> {
    let limit = letters.len() / LETTERS_PER_EDIT;
    if limit == 0 {
        return None;
    }
    // Short phrases with a letter too few or too many are too often other words.
    let stretch = if letters.len() < STRETCHED { 0 } else { limit };
    let shortest = start + letters.len() - stretch;
    let longest = (start + letters.len() + stretch).min(folded.len());
    let ends = (shortest..=longest).filter(|&end| {
        end <= folded.len()
            && ends_word(folded, end)
            && folded[start].segment == folded[end - 1].segment
    });
    ends.filter_map(|end| {
        let part: Vec<char> = folded[start..end].iter().map(|f| f.char).collect();
        Some((end, distance(&part, letters, limit)?))
    })
    .min_by_key(|&(_, edits)| edits)
}

#[cfg(test)]
mod tests {
    use super::{Kind, labels};
    use crate::document::lines::from_pages;
    use crate::document::testing::written;

    fn kinds(text: &str) -> Vec<Kind> {
        from_pages(&[written(&[text])])
            .iter()
            .flat_map(labels)
            .map(|hit| hit.meaning)
            .collect()
    }

    #[test]
    fn the_longest_phrase_wins() {
        assert_eq!(kinds("Sub Total 12.00"), [Kind::Subtotal]);
        assert_eq!(
            kinds("TOTAL (EXCLUDING GST) : 5.66"),
            [Kind::TotalBeforeTax]
        );
        assert_eq!(
            kinds("TOTAL SALES (INCLUSIVE OF GST) 599.45"),
            [Kind::GrandTotal]
        );
        assert_eq!(kinds("TOTAL QTY: 20"), [Kind::Other]);
    }

    #[test]
    fn glued_and_misread_labels_are_found() {
        assert_eq!(kinds("INVOICENO:CS-1"), [Kind::Number]);
        assert_eq!(kinds("T0TAL 5.00"), [Kind::Total]);
        assert_eq!(kinds("Rechnungsbetrog 5,00"), [Kind::GrandTotal]);
        assert_eq!(kinds("SUBTOTAI 5.00"), [Kind::Subtotal]);
    }

    #[test]
    fn a_label_inside_another_word_is_none() {
        assert!(kinds("Dateline Cashew").is_empty());
    }
}
