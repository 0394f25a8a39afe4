//! Folding and fuzzy comparison of text, so that `Übertrag`, `UBERTRAG` and a misread `Ubertrog` are alike.

/// A character in lower case without accents; `None` for everything that is no letter or digit.
pub(super) fn fold(c: char) -> Option<char> {
    let lower = c.to_lowercase().next().unwrap_or(c);
    Some(match lower {
        'a'..='z' | '0'..='9' => lower,
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ß' | 'ś' | 'š' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        // The sign behind a French or Spanish "n": `n°`, `nº`.
        '°' | 'º' => 'o',
        other if other.is_alphanumeric() => other,
        _ => return None,
    })
}

/// Only letters and digits, folded.
pub(super) fn squeeze(text: &str) -> String {
    text.chars().filter_map(fold).collect()
}

/// Number of edits between two texts, or `None` when there are more than `limit`.
pub(super) fn distance(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        let mut best = row[0];
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
            best = best.min(row[j + 1]);
        }
        if best > limit {
            return None;
        }
    }
    row.last().copied().filter(|&edits| edits <= limit)
}

/// Share of letters among letters and digits, 0..=1; 0 when there are neither.
pub(super) fn letter_share(text: &str) -> f32 {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    if letters + digits == 0 {
        return 0.0;
    }
    letters as f32 / (letters + digits) as f32
}

#[cfg(test)]
mod tests {
    use super::{distance, letter_share, squeeze};

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn accents_case_and_punctuation_do_not_count() {
        assert_eq!(squeeze("Übertrag:"), "ubertrag");
        assert_eq!(squeeze("Facture n° "), "factureno");
    }

    #[test]
    fn edits_are_counted_up_to_the_limit() {
        assert_eq!(distance(&chars("total"), &chars("tota1"), 1), Some(1));
        assert_eq!(distance(&chars("subtotal"), &chars("subtota"), 1), Some(1));
        assert_eq!(distance(&chars("total"), &chars("betrag"), 2), None);
    }

    #[test]
    fn a_phone_number_has_few_letters() {
        assert!(letter_share("TEL 06-555 0118") < 0.4);
        assert!(letter_share("BRAMBLE & FINCH") > 0.9);
    }
}
