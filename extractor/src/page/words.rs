//! How much text a document may hold. Parent and child both count: the parent believes no child.

use super::{Reason, Refusal};
use crate::geometry::Page;

/// A page of small print has 2 000.
const PAGE_WORDS: usize = 10_000;
/// Of all pages.
const DOCUMENT_WORDS: usize = 200_000;
/// Of all words.
const DOCUMENT_TEXT_BYTES: usize = 4 << 20;

/// What the pages so far hold.
#[derive(Debug, Default)]
pub(crate) struct WordCount {
    words: usize,
    bytes: usize,
}

impl WordCount {
    /// Counts one more page.
    pub(crate) fn add(&mut self, page: &Page) -> Result<(), Refusal> {
        if page.words.len() > PAGE_WORDS {
            return Err(too_many(format!("A page has more than {PAGE_WORDS} words")));
        }
        self.words += page.words.len();
        if self.words > DOCUMENT_WORDS {
            return Err(too_many(format!(
                "The document has more than {DOCUMENT_WORDS} words"
            )));
        }
        self.bytes += page.words.iter().map(|word| word.text.len()).sum::<usize>();
        if self.bytes > DOCUMENT_TEXT_BYTES {
            return Err(too_many(format!(
                "The words of the document have more than {DOCUMENT_TEXT_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

fn too_many(what: String) -> Refusal {
    Refusal::new(Reason::TooManyWords, format!("{what}, which is the limit."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{BoundingBox, Word};

    fn page(words: usize, text: &str) -> Page {
        let word = Word {
            text: text.to_owned(),
            bounds: BoundingBox::default(),
            confidence: 1.0,
        };
        Page {
            number: 1,
            width: 1.0,
            height: 1.0,
            engine: "text_layer".to_owned(),
            words: vec![word; words],
        }
    }

    #[test]
    fn pages_documents_and_long_words_have_their_limits() {
        let mut count = WordCount::default();
        for _ in 0..DOCUMENT_WORDS / PAGE_WORDS {
            assert_eq!(count.add(&page(PAGE_WORDS, "a")), Ok(()));
        }
        let refusals = [
            count.add(&page(1, "a")),
            WordCount::default().add(&page(PAGE_WORDS + 1, "a")),
            WordCount::default().add(&page(1, &"a".repeat(DOCUMENT_TEXT_BYTES + 1))),
        ];
        for refusal in refusals {
            assert_eq!(refusal.unwrap_err().reason, Reason::TooManyWords);
        }
    }
}
