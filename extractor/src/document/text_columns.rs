//! Where the columns with words begin: description and product code.

use std::ops::Range;

use super::lexicon::Column;
use super::reading::{Reading, Spot};
use super::table::Table;

/// Left edges of the text columns of a table, in widths of the page.
pub(super) struct TextColumns {
    item: Option<f32>,
    code: Option<f32>,
    /// Where the column behind the description begins.
    behind_item: f32,
    /// Where the column behind the product code begins.
    behind_code: f32,
}

/// Words start within so many heights of the text of where their column begins.
const SLACK: f32 = 1.2;

impl TextColumns {
    /// The description begins where most rows begin below its head: heads are centred at times, and beside the table
    /// there may be other text.
    pub(super) fn of(reading: &Reading<'_>, table: &Table, anchors: &[usize]) -> Self {
        let left_of = |column| {
            table
                .heads
                .iter()
                .find(|h| h.column == column)
                .map(|h| h.left)
        };
        let index = table.heads.iter().position(|h| h.column == Column::Item);
        let behind = |index: Option<usize>| {
            index
                .and_then(|i| table.heads.get(i + 1))
                .map_or(1.0, |next| next.left)
        };
        let behind_item = behind(index);
        let behind_code = behind(table.heads.iter().position(|h| h.column == Column::Code));
        let before_item = index
            .and_then(|i| i.checked_sub(1))
            .map_or(0.0, |i| table.heads[i].right);
        let item = left_of(Column::Item)
            .map(|head| begin_below(reading, anchors, head, before_item - 0.005..behind_item));
        Self {
            item,
            code: left_of(Column::Code),
            behind_item,
            behind_code,
        }
    }

    /// Whether something at `left` stands right of where the description begins.
    pub(super) fn is_behind_item(&self, left: f32) -> bool {
        self.item.is_some_and(|item| left > item)
    }

    /// Whether a segment that begins at `left` begins where descriptions do.
    pub(super) fn is_at_item(&self, left: f32, height: f32) -> bool {
        self.item
            .is_some_and(|item| (left - item).abs() < 2.0 * SLACK * height)
    }

    /// The text column of a word that begins at `left`, in a segment that begins at `begins`.
    pub(super) fn column_of(&self, begins: f32, left: f32, height: f32) -> Option<Column> {
        let slack = SLACK * height;
        let is_from = |edge: Option<f32>, at: f32| edge.is_some_and(|edge| at >= edge - slack);
        match (self.item, self.code) {
            // Code before description: a glued segment is divided where the description begins.
            (Some(item), Some(code)) if code < item => {
                if left >= item - slack {
                    (begins < self.behind_item).then_some(Column::Item)
                } else {
                    (is_from(self.code, begins)).then_some(Column::Code)
                }
            }
            // Description before code: a long description may reach below the head of the code.
            (Some(_), Some(code)) => {
                if left >= code - slack && begins >= code - 3.0 * slack {
                    (left < self.behind_code - 0.2 * height).then_some(Column::Code)
                } else {
                    is_from(self.item, begins).then_some(Column::Item)
                }
            }
            (Some(_), None) => {
                (is_from(self.item, begins) && begins < self.behind_item).then_some(Column::Item)
            }
            (None, Some(_)) => is_from(self.code, begins).then_some(Column::Code),
            (None, None) => None,
        }
    }
}

/// Left edge where most rows begin, among the segments within these edges; else that of the head.
fn begin_below(reading: &Reading<'_>, anchors: &[usize], head: f32, within: Range<f32>) -> f32 {
    let begins: Vec<f32> = anchors
        .iter()
        .flat_map(|&line| {
            let segments = reading.lines[line].segments();
            segments.map(move |range| reading.extent(&Spot { line, range }).0)
        })
        .filter(|left| *left > within.start && *left < within.end)
        .collect();
    let height = anchors
        .first()
        .map_or(0.01, |&line| reading.lines[line].height);
    let company = |left: f32| {
        begins
            .iter()
            .filter(|other| (*other - left).abs() < height)
            .count()
    };
    let most = begins.iter().copied().max_by(|a, b| {
        company(*a)
            .cmp(&company(*b))
            .then((b - head).abs().total_cmp(&(a - head).abs()))
    });
    most.filter(|left| company(*left) * 2 > anchors.len())
        .unwrap_or(head)
}
