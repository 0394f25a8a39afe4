//! Chooses the date of issue and the due date among the dates of a document.

use super::dates::PrintedDate;
use super::lexicon::Kind;
use super::reading::{Reading, Spot};

/// A chosen date.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dated {
    pub(super) iso: String,
    pub(super) spot: Spot,
    /// How sure it is that this date was meant, 0..=1.
    pub(super) likeness: f32,
}

/// How far below its label a date may stand, in heights of the label.
const BELOW: f32 = 2.6;

/// The date of issue, then the due date.
pub(super) fn dates(reading: &Reading<'_>) -> (Option<Dated>, Option<Dated>) {
    let due = labelled(reading, Kind::Due);
    let original = labelled(reading, Kind::Original);
    let is_taken = |spot: &Spot| {
        [&due, &original]
            .into_iter()
            .flatten()
            .any(|d| d.spot == *spot)
    };
    let issued = labelled(reading, Kind::Date)
        .filter(|d| !is_taken(&d.spot))
        .or_else(|| unlabelled(reading, is_taken));
    (issued, due)
}

/// The first date beside a label of this kind, else the first one below such a label.
fn labelled(reading: &Reading<'_>, kind: Kind) -> Option<Dated> {
    let hits = || {
        reading
            .found
            .iter()
            .enumerate()
            .flat_map(move |(line, found)| {
                found
                    .labels
                    .iter()
                    .filter(move |l| l.meaning == kind)
                    .map(move |l| (line, l))
            })
    };
    let beside = hits().find_map(|(line, hit)| {
        let found = &reading.found[line];
        let end = found
            .labels
            .iter()
            .find(|l| l.range.start >= hit.range.end && is_date_kind(l.meaning))
            .map_or(usize::MAX, |l| l.range.start);
        let date = found
            .dates
            .iter()
            .find(|d| d.range.start >= hit.range.end && d.range.end <= end)?;
        dated(reading, line, date, 0.97 - 0.1 * hit.edits as f32)
    });
    beside.or_else(|| {
        hits().find_map(|(line, hit)| {
            let range = hit.range.clone();
            beneath(reading, &Spot { line, range })
        })
    })
}

/// The first date below a label, in its column.
fn beneath(reading: &Reading<'_>, label: &Spot) -> Option<Dated> {
    reading.below(label.line, BELOW).find_map(|line| {
        let in_column = |d: &&PrintedDate| {
            let range = d.range.clone();
            reading.is_same_column(label, &Spot { line, range })
        };
        let date = reading.found[line].dates.iter().find(in_column)?;
        dated(reading, line, date, 0.93)
    })
}

fn is_date_kind(kind: Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Due | Kind::Original)
}

/// Without a label: the first date with a full year, else the first one.
fn unlabelled(reading: &Reading<'_>, is_taken: impl Fn(&Spot) -> bool) -> Option<Dated> {
    let all = || {
        let dates = reading
            .found
            .iter()
            .enumerate()
            .flat_map(|(line, found)| found.dates.iter().map(move |d| (line, d)));
        dates.filter(|(line, d)| {
            !is_taken(&Spot {
                line: *line,
                range: d.range.clone(),
            })
        })
    };
    let sure = all().find(|(_, d)| d.has_century).or_else(|| all().next());
    sure.and_then(|(line, date)| {
        dated(
            reading,
            line,
            date,
            if date.has_century { 0.88 } else { 0.8 },
        )
    })
}

fn dated(reading: &Reading<'_>, line: usize, date: &PrintedDate, likeness: f32) -> Option<Dated> {
    // A numeric date whose order was guessed from the country is a little less sure.
    let likeness = if date.is_unambiguous() {
        likeness
    } else {
        likeness - 0.03
    };
    Some(Dated {
        iso: date.iso(reading.order)?,
        spot: Spot {
            line,
            range: date.range.clone(),
        },
        likeness,
    })
}

#[cfg(test)]
mod tests {
    use super::dates;
    use crate::document::reading::Reading;
    use crate::document::testing::written;

    fn found(lines: &[&str]) -> (Option<String>, Option<String>) {
        let pages = [written(lines)];
        let (issued, due) = dates(&Reading::of(&pages));
        (issued.map(|d| d.iso), due.map(|d| d.iso))
    }

    #[test]
    fn labels_tell_the_dates_apart_beside_and_below() {
        let beside = found(&["Due date: 13/04/2026", "Invoice date: 14/03/2026"]);
        assert_eq!(
            beside,
            (Some("2026-03-14".to_owned()), Some("2026-04-13".to_owned()))
        );
        let below = found(&["Invoice date|Due date", "14/03/2026|13/04/2026"]);
        assert_eq!(below, beside);
    }

    #[test]
    fn a_day_above_twelve_anywhere_decides_the_order() {
        let (issued, _) = found(&["Date: 03/04/2026", "Due date: 03/24/2026"]);
        assert_eq!(issued.as_deref(), Some("2026-03-04"));
    }

    #[test]
    fn an_american_address_means_month_first() {
        assert_eq!(
            found(&["Austin, TX 78701", "Date: 03/04/2026"])
                .0
                .as_deref(),
            Some("2026-03-04")
        );
        assert_eq!(
            found(&["Leeds LS9 8QR", "Date: 03/04/2026"]).0.as_deref(),
            Some("2026-04-03")
        );
    }
}
