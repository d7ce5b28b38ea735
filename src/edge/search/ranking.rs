//! The order of results: pages by their best section, each with its few best sections.
//!
//! An index has the sections of a page beside each other, so one walk over what matches
//! groups them, counts the pages exactly, and holds only those that will be shown.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use crate::site::search::Place;

/// How many sections of one page are shown.
pub(super) const SECTIONS_SHOWN: usize = 3;

/// Collects the best pages.
pub(super) struct BestPages {
    /// How many pages are kept.
    pub(super) kept: usize,
}

/// What matched.
pub(super) struct Ranked {
    /// How many pages.
    pub(super) total: usize,
    /// The best, in order.
    pub(super) pages: Vec<RankedPage>,
}

/// A page that matched.
#[derive(Debug)]
pub(super) struct RankedPage {
    /// By score, best first. In place, because one is made for each page that matches, and
    /// few of them are shown.
    sections: [(Score, DocAddress); SECTIONS_SHOWN],
    /// How many of them there are, one at least.
    count: usize,
    place: Place,
}

impl RankedPage {
    fn of(score: Score, section: DocAddress, place: Place) -> Self {
        Self { sections: [(score, section); SECTIONS_SHOWN], count: 1, place }
    }

    /// By score, best first; never empty.
    pub(super) fn sections(&self) -> &[(Score, DocAddress)] {
        &self.sections[..self.count]
    }

    fn add(&mut self, score: Score, section: DocAddress) {
        let before = self.sections().partition_point(|(other, _)| *other >= score);
        if before < SECTIONS_SHOWN {
            self.count = (self.count + 1).min(SECTIONS_SHOWN);
            self.sections[before..self.count].rotate_right(1);
            self.sections[before] = (score, section);
        }
    }

    fn score(&self) -> Score {
        self.sections[0].0
    }
}

/// Better is greater; among equals, what comes first in the site.
impl Ord for RankedPage {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score().total_cmp(&other.score()).then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for RankedPage {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RankedPage {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RankedPage {}

/// Collects from one segment.
pub(super) struct InSegment {
    segment: SegmentOrdinal,
    places: Arc<dyn ColumnValues<u64>>,
    kept: usize,
    total: usize,
    /// The page whose sections are coming.
    current: Option<RankedPage>,
    /// The worst on top, to be replaced.
    best: BinaryHeap<Reverse<RankedPage>>,
}

impl Collector for BestPages {
    type Fruit = Ranked;
    type Child = InSegment;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<InSegment> {
        Ok(InSegment {
            segment,
            places: reader.fast_fields().u64("place")?.first_or_default_col(0),
            kept: self.kept,
            total: 0,
            current: None,
            best: BinaryHeap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Ranked>) -> tantivy::Result<Ranked> {
        // The build merges an index to one segment; none when the site has no text.
        let total = fruits.iter().map(|ranked| ranked.total).sum();
        let mut pages: Vec<RankedPage> = fruits.into_iter().flat_map(|ranked| ranked.pages).collect();
        pages.sort_unstable_by(|a, b| b.cmp(a));
        pages.truncate(self.kept);
        Ok(Ranked { total, pages })
    }
}

impl SegmentCollector for InSegment {
    type Fruit = Ranked;

    fn collect(&mut self, doc: DocId, score: Score) {
        let place = Place::from_number(self.places.get_val(doc));
        let section = DocAddress::new(self.segment, doc);
        match &mut self.current {
            Some(page) if page.place.page() == place.page() => page.add(score, section),
            _ => {
                self.close_page();
                self.current = Some(RankedPage::of(score, section, place));
            }
        }
    }

    fn harvest(mut self) -> Ranked {
        self.close_page();
        Ranked { total: self.total, pages: self.best.into_iter().map(|Reverse(page)| page).collect() }
    }
}

impl InSegment {
    fn close_page(&mut self) {
        let Some(page) = self.current.take() else { return };
        self.total += 1;
        if self.best.len() < self.kept {
            self.best.push(Reverse(page));
        } else if let Some(mut worst) = self.best.peek_mut()
            && page > worst.0
        {
            worst.0 = page;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_best_sections_and_of_equals_the_first() {
        let address = |doc| DocAddress::new(0, doc);
        let mut page = RankedPage::of(2.0, address(0), Place::of(7, 0));
        for (doc, score) in [(1, 1.0), (2, 3.0), (3, 2.0), (4, 0.5), (5, 3.0)] {
            page.add(score, address(doc));
        }
        assert_eq!(page.sections(), [(3.0, address(2)), (3.0, address(5)), (2.0, address(0))]);
    }
}
