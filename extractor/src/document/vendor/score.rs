//! How much speaks for a name being the sender's: its words, its size, its place, and where else it stands.

use super::super::company::{ADDRESS, COURTESY, LEGAL_FORM, REGISTER, TRADE, clean};
use super::super::lexicon::Kind;
use super::super::reading::{Reading, Spot};
use super::super::text::{letter_share, squeeze};

/// What may be the name.
pub(super) struct Candidate {
    pub(super) spots: Vec<Spot>,
    pub(super) text: String,
    pub(super) height: f32,
    pub(super) score: f32,
}

impl Candidate {
    pub(super) fn of(reading: &Reading<'_>, spot: Spot) -> Self {
        let height = reading.lines[spot.line].height_of(&spot.range);
        Self {
            text: reading.raw(&spot).to_owned(),
            height,
            score: 0.0,
            spots: vec![spot],
        }
    }

    pub(super) fn add(&mut self, reading: &Reading<'_>, spot: Spot) {
        self.text = format!("{} {}", self.text, reading.raw(&spot));
        self.spots.push(spot);
    }
}

/// Median height of the lines of the first page.
pub(super) fn usual_height(reading: &Reading<'_>) -> f32 {
    let mut heights: Vec<f32> = reading
        .lines
        .iter()
        .filter(|l| l.page == 0)
        .map(|l| l.height)
        .collect();
    heights.sort_by(f32::total_cmp);
    heights.get(heights.len() / 2).copied().unwrap_or(0.01)
}

/// Above zero for what can be a name; `top` is the line of the first candidate.
pub(super) fn score(reading: &Reading<'_>, candidate: &Candidate, usual: f32, top: usize) -> f32 {
    let line = candidate.spots[0].line;
    let mut score = 2.0 - 0.3 * (line - top).min(12) as f32;
    score += if line == top { 0.4 } else { 0.0 };
    score += (1.6 * (candidate.height / usual - 1.0)).clamp(-0.5, 2.2);
    // A name after the title or the tax number is the owner, the customer or the bank.
    let is_late = (top + 1..line)
        .any(|i| reading.found[i].has(Kind::Title) || reading.found[i].has(Kind::TaxId));
    score -= if is_late { 1.5 } else { 0.0 };
    score + of_words(&candidate.text) + elsewhere(reading, &candidate.text, line)
}

/// What the words themselves say.
fn of_words(text: &str) -> f32 {
    let bare = REGISTER.replace(text, "");
    // Registered companies print their number behind the name.
    let is_registered = bare.len() < text.len() && letter_share(&bare) > 0.9 && bare.len() > 5;
    let (has_form, has_trade) = (LEGAL_FORM.is_match(text), TRADE.is_match(text));
    let mut score = match (has_form, has_trade) {
        (true, _) => 2.6,
        (false, true) => 0.5,
        (false, false) => 0.0,
    };
    score += if is_registered { 1.2 } else { 0.0 };
    if ADDRESS.is_match(&bare) && !is_registered {
        score -= if has_form || has_trade { 2.0 } else { 4.0 };
    }
    score -= if COURTESY.is_match(text) { 3.0 } else { 0.0 };
    score -= if text.chars().count() < 5 { 0.8 } else { 0.0 };
    // Names begin with capitals; what does not was written by hand or is a slogan.
    let has_capital = text.chars().any(|c| c.is_uppercase() || c.is_numeric());
    score - if has_capital { 0.0 } else { 2.5 }
}

/// What the rest of the document says: names come again, and in websites.
fn elsewhere(reading: &Reading<'_>, text: &str, line: usize) -> f32 {
    let key = squeeze(&clean(text));
    let again = reading
        .lines
        .iter()
        .enumerate()
        .filter(|(i, l)| *i != line && key.len() > 5 && squeeze(&l.text).contains(&key))
        .count();
    let is_domain = reading.lines.iter().any(|l| has_domain(&l.text, &key));
    0.7 * again.min(2) as f32 + if is_domain { 1.0 } else { 0.0 }
}

/// Whether a website or an address for mail on the line is named like this, e.g. `www.azure-interior.com`.
fn has_domain(text: &str, key: &str) -> bool {
    let mut hosts = text.split_whitespace().filter_map(|word| {
        let at = ["www.", "://", "@"].iter().find_map(|mark| {
            let start = word.find(mark)?;
            Some(start + mark.len())
        })?;
        word[at..].rsplit_once('.').map(|(name, _)| squeeze(name))
    });
    key.len() > 5 && hosts.any(|host| host.contains(key))
}
