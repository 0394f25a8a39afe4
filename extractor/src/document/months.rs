//! Names of months in the languages that the lexicon knows, in full and short.

use super::text::{distance, squeeze};

const NAMES: [&str; 12] = [
    "january januar jaenner janner janvier enero januari gennaio janeiro",
    "february februar fevrier febrero februari febbraio fevereiro feb fev",
    "march maerz marz mars marzo maart marco mrz mrt mac",
    "april avril abril aprile apr avr abr",
    "may mai mayo mei maggio maio",
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho jul juil julai",
    "august aout agosto augustus aug ago ogos",
    "september septembre septiembre settembre setembro sept sep set",
    "october oktober octobre octubre ottobre outubro oct okt",
    "november novembre noviembre novembro nov",
    "december dezember decembre diciembre dicembre dezembro dec dez dic dis",
];

/// The month, 1..=12, of a name in any of the languages, an abbreviation, or a long name with one misread letter.
pub(super) fn month_of(name: &str) -> Option<u8> {
    let name = squeeze(name);
    if name.len() < 3 {
        return None;
    }
    let position = |matches: &dyn Fn(&str) -> bool| {
        let index = NAMES
            .iter()
            .position(|names| names.split(' ').any(matches))?;
        u8::try_from(index + 1).ok()
    };
    position(&|known| known == name)
        .or_else(|| position(&|known| name.len() == 3 && known.starts_with(&name)))
        .or_else(|| {
            let letters: Vec<char> = name.chars().collect();
            position(&|known| {
                letters.len() >= 5
                    && distance(&letters, &known.chars().collect::<Vec<_>>(), 1).is_some()
            })
        })
}

#[cfg(test)]
mod tests {
    use super::month_of;

    #[test]
    fn names_short_forms_and_slips_are_understood() {
        for (name, month) in [
            ("MAR", 3),
            ("Mär", 3),
            ("février", 2),
            ("diciembre", 12),
            ("Okt", 10),
            ("Septembar", 9),
            ("août", 8),
        ] {
            assert_eq!(month_of(name), Some(month), "{name}");
        }
        assert_eq!(month_of("invoice"), None);
    }
}
