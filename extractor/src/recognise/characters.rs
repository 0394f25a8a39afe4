//! The recogniser's output to words: connectionist temporal classification with the place of each letter.

/// A word inside one line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    /// Columns of the output, from and to, where the word stands.
    pub(super) from: f32,
    pub(super) to: f32,
    /// Mean over its letters.
    pub(super) confidence: f32,
}

/// The classes of the recogniser after the blank.
pub(super) struct Alphabet(Vec<char>);

struct Letter {
    character: char,
    column: f32,
    confidence: f32,
}

impl Alphabet {
    /// One character per line, as `characters.txt` has them.
    pub(super) fn parse(text: &str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| line.chars().next())
                .collect(),
        )
    }

    /// Reads words from `output`, one row of class probabilities per column. `columns` is the part that shows the
    /// line, `wide_gap` how many columns without a letter part two words even when no space was seen.
    pub(super) fn words(&self, output: &[f32], columns: f32, wide_gap: f32) -> Vec<Span> {
        let letters = self.letters(output);
        let mut words = Vec::new();
        let mut current: Vec<&Letter> = Vec::new();
        for letter in &letters {
            let is_far = current
                .last()
                .is_some_and(|last| letter.column - last.column > wide_gap);
            if letter.character == ' ' || is_far {
                words.extend(span(&current, columns));
                current.clear();
            }
            if letter.character != ' ' {
                current.push(letter);
            }
        }
        words.extend(span(&current, columns));
        words
    }

    fn letters(&self, output: &[f32]) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut previous = 0;
        for (column, classes) in output.chunks_exact(self.0.len() + 1).enumerate() {
            let (class, confidence) = best(classes);
            if class != 0 && class != previous {
                letters.push(Letter {
                    character: self.0[class - 1],
                    column: column as f32 + 0.5,
                    confidence,
                });
            } else if class != 0
                && let Some(last) = letters.last_mut()
            {
                // The same letter over several columns stands in their middle.
                last.column += 0.5;
                last.confidence = last.confidence.max(confidence);
            }
            previous = class;
        }
        letters
    }
}

fn best(classes: &[f32]) -> (usize, f32) {
    let start = (0, f32::MIN);
    classes.iter().enumerate().fold(
        start,
        |best, (i, &p)| if p > best.1 { (i, p) } else { best },
    )
}

/// A letter is as wide as the distance to its neighbours; half of it stands out at both ends of the word.
fn span(letters: &[&Letter], columns: f32) -> Option<Span> {
    let (first, last) = (letters.first()?, letters.last()?);
    let count = letters.len() as f32;
    let pitch = if letters.len() > 1 {
        (last.column - first.column) / (count - 1.0)
    } else {
        2.5
    };
    let reach = (pitch * 0.5).clamp(0.5, 3.0);
    Some(Span {
        text: letters.iter().map(|l| l.character).collect(),
        from: (first.column - reach).max(0.0),
        to: (last.column + reach).min(columns),
        confidence: letters.iter().map(|l| l.confidence).sum::<f32>() / count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of one-hot probabilities; `_` is the blank.
    fn output(alphabet: &str, columns: &str) -> Vec<f32> {
        let classes: Vec<char> = std::iter::once('_').chain(alphabet.chars()).collect();
        columns
            .chars()
            .flat_map(|c| {
                classes
                    .iter()
                    .map(move |k| if *k == c { 0.9 } else { 0.0 })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn read(columns: &str) -> Vec<String> {
        let alphabet = Alphabet::parse("a\nb\n \n");
        alphabet
            .words(&output("ab ", columns), columns.len() as f32, 8.0)
            .into_iter()
            .map(|s| s.text)
            .collect()
    }

    #[test]
    fn repeats_collapse_and_blanks_part_doubles() {
        assert_eq!(read("_aa_b__bb_"), ["abb"]);
    }

    #[test]
    fn spaces_and_wide_gaps_part_words() {
        assert_eq!(read("ab_ _a"), ["ab", "a"]);
        assert_eq!(read("a__________b"), ["a", "b"]);
        assert!(read("____ ").is_empty());
    }

    #[test]
    fn words_know_where_they_stand() {
        let alphabet = Alphabet::parse("a\nb\n \n");
        let words = alphabet.words(&output("ab ", "____a_b_____"), 12.0, 8.0);
        assert_eq!((words[0].from, words[0].to), (3.5, 7.5));
        assert!((words[0].confidence - 0.9).abs() < 1e-6);
    }
}
