//! Pages of a list with a search in it: each row that has the words is met once, however many
//! have them, in each order, forwards and backwards.

use littoral::site::config::OpenTable;
use littoral::site::data_page::{Filter, List, Order};
use littoral::site::parameter::Given;
use littoral::store::StoreError;
use littoral::store::site_reads::{At, By, Chosen, Cursor, Open, Operator, SiteReads, Wanted};

use crate::shore::Shore;
use crate::{Test, tests};

pub fn all() -> Vec<(&'static str, Test)> {
    tests![
        a_word_is_found_however_many_rows_have_it,
        conditions_and_words_hold_together,
        a_page_that_is_too_long_is_left_and_the_next_question_is_answered,
    ]
}

const ROWS: i64 = 2_000;

/// What the row of a number has; `late` stands only where each order has its end.
fn words(id: i64) -> String {
    let mut words = format!("row{id}");
    for (word, every) in [("many", 2), ("some", 50), ("one", 1_999)] {
        if id % every == 0 {
            words.push_str(&format!(" {word}"));
        }
    }
    if id > ROWS - 30 {
        words.push_str(" late");
    }
    words
}

/// None for one in ten; each value a few times.
fn weight(id: i64) -> Option<i64> {
    (id % 10 != 3).then_some(id / 4)
}

async fn items(shore: &Shore) -> SiteReads {
    let store = shore.open();
    shore.execute("CREATE TABLE item (id int8 PRIMARY KEY, name text, land text, weight int8)");
    let rows = (1..=ROWS).map(|id| {
        let weight = weight(id).map_or("NULL".to_owned(), |weight| weight.to_string());
        format!("({id}, '{}', '{}', {weight})", words(id), if id % 3 == 0 { "pt" } else { "is" })
    });
    shore.execute(&format!("INSERT INTO item VALUES {}", rows.collect::<Vec<_>>().join(",")));
    let columns = ["id", "name", "land", "weight"].map(|name| name.parse().unwrap()).to_vec();
    let opened = OpenTable { columns, search: vec!["name".parse().unwrap()], ..OpenTable::default() };
    let open = Open::from([("item".parse().unwrap(), opened)]);
    store.site_reads(&open, &[list()]).await.unwrap()
}

fn list() -> List {
    List {
        table: "item".parse().unwrap(),
        columns: Vec::new(),
        fixed: [("land".parse().unwrap(), "land".to_owned())].into(),
        filters: [("weight".parse().unwrap(), Filter::Range)].into(),
        search: true,
        sort: [order("weight"), order("-weight")].to_vec(),
        per_page: 7,
    }
}

fn order(text: &str) -> Order {
    Order::try_from(text.to_owned()).unwrap()
}

fn wanted(q: &str, sort: Option<&str>) -> Wanted {
    Wanted {
        table: "item".parse().unwrap(),
        columns: vec!["id".parse().unwrap()],
        chosen: Vec::new(),
        search: Some(q.to_owned()),
        order: sort.map(order),
        rows: 7,
        at: At::First,
    }
}

/// The keys of each page, from the first to the last; and, from there, back.
async fn walk(reads: &SiteReads, mut wanted: Wanted) -> (Vec<i64>, Vec<i64>) {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut last = Vec::new();
    loop {
        let (keys, _, next) = page(reads, &wanted).await;
        there.extend(&keys);
        last = if keys.is_empty() { last } else { keys };
        match next {
            Some(cursor) => wanted.at = At::After(cursor),
            None => break,
        }
    }
    let (_, mut previous, _) = page(reads, &wanted).await;
    let mut pages = vec![last];
    while let Some(cursor) = previous {
        wanted.at = At::Before(cursor);
        let (keys, before, _) = page(reads, &wanted).await;
        pages.push(keys);
        previous = before;
    }
    pages.into_iter().rev().for_each(|page| back.extend(page));
    (there, back)
}

async fn page(reads: &SiteReads, wanted: &Wanted) -> (Vec<i64>, Option<Cursor>, Option<Cursor>) {
    let wanted = wanted.clone();
    let page = reads.ask(move |snapshot| snapshot.page(&wanted)).await.unwrap();
    (page.rows.iter().map(|row| row["id"].as_i64().unwrap()).collect(), page.previous, page.next)
}

/// Those that `holds` for, in the order; rows without a value last.
fn expected(sort: Option<&str>, holds: impl Fn(i64) -> bool) -> Vec<i64> {
    let mut ids: Vec<i64> = (1..=ROWS).filter(|id| holds(*id)).collect();
    match sort {
        None => {}
        Some("weight") => ids.sort_by_key(|id| (weight(*id).is_none(), weight(*id), *id)),
        Some(_) => {
            ids.sort_by_key(|id| (weight(*id).is_none(), std::cmp::Reverse(weight(*id)), std::cmp::Reverse(*id)))
        }
    }
    ids
}

pub async fn a_word_is_found_however_many_rows_have_it(shore: Shore) {
    let reads = items(&shore).await;
    for q in ["one", "some", "many", "late", "many late", "row1", "nobody"] {
        let all: Vec<&str> = q.split(' ').collect();
        let (last, before) = all.split_last().unwrap();
        let holds = |id: i64| {
            let words = words(id);
            before.iter().all(|word| words.split(' ').any(|known| known == *word))
                && words.split(' ').any(|known| known.starts_with(last))
        };
        for sort in [None, Some("weight"), Some("-weight")] {
            let expected = expected(sort, holds);
            let (there, back) = walk(&reads, wanted(q, sort)).await;
            assert_eq!(there, expected, "{q} {sort:?}");
            assert_eq!(back, expected, "{q} {sort:?}, backwards");
        }
    }
}

pub async fn conditions_and_words_hold_together(shore: Shore) {
    let reads = items(&shore).await;
    let chosen = |column: &str, operator, value, by| Chosen { column: column.parse().unwrap(), operator, value, by };
    for q in ["many", "some"] {
        for sort in [None, Some("weight"), Some("-weight")] {
            let mut wanted = wanted(q, sort);
            wanted.chosen = vec![
                chosen("land", Operator::Equals, Given::Text("pt".to_owned()), By::Page),
                chosen("weight", Operator::AtLeast, Given::Integer(100), By::Reader),
                chosen("weight", Operator::AtMost, Given::Integer(400), By::Reader),
            ];
            let expected = expected(sort, |id| {
                let is_between = weight(id).is_some_and(|weight| (100..=400).contains(&weight));
                id % 3 == 0 && is_between && words(id).split(' ').any(|word| word == q)
            });
            assert!(!expected.is_empty());
            let (there, back) = walk(&reads, wanted).await;
            assert_eq!(there, expected, "{q} {sort:?}");
            assert_eq!(back, expected, "{q} {sort:?}, backwards");
        }
    }
}

pub async fn a_page_that_is_too_long_is_left_and_the_next_question_is_answered(shore: Shore) {
    let reads = items(&shore).await;
    shore.execute(&format!("UPDATE item SET name = '{}' WHERE id <= 20", "many ".repeat(100_000)));
    let too_long =
        Wanted { columns: vec!["id".parse().unwrap(), "name".parse().unwrap()], rows: 20, ..wanted("many", None) };
    let without_words = Wanted { search: None, ..too_long.clone() };
    for wanted in [too_long, without_words] {
        let refused = reads.ask(move |snapshot| snapshot.page(&wanted)).await;
        assert!(matches!(refused, Err(StoreError::TooMuchRead { .. })), "{refused:?}");
    }
    let (keys, ..) = page(&reads, &wanted("late", None)).await;
    assert_eq!(keys.len(), 7);
}
