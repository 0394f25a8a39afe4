//! What names of companies look like, and what looks similar but is none.

use std::sync::LazyLock;

use regex::Regex;

/// Letters behind the name that say what kind of company it is.
pub(super) static LEGAL_FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:sdn\.? ?bhd|sdn|bhd|s/b|ltd|limited|plc|llp|llc|inc|corp|gmbh|ag|kg|ohg|e\.?k|eg|ug|s\.?a\.?r\.?l|s\.?a\.?s|s\.?l\.?u?|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|pty|pvt|enterprise|enterprises|trading|holdings|co\.)(?:\W|$)")
        .expect("the pattern is valid")
});
pub(super) static TRADE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:restaurant|restoran|kedai|syarikat|pasar|pasaraya|mart|market|supermarket|store|stores|shop|stationery|hardware|bakery|bakeries|cafe|café|bistro|pharmacy|clinic|hotel|station|books|services|handicraft|kopitiam|diner|grocers|motor|auto|electrical|perniagaan|marketing)\b")
        .expect("the pattern is valid")
});
pub(super) static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:no|lot|unit|suite|plot|level|block|blok|ground floor|p\.?o\.? box)\b[ .:]*[\dA-Z]|^pt ?\d|\b(?:jalan|jln|taman|tmn|street|road|avenue|lane|drive|rue|calle|avenida|strasse|straße|seksyen|sek|lorong|kampung|kawasan|selangor|johor|kuala lumpur|shah alam|malaysia)\b|\b\d{5}\b|^\d+[A-Z]?,? ")
        .expect("the pattern is valid")
});
pub(super) static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:thank|tq|welcome|please|selamat|terima kasih|original|customer|goods sold)",
    )
    .expect("the pattern is valid")
});
/// The register's number behind a name: `(519537-X)`, `Co. No. 123456`.
pub(super) static REGISTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[\s(\[]*(?:\(?co\.?|company|reg\.?|roc)?[\s.:]*(?:reg|no|id)?[\s.:#]*\d{4,}\s*-?\s*[A-Z0-9]{0,2}\s*[)\]]*\s*$").expect("the pattern is valid")
});

/// `S/B`, short for Sendirian Berhad, misread.
static SLASHED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[5S]/[8B]$").expect("the pattern is valid"));

/// What recognition makes of a logo before the name.
static LOGO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*[0O°●■▪©®]\s+").expect("the pattern is valid"));

/// Without the register's number and punctuation around.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace(['\t', '·', '•'], " ");
    let text = LOGO.replace(&text, "");
    let bare = REGISTER.replace(&text, "");
    let bare = if bare.trim().len() < 3 { &text } else { &bare };
    let bare = bare.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | ':' | '-' | '*' | '|' | '\'' | '"' | '_' | '='
            )
    });
    // What is left of a register's number behind an open bracket: `(Co`.
    match bare.rfind('(') {
        Some(at) if !bare[at..].contains(')') && at > 3 => bare[..at].trim_end().to_owned(),
        _ => SLASHED.replace(bare, "S/B").into_owned(),
    }
}
